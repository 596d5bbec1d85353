"""Each function of the engine's table is what the table says: against finite differences and PyTorch."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vizkit import autodiff
from vizkit.autodiff import FUNCTIONS, grad, jacobian
from vizkit.errors import UnsupportedOperationError

RANDOM = np.random.default_rng(11)
A = RANDOM.uniform(0.2, 0.9, (3, 4))
PLACES = np.array([[1], [0], [3]])


def tensor(numbers):
    return torch.tensor(numbers, dtype=torch.float64)


ELEMENTWISE = [
    "negative", "positive", "reciprocal", "square", "sqrt", "absolute", "exp", "exp2", "expm1", "log", "log2",
    "log10", "log1p", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "sign", "floor",
    "ceil", "trunc", "isnan", "isinf", "isfinite", "ravel",
]  # fmt: skip
# name in the table -> the function of a (3, 4) array with numbers between 0.2 and 0.9, PyTorch's, when it has one
PROGRAMS = {
    "+": (lambda x: x + x[0] + 1, lambda x: x + x[0] + 1),
    "-": (lambda x: 1 - x - x[:, :1], lambda x: 1 - x - x[:, :1]),
    "*": (lambda x: x * x[0] * 3, lambda x: x * x[0] * 3),
    "/": (lambda x: x / x[0] + 1 / x, lambda x: x / x[0] + 1 / x),
    "//": (lambda x: x * (x // 0.3) + 1 // x, None),
    "%": (lambda x: x % 0.3 + 1 % x, None),
    "**": (lambda x: x ** x[0] + 2**x, lambda x: x ** x[0] + 2**x),
    "@": (lambda x: x @ x.T, lambda x: x @ x.T),
    **{name: (getattr(np, name), getattr(torch, name)) for name in ELEMENTWISE},
    "cbrt": (np.cbrt, lambda x: x ** (1 / 3)),
    "rint": (np.rint, torch.round),
    "round": (lambda x: np.round(x, 1), lambda x: torch.round(x, decimals=1)),
    **{
        name: (
            lambda x, name=name: getattr(np, name)(x[:2], x[2]),
            lambda x, name=name: getattr(torch, name)(x[:2], x[2]),
        )
        for name in ["logaddexp", "arctan2", "maximum", "minimum", "hypot"]
    },
    "where": (lambda x: np.where(x[:1] > 0.5, x, x[:, :1] ** 2), lambda x: torch.where(x[:1] > 0.5, x, x[:, :1] ** 2)),
    "clip": (
        lambda x: np.clip(x, 0.4, np.array([0.5, 0.6, 0.7, 0.8])),
        lambda x: x.clip(tensor(0.4), tensor([0.5, 0.6, 0.7, 0.8])),
    ),
    "comparisons": (
        lambda x: x * (x < 0.5) + (x >= x[0]) + (x <= 0.3) + (x > 0.4) + (x == x) + (x != x),
        lambda x: (
            x * (x < 0.5) + 1.0 * (x >= x[0]) + 1.0 * (x <= 0.3) + 1.0 * (x > 0.4) + 1.0 * (x == x) + 1.0 * (x != x)
        ),
    ),
    "logical_*": (
        lambda x: (
            x * np.logical_and(x > 0.3, x < 0.8)
            + np.logical_or(x > 0.8, x < 0.3) * x**2
            + np.logical_xor(x > 0.3, x > 0.6) * x**3
            + np.logical_not(x > 0.5)
            + ((x > 0.3) & ~(x > 0.5) | (x < 0.2))
        ),
        lambda x: (
            x * ((x > 0.3) & (x < 0.8))
            + ((x > 0.8) | (x < 0.3)) * x**2
            + ((x > 0.3) ^ (x > 0.6)) * x**3
            + 1.0 * ~(x > 0.5)
            + 1.0 * ((x > 0.3) & ~(x > 0.5) | (x < 0.2))
        ),
    ),
    "argmax": (lambda x: x[np.arange(3), np.argmax(x, axis=1)], lambda x: x.amax(1)),
    "argmin": (lambda x: x[np.arange(3), x.argmin(axis=1)], lambda x: x.amin(1)),
    "argsort": (lambda x: np.take_along_axis(x, np.argsort(x, axis=1), axis=1), lambda x: x.sort(1).values),
    "any": (lambda x: x * np.any(x > 0.8, axis=1, keepdims=True), lambda x: x * (x > 0.8).any(1, keepdim=True)),
    "all": (lambda x: x * np.all(x > 0.3, axis=1, keepdims=True), lambda x: x * (x > 0.3).all(1, keepdim=True)),
    "sum": (lambda x: np.sum(x, axis=(0, 1)) + x.sum(0), lambda x: x.sum() + x.sum(0)),
    "mean": (lambda x: np.mean(x, axis=-1, keepdims=True) + x.mean(), lambda x: x.mean(-1, keepdim=True) + x.mean()),
    "prod": (lambda x: np.prod(x, axis=1, keepdims=True) + x.prod(), lambda x: x.prod(1, keepdim=True) + x.prod()),
    "max": (lambda x: np.max(x, axis=0) + x.max(), lambda x: x.amax(0) + x.amax()),
    "min": (lambda x: np.min(x, axis=(0, 1)) + x.min(1), lambda x: x.amin() + x.amin(1)),
    "var": (lambda x: np.var(x, axis=1) + x.var(ddof=1), lambda x: x.var(1, unbiased=False) + x.var()),
    "std": (lambda x: np.std(x, axis=1) + x.std(ddof=1), lambda x: x.std(1, unbiased=False) + x.std()),
    "cumsum": (
        lambda x: np.cumsum(x, axis=0) + x.cumsum().reshape(3, 4),
        lambda x: x.cumsum(0) + x.ravel().cumsum(0).reshape(3, 4),
    ),
    "linalg.norm": (
        lambda x: np.linalg.norm(x) + np.linalg.norm(x, 1, axis=1),
        lambda x: torch.linalg.norm(x) + torch.linalg.norm(x, 1, dim=1),
    ),
    "matmul": (lambda x: np.matmul(x[None], x.reshape(1, 4, 3)), lambda x: x[None] @ x.reshape(1, 4, 3)),
    "dot": (
        lambda x: np.dot(x, x[0]) + x.dot(x.T)[0] + np.dot(2.0, x[:, 0]),
        lambda x: x @ x[0] + (x @ x.T)[0] + 2 * x[:, 0],
    ),
    "outer": (lambda x: np.outer(x, x[0]), lambda x: torch.outer(x.ravel(), x[0])),
    "inner": (lambda x: np.inner(x, x) + np.inner(x[0], x[1]), lambda x: torch.inner(x, x) + torch.inner(x[0], x[1])),
    "vdot": (lambda x: np.vdot(x[0], x[1]) + np.vdot(x, x * x), lambda x: torch.vdot(x[0], x[1]) + (x * x * x).sum()),
    "einsum": (lambda x: np.einsum("ij,kj->ik", x, x), lambda x: torch.einsum("ij,kj->ik", x, x)),
    "reshape": (lambda x: np.reshape(x, (2, 6)) * x.reshape(-1, 6) * x.reshape((2, 6)), lambda x: x.reshape(2, 6) ** 3),
    "transpose": (
        lambda x: np.transpose(x[None], (2, 0, 1)) + x.T[:, None],
        lambda x: x[None].permute(2, 0, 1) + x.T[:, None],
    ),
    "swapaxes": (lambda x: np.swapaxes(x, 0, -1) + x.swapaxes(0, 1) + x.mT, lambda x: 3 * x.T),
    "moveaxis": (lambda x: np.moveaxis(x[None], (0, 1), (1, 0)), lambda x: x[:, None]),
    "expand_dims": (lambda x: np.expand_dims(x, (0, -1)), lambda x: x[None, ..., None]),
    "squeeze": (lambda x: np.squeeze(x[None], 0) + x[:, None].squeeze(), lambda x: 2 * x),
    "broadcast_to": (lambda x: np.broadcast_to(x[:, :1], (2, 3, 5)), lambda x: x[:, :1].expand(2, 3, 5)),
    "flip": (lambda x: np.flip(x) + np.flip(x, (0, 1)) + np.flip(x, 1), lambda x: 2 * x.flip(0, 1) + x.flip(1)),
    "roll": (lambda x: np.roll(x, 2, axis=0) + np.roll(x, -1), lambda x: x.roll(2, 0) + x.roll(-1)),
    "repeat": (lambda x: np.repeat(x, [1, 0, 2], axis=0), lambda x: x.repeat_interleave(torch.tensor([1, 0, 2]), 0)),
    "astype": (lambda x: x.astype("float64") + np.astype(x, np.float64), lambda x: 2 * x.double()),
    "copy": (lambda x: np.copy(x) + x.copy(), lambda x: 2 * x.clone()),
    "indexing": (
        lambda x: x[1:, ::-2] * x[[0, 0], 1][:, None] + x[..., -1][:2, None] + x[np.array([True, False, True])][:, :2],
        lambda x: x[1:].flip(1)[:, ::2] * x[[0, 0], 1][:, None] + x[:2, -1:] + x[[0, 2], :2],
    ),
    "take": (
        lambda x: np.take(x, [1, 1, -1], axis=1) + x.take([0, 5, 11]),
        lambda x: x[:, [1, 1, 3]] + x.ravel()[[0, 5, 11]],
    ),
    "take_along_axis": (
        lambda x: np.take_along_axis(x, PLACES, axis=1),
        lambda x: x.take_along_dim(torch.tensor(PLACES), 1),
    ),
    "concatenate": (
        lambda x: np.concatenate([x, np.ones((3, 1)), x[:, :2]], axis=-1),
        lambda x: torch.cat([x, torch.ones(3, 1, dtype=torch.float64), x[:, :2]], -1),
    ),
    "stack": (
        lambda x: np.stack([x, np.ones((3, 4)), x * x], axis=1),
        lambda x: torch.stack([x, torch.ones(3, 4), x * x], 1),
    ),
    "vstack": (lambda x: np.vstack([x, x[0], np.ones(4)]), lambda x: torch.vstack([x, x[0], torch.ones(4)])),
    "hstack": (lambda x: np.hstack([x[0], x[1, :2]]), lambda x: torch.hstack([x[0], x[1, :2]])),
    "split": (lambda x: np.split(x, 2, axis=1)[1], lambda x: x.chunk(2, 1)[1]),
    "array_split": (lambda x: np.array_split(x, 3, axis=1)[0], lambda x: x[:, :2]),
    "pad": (
        lambda x: np.pad(x, (1, 2)) + np.pad(x, 1, constant_values=2.0)[:1, :1],
        lambda x: torch.nn.functional.pad(x, (1, 2, 1, 2)) + 2,
    ),
}
# what stands behind a name of the table that is no function's name
BEHIND = {
    "+": ["add"],
    "-": ["subtract"],
    "*": ["multiply"],
    "/": ["divide"],
    "//": ["floor_divide"],
    "%": ["remainder"],
    "**": ["power"],
    "@": ["matmul"],
    "comparisons": ["less", "less_equal", "greater", "greater_equal", "equal", "not_equal"],
    "logical_*": ["logical_and", "logical_or", "logical_not", "logical_xor", "bitwise_and", "bitwise_or", "invert"],
    "indexing": ["getitem_key"],
    "max": ["max", "amax"],
    "min": ["min", "amin"],
    "linalg.norm": ["norm"],
}
ABOUT_THE_SHAPE = {
    "shape",
    "ndim",
    "size",
    "zeros_like",
    "ones_like",
    "full_like",
}  # of which nothing is differentiated


def names_in_the_table():
    rows = autodiff.__doc__.split("=" * 72)[2].split("=" * 18)[0]
    functions = "\n".join(line[20:] for line in rows.splitlines())
    functions = functions.replace("``+ - * / // % ** @``", "+, -, *, /, //, %, **, @").replace("pad (constant)", "pad")
    return [name for name in re.split(r"[,\s]+", functions) if name]


def test_the_table_names_all_that_is_supported_and_nothing_else():
    names = names_in_the_table()
    assert len(names) == len(set(names)) > 80
    meant = {function for name in names for function in BEHIND.get(name, [name])} | ABOUT_THE_SHAPE
    assert {function.__name__ for function in FUNCTIONS} - {"signbit"} == meant
    assert set(PROGRAMS) == set(names)


def differences(function, x, step=1e-6):
    """Return the jacobian by central differences."""
    columns = []
    for index in np.ndindex(x.shape):
        moved = np.zeros_like(x)
        moved[index] = step
        columns.append((np.asarray(function(x + moved), float) - np.asarray(function(x - moved), float)) / (2 * step))
    return np.moveaxis(np.reshape(columns, (*x.shape, *columns[0].shape)), range(x.ndim), range(-x.ndim, 0))


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_row_of_the_table(name):
    ours, theirs = PROGRAMS[name]
    found = jacobian(ours)(A)
    np.testing.assert_allclose(found, differences(ours, A), rtol=1e-6, atol=1e-8)
    if theirs is not None:
        np.testing.assert_allclose(
            np.asarray(ours(A), float), theirs(tensor(A)).double().numpy(), rtol=1e-12, atol=1e-14
        )
        if theirs(tensor(A)).dtype == torch.float64:
            expected = torch.autograd.functional.jacobian(theirs, tensor(A))
            np.testing.assert_allclose(found, expected.numpy(), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_row_can_be_differentiated_twice(name):
    ours, _ = PROGRAMS[name]
    slopes = grad(lambda x: np.sum(np.astype(ours(x), np.float64) * 1.5))
    np.testing.assert_allclose(jacobian(slopes)(A), differences(slopes, A), rtol=1e-5, atol=1e-6)


shapes = st.lists(st.integers(0, 3), max_size=2).map(tuple)


@settings(max_examples=40)
@given(shape=shapes, seed=st.integers(0, 2**31), argnum=st.integers(0, 1))
def test_jacobians_of_any_shape(shape, seed, argnum):
    random = np.random.default_rng(seed)
    inputs = [np.array(random.normal(size=shape)), np.array(random.normal(size=(2, *shape)))]

    def ours(a, b):
        return np.tanh(a * b) + np.sum(b, axis=0)

    def theirs(a, b):
        return torch.tanh(a * b) + b.sum(0)

    found = jacobian(ours, argnum)(*inputs)
    assert found.shape == (2, *shape, *inputs[argnum].shape)
    if found.size:  # PyTorch's cannot be empty
        expected = torch.autograd.functional.jacobian(theirs, tuple(torch.tensor(x) for x in inputs))[argnum]
        np.testing.assert_allclose(found, expected.numpy(), rtol=1e-11, atol=1e-13)


def test_jacobians_of_what_does_not_depend():
    assert jacobian(lambda x: np.ones((2, 3)))(np.ones(4)).tolist() == np.zeros((2, 3, 4)).tolist()
    assert jacobian(lambda x, y: y, 0)(1.0, np.ones(2)).tolist() == [0, 0]
    assert jacobian(lambda x: x * 0 + 2.0)(np.ones(2)).tolist() == np.zeros((2, 2)).tolist()


def test_a_hessian_is_pytorchs():
    x = RANDOM.normal(size=4)
    found = jacobian(grad(lambda x: np.sum(np.tanh(np.outer(x, x)) * x)))(x)
    expected = torch.autograd.functional.hessian(lambda x: (torch.tanh(torch.outer(x, x)) * x).sum(), torch.tensor(x))
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-10)


def test_a_jacobian_in_float32_stays_there_and_may_be_written_to():
    found = jacobian(np.sin)(np.zeros(2, np.float32))
    assert found.dtype == np.float32
    found[0] = 1


BROADCAST = {
    "clip": (np.clip, torch.clip, [(2, 3, 3), (3,), (3, 1)]),
    "where": (
        lambda c, x, y: np.where(c > 0, x, y),
        lambda c, x, y: torch.where(c > 0, x, y),
        [(2, 1, 3), (3,), (3, 1)],
    ),
    "matmul": (lambda a, b, c: np.matmul(a, b) + c, lambda a, b, c: a @ b + c, [(2, 1, 3, 2), (4, 2, 3), (3, 1)]),
    "einsum": (
        lambda a, b, c: np.einsum("ij,kj,k->ik", a, b, c),
        lambda a, b, c: torch.einsum("ij,kj,k->ik", a, b, c),
        [(3, 1), (2, 4), (1,)],
    ),
    "arctan2": (lambda a, b, c: np.arctan2(a, b) % c, lambda a, b, c: torch.arctan2(a, b) % c, [(2, 1), (3,), ()]),
}


@pytest.mark.parametrize("name", BROADCAST)
def test_what_is_stretched_gets_the_sum_of_its_shares(name):
    ours, theirs, sizes = BROADCAST[name]
    inputs = [np.array(RANDOM.normal(size=size)) for size in sizes]
    for argnum, expected in enumerate(torch.autograd.functional.jacobian(theirs, tuple(map(torch.tensor, inputs)))):
        found = jacobian(ours, argnum)(*inputs)
        np.testing.assert_allclose(found, expected.numpy(), rtol=1e-11, atol=1e-12)


def test_lengths_of_nothing_have_the_slope_that_pytorch_takes():
    for ours, theirs in ((np.linalg.norm, torch.linalg.norm), (np.std, lambda x: x.std(unbiased=False))):
        zeros = torch.zeros(3, dtype=torch.float64, requires_grad=True)
        theirs(zeros).backward()
        np.testing.assert_array_equal(grad(ours)(np.zeros(3)), zeros.grad.numpy())


def test_products_of_any_axes():
    x = np.array(RANDOM.normal(size=(2, 3, 5)))
    x[0, 1, 2] = x[0, 1, 3] = 0
    for axis, keepdims in (((0, 2), False), ((-1, 1), True), (None, True), ((), False), (2, True)):
        function = lambda x, axis=axis, keepdims=keepdims: np.prod(x, axis=axis, keepdims=keepdims)  # noqa: E731
        np.testing.assert_allclose(jacobian(function)(x), differences(function, x), rtol=1e-6, atol=1e-8)
    assert grad(lambda x: np.prod(x) + np.sum(np.prod(x, axis=0)))(np.zeros((0, 2))).shape == (0, 2)


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda x: np.take(x, [0], mode="clip"), r"np.take .* takes a, indices, axis; .*mode"),
        (lambda x: np.sum(x, where=x > 0), "sum on a tracked array takes axis, keepdims; where"),
    ],
)
def test_arguments_that_are_not_supported_are_named(call, said):
    with pytest.raises(UnsupportedOperationError, match=said):
        grad(lambda x: np.sum(call(x)))(np.ones(3))
