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

from vizkit.errors import UnsupportedOperationError

__all__ = ["FUNCTIONS", "Entry", "Primitive", "Tape", "Tracked", "implements", "operation", "plain"]

# NumPy function or ufunc -> what runs in its place on tracked arrays
FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {}

_created = itertools.count()


class Entry:
    """One call of a primitive: what went in, what came out, and which inputs are tracked.

    ``sources`` holds (position, tracked input) pairs; ``contributions`` is filled by a backward pass
    that keeps everything: what this call passed back to each of its sources.
    """

    __slots__ = ("contributions", "options", "output", "primitive", "sources", "values")

    def __init__(self, primitive: Primitive, values: list[Any], options: dict[str, Any]) -> None:
        self.primitive = primitive
        self.values = values
        self.options = options
        self.sources: list[tuple[int, Tracked]] = []
        self.contributions: list[Any] = []
        self.output: Tracked

    def pull(self, gradient: Any) -> Iterator[tuple[Tracked, Any]]:
        """Yield each source with what `gradient` (of the output) is worth to it."""
        for position, source in self.sources:
            derivative = self.primitive.derivative_for(position)
            if derivative is not None:
                passed = derivative(gradient, self.output.value, *self.values, **self.options)
                yield source, _fit(passed, source.value)


class Tape:
    """The calls of one computation, in the order in which they ran.

    Parameters
    ----------
    recording
        What is told of layers and named operations while they run; ``None`` when nobody listens.
    """

    __slots__ = ("entries", "level", "recording")

    def __init__(self, recording: Any = None) -> None:
        self.entries: list[Entry] = []
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
        take = gradients.get if keep else gradients.pop
        for entry in reversed(self.entries):
            gradient = take(id(entry.output), None)
            if gradient is None:
                continue
            for source, passed in entry.pull(gradient):
                known = gradients.get(id(source))
                gradients[id(source)] = passed if known is None else known + passed
                if keep:
                    entry.contributions.append(passed)
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
        """Decorate the derivative with respect to the array at `position`."""

        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            self.derivatives.extend([None] * (position + 1 - len(self.derivatives)))
            self.derivatives[position] = function
            return function

        return register

    def derivative_for(self, position: int) -> Callable[..., Any] | None:
        """Return the derivative with respect to one array; ``None`` where there is none."""
        if self.arrays is None:
            return functools.partial(self.derivatives[0], position)
        return self.derivatives[position] if position < len(self.derivatives) else None

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Run on plain or tracked arrays; record the call on the innermost tape among them."""
        if options or len(args) != self.arrays:
            args, options = self._sort_out(args, options)
        tape = innermost(args)
        entry = Entry(self, list(args), options)
        for position, argument in enumerate(args):
            if isinstance(argument, Tracked) and argument.tape in (tape, None):
                entry.values[position] = argument.value
                if tape is not None and argument.tape is tape:
                    entry.sources.append((position, argument))
        result = self.forward(*entry.values, **options)
        if tape is None:
            return result
        entry.output = Tracked(result, tape)
        tape.entries.append(entry)
        return entry.output

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
    """Say that the decorated callable stands for these NumPy functions on tracked arrays."""

    def register(implementation: Any) -> Any:
        FUNCTIONS.update(dict.fromkeys(functions, implementation))
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


def plain(x: Any) -> Any:
    """Return the plain array inside a tracked one (of any depth), or `x` itself.

    Examples
    --------
    >>> plain(3.0)
    3.0
    """
    while isinstance(x, Tracked):
        x = x.value
    return x


def _fit(gradient: Any, like: Any) -> Any:
    """Sum a gradient over the axes along which `like` was broadcast, and give it its dtype."""
    shape = like.shape
    if gradient.shape != shape:
        extra = gradient.ndim - len(shape)
        stretched = tuple(i for i, n in enumerate(shape, extra) if n == 1 and gradient.shape[i] != 1)
        gradient = np.sum(gradient, axis=(*range(extra), *stretched)).reshape(shape)
    return gradient if gradient.dtype == like.dtype else gradient.astype(like.dtype)


def _binary(ufunc: np.ufunc) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def operator(self: Tracked, other: Any) -> Any:
        return FUNCTIONS[ufunc](self, other)

    def reflected(self: Tracked, other: Any) -> Any:
        return FUNCTIONS[ufunc](other, self)

    return operator, reflected


def _unary(function: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Tracked, *args: Any, **kwargs: Any) -> Any:
        return FUNCTIONS[function](self, *args, **kwargs)

    method.__doc__ = f"The same as ``np.{function.__name__}``."
    return method


def _in_place(symbol: str, ufunc: np.ufunc) -> Callable[..., Any]:
    def operator(self: Tracked, other: Any) -> Any:
        if self.ndim == 0:  # NumPy's scalars are immutable: += gives them a new value
            return FUNCTIONS[ufunc](self, other)
        raise UnsupportedOperationError(
            f"A tracked array of shape {self.shape} cannot be changed in place: "
            f"write x = x {symbol} y instead of x {symbol}= y."
        )

    return operator


class Tracked:
    """An array whose computation is remembered, so that it can be differentiated.

    Attributes
    ----------
    value
        The plain array of any shape (or, in nested derivatives, the outer tracked one).
    tape
        Where its computation is written; ``None`` for a weight that is not being trained just now.
    """

    __slots__ = ("__weakref__", "tape", "value")

    def __init__(self, value: Any, tape: Tape | None) -> None:
        self.value = value
        self.tape = tape

    shape = property(lambda self: self.value.shape, doc="Length of each axis.")
    ndim = property(lambda self: self.value.ndim, doc="Number of axes.")
    size = property(lambda self: self.value.size, doc="Number of elements.")
    dtype = property(lambda self: self.value.dtype, doc="Type of the elements.")
    T = property(lambda self: FUNCTIONS[np.transpose](self), doc="All axes reversed.")
    mT = property(lambda self: FUNCTIONS[np.swapaxes](self, -1, -2), doc="The last two axes swapped.")

    __add__, __radd__ = _binary(np.add)
    __sub__, __rsub__ = _binary(np.subtract)
    __mul__, __rmul__ = _binary(np.multiply)
    __truediv__, __rtruediv__ = _binary(np.true_divide)
    __pow__, __rpow__ = _binary(np.power)
    __matmul__, __rmatmul__ = _binary(np.matmul)
    __lt__, __gt__ = _binary(np.less)[0], _binary(np.greater)[0]
    __le__, __ge__ = _binary(np.less_equal)[0], _binary(np.greater_equal)[0]
    __eq__, __ne__ = _binary(np.equal)[0], _binary(np.not_equal)[0]  # type: ignore[assignment]
    __and__, __rand__ = _binary(np.logical_and)
    __or__, __ror__ = _binary(np.logical_or)
    __hash__ = object.__hash__
    __neg__, __pos__, __abs__ = _unary(np.negative), _unary(np.positive), _unary(np.absolute)
    __invert__ = _unary(np.logical_not)
    __iadd__, __isub__ = _in_place("+", np.add), _in_place("-", np.subtract)
    __imul__, __itruediv__ = _in_place("*", np.multiply), _in_place("/", np.true_divide)
    __ipow__, __imatmul__ = _in_place("**", np.power), _in_place("@", np.matmul)

    sum, mean, prod = _unary(np.sum), _unary(np.mean), _unary(np.prod)
    max, min, var, std = _unary(np.max), _unary(np.min), _unary(np.var), _unary(np.std)
    argmax, argmin, any, all = _unary(np.argmax), _unary(np.argmin), _unary(np.any), _unary(np.all)
    dot, clip, cumsum, round = _unary(np.dot), _unary(np.clip), _unary(np.cumsum), _unary(np.round)
    squeeze, swapaxes, ravel, flatten = _unary(np.squeeze), _unary(np.swapaxes), _unary(np.ravel), _unary(np.ravel)
    repeat, take, copy, astype = _unary(np.repeat), _unary(np.take), _unary(np.copy), _unary(np.astype)

    def reshape(self, *shape: Any) -> Any:
        """Return the elements in another shape, given as a tuple or as several numbers."""
        return FUNCTIONS[np.reshape](self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Any:
        """Return the array with its axes in another order."""
        order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes or None
        return FUNCTIONS[np.transpose](self, order)

    def numpy(self) -> np.ndarray:
        """Return a copy of the plain array: the one explicit way out of tracking."""
        return np.array(plain(self))

    def __getitem__(self, index: Any) -> Any:
        return FUNCTIONS[_getitem_key](self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        raise UnsupportedOperationError(
            f"A tracked array of shape {self.shape} cannot be written to at [{index!r}]: "
            "make a new one with np.where or np.concatenate."
        )

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        return bool(self.value)

    def __index__(self) -> int:
        if self.dtype.kind not in "iu":
            self._refuse("int()")
        return int(plain(self))

    def __int__(self) -> int:
        return self.__index__()

    def __float__(self) -> float:
        return float(self._detached("float()"))

    def item(self) -> Any:
        """Refuse to leave tracking silently; return the number of an array that is not tracked."""
        return self._detached(".item()").item()

    def tolist(self) -> Any:
        """Refuse to leave tracking silently; return the list of an array that is not tracked."""
        return self._detached(".tolist()").tolist()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self._detached("np.asarray"), dtype=dtype)

    def _detached(self, what: str) -> Any:
        if self.tape is not None:
            self._refuse(what)
        return self.value

    def _refuse(self, what: str) -> None:
        raise UnsupportedOperationError(
            f"{what} on a tracked array of shape {self.shape} would lose its derivative. "
            "Call .numpy() when the plain value is what you want."
        )

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__":
            raise _unsupported(f"np.{ufunc.__name__}.{method}")
        if "out" in kwargs:
            raise UnsupportedOperationError(
                f"np.{ufunc.__name__} cannot write a tracked result into an existing array (out= or an "
                f"in-place operator); assign its result to a new name."
            )
        if ufunc not in FUNCTIONS:
            raise _unsupported(f"np.{ufunc.__name__}")
        return FUNCTIONS[ufunc](*inputs, **kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function not in FUNCTIONS:
            module = getattr(function, "__module__", None) or "numpy"
            raise _unsupported(f"{module.replace('numpy', 'np', 1)}.{function.__name__}")
        return FUNCTIONS[function](*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and hasattr(np.ndarray, name):
            raise _unsupported(f"ndarray.{name}")
        raise AttributeError(f"a tracked array has no attribute {name!r}")

    def __repr__(self) -> str:
        return f"Tracked({self.value!r})"


def _getitem_key() -> None:
    """Stand for indexing in the table of functions."""


def _unsupported(name: str) -> UnsupportedOperationError:
    return UnsupportedOperationError(
        f"{name} is not among the functions that vizkit differentiates. Use those of the table in "
        "vizkit.nn.autodiff, or give it a derivative with autodiff.primitive."
    )
