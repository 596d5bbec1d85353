"""Pictures as SVG for web pages.

Colours are written twice, for both grounds, as the custom properties ``--l`` and ``--d`` of an
element; the page's style sheet picks one (``static/base.css``), so one picture serves both.
Every mark carries its name as ``data-key`` and every number its name as ``data-quantity``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from html import escape
from typing import Any, TypeAlias

from vizkit import theme
from vizkit.theme import DARK, LIGHT, Theme
from vizkit.views.axes import axis_marks
from vizkit.views.board import Box, Placement
from vizkit.views.marks import Arrow, Cell, Curve, Disc, Dot, Image, Mark, Text
from vizkit.views.picture import View
from vizkit.views.text import Quantity, Words

__all__ = ["svg"]

Lit: TypeAlias = Callable[[str], bool]
CAP = 0.364  # half the height of the figures, in em: centres a text on its line
RISE = 0.727  # the height of the figures, in em


class _Canvas:
    """Where a picture is drawn: its placement in the box and the vertical flip of SVG."""

    def __init__(self, placement: Placement, lit: Lit) -> None:
        self.placement = placement
        self.lit = lit
        self.height = placement.box.height

    def point(self, x: float, y: float) -> tuple[float, float]:
        across, up = self.placement.point(x, y)
        return across, self.height - up

    def scaled(self, length: float) -> float:
        return length * self.placement.scale

    def colours(self, mark: Mark, make: Callable[[Theme], str], *, text: bool = False) -> str:
        """Return a style with the colour on both grounds, dimmed when the mark is not lit."""
        pair = []
        for ground in (LIGHT, DARK):
            colour = make(ground)
            pair.append(colour if self.lit(mark.key) else ground.dimmed(colour, text=text))
        return f"--l:{pair[0]};--d:{pair[1]}"


def svg(view: View, *, title: str, lit: Lit | None = None) -> str:
    """Return a view as an SVG element.

    Parameters
    ----------
    view
        What to draw; the element's view box is its size in stage units.
    title
        What a screen reader says of it; see `vizkit.web.spoken`.
    lit
        Says of a mark's key whether it is lit; everything is when None.

    Examples
    --------
    >>> from vizkit.views.picture import Picture
    >>> from vizkit.views.marks import Dot
    >>> class Point(View):
    ...     def draw(self):
    ...         return Picture(size=(100, 50), bounds=(0, 2, 0, 1), marks=(Dot(key="p", x=1, y=0.5),))
    >>> 'role="img" aria-label="a point"' in svg(Point(), title="a point")
    True
    """
    picture = view.picture
    width, height = picture.size
    placement = Placement(picture, Box(0, 0, width, height))
    plane = _Canvas(placement, lit or (lambda key: True))
    paper = _Canvas(_paper(placement), lambda key: True)
    body = [_WRITERS[type(mark)](mark, paper) for mark in axis_marks(placement)]
    body += [_WRITERS[type(mark)](mark, plane) for mark in picture.ordered]
    # A label and no <title>: browsers would lay that over the picture wherever the reader points.
    return (
        f'<svg class="picture" viewBox="0 0 {_n(width)} {_n(height)}" role="img"'
        f' aria-label="{escape(title, quote=True)}"{_plane(placement)}>{"".join(body)}</svg>'
    )


def _plane(placement: Placement) -> str:
    """Attributes that say where the data plane lies, so that a point can be read back from the picture."""
    inner, picture = placement.inner, placement.picture
    rectangle = (inner.left, placement.box.height - inner.bottom - inner.height, inner.width, inner.height)
    scales = [along.scale if along is not None else "linear" for along in (picture.x, picture.y)]
    bounds = " ".join(repr(float(bound)) for bound in picture.bounds)
    return f' data-bounds="{bounds}" data-plane="{" ".join(map(_n, rectangle))}" data-scales="{" ".join(scales)}"'


def _paper(placement: Placement) -> Placement:
    """A placement whose data units are the box's own, for the axes' marks."""
    from vizkit.views.picture import Picture

    box = placement.box
    bounds = (box.left, box.left + box.width, box.bottom, box.bottom + box.height)
    return Placement(Picture(size=placement.picture.size, bounds=bounds, marks=()), box)


def _n(value: float) -> str:
    """Write a coordinate: two decimals, no trailing zeros."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _tag(name: str, mark: Mark, style: str, content: str | None = None, **attributes: str) -> str:
    """Write an element; a keyword's underscores become hyphens, ``kind`` becomes the class."""
    if "kind" in attributes:
        attributes["class"] = attributes.pop("kind")
    written = "".join(f' {key.replace("_", "-")}="{escape(value, quote=True)}"' for key, value in attributes.items())
    head = f'<{name} data-key="{escape(mark.key, quote=True)}" style="{style}"{written}'
    return f"{head}/>" if content is None else f"{head}>{content}</{name}>"


def _words(words: Words) -> str:
    return "".join(
        f'<tspan data-quantity="{escape(part.name, quote=True)}">{escape(part.text)}</tspan>'
        if isinstance(part, Quantity)
        else escape(part)
        for part in words
    )


def _text(mark: Text, on: _Canvas) -> str:
    x, y = on.point(mark.x, mark.y)
    size = on.scaled(theme.SIZES[mark.size])
    drop = {"top": RISE, "center": CAP, "bottom": 0.0}[mark.va] * size
    anchor = {"left": "start", "center": "middle", "right": "end"}[mark.ha]
    style = on.colours(mark, lambda ground: ground.color(mark.role), text=True)
    kind = " ".join(["t", *(["b"] if mark.bold else []), *(["halo"] if mark.halo else [])])
    return _tag(
        "text", mark, style, _words(mark.words), kind=kind, text_anchor=anchor, font_size=_n(size),
        x=_n(x + on.scaled(mark.dx)), y=_n(y - on.scaled(mark.dy) + drop),
    )  # fmt: skip


def _stroke(mark: Any, on: _Canvas) -> dict[str, str]:
    dashes = {"stroke_dasharray": f"{_n(on.scaled(12))} {_n(on.scaled(9))}"} if getattr(mark, "dashed", False) else {}
    return {"kind": "s", "stroke_width": _n(on.scaled(mark.width)), **dashes}


def _curve(mark: Curve, on: _Canvas) -> str:
    places = " ".join(f"{_n(x)},{_n(y)}" for x, y in (on.point(*pair) for pair in mark.points.tolist()))
    named = {"data_quantity": mark.key} if mark.shows else {}
    if mark.shows and mark.value is not None:
        named["data_value"] = repr(float(mark.value))
    style = on.colours(mark, lambda ground: ground.color(mark.role))
    return _tag("polyline", mark, style, points=places, **named, **_stroke(mark, on))


def _dot(mark: Dot, on: _Canvas) -> str:
    x, y = on.point(mark.x, mark.y)
    style = on.colours(mark, lambda ground: ground.color(mark.role))
    look = {"kind": "s ground", "stroke_width": _n(on.scaled(4))} if mark.hollow else {"kind": "f"}
    return _tag("circle", mark, style, cx=_n(x), cy=_n(y), r=_n(on.scaled(mark.radius)), data_quantity=mark.key, **look)


def _disc(mark: Disc, on: _Canvas) -> str:
    x, y = on.point(mark.x, mark.y)
    place = {"cx": _n(x), "cy": _n(y), "r": _n(mark.radius * on.placement.unit)}
    fill = on.colours(mark, lambda ground: ground.shade(mark.role, mark.strength))
    rim = on.colours(mark, lambda ground: ground.color(mark.role))
    inside = _tag("circle", mark, fill, kind="f", **place)
    return inside + _tag("circle", mark, rim, **place, **_stroke(mark, on))


def _fill(mark: Cell, ground: Theme) -> str:
    return ground.signed(mark.fill) if mark.signed else ground.shade(mark.role, mark.fill)


def _rectangle(mark: Cell | Image, on: _Canvas) -> dict[str, str]:
    left, top = on.point(mark.x, mark.y + mark.height)
    right, bottom = on.point(mark.x + mark.width, mark.y)
    return {"x": _n(left), "y": _n(top), "width": _n(right - left), "height": _n(bottom - top)}


def _cell(mark: Cell, on: _Canvas) -> str:
    place = _rectangle(mark, on)
    role = mark.role if mark.frame else "lines"
    rim = {"kind": "s", "stroke_width": _n(on.scaled(mark.frame or 2.0))}
    drawn = _tag("rect", mark, on.colours(mark, partial(_fill, mark)), kind="f", **place)
    drawn += _tag("rect", mark, on.colours(mark, lambda ground: ground.color(role)), **place, **rim)
    if mark.words is None:
        return drawn
    x, y = on.point(mark.x + mark.width / 2, mark.y + mark.height / 2)
    size = on.scaled(theme.SIZES[mark.size])
    style = _on_fill(mark, on)
    look = {"kind": "t", "text_anchor": "middle", "font_size": _n(size)}
    return drawn + _tag("text", mark, style, _words(mark.words), x=_n(x), y=_n(y + CAP * size), **look)


def _on_fill(mark: Cell, on: _Canvas) -> str:
    """The text's colours on a cell's fill, as it is when lit or dimmed."""
    pair = []
    for ground in (LIGHT, DARK):
        fill = _fill(mark, ground)
        pair.append(ground.on(fill if on.lit(mark.key) else ground.dimmed(fill)))
    return f"--l:{pair[0]};--d:{pair[1]}"


def _image(mark: Image, on: _Canvas) -> str:
    rows, columns = mark.values.shape
    wide, high = mark.width / columns, mark.height / rows
    cells = [
        Cell(
            key=mark.key, role=mark.role, x=mark.x + column * wide, y=mark.y + (rows - 1 - row) * high,
            width=wide, height=high, fill=float(value) / mark.limit if mark.limit else 0.0, signed=mark.signed,
        )
        for (row, values) in enumerate(mark.values)
        for column, value in enumerate(values)
    ]  # fmt: skip
    pixels = (_tag("rect", c, on.colours(c, partial(_fill, c)), kind="f", **_rectangle(c, on)) for c in cells)
    values = " ".join(repr(float(value)) for value in mark.values.ravel())
    return (
        f'<g data-quantity="{escape(mark.key, quote=True)}" data-columns="{columns}" data-value="{values}"'
        f' shape-rendering="crispEdges">{"".join(pixels)}</g>'
    )


def _arrow(mark: Arrow, on: _Canvas) -> str:
    start, end = on.point(*mark.start), on.point(*mark.end)
    middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    across, down = end[0] - start[0], end[1] - start[1]
    length = math.hypot(across, down) or 1.0
    control = (middle[0] - 2 * mark.bend * down, middle[1] + 2 * mark.bend * across)
    ahead = math.atan2(end[1] - control[1], end[0] - control[0])
    head = min(on.scaled(5.0 * mark.width), 0.6 * length)
    style = on.colours(mark, lambda ground: ground.color(mark.role))
    base = (end[0] - head * 0.8 * math.cos(ahead), end[1] - head * 0.8 * math.sin(ahead))
    path = f"M{_n(start[0])} {_n(start[1])}Q{_n(control[0])} {_n(control[1])} {_n(base[0])} {_n(base[1])}"
    sides = [(end[0] - head * math.cos(ahead + turn), end[1] - head * math.sin(ahead + turn)) for turn in (0.42, -0.42)]
    corners = " ".join(f"{_n(x)},{_n(y)}" for x, y in (end, *sides))
    shaft = _tag("path", mark, style, d=path, **_stroke(mark, on))
    return shaft + _tag("polygon", mark, style, points=corners, kind="f")


_WRITERS: Mapping[type, Callable[[Any, _Canvas], str]] = {
    Text: _text,
    Curve: _curve,
    Dot: _dot,
    Disc: _disc,
    Cell: _cell,
    Image: _image,
    Arrow: _arrow,
}
