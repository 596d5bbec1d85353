"""Small recorded runs for the tests of the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import vizkit
from vizkit import nn
from vizkit.cli.report_plan import Item, Plan
from vizkit.cli.report_run import Request, Run, open_run
from vizkit.trace import Keep, Trace

HOSTILE = '<script>window.stolen = 1</script>"\'&--><img src=x onerror="window.stolen = 1">$x$ {0} 層'
RNG = np.random.default_rng(5)
IMAGES, CLASSES = RNG.normal(size=(8, 8, 8, 1)), RNG.integers(0, 3, 8)


def network(names: tuple[str, ...] = ("conv", "flat", "hidden", "answer")) -> nn.Sequential:
    conv, flat, hidden, answer = names
    layers = [
        nn.layers.Conv2D(3, 3, activation="relu", name=conv), nn.layers.Flatten(name=flat),
        nn.layers.Dense(6, "tanh", name=hidden), nn.layers.Dense(3, "softmax", name=answer),
    ]  # fmt: skip
    model = nn.Sequential([nn.Input((8, 8, 1)), *layers], dtype="float64", seed=0, name="small")
    model.compile(nn.optimizers.SGD(0.05), "sparse_categorical_crossentropy", ["accuracy"])
    return model


def recorded(keep: Keep | None = None, model: nn.Sequential | None = None, epochs: int = 4) -> Trace:
    made = model or network()
    with vizkit.record(made, keep=keep or Keep()) as trace:
        made.fit(IMAGES, CLASSES, batch_size=4, epochs=epochs, shuffle=False, verbose=0)
    return trace


def run_of(trace: Trace, folder: Path, **asked: Any) -> Run:
    return open_run(Request(trace.save(folder / "run.vkt"), **asked))


def named(done: Plan) -> list[str]:
    return [item.name for item in done.items]


def item(done: Plan, name: str) -> Item:
    return next(item for item in done.items if item.name == name)


EVERYTHING = [
    "architecture", "network", "curve-1", "curve-2", "gradient-flow", "distributions-weights",
    "distributions-activations", "distributions-gradients", "backprop", "kernels-1", "feature-maps-1", "convolution",
]  # fmt: skip
