"""Writers that are killed, and full disks: every step that had ended is there, and nothing that was not told."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from file_pieces import chunks_of
from test_trace_file import content
from trace_strategies import NestedModel

from vizkit.errors import OutputError, TraceFileError
from vizkit.trace import Keep, Node, load, record, samples
from vizkit.trace.stream import FileStore

MOMENTS = 200


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that can be forked and killed")
def test_writers_killed_at_200_random_moments_and_writers_whose_disk_is_full(tmp_path):
    script = Path(__file__).with_name("crash_runs.py")
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), str(MOMENTS)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found["killed"]) == MOMENTS and len(found["full"]) == 18
    # the moments were of all kinds: before the first step, and after many
    assert min(found["killed"]) == 0 and max(found["killed"]) > 20 and max(found["full"]) > 20


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A file as it is left by a writer that was stopped: rows in places that were made for more of them."""
    path = tmp_path_factory.mktemp("stopped") / "run.vkt"
    model = NestedModel()
    with record(model, Keep(levels=("layer", "op")), path=path) as trace:
        model.train(6)
        model.recorder.epoch(0, {"loss": 1.0})
        stopped = path.read_bytes()
        whole = content(trace)
    return path, stopped, whole


@pytest.mark.parametrize("finished", [False, True])
def test_a_file_cut_at_every_byte_of_its_last_rows_has_every_row_before_the_cut(tmp_path, finished):
    path, cut, model = tmp_path / "run.vkt", tmp_path / "cut.vkt", samples.TinyModel()
    with record(model, path=path) as trace:
        model.train(6)
        model._recorder.end(5)
        raw, whole = path.read_bytes(), content(trace)[4]
    raw = trace.save(path).read_bytes() if finished else raw
    begin, stop = next((at, end) for kind, at, end in chunks_of(raw) if kind == "ROWS")
    begin += 24 + int.from_bytes(raw[begin + 4 : begin + 8], "little")
    (form,) = trace.log.blocks()
    stride = form.stride
    for length in range(begin, min(stop, begin + 6 * stride + 9)):
        cut.write_bytes(raw[:length])
        rest = load(cut, partial=True)
        count = min((length - begin) // stride, 6)
        assert rest.steps == tuple(range(count)) and not rest.complete
        assert content(rest)[4] == whole[: 5 * count]


@pytest.mark.parametrize("seed", range(4))
def test_bits_flipped_in_a_finished_and_in_a_stopped_file(recorded, tmp_path, seed):
    """Whatever bit is wrong: what is read is what was written, and what is not read is named."""
    path, stopped, whole = recorded
    chance, damaged = random.Random(seed), tmp_path / "bits.vkt"
    for raw in (path.read_bytes(), stopped):
        for _ in range(60):
            changed = bytearray(raw)
            position = chance.randrange(16, len(raw))
            changed[position] ^= 1 << chance.randrange(8)
            damaged.write_bytes(changed)
            rest = load(damaged, partial=True)
            rows = content(rest)[4]
            assert all(row in whole[4] for row in rows)
            if rest.complete:  # a bit in room that was made and never used
                assert rows == whole[4] and raw[position] == 0
            elif len(rows) < len(whole[4]):
                assert any(
                    "bits.vkt is damaged" in missing.reason or "cut off" in missing.reason for missing in rest.missing()
                )


def test_a_file_that_cannot_be_begun_holds_no_steps_to_read(tmp_path):
    path = tmp_path / "nowhere" / "run.vkt"
    with pytest.raises(OutputError, match=r"run\.vkt' cannot be written: No such file or directory\.$"):
        record(samples.TinyModel(), path=path).__enter__()


def test_a_disk_that_fails_names_the_file_and_what_is_in_it(tmp_path, monkeypatch):
    path, model = tmp_path / "run.vkt", samples.TinyModel()
    node = Node(0, "dense", "Dense")

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    said = r"run\.vkt.*No space left on device.*3 complete steps are in it"
    with pytest.raises(OutputError, match=said), record(model, Keep(), path=path):
        recorder = model._recorder
        for step in range(3):
            recorder.forward(step, node, (), np.full(100_000, step), {})
            recorder.end(step)
        monkeypatch.setattr("vizkit.trace.stream.ChunkWriter._append", fail)
        recorder.forward(3, node, (), np.full(100_000, 3), {})
        recorder.end(3)
    monkeypatch.undo()
    with pytest.raises(TraceFileError, match="last complete step is 2"):
        load(path)
    assert load(path, partial=True).steps == (0, 1, 2)


def test_a_store_that_failed_is_not_written_any_more(tmp_path, monkeypatch):
    with record(samples.TinyModel(), path=tmp_path / "run.vkt") as trace:
        pass
    store = FileStore(tmp_path / "other.vkt", trace.log)
    with monkeypatch.context() as patch, pytest.raises(OutputError, match="broken"):
        patch.setattr(
            "vizkit.trace.stream.ChunkWriter.chunk", lambda *arguments: (_ for _ in ()).throw(OSError("broken"))
        )
        store.describe(trace.model)
    with pytest.raises(OutputError, match="not written any more"):
        store.describe(trace.model)
    store.close()
    assert load(tmp_path / "other.vkt", partial=True).steps == ()
