"""Recording a step whose arrays always stand in the same memory: a few copies of bytes and no events.

A producer declares once which events a step has and in which arrays their numbers stand. Arrays that
are the same memory are kept once, and memory that is used without a gap is copied in one go.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vizkit.errors import ArgumentError
from vizkit.trace.arrays import NATIVE
from vizkit.trace.events import Node
from vizkit.trace.forms import FIELDS, NUMBERS, ArrayForm, EventForm, MappingForm, StepForm, padded
from vizkit.trace.opened import OpenStep, Store
from vizkit.trace.rows import OpenBlock

__all__ = ["Early", "StepTemplate", "Told", "early", "make_template"]

JOINED = 1 << 12  # pieces of at most so many bytes are joined
Told: TypeAlias = tuple[str, Node, tuple[Any, ...]]  # kind, node, and the fields after step and node
Rows: TypeAlias = Callable[[int], "slice | list[int]"] | None
# The fields that belong to the whole batch.
WHOLE = (
    "parameter",
    "parameters",
    "parameter_gradients",
    "before",
    "after",
    "gradient",
    *NUMBERS,
    *FIELDS["statistics"],
)


class Early:
    """An array that is copied when the step begins."""

    __slots__ = ("array",)

    def __init__(self, array: NDArray[Any]) -> None:
        self.array = array


def early(array: NDArray[Any]) -> Early:
    """Mark an array of shape (...) that is copied when the step begins, such as weights before the update.

    Examples
    --------
    >>> early(np.zeros(2)).array
    array([0., 0.])
    """
    return Early(array)


class _Region(NamedTuple):
    """Memory that is copied in one go: where from, and where to in the row."""

    source: NDArray[Any]
    form: ArrayForm
    dense: bool  # whether the source is bytes that stay where they are


class StepTemplate:
    """A step that is recorded by copying memory: ``if template.begin(step): ... ; template.end()``.

    `Recorder.template` makes it.

    Parameters
    ----------
    form
        The form of the step.
    regions
        What is copied at the beginning, and what at the end.
    """

    def __init__(self, form: StepForm, regions: tuple[list[_Region], list[_Region]]) -> None:
        self.form = form
        self._early, self._late = (_Copies(form, part) for part in regions)
        self._block: OpenBlock | None = None
        self._step = -1

    def attach(self, wants: Callable[[int], bool] | None, store: Store, opened: OpenStep) -> None:
        """Say which steps are kept (None: all), where rows go, and which step is being told by events."""
        self._wants, self._store, self._opened = wants, store, opened

    def begin(self, step: int) -> bool:
        """Copy what is to be copied early; say whether the step is kept, so that `end` is to be called.

        Raises
        ------
        ArgumentError
            When the step goes back.
        """
        if self._wants is not None and not self._wants(step):
            return False
        opened, block = self._opened, self._block
        if opened.step is not None:
            opened.end()
        if step <= opened.last:
            opened.check(step)
        if block is None or block.closed or block.block.count >= block.capacity:
            block = self._block = self._store.opened(self.form)
        self._early.copy(block)
        self._step = step
        return True

    def end(self) -> None:
        """Copy the rest: the step is recorded, and in the file when there is one."""
        self._late.copy(self._block)
        self._opened.last = self._step
        self._opened.written += self.form.stride
        self._block.publish(self._step)


class _Copies:
    """What is copied at one moment of a step: bytes where they stand densely, else arrays.

    Small pieces that are neighbours in the row are joined and copied together, which is several times faster.
    """

    def __init__(self, form: StepForm, regions: list[_Region]) -> None:
        self._stride = form.stride
        self._arrays = [(region.form, region.source) for region in regions if not region.dense]
        self.runs: list[tuple[int, int, list[Any]]] = []  # where in the row, and the pieces of memory
        for region in (region for region in regions if region.dense):
            begin = form.data_at + region.form.at
            self._add(begin, begin + region.form.nbytes, memoryview(region.source))

    def _add(self, begin: int, end: int, source: memoryview) -> None:
        first, last, pieces = self.runs[-1] if self.runs else (0, 0, [])
        if pieces and 0 <= begin - last < 16 and end - begin <= JOINED and last - first <= JOINED:
            gap = [bytes(begin - last)] if begin > last else []
            self.runs[-1] = first, end, [*pieces, *gap, source]
        else:
            self.runs.append((begin, end, [source]))

    def copy(self, block: OpenBlock) -> None:
        """Copy into the next row of a block."""
        memory, row = block.memory, block.block.count
        base = row * self._stride
        for begin, end, pieces in self.runs:
            memory[base + begin : base + end] = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        for form, source in self._arrays:
            block.column(form)[row] = source


class _Picked:
    """Some samples of a batch, taken anew each time that the array is copied."""

    def __init__(self, array: NDArray[Any], index: list[int]) -> None:
        self.array, self.index = array, index
        self.shape, self.dtype = (len(index), *array.shape[1:]), array.dtype

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self.array[self.index]


class _Source(NamedTuple):
    """An array that is to be copied: when, and as which type of element."""

    array: Any
    early: bool
    dtype: np.dtype[Any]

    @property
    def key(self) -> tuple[Any, ...]:
        """The same for the same numbers at the same moment."""
        array = self.array
        if isinstance(array, _Picked):
            return "picked", _address(array.array), array.array.shape, array.array.strides, tuple(array.index), self[1:]
        return "whole", _address(array), array.shape, array.strides, array.dtype, self[1:]


def make_template(events: Iterable[Told], rows: Callable[[Node], Rows]) -> StepTemplate | None:
    """Return the template of a step, or None when there is no event.

    Parameters
    ----------
    events
        Kind, node and fields of each event that is kept, in order.
    rows
        Given a node, returns None or the function from the length of a batch to the samples of it that are kept.

    Raises
    ------
    ArgumentError
        When a number is no array without axes, or an array has elements that a trace does not hold.
    """
    layout = _Layout()
    chosen = [(kind, node, _sources(kind, fields, rows(node))) for kind, node, fields in events]
    for _, _, fields in chosen:
        layout.look(fields)
    layout.settle()
    forms = tuple(EventForm(kind, node.index, layout.place(fields)) for kind, node, fields in chosen)
    return StepTemplate(StepForm(forms, max(layout.end, len(forms))), layout.regions) if forms else None


def _sources(kind: str, fields: Sequence[Any], rows: Rows) -> tuple[Any, ...]:
    if len(fields) != len(FIELDS[kind]):
        raise ArgumentError(f"A {kind} event has the fields {', '.join(FIELDS[kind])}, not {len(fields)} fields.")
    pairs = zip(FIELDS[kind], fields, strict=True)
    return tuple(_sampled(name, value, None if name in WHOLE else rows) for name, value in pairs)


def _sampled(name: str, value: Any, rows: Rows) -> Any:
    """The field with its arrays as sources, of the kept samples only."""
    if isinstance(value, str):
        return value
    if isinstance(value, (tuple, list)):
        return tuple(_sampled(name, entry, rows) for entry in value)
    if isinstance(value, Mapping):
        return {str(key): _sampled(name, entry, rows) for key, entry in value.items()}
    marked = isinstance(value, Early)
    array = value.array if marked else value
    if type(array) is not np.ndarray or array.dtype not in NATIVE or (name in NUMBERS and array.ndim):
        raise ArgumentError(f"The {name} of a template is an array that is filled anew each step, not {array!r:.60}.")
    if rows is not None and array.ndim:
        index = rows(len(array))
        array = array[index] if isinstance(index, slice) else _Picked(array, index)
    return _Source(array, marked, np.dtype(np.float64) if name in NUMBERS else array.dtype)


class _Layout:
    """Finds the regions of a step's memory and where they stand in the row."""

    def __init__(self) -> None:
        self.end = 0
        self.regions: tuple[list[_Region], list[_Region]] = ([], [])
        self._sources: dict[tuple[Any, ...], _Source] = {}
        self._forms: dict[tuple[Any, ...], ArrayForm] = {}

    def look(self, value: Any) -> None:
        """Take note of the arrays of a field."""
        if isinstance(value, _Source):
            self._sources.setdefault(value.key, value)
        elif not isinstance(value, str):
            for entry in value.values() if isinstance(value, dict) else value:
                self.look(entry)

    def settle(self) -> None:
        """Give each array its place: early regions first, each kind in the order in which they are first used."""
        pieces = {key: piece for key, source in self._sources.items() if (piece := _piece(source)) is not None}
        spans = _spans(pieces.values())
        begun: dict[tuple[bool, int, int], int] = {}  # where a span begins in the row
        # what is copied at the same moment and in the same way stands together
        for key, source in sorted(self._sources.items(), key=lambda item: (not item[1].early, item[0] not in pieces)):
            dtype, shape = source.dtype.str[1:], source.array.shape
            if key not in pieces:
                self._forms[key] = self._add(source.array, source.early, ArrayForm(dtype, shape, padded(self.end)))
                continue
            piece = pieces[key]
            first, last = spans[piece.place]
            if (*piece.place[:2], first) not in begun:
                memory = piece.root.reshape(-1).view(np.uint8)[first:last]
                # the row's data begin at a multiple of 8, so the numbers keep their alignment
                at = padded(self.end) + _address(memory) % 8
                begun[*piece.place[:2], first] = at
                self._add(memory, source.early, ArrayForm("u1", memory.shape, at), dense=True)
            at = begun[*piece.place[:2], first] + piece.place[2] - first
            self._forms[key] = ArrayForm(dtype, shape, at, piece.order)

    def place(self, value: Any) -> Any:
        """Return a field with the places of its arrays."""
        if isinstance(value, str):
            return value
        if isinstance(value, dict):
            return MappingForm(tuple((name, self.place(entry)) for name, entry in value.items()))
        return self._forms[value.key] if isinstance(value, _Source) else tuple(map(self.place, value))

    def _add(self, array: Any, first: bool, form: ArrayForm, *, dense: bool = False) -> ArrayForm:
        self.end = form.at + form.nbytes
        self.regions[0 if first else 1].append(_Region(array, form, dense))
        return form


class _Piece(NamedTuple):
    """Numbers that stand densely in the memory of one array."""

    root: NDArray[Any]  # the array that owns the memory, with its axes from slowest to fastest
    place: tuple[bool, int, int]  # early or not, the root, the byte where the numbers begin
    length: int
    order: tuple[int, ...] | None  # the axes from slowest to fastest


def _piece(source: _Source) -> _Piece | None:
    """What the source is a piece of; None when it does not stand densely in memory as the file would have it."""
    array = source.array
    if isinstance(array, _Picked) or source.dtype != array.dtype or sys.byteorder != "little" or not array.size:
        return None
    root = array
    while isinstance(root.base, np.ndarray):
        root = root.base
    order = _order(array)
    memory = root.transpose(_order(root))  # NumPy also makes arrays whose last axis is not the fastest
    if not memory.flags.c_contiguous or not array.transpose(order).flags.c_contiguous:
        return None
    place = source.early, id(root), _address(array) - _address(root)
    return _Piece(memory, place, array.nbytes, None if array.flags.c_contiguous else order)


def _order(array: NDArray[Any]) -> tuple[int, ...]:
    """The axes from the slowest to the fastest in memory."""
    return tuple(sorted(range(array.ndim), key=lambda axis: (-array.strides[axis], -array.shape[axis], axis)))


def _spans(pieces: Iterable[_Piece]) -> dict[tuple[bool, int, int], tuple[int, int]]:
    """By the place of each piece: the first and last byte of the memory without gaps that it belongs to."""
    found: dict[tuple[bool, int, int], tuple[int, int]] = {}
    run: list[tuple[bool, int, int]] = []
    last = -1
    for place, length in sorted((piece.place, piece.length) for piece in pieces):
        if not run or place[:2] != run[0][:2] or place[2] > last:
            run, last = [], place[2]
        run.append(place)
        last = max(last, place[2] + length)
        found.update(dict.fromkeys(run, (run[0][2], last)))
    return found


def _address(array: NDArray[Any]) -> int:
    return array.__array_interface__["data"][0]
