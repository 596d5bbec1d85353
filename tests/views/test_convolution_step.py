"""A step of a convolution against SciPy, PyTorch and slow loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from letter_o import DIAGONAL, LETTER_O, letter_o_trace, trace_of
from scipy.signal import correlate2d

from vizkit import nn, record
from vizkit.errors import ArgumentError, DataError, ShapeError, TraceQueryError, UnknownNameError
from vizkit.trace import ModelDescription, Trace
from vizkit.views.convolution import STAGES, ConvolutionStepView, convolve
from vizkit.views.convolution_grids import fits
from vizkit.views.marks import Curve, Image

NUMBERS = st.floats(-9, 9).map(lambda value: round(value, 3))


@st.composite
def problems(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, float, int]:
    """An image, a kernel that fits into it, a bias and a stride."""
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    rows, columns = draw(st.integers(1, height)), draw(st.integers(1, width))
    image = draw(arrays(float, (height, width), elements=NUMBERS))
    kernel = draw(arrays(float, (rows, columns), elements=NUMBERS))
    return image, kernel, draw(NUMBERS), draw(st.integers(1, 3))


@given(problems())
def test_the_feature_map_is_scipys_correlation(problem: tuple[np.ndarray, np.ndarray, float, int]) -> None:
    image, kernel, bias, stride = problem
    expected = correlate2d(image, kernel, mode="valid")[::stride, ::stride] + bias
    np.testing.assert_allclose(convolve(image, kernel, bias, stride), expected, atol=1e-9)


@given(problems(), st.data())
def test_a_window_is_what_torch_and_slow_loops_say(problem: tuple, data: st.DataObject) -> None:
    image, kernel, bias, stride = problem
    expected = torch.nn.functional.conv2d(
        torch.tensor(image)[None, None],
        torch.tensor(kernel)[None, None],
        torch.tensor([bias], dtype=torch.float64),
        stride=stride,
    )[0, 0].numpy()
    row, column = (data.draw(st.integers(0, length - 1)) for length in expected.shape)
    view = ConvolutionStepView.from_arrays(image, kernel, bias, row, column, stride)
    total = 0.0
    for i, j in np.ndindex(kernel.shape):
        product = image[row * stride + i, column * stride + j] * kernel[i, j]
        assert view.products[i, j] == product
        total += product
    assert view.sum == pytest.approx(total, abs=1e-9)
    assert view.value == pytest.approx(expected[row, column], abs=1e-9)
    assert view.feature_map.shape == expected.shape


def test_the_letter_o_has_a_window_that_sums_to_3() -> None:
    view = ConvolutionStepView.from_arrays(LETTER_O, DIAGONAL, bias=-1)
    shown = view.quantities()
    assert (shown["sum"], shown["bias"], shown["value"], shown["map[0,0]"]) == (3, -1, 2, 2)
    ones = [name for name, value in shown.items() if name.startswith("products") and value == 1]
    assert ones == ["products[0,2]", "products[1,1]", "products[2,0]"]


def test_a_drawn_step_shows_every_number_of_a_small_input() -> None:
    view = ConvolutionStepView.from_arrays(LETTER_O, DIAGONAL, -2, row=3, column=3)
    shown = view.quantities()
    tables = {"input": LETTER_O, "kernel": DIAGONAL, "map": correlate2d(LETTER_O, DIAGONAL, mode="valid") - 2}
    for key, table in tables.items():
        assert {name for name in shown if name.startswith(f"{key}[")} == {
            f"{key}[{r},{c}]" for r, c in np.ndindex(table.shape)
        }
        assert all(shown[f"{key}[{r},{c}]"] == value for (r, c), value in np.ndenumerate(table))


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_shows_what_has_happened_and_nothing_else(stage: str) -> None:
    view = ConvolutionStepView(LETTER_O, DIAGONAL, -1.0, stage=stage, done=0)
    shown, at = view.quantities(), STAGES.index(stage)
    assert ("kernel[0,0]" in shown) == (at >= 1)
    assert ("products[0,0]" in shown) == (at >= 3)
    assert ("sum" in shown) == (at >= 4)
    assert ("value" in shown) == (at >= 5)
    assert "map[0,0]" not in shown


def test_a_large_input_is_a_picture_with_the_products_written_out() -> None:
    rng = np.random.default_rng(0)
    image, kernel = rng.random((28, 28)), rng.normal(size=(3, 3))
    view = ConvolutionStepView.from_arrays(image, kernel, 0.25, row=5, column=20)
    assert not fits(view)
    shown = view.quantities()
    window = image[5:8, 20:23]
    for index in range(9):
        assert shown[f"pixel[{index},0]"] == window.flat[index]
        assert shown[f"weight[{index},0]"] == kernel.flat[index]
        assert shown[f"product[{index},0]"] == window.flat[index] * kernel.flat[index]
    assert shown["value"] == pytest.approx((window * kernel).sum() + 0.25)
    np.testing.assert_allclose(shown["map"], correlate2d(image, kernel, mode="valid") + 0.25)


def test_the_window_on_a_picture_covers_its_pixels() -> None:
    view = ConvolutionStepView.from_arrays(
        np.random.default_rng(0).random((20, 20)), np.ones((4, 4)) / 3, row=6, column=2
    )
    marks = {mark.key: mark for mark in view.picture.marks}
    image, square = marks["input"], marks["input:window"]
    assert isinstance(image, Image) and isinstance(square, Curve)
    unit = image.width / 20
    (left, low), (right, high) = square.points.min(axis=0), square.points.max(axis=0)
    assert [left - image.x, right - image.x] == pytest.approx([2 * unit, 6 * unit])
    assert [image.y + image.height - high, image.y + image.height - low] == pytest.approx([6 * unit, 10 * unit])


def test_of_a_large_kernel_the_largest_products_are_listed_and_the_rest_summed() -> None:
    rng = np.random.default_rng(1)
    image, kernel = rng.random((20, 20)), rng.normal(size=(5, 5))
    shown = ConvolutionStepView.from_arrays(image, kernel, row=1, column=1).quantities()
    products = np.abs(image[1:6, 1:6] * kernel).ravel()
    listed = [shown[f"product[{index},0]"] for index in range(8)]
    assert sorted(np.abs(listed)) == pytest.approx(sorted(products)[-8:])
    assert sum(listed) + shown["others"] == pytest.approx(shown["sum"])


def test_a_recorded_layer_gives_the_value_that_it_recorded() -> None:
    rng = np.random.default_rng(2)
    images, kernels, biases = rng.random((3, 6, 7, 1)), rng.normal(size=(3, 2, 1, 4)), rng.normal(size=4)
    trace = trace_of(images, kernels, biases)
    expected = torch.nn.functional.conv2d(
        torch.tensor(images).permute(0, 3, 1, 2), torch.tensor(kernels).permute(3, 2, 0, 1), torch.tensor(biases)
    ).numpy()
    view = ConvolutionStepView.from_trace(trace, sample=1, filter=2, row=3, column=4)
    assert view.value == pytest.approx(expected[1, 2, 3, 4])
    np.testing.assert_allclose(view.feature_map, expected[1, 2])


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("size", [(2, 3), (3, 4)])
def test_padding_and_stride_of_a_layer_give_its_own_output(padding: str, stride: int, size: tuple[int, int]) -> None:
    layer = nn.layers.Conv2D(2, size, strides=stride, padding=padding, bias_initializer="ones")
    model = nn.Sequential([nn.Input((8, 7, 1)), layer], dtype="float64", seed=1)
    with record(model) as trace:
        output = model.predict(np.random.default_rng(5).random((2, 8, 7, 1)))
    view = ConvolutionStepView.from_trace(trace, sample=1, filter=1, row=1, column=1)
    np.testing.assert_allclose(view.feature_map, output[1, :, :, 1], atol=1e-12)
    assert view.value == pytest.approx(output[1, 1, 1, 1])


def test_a_dilated_layer_is_refused() -> None:
    model = nn.Sequential([nn.Input((8, 8, 1)), nn.layers.Conv2D(1, 3, dilation_rate=2)])
    with record(model) as trace:
        model.predict(np.ones((1, 8, 8, 1)))
    with pytest.raises(ArgumentError, match="dilation is 2"):
        ConvolutionStepView.from_trace(trace)


def test_of_several_channels_one_is_chosen_and_its_bias_left_out() -> None:
    rng = np.random.default_rng(3)
    images, kernels = rng.random((1, 5, 5, 2)), rng.normal(size=(3, 3, 2, 1))
    trace = trace_of(images, kernels, np.array([7.0]))
    with pytest.raises(ArgumentError, match="2 channels"):
        ConvolutionStepView.from_trace(trace)
    view = ConvolutionStepView.from_trace(trace, channel=1)
    assert view.bias == 0
    np.testing.assert_allclose(view.feature_map, correlate2d(images[0, :, :, 1], kernels[:, :, 1, 0], mode="valid"))


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ((np.eye(3), np.eye(4)), ShapeError, r"\(4, 4\)"),
        ((np.eye(3), np.eye(2), 0, 2, 0), ArgumentError, "rows 0 to 1"),
        ((np.eye(3), np.eye(2), 0, 0, -1), ArgumentError, "column -1"),
        ((np.eye(3), np.eye(2), float("nan")), DataError, "bias"),
        ((np.full((3, 3), np.inf), np.eye(2)), DataError, "image"),
        ((np.eye(3), [1, 2]), ShapeError, "kernel"),
        ((np.eye(3), np.eye(2), 0, 0, 0, 0), ArgumentError, "stride"),
        ((np.eye(3), np.eye(2), 0, 0, 0, 1.5), ArgumentError, "1.5"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: tuple, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        ConvolutionStepView.from_arrays(*arguments)


def test_what_a_trace_does_not_hold_is_refused() -> None:
    trace = letter_o_trace()
    with pytest.raises(TraceQueryError, match="no Conv2D"):
        ConvolutionStepView.ensure(Trace(ModelDescription("empty")))
    with pytest.raises(UnknownNameError, match="'conv'"):
        ConvolutionStepView.ensure(trace, layer="con")
    with pytest.raises(TraceQueryError, match="step 5"):
        ConvolutionStepView.from_trace(trace, step=5)
    with pytest.raises(ArgumentError, match="samples"):
        ConvolutionStepView.from_trace(trace, sample=1)
    with pytest.raises(ArgumentError, match="own kernel"):
        ConvolutionStepView.ensure(trace, np.eye(3))
    with pytest.raises(ArgumentError, match="needs a kernel"):
        ConvolutionStepView.ensure(np.eye(3))
