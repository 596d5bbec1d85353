"""Every example of the README runs, and does what the text around it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))


def code_of(section: str) -> str:
    code = "\n".join(re.findall(r"```python\n(.*?)```", SECTIONS[section], re.DOTALL))
    assert code, section
    return code


def run(section: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    code = code_of(section)
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    exec(compile(code, f"README: {section}", "exec"), names)
    return names


def test_there_are_seven_examples() -> None:
    assert sum("```python" in text for text in SECTIONS.values()) == 7


def test_a_figure_on_ones_own_axes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run("A figure on your own axes", tmp_path, monkeypatch)
    from vizkit import plots

    assert plots.read(names["left"])["line[1]"].tolist() == [[-5, -11], [5, 9]]
    assert names["figure"].axes == [names["left"], names["right"]]


def test_tracing_ones_own_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn")
    names = run("Tracing your own model", tmp_path, monkeypatch)
    import vizkit

    assert names["hidden"].axes == ("step", "batch", "units")
    assert names["hidden"].shape == (2, 1, 8)
    assert vizkit.load(tmp_path / "run.vkt").equals(names["trace"])


def test_long_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run("Long runs", tmp_path, monkeypatch)
    losses = names["losses"]
    assert losses.steps[:3] == (0, 1, 2) and losses.steps[-1] == 794 and len(losses.steps) < 40
    assert losses.values[-1] < losses.values[0] and names["run"].complete


def test_pytorch_and_keras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    trace = run("PyTorch and Keras", tmp_path, monkeypatch)["trace"]
    losses = [event.value for event in trace.events("loss")]
    assert len(losses) == 40 and losses[-1] < losses[0]
    assert [layer.node.kind for layer in trace.model.layers] == ["Dense", "Activation", "Dense"]
    assert trace.missing() == ()


@pytest.mark.slow
def test_a_video(tmp_path: Path) -> None:
    pytest.importorskip("manim")
    (tmp_path / "edges.py").write_text(code_of("A video") + 'trace.save("edges.vkt")\n', encoding="utf-8")
    # as a file that is run, since that starts processes
    subprocess.run([sys.executable, "edges.py"], cwd=tmp_path, timeout=120, check=True)
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == ["edges.mp4", "edges.py", "edges.srt", "edges.vkt", "edges.vtt"]
    import vizkit

    event = next(iter(vizkit.load(tmp_path / "edges.vkt").events("forward")))
    image = event.inputs[0][0, :, :, 0]
    slow = [[sum(image[r + i, c] - image[r + i, c + 2] for i in range(3)) for c in range(4)] for r in range(4)]
    np.testing.assert_allclose(event.output[0, :, :, 0], slow)


@pytest.mark.slow
def test_slides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("Slides", tmp_path, monkeypatch)
    assert (tmp_path / "tangent.svg").read_bytes().startswith(b"<?xml")
    assert (tmp_path / "storyboard.pdf").read_bytes().startswith(b"%PDF")


def test_a_custom_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    losses = run("A custom layer", tmp_path, monkeypatch)["history"].history["loss"]
    assert losses[-1] < 0.1 * losses[0]


def test_the_command_lines_are_commands() -> None:
    from vizkit.cli import _parser

    lines = re.findall(r"^    vizkit (\S.*?)(?:  |$)", SECTIONS["The command line"], re.MULTILINE)
    assert len(lines) > 5
    for line in lines:
        assert _parser().parse_args(line.split()).run


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (ROOT / target).exists(), target


def test_every_plot_function_is_named() -> None:
    from vizkit import plots

    named = set(re.findall(r"`(\w+)`", SECTIONS["A figure on your own axes"]))
    assert set(plots.__all__) - {"draw", "figure", "read", "save", "storyboard"} <= named
