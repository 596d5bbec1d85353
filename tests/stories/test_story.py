"""Beats and stories check themselves when they are made."""

from __future__ import annotations

from dataclasses import replace

import pytest
from samples import sample_story

from vizkit.errors import ArgumentError, UnknownNameError
from vizkit.stories.story import Pulse
from vizkit.views.text import words

STORY = sample_story()
BEAT = STORY.beats[1]


def test_a_beat_lights_what_it_names() -> None:
    assert BEAT.lit("loss/curve") and BEAT.lit("machine/weight:text")
    assert not BEAT.lit("machine/left")
    assert STORY.beats[0].lit("machine/left")


def test_quantities_come_from_board_caption_and_equation() -> None:
    found = BEAT.quantities()
    assert found["caption/slope"] == found["equation/slope"] == found["loss/slope"] == 1.5
    assert found["machine/right"] == 0.375


def test_markdown_tells_the_whole_story() -> None:
    text = STORY.to_markdown()
    assert text.startswith("# Sample story\n")
    assert text.count("## ") == len(STORY.beats)
    for beat in STORY.beats:
        assert str(beat.caption) in text
    assert "    d L / d w = 1.50" in text


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"name": "Step 1"}, ArgumentError, "hyphens"),
        ({"caption": words("x" * 151)}, ArgumentError, "151"),
        ({"focus": ("nowhere/*",)}, ArgumentError, "nowhere"),
        ({"motion": (Pulse(("machine/wieght",), "gradient"),)}, UnknownNameError, "machine/weight"),
    ],
)
def test_bad_beats_are_refused(change: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        replace(BEAT, **change)


def test_bad_stories_are_refused() -> None:
    with pytest.raises(ArgumentError, match="step-1"):
        replace(STORY, beats=(BEAT, BEAT))
    with pytest.raises(ArgumentError, match="sample"):
        replace(STORY, beats=())
    with pytest.raises(UnknownNameError, match="step-1"):
        STORY.beat("step-11")
