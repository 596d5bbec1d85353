"""Whole PyTorch networks, recorded, against a twin whose tensors keep their own gradients."""

from __future__ import annotations

import copy
import functools

import numpy as np
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from vizkit import record
from vizkit.trace import BackwardEvent, ForwardEvent, Keep


class Block(nn.Module):
    """A residual block as torchvision writes it, with operations in place."""

    def __init__(self, channels, filters, stride):
        super().__init__()
        self.plain = False  # the twin adds out of place, so that its tensors can keep their gradients
        self.conv1 = nn.Conv2d(channels, filters, 3, stride, 1, bias=False)
        self.bn1, self.relu = nn.BatchNorm2d(filters), nn.ReLU(inplace=True)
        self.conv2, self.bn2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False), nn.BatchNorm2d(filters)
        self.down = nn.Sequential(nn.Conv2d(channels, filters, 1, stride), nn.BatchNorm2d(filters))

    def forward(self, x):
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out = out + self.down(x) if self.plain else out.add_(self.down(x))
        return self.relu(out)


def last(tensor):
    array = tensor.detach().numpy()
    return np.moveaxis(array, 1, -1) if array.ndim == 4 else array


def twin_of(model):
    """Return a copy without operations in place, and the tensors that its modules give, by the layers' names."""
    twin, given = copy.deepcopy(model), {}
    for module in twin.modules():
        if hasattr(module, "inplace"):
            module.inplace = False
        if hasattr(module, "plain"):
            module.plain = True

    def keep(module, inputs, output, name):
        if output.requires_grad:
            output.retain_grad()
        given.setdefault(name, []).append(output)

    for name, module in twin.named_modules():
        if name:
            module.register_forward_hook(functools.partial(keep, name=name.replace(".", "/")))
    return twin, given


def assert_told(trace, given):
    """Hold every output and gradient of a trace of one step against the twin's."""
    for name, tensors in given.items():
        forward = list(trace.events(ForwardEvent, layer=name))
        back = list(trace.events(BackwardEvent, layer=name))[::-1]
        assert len(forward) == len(back) == len(tensors), name
        for there, event, tensor in zip(forward, back, tensors, strict=True):
            np.testing.assert_allclose(there.output, last(tensor), rtol=1e-5, atol=1e-6, err_msg=name)
            np.testing.assert_allclose(event.output_gradient, last(tensor.grad), rtol=1e-4, atol=1e-6, err_msg=name)


def hold(model, x):
    twin, given = twin_of(model)
    with record(model, keep=Keep()) as trace:
        model(x).square().sum().backward()
    twin(x).square().sum().backward()
    assert_told(trace, given)
    assert [row.node for row in trace.missing()] == ["loss"]  # which is no module here
    return trace


def test_a_residual_network_that_works_in_place():
    torch.manual_seed(0)
    stem = nn.Sequential(nn.Conv2d(3, 4, 3, 1, 1), nn.BatchNorm2d(4), nn.ReLU(inplace=True))
    model = nn.Sequential(stem, Block(4, 4, 1), Block(4, 6, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3))
    trace = hold(model, torch.randn(2, 3, 8, 8))
    assert len(list(trace.events(ForwardEvent, layer="1/relu"))) == 2


def test_pytorchs_own_transformer():
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.0)
    model = nn.Sequential(nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), nn.Linear(8, 1))
    with record(model, keep=Keep()) as trace:
        model(torch.randn(2, 5, 8)).sum().backward()
    assert len(list(trace.events(BackwardEvent))) == len(list(trace.events(ForwardEvent))) == 20
    for number, inner in enumerate(model[0].layers):
        event = trace.event(BackwardEvent, layer=f"0/layers/{number}/linear1", step=0)
        np.testing.assert_array_equal(event.parameter_gradients["kernel"], inner.linear1.weight.grad.T)
        attention = trace.event(BackwardEvent, layer=f"0/layers/{number}/self_attn", step=0)
        stacked = inner.self_attn.in_proj_weight.grad.chunk(3)[1]  # of the keys
        np.testing.assert_array_equal(attention.parameter_gradients["key/kernel"].reshape(8, 8), stacked.T)


PARTS = st.sampled_from(["conv", "relu", "relu in place", "norm", "dropout", "block", "leaky in place", "nested"])


def part(name):
    match name:
        case "conv":
            return nn.Conv2d(3, 3, 3, padding=1)
        case "norm":
            return nn.BatchNorm2d(3)
        case "dropout":
            return nn.Dropout(0.0)
        case "block":
            return Block(3, 3, 1)
        case "leaky in place":
            return nn.LeakyReLU(0.1, inplace=True)
        case "nested":
            return nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU(inplace=True))
        case _:
            return nn.ReLU(inplace="place" in name)


@settings(max_examples=25)
@given(st.lists(PARTS, max_size=5), st.integers(0, 1000))
def test_any_stack_of_modules(names, seed):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), *map(part, names))
    x = torch.randn(2, 2, 4, 5)
    try:
        copy.deepcopy(model)(x).sum().backward()
    except RuntimeError:  # PyTorch refuses to write over what the pass back needs
        assume(False)
    hold(model, x)
