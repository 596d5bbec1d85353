"""A picture in words, for those who hear the page instead of seeing it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from vizkit.views.marks import Cell, Text
from vizkit.views.picture import View

__all__ = ["spoken"]

LIMIT = 40  # words and numbers; more than these nobody listens to


def spoken(name: str, view: View, lit: Callable[[str], bool]) -> str:
    """Return what a screen reader says of a picture: its name, its axes, and the texts that are lit.

    Examples
    --------
    >>> from vizkit.views.picture import Picture
    >>> from vizkit.views.text import words
    >>> class Weight(View):
    ...     def draw(self):
    ...         mark = Text(key="w", words=words("w = 2"), x=0, y=0)
    ...         return Picture(size=(100, 50), bounds=(0, 1, 0, 1), marks=(mark,))
    >>> spoken("network", Weight(), lambda key: True)
    'network: w = 2'
    """
    said = [*_axes(view), *_texts(view, lit)]
    more = [f"and {len(said) - LIMIT} more"] if len(said) > LIMIT else []
    return ": ".join(filter(None, [name.replace("_", " "), ", ".join(said[:LIMIT] + more)]))


def _axes(view: View) -> Iterator[str]:
    picture = view.picture
    if picture.x is not None and picture.y is not None:
        yield f"{picture.y.label} over {picture.x.label}"


def _texts(view: View, lit: Callable[[str], bool]) -> Iterator[str]:
    for mark in view.picture.marks:
        if isinstance(mark, (Text, Cell)) and mark.words is not None and lit(mark.key):
            yield str(mark.words)
