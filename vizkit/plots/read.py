"""Reading a figure back: the numbers that its artists really show.

This is the renderer's proof. A number in a text is parsed from the text that is on the
page, not taken from the view; a curve's points, a dot's place and an image's values come
from the artists' own data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import to_hex
from matplotlib.figure import FigureBase

from vizkit.errors import ArgumentError, RenderError
from vizkit.plots.artists import MarkLine, WordsArtist
from vizkit.plots.equations import TermArtist, mathtext_of
from vizkit.views.equation import Expr, Value, parts
from vizkit.views.marks import Curve, Values
from vizkit.views.text import Quantity

__all__ = ["read", "strokes"]

_HOLE = "@"  # stands for a number while a term's spelling is made
_NUMBER = r"([-−]?[\d.,{}]+)"


def read(drawn: Axes | FigureBase) -> Values:
    """Return the name and value of every number that can be read from axes or a figure.

    A number in a text has the digits that are shown; a curve is an array of shape (points, 2), an
    image one of shape (height, width). A line that stands for a value by its width and colour
    has no number to read; see `strokes`.

    Raises
    ------
    RenderError
        If a text no longer says what it was made to say.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from vizkit.plots.draw import draw
    >>> from vizkit.views.marks import Dot
    >>> from vizkit.views.picture import Picture, View
    >>> class Point(View):
    ...     def draw(self):
    ...         return Picture(size=(400, 400), bounds=(0, 2, 0, 2), marks=(Dot(key="here", x=0.5, y=1),))
    >>> read(draw(Point(), Figure().subplots()))
    {'here.x': 0.5, 'here.y': 1.0}
    """
    found: Values = {}
    for artist in _artists(drawn):
        found.update(_numbers(artist))
    return found


def strokes(drawn: Axes | FigureBase) -> dict[str, tuple[float, str]]:
    """Return width in points and colour of every line that stands for a value, by its mark's key."""
    lines = [artist for artist in _artists(drawn) if isinstance(artist, MarkLine) and _weighs(artist.mark)]
    return {line.get_gid(): (line.get_linewidth(), to_hex(line.get_color())) for line in lines}


def _artists(drawn: Axes | FigureBase) -> Iterator[Artist]:
    if not isinstance(drawn, Axes | FigureBase):
        raise ArgumentError(f"Axes or a figure can be read, but a {type(drawn).__name__} was given.")
    yield from (artist for artist in drawn.findobj() if artist.get_visible() and artist.get_gid())


def _weighs(mark: Any) -> bool:
    return isinstance(mark, Curve) and mark.value is not None


def _numbers(artist: Artist) -> Values:
    if isinstance(artist, WordsArtist):
        return _in_words(artist)
    if isinstance(artist, TermArtist):
        return _in_term(artist)
    if isinstance(artist, MarkLine):
        return _on_line(artist)
    if isinstance(artist, ScalarMappable) and artist.get_array() is not None:
        return {artist.get_gid(): np.asarray(artist.get_array())}
    return {}


def _on_line(line: MarkLine) -> Values:
    if not isinstance(line.mark, Curve):
        (x,), (y,) = line.get_data()
        return {f"{line.get_gid()}.x": float(x), f"{line.get_gid()}.y": float(y)}
    shown = line.mark.shows and line.mark.value is None
    return {line.get_gid(): np.asarray(line.get_xydata())} if shown else {}


def _in_words(artist: WordsArtist) -> Values:
    pattern = "".join("(.+?)" if isinstance(part, Quantity) else re.escape(part) for part in artist.words)
    names = [artist.prefix + part.name for part in artist.words if isinstance(part, Quantity)]
    return _parse(artist.get_text().replace("\n", " "), pattern, names)


def _in_term(artist: TermArtist) -> Values:
    hollow = mathtext_of(_hollow(artist.expr)).replace(r"\mathrm", r"\mathbf")
    names = [artist.prefix + part.quantity.name for part in parts(artist.expr) if isinstance(part, Value)]
    pattern = re.escape(hollow).replace(re.escape(_HOLE), _NUMBER)
    return _parse(artist.get_text().replace(r"\mathrm", r"\mathbf"), pattern, names)


def _hollow(expr: Any) -> Any:
    """Return an expression with a hole where each of its numbers stands."""
    if isinstance(expr, Value):
        return Value(replace(expr.quantity, text=_HOLE))
    if isinstance(expr, tuple):
        return tuple(_hollow(item) for item in expr)
    if not is_dataclass(expr):
        return expr
    inner: dict[str, Expr] = {field.name: _hollow(getattr(expr, field.name)) for field in fields(expr)}
    return replace(expr, **inner)


def _parse(text: str, pattern: str, names: list[str]) -> Values:
    found = re.fullmatch(pattern, text)
    if found is None:
        raise RenderError(f"A text should say {pattern!r}, but it says {text!r}.")
    plain = [re.sub("[,{}]", "", number).replace("−", "-") for number in found.groups()]
    try:
        return dict(zip(names, map(float, plain), strict=True))
    except ValueError as error:
        raise RenderError(f"The text {text!r} should hold numbers for {names}, but it holds {plain}.") from error
