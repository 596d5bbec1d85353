"""The benchmark of recording runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def test_a_quick_run_prints_aims_beside_what_was_measured():
    command = [sys.executable, str(BENCHMARKS / "trace.py"), "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=BENCHMARKS)
    assert done.returncode == 0, done.stderr
    head, _, alone, *rows = [line.split("|")[1:-1] for line in done.stdout.splitlines() if line.startswith("|")]
    assert [cell.strip() for cell in head[1:]] == ["A32", "B32", "D"]
    assert all(cell.endswith(" ms ") for cell in alone[1:])
    named = " ".join(row[0] for row in rows)
    for way in (
        "nothing",
        "in memory",
        "one sample",
        "parameters every 10th",
        "every 10th step, to disk",
        "moments",
        "operations",
    ):
        assert way in named
    for row in rows:
        measured = [cell.split("/ **")[1].rstrip("* ") for cell in row[1:] if "/" in cell]
        assert measured
        assert all(float(ratio) > 0 for ratio in measured)
