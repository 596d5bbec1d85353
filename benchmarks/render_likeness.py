"""How alike two videos are, for the benchmarks of rendering."""

from __future__ import annotations

import statistics
from fractions import Fraction

import av

__all__ = ["Likeness"]


class Likeness:
    """Structural similarity (SSIM) of two series of frames, by ffmpeg's filter."""

    def __init__(self, width: int, height: int) -> None:
        self.graph, self.values = av.filter.Graph(), []
        about = {"width": width, "height": height, "format": "yuv420p", "time_base": Fraction(1, 30)}
        self.entries = [self.graph.add_buffer(**about) for _ in range(2)]
        measure, end = self.graph.add("ssim"), self.graph.add("buffersink")
        for index, entry in enumerate(self.entries):
            entry.link_to(measure, 0, index)
        measure.link_to(end)
        self.graph.configure()

    def add(self, first: av.VideoFrame, second: av.VideoFrame) -> None:
        """Compare two frames."""
        for entry, frame in zip(self.entries, (first, second), strict=True):
            frame.pts, frame.time_base = len(self.values), Fraction(1, 30)
            entry.push(frame)
        self.values.append(float(self.graph.pull().metadata["lavfi.ssim.All"]))

    @property
    def mean(self) -> float:
        """The mean over all frames."""
        return statistics.fmean(self.values)
