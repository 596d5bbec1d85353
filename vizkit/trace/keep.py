"""Which events of a run are kept, and how many bytes that takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from math import log10
from numbers import Integral
from typing import Any, TypeAlias, get_args

from vizkit.errors import ArgumentError, unknown_name
from vizkit.trace.events import KINDS, Event, Level
from vizkit.trace.sizes import step_bytes
from vizkit.trace.sources import describe

__all__ = ["Keep", "kind_name"]

LOGARITHMIC = "logarithmic"

Steps: TypeAlias = int | Iterable[int] | Callable[[int], bool] | str | None
Kinds: TypeAlias = str | type[Event] | Iterable[str | type[Event]] | None


@dataclass(frozen=True)
class Keep:
    """What a recording keeps. What is left out is not copied and costs next to nothing.

    Parameters
    ----------
    steps
        None keeps all steps; a whole number n keeps every n-th, from step 0; a list or range keeps
        those; ``"logarithmic"`` keeps the first ones and then ever fewer, ten for each power of ten;
        a function is called with the step and says whether it is kept.
    layers
        A name or a glob pattern (``"conv*"``), or several of them; None keeps all. What a kept layer
        contains is kept with it. The loss is no layer and is chosen by ``kinds`` alone.
    kinds
        ``"forward"``, ``"loss"``, ``"backward"``, ``"update"`` or the events' classes; None keeps all.
    levels
        ``"layer"``, ``"op"`` or both.
    samples
        Which samples of the batch are kept of a layer's arrays and of the loss's: a whole number n
        keeps the first n, a list keeps those positions; None keeps all. A smaller batch gives those
        that it has. Parameters, their gradients and the arrays of the level ``"op"`` are kept whole.
    parameters
        At which of these steps the parameters of layers are kept, with their gradients and updates: they belong to no
        sample, and of a few samples they are nearly all bytes. Said as `steps` is; None keeps them at each. At the
        other steps events have no parameters and there are no updates; ``trace.missing()`` says so.
    statistics
        Keep moments, extremes and a histogram of each array instead of the array, as a
        `StatisticsEvent`; losses are kept as they are.
    max_bytes
        How many bytes the recorded steps may take. The recording is thinned before they do: the first
        half is for every step, the next quarter for every second one, and so on. It warns when it begins
        to leave steps out, and ``trace.missing()`` says so. None sets no bound.
    last
        Keep this number of steps, the last ones: each new step takes the place of the oldest. The memory that
        this takes does not grow, so a training may go on for ever. Not in a file, and not with `max_bytes`; None
        keeps them all.

    Raises
    ------
    ArgumentError
        When an argument is not one of the above.
    UnknownNameError
        For a kind or level that does not exist.

    Examples
    --------
    >>> keep = Keep(steps=10, layers="dense*", kinds=("forward", "update"))
    >>> keep.step(20), keep.step(21), keep.kind("loss")
    (True, False, False)
    """

    steps: Steps = None
    layers: str | Iterable[str] | None = None
    kinds: Kinds = None
    levels: Level | Iterable[Level] = ("layer",)
    samples: int | Iterable[int] | None = None
    parameters: Steps = None
    statistics: bool = False
    max_bytes: int | None = None
    last: int | None = None

    def __post_init__(self) -> None:
        for name, check in _CHECKS.items():
            object.__setattr__(self, name, check(getattr(self, name)))
        if self.last is not None and self.max_bytes is not None:
            raise ArgumentError(
                f"Keep(last={self.last}) keeps the last steps, max_bytes={self.max_bytes} ever fewer: choose one."
            )

    def step(self, step: int) -> bool:
        """Say whether this step is kept."""
        return _is_among(self.steps, step)

    def parameters_at(self, step: int) -> bool:
        """Say whether parameters are kept at this step, if it is kept."""
        return _is_among(self.parameters, step)

    def kind(self, kind: str) -> bool:
        """Say whether events of this kind are kept."""
        return self.kinds is None or kind in self.kinds

    def level(self, level: str) -> bool:
        """Say whether events of this level are kept."""
        return level in self.levels

    def layer(self, *names: str) -> bool:
        """Say whether a layer is kept: its name, or that of one that contains it, is among those chosen."""
        return self.layers is None or any(fnmatchcase(name, pattern) for name in names for pattern in self.layers)

    def check_layers(self, names: Iterable[str]) -> None:
        """Raise `UnknownNameError` for a name or pattern that fits none of a model's layers."""
        known = list(names)
        for pattern in self.layers or ():
            if not any(fnmatchcase(name, pattern) for name in known):
                raise unknown_name("layer", pattern, known)

    def rows(self, length: int) -> slice | list[int]:
        """Return which of the `length` samples of a batch are kept, as an index."""
        if self.samples is None:
            return slice(None)
        if isinstance(self.samples, int):
            return slice(0, self.samples)
        return [sample for sample in self.samples if sample < length]

    def estimate(self, model: Any, batch: Any, *, steps: int = 1) -> int:
        """Return how many bytes of arrays a recording will take, at most.

        Every input is counted with a gradient. Data have none where layers alone are kept, so it will be less by
        as many bytes as the data have.

        Parameters
        ----------
        model
            The model, built, or its description.
        batch
            The number of samples in a batch, or a batch.
        steps
            The number of training steps; those that are not kept count nothing.

        Raises
        ------
        ArgumentError
            When the operations are to be kept: a description names layers only. Record one step
            and read ``trace.nbytes`` instead.

        Examples
        --------
        >>> from vizkit.trace import LayerDescription, ModelDescription, Node
        >>> dense = LayerDescription(Node(0, "dense", "Dense"), {}, (None, 4), (None, 2), {"kernel": (4, 2)})
        >>> model = ModelDescription("tiny", (dense,))
        >>> Keep(kinds="forward").estimate(model, batch=8)  # 4 bytes x (8x4 in, 8x2 out, 4x2 kernel)
        224
        >>> Keep(kinds="forward", steps=10).estimate(model, batch=8, steps=100)
        2240
        """
        if self.level("op"):
            raise ArgumentError(
                "The bytes of the level 'op' cannot be known beforehand; estimate levels=('layer',), "
                "or record one step and read trace.nbytes."
            )
        length = _batch_length(batch)
        rows = self.rows(length)
        kept = len(range(length)[rows]) if isinstance(rows, slice) else len(rows)
        description, chosen = describe(model), [step for step in range(steps) if self.step(step)]
        whole = sum(map(self.parameters_at, chosen[-(self.last or 0) :]))
        rest = len(chosen[-(self.last or 0) :]) - whole
        total = whole * step_bytes(description, self, kept)
        total += rest * step_bytes(description, self, kept, parameters=False) if rest else 0
        return total if self.max_bytes is None else min(total, self.max_bytes)


def kind_name(kind: str | type[Event]) -> str:
    """Return the name of a kind of event, given the name or the class.

    Examples
    --------
    >>> from vizkit.trace import ForwardEvent
    >>> kind_name(ForwardEvent)
    'forward'
    """
    if isinstance(kind, str) and kind in KINDS:
        return kind
    for name, cls in KINDS.items():
        if kind is cls:
            return name
    raise unknown_name("event kind", getattr(kind, "__name__", kind), KINDS)


def _whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _whole_numbers(what: str, values: Any, least: int) -> Iterator[int]:
    for value in values:
        if not _whole(value) or value < least:
            raise ArgumentError(f"Keep's {what} are whole numbers from {least}; one of them is {value!r}.")
        yield int(value)


def _is_among(steps: Any, step: int) -> bool:
    if steps is None:
        return True
    if steps == LOGARITHMIC:
        return step < 1 or step == round(10 ** (round(10 * log10(step)) / 10))
    if callable(steps):
        return bool(steps(step))
    return step % steps == 0 if isinstance(steps, int) else step in steps


def _check_steps(steps: Steps, what: str = "steps") -> Any:
    if steps is None or callable(steps) or (isinstance(steps, str) and steps == LOGARITHMIC):
        return steps
    if _whole(steps):
        rhythm = next(_whole_numbers(what, [steps], 1))
        return None if rhythm == 1 else rhythm  # each step, as None says
    if isinstance(steps, (str, bytes)) or not isinstance(steps, Iterable):
        raise ArgumentError(
            f"Keep's {what} are None, a whole number n (every n-th step), a list of steps, "
            f"{LOGARITHMIC!r} or a function, not {steps!r}."
        )
    return steps if isinstance(steps, range) else frozenset(_whole_numbers(what, steps, 0))


def _check_samples(samples: Any) -> Any:
    if samples is None:
        return None
    if _whole(samples):
        return next(_whole_numbers("samples", [samples], 1))
    if isinstance(samples, (str, bytes)) or not isinstance(samples, Iterable):
        raise ArgumentError(
            f"Keep's samples are None, a whole number n (the first n) or a list of positions, not {samples!r}."
        )
    return tuple(_whole_numbers("samples", samples, 0))


def _check_layers(layers: Any) -> tuple[str, ...] | None:
    if layers is None:
        return None
    names = (layers,) if isinstance(layers, str) or not isinstance(layers, Iterable) else tuple(layers)
    if not all(isinstance(name, str) for name in names):
        raise ArgumentError(f"Keep's layers are None, a name or pattern, or several of them, not {layers!r}.")
    return names


def _check_kinds(kinds: Any) -> tuple[str, ...] | None:
    if kinds is None:
        return None
    many = (kinds,) if isinstance(kinds, (str, type)) else kinds
    if not isinstance(many, Iterable):
        raise ArgumentError(f"Keep's kinds are None, a kind of event, or several of them, not {kinds!r}.")
    return tuple(kind_name(kind) for kind in many)


def _check_levels(levels: Any) -> tuple[str, ...]:
    many = (levels,) if isinstance(levels, str) else levels
    if not isinstance(many, Iterable):
        raise ArgumentError(f"Keep's levels are 'layer', 'op' or both, not {levels!r}.")
    many = tuple(many)
    for level in many:
        if level not in get_args(Level):
            raise unknown_name("level", level, get_args(Level))
    return many


def _check_statistics(statistics: Any) -> bool:
    if not isinstance(statistics, bool):
        raise ArgumentError(f"Keep's statistics are True or False, not {statistics!r}.")
    return statistics


def _check_bound(what: str, most: Any) -> int | None:
    return None if most is None else next(_whole_numbers(what, [most], 1))


def _batch_length(batch: Any) -> int:
    length = batch if _whole(batch) else len(batch) if hasattr(batch, "__len__") else None
    if length is None or length < 1:
        raise ArgumentError(f"A batch is a positive number of samples or an array of samples, not {batch!r}.")
    return int(length)


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "steps": _check_steps,
    "layers": _check_layers,
    "kinds": _check_kinds,
    "levels": _check_levels,
    "samples": _check_samples,
    "parameters": partial(_check_steps, what="parameters"),
    "statistics": _check_statistics,
    "max_bytes": partial(_check_bound, "max_bytes"),
    "last": partial(_check_bound, "last"),
}
