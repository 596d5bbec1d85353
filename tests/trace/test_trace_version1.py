"""Files of version 1: read as they were; where every checksum is right and the content not, refused with one error."""

from __future__ import annotations

import json
import struct
import tracemalloc
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from file_pieces import chunk, done, header
from trace_strategies import NestedModel

from vizkit.errors import TraceFileError, TruncatedTraceError
from vizkit.trace import load

OLD = Path(__file__).parent / "data" / "version_1.vkt"  # what NestedModel told in four steps, written by vizkit 0.1


def arrays(field):
    """The arrays of a field, or its one value."""
    return list(field.values()) if hasattr(field, "values") else field if isinstance(field, tuple) else [field]


def test_a_file_of_version_1_is_read_and_saved_as_version_2(tmp_path):
    model = NestedModel()
    model.train(4)
    old = load(OLD)
    again = load(old.save(tmp_path / "new.vkt"))
    for trace in (old, again):
        assert trace.complete and trace.model.name == "nested" and trace.steps == (0, 1, 2, 3)
        assert [dict(logs) for logs in trace.epochs] == [{"loss": 0.5}, {"loss": 0.25, "accuracy": 1.0}]
        for event, (kind, node, step, fields) in zip(trace.events(), model.told, strict=True):
            assert type(event).__name__ == f"{kind.title()}Event" and (event.node, event.step) == (node, step)
            for name, told in zip(event.__slots__[2:], fields, strict=True):
                field = getattr(event, name)
                for one, other in zip(arrays(field), arrays(told), strict=True):
                    assert np.array_equal(one, other)
        assert trace.stack("loss", "value").values.tolist() == [0.0, 1.0, 2.0, 3.0]
    assert old.equals(again)


def test_a_cut_file_of_version_1(tmp_path):
    raw = OLD.read_bytes()
    (tmp_path / "cut.vkt").write_bytes(raw[:-3000])
    with pytest.raises(TruncatedTraceError, match="last complete step is"):
        load(tmp_path / "cut.vkt")
    rest = load(tmp_path / "cut.vkt", partial=True)
    assert not rest.complete and 0 < len(rest.steps) < 4


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
    raw = header(1) + b"".join(chunk(*piece) for piece in chunks)
    events = sum(
        len(m["events"]) * len(m["steps"]) for k, m, _ in chunks if k == "STEP" and "events" in m and m["steps"] != 5
    )
    path.write_bytes(raw + done(len(raw), events, index=[]))
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
    with pytest.raises(TraceFileError, match=r"damaged in the chunk at byte \d+ \(|newer vizkit"):
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
@pytest.mark.parametrize("version", [1, 2])
def test_hostile_sizes_and_depths_cost_no_memory(tmp_path, chunk, error, version):
    (tmp_path / "hostile.vkt").write_bytes(header(version) + chunk)
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
