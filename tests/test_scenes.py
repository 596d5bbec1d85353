"""Each file in scenes/ is played by the manim command, and holds no numbers of its own."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from vizkit import exhibits

SCENES = sorted((Path(__file__).parents[1] / "scenes").glob("*.py"))


def test_every_story_has_a_scene() -> None:
    assert {path.stem for path in SCENES} == {e.name for e in exhibits.all_exhibits() if e.story}


@pytest.mark.parametrize("path", SCENES, ids=lambda path: path.stem)
def test_a_scene_holds_no_literal_numbers_and_no_random_ones(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    numbers = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, (int, float))]
    assert numbers == []
    assert "random" not in path.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("path", SCENES, ids=lambda path: path.stem)
def test_manim_plays_a_scene(path: Path, tmp_path: Path) -> None:
    pytest.importorskip("manim")
    import srt

    size = ["--resolution", "320,180", "--fps", "1"]
    command = [sys.executable, "-m", "manim", *size, "--media_dir", str(tmp_path), str(path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(list(tmp_path.rglob(f"videos/{path.stem}/*/*.mp4"))) == 1
    (subtitles,) = tmp_path.rglob("*.srt")
    said = [entry.content for entry in srt.parse(subtitles.read_text(encoding="utf-8"))]
    assert said == [str(beat.caption) for beat in exhibits.get(path.stem).make_story().beats]
