"""A small view and story with every kind of mark, for the tests of all renderers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vizkit.stories.story import Beat, Pulse, Story
from vizkit.views.board import board
from vizkit.views.equation import Term, Value, derivative, equation
from vizkit.views.marks import Arrow, Cell, Curve, Disc, Dot, Image, Text, points
from vizkit.views.picture import PLOT, Picture, View, axis
from vizkit.views.text import quantity, sentence, words


@dataclass(frozen=True)
class Parabola(View):
    """A plot: a curve, a point on it, a labelled tangent."""

    at: float

    def draw(self) -> Picture:
        xs = np.linspace(-2, 2, 41)
        ys, height = xs**2, self.at**2
        slope = 2 * self.at
        ends = np.array([self.at - 0.5, self.at + 0.5])
        marks = (
            Curve(key="curve", role="loss", points=points(xs, ys)),
            Curve(key="tangent", role="gradient", points=points(ends, height + slope * (ends - self.at))),
            Curve(key="guide", role="muted", points=points([0, 0], [0, 4]), dashed=True, shows=False),
            Dot(key="point", role="update", x=self.at, y=height),
            Text(
                key="slope", role="gradient", words=words("slope ", quantity("slope", slope)),
                x=self.at, y=height, dx=-30, dy=12, ha="right", halo=True,
            ),
        )  # fmt: skip
        x, y = axis("weight", -2, 2), axis("loss", 0, 4)
        return Picture(size=(720, 576), bounds=(-2, 2, 0, 4), marks=marks, x=x, y=y, margins=PLOT)


@dataclass(frozen=True)
class Machine(View):
    """A diagram: two units, the weight between them, cells, an arrow and an image."""

    weight: float

    def draw(self) -> Picture:
        cell = words(quantity("cell", -0.5))
        marks = (
            Disc(key="left", role="input", x=1, y=4, radius=0.8),
            Text(key="left:value", words=words(quantity("left", 0.5)), x=1, y=4, size="value"),
            Disc(key="right", role="activation", x=6, y=4, radius=0.8, strength=0.4),
            Text(key="right:value", words=words(quantity("right", 0.5 * self.weight)), x=6, y=4, size="value"),
            Curve(key="weight", role="positive", points=points([1.8, 5.2], [4, 4]), width=9, value=self.weight),
            Text(
                key="weight:text", role="positive", words=words("× ", quantity("weight", self.weight)),
                x=3.5, y=4, dy=40, va="bottom",
            ),
            Cell(key="cell", role="positive", x=0.2, y=0.4, width=1.6, height=1.6, fill=-0.5, signed=True, words=cell),
            Cell(key="empty", role="input", x=1.8, y=0.4, width=1.6, height=1.6, frame=5),
            Arrow(key="arrow", role="gradient", start=(6, 3), end=(4.2, 1.6), bend=0.2),
            Image(
                key="image", role="activation", values=np.array([[0.0, 1.0], [0.5, 0.25]]),
                x=6, y=0.4, width=1.6, height=1.6, limit=1.0,
            ),
        )  # fmt: skip
        return Picture(size=(1040, 576), bounds=(0, 9, 0, 5), marks=marks)


def sample_story() -> Story:
    """Three beats in which a point slides down a parabola and a weight changes."""
    beats = []
    for index, at in enumerate((1.5, 0.75, 0.25)):
        slope = quantity("slope", 2 * at)
        beats.append(
            Beat(
                name=f"step-{index}",
                place=f"step {index}",
                board=board(machine=(Machine(at), 1.44), loss=Parabola(at)),
                caption=sentence("The slope is {slope}, so the point slides downhill.", slope=slope),
                equation=equation(derivative("L", "w"), "=", Term(Value(slope), "gradient", bold=True)),
                focus=("loss/*", "machine/weight*") if index else (),
                motion=(Pulse(("machine/weight",), "gradient", backward=True),) if index else (),
            )
        )
    return Story(name="sample", title="Sample story", summary="A point slides down.", beats=tuple(beats))
