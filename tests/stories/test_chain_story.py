"""Backpropagation through any dense network: every number against PyTorch's own derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from legibility_plots import faults

import vizkit
from vizkit import nn
from vizkit.errors import ArgumentError
from vizkit.stories.backprop import backprop
from vizkit.stories.chain_run import ChainRun
from vizkit.trace import Keep
from vizkit.views.formula import to_plain

torch = pytest.importorskip("torch")

RNG = np.random.default_rng(7)
X = RNG.normal(size=(6, 3))
TARGETS = {
    "mean_squared_error": RNG.normal(size=(6, 1)),
    "binary_crossentropy": RNG.integers(0, 2, (6, 1)).astype(float),
    "sparse_categorical_crossentropy": RNG.integers(0, 4, 6),
}
CASES = {
    "regression": (("tanh", "relu", "linear"), (4, 3, 1), "mean_squared_error"),
    "two classes": (("softplus", "sigmoid"), (5, 1), "binary_crossentropy"),
    "many classes": (("elu", "softmax"), (10, 4), "sparse_categorical_crossentropy"),
    "one layer": (("sigmoid",), (1,), "binary_crossentropy"),
}


def record(case, optimizer="sgd", keep=None, steps=4):
    activations, units, loss = CASES[case]
    layers = [nn.layers.Dense(n, a) for n, a in zip(units, activations, strict=True)]
    model = nn.Sequential([nn.Input((3,)), *layers], dtype="float64", seed=3)
    model.compile(optimizer, loss)
    with vizkit.record(model, keep=keep or Keep()) as trace:
        model.fit(X, TARGETS[loss], epochs=steps, batch_size=6, shuffle=False, verbose=0)
    return trace


def in_torch(trace, case, step):
    """The same batch with the recorded weights: sums and outputs of each layer with their derivatives."""
    activations, _, loss = CASES[case]
    functions = {
        "tanh": torch.tanh, "relu": torch.relu, "softplus": torch.nn.functional.softplus, "sigmoid": torch.sigmoid,
        "elu": torch.nn.functional.elu, "linear": lambda z: z + 0, "softmax": lambda z: torch.softmax(z, 1),
    }  # fmt: skip
    value, kept, weights = torch.tensor(X), [], []
    for node, activation in zip(trace.layers, activations, strict=True):
        parameters = trace.event("forward", layer=node, step=step).parameters
        w, b = (torch.tensor(np.array(parameters[name]), requires_grad=True) for name in ("kernel", "bias"))
        z = value @ w + b
        value = functions[activation](z)
        for tensor in (z, value):
            tensor.retain_grad()
        kept.append((z, value))
        weights.append((w, b))
    target = torch.tensor(TARGETS[loss])
    if loss == "mean_squared_error":
        samples = ((value - target) ** 2).mean(1)
    elif loss == "binary_crossentropy":
        samples = torch.nn.functional.binary_cross_entropy(value, target, reduction="none").mean(1)
    else:
        samples = -torch.log(value[torch.arange(6), target])
    samples.mean().backward()
    return kept, weights, samples


@pytest.mark.parametrize("sample", [0, 4])
@pytest.mark.parametrize("case", CASES)
def test_every_part_of_the_chain_is_pytorchs(case, sample):
    trace = record(case)
    run = ChainRun.of(trace, step=2, sample=sample)
    kept, weights, samples = in_torch(trace, case, 2)
    assert len(run.parts) == len(kept) and run.apart == 0
    assert run.sample_loss == pytest.approx(samples[sample].item(), rel=1e-6)
    for part, (z, a), (w, b) in zip(run.parts, kept, weights, strict=True):
        close = {"rtol": 1e-6, "atol": 1e-9}
        np.testing.assert_allclose(part.column.sums, z[sample].detach(), **close)
        np.testing.assert_allclose(part.column.output, a[sample].detach(), **close)
        np.testing.assert_allclose(part.by_sum, z.grad[sample], **close)
        if not part.coupled:
            np.testing.assert_allclose(part.by_output, a.grad[sample], **close)
        np.testing.assert_allclose(part.column.weight_gradient, w.grad, **close)
        np.testing.assert_allclose(part.column.bias_gradient, b.grad, **close)
        assert part.whole


@pytest.mark.parametrize("case", CASES)
def test_the_numbers_of_the_equations_are_pytorchs(case):
    trace = record(case)
    story, run = backprop(trace, step=1, sample=3), ChainRun.of(trace, 1, 3)
    kept, weights, samples = in_torch(trace, case, 1)
    for at, part in enumerate(run.parts):
        layer = at + 1
        (z, a), (w, _) = kept[at], weights[at]
        inputs = torch.tensor(X) if at == 0 else kept[at - 1][1]
        shown = {beat.name: beat.equation.quantities() for beat in story.beats if beat.equation is not None}
        unit, source = part.unit, part.source
        assert shown[f"sum-{layer}"]["sum"] == pytest.approx(z[3, unit].item(), rel=1e-6)
        if not part.straight:
            assert shown[f"value-{layer}"]["active"] == pytest.approx(a[3, unit].item(), rel=1e-6)
            assert shown[f"through-{layer}"]["by sum"] == pytest.approx(z.grad[3, unit].item(), rel=1e-5)
        own = (z.grad[3, unit] * inputs[3, source]).item()
        assert shown[f"weight-{layer}"]["part"] == pytest.approx(own, rel=1e-5)
        whole = story.beat(f"weight-{layer}").caption.quantities()["whole"]
        assert whole == pytest.approx(w.grad[source, unit].item(), rel=1e-5)
        if at:
            back = inputs.grad[3, source].item()
            assert shown[f"back-{layer}"]["by input"] == pytest.approx(back, rel=1e-5)
    assert shown["loss"]["sample loss"] == pytest.approx(samples[3].item(), rel=1e-6)


def test_where_the_first_derivative_comes_from_is_told_where_the_numbers_say_so():
    squares = ChainRun.of(record("regression"), 1, 3).difference
    assert (squares.shares, squares.factor, squares.over) == (False, 2, 6)
    np.testing.assert_array_equal(squares.right, TARGETS["mean_squared_error"][3])
    classes = ChainRun.of(record("many classes"), 1, 3)
    kept, _, _ = in_torch(classes.trace, "many classes", 1)
    told = classes.difference
    assert (told.shares, told.factor, told.over) == (True, 1, 6)
    np.testing.assert_allclose(told.said, kept[-1][1][3].detach(), rtol=1e-6)
    assert told.right.argmax() == TARGETS["sparse_categorical_crossentropy"][3] and told.right.sum() == 1
    assert ChainRun.of(record("two classes"), 1, 3).difference is None, "a sigmoid has its slope told instead"
    assert ChainRun.of(torch_trace(True)[0]).difference is None, "the trace was not told what is right"


def test_a_loss_of_bare_sums_is_told_with_its_softmax():
    torch.manual_seed(2)
    net, criterion = torch.nn.Sequential(torch.nn.Linear(3, 12)).double(), torch.nn.CrossEntropyLoss()
    with vizkit.record(net) as trace:
        criterion(net(torch.tensor(X)), torch.arange(6)).backward()
    story, run = backprop(trace, sample=4), ChainRun.of(trace, sample=4)
    with torch.no_grad():
        said = torch.softmax(net(torch.tensor(X)), 1)[4]
    np.testing.assert_allclose(run.difference.said, said, rtol=1e-6)
    assert story.beat("loss").equation.quantities()["probability"] == pytest.approx(said[4].item(), rel=1e-6)
    told = story.beat("by-output").equation.quantities()
    unit = run.parts[-1].unit
    assert told["said"] == pytest.approx(said[unit].item(), rel=1e-6) and told["over"] == 6
    assert told["right"] == (unit == 4)
    shown = story.beat("by-output").board.quantities()
    drawn = [shown[f"network/class[{at}]"] for at in range(6)]
    assert drawn == run.orders[-1][:6] and 4 in drawn, "each output says whose it is"
    assert shown["network/ce"] == pytest.approx(-np.log(said[4].item())), "the box holds the sample's own loss"


def test_the_update_is_written_as_the_rule_only_where_that_is_what_happened():
    plain = backprop(record("regression"), step=0)
    update = plain.beat("update").equation
    numbers = update.quantities()
    assert numbers["after"] == pytest.approx(numbers["before"] - numbers["learning rate"] * numbers["gradient"])
    adaptive = backprop(record("regression", optimizer="adam"), step=0).beat("update").equation
    assert "gradient" not in adaptive.quantities() and "→" in to_plain(adaptive)


def test_a_recording_of_some_samples_says_that_the_rest_is_missing():
    story = backprop(record("regression", keep=Keep(samples=2)), step=0)
    assert "recorded in part" in str(story.beat("weight-1").caption)
    with pytest.raises(ArgumentError, match="samples are numbered 0 to 1, but 2"):
        backprop(record("regression", keep=Keep(samples=2)), sample=2)


def test_of_a_convolutional_network_the_dense_end_is_told():
    images = RNG.normal(size=(4, 6, 6, 1))
    layers = [nn.layers.Conv2D(2, 3, activation="relu"), nn.layers.Flatten(), nn.layers.Dense(12, "tanh")]
    model = nn.Sequential([nn.Input((6, 6, 1)), *layers, nn.layers.Dense(1)], dtype="float64", seed=0)
    model.compile("sgd", "mean_squared_error")
    with vizkit.record(model) as trace:
        model.fit(images, np.ones((4, 1)), epochs=1, batch_size=4, verbose=0)
    story, run = backprop(trace), ChainRun.of(trace)
    assert (len(run.parts), run.apart) == (2, 2)
    assert story.beats[1].name == "chosen" and "the last 2 dense layers" in story.summary
    assert [len(order) for order in run.orders] == [32, 12, 1]
    for order, part in zip(run.orders[1:], run.parts, strict=True):
        sizes = np.abs(part.by_sum)
        assert sorted(order) == list(range(sizes.size))
        if sizes.size > 8:
            assert sizes[order[:6]].min() >= sizes[order[6:]].max()
    drawn = story.beat("sum-1").board.quantities()
    largest = run.orders[1][0]
    expected = run.parts[0].column.weights[run.orders[0][0], largest]
    assert drawn["network/edge:1:0:0"] == expected


def test_a_network_that_ends_in_something_else_is_one_clear_error():
    model = nn.Sequential([nn.Input((3,)), nn.layers.Dense(2), nn.layers.Dropout(0.5)], seed=0)
    model.compile("sgd", "mean_squared_error")
    with vizkit.record(model) as trace:
        model.fit(X, np.ones((6, 2)), epochs=1, batch_size=6, verbose=0)
    with pytest.raises(ArgumentError, match="ends in Dropout"):
        backprop(trace)
    with pytest.raises(ArgumentError, match="holds none at step 9"):
        backprop(trace, step=9)


def torch_trace(functional):
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.act = torch.nn.Linear(3, 4), torch.nn.Linear(4, 2), torch.nn.Tanh()

        def forward(self, x):
            return self.b(torch.tanh(self.a(x)) if functional else self.act(self.a(x)))

    torch.manual_seed(1)
    net = Net().double()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x, y = torch.tensor(X), torch.tensor(TARGETS["mean_squared_error"]).repeat(1, 2)
    with vizkit.record(net) as trace:
        for _ in range(2):
            optimizer.zero_grad()
            trace.loss(torch.nn.functional.mse_loss(net(x), y)).backward()
            optimizer.step()
    return trace, net


@pytest.mark.parametrize("functional", [False, True])
def test_a_pytorch_network_is_told_whether_or_not_its_activation_is_a_module(functional):
    trace, _ = torch_trace(functional)
    run = ChainRun.of(trace)
    assert [part.column.activation for part in run.parts] == ["tanh", "linear"]
    first, second = run.parts
    np.testing.assert_allclose(first.column.output, np.tanh(first.column.sums), rtol=1e-6)
    np.testing.assert_allclose(first.by_output, second.by_input, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(first.by_sum, first.by_output * (1 - first.column.output**2), rtol=1e-5, atol=1e-9)
    assert backprop(trace).beat("update").equation is not None


@pytest.mark.parametrize("case", ["regression", "many classes"])
def test_the_beats_can_be_read(case):
    from vizkit import plots

    for beat in backprop(record(case), step=1).beats[2::3]:
        assert faults(plots.figure(beat, "light")) == [], beat.name
