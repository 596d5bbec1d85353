"""The benchmark of training steps runs, and its peers do the same work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def network(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import network

    return network


@pytest.mark.slow
def test_a_quick_run_prints_the_table():
    command = [sys.executable, str(BENCHMARKS / "network.py"), "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=BENCHMARKS)
    assert done.returncode == 0, done.stderr
    head, rule, *rows = [line for line in done.stdout.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in (head, rule, *rows)} == {head.count("|")}
    cells = {row.split(" | ")[0].removeprefix("| ")[:2]: row.split(" | ") for row in rows}
    assert {"A:", "B:", "C:", "D:", "Ti"} <= cells.keys()
    for name in ("A:", "B:", "C:", "D:"):
        own, must = cells[name][2].strip("*"), cells[name][3]
        assert float(own) > 0, f"{name} of vizkit was not measured"
        assert float(must) > 0
    assert "numpy" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize("name", ["A32", "B32", "C", "D", "deep10"])
def test_the_peers_compute_the_same_losses(network, name):
    # Keras and JAX have theirs compared in the quick run only: each has to be alone in its process
    from peers import ours, pytorch, scikit
    from peers.worker import make

    losses = {}
    for peer in (ours, pytorch, scikit):
        step = make(peer.__name__.removeprefix("peers."), name)
        if step is not None:
            losses[peer.__name__] = [step() for _ in range(3)]
    assert len(losses) == (3 if name in ("A32", "deep10") else 2)
    network.check_same_losses(name, losses)
    assert len(set(losses["peers.ours"])) == 3, "each step changes the weights"


def test_a_run_ends_when_a_peer_does_other_work(network):
    same = [2.0, 1.9, 1.8]
    network.check_same_losses("A32", {"PyTorch": same, "vizkit": [2.00001, 1.901, 1.81]})
    for other in ([2.001, 1.9, 1.8], [2.0, 1.95, 1.8], [2.0, 1.9, 1.9], [float("nan"), 1.9, 1.8]):
        with pytest.raises(SystemExit, match=r"Not the same work: in A32 .* vizkit differs"):
            network.check_same_losses("A32", {"PyTorch": same, "vizkit": other})


def test_the_readme_shows_the_rows_that_the_benchmark_measures(network):
    text = (BENCHMARKS.parent / "README.md").read_text(encoding="utf-8")
    for workload in network.WORKLOADS.values():
        asked = ["" if number is None else f"{number:g}" for number in (workload.must, workload.aim)]
        (line,) = (line for line in text.splitlines() if line.startswith(f"| {workload.title} |"))
        assert [part.strip() for part in line.split("|")[4:6]] == asked
