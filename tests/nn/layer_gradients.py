"""Outputs and gradients of a layer, beside those of the same computation in PyTorch."""

from __future__ import annotations

import numpy as np
import torch

from vizkit.autodiff import Tape, Tracked


def run(layer, inputs, weight, pick=lambda output: output, **options):
    """Return the output of a layer and the gradients of a weighted sum of it: of each input, of each weight."""
    layer(*inputs, **options)
    tape = Tape()
    with tape.watch(layer.weights):
        tracked = [track(x, tape) for x in inputs]
        output = pick(layer(*tracked, **options))
        found = tape.backward(np.sum(output * weight))
    flat = [x for part in tracked for x in (part if isinstance(part, list) else [part]) if isinstance(x, Tracked)]
    return output.numpy(), [found.get(id(x)) for x in flat], [found.get(id(w)) for w in layer.weights]


def track(x, tape):
    if isinstance(x, list):
        return [track(part, tape) for part in x]
    return Tracked(x, tape) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x


def tensors(*arrays):
    """Return the arrays as tensors whose gradients are wanted."""
    return [torch.tensor(a.copy(), requires_grad=True) for a in arrays]


def close(ours, theirs, rtol=1e-10, atol=1e-12):
    """Say that both agree to rounding error, measured by the largest number of the array."""
    theirs = theirs.detach().numpy() if isinstance(theirs, torch.Tensor) else np.asarray(theirs)
    assert ours.shape == theirs.shape
    if theirs.size:
        scale = max(1.0, float(np.abs(theirs).max()))
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=atol * scale)


def agrees(ours, expected, weight, inputs=(), weights=()):
    """Compare what `run` returned with a tensor and the gradients that PyTorch finds for the same weighted sum."""
    output, input_gradients, weight_gradients = ours
    (expected * torch.tensor(weight)).sum().backward()
    close(output, expected, rtol=1e-12, atol=1e-13)
    for mine, tensor in zip(input_gradients, inputs, strict=True):
        close(mine, tensor.grad)
    for mine, tensor in zip(weight_gradients, weights, strict=True):
        if mine is not None or tensor.requires_grad:
            close(mine, tensor.grad)


def orders(x):
    """Yield an array in other layouts: Fortran's, every second element of a larger one, read-only."""
    yield np.asfortranarray(x)
    spread = np.repeat(x, 2, axis=-1)
    yield spread[..., ::2]
    frozen = x.copy()
    frozen.flags.writeable = False
    yield frozen
