"""Every primitive against PyTorch in float64, and against finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vizkit.autodiff import grad, value_and_grad

RANDOM = np.random.default_rng(7)

# name -> (NumPy function, the same in PyTorch, lowest and highest input)
UNARY = {
    "negative": (np.negative, torch.negative, -3, 3),
    "reciprocal": (np.reciprocal, torch.reciprocal, 0.2, 3),
    "square": (np.square, torch.square, -3, 3),
    "sqrt": (np.sqrt, torch.sqrt, 0.1, 3),
    "cbrt": (np.cbrt, lambda x: x ** (1 / 3), 0.1, 3),
    "absolute": (np.abs, torch.abs, -3, 3),
    "exp": (np.exp, torch.exp, -3, 3),
    "exp2": (np.exp2, torch.exp2, -3, 3),
    "expm1": (np.expm1, torch.expm1, -3, 3),
    "log": (np.log, torch.log, 0.1, 3),
    "log2": (np.log2, torch.log2, 0.1, 3),
    "log10": (np.log10, torch.log10, 0.1, 3),
    "log1p": (np.log1p, torch.log1p, -0.9, 3),
    "sin": (np.sin, torch.sin, -3, 3),
    "cos": (np.cos, torch.cos, -3, 3),
    "tan": (np.tan, torch.tan, -1, 1),
    "arcsin": (np.arcsin, torch.arcsin, -0.9, 0.9),
    "arccos": (np.arccos, torch.arccos, -0.9, 0.9),
    "arctan": (np.arctan, torch.arctan, -3, 3),
    "sinh": (np.sinh, torch.sinh, -3, 3),
    "cosh": (np.cosh, torch.cosh, -3, 3),
    "tanh": (np.tanh, torch.tanh, -3, 3),
}
BINARY = {
    "add": (np.add, torch.add),
    "subtract": (np.subtract, torch.subtract),
    "multiply": (np.multiply, torch.multiply),
    "divide": (np.divide, torch.divide),
    "power": (np.power, torch.pow),
    "maximum": (np.maximum, torch.maximum),
    "minimum": (np.minimum, torch.minimum),
    "logaddexp": (np.logaddexp, torch.logaddexp),
    "arctan2": (np.arctan2, torch.arctan2),
    "hypot": (np.hypot, torch.hypot),
}
# one function of a (3, 4) array each, written twice
SHAPED = {
    "sum": (lambda x: np.sum(x), lambda x: x.sum()),
    "sum axis": (lambda x: x.sum(axis=1), lambda x: x.sum(1)),
    "sum keepdims": (lambda x: np.sum(x, axis=(0, 1), keepdims=True), lambda x: x.sum((0, 1), keepdim=True)),
    "sum negative axis": (lambda x: np.sum(x, -2), lambda x: x.sum(-2)),
    "mean": (lambda x: x.mean(0), lambda x: x.mean(0)),
    "prod": (lambda x: np.prod(x, axis=1), lambda x: x.prod(1)),
    "prod all": (lambda x: x.prod(), lambda x: x.prod()),
    "max": (lambda x: np.max(x, axis=1), lambda x: x.amax(1)),
    "min all": (lambda x: x.min(), lambda x: x.amin()),
    "var": (lambda x: np.var(x, axis=0), lambda x: x.var(0, unbiased=False)),
    "std ddof": (lambda x: np.std(x, axis=1, ddof=1), lambda x: x.std(1)),
    "cumsum": (lambda x: np.cumsum(x, axis=1), lambda x: x.cumsum(1)),
    "cumsum flat": (lambda x: np.cumsum(x), lambda x: x.ravel().cumsum(0)),
    "norm": (lambda x: np.linalg.norm(x), torch.linalg.norm),
    "norm axis": (lambda x: np.linalg.norm(x, axis=1), lambda x: torch.linalg.norm(x, dim=1)),
    "norm 1": (lambda x: np.linalg.norm(x, 1, axis=0), lambda x: torch.linalg.norm(x, 1, dim=0)),
    "reshape": (lambda x: x.reshape(2, 6), lambda x: x.reshape(2, 6)),
    "reshape -1": (lambda x: np.reshape(x, -1), lambda x: x.ravel()),
    "transpose": (lambda x: x.T, lambda x: x.T),
    "swapaxes": (lambda x: np.swapaxes(x[None], 0, 2), lambda x: x[None].swapaxes(0, 2)),
    "transpose axes": (lambda x: x[None].transpose(2, 0, 1), lambda x: x[None].permute(2, 0, 1)),
    "moveaxis": (lambda x: np.moveaxis(x[None], 0, -1), lambda x: x[None].movedim(0, -1)),
    "expand_dims": (lambda x: np.expand_dims(x, (0, -1)), lambda x: x[None, ..., None]),
    "squeeze": (lambda x: np.squeeze(x[None], 0), lambda x: x),
    "broadcast_to": (lambda x: np.broadcast_to(x, (5, 3, 4)), lambda x: x.expand(5, 3, 4)),
    "slice": (lambda x: x[1:, ::-2], lambda x: x[1:].flip(1)[:, ::2]),
    "index twice": (lambda x: x[[0, 0, 2]], lambda x: x[[0, 0, 2]]),
    "mask": (lambda x: x[np.array([True, False, True])], lambda x: x[torch.tensor([True, False, True])]),
    "ellipsis": (lambda x: x[..., 1], lambda x: x[..., 1]),
    "take": (lambda x: np.take(x, [1, 1, 3], axis=1), lambda x: x[:, [1, 1, 3]]),
    "take_along_axis": (
        lambda x: np.take_along_axis(x, np.array([[1], [1], [3]]), axis=1),
        lambda x: torch.take_along_dim(x, torch.tensor([[1], [1], [3]]), 1),
    ),
    "flip": (lambda x: np.flip(x, 1), lambda x: x.flip(1)),
    "roll": (lambda x: np.roll(x, 1, axis=1), lambda x: x.roll(1, 1)),
    "repeat": (lambda x: np.repeat(x, 2, axis=0), lambda x: x.repeat_interleave(2, 0)),
    "concatenate": (lambda x: np.concatenate([x, x * 2], axis=1), lambda x: torch.cat([x, x * 2], 1)),
    "stack": (lambda x: np.stack([x, x * x], axis=-1), lambda x: torch.stack([x, x * x], -1)),
    "vstack": (lambda x: np.vstack([x, x[0]]), lambda x: torch.vstack([x, x[0]])),
    "hstack": (lambda x: np.hstack([x, x]), lambda x: torch.hstack([x, x])),
    "split": (lambda x: np.split(x, 2, axis=1)[1], lambda x: x.chunk(2, 1)[1]),
    "split at": (lambda x: np.split(x, [1], axis=0)[1], lambda x: x[1:]),
    "pad": (lambda x: np.pad(x, ((1, 0), (0, 2))), lambda x: torch.nn.functional.pad(x, (0, 2, 1, 0))),
    "clip": (lambda x: np.clip(x, -0.5, 0.5), lambda x: x.clip(-0.5, 0.5)),
    "clip method": (lambda x: x.clip(0), lambda x: x.clip(0)),
    "where": (lambda x: np.where(x > 0, x, x * x), lambda x: torch.where(x > 0, x, x * x)),
    "einsum": (lambda x: np.einsum("ij,kj->ik", x, x), lambda x: torch.einsum("ij,kj->ik", x, x)),
    "einsum sum": (lambda x: np.einsum("ij->i", x), lambda x: x.sum(1)),
    "einsum implicit": (lambda x: np.einsum("ij,jk", x, x.T), lambda x: x @ x.T),
    "outer": (lambda x: np.outer(x[0], x[1]), lambda x: torch.outer(x[0], x[1])),
    "inner": (lambda x: np.inner(x[0], x[1]), lambda x: x[0] @ x[1]),
    "dot": (lambda x: np.dot(x, x[0]), lambda x: x @ x[0]),
    "scalar power": (lambda x: x**2 + 2.0**x, lambda x: x**2 + 2.0**x),
    "power of zero": (lambda x: (x * 0) ** 2 + (x * 0) ** 0, lambda x: (x * 0) ** 2 + (x * 0) ** 0),
    "reflected": (lambda x: 1 - x + 2 / (x + 9), lambda x: 1 - x + 2 / (x + 9)),
}


def compare(ours, theirs, *arrays):
    """Gradients of a random weighting of the outputs, for every input."""
    tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    output = theirs(*tensors)
    weight = RANDOM.normal(size=tuple(output.shape))
    (output * torch.tensor(weight)).sum().backward()
    for position, tensor in enumerate(tensors):
        value, gradient = value_and_grad(lambda *a: np.sum(ours(*a) * weight), position)(*arrays)
        np.testing.assert_allclose(value, (output * torch.tensor(weight)).sum().item(), rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("name", UNARY)
@settings(max_examples=8)
@given(shape=st.lists(st.integers(0, 4), max_size=3), seed=st.integers(0, 2**31))
def test_unary_ufuncs(name, shape, seed):
    ours, theirs, low, high = UNARY[name]
    compare(ours, theirs, np.array(np.random.default_rng(seed).uniform(low, high, shape)))


@pytest.mark.parametrize("name", BINARY)
@settings(max_examples=10)
@given(data=st.data(), seed=st.integers(0, 2**31))
def test_binary_ufuncs_broadcast(name, data, seed):
    shape = data.draw(st.lists(st.integers(1, 4), max_size=3))
    ones = data.draw(st.lists(st.booleans(), min_size=len(shape), max_size=len(shape)))
    cut = data.draw(st.integers(0, len(shape)))
    other = tuple(1 if one else n for one, n in zip(ones, shape, strict=True))[cut:]
    random = np.random.default_rng(seed)
    left, right = np.array(random.uniform(0.2, 2, shape)), np.array(random.uniform(0.2, 2, other))
    compare(*BINARY[name], left, right)
    compare(*BINARY[name], right, left)


@pytest.mark.parametrize("name", SHAPED)
def test_functions_of_a_matrix(name):
    compare(*SHAPED[name], RANDOM.normal(size=(3, 4)))


@pytest.mark.parametrize(
    "left, right",
    [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)),
     ((5, 2, 3), (5, 3, 4)), ((6, 1, 2, 3), (5, 3, 4)), ((5, 2, 3), (3,)), ((3,), (5, 3, 4)), ((0, 3), (3, 4))],
)  # fmt: skip
def test_matmul_of_every_rank(left, right):
    compare(np.matmul, torch.matmul, RANDOM.normal(size=left), RANDOM.normal(size=right))


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_ties_share_as_in_pytorch(name):
    compare(*BINARY[name], np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.5, 3.0]))


def test_ties_of_a_reduction_share_as_in_pytorch():
    compare(lambda x: np.max(x, axis=1), lambda x: x.amax(1), np.array([[1.0, 1.0, 0.0], [2.0, 2.0, 2.0]]))


def test_product_with_zeros():
    compare(lambda x: np.prod(x, axis=1), lambda x: x.prod(1), np.array([[0.0, 2.0, 3.0], [0.0, 0.0, 3.0]]))


@settings(max_examples=25)
@given(rows=st.integers(1, 4), columns=st.integers(1, 4), seed=st.integers(0, 2**31))
def test_a_whole_function_against_finite_differences(rows, columns, seed):
    random = np.random.default_rng(seed)
    x, w = random.normal(size=(rows, columns)), random.normal(size=(columns, 3))

    def function(w):
        hidden = np.tanh(np.matmul(x, w))
        scaled = hidden / np.sqrt(1 + np.sum(hidden**2, axis=1, keepdims=True))
        return np.mean(np.exp(scaled) * np.cumsum(scaled, axis=1))

    gradient = grad(function)(w)
    for index in np.ndindex(w.shape):
        step = np.zeros_like(w)
        step[index] = 1e-6
        slope = (function(w + step) - function(w - step)) / 2e-6
        assert gradient[index] == pytest.approx(slope, rel=1e-6, abs=1e-9)


def test_second_and_third_derivative():
    assert grad(grad(lambda x: x**3))(2.0) == pytest.approx(12.0)
    assert grad(grad(grad(np.sin)))(0.3) == pytest.approx(-np.cos(0.3))


def test_inner_derivative_sees_outer_variable():
    assert grad(lambda x: x * grad(lambda y: x * y * y)(3.0))(2.0) == pytest.approx(2 * 2.0 * 6.0)


def test_second_derivative_through_indexing_and_reductions():
    function = lambda x: np.sum(x[1:] ** 2 * x[:-1]) + np.max(x) ** 2  # noqa: E731
    x = np.array([1.0, 2.0, 4.0])
    slope = lambda x: grad(function)(x)[1]  # noqa: E731
    hessian_row = grad(slope)(x)
    tensor = torch.tensor(x)
    theirs = torch.autograd.functional.hessian(lambda x: (x[1:] ** 2 * x[:-1]).sum() + x.amax() ** 2, tensor)
    np.testing.assert_allclose(hessian_row, theirs[1].numpy(), rtol=1e-12)


@pytest.mark.parametrize("order", ["C", "F"])
def test_strange_memory_is_as_good(order):
    x = np.asarray(RANDOM.normal(size=(6, 8)), order=order)[::2, ::-2]
    x.setflags(write=False)
    compare(lambda x: np.matmul(x, x.T), lambda x: x @ x.T, np.array(x))
    np.testing.assert_array_equal(grad(lambda x: np.sum(x * x))(x), 2 * x)


def test_float32_stays_float32():
    gradient = grad(lambda x: np.sum(np.tanh(x * 2.0) / 3 + np.sqrt(2.0)))(np.ones(3, np.float32))
    assert gradient.dtype == np.float32


def test_whole_number_arguments_are_taken_as_real():
    assert grad(lambda x: x * x)(3) == 6.0
