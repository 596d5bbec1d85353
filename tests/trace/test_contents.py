"""What a file is said to hold, and that a check of every byte finds what is damaged."""

from __future__ import annotations

import pytest
from trace_strategies import NestedModel

from vizkit.errors import TraceFileError, TraceVersionError
from vizkit.trace import Keep, record, samples
from vizkit.trace.contents import look_into


def test_what_is_in_a_whole_file(tmp_path):
    model = NestedModel()
    with record(model, Keep(levels=("layer", "op")), path=tmp_path / "run.vkt") as trace:
        model.train(5)
        model.recorder.epoch(0, {"loss": 1.0})
        model.recorder.missing("dense", "backward", "not there")
    for verify in (False, True):
        found = look_into(tmp_path / "run.vkt", verify=verify)
        assert found.faults == () and found.rows == (6 if verify else None)
        assert found.trace.complete and found.trace.equals(trace) and found.trace.missing() == trace.missing()
        assert found.nbytes == (tmp_path / "run.vkt").stat().st_size
        told = [(kind, node) for kind, node, _, _ in model.told]
        for share in found.shares:
            assert share.events == told.count((share.kind, share.node))
        assert sum(share.nbytes for share in found.shares) == trace.nbytes
        assert sum(share.events for share in found.shares) == len(trace)


def test_an_unfinished_and_a_damaged_file(tmp_path):
    path, model = tmp_path / "run.vkt", samples.TinyModel()
    with record(model, path=path):
        model.train(20)
        growing = look_into(path)
    assert len(growing.trace.steps) == 19 and not growing.trace.complete
    assert len(growing.faults) == 1 and "last complete step is 18" in growing.faults[0]
    raw = bytearray(path.read_bytes())
    at = raw.index(b"ROWS")
    for row in (3, 7):
        raw[at + 400 + 300 * row] ^= 4
    path.write_bytes(raw)
    assert look_into(path).faults == ()  # nothing of the rows was looked at
    found = look_into(path, verify=True)
    assert len(found.faults) == 2 and all(f"byte {at} (ROWS)" in fault for fault in found.faults)
    assert len(found.trace.steps) == 18


def test_what_is_no_trace(tmp_path):
    (tmp_path / "no.vkt").write_bytes(b"PK")
    with pytest.raises(TraceFileError, match="not a trace"):
        look_into(tmp_path / "no.vkt")
    with pytest.raises(TraceFileError, match="gone"):
        look_into(tmp_path / "gone.vkt", verify=True)
    raw = bytearray(samples.tiny_trace().save(tmp_path / "new.vkt").read_bytes())
    from file_pieces import header

    (tmp_path / "new.vkt").write_bytes(header(3) + raw[16:])
    with pytest.raises(TraceVersionError):
        look_into(tmp_path / "new.vkt", verify=True)
