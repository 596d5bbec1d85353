"""Recipes of the chapters on descent and backpropagation: the dosage network."""

from __future__ import annotations

from functools import cache

import numpy as np

from vizkit import nn
from vizkit.stories.backprop import backprop as tell_backprop
from vizkit.stories.gradient_descent import gradient_descent as tell_descent
from vizkit.stories.story import Story
from vizkit.trace import Keep, Trace, record
from vizkit.typing import Float
from vizkit.views.ssr import SsrView

__all__ = ["backprop", "gradient_descent", "ssr_curve"]

STEPS = 12  # after these the last bias is 2.61 to two decimals


@cache
def _run() -> tuple[nn.Sequential, Trace]:
    """Train the last bias of the dosage network, recorded."""
    model = nn.networks.dosage_network(only_final_bias=True)
    x, y = nn.data.dosage()
    with record(model, keep=Keep(levels=("layer", "op"))) as trace:
        model.fit(x, y, batch_size=len(x), epochs=STEPS, shuffle=False, verbose=0)
    return model, trace


def _curve() -> tuple[Float["values"], Float["values"]]:
    """The sum of squared residuals over values of the last bias."""
    model, _ = _run()
    values = np.linspace(-0.5, 5.5, 121)
    return values, nn.loss_curve(model, model.layers[-1].bias, values, nn.data.dosage())


def ssr_curve() -> SsrView:
    """The U-curve of the last bias with the way down."""
    return SsrView.ensure(*_curve(), descent=_run()[1], parameter="last bias b₃", loss="SSR")


def gradient_descent() -> Story:
    """Steps down the U-curve, and the network's curve rising onto the data."""
    model, trace = _run()
    grid = np.linspace(0, 1, 101)
    outputs = nn.replay(model, trace, grid[:, None])[:, :, 0]
    return tell_descent(trace, _curve(), (grid, outputs))


def backprop() -> Story:
    """The chain rule through the dosage network."""
    return tell_backprop(_run()[1])
