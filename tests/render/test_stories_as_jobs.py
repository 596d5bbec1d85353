"""A story's jobs hold what their plays show: the frames, the hash that names them, and nothing of anything else."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from frame_keeper import frame_keeper
from manim import tempconfig
from manim.renderer.cairo_renderer import CairoRenderer
from PIL import Image
from samples import sample_story

from vizkit.animation import StoryScene
from vizkit.animation._manim import StoryCamera
from vizkit.animation.plain import frame_from, frame_to
from vizkit.animation.script import plays
from vizkit.exhibits import all_exhibits, get
from vizkit.render import stories
from vizkit.render.formats import Shot
from vizkit.render.segments import Segment
from vizkit.theme import DARK, LIGHT
from vizkit.views.text import words

SMALL = Shot(320, 180, 15, "png")
STORIES = [exhibit.name for exhibit in all_exhibits() if exhibit.story and exhibit.extra is None]


@pytest.mark.parametrize("name", STORIES)
def test_each_job_holds_the_frames_of_its_play(name):
    story = get(name).make_story()
    planned, jobs = list(plays(story, DARK)), stories.jobs(story, DARK, SMALL)
    assert [job.name for job in jobs] == [play.beat.name for play in planned]
    for play, job in zip(planned, jobs, strict=True):
        assert (job.blobs[0], job.blobs[-1]) == (frame_to(play.before), frame_to(play.after))
        shown = frame_from(job.blobs[-1]).items
        assert list(shown) == list(play.after.items)
        assert all(np.array_equal(shown[key].colour, item.colour) for key, item in play.after.items.items())


@pytest.mark.slow
def test_jobs_draw_the_frames_that_manim_renders_of_the_scene(tmp_path):
    story, (wanted, writer) = sample_story(), frame_keeper()
    size = {"pixel_width": SMALL.width, "pixel_height": SMALL.height, "frame_rate": SMALL.rate, "format": "mp4"}
    with tempconfig({**size, "media_dir": str(tmp_path), "disable_caching": True, "verbosity": "ERROR"}):
        StoryScene.of(story)(renderer=CairoRenderer(file_writer_class=writer, camera_class=StoryCamera)).render()
    segments = [Segment.from_bytes(stories.carry_out(job)) for job in stories.jobs(story, DARK, SMALL)]
    ours = [Image.open(io.BytesIO(packet.data)) for segment in segments for packet in segment.packets]
    assert len(ours) == len(wanted)
    for number, (picture, frame) in enumerate(zip(ours, wanted, strict=True)):
        assert np.array_equal(np.asarray(picture.convert("RGBA")), frame), number


def keys(story=None, theme=DARK, shot=SMALL):
    return [job.key for job in stories.jobs(story or sample_story(), theme, shot)]


def test_a_key_tells_apart_whatever_makes_other_frames_and_nothing_else():
    story = sample_story()
    last = replace(story.beats[-1], caption=words("Other words."))
    edited = keys(replace(story, beats=(*story.beats[:-1], last)))
    assert keys() == keys(sample_story()) == keys(replace(story, summary="another summary"))
    changed = [number for number, (a, b) in enumerate(zip(keys(), edited, strict=True)) if a != b]
    of_last = [number for number, play in enumerate(plays(story, DARK)) if play.beat is story.beats[-1]]
    assert changed == of_last
    for other in (keys(theme=LIGHT), keys(shot=replace(SMALL, rate=30)), keys(shot=replace(SMALL, width=322))):
        assert not set(other) & set(keys())
    assert not set(keys(shot=replace(SMALL, format="mov"))) & set(keys())


def test_other_code_or_another_library_makes_other_keys(monkeypatch):
    before = keys()
    monkeypatch.setattr(stories, "stamp", lambda: "another")
    assert not set(keys()) & set(before)
