"""Whole frames: a beat as a slide, a story as a storyboard.

The zones of a frame are those of `vizkit.views.board`, so a slide is the video's frame.
Title, place, equation and caption are set on axes whose data units are stage units; each
panel of the board has axes of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from vizkit.checks import number, whole
from vizkit.errors import ArgumentError
from vizkit.plots.artists import SMALLEST, Pen, WordsArtist, all_lit, font
from vizkit.plots.draw import POINTS, page_of, paint, place
from vizkit.plots.equations import draw_equation
from vizkit.stories.story import Beat, Story
from vizkit.theme import SIZES, STAGE, Theme, get
from vizkit.views.board import CAPTION, EQUATION, PICTURE, PLACE, TITLE, Board, Box, Placement
from vizkit.views.measure import CAP_HEIGHT, fit_lines, width
from vizkit.views.picture import View
from vizkit.views.text import Words, words

__all__ = ["figure", "storyboard"]

SLIDE = 40 / 3  # inches: the width of a slide of 16 : 9
STORYBOARD_POINTS = 0.25  # per stage unit: labels of 11 points
STORYBOARD_GAP = 72.0
STORYBOARD_HEAD = 200.0


@dataclass(frozen=True)
class _Frame:
    """A stage within a figure: ``sheet`` is the whole figure and ``at`` the stage's corner, in stage units."""

    figure: Figure
    theme: Theme
    scale: float
    sheet: Box
    at: tuple[float, float] = (0.0, 0.0)
    prefix: str = ""

    def on_sheet(self, box: Box) -> Box:
        return Box(box.left + self.at[0], box.bottom + self.at[1], box.width, box.height)

    def stage(self) -> Axes:
        """Add axes with stage units over the frame, without any furniture."""
        ax = place(self.figure, self.sheet, self.on_sheet(Box(0, 0, *STAGE)))
        ax.set(xlim=(0, STAGE[0]), ylim=(0, STAGE[1]), gid=f"{self.prefix}stage")
        ax.set_axis_off()
        return ax

    def line(self, ax: Axes, shown: Words, at: tuple[float, float], name: str, looks: tuple[str, str, bool]) -> None:
        """Write a line of text, ``looks`` being its colour role, size and whether it is bold."""
        role, size, bold = looks
        em = min(SIZES[size], SIZES[size] * TITLE.width / max(width(str(shown), SIZES[size], bold), 1.0))
        artist = WordsArtist(
            shown, f"{self.prefix}{name}/", x=at[0], y=at[1], color=self.theme.color(role), va="baseline"
        )
        artist.set(fontproperties=font(em * self.scale, bold), gid=self.prefix + name)
        ax.add_artist(artist)

    def caption(self, ax: Axes, shown: Words) -> None:
        """Write the caption in the middle of its zone, in at most two lines."""
        em, lines = fit_lines(str(shown), SIZES["caption"], CAPTION.width)
        x, middle = CAPTION.middle
        artist = WordsArtist(shown, f"{self.prefix}caption/", x=x, y=middle, ha="center", va="center", linespacing=1.0)
        artist.set(text="\n".join(lines), fontproperties=font(em * self.scale))
        artist.set(color=self.theme.color("ink"), gid=f"{self.prefix}caption")
        ax.add_artist(artist)

    def board(self, board: Board, zone: Box, lit: Callable[[str], bool] = all_lit) -> None:
        """Draw the panels of a board side by side."""
        for panel in board.panels:
            box = self.on_sheet(board.boxes(zone)[panel.name])
            placed = Placement(panel.view.picture, box)
            ax = place(self.figure, self.sheet, placed.inner)
            ax.set(facecolor=self.theme.ground, gid=f"{self.prefix}{panel.name}")
            scale, prefix = placed.scale * self.scale, f"{self.prefix}{panel.name}/"
            paint(panel.view.picture, Pen(ax, self.theme, scale, _named(panel.name, lit), prefix))

    def beat(self, beat: Beat, title: str) -> None:
        """Draw a whole beat."""
        ax = self.stage()
        self.line(ax, words(title), _baseline(TITLE, "title"), "title", ("ink", "title", True))
        self.line(ax, words(beat.place), _baseline(PLACE, "label"), "place", ("muted", "label", False))
        self.caption(ax, beat.caption)
        if beat.equation is not None:
            draw_equation(ax, beat.equation, EQUATION, self.theme, self.scale, self.prefix)
        self.board(beat.board, PICTURE, beat.lit)


def _named(panel: str, lit: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda key: lit(f"{panel}/{key}")


def _baseline(zone: Box, size: str) -> tuple[float, float]:
    return zone.left, zone.middle[1] - SIZES[size] * CAP_HEIGHT / 2


def _sheet(width: float, height: float, scale: float, theme: Theme) -> tuple[Figure, Box]:
    """Return a figure of a size in stage units, and that size as a box."""
    made = Figure(figsize=(width * scale / 72, height * scale / 72), facecolor=theme.ground)
    return made, Box(0.0, 0.0, width, height)


def figure(
    item: View | Board | Beat, theme: Theme | str | None = None, size: float | None = None, *, title: str = ""
) -> Figure:
    """Return a view, a board or a whole beat as a figure of its own.

    Parameters
    ----------
    item
        A view takes its own proportions, a board the picture zone's, a beat is a slide of 16 : 9.
    theme
        ``"light"`` (default), ``"dark"`` or a `Theme`.
    size
        Width in inches. Without, a view is as large as it was meant, and a board or beat 13.3.
    title
        What stands in a beat's title zone, as a rule the title of its story.

    Raises
    ------
    ArgumentError
        If `item` is none of the three, or the size is not above 0.
    RenderError
        If at this size an equation would be smaller than 9 points.

    Examples
    --------
    >>> from vizkit.views.picture import Picture, View
    >>> class Empty(View):
    ...     def draw(self):
    ...         return Picture(size=(440, 200), bounds=(0, 2, 0, 1), marks=())
    >>> figure(Empty(), size=3).get_size_inches().tolist()
    [3.0, 1.5]
    """
    if not isinstance(item, View | Board | Beat):
        raise ArgumentError(f"A figure shows a view, a board or a beat, but a {type(item).__name__} was given.")
    chosen, size = get(theme), None if size is None else number("size", size)
    if isinstance(item, View):
        return _of_view(item, chosen, size)
    zone = Box(0, 0, PICTURE.width + 2 * PICTURE.left, PICTURE.height + 2 * PICTURE.left)
    wide, high = STAGE if isinstance(item, Beat) else (zone.width, zone.height)
    scale = (size or SLIDE) * 72 / wide
    made, sheet = _sheet(wide, high, scale, chosen)
    frame = _Frame(made, chosen, scale, sheet)
    if isinstance(item, Beat):
        frame.beat(item, title)
    else:
        frame.board(item, Box(PICTURE.left, PICTURE.left, PICTURE.width, PICTURE.height))
    return made


def _of_view(view: View, theme: Theme, size: float | None) -> Figure:
    page = page_of(view.picture)
    scale = POINTS if size is None else size * 72 / page.width
    made, _ = _sheet(page.width, page.height, scale, theme)
    ax = place(made, page, Placement(view.picture, Box(0, 0, *view.picture.size)).inner)
    ax.set_facecolor(theme.ground)
    paint(view.picture, Pen(ax, theme, max(scale, SMALLEST / min(SIZES.values()))))
    return made


def storyboard(story: Story, theme: Theme | str | None = None, columns: int | None = None) -> Figure:
    """Return all beats of a story as numbered frames, row by row.

    The figure is as large as its texts need to be read in print: a frame is 6.7 inches wide.

    Parameters
    ----------
    story
        A story; its title stands on top.
    theme
        ``"light"`` (default), ``"dark"`` or a `Theme`.
    columns
        Frames in a row; without, two, or three from nine beats on.

    Raises
    ------
    ArgumentError
        If `story` is no story or there is not at least one column.
    """
    if not isinstance(story, Story):
        raise ArgumentError(f"A storyboard shows a story, but a {type(story).__name__} was given.")
    count = len(story.beats)
    columns = min(count, 2 if count <= 8 else 3) if columns is None else whole("columns", columns)
    chosen, rows = get(theme), -(-count // columns)
    wide, high = STAGE[0] + STORYBOARD_GAP, STAGE[1] + STORYBOARD_GAP
    height = rows * high + STORYBOARD_HEAD + STORYBOARD_GAP
    made, sheet = _sheet(columns * wide + STORYBOARD_GAP, height, STORYBOARD_POINTS, chosen)
    _head(made, story.title, chosen, sheet)
    for index, beat in enumerate(story.beats):
        row, column = divmod(index, columns)
        at = (STORYBOARD_GAP + column * wide, height - STORYBOARD_HEAD - (row + 1) * high)
        frame = _Frame(made, chosen, STORYBOARD_POINTS, sheet, at, f"{beat.name}/")
        _border(frame)
        frame.beat(beat, str(index + 1))
    return made


def _head(made: Figure, title: str, theme: Theme, sheet: Box) -> None:
    em = 2 * SIZES["title"]
    left, middle = (STORYBOARD_GAP + TITLE.left) / sheet.width, 1 - STORYBOARD_HEAD / 2 / sheet.height
    looks = {"color": theme.color("ink"), "fontproperties": font(em * STORYBOARD_POINTS, bold=True)}
    made.text(left, middle, title, va="center", gid="title", parse_math=False, **looks)


def _border(frame: _Frame) -> None:
    ax = frame.stage()
    edge = frame.theme.color("lines")
    ax.add_artist(Rectangle((0, 0), *STAGE, facecolor="none", edgecolor=edge, linewidth=4 * frame.scale, clip_on=False))
