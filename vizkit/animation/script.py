"""A story as a script: what happens, one play after the other, as data.

Each play leads from one frame to the next and depends on nothing else, so any of them can
be made alone. A beat with motion is played in three parts: the light turns to what the beat
is about and the caption changes, the pulses run, and then the new values settle. A beat
without motion changes in one go.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from vizkit.animation.frames import Frame, depth, frame_of, stand_of
from vizkit.animation.items import Item, Move, alike, can_blend
from vizkit.animation.timing import Rhythm, rhythms
from vizkit.stories.story import Beat, Pulse, Story
from vizkit.theme import Theme

__all__ = ["Play", "beat_plays", "moves", "plays"]


@dataclass(frozen=True, slots=True, eq=False)
class Play:
    """One play or wait: it leads from one frame to another, or a pulse runs over a frame."""

    beat: Beat
    seconds: float
    before: Frame
    after: Frame
    pulse: Pulse | None = None
    opens: bool = False

    @property
    def waits(self) -> bool:
        """Whether nothing moves."""
        return self.before is self.after and self.pulse is None


def plays(story: Story, theme: Theme) -> Iterator[Play]:
    """Yield the plays of a story in order; the first of each beat ``opens`` it."""
    settled = Frame({})
    for index in range(len(story.beats)):
        found = beat_plays(story, index, theme, settled)
        yield from found
        settled = found[-1].after


def beat_plays(story: Story, index: int, theme: Theme, settled: Frame | None = None) -> list[Play]:
    """Return the plays of one beat; ``settled`` is the frame that the beat before it leaves, if it is at hand."""
    beat, previous = story.beats[index], story.beats[index - 1] if index else None
    if settled is None:
        settled = Frame({}) if previous is None else frame_of(stand_of(story, previous), theme)
    after = _kept(settled, frame_of(stand_of(story, beat), theme))
    turned = _turned(story, previous, beat, settled, theme) if beat.motion else settled
    return list(_beat(beat, rhythms(story)[index], (settled, turned, after)))


def _beat(beat: Beat, times: Rhythm, frames: tuple[Frame, Frame, Frame]) -> Iterator[Play]:
    before, turned, after = frames
    if beat.motion:
        yield Play(beat, times.turn, before, turned, opens=True)
        for seconds, pulse in zip(times.pulses, beat.motion, strict=True):
            yield Play(beat, seconds, turned, turned, pulse)
    yield Play(beat, times.move, turned, after, opens=not beat.motion)
    yield Play(beat, times.rest, after, after)


def _turned(story: Story, previous: Beat | None, beat: Beat, settled: Frame, theme: Theme) -> Frame:
    """Return the last beat's board in the next one's light, and whatever the pulses need to run along."""
    new = frame_of(stand_of(story, beat), theme)
    if previous is None:
        return Frame({name: item for name, item in new.items.items() if not name.startswith("equation:")})
    kept = previous.equation if previous.equation == beat.equation else None  # a new result is not told beforehand
    stand = replace(stand_of(story, beat), board=previous.board, equation=kept)
    old = frame_of(stand, theme)
    needed = {key: new.items[key] for pulse in beat.motion for key in pulse.along if key not in old.items}
    items = sorted((old.items | needed).items(), key=lambda pair: depth(pair[1].mark))
    return _kept(settled, Frame(dict(items)))


def _kept(before: Frame, after: Frame) -> Frame:
    """Return the second frame with the first one's marks wherever they are drawn alike.

    A mark that is the same object needs no new outline.
    """

    def keep(item: Item) -> Item:
        old = before.items.get(item.name)
        return replace(item, mark=old.mark) if old is not None and alike(old.mark, item.mark) else item

    return Frame({name: keep(item) for name, item in after.items.items()})


def moves(before: Frame, after: Frame) -> list[Move]:
    """Return the way of every item from one frame to the next, from the back to the front."""
    ways: list[tuple[tuple[float, int, int], Move]] = []
    for index, item in enumerate(before.items.values()):
        target = after.items.get(item.name)
        if target is None or not can_blend(item.mark, target.mark):
            ways.append(((depth(item.mark), 0, index), Move(item, None)))
    for index, item in enumerate(after.items.values()):
        start = before.items.get(item.name)
        start = start if start is not None and can_blend(start.mark, item.mark) else None
        ways.append(((depth(item.mark), 1, index), Move(start, item)))
    return [move for _, move in sorted(ways, key=lambda pair: pair[0])]
