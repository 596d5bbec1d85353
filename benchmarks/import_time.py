"""Measure what ``import vizkit`` adds to ``import numpy`` (aim: at most 30 ms).

usage: python benchmarks/import_time.py [RUNS]

Each run is a fresh interpreter that times the import itself, so the start of Python does
not count. The statements take turns, so a busy machine disturbs them alike.
"""

from __future__ import annotations

import statistics
import subprocess
import sys

TIMED = "import time\nstart = time.perf_counter()\n{0}\nprint(time.perf_counter() - start)"
STATEMENTS = {
    "import numpy": "import numpy",
    "import numpy, vizkit": "import numpy, vizkit",
    "import numpy, vizkit.nn": "import numpy, vizkit.nn",
    "import numpy, vizkit.stories": "import numpy, vizkit.stories",
}


def milliseconds(statement: str) -> float:
    """Return how long a statement takes in a fresh interpreter."""
    command = [sys.executable, "-c", TIMED.format(statement)]
    return 1000 * float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Print the median of each statement, and what it adds to NumPy alone."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    times: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for _ in range(runs):
        for name, statement in STATEMENTS.items():
            times[name].append(milliseconds(statement))
    base = statistics.median(times["import numpy"])
    print(f"median of {runs} runs, in ms")
    for name, values in times.items():
        median = statistics.median(values)
        print(f"  {name:30} {median:7.1f}   {median - base:+6.1f}   (fastest {min(values):.1f})")


if __name__ == "__main__":
    main()
