"""Functions that only one process, or thread, is in at a time."""

from __future__ import annotations

import threading
import time

import pytest

pytest.importorskip("fcntl")

from vizkit.render.outlines import one_at_a_time


def test_two_functions_with_one_lock_are_never_entered_at_once(tmp_path):
    inside, most = [], []

    def write(number):
        inside.append(number)
        most.append(len(inside))
        time.sleep(0.01)
        inside.remove(number)
        return number

    functions = [one_at_a_time(write, tmp_path / "turns"), one_at_a_time(write, tmp_path / "turns")]
    found = []
    threads = [
        threading.Thread(target=lambda each=each: found.append(functions[each % 2](each)), daemon=True)
        for each in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(found) == list(range(6)) and set(most) == {1}


def test_an_error_lets_the_next_one_in(tmp_path):
    with pytest.raises(ZeroDivisionError):
        one_at_a_time(lambda: 1 / 0, tmp_path / "turns")()
    assert one_at_a_time(lambda: 1, tmp_path / "turns")() == 1
