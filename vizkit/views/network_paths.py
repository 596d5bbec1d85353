"""The curve of a small network over its data as it comes about: point by point, and as the sum of its paths."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vizkit.typing import Float
from vizkit.views.fit import FitView
from vizkit.views.labels import Plane, around
from vizkit.views.marks import Curve, Dot, Mark, Text, points
from vizkit.views.picture import Picture
from vizkit.views.text import Words, quantity, words

__all__ = ["PathsView"]


@dataclass(frozen=True, eq=False, kw_only=True)
class PathsView(FitView):
    """A fit in the making: the data, and of the network's curve what has been computed.

    Adds to `FitView`, whose ``curves`` may be empty here:

    Attributes
    ----------
    outputs
        Shape (samples,): the network's output at each sample.
    computed
        The samples whose output is drawn as a point with its value.
    paths
        Shape (paths, points): each path's share of the output on the grid.
    path_names
        What the paths are called.
    """

    outputs: Float["sample"]
    computed: tuple[int, ...] = ()
    paths: Float["path point"]
    path_names: tuple[str, ...] = ("upper", "lower")
    labelled: bool = False

    def draw(self) -> Picture:
        """Make the picture."""
        plane = self._plane(40.0)
        marks = [*self._curve_marks(plane), *self._samples(plane)]
        lines = list(self._path_marks(plane))
        marks += [*lines, *self._data_name(plane), *self._points(plane), *self._residuals(plane), *self._names(plane)]
        return Picture(
            size=self.size, bounds=plane.bounds, marks=tuple(marks), x=plane.x, y=plane.y, margins=plane.margins
        )

    def _path_marks(self, plane: Plane) -> Iterator[Mark]:
        for index, path in enumerate(self.paths):
            line = points(self.grid, path)
            plane.avoid(line)
            yield Curve(key=f"path:{index}", role="activation", points=line, width=4.0)

    def _points(self, plane: Plane) -> list[Mark]:
        dots, texts = [], []
        for index in self.computed:
            x, y = float(self.x[index]), float(self.outputs[index])
            plane.avoid_dot(x, y, 11)
            dots.append(Dot(key=f"prediction:{index}", role="output", x=x, y=y, radius=11.0))
            said = words(quantity(f"predicted[{index}]", y))
            texts.append(Text(key=f"prediction:{index}:value", role="output", words=said, x=x, y=y))
        return [*dots, *plane.labels(texts)]

    def _names(self, plane: Plane) -> list[Mark]:
        """Name each path at its higher end and the curve at its middle."""
        marks: list[Mark] = []
        for index, (path, name) in enumerate(zip(self.paths, self.path_names, strict=False)):
            end = 0 if path[0] >= path[-1] else -1
            label = _name(f"path:{index}:name", "activation", words(name), (self.grid[end], path[end]))
            marks += plane.labels([label], around())
        return marks + self._curve_name(plane, "sum" if len(self.paths) else "predicted")


def _name(key: str, role: str, said: Words, at: tuple[float, float]) -> Text:
    return Text(key=key, role=role, words=said, x=float(at[0]), y=float(at[1]))
