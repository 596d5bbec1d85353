"""The activation functions against PyTorch's, and against published values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vizkit.errors import ArgumentError, UnknownNameError
from vizkit.functions import ACTIVATIONS, activation, central_difference

torch = pytest.importorskip("torch")
F = torch.nn.functional

TORCH = {
    "linear": lambda x: x * 1,
    "relu": torch.relu,
    "relu6": F.relu6,
    "leaky_relu": lambda x: F.leaky_relu(x, 0.2),
    "elu": F.elu,
    "selu": F.selu,
    "softplus": lambda x: F.softplus(x, threshold=1000),
    "gelu": lambda x: x * torch.special.erfc(-x / 2**0.5) / 2,  # theirs cancels far below 0
    "silu": F.silu,
    "mish": lambda x: x * torch.tanh(torch.logaddexp(x, torch.zeros_like(x))),
    "softsign": F.softsign,
    "hard_sigmoid": lambda x: F.relu6(x + 3) / 6,  # theirs has a sixth in single precision
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softmax": lambda x: torch.softmax(torch.stack([x, torch.zeros_like(x)]), 0)[0],
}
POINTS = np.concatenate([np.linspace(-12, 12, 241), [0.0, 1e-8, -1e-8, 30.0, -30.0, 700.0, -700.0]])


def autograd(name: str, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    tensor = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    output = TORCH[name](tensor)
    output.sum().backward()
    return output.detach().numpy(), tensor.grad.numpy()


def test_every_activation_has_its_counterpart() -> None:
    assert set(TORCH) == set(ACTIVATIONS)


@pytest.mark.parametrize("name", sorted(TORCH))
def test_values_and_derivatives_agree_with_pytorch(name: str) -> None:
    output, slope = autograd(name, POINTS)
    found = ACTIVATIONS[name]
    np.testing.assert_allclose(found.function(POINTS), output, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(found.derivative(POINTS), slope, rtol=1e-10, atol=1e-14)


@given(x=st.floats(-50, 50), name=st.sampled_from(sorted(TORCH)))
def test_derivatives_agree_with_central_differences(x: float, name: str) -> None:
    if abs(x) < 1e-3:  # a corner may lie between the two points
        x = 1e-3
    found = ACTIVATIONS[name]
    rough = central_difference(found.function)(np.array(x))
    assert found.derivative(np.array(x)) == pytest.approx(float(rough), rel=1e-7, abs=1e-7)


def test_published_values() -> None:
    relu, sigmoid = ACTIVATIONS["relu"].function, ACTIVATIONS["sigmoid"].function
    assert relu(np.array([5.0, -3.0])).tolist() == [5.0, 0.0]
    np.testing.assert_allclose(sigmoid(np.array([-5.0, 0.0, 5.0])), [0.0067, 0.5, 0.9933], atol=5e-5)


def test_bounds_of_derivatives() -> None:
    x = np.linspace(-8, 8, 1601)
    for name, most in {"sigmoid": 0.25, "tanh": 1.0}.items():
        slopes = ACTIVATIONS[name].derivative(x)
        assert slopes.max() == pytest.approx(most) and x[slopes.argmax()] == pytest.approx(0, abs=1e-9)
    np.testing.assert_array_equal(ACTIVATIONS["softplus"].derivative(x), ACTIVATIONS["sigmoid"].function(x))


@pytest.mark.parametrize("name", sorted(TORCH))
def test_single_precision_stays_single(name: str) -> None:
    found, x = ACTIVATIONS[name], POINTS.astype(np.float32)
    assert found.function(x).dtype == found.derivative(x).dtype == np.float32
    np.testing.assert_allclose(found.function(x), found.function(x.astype(float)), rtol=1e-5, atol=1e-35)


def test_derivatives_from_the_output_agree_with_those_from_the_input() -> None:
    for found in ACTIVATIONS.values():
        if found.from_output is not None:
            short = found.from_output(found.function(POINTS))
            np.testing.assert_allclose(short, found.derivative(POINTS), rtol=1e-10, atol=1e-14)


def test_shapes_are_kept() -> None:
    x = np.linspace(-1, 1, 24).reshape(2, 3, 4)
    for found in ACTIVATIONS.values():
        assert found.function(x).shape == found.derivative(x).shape == x.shape
        assert np.shape(found.function(np.array(0.5))) == ()


def test_the_error_of_the_difference_is_as_documented() -> None:
    x = np.linspace(-3, 3, 61)
    np.testing.assert_allclose(central_difference(np.sin)(x), np.cos(x), atol=5e-10)


def test_bad_names_and_kinds() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'relu'"):
        activation("relo")
    with pytest.raises(ArgumentError, match="a name or a callable, but a int was given: 3"):
        activation(3)
    with pytest.raises(ArgumentError, match="step is a number above 0; 0 was"):
        central_difference(np.sin, 0)
