"""The convolution story: its numbers against independent ones, its beats against the rules of the frame."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from letter_o import DIAGONAL, LETTER_O, letter_o_trace, trace_of

from vizkit.errors import ArgumentError, TraceQueryError
from vizkit.stories.convolution import convolution
from vizkit.stories.story import Story
from vizkit.trace import Keep, ModelDescription, Node, Recorder, Trace
from vizkit.views.formula import to_plain
from vizkit.views.text import count

READING = 15.0  # characters a second


@pytest.fixture(scope="module")
def story() -> Story:
    return convolution(letter_o_trace())


def stages(image: np.ndarray, kernel: np.ndarray, bias: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    output = torch.nn.functional.conv2d(
        torch.tensor(image)[None, None], torch.tensor(kernel)[None, None], torch.tensor([bias], dtype=torch.float64)
    )
    pooled = torch.nn.functional.max_pool2d(output.relu(), 2)
    return output[0, 0].numpy(), output.relu()[0, 0].numpy(), pooled[0, 0].numpy()


def table(quantities: dict[str, float], key: str, shape: tuple[int, int]) -> np.ndarray:
    return np.array([[quantities[f"machine/{key}[{r},{c}]"] for c in range(shape[1])] for r in range(shape[0])])


def test_the_first_window_of_the_o_sums_to_3_then_bias(story: Story) -> None:
    assert to_plain(story.beat("sum").equation) == "1 · 1 + 1 · 1 + 1 · 1 = 3"
    assert to_plain(story.beat("bias").equation) == "3 + (−1) = 2"
    assert story.beat("sum").quantities()["equation/sum"] == 3


def test_each_window_has_its_beat_with_the_value_torch_computes(story: Story) -> None:
    output, _, _ = stages(LETTER_O, DIAGONAL, -1.0)
    names = ["result", *(f"window-{count(index)}" for index in range(2, 17))]
    for index, name in enumerate(names):
        found = story.beat(name).quantities()
        assert found["equation/value"] == found["machine/value"] == output.flat[index]
        filled = [key for key in found if key.startswith("machine/map[")]
        assert len(filled) == index + 1


def test_the_stages_after_it_are_torchs(story: Story) -> None:
    output, active, pooled = stages(LETTER_O, DIAGONAL, -1.0)
    found = story.beat("closing").quantities()
    for key, expected in {"input": LETTER_O, "map": output, "active": active, "pooled": pooled}.items():
        np.testing.assert_array_equal(table(found, key, expected.shape), expected)
    assert found["caption/few"] == 4 and found["caption/pixels"] == 36


def test_negative_values_are_counted_where_they_are_lit(story: Story) -> None:
    output, _, _ = stages(LETTER_O, DIAGONAL, -1.0)
    beat = story.beat("relu-negative")
    assert beat.quantities()["caption/amount"] == (output < 0).sum()
    for (row, column), value in np.ndenumerate(output):
        assert beat.lit(f"machine/map:{row},{column}") == (value < 0)


def test_the_window_slides_by_whole_cells_with_one_key(story: Story) -> None:
    starts = []
    for name in ["result", *(f"window-{count(index)}" for index in range(2, 17))]:
        marks = {mark.key: mark for mark in story.beat(name).board.panels[0].view.picture.marks}
        cell = marks["input:0,0"].width
        left, top = marks["input:window"].points[:, 0].min(), marks["input:window"].points[:, 1].max()
        first = marks["input:0,0"]
        starts.append((round((first.y + first.height - top) / cell), round((left - first.x) / cell)))
    assert starts == [(row, column) for row in range(4) for column in range(4)]


def test_what_is_not_about_the_window_does_not_move(story: Story) -> None:
    places = [
        {mark.key: (mark.x, mark.y) for mark in beat.board.panels[0].view.picture.marks if "," in mark.key}
        for beat in story.beats
        if beat.name.startswith(("image", "kernel", "sum", "window", "feature", "large"))
    ]
    assert all(place == places[0] for place in places)


def test_the_story_lasts_about_two_minutes(story: Story) -> None:
    assert all(len(str(beat.caption)) <= 90 for beat in story.beats)
    seconds = sum(max(1.5, len(str(beat.caption)) / READING) + 0.8 for beat in story.beats)
    assert 80 <= seconds <= 130


def test_the_markdown_is_a_worked_derivation(story: Story) -> None:
    text = story.to_markdown()
    for line in ("1 · 1 + 1 · 1 + 1 · 1 = 3", "3 + (−1) = 2", "ReLU(−1) = 0", "max(2, 0, 0, 0) = 2"):
        assert line in text


@given(
    arrays(float, (6, 6), elements=st.integers(0, 2)),
    arrays(float, (3, 3), elements=st.integers(-1, 1)),
    st.integers(-3, 3),
)
@settings(max_examples=10)
def test_any_small_image_and_kernel_can_be_told(image: np.ndarray, kernel: np.ndarray, bias: int) -> None:
    output, active, pooled = stages(image, kernel, float(bias))
    assume(max(np.abs(output).max(), np.abs(output - bias).max()) < 10)  # wider numbers do not fit into a cell
    told = convolution(trace_of(image[None, :, :, None], kernel[:, :, None, None], np.array([float(bias)])))
    found = told.beat("closing").quantities()
    np.testing.assert_array_equal(table(found, "map", (4, 4)), output)
    np.testing.assert_array_equal(table(found, "active", (4, 4)), active)
    np.testing.assert_array_equal(table(found, "pooled", (2, 2)), pooled)


def changed(activated: np.ndarray | None = None, pooled: np.ndarray | None = None, output: float = 0.0) -> Trace:
    """The O's trace with some layer's output replaced."""
    right = stages(LETTER_O, DIAGONAL, -1.0)
    planes = [right[0] + output, right[1] if activated is None else activated, right[2] if pooled is None else pooled]
    recorder = Recorder(Trace(ModelDescription("letters")), Keep())
    kinds = ("Conv2D", "Activation", "MaxPooling2D")
    for index, (kind, plane) in enumerate(zip(kinds, planes, strict=True)):
        parameters = {"kernel": DIAGONAL[:, :, None, None], "bias": np.array([-1.0])} if not index else {}
        node = Node(index, kind.lower(), kind)
        recorder.forward(0, node, (LETTER_O[None, :, :, None],), plane[None, :, :, None], parameters)
    return recorder.trace


@pytest.mark.parametrize(
    "trace",
    [
        lambda: trace_of(np.ones((1, 28, 28, 1)), np.ones((3, 3, 1, 1)), np.zeros(1)),
        lambda: trace_of(np.ones((1, 6, 6, 1)), np.ones((3, 3, 1, 2)), np.zeros(2)),
        lambda: changed(activated=np.full((4, 4), 0.5)),
        lambda: changed(pooled=np.zeros((2, 2))),
    ],
)
def test_of_a_run_that_is_no_lesson_one_window_is_told(trace: Callable[[], Trace]) -> None:
    assert "product by product" in convolution(trace()).summary


@pytest.mark.parametrize(
    ("trace", "error", "said"),
    [
        (lambda: Trace(ModelDescription("empty")), TraceQueryError, "no Conv2D"),
        (lambda: changed(output=1.0), ArgumentError, "something else than a convolution"),
    ],
)
def test_what_is_no_convolution_is_refused(trace: Callable[[], Trace], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        convolution(trace())
