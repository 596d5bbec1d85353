"""A cluster with a real scheduler and real workers: workers that die, hang, come late, or are of another make."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from samples import sample_story

from vizkit.errors import ArgumentError, RenderError
from vizkit.render import remote, scene_video, video
from vizkit.render.bundles import packed, unpacked
from vizkit.render.engine import make
from vizkit.render.formats import Shot
from vizkit.render.sessions import Source
from vizkit.render.stories import jobs
from vizkit.theme import DARK

pytest.importorskip("distributed")

from vizkit.render.cluster import Cluster

pytestmark = pytest.mark.slow

STORY = sample_story()
SHOT = Shot(854, 480, 15, "mp4")
OTHER_MAKE = "import vizkit.render.stamps as stamps\nstamps.libraries = lambda: 'manim 0.1, numpy 2'\n"


@dataclass
class Machine:
    """A scheduler and its workers, each a process of its own."""

    folder: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        log = (self.folder / f"{len(self.processes)}.log").open("wb")
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "VIZKIT_CACHE": str(self.folder / "unused")}
        process = subprocess.Popen(
            [sys.executable, "-m", *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
        )
        self.processes.append(process)
        return process

    def scheduler(self) -> str:
        file = self.folder / "scheduler.json"
        self.start("distributed.cli.dask_scheduler", "--port", "0", "--no-dashboard", "--no-show",
                   "--host", "127.0.0.1", "--scheduler-file", str(file))  # fmt: skip
        deadline = time.monotonic() + 30
        while not (file.exists() and file.read_text()):
            assert time.monotonic() < deadline, "the scheduler did not start"
            time.sleep(0.05)
        return json.loads(file.read_text())["address"]

    def worker(self, address: str, *options: str) -> subprocess.Popen[bytes]:
        return self.start("distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard",
                          "--host", "127.0.0.1", "--local-directory", str(self.folder), *options)  # fmt: skip

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.wait()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    found = Machine(tmp_path)
    yield found
    found.stop()


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The video as this computer alone makes it."""
    return video(STORY, tmp_path_factory.mktemp("alone") / "a.mp4", "ql", jobs=1, cache=False).read_bytes()


def _once(action: Callable[[], object]) -> Callable[[float, str], None]:
    """Do something when the first segment has come."""
    left = [action]
    return lambda share, name: left.pop()() if left else None


def _video(cluster: Cluster, folder: Path, **options: object) -> bytes:
    return video(STORY, folder / "a.mp4", "ql", jobs=cluster, cache=False, **options).read_bytes()


def test_a_worker_that_is_killed_loses_its_job_to_another(machine, wanted, tmp_path):
    address = machine.scheduler()
    workers = [machine.worker(address) for _ in range(2)]
    with Cluster(address) as cluster:
        assert _video(cluster, tmp_path, progress=_once(workers[0].kill)) == wanted


def test_a_worker_that_hangs_loses_its_job_to_another(machine, wanted, tmp_path):
    address = machine.scheduler()
    workers = [machine.worker(address) for _ in range(2)]
    with Cluster(address) as cluster:
        while cluster.workers < 2:
            time.sleep(0.1)
        cluster.patience = 12

        def hang() -> None:
            workers[0].send_signal(signal.SIGSTOP)

        with pytest.warns(RuntimeWarning, match="gets no work"):
            assert _video(cluster, tmp_path, progress=_once(hang)) == wanted


def test_a_worker_that_comes_late_gets_work_and_one_of_another_make_gets_none(machine, wanted, tmp_path):
    address = machine.scheduler()
    preload = tmp_path / "preload.py"
    preload.write_text(OTHER_MAKE)
    machine.worker(address, "--preload", str(preload))
    late = threading.Timer(4.0, machine.worker, [address])
    late.start()
    with Cluster(address) as cluster, pytest.warns(RuntimeWarning, match="does not match: it has manim 0.1, numpy 2"):
        assert _video(cluster, tmp_path) == wanted
    late.join()


def test_workers_that_do_not_match_are_not_used_even_when_there_are_no_others(machine, tmp_path):
    address = machine.scheduler()
    preload = tmp_path / "preload.py"
    preload.write_text(OTHER_MAKE)
    machine.worker(address, "--preload", str(preload))
    with (
        Cluster(address, patience=8) as cluster,
        pytest.warns(RuntimeWarning, match="does not match"),
        pytest.raises(RenderError, match="no worker that can be used for 8 seconds; 1 were refused"),
    ):
        _video(cluster, tmp_path)
    assert not (tmp_path / "a.mp4").exists()


def test_when_the_scheduler_goes_away_what_is_done_is_kept(machine, wanted, tmp_path):
    address = machine.scheduler()
    machine.worker(address)
    with Cluster(address, patience=10) as cluster, pytest.raises(RenderError, match="went away"):
        video(STORY, tmp_path / "a.mp4", "ql", jobs=cluster, progress=_once(machine.processes[0].kill))
    assert not (tmp_path / "a.mp4").exists()
    made: list[str] = []
    path = video(STORY, tmp_path / "a.mp4", "ql", jobs=1, progress=lambda share, name: made.append(name))
    assert path.read_bytes() == wanted
    assert 0 < len(made) < len({job.key for job in jobs(STORY, DARK, SHOT)})


def test_a_cluster_on_this_computer(wanted, tmp_path):
    with Cluster("local", workers=2) as cluster:
        assert _video(cluster, tmp_path) == wanted


HELPER = "from manim import BLUE\n\ncolor = BLUE\n"
SCENE = """
from pathlib import Path

from helper import color
from manim import Scene, Square, ValueTracker


class Sides(Scene):
    def construct(self):
        side = ValueTracker(1)
        square = Square(color=color).add_updater(lambda each: each.set(width=side.get_value()))
        self.add(square)
        for number in Path("sides.txt").read_text().split():
            self.play(side.animate.set_value(float(number)), run_time=0.4)
            self.wait(0.2)
"""


def test_a_scene_of_a_user_travels_with_the_files_that_it_needs(machine, tmp_path, monkeypatch):
    folder = tmp_path / "project"
    folder.mkdir()
    for name, content in {"scene.py": SCENE, "helper.py": HELPER, "sides.txt": "2 3 1 4"}.items():
        (folder / name).write_text(content)
    monkeypatch.chdir(folder)
    address = machine.scheduler()
    machine.worker(address)
    said: list[str] = []
    how = {"quality": "ql", "cache": False, "notice": said.append}
    alone = scene_video("scene.py", "Sides", tmp_path / "alone.mp4", jobs=1, **how)
    with Cluster(address) as cluster:
        made = scene_video("scene.py", "Sides", tmp_path / "made.mp4", jobs=cluster, **how)
    assert said == []  # it was drawn in parts
    assert made.read_bytes() == alone.read_bytes()


DEADLY = """
import os, signal
from manim import Scene


class Deadly(Scene):
    def construct(self):
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_scene_that_kills_whoever_draws_it_is_given_up(machine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deadly.py").write_text(DEADLY)
    address = machine.scheduler()
    machine.worker(address)
    with Cluster(address) as cluster, pytest.raises(RenderError, match=r"3 workers were lost .* making 'Deadly'"):
        scene_video("deadly.py", "Deadly", tmp_path / "a.mp4", "ql", jobs=cluster, cache=False)


def test_a_process_that_dies_is_told_and_replaced():
    job = jobs(STORY, DARK, SHOT)[0].to_bytes()
    drawn = remote.carry_out(job, "")
    remote._hands[0]._process.kill()
    assert remote.carry_out(job, "") == remote.LOST
    assert remote.carry_out(job, "") == drawn
    remote._close()


def test_no_scheduler_is_an_error_at_once():
    with pytest.raises(RenderError, match=r"no Dask scheduler at 'tcp://127.0.0.1:9'"):
        Cluster("tcp://127.0.0.1:9", patience=1)
    with pytest.raises(ArgumentError, match="address of a Dask scheduler"):
        Cluster("")


def test_the_files_of_a_scene_travel_without_what_manim_made(tmp_path):
    scene = tmp_path / "here"
    for name in ("scene.py", "parts/helper.py", "media/videos/old.mp4", ".git/config", "parts/__pycache__/x.pyc"):
        path = scene / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    there = unpacked(packed(Source(str(scene / "scene.py"), "One", str(scene), str(scene))), tmp_path / "there")
    found = {path.relative_to(there.folder).as_posix() for path in Path(there.folder).rglob("*") if path.is_file()}
    assert found == {"scene.py", "parts/helper.py"}
    assert (there.scene, Path(there.file).read_text()) == ("One", "scene.py")
    with pytest.raises(RenderError, match="at most 0 MB, but there are more"):
        packed(Source(str(scene / "scene.py"), "One", str(scene), str(scene)), limit=10)


def test_a_file_outside_the_scenes_folder_is_refused(tmp_path):
    from vizkit.animation.plain import pack

    about = {"file": "scene.py", "scene": "One", "exact": False}
    for name in ("../out.py", "/tmp/out.py", "a/../../out.py"):
        with pytest.raises(RenderError, match="lie in its folder"):
            unpacked(pack({"names": [name], "source": about}, b"x"), tmp_path / "there")
    assert not (tmp_path / "out.py").exists()


def test_an_error_in_a_job_is_the_error_of_the_video(tmp_path):
    from vizkit.render.jobs import Job

    with Cluster("local", workers=1) as cluster, pytest.raises(RenderError, match="is it from another vizkit"):
        make([Job("odd", "", 0.1, "unheard of", SHOT, {})], tmp_path, cluster)
