"""Work in parts: every piece is done once, whoever does it."""

from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vizkit.nn import threads


@pytest.fixture(params=[1, 2, 3, 4])
def workers(request, monkeypatch):
    monkeypatch.setattr(threads, "available", lambda: request.param)
    return request.param


@given(
    workers=st.integers(1, 4), count=st.integers(0, 20), load=st.sampled_from([0, 10**9]),
    block=st.one_of(st.none(), st.integers(1, 6)),
)  # fmt: skip
def test_every_piece_is_done_once_in_blocks_no_larger_than_asked(workers, count, load, block):
    done, sizes = [0] * count, []

    def work(start, stop):
        sizes.append(stop - start)
        for piece in range(start, stop):
            done[piece] += 1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threads, "available", lambda: workers)
        threads.share(work, count, load, block)
    assert done == [1] * count
    assert max(sizes, default=0) <= (block or count)


def test_parts_run_at_the_same_time(monkeypatch):
    monkeypatch.setattr(threads, "available", lambda: 3)
    together = threading.Barrier(3, timeout=20)
    threads.share(lambda start, stop: together.wait(), 3, load=10**9)  # raises unless all three meet


def test_little_work_starts_no_thread(monkeypatch):
    monkeypatch.setattr(threads, "available", lambda: 4)
    seen = []
    threads.share(lambda start, stop: seen.append((threading.get_ident(), start, stop)), 8, load=10)
    assert seen == [(threading.get_ident(), 0, 8)]


@pytest.mark.parametrize("broken", [0, 3])
def test_an_error_in_any_part_is_raised_after_all_have_ended(workers, broken):
    done = []

    def work(start, stop):
        if start <= broken < stop:
            raise ValueError("broken")
        done.append((start, stop))

    with pytest.raises(ValueError, match="broken"):
        threads.share(work, 4, load=10**9)
    assert len(done) == min(workers, 4) - 1


def test_how_numpy_treats_errors_holds_in_every_part(workers):
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        threads.share(lambda start, stop: np.divide(np.ones(1), np.zeros(1)), workers, load=10**9)


@pytest.mark.parametrize("wish, most", [("1", 1), ("3", 3), ("nonsense", 4), ("0", 4)])
def test_the_environment_limits_the_threads(wish, most):
    code = "from vizkit.nn import threads; print(threads.available())"
    environment = {"OMP_NUM_THREADS": wish, "PATH": "", "OPENBLAS_NUM_THREADS": ""}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert 1 <= int(ran.stdout) <= most
