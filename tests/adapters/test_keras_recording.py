"""What a recording of a Keras model tells, and that it leaves nothing behind.

Runs on the backend of the process, PyTorch in the suite; the last test runs this file again on TensorFlow.
"""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest

from vizkit import record
from vizkit.errors import ArgumentError
from vizkit.trace import BackwardEvent, ForwardEvent, Keep, LossEvent, UpdateEvent

BACKEND = keras.backend.backend()
L = keras.layers
X = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")
Y = np.random.default_rng(1).normal(size=(6, 2)).astype("float32")

if BACKEND == "tensorflow":
    import tensorflow as tf

    def eager():
        return tf.config.functions_run_eagerly()

    def step_of(model, optimizer, compute):
        """One step of a loop of one's own: compute(output) -> loss."""
        with tf.GradientTape() as tape:
            loss = compute(model(X, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        if optimizer is not None:
            optimizer.apply(gradients, model.trainable_variables)
        return gradients
else:

    def eager():
        return False

    def step_of(model, optimizer, compute):
        """One step of a loop of one's own: compute(output) -> loss."""
        model.zero_grad()
        compute(model(X, training=True)).backward()
        gradients = [variable.value.grad for variable in model.trainable_variables]
        if optimizer is not None:
            optimizer.apply(gradients, model.trainable_variables)
        return gradients


def mlp():
    keras.utils.set_random_seed(0)
    layers = [keras.Input((3,)), L.Dense(4, "tanh", name="d1"), L.Dropout(0.0, name="o1"), L.Dense(2, name="d2")]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    return model


def attributes(model):
    of_fit = {"stop_training", "stop_evaluating", "stop_predicting", "history", "_called", "training"}
    of_fit |= {"train_function", "test_function", "predict_function"}
    parts = [model, *model.layers]
    return [{key: id(value) for key, value in vars(part).items() if key not in of_fit} for part in parts]


def surroundings():
    return (
        vars(keras.losses.Loss)["__call__"],
        next(vars(cls)["apply"] for cls in keras.optimizers.Optimizer.__mro__ if "apply" in vars(cls)),
        eager(),
        list(warnings.filters),
    )


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_is_left_behind(fails):
    model = mlp()
    model.fit(X, Y, verbose=0)
    before, around = attributes(model), surroundings()
    try:
        with record(model) as trace:
            model.fit(X, Y, verbose=0)
            model.evaluate(X, Y, verbose=0)
            assert not fails or 1 / 0
    except ZeroDivisionError:
        assert fails
    assert attributes(model) == before and surroundings() == around
    count = len(trace)
    model.fit(X, Y, verbose=0)
    assert len(trace) == count > 0


def test_a_layer_that_fails_ends_its_call():
    class Failing(L.Layer):
        fails = False

        def call(self, x):
            if self.fails:
                raise ZeroDivisionError
            return x

    failing = Failing()
    model = keras.Sequential([keras.Input((3,)), L.Dense(2, name="d1"), failing])
    with record(model) as trace:
        failing.fails = True
        with pytest.raises(ZeroDivisionError):
            model(X)
        failing.fails = False
        model(X)
    assert [event.node.name for event in trace.events()] == ["d1", "d1", "failing"]


def test_recording_does_not_change_the_training():
    plain, recorded = mlp(), mlp()
    plain.fit(X, Y, batch_size=3, epochs=2, shuffle=False, verbose=0)
    with record(recorded):
        recorded.fit(X, Y, batch_size=3, epochs=2, shuffle=False, verbose=0)
    for mine, theirs in zip(plain.get_weights(), recorded.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-7)


def test_fit_tells_steps_and_epochs_and_calls_its_callbacks():
    model, seen = mlp(), []

    class Watching(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(logs["loss"])

    with record(model) as trace:
        told = model.fit(X, Y, batch_size=3, epochs=2, validation_data=(X, Y), callbacks=Watching(), verbose=0)
        again = model.fit(X, Y, batch_size=3, callbacks=[Watching()], verbose=0)
    assert trace.steps == tuple(range(6))  # nothing of the validation
    losses = told.history["loss"] + again.history["loss"]
    np.testing.assert_allclose([epoch["loss"] for epoch in trace.epochs], losses)
    np.testing.assert_allclose(seen, losses)
    np.testing.assert_allclose([epoch["val_loss"] for epoch in trace.epochs[:2]], told.history["val_loss"])
    per_step = [event.value for event in trace.events(LossEvent)]
    np.testing.assert_allclose(np.mean(per_step[:2]), losses[0], rtol=1e-5)
    order = [(type(event).__name__, event.node.name) for event in trace.events(step=1)]
    assert order == [
        *[("ForwardEvent", name) for name in ("d1", "o1", "d2")],
        ("LossEvent", "loss"),
        *[("BackwardEvent", name) for name in ("d2", "o1", "d1")],
        *[("UpdateEvent", name) for name in ("d1", "d1", "d2", "d2")],
    ]


def test_the_numbers_of_a_step_by_the_formulas():
    model = mlp()
    w1, b1, w2, b2 = model.get_weights()
    with record(model) as trace:
        model.fit(X, Y, batch_size=6, shuffle=False, verbose=0)
    hidden = np.tanh(X @ w1 + b1)
    output = hidden @ w2 + b2
    back = 2 * (output - Y) / output.size
    expected = {
        ("d2", "output_gradient"): back,
        ("d1", "output_gradient"): back @ w2.T,
        ("d2", "kernel"): hidden.T @ back,
        ("d1", "bias"): ((back @ w2.T) * (1 - hidden**2)).sum(0),
    }
    for (layer, name), value in expected.items():
        event = trace.event(BackwardEvent, layer=layer, step=0)
        found = event.output_gradient if name == "output_gradient" else event.parameter_gradients[name]
        np.testing.assert_allclose(found, value, rtol=1e-4, atol=1e-6)
    loss = trace.event(LossEvent, step=0)
    np.testing.assert_allclose(loss.samples, ((output - Y) ** 2).mean(1), rtol=1e-5)
    assert loss.name == "mean_squared_error" and loss.value == pytest.approx(((output - Y) ** 2).mean(), rel=1e-5)
    np.testing.assert_allclose(loss.target, Y)


@pytest.mark.parametrize("marked", [False, True])
def test_a_loop_of_ones_own(marked):
    model, optimizer, criterion = mlp(), keras.optimizers.SGD(0.25), keras.losses.MeanSquaredError()
    with record(model) as trace:
        for _ in range(2):
            if marked:
                step_of(
                    model,
                    optimizer,
                    lambda out: trace.loss(keras.ops.mean(keras.ops.square(keras.ops.subtract(out, Y))), target=Y),
                )
            else:
                step_of(model, optimizer, lambda out: criterion(Y, out))
    assert trace.steps == (0, 1)
    events = list(trace.events(LossEvent))
    assert [event.name for event in events] == ["loss" if marked else "mean_squared_error"] * 2
    assert events[1].value < events[0].value
    for event in trace.events(UpdateEvent):
        np.testing.assert_allclose(event.after, event.before - 0.25 * event.gradient, rtol=1e-5, atol=1e-7)
    back = trace.event(BackwardEvent, layer="d1", step=1)
    update = trace.event(UpdateEvent, layer="d1", step=1, parameter="kernel")
    np.testing.assert_array_equal(back.parameter_gradients["kernel"], update.gradient)


def test_what_is_missing_without_an_optimizer_is_said():
    model = mlp()
    with record(model) as trace:
        step_of(model, None, lambda out: keras.ops.sum(out))
    event = trace.event(BackwardEvent, layer="d2", step=0)
    np.testing.assert_array_equal(event.output_gradient, np.ones((6, 2)))
    assert event.parameter_gradients == {}
    assert ("d2", "parameter_gradients") in [row[:2] for row in trace.missing()]


def test_prediction_has_forward_events_alone():
    model = mlp()
    with record(model, keep=Keep(samples=1)) as trace:
        model.predict(X, batch_size=3, verbose=0)
    assert {type(event) for event in trace.events()} == {ForwardEvent} and trace.steps == (0, 1)
    assert trace.event(ForwardEvent, layer="d2", step=0).output.shape == (1, 2)


class Block(L.Layer):
    """A layer with layers inside, one of them used twice; it takes and gives several."""

    def __init__(self, **options):
        super().__init__(**options)
        self.shared = L.Dense(3, name="shared")

    def call(self, inputs):
        left = self.shared(keras.ops.tanh(self.shared(inputs["left"])))
        return {"both": left + inputs["right"], "left": left}


class Nested(keras.Model):
    def __init__(self):
        super().__init__()
        self.block, self.head = Block(name="block"), L.Dense(2, name="head")

    def call(self, x):
        return self.head(self.block({"left": x, "right": 2 * x})["both"])


def test_nested_layers_used_twice_with_several_inputs_and_outputs():
    model = Nested()
    model.compile("sgd", "mse")
    with record(model) as trace:  # not built yet
        model.fit(X, Y, batch_size=6, epochs=2, verbose=0)
    names = [event.node.name for event in trace.events(ForwardEvent, step=1)]
    assert names == ["block/shared", "block/shared", "block", "head"]
    assert [event.node.name for event in trace.events(BackwardEvent, step=1)] == ["head", *names[:3]]
    nodes = {node.name: node for node in trace.log.nodes.values()}
    assert nodes["block/shared"].parent == nodes["block"].index and nodes["block"].kind == "Block"
    block = trace.event(ForwardEvent, layer="block", step=1)
    assert len(block.inputs) == 2 and block.output.shape == (6, 3)
    described = {layer.node.name: dict(layer.parameters) for layer in trace.model.layers}
    assert described == {"block": {}, "block/shared": {"kernel": (3, 3), "bias": (3,)}, "head": described["head"]}


def test_frozen_layers_and_moving_averages():
    model = keras.Sequential([keras.Input((3,)), L.Dense(2, name="d1"), L.BatchNormalization(name="b1")])
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    with record(model) as trace:
        model.fit(X, Y, batch_size=6, epochs=2, verbose=0)
    assert {(event.node.name, event.parameter) for event in trace.events(UpdateEvent)} == {
        ("b1", "gamma"),
        ("b1", "beta"),
    }
    first, second = (trace.event(ForwardEvent, layer="b1", step=step) for step in (0, 1))
    np.testing.assert_array_equal(first.parameters["moving_mean"], [0, 0])
    np.testing.assert_allclose(second.parameters["moving_mean"], 0.01 * first.inputs[0].mean(0), rtol=1e-4, atol=1e-7)


def test_the_gradient_of_an_update_is_the_clipped_one():
    model = mlp()
    model.compile(keras.optimizers.SGD(0.1, global_clipnorm=0.01), "mse")
    with record(model) as trace:
        model.fit(X, Y, batch_size=6, verbose=0)
    gradients = [event.gradient for event in trace.events(UpdateEvent)]
    assert np.sqrt(sum((g**2).sum() for g in gradients)) == pytest.approx(0.01, rel=1e-4)
    for event in trace.events(UpdateEvent):
        np.testing.assert_allclose(event.after, event.before - 0.1 * event.gradient, rtol=1e-4, atol=1e-8)


def test_a_model_of_two_outputs():
    x = keras.Input((3,))
    model = keras.Model(x, [L.Dense(2, name="one")(x), L.Dense(1, name="other")(x)])
    model.compile("sgd", ["mse", "mae"])
    with record(model) as trace:
        told = model.fit(X, [Y, Y[:, :1]], batch_size=6, verbose=0)
    event = trace.event(LossEvent, step=0)
    assert event.value == pytest.approx(told.history["loss"][0], rel=1e-5) and event.prediction.shape == (6, 2)
    assert ("loss", "samples") in [row[:2] for row in trace.missing()]


def test_narrow_types_become_float32_and_the_trace_says_so():
    model = keras.Sequential([keras.Input((3,)), L.Dense(2, name="d1", dtype="bfloat16")])
    with record(model) as trace:
        model(X)
    event = trace.event(ForwardEvent, layer="d1", step=0)
    assert event.output.dtype == event.parameters["kernel"].dtype == np.float32
    assert [row.node for row in trace.missing()] == ["d1"]


@pytest.mark.parametrize("fixed", [False, True])
def test_the_scale_of_a_loss_in_half_precision_is_taken_out_again(fixed):
    model = keras.Sequential([keras.Input((3,)), L.Dense(2, name="d1", dtype="mixed_float16")])
    optimizer = keras.optimizers.SGD(0.1, loss_scale_factor=64.0)
    if not fixed:
        optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), initial_scale=64.0)
    model.compile(optimizer, "mse", auto_scale_loss=False)
    with record(model) as trace:
        model.fit(X, Y, batch_size=6, shuffle=False, verbose=0)
    loss, back = trace.event(LossEvent, step=0), trace.event(BackwardEvent, layer="d1", step=0)
    np.testing.assert_allclose(back.output_gradient, 2 * (loss.prediction - Y) / Y.size, rtol=1e-2, atol=1e-3)
    expected = X.T @ (2 * (loss.prediction - Y) / Y.size)
    np.testing.assert_allclose(back.parameter_gradients["kernel"], expected, rtol=1e-2, atol=1e-3)
    update = trace.event(UpdateEvent, layer="d1", step=0, parameter="bias")
    np.testing.assert_allclose(update.after, update.before - 0.1 * update.gradient, rtol=1e-4, atol=1e-6)


def test_a_recurrent_layer_is_one_layer_and_masks_pass_through():
    model = keras.Sequential([keras.Input((5,)), L.Embedding(9, 3, mask_zero=True, name="e1"), L.GRU(2, name="r1")])
    words = np.array([[1, 2, 3, 0, 0], [4, 5, 6, 7, 8]])
    expected = keras.ops.convert_to_numpy(model(words))
    with record(model) as trace:
        np.testing.assert_allclose(keras.ops.convert_to_numpy(model(words)), expected, rtol=1e-6)
    assert [event.node.name for event in trace.events()] == ["e1", "r1"]
    assert list(trace.event(ForwardEvent, layer="r1", step=0).parameters) == ["kernel", "recurrent_kernel", "bias"]


def test_the_parts_of_attention_have_vizkits_kinds():
    class Attentive(keras.Model):
        def __init__(self):
            super().__init__()
            self.a1 = L.MultiHeadAttention(2, 4, name="a1")

        def call(self, x):
            return self.a1(x, x)

    with record(Attentive()) as trace:
        model = None
    assert model is None and trace.steps == ()
    model = Attentive()
    model(np.zeros((1, 5, 8), "float32"))
    with record(model) as trace:
        model(np.zeros((1, 5, 8), "float32"))
    kinds = {event.node.name: event.node.kind for event in trace.events()}
    assert kinds["a1"] == "MultiHeadAttention" and kinds["a1/query"] == "HeadSplit"
    assert kinds["a1/attention_output"] == "HeadMerge"


def test_a_single_layer_is_recorded_as_itself():
    layer = L.Dense(2, name="alone")
    layer.build((None, 3))
    with record(layer) as trace:
        layer(X)
    assert [event.node.name for event in trace.events()] == ["alone"]


def test_weights_of_the_model_itself_make_it_a_layer():
    class Scaled(keras.Model):
        def __init__(self):
            super().__init__(name="scaled")
            self.inner = L.Dense(2, name="inner")
            self.scale = self.add_weight(shape=(1,), initializer="ones", name="scale")

        def call(self, x):
            return self.inner(x) * self.scale

    model = Scaled()
    model.compile("sgd", "mse")
    with record(model) as trace:
        model.fit(X, Y, batch_size=6, verbose=0)
    assert [event.node.name for event in trace.events(BackwardEvent)] == ["inner", "scaled"]
    assert {event.node.name for event in trace.events(UpdateEvent)} == {"inner", "scaled"}


def test_another_backend_is_refused(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ArgumentError, match="tensorflow and torch; this one runs on 'jax'"), record(mlp()):
        pass


@pytest.mark.skipif(BACKEND != "torch", reason="TensorFlow convolves channels first on no processor")
def test_channels_first_become_channels_last():
    model = keras.Sequential([keras.Input((3, 6, 5)), L.Conv2D(4, 2, data_format="channels_first", name="c1")])
    model.compile("sgd", "mse")
    with record(model) as trace:
        model.fit(np.ones((2, 3, 6, 5)), np.ones((2, 4, 5, 4)), verbose=0)
    assert trace.event(ForwardEvent, layer="c1", step=0).output.shape == (2, 5, 4, 4)
    assert trace.event(BackwardEvent, layer="c1", step=0).output_gradient.shape == (2, 5, 4, 4)
    assert {layer.output_shape for layer in trace.model.layers} == {(None, 5, 4, 4)}


@pytest.mark.skipif(BACKEND != "tensorflow", reason="a function of TensorFlow")
def test_a_compiled_loop_runs_with_numbers_while_it_is_recorded():
    model, optimizer = mlp(), keras.optimizers.SGD(0.1)
    compiled = tf.function(lambda: step_of(model, optimizer, lambda out: keras.ops.sum(out)))
    compiled()
    with record(model) as trace:
        compiled()
    compiled()
    assert len(list(trace.events(UpdateEvent))) == 4 and trace.steps == (0,)


@pytest.mark.slow
@pytest.mark.skipif(BACKEND != "torch", reason="this is the process that the test starts")
def test_all_this_on_tensorflow():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(Path(__file__))]
    environment = os.environ | {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
