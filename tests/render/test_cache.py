"""The cache: what was put comes back or nothing does, within its bounds, whatever happens to the folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vizkit.render.cache import VARIABLE, Cache, folder

KEY = "ab" + "0" * 62


@given(st.binary(max_size=200), st.integers(0, 10_000))
def test_damage_is_never_taken_for_a_segment(tmp_path_factory, content, place):
    cache = Cache(tmp_path_factory.mktemp("cache"))
    cache.put(KEY, content)
    assert cache.get(KEY) == content
    (path,) = (path for path in cache.place.rglob("*") if path.is_file())
    damaged = bytearray(path.read_bytes())
    damaged[place % len(damaged)] ^= 1
    path.write_bytes(damaged)
    assert cache.get(KEY) is None
    path.write_bytes(damaged[: place % len(damaged)])
    assert cache.get(KEY) is None


def test_what_was_used_longest_ago_goes_first_and_the_limit_holds(tmp_path):
    cache = Cache(tmp_path, limit=5000)
    for number in range(8):
        key = f"{number:02d}" + "0" * 62
        cache.put(key, bytes(1000))
        os.utime(cache._path(key), (number, number))
    cache.get("00" + "0" * 62)  # used just now
    cache.prune()
    kept = [number for number in range(8) if cache.get(f"{number:02d}" + "0" * 62) is not None]
    assert kept == [0, 6, 7]
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) <= 5000


def test_the_folder_may_be_deleted_or_be_no_folder(tmp_path):
    cache = Cache(tmp_path / "cache")
    assert cache.get(KEY) is None
    cache.prune()
    cache.put(KEY, b"a")
    shutil.rmtree(tmp_path / "cache")
    assert cache.get(KEY) is None
    (tmp_path / "cache").write_text("a file")
    cache.put(KEY, b"a")
    cache.prune()
    assert cache.get(KEY) is None


WRITER = """
import sys
from pathlib import Path
from vizkit.render.cache import Cache
cache = Cache(Path(sys.argv[1]), limit=40_000)
for turn in range(60):
    for number in range(10):
        key = f"{number:02d}" + "0" * 62
        cache.put(key, bytes([number]) * 5000)
        found = cache.get(key)
        assert found in (None, bytes([number]) * 5000)
    cache.prune()
"""


def test_several_processes_read_write_and_prune_at_once(tmp_path):
    started = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)]) for _ in range(3)]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    assert not [path for path in tmp_path.rglob(".*")]


@pytest.mark.parametrize(("variable", "value"), [(VARIABLE, "here"), ("XDG_CACHE_HOME", "there")])
def test_the_folder_is_where_the_environment_says(monkeypatch, tmp_path, variable, value):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv(variable, str(tmp_path / value))
    assert Path(folder()).is_relative_to(tmp_path / value)
