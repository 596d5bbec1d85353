"""Products of arrays, each beside its derivatives."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from vizkit.autodiff.engine import Primitive, implements
from vizkit.autodiff.threads import WORTH_CUTTING, product
from vizkit.errors import UnsupportedOperationError

__all__: list[str] = []


def _swap(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


def _matmul_a(g: Any, y: Any, a: Any, b: Any) -> Any:
    if b.ndim == 1:
        return g[..., None] * b
    if a.ndim == 1:
        return np.matmul(b, g[..., None])[..., 0]
    return np.matmul(g, _swap(b))


def _matmul_b(g: Any, y: Any, a: Any, b: Any) -> Any:
    if a.ndim == 1:
        return a[:, None] * g[..., None, :] if b.ndim > 1 else a * g
    if b.ndim == 1:
        return np.matmul(_swap(a), g[..., None])[..., 0]
    if b.ndim == 2 and a.ndim > 2:  # one product over all leading axes, no stack to be summed
        return np.matmul(a.reshape(-1, a.shape[-1]).T, g.reshape(-1, g.shape[-1]))
    return np.matmul(_swap(a), g)


matmul = implements(np.matmul)(Primitive(np.matmul, 2, [_matmul_a, _matmul_b], name="matmul"))


@matmul.writes
def _matmul_into(out: Any, a: Any, b: Any) -> Any:
    if not (a.ndim == b.ndim == 2 and a.dtype == b.dtype == out.dtype and out.flags.c_contiguous):
        return partial(np.matmul, a, b, out)
    if out.size * a.shape[1] >= WORTH_CUTTING and not np.may_share_memory(a, b):  # BLAS knows x xᵀ: it computes half
        return partial(product, a, b, out)
    return partial(np.dot, a, b, out)  # the same product, at a third of the price of calling np.matmul


@implements(np.dot)
def _dot(a: Any, b: Any) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return a * b
    if np.ndim(b) <= 2:
        return np.matmul(a, b)
    raise UnsupportedOperationError(
        f"np.dot of tracked arrays takes at most two axes on the right; shape {b.shape} was given. "
        "Use np.matmul or np.einsum."
    )


@implements(np.outer)
def _outer(a: Any, b: Any) -> Any:
    return np.reshape(a, (-1, 1)) * np.reshape(b, (1, -1))


@implements(np.vdot)
def _vdot(a: Any, b: Any) -> Any:
    return np.sum(np.reshape(a, -1) * np.reshape(b, -1))


@implements(np.inner)
def _inner(a: Any, b: Any) -> Any:
    return np.dot(a, b if np.ndim(b) < 2 else _swap(b))


def _einsum(*operands: Any, subscripts: str) -> Any:
    return np.einsum(subscripts, *operands)


def _einsum_operand(position: int, g: Any, y: Any, *operands: Any, subscripts: str) -> Any:
    """Swap one operand with the output: the derivative of a sum of products is one as well."""
    inputs, output = subscripts.split("->")
    terms = inputs.split(",")
    mine = terms[position]
    others = [(t, x) for i, (t, x) in enumerate(zip(terms, operands, strict=True)) if i != position]
    reach = output + "".join(t for t, _ in others)
    kept = "".join(letter for letter in mine if letter in reach)
    rule = ",".join([output, *(t for t, _ in others)]) + "->" + kept
    gradient = np.einsum(rule, g, *(x for _, x in others))
    summed = tuple(i for i, letter in enumerate(mine) if letter not in reach)
    gradient = np.expand_dims(gradient, summed)
    # an axis of length 1 may have met a longer one; the engine sums over it
    return np.broadcast_to(gradient, np.broadcast_shapes(gradient.shape, operands[position].shape))


einsum = Primitive(_einsum, None, [_einsum_operand], name="einsum")
einsum.option_names = ["subscripts"]
einsum.composed = True


@implements(np.einsum)
def _einsum_call(subscripts: Any, *operands: Any) -> Any:
    rule = subscripts.replace(" ", "") if isinstance(subscripts, str) else ""
    terms = rule.split("->")[0].split(",")
    if not rule or "." in rule or any(len(set(term)) < len(term) for term in terms):
        raise UnsupportedOperationError(
            f"np.einsum of tracked arrays takes letters only, none twice in one operand; {subscripts!r} was given."
        )
    if "->" not in rule:
        letters = "".join(terms)
        rule += "->" + "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    return einsum(*operands, subscripts=rule)
