"""``vizkit inspect`` and ``vizkit export``."""

from __future__ import annotations

import numpy as np
import pytest

from vizkit.cli import main
from vizkit.trace import Keep, ModelDescription, Node, Recorder, Trace, samples


@pytest.fixture
def run(tmp_path):
    return samples.tiny_trace().save(tmp_path / "run.vkt")


def test_a_whole_run(run, capsys):
    assert main(["inspect", str(run)]) == 0
    said = capsys.readouterr().out
    for part in ("run.vkt: 'tiny'", "3 (0 to 2), 15 events, 0 epochs", f"{run.stat().st_size:,} in the file"):
        assert part in said
    assert "dense [Dense]: forward 3" in said and "complete  yes" in said and "verified" not in said
    assert main(["inspect", "--verify", str(run)]) == 0
    assert "verified  every byte; 3 rows" in capsys.readouterr().out


def test_a_damaged_run_has_another_exit_code(run, capsys):
    raw = bytearray(run.read_bytes())
    raw[raw.index(b"ROWS") + 200] ^= 1
    run.write_bytes(raw)
    assert main(["inspect", str(run)]) == 0
    assert main(["inspect", "--verify", str(run)]) == 1
    said = capsys.readouterr().out
    assert "damaged   run.vkt is damaged in the chunk at byte" in said and "complete  no" in said
    run.write_bytes(raw[:-30])
    assert main(["inspect", str(run)]) == 1
    assert "cut off" in capsys.readouterr().out


def test_what_is_no_trace_is_an_error(tmp_path, capsys):
    assert main(["inspect", str(tmp_path / "none.vkt")]) == 2
    assert "none.vkt" in capsys.readouterr().err


def test_names_cannot_write_to_the_terminal(tmp_path, capsys):
    recorder = Recorder(Trace(ModelDescription("evil\x1b[2J")), Keep())
    recorder.forward(0, Node(0, "a\x1b]0;title\x07\r\n", "Dense\u202e"), (), np.zeros(1), {})
    recorder.missing("b\x1b[31m", "x", "y\x9b")
    assert main(["inspect", str(recorder.trace.save(tmp_path / "run.vkt"))]) == 0
    said = capsys.readouterr().out
    assert not any(character in said for character in "\x1b\x07\r\x9b\u202e") and "\\x1b]0;title" in said


def test_export(run, tmp_path, capsys):
    assert main(["export", str(run), "-o", str(tmp_path / "run.npz")]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "run.npz")
    with np.load(tmp_path / "run.npz") as archive:
        assert archive["loss/loss/value"].tolist() == [13.0, 0.28125, archive["loss/loss/value"][2]]
    assert main(["export", str(run), "-o", str(tmp_path / "run.txt")]) == 2
    assert ".npz" in capsys.readouterr().err
