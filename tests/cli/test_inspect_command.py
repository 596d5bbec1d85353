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


def test_an_unfinished_run_says_so(run, capsys):
    run.write_bytes(run.read_bytes()[:-30])
    assert main(["inspect", str(run)]) == 1
    said = capsys.readouterr().out
    assert "its recording broke off, or still goes on" in said and "complete  no" in said


def test_the_whole_steps_of_a_damaged_run_are_exported_when_asked_for(run, tmp_path, capsys):
    run.write_bytes(run.read_bytes()[:-30])
    target = tmp_path / "run.npz"
    assert main(["export", str(run), "-o", str(target)]) == 2
    assert "--partial" in capsys.readouterr().err and not target.exists()
    assert main(["export", str(run), "-o", str(target), "--partial"]) == 0
    assert capsys.readouterr().err == ""
    with np.load(target) as archive:
        assert archive["loss/loss/value/steps"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("partial", [[], ["--partial"]])
@pytest.mark.parametrize(("content", "says"), [(b"", "it is empty"), (b"import numpy", "it begins with b'import n'")])
def test_what_is_no_trace_is_not_exported(tmp_path, capsys, content, says, partial):
    (tmp_path / "run.vkt").write_bytes(content)
    assert main(["export", str(tmp_path / "run.vkt"), "-o", str(tmp_path / "run.npz"), *partial]) == 2
    err = capsys.readouterr().err
    assert says in err and "--partial" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["run.vkt"]


def test_where_an_export_goes_is_looked_at_first(run, tmp_path, capsys):
    (tmp_path / "folder.npz").mkdir()
    for name, says in (("run", "'"), ("run.csv", "'csv'"), ("folder.npz", "is a folder"), ("run.vkt/a.npz", "run.vkt")):
        assert main(["export", str(run), "-o", str(tmp_path / name)]) == 2
        assert says in capsys.readouterr().err
    assert main(["export", str(run), "-o", str(tmp_path / "a" / "b" / "run.npz")]) == 0
    assert (tmp_path / "a" / "b" / "run.npz").is_file()


def test_export(run, tmp_path, capsys):
    assert main(["export", str(run), "-o", str(tmp_path / "run.npz")]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "run.npz")
    with np.load(tmp_path / "run.npz") as archive:
        assert archive["loss/loss/value"][:2].tolist() == [13.0, 0.28125]
    assert main(["export", str(run), "-o", str(tmp_path / "run.txt")]) == 2
    assert "npz" in capsys.readouterr().err
