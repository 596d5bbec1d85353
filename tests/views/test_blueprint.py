"""The blueprint: a small network's numbers from the image to the answer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from letter_o import DIAGONAL, LETTER_O, slow_convolution, slow_pooling

from vizkit.errors import ArgumentError, ShapeError, TraceQueryError
from vizkit.trace import Keep, ModelDescription, Node, Recorder, Trace
from vizkit.trace.events import LayerDescription
from vizkit.views.blueprint import BlueprintView
from vizkit.views.marks import Curve
from vizkit.views.measure import CAP_HEIGHT, width
from vizkit.views.network_room import Rect
from vizkit.views.text import number

WEIGHTS = np.array([[1.5, -1.0], [-0.5, 0.75], [-0.25, 1.25], [1.0, -2.0]])
BIASES = np.array([0.1, -0.2])


def recorded(filters: int = 1) -> Trace:
    """A network whose answer is a softmax, computed by slow loops."""
    names = (("conv", "Conv2D"), ("relu", "Activation"), ("pool", "MaxPooling2D"), ("dense", "Dense"))
    nodes = [Node(index, *name) for index, name in enumerate(names)]
    recorder = Recorder(Trace(ModelDescription("letters")), Keep())
    recorder.describe(ModelDescription("letters", tuple(LayerDescription(node) for node in nodes)))
    images = LETTER_O[None, :, :, None]
    kernels, biases = np.repeat(DIAGONAL[:, :, None, None], filters, axis=3), np.full(filters, -1.0)
    output = slow_convolution(images, kernels, biases)
    active = np.where(output > 0, output, 0)
    pooled = slow_pooling(active)
    scores = np.exp(pooled[..., 0].reshape(1, -1) @ WEIGHTS + BIASES)
    recorder.forward(0, nodes[0], (images,), output, {"kernel": kernels, "bias": biases})
    recorder.forward(0, nodes[1], (output,), active, {})
    recorder.forward(0, nodes[2], (active,), pooled, {})
    recorder.forward(0, nodes[3], (pooled,), scores / scores.sum(), {"kernel": WEIGHTS, "bias": BIASES})
    return recorder.trace


def test_every_stage_shows_what_torch_computes() -> None:
    shown = BlueprintView.ensure(recorded(), classes=("O", "X")).quantities()
    image, kernel = torch.tensor(LETTER_O)[None, None], torch.tensor(DIAGONAL)[None, None]
    output = torch.nn.functional.conv2d(image, kernel, torch.tensor([-1.0], dtype=torch.float64))
    pooled = torch.nn.functional.max_pool2d(output.relu(), 2)
    answers = torch.softmax(pooled.flatten() @ torch.tensor(WEIGHTS) + torch.tensor(BIASES), 0)
    for key, values in {"map": output[0, 0], "active": output.relu()[0, 0], "pooled": pooled[0, 0]}.items():
        for (row, column), value in np.ndenumerate(values.numpy()):
            assert shown[f"{key}[{row},{column}]"] == pytest.approx(value)
    for index in range(4):
        assert shown[f"flat[{index},0]"] == pytest.approx(float(pooled.flatten()[index]))
    for index, answer in enumerate(answers):
        assert shown[f"answer[{index}]"] == pytest.approx(float(answer))
    assert shown["weight[2,1]"] == WEIGHTS[2, 1] and shown["weight:2,1"] == WEIGHTS[2, 1]


def test_the_highest_answer_stands_out() -> None:
    view = BlueprintView.ensure(recorded(), classes=("O", "X"))
    marks = {mark.key: mark for mark in view.picture.marks}
    names = [str(marks[f"answer:{index}:name"].words) for index in range(2)]
    assert names == ["O", "X"] and [marks[f"answer:{index}:name"].bold for index in range(2)] == [True, False]


def test_the_weights_stand_beside_their_lines_and_on_none() -> None:
    marks = {mark.key: mark for mark in BlueprintView.ensure(recorded(), classes=("O", "X")).picture.marks}
    lines = {key: mark for key, mark in marks.items() if isinstance(mark, Curve) and key.startswith("weight:")}
    assert len(lines) == WEIGHTS.size
    for key, own in lines.items():
        text = marks[f"{key}:text"]
        size = (width(str(text.words), 44), 44 * CAP_HEIGHT)
        rect = Rect.around((text.x, text.y), size)
        assert not [other for other, line in lines.items() if rect.meets_line(*map(tuple, line.points))], key
        near = {other: _distance(line.points, (text.x, text.y)) for other, line in lines.items()}
        assert near[key] < 50 and str(text.words) == number(own.value)


def _distance(ends: np.ndarray, at: tuple[float, float]) -> float:
    """How far a point lies from a line."""
    (x0, y0), (x1, y1) = ends
    return abs((x1 - x0) * (at[1] - y0) - (y1 - y0) * (at[0] - x0)) / float(np.hypot(x1 - x0, y1 - y0))


def test_more_than_it_can_show_is_refused() -> None:
    with pytest.raises(ShapeError, match="one filter"):
        BlueprintView.ensure(recorded(filters=2))
    with pytest.raises(ArgumentError, match="'O'"):
        BlueprintView.ensure(recorded(), classes=("O",))
    with pytest.raises(ArgumentError, match="samples"):
        BlueprintView.ensure(recorded(), 3)
    with pytest.raises(TraceQueryError, match="no Conv2D"):
        BlueprintView.ensure(Trace(ModelDescription("empty")))
    with pytest.raises(ArgumentError, match="ndarray"):
        BlueprintView.ensure(LETTER_O)
