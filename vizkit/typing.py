"""Array types that say their axes.

``Float["batch features"]`` annotates an array of floating point numbers whose axes are
called batch and features. The axes are documentation: they are kept in the annotation's
metadata and checked by nobody at run time.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["ArrayLike", "Bool", "Float", "Int", "Real"]

Real: TypeAlias = float | int | np.floating[Any] | np.integer[Any]


class Float:
    """Floating point array; ``Float["batch units"]`` names its axes."""

    def __class_getitem__(cls, axes: str) -> Any:
        return Annotated[NDArray[np.floating[Any]], axes]


class Int:
    """Integer array; ``Int["batch"]`` names its axes."""

    def __class_getitem__(cls, axes: str) -> Any:
        return Annotated[NDArray[np.integer[Any]], axes]


class Bool:
    """Boolean array; ``Bool["batch"]`` names its axes."""

    def __class_getitem__(cls, axes: str) -> Any:
        return Annotated[NDArray[np.bool_], axes]
