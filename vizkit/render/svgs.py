"""Drawings in SVG, as manim reads them, without the file that it writes on the way.

manim writes what it is about to read beside the drawing, under a name made from the drawing's, and removes it.
Processes that read the same drawing at one moment would take it away from each other.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from xml.etree import ElementTree

from manim import RIGHT, SVGMobject
from svgelements import SVG

__all__ = ["in_memory"]


@contextmanager
def in_memory() -> Iterator[None]:
    """Let drawings that are read in the block need no other file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder, in_memory():
    ...     _ = Path(folder, "a.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><circle r="3"/></svg>')
    ...     len(SVGMobject(f"{folder}/a.svg").submobjects)
    1
    """
    before = SVGMobject.generate_mobject
    SVGMobject.generate_mobject = _generate
    try:
        yield
    finally:
        SVGMobject.generate_mobject = before


def _generate(self: SVGMobject) -> SVGMobject:
    """Read a drawing: `SVGMobject.generate_mobject` of manim 0.22 but for the file."""
    written = io.BytesIO()
    self.modify_xml_tree(ElementTree.parse(self.get_file_path())).write(written)
    written.seek(0)
    mobjects, self.id_to_vgroup_dict = self.get_mobjects_from(SVG.parse(written))
    self.add(*mobjects)
    return self.flip(RIGHT)
