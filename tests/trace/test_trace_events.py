"""Events are frozen and own their numbers."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given
from trace_strategies import arrays

from vizkit.errors import ArgumentError
from vizkit.trace import BackwardEvent, ForwardEvent, LossEvent, Node, UpdateEvent
from vizkit.trace.arrays import frozen

NODE = Node(0, "dense", "Dense")


def every_array(event):
    for name in event.__slots__:
        value = getattr(event, name)
        if isinstance(value, np.ndarray):
            yield value
        elif isinstance(value, tuple):
            yield from value
        elif hasattr(value, "values"):
            yield from value.values()


@pytest.mark.parametrize(
    "make",
    [
        lambda x: ForwardEvent(0, NODE, (x,), x, {"kernel": x}),
        lambda x: LossEvent(0, NODE, x, x, 1.5, x),
        lambda x: BackwardEvent(0, NODE, x, (x, x), {"kernel": x}),
        lambda x: UpdateEvent(0, NODE, "kernel", x, x, x, 0.1),
    ],
)
def test_events_are_copies_that_cannot_be_changed(make):
    source = np.arange(6.0).reshape(2, 3)
    event = make(source)
    source[:] = -1
    held = list(every_array(event))
    assert len(held) >= 3
    for array in held:
        assert array.tolist() == [[0, 1, 2], [3, 4, 5]]
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 7
    with pytest.raises(FrozenInstanceError):
        event.step = 1


def test_mappings_of_an_event_cannot_be_changed():
    parameters = {"kernel": np.ones(2)}
    event = ForwardEvent(0, NODE, (), np.ones(2), parameters)
    parameters["bias"] = np.ones(1)
    assert list(event.parameters) == ["kernel"]
    with pytest.raises(TypeError):
        event.parameters["bias"] = np.ones(1)


def test_events_compare_by_identity_and_nodes_by_value():
    one, other = (LossEvent(0, NODE, np.ones(1), np.ones(1), 0.0, np.ones(1)) for _ in range(2))
    assert one != other and one == one
    assert Node(0, "dense", "Dense") == NODE and hash(Node(0, "dense", "Dense")) == hash(NODE)


@given(arrays)
def test_frozen_keeps_the_values_and_only_the_byte_order_may_change(array):
    kept = frozen(array)
    assert kept.shape == array.shape and kept.dtype == array.dtype.newbyteorder("=")
    assert kept.tobytes() == array.astype(kept.dtype).tobytes()
    assert not np.shares_memory(kept, array) and not kept.flags.writeable and kept.flags.c_contiguous


def test_frozen_copies_a_read_only_view_of_writeable_memory():
    source = np.arange(3.0)
    view = source[:]
    view.flags.writeable = False
    kept = frozen(view)
    source[0] = 99
    assert kept[0] == 0


def test_frozen_does_not_copy_twice():
    kept = frozen([1.0, 2.0])
    assert frozen(kept) is kept


@pytest.mark.parametrize("bad", [[object()], ["text"], np.array(["2020"], "M8[Y]"), np.zeros(1, [("x", "f4")])])
def test_other_elements_are_refused_by_name(bad):
    with pytest.raises(ArgumentError, match="not of"):
        frozen(bad)


@pytest.mark.parametrize("index", [-1, 1.0, None, "0"])
def test_an_index_is_a_whole_number(index):
    with pytest.raises(ArgumentError, match=str(index)):
        Node(index, "dense", "Dense")


def test_an_unknown_level_is_refused():
    with pytest.raises(ArgumentError, match="'layr'"):
        Node(0, "dense", "Dense", "layr")
