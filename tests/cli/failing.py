"""Commands that must fail."""

from __future__ import annotations

import pytest

from vizkit.cli import main


def fails(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """Run a command that must fail: exit code 2, one line on standard error, nothing else; return the line."""
    try:
        code = main([str(word) for word in words])
    except SystemExit as left:
        code = left.code
    out, err = capsys.readouterr()
    assert code == 2 and out == "" and err.count("\n") == 1 and err.startswith("vizkit"), (code, out, err)
    return err
