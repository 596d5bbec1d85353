"""The training steps that are compared: their data, their first weights, what is asked of vizkit.

Every peer gets the same numbers. Weights come in Keras's order and layout: a dense kernel is (inputs, units), a
convolution's (height, width, inputs, filters), and the sums of an LSTM stand as enter, keep, new, leave.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["GROWTH", "STEPS", "WORKLOADS", "Workload"]

CLASSES = 10
WORDS, WORD_SIZE, LSTM_UNITS, TIMES = 10_000, 128, 64, 50
LEARNING_RATE, DOSAGE_RATE, EPSILON = 0.001, 0.01, 1e-7
SAMPLES = 2048  # several batches take turns, so that no network learns its only one by heart


@dataclass(frozen=True)
class Workload:
    """A network and the size of its batches.

    Parameters
    ----------
    title
        What the table calls it.
    kind
        ``"mlp"``, ``"cnn"``, ``"lstm"`` or ``"dosage"``.
    batch
        Samples in a step.
    sizes
        Of an MLP: the lengths of input, hidden layers and output.
    must, aim
        Share of PyTorch's time that vizkit may take, and the one that it aims at.
    """

    title: str
    kind: str
    batch: int
    sizes: tuple[int, ...] = ()
    must: float | None = None
    aim: float | None = None

    def weights(self) -> list[np.ndarray]:
        """Return the first weights: kernels by Glorot's rule, biases of 0, the one of LSTM's keep gate 1."""
        if self.kind == "dosage":
            numbers = ([[3.34, -3.53]], [-1.43, 0.57], [[-1.22], [-2.30]], [0.0])
            return [np.array(part, np.float32) for part in numbers]
        random = np.random.default_rng(1)
        return [_weight(shape, random) for shape in self._shapes()]

    def _shapes(self) -> list[tuple[int, ...]]:
        if self.kind == "mlp":
            return [shape for a, b in itertools.pairwise(self.sizes) for shape in ((a, b), (b,))]
        if self.kind == "cnn":
            return [(3, 3, 1, 32), (32,), (3, 3, 32, 64), (64,), (1600, 64), (64,), (64, CLASSES), (CLASSES,)]
        gates = 4 * LSTM_UNITS
        return [(WORDS, WORD_SIZE), (WORD_SIZE, gates), (LSTM_UNITS, gates), (gates,), (LSTM_UNITS, 1), (1,)]

    def batches(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return pairs of inputs and targets, each of shape (batch, ...)."""
        if self.kind == "dosage":
            return [tuple(np.array(part, np.float32)[:, None] for part in ([0, 0.5, 1], [0, 1, 0]))]
        random = np.random.default_rng(2)
        return [self._batch(random) for _ in range(max(2, min(64, SAMPLES // self.batch)))]

    def _batch(self, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        if self.kind == "lstm":
            words = random.integers(0, WORDS, (self.batch, TIMES), dtype=np.int32)
            return words, random.integers(0, 2, (self.batch, 1)).astype(np.float32)
        shape = (28, 28, 1) if self.kind == "cnn" else self.sizes[:1]
        inputs = random.standard_normal((self.batch, *shape), dtype=np.float32)
        return inputs, random.integers(0, CLASSES, self.batch, dtype=np.int32)


def _weight(shape: tuple[int, ...], random: np.random.Generator) -> Any:
    if len(shape) > 1:
        window = int(np.prod(shape[:-2], dtype=int))
        limit = (6 / (window * (shape[-2] + shape[-1]))) ** 0.5
        return random.uniform(-limit, limit, shape).astype(np.float32)
    bias = np.zeros(shape, np.float32)
    if shape == (4 * LSTM_UNITS,):
        bias[LSTM_UNITS : 2 * LSTM_UNITS] = 1
    return bias


def _mlp(title: str, batch: int, sizes: tuple[int, ...] = (784, 128, 64, CLASSES), **asked: float) -> Workload:
    return Workload(title, "mlp", batch, sizes, **asked)


STEPS = {
    "A32": _mlp("A: MLP 784-128-64-10, Adam, batch 32", 32, must=0.7, aim=0.5),
    "A128": _mlp("A, batch 128", 128, must=0.7, aim=0.5),
    "B32": Workload(
        "B: two convolutions with pooling, two dense layers, 28 × 28, Adam, batch 32", "cnn", 32, (), 1, 0.65
    ),
    "B128": Workload("B, batch 128", "cnn", 128, (), 1, 0.65),
    "C": Workload("C: embedding of 10,000 words, LSTM(64) over 50 of them, Adam, batch 32", "lstm", 32, (), 1.3, 1),
    "D": Workload("D: dosage network, plain descent, full batch", "dosage", 3, (), 0.15, 0.05),
}
GROWTH = {
    "A1": _mlp("A, batch 1", 1),
    "A512": _mlp("A, batch 512", 512),
    "A4096": _mlp("A, batch 4,096", 4096),
    "deep1": _mlp("1 hidden layer of 64, Adam, batch 32", 32, (64, 64, CLASSES)),
    "deep10": _mlp("10 hidden layers", 32, (64,) * 11 + (CLASSES,)),
    "deep100": _mlp("100 hidden layers", 32, (64,) * 101 + (CLASSES,)),
}
WORKLOADS = STEPS | GROWTH
