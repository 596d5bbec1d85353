"""Nothing is ever detached in silence: what the engine cannot follow raises, and says so."""

from __future__ import annotations

import numpy as np
import pytest

from vizkit.autodiff import Tape, Tracked, grad, primitive
from vizkit.errors import ArgumentError, ShapeError, UnsupportedOperationError
from vizkit.nn.layers import Variable


@pytest.fixture
def tracked():
    return Tracked(np.array([[1.0, 2.0], [3.0, 4.0]]), Tape())


@pytest.mark.parametrize(
    "function, name",
    [
        (np.fft.fft, "np.fft.fft"),
        (np.linalg.inv, "np.linalg.inv"),
        (np.sort, "np.sort"),
        (np.median, "np.median"),
        (np.spacing, "np.spacing"),
        (np.add.reduce, "np.add.reduce"),
        (lambda x: x.partition(1), "ndarray.partition"),
        (lambda x: np.sum(x, axis=0, dtype=float), "dtype"),
        (lambda x: np.pad(x, 1, "reflect"), "reflect"),
        (lambda x: np.linalg.norm(x, 3), "norm"),
        (lambda x: np.einsum("ii", x), "einsum"),
    ],
)
def test_unsupported_functions_are_named(tracked, function, name):
    with pytest.raises(UnsupportedOperationError, match=name):
        function(tracked)


@pytest.mark.parametrize(
    "leave",
    [np.asarray, np.array, float, lambda x: x.tolist(), lambda x: x[0, 0].item(), lambda x: float(x[0, 0]), int],
)
def test_leaving_tracking_raises(tracked, leave):
    with pytest.raises(UnsupportedOperationError, match=r"\.numpy\(\)"):
        leave(tracked)


def test_the_explicit_way_out_is_a_copy(tracked):
    tracked.numpy()[:] = 0
    assert tracked.value[0, 0] == 1


def _assign(x):
    x[0] = 1


def _in_place(x):
    x += 1


def _into_array(x):
    array = np.zeros((2, 2))
    array += x


@pytest.mark.parametrize("write", [_assign, _in_place, _into_array, lambda x: np.exp(x, out=x.value)])
def test_writes_in_place_raise(tracked, write):
    with pytest.raises(UnsupportedOperationError):
        write(tracked)
    assert tracked.value.tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_writing_into_an_element_of_an_array_raises(tracked):
    array = np.zeros((2, 2))
    with pytest.raises(ValueError) as caught:  # NumPy's own error, with ours as its cause
        array[0, 0] = tracked[0, 0]
    assert isinstance(caught.value.__cause__, UnsupportedOperationError)


def test_a_running_sum_of_numbers_is_no_write():
    def function(x):
        total = np.sum(x)
        total += np.sum(x * x)
        return total

    assert grad(function)(np.array([3.0])).tolist() == [7.0]


def test_a_weight_outside_of_training_is_an_array():
    weight = Variable(np.array([2.0]), "w")
    assert np.asarray(weight).tolist() == [2.0]
    assert type(weight * 3) is np.ndarray


def test_branches_follow_the_value():
    def relu(x):
        return x if x > 0 else 0 * x

    assert (grad(relu)(2.0), grad(relu)(-2.0)) == (1.0, 0.0)


def test_a_gradient_needs_a_number_and_an_argument():
    with pytest.raises(ShapeError, match=r"\(3,\)"):
        grad(lambda x: x * 2)(np.ones(3))
    with pytest.raises(ArgumentError, match="argnum"):
        grad(lambda x: x, argnum=1)(2.0)


def test_what_does_not_depend_has_gradient_zero():
    assert grad(lambda x: 3.0)(np.ones(2)).tolist() == [0.0, 0.0]


def test_a_derivative_written_by_hand_is_used():
    @primitive(lambda g, y, x: g * 100)
    def strange(x):
        return x

    assert grad(lambda x: strange(x) * 2)(1.0) == 200.0


def test_gradients_are_the_callers_own():
    gradient = grad(np.sum)(np.ones(3))
    gradient[0] = 5
    assert gradient.tolist() == [5.0, 1.0, 1.0]
