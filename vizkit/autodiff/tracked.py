"""The tracked array: what stands in for a NumPy array while its computation is being remembered."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vizkit.errors import UnsupportedOperationError

if TYPE_CHECKING:
    from vizkit.autodiff.engine import Tape

__all__ = ["FUNCTIONS", "Tracked", "getitem_key", "plain"]

# NumPy function or ufunc -> what runs in its place on tracked arrays
FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {}


def plain(x: Any) -> Any:
    """Return the plain array inside a tracked one (of any depth), of shape (...), or `x` itself.

    Examples
    --------
    >>> plain(3.0)
    3.0
    """
    while isinstance(x, Tracked):
        if x.tape is not None:
            x.tape.leaked = True
        x = x.value
    return x


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
    __floordiv__, __rfloordiv__ = _binary(np.floor_divide)
    __mod__, __rmod__ = _binary(np.remainder)
    __pow__, __rpow__ = _binary(np.power)
    __matmul__, __rmatmul__ = _binary(np.matmul)
    __lt__, __gt__ = _binary(np.less)[0], _binary(np.greater)[0]
    __le__, __ge__ = _binary(np.less_equal)[0], _binary(np.greater_equal)[0]
    __eq__, __ne__ = _binary(np.equal)[0], _binary(np.not_equal)[0]  # type: ignore[assignment]
    __and__, __rand__ = _binary(np.logical_and)
    __or__, __ror__ = _binary(np.logical_or)
    __xor__, __rxor__ = _binary(np.logical_xor)
    __hash__ = object.__hash__
    __neg__, __pos__, __abs__ = _unary(np.negative), _unary(np.positive), _unary(np.absolute)
    __invert__ = _unary(np.logical_not)
    __iadd__, __isub__ = _in_place("+", np.add), _in_place("-", np.subtract)
    __imul__, __itruediv__ = _in_place("*", np.multiply), _in_place("/", np.true_divide)
    __ifloordiv__, __imod__ = _in_place("//", np.floor_divide), _in_place("%", np.remainder)
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
        """Return the array with its axes in another order: of shape (a, b), it becomes one of shape (b, a)."""
        order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes or None
        return FUNCTIONS[np.transpose](self, order)

    def numpy(self) -> np.ndarray:
        """Return a copy of the plain array, of shape (...): the one explicit way out of tracking."""
        return np.array(plain(self))

    def __getitem__(self, index: Any) -> Any:
        return FUNCTIONS[getitem_key](self, index)

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
        return bool(plain(self))

    def __index__(self) -> int:
        return int(plain(self) if self.dtype.kind in "iu" else self._detached("int()"))

    def __int__(self) -> int:
        return self.__index__()

    def __float__(self) -> float:
        return float(self._detached("float()"))

    def item(self) -> Any:
        """Refuse to leave tracking silently; return the number of an array of shape () that is not tracked."""
        return self._detached(".item()").item()

    def tolist(self) -> Any:
        """Refuse to leave tracking silently; return an array of shape (...) that is not tracked as lists."""
        return self._detached(".tolist()").tolist()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self._detached("np.asarray"), dtype=dtype)

    def _detached(self, what: str) -> Any:
        if self.tape is not None:
            self.tape.refuse(
                f"{what} on a tracked array of shape {self.shape}",
                "would lose its derivative. Call .numpy() when the plain value is what you want.",
            )
        return plain(self)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if "out" in kwargs and method == "__call__":
            raise UnsupportedOperationError(
                f"np.{ufunc.__name__} cannot write a tracked result into an existing array (out= or an "
                f"in-place operator); assign its result to a new name."
            )
        if method != "__call__":
            return _unknown(f"np.{ufunc.__name__}.{method}", getattr(ufunc, method), inputs, kwargs)
        if ufunc not in FUNCTIONS:
            return _unknown(f"np.{ufunc.__name__}", ufunc, inputs, kwargs)
        return FUNCTIONS[ufunc](*inputs, **kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function not in FUNCTIONS:
            module = (getattr(function, "__module__", None) or "numpy").replace("numpy", "np", 1)
            return _unknown(f"{module}.{function.__name__}", function, args, kwargs)
        try:
            return FUNCTIONS[function](*args, **kwargs)
        except TypeError as error:
            _check_arguments(function, args, kwargs, error)
            raise

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and hasattr(np.ndarray, name):
            return _unknown(f"ndarray.{name}", getattr, (self, name), {})
        raise AttributeError(f"a tracked array has no attribute {name!r}")

    def __repr__(self) -> str:
        return f"Tracked({self.value!r})"


def getitem_key() -> None:
    """Stand for indexing in the table of functions."""


def _check_arguments(function: Any, args: Any, kwargs: Any, error: TypeError) -> None:
    """Say which arguments a function takes here, when that was what went wrong."""
    signature = inspect.signature(FUNCTIONS[function])
    try:
        signature.bind(*args, **kwargs)
    except TypeError:
        names = ", ".join(signature.parameters)
        message = f"np.{function.__name__} of a tracked array takes {names}; {error}."
        raise UnsupportedOperationError(message) from error


def _unknown(name: str, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Refuse a function that has no derivative; where a tape does not mind, run it on plain arrays."""
    reason = (
        "is not among the functions that vizkit differentiates. Use those of the table in "
        "vizkit.autodiff, or give it a derivative with autodiff.primitive."
    )
    plain_args, plain_kwargs = _plainly(list(args), name, reason), _plainly(dict(kwargs), name, reason)
    return function(*plain_args, **plain_kwargs)


def _plainly(value: Any, name: str, reason: str) -> Any:
    """Return arguments with plain arrays in place of the tracked ones, if their tapes allow it."""
    if isinstance(value, Tracked):
        if value.tape is None:
            raise UnsupportedOperationError(f"{name} {reason}")
        value.tape.refuse(name, reason)
        return plain(value)
    if isinstance(value, (list, tuple)):
        return [_plainly(part, name, reason) for part in value]
    if isinstance(value, dict):
        return {key: _plainly(part, name, reason) for key, part in value.items()}
    return value
