"""Files of version 1: blocks that hold each array's steps one after the other, and all checksums checked at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from vizkit.trace.checks import checked_array, checked_events, checked_list, whole_number
from vizkit.trace.chunks import Chunk
from vizkit.trace.events import Node
from vizkit.trace.forms import ArrayForm, StepForm
from vizkit.trace.rows import Block

__all__ = ["read_columns", "read_epoch_columns"]


class _Columns(Block):
    """A block whose arrays stand by themselves; what is at `at` is the first step's."""

    __slots__ = ("_steps",)

    def __init__(self, form: StepForm, data: memoryview, steps: list[int]) -> None:
        super().__init__(form, lambda: data)
        self._steps = np.array(steps, np.int64)
        self.count, self.first, self.last, self.pace = len(steps), steps[0], steps[-1], 0

    def steps(self) -> NDArray[np.int64]:
        """Return the steps, shape (rows,)."""
        return self._steps

    def step_bytes(self, form: ArrayForm) -> int:
        """Return how far an array is from the same one in the next step."""
        return form.nbytes

    def start(self, form: ArrayForm) -> int:
        """Return where an array of the first step begins."""
        return form.at


def read_columns(chunk: Chunk, nodes: Mapping[int, Node], after: int) -> Block:
    """Return the block of a chunk of the kind ``STEP``.

    Parameters
    ----------
    chunk
        The chunk.
    nodes
        The nodes that the file has named so far.
    after
        The last step before this block, or -1.

    Raises
    ------
    TraceFileError
        When the chunk is damaged.
    """
    steps = _checked_steps(chunk, after)
    events = checked_events(chunk, nodes, lambda entry: _checked(chunk, entry, len(steps)))
    if len(steps) > 1 and len(steps) * len(events) > len(chunk.data):
        raise chunk.damaged(f"it claims {len(steps)} steps of {len(events)} events in {len(chunk.data)} bytes")
    return _Columns(StepForm(events, len(chunk.data)), chunk.data, steps)


def read_epoch_columns(chunk: Chunk) -> list[tuple[int, dict[str, float]]]:
    """Return the epochs of a chunk of the kind ``EPOC``: number, and what was reported."""
    names = checked_list(chunk, "names")
    numbers = _array(chunk, chunk.metadata.get("numbers"))
    values = _array(chunk, chunk.metadata.get("values"))
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise chunk.damaged("the names of its numbers are no list of different texts")
    if numbers.dtype != np.int64 or values.dtype != np.float64 or values.shape != (numbers.size, len(names)):
        raise chunk.damaged(f"it has {numbers.shape} epochs but numbers of the shape {values.shape}")
    pairs = zip(numbers.reshape(-1).tolist(), values.tolist(), strict=True)
    return [(number, dict(zip(names, row, strict=True))) for number, row in pairs]


def _array(chunk: Chunk, entry: Any) -> NDArray[Any]:
    form = _checked(chunk, entry, 1)
    return np.ndarray(form.shape, "<" + form.dtype, chunk.data, form.at if form.nbytes else 0)


def _checked(chunk: Chunk, entry: Any, steps: int) -> ArrayForm:
    form = checked_array(chunk, entry, len(chunk.data), steps)
    if form.at % 8 or form.order is not None:
        raise chunk.damaged(f"an array stands at {form.at} in the order {form.order}")
    if crc32(chunk.data[form.at : form.at + form.nbytes * steps]) != entry.get("crc"):
        raise chunk.damaged(f"the checksum of the array at byte {form.at} of its data is wrong")
    return form


def _checked_steps(chunk: Chunk, after: int) -> list[int]:
    steps = chunk.metadata.get("steps")
    if not isinstance(steps, list) or not steps or not all(map(whole_number, steps)):
        raise chunk.damaged("its steps are no list of whole numbers")
    for before, step in zip([after, *steps], steps, strict=False):
        if step <= before:
            raise chunk.damaged(f"step {step} comes after step {before}")
    return steps
