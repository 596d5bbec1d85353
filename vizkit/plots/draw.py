"""Drawing any view on matplotlib axes."""

from __future__ import annotations

from collections.abc import Callable

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vizkit.errors import ArgumentError
from vizkit.plots.artists import SMALLEST, Pen, all_lit, draw_marks
from vizkit.plots.axes import fit_theme, set_axes
from vizkit.theme import SIZES, Theme, get
from vizkit.views.board import Box, Placement
from vizkit.views.picture import Picture, View

__all__ = ["POINTS", "draw", "page_of", "paint", "place", "room_scale"]

POINTS = 1 / 3  # per stage unit, in a figure made for one view: labels of 14.7 points
RIM = 20.0  # around a picture that stands alone, in stage units
LARGEST = 18.0  # points of a plot's labels on axes that the user gave


def draw(
    view: View,
    ax: Axes | None = None,
    theme: Theme | str | None = None,
    *,
    lit: Callable[[str], bool] | None = None,
) -> Axes:
    """Draw a view and return its Axes.

    Text and strokes are sized for the room that the axes have when this is called; text is
    never below 9 points.

    Parameters
    ----------
    view
        What to draw.
    ax
        Axes of any figure or subfigure; nothing else of it is touched. Without, a new pyplot
        figure of the view's own size is made, so that ``plt.show()`` shows it.
    theme
        ``"light"``, ``"dark"`` or a `Theme`; it also colours the ground of the axes. Without,
        given axes keep their ground and the theme that can be read on it is taken.
    lit
        Says for a mark's key whether it is lit; the others are dimmed. Without, all are lit.

    Raises
    ------
    ArgumentError
        If `view` is no view or `ax` no Axes.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from vizkit.views.marks import Dot
    >>> from vizkit.views.picture import PLOT, Picture, axis
    >>> class Point(View):
    ...     def draw(self):
    ...         x, y = axis("weight", 0, 1), axis("loss", 0, 2)
    ...         marks = (Dot(key="here", x=0.5, y=1),)
    ...         return Picture(size=(720, 576), bounds=(0, 1, 0, 2), marks=marks, x=x, y=y, margins=PLOT)
    >>> draw(Point(), ax=Figure().subplots()).get_ylabel()
    'loss'
    """
    if not isinstance(view, View):
        raise ArgumentError(f"Only a view can be drawn on axes, but a {type(view).__name__} was given: {view!r}.")
    if ax is None:
        return _draw_alone(view, get(theme), lit)
    if not isinstance(ax, Axes):
        raise ArgumentError(f"ax must be matplotlib Axes, but a {type(ax).__name__} was given: {ax!r}.")
    if theme is not None:
        ax.set_facecolor(get(theme).ground)
    chosen = fit_theme(ax.get_facecolor(), ax.figure.get_facecolor()) if theme is None else get(theme)
    paint(view.picture, Pen(ax, chosen, room_scale(view.picture, ax), lit or all_lit))
    return ax


def room_scale(picture: Picture, ax: Axes) -> float:
    """Return how many points a stage unit of the picture takes in the room of the axes."""
    box = ax.get_position(original=True)
    figure_box = ax.figure.bbox
    dots = ax.figure.dpi / 72
    width, height = box.width * figure_box.width / dots, box.height * figure_box.height / dots
    margins = picture.margins
    across = width / (picture.size[0] - margins.left - margins.right)
    up = height / (picture.size[1] - margins.bottom - margins.top)
    most = LARGEST / SIZES["label"] if picture.x is not None else float("inf")
    return max(min(across, up, most), SMALLEST / min(SIZES.values()))


def page_of(picture: Picture) -> Box:
    """Return the page of a picture that stands alone, in its stage units: the picture with a rim around it."""
    width, height = picture.size
    return Box(-RIM, -RIM, width + 2 * RIM, height + 2 * RIM)


def place(figure: Figure, stage: Box, box: Box) -> Axes:
    """Add axes to a figure at a box of a stage that fills the figure."""
    left, bottom = (box.left - stage.left) / stage.width, (box.bottom - stage.bottom) / stage.height
    return figure.add_axes((left, bottom, box.width / stage.width, box.height / stage.height))


def _draw_alone(view: View, theme: Theme, lit: Callable[[str], bool] | None) -> Axes:
    import matplotlib.pyplot as plt  # only here: a figure of the user's session

    page = page_of(view.picture)
    figure = plt.figure(figsize=(page.width * POINTS / 72, page.height * POINTS / 72), facecolor=theme.ground)
    ax = place(figure, page, Placement(view.picture, Box(0, 0, *view.picture.size)).inner)
    ax.set_facecolor(theme.ground)
    paint(view.picture, Pen(ax, theme, POINTS, lit or all_lit))
    return ax


def paint(picture: Picture, pen: Pen) -> None:
    """Draw a picture with a pen; what stands outside its axes fits the figure's ground."""
    fitting = fit_theme(pen.ax.figure.get_facecolor())
    draw_marks(pen, picture)
    set_axes(pen, picture, pen.theme if fitting.name == pen.theme.name else fitting)
