"""Work in parts that run at the same time.

NumPy lets go of Python's lock while it computes, so that parts of one computation can run on several threads.
Products of matrices could have threads inside BLAS as well, but with those the last digits of a product depend on
their number, and after it they wait for the next one without giving up their cores. So BLAS gets one (`alone`) while
a network is trained or kernels are shared, and a large product is cut here, between rows (`product`): each number of
it is then the same sum, and its bits are those of the whole.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from itertools import pairwise
from queue import SimpleQueue
from threading import Thread
from typing import Any

import numpy as np

from vizkit.autodiff import buffers

__all__ = ["BLAS_ALONE", "alone", "at_once", "available", "elementwise", "product", "share", "summed"]

MOST = 4  # with more threads than these, images of the size of a lesson's are cut too small
WORTH = 2**17  # numbers to read or write for which starting a thread pays: some 40 µs against 20 µs

BLAS_ALONE = 2**18  # multiplications of one product up to which BLAS starts no threads of its own
MULTIPLICATIONS = 16  # of matrices, that take as long as to read or write a number
WORTH_CUTTING = 2 * WORTH * MULTIPLICATIONS  # multiplications of a product from which it is cut in two
ROWS = 24  # a multiple of what BLAS's kernels take at once: a cut between these leaves all bits as they are

NEAR = 2**17  # numbers that stay in a core's nearer memory from one operation to the next


@functools.cache
def available() -> int:
    """Return how many threads may work at once: one for each core, or fewer when the environment says so.

    ``OMP_NUM_THREADS`` and ``OPENBLAS_NUM_THREADS`` count, as they do for NumPy's own threads.

    Examples
    --------
    >>> 1 <= available() <= 4
    True
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wishes = [os.environ.get(name, "") for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")]
    return max(1, min(MOST, cores, *(int(wish) for wish in wishes if wish.isdecimal())))


def at_once(size: int) -> int:
    """Return how many pieces of `size` numbers stay in a core's nearer memory from one operation to the next.

    Examples
    --------
    >>> at_once(2**15), at_once(10**9)
    (4, 1)
    """
    return max(1, NEAR // max(1, size))


def share(work: Callable[[int, int], None], count: int, load: int, block: int | None = None) -> None:
    """Call ``work(start, stop)`` for parts that together make up ``range(count)``, at the same time.

    Each part must write only where no other part reads or writes; then the result does not depend on how many
    parts there are. Memory is taken from `vizkit.autodiff.buffers` before, not in the parts.

    Parameters
    ----------
    work
        What to do with a part.
    count
        How many pieces there are to divide.
    load
        How many numbers all of them read or write, roughly; for too few no thread is started.
    block
        How many pieces to work on in one call at most; any number when ``None``.

    Examples
    --------
    >>> squares = [0] * 5
    >>> def work(start, stop):
    ...     squares[start:stop] = [n * n for n in range(start, stop)]
    >>> share(work, 5, load=10**9)
    >>> squares
    [0, 1, 4, 9, 16]
    """
    step = block or max(1, count)

    def run(start: int, stop: int) -> None:
        for low in range(start, stop, step):
            work(low, min(low + step, stop))

    threads = min(available(), count, load // WORTH)
    if threads < 2:
        run(0, count)
        return
    parts = iter(list(pairwise(count * number // threads for number in range(threads + 1))))
    ended: SimpleQueue[BaseException | None] = SimpleQueue()

    def take_parts() -> None:
        for part in parts:  # each is for who asks first, so that nobody waits for a thread that has not begun yet
            ended.put(_raised(run, part))

    with alone():
        for _ in range(threads - 1):
            _waiting().put(partial(copy_context().run, take_parts))
        take_parts()
        errors = [ended.get() for _ in range(threads)]
    for error in errors:
        if error is not None:
            raise error


def _raised(run: Callable[[int, int], None], part: tuple[int, int]) -> BaseException | None:
    """Run a part; return what it raises, for the thread that shared it."""
    try:
        run(*part)
    except BaseException as error:
        return error
    return None


@functools.cache
def _blas() -> list[Any]:
    """Return what sets the threads of NumPy's BLAS; nothing where threadpoolctl is not installed."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return []
    return ThreadpoolController().select(user_api="blas").lib_controllers


@contextmanager
def alone() -> Iterator[None]:
    """Let BLAS use one thread for the time of a ``with`` block: the other cores are for the threads of `share`.

    It needs threadpoolctl (``vizkit[fast]``); without it nothing changes but the speed.

    Examples
    --------
    >>> with alone():
    ...     float(np.dot(np.ones(3), np.ones(3)))
    3.0
    """
    before = [(library, count) for library in _blas() if (count := library.get_num_threads()) > 1]
    for library, _ in before:
        library.set_num_threads(1)
    try:
        yield
    finally:
        for library, count in before:
            library.set_num_threads(count)


def elementwise(ufunc: np.ufunc, *values: Any, out: Any) -> Any:
    """Write what a function of single numbers makes of `values` into `out`, of shape (...), and return it.

    Parameters
    ----------
    ufunc
        A function of NumPy's for single numbers.
    *values
        Numbers, or arrays that are broadcast to the shape of `out`.
    out
        Where to write; ``None`` for an array of NumPy's own.

    Examples
    --------
    >>> elementwise(np.add, np.array([1.0, 2.0]), 3.0, out=np.empty(2)).tolist()
    [4.0, 5.0]
    """
    if out is None or out.size < 2 * WORTH or available() < 2:
        return ufunc(*values, out=out)
    axis = _farthest(out)[0]
    turned = np.moveaxis(out, axis, 0)
    wide = [np.moveaxis(np.broadcast_to(v, out.shape), axis, 0) if np.ndim(v) else v for v in values]

    def work(start: int, stop: int) -> None:
        ufunc(*(v[start:stop] if np.ndim(v) else v for v in wide), out=turned[start:stop])

    share(work, len(turned), out.size)
    return out


def summed(x: Any, axis: int) -> Any:
    """Return the sums of `x`, of shape (...), along one axis, which keeps length 1.

    Examples
    --------
    >>> summed(np.array([[1.0, 2.0], [3.0, 4.0]]), 0).tolist()
    [[4.0, 6.0]]
    """
    if not isinstance(x, np.ndarray) or not x.size:
        return np.sum(x, axis=axis, keepdims=True)
    out = buffers.empty_like(np.moveaxis(np.moveaxis(x, axis, 0)[:1], 0, axis))
    others = [other for other in _farthest(x) if other != axis]
    if x.size < 2 * WORTH or available() < 2 or not others:
        return np.sum(x, axis=axis, keepdims=True, out=out)
    along, inner = others[0], axis + (axis < others[0])
    parts, sums = np.moveaxis(x, along, 0), np.moveaxis(out, along, 0)

    def work(start: int, stop: int) -> None:
        np.sum(parts[start:stop], axis=inner, keepdims=True, out=sums[start:stop])

    share(work, len(parts), x.size)
    return out


def product(a: Any, b: Any, out: Any) -> Any:
    """Write the product of two matrices into `out`, of shape (rows, columns), and return it: large ones in parts.

    Examples
    --------
    >>> product(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]), np.empty((1, 1))).tolist()
    [[11.0]]
    """

    def work(start: int, stop: int) -> None:
        rows = slice(start * ROWS, stop * ROWS)
        np.matmul(a[rows], b, out[rows])

    share(work, -(-len(out) // ROWS), out.size * a.shape[1] // MULTIPLICATIONS)
    return out


def _farthest(x: Any) -> list[int]:
    """Return the axes of an array of shape (...) from the one whose elements lie farthest apart in memory."""
    return sorted(range(x.ndim), key=lambda axis: -abs(x.strides[axis]))


@functools.cache
def _waiting() -> SimpleQueue[Callable[[], None]]:
    """Return where threads wait for work, which are started when it is first asked for."""
    waiting: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def work() -> None:
        while True:
            waiting.get()()

    for number in range(1, MOST):
        Thread(target=work, name=f"vizkit_{number}", daemon=True).start()
    return waiting


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_waiting.cache_clear)  # threads do not live on in a forked process
