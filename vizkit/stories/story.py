"""Stories: explanations as data.

A story is a title and its beats in order. A beat shows a board of views, says one plain
sentence, sets at most one equation, and lights what the eye should rest on. How a beat
looks and moves is the renderers' business; a new lesson is a new story and nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property

from vizkit.errors import ArgumentError, unknown_name
from vizkit.views.board import Board
from vizkit.views.equation import Equation
from vizkit.views.formula import to_plain
from vizkit.views.marks import Values
from vizkit.views.text import Words

__all__ = ["CAPTION_LIMIT", "Beat", "Pulse", "Story"]

CAPTION_LIMIT = 150  # two lines of a frame's caption
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Pulse:
    """A movement of the eye: a light that runs along curves or arrows of a panel, all at once.

    ``along`` names marks as ``panel/key``; ``backward`` runs them from their end to their start,
    as a gradient does.
    """

    along: tuple[str, ...]
    role: str
    backward: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Beat:
    """One step of an explanation.

    ``name`` is the section's name in the video and the anchor in the page: lower-case words with
    hyphens. ``place`` says where in the explanation we are, such as ``forward · step 0``; it is
    always on screen. ``focus`` holds patterns of mark names ``panel/key`` that are lit, the rest
    being dimmed; with no patterns everything is lit. ``motion`` runs before the beat settles,
    one pulse after the other.
    """

    name: str
    place: str
    board: Board
    caption: Words
    equation: Equation | None = None
    focus: tuple[str, ...] = ()
    motion: tuple[Pulse, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ArgumentError(f"A beat's name is lower-case words joined by hyphens, but {self.name!r} was given.")
        if len(str(self.caption)) > CAPTION_LIMIT:
            raise ArgumentError(
                f"A caption has at most {CAPTION_LIMIT} characters, but beat {self.name!r} has"
                f" {len(str(self.caption))}: {str(self.caption)!r}"
            )
        for pattern in self.focus:
            if not any(fnmatchcase(key, pattern) for key in self.keys):
                raise ArgumentError(f"Beat {self.name!r} lights {pattern!r}, but no mark has such a name.")
        for key in (key for pulse in self.motion for key in pulse.along):
            if key not in self.keys:
                raise unknown_name(f"mark in beat {self.name!r}", key, self.keys)

    @cached_property
    def keys(self) -> frozenset[str]:
        """The names ``panel/key`` of all marks on the board."""
        return frozenset(f"{panel.name}/{mark.key}" for panel in self.board.panels for mark in panel.view.picture.marks)

    def lit(self, key: str) -> bool:
        """Say whether the mark named ``panel/key`` is lit in this beat."""
        return not self.focus or any(fnmatchcase(key, pattern) for pattern in self.focus)

    def quantities(self) -> Values:
        """Return every number of the beat: the board's, ``caption/...`` and ``equation/...``."""
        found = self.board.quantities()
        found |= {f"caption/{name}": value for name, value in self.caption.quantities().items()}
        if self.equation is not None:
            found |= {f"equation/{name}": value for name, value in self.equation.quantities().items()}
        return found


@dataclass(frozen=True, kw_only=True, eq=False)
class Story:
    """A title and its beats, made from a trace.

    ``poster`` names the beat that stands for the whole story in one figure; without, the last one does.
    """

    name: str
    title: str
    summary: str
    beats: tuple[Beat, ...]
    poster: str = ""

    def __post_init__(self) -> None:
        names = [beat.name for beat in self.beats]
        if not names or len(set(names)) < len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise ArgumentError(f"A story has beats, each with a name of its own, but {self.name!r} repeats {twice}.")

    def beat(self, name: str) -> Beat:
        """Return a beat by its name."""
        for beat in self.beats:
            if beat.name == name:
                return beat
        raise unknown_name("beat", name, [beat.name for beat in self.beats])

    def telling(self) -> Beat:
        """Return the beat that stands for the whole story."""
        return self.beat(self.poster) if self.poster else self.beats[-1]

    def to_markdown(self) -> str:
        """Return the story as a worked derivation in Markdown."""
        lines = [f"# {self.title}", "", self.summary, ""]
        place = ""
        for beat in self.beats:
            if beat.place != place:
                place = beat.place
                lines += [f"## {place[:1].upper()}{place[1:]}", ""]
            lines += [str(beat.caption), ""]
            if beat.equation is not None:
                lines += [f"    {to_plain(beat.equation)}", ""]
        return "\n".join(lines)
