"""Every error that vizkit raises on purpose.

Catch `VizkitError` to catch them all. Each class also derives from the built-in
exception that a Python user would expect, so ``except ValueError`` goes on working::

    VizkitError
    ├── ShapeError (ValueError)               arrays whose shapes do not fit
    ├── DataError (ValueError)                NaN, infinity, empty, label out of range
    ├── ArgumentError (ValueError, TypeError) an argument outside what is allowed
    ├── UnknownNameError (ValueError)         no such layer, loss, exhibit ...
    ├── UnsupportedOperationError (TypeError) the engine cannot differentiate this
    ├── NotBuiltError (RuntimeError)          a model is used before its weights exist
    ├── DivergenceError (ArithmeticError)     training left the finite numbers
    ├── TraceError
    │   ├── TraceFileError (ValueError)       not a trace, or damaged
    │   │   ├── TruncatedTraceError           the end of the file is missing
    │   │   └── TraceVersionError             written by a newer vizkit
    │   └── TraceQueryError (LookupError)     the trace holds no such event
    ├── ModelFileError (ValueError)           not a saved model, or damaged
    ├── OutputError (OSError)                 a file or folder cannot be written
    ├── RenderError (RuntimeError)            a picture or video could not be made
    └── MissingExtraError (ImportError)       an optional dependency is not installed

A message says the rule, what came, and what is allowed.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "ArgumentError",
    "DataError",
    "DivergenceError",
    "MissingExtraError",
    "ModelFileError",
    "NotBuiltError",
    "OutputError",
    "RenderError",
    "ShapeError",
    "TraceError",
    "TraceFileError",
    "TraceQueryError",
    "TraceVersionError",
    "TruncatedTraceError",
    "UnknownNameError",
    "UnsupportedOperationError",
    "VizkitError",
    "missing_extra",
    "unknown_name",
]


class VizkitError(Exception):
    """Base class of every error that vizkit raises on purpose."""


class ShapeError(VizkitError, ValueError):
    """An array's shape does not fit where it is used."""


class DataError(VizkitError, ValueError):
    """Data are empty, not finite, or outside their range."""


class ArgumentError(VizkitError, ValueError, TypeError):
    """An argument is of the wrong kind or outside its allowed range."""


class UnknownNameError(VizkitError, ValueError):
    """A name (of a layer, activation, loss, exhibit ...) does not exist."""


class UnsupportedOperationError(VizkitError, TypeError):
    """A NumPy function that the engine does not differentiate was called on a tracked array."""


class NotBuiltError(VizkitError, RuntimeError):
    """A layer or model is used before its weights exist."""


class DivergenceError(VizkitError, ArithmeticError):
    """A loss, gradient or weight stopped being finite during training."""


class TraceError(VizkitError):
    """Base class of the errors about traces."""


class TraceFileError(TraceError, ValueError):
    """A file is no trace, or is damaged."""


class TruncatedTraceError(TraceFileError):
    """The end of a trace file is missing."""


class TraceVersionError(TraceFileError):
    """A trace file was written in a newer format than this reader knows."""


class TraceQueryError(TraceError, LookupError):
    """A trace does not hold what was asked of it."""


class ModelFileError(VizkitError, ValueError):
    """A file is no saved model, or is damaged."""


class OutputError(VizkitError, OSError):
    """A file or folder cannot be written."""


class RenderError(VizkitError, RuntimeError):
    """A figure or video could not be made."""


class MissingExtraError(VizkitError, ImportError):
    """An optional dependency is not installed."""


def unknown_name(kind: str, given: object, allowed: Iterable[str]) -> UnknownNameError:
    """Return the error for a name that does not exist, with the nearest right one.

    Parameters
    ----------
    kind
        What the name should have named, for example ``"activation"``.
    given
        What came.
    allowed
        The names that exist.

    Examples
    --------
    >>> str(unknown_name("activation", "relo", ["relu", "tanh"]))
    "There is no activation 'relo'. Did you mean 'relu'? The activations are: relu, tanh."
    """
    names = sorted(allowed)
    near = difflib.get_close_matches(str(given), names, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    plural = f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}{'es' if kind.endswith('s') else 's'}"
    return UnknownNameError(f"There is no {kind} {given!r}.{hint} The {plural} are: {', '.join(names)}.")


def missing_extra(module: str, extra: str) -> MissingExtraError:
    """Return the error for a module that comes with an extra which is not installed.

    Examples
    --------
    >>> str(missing_extra("manim", "video"))
    "This needs manim, which is not installed. Install it with: pip install 'vizkit[video]'"
    """
    return MissingExtraError(
        f"This needs {module}, which is not installed. Install it with: pip install 'vizkit[{extra}]'"
    )
