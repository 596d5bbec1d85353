"""What a trace says of a PyTorch module is what vizkit's layer of that kind computes with the same numbers.

The oracle is vizkit's own layers, which keep Keras's names and orders: fed with the recorded inputs and
parameters they have to give the recorded output.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn as tnn

from vizkit import nn, record
from vizkit.trace import BackwardEvent, ForwardEvent, UpdateEvent

L = nn.layers
IMAGES, SEQUENCES = (2, 3, 8, 8), (2, 5, 3)

CASES = {
    "dense": (tnn.Linear(3, 4), SEQUENCES, lambda: L.Dense(4)),
    "convolution": (tnn.Conv2d(3, 4, 3), IMAGES, lambda: L.Conv2D(4, 3)),
    "strided": (tnn.Conv2d(3, 4, (3, 2), stride=(2, 1)), IMAGES, lambda: L.Conv2D(4, (3, 2), strides=(2, 1))),
    "same": (tnn.Conv2d(3, 4, 3, padding=1), IMAGES, lambda: L.Conv2D(4, 3, padding="same")),
    "dilated": (tnn.Conv2d(3, 4, 3, dilation=2), IMAGES, lambda: L.Conv2D(4, 3, dilation_rate=2)),
    "transposed": (tnn.ConvTranspose2d(3, 4, 2, stride=2), IMAGES, lambda: L.Conv2DTranspose(4, 2, strides=2)),
    "max pooling": (tnn.MaxPool2d(2), IMAGES, lambda: L.MaxPooling2D(2)),
    "average pooling": (tnn.AvgPool2d(2), IMAGES, lambda: L.AveragePooling2D(2)),
    "layer norm": (tnn.LayerNorm(3, eps=1e-3), SEQUENCES, lambda: L.LayerNormalization()),
    "batch norm": (tnn.BatchNorm2d(3, eps=1e-3).eval(), IMAGES, lambda: L.BatchNormalization()),
    "batch norm of rows": (tnn.BatchNorm1d(3, eps=1e-3).eval(), (6, 3), lambda: L.BatchNormalization()),
    "recurrent": (tnn.RNN(3, 4, batch_first=True), SEQUENCES, lambda: L.SimpleRNN(4, return_sequences=True)),
    "lstm": (tnn.LSTM(3, 4, batch_first=True), SEQUENCES, lambda: L.LSTM(4, return_sequences=True)),
    "time first": (tnn.LSTM(3, 4), (5, 2, 3), lambda: L.LSTM(4, return_sequences=True)),
    "gru": (tnn.GRU(3, 4, batch_first=True), SEQUENCES, lambda: L.GRU(4, return_sequences=True)),
    "gru time first": (tnn.GRU(3, 4), (5, 2, 3), lambda: L.GRU(4, return_sequences=True)),
    "leaky": (tnn.Sequential(tnn.Conv2d(3, 3, 1), tnn.LeakyReLU(0.3)), IMAGES, lambda: L.LeakyReLU(0.3)),
}


def recorded(module, shape):
    torch.manual_seed(0)
    with torch.no_grad():
        for tensor in (*module.parameters(), *module.buffers()):
            if tensor.is_floating_point():
                tensor.uniform_(0.1, 1.0)
    with record(module) as trace:
        output = module(torch.randn(shape, requires_grad=True))
        (output[0] if isinstance(output, tuple) else output).square().sum().backward()
        optimizer = torch.optim.SGD([*module.parameters(), torch.nn.Parameter(torch.ones(1))], 0.01)
        optimizer.step()
    return trace


@pytest.mark.parametrize("case", CASES)
def test_vizkits_layer_gives_the_recorded_output(case):
    module, shape, make = CASES[case]
    event = list(recorded(module, shape).events(ForwardEvent))[-1]
    given = dict(event.parameters)
    if "recurrent_bias" in given:  # Keras has their sum
        given["bias"] = given["bias"] + given.pop("recurrent_bias")
    layer = make()
    assert event.node.kind in (type(layer).__name__, "Activation")
    layer(event.inputs[0])
    assert [weight.name for weight in layer.own_weights] == list(given)
    for weight in layer.own_weights:
        assert weight.shape == given[weight.name].shape
        weight.assign(given[weight.name])
    np.testing.assert_allclose(layer(event.inputs[0]), event.output, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("case", CASES)
def test_gradients_and_updates_stand_in_the_order_of_what_they_belong_to(case):
    module, shape, _ = CASES[case]
    trace = recorded(module, shape)
    for event in trace.events(BackwardEvent):
        forward = next(trace.events(ForwardEvent, layer=event.node))
        assert event.output_gradient.shape == forward.output.shape
        for name, gradient in event.parameter_gradients.items():
            assert gradient.shape == forward.parameters[name].shape
    for event in trace.events(UpdateEvent):
        np.testing.assert_allclose(event.after, event.before - 0.01 * event.gradient, rtol=1e-4, atol=1e-5)
    trained = sum(p.requires_grad for p in module.parameters())
    assert len(list(trace.events(UpdateEvent))) == trained - (case.startswith("gru"))  # two biases are one of two rows


def test_attention_as_vizkits_layer():
    module = tnn.MultiheadAttention(8, 2, batch_first=True)
    with record(module) as trace:
        x = torch.randn(3, 5, 8)
        module(x, x, x)[0].sum().backward()
    event, layer = trace.event(ForwardEvent, layer="multiheadattention", step=0), L.MultiHeadAttention(2, 4)
    layer(event.inputs[0], event.inputs[0])
    for part in layer.sublayers():
        for weight in part.own_weights:
            weight.assign(event.parameters[f"{part.name}/{weight.name}"])
    np.testing.assert_allclose(layer(event.inputs[0], event.inputs[0]), event.output, rtol=1e-4, atol=1e-5)


def test_images_keep_their_layout_through_activations_and_blocks():
    block = tnn.Sequential(tnn.Conv2d(3, 4, 3, padding=1), tnn.ReLU(), tnn.Dropout(0.0))
    model = tnn.Sequential(tnn.Identity(), block, tnn.AdaptiveAvgPool2d(1), tnn.Flatten(), tnn.Linear(4, 2))
    with record(model) as trace:
        model(torch.randn(2, 3, 6, 5)).sum().backward()
    shapes = {event.node.name: event.output.shape for event in trace.events(ForwardEvent)}
    assert shapes == {
        "0": (2, 6, 5, 3),
        "1/0": (2, 6, 5, 4),
        "1/1": (2, 6, 5, 4),
        "1/2": (2, 6, 5, 4),
        "1": (2, 6, 5, 4),
        "2": (2, 1, 1, 4),
        "3": (2, 4),
        "4": (2, 2),
    }
    assert trace.event(BackwardEvent, layer="1", step=0).output_gradient.shape == (2, 6, 5, 4)
    assert trace.stack("forward", "output", layer="1/1").axes == ("step", "batch", "height", "width", "channels")


def test_scores_of_attention_are_no_images():
    class Attention(tnn.Module):
        def __init__(self):
            super().__init__()
            self.patches, self.drop = tnn.Conv2d(3, 8, 4, stride=4), tnn.Dropout(0.0)

        def forward(self, x):
            x = self.patches(x).flatten(2).transpose(1, 2)
            heads = x.reshape(len(x), -1, 2, 4).transpose(1, 2)
            return self.drop(heads @ heads.transpose(2, 3))

    model = Attention()
    with record(model) as trace, torch.no_grad():
        scores = model(torch.randn(1, 3, 8, 12))
    np.testing.assert_array_equal(trace.event(ForwardEvent, layer="drop", step=0).output, scores)
    assert trace.event(ForwardEvent, layer="patches", step=0).output.shape == (1, 2, 3, 8)


def test_another_model_of_the_same_class_is_not_told():
    model, other = tnn.Linear(3, 2), tnn.Linear(3, 2)
    with record(model) as trace:
        other(torch.ones(1, 3)).sum().backward()
    assert len(trace) == 0


def test_a_sequence_in_channels_first():
    model = tnn.Sequential(tnn.Conv1d(3, 4, 3), tnn.ReLU(), tnn.MaxPool1d(2))
    with record(model) as trace:
        model(torch.randn(2, 3, 9)).sum().backward()
    event = trace.event(ForwardEvent, layer="0", step=0)
    assert event.inputs[0].shape == (2, 9, 3) and event.output.shape == (2, 7, 4)
    assert event.parameters["kernel"].shape == (3, 3, 4)
    assert trace.event(ForwardEvent, layer="1", step=0).output.shape == (2, 7, 4)


def test_a_bidirectional_net_of_two_layers_names_its_parameters():
    module = tnn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True, proj_size=2)
    trace = recorded(module, SEQUENCES)
    names = set(trace.event(ForwardEvent, layer="lstm", step=0).parameters)
    ways = ("", "reverse/", "layer_1/", "layer_1/reverse/")
    own = ("kernel", "recurrent_kernel", "bias", "recurrent_bias", "projection")
    assert names == {f"{way}{name}" for way in ways for name in own}


def test_what_follows_a_sequence_with_the_time_first_is_batch_first_too():
    class Tagger(tnn.Module):
        def __init__(self):
            super().__init__()
            self.read, self.drop, self.out = tnn.GRU(3, 4), tnn.Dropout(0.0), tnn.Linear(4, 2)

        def forward(self, x):
            return self.out(self.drop(self.read(x)[0]))

    model = Tagger()
    with record(model) as trace:
        outputs = [model(torch.randn(times, 2, 3)) for times in (5, 7)]
        outputs[-1].sum().backward()
    for step, (output, times) in enumerate(zip(outputs, (5, 7), strict=True)):
        events = [event for event in trace.events(ForwardEvent) if event.output.shape[1] == times]
        assert [event.output.shape for event in events] == [(2, times, 4), (2, times, 4), (2, times, 2)], step
        np.testing.assert_array_equal(events[-1].output, output.detach().transpose(0, 1))
    assert next(trace.events(BackwardEvent, layer="out")).output_gradient.shape == (2, 7, 2)
