"""The network's picture: its numbers against plain NumPy, its geometry against the rules it promises."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import dosage_run
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vizkit.errors import ArgumentError, ShapeError
from vizkit.trace import samples
from vizkit.views.marks import Cell, Curve, Disc, Text
from vizkit.views.measure import CAP_HEIGHT, width
from vizkit.views.network import NetworkView, Note
from vizkit.views.network_layers import Layer, Loss, dense_layer, input_layer
from vizkit.views.network_room import Rect
from vizkit.views.text import quantity, words


@pytest.fixture(scope="module")
def trace():
    return dosage_run.trained(3)


def by_key(view):
    return {mark.key: mark for mark in view.picture.marks}


def layered(sizes, rng, loss=False):
    """Return a view of a stack of dense layers with random numbers."""
    values = rng.normal(size=sizes[0])
    layers = [input_layer(values)]
    for before, after in itertools.pairwise(sizes):
        kernel, bias = rng.normal(size=(before, after)), rng.normal(size=after)
        output = np.tanh(values @ kernel + bias)
        layers.append(dense_layer(values, kernel, bias, output, "tanh"))
        values = output
    box = Loss(name="SSR", value=20.42, target=np.array([1.0]), gradient=None) if loss else None
    return NetworkView(layers=tuple(layers), loss=box)


def rect_of(mark):
    return Rect.around((mark.x, mark.y), (width(str(mark.words), 44), 44 * CAP_HEIGHT))


def test_it_shows_every_value_of_the_dosage_network(trace):
    shown = NetworkView.from_trace(trace, sample=1).quantities()
    p, x = dosage_run.START, 0.5
    upper, lower = (dosage_run.softplus(p[w] * x + p[b]) for w, b in (("w1", "b1"), ("w2", "b2")))
    for name, value in p.items():
        assert shown[name] == value
    assert shown["value[0][0]"] == x
    assert [shown["value[1][0]"], shown["value[1][1]"]] == pytest.approx([upper, lower], rel=1e-12)
    assert shown["value[2][0]"] == pytest.approx(dosage_run.predict(p, x), rel=1e-12)
    assert shown["ssr"] == pytest.approx(dosage_run.ssr(p), rel=1e-12)
    assert shown["target"] == 1.0


def test_the_published_numbers_are_read(trace):
    texts = {
        mark.key: str(mark.words)
        for mark in NetworkView.from_trace(trace, sample=1).picture.marks
        if isinstance(mark, Text)
    }
    assert texts["edge:1:0:0:weight"] == "w₁ = 3.34"
    assert texts["edge:2:1:0:weight"] == "w₄ = −2.30"
    assert texts["bias:2:0"] == "b₃ = 0.00"
    assert texts["unit:2:0:value"] == "−1.61"
    assert texts["loss:value"] == "20.42"


def test_gradients_stand_beside_their_parameters(trace):
    view = NetworkView.from_trace(trace, gradients=True)
    expected = dosage_run.derivatives(dosage_run.START)
    for name, value in expected.items():
        assert view.quantities()[f"d {name}"] == pytest.approx(value, rel=1e-6)
    marks = by_key(view)
    for place in ("edge:1:0:1", "bias:1:0", "bias:2:0"):
        label, gradient = marks[f"{place}:weight" if place.startswith("edge") else place], marks[f"{place}:gradient"]
        assert gradient.role == "gradient"
        assert math.dist((label.x, label.y), (gradient.x, gradient.y)) < 260


def test_keys_stay_from_step_to_step(trace):
    first, last = (NetworkView.from_trace(trace, step=step) for step in (0, 2))
    assert by_key(first).keys() == by_key(last).keys()
    assert first.quantities()["b3"] != last.quantities()["b3"]


def test_weights_are_drawn_by_sign_and_magnitude(trace):
    marks = by_key(NetworkView.from_trace(trace))
    edges = {key: mark for key, mark in marks.items() if isinstance(mark, Curve) and key.startswith("edge:")}
    assert {key: edge.value for key, edge in edges.items()} == {
        "edge:1:0:0": 3.34, "edge:1:0:1": -3.53, "edge:2:0:0": -1.22, "edge:2:1:0": -2.30,
    }  # fmt: skip
    assert all((edge.role == "negative") == (edge.value < 0) for edge in edges.values())
    order = sorted(edges.values(), key=lambda edge: abs(edge.value))
    assert all(a.width < b.width for a, b in itertools.pairwise(order))


def test_the_point_on_the_small_drawing_stands_at_the_recorded_sum(trace):
    view = NetworkView.from_trace(trace, sample=1)
    marks = by_key(view)
    curve, point = marks["unit:1:0:curve"].points, marks["unit:1:0:point"]
    at = 4.0 + 0.5 * 3.34 - 1.43  # from the drawing's left end, at −4
    assert (point.x - curve[0, 0]) / (curve[-1, 0] - curve[0, 0]) == pytest.approx(at / 8)
    assert np.interp(point.x, *curve.T) == pytest.approx(point.y, abs=0.5)


def test_the_tangent_has_the_activations_slope(trace):
    view = NetworkView.from_trace(trace, sample=1, tangents=("unit:1:0", "unit:0:0"))
    marks = by_key(view)
    z = 0.5 * 3.34 - 1.43
    assert marks["unit:1:0:tangent"].value == pytest.approx(1 / (1 + math.exp(-z)))
    curve, tangent = marks["unit:1:0:curve"].points, marks["unit:1:0:tangent"].points
    middle = np.searchsorted(curve[:, 0], marks["unit:1:0:point"].x)
    near = curve[middle] - curve[middle - 1]
    along = tangent[1] - tangent[0]
    assert along[1] / along[0] == pytest.approx(near[1] / near[0], rel=0.05)
    assert "unit:0:0:tangent" not in marks, "an input has no activation"


def test_what_is_not_yet_known_is_not_shown(trace):
    marks = by_key(NetworkView.from_trace(trace, known=("unit:0:*", "unit:1:0")))
    assert {"unit:0:0:value", "unit:1:0:value", "unit:1:0:point"} <= marks.keys()
    assert not {"unit:1:1:value", "unit:1:1:point", "unit:2:0:value", "loss:value"} & marks.keys()
    assert "unit:1:1" in marks


def test_a_note_travels_under_its_own_key(trace):
    def at(place):
        note = Note(key="gradient", at=place, words=words(quantity("d b3", -15.66)), role="gradient")
        return by_key(NetworkView.from_trace(trace, notes=(note,)))["gradient"]

    places = [(at(place).x, at(place).y) for place in ("loss", "bias:2:0", "edge:2:0:0", "unit:1:0", "edge:1:0:0")]
    assert len(set(places)) == 5
    assert [round(x) for x, _ in places] == sorted((round(x) for x, _ in places), reverse=True), "right to left"


@settings(max_examples=40)
@given(st.lists(st.integers(1, 14), min_size=2, max_size=4), st.booleans(), st.integers(0, 9))
def test_no_labels_overlap_and_edges_stop_at_the_rims(sizes, loss, seed):
    picture = layered(sizes, np.random.default_rng(seed), loss).picture
    texts = [mark for mark in picture.marks if isinstance(mark, Text)]
    discs = [mark for mark in picture.marks if isinstance(mark, Disc)]
    rects = [rect_of(text) for text in texts]
    frame = Rect(0, 0, *picture.size)
    assert all(rect.inside(frame) for rect in rects)
    assert not any(one.meets(two) for i, one in enumerate(rects) for two in rects[:i])
    for text, rect in zip(texts, rects, strict=True):
        for disc in discs:
            if text.key != f"{disc.key}:value":
                assert not rect.meets_disc((disc.x, disc.y), disc.radius)
            elif math.dist((text.x, text.y), (disc.x, disc.y)) < disc.radius:
                corners = [(x, y) for x in (rect.left, rect.right) for y in (rect.bottom, rect.top)]
                assert all(math.dist(corner, (disc.x, disc.y)) < disc.radius for corner in corners), "inside the rim"
    for edge in (
        mark
        for mark in picture.marks
        if isinstance(mark, Curve) and mark.key.startswith("edge:") and not mark.key.endswith("tangent")
    ):
        for end in edge.points:
            assert all(math.dist(end, (disc.x, disc.y)) > disc.radius for disc in discs)
        for text, rect in zip(texts, rects, strict=True):
            assert not rect.meets_line(*edge.points.tolist()), f"{text.key} stands on {edge.key}"


def test_of_a_wide_layer_the_rest_is_counted():
    view = layered([64, 32, 10], np.random.default_rng(0))
    discs = [mark.key for mark in view.picture.marks if isinstance(mark, Disc)]
    assert [sum(key.startswith(f"unit:{layer}:") for key in discs) for layer in range(3)] == [8, 8, 10]
    shown = view.quantities()
    assert (shown["more[0]"], shown["more[1]"]) == (56, 24)
    assert "w1" not in shown, "64 × 32 labels have no room"
    assert shown["edge:1:7:7"] == view.layers[1].weights[7, 7], "but the edges are there"
    assert {f"value[2][{unit}]" for unit in range(10)} <= shown.keys(), "and the outputs"


def test_other_layers_are_boxes_with_their_shapes():
    image = Layer(title="input", output=np.zeros((8, 8, 1)), kind="Input")
    maps = Layer(title="Conv2D", output=np.zeros((6, 6, 4)), kind="Conv2D")
    flat = Layer(title="Flatten", output=np.arange(144.0), kind="Flatten")
    dense = dense_layer(flat.output, np.ones((144, 3)), np.zeros(3), np.zeros(3), "softmax")
    view = NetworkView(layers=(image, maps, flat, dense))
    marks = by_key(view)
    assert [key for key, mark in marks.items() if isinstance(mark, Cell)] == ["block:0", "block:1", "block:2"]
    assert str(marks["title:1"].words) == "Conv2D"
    assert str(marks["shape:1"].words) == "6 × 6 × 4"
    assert view.quantities()["shape[2][0]"] == 144
    assert {"link:2:0:0", "link:3:0:2"} <= marks.keys()


def test_ensure_takes_a_trace_or_a_view(trace):
    view = NetworkView.ensure(trace, step=1)
    assert NetworkView.ensure(view) is view
    assert NetworkView.ensure(samples.tiny_trace()).quantities()["w1"] == 1.0
    with pytest.raises(ArgumentError, match="list"):
        NetworkView.ensure([1, 2])


def test_titles_name_the_columns(trace):
    view = NetworkView.from_trace(trace, titles=("dosage", "softplus", "predicted"))
    assert str(by_key(view)["title:2"].words) == "predicted"
    with pytest.raises(ArgumentError, match="3 columns"):
        NetworkView.from_trace(trace, titles=("dosage",))


def test_bad_input_is_one_clear_error(trace):
    with pytest.raises(ArgumentError, match="samples are numbered 0 to 2, but 3"):
        NetworkView.from_trace(trace, sample=3)
    with pytest.raises(ArgumentError, match="no forward event of layer 'dense' at step 99"):
        NetworkView.from_trace(trace, step=99)
    with pytest.raises(ArgumentError, match="at least one layer"):
        NetworkView(layers=(input_layer([1.0]),))
    with pytest.raises(ArgumentError, match="limit=0"):
        NetworkView(layers=(input_layer([1.0]), input_layer([1.0])), limit=0)
    with pytest.raises(ShapeError, match=r"\(2,\), \(3, 1\)"):
        dense_layer([1, 2], [[1], [2], [3]], [0], [0], "linear")
    with pytest.raises(ArgumentError, match="no room for 16 columns"):
        _ = replace(layered([1] * 16, np.random.default_rng(0)), size=(1120.0, 576.0)).picture


def test_a_deep_network_is_wider():
    view = layered([1] * 16, np.random.default_rng(0))
    assert view.picture.size[0] > 1120
    assert view.quantities()["value[15][0]"] == view.layers[15].output[0]
