"""The axes of a plot on matplotlib's own: limits, ticks with final texts, names.

What stands outside the axes' patch stands on the figure, so it takes the colours of the
theme that fits the figure's ground.
"""

from __future__ import annotations

from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle
from matplotlib.transforms import ScaledTranslation

from vizkit.plots.artists import DROP, Pen, font
from vizkit.theme import DARK, LIGHT, SIZES, Theme, contrast
from vizkit.views.axes import GAP, NAME_ABOVE, NAME_GAP, NAME_LEFT, SPINE, TICK
from vizkit.views.picture import Axis, Picture

__all__ = ["fit_theme", "set_axes"]


def fit_theme(*grounds: object) -> Theme:
    """Return the light or dark theme, whichever is written on the first ground that is not transparent.

    Examples
    --------
    >>> fit_theme("none", "black").name
    'dark'
    """
    for ground in grounds:
        if to_hex(ground, keep_alpha=True)[-2:] != "00":
            return max((LIGHT, DARK), key=lambda theme: contrast(theme.color("ink"), to_hex(ground)))
    return LIGHT


def set_axes(pen: Pen, picture: Picture, outside: Theme) -> None:
    """Set the limits of a picture; its two axes when it is a plot, none when it is a diagram."""
    left, right, bottom, top = picture.bounds
    if picture.x is None or picture.y is None:
        pen.ax.set(xticks=[], yticks=[], aspect="equal", anchor="C")
        pen.ax.spines[:].set_visible(False)
    else:
        _spines(pen, outside)
        _ticks(pen, "x", picture.x, outside)
        _ticks(pen, "y", picture.y, outside)
        _names(pen, picture, outside)
    pen.ax.set(xlim=(left, right), ylim=(bottom, top))


def _spines(pen: Pen, outside: Theme) -> None:
    pen.ax.spines[["top", "right"]].set_visible(False)
    pen.ax.spines[["left", "bottom"]].set(color=outside.color("muted"), linewidth=SPINE * pen.scale)
    pen.ax.grid(False)


def _ticks(pen: Pen, side: str, along: Axis, outside: Theme) -> None:
    axis, em, scale = getattr(pen.ax, f"{side}axis"), SIZES["tick"], pen.scale
    colour = outside.color("muted")
    pen.ax.set(**{f"{side}scale": along.scale})
    axis.set_tick_params(which="minor", length=0, labelleft=False, labelbottom=False)
    axis.set_tick_params(width=SPINE * scale, length=TICK * scale, pad=GAP * scale, color=colour)
    axis.set_ticks(along.ticks, along.texts, fontproperties=font(em * scale), color=colour, parse_math=False)
    down = DROP["top" if side == "x" else "center"] * em
    for index, label in enumerate(axis.get_ticklabels()):
        label.set_gid(f"{pen.prefix}axis:{side}:text:{index}")
        label.set(verticalalignment="baseline", transform=label.get_transform() + pen.move(0, -down))


def _names(pen: Pen, picture: Picture, outside: Theme) -> None:
    """Name the x axis below its middle and the y axis above its upper end, both upright."""
    em = SIZES["label"]
    looks = {"color": outside.color("ink"), "parse_math": False, "va": "baseline", "rotation": 0}
    looks["fontproperties"] = font(em * pen.scale)
    below = pen.move(0, -NAME_GAP - DROP["top"] * em)
    above = pen.move(-NAME_LEFT, NAME_ABOVE - DROP["bottom"] * em)
    pen.ax.set_xlabel(picture.x.label, gid=f"{pen.prefix}axis:x:name", **looks)
    pen.ax.set_ylabel(picture.y.label, gid=f"{pen.prefix}axis:y:name", ha="left", **looks)
    pen.ax.xaxis.set_label_coords(0.5, 0, transform=pen.ax.transAxes + below)
    pen.ax.yaxis.set_label_coords(0, 1, transform=pen.ax.transAxes + above)
    _hold_room(pen)


def _hold_room(pen: Pen) -> None:
    """Keep room for the y axis' name in matplotlib's own layouts, which take a y label as one that stands upright.

    They leave out its height (``for_layout_only`` in ``Axis.get_tightbbox``), so the upper half of a level one would
    be cut off. An empty patch of that height is what they see.
    """
    inches = pen.scale / 72
    upper_end = pen.ax.figure.dpi_scale_trans + ScaledTranslation(0, 1, pen.ax.transAxes)
    size = (SIZES["label"] * inches, (NAME_ABOVE + SIZES["label"]) * inches)
    room = Rectangle((0, 0), *size, transform=upper_end, fill=False, linewidth=0, clip_on=False)
    pen.ax.add_artist(room)
