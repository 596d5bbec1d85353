"""Saved figures: whole files, the same bytes, ids for every mark."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from matplotlib.figure import Figure
from samples import Machine, Parabola, sample_story

from vizkit import plots
from vizkit.errors import ArgumentError, OutputError, UnknownNameError

SUFFIXES = ["png", "svg", "pdf"]
MAGIC = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_view_gives_the_same_bytes(tmp_path, suffix):
    first, second = (
        plots.save(Machine(1.5), tmp_path / f"{name}.{suffix}", "dark").read_bytes() for name in ("a", "b")
    )
    assert first == second
    assert first.startswith(MAGIC[suffix])
    assert first != plots.save(Machine(1.5), tmp_path / f"c.{suffix}", "light").read_bytes()


@pytest.mark.slow
def test_another_process_with_another_hash_seed_gives_the_same_bytes(tmp_path):
    code = "import samples, sys; from vizkit import plots; plots.save(samples.Machine(1.5), sys.argv[1])"
    tests = str(Path(__file__).parents[1])
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": tests}
        subprocess.run([sys.executable, "-c", code, str(tmp_path / f"{seed}.svg")], env=environment, check=True)
    assert (tmp_path / "1.svg").read_bytes() == (tmp_path / "2.svg").read_bytes()


def test_an_svg_has_an_id_for_each_mark_and_each_once(tmp_path):
    beat = sample_story().beats[1]
    tree = ElementTree.fromstring(plots.save(beat, tmp_path / "beat.svg").read_bytes())
    ids = [item.get("id") for item in tree.iter() if item.get("id")]
    assert beat.keys <= set(ids)
    assert all(ids.count(key) == 1 for key in beat.keys)


def test_an_svg_needs_no_fonts(tmp_path):
    text = plots.save(Parabola(1.0), tmp_path / "plot.svg").read_text()
    assert "<text" not in text and "font-family" not in text


def test_axes_of_a_users_figure_are_saved_with_the_whole_figure(tmp_path):
    figure = Figure(figsize=(5, 2))
    left, right = figure.subfigures(1, 2)
    plots.draw(Parabola(1.0), left.subplots())
    ax = plots.draw(Machine(1.0), right.subplots())
    by_axes = plots.save(ax, tmp_path / "axes.svg").read_bytes()
    assert by_axes == plots.save(figure, tmp_path / "figure.svg").read_bytes()
    assert b'id="slope"' in by_axes and b'id="weight"' in by_axes


@pytest.mark.parametrize("folder", ["missing", "file.txt"])
def test_a_folder_that_cannot_be_written_is_an_output_error(tmp_path, folder):
    (tmp_path / "file.txt").write_text("not a folder")
    with pytest.raises(OutputError, match="cannot be written"):
        plots.save(Parabola(1.0), tmp_path / folder / "plot.png")


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path, monkeypatch):
    target = tmp_path / "plot.png"
    target.write_bytes(b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OutputError, match="No space left"):
        plots.save(Parabola(1.0), target)
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["plot.png"]


def test_bad_input_is_refused(tmp_path):
    with pytest.raises(UnknownNameError, match=r"'pngg'.*'png'"):
        plots.save(Parabola(1.0), tmp_path / "plot.pngg")
    with pytest.raises(ArgumentError, match="int was given"):
        plots.save(3, tmp_path / "plot.png")
    with pytest.raises(ArgumentError, match="'dark'"):
        plots.save(Figure(), tmp_path / "plot.png", "dark")
    assert list(tmp_path.iterdir()) == []
