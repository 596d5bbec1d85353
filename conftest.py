"""What all tests share: the helpers in ``tests``, Keras on PyTorch, figures without a window, a cache of their own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # other programs may slow a run down
settings.load_profile("untimed")
os.environ.setdefault("KERAS_BACKEND", "torch")  # a process has one; tests of another start a process of their own
os.environ.setdefault("MPLBACKEND", "agg")
sys.path.insert(0, str(Path(__file__).parent / "tests"))


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep rendered segments apart from those of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIZKIT_CACHE", str(tmp_path_factory.mktemp("segments")))
        yield
