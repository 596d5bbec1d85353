"""ManimML's convolution, the first example of its README, for `render.py frames --manimml PYTHON`.

usage: PYTHON manimml.py WIDTH HEIGHT RATE FOLDER

Run by another Python, which has what ``requirements/manimml.txt`` names, and the ``ffmpeg`` program beside it: ManimML
0.0.24 needs a manim of before 0.19. Renders the video into a folder; writes how many frames it has, and the seconds
by the clock and of the processors without the start of Python and the imports.
"""

from __future__ import annotations

import json
import resource
import sys
import time

from manim import ORIGIN, ThreeDScene, tempconfig
from manim_ml.neural_network import Convolutional2DLayer, FeedForwardLayer, NeuralNetwork

TALL = 7.0  # units of the picture's height, as in the README


class Convolution(ThreeDScene):
    """A forward pass through three convolutions and two dense layers."""

    def construct(self) -> None:
        """Play it."""
        convolutions = [
            Convolutional2DLayer(1, 7, 3, filter_spacing=0.32),
            Convolutional2DLayer(3, 5, 3, filter_spacing=0.32),
            Convolutional2DLayer(5, 3, 3, filter_spacing=0.18),
        ]
        network = NeuralNetwork([*convolutions, FeedForwardLayer(3), FeedForwardLayer(3)], layer_spacing=0.25)
        self.add(network.move_to(ORIGIN))
        self.play(network.make_forward_pass_animation())


def processors() -> float:
    """Return the processors' seconds of this process and of those that it has waited for."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in spent)


def main() -> None:
    """Render and tell."""
    width, height, rate = (int(each) for each in sys.argv[1:4])
    size = {"pixel_width": width, "pixel_height": height, "frame_rate": rate}
    stage = {"frame_height": TALL, "frame_width": TALL * width / height}
    how = {"media_dir": sys.argv[4], "disable_caching": True, "progress_bar": "none", "verbosity": "ERROR"}
    clock, work = time.perf_counter(), processors()
    with tempconfig({**size, **stage, **how}):
        scene = Convolution()
        scene.render()
    clock, work = time.perf_counter() - clock, processors() - work
    sys.stdout.write("\n" + json.dumps({"clock": clock, "work": work, "frames": round(scene.renderer.time * rate)}))


main()
