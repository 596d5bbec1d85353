"""What, beside its data, a segment's frames depend on: the code that draws and encodes them."""

from __future__ import annotations

import hashlib
import importlib.metadata
from functools import cache
from pathlib import Path

import av

from vizkit.theme import FONTS, font_path

__all__ = ["code", "libraries", "stamp"]

LIBRARIES = ("manim", "numpy", "pycairo", "typst", "svgelements", "av")
_ENCODES = ("render/encoding.py", "render/stillness.py", "render/segments.py")
_STORIES = (*_ENCODES, "animation/*.py", "views/*.py", "render/stories.py", "theme.py")
_SCENES = (
    *_STORIES,
    "render/guide.py",
    "render/sessions.py",
    "render/moments.py",
    "render/forks.py",
    "render/svgs.py",
    "render/states.py",
    "render/codes.py",
    "render/scenes.py",
)


def stamp() -> str:
    """Return a fingerprint of the code, the fonts and the libraries that draw a story's frames.

    Stories, pages and the command line are not in it: what they change is in the frames' data, or in no frame.
    """
    return _stamp(_STORIES)


def code() -> str:
    """Return a fingerprint of the code that leads a scene and encodes its frames."""
    return _stamp(_SCENES)


@cache
def _stamp(patterns: tuple[str, ...]) -> str:
    found = hashlib.sha256(libraries().encode())
    root = Path(__file__).parents[1]
    files = [path for pattern in patterns for path in root.glob(pattern)]
    for path in sorted(files) + sorted(font_path(face) for face in FONTS):
        found.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


@cache
def libraries() -> str:
    """Return the names and versions of the libraries that draw and encode."""
    versions = [f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES]
    return ", ".join([*versions, *(f"{name} {'.'.join(map(str, at))}" for name, at in av.library_versions.items())])
