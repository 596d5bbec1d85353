"""The dosage network's descent in plain NumPy: the oracle of the tests, and a real trace of it.

Nothing of vizkit's own network is used here; the numbers are those of the concept list.
"""

from __future__ import annotations

import numpy as np

from vizkit.trace import LayerDescription, ModelDescription, Node, Trace, record

DOSAGES, EFFECTS = np.array([0.0, 0.5, 1.0]), np.array([0.0, 1.0, 0.0])
RATE = 0.1
GRID = np.linspace(0, 1, 101)
VALUES = np.linspace(-0.5, 4.5, 201)
NODE = Node(0, "output", "Dense")
LOSS = Node(1, "sum_squared_residuals", "sum_squared_residuals")


def softplus(x: np.ndarray) -> np.ndarray:
    return np.log(1 + np.exp(x))


def model(x: np.ndarray, bias: float) -> np.ndarray:
    return -1.22 * softplus(3.34 * x - 1.43) - 2.30 * softplus(-3.53 * x + 0.57) + bias


def ssr(bias: float) -> float:
    return float(np.sum((EFFECTS - model(DOSAGES, bias)) ** 2))


def slope(bias: float) -> float:
    return float(np.sum(-2 * (EFFECTS - model(DOSAGES, bias))))


def biases(steps: int) -> list[float]:
    found = [0.0]
    while len(found) < steps:
        found.append(found[-1] - RATE * slope(found[-1]))
    return found


class Descending:
    """The smallest model that records its descent."""

    def _attach(self, recorder) -> None:
        self.recorder = recorder
        shapes = {"bias": (1,)}
        layer = LayerDescription(NODE, {}, (None, 1), (None, 1), shapes)
        recorder.describe(ModelDescription("dosage", (layer,), LOSS.name, {"name": "sgd"}, dtype="float64"))

    def _detach(self) -> None:
        self.recorder = None

    def train(self, steps: int) -> None:
        x = DOSAGES[:, None]
        for step, bias in enumerate(biases(steps)):
            output, gradient = model(x, bias), slope(bias)
            each = -2 * (EFFECTS[:, None] - output)
            samples = (EFFECTS - output[:, 0]) ** 2
            before, after = np.array([bias]), np.array([bias - RATE * gradient])
            self.recorder.forward(step, NODE, (x,), output, {"bias": before})
            self.recorder.loss(step, LOSS, output, EFFECTS[:, None], samples.sum(), samples)
            self.recorder.backward(step, NODE, each, (), {"bias": np.array([gradient])})
            self.recorder.update(step, NODE, "bias", before, after, np.array([gradient]), RATE)


def trace(steps: int = 12) -> Trace:
    network = Descending()
    with record(network) as found:
        network.train(steps)
    return found


def curve() -> tuple[np.ndarray, np.ndarray]:
    return VALUES, np.array([ssr(value) for value in VALUES])


def fits(steps: int = 12) -> tuple[np.ndarray, np.ndarray]:
    return GRID, np.array([model(GRID, bias) for bias in biases(steps)])
