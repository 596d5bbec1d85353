"""A backend of matplotlib that notes which figures it was asked to show."""

from __future__ import annotations

from matplotlib import pyplot
from matplotlib.backend_bases import FigureManagerBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

shown: list[Figure] = []


class FigureManager(FigureManagerBase):
    @classmethod
    def pyplot_show(cls, *, block: bool | None = None) -> None:
        assert block is True
        for number in pyplot.get_fignums():
            canvas = pyplot.figure(number).canvas.manager.canvas
            canvas.draw()
            shown.append(canvas.figure)


class FigureCanvas(FigureCanvasAgg):
    manager_class = FigureManager
