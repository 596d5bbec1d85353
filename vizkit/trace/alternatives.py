"""Templates beside the one that copies memory: one that tells events, and one that is another at some steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from numpy.typing import NDArray

from vizkit.trace.template import Early, StepTemplate, Told

__all__ = ["AnyTemplate", "TemplateBySteps", "ToldTemplate", "without_parameters"]


class ToldTemplate:
    """A template that tells events, where these are to be summarised.

    Parameters
    ----------
    events
        Kind, node and fields of each event.
    tell
        Takes the step and its events.
    wants
        Says whether a step is kept.
    """

    def __init__(self, events: list[Told], tell: Callable[..., None], wants: Callable[[int], bool]) -> None:
        self._events, self._tell, self._wants = events, tell, wants
        self._step = -1
        self._begun: list[Told] = []

    def begin(self, step: int) -> bool:
        """Copy what is to be copied early; say whether the step is kept, so that `end` is to be called."""
        wanted = self._wants(step)
        if wanted:
            copies: dict[tuple[Any, ...], NDArray[Any]] = {}
            self._begun = [(kind, node, _taken(fields, copies)) for kind, node, fields in self._events]
            self._step = step
        return wanted

    def end(self) -> None:
        """Tell the events: the step is recorded."""
        self._tell(self._step, self._begun)
        self._begun = []


def _taken(value: Any, copies: dict[tuple[Any, ...], NDArray[Any]]) -> Any:
    """A field with copies of what is to be copied early, one of each array."""
    if isinstance(value, Early):
        array = value.array
        place = array.__array_interface__["data"][0], array.shape, array.strides, array.dtype
        if place not in copies:
            copies[place] = array.copy()
        return copies[place]
    if isinstance(value, Mapping):
        return {name: _taken(entry, copies) for name, entry in value.items()}
    return tuple(_taken(entry, copies) for entry in value) if isinstance(value, (tuple, list)) else value


OneTemplate: TypeAlias = StepTemplate | ToldTemplate


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
        whole: StepTemplate | ToldTemplate,
        rest: StepTemplate | ToldTemplate | None,
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
