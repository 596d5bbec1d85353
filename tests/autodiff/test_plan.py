"""A step that repeats a plan does what a step on a tape does, to the last bit, and whatever happens in between."""

from __future__ import annotations

import copy
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from training_programs import LOSSES, NUMBERS, L, Meddling, X, Y, assembled, programs, small

from vizkit import nn
from vizkit.autodiff import Tape, Tracked, buffers, fused, primitive
from vizkit.autodiff.plan import Plan, Score, Step
from vizkit.errors import DataError, DivergenceError
from vizkit.nn import steps


def on_tapes():
    """Let every step run on a tape."""
    return mock.patch.object(steps, "_MOST_PLANS", 0)


def bits(model, history=None):
    losses = [] if history is None else [history.history["loss"]]
    return [weight.tobytes() for weight in model.get_weights()], model.optimizer.iterations, losses


def trained_both_ways(train):
    """Run `train`, which returns what must not differ, with plans and without."""
    with on_tapes():
        expected = train()
    assert train() == expected


@settings(max_examples=120)
@given(programs())
def test_a_plan_gives_the_bits_of_a_tape(program):
    kind, chosen, data, dtype, loss, optimizer, batch, frozen, shuffle, weights = program
    x, target = data(), LOSSES[loss]
    y = NUMBERS.integers(0, 2, 11) if target == 1 else NUMBERS.random((11, 2)) * target
    options = {}
    if weights == "samples":
        options["sample_weight"] = NUMBERS.random(11)
    elif weights == "classes" and target == 1:
        options["class_weight"] = {0: 0.5, 1: 2.0}
    planned = []

    def train():
        model = assembled(kind, chosen, x, dtype, frozen)
        model.compile(optimizer(), loss, ["accuracy"])
        history = model.fit(x, y, epochs=3, batch_size=batch, shuffle=shuffle, verbose=0, **options)
        planned.append(len(model._steps.plans))
        return bits(model, history)

    trained_both_ways(train)
    assert planned == [0, 1 if batch == 11 else 2]


def double(model):
    model.set_weights([2 * weight for weight in model.get_weights()])


@pytest.mark.parametrize(
    "meddle",
    [
        double,
        lambda model: setattr(model.optimizer, "learning_rate", 0.5),
        lambda model: setattr(model.layers[1], "rate", 0.7),
        lambda model: setattr(model.layers[0], "activation", nn.activations.relu),
        lambda model: setattr(model.layers[0], "trainable", False),
        lambda model: setattr(model.layers[0].kernel_regularizer, "l2", 3.0),
        lambda model: model.layers[0].kernel.assign(np.ones((3, 4))),
        lambda model: model.evaluate(X, Y),
        lambda model: model.train_on_batch(X[:2], Y[:2]),
        lambda model: model.fit(X, Y, batch_size=4, verbose=0),
    ],
)
def test_what_a_callback_changes_counts_at_once(meddle):
    def train():
        model = small(layers=[L.Dense(4, "tanh", kernel_regularizer="l2"), L.Dropout(0.2), L.Dense(1)])
        history = model.fit(X, Y, batch_size=4, epochs=6, callbacks=[Meddling(meddle)], verbose=0)
        return bits(model, history)

    trained_both_ways(train)


def test_a_layer_frozen_between_two_fits_stays_as_it_is():
    model = small()
    model.fit(X, Y, epochs=4, verbose=0)
    model.layers[0].trainable = False
    before = model.layers[0].kernel.numpy()
    model.fit(X, Y, epochs=4, verbose=0)
    assert np.array_equal(model.layers[0].kernel.numpy(), before)
    model.layers[0].trainable = True
    model.fit(X, Y, epochs=4, verbose=0)
    assert not np.array_equal(model.layers[0].kernel.numpy(), before)


def test_a_weight_frozen_by_itself_stays_as_it_is():
    def train():
        model = small()
        model.fit(X, Y, epochs=4, verbose=0)
        model.layers[0].bias.trainable = False
        model.fit(X, Y, epochs=4, verbose=0)
        return bits(model)

    trained_both_ways(train)


def test_a_saved_model_goes_on_alike(tmp_path):
    def train():
        model = small()
        model.fit(X, Y, batch_size=4, epochs=3, verbose=0)
        model.save(tmp_path / "model.zip")
        model = nn.models.load_model(tmp_path / "model.zip")
        model.fit(X, Y, batch_size=4, epochs=3, verbose=0)
        return bits(model)

    trained_both_ways(train)


def test_a_copy_of_a_model_trains_alone():
    model = small()
    model.fit(X, Y, epochs=4, shuffle=False, verbose=0)
    other = copy.deepcopy(model)
    before = bits(model)
    other.fit(X, Y, epochs=4, shuffle=False, verbose=0)
    assert bits(model) == before
    model.fit(X, Y, epochs=4, shuffle=False, verbose=0)
    assert bits(model) == bits(other)


def test_two_models_may_train_the_same_layer_in_turn():
    def train():
        shared = L.Dense(2)
        one, two = small(layers=[shared, L.Dense(1)]), small(layers=[shared, L.Dense(1, "tanh")])
        for _ in range(4):
            for model in (one, two):
                model.fit(X, Y, epochs=3, verbose=0)
        assert any(model._steps.plans for model in (one, two)) == (steps._MOST_PLANS > 0)
        return bits(one), bits(two)

    trained_both_ways(train)


def test_batches_of_many_lengths_have_few_plans():
    def train():
        model = small()
        for _ in range(3):
            for count in range(1, 9):
                model.train_on_batch(X[:count], Y[:count])
        assert len(model._steps.plans) == steps._MOST_PLANS
        return bits(model)

    trained_both_ways(train)


def test_metrics_may_keep_what_they_see():
    class Keeping(nn.metrics.Metric):
        def __init__(self):
            super().__init__(None, "keeping")

        def reset_state(self):
            self.seen = []

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.seen += [y_true, y_pred]

        def result(self):
            return float(np.sum([np.sum(part) for part in self.seen]))

    def train():
        model = small()
        model.compile("sgd", "mse", [Keeping()])
        return model.fit(X, Y, batch_size=3, epochs=4, verbose=0).history

    trained_both_ways(train)


def test_a_second_run_gives_the_same_bits():
    def train():
        model = small()
        return bits(model, model.fit(X, Y, batch_size=4, epochs=5, verbose=0))

    assert train() == train()


# -- what cannot be repeated -------------------------------------------------------------------------


class Doubling(L.Layer):
    def call(self, inputs):
        return inputs * 2


class Declared(Doubling):
    repeatable = True


class Adding(L.Layer):
    """Has two weights that get the very same gradient."""

    repeatable = True

    def build(self, input_shape):
        self.one, self.other = (self.add_weight((1, input_shape[-1]), "zeros") for _ in range(2))

    def call(self, inputs):
        return np.matmul(self.one + self.other, np.ones((inputs.shape[-1], 1))) + inputs


class Branching(L.Layer):
    """Looks at its numbers, and does another thing when they are large."""

    repeatable = True

    def call(self, inputs):
        return inputs * 2 if np.sum(inputs) > 1 else inputs - 1


class Inverting(Branching):
    """Takes another way out of the engine: a function without a derivative, on what is not differentiated."""

    repeatable = True

    def call(self, inputs):
        return inputs * np.sort(self.shift.numpy())

    def build(self, input_shape):
        self.shift = self.add_weight((input_shape[-1],), "ones", trainable=False)


@pytest.mark.parametrize(
    "layer, planned", [(Doubling, False), (Declared, True), (Adding, True), (Branching, False), (Inverting, False)]
)
def test_only_what_does_the_same_each_time_has_a_plan(layer, planned):
    def train():
        model = small(layers=[L.Dense(3), layer(), L.Dense(1)])
        history = model.fit(X, Y, batch_size=5, epochs=4, verbose=0)
        assert bool(model._steps.plans) == (planned and steps._MOST_PLANS > 0)
        return bits(model, history)

    trained_both_ways(train)


@pytest.mark.parametrize(
    "make",
    [
        lambda: small(layers=[L.Dense(2, lambda x: x * 2), L.Dense(1)]),
        lambda: small(loss=lambda y, p: np.mean(np.square(y - p), axis=-1)),
        lambda: small(layers=[L.Dense(1, kernel_regularizer=lambda w: np.sum(np.abs(w)))]),
    ],
)
def test_functions_of_ones_own_are_called_at_every_step(make):
    model = make()
    model.fit(X, Y, epochs=4, verbose=0)
    assert not model._steps.plans


def test_primitives_of_ones_own_run_at_every_step():
    calls = []

    @primitive(lambda g, y, x: g * 3)
    def triple(x):
        calls.append("forward")
        return x * 3

    model = small(layers=[L.Dense(2, triple), L.Dense(1)])
    model.fit(X, Y, epochs=5, verbose=0)
    assert model._steps.plans
    assert len(calls) == 5 + 1  # and once to be built


def test_a_step_that_fails_changes_nothing_and_the_next_one_works():
    words = NUMBERS.integers(0, 5, (4, 3))

    def train():
        model = nn.Sequential([L.Embedding(5, 2), L.LSTM(2), L.Dense(1)], seed=0)
        model.compile("adam", "mse")
        for _ in range(4):
            model.train_on_batch(words, Y[:4])
        before = bits(model)
        with pytest.raises(DataError, match=r"0 to 4.*\(4, 3\)"):
            model.train_on_batch(words + 3, Y[:4])
        assert bits(model) == before
        model.train_on_batch(words, Y[:4])
        return bits(model)

    trained_both_ways(train)


# -- divergence --------------------------------------------------------------------------------------


def exploding():
    return nn.Sequential([L.Dense(4, "relu", name="first"), L.Dense(3, name="second"), L.Dense(1)], seed=0)


def test_the_layer_where_a_loss_left_the_finite_numbers_is_named():
    model = exploding()
    model.compile("sgd", "mse")
    model.fit(X, Y, epochs=4, verbose=0)
    model.layers[1].kernel.assign(np.full((4, 3), 3e38))
    with pytest.raises(DivergenceError, match=r"step 4.*layer 'second' \(Dense\), from finite inputs"):
        model.fit(X, Y, verbose=0)


def test_inputs_that_are_too_large_are_named_as_the_cause():
    model = exploding()
    model.compile("sgd", "mse")
    with pytest.raises(DivergenceError, match=r"inputs as large as 1e\+30.*scale"):
        model.fit(1e30 * np.ones((4, 3)), np.ones((4, 1)), epochs=9, verbose=0)


def test_weights_that_left_the_finite_numbers_are_named_with_their_layer():
    model = exploding()
    model.compile(nn.optimizers.SGD(1e300), "mse")
    with pytest.raises(DivergenceError, match=r"first/kernel.*learning rate.*1e\+300"):
        model.fit(X, Y, verbose=0)


def test_training_goes_on_when_it_is_asked_to():
    model = exploding()
    model.compile(nn.optimizers.SGD(1e20), "mse")
    model.stops_at_nan = False
    history = model.fit(X, Y, epochs=9, verbose=0).history
    assert not np.isfinite(history["loss"][-1])
    assert len(history["loss"]) == 9


# -- memory ------------------------------------------------------------------------------------------


def test_a_repeated_step_fetches_no_memory():
    resource = pytest.importorskip("resource")
    x, y = NUMBERS.standard_normal((320, 784)).astype("float32"), NUMBERS.integers(0, 10, 320)
    model = nn.Sequential([L.Dense(128, "relu"), L.Dense(64, "relu"), L.Dense(10, "softmax")], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=2, batch_size=32, verbose=0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    model.fit(x, y, epochs=10, batch_size=32, verbose=0)
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    assert faults / 100 <= 50


def test_a_call_gets_at_each_repetition_the_memory_that_it_had():
    seen = []

    @fused(1, lambda g, y, saved, x: [g * saved])
    def scaled(x):
        twice = buffers.zeros(x.shape, x.dtype)
        twice += 2
        out = buffers.empty(x.shape, x.dtype)
        seen.append((id(twice), id(out)))
        return np.multiply(x, twice, out=out), twice

    score, place = Score(), np.empty(3)
    weight, x = Tracked(np.array([1.0, 2.0, 3.0]), None), np.ones(3)
    tape = Step(score)
    with score.holding([weight]), tape.watch([weight]):
        total = np.sum(scaled(scaled(weight)) * Tracked(x, score))
        gradient = tape.backward(total)[id(weight)]
    plan = Plan(score, [x], [total], [(gradient, place)])
    plan.load([np.array([1.0, 10.0, 100.0])], slice(0, 3))
    plan.run()
    assert plan.results[0] == 4 * (1 + 20 + 300)
    assert place.tolist() == [4, 40, 400]
    assert len(set(seen)) == 2
    assert seen[:2] == seen[2:]


def test_memory_of_another_shape_is_fetched_anew():
    scratch = buffers.Scratch()
    with scratch:
        first = buffers.empty(3, "float32")
    with scratch:
        assert buffers.empty(4, "float32").shape == (4,)
    with scratch:
        assert buffers.empty(4, "float64").dtype == float
    assert buffers.empty(3, "float32") is not first


def test_the_calls_of_a_plan_hold_every_array_of_its_step():
    model = small(layers=[L.Dense(4, "relu"), L.Dense(1)], dtype="float64")
    model.fit(X, Y, epochs=5, batch_size=10, verbose=0)
    (plan,) = model._steps.plans.values()
    before = [weight for weight in model.get_weights()]
    model.train_on_batch(X, Y)
    hidden = X @ before[0] + before[1]
    found = [output for call in plan.calls for output in call.outputs]
    for expected in (hidden, np.maximum(hidden, 0), np.maximum(hidden, 0) @ before[2] + before[3]):
        assert any(output.shape == expected.shape and np.allclose(output, expected) for output in found)


def test_a_tape_that_nothing_looked_into_has_not_leaked():
    tape = Tape()
    x = Tracked(np.ones(3), tape)
    np.sum(x * 2)
    assert not tape.leaked
    assert bool(x[0])
    assert tape.leaked


def test_single_steps_see_what_was_changed_between_them():
    """What a step walks through the layers for is found again when something has changed, and only then."""
    x, y = np.ones((4, 3)), np.ones((4, 2))
    model = nn.Sequential([nn.Input((3,)), nn.layers.Dense(5, "tanh"), nn.layers.Dense(2)], seed=0)
    model.compile(nn.optimizers.SGD(0.1), "mse")

    def moved():
        before = model.get_weights()
        for _ in range(4):
            model.train_on_batch(x, y)
        return [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]

    assert moved() == [True] * 4
    model.layers[0].trainable = False
    assert moved() == [False, False, True, True]
    model.layers[1].kernel.trainable = False
    assert moved() == [False, False, False, True]
    model.layers[0].trainable = True
    model.compile(nn.optimizers.Adam(0.1), "mae")
    assert moved() == [True, True, False, True]
    model.add(nn.layers.Dense(2))
    assert moved() == [True, True, False, True, True, True]
    model.optimizer.learning_rate = 1e-30
    assert moved() == [False] * 6
