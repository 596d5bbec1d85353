"""Plays: what is left in the back is not missed, a skipped play leaves what a played one leaves, lights run."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from manim import Camera
from samples import sample_story

from vizkit.animation.mobjects import TextMobject
from vizkit.animation.picturing import pixels, plays_of
from vizkit.animation.script import moves, plays
from vizkit.animation.staging import Change, Stage, still
from vizkit.errors import ArgumentError
from vizkit.stories.story import Pulse
from vizkit.theme import DARK, LIGHT

STORY = sample_story()
PLAYS = list(plays(STORY, DARK))
SIZE = {"pixel_width": 854, "pixel_height": 480, "frame_width": 128 / 9, "frame_height": 8.0}


def drawn(mobjects):
    """Draw with manim's own camera."""
    camera = Camera(background_color=DARK.ground, **SIZE)
    camera.capture_mobjects(mobjects)
    return camera.pixel_array.astype(int)


def in_order(play, share):
    """Return the mobjects of a moment in the order of the moves, nothing put to the back."""
    stage = Stage(DARK)
    scenery = stage.enter(play)
    scenery.show(share)
    shown = {id(each.item): each for each in [*scenery.back, *scenery.front.submobjects] if hasattr(each, "item")}
    by_name = {each.item.name: each for each in shown.values()}
    return [by_name[(move.after or move.before).name] for move in moves(play.before, play.after)]


@pytest.mark.parametrize("index", [i for i, play in enumerate(PLAYS) if i and play.pulse is None])
@pytest.mark.parametrize("share", [0.3, 1.0])
def test_a_frame_in_layers_is_the_frame_in_order(index, share):
    play = PLAYS[index]
    names = [move.before.name for move in moves(play.before, play.after) if move.before and move.after]
    layered = [each for each in still(play, share, DARK) if each.item.name in names]
    ordered = [each for each in in_order(play, share) if each.item.name in names]
    assert np.array_equal(drawn(layered), drawn(ordered))


def test_kept_paths_draw_the_same_pixels_as_manims_camera():
    play = PLAYS[4]
    ours = pixels(play, 0.5, DARK, 854, 480)
    assert np.array_equal(ours.astype(int), drawn(still(play, 0.5, DARK)))


def test_a_play_that_was_skipped_leaves_what_a_drawn_one_leaves():
    drawn_stage, skipping = Stage(DARK), Stage(DARK)
    for play in PLAYS:
        scenery = drawn_stage.enter(play)
        for share in (0.0, 0.4, 0.7, 1.0):
            scenery.show(share)
        last = skipping.enter(play)
    last.show(1.0)
    assert np.array_equal(
        drawn([*scenery.back, *scenery.front.submobjects]), drawn([*last.back, *last.front.submobjects])
    )


def test_a_play_made_alone_is_the_play_in_its_place():
    alone = plays_of(STORY, STORY.beats[2], DARK)
    in_place = [play for play in PLAYS if play.beat.name == "step-2" and not play.waits]
    assert len(alone) == len(in_place) == 3
    for first, second in zip(alone, in_place, strict=True):
        assert np.array_equal(drawn(still(first, 0.4, DARK)), drawn(still(second, 0.4, DARK)))


def test_one_play_ends_where_the_next_begins():
    for first, second in itertools.pairwise(PLAYS):
        assert first.after is second.before


def test_what_does_not_change_is_not_redrawn():
    scenery = Stage(DARK).enter(PLAYS[4])
    back = {each.item.name for each in scenery.back}
    assert {"title", "loss/axis:x", "loss/axis:x:text:0", "machine/left", "machine/cell"} <= back
    assert {part.move.after.name for part in scenery.moving if part.move.after} >= {"loss/slope", "machine/weight:text"}
    waiting = Stage(DARK).enter(PLAYS[-1])
    assert not waiting.front.submobjects and not waiting.moving


def test_numbers_count_on_their_way():
    stage = Stage(DARK)
    scenery = stage.enter(PLAYS[4])
    slope = next(each for each in scenery.front.submobjects if each.item.name == "loss/slope")
    seen = []
    for share in np.linspace(0, 1, 7):
        scenery.show(float(share))
        assert isinstance(slope, TextMobject)
        seen.append(float(slope.text.removeprefix("slope ")))
    assert seen[0] == 3.0 and seen[-1] == 1.5 and seen == sorted(seen, reverse=True) and len(set(seen)) > 4


def test_the_light_runs_backward_in_its_colour_and_is_gone_at_both_ends():
    play = next(play for play in PLAYS if play.pulse is not None)
    calm = drawn(still(play, 0.0, DARK))
    assert np.array_equal(calm, drawn(still(play, 1.0, DARK)))
    places = []
    for share in (0.25, 0.4, 0.55):
        changed = np.abs(drawn(still(play, share, DARK)) - calm).sum(axis=2)
        rows, columns = np.nonzero(changed > 60)
        places.append(columns.mean())
        assert np.ptp(rows) < 40  # it stays at the line
    assert places == sorted(places, reverse=True)  # from the right unit to the left


def test_a_pulse_along_a_unit_is_refused():
    play = next(play for play in PLAYS if play.pulse is not None)
    with pytest.raises(ArgumentError, match="'machine/left' is a Disc"):
        Stage(DARK).enter(replace(play, pulse=Pulse(("machine/left",), "gradient")))


def test_the_new_result_is_not_told_before_the_motion_has_run():
    turn = next(play for play in PLAYS if play.beat.name == "step-1")
    names = [name.partition(":")[0] for name in turn.after.items]
    assert "equation" not in names and turn.opens
    captions = [name for name in turn.after.items if name.startswith("caption:")]
    assert captions == [f"caption:{STORY.beats[1].caption}:0"]


def test_plays_that_lead_elsewhere_have_other_fingerprints():
    first, second = PLAYS[4], PLAYS[8]
    digests = {Change(play, Stage(DARK).enter(play), 1.0).digest for play in (first, second, first)}
    assert len(digests) == 2
    light = list(plays(STORY, LIGHT))[4]
    assert Change(light, Stage(LIGHT).enter(light), 1.0).digest not in digests
