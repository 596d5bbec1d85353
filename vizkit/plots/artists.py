"""Marks as matplotlib artists: one function per kind of mark, in one table.

Every artist carries its mark's key as gid, which becomes the id in an SVG. A length in
stage units becomes points through the pen's scale.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.font_manager import FontProperties
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyArrowPatch, Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.text import Text as TextArtist
from matplotlib.transforms import ScaledTranslation, Transform

from vizkit.theme import SIZES, Theme, font_path
from vizkit.typing import ArrayLike
from vizkit.views import marks as mk
from vizkit.views.colors import Colors, backdrop
from vizkit.views.measure import CAP_HEIGHT, DESCENT
from vizkit.views.picture import Picture
from vizkit.views.text import Words

__all__ = ["DROP", "SMALLEST", "MarkLine", "Pen", "WordsArtist", "all_lit", "draw_marks", "font"]

SMALLEST = 9.0  # points of the smallest text
HALO = 7.0  # rim of the ground around a text, in stage units
HAIRLINE = 2.0  # rim of a cell without a frame
RIM = 4.0  # line of a hollow dot
VECTOR_CELLS = 4096  # images of up to so many cells are drawn as rectangles, larger ones as pixels
DROP = {"top": CAP_HEIGHT, "center": CAP_HEIGHT / 2, "bottom": -DESCENT}  # from the anchor to the baseline, in em
STEPS = 513  # of a colour map; odd, so that zero has a colour of its own


class WordsArtist(TextArtist):
    """A text that knows the words it shows, so that its numbers can be read back.

    ``prefix`` opens the names of its numbers.
    """

    def __init__(self, words: Words, prefix: str = "", **kwargs: Any) -> None:
        super().__init__(text=str(words), parse_math=False, **kwargs)
        self.words, self.prefix = words, prefix


class MarkLine(Line2D):
    """A curve or dot that knows its mark, so that what it shows can be read back."""

    def __init__(self, mark: mk.Curve | mk.Dot, x: ArrayLike, y: ArrayLike, **kwargs: Any) -> None:
        super().__init__(x, y, **kwargs)
        self.mark = mark


def font(size: float, bold: bool = False) -> FontProperties:
    """Return the bundled font at a size in points, with mathematics in STIX.

    Examples
    --------
    >>> font(12).get_size_in_points()
    12.0
    """
    return FontProperties(fname=font_path("bold" if bold else "text"), size=size, math_fontfamily="stix")


def all_lit(key: str) -> bool:
    """Say of every mark that it is lit."""
    return True


@dataclass(frozen=True)
class Pen:
    """Where and how marks are drawn: ``scale`` is points per stage unit, ``prefix`` opens every gid."""

    ax: Axes
    theme: Theme
    scale: float
    lit: Callable[[str], bool] = all_lit
    prefix: str = ""

    @cached_property
    def colors(self) -> Colors:
        """The colours of marks in the pen's theme."""
        return Colors(self.theme)

    def put(self, artist: Artist, key: str, depth: float) -> None:
        """Add an artist to the axes, unless it is there already, under a key."""
        artist.set_gid(self.prefix + key)
        artist.set_zorder(2 + depth)
        if artist.axes is None:
            self.ax.add_artist(artist)
        artist.set_clip_on(False)

    def move(self, right: float, up: float) -> Transform:
        """Return the transform that moves by stage units."""
        inches = self.scale / 72
        return ScaledTranslation(right * inches, up * inches, self.ax.figure.dpi_scale_trans)


def _write(pen: Pen, words: Words, mark: mk.Text, colour: str, key: str) -> None:
    """Put words by their baseline, so that the middle of a text is that of its capitals and figures."""
    em = SIZES[mark.size]
    artist = WordsArtist(
        words,
        pen.prefix,
        x=mark.x,
        y=mark.y,
        color=colour,
        fontproperties=font(em * pen.scale, mark.bold),
        horizontalalignment=mark.ha,
        verticalalignment="baseline",
        transform=pen.ax.transData + pen.move(mark.dx, mark.dy - DROP[mark.va] * em),
    )
    if mark.halo:
        artist.set_path_effects([withStroke(linewidth=2 * HALO * pen.scale, foreground=pen.theme.ground)])
    pen.put(artist, key, mark.depth)


def _text(pen: Pen, mark: mk.Text, picture: Picture) -> None:
    behind = backdrop(picture, mark)
    fill = pen.theme.ground if behind is None else pen.colors.fill(behind, pen.lit(behind.key))
    _write(pen, mark.words, mark, pen.colors.text(mark.role, fill, pen.lit(mark.key)), mark.key)


def _curve(pen: Pen, mark: mk.Curve, _: Picture) -> None:
    line = MarkLine(mark, mark.points[:, 0], mark.points[:, 1], linewidth=mark.width * pen.scale)
    line.set(color=pen.colors.stroke(mark, pen.lit(mark.key)), marker="None")
    line.set(solid_joinstyle="round", dash_capstyle="butt")
    line.set(solid_capstyle="round" if mark.value is None else "butt")
    line.set_linestyle((0, (2.6, 1.8)) if mark.dashed else "solid")
    pen.put(line, mark.key, mark.depth)


def _dot(pen: Pen, mark: mk.Dot, _: Picture) -> None:
    colour = pen.colors.stroke(mark, pen.lit(mark.key))
    line = MarkLine(mark, [mark.x], [mark.y], linestyle="None", marker="o", color=colour)
    line.set(markerfacecolor=pen.theme.ground if mark.hollow else colour)
    rim = RIM if mark.hollow else 0.0
    line.set(markersize=(2 * mark.radius - rim) * pen.scale, markeredgewidth=rim * pen.scale)
    pen.put(line, mark.key, mark.depth)


def _disc(pen: Pen, mark: mk.Disc, _: Picture) -> None:
    lit = pen.lit(mark.key)
    circle = Circle((mark.x, mark.y), mark.radius, facecolor=pen.colors.fill(mark, lit))
    circle.set(edgecolor=pen.colors.stroke(mark, lit), linewidth=mark.width * pen.scale)
    pen.put(circle, mark.key, mark.depth)


def _cell(pen: Pen, mark: mk.Cell, _: Picture) -> None:
    lit = pen.lit(mark.key)
    fill = pen.colors.fill(mark, lit)
    box = Rectangle((mark.x, mark.y), mark.width, mark.height, facecolor=fill, joinstyle="miter")
    box.set(edgecolor=pen.colors.stroke(mark, lit), linewidth=(mark.frame or HAIRLINE) * pen.scale)
    pen.put(box, mark.key, mark.depth + (0.25 if mark.frame else 0))
    if mark.words is not None:
        x, y = mark.x + mark.width / 2, mark.y + mark.height / 2
        text = mk.Text(key=mark.key, words=mark.words, x=x, y=y, size=mark.size, depth=mark.depth + 0.5)
        _write(pen, mark.words, text, pen.colors.text("ink", fill, lit), f"{mark.key}.text")


def _arrow(pen: Pen, mark: mk.Arrow, _: Picture) -> None:
    colour = pen.colors.stroke(mark, pen.lit(mark.key))
    length, half = 3.6 * mark.width * pen.scale, 1.6 * mark.width * pen.scale
    arrow = FancyArrowPatch(
        mark.start,
        mark.end,
        arrowstyle=f"-|>,head_length={length:.4f},head_width={half:.4f}",
        connectionstyle=f"arc3,rad={2 * mark.bend}",
        mutation_scale=1,
        shrinkA=0,
        shrinkB=0,
        joinstyle="miter",
        capstyle="butt",
    )
    arrow.set(color=colour, linewidth=mark.width * pen.scale)
    pen.put(arrow, mark.key, mark.depth)


def _colormap(pen: Pen, mark: mk.Image) -> ListedColormap:
    lit = pen.lit(mark.key)
    shares = [2 * at / (STEPS - 1) - 1 if mark.signed else at / (STEPS - 1) for at in range(STEPS)]
    return ListedColormap([pen.colors.share(mark.role, share, mark.signed, lit) for share in shares])


def _image(pen: Pen, mark: mk.Image, _: Picture) -> None:
    rows, columns = mark.values.shape
    looks = {"cmap": _colormap(pen, mark), "norm": Normalize(-mark.limit if mark.signed else 0, mark.limit)}
    if rows * columns > VECTOR_CELLS:
        artist = AxesImage(
            pen.ax, extent=(mark.x, mark.x + mark.width, mark.y, mark.y + mark.height), interpolation="nearest", **looks
        )
        artist.set_data(mark.values)
        pen.ax.add_image(artist)
    else:
        across = [mark.x + mark.width * at / columns for at in range(columns + 1)]
        up = [mark.y + mark.height * (rows - at) / rows for at in range(rows + 1)]
        artist = pen.ax.pcolormesh(across, up, mark.values, edgecolors="face", linewidth=0.2, **looks)
    pen.put(artist, mark.key, mark.depth)


_DRAWERS: dict[type[mk.Mark], Callable[[Pen, Any, Picture], None]] = {
    mk.Text: _text,
    mk.Curve: _curve,
    mk.Dot: _dot,
    mk.Disc: _disc,
    mk.Cell: _cell,
    mk.Arrow: _arrow,
    mk.Image: _image,
}


def draw_marks(pen: Pen, picture: Picture) -> None:
    """Draw the marks of a picture from the back to the front, in data coordinates of the pen's axes."""
    for mark in picture.ordered:
        _DRAWERS[type(mark)](pen, mark, picture)
