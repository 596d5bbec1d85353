"""Reverse-mode differentiation of plain NumPy code.

`grad`, `value_and_grad` and `jacobian` differentiate a function; `primitive` gives a function of one's own a
derivative written by hand. What a layer's ``call`` may use:

==================  ========================================================================
group               functions (and the methods and operators of the same name)
==================  ========================================================================
arithmetic          ``+ - * / // % ** @``, negative, positive, reciprocal, square, sqrt, cbrt,
                    absolute
exponentials        exp, exp2, expm1, log, log2, log10, log1p, logaddexp
angles              sin, cos, tan, arcsin, arccos, arctan, arctan2, sinh, cosh, tanh, hypot
choice              maximum, minimum, where, clip
steps (derivative   sign, floor, ceil, rint, round, trunc, comparisons, logical_*, isnan, isinf,
zero)               isfinite, argmax, argmin, argsort, any, all
reductions          sum, mean, prod, max, min, var, std, cumsum, linalg.norm
products            matmul, dot, outer, inner, vdot, einsum
shape               reshape, ravel, transpose, swapaxes, moveaxis, expand_dims, squeeze, broadcast_to,
                    flip, roll, repeat, astype, copy
joining, cutting    indexing, take, take_along_axis, concatenate, stack, vstack, hstack, split,
                    array_split, pad (constant)
==================  ========================================================================

Everything else raises `UnsupportedOperationError` with the function's name.
"""

from __future__ import annotations

from vizkit.autodiff import elementwise, linear, reductions, shaping  # fill the table of functions
from vizkit.autodiff.derivatives import grad, jacobian, value_and_grad
from vizkit.autodiff.engine import Entry, Primitive, Tape, operation
from vizkit.autodiff.primitives import fused, primitive
from vizkit.autodiff.tracked import FUNCTIONS, Tracked, plain

__all__ = [
    "FUNCTIONS", "Entry", "Primitive", "Tape", "Tracked", "fused", "grad", "jacobian", "operation", "plain",
    "primitive", "value_and_grad",
]  # fmt: skip

del elementwise, linear, reductions, shaping
