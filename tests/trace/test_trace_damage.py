"""Files that are cut, damaged or newer."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from file_pieces import chunk, chunks_of, header
from hypothesis import given, settings
from hypothesis import strategies as st
from test_trace_file import content

from vizkit.errors import TraceFileError, TraceVersionError, TruncatedTraceError
from vizkit.trace import load, samples


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A file of three blocks of one step each, with an epoch, and its trace."""
    model = samples.TinyModel()
    from vizkit.trace import Keep, record

    with record(model, Keep(kinds=("loss", "update"))) as trace:
        model.train(3)
        model._recorder.epoch(0, {"loss": 0.25})
    monkeypatch.setattr("vizkit.trace.file.BLOCK_BYTES", 0)
    return trace.save(tmp_path / "small.vkt"), trace


def test_a_file_cut_at_any_byte_names_the_last_complete_step(small):
    path, trace = small
    raw = path.read_bytes()
    ends = [end for kind, _, end in chunks_of(raw) if kind == "ROWS"][:3]  # the fourth one holds the epoch
    assert len(ends) == 3
    for length in range(len(raw)):
        path.write_bytes(raw[:length])
        complete = sum(end <= length for end in ends)
        with pytest.raises(TraceFileError) as caught:
            load(path)
        if length:
            assert type(caught.value) is TruncatedTraceError
            said = f"last complete step is {complete - 1}" if complete else "no complete step"
            assert said in str(caught.value) and "small.vkt" in str(caught.value)
    path.write_bytes(raw)
    assert load(path).equals(trace)


def test_partial_reading_gives_exactly_the_steps_before_the_cut(small):
    path, trace = small
    raw = path.read_bytes()
    whole = content(trace)[4]
    for kind, begin, end in chunks_of(raw):
        for length in (begin, begin + 7, end - 1):
            path.write_bytes(raw[:length])
            rest = load(path, partial=True)
            assert not rest.complete and content(rest)[4] == whole[: len(rest)]
            complete = min(sum(k == "ROWS" and e <= length for k, _, e in chunks_of(raw)), 3)
            assert rest.steps == tuple(range(complete)), kind
    path.write_bytes(raw[:9])
    with pytest.raises(TruncatedTraceError):
        load(path, partial=True)


def test_an_incomplete_trace_stays_incomplete_when_saved_again(small):
    path, _ = small
    path.write_bytes(path.read_bytes()[:-20])
    rest = load(path, partial=True)
    again = load(rest.save(path))
    assert not again.complete and again.equals(rest) and "incomplete" in repr(again)


@pytest.mark.parametrize("change", [0x01, 0xFF])
def test_every_changed_byte_is_found_or_harmless(small, change):
    path, trace = small
    raw = bytearray(path.read_bytes())
    regions = [("header", 0, 16), *chunks_of(raw)]
    found = 0
    for kind, begin, end in regions:
        for position in range(begin, end):
            raw[position] ^= change
            path.write_bytes(raw)
            raw[position] ^= change
            try:
                assert load(path).equals(trace)
            except TraceFileError as error:
                found += 1
                named = (
                    "header" in str(error)
                    or "not a trace" in str(error)
                    or f"the chunk at byte {begin} (" in str(error)
                )
                # where the last eight bytes do not point to the end, it is found by reading the whole file
                assert named, (kind, position, str(error))
            with suppress(TraceFileError):
                whole = content(trace)[4]
                assert all(row in whole for row in content(load(path, partial=True))[4])
    assert found == len(raw)  # this file has no bytes that fill up


@settings(max_examples=300)
@given(st.data())
def test_arbitrary_changes_never_escape_the_error_tree(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "fuzz.vkt"
    raw = bytearray(samples.tiny_trace(steps=2).save(path).read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        begin, length = data.draw(st.integers(0, len(raw))), data.draw(st.integers(0, 40))
        raw[begin : begin + length] = data.draw(st.binary(max_size=40))
    path.write_bytes(raw)
    try:
        assert load(path).equals(samples.tiny_trace(steps=2))
    except TraceFileError as error:
        assert "fuzz.vkt" in str(error)


@pytest.mark.parametrize("raw", [b"", b"PK\x03\x04", b"\x89PNG\r\n\x1a\n" + b"0" * 50, b"\x89VKT\n\x1a\n", b"\0" * 100])
def test_other_files_are_no_traces(tmp_path, raw):
    (tmp_path / "other.vkt").write_bytes(raw)
    with pytest.raises(TraceFileError, match=r"other\.vkt is not a trace"):
        load(tmp_path / "other.vkt")


def test_versions(small):
    path, trace = small
    raw = path.read_bytes()

    def as_version(major, minor):
        path.write_bytes(header(major, minor) + raw[16:])
        return path

    assert load(as_version(2, 9)).equals(trace)
    for partial in (False, True):
        with pytest.raises(TraceVersionError, match=r"version 3\.0.*Update vizkit"):
            load(as_version(3, 0), partial=partial)
    with pytest.raises(TraceFileError, match=r"0\.9"):
        load(as_version(0, 9))


def test_chunks_and_keys_of_a_newer_minor_version_are_skipped(small):
    path, trace = small
    extra = chunk("STAT", {"moments": 1}, np.arange(3.0).tobytes())
    raw = path.read_bytes()
    *_, (_, done, _) = chunks_of(raw)
    tail = bytearray(raw[done:])
    tail[-8:] = (done + len(extra)).to_bytes(8, "little")
    path.write_bytes(raw[:done] + extra + bytes(tail))
    assert load(path).equals(trace) and content(load(path, partial=True))[4] == content(trace)[4]


def test_a_missing_or_doubled_chunk_is_found(small):
    path, trace = small
    raw = path.read_bytes()
    steps = [(begin, end) for kind, begin, end in chunks_of(raw) if kind == "ROWS"]
    begin, end = steps[1]
    for changed in (raw[:begin] + raw[end:], raw[:end] + raw[begin:], raw + raw[begin:end]):
        path.write_bytes(changed)
        with pytest.raises(TraceFileError, match="damaged"):
            load(path).equals(trace)
    path.write_bytes(raw[:end] + raw[begin:])
    with pytest.raises(TraceFileError, match="step 1 comes after step 1"):
        load(path)
    path.write_bytes(raw + raw[begin:end])
    with pytest.raises(TraceFileError, match="after the end"):
        load(path)


def test_partial_reading_leaves_out_a_damaged_row_and_names_it(tmp_path):
    trace = samples.tiny_trace(steps=6)
    path = trace.save(tmp_path / "run.vkt")
    raw = bytearray(path.read_bytes())
    rows = raw.index(b"ROWS")
    stride = (chunks_of(raw)[-2][2] - rows) // 6
    raw[rows + 3 * stride] ^= 1
    path.write_bytes(raw)
    rest = load(path, partial=True)
    assert len(rest.steps) == 5 and not rest.complete
    (damaged,) = rest.missing()
    assert f"chunk at byte {rows} (ROWS): the checksum of its row" in damaged.reason
    assert content(rest)[4] == [row for row in content(trace)[4] if row[1] in rest.steps]
    lazily = load(path)
    with pytest.raises(TraceFileError, match=rf"byte {rows} \(ROWS\)"):
        lazily.stack("loss", "value")
    good = rest.steps[0]
    assert lazily.event("loss", step=good).value == trace.event("loss", step=good).value
