"""The catalogue: every concept with the recipe that makes its picture or story."""

from __future__ import annotations

from vizkit.errors import unknown_name
from vizkit.exhibits.catalogue import CATALOGUE
from vizkit.exhibits.exhibit import Exhibit
from vizkit.stories.story import Beat
from vizkit.views.picture import View

__all__ = ["Exhibit", "all_exhibits", "get", "poster"]


def all_exhibits() -> tuple[Exhibit, ...]:
    """Return every exhibit, chapter by chapter.

    Examples
    --------
    >>> all_exhibits()[0].name
    'weight_bias'
    """
    return CATALOGUE


def get(name: str) -> Exhibit:
    """Return an exhibit by its name.

    Raises
    ------
    UnknownNameError
        If there is none of that name; the message names the nearest.

    Examples
    --------
    >>> get("backprop").media
    ('figure', 'story')
    """
    for exhibit in CATALOGUE:
        if exhibit.name == name:
            return exhibit
    raise unknown_name("exhibit", name, [exhibit.name for exhibit in CATALOGUE])


def poster(exhibit: Exhibit) -> View | Beat:
    """Return what stands for an exhibit as one figure: its view, or its story's poster beat."""
    return exhibit.make_view() if exhibit.poster is None else exhibit.make_story().beat(exhibit.poster)
