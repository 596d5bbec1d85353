"""Any scene: the frames that manim itself renders, before encoding, though each play was drawn by itself."""

from __future__ import annotations

import io
import shutil
import wave
from pathlib import Path

import av
import numpy as np
import pytest
import srt
from manim import tempconfig
from manim.renderer.cairo_renderer import CairoRenderer
from manim.scene.scene_file_writer import SceneFileWriter
from PIL import Image

from vizkit.errors import ArgumentError, RenderError, UnknownNameError
from vizkit.render import QUALITIES, scene_video, scenes
from vizkit.render.formats import Shot
from vizkit.render.jobs import Job
from vizkit.render.processes import Processes
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

    frames = []

    class Kept(SceneFileWriter):
        def write_frame(self, pixels, *, repeat=1):
            frames.extend([pixels.copy()] * repeat)

        def begin_animation(self, *args, **kwargs):
            pass

        def end_animation(self, *args, **kwargs):
            pass

        def finish(self):
            pass

    size = {"pixel_width": SMALL.width, "pixel_height": SMALL.height, "frame_rate": SMALL.rate, "seed": 0}
    settings = {**size, "media_dir": str(folder), "format": "mp4", "disable_caching": True, "progress_bar": "none"}
    with tempconfig({**settings, "verbosity": "ERROR"}):
        kind = getattr(film_scenes, name)
        camera = {"Journey": film_scenes.MovingCameraScene, "Space": film_scenes.ThreeDScene}.get(name, kind)().camera
        scene = kind(renderer=CairoRenderer(file_writer_class=Kept, camera_class=type(camera)))
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
def test_a_scene_that_depends_on_having_been_drawn_is_found_out_and_drawn_in_one_piece(place):
    assert drawn("Watching", place)[1] and drawn("Watching", place, exact=True)[1]
    wanted, _ = manims("Watching", place / "media")
    told = []
    video = scene_video(FILE, "Watching", place / "frames", "ql", jobs=2, notice=told.append)
    assert len(list(video.iterdir())) == len(wanted)
    assert len(told) == 1 and "one piece" in told[0]
    whole = scenes.carry_out_whole(Job("", "", 1, "whole", SMALL, {}), source(place, "Watching").to_bytes())
    ours = pictures(scenes.Segment.from_bytes(scenes.unpack(whole)[1][1]))
    assert all((a == b).all() for a, b in zip(ours, wanted, strict=True))
