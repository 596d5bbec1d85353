"""Ten steps of each optimizer against Keras, schedules against Keras and PyTorch, and clipping."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vizkit.errors import ArgumentError, ShapeError, UnknownNameError
from vizkit.nn import optimizers
from vizkit.nn.layers import Variable
from vizkit.nn.optimizers import schedules

keras = pytest.importorskip("keras")

RANDOM = np.random.default_rng(3)
START = [RANDOM.normal(size=(3, 2)), RANDOM.normal(size=(2,)), np.array(0.5)]
GRADIENTS = [[RANDOM.normal(size=w.shape) for w in START] for _ in range(10)]


@pytest.fixture(autouse=True)
def double_precision():
    before = keras.config.floatx()
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx(before)


def our_steps(optimizer, gradients=GRADIENTS):
    variables = [Variable(w.copy(), f"w{i}") for i, w in enumerate(START)]
    optimizer.build(variables)
    for step in gradients:
        optimizer.apply({id(v): g for v, g in zip(variables, step, strict=True)})
    return [v.numpy() for v in variables]


def their_steps(optimizer):
    variables = [keras.Variable(w, dtype="float64") for w in START]
    for step in GRADIENTS:
        optimizer.apply([torch.tensor(g) for g in step], variables)
    return [np.asarray(v.value.detach()) for v in variables]


CHOICES = [
    ("SGD", {}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("SGD", {"learning_rate": 0.3, "clipnorm": 0.7}),
    ("SGD", {"learning_rate": 0.3, "clipvalue": 0.4}),
    ("SGD", {"learning_rate": 0.3, "global_clipnorm": 0.9}),
    ("Adagrad", {}),
    ("Adagrad", {"learning_rate": 0.1, "initial_accumulator_value": 0.0, "epsilon": 0.01}),
    ("RMSprop", {}),
    ("RMSprop", {"rho": 0.7, "momentum": 0.8, "epsilon": 0.1}),
    ("RMSprop", {"learning_rate": 0.01, "momentum": 0.5, "centered": True}),
    ("RMSprop", {"centered": True, "weight_decay": 0.3}),
    ("Adam", {}),
    ("Adam", {"learning_rate": 0.1, "beta_1": 0.6, "beta_2": 0.7, "epsilon": 0.1}),
    ("Adam", {"amsgrad": True, "beta_2": 0.5, "global_clipnorm": 1.0}),
    ("AdamW", {}),
    ("AdamW", {"learning_rate": 0.1, "weight_decay": 0.5}),
]


@pytest.mark.parametrize("name, settings", CHOICES)
def test_ten_steps_agree_with_keras(name, settings):
    ours = our_steps(getattr(optimizers, name)(**settings))
    theirs = their_steps(getattr(keras.optimizers, name)(**settings))
    single = any("norm" in key for key in settings)  # Keras measures a norm in single precision on PyTorch
    for mine, other, start in zip(ours, theirs, START, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-6 if single else 1e-10)
        assert not np.allclose(mine, start, rtol=1e-6)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_defaults_are_keras_s():
    for name in ("SGD", "Adagrad", "RMSprop", "Adam", "AdamW"):
        theirs = getattr(keras.optimizers, name)().get_config()
        for key, value in getattr(optimizers, name)().config().items():
            if key != "name":
                assert theirs[key] == pytest.approx(value), (name, key)


SCHEDULES = [
    ("PiecewiseConstantDecay", ([3, 7], [0.5, 0.25, 0.1])),
    ("ExponentialDecay", (0.1, 7, 0.9)),
    ("ExponentialDecay", (0.1, 7, 0.9, True)),
    ("InverseTimeDecay", (0.1, 7, 0.5)),
    ("InverseTimeDecay", (0.1, 7, 0.5, True)),
    ("PolynomialDecay", (0.1, 9)),
    ("PolynomialDecay", (0.1, 9, 0.01, 2.5)),
    ("PolynomialDecay", (0.1, 9, 0.01, 0.5, True)),
    ("CosineDecay", (0.1, 15)),
    ("CosineDecay", (0.01, 15, 0.1), {"warmup_target": 0.2, "warmup_steps": 5}),
    ("CosineDecayRestarts", (0.1, 7)),
    ("CosineDecayRestarts", (0.1, 7, 1.0, 0.5)),
    ("CosineDecayRestarts", (0.1, 5, 1.5, 0.8, 0.1)),
]


@pytest.mark.parametrize("choice", SCHEDULES)
def test_schedules_agree_with_keras(choice):
    name, arguments, options = (*choice, {})[:3]
    ours = getattr(schedules, name)(*arguments, **options)
    theirs = getattr(keras.optimizers.schedules, name)(*arguments, **options)
    steps = range(40)
    expected = [float(theirs(step)) for step in steps]
    np.testing.assert_allclose([ours(step) for step in steps], expected, rtol=1e-6, atol=1e-9)  # constants of theirs
    assert schedules.get(ours.config())(11) == ours(11)  # are single


def test_one_cycle_agrees_with_pytorch():
    weight = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([weight], 1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.5, total_steps=30, cycle_momentum=False)
    ours = schedules.OneCycle(0.5, 30)
    for step in range(30):
        assert ours(step) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)
        optimizer.step()
        if step < 29:
            theirs.step()


def test_the_first_step_takes_the_schedules_first_rate():
    optimizer = optimizers.SGD(schedules.PiecewiseConstantDecay([0], [1.0, 0.5]))
    weight = Variable(np.zeros(1))
    optimizer.build([weight])
    found = []
    for _ in range(3):
        optimizer.apply({id(weight): np.ones(1)})
        found.append(weight.numpy()[0])
    assert found == [-1.0, -1.5, -2.0]
    assert optimizer.learning_rate == 0.5


def test_an_optimizer_goes_on_where_another_stood():
    straight = our_steps(optimizers.Adam(0.1))
    first = optimizers.Adam(0.1)
    halfway = our_steps(first, GRADIENTS[:5])
    second = optimizers.get(first.config())
    variables = [Variable(w.copy()) for w in halfway]
    second.build(variables)
    second.restore(first.iterations, first.state())
    for step in GRADIENTS[5:]:
        second.apply({id(v): g for v, g in zip(variables, step, strict=True)})
    for one, other in zip(straight, variables, strict=True):
        np.testing.assert_array_equal(one, other.numpy())


def test_a_state_of_other_weights_is_refused():
    optimizer = optimizers.Adam()
    optimizer.build([Variable(np.zeros(3))])
    with pytest.raises(ShapeError, match=r"\(3,\).*\(2,\)"):
        optimizer.restore(1, [np.zeros(2), np.zeros(2)])


@pytest.mark.parametrize("clip", ["clipnorm", "global_clipnorm"])
def test_clipping_by_norm_written_out(clip):
    expected = [w.copy() for w in START]
    for step in GRADIENTS:
        lengths = [np.linalg.norm(g) for g in step]
        if clip == "global_clipnorm":
            lengths = [np.linalg.norm(lengths)] * len(step)
        for weight, gradient, length in zip(expected, step, lengths, strict=True):
            weight -= 0.3 * gradient * min(1, 0.7 / length)
    for mine, other in zip(our_steps(optimizers.SGD(0.3, **{clip: 0.7})), expected, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-10)


@pytest.mark.parametrize("clip", ["clipnorm", "clipvalue", "global_clipnorm"])
def test_clipping_leaves_short_gradients_alone_and_long_ones_finite(clip):
    short = our_steps(optimizers.SGD(**{clip: 100.0}))
    for one, other in zip(short, our_steps(optimizers.SGD()), strict=True):
        np.testing.assert_array_equal(one, other)
    long = our_steps(optimizers.SGD(1.0, **{clip: 1.0}), [[np.full(w.shape, 1e150) for w in START]])
    assert all(np.abs(w - s).max() <= 1 for w, s in zip(long, START, strict=True))


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: optimizers.SGD(clipnorm=1, clipvalue=1), "one way of clipping"),
        (lambda: optimizers.SGD(clipnorm=0), "clipnorm is a number above 0; 0"),
        (lambda: optimizers.SGD(weight_decay=-1), "weight_decay"),
        (lambda: schedules.PiecewiseConstantDecay([1, 2], [1.0, 2.0]), "one value more"),
        (lambda: schedules.PiecewiseConstantDecay([2, 1], [1.0, 2.0, 3.0]), "rising"),
        (lambda: schedules.ExponentialDecay(0.1, 0, 0.5), "decay_steps"),
        (lambda: schedules.OneCycle(0.1, 1), "total_steps"),
    ],
)
def test_refusals(make, words):
    with pytest.raises(ArgumentError, match=words):
        make()


def test_a_schedule_of_an_unknown_name():
    with pytest.raises(UnknownNameError, match=r"no schedule 'OneCycl'\. Did you mean 'OneCycle'"):
        schedules.get({"name": "OneCycl"})
