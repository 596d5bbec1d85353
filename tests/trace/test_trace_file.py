"""Traces come back from a file bit for bit, and a file is written whole or not at all."""

from __future__ import annotations

import json
import os
import struct
from functools import reduce
from operator import xor
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trace_strategies import NestedModel, traces

import vizkit
from vizkit.errors import OutputError, TraceFileError
from vizkit.trace import Keep, LossEvent, ModelDescription, Node, Trace, load, record, samples
from vizkit.trace.recorder import Recorder
from vizkit.trace.rows import page_checksums


def bits(value):
    """A field of an event as plain values that compare bit for bit; written without the package's own comparison."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, float):
        return value.hex()
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return [bits(entry) for entry in value]
    return [(name, bits(entry)) for name, entry in value.items()]


def content(trace):
    """All that a trace holds, as plain values."""
    rows = [
        (type(event).__name__, event.step, event.node, [bits(getattr(event, name)) for name in event.__slots__[2:]])
        for event in trace.events()
    ]
    epochs = [[(name, value.hex()) for name, value in logs.items()] for logs in trace.epochs]
    return trace.model, trace.nodes, trace.steps, trace.nbytes, rows, epochs


@settings(max_examples=150)
@given(traces(), st.sampled_from([0, 64, 1 << 20]))
def test_what_is_saved_is_loaded(tmp_path_factory, trace, block_bytes):
    path = tmp_path_factory.getbasetemp() / "round.vkt"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vizkit.trace.file.BLOCK_BYTES", block_bytes)
        trace.save(path)
    loaded = load(path)
    assert content(loaded) == content(trace)
    assert loaded.equals(trace) and trace.equals(loaded) and loaded.complete


@settings(max_examples=50)
@given(traces())
def test_the_same_trace_gives_the_same_bytes_also_after_loading(tmp_path_factory, trace):
    folder = tmp_path_factory.getbasetemp()
    first = trace.save(folder / "first.vkt").read_bytes()
    assert trace.save(folder / "second.vkt").read_bytes() == first
    assert load(folder / "first.vkt").save(folder / "third.vkt").read_bytes() == first


def test_a_trace_of_a_description_alone_is_whole(tmp_path):
    trace = Trace(samples.tiny_trace().model)
    back = load(trace.save(tmp_path / "run.vkt"))
    assert back.equals(trace) and back.complete and len(back) == 0
    assert [layer.name for layer in back.layers] == [node.name for node in trace.nodes] == ["dense"]


def test_equality_sees_one_bit(tmp_path):
    def trace_with(value, array, name="a"):
        recorder = Recorder(Trace(ModelDescription("m")), Keep())
        recorder.loss(0, Node(0, name, "loss"), array, array, value, array)
        return recorder.trace

    one = np.array([0.0, np.nan])
    assert trace_with(1.0, one).equals(trace_with(1.0, one.copy()))
    for other in (
        trace_with(np.nextafter(1.0, 2), one),
        trace_with(1.0, np.array([-0.0, np.nan])),
        trace_with(1.0, one.astype("f4")),
        trace_with(1.0, one.reshape(1, 2)),
        trace_with(1.0, one, name="b"),
        Trace(ModelDescription("m")),
    ):
        assert not trace_with(1.0, one).equals(other)


def test_loaded_arrays_are_read_only_and_fit_events(tmp_path):
    loaded = load(samples.tiny_trace().save(tmp_path / "run.vkt"))
    for event in loaded.events("loss"):
        assert isinstance(event, LossEvent) and isinstance(event.value, float)
        assert not event.prediction.flags.writeable and not event.samples.flags.writeable
        with pytest.raises(ValueError, match="WRITEABLE"):
            event.prediction.flags.writeable = True


def test_steps_of_one_layout_share_a_block_until_it_is_full(tmp_path, monkeypatch):
    few = samples.tiny_trace(steps=50).save(tmp_path / "few.vkt").stat().st_size
    monkeypatch.setattr("vizkit.trace.file.BLOCK_BYTES", 0)
    many = samples.tiny_trace(steps=50).save(tmp_path / "many.vkt").stat().st_size
    assert few < 50 * 300 < many  # the arrays of one step take 216 bytes


def test_the_layout_of_the_file_is_the_one_that_is_written_down(tmp_path):
    """Read a file by schema.md alone: struct, json, zlib."""
    raw = samples.tiny_trace().save(tmp_path / "run.vkt").read_bytes()
    assert raw[:8] == b"\x89VKT\r\n\x1a\n" and struct.unpack("<HH", raw[8:12]) == (2, 0)
    assert struct.unpack("<I", raw[12:16]) == (crc32(raw[:12]),)
    position, chunks = 16, {}
    while position < len(raw):
        kind, meta, data, meta_crc, frame_crc = struct.unpack("<4sIQII", raw[position : position + 24])
        assert crc32(raw[position : position + 20]) == frame_crc and position % 8 == meta % 8 == data % 8 == 0
        text = raw[position + 24 : position + 24 + meta]
        assert crc32(text) == meta_crc
        body = raw[position + 24 + meta : position + 24 + meta + data]
        chunks[kind.decode()] = (position, json.loads(text), body)
        position += 24 + meta + data
    assert list(chunks) == ["NODE", "MODL", "FORM", "ROWS", "DONE"]
    _, form, _ = chunks["FORM"]
    entry = form["events"][0]["parameters"]["kernel"]
    assert entry["dtype"] == "f8" and entry["shape"] == [1, 1]
    _, rows, data = chunks["ROWS"]
    stride = 16 + -(-form["bytes"] // 8) * 8
    assert rows == {"form": form["form"], "rows": 3} and len(data) == 3 * stride
    for step, kernel in enumerate((1.0, 2.0, 2.140625)):
        row = data[step * stride : (step + 1) * stride]
        assert struct.unpack("<IIq", row[:16]) == (crc32(row[4:]), 0, step)
        assert struct.unpack_from("<d", row, 16 + entry["at"]) == (kernel,)
    done_at, done, last = chunks["DONE"]
    assert struct.unpack("<Q", raw[-8:]) == (done_at,) and done["events"] == 15 and done["complete"] is True
    assert struct.unpack("<6q", last[:48]) == (chunks["ROWS"][0], form["form"], 3, 0, 2, 1)
    assert done["index"]["crc"] == crc32(last[:48])
    assert done["chunks"] == [chunks[kind][0] for kind in ("NODE", "MODL", "FORM")]


def checksum(page):
    """A page's checksum as schema.md says, in plain Python."""
    words = struct.unpack("<4096Q", page.ljust(32768, b"\0"))
    sums = [sum(words[column::64]) % 2**64 for column in range(64)]
    parities = [reduce(xor, words[64 * row : 64 * row + 64]) for row in range(64)]
    return crc32(struct.pack("<128Q", *sums, *parities))


def test_a_row_of_many_pages_has_a_checksum_for_each(tmp_path):
    recorder = Recorder(Trace(ModelDescription("m")), Keep())
    recorder.forward(5, Node(0, "n", "Dense"), (), np.random.default_rng(0).normal(size=10_001), {})
    raw = recorder.trace.save(tmp_path / "run.vkt").read_bytes()
    at = raw.index(b"ROWS")
    at += 24 + struct.unpack_from("<I", raw, at + 4)[0]
    first, _, step, *pages = struct.unpack_from("<IIqIII", raw, at)
    row = raw[at : at + 32 + 80_008]
    assert step == 5 and first == crc32(row[4:32])
    assert pages == [checksum(row[32 + begin : 32 + begin + 32768]) for begin in (0, 32768, 65536)]


@given(st.data())
def test_a_changed_page_has_another_checksum(data):
    page = bytearray(data.draw(st.integers(0, 2**32)).to_bytes(8, "little") * 4096)
    page[: 8 * 40] = data.draw(st.binary(min_size=320, max_size=320))
    before = page_checksums(memoryview(bytes(page)))
    change = data.draw(st.sampled_from(["bit", "word", "swap", "shift"]))
    one, two = (8 * data.draw(st.integers(0, 4095)) for _ in range(2))
    changed = bytearray(page)
    if change == "bit":
        changed[one] ^= 1 << data.draw(st.integers(0, 7))
    elif change == "word":
        changed[one : one + 8] = data.draw(st.binary(min_size=8, max_size=8))
    elif change == "swap":
        changed[one : one + 8], changed[two : two + 8] = page[two : two + 8], page[one : one + 8]
    else:
        changed = changed[512:] + changed[:512]
    assert (page_checksums(memoryview(bytes(changed))) == before) == (changed == page)


def test_the_facade_loads(tmp_path):
    path = samples.tiny_trace().save(str(tmp_path / "run.vkt"))
    assert isinstance(path, Path) and vizkit.load(str(path)).equals(samples.tiny_trace())


def test_nested_layers_and_operations_come_back(tmp_path):
    model = NestedModel()
    with record(model, Keep(levels=("layer", "op"))) as trace:
        model.train(3)
    assert content(load(trace.save(tmp_path / "run.vkt"))) == content(trace)


# Writing: whole or not at all


def test_a_missing_folder_and_a_folder_as_target_are_refused(tmp_path):
    trace = samples.tiny_trace()
    with pytest.raises(OutputError, match="no_such_folder"):
        trace.save(tmp_path / "no_such_folder" / "run.vkt")
    (tmp_path / "folder.vkt").mkdir()
    with pytest.raises(OutputError, match=r"folder\.vkt"):
        trace.save(tmp_path / "folder.vkt")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.vkt"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_folder_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="Permission denied"):
        samples.tiny_trace().save(tmp_path / "run.vkt")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_one_clear_error(tmp_path, monkeypatch):
    path = samples.tiny_trace(steps=1).save(tmp_path / "run.vkt")
    before = path.read_bytes()
    open_file = Path.open
    monkeypatch.setattr(
        Path,
        "open",
        lambda self, mode="r": open_file(Path("/dev/full"), "wb") if "x" in mode else open_file(self, mode),
    )
    with pytest.raises(OutputError, match="No space left"):
        samples.tiny_trace(steps=2).save(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError("broken")])
def test_what_was_there_is_untouched_when_saving_fails(tmp_path, monkeypatch, error):
    path = samples.tiny_trace(steps=1).save(tmp_path / "run.vkt")
    before = path.read_bytes()

    def fail(*arguments):
        raise error

    monkeypatch.setattr("vizkit.trace.file.ChunkWriter.done", fail)
    with pytest.raises((KeyboardInterrupt, OutputError)):
        samples.tiny_trace(steps=2).save(path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_a_missing_file_or_a_folder_is_no_trace(tmp_path):
    for path in (tmp_path / "none.vkt", tmp_path):
        with pytest.raises(TraceFileError, match=path.name):
            load(path)
