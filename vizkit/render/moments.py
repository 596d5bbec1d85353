"""What a scene is at the beginning of a play: its state, what its next frames depend on, and its picture, as hashes."""

from __future__ import annotations

import hashlib
import sys
import threading
from collections.abc import Iterator
from types import FrameType

from manim import Scene

from vizkit.render.codes import is_library
from vizkit.render.guide import steady
from vizkit.render.states import Fingerprint, generators

__all__ = ["border", "content", "picture"]


def border(scene: Scene, thread: int | None = None) -> str:
    """Return the fingerprint of the whole state.

    Parameters
    ----------
    scene
        The scene, waiting at a play's beginning, or at its end.
    thread
        The thread in which its code runs; this one when None.
    """
    found = Fingerprint(codes=False).add("random", generators()).add("scene", scene)
    found.add("time", scene.renderer.time).add("camera", scene.camera)
    for frame in _frames(threading.get_ident() if thread is None else thread):
        found.add(frame.f_code.co_name, {name: frame.f_locals[name] for name in sorted(frame.f_locals)})
    return found.hex()


def content(scene: Scene) -> str:
    """Return the fingerprint of what a play's frames depend on, or an empty text when it is not known."""
    shown = [scene.mobjects, scene.foreground_mobjects, scene.animations, scene.updaters]
    found = Fingerprint(codes=True).add("shown", shown).add("camera", scene.camera)
    found.add("how", [scene.duration, scene.always_update_mobjects])
    if not steady(scene):  # a function may ask for the time or for random numbers
        found.add("moment", [generators(), float(scene.renderer.time)])
    return found.hex() if found.complete else ""


def picture(scene: Scene) -> str:
    """Return a hash of the picture of all that is on the scene."""
    camera = scene.camera
    camera.reset()
    camera.capture_mobjects([*scene.mobjects, *scene.foreground_mobjects])
    return hashlib.sha256(camera.pixel_array).hexdigest()


def _frames(thread: int) -> Iterator[FrameType]:
    """Yield the frames of the user's code that a thread runs, the innermost first."""
    frame = sys._current_frames().get(thread)
    while frame is not None:
        module = sys.modules.get(frame.f_globals.get("__name__", ""))
        if module is not None and not is_library(module) and frame.f_code.co_name != "<module>":
            yield frame
        frame = frame.f_back
