"""A file without a scene, a scene without a play, a file that ends the program: what its author is told."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("manim")

from vizkit.errors import ArgumentError, RenderError
from vizkit.render.formats import Shot
from vizkit.render.sessions import Source, scene_class, staged

EMPTY = "from manim import Scene\nclass Still(Scene):\n    pass\n"
SLIPS = {
    "no scene": ("x = 1\n", "", ArgumentError, "scene.py has no scene"),
    "no scene of that name": ("x = 1\n", "Still", ArgumentError, "scene.py has no scene"),
    "several": (EMPTY + EMPTY.replace("Still", "Other"), "", ArgumentError, "it has: Other, Still"),
    "the end of the program": ("import sys\nsys.exit('bye')\n", "", RenderError, "failed in line 2 of scene.py.*bye"),
    "a bracket": ("x = (\n", "", RenderError, "SyntaxError.*line 1"),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_file_that_gives_no_scene(tmp_path: Path, slip: str) -> None:
    text, name, error, says = SLIPS[slip]
    (tmp_path / "scene.py").write_text(text, encoding="utf-8")
    with pytest.raises(error, match=says):
        scene_class(str(tmp_path / "scene.py"), name)


@pytest.mark.parametrize("name", ["", "Still"])
def test_a_scene_that_plays_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / "scene.py").write_text(EMPTY, encoding="utf-8")
    source = Source(str(tmp_path / "scene.py"), name, str(tmp_path), str(tmp_path))
    with (
        pytest.raises(RenderError, match=f"^The scene ?{name} plays nothing and waits for nothing"),
        staged(source, Shot(64, 36, 10, "mp4"), lambda _: None) as scene,
    ):
        scene.render()
