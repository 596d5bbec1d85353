"""The files of a video's sections, held against those that manim writes of the same scene."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest
from manim import tempconfig
from samples import sample_story

from vizkit.animation import StoryScene
from vizkit.errors import ArgumentError, OutputError
from vizkit.render import scene_video, video
from vizkit.render.processes import Here
from vizkit.render.sessions import inside, scene_class

CHAPTERS = '''
from enum import Enum
from manim import *

class Kind(str, Enum):
    LOOP = "presentation.loop"

class Chapters(Scene):
    """Sections with names and types of all sorts, empty ones, ones that are left out, and a play before the first."""

    def construct(self):
        square = Square()
        self.play(Create(square), run_time=0.4)
        self.next_section("Wie geht's? Fünf/6", Kind.LOOP)
        self.play(square.animate.shift(UP), run_time=0.4)
        self.wait(0.4)
        self.next_section("nothing happens")
        self.next_section("left out", skip_animations=True)
        self.play(square.animate.shift(LEFT), run_time=0.4)
        self.wait(0.4)
        self.next_section("...")
        self.play(FadeOut(square), run_time=0.4)
        self.next_section("the end")

class Plain(Scene):
    def construct(self):
        self.play(FadeIn(Square()), run_time=0.4)

class Watching(Scene):
    """It depends on having been drawn, so it cannot be drawn in parts."""

    def construct(self):
        dot = Dot()
        self.add(dot)
        self.next_section("first")
        dot.add_updater(lambda mobject, dt: mobject.shift(0.02 * self.camera.pixel_array[..., :3].mean() * RIGHT))
        self.wait(0.4)
        self.next_section("second")
        self.play(FadeIn(Square()), run_time=0.4)
'''


@pytest.fixture
def place(tmp_path, monkeypatch):
    (tmp_path / "chapters.py").write_text(CHAPTERS, encoding="utf-8")
    monkeypatch.setenv("VIZKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def by_manim(kind, folder):
    """Let manim render a scene with its sections; return their folder."""
    settings = {"quality": "low_quality", "media_dir": str(folder), "save_sections": True, "disable_caching": True}
    with tempconfig({**settings, "format": "mp4", "progress_bar": "none", "verbosity": "ERROR", "seed": 0}):
        kind().render()
    return next(folder.rglob("sections"))


def frames(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert not container.streams.audio
        found = [(frame.pts * stream.time_base, frame.to_ndarray(format="rgb24")) for frame in container.decode(stream)]
    assert np.allclose([float(time) for time, _ in found], np.arange(len(found)) / 15)
    return [picture for _, picture in found]


def check(ours: Path, theirs: Path, whole: Path) -> int:
    """Hold a folder of sections against manim's, and its frames also against those of the whole video."""
    assert sorted(path.name for path in ours.iterdir()) == sorted(path.name for path in theirs.iterdir())
    listed = json.loads((ours / f"{whole.stem}.json").read_text(encoding="utf-8"))
    assert listed == json.loads((theirs / f"{whole.stem}.json").read_text(encoding="utf-8"))
    joined = []
    for section in listed:
        made, wanted = frames(ours / section["video"]), frames(theirs / section["video"])
        assert len(made) == len(wanted) == int(section["nb_frames"])
        assert max(np.abs(a.astype(int) - b).mean() for a, b in zip(made, wanted, strict=True)) < 1.5  # of 255
        joined += made
    assert all((a == b).all() for a, b in zip(joined, frames(whole), strict=True))
    return len(listed)


class NotToBeAsked:
    """An executor for when all plays are in the cache: only looking through the scene is left to do."""

    workers = 1

    def run(self, batches, source):
        batches = [list(batch) for batch in batches]
        assert {job.kind for batch in batches for job in batch} == {"survey"}
        yield from Here().run(batches, source)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "count"), [("Chapters", 3), ("Plain", 1), ("Watching", 2)])
def test_sections_are_manims_drawn_apart_or_in_one_piece_and_from_the_cache(name, count, place):
    with inside(str(place)):
        theirs = by_manim(scene_class("chapters.py", name), place / "media")
    for turn, jobs in enumerate([1, NotToBeAsked()][: 1 if name == "Watching" else 2]):
        path = place / str(turn) / f"{name}.mp4"
        scene_video("chapters.py", name, path, "ql", jobs=jobs, sections=True)
        assert check(path.parent / "sections", theirs, path) == count
        assert sorted(each.name for each in path.parent.iterdir()) == [f"{name}.mp4", "sections"]


@pytest.mark.slow
def test_each_beat_of_a_story_is_a_section_as_in_manims_video_of_it(place):
    story = sample_story()
    theirs = by_manim(StoryScene.of(story), place / "media")
    path = video(story, place / "ours" / "Sample.mp4", "ql", sections=True)
    assert check(path.parent / "sections", theirs, path) == len(story.beats)


@pytest.mark.slow
def test_a_gif_has_its_sections_as_mp4_as_manims(place):
    path = scene_video("chapters.py", "Plain", place / "a.gif", "ql", jobs=Here(), sections=True)
    assert [each.name for each in sorted((path.parent / "sections").iterdir())] == ["a.json", "a_0000_autocreated.mp4"]


def test_sections_that_cannot_be_written_are_refused_before_the_work(place):
    with pytest.raises(ArgumentError, match="pictures"):
        scene_video("chapters.py", "Plain", place / "frames", "ql", sections=True)
    (place / "sections").write_text("a file of somebody's")
    with pytest.raises(OutputError, match="sections"):
        video(sample_story(), place / "a.mp4", "ql", sections=True)
    assert (place / "sections").read_text() == "a file of somebody's"
    assert not (place / "a.mp4").exists()
