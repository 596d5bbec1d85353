"""JAX: the whole training step, written by hand, compiled by XLA."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
from jax import lax
from jax import numpy as np

from peers.adam import adam
from peers.workloads import DOSAGE_RATE, LSTM_UNITS, Workload

KINDS = ("mlp", "cnn", "lstm", "dosage")


def step(workload: Workload) -> Callable[[Any, Any], float]:
    """Return a function that trains on a batch and returns the loss before it."""
    loss = {"mlp": _mlp_loss, "cnn": _cnn_loss, "lstm": _lstm_loss, "dosage": _residuals}[workload.kind]
    weights: Any = [np.asarray(w) for w in workload.weights()]
    state: Any = (np.asarray(0.0), [0 * w for w in weights], [0 * w for w in weights])

    def update(weights: Any, state: Any, x: Any, y: Any) -> Any:
        value, gradients = jax.value_and_grad(loss)(weights, x, y)
        if workload.kind == "dosage":
            return value, [w - DOSAGE_RATE * g for w, g in zip(weights, gradients, strict=True)], state
        return value, *adam(weights, gradients, state)

    compiled = jax.jit(update, donate_argnums=(0, 1))

    def train(x: Any, y: Any) -> float:
        nonlocal weights, state
        value, weights, state = compiled(weights, state, x, y)
        jax.block_until_ready(weights)
        return float(value)

    return train


def batches(workload: Workload) -> list[tuple[Any, Any]]:
    """Return the batches as JAX's arrays."""
    return [(np.asarray(x), np.asarray(y)) for x, y in workload.batches()]


def _cross_entropy(scores: Any, y: Any) -> Any:
    return -np.mean(np.take_along_axis(jax.nn.log_softmax(scores), y[:, None], axis=1))


def _mlp_loss(weights: Any, x: Any, y: Any) -> Any:
    *hidden, kernel, bias = weights
    for at in range(0, len(hidden), 2):
        x = jax.nn.relu(x @ hidden[at] + hidden[at + 1])
    return _cross_entropy(x @ kernel + bias, y)


def _convolve(x: Any, kernel: Any, bias: Any) -> Any:
    x = lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    x = jax.nn.relu(x + bias)
    return lax.reduce_window(x, -np.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def _cnn_loss(weights: Any, x: Any, y: Any) -> Any:
    x = _convolve(_convolve(x, *weights[:2]), *weights[2:4])
    return _mlp_loss(weights[4:], x.reshape(len(x), -1), y)


def _lstm_loss(weights: Any, x: Any, y: Any) -> Any:
    table, kernel, recurrent, bias, dense, dense_bias = weights
    summed = np.swapaxes(table[x], 0, 1) @ kernel + bias
    zeros = np.zeros((len(x), LSTM_UNITS), summed.dtype)

    def at_a_time(states: Any, now: Any) -> Any:
        hidden, cell = states
        enter, keep, new, leave = np.split(now + hidden @ recurrent, 4, axis=1)
        cell = jax.nn.sigmoid(keep) * cell + jax.nn.sigmoid(enter) * np.tanh(new)
        return (jax.nn.sigmoid(leave) * np.tanh(cell), cell), None

    (hidden, _), _ = lax.scan(at_a_time, (zeros, zeros), summed)
    scores = hidden @ dense + dense_bias
    return np.mean(np.logaddexp(scores, 0) - y * scores)


def _residuals(weights: Any, x: Any, y: Any) -> Any:
    kernel, bias, out, out_bias = weights
    return np.sum((jax.nn.softplus(x @ kernel + bias) @ out + out_bias - y) ** 2)
