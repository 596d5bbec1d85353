"""The dosage network, trained and recorded, against the same training written out in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import vizkit
from vizkit import nn
from vizkit.trace import Keep

STEPS = 5
RATE = 0.01
X = np.array([[0.0], [0.5], [1.0]])
Y = np.array([[0.0], [1.0], [0.0]])


def by_hand():
    """Each step's values, gradients and weights, from the formulas alone."""
    w1, b1 = np.array([[3.34, -3.53]]), np.array([-1.43, 0.57])
    w2, b2 = np.array([[-1.22], [-2.30]]), np.array([0.0])
    for _ in range(STEPS):
        z = X @ w1 + b1
        hidden = np.log1p(np.exp(z))
        output = hidden @ w2 + b2
        loss = ((Y - output) ** 2).sum()
        d_output = -2 * (Y - output)
        d_hidden = d_output @ w2.T
        d_z = d_hidden / (1 + np.exp(-z))
        gradients = {"w1": X.T @ d_z, "b1": d_z.sum(0), "w2": hidden.T @ d_output, "b2": d_output.sum(0)}
        weights = {"w1": w1, "b1": b1, "w2": w2, "b2": b2}
        yield (
            {"hidden": hidden, "output": output, "loss": loss, "d_output": d_output, "d_hidden": d_hidden, **weights},
            gradients,
        )
        w1, b1, w2, b2 = (value - RATE * gradients[name] for name, value in weights.items())


@pytest.fixture(scope="module", params=["in memory", "from a file"])
def trace(request, tmp_path_factory):
    network = nn.networks.dosage_network(learning_rate=RATE)
    with vizkit.record(network, keep=Keep(levels=("layer", "op"))) as trace:
        network.fit(X, Y, batch_size=3, epochs=STEPS, shuffle=False, verbose=0)
    if request.param == "from a file":
        return vizkit.load(trace.save(tmp_path_factory.mktemp("dosage") / "run.vkt"))
    return trace


@pytest.fixture(scope="module")
def expected():
    steps = list(by_hand())
    values = {name: np.stack([value[name] for value, _ in steps]) for name in steps[0][0]}
    return values, {name: np.stack([gradient[name] for _, gradient in steps]) for name in steps[0][1]}


def close(stacked, expected):
    np.testing.assert_allclose(stacked.values, expected, rtol=1e-10, atol=1e-13)


def test_every_value_and_gradient_of_every_step(trace, expected):
    values, gradients = expected
    assert trace.steps == tuple(range(STEPS))
    close(trace.stack("forward", "output", layer="hidden"), values["hidden"])
    close(trace.stack("forward", "output", layer="output"), values["output"])
    close(trace.stack("forward", "inputs", layer="output"), values["hidden"])
    close(trace.stack("loss", "value"), values["loss"])
    close(trace.stack("backward", "output_gradient", layer="output"), values["d_output"])
    close(trace.stack("backward", "output_gradient", layer="hidden"), values["d_hidden"])
    for layer, kernel, bias in (("hidden", "w1", "b1"), ("output", "w2", "b2")):
        for item, name in (("kernel", kernel), ("bias", bias)):
            close(trace.parameter(layer, item), values[name])
            close(trace.stack("backward", "parameter_gradients", layer=layer, item=item), gradients[name])
            close(trace.stack("update", "before", layer=layer, item=item), values[name])
            close(trace.stack("update", "after", layer=layer, item=item), values[name] - RATE * gradients[name])
            close(trace.stack("update", "gradient", layer=layer, item=item), gradients[name])


def test_the_published_numbers(trace):
    first = trace.event("backward", layer="output", step=0)
    assert trace.event("loss", step=0).value == pytest.approx(20.42, abs=0.01)
    assert first.parameter_gradients["bias"][0] == pytest.approx(-15.66, abs=0.01)


def test_the_samples_of_the_loss_add_up(trace):
    for event in trace.events("loss"):
        assert event.samples.shape == (3,) and event.samples.sum() == pytest.approx(event.value)


def test_the_order_of_a_step(trace):
    order = [(type(event).__name__, event.node.name) for event in trace.events(step=0) if event.node.level == "layer"]
    assert order == [
        ("ForwardEvent", "hidden"),
        ("ForwardEvent", "output"),
        ("LossEvent", "loss"),
        ("BackwardEvent", "output"),
        ("BackwardEvent", "hidden"),
        *[("UpdateEvent", "hidden")] * 2,
        *[("UpdateEvent", "output")] * 2,
    ]


def test_operations_stand_before_the_layer_that_contains_them(trace):
    for kind in ("forward", "backward"):
        names = [event.node.name for event in trace.events(kind, step=0)]
        for node in (event.node for event in trace.events(kind, step=0, level="op")):
            parent = trace.log.nodes[node.parent]
            if parent.name in names:
                assert names.index(node.name) < names.index(parent.name)
    assert list(trace.events("forward", layer="hidden", step=0, level="op"))


def test_history_and_model(trace, expected):
    assert len(trace.epochs) == STEPS
    np.testing.assert_allclose(trace.history["loss"], expected[0]["loss"], rtol=1e-10)
    assert [layer.node.name for layer in trace.model.layers] == ["hidden", "output"]
    assert trace.model.layers[0].parameters == {"kernel": (1, 2), "bias": (2,)}


@pytest.mark.parametrize(
    "keep", [Keep(), Keep(samples=2), Keep(steps=2), Keep(layers="hidden"), Keep(parameters=2), Keep(parameters=[])]
)
def test_the_estimate_is_what_the_recording_takes_and_the_data_s_gradient(keep):
    network = nn.networks.dosage_network(learning_rate=RATE)
    estimated = keep.estimate(network, X, steps=STEPS)
    with vizkit.record(network, keep) as trace:
        network.fit(X, Y, batch_size=3, epochs=STEPS, verbose=0)
    data = sum(event.inputs[0].nbytes for event in trace.events("forward", layer="hidden"))
    assert trace.nbytes == estimated - data
