"""Files of version 2 in which every checksum is right and the content is not: one error that names the chunk."""

from __future__ import annotations

import json
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from file_pieces import chunk, done, header, row
from hypothesis import given, settings
from hypothesis import strategies as st

from vizkit.errors import TraceFileError, TraceVersionError, VizkitError
from vizkit.trace import load
from vizkit.trace.contents import look_into

NODE = {"index": 0, "name": "n", "kind": "Dense", "level": "layer", "parent": None}
MODEL = {"name": "m", "framework": "f", "dtype": "f4", "loss": None, "optimizer": None, "layers": []}
ARRAY = {"dtype": "f8", "shape": [2], "at": 0}
FORWARD = {"kind": "forward", "node": 0, "inputs": [], "output": ARRAY, "parameters": {}}
FORM = {"form": 0, "bytes": 16, "events": [FORWARD]}
ROWS = {"form": 0, "rows": 2}
DATA = row(0, struct.pack("<2d", 1, 2)) + row(1, struct.pack("<2d", 3, 4))


def spoilt(base, **changes):
    return {**base, **changes}


def built(form=FORM, rows=ROWS, data=DATA, nodes=(NODE,), model=MODEL, index=None, kind="ROWS", **end):
    """A file of one block, in which a test spoils one thing."""
    parts, at = [header(2)], []
    for name, metadata in (("NODE", {"nodes": list(nodes)}), ("MODL", model), ("FORM", form)):
        at.append(sum(map(len, parts)))
        parts.append(chunk(name, metadata))
    begin = sum(map(len, parts))
    parts.append(chunk(kind, rows, data))
    blocks = [[begin if value is None else value for value in (index or [None, 0, 2, 0, 1, 1])]]
    last = sum(map(len, parts))
    return b"".join(parts) + done(last, **{"events": 2, "chunks": at, "blocks": blocks, **end})


def test_the_sample_is_right_before_it_is_spoilt(tmp_path):
    (tmp_path / "f.vkt").write_bytes(built())
    for partial in (False, True):
        trace = load(tmp_path / "f.vkt", partial=partial)
        assert trace.complete and trace.stack("forward", "output").values.tolist() == [[1, 2], [3, 4]]


SPOILT_ARRAYS = [
    *[None, [], {}, spoilt(ARRAY, dtype="O8"), spoilt(ARRAY, dtype=["f8"]), spoilt(ARRAY, shape=[3])],
    *[spoilt(ARRAY, shape=shape) for shape in ([2**40], [2**47] * 32, [0, *[2**47] * 31], [10**400], [-1], [True])],
    *[spoilt(ARRAY, at=at) for at in (8, -8, 4, None, 2**60)],
    *[spoilt(ARRAY, order=order) for order in ([1], [0, 0], ["0"], [True], 0, [-1])],
    spoilt(ARRAY, encoding="zstd"),
]
SPOILT = [
    *[{"form": spoilt(FORM, events=[spoilt(FORWARD, output=array)])} for array in SPOILT_ARRAYS],
    *[{"form": spoilt(FORM, bytes=count)} for count in (0, 8, 2**50, -1, "16", None, 32)],
    *[{"form": spoilt(FORM, events=events)} for events in ([], None, 3, [3], [FORWARD] * 17)],
    *[{"form": spoilt(FORM, form=number)} for number in (1, -1, "0", None)],
    *[{"form": {"form": 0, "epoch": names}} for names in ("ab", [1], ["a", "a"], {})],
    *[{"rows": spoilt(ROWS, rows=count)} for count in (0, 1, 3, 2**40, -1, None, "2")],
    *[{"rows": spoilt(ROWS, form=number)} for number in (1, None, "0", [])],
    *[{"index": index} for index in ([None, 1, 2, 0, 1, 1], [None, 0, 3, 0, 2, 1], [None, 0, 2, 0, 9, 1])],
    *[{"index": index} for index in ([16, 0, 2, 0, 1, 1], [8, 0, 2, 0, 1, 1], [2**60, 0, 2, 0, 1, 1])],
    *[{"index": index} for index in ([None, 0, 0, 0, 1, 1], [None, 0, 2, -1, 0, 1], [None, 0, 2**40, 0, 2**41, 0])],
    *[{"index": index} for index in ([None, 0, 2, 2**62, 2**62 + 1, 1], [None, 0, 2, 0, 1, -1])],
    *[{"chunks": chunks} for chunks in (None, 3, [3], [-1], [2**60], ["16"])],
    *[{"events": count} for count in (3, -1, None)],
    *[{"data": row(1, bytes(16)) + row(0, bytes(16)), "index": [None, 0, 2, 0, 1, pace]} for pace in (0, 1)],
    {"data": row(0, bytes(16)) + row(5, bytes(16)), "index": [None, 0, 2, 0, 1, 1]},
    {"kind": "PACK"},
    {"kind": "PACK", "rows": spoilt(ROWS, encoding="zlib"), "data": zlib.compress(bytes(64))[:-4]},
    {"kind": "PACK", "rows": spoilt(ROWS, encoding="zlib", rows=10**6), "data": zlib.compress(bytes(10**5))},
    {"kind": "PACK", "rows": spoilt(ROWS, encoding="lzma"), "data": bytes(64)},
]


@pytest.mark.parametrize("spoil", SPOILT, ids=lambda spoil: str(spoil)[:70])
def test_impossible_content_is_one_error(tmp_path, spoil):
    """Found when the file is opened or when the rows are read, and never a wrong number."""
    path = tmp_path / "bad.vkt"
    path.write_bytes(built(**spoil))
    with pytest.raises(TraceFileError, match=r"bad\.vkt (is damaged in the chunk at byte \d+|stores)"):
        trace = load(path)
        trace.steps, list(trace.events())
    try:
        rest = load(path, partial=True)
    except TraceVersionError:
        return
    assert all(event.output.tolist() in ([1, 2], [3, 4], [0, 0]) for event in rest.events())
    look_into(path, verify=True)


def test_a_small_file_costs_little_memory_whatever_it_claims(tmp_path):
    path = tmp_path / "bomb.vkt"
    form = spoilt(FORM, bytes=2**30, events=[spoilt(FORWARD, output=spoilt(ARRAY, shape=[2**27]))])
    bombs = [
        built(
            form=form, kind="PACK", rows={"form": 0, "rows": 1, "encoding": "zlib"}, data=zlib.compress(bytes(2**22))
        ),
        built(index=[None, 0, 2**36, 0, 2**37, 0]),
        built(form=spoilt(FORM, bytes=2**47)),
        header(2) + struct.pack("<4sIQII", b"ROWS", 2**31, 2**62, 0, 0),
    ]
    for raw in bombs:
        path.write_bytes(raw)
        tracemalloc.start()
        for partial in (False, True):
            with pytest.raises(VizkitError):
                trace = load(path, partial=partial)
                trace.steps, list(trace.events())
                raise TraceFileError("it was read, and that cost little")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 8_000_000


def test_names_are_only_names(tmp_path):
    """Markup, paths and control characters in a name are text, and end in no path and no memory."""
    for name in ("<script>alert(1)</script>", "../../etc/passwd", "a" * 10_000, "\x00\x1b[2J", '#import "x"'):
        (tmp_path / "f.vkt").write_bytes(built(nodes=[spoilt(NODE, name=name)]))
        trace = load(tmp_path / "f.vkt")
        assert trace.nodes[0].name == name and trace.event("forward", step=1, layer=name).output[1] == 4
        trace.export(tmp_path / "f.npz")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.npz", "f.vkt"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=5) | st.sampled_from(["f8", "zlib"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*FORWARD, *ARRAY, "form"]), inner),
    max_leaves=8,
)


@settings(max_examples=400)
@given(st.data())
def test_any_metadata_with_right_checksums_stay_within_the_error_tree(tmp_path_factory, data):
    """One value anywhere in the metadata of any chunk becomes another one."""
    path = tmp_path_factory.getbasetemp() / "values.vkt"
    name = data.draw(st.sampled_from(["form", "rows", "model", "nodes"]))
    whole = json.loads(json.dumps({"form": FORM, "rows": ROWS, "model": MODEL, "nodes": [NODE]}[name]))
    place, value = whole, data.draw(json_values)
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], (dict, list)) or data.draw(st.booleans()):
            place[key] = value
            break
        place = place[key]
    path.write_bytes(built(**{name: whole}))
    for partial in (False, True):
        try:
            trace = load(path, partial=partial)
            for event in trace.events():
                assert not hasattr(event, "output") or np.asarray(event.output).nbytes <= 16
        except VizkitError as error:
            assert "values.vkt" in str(error)
