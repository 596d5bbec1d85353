"""Activations and losses against PyTorch, and at their edges."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from vizkit.autodiff import grad, value_and_grad
from vizkit.errors import ArgumentError, DataError, ShapeError, UnknownNameError
from vizkit.nn import activations, losses

THEIRS = {
    "linear": lambda x: x,
    "relu": torch.relu,
    "relu6": F.relu6,
    "leaky_relu": lambda x: F.leaky_relu(x, 0.2),
    "elu": F.elu,
    "selu": F.selu,
    "gelu": lambda x: x * torch.special.erfc(-x / 2**0.5) / 2,  # theirs cancels far below 0
    "silu": F.silu,
    "swish": F.silu,
    "mish": lambda x: x * torch.tanh(torch.logaddexp(x, torch.zeros_like(x))),
    "softsign": F.softsign,
    "hard_sigmoid": lambda x: F.relu6(x + 3) / 6,  # theirs has a sixth in single precision
    "softplus": lambda x: torch.logaddexp(x, torch.zeros_like(x)),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softmax": lambda x: torch.softmax(x, -1),
    "log_softmax": lambda x: torch.log_softmax(x, -1),
}
EXTREMES = np.array([-1e4, -800.0, -30.0, -1e-310, 0.0, 1e-310, 30.0, 800.0, 1e4])


def both(name, x, weight):
    tensor = torch.tensor(x, requires_grad=True)
    (THEIRS[name](tensor) * torch.tensor(weight)).sum().backward()
    output = activations.get(name)(x)
    gradient = grad(lambda x: np.sum(activations.get(name)(x) * weight))(x)
    return output, THEIRS[name](tensor).detach().numpy(), gradient, tensor.grad.numpy()


def test_all_activations_are_compared():
    assert set(THEIRS) == set(activations.names())


@pytest.mark.parametrize("name", THEIRS)
@settings(max_examples=15)
@given(shape=st.lists(st.integers(1, 5), min_size=1, max_size=4), seed=st.integers(0, 2**31))
def test_activations(name, shape, seed):
    random = np.random.default_rng(seed)
    ours, theirs, gradient, expected = both(name, random.normal(0, 3, shape), random.normal(size=shape))
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(gradient, expected, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", THEIRS)
def test_activations_at_extremes(name):
    with np.errstate(all="raise", under="ignore"):
        ours, theirs, gradient, expected = both(name, EXTREMES, np.ones(len(EXTREMES)))
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(gradient, expected, rtol=1e-10, atol=1e-16)


def test_gelu_approximated_with_tanh():
    x = np.concatenate([np.linspace(-6, 6, 101), EXTREMES])
    tensor = torch.tensor(x, requires_grad=True)
    expected = F.gelu(tensor, approximate="tanh")
    expected.sum().backward()
    with np.errstate(all="raise", under="ignore"):
        value = activations.gelu(x, approximate=True)
        slope = grad(lambda x: np.sum(activations.gelu(x, True)))(x)
    np.testing.assert_allclose(value, expected.detach().numpy(), rtol=1e-12, atol=1e-14)  # theirs cancels
    np.testing.assert_allclose(slope, tensor.grad.numpy(), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", sorted(set(THEIRS) - {"linear"}))
def test_single_precision_stays_single(name):
    x = np.random.default_rng(0).normal(0, 3, (5, 4)).astype(np.float32)
    value, slope = value_and_grad(lambda x: np.sum(activations.get(name)(x)))(x)
    assert activations.get(name)(x).dtype == value.dtype == slope.dtype == np.float32
    np.testing.assert_allclose(activations.get(name)(x), THEIRS[name](torch.tensor(x)).numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", sorted(set(THEIRS) - {"relu", "relu6", "hard_sigmoid", "linear"}))
def test_second_derivatives(name):
    x = np.array([-1.3, -0.4, 0.7, 2.1])
    tensor = torch.tensor(x, requires_grad=True)
    (first,) = torch.autograd.grad((THEIRS[name](tensor) * tensor).sum(), tensor, create_graph=True)
    first.square().sum().backward()
    slope = grad(lambda x: np.sum(activations.get(name)(x) * x))
    np.testing.assert_allclose(grad(lambda x: np.sum(slope(x) ** 2))(x), tensor.grad.numpy(), rtol=1e-10)


def test_softmax_of_equal_and_far_apart_scores():
    x = np.array([[1e4, 1e4, 1e4], [-1e4, 0.0, 1e4]])
    with np.errstate(all="raise", under="ignore"):
        assert activations.softmax(x).tolist() == [[1 / 3] * 3, [0.0, 0.0, 1.0]]


def test_published_numbers():
    assert activations.softmax(np.array([2, 1, 0.1])).round(3).tolist() == [0.659, 0.242, 0.099]
    assert activations.sigmoid(np.array([5.0, -5.0])).round(4).tolist() == [0.9933, 0.0067]
    loss = losses.sparse_categorical_crossentropy(np.array([0]), activations.softmax(np.array([[2, 1, 0.1]])))
    assert loss.round(3).tolist() == [0.417]


def test_unknown_activation_names_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'relu'"):
        activations.get("rellu")


# -- losses --------------------------------------------------------------------------------------------

LABELS = np.array([2, 0, 1, 2])
ONE_HOT = np.eye(3)[LABELS]
SOFT = np.array([[0.2, 0.5, 0.3]] * 4)
YES_NO = np.array([[1.0, 0, 1], [0, 0, 1], [1, 1, 0], [0, 1, 0]])


RANDOM_SHARES = np.random.default_rng(5).dirichlet(np.ones(3), 4)


def nll(p):
    return F.nll_loss(torch.log(p / p.sum(-1, keepdim=True)), torch.tensor(LABELS))


LOSSES = {
    "sum_squared_residuals": (
        losses.get("sum_squared_residuals"),
        SOFT,
        lambda p: ((p - torch.tensor(SOFT)) ** 2).sum(),
    ),
    "mean_squared_error": (losses.get("mse"), SOFT, lambda p: F.mse_loss(p, torch.tensor(SOFT))),
    "binary": (losses.get("binary_crossentropy"), YES_NO, lambda p: F.binary_cross_entropy(p, torch.tensor(YES_NO))),
    "binary logits": (
        losses.BinaryCrossentropy(from_logits=True),
        YES_NO,
        lambda p: F.binary_cross_entropy_with_logits(p, torch.tensor(YES_NO)),
    ),
    "categorical": (losses.get("categorical_crossentropy"), ONE_HOT, nll),
    "categorical logits, soft": (
        losses.CategoricalCrossentropy(from_logits=True),
        SOFT,
        lambda p: F.cross_entropy(p, torch.tensor(SOFT)),
    ),
    "sparse": (losses.get("sparse_categorical_crossentropy"), LABELS, nll),
    "sparse logits": (
        losses.SparseCategoricalCrossentropy(from_logits=True),
        LABELS,
        lambda p: F.cross_entropy(p, torch.tensor(LABELS)),
    ),
}


LOSSES |= {
    "mean_absolute_error": (losses.get("mae"), SOFT, lambda p: F.l1_loss(p, torch.tensor(SOFT))),
    "huber": (losses.Huber(0.3), SOFT, lambda p: F.huber_loss(p, torch.tensor(SOFT), delta=0.3)),
    "hinge": (losses.get("hinge"), 2 * YES_NO - 1, lambda p: (1 - torch.tensor(2 * YES_NO - 1) * p).clamp(0).mean()),
    "hinge of 0 and 1": (losses.Hinge(), YES_NO, lambda p: (1 - torch.tensor(2 * YES_NO - 1) * p).clamp(0).mean()),
    "kl": (
        losses.get("kl_divergence"),
        SOFT,
        lambda p: F.kl_div(torch.log(p), torch.tensor(SOFT), reduction="batchmean"),
    ),
    "binary, smooth": (
        losses.BinaryCrossentropy(label_smoothing=0.2),
        YES_NO,
        lambda p: F.binary_cross_entropy(p, torch.tensor(YES_NO * 0.8 + 0.1)),
    ),
    "categorical logits, smooth": (
        losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.3),
        ONE_HOT,
        lambda p: F.cross_entropy(p, torch.tensor(LABELS), label_smoothing=0.3),
    ),
    "squares, summed": (
        losses.MeanSquaredError(reduction="sum"),
        SOFT,
        lambda p: ((p - torch.tensor(SOFT)) ** 2).mean(-1).sum(),
    ),
}


@pytest.mark.parametrize("name", LOSSES)
@settings(max_examples=15)
@given(seed=st.integers(0, 2**31))
def test_losses(name, seed):
    loss, target, theirs = LOSSES[name]
    prediction = np.random.default_rng(seed).uniform(0.05, 0.95, (4, 3))
    tensor = torch.tensor(prediction, requires_grad=True)
    expected = theirs(tensor)
    expected.backward()
    value, gradient = value_and_grad(lambda p: loss(target, p))(prediction)
    np.testing.assert_allclose(value, expected.item(), rtol=1e-12)
    np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-10, atol=1e-15)
    samples = loss.samples(target, prediction)
    assert samples.shape == (4,)
    assert value == pytest.approx(samples.sum() if loss.reduction == "sum" else samples.mean(), rel=1e-14)


@pytest.mark.parametrize("name", ["binary logits", "categorical logits, soft", "sparse logits"])
def test_logits_at_extremes(name):
    loss, target, theirs = LOSSES[name]
    x = np.array([[1e4, -1e4, 0], [1e4, 1e4, 1e4], [-1e4, -1e4, 1e4], [0, 1e-310, -1e4]])
    with np.errstate(all="raise", under="ignore"):
        value, gradient = value_and_grad(lambda p: loss(target, p))(x)
    tensor = torch.tensor(x, requires_grad=True)
    theirs(tensor).backward()
    assert value == pytest.approx(theirs(tensor).item(), rel=1e-12)
    np.testing.assert_allclose(gradient, tensor.grad.numpy(), atol=1e-15)


@pytest.mark.parametrize("name", ["binary", "categorical", "sparse"])
def test_probabilities_of_zero_and_one_are_kept_off_the_edge_as_in_keras(name):
    loss, target, _ = LOSSES[name]
    wrong = 1 - (YES_NO if name == "binary" else ONE_HOT)
    wrong = wrong if name == "binary" else wrong / 2
    with np.errstate(all="raise", under="ignore"):
        value = loss(target, wrong)
    assert value == pytest.approx(-np.log(1e-7), rel=1e-8)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_sample_weights_count_samples_several_times(reduction):
    loss = losses.MeanAbsoluteError(reduction=reduction)
    y, p = SOFT, RANDOM_SHARES
    weighted = loss(y, p, sample_weight=[2, 0, 1, 1])
    repeated = loss(y[[0, 0, 2, 3]], p[[0, 0, 2, 3]])
    assert weighted == pytest.approx(repeated, rel=1e-14)
    assert loss.samples(y, p, [2, 0, 1, 1])[1] == 0


def test_a_class_with_call_is_a_loss():
    class Cubed(losses.Loss):
        def call(self, y_true, y_pred):
            return np.mean(np.abs(y_true - y_pred) ** 3, axis=-1)

    assert losses.get(Cubed())(np.zeros((2, 1)), np.array([[1.0], [3.0]])) == 14
    assert Cubed().name == "Cubed"
    with pytest.raises(ArgumentError, match="call"):
        losses.Loss()


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_comes_back_from_its_config(name):
    loss, target, _ = LOSSES[name]
    again = losses.get(losses.config(loss))
    assert again(target, RANDOM_SHARES) == loss(target, RANDOM_SHARES)


@pytest.mark.parametrize("make", [lambda: losses.Huber(0), lambda: losses.BinaryCrossentropy(label_smoothing=2)])
def test_impossible_settings_of_losses(make):
    with pytest.raises(ArgumentError, match=r"(delta|label_smoothing) is a number"):
        make()


def test_an_unknown_reduction():
    with pytest.raises(ArgumentError, match="'median' was given"):
        losses.Loss(np.add, reduction="median")


@pytest.mark.parametrize("name", ["mean_absolute_error", "huber", "hinge", "kl", "mean_squared_error", "binary"])
def test_other_losses_at_extremes(name):
    loss = LOSSES[name][0]
    x = np.array([[1e4, -1e4, 0.0], [1e-310, -1e-310, 1.0], [0.0, 0.0, 0.0]])
    x = np.clip(x, 0, 1) if name in ("kl", "binary") else x
    for target in (np.zeros_like(x), np.ones_like(x), x):
        with np.errstate(all="raise", under="ignore"):
            value, slope = value_and_grad(lambda p, t=target: loss(t, p))(x)
        assert np.isfinite(value) and np.isfinite(slope).all()


def test_soft_predictions_in_float32_stay_so():
    value = losses.get("mse")(np.zeros((2, 1), np.float32), np.ones((2, 1), np.float32))
    assert value.dtype == np.float32


def test_any_function_is_a_loss():
    absolute = losses.get(lambda y, p: np.abs(y - p))
    assert absolute(np.zeros((2, 1)), np.array([[1.0], [-3.0]])) == 2.0


def test_the_public_function_stands_for_its_loss():
    assert losses.get(losses.sum_squared_residuals).reduction == "sum"


@pytest.mark.parametrize("labels", [[0, 3], [-1, 0], [0.5, 1]])
def test_labels_out_of_range(labels):
    with pytest.raises(DataError, match="from 0 to 2"):
        losses.get("sparse_categorical_crossentropy").target(np.array(labels), (None, 3), "float32")


def test_targets_of_a_wrong_shape():
    with pytest.raises(ShapeError, match=r"\(2, 2\)"):
        losses.get("mse").target(np.zeros((2, 2)), (None, 3), "float32")
    with pytest.raises(ShapeError, match="For class numbers"):
        losses.get("categorical_crossentropy").target(np.zeros(2), (None, 3), "float32")
    with pytest.raises(ShapeError, match="one-hot"):
        losses.get("sparse_categorical_crossentropy").target(np.eye(3), (None, 3), "float32")


def test_flat_targets_fit_a_single_output():
    assert losses.get("mse").target(np.zeros(5), (None, 1), "float32").shape == (5, 1)


def test_unknown_loss_names_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'mean_squared_error'"):
        losses.get("mean_square_error")
