"""Stills: the size asked for, the moment asked for, the same bytes each time, clear errors."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from PIL import Image
from samples import sample_story

from vizkit.errors import ArgumentError, OutputError, UnknownNameError
from vizkit.render import QUALITIES, still

STORY = sample_story()


def frame(path):
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


@pytest.mark.parametrize("name", ["ql", "qm", "qh"])
def test_a_still_has_the_size_of_its_quality(tmp_path, name):
    size = QUALITIES[name]
    assert Image.open(still(STORY, tmp_path / "a.png", quality=name)).size == (size.width, size.height)


def test_the_same_moment_gives_the_same_bytes_and_leaves_nothing_else(tmp_path):
    first = still(STORY, tmp_path / "a.png", "step-1", alpha=0.4, quality="ql").read_bytes()
    second = still(STORY, tmp_path / "b.png", "step-1", alpha=0.4, quality="ql").read_bytes()
    assert first == second
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.png", "b.png"]


def test_the_moments_of_a_beat_differ_and_the_first_is_where_the_last_beat_ended(tmp_path):
    shots = [frame(still(STORY, tmp_path / "s.png", "step-1", alpha=at, quality="ql")) for at in (0, 0.4, 0.8, 1)]
    assert all((a != b).any() for a, b in itertools.pairwise(shots))
    before = frame(still(STORY, tmp_path / "s.png", "step-0", quality="ql"))
    assert np.array_equal(shots[0], before)


def test_every_kind_of_mark_leaves_its_colour_in_both_themes(tmp_path):
    from vizkit.theme import get

    for theme in ("dark", "light"):
        colours = get(theme)
        shot = frame(still(STORY, tmp_path / f"{theme}.png", "step-0", theme=theme))
        assert tuple(shot[5, 5]) == tuple(int(colours.ground[at : at + 2], 16) for at in (1, 3, 5))
        for role in ("input", "activation", "positive", "gradient", "loss", "update", "muted", "ink"):
            wanted = np.array([int(colours.color(role)[at : at + 2], 16) for at in (1, 3, 5)])
            assert (np.abs(shot - wanted).max(axis=2) <= 2).sum() > 50, role


def test_a_beat_is_shown_without_a_story(tmp_path):
    assert frame(still(STORY.beats[0], tmp_path / "a.png", quality="ql")).std() > 10


def test_bad_input_is_one_clear_error(tmp_path):
    with pytest.raises(UnknownNameError, match="'step-1'"):
        still(STORY, tmp_path / "a.png", "step1")
    with pytest.raises(UnknownNameError, match="ql"):
        still(STORY, tmp_path / "a.png", quality="low")
    with pytest.raises(ArgumentError, match=r"1\.5"):
        still(STORY, tmp_path / "a.png", alpha=1.5)
    with pytest.raises(ArgumentError, match=r"\.png"):
        still(STORY, tmp_path / "a.jpg")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        still(STORY, tmp_path / "file" / "a.png")
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
