"""Recipes of the chapter on images: the letters, and the scanned digits."""

from __future__ import annotations

from functools import cache

import numpy as np

from vizkit import nn
from vizkit.stories.convolution import convolution as tell_convolution
from vizkit.stories.story import Story
from vizkit.trace import Keep, Trace, record
from vizkit.views.blueprint import BlueprintView
from vizkit.views.images import FeatureMapsView, KernelsView
from vizkit.views.training import TrainingView

__all__ = ["convolution", "feature_maps", "kernels", "o_vs_x", "training_curves"]

DIGIT = 7  # which scan of the held-out fifth the feature maps show


def convolution() -> Story:
    """The letter O under a diagonal kernel, then ReLU and pooling."""
    constant = nn.initializers.Constant
    diagonal = np.eye(3)[:, ::-1, None, None]
    convolve = nn.layers.Conv2D(1, 3, kernel_initializer=constant(diagonal), bias_initializer=constant(-1.0))
    model = nn.Sequential(
        [nn.Input((6, 6, 1)), convolve, nn.layers.Activation("relu"), nn.layers.MaxPooling2D(2)], dtype="float64"
    )
    with record(model) as trace:
        model.predict(nn.data.letter("O")[None])
    return tell_convolution(trace)


def o_vs_x() -> BlueprintView:
    """A small network that tells O from X, with all its numbers."""
    images, labels = nn.data.letters()
    model = nn.networks.letters_cnn()
    model.fit(images, labels, batch_size=len(images), epochs=300, verbose=0)
    with record(model) as trace:
        model.predict(images[:1])
    return BlueprintView.from_trace(trace, classes=("O", "X"))


@cache
def _digits() -> tuple[nn.Sequential, Trace]:
    """Train on the scanned digits; the trace holds the epochs and one forward pass of a held-out scan."""
    (x, y), (held_x, held_y) = nn.data.digits()
    model = nn.networks.digits_cnn()
    with record(model, keep=Keep(steps=[])) as training:
        model.fit(x, y, epochs=12, validation_data=(held_x, held_y), verbose=0)
    return model, training


def _scan() -> Trace:
    model, _ = _digits()
    _, (held, _) = nn.data.digits()
    with record(model) as trace:
        model.predict(held[DIGIT : DIGIT + 1])
    return trace


def feature_maps() -> FeatureMapsView:
    """What each kernel of the first layer answers to a scanned digit."""
    return FeatureMapsView.from_trace(_scan())


def kernels() -> KernelsView:
    """The learnt kernels of the first layer."""
    return KernelsView.from_trace(_scan())


def training_curves() -> TrainingView:
    """Loss by epoch, on the scans trained on and on those held out."""
    return TrainingView.ensure(_digits()[1].history)
