"""The legibility check finds what cannot be read: each fault is made on purpose."""

from __future__ import annotations

import pytest
from legibility_plots import faults
from matplotlib.figure import Figure


def page(*texts: tuple[float, float, str, dict]) -> Figure:
    figure = Figure(figsize=(4, 3), facecolor="white")
    for index, (x, y, text, looks) in enumerate(texts):
        figure.text(x, y, text, gid=f"text{index}", **{"fontsize": 12, "color": "black"} | looks)
    return figure


def test_a_plain_page_has_no_fault():
    assert faults(page((0.2, 0.5, "left", {}), (0.6, 0.5, "right", {}))) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ((0.1, 0.1, "small", {"fontsize": 8.9}), "8.90 points"),
        ((0.95, 0.1, "too far right", {}), "leaves the figure"),
        ((0.52, 0.5, "over", {}), "overlap"),
        ((0.1, 0.1, "pale", {"color": "#999999"}), "contrast 2.8"),
    ],
)
def test_each_fault_is_found(text, fault):
    found = faults(page((0.5, 0.5, "here", {}), text))
    assert len(found) == 1 and fault in found[0]


def test_contrast_is_taken_from_what_lies_behind():
    figure = page((0.5, 0.5, "on dark", {"ha": "center"}))
    ax = figure.add_axes((0.2, 0.2, 0.6, 0.6), facecolor="#222222")
    ax.set(xticks=[], yticks=[])
    assert "contrast" in faults(figure)[0]


def test_a_mark_off_the_figure_is_found():
    figure = page()
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.plot([0.5, 1.2], [0.5, 0.5], gid="line", clip_on=False)
    assert ["line" in fault for fault in faults(figure)] == [True]
