"""The cast of a scene: which mobject stands for which item, and what a play has to redraw.

manim redraws everything above the lowest thing that moves. Of the things that stand still
only those need it that lie over something that moves; all others go to the back, where
they are drawn once per play. What is seen is the same.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TypeAlias

from manim import Animation, Group, Mobject

from vizkit.animation.frames import Frame, depth
from vizkit.animation.items import Move
from vizkit.animation.mobjects import bounds, mobject
from vizkit.animation.pulse import Light, light
from vizkit.animation.script import Play, moves
from vizkit.animation.timing import coming, ease, leaving, moving, opening
from vizkit.theme import Theme

__all__ = ["Change", "Scenery", "Stage", "still"]

Covers: TypeAlias = "tuple[float, float, float, float]"

_CROWD = 8  # more things than these leave at once: the others wait for them
_ROOM = 24.0  # around what moves, in stage units: a counting number may be wider on its way


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A mobject with its move, and the rectangle (left, right, low, high) that it covers on its way."""

    move: Move
    mobject: Mobject
    covers: Covers


@dataclass(frozen=True, slots=True, eq=False)
class Scenery:
    """A play made ready: what stays in the back, what is drawn in front, and what of it moves."""

    back: list[Mobject]
    front: Group
    moving: list[Part]
    light: Light | None = None

    def show(self, share: float) -> None:
        """Show the moment when this share of the play's time, 0 to 1, has passed."""
        gone = sum(part.move.after is None for part in self.moving)
        opens = all(part.move.before is None for part in self.moving)
        for part in self.moving:
            way = opening(share, part.move.after.name) if opens else _way(part.move, share, gone > _CROWD)
            part.mobject.show(part.move.at(way))
        if self.light is not None:
            self.light.show(ease(share))


def _way(move: Move, share: float, crowded: bool) -> float:
    if move.after is None:
        return leaving(share)
    return coming(share, crowded) if move.before is None else moving(share, crowded)


@dataclass(slots=True)
class Stage:
    """The mobjects on stage by the names of their items."""

    theme: Theme
    cast: dict[str, Mobject] = field(default_factory=dict)

    def enter(self, play: Play) -> Scenery:
        """Bring in what a play needs and leave out what the play before it has finished with."""
        parts = [self._part(move) for move in moves(play.before, play.after)]
        self.cast = {part.move.after.name: part.mobject for part in parts if part.move.after is not None}
        if play.pulse is not None:
            return _lit(parts, play, self.theme)
        moving = [part for part in parts if not part.move.still]
        back, front = _layers(parts, {id(part) for part in moving})
        return Scenery([part.mobject for part in back], Group(*(part.mobject for part in front)), moving)

    def _part(self, move: Move) -> Part:
        first, last = move.before or move.after, move.after or move.before
        found = self.cast.get(first.name) if move.before is not None else None
        if found is None:
            found = mobject(move.at(0.0))
        elif found.item is not first:  # the play before this one was not played to its end
            found.show(first)
        covers = bounds(first)
        return Part(move, found, covers if move.still else _around(covers, bounds(last)))


def _around(first: Covers, second: Covers) -> Covers:
    """Return the rectangle around two, with some room."""
    left, low = (min(first[at], second[at]) - _ROOM for at in (0, 2))
    right, high = (max(first[at], second[at]) + _ROOM for at in (1, 3))
    return left, right, low, high


def _overlap(first: Covers, second: Covers) -> bool:
    return first[0] < second[1] and second[0] < first[1] and first[2] < second[3] and second[2] < first[3]


def _layers(parts: list[Part], moving: set[int]) -> tuple[list[Part], list[Part]]:
    """Divide parts, given from the back to the front, into those drawn once and those drawn in every frame."""
    back, front = [], []
    for part in parts:
        redrawn = id(part) in moving or any(_overlap(part.covers, below.covers) for below in front)
        (front if redrawn else back).append(part)
    return back, front


def _lit(parts: list[Part], play: Play, theme: Theme) -> Scenery:
    """Put the light right above the marks it runs along: it vanishes behind units and labels."""
    shine = light(play.pulse, play.before, theme)
    top = max(depth(play.before.items[key].mark) for key in play.pulse.along)
    below = [part for part in parts if depth(part.move.after.mark) <= top]
    lines = [part.covers for part in below if part.move.after.name in play.pulse.along]
    beam = Part(parts[0].move, shine, _hull(lines))
    above = [part for part in parts if depth(part.move.after.mark) > top]
    back, front = _layers([beam, *above], {id(beam)})
    return Scenery([part.mobject for part in [*below, *back]], Group(*(part.mobject for part in front)), [], shine)


def _hull(covers: list[Covers]) -> Covers:
    hull = covers[0]
    for each in covers:
        hull = _around(hull, each)
    return hull


def still(play: Play, share: float, theme: Theme) -> list[Mobject]:
    """Return new mobjects that show one moment of a play, from the back to the front."""
    scenery = Stage(theme).enter(play)
    scenery.show(share)
    return [*scenery.back, *scenery.front.submobjects]


class Change(Animation):
    """Plays a scenery. All its state comes from the play, so it may be skipped or drawn alone."""

    def __init__(self, play: Play, scenery: Scenery, run_time: float) -> None:
        self.scenery = scenery
        self.digest = _digest(play)
        super().__init__(scenery.front, run_time=run_time, suspend_mobject_updating=False)

    def create_starting_mobject(self) -> Mobject:
        """Return nothing: where things start is known from the play, so no copy is made."""
        return Mobject()

    def interpolate_mobject(self, alpha: float) -> None:
        """Show the moment when this share of the time has passed."""
        self.scenery.show(alpha)


def _digest(play: Play) -> str:
    """Return a fingerprint of where a play leads, for manim's cache, which does not look into our items."""
    found = hashlib.sha256(repr((play.seconds, play.pulse)).encode())
    for frame in (play.before, play.after):
        _add(found, frame)
    return found.hexdigest()


def _add(found: "hashlib._Hash", frame: Frame) -> None:
    for item in frame.items.values():
        found.update(repr((item.name, item.mark, item.scale, item.opacity)).encode())
        for array in (item.colour, item.fill, getattr(item.mark, "points", None), getattr(item.mark, "values", None)):
            found.update(b"" if array is None else array.tobytes())
