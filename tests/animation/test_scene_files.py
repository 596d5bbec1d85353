"""A scene file, played by the manim command as its users play it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import av
import pytest
import srt
from manim import tempconfig
from samples import sample_story

from vizkit.animation import StoryScene, cues, read
from vizkit.animation.timing import rhythms
from vizkit.errors import ArgumentError

SCENE = """
from samples import sample_story
from vizkit.animation import StoryScene

class Sample(StoryScene):
    story = sample_story()

class Made(StoryScene):
    theme = "light"
    def make_story(self):
        return sample_story()
"""
ROOT = Path(__file__).parents[2]


def play(folder: Path, name: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "scene.py").write_text(SCENE)
    command = [sys.executable, "-m", "manim", "-ql", *options, "scene.py", name]
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'tests'}{os.pathsep}{ROOT}"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)


@pytest.mark.slow
def test_manim_plays_a_scene_file_with_sections_and_subtitles_and_from_its_cache(tmp_path):
    play(tmp_path, "Sample", "--save_sections")
    found = tmp_path / "media/videos/scene/480p15"
    sections = json.loads((found / "sections/Sample.json").read_text())
    story = sample_story()
    assert [section["name"] for section in sections] == [beat.name for beat in story.beats]
    subtitles = list(srt.parse((found / "Sample.srt").read_text()))
    assert [entry.content for entry in subtitles] == [str(beat.caption) for beat in story.beats]
    for entry, cue in zip(subtitles, cues(story), strict=True):
        assert entry.start.total_seconds() == pytest.approx(cue.start, abs=0.02)
        assert entry.end.total_seconds() == pytest.approx(cue.end, abs=0.02)
    with av.open(str(found / "Sample.mp4")) as container:
        assert container.streams.video[0].frames == round(cues(story)[-1].end * 15)
    first = (found / "Sample.mp4").read_bytes()
    parts = {each.name for each in (found / "partial_movie_files/Sample").glob("*.mp4")}
    durations = [seconds for times in rhythms(story) for seconds in (times.turn, *times.pulses, times.move, times.rest)]
    assert len(parts) == len([seconds for seconds in durations if seconds])  # a file for each play and each wait
    play(tmp_path, "Sample", "--save_sections")
    assert {each.name for each in (found / "partial_movie_files/Sample").glob("*.mp4")} == parts
    assert (found / "Sample.mp4").read_bytes() == first


@pytest.mark.slow
def test_a_part_of_a_scene_can_be_played_alone(tmp_path):
    play(tmp_path, "Made", "-n", "4,5")
    with av.open(str(tmp_path / "media/videos/scene/480p15/Made.mp4")) as container:
        seconds = container.streams.video[0].frames / 15
    assert seconds == pytest.approx(1.0 + 1.2, abs=0.1)  # the second beat's change and rest


def test_a_scene_without_a_story_says_so():
    class Empty(StoryScene):
        pass

    with pytest.raises(ArgumentError, match="Empty does not"):
        Empty.make_story(Empty.__new__(Empty))


def test_a_scene_class_is_named_after_its_story():
    made = StoryScene.of(sample_story(), "light")
    assert made.__name__ == "Sample" and made.theme == "light" and issubclass(made, StoryScene)


@pytest.mark.slow
def test_a_scene_that_has_been_played_shows_its_last_beat(tmp_path):
    with tempconfig({"media_dir": str(tmp_path), "quality": "low_quality", "dry_run": True, "verbosity": "ERROR"}):
        scene = StoryScene.of(sample_story())()
        scene.render()
    said = sample_story().beats[-1].quantities()
    found = read(scene)
    assert set(found) == set(said)
    assert found["loss/slope"] == said["loss/slope"] == 0.5
