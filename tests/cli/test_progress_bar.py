"""The bar on a terminal and in a log."""

from __future__ import annotations

import io

import pytest

from vizkit.cli import progress
from vizkit.cli.progress import bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_one_line_is_drawn_again_and_left_standing(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(1000))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    out = Terminal()
    with bar("gallery", out) as report:
        report(0.25)
        report(0.5, "backprop")
        report(1.0)
    lines = out.getvalue().split("\r\033[K")
    assert lines[0] == "" and len(lines) == 4 and lines[-1].endswith("\n") and out.getvalue().count("\n") == 1
    for line, full, share in zip(lines[1:], (7, 14, 28), ("25%", "50%", "100%"), strict=True):
        assert line.count("█") == full and line.count("█") + line.count("░") == 28 and share in line
    # a quarter took 1 second, so three are left; half took 2, so two are
    assert " 3 s left" in lines[1] and " 2 s left" in lines[2] and "backprop" in lines[2]


def test_on_a_terminal_it_is_not_drawn_more_often_than_anyone_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress.time, "monotonic", lambda: 0.0)
    out = Terminal()
    with bar("gallery", out) as report:
        for step in range(100):
            report(step / 200)
    assert "█" not in out.getvalue()


def test_in_a_log_each_finished_part_has_a_line_even_when_the_work_fails() -> None:
    out = io.StringIO()
    with pytest.raises(ZeroDivisionError), bar("gallery", out) as report:
        report(0.1)
        report(0.5, "backprop")
        raise ZeroDivisionError
    assert out.getvalue() == "gallery  50%  backprop\n"
