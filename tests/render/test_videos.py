"""Videos, read back with a decoder: frames, length, chapters, pictures, bytes; and what happens in trouble."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from samples import sample_story

from vizkit.animation.timing import cues
from vizkit.errors import ArgumentError, OutputError, RenderError, UnknownNameError
from vizkit.render import still, video
from vizkit.stories.story import Pulse

STORY = sample_story()
TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("video")
    told = []
    path = video(STORY, folder / "sample.mp4", "ql", progress=lambda share, name: told.append((share, name)))
    return path, told


@pytest.mark.slow
def test_the_video_has_every_frame_once_and_its_chapters(made):
    with av.open(str(made[0])) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height, stream.average_rate) == (854, 480, 15)
        assert container.metadata["title"] == "Sample story"
        chapters = [(chapter["metadata"]["title"], chapter["end"]) for chapter in container.chapters()]
        stamps = [frame.pts * stream.time_base for frame in container.decode(stream)]
    whole = cues(STORY)
    assert len(stamps) == round(whole[-1].end * 15)
    assert np.allclose(np.diff(np.array(stamps, dtype=float)), 1 / 15)
    assert chapters == [(cue.name, round(cue.end * 1000)) for cue in whole]


@pytest.mark.slow
def test_a_frame_of_the_video_is_the_still_of_its_moment(made, tmp_path):
    from PIL import Image

    with av.open(str(made[0])) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    for cue in cues(STORY):
        settled = frames[round(cue.end * 15) - 1].astype(int)
        wanted = np.asarray(Image.open(still(STORY, tmp_path / "s.png", cue.name, quality="ql"))).astype(int)
        assert np.abs(settled - wanted).mean() < 2.0  # of 255: colours at half resolution, and the encoder
        assert np.abs(settled - wanted[:, ::-1]).mean() > 5.0


@pytest.mark.slow
def test_only_the_video_and_its_subtitles_are_left_and_progress_was_told(made):
    path, told = made
    assert sorted(each.name for each in path.parent.iterdir()) == ["sample.mp4", "sample.srt", "sample.vtt"]
    assert [name for _, name in told] == [beat.name for beat in STORY.beats]
    assert told[-1][0] == pytest.approx(1.0) and told == sorted(told)


def rendered(path, prelude=""):
    """Render the sample in a process of its own, as the gallery does with each story."""
    code = f"import samples, sys, vizkit\n{prelude}\nvizkit.render.video(samples.sample_story(), sys.argv[1], 'ql')"
    environment = {"PYTHONPATH": str(TESTS), "PATH": "", "HOME": str(path.parent)}
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    return path


@pytest.mark.slow
def test_the_same_story_gives_the_same_bytes_in_another_process(tmp_path):
    first, second = rendered(tmp_path / "first.mp4"), rendered(tmp_path / "second.mp4")
    for suffix in (".mp4", ".srt", ".vtt"):
        assert first.with_suffix(suffix).read_bytes() == second.with_suffix(suffix).read_bytes()


@pytest.mark.slow
def test_the_file_is_the_one_that_manims_own_encoder_makes(tmp_path):
    own = "import manim, vizkit.animation._manim as m; m.steady_renderer = manim.renderer.cairo_renderer.CairoRenderer"
    steady, plain = rendered(tmp_path / "steady.mp4"), rendered(tmp_path / "plain.mp4", own)
    assert plain.read_bytes() == steady.read_bytes()


def test_bad_input_is_one_clear_error_and_what_was_there_stays(tmp_path):
    old = tmp_path / "old.mp4"
    old.write_text("old")
    with pytest.raises(UnknownNameError, match="qm"):
        video(STORY, old, "low")
    with pytest.raises(ArgumentError, match=r"\.mp4"):
        video(STORY, tmp_path / "a.avi")
    with pytest.raises(OutputError, match="folder"):
        video(STORY, _folder(tmp_path / "a.mp4"))
    with pytest.raises(OutputError):
        video(STORY, old / "inside" / "a.mp4")
    assert old.read_text() == "old"


def _folder(path):
    path.mkdir()
    return path


def test_a_failure_half_way_leaves_nothing_behind(tmp_path):
    broken = replace(STORY.beats[1], motion=(Pulse(("machine/left",), "gradient"),))
    story = replace(STORY, beats=(STORY.beats[0], broken))
    with pytest.raises(ArgumentError, match="Disc"):
        video(story, tmp_path / "a.mp4", "ql")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("inner", [KeyError("inner"), av.error.InvalidDataError(1, "inner")])
def test_a_broken_encoder_is_a_render_error_and_a_fault_of_ours_stays_what_it_is(inner, tmp_path, monkeypatch):
    from manim import Scene

    def fail(self, *args, **kwargs):
        raise inner

    monkeypatch.setattr(Scene, "wait", fail)
    with pytest.raises(RenderError if isinstance(inner, av.error.FFmpegError) else KeyError, match="inner") as caught:
        video(STORY, tmp_path / "a.mp4", "ql")
    assert inner in (caught.value, caught.value.__cause__)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("module", ["manim", "typst"])
def test_without_manim_the_error_says_what_to_install(module, tmp_path):
    code = f"""
import sys
sys.modules[{module!r}] = None  # as if it were not installed
import samples, vizkit
for make, name in ((vizkit.render.video, 'a.mp4'), (vizkit.render.still, 'a.png')):
    try:
        make(samples.sample_story(), name)
    except vizkit.errors.MissingExtraError as error:
        print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(TESTS), "PATH": ""},
        capture_output=True,
        text=True,
    )
    wanted = f"This needs {module}, which is not installed. Install it with: pip install 'vizkit[video]'"
    assert done.stdout.splitlines() == [wanted, wanted], done.stderr
    assert list(tmp_path.iterdir()) == []
