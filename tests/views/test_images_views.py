"""Feature maps, kernels and their common scale."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from letter_o import letter_o_trace, trace_of

from vizkit import nn
from vizkit.errors import ArgumentError, DataError, ShapeError, TraceQueryError, UnknownNameError
from vizkit.views.images import FeatureMapsView, KernelsView
from vizkit.views.images_layout import LABEL, MOST, Tiles
from vizkit.views.images_scale import ColourScale
from vizkit.views.marks import Cell, Image, Text

RNG = np.random.default_rng(0)
IMAGES, KERNELS, BIASES = RNG.random((2, 8, 8, 1)), RNG.normal(size=(3, 3, 1, 4)), RNG.normal(size=4)


def pictures(view: FeatureMapsView | KernelsView, key: str) -> list[Image]:
    return [mark for mark in view.picture.marks if isinstance(mark, Image) and mark.key.startswith(key)]


@given(st.integers(1, MOST), st.integers(1, 9), st.integers(1, 9), st.integers(400, 2000), st.integers(400, 1200))
def test_tiles_stand_apart_within_their_room(amount: int, rows: int, columns: int, width: int, height: int) -> None:
    tiles = Tiles.fitted(amount, (rows, columns), (width, height))
    if tiles.unit <= 0:
        return
    assert tiles.width <= width + 1e-6 and tiles.height <= height + 1e-6
    corners = [tiles.corner(index) for index in range(amount)]
    wide, high = tiles.unit * columns, tiles.unit * rows
    assert all(x >= 0 and x + wide <= tiles.width + 1e-6 for x, _ in corners)
    assert all(high - 1e-6 <= y <= tiles.height - LABEL + 1e-6 for _, y in corners)
    for index, (x, y) in enumerate(corners):
        for other_x, other_y in corners[index + 1 :]:
            assert abs(other_x - x) >= wide or abs(other_y - y) >= high + LABEL - 1e-6


def test_all_maps_and_the_scale_share_one_limit() -> None:
    trace = trace_of(IMAGES, KERNELS, BIASES)
    view = FeatureMapsView.from_trace(trace, sample=1)
    expected = next(trace.events("forward", layer="conv")).output[1]
    maps = pictures(view, "map")
    assert len(maps) == 4
    for index, mark in enumerate(maps):
        np.testing.assert_array_equal(mark.values, expected[:, :, index])
    assert {mark.limit for mark in maps} == {np.abs(expected).max()}
    assert {mark.signed for mark in maps} == {True}
    bar = pictures(view, "scale")[0]
    assert bar.limit == maps[0].limit and bar.values[0, 0] == maps[0].limit and bar.values[-1, 0] == -maps[0].limit


def test_maps_without_negative_values_have_a_scale_from_zero() -> None:
    view = FeatureMapsView.from_arrays(np.abs(RNG.normal(size=(9, 9, 3))))
    bar = pictures(view, "scale")[0]
    assert not view.signed and bar.values[-1, 0] == 0


def test_the_input_beside_the_maps_is_the_image() -> None:
    view = FeatureMapsView.from_trace(trace_of(IMAGES, KERNELS, BIASES), sample=1)
    np.testing.assert_array_equal(pictures(view, "input")[0].values, IMAGES[1, :, :, 0])


def test_maps_are_labelled_by_their_index() -> None:
    view = FeatureMapsView.from_arrays(RNG.normal(size=(9, 9, 6)))
    labels = [str(mark.words) for mark in view.picture.marks if isinstance(mark, Text) and mark.key.endswith("label")]
    assert labels == [f"map {index}" for index in range(6)]


def test_kernels_hold_their_weights_in_cells_centred_on_zero() -> None:
    view = KernelsView.from_arrays(KERNELS)
    shown = view.quantities()
    cells = {mark.key: mark for mark in view.picture.marks if isinstance(mark, Cell)}
    limit = np.abs(KERNELS).max()
    for (row, column, _, index), weight in np.ndenumerate(KERNELS):
        assert shown[f"kernel{index}[{row},{column}]"] == weight
        cell = cells[f"kernel{index}:{row},{column}"]
        assert cell.signed and cell.fill == pytest.approx(weight / limit)
    assert (shown["scale.low"], shown["scale.high"]) == (-limit, limit)


def test_many_or_large_kernels_are_pictures() -> None:
    kernels = RNG.normal(size=(7, 7, 20))
    maps = pictures(KernelsView.from_arrays(kernels), "kernel")
    assert [mark.values.tolist() for mark in maps] == [kernels[:, :, index].tolist() for index in range(20)]


def test_a_trace_and_a_built_model_give_the_same_kernels() -> None:
    class Conv2D:
        name = "conv"
        kernel = KERNELS

    class Model:
        layers = (Conv2D(),)

    for data in (trace_of(IMAGES, KERNELS, BIASES), Model()):
        np.testing.assert_array_equal(KernelsView.ensure(data).kernels, KERNELS[:, :, 0])
    with pytest.raises(UnknownNameError, match="'conf'"):
        KernelsView.ensure(Model(), layer="conf")


def test_a_model_is_recorded_on_the_images_that_come_with_it() -> None:
    model = nn.Sequential([nn.Input((8, 8, 1)), nn.layers.Conv2D(3, 3, name="first")], dtype="float64")
    expected = model.predict(IMAGES)
    for x, sample in ((IMAGES, 1), (IMAGES[1], 0), (IMAGES[1, :, :, 0], 0)):
        view = FeatureMapsView.ensure(model, x, sample=sample, layer="first")
        np.testing.assert_allclose(view.maps, expected[1])
    np.testing.assert_array_equal(KernelsView.ensure(model).kernels, model.layers[-1].kernel.numpy()[:, :, 0])
    with pytest.raises(ArgumentError, match="none came"):
        FeatureMapsView.ensure(model)
    with pytest.raises(ArgumentError, match="layers are Dense"):
        KernelsView.ensure(nn.Sequential([nn.Input((4,)), nn.layers.Dense(2)]))


def test_of_several_input_channels_one_is_chosen() -> None:
    kernels = RNG.normal(size=(3, 3, 2, 4))
    np.testing.assert_array_equal(KernelsView.ensure(kernels, channel=1).kernels, kernels[:, :, 1])
    with pytest.raises(ArgumentError, match="2 input channels"):
        KernelsView.ensure(kernels)
    with pytest.raises(ArgumentError, match="but 2 was given"):
        KernelsView.ensure(kernels, channel=2)


@pytest.mark.parametrize(("limit", "text"), [(1.5, "1.50"), (0.0042, "0.0042"), (31.4, "31.4"), (1234.5, "1,234")])
def test_the_scales_numbers_have_the_digits_that_matter(limit: float, text: str) -> None:
    texts = [str(mark.words) for mark in ColourScale(0, 0, 100, limit).marks() if isinstance(mark, Text)]
    assert texts == ["0", text]


def test_what_are_no_maps_or_kernels_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"\(4, 4\)"):
        FeatureMapsView.ensure(np.ones((4, 4)))
    with pytest.raises(DataError, match="finite"):
        FeatureMapsView.ensure(np.full((4, 4, 1), np.nan))
    with pytest.raises(ArgumentError, match=str(MOST + 1)):
        _ = FeatureMapsView.ensure(np.ones((4, 4, MOST + 1))).picture
    with pytest.raises(ArgumentError, match="samples"):
        FeatureMapsView.ensure(letter_o_trace(), sample=-1)
    with pytest.raises(TraceQueryError, match="Conv2D"):
        KernelsView.ensure(type(letter_o_trace())(letter_o_trace().model))
