"""Videos, read back with a decoder: frames, length, chapters, pictures, bytes; and what happens in trouble."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from samples import sample_story

from vizkit.animation.timing import cues
from vizkit.errors import ArgumentError, OutputError, RenderError, UnknownNameError
from vizkit.render import encoding, formats, still, video
from vizkit.render.processes import Processes
from vizkit.stories.story import Pulse
from vizkit.views.text import words

STORY = sample_story()
TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module", autouse=True)
def empty_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIZKIT_CACHE", str(tmp_path_factory.mktemp("segments")))
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory, empty_cache):
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
    assert {name for _, name in told} == {beat.name for beat in STORY.beats}
    assert told[-1][0] == pytest.approx(1.0) and told == sorted(told, key=lambda each: each[0])


@pytest.mark.slow
def test_the_same_story_gives_the_same_bytes_by_one_process_or_two_and_from_the_cache(tmp_path, made):
    for name, options in {"one": {"jobs": 1}, "two": {"jobs": Processes(2)}}.items():
        path = video(STORY, tmp_path / f"{name}.mp4", "ql", cache=False, **options)
        for suffix in (".mp4", ".srt", ".vtt"):
            assert path.with_suffix(suffix).read_bytes() == made[0].with_suffix(suffix).read_bytes()
    again = video(STORY, tmp_path / "again.mp4", "ql", jobs=NotToBeAsked())
    assert again.read_bytes() == made[0].read_bytes()


class NotToBeAsked:
    """An executor for when everything is in the cache."""

    workers = 1

    def run(self, batches, source):
        pytest.fail(f"these were drawn again: {[job.name for batch in batches for job in batch]}")


@pytest.mark.slow
def test_a_changed_beat_is_drawn_alone(made, tmp_path):
    caption = words("Another caption, and nothing else.")
    story = replace(STORY, beats=(*STORY.beats[:-1], replace(STORY.beats[-1], caption=caption)))
    told = []
    video(story, tmp_path / "a.mp4", "ql", progress=lambda share, name: told.append(name))
    assert set(told) == {STORY.beats[-1].name}


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".webm", ".mov", ".gif", ""])
def test_other_formats_have_the_same_moments(made, tmp_path, suffix):
    path = video(STORY, tmp_path / f"sample{suffix}", "ql")
    wanted = [frame.to_ndarray(format="rgb24") for frame in av.open(str(made[0])).decode(video=0)]
    if not suffix:
        files = sorted(path.iterdir())
        assert [file.name for file in files] == [f"{number:04d}.png" for number in range(len(wanted))]
        pictures = [np.asarray(Image.open(file).convert("RGB")) for file in files]
    else:
        with av.open(str(path)) as container:
            pictures = [frame.to_ndarray(format="rgba") for frame in container.decode(video=0)]
        if suffix == ".mov":
            assert all(picture[3, 3, 3] == 0 for picture in pictures) and pictures[-1][..., 3].max() == 255
    assert len(pictures) == len(wanted)
    for number in range(0, len(wanted), 7):
        error = np.abs(pictures[number][..., :3].astype(int) - wanted[number]).mean()
        assert error < 4.0, number  # of 255: GIF has 256 colours, and the encoders


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".webm", ""])
def test_a_transparent_ground_is_as_in_the_mov(tmp_path, suffix):
    wanted = shown(video(STORY, tmp_path / "a.mov", "ql", jobs=1))
    found = shown(video(STORY, tmp_path / f"a{suffix}", "ql", transparent=True, jobs=1))
    assert len(found) == len(wanted) and found[-1][..., 3].max() == 255
    for number in range(0, len(wanted), 7):
        pair = found[number].astype(int), wanted[number].astype(int)
        assert pair[0][3, 3, 3] <= 2, number  # of 255: the encoder
        assert np.abs(pair[0][..., 3] - pair[1][..., 3]).mean() < 0.5, number  # of 255: the encoder
        colours = [each[..., :3] * each[..., 3:] / 255 for each in pair]  # before a black ground
        assert np.abs(colours[0] - colours[1]).mean() < 1.5, number


def shown(path):
    """Return the frames of a video, or of a folder, with their transparency; ffmpeg's own decoder of VP9 drops it."""
    if path.is_dir():
        return [np.asarray(Image.open(each)) for each in sorted(path.iterdir())]
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        if path.suffix != ".webm":
            return [frame.to_ndarray(format="rgba") for frame in container.decode(stream)]
        assert stream.metadata["alpha_mode"] == "1"
        decoder = av.CodecContext.create("libvpx-vp9", "r")
        frames = [frame for packet in container.demux(stream) if packet.size for frame in decoder.decode(packet)]
        return [frame.to_ndarray(format="rgba") for frame in [*frames, *decoder.decode(None)]]


def test_bad_input_is_one_clear_error_and_what_was_there_stays(tmp_path):
    old = tmp_path / "old.mp4"
    old.write_text("old")
    with pytest.raises(UnknownNameError, match="qm"):
        video(STORY, old, "low")
    with pytest.raises(UnknownNameError, match="mp4"):
        video(STORY, tmp_path / "a.avi")
    with pytest.raises(ArgumentError, match="webm, png as the format"):
        video(STORY, old, transparent=True)
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


def test_a_broken_encoder_is_a_render_error_and_leaves_nothing(tmp_path, monkeypatch):
    refused = replace(formats.FORMATS["mp4"], moving={"preset": "none"}, still={"preset": "none"})
    monkeypatch.setattr(encoding, "FORMATS", {"mp4": refused})
    with pytest.raises(RenderError, match="encoder") as caught:
        video(STORY, tmp_path / "a.mp4", "ql", jobs=1, cache=False)
    assert isinstance(caught.value.__cause__, av.error.FFmpegError)
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
