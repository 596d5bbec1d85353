"""What an exhibit is: one entry of the catalogue."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Literal

from vizkit.errors import ArgumentError
from vizkit.stories.story import Story
from vizkit.views.picture import View

__all__ = ["Exhibit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """A concept, the recipe that makes it, and what it can be drawn as.

    ``figure`` and ``story`` name functions without arguments, ``module:function`` below
    `vizkit.exhibits`; they are imported when the exhibit is made. An exhibit has a figure, a
    story, or both; of one that has only a story, the figure is the beat that ``poster`` names.
    ``code`` is the few lines that make it, to copy. ``extra`` names the optional dependencies of
    vizkit without which the recipe cannot run, for example ``"data"``.
    """

    name: str
    title: str
    summary: str
    chapter: str
    code: str
    figure: str | None = None
    story: str | None = None
    poster: str | None = None
    extra: str | None = None

    def __post_init__(self) -> None:
        if (self.figure is None) == (self.poster is None) or (self.poster and not self.story):
            raise ArgumentError(
                f"An exhibit has a figure, or a story with a poster beat, but {self.name!r} has"
                f" figure={self.figure!r}, story={self.story!r}, poster={self.poster!r}."
            )

    @property
    def media(self) -> tuple[Literal["figure", "story"], ...]:
        """What the exhibit can be drawn as."""
        return ("figure", "story") if self.story else ("figure",)

    def make_view(self) -> View:
        """Run the recipe of the figure and return its view."""
        if self.figure is None:
            raise ArgumentError(f"The exhibit {self.name!r} is a story; its figure is the beat {self.poster!r}.")
        return _recipe(self.figure)()

    def make_story(self) -> Story:
        """Run the recipe of the story and return it."""
        if self.story is None:
            raise ArgumentError(f"The exhibit {self.name!r} is a figure; it tells no story.")
        return _recipe(self.story)()


def _recipe(path: str):
    module, _, function = path.partition(":")
    return getattr(importlib.import_module(f"vizkit.exhibits.{module}"), function)
