"""PyTorch: modules and a training step as its tutorials write them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from peers.workloads import DOSAGE_RATE, EPSILON, LEARNING_RATE, LSTM_UNITS, WORD_SIZE, WORDS, Workload

KINDS = ("mlp", "cnn", "lstm", "dosage")


class LastOfLSTM(nn.Module):
    """Embedding, LSTM, and one number of the last hidden state."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(WORDS, WORD_SIZE)
        self.lstm = nn.LSTM(WORD_SIZE, LSTM_UNITS, batch_first=True)
        self.dense = nn.Linear(LSTM_UNITS, 1)

    def forward(self, words: Any) -> Any:
        """Return the scores, of shape (batch, 1)."""
        return self.dense(self.lstm(self.embedding(words))[0][:, -1])


def step(workload: Workload) -> Callable[[Any, Any], float]:
    """Return a function that trains on a batch and returns the loss before it."""
    model = {"mlp": _mlp, "cnn": _cnn, "lstm": LastOfLSTM, "dosage": _dosage}[workload.kind](
        *([workload.sizes] if workload.kind == "mlp" else [])
    )
    with torch.no_grad():
        for parameter, value in zip(_parameters(model), _in_its_layout(workload), strict=True):
            parameter.copy_(torch.from_numpy(np.ascontiguousarray(value)))
    if workload.kind == "dosage":
        optimizer, loss_of = torch.optim.SGD(model.parameters(), DOSAGE_RATE), nn.MSELoss(reduction="sum")
    else:
        optimizer = torch.optim.Adam(model.parameters(), LEARNING_RATE, eps=EPSILON)
        loss_of = nn.BCEWithLogitsLoss() if workload.kind == "lstm" else nn.CrossEntropyLoss()

    def train(x: Any, y: Any) -> float:
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return train


def batches(workload: Workload) -> list[tuple[Any, Any]]:
    """Return the batches as tensors: images with the channels first, class numbers as PyTorch wants them."""
    pairs = []
    for x, y in workload.batches():
        x = x.transpose(0, 3, 1, 2).copy() if workload.kind == "cnn" else x
        y = y.astype(np.int64) if workload.kind in ("mlp", "cnn") else y
        pairs.append((torch.from_numpy(x), torch.from_numpy(y)))
    return pairs


def _mlp(sizes: Sequence[int]) -> Any:
    dense = [nn.Linear(a, b) for a, b in itertools.pairwise(sizes)]
    return nn.Sequential(*[part for layer in dense for part in (layer, nn.ReLU())][:-1])


def _cnn() -> Any:
    return nn.Sequential(
        *(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(1600, 64), nn.ReLU(), nn.Linear(64, 10)),
    )


def _dosage() -> Any:
    return nn.Sequential(nn.Linear(1, 2), nn.Softplus(), nn.Linear(2, 1))


def _parameters(model: Any) -> list[Any]:
    """Return the parameters in Keras's order; the LSTM's second bias, which Keras has not, begins at 0."""
    named = dict(model.named_parameters())
    extra = named.pop("lstm.bias_hh_l0", None)
    if extra is not None:
        torch.nn.init.zeros_(extra)
    return list(named.values())


def _in_its_layout(workload: Workload) -> list[np.ndarray]:
    """Return the first weights in PyTorch's layout: outputs before inputs, channels before places."""
    weights = workload.weights()
    if workload.kind == "lstm":
        table, kernel, recurrent, bias, dense, dense_bias = weights
        return [table, kernel.T, recurrent.T, bias, dense.T, dense_bias]
    if workload.kind == "cnn":
        weights[4] = weights[4].reshape(5, 5, 64, 64).transpose(2, 0, 1, 3).reshape(1600, 64)
    return [w.transpose(3, 2, 0, 1) if w.ndim == 4 else w.T for w in weights]
