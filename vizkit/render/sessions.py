"""A scene that is being played, and waits at the beginning of each play for what to do.

The user's code runs in a thread of its own, since its plays are calls that must not return before the play is
over. The thread and the one that leads it never run at the same time.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import asdict, dataclass
from functools import partial
from io import StringIO
from pathlib import Path
from queue import SimpleQueue
from types import ModuleType
from typing import Any

import manim.scene.scene as scenes
from manim import Scene, config, tempconfig

from vizkit.animation.plain import pack, unpack
from vizkit.errors import ArgumentError, RenderError, VizkitError, unknown_name
from vizkit.render.codes import is_library
from vizkit.render.encoding import Encoder
from vizkit.render.formats import FORMATS, Shot
from vizkit.render.guide import Guide, Writer
from vizkit.render.moments import border, content, picture
from vizkit.render.svgs import in_memory

__all__ = ["Left", "Session", "Source", "inside", "quiet", "scene_class", "staged"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a scene comes from.

    Attributes
    ----------
    file
        The Python file.
    scene
        The class's name.
    folder
        The working folder, from which the scene takes its files.
    media
        A folder for what manim makes on the way, such as the outlines of texts.
    exact
        Whether plays are walked through frame by frame always.
    """

    file: str
    scene: str
    folder: str
    media: str
    exact: bool = False

    def to_bytes(self) -> bytes:
        """Return the source as bytes."""
        return pack(asdict(self))

    @classmethod
    def from_bytes(cls, data: bytes) -> Source:
        """Return the source that bytes were made from."""
        return cls(**unpack(data)[0])


class Left(BaseException):
    """Ends a scene that nobody leads any more; no scene catches it by mistake."""


class Session:
    """A scene, built and led play by play.

    Attributes
    ----------
    index
        The play that the scene waits at, counted from 0 without those that have no frames.
    over
        Whether the scene has ended.
    """

    def __init__(self, source: Source, shot: Shot, *, listens: bool = False) -> None:
        self.source, self.shot, self.listens = source, shot, listens
        self.index, self.over, self.scene = -1, False, None
        self._stand = (-1, ("", ""))  # of a play: what `stand` has found
        self._orders: SimpleQueue[Encoder | Left | None] = SimpleQueue()
        self._news: SimpleQueue[BaseException | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._play, name=f"scene {source.scene}", daemon=True)
        self._run(self._thread.start)

    @property
    def renderer(self) -> Guide:
        """The renderer, for what it has counted."""
        return self.scene.renderer

    @property
    def writer(self) -> Writer:
        """What manim has noted: sections, subtitles, sounds."""
        return self.scene.renderer.file_writer

    def walk(self) -> None:
        """Go through the play without drawing, and on to the next."""
        self._go(None)

    def draw(self, encoder: Encoder) -> None:
        """Draw the play, and go on to the next."""
        self._go(encoder)

    def close(self) -> None:
        """End the scene."""
        if not self.over:
            self._orders.put(Left())
            self._thread.join()
            self.over = True

    def border(self) -> str:
        """Return the fingerprint of the state at this play's beginning, or at the end."""
        return border(self.scene, self._thread.ident or 0)

    def content(self) -> str:
        """Return the fingerprint of what this play's frames depend on, or an empty text when it is not known."""
        return content(self.scene)

    def stand(self) -> tuple[str, str]:
        """Return the fingerprint of the state, and a hash of all that is on the scene; at the end there is none."""
        if self._stand[0] != self.index:
            self._stand = self.index, (self.border(), "" if self.over else picture(self.scene))
        return self._stand[1]

    def _go(self, order: Encoder | None) -> None:
        self._run(partial(self._orders.put, order))

    def _run(self, start: Callable[[], None]) -> None:
        """Let the scene's thread go on until the next play, or the end."""
        with quiet(self.listens), inside(self.source.folder):
            start()
            trouble = self._news.get()
        if trouble is not None:
            self.over = True
            raise trouble

    # -- in the scene's thread ---------------------------------------------------------------------

    def _play(self) -> None:
        try:
            with staged(self.source, self.shot, self._ask) as self.scene:
                self.writer.listens = self.listens
                self.scene.render()
        except Left:
            return
        except VizkitError as error:
            self._news.put(error)
        else:
            self.index += 1
            self.over = True
            self._news.put(None)

    def _ask(self, scene: Scene) -> Encoder | None:
        self.scene = scene
        self.index += 1
        self._news.put(None)
        order = self._orders.get()
        if isinstance(order, Left):
            raise order
        return order


@contextmanager
def staged(source: Source, shot: Shot, ask: Callable[[Scene], Encoder | None]) -> Iterator[Scene]:
    """Build a scene that asks at each play whether to draw it, in manim's settings for it.

    Raises
    ------
    RenderError
        If the scene fails, also in the block; the message says in which line.
    """
    try:
        with tempconfig(_settings(source, shot)), in_memory():
            kind = scene_class(source.file, source.scene)
            with _led(ask, source.exact):
                scene = kind()
            yield scene
    except (VizkitError, Left):
        raise
    except BaseException as error:
        raise _failed(source.scene, source.file, error) from None


def scene_class(file: str, name: str) -> type[Scene]:
    """Return a scene class from a file, read anew with the modules that lie beside it; without a name, the only one.

    Raises
    ------
    ArgumentError
        If there are several scenes, or none, and no name.
    UnknownNameError
        If the file has no such scene.
    """
    path = Path(file).resolve()
    for known, module in list(sys.modules.items()):
        beside = getattr(module, "__file__", None)
        if beside and Path(beside).is_relative_to(path.parent) and known != "__main__" and not is_library(module):
            del sys.modules[known]  # what an earlier scene has changed there must not be found by this one
    module = ModuleType(f"scene_file_{path.stem}")  # a name that no other module has
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    # Compiled from its text, not from a kept compilation: that could be an older one of the same second.
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), vars(module))
    except (Exception, SystemExit) as error:
        raise _failed(name, str(path), error) from None
    found = {each.__name__: each for each in vars(module).values() if _is_scene(each, module)}
    if not name and len(found) == 1:
        return next(iter(found.values()))
    if not found:
        raise ArgumentError(f"{path.name} has no scene: no class in it derives from manim's Scene.")
    if not name:
        raise ArgumentError(f"Name one scene of {path.name}; it has: {', '.join(sorted(found))}.")
    if name not in found:
        raise unknown_name("scene", name, found)
    return found[name]


def _is_scene(thing: object, module: ModuleType) -> bool:
    return isinstance(thing, type) and issubclass(thing, Scene) and thing.__module__ == module.__name__


def _settings(source: Source, shot: Shot) -> dict[str, Any]:
    """Return manim's settings; those that a user's ``manim.cfg`` has beside them stay.

    Without a seed manim takes one from the system, and no two renderings are alike; here it is then 0.
    """
    folder = source.media
    return {
        "media_dir": folder, "video_dir": folder, "images_dir": folder, "log_dir": folder, "log_to_file": False,
        "partial_movie_dir": str(Path(folder) / "parts"), "sections_dir": str(Path(folder) / "sections"),
        "input_file": source.file, "output_file": "scene", "renderer": "cairo", "dry_run": False,
        "pixel_width": shot.width, "pixel_height": shot.height, "frame_rate": shot.rate,
        "format": "mov" if FORMATS[shot.format].clear else "mp4", "transparent": FORMATS[shot.format].clear,
        "save_sections": False, "write_all": False, "preview": False, "live_preview": False,
        "show_in_file_browser": False, "from_animation_number": 0, "upto_animation_number": -1,
        "progress_bar": "none", "disable_caching": True, "max_files_cached": -1,
        "seed": 0 if config.seed is None else config.seed,
    }  # fmt: skip


@contextmanager
def _led(ask: Callable[[Scene], Encoder | None], exact: bool) -> Iterator[None]:
    """Let a scene that is made now get a `Guide` as its renderer: manim makes scenes without arguments."""
    before = scenes.CairoRenderer
    scenes.CairoRenderer = partial(Guide, ask, exact=exact)
    try:
        yield
    finally:
        scenes.CairoRenderer = before


@contextmanager
def quiet(prints: bool) -> Iterator[None]:
    """Keep manim's reports off the standard output, and the scene's own too unless it shall print."""
    log = logging.getLogger("manim")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with nullcontext() if prints else redirect_stdout(StringIO()):
            yield
    finally:
        log.setLevel(level)


@contextmanager
def inside(folder: str) -> Iterator[None]:
    """Work in a folder, as the scene's author does."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _failed(scene: str, file: str, error: BaseException) -> RenderError:
    """Return the error of a scene that failed: what went wrong, and on which line of its file."""
    path, way = Path(file).resolve(), traceback.extract_tb(error.__traceback__)
    named = f"The scene {scene}".rstrip()
    if way and way[-1].name == "post_construct":  # manim looks there whether anything was played
        return RenderError(f"{named} plays nothing and waits for nothing, so there is nothing to film.")
    steps = [step for step in way if Path(step.filename) == path]
    where = f" in line {steps[-1].lineno} of {path.name}" if steps else ""
    return RenderError(f"{named} failed{where}: {type(error).__name__}: {error}")
