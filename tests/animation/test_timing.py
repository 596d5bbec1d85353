"""The rhythm: captions can be read, nothing is dead, and every duration is a whole number of frames."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import sample_story

from vizkit.animation.timing import cues, rhythm, rhythms
from vizkit.stories.story import CAPTION_LIMIT
from vizkit.views.text import words

BEAT = sample_story().beats[1]


@given(st.integers(1, CAPTION_LIMIT), st.booleans(), st.booleans())
def test_a_caption_stays_long_enough_to_be_read(length, first, last):
    beat = replace(BEAT, caption=words("a" * length), motion=())
    assert rhythm(beat, first, last).whole >= max(length / 15, 1.6)


@given(st.integers(1, CAPTION_LIMIT), st.integers(0, 3))
def test_motion_counts_as_time_to_read(length, pulses):
    beat = replace(BEAT, caption=words("a" * length), motion=BEAT.motion * pulses)
    times = rhythm(beat)
    assert len(times.pulses) == pulses
    reading = max(length / 15, 1.6)
    assert times.whole <= max(times.moving, reading) + 0.8  # no dead time: only as long as the caption asks


@given(st.integers(1, CAPTION_LIMIT))
def test_durations_are_whole_frames_at_15_30_and_60(length):
    times = rhythm(replace(BEAT, caption=words("a" * length)))
    for seconds in (times.turn, times.move, times.rest, *times.pulses):
        assert seconds * 15 == pytest.approx(round(seconds * 15), abs=1e-9)


def test_cues_follow_one_another_without_a_gap():
    story = sample_story()
    found = cues(story)
    assert [cue.name for cue in found] == [beat.name for beat in story.beats]
    assert found[0].start == 0.0
    assert all(before.end == after.start for before, after in itertools.pairwise(found))
    assert found[-1].end == pytest.approx(sum(times.whole for times in rhythms(story)))


def test_movement_is_calm_but_not_slow():
    times = rhythm(BEAT)
    assert 0.8 <= times.move <= 1.2 and all(0.6 <= pulse <= 1.2 for pulse in times.pulses)
