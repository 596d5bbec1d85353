"""Files that are cut, damaged, newer or hostile."""

from __future__ import annotations

import io
import json
import struct
import tracemalloc
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_trace_file import content

from vizkit.errors import TraceFileError, TraceVersionError, TruncatedTraceError
from vizkit.trace import blocks, load, samples
from vizkit.trace.chunks import write_chunk, write_header


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A file of three blocks of one step each, with an epoch, and its trace."""
    model = samples.TinyModel()
    from vizkit.trace import Keep, record

    with record(model, Keep(kinds=("loss", "update"))) as trace:
        model.train(3)
        model._recorder.epoch(0, {"loss": 0.25})
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 0)
    return trace.save(tmp_path / "small.vkt"), trace


def chunks_of(raw):
    """(kind, begin, end) of every chunk."""
    position, found = 16, []
    while position < len(raw):
        kind, meta, data = struct.unpack("<4sIQ", raw[position : position + 16])
        found.append((kind.decode(), position, position + 24 + meta + data))
        position = found[-1][2]
    return found


def test_a_file_cut_at_any_byte_names_the_last_complete_step(small):
    path, trace = small
    raw = path.read_bytes()
    ends = [end for kind, _, end in chunks_of(raw) if kind == "STEP"]
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
            complete = sum(k == "STEP" and e <= length for k, _, e in chunks_of(raw))
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
    for number, (kind, begin, end) in enumerate(regions):
        for position in range(begin, end):
            raw[position] ^= change
            path.write_bytes(raw)
            raw[position] ^= change
            try:
                assert load(path).equals(trace)
            except TraceFileError as error:
                found += 1
                named = "header" in str(error) or "not a trace" in str(error) or f"chunk {number - 1} (" in str(error)
                assert named, (kind, position, str(error))
    assert found == len(raw)  # this file has no bytes that fill up


@settings(deadline=None, max_examples=300)
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
        start = raw[:8] + struct.pack("<HH", major, minor)
        path.write_bytes(start + struct.pack("<I", crc32(start)) + raw[16:])
        return path

    assert load(as_version(1, 9)).equals(trace)
    for partial in (False, True):
        with pytest.raises(TraceVersionError, match=r"version 2\.0.*Update vizkit"):
            load(as_version(2, 0), partial=partial)
    with pytest.raises(TraceFileError, match=r"0\.9"):
        load(as_version(0, 9))


def test_chunks_and_keys_of_a_newer_minor_version_are_skipped(small):
    path, trace = small
    stream = io.BytesIO()
    write_chunk(stream, "STAT", {"moments": 1}, [np.arange(3.0)])
    extra = stream.getvalue()
    raw = path.read_bytes()
    *_, (_, done, _) = chunks_of(raw)
    tail = bytearray(raw[done:])
    tail[-8:] = (done + len(extra)).to_bytes(8, "little")
    path.write_bytes(raw[:done] + extra + bytes(tail))
    assert load(path).equals(trace)


# Hostile files: every checksum is right, the content is not


NODE = {"index": 0, "name": "n", "kind": "Dense", "level": "layer", "parent": None}
ARRAY = {"dtype": "f8", "shape": [], "at": 0, "crc": crc32(bytes(8))}
LOSS = {"kind": "loss", "node": 0, "prediction": ARRAY, "target": ARRAY, "value": ARRAY, "samples": ARRAY}
UPDATE = {
    "kind": "update",
    "node": 0,
    "parameter": "w",
    "before": ARRAY,
    "after": ARRAY,
    "gradient": ARRAY,
    "learning_rate": ARRAY,
}
FORWARD = {"kind": "forward", "node": 0, "inputs": [ARRAY], "output": ARRAY, "parameters": {"kernel": ARRAY}}
MODEL = {"name": "m", "framework": "f", "dtype": "f4", "loss": None, "optimizer": None, "layers": []}
LAYER = {"node": 0, "config": {}, "input_shape": [None], "output_shape": [2], "parameters": {"kernel": [2]}}


def hostile(path, *chunks):
    """Write a file of these chunks (kind, metadata, data), with right checksums and a right end."""
    with path.open("wb") as stream:
        write_header(stream)
        for kind, metadata, data in chunks:
            write_chunk(stream, kind, metadata, [data])
        events = sum(
            len(m["events"]) * len(m["steps"])
            for k, m, _ in chunks
            if k == "STEP" and "events" in m and m["steps"] != 5
        )
        end = {"complete": True, "events": events, "epochs": 0, "index": []}
        write_chunk(stream, "DONE", end, [stream.tell().to_bytes(8, "little")])
    return path


def step(*events, steps=(0,), data=bytes(8)):
    return "STEP", {"steps": list(steps), "events": list(events)}, data


def nodes(*entries):
    return "NODE", {"nodes": list(entries)}, b""


def test_the_hostile_samples_are_right_before_they_are_spoilt(tmp_path):
    model = {**MODEL, "layers": [LAYER]}
    loaded = load(hostile(tmp_path / "f.vkt", nodes(NODE), ("MODL", model, b""), step(LOSS, UPDATE, FORWARD)))
    assert len(loaded) == 3 and loaded.event("loss", step=0).value == 0.0


def spoilt(base, **changes):
    return {**base, **changes}


BAD_ARRAYS = [
    None,
    [],
    {},
    spoilt(ARRAY, dtype="O8"),
    spoilt(ARRAY, dtype="f16"),
    spoilt(ARRAY, dtype=8),
    spoilt(ARRAY, dtype=["f8"]),
    spoilt(ARRAY, shape=[2]),
    spoilt(ARRAY, shape=[2**40]),
    spoilt(ARRAY, shape=[2**47] * 32),
    spoilt(ARRAY, shape=[0, *[2**47] * 31]),
    spoilt(ARRAY, shape=[10**400]),
    spoilt(ARRAY, shape=[0] * 100),
    spoilt(ARRAY, shape=[-1]),
    spoilt(ARRAY, shape=[1.0]),
    spoilt(ARRAY, shape=[True]),
    spoilt(ARRAY, shape="ab"),
    spoilt(ARRAY, at=8),
    spoilt(ARRAY, at=-8),
    spoilt(ARRAY, at=4),
    spoilt(ARRAY, at=None),
    spoilt(ARRAY, crc=1),
    spoilt(ARRAY, crc=None),
    spoilt(ARRAY, encoding="zstd"),
]
BAD_CHUNKS = [
    *[step(spoilt(FORWARD, output=array)) for array in BAD_ARRAYS],
    *[("EPOC", {"names": ["a"], "numbers": array, "values": array}, bytes(8)) for array in BAD_ARRAYS],
    step(spoilt(LOSS, value=spoilt(ARRAY, dtype="i8"))),
    step(spoilt(LOSS, value=spoilt(ARRAY, shape=[1]))),
    step(spoilt(LOSS, node=7)),
    step(spoilt(LOSS, node="0")),
    step(spoilt(LOSS, node=[0])),
    step(spoilt(LOSS, kind="lost")),
    step(spoilt(LOSS, kind=[])),
    step(spoilt(UPDATE, parameter=3)),
    step(spoilt(FORWARD, inputs=ARRAY)),
    step(spoilt(FORWARD, parameters=[ARRAY])),
    step("loss"),
    step(),
    step(LOSS, steps=()),
    step(LOSS, steps=(1, 1), data=bytes(16)),
    step(LOSS, steps=(2, 1), data=bytes(16)),
    step(LOSS, steps=(-1,)),
    step(LOSS, steps=(0.5,)),
    step(LOSS, steps=(2**70,)),
    ("STEP", {"steps": 5, "events": []}, b""),
    ("STEP", {}, b""),
    ("NODE", {}, b""),
    *[
        nodes(entry)
        for entry in (None, 3, {}, spoilt(NODE, index=-1), spoilt(NODE, index="0"), spoilt(NODE, level="x"))
    ],
    *[
        nodes(entry)
        for entry in (spoilt(NODE, name=None), spoilt(NODE, parent="0"), spoilt(NODE, kind=[]), spoilt(NODE, name="z"))
    ],
    nodes(spoilt(NODE, level=[])),
    ("MODL", {}, b""),
    *[
        ("MODL", spoilt(MODEL, **change), b"")
        for change in ({"name": 3}, {"loss": 3}, {"optimizer": []}, {"layers": 3}, {"layers": [3]})
    ],
    *[
        ("MODL", spoilt(MODEL, layers=[spoilt(LAYER, **change)]), b"")
        for change in (
            {"node": 9},
            {"config": 3},
            {"parameters": {"w": 3}},
            {"input_shape": [[[[1]]]]},
            {"output_shape": ["x"]},
        )
    ],
    ("EPOC", {"names": "ab"}, b""),
]


@pytest.mark.parametrize("chunk", BAD_CHUNKS, ids=lambda chunk: f"{chunk[0]} {chunk[1]}"[:60])
@pytest.mark.parametrize("partial", [False, True])
def test_impossible_content_is_one_error_that_names_the_chunk(tmp_path, chunk, partial):
    path = hostile(tmp_path / "bad.vkt", nodes(NODE), chunk)
    if partial and "encoding" not in json.dumps(chunk[1]):
        assert len(load(path, partial=True)) == 0
        return
    with pytest.raises(TraceFileError, match=r"damaged in chunk 1 \(|newer vizkit"):
        load(path)


def raw_chunk(kind=b"NODE", text=b"{}      ", meta=None, data=0):
    frame = struct.pack("<4sIQI", kind, len(text) if meta is None else meta, data, crc32(text))
    return frame + struct.pack("<I", crc32(frame)) + text


@pytest.mark.parametrize(
    ("chunk", "error"),
    [
        (raw_chunk(meta=2**32 - 8), TruncatedTraceError),
        (raw_chunk(data=2**63), TruncatedTraceError),
        (raw_chunk(data=2**64 - 8), TruncatedTraceError),
        (raw_chunk(data=3), TraceFileError),
        (raw_chunk(text=b"[" * 200_000), TraceFileError),
        (raw_chunk(text=b'{"a":' * 40_000), TraceFileError),
        (raw_chunk(text=b'{"nodes":' + b"9" * 5000 + b"}"), TraceFileError),
        (raw_chunk(text=b"[]      "), TraceFileError),
        (raw_chunk(text=b"\xff" * 8), TraceFileError),
        (raw_chunk(kind=b"\xff\x00\x1b<"), TraceFileError),
    ],
)
def test_hostile_sizes_and_depths_cost_no_memory(tmp_path, chunk, error):
    header = io.BytesIO()
    write_header(header)
    (tmp_path / "hostile.vkt").write_bytes(header.getvalue() + chunk)
    tracemalloc.start()
    with pytest.raises(error):
        load(tmp_path / "hostile.vkt")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000 + 30 * len(chunk)


def test_a_small_file_cannot_describe_many_events(tmp_path):
    empty = {"dtype": "f8", "shape": [0], "at": 0, "crc": 0}
    event = spoilt(FORWARD, inputs=[], output=empty, parameters={})
    path = hostile(tmp_path / "bomb.vkt", nodes(NODE), step(*[event] * 1000, steps=range(100_000)))
    with pytest.raises(TraceFileError, match="100000 steps of 1000 events"):
        load(path)


def test_a_missing_or_doubled_chunk_is_found(small):
    path, _ = small
    raw = path.read_bytes()
    steps = [(begin, end) for kind, begin, end in chunks_of(raw) if kind == "STEP"]
    begin, end = steps[1]
    path.write_bytes(raw[:begin] + raw[end:])
    with pytest.raises(TraceFileError, match=r"it counts \(9, 1\) events"):
        load(path)
    path.write_bytes(raw[:end] + raw[begin:])
    with pytest.raises(TraceFileError, match="step 1 comes after step 1"):
        load(path)
    path.write_bytes(raw + raw[begin:end])
    with pytest.raises(TraceFileError, match="after the end"):
        load(path)


def test_settings_may_be_deep_but_not_endlessly(tmp_path):
    from vizkit.trace.plain import plain_value

    def nested(depth):
        return {"a": nested(depth - 1)} if depth else 1

    def with_config(config):
        return hostile(
            tmp_path / "deep.vkt", nodes(NODE), ("MODL", {**MODEL, "layers": [{**LAYER, "config": config}]}, b"")
        )

    assert load(with_config(plain_value(nested(32)))).model.layers[0].config == nested(32)
    load(with_config(plain_value(nested(500))))
    with pytest.raises(TraceFileError, match="nested"):
        load(with_config(nested(500)))


def test_nodes_in_a_circle_end(tmp_path):
    circle = [spoilt(NODE, parent=1), spoilt(NODE, index=1, name="m", level="op", parent=0)]
    loaded = load(hostile(tmp_path / "circle.vkt", nodes(*circle), step(LOSS)))
    assert len(list(loaded.events(layer="n", level="op"))) == 0
