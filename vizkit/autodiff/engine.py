"""The engine: arrays that remember how they were computed, and the walk back through the tape.

A `Tracked` array answers NumPy's dispatch, so plain NumPy code runs on it. Each call becomes one
`Entry` on a `Tape`: the primitive, its inputs and its output. `Tape.backward` walks the entries from
last to first and applies the chain rule. The primitives, each beside its derivative, are in the
sibling modules; this one holds only the mechanism.

Where nothing is being tracked (prediction), primitives return plain arrays and nothing is recorded.
"""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from vizkit.autodiff.tracked import FUNCTIONS, Tracked
from vizkit.errors import UnsupportedOperationError

__all__ = ["Entry", "Primitive", "Tape", "fit", "implements", "innermost", "operation"]

_created = itertools.count()


class Entry:
    """One call of a primitive: what went in, what came out, and which inputs are tracked.

    ``sources`` holds (position, tracked input) pairs; ``contributions`` is filled by a backward pass
    that keeps everything: what this call passed back to each of its sources. ``saved`` is what a
    fused primitive keeps for its derivative.
    """

    __slots__ = ("contributions", "options", "output", "primitive", "saved", "sources", "values")

    def __init__(self, primitive: Primitive, values: list[Any], options: dict[str, Any]) -> None:
        self.primitive = primitive
        self.values = values
        self.options = options
        self.sources: list[tuple[int, Tracked]] = []
        self.contributions: list[Any] = []
        self.output: Tracked


class Tape:
    """The calls of one computation, in the order in which they ran.

    Parameters
    ----------
    recording
        What is told of layers and named operations while they run; ``None`` when nobody listens.
    """

    __slots__ = ("entries", "leaked", "level", "recording")

    def __init__(self, recording: Any = None) -> None:
        self.entries: list[Entry] = []
        self.leaked = False  # whether a tracked value was looked at, so that what followed may depend on it
        self.level = next(_created)  # a tape made later is the inner one of nested derivatives
        self.recording = recording

    @contextmanager
    def watch(self, leaves: Iterable[Tracked]) -> Iterator[Tape]:
        """Track what is computed from `leaves` for the time of a ``with`` block."""
        leaves = list(leaves)
        for leaf in leaves:
            leaf.tape = self
        try:
            yield self
        finally:
            for leaf in leaves:
                leaf.tape = None

    def run(self, entry: Entry) -> Any:
        """Return what a call gives, of shape (...)."""
        return entry.primitive.run(entry)

    def pull(self, entry: Entry, gradient: Any) -> Iterator[tuple[Tracked, Any]]:
        """Yield each source of a call with what `gradient`, of the output's shape (...), is worth to it."""
        for source, passed in entry.primitive.pull(entry, gradient):
            yield source, fit(passed, source.value)

    def refuse(self, what: str, reason: str) -> None:
        """Raise, because something that was asked of a tracked array, of any shape (...), would lose its derivative."""
        raise UnsupportedOperationError(f"{what} {reason}")

    def backward(self, output: Tracked, seed: Any = None, keep: bool = False) -> dict[int, Any]:
        """Return the derivative of `output` with respect to what it was computed from.

        Parameters
        ----------
        output
            The end of the computation, usually of shape ``()``.
        seed
            The gradient of `output` itself; ones when ``None``.
        keep
            Keep the gradient of every array on the way too, not those of the leaves only.

        Returns
        -------
        dict
            ``id(tracked) -> gradient``, each of the tracked array's shape.
        """
        gradients = {id(output): np.ones_like(output.value) if seed is None else seed}
        if keep:
            return self._backward_keeping(output, gradients)
        for entry in reversed(self.entries):
            gradient = gradients.pop(id(entry.output), None)
            if gradient is None:
                continue
            for source, passed in self.pull(entry, gradient):
                known = gradients.get(id(source))
                gradients[id(source)] = passed if known is None else known + passed
        return gradients

    def _backward_keeping(self, output: Tracked, gradients: dict[int, Any]) -> dict[int, Any]:
        """Do the same, and keep what every array and every call got.

        What an alias gets its original gets at once too: so the shares of an array are added in the order in which
        they are without recording, and no last digit differs.
        """
        originals = {id(e.output): e.sources[0][1] for e in self.entries if e.primitive.transparent and e.sources}
        seed, alias = gradients[id(output)], output
        while (alias := originals.get(id(alias))) is not None:
            gradients[id(alias)] = seed
        for entry in reversed(self.entries):
            gradient = gradients.get(id(entry.output))
            if gradient is None or id(entry.output) in originals:
                continue
            for source, passed in self.pull(entry, gradient):
                entry.contributions.append(passed)
                while source is not None:
                    known = gradients.get(id(source))
                    gradients[id(source)] = passed if known is None else known + passed
                    source = originals.get(id(source))
        return gradients


class Primitive:
    """A function of arrays whose derivative is written by hand.

    Parameters
    ----------
    forward
        The function on plain arrays. Its first parameters are arrays, the others options.
    arrays
        How many of its parameters are arrays; ``None`` when all positional ones are.
    derivatives
        One function ``(gradient, output, *inputs, **options) -> gradient of that input`` for each
        array, or ``None`` where the derivative is zero or of no use. What it returns may still be
        broadcast to the output's shape; the engine sums it back.
    """

    transparent = False  # whether it gives its input another name and does nothing else
    composed = False  # whether it and its derivatives are made of functions the engine knows, so that a plan sees them
    into: Callable[..., Callable[[], Any]] | None = None  # see `writes`

    def __init__(
        self,
        forward: Callable[..., Any],
        arrays: int | None = 1,
        derivatives: Sequence[Callable[..., Any] | None] = (),
        name: str | None = None,
    ) -> None:
        self.forward = forward
        self.arrays = arrays
        self.derivatives = list(derivatives)
        self.name = name or forward.__name__
        self.__doc__ = forward.__doc__
        self.__name__ = self.name
        names = [] if isinstance(forward, np.ufunc) else list(inspect.signature(forward).parameters)
        self.array_names = names[: arrays or 0]
        self.option_names = names[arrays if arrays is not None else 1 :]

    def derivative(self, position: int = 0) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Decorate the derivative with respect to the array at `position`, which gives that array's shape (...)."""

        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            self.derivatives.extend([None] * (position + 1 - len(self.derivatives)))
            self.derivatives[position] = function
            return function

        return register

    def writes(self, function: Callable[..., Callable[[], Any]]) -> Callable[..., Callable[[], Any]]:
        """Decorate ``(out, *arrays, **options) -> call``, where ``call()`` writes the result into `out`.

        A plan repeats such calls; of a primitive without one, it copies the result, of shape (...), into its place.
        """
        self.into = function
        return function

    def derivative_for(self, position: int) -> Callable[..., Any] | None:
        """Return the derivative with respect to one array, of shape (...); ``None`` where there is none."""
        if self.arrays is None:
            return functools.partial(self.derivatives[0], position)
        return self.derivatives[position] if position < len(self.derivatives) else None

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Run on plain or tracked arrays; record the call on the innermost tape among them."""
        if options or len(args) != self.arrays:
            args, options = self._sort_out(args, options)
        # a weight that is not being trained just now is what it holds
        values = [a.value if isinstance(a, Tracked) and a.tape is None else a for a in args]
        tape = innermost(values)
        entry = Entry(self, values, options)
        if tape is None:
            return self.run(entry)
        for position, value in enumerate(values):
            if isinstance(value, Tracked) and value.tape is tape:
                entry.sources.append((position, value))
                values[position] = value.value
        entry.output = Tracked(tape.run(entry), tape)
        tape.entries.append(entry)
        return entry.output

    def run(self, entry: Entry) -> Any:
        """Return the output for the inputs and options of a call."""
        return self.forward(*entry.values, **entry.options)

    def pull(self, entry: Entry, gradient: Any) -> Iterator[tuple[Tracked, Any]]:
        """Yield each source of a call with its share of `gradient`, which is of the output's shape (...)."""
        for position, source in entry.sources:
            derivative = self.derivative_for(position)
            if derivative is not None:
                yield source, derivative(gradient, entry.output.value, *entry.values, **entry.options)

    def _sort_out(self, args: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Separate arrays from options, however the caller passed them."""
        count = len(args) if self.arrays is None else self.arrays
        arrays = list(args[:count])
        for name in self.array_names[len(arrays) :]:
            if name in options:
                arrays.append(options.pop(name))
        options = dict(zip(self.option_names, args[count:], strict=False)) | options
        unknown = [name for name in options if name not in self.option_names]
        if unknown or len(args) > count + len(self.option_names):
            raise UnsupportedOperationError(
                f"{self.name} on a tracked array takes {', '.join(self.option_names) or 'no options'}; "
                f"{', '.join(unknown) or 'more'} was given. Nothing may be written in place."
            )
        return arrays, options

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"


def innermost(arguments: Iterable[Any]) -> Tape | None:
    """Return the tape made last among those of the tracked arguments."""
    tape = None
    for argument in arguments:
        if isinstance(argument, Tracked):
            other = argument.tape
            if other is not None and (tape is None or other.level > tape.level):
                tape = other
    return tape


def implements(*functions: Callable[..., Any]) -> Callable[[Any], Any]:
    """Say that the decorated callable stands for these NumPy functions on tracked arrays.

    It must give results of shape (...) as theirs."""

    def register(implementation: Any) -> Any:
        FUNCTIONS.update(dict.fromkeys(functions, implementation))
        if isinstance(implementation, Primitive):
            implementation.composed = True
        return implementation

    return register


def operation(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function of plain NumPy appear as one operation in a trace.

    The engine differentiates through it all the same; only who listens sees one step
    (``elu``) in place of the several (``where``, ``expm1``, ``multiply``) that it is made of.

    Examples
    --------
    >>> @operation
    ... def cube(x):
    ...     return x * x * x
    >>> cube(2.0)
    8.0
    """

    @functools.wraps(function)
    def run(x: Any, *args: Any, **kwargs: Any) -> Any:
        tape = x.tape if isinstance(x, Tracked) else None
        if tape is None or tape.recording is None:
            return function(x, *args, **kwargs)
        return tape.recording.group(function.__name__, lambda inner: function(inner, *args, **kwargs), x)

    return run


def fit(gradient: Any, like: Any) -> Any:
    """Sum a gradient over the axes along which `like`, of shape (...), was broadcast, and give it its dtype."""
    shape = like.shape
    if gradient.shape != shape:
        extra = gradient.ndim - len(shape)
        stretched = tuple(i for i, n in enumerate(shape, extra) if n == 1 and gradient.shape[i] != 1)
        gradient = np.sum(gradient, axis=(*range(extra), *stretched))
        gradient = gradient.reshape(shape) if stretched else gradient
    return gradient if gradient.dtype == like.dtype else gradient.astype(like.dtype)
