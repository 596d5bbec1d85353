"""Writing figures: the same figure gives the same bytes, and a file is whole or not there."""

from __future__ import annotations

import io
import os
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase

from vizkit.checks import number
from vizkit.errors import ArgumentError, unknown_name
from vizkit.files import as_path, write
from vizkit.plots.frames import figure
from vizkit.stories.story import Beat
from vizkit.theme import Theme
from vizkit.views.board import Board
from vizkit.views.picture import View

__all__ = ["save"]

DPI = 200  # of a PNG

# Without dates and version numbers, and with fixed ids, a figure's bytes depend on nothing but the figure.
_METADATA: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
_SETTINGS = {
    "svg.hashsalt": "vizkit",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
    "savefig.facecolor": "auto",
    "savefig.edgecolor": "auto",
    "savefig.transparent": False,
    "savefig.bbox": None,
}


def save(
    drawn: Axes | FigureBase | View | Board | Beat,
    path: str | os.PathLike[str],
    theme: Theme | str | None = None,
    *,
    dpi: float = DPI,
) -> Path:
    """Write a figure as PNG, SVG or PDF, as the path's suffix says, and return the path.

    In an SVG each mark's key is an id, and texts are outlines, so that it looks the same everywhere.

    Parameters
    ----------
    drawn
        A figure, axes of one (the whole figure is written), or what `figure` can draw.
    path
        A file in a folder that exists.
    theme
        For a view, board or beat: see `figure`.
    dpi
        Pixels per inch of a PNG.

    Raises
    ------
    ArgumentError
        If `drawn` is none of these, `dpi` is no number above 0, or a theme is given for a figure that is already drawn.
    UnknownNameError
        If the suffix is not one of the three.
    OutputError
        If the file cannot be written; a file that was there before is untouched.
    """
    target = as_path(path)
    suffix = target.suffix.lower().removeprefix(".")
    if suffix not in _METADATA:
        raise unknown_name("figure format", suffix, _METADATA)
    data = _render(_figure_of(drawn, theme), suffix, number("dpi", dpi))
    write(target, data, "figure")
    return target


def _figure_of(drawn: Axes | FigureBase | View | Board | Beat, theme: Theme | str | None) -> Figure:
    if isinstance(drawn, View | Board | Beat):
        return figure(drawn, theme)
    if not isinstance(drawn, Axes | FigureBase):
        raise ArgumentError(
            f"A figure, axes, view, board or beat can be saved, but a {type(drawn).__name__} was given."
        )
    if theme is not None:
        raise ArgumentError(f"What is already drawn has its theme, but {theme!r} was given as well.")
    made = drawn.figure
    while made.figure is not made:
        made = made.figure
    return made


def _render(made: Figure, suffix: str, dpi: float) -> bytes:
    buffer = io.BytesIO()
    with mpl.rc_context(_SETTINGS):
        made.savefig(buffer, format=suffix, dpi=dpi, metadata=_METADATA[suffix])
    return buffer.getvalue()
