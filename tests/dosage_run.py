"""The dosage network trained by hand in plain NumPy: an oracle that shares no code with the library's engine.

One input, two softplus units, one linear output; gradient descent on the last bias alone.
"""

from __future__ import annotations

import numpy as np

from vizkit.trace import Keep, LayerDescription, ModelDescription, Node, Recorder, Trace

HIDDEN = Node(0, "dense", "Dense")
OUTPUT = Node(1, "dense_1", "Dense")
LOSS = Node(2, "sum_squared_residuals", "sum_squared_residuals")
DOSAGES = np.array([[0.0], [0.5], [1.0]])
OBSERVED = np.array([[0.0], [1.0], [0.0]])
START = {"w1": 3.34, "b1": -1.43, "w2": -3.53, "b2": 0.57, "w3": -1.22, "w4": -2.30, "b3": 0.0}


def softplus(x):
    return np.logaddexp(0.0, x)


def predict(p, dosage):
    upper = p["w3"] * softplus(p["w1"] * dosage + p["b1"])
    lower = p["w4"] * softplus(p["w2"] * dosage + p["b2"])
    return upper + lower + p["b3"]


def ssr(p):
    return float(sum((y - predict(p, x)) ** 2 for x, y in zip(DOSAGES.ravel(), OBSERVED.ravel(), strict=True)))


def derivatives(p, width=1e-6):
    """Return all seven derivatives of the SSR by central differences."""
    return {
        name: (ssr({**p, name: value + width}) - ssr({**p, name: value - width})) / (2 * width)
        for name, value in p.items()
    }


def description(activation="softplus"):
    shapes = ({"kernel": (1, 2), "bias": (2,)}, {"kernel": (2, 1), "bias": (1,)})
    hidden = LayerDescription(HIDDEN, {"units": 2, "activation": activation}, (None, 1), (None, 2), shapes[0])
    output = LayerDescription(OUTPUT, {"units": 1, "activation": "linear"}, (None, 2), (None, 1), shapes[1])
    return ModelDescription("dosage", (hidden, output), LOSS.name, {"name": "sgd", "learning_rate": 0.1})


def trained(steps=8, rate=0.1):
    """Return the trace of `steps` steps in which only b3 learns; every derivative is kept."""
    recorder, p = Recorder(Trace(description()), Keep()), dict(START)
    for step in range(steps):
        first = {"kernel": np.array([[p["w1"], p["w2"]]]), "bias": np.array([p["b1"], p["b2"]])}
        second = {"kernel": np.array([[p["w3"]], [p["w4"]]]), "bias": np.array([p["b3"]])}
        sums = DOSAGES @ first["kernel"] + first["bias"]
        active = softplus(sums)
        output = active @ second["kernel"] + second["bias"]
        residuals = OBSERVED - output
        delta = -2 * residuals
        back = delta @ second["kernel"].T
        hidden = back / (1 + np.exp(-sums))
        after = second["bias"] - rate * delta.sum(axis=0)
        g1 = {"kernel": DOSAGES.T @ hidden, "bias": hidden.sum(axis=0)}
        g2 = {"kernel": active.T @ delta, "bias": delta.sum(axis=0)}
        losses = (residuals**2).ravel()
        for kind, node, values in (
            ("forward", HIDDEN, ((DOSAGES,), active, first)),
            ("forward", OUTPUT, ((active,), output, second)),
            ("loss", LOSS, (output, OBSERVED, losses.sum(), losses)),
            ("backward", OUTPUT, (delta, (back,), g2)),
            ("backward", HIDDEN, (back, (hidden @ first["kernel"].T,), g1)),
            ("update", OUTPUT, ("bias", second["bias"], after, g2["bias"], rate)),
        ):
            getattr(recorder, kind)(step, node, *values)
        p["b3"] = float(after[0])
    recorder.close()
    return recorder.trace
