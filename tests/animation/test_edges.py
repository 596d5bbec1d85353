"""What stories may hold at their edges: nothing, no length, no change, no caption."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np
import pytest
from samples import sample_story

from vizkit.animation.script import plays
from vizkit.animation.staging import Stage
from vizkit.errors import DataError
from vizkit.stories.story import Beat
from vizkit.theme import DARK
from vizkit.views import outlines
from vizkit.views.board import board
from vizkit.views.marks import Arrow, Curve, Mark, Text, points
from vizkit.views.picture import Picture, View
from vizkit.views.text import words

STORY = sample_story()


@dataclass(frozen=True)
class Marks(View):
    marks: tuple[Mark, ...] = ()

    def draw(self) -> Picture:
        return Picture(size=(900, 576), bounds=(0, 1, 0, 1), marks=self.marks)


POINT = Curve(key="line", points=points([0.5, 0.5], [0.5, 0.5]))
LINE = replace(POINT, points=points([0.1, 0.5, 0.9], [0.5, 0.6, 0.5]))
NOTHING = (
    POINT,
    replace(POINT, key="dashed", dashed=True),
    Text(key="text", words=words(""), x=0.5, y=0.5),
    Arrow(key="arrow", start=(0.2, 0.2), end=(0.2, 0.2)),
)


def beat(name: str, *marks: Mark, caption: str = "words") -> Beat:
    return Beat(name=name, place="here", board=board(only=Marks(marks)), caption=words(caption))


def played(*beats: Beat) -> None:
    stage = Stage(DARK)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        for play in plays(replace(STORY, beats=beats), DARK):
            scenery = stage.enter(play)
            for share in (0.0, 0.5, 1.0):
                scenery.show(share)
            for shape in [*scenery.back, *scenery.front.submobjects]:
                assert np.isfinite(shape.get_all_points()).all()


@pytest.mark.parametrize(
    "beats",
    [
        (beat("a", *NOTHING), beat("b", LINE), beat("c", *NOTHING)),
        (beat("a", caption=""), beat("b", caption=""), STORY.beats[0]),
        (STORY.beats[0], replace(STORY.beats[0], name="again"), replace(STORY.beats[0], name="dim", focus=("loss/*",))),
        (replace(STORY.beats[1], name="motion-first"),),
    ],
    ids=["no length", "no marks", "no change", "motion first"],
)
def test_edges_can_be_played(beats):
    played(*beats)


def test_a_dashed_line_begins_and_ends_with_a_dash_and_keeps_to_its_line():
    line = np.array([[0.0, 0.0], [300.0, 400.0]])
    found = outlines.dashes(line, 4.0).reshape(-1, 4, 2)
    assert np.allclose(found[0, 0], line[0]) and np.allclose(found[-1, 3], line[-1])
    assert np.allclose(found[..., 1], found[..., 0] * 4 / 3)
    dashes = np.hypot(*(found[:, 3] - found[:, 0]).T)
    gaps = np.hypot(*(found[1:, 0] - found[:-1, 3]).T)
    assert np.ptp(dashes) < 1e-9 and np.allclose(gaps, 1.8 * 4) and abs(dashes[0] - 2.6 * 4) < 0.5


def test_a_bent_arrow_bows_to_the_right_by_its_sagitta():
    arrow = Arrow(key="a", start=(0.0, 0.0), end=(100.0, 0.0), bend=0.2)
    assert outlines.arrow_line(arrow)[:, 1].min() == pytest.approx(-20.0)
    tip = outlines.arrow(arrow)
    assert np.hypot(*(tip - (100.0, 0.0)).T).min() < 1e-9


def test_a_title_that_the_font_cannot_write_is_refused():
    with pytest.raises(DataError, match="U\\+6F22"):
        frames = plays(replace(STORY, title="漢"), DARK)
        Stage(DARK).enter(next(frames))
