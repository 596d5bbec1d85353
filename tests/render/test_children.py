"""Processes that work for a program begin without it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# as a user writes it who has never heard of `if __name__ == "__main__":`
PROGRAM = """
from operator import methodcaller
from vizkit.render.children import end, start

print("trained")
process, pipe = start(methodcaller("send", "drawn"))
print(pipe.recv())
end(process, pipe)
import __main__
print(__main__.PROGRAM)
"""


def test_a_program_is_not_run_again_in_its_processes(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(f"PROGRAM = 'still itself'\n{PROGRAM}", encoding="utf-8")
    run = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.split("\n") == ["trained", "drawn", "still itself", ""]
