"""How long things take: the only place of the animation that knows seconds.

All durations are whole fifteenths of a second, so that a story has the same length and
the same moments at 15, 30 and 60 frames a second.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from vizkit.stories.story import Beat, Story

__all__ = ["Cue", "Rhythm", "cues", "rhythm"]

GRID = 15  # moments per second
READING = 15.0  # characters per second
SHORTEST = 1.6  # of a caption
OPENING = 1.4  # the title and the first board appear
MOVE = 1.0  # things go to their new places and values
TURN = 0.6  # before a motion: the caption changes and the light moves
PULSE = 0.8  # one light runs along its lines
REST = 0.6  # least time in which a beat stands still
CLOSING = 1.0  # more rest at the end
LEFT = 0.4  # share of a change after which what leaves has left
COMING = 0.55  # share of a change after which what is new appears
# In a crowded change, in which much leaves, each waits for the other: things go, then move, then new ones come.
CLEARED = (0.25, 0.85)
FILLING = 0.7
OPENS = {"title": 0.0, "place": 0.1, "board": 0.2, "equation": 0.5, "caption": 0.5}  # when each zone opens, as shares
SEEN = 0.7  # share of a change after which a new caption can be read


def _on_grid(seconds: float) -> float:
    return math.ceil(seconds * GRID - 1e-9) / GRID


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Seconds of one beat: the turn of the light, each pulse, the change, and the rest."""

    turn: float
    pulses: tuple[float, ...]
    move: float
    rest: float

    @property
    def moving(self) -> float:
        """Seconds in which something moves."""
        return self.turn + sum(self.pulses) + self.move

    @property
    def whole(self) -> float:
        """Seconds of the beat."""
        return self.moving + self.rest


def rhythm(beat: Beat, first: bool = False, last: bool = False) -> Rhythm:
    """Return the seconds of a beat; a caption stays as long as it takes to read it.

    Examples
    --------
    >>> from vizkit.views.board import board
    >>> from vizkit.views.picture import Picture, View
    >>> class Empty(View):
    ...     def draw(self):
    ...         return Picture(size=(9, 9), bounds=(0, 1, 0, 1), marks=())
    >>> from vizkit.views.text import words
    >>> beat = Beat(name="a", place="a", board=board(a=Empty()), caption=words("fifteen letters"))
    >>> round(rhythm(beat).whole, 2)
    2.33
    """
    move = _on_grid(OPENING if first else MOVE)
    turn = (move if first else _on_grid(TURN)) if beat.motion else 0.0
    pulses = tuple(_on_grid(PULSE) for _ in beat.motion)
    appearing = SEEN * (turn or move)
    reading = max(len(str(beat.caption)) / READING, SHORTEST) + appearing
    moving = turn + sum(pulses) + move
    rest = max(reading - moving, REST) + (CLOSING if last else 0.0)
    return Rhythm(turn, pulses, move, _on_grid(rest))


def ease(share: float) -> float:
    """Return a share of time as a share of the way: slow, fast, slow; 0 before it and 1 after it.

    Examples
    --------
    >>> ease(-1), ease(0.5), ease(2)
    (0.0, 0.5, 1.0)
    """
    within = min(max(share, 0.0), 1.0)
    return within * within * (3 - 2 * within)


def leaving(share: float) -> float:
    """Return how far something has gone when this share of a change's time has passed."""
    return ease(share / LEFT)


def coming(share: float, crowded: bool = False) -> float:
    """Return how far something has come when this share of a change's time has passed."""
    start = FILLING if crowded else COMING
    return ease((share - start) / (1.0 - start))


def opening(share: float, name: str) -> float:
    """Return how far an item has come when a story opens: the title first, then the board, then the words below.

    Examples
    --------
    >>> opening(0.5, "title") > opening(0.5, "plot/curve") > opening(0.5, "caption:The end.:0")
    True
    """
    zone = name.partition(":")[0]
    return ease((share - OPENS.get(zone, OPENS["board"])) / 0.5)


def moving(share: float, crowded: bool = False) -> float:
    """Return how far something has moved when this share of a change's time has passed."""
    start, end = CLEARED if crowded else (0.0, 1.0)
    return ease((share - start) / (end - start))


@dataclass(frozen=True, slots=True)
class Cue:
    """A beat in time: its name, its caption, and when it starts and ends, in seconds."""

    name: str
    text: str
    start: float
    end: float


def rhythms(story: Story) -> tuple[Rhythm, ...]:
    """Return the rhythm of each beat of a story."""
    last = len(story.beats) - 1
    return tuple(rhythm(beat, at == 0, at == last) for at, beat in enumerate(story.beats))


def cues(story: Story) -> tuple[Cue, ...]:
    """Return when each beat of a story starts and ends."""
    found, now = [], 0.0
    for beat, times in zip(story.beats, rhythms(story), strict=True):
        found.append(Cue(beat.name, str(beat.caption), now, now + times.whole))
        now += times.whole
    return tuple(found)
