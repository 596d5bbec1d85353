"""Recipes of the chapter on looking into a run: a deep network on two spirals."""

from __future__ import annotations

from functools import cache

from vizkit import nn
from vizkit.trace import Keep, Trace, record
from vizkit.views.architecture import ArchitectureView
from vizkit.views.distributions import DistributionsView
from vizkit.views.gradient_flow import GradientFlowView

__all__ = ["architecture", "distributions", "gradient_flow", "residual_architecture"]


def architecture() -> ArchitectureView:
    """The dense network of the textbooks for scanned digits, with its parameters counted."""
    layers = [nn.Input((784,)), nn.layers.Dense(128, "relu"), nn.layers.Dense(64, "relu")]
    return ArchitectureView.ensure(nn.Sequential([*layers, nn.layers.Dense(10, "softmax")]))


def residual_architecture() -> ArchitectureView:
    """A network with a residual block, whose way around is found from the recorded numbers."""
    from vizkit.nn.blocks import ResidualBlock

    layers = [nn.layers.Conv2D(8, 3, padding="same"), ResidualBlock(8), nn.layers.GlobalAveragePooling2D()]
    model = nn.Sequential([nn.Input((8, 8, 1)), *layers, nn.layers.Dense(10, "softmax")], seed=0)
    with record(model) as trace:
        model.predict(nn.initializers.RandomNormal(seed=0)((1, 8, 8, 1)))
    return ArchitectureView.ensure(trace)


@cache
def _spirals(activation: str) -> Trace:
    """Train five dense layers to tell two spirals apart, recorded every tenth step."""
    x, y = nn.data.spirals()
    hidden = [nn.layers.Dense(16, activation) for _ in range(4)]
    model = nn.Sequential([nn.Input((2,)), *hidden, nn.layers.Dense(1, "sigmoid")], seed=0)
    model.compile(nn.optimizers.Adam(0.01), "binary_crossentropy")
    with record(model, keep=Keep(steps=10)) as trace:
        model.fit(x, y, epochs=40, verbose=0)
    return trace


def distributions() -> DistributionsView:
    """How the activations of each layer are spread as training goes on."""
    return DistributionsView.ensure(_spirals("tanh"), "activations")


def gradient_flow() -> GradientFlowView:
    """How the gradients fade from layer to layer on their way back through sigmoids."""
    return GradientFlowView.ensure(_spirals("sigmoid"))
