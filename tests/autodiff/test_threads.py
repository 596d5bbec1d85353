"""Work in parts: every piece is done once, whoever does it."""

from __future__ import annotations

import subprocess
import sys
import threading
from queue import SimpleQueue

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vizkit import nn
from vizkit.autodiff import threads
from vizkit.autodiff.plan import Plan


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


def test_nobody_waits_for_threads_that_do_not_come(monkeypatch):
    monkeypatch.setattr(threads, "available", lambda: 3)
    monkeypatch.setattr(threads, "_waiting", SimpleQueue)  # where nobody looks
    done = []
    threads.share(lambda start, stop: done.append((start, stop)), 3, load=10**9)
    assert done == [(0, 1), (1, 2), (2, 3)]


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
    code = "from vizkit.autodiff import threads; print(threads.available())"
    environment = {"OMP_NUM_THREADS": wish, "PATH": "", "OPENBLAS_NUM_THREADS": ""}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert 1 <= int(ran.stdout) <= most


shapes = st.lists(st.integers(0, 5), min_size=1, max_size=4).map(tuple)


def in_memory(random, shape, order):
    """Return an array whose axes lie in memory in some order."""
    lengths = tuple(shape[axis] for axis in order)
    return random.normal(size=lengths).transpose(sorted(range(len(shape)), key=list(order).__getitem__))


@given(shape=shapes, data=st.data(), workers=st.integers(1, 4), seed=st.integers(0, 2**31))
def test_functions_of_single_numbers_in_parts(shape, data, workers, seed):
    random = np.random.default_rng(seed)
    x, y = (in_memory(random, shape, data.draw(st.permutations(range(len(shape))))) for _ in range(2))
    narrow = random.normal(size=[n if data.draw(st.booleans()) else 1 for n in shape])
    single = x.astype(np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threads, "available", lambda: workers)
        patch.setattr(threads, "WORTH", 1)
        for other in (y, narrow, narrow[0] if len(narrow) else 1.0, 0.5, np.float64(0.5)):
            out = np.full_like(x, np.nan)
            assert threads.elementwise(np.subtract, x, other, out=out) is out
            np.testing.assert_array_equal(out, x - other)
        out = np.empty_like(single)
        np.testing.assert_array_equal(threads.elementwise(np.multiply, single, 0.1, out=out), single * 0.1)
        for axis in range(len(shape)):
            found = threads.summed(x, axis)
            assert found.tobytes() == np.sum(x, axis=axis, keepdims=True).tobytes()


def test_without_a_place_for_it_the_result_is_new():
    np.testing.assert_array_equal(threads.elementwise(np.add, np.ones(2), 1.0, out=None), [2, 2])


def test_blas_is_alone_for_a_while_and_has_its_threads_again():
    (found,) = [each for each in threads._blas() if "numpy" in each.filepath]
    found.set_num_threads(2)
    with pytest.raises(ZeroDivisionError), threads.alone():
        assert found.get_num_threads() == 1
        raise ZeroDivisionError
    assert found.get_num_threads() == 2


def test_where_nothing_can_set_its_threads_blas_keeps_them(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    threads._blas.cache_clear()
    with threads.alone():
        assert threads._blas() == []
    threads._blas.cache_clear()


def watched_threads(monkeypatch):
    """Return a list that fills with how many threads BLAS has whenever a plan runs; it begins with two."""
    seen, run = [], Plan.run
    (found,) = [each for each in threads._blas() if "numpy" in each.filepath]
    found.set_num_threads(2)
    monkeypatch.setattr(Plan, "run", lambda plan: (seen.append(found.get_num_threads()), run(plan)))
    return seen, found


def test_blas_has_one_thread_while_work_is_shared(monkeypatch):
    monkeypatch.setattr(threads, "available", lambda: 2)
    _, found = watched_threads(monkeypatch)
    seen = []
    threads.share(lambda start, stop: seen.append(found.get_num_threads()), 2, load=10**9)
    assert seen == [1, 1]
    assert found.get_num_threads() == 2


@pytest.mark.parametrize(("batch", "has"), [(1, 2), (32, 1), (256, 1)])
def test_in_training_blas_has_one_thread_for_all_products_that_it_would_share(monkeypatch, batch, has):
    seen, found = watched_threads(monkeypatch)
    model = nn.Sequential([nn.Input((784,)), nn.layers.Dense(128)], seed=0)
    model.compile("sgd", "mse")
    for _ in range(4):
        model.train_on_batch(np.ones((batch, 784), "float32"), np.ones((batch, 128), "float32"))
    assert seen == [has, has]
    assert found.get_num_threads() == 2


def test_layers_that_may_hide_products_leave_blas_one_thread(monkeypatch):
    seen, _ = watched_threads(monkeypatch)
    model = nn.Sequential([nn.Input((5, 3)), nn.layers.LSTM(4), nn.layers.Dense(1)], seed=0)
    model.compile("sgd", "mse")
    for _ in range(4):
        model.train_on_batch(np.ones((2, 5, 3)), np.ones((2, 1)))
    assert seen == [1, 1]


@settings(max_examples=25)
@given(
    rows=st.integers(100, 700), inner=st.integers(100, 500), columns=st.integers(100, 300), workers=st.integers(2, 4),
    turned=st.tuples(st.booleans(), st.booleans()), kind=st.sampled_from(["float32", "float64"]),
    seed=st.integers(0, 2**31),
)  # fmt: skip
def test_products_in_parts_have_the_bits_of_the_whole(rows, inner, columns, workers, turned, kind, seed):
    random = np.random.default_rng(seed)
    shapes = (rows, inner), (inner, columns)
    a, b = (
        random.normal(size=shape[::-1]).astype(kind).T if is_turned else random.normal(size=shape).astype(kind)
        for shape, is_turned in zip(shapes, turned, strict=True)
    )
    with pytest.MonkeyPatch.context() as patch, threads.alone():
        patch.setattr(threads, "available", lambda: workers)
        found = threads.product(a, b, np.empty((rows, columns), kind))
        assert found.tobytes() == np.matmul(a, b).tobytes()
