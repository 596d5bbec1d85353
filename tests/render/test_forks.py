"""Scenes whose plays are drawn by copies of one process: manim's frames, and what happens in trouble."""

from __future__ import annotations

import contextlib
import io
import time
import wave
from pathlib import Path

import numpy as np
import pytest
from test_films import FILE, SMALL, SPLIT, TWO, manims, pictures, place, source  # noqa: F401 (place is a fixture)

from vizkit.animation.plain import pack
from vizkit.errors import RenderError
from vizkit.render import parts, scene_video, scenes
from vizkit.render.cache import Cache
from vizkit.render.jobs import Job
from vizkit.render.parts import Parts, Strayed
from vizkit.render.processes import Processes
from vizkit.render.troupes import Troupe, possible

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not possible(), reason="processes cannot be copied here"),
]


def made(name, folder, *, exact=False, file=FILE, cache=None, progress=None, workers=2):
    """Return what a scene consists of, and its segments as they are when all are made."""
    workplace = folder / f"parts of {name} {exact}"
    workplace.mkdir(exist_ok=True)
    hands = Processes(workers)
    found, segments = Parts(source(folder, name, file=file), SMALL, workplace, hands, cache, progress).made(exact)
    return found, list(segments)


class NoWalkers:
    """In the place of `scenes.jobs`, to show that no worker walks."""

    def __call__(self, *given):
        pytest.fail("a worker walked to its plays")


@pytest.mark.parametrize("name", SPLIT)
def test_copies_draw_manims_frames(name, place, monkeypatch):  # noqa: F811
    monkeypatch.setattr(scenes, "jobs", NoWalkers())
    wanted, _ = manims(name, place / "media")
    found, segments = made(name, place)
    ours = [frame for segment in segments for frame in pictures(segment)]
    assert len(ours) == len(wanted) == sum(play["frames"] for play in found.plays) > 10
    assert [number for number, pair in enumerate(zip(ours, wanted, strict=True)) if (pair[0] != pair[1]).any()] == []


def test_a_copy_that_leaves_the_scene_otherwise_is_found_out_and_nothing_is_kept(place):  # noqa: F811
    cache = Cache(place / "cache")
    for exact in (False, True):
        with pytest.raises(Strayed, match=r"play \d depends on frames drawn before it"):
            made("Watching", place, exact=exact, cache=cache)
    assert [path for path in (place / "cache").rglob("*") if path.is_file()] == []


def test_sections_words_and_sounds_are_manims(place):  # noqa: F811
    _, scene = manims("Shapes", place / "media")
    found, segments = made("Shapes", place)
    writer = scene.renderer.file_writer
    names = [(each.name, len(each.get_clean_partial_movie_files())) for each in writer.sections]
    assert [(each.name, each.segments) for each in found.sections] == names
    assert sum(count for _, count in names) == len(segments)
    spoken = [(each.content, each.start.total_seconds(), each.end.total_seconds()) for each in writer.subcaptions]
    assert [tuple(each) for each in found.cues] == spoken
    _, scene = manims("Clicks", place / "media")
    with wave.open(io.BytesIO(made("Clicks", place)[0].sound)) as ours:
        samples = np.frombuffer(ours.readframes(ours.getnframes()), "<i2")
    assert np.array_equal(samples, scene.renderer.file_writer.audio_segment.get_array_of_samples())


def test_the_video_has_the_bytes_that_walkers_make(place, monkeypatch):  # noqa: F811
    how = {"quality": "ql", "jobs": 2, "cache": False}
    forked = scene_video(FILE, "Chance", place / "a.mp4", **how).read_bytes()
    monkeypatch.setattr(parts, "possible", lambda: False)
    assert scene_video(FILE, "Chance", place / "b.mp4", **how).read_bytes() == forked


def test_only_what_is_edited_is_drawn_again_also_by_walkers(place, monkeypatch):  # noqa: F811
    shares = []

    def told(**words):
        names, cache = [], Cache(place / "cache")
        (place / "two.py").write_text(TWO.format(**words), encoding="utf-8")

        def progress(share, name):
            names.append(name)
            shares.append(share)

        segments = made("Two", place, file=place / "two.py", cache=cache, progress=progress)[1]
        assert not names or shares[-1] == pytest.approx(1.0)
        return set(names), [segment.packets for segment in segments]

    names, first = told(way="UP", rate=1)
    assert names == {"play 0", "play 1", "play 2", "play 3"} and shares == sorted(shares)
    assert told(way="UP", rate=1) == (set(), first)
    assert told(way="UP", rate=2)[0] == {"play 2", "play 3"}
    assert told(way="DOWN", rate=2)[0] == {"play 1", "play 2", "play 3"}
    monkeypatch.setattr(parts, "possible", lambda: False)
    assert told(way="UP", rate=1) == (set(), first)


def test_an_interruption_keeps_what_is_done(place):  # noqa: F811
    (place / "two.py").write_text(TWO.format(way="UP", rate=1), encoding="utf-8")
    about = {"file": place / "two.py", "cache": Cache(place / "cache")}
    names = []

    def interrupted(share, name):
        names.append(name)
        if len(names) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made("Two", place, progress=interrupted, **about)
    first, later = set(names), []
    made("Two", place, progress=lambda share, name: later.append(name), **about)
    assert 0 < len(set(later)) < 4 and first | set(later) == {"play 0", "play 1", "play 2", "play 3"}


TWINS = """
from manim import *

class Twins(Scene):
    def construct(self):
        for _ in range(3):
            self.wait(0.2)
            self.play(FadeIn(Square()), run_time=0.3)
            self.clear()
"""


def test_plays_that_are_alike_are_drawn_once(place):  # noqa: F811
    (place / "twins.py").write_text(TWINS, encoding="utf-8")
    names = []
    _, segments = made("Twins", place, file=place / "twins.py", progress=lambda share, name: names.append(name))
    assert sorted(names) == ["play 0", "play 1"] and len(segments) == 6
    assert segments[0] == segments[2] == segments[4] and segments[1] == segments[3] == segments[5]


def test_a_scene_that_only_plays_a_story_is_made_of_its_jobs(place):  # noqa: F811
    (place / "told.py").write_text(
        "from samples import sample_story\nfrom vizkit.animation import StoryScene\n"
        "class Told(StoryScene):\n    def make_story(self):\n        return sample_story()\n",
        encoding="utf-8",
    )
    found, segments = made("Told", place, file=place / "told.py")
    assert {job.kind for job in found.jobs} == {"play"} and len(segments) == len(found.jobs)


TROUBLE = """
import os, signal, threading
from manim import *

class Threads(Scene):
    def construct(self):
        self.play(FadeIn(Square()), run_time=0.2)
        threading.Thread(target=threading.Event().wait, daemon=True).start()
        self.play(FadeIn(Circle()), run_time=0.2)

class Deadly(Scene):
    def construct(self):
        dot = Dot()
        self.add(dot.add_updater(lambda mobject, dt: self.is_drawn() and os.kill(os.getpid(), signal.SIGKILL)))
        self.wait(0.2)

    def is_drawn(self):
        return self.camera.pixel_array[..., :3].any()

class Wrong(Deadly):
    def construct(self):
        self.add(Dot().add_updater(lambda mobject, dt: self.is_drawn() and 1 / 0))
        self.wait(0.2)

class Leaving(Scene):
    def construct(self):
        self.wait(0.2)
        os._exit(3)
"""


@pytest.fixture
def trouble(place):  # noqa: F811
    path = place / "trouble.py"
    path.write_text(TROUBLE, encoding="utf-8")
    return path


def test_a_scene_with_threads_is_not_copied_but_walked_through(place, trouble, monkeypatch):  # noqa: F811
    walked = []
    jobs = scenes.jobs
    monkeypatch.setattr(scenes, "jobs", lambda *given: walked.append(jobs(*given)) or walked[-1])
    _, segments = made("Threads", place, file=trouble)
    assert len(walked) == 1 and [segment.frames for segment in segments] == [3, 3]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Deadly", r"making 'play 0' ended too early, with exit code -9"),
        ("Wrong", r"Wrong failed in line \d+ of trouble.py: ZeroDivisionError"),
        ("Leaving", r"'Leaving' ended too early"),
    ],
)
def test_a_process_that_fails_is_one_clear_error(name, message, place, trouble):  # noqa: F811
    with pytest.raises(RenderError, match=message):
        made(name, place, file=trouble)


def alive(group):
    """Return the processes of a group that have not ended, from the system's own list."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            state, _, of = path.read_text().rpartition(")")[2].split()[:3]
            found += [path.parent.name] if int(of) == group and state != "Z" else []
    return found


def test_when_it_is_closed_all_its_processes_end(place):  # noqa: F811
    job = Job("Shapes", "", 1.0, "survey", SMALL, {})
    troupe = Troupe(2)
    troupe.lead(pack({"ahead": True}, job.to_bytes(), source(place, "Shapes").to_bytes()))
    assert troupe.copies[0].poll(60) or troupe.copies[1].poll(60)  # a copy asks whether to draw
    assert len(alive(troupe.process.pid)) >= 2
    troupe.close()
    deadline = time.monotonic() + 20
    while alive(troupe.process.pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)
