"""Make the tests' shared samples importable as ``samples``, and let Keras run on PyTorch, the lighter one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")  # a process has one; tests of another start a process of their own
sys.path.insert(0, str(Path(__file__).parent / "tests"))
