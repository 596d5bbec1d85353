"""What ReLU and pooling leave of a feature map."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from letter_o import LETTER_O

from vizkit.errors import ArgumentError, ShapeError
from vizkit.views.convolution_stages import FeatureStagesView

COUNT = np.arange(1.0, 17.0).reshape(4, 4)


def pooled(values: np.ndarray) -> np.ndarray:
    return torch.nn.functional.max_pool2d(torch.tensor(values)[None, None], 2)[0, 0].numpy()


def test_the_published_4_by_4_pools_to_6_8_14_16() -> None:
    view = FeatureStagesView(COUNT, COUNT, pooled(COUNT))
    shown = view.quantities()
    assert [[shown[f"pooled[{r},{c}]"] for c in range(2)] for r in range(2)] == [[6, 8], [14, 16]]
    assert all(view.window(r, c).max() == shown[f"pooled[{r},{c}]"] for r, c in np.ndindex(2, 2))


def test_the_framed_block_covers_the_values_that_the_pooled_one_came_from() -> None:
    view = FeatureStagesView(COUNT, COUNT, pooled(COUNT), block=(1, 0))
    marks = {mark.key: mark for mark in view.picture.marks}
    outline = marks["active:window"].points
    inside = [
        key
        for key, mark in marks.items()
        if key.startswith("active:") and "," in key
        and outline[:, 0].min() <= mark.x + mark.width / 2 <= outline[:, 0].max()
        and outline[:, 1].min() <= mark.y + mark.height / 2 <= outline[:, 1].max()
    ]  # fmt: skip
    assert inside == ["active:2,0", "active:2,1", "active:3,0", "active:3,1"]


def test_values_are_filled_in_in_reading_order() -> None:
    shown = FeatureStagesView(COUNT, COUNT, pooled(COUNT), active=5, done=1).quantities()
    assert {name for name in shown if name.startswith("active")} == {f"active[{n // 4},{n % 4}]" for n in range(5)}
    assert {name for name in shown if name.startswith("pooled")} == {"pooled[0,0]"}


def test_all_stages_are_drawn_equally_large() -> None:
    view = FeatureStagesView(COUNT, COUNT, pooled(COUNT), image=LETTER_O)
    assert len(view.grids) == 4
    assert len({round(grid.right - grid.left, 6) for grid in view.grids}) == 1


def test_stages_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"\(4, 4\) became \(2, 2\)"):
        FeatureStagesView(COUNT, pooled(COUNT), pooled(COUNT))
    with pytest.raises(ArgumentError, match=r"\(2, 0\)"):
        FeatureStagesView(COUNT, COUNT, pooled(COUNT), block=(2, 0))
