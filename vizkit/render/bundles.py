"""A scene's files on their way to another machine: one piece of bytes, and a folder that they become there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from vizkit.animation.plain import pack, unpack
from vizkit.errors import RenderError
from vizkit.render.sessions import Source

__all__ = ["LIMIT", "packed", "unpacked"]

LIMIT = 200_000_000  # bytes; a folder with more is hardly a scene's
_APART = {"__pycache__", "media", "node_modules", "site-packages"}


def packed(source: Source, limit: int = LIMIT) -> bytes:
    """Return a scene's folder as bytes.

    It is the working folder if the scene's file lies in it, else the folder of the file. What is hidden, and
    what manim has made (``media``), stays.

    Raises
    ------
    RenderError
        If the folder holds more than `limit` bytes.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "scene.py").write_text("x = 1")
    ...     unpack(packed(Source(f"{folder}/scene.py", "One", folder, folder)))[0]["names"]
    ['scene.py']
    """
    file, folder = Path(source.file).resolve(), Path(source.folder).resolve()
    root = folder if file.is_relative_to(folder) else file.parent
    names, contents, size = [], [], 0
    for path in _files(root):
        size += path.stat().st_size
        if size > limit:
            raise RenderError(
                f"All files of {root} travel to the cluster, at most {limit / 1e6:.0f} MB, but there are more."
                " Start vizkit in a folder that holds the scene and its assets only."
            )
        names.append(path.relative_to(root).as_posix())
        contents.append(path.read_bytes())
    about = {"file": file.relative_to(root).as_posix(), "scene": source.scene, "exact": source.exact}
    return pack({"names": names, "source": about}, *contents)


def _files(root: Path) -> Iterator[Path]:
    for folder, inner, names in os.walk(root):
        inner[:] = sorted(name for name in inner if name not in _APART and not name.startswith("."))
        for path in (Path(folder, name) for name in sorted(names)):
            if not path.name.startswith(".") and path.is_file():
                yield path


def unpacked(bundle: bytes, folder: Path) -> Source:
    """Write a scene's files into a folder, and return where the scene is now.

    Raises
    ------
    RenderError
        If the bytes are damaged, or name a file outside the folder.
    """
    head, contents = unpack(bundle)
    root = folder / "scene"
    for name, content in zip(head["names"], contents, strict=True):
        place = PurePosixPath(name)
        if place.is_absolute() or ".." in place.parts:
            raise RenderError(f"A scene's files lie in its folder, but one is named {name!r}.")
        path = root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    media = folder / "media"
    media.mkdir(parents=True, exist_ok=True)
    source = Source(head["source"]["file"], head["source"]["scene"], str(root), str(media), head["source"]["exact"])
    return replace(source, file=str(root / source.file))
