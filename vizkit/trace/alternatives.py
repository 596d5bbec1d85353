"""Templates beside the one that copies arrays: one that summarises them, and one that is another at some steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vizkit.trace.events import Node
from vizkit.trace.forms import FIELDS, NUMBERS
from vizkit.trace.statistics import NUMBERS as NUMBERS_OF_SUMMARY
from vizkit.trace.statistics import Summary, flat_floats, named_arrays, no_summary, summarise_into
from vizkit.trace.template import WHOLE, Early, Rows, StepTemplate, Told, make_template

__all__ = ["AnyTemplate", "SummaryTemplate", "TemplateBySteps", "without_parameters"]


class _Watched(NamedTuple):
    """An array that is summarised: which samples of it, and where its summary is written."""

    array: NDArray[Any]
    index: Any  # None: all of it
    flat: NDArray[Any] | None  # its numbers on one axis, in the same memory, if they can stand so
    summary: Summary

    def write(self) -> None:
        """Write the summary of what the array holds now."""
        values = self.flat
        if values is None:
            values = flat_floats(self.array if self.index is None else self.array[self.index])
        summarise_into(values, self.summary)


class SummaryTemplate:
    """A template that summarises arrays where they stand, and copies the summaries' memory.

    Parameters
    ----------
    events
        Kind, node and fields of each event that is kept, in order.
    rows
        Given a node, returns None or the function from the length of a batch to the samples of it that are kept.
    """

    def __init__(self, events: Iterable[Told], rows: Callable[[Node], Rows]) -> None:
        self._early: list[_Watched] = []
        self._late: list[_Watched] = []
        self._known: dict[tuple[Any, ...], Summary] = {}  # the same memory at the same moment is summarised once
        told = [each for event in events for each in self._told(event, rows)]
        self.copying = make_template(told, rows)

    def begin(self, step: int) -> bool:
        """Summarise what is to be looked at early; say whether the step is kept, so that `end` is to be called."""
        if not self.copying.begin(step):
            return False
        with np.errstate(all="ignore"):
            for watched in self._early:
                watched.write()
        return True

    def end(self) -> None:
        """Summarise the rest: the step is recorded, and in the file when there is one."""
        with np.errstate(all="ignore"):
            for watched in self._late:
                watched.write()
        self.copying.end()

    def _told(self, event: Told, rows: Callable[[Node], Rows]) -> Iterator[Told]:
        """The event itself when it is a loss, else one for each array, with the place of its summary."""
        kind, node, fields = event
        if kind == "loss":
            yield event
            return
        pairs = [pair for pair in zip(FIELDS[kind], fields, strict=True) if pair[0] not in NUMBERS]
        for quantity, item, array in named_arrays(*zip(*pairs, strict=True)):
            summary = self._summary(array, None if quantity in WHOLE else rows(node))
            item = str(fields[0]) if kind == "update" else item
            yield "statistics", node, (kind, quantity, item, *summary)

    def _summary(self, value: Any, rows: Rows) -> Summary:
        early = isinstance(value, Early)
        array = value.array if early else value
        index = None if rows is None or not array.ndim else rows(len(array))
        place = array.__array_interface__["data"][0], array.shape, array.strides, array.dtype
        key = (*place, early, repr(index))
        if key not in self._known:
            part = array if index is None else array[index]
            flat = flat_floats(part)
            lasting = flat if np.may_share_memory(flat, array) and not isinstance(index, list) else None
            summary = self._known[key] = no_summary(part.shape, np.empty(NUMBERS_OF_SUMMARY))
            (self._early if early else self._late).append(_Watched(array, index, lasting, summary))
        return self._known[key]


OneTemplate: TypeAlias = StepTemplate | SummaryTemplate


class TemplateBySteps:
    """Two templates of one step: with the parameters, and without them.

    Parameters
    ----------
    whole, rest
        What records the steps at which parameters are kept, and the others; None where nothing is kept.
    is_whole
        Says which steps the first ones are.
    """

    def __init__(
        self,
        whole: OneTemplate,
        rest: OneTemplate | None,
        is_whole: Callable[..., bool],
    ) -> None:
        self._whole, self._rest, self._is_whole = whole, rest, is_whole
        self._begun = whole

    def begin(self, step: int) -> bool:
        """Copy what is to be copied early; say whether the step is kept, so that `end` is to be called."""
        chosen = self._whole if self._is_whole(step) else self._rest
        if chosen is None or not chosen.begin(step):
            return False
        self._begun = chosen
        return True

    def end(self) -> None:
        """Copy the rest: the step is recorded, and in the file when there is one."""
        self._begun.end()


AnyTemplate: TypeAlias = OneTemplate | TemplateBySteps


def without_parameters(events: Iterable[Told]) -> list[Told]:
    """Return the events of a step at which parameters are not kept.

    Examples
    --------
    >>> without_parameters([("forward", "node", ((), 1.0, {"bias": 2.0})), ("update", "node", ("bias",))])
    [('forward', 'node', ((), 1.0, {}))]
    """
    return [
        (kind, node, tuple({} if isinstance(field, Mapping) else field for field in fields))
        for kind, node, fields in events
        if kind != "update"
    ]
