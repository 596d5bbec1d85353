"""The frames of manim's own renderer, the oracle for every frame of ours."""

from __future__ import annotations

from typing import Any

import numpy as np
from manim.scene.scene_file_writer import SceneFileWriter


def frame_keeper() -> tuple[list[np.ndarray], type[SceneFileWriter]]:
    """Return a list, and a writer of files that puts all frames there, each of shape (height, width, 4)."""
    frames: list[np.ndarray] = []

    class Kept(SceneFileWriter):
        def write_frame(self, pixels: np.ndarray, *, repeat: int = 1) -> None:
            frames.extend([pixels.copy()] * repeat)

        def begin_animation(self, *args: Any, **kwargs: Any) -> None:
            pass

        def end_animation(self, *args: Any, **kwargs: Any) -> None:
            pass

        def finish(self) -> None:
            pass

    return frames, Kept
