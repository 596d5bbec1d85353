"""A recorded step that repeats a plan tells what a step on a tape tells, to the last bit, and trains alike."""

from __future__ import annotations

from dataclasses import fields
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from training_programs import INPUTS, LOSSES, NUMBERS, L, Meddling, X, Y, assembled, programs, small

from vizkit import load, nn, record
from vizkit.adapters.vizkit import steps as recorded
from vizkit.errors import DivergenceError
from vizkit.nn import steps
from vizkit.trace import BackwardEvent, ForwardEvent, Keep, LossEvent

EVERYTHING = Keep(levels=("layer", "op"))


# Older releases of NumPy's BLAS look at where in memory an array begins: there the last digit of a product may differ.
EXACT = np.lib.NumpyVersion(np.__version__) >= "2.4.0"


class Numbers:
    """An array, or one number, that equals another of the same bits; where BLAS is old, of the same value."""

    def __init__(self, value):
        self.value = np.array(value)

    def __eq__(self, other):
        mine, theirs = self.value, other.value
        if (mine.dtype, mine.shape) != (theirs.dtype, theirs.shape):
            return False
        close = 1e-3 if mine.dtype == np.float32 else 1e-9
        return mine.tobytes() == theirs.tobytes() or (
            not EXACT and np.allclose(mine, theirs, close, close * np.max(np.abs(theirs), initial=0), equal_nan=True)
        )

    def __repr__(self):
        return repr(self.value)


def frozen(value):
    """Return a field of an event as something that can be compared."""
    if isinstance(value, (np.ndarray, float)):
        return Numbers(value)
    if isinstance(value, (tuple, list)):
        return tuple(map(frozen, value))
    return tuple((key, frozen(value[key])) for key in value) if hasattr(value, "keys") else value


def bits(model, history):
    """Return what training made of a model."""
    return frozen([model.get_weights(), model.optimizer.iterations, history.history["loss"]])


def told(trace):
    return [(type(e).__name__, *(frozen(getattr(e, f.name)) for f in fields(e))) for e in trace.events()]


def recorded_run(train, model, keep=EVERYTHING, path=None):
    """Return what a run told, what became of the model, and how many plans told it."""
    with record(model, keep, path=path) as trace:
        history = train(model)
        plans = sum(plan is not None for plan in model._recording.steps.plans.values())
    return told(trace), bits(model, history), plans


def all_ways(make, train, keep=EVERYTHING):
    """Train recorded by plans, recorded on tapes and unrecorded: all must agree; return the number of plans."""
    by_plan, trained, plans = recorded_run(train, make(), keep)
    with mock.patch.object(recorded, "_MOST_PLANS", 0), mock.patch.object(steps, "_MOST_PLANS", 0):
        by_tape, trained_on_tapes, _ = recorded_run(train, make(), keep)
        alone = make()
        history = train(alone)
    assert by_plan == by_tape
    assert trained == trained_on_tapes == bits(alone, history)
    return plans


@pytest.mark.skipif(not EXACT, reason="training makes a last digit that differs into any other number")
@settings(max_examples=25)
@given(programs())
def test_a_plan_tells_the_bits_of_a_tape(program):
    kind, chosen, data, dtype, loss, optimizer, batch, frozen_one, shuffle, weights = program
    x, target = data(), LOSSES[loss]
    y = NUMBERS.integers(0, 2, 11) if target == 1 else NUMBERS.random((11, 2)) * target
    options = {"sample_weight": NUMBERS.random(11)} if weights == "samples" else {}

    def make():
        model = assembled(kind, chosen, x, dtype, frozen_one)
        model.compile(optimizer(), loss)
        return model

    def train(model):
        return model.fit(x, y, epochs=4, batch_size=batch, shuffle=shuffle, verbose=0, **options)

    levels = ("layer", "op") if shuffle else ("layer",)
    assert all_ways(make, train, Keep(levels=levels)) == (1 if batch == 11 else 2)


@pytest.mark.parametrize("kind", sorted(INPUTS))
@pytest.mark.parametrize("levels", [("layer",), ("layer", "op")])
def test_each_layer_tells_the_bits_of_a_tape(kind, levels):
    parts, data = INPUTS[kind]
    x = data()
    for part in parts:

        def make(part=part):
            head = [L.Embedding(5, 4)] if kind == "words" else []
            model = nn.Sequential([*head, part(), L.Flatten(), L.Dense(2)], seed=3)
            model(x[:1])
            model.compile("adam", "mse")
            return model

        train = lambda model: model.fit(x, np.ones((11, 2)), epochs=4, batch_size=11, verbose=0)  # noqa: E731
        assert all_ways(make, train, Keep(levels=levels)) == 1


def operations(plan):
    """Return how often each of the costly operations is in a plan."""
    names = [call.entry.primitive.name if call.entry else "pull" for call in plan.calls]
    return {name: names.count(name) for name in ("conv2d", "rectify", "maximum", "max_pool2d", "matmul", "pull")}


@pytest.mark.parametrize("keep", [Keep(), Keep(samples=1), Keep(kinds=("loss", "backward"))])
def test_layers_are_told_with_the_operations_of_training_alone(keep):
    alone, model = convolutions(), convolutions()
    letters(alone)
    with record(model, keep):
        letters(model)
        (found, *_) = model._recording.steps.plans.values()
    (plan, *_) = alone._steps.plans.values()
    assert operations(found.plan) == operations(plan) and operations(plan)["rectify"]


@pytest.mark.parametrize("frozen_one", [False, True])
def test_a_convolution_whose_operations_are_not_told_trains_as_alone(frozen_one):
    """Its bias and relu are one operation then, on a tape as in a plan: the bias's gradient has the same last digit."""

    def make():
        convolution = L.Conv2D(2, 3, padding="same", activation="relu", trainable=not frozen_one)
        model = nn.Sequential([convolution, L.Flatten(), L.Dense(2, "softmax")], dtype="float32", seed=3)
        model.compile(nn.optimizers.SGD(0.01), "ssr")
        return model

    numbers = np.random.default_rng(3)
    x, y = numbers.standard_normal((11, 4, 4, 2)), numbers.random((11, 2))
    train = lambda model: model.fit(x, y, epochs=4, batch_size=3, shuffle=False, verbose=0)  # noqa: E731
    assert all_ways(make, train, Keep()) == 2


@pytest.mark.parametrize("most", [0, 4])
@pytest.mark.parametrize(("keep", "there"), [(Keep(), False), (EVERYTHING, True)])
def test_the_data_s_gradient_is_told_with_operations_only(keep, there, most):
    with mock.patch.object(recorded, "_MOST_PLANS", most), record(model := convolutions(), keep) as trace:
        letters(model)
    backward = {layer: list(trace.events(BackwardEvent, layer=layer, level="layer")) for layer in ("conv2d", "dense")}
    assert len(backward["conv2d"]) == len(backward["dense"]) == len(trace.steps)
    assert {len(event.input_gradients) for event in backward["conv2d"]} == {int(there)}
    assert {len(event.input_gradients) for event in backward["dense"]} == {1}


def convolutions():
    layers = [L.Conv2D(3, 3, activation="relu"), L.MaxPooling2D(2), L.Flatten(), L.Dense(2, "softmax")]
    model = nn.Sequential(layers, seed=2)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    return model


def letters(model):
    return model.fit(*nn.data.letters(), epochs=3, batch_size=5, verbose=0)


@pytest.mark.parametrize(
    "keep",
    [
        Keep(),
        Keep(steps=3),
        Keep(steps=[0, 5, 6]),
        Keep(samples=1),
        Keep(samples=[3, 0]),
        Keep(kinds="loss"),
        Keep(kinds=("update", "backward"), layers="dense"),
        Keep(levels="op", layers="conv*"),
        Keep(steps=2, statistics=True),
    ],
)
def test_what_is_kept_is_the_same(keep):
    assert all_ways(convolutions, letters, keep) == 2


def test_a_file_holds_the_same(tmp_path):
    by_plan = recorded_run(letters, convolutions(), path=tmp_path / "plan.vkt")[0]
    assert by_plan == told(load(tmp_path / "plan.vkt"))
    with mock.patch.object(recorded, "_MOST_PLANS", 0):
        assert recorded_run(letters, convolutions())[0] == by_plan


def test_a_model_of_which_nothing_is_kept_trains_by_its_own_plan():
    model = small()
    with record(model, Keep(kinds=())) as trace:
        model.fit(X, Y, epochs=6, batch_size=5, verbose=0)
        assert set(model._recording.steps.plans.values()) == {None}
        assert len(model._steps.plans) == 1
    assert list(trace.events()) == []


def test_only_steps_that_are_kept_compute_what_is_told():
    model = small()
    with record(model, Keep(steps=4)) as trace:
        with mock.patch.object(model._steps, "repeat", wraps=model._steps.repeat) as repeat:
            model.fit(X, Y, epochs=12, batch_size=10, verbose=0)
        (own,), (telling,) = model._steps.plans.values(), model._recording.steps.plans.values()
    used = [call.args[0] for call in repeat.call_args_list]
    assert used.count(telling.plan) == 2  # the steps 4 and 8
    assert used.count(own) == len(used) - 2 > 4
    assert list(trace.steps) == [0, 4, 8]


@pytest.mark.parametrize(
    "meddle",
    [
        lambda model: model.set_weights([2 * weight for weight in model.get_weights()]),
        lambda model: setattr(model.layers[0], "trainable", False),
        lambda model: setattr(model.optimizer, "learning_rate", 0.5),
        lambda model: model.predict(X),
        lambda model: model.evaluate(X, Y),
        lambda model: model.train_on_batch(X[:2], Y[:2]),
    ],
)
def test_what_a_callback_does_is_told_alike(meddle):
    def train(model):
        return model.fit(X, Y, batch_size=5, epochs=6, callbacks=[Meddling(meddle)], verbose=0)

    assert all_ways(lambda: small(dtype="float64"), train) >= 1


def test_the_learning_rate_of_each_step_is_told():
    def make():
        model = small()
        model.compile(nn.optimizers.SGD(nn.optimizers.schedules.CosineDecay(0.1, 8)), "mse")
        return model

    assert all_ways(make, lambda model: model.fit(X, Y, epochs=8, verbose=0)) == 1


def test_the_gradient_of_an_update_is_the_one_that_the_optimizer_used():
    model = small()
    model.compile(nn.optimizers.SGD(0.5, clipvalue=1e-3), "mse")
    with record(model) as trace:
        model.fit(X, 100 * Y, epochs=5, verbose=0)
        assert model._recording.steps.plans
    updates = list(trace.events("update"))
    for event in updates:
        assert np.abs(event.gradient).max() <= np.float32(1e-3)
        np.testing.assert_allclose(event.after, event.before - np.float32(0.5) * event.gradient, rtol=1e-6)
    (passed,) = trace.events("backward", step=4, layer="dense_1")
    assert np.abs(passed.parameter_gradients["kernel"]).max() > 1


def test_a_step_whose_loss_is_not_finite_is_told_as_far_as_it_came():
    model = nn.Sequential([L.Dense(2, "relu"), L.Dense(1)], seed=0)
    model.compile("sgd", "mse")
    with record(model) as trace:
        model.fit(X, Y, epochs=4, verbose=0)
        model.layers[1].kernel.assign(np.full((2, 1), 3e38))
        model.layers[0].bias.assign(np.full(2, 3e38))
        with pytest.raises(DivergenceError):
            model.fit(X, Y, verbose=0)
        model.layers[0].bias.assign(np.zeros(2))
        model.layers[1].kernel.assign(np.ones((2, 1)))
        model.fit(X, Y, verbose=0)
    last = [type(event) for event in trace.events() if event.step == 4]
    assert last[:3] == [ForwardEvent, ForwardEvent, LossEvent]
    assert np.isinf(next(event.value for event in trace.events("loss") if event.step == 4))


def test_a_layer_that_looks_at_its_numbers_is_told_from_a_tape():
    class Branching(L.Layer):
        repeatable = True

        def call(self, inputs):
            return inputs * 2 if np.sum(inputs) > 1 else inputs - 1

    make = lambda: small(layers=[L.Dense(3), Branching(), L.Dense(1)])  # noqa: E731
    assert all_ways(make, lambda model: model.fit(X, Y, epochs=5, verbose=0)) == 0
