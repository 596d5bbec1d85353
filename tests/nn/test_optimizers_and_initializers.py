"""Optimizers against PyTorch where it agrees with Keras, else against Keras's formulas written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vizkit.errors import ArgumentError, ShapeError, UnknownNameError
from vizkit.nn import initializers, optimizers
from vizkit.nn.layers import Variable

RANDOM = np.random.default_rng(3)
START = [RANDOM.normal(size=(3, 2)), RANDOM.normal(size=(2,)), np.array(0.5)]
GRADIENTS = [[RANDOM.normal(size=w.shape) for w in START] for _ in range(10)]


def ten_steps(optimizer):
    variables = [Variable(w.copy(), f"w{i}") for i, w in enumerate(START)]
    optimizer.build(variables)
    for gradients in GRADIENTS:
        optimizer.apply({id(v): g for v, g in zip(variables, gradients, strict=True)})
    return [v.numpy() for v in variables]


def torch_steps(make):
    tensors = [torch.tensor(w, requires_grad=True) for w in START]
    optimizer = make(tensors)
    for gradients in GRADIENTS:
        for tensor, gradient in zip(tensors, gradients, strict=True):
            tensor.grad = torch.tensor(gradient)
        optimizer.step()
    return [t.detach().numpy() for t in tensors]


@pytest.mark.parametrize(
    "ours, theirs",
    [
        (optimizers.SGD(0.1), lambda p: torch.optim.SGD(p, 0.1)),
        (optimizers.SGD(0.1, momentum=0.9), lambda p: torch.optim.SGD(p, 0.1, momentum=0.9)),
        (optimizers.SGD(0.1, 0.9, nesterov=True), lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, nesterov=True)),
        (optimizers.Adam(0.01, epsilon=1e-300), lambda p: torch.optim.Adam(p, 0.01, eps=1e-300)),
        (optimizers.RMSprop(0.01, epsilon=1e-300), lambda p: torch.optim.RMSprop(p, 0.01, alpha=0.9, eps=1e-300)),
    ],
)
def test_ten_steps_agree_with_pytorch(ours, theirs):
    for mine, other in zip(ten_steps(ours), torch_steps(theirs), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-10)


def test_adams_epsilon_stands_where_keras_has_it():
    rate, b1, b2, epsilon = 0.01, 0.9, 0.99, 0.1
    w, m, v = START[0].copy(), 0.0, 0.0
    for t, (g, *_) in enumerate(GRADIENTS, 1):
        m, v = m + (g - m) * (1 - b1), v + (g * g - v) * (1 - b2)
        w -= m * (rate * np.sqrt(1 - b2**t) / (1 - b1**t)) / (np.sqrt(v) + epsilon)
    np.testing.assert_allclose(ten_steps(optimizers.Adam(rate, b1, b2, epsilon))[0], w, rtol=1e-10)


def test_rmsprops_epsilon_stands_where_keras_has_it():
    w, v = START[0].copy(), 0.0
    for g, *_ in GRADIENTS:
        v = 0.9 * v + 0.1 * g * g
        w -= 0.01 * g / np.sqrt(v + 0.1)
    np.testing.assert_allclose(ten_steps(optimizers.RMSprop(0.01, 0.9, epsilon=0.1))[0], w, rtol=1e-10)


def test_weights_of_two_types_keep_their_types():
    wide, narrow = Variable(np.ones(2)), Variable(np.ones(3, np.float32))
    optimizer = optimizers.SGD(0.5)
    optimizer.build([wide, narrow])
    optimizer.apply({id(wide): np.ones(2), id(narrow): np.ones(3, np.float32)})
    assert (wide.dtype, narrow.dtype) == (np.float64, np.float32)
    assert wide.numpy().tolist() == [0.5, 0.5]
    assert narrow.numpy().tolist() == [0.5, 0.5, 0.5]


def test_a_missing_gradient_counts_as_zero():
    used, unused = Variable(np.ones(2)), Variable(np.ones(2))
    optimizer = optimizers.SGD(0.5)
    optimizer.build([used, unused])
    optimizer.apply({id(used): np.ones(2)})
    assert unused.numpy().tolist() == [1.0, 1.0]


@pytest.mark.parametrize("rate", [0, -1, np.nan, np.inf, "fast"])
def test_impossible_learning_rates(rate):
    with pytest.raises(ArgumentError, match="learning_rate"):
        optimizers.SGD(rate)


@pytest.mark.parametrize(
    "make, name",
    [
        (lambda: optimizers.SGD(0.1, momentum=-0.5), "momentum"),
        (lambda: optimizers.Adam(beta_1=1), "beta_1"),
        (lambda: optimizers.Adam(beta_2=1.5), "beta_2"),
        (lambda: optimizers.Adam(epsilon=0), "epsilon"),
        (lambda: optimizers.RMSprop(rho=-1), "rho"),
    ],
)
def test_impossible_settings(make, name):
    with pytest.raises(ArgumentError, match=name):
        make()


def test_unknown_optimizer():
    with pytest.raises(UnknownNameError, match="Did you mean 'adam'"):
        optimizers.get("adamm")


# -- initializers ------------------------------------------------------------------------------------------

SHAPE = (3, 3, 40, 60)
FAN_IN, FAN_OUT = 9 * 40, 9 * 60


@pytest.mark.parametrize(
    "name, deviation, limit",
    [
        ("random_normal", 0.05, np.inf),
        ("random_uniform", 0.05 / np.sqrt(3), 0.05),
        ("glorot_uniform", np.sqrt(2 / (FAN_IN + FAN_OUT)), np.sqrt(6 / (FAN_IN + FAN_OUT))),
        ("glorot_normal", np.sqrt(2 / (FAN_IN + FAN_OUT)), 2 * np.sqrt(2 / (FAN_IN + FAN_OUT)) / 0.8796),
        ("truncated_normal", 0.05 * 0.8796, 0.1),
        ("lecun_uniform", np.sqrt(1 / FAN_IN), np.sqrt(3 / FAN_IN)),
        ("lecun_normal", np.sqrt(1 / FAN_IN), 2 * np.sqrt(1 / FAN_IN) / 0.8796),
        ("variance_scaling", np.sqrt(1 / FAN_IN), 2 * np.sqrt(1 / FAN_IN) / 0.8796),
        ("he_uniform", np.sqrt(2 / FAN_IN), np.sqrt(6 / FAN_IN)),
        ("he_normal", np.sqrt(2 / FAN_IN), 2 * np.sqrt(2 / FAN_IN) / 0.8796),
    ],
)
def test_spread_of_the_first_weights(name, deviation, limit):
    values = initializers.get(name)(SHAPE, "float64", np.random.default_rng(0))
    assert values.std() == pytest.approx(deviation, rel=0.02)
    assert abs(values.mean()) < 5 * deviation / np.sqrt(values.size)
    assert np.abs(values).max() <= limit


def test_constants():
    assert initializers.get("ones")((2,)).tolist() == [1, 1]
    assert initializers.Constant([[1, 2]])((1, 2)).tolist() == [[1, 2]]
    with pytest.raises(ShapeError, match=r"\(2,\).*\(3,\)"):
        initializers.Constant([1, 2])((3,))


def test_a_seed_repeats():
    first, second = (initializers.GlorotUniform(seed=5)((4, 4)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_variance_scaling_without_a_cut():
    values = initializers.VarianceScaling(5.0, "fan_out", "untruncated_normal", seed=1)(SHAPE, "float64")
    assert values.std() == pytest.approx(np.sqrt(5 / FAN_OUT), rel=0.02)
    assert np.abs(values).max() > 3 * np.sqrt(5 / FAN_OUT)
    with pytest.raises(UnknownNameError, match="Did you mean 'fan_avg'"):
        initializers.VarianceScaling(mode="fan_average")


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (2, 2, 3, 4)])
def test_orthogonal_weights(shape):
    matrix = initializers.Orthogonal(1.5, seed=2)(shape, "float64").reshape(-1, shape[-1])
    product = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
    np.testing.assert_allclose(product, 1.5**2 * np.eye(len(product)), atol=1e-12)
    with pytest.raises(ShapeError, match=r"\(3,\)"):
        initializers.Orthogonal()((3,))
