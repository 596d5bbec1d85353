"""A convolution told of any layer: its windows, channels, padding and stride against PyTorch's own numbers."""

from __future__ import annotations

import numpy as np
import pytest
from legibility_plots import faults

import vizkit
from vizkit import nn
from vizkit.errors import ArgumentError, UnknownNameError
from vizkit.stories.convolution import convolution
from vizkit.stories.convolution_layer import LayerRun

torch = pytest.importorskip("torch")

RNG = np.random.default_rng(11)
# channels, filters, kernel, stride, padding as PyTorch is told it
CASES = {
    "grey": (1, 4, 3, 1, 0),
    "colour": (3, 5, 3, 1, 1),
    "deep": (6, 3, 5, 1, 2),
    "strided": (2, 4, 3, 2, 1),
}


@pytest.fixture(params=CASES)
def told(request):
    channels, filters, kernel, stride, padding = CASES[request.param]
    torch.manual_seed(4)
    layer = torch.nn.Conv2d(channels, filters, kernel, stride, padding).double()
    model = torch.nn.Sequential(layer, torch.nn.ReLU())
    images = torch.tensor(np.random.default_rng(11).normal(size=(2, channels, 12, 10)))
    with vizkit.record(model) as trace, torch.no_grad():
        model(images)
    with torch.no_grad():
        return trace, layer, images, layer(images)


def test_the_sums_of_all_windows_are_pytorchs(told):
    trace, layer, _, output = told
    for sample in (0, 1):
        for filter in range(layer.out_channels):
            run = LayerRun.of(trace, None, None, sample, filter)
            np.testing.assert_allclose(run.sums, output[sample, filter], rtol=1e-9, atol=1e-12)
            assert run.sums[run.best] == pytest.approx(output[sample, filter].max().item(), rel=1e-12)


def test_the_kernel_that_answers_most_strongly_is_followed(told):
    trace, _, _, output = told
    run = LayerRun.of(trace, None, None, 1)
    assert run.filter == int(output[1].amax(dim=(1, 2)).argmax())
    assert (run.sums[run.best], run.sums[run.least]) == (run.sums.max(), run.sums.min())


def test_the_numbers_of_the_story_are_pytorchs(told):
    trace, layer, images, output = told
    story, run = convolution(trace, sample=1, layer="0"), LayerRun.of(trace, "0", None, 1)
    best = output[1, run.filter].max().item()
    value = story.beat("value").equation.quantities()
    assert value["value"] == pytest.approx(best, rel=1e-9)
    assert value["bias"] == pytest.approx(layer.bias[run.filter].item(), rel=1e-9)
    top, left = (at * layer.stride[0] - layer.padding[0] for at in run.best)
    window = torch.nn.functional.pad(images[1], [8] * 4)[:, top + 8 :, left + 8 :][
        :, : layer.kernel_size[0], : layer.kernel_size[1]
    ]
    parts = (window * layer.weight[run.filter].detach()).sum(dim=(1, 2))
    assert run.channel == int(parts.abs().argmax())
    shown = story.beat("sum").caption.quantities()["sum"]
    assert shown == pytest.approx(parts[run.channel].item(), rel=1e-9)
    if 1 < len(parts) <= 3:
        assert [value[f"part[{channel}]"] for channel in range(len(parts))] == pytest.approx(parts.tolist())
    if len(parts) > 3:
        assert value["others"] == pytest.approx((parts.sum() - parts[run.channel]).item())
    least = story.beat("least").equation.quantities()["value"]
    assert least == pytest.approx(output[1, run.filter].min().item(), rel=1e-9)
    drawn = story.beat("maps").board.quantities()
    np.testing.assert_allclose(drawn["machine/map0"], output[1, 0], rtol=1e-9)


def test_the_activation_of_a_layer_of_ones_own_network_is_told():
    model = nn.Sequential([nn.Input((9, 9, 1)), nn.layers.Conv2D(3, 3, activation="tanh")], dtype="float64", seed=0)
    with vizkit.record(model) as trace:
        out = model.predict(RNG.normal(size=(1, 9, 9, 1)))
    equation = convolution(trace).beat("activation").equation.quantities()
    run = LayerRun.of(trace, None, None, 0)
    assert equation["active"] == pytest.approx(np.tanh(equation["value"]))
    assert equation["active"] == pytest.approx(out[0, :, :, run.filter][run.best])


def test_what_is_not_there_is_one_clear_error(told):
    trace, layer, _, _ = told
    with pytest.raises(ArgumentError, match="samples are numbered 0 to 1, but 2"):
        convolution(trace, sample=2)
    with pytest.raises(ArgumentError, match=f"filters are numbered 0 to {layer.out_channels - 1}, but 99"):
        convolution(trace, filter=99)
    with pytest.raises(UnknownNameError, match="'9'"):
        convolution(trace, layer="9")


def test_grouped_kernels_are_refused():
    layer = torch.nn.Conv2d(4, 4, 3, groups=2)
    model = torch.nn.Sequential(layer)
    with vizkit.record(model) as trace, torch.no_grad():
        model(torch.ones(1, 4, 6, 6))
    with pytest.raises(ArgumentError, match="see 2 of 4"):
        convolution(trace)


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        ([0.0, 0.0, 0.0, 5.0], "nothing but zeros"),
        ([1.0, 1.0, 1.0, 5.0], "answers least"),
        ([-1.0, 1.0, 1.0, 5.0], "go against each other"),
    ],
)
def test_the_weakest_window_is_told_as_it_is(pixels, said):
    """One weight, so that each pixel is a window; the first is the weakest."""
    layer = torch.nn.Conv2d(1, 1, 1)
    torch.nn.init.constant_(layer.weight, 1.0)
    image = torch.tensor(pixels).reshape(1, 1, 2, 2).repeat_interleave(4, 2).repeat_interleave(4, 3)
    model = torch.nn.Sequential(layer)
    with vizkit.record(model) as trace, torch.no_grad():
        model(image)
    assert said in str(convolution(trace).beat("least").caption)


def test_one_map_has_the_colours_that_it_has_among_all(told):
    story = convolution(told[0])
    one, every = (story.beat(name).board.panels[0].view for name in ("map", "maps"))
    assert (one.limit, one.signed) == (every.limit, every.signed)


def test_the_value_points_to_its_place_in_the_map(told):
    marks = {mark.key: mark for mark in convolution(told[0]).beat("window").board.panels[0].view.picture.marks}
    (left, bottom), (right, top) = marks["map:window"].points.min(axis=0), marks["map:window"].points.max(axis=0)
    x, y = marks["enters"].end
    outside = max(left - x, x - right, bottom - y, y - top)
    assert 0 < outside <= 12 and x < right


def test_the_beats_can_be_read(told):
    from vizkit import plots

    for beat in convolution(told[0]).beats[3::3]:
        assert faults(plots.figure(beat, "dark")) == [], beat.name


def test_the_pictures_fit_a_frame_so_that_texts_keep_their_size(told):
    for beat in convolution(told[0]).beats:
        across, up = beat.board.panels[0].view.picture.size
        assert across <= 1800 and up <= 576, beat.name
