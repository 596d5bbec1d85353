"""Any scene: the frames that manim itself renders, before encoding, though each play was drawn by itself."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import av
import numpy as np
import pytest
import srt
from frame_keeper import frame_keeper
from manim import tempconfig
from manim.renderer.cairo_renderer import CairoRenderer
from PIL import Image

from vizkit.errors import ArgumentError, RenderError, UnknownNameError
from vizkit.render import scene_video, scenes
from vizkit.render.formats import Shot
from vizkit.render.jobs import Job
from vizkit.render.processes import Here
from vizkit.render.sessions import Session, Source

FILE = Path(__file__).parent / "film_scenes.py"
SMALL = Shot(160, 90, 15, "png")
SPLIT = ["Shapes", "Updaters", "Chance", "Journey", "Space"]


def source(folder, name, exact=False, file=FILE):
    return Source(str(file), name, str(folder), str(folder), exact)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working folder with a sound in it."""
    beep = (8000 * np.sin(np.arange(4410) / 8)).astype("<i2")
    with wave.open(str(tmp_path / "click.wav"), "wb") as file:
        file.setparams((1, 2, 22050, 0, "NONE", ""))
        file.writeframes(beep.tobytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def manims(name, folder):
    """Return all frames that manim's own renderer hands to its file writer, and the scene."""
    import film_scenes

    frames, writer = frame_keeper()
    size = {"pixel_width": SMALL.width, "pixel_height": SMALL.height, "frame_rate": SMALL.rate, "seed": 0}
    settings = {**size, "media_dir": str(folder), "format": "mp4", "disable_caching": True, "progress_bar": "none"}
    with tempconfig({**settings, "verbosity": "ERROR"}):
        kind = getattr(film_scenes, name)
        camera = {"Journey": film_scenes.MovingCameraScene, "Space": film_scenes.ThreeDScene}.get(name, kind)().camera
        scene = kind(renderer=CairoRenderer(file_writer_class=writer, camera_class=type(camera)))
        scene.render()
    return frames, scene


def pictures(segment):
    return [np.asarray(Image.open(io.BytesIO(packet.data)).convert("RGBA")) for packet in segment.packets]


def drawn(name, folder, exact=False, order=lambda jobs: jobs):
    """Return the frames of each play, drawn by itself in some order, and whether any strayed."""
    about = source(folder, name, exact)
    jobs = scenes.jobs(scenes.survey(about, SMALL), SMALL)
    found, strays = {}, []
    for job in order(jobs):
        segment = scenes.Segment.from_bytes(scenes.carry_out(job, about.to_bytes()))
        found[job.name] = pictures(segment)
        strays += [job.name] if scenes.strayed(job, segment.notes) else []
    return [frame for job in jobs for frame in found[job.name]], strays


@pytest.mark.slow
@pytest.mark.parametrize("exact", [False, True], ids=["leaping", "step by step"])
@pytest.mark.parametrize("name", SPLIT)
def test_each_play_drawn_by_itself_has_manims_frames(name, exact, place):
    wanted, _ = manims(name, place / "media")
    # The even plays first, and then a new scene for the odd ones: so every play is walked to.
    ours, strays = drawn(name, place, exact, lambda jobs: jobs[::2] + jobs[1::2])
    assert strays == []
    assert len(ours) == len(wanted) > 10
    assert [number for number, pair in enumerate(zip(ours, wanted, strict=True)) if (pair[0] != pair[1]).any()] == []


@pytest.mark.slow
def test_a_scene_that_depends_on_having_been_drawn_is_found_out_and_drawn_in_one_piece(place, monkeypatch):
    monkeypatch.setenv("VIZKIT_CACHE", str(place / "cache"))
    assert drawn("Watching", place)[1] and drawn("Watching", place, exact=True)[1]
    wanted, _ = manims("Watching", place / "media")
    told = []
    video = scene_video(FILE, "Watching", place / "frames", "ql", jobs=2, notice=told.append)
    assert len(list(video.iterdir())) == len(wanted)
    assert len(told) == 1 and "one piece" in told[0]
    assert [path for path in (place / "cache").rglob("*") if path.is_file()] == []
    whole = scenes.carry_out_whole(Job("", "", 1, "whole", SMALL, {}), source(place, "Watching").to_bytes())
    ours = [frame for each in scenes.unpack(whole)[1][1:] for frame in pictures(scenes.Segment.from_bytes(each))]
    assert all((a == b).all() for a, b in zip(ours, wanted, strict=True))


@pytest.mark.slow
def test_sections_and_words_are_manims(place):
    wanted, scene = manims("Shapes", place / "media")
    path = scene_video(FILE, "Shapes", place / "shapes.mp4", "ql", jobs=Here())
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        times = [frame.pts * stream.time_base for frame in container.decode(stream)]
        chapters = [(each["metadata"]["title"], each["start"], each["end"]) for each in container.chapters()]
    assert len(times) == len(wanted) and np.allclose(np.diff(np.array(times, dtype=float)), 1 / 15)
    first = round(1000 * sum(scenes_frames("first", scene)) / 15)
    assert chapters == [("first", 0, first), ("second", first, round(1000 * len(wanted) / 15))]
    said = list(srt.parse(path.with_suffix(".srt").read_text(encoding="utf-8")))
    spoken = [(each.content, each.start, each.end) for each in scene.renderer.file_writer.subcaptions]
    assert [(each.content, each.start, each.end) for each in said] == [
        (text, *(srt.timedelta(milliseconds=round(at.total_seconds() * 1000)) for at in span)) for text, *span in spoken
    ]


def scenes_frames(name, scene):
    """Frames of a section's plays in `film_scenes.Shapes`: 0.6, 0.4 and 0.5 seconds at 15 a second."""
    assert name == next(section.name for section in scene.renderer.file_writer.sections)
    return [9, 6, 7]


@pytest.mark.slow
def test_sounds_are_at_their_times(place):
    _, scene = manims("Clicks", place / "media")
    with wave.open(io.BytesIO(scenes.survey(source(place, "Clicks"), SMALL).sound)) as ours:
        samples = np.frombuffer(ours.readframes(ours.getnframes()), "<i2")
    segment = scene.renderer.file_writer.audio_segment
    assert ours.getframerate() == segment.frame_rate and np.array_equal(samples, segment.get_array_of_samples())
    for suffix in (".mp4", ".webm"):
        path = scene_video(FILE, "Clicks", place / f"clicks{suffix}", "ql", jobs=Here())
        with av.open(str(path)) as container:
            heard = np.concatenate([frame.to_ndarray().mean(axis=0) for frame in container.decode(audio=0)])
            rate = container.streams.audio[0].rate
        loud = [
            np.abs(heard[int(rate * a) : int(rate * b)]).mean() for a, b in ((0.03, 0.17), (0.25, 0.45), (0.55, 0.65))
        ]
        assert loud[1] < loud[2] / 10 and 0.3 < loud[2] / loud[0] < 0.7  # the second one is 6 dB softer


TWO = """
from manim import *

def size(t):
    return 1 + {rate} * t

class Two(Scene):
    def construct(self):
        square = Square()
        self.play(Create(square), run_time=0.4)
        self.play(square.animate.shift({way}), run_time=0.4)
        circle = Circle()
        self.play(UpdateFromAlphaFunc(circle, lambda m, t: m.set(width=size(t))), run_time=0.4)
        self.play(FadeOut(square), run_time=0.4)
"""


@pytest.mark.slow
def test_only_what_is_edited_is_drawn_again(place):
    def told(**words):
        names = []
        (place / "two.py").write_text(TWO.format(**words), encoding="utf-8")
        scene_video(
            place / "two.py", "", place / "two.mp4", "ql", jobs=Here(), progress=lambda _, name: names.append(name)
        )
        return set(names)

    assert told(way="UP", rate=1) == {"play 0", "play 1", "play 2", "play 3"}
    first = (place / "two.mp4").read_bytes()
    assert told(way="UP", rate=1) == set() and (place / "two.mp4").read_bytes() == first
    assert told(way="UP", rate=2) == {"play 2"} | {"play 3"}  # a function that an animation calls, and what it leaves
    assert told(way="1 * UP", rate=2) == set()
    assert told(way="DOWN", rate=2) == {"play 1", "play 2", "play 3"}  # the square is elsewhere from then on
    assert told(way="UP", rate=1) == set()  # all of it was drawn before


def test_what_is_wrong_with_a_file_is_one_clear_error(place):
    with pytest.raises(RenderError, match=r"Forgetful failed in line \d+ of film_scenes.py: NameError.*Sqare"):
        scene_video(FILE, "Forgetful", place / "a.mp4", "ql", jobs=Here())
    with pytest.raises(UnknownNameError, match="Shapes"):
        scene_video(FILE, "Shape", place / "a.mp4", "ql", jobs=Here())
    with pytest.raises(ArgumentError, match="Chance, Clicks"):
        scene_video(FILE, "", place / "a.mp4", "ql", jobs=Here())
    with pytest.raises(ArgumentError, match="nowhere"):
        scene_video(place / "nowhere.py", "", place / "a.mp4", "ql")
    (place / "bad.py").write_text("1 +\n", encoding="utf-8")
    with pytest.raises(RenderError, match="SyntaxError"):
        scene_video(place / "bad.py", "", place / "a.mp4", "ql", jobs=Here())
    assert sorted(path.name for path in place.iterdir()) == ["bad.py", "click.wav"]


def test_a_scene_that_only_plays_a_story_is_drawn_as_one(place):
    (place / "told.py").write_text(
        "from samples import sample_story\nfrom vizkit.animation import StoryScene\n"
        "class Told(StoryScene):\n    theme = 'light'\n    def make_story(self):\n        return sample_story()\n",
        encoding="utf-8",
    )
    job = Job("", "", 1, "survey", SMALL, {})
    head, (found,) = scenes.unpack(
        scenes.carry_out_survey(job, source(place, "Told", file=place / "told.py").to_bytes())
    )
    told = scenes.Told.from_bytes(found)
    assert head == {"kind": "told"} and told.title == "Sample story"
    assert {each.kind for each in told.jobs} == {"play"} and told.jobs[0].head["theme"]["name"] == "light"


def test_a_scene_leaves_nothing_in_this_process(place):
    from manim import config

    before = dict(config)
    session = Session(source(place, "Updaters"), SMALL)
    session.walk()
    session.close()
    assert dict(config) == before and Path.cwd() == place
