"""What a model tells a recorder, with a recorder of the test's own."""

from __future__ import annotations

import numpy as np
import pytest

import vizkit
from vizkit import nn
from vizkit.autodiff import grad
from vizkit.trace.sources import source_of

X, Y = nn.data.dosage()


class Listener:
    """Writes down copies of all it is told."""

    def __init__(self, wanted=("forward", "loss", "backward", "update"), levels=("layer", "op")):
        self.wanted, self.levels, self.told, self.epochs, self.descriptions = wanted, levels, [], [], []

    def wants(self, kind, node, step):
        return kind in self.wanted and node.level in self.levels

    def describe(self, description):
        self.descriptions.append(description)

    def forward(self, step, node, inputs, output, parameters):
        copied = {name: p.copy() for name, p in parameters.items()}
        self.told.append(("forward", step, node, [i.copy() for i in inputs], output.copy(), copied))

    def loss(self, step, node, prediction, target, value, samples):
        self.told.append(("loss", step, node, prediction.copy(), target, value, samples))

    def backward(self, step, node, output_gradient, input_gradients, parameter_gradients):
        self.told.append(("backward", step, node, output_gradient, input_gradients, parameter_gradients))

    def update(self, step, node, parameter, before, after, gradient, learning_rate):
        self.told.append(("update", step, node, parameter, before, after.copy(), gradient.copy(), learning_rate))

    def epoch(self, epoch, logs):
        self.epochs.append((epoch, logs))

    def of(self, kind, name=None, step=None):
        return [t for t in self.told if t[0] == kind and name in (None, t[2].name) and step in (None, t[1])]


def record(model, x, y, listener, **options):
    source_of(model)._attach(listener)
    try:
        return model.fit(x, y, verbose=0, **options)
    finally:
        source_of(model)._detach()


@pytest.fixture
def dosage():
    listener = Listener()
    record(nn.networks.dosage_network(only_final_bias=True), X, Y, listener, batch_size=3, epochs=2)
    return listener


def test_events_of_a_step_in_order(dosage):
    told = [(kind, node.name) for kind, step, node, *_ in dosage.told if step == 0]
    assert told == [
        ("forward", "hidden/matmul"), ("forward", "hidden/add"), ("forward", "hidden/softplus"), ("forward", "hidden"),
        ("forward", "output/matmul"), ("forward", "output/add"), ("forward", "output"),
        ("forward", "loss/subtract"), ("forward", "loss/square"), ("forward", "loss/sum"), ("forward", "loss/sum_1"),
        ("loss", "loss"),
        ("backward", "loss/sum_1"), ("backward", "loss/sum"), ("backward", "loss/square"),
        ("backward", "loss/subtract"),
        ("backward", "output/add"), ("backward", "output/matmul"), ("backward", "output"),
        ("backward", "hidden/softplus"), ("backward", "hidden/add"), ("backward", "hidden/matmul"),
        ("backward", "hidden"),
        ("update", "output"),
    ]  # fmt: skip


def test_nodes_are_the_same_at_every_step(dosage):
    first, second = ([t[2] for t in dosage.told if t[1] == step] for step in (0, 1))
    assert first == second
    by_index = {node.index: node for node in first}
    assert sorted(by_index) == list(range(len(by_index)))
    assert by_index[by_index[3].parent].name == "hidden"


def test_the_published_derivatives(dosage):
    (loss,) = dosage.of("loss", step=0)
    assert loss[5] == pytest.approx(20.42, abs=0.006)
    assert loss[6].sum() == pytest.approx(loss[5])
    (output,) = dosage.of("backward", "output", 0)
    assert output[5]["bias"][0] == pytest.approx(-15.66, abs=0.006)
    slopes = [t[6][0] for t in dosage.of("update")]
    np.testing.assert_allclose(slopes, [-15.66, -6.26], atol=0.006)


def test_all_seven_derivatives_though_one_weight_alone_is_trained(dosage):
    names = [("hidden", "kernel"), ("hidden", "bias"), ("output", "kernel"), ("output", "bias")]
    weights = nn.networks.dosage_network().get_weights()

    def ssr(position):
        def function(weight):
            w = [*weights[:position], weight, *weights[position + 1 :]]
            hidden = np.log1p(np.exp(X @ w[0] + w[1]))
            return np.sum((np.matmul(hidden, w[2]) + w[3] - Y) ** 2)

        return function

    for position, (layer, name) in enumerate(names):
        (told,) = dosage.of("backward", layer, 0)
        slopes = np.zeros_like(weights[position])
        for index in np.ndindex(slopes.shape):
            step = np.zeros_like(slopes)
            step[index] = 1e-6
            slopes[index] = (ssr(position)(weights[position] + step) - ssr(position)(weights[position] - step)) / 2e-6
        np.testing.assert_allclose(told[5][name], slopes, rtol=1e-7)


def test_updates_follow_the_rule(dosage):
    _, _, _, name, before, after, gradient, rate = dosage.of("update", step=1)[0]
    assert (name, rate) == ("bias", 0.1)
    np.testing.assert_allclose(after, before - rate * gradient)
    np.testing.assert_array_equal(before, dosage.of("update", step=0)[0][5])


def test_epochs_have_the_historys_numbers():
    listener = Listener()
    history = record(nn.networks.dosage_network(), X, Y, listener, batch_size=3, epochs=3)
    assert [logs["loss"] for _, logs in listener.epochs] == history.history["loss"]


def test_a_description_names_layers_shapes_loss_and_optimizer(dosage):
    (description,) = dosage.descriptions
    assert [layer.node.name for layer in description.layers] == ["hidden", "output"]
    hidden = description.layers[0]
    assert (hidden.input_shape, hidden.output_shape) == ((None, 1), (None, 2))
    assert hidden.config["activation"] == "softplus"
    assert hidden.parameters == {"kernel": (1, 2), "bias": (2,)}
    assert description.loss == "sum_squared_residuals"
    assert description.optimizer["learning_rate"] == 0.1


def images_model():
    layers = [
        nn.layers.Conv2D(2, 3, activation="elu"),
        nn.layers.MaxPooling2D(),
        nn.layers.Flatten(),
        nn.layers.Dropout(0.2),
        nn.layers.Dense(2, "softmax"),
    ]
    model = nn.Sequential(layers, seed=2, dtype="float64")
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    return model


IMAGES, LABELS = nn.data.letters()


def test_recording_changes_no_byte():
    plain, recorded = images_model(), images_model()
    plain.fit(IMAGES, LABELS, epochs=2, batch_size=5, verbose=0)
    record(recorded, IMAGES, LABELS, Listener(), epochs=2, batch_size=5)
    assert [w.tobytes() for w in plain.get_weights()] == [w.tobytes() for w in recorded.get_weights()]


def test_gradients_of_layers_are_true_ones():
    """Each layer's gradients agree with differentiating the rest of the network from there."""
    listener, model = Listener(levels=("layer",)), images_model()
    record(model, IMAGES, LABELS, listener, batch_size=18, epochs=1)
    forward = {t[2].name: t for t in listener.of("forward", step=0)}
    (loss,) = listener.of("loss", step=0)
    weights = {name: t[5] for name, t in forward.items()}
    restored = nn.Sequential([nn.layers.Dense(2, "softmax")], dtype="float64")
    restored(forward["dense"][3][0])
    restored.set_weights(list(weights["dense"].values()))
    expected = grad(lambda p: model.loss(loss[4], p))(loss[3])
    (dense,) = listener.of("backward", "dense", 0)
    np.testing.assert_allclose(dense[3], expected, rtol=1e-12)
    expected = grad(lambda x: model.loss(loss[4], restored(x)))(forward["dense"][3][0])
    np.testing.assert_allclose(dense[4][0], expected, rtol=1e-12)
    names = [t[2].name for t in listener.of("backward", step=0)]
    assert names == ["dense", "dropout", "flatten", "max_pooling2d", "conv2d"]


def test_an_unbuilt_model_is_described_at_its_first_step():
    listener, model = Listener(), images_model()
    source_of(model)._attach(listener)
    assert listener.descriptions == []
    model.fit(IMAGES, LABELS, batch_size=18, verbose=0)
    source_of(model)._detach()
    assert listener.descriptions[0].layers[0].output_shape == (None, 4, 4, 2)


def test_a_branch_gets_its_own_share_of_a_gradient():
    class Residual(nn.Layer):
        def __init__(self):
            super().__init__()
            self.inner = nn.layers.Dense(2, use_bias=False, kernel_initializer=nn.initializers.Constant(0.5))

        def call(self, inputs):
            return inputs + self.inner(inputs)

    model = nn.Sequential([Residual()], dtype="float64")
    model.compile("sgd", "sum_squared_residuals")
    listener = Listener()
    record(model, np.ones((1, 2)), np.zeros((1, 2)), listener)
    (outer,), (inner,) = listener.of("backward", "residual"), listener.of("backward", "residual/inner")
    # output 2, 2; its gradient 4, 4; through the kernel of halves 4, 4 again; with the bypass 8, 8
    assert inner[4][0].tolist() == [[4.0, 4.0]]
    assert outer[4][0].tolist() == [[8.0, 8.0]]
    assert inner[2].parent == outer[2].index


def test_predict_tells_forward_with_the_current_count():
    listener, model = Listener(), nn.networks.dosage_network()
    record(model, X, Y, listener, batch_size=3, epochs=4)
    listener.told.clear()
    source_of(model)._attach(listener)
    model.predict(X)
    model.evaluate(X, Y)
    source_of(model)._detach()
    assert {(t[0], t[1]) for t in listener.told} == {("forward", 4)}
    assert len(listener.of("forward", "hidden")) == 1


def test_what_is_not_wanted_is_not_told():
    listener = Listener(wanted=("loss",))
    record(nn.networks.dosage_network(), X, Y, listener, epochs=2)
    assert {t[0] for t in listener.told} == {"loss"}


def test_validation_is_not_told():
    listener, model = Listener(), images_model()
    record(model, IMAGES, LABELS, listener, batch_size=18, validation_data=(IMAGES, LABELS))
    assert len(listener.of("forward", "dense")) == 1


def test_the_real_recorder_makes_a_trace(tmp_path):
    model = nn.networks.dosage_network()
    with vizkit.record(model, keep=vizkit.Keep(levels=("layer", "op"))) as trace:
        model.fit(X, Y, batch_size=3, epochs=2, verbose=0)
    trace.save(tmp_path / "run.vkt")
    assert len(list(vizkit.load(tmp_path / "run.vkt").events())) == len(list(trace.events())) > 20


def test_only_what_is_trained_has_a_gradient():
    model = nn.Sequential([nn.layers.Dense(2), nn.layers.BatchNormalization(), nn.layers.Dense(1)], seed=0)
    model.compile("sgd", "mse")
    with vizkit.record(model) as trace:
        for _ in range(3):
            model.train_on_batch(np.ones((4, 3)), np.ones((4, 1)))
    for step in range(3):
        event = trace.event("backward", layer="batch_normalization", step=step)
        assert list(event.parameter_gradients) == ["gamma", "beta"]


def test_another_loss_meanwhile_is_a_node_of_its_own(tmp_path):
    model = nn.networks.dosage_network()
    with vizkit.record(model, keep=vizkit.Keep(levels=("layer", "op"))) as trace:
        for loss in ("mse", "mae", "mse"):
            model.compile("sgd", loss)
            model.fit(X, Y, batch_size=3, epochs=4, verbose=0)  # the later steps repeat a plan
    assert trace.model.loss == "mean_squared_error"
    losses = [node for node in trace.nodes if node.level == "layer" and node not in trace.layers]
    assert [(node.name, node.kind) for node in losses] == [
        ("loss", "mean_squared_error"),
        ("loss_1", "mean_absolute_error"),
    ]
    assert trace.stack("loss", "value", layer="loss").steps == (0, 1, 2, 3, 8, 9, 10, 11)
    for step in trace.steps:
        event = trace.event("loss", step=step)
        error = event.prediction - event.target
        power = 1 if event.node.name == "loss_1" else 2
        assert event.value == pytest.approx(np.mean(np.abs(error) ** power))
        inside = {each.node.parent for each in trace.events("forward", step=step, level="op")}
        assert event.node.index in inside and len(inside & {node.index for node in losses}) == 1
    assert vizkit.load(trace.save(tmp_path / "run.vkt")).equals(trace)


def test_a_loss_that_comes_after_the_first_operations():
    model = nn.Sequential([nn.Input((1,)), nn.layers.Dense(1)], seed=0)
    with vizkit.record(model, keep=vizkit.Keep(levels=("layer", "op"))) as trace:
        model(X.reshape(-1, 1))
        model.compile("sgd", "mse")
        model.train_on_batch(X, Y)
    assert [event.node.name for event in trace.events("loss")] == ["loss"]
    assert len({node.index for node in trace.nodes}) == len({node.name for node in trace.nodes}) == len(trace.nodes)
