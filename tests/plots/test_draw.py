"""Views on matplotlib axes: what the artists hold is what the view says."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from legibility_plots import faults, ink_box
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from samples import Machine, Parabola

from vizkit import plots
from vizkit.errors import ArgumentError, RenderError, UnknownNameError
from vizkit.plots.read import strokes
from vizkit.theme import DARK, LIGHT
from vizkit.views.marks import Cell, Curve, Disc, Dot, Image, Text, points
from vizkit.views.picture import PLOT, Axis, Picture, View, axis
from vizkit.views.text import quantity, words

VIEWS = [Parabola(1.5), Parabola(0.6), Machine(3.34), Machine(-1.22)]


class Shown(View):
    """A view that is just the picture it is given."""

    def __init__(self, picture: Picture) -> None:
        self.given = picture

    def draw(self) -> Picture:
        return self.given


def diagram(*marks, size=(900, 576), bounds=(0, 9, 0, 5.76)) -> Shown:
    return Shown(Picture(size=size, bounds=bounds, marks=marks))


def artist(ax, gid):
    (found,) = ax.findobj(lambda item: item.get_gid() == gid)
    return found


def assert_agrees(found, expected, digits=2):
    assert set(found) == set(expected)
    for name, value in expected.items():
        if np.ndim(value):
            np.testing.assert_array_equal(found[name], value)
        else:
            assert abs(found[name] - value) <= 0.5 * 10**-digits + 1e-9, name


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS, ids=repr)
def test_what_is_read_from_the_axes_is_what_the_view_shows(view, theme):
    ax = plots.draw(view, Figure(figsize=(6, 5)).subplots(), theme)
    assert_agrees(plots.read(ax), view.quantities())


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS, ids=repr)
def test_a_view_of_its_own_size_can_be_read(view, theme):
    assert faults(plots.figure(view, theme)) == []


finite = st.floats(-1e4, 1e4)


@settings(max_examples=25)
@given(
    st.lists(st.tuples(finite, finite), min_size=1, max_size=8),
    st.lists(finite, min_size=1, max_size=4),
    st.integers(1, 3),
    st.integers(1, 3),
)
def test_any_points_numbers_and_images_are_read_back(places, values, rows, columns):
    pairs = points(*zip(*places, strict=True))
    image = np.resize(np.array(values), (rows, columns))
    shown = [word for index, value in enumerate(values) for word in (" at $_{", quantity(f"n{index}", value, 3))]
    view = diagram(
        Curve(key="curve", points=pairs),
        *(Dot(key=f"dot{index}", x=x, y=y) for index, (x, y) in enumerate(places)),
        Text(key="text", words=words(*shown), x=0, y=0),
        Image(key="image", values=image, x=0, y=0, width=1, height=2, limit=1e4, signed=True),
    )
    ax = plots.draw(view, Figure().subplots())
    assert_agrees(plots.read(ax), view.quantities(), digits=3)


def test_the_text_on_the_page_is_read_and_not_the_view():
    ax = plots.draw(Machine(2.0), Figure().subplots())
    label = artist(ax, "weight:text")
    label.set_text("× 1,234.50")
    assert plots.read(ax)["weight"] == 1234.5
    label.set_text("× nothing")
    with pytest.raises(RenderError, match="nothing"):
        plots.read(ax)
    label.set_text("weight")
    with pytest.raises(RenderError, match="says 'weight'"):
        plots.read(ax)


def test_a_pyplot_figure_is_made_only_without_axes():
    plt.close("all")
    figure = Figure()
    plots.draw(Parabola(1.0), figure.subplots(), "dark")
    plots.figure(Parabola(1.0))
    assert plt.get_fignums() == []
    try:
        ax = plots.draw(Parabola(1.0))
        assert plt.gcf() is ax.figure and len(plt.get_fignums()) == 1
        assert ax.figure.get_size_inches() == pytest.approx([760 / 3 / 72, 616 / 3 / 72])  # with a rim
    finally:
        plt.close("all")


def test_only_the_given_axes_are_touched_and_no_settings():
    before = mpl.rcParams.copy()
    figure = Figure(figsize=(9, 7), facecolor="white")
    grid = figure.subplots(2, 2)
    others = [grid[0, 0], grid[0, 1], grid[1, 1]]
    state = [(len(ax.get_children()), ax.get_xlim(), ax.get_facecolor()) for ax in others]
    plots.draw(Machine(1.0), grid[1, 0], "dark")
    assert state == [(len(ax.get_children()), ax.get_xlim(), ax.get_facecolor()) for ax in others]
    assert to_hex(figure.get_facecolor()) == "#ffffff"
    assert to_hex(grid[1, 0].get_facecolor()) == DARK.ground
    assert before == mpl.rcParams


def test_four_views_on_one_figure_can_be_read():
    figure = Figure(figsize=(12, 9))
    for ax, view in zip(figure.subplots(2, 2).flat, VIEWS, strict=True):
        plots.draw(view, ax)
    assert faults(figure) == []


def test_subfigures_take_views_and_small_rooms_keep_nine_points():
    left, right = Figure(figsize=(2, 1)).subfigures(1, 2)
    plots.draw(Machine(1.0), left.subplots())
    plots.draw(Parabola(1.0), right.subplots())
    texts = [text for part in (left, right) for text in part.axes[0].texts]
    assert len(texts) == 5
    assert min(text.get_fontsize() for text in texts) == pytest.approx(9)


def test_text_and_strokes_grow_with_a_diagrams_room():
    small, large = (plots.draw(Machine(1.0), Figure(figsize=size).subplots()) for size in [(5, 4), (10, 8)])
    sizes = [artist(ax, "left:value").get_fontsize() for ax in (small, large)]
    assert sizes[1] == pytest.approx(2 * sizes[0])
    assert strokes(large)["weight"][0] == pytest.approx(2 * strokes(small)["weight"][0])


def test_a_plots_text_stops_growing():
    ax = plots.draw(Parabola(1.0), Figure(figsize=(30, 20)).subplots())
    assert artist(ax, "slope").get_fontsize() == pytest.approx(18)


def test_the_axes_have_the_views_ticks_names_and_limits():
    ax = plots.draw(Parabola(1.0), Figure().subplots())
    assert [label.get_text() for label in ax.get_xticklabels()] == ["−2", "−1", "0", "1", "2"]
    assert ax.get_yticks().tolist() == [0, 1, 2, 3, 4]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("weight", "loss")
    assert (ax.get_xlim(), ax.get_ylim()) == ((-2, 2), (0, 4))
    assert not ax.spines["top"].get_visible() and not ax.spines["right"].get_visible()


def test_the_y_axis_is_named_upright_above_its_end():
    figure = plots.figure(Parabola(1.0))
    FigureCanvasAgg(figure).draw()
    (ax,) = figure.axes
    name = ax.yaxis.label
    assert name.get_rotation() == 0
    assert name.get_window_extent().y0 > ax.bbox.y1


def test_a_logarithmic_axis():
    along = Axis("rate", 1e-3, 1.0, (1e-3, 1e-2, 0.1, 1.0), ("0.001", "0.01", "0.1", "1"), "log")
    dot = Dot(key="here", x=0.1, y=0.5)
    picture = Picture(
        size=(720, 576), bounds=(1e-3, 1, 0, 1), marks=(dot,), x=along, y=axis("loss", 0, 1), margins=PLOT
    )
    figure = plots.figure(Shown(picture))
    (ax,) = figure.axes
    FigureCanvasAgg(figure).draw()
    assert ax.get_xscale() == "log"
    share = (ax.transData.transform((0.1, 0))[0] - ax.bbox.x0) / ax.bbox.width
    assert share == pytest.approx(2 / 3)
    assert [label.get_text() for label in ax.get_xticklabels() if label.get_text()] == list(along.texts)
    assert faults(figure) == []


def test_a_diagram_keeps_its_proportions_and_has_no_axes():
    ax = plots.draw(Machine(1.0), Figure(figsize=(8, 3)).subplots())
    FigureCanvasAgg(ax.figure).draw()
    (x0, y0), (x1, y1) = ax.transData.transform([(0, 0), (1, 1)])
    assert x1 - x0 == pytest.approx(y1 - y0)
    assert not ax.get_xticks().size and not any(spine.get_visible() for spine in ax.spines.values())


@pytest.mark.parametrize(("face", "theme"), [("black", DARK), ("white", LIGHT), ("none", LIGHT)])
def test_without_a_theme_the_ground_of_the_axes_decides(face, theme):
    ax = Figure(facecolor="white").subplots()
    ax.set_facecolor(face)
    before = ax.get_facecolor()
    plots.draw(Parabola(1.0), ax)
    assert to_hex(artist(ax, "curve").get_color()) == theme.color("loss")
    assert ax.get_facecolor() == before


def test_what_stands_outside_dark_axes_can_be_read_on_a_white_figure():
    figure = Figure(figsize=(6, 5), facecolor="white")
    plots.draw(Parabola(1.0), figure.add_axes((0.2, 0.3, 0.6, 0.5)), "dark")
    assert faults(figure) == []


def test_a_number_stands_in_the_middle_of_its_unit():
    figure = plots.figure(diagram(
        Disc(key="unit", role="input", x=4, y=3, radius=1),
        Text(key="value", words=words(quantity("value", 8, 0)), x=4, y=3),
    ))  # fmt: skip
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    ax = figure.axes[0]
    box, (x, y) = ink_box(artist(ax, "value"), canvas), ax.transData.transform((4, 3))
    assert (box.x0 + box.x1) / 2 == pytest.approx(x, abs=1)
    assert (box.y0 + box.y1) / 2 == pytest.approx(y, abs=1)


def test_a_label_is_moved_by_stage_units():
    picture = diagram(Text(key="a", words=words("a"), x=4, y=3, dx=90, dy=45))
    figure = plots.figure(picture)
    FigureCanvasAgg(figure).draw()
    ax = figure.axes[0]
    moved = ax.transData.inverted().transform(artist(ax, "a").get_transform().transform((4, 3)))
    cap = 1490 / 2048 * 44 / 2  # half the capitals' height, in stage units, 100 to a data unit
    assert moved == pytest.approx([4 + 0.9, 3 + (45 - cap) / 100], abs=1e-3)


def test_a_weights_line_is_as_wide_and_coloured_as_its_mark():
    values = [-3.0, -1.0, 0.5, 2.0]
    view = diagram(*(
        Curve(
            key=f"w{at}", role="negative" if value < 0 else "positive", value=value, width=2 + 4 * abs(value),
            points=points([0, 9], [at, at]),
        )
        for at, value in enumerate(values)
    ))  # fmt: skip
    drawn = strokes(plots.draw(view, Figure().subplots(), "light"))
    assert sorted(drawn, key=lambda key: drawn[key][0]) == ["w2", "w1", "w3", "w0"]
    assert drawn["w0"][0] / drawn["w2"][0] == pytest.approx(14 / 4)
    assert [drawn[f"w{at}"][1] for at in range(4)] == [LIGHT.color("negative")] * 2 + [LIGHT.color("positive")] * 2


@pytest.mark.parametrize("shape", [(3, 4), (70, 70)], ids=["rectangles", "pixels"])
@pytest.mark.parametrize("signed", [False, True])
def test_an_images_pixels_have_its_values_colours_with_row_zero_on_top(shape, signed):
    values = np.zeros(shape)
    values[0, 0], values[-1, -1] = 1.0, -0.5 if signed else 0.5
    image = Image(key="image", role="activation", values=values, x=1, y=1, width=4, height=4, limit=1.0, signed=signed)
    figure = plots.figure(diagram(image), "light")
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())
    to_pixel = figure.axes[0].transData.transform

    def colour(row, column):
        x, y = to_pixel((1 + (column + 0.5) * 4 / shape[1], 5 - (row + 0.5) * 4 / shape[0]))
        return pixels[int(len(pixels) - y), int(x), :3] / 255

    def expected(share):
        wanted = LIGHT.signed(share) if signed else LIGHT.shade("activation", share)
        return mpl.colors.to_rgb(wanted)

    assert colour(0, 0) == pytest.approx(expected(1.0), abs=0.03)
    assert colour(shape[0] - 1, shape[1] - 1) == pytest.approx(expected(values[-1, -1]), abs=0.03)
    assert colour(1, 1) == pytest.approx(mpl.colors.to_rgb(LIGHT.ground), abs=0.01)


def test_what_is_not_lit_is_dimmed_and_can_still_be_read():
    figure = plots.figure(Machine(1.0), "dark")
    bright = to_hex(artist(figure.axes[0], "arrow").get_edgecolor())
    other = Figure(figsize=figure.get_size_inches(), facecolor=DARK.ground)
    ax = plots.draw(Machine(1.0), other.add_axes((0, 0, 1, 1)), "dark", lit=lambda key: key.startswith("weight"))
    assert bright == DARK.color("gradient")
    assert to_hex(artist(ax, "arrow").get_edgecolor()) == DARK.dimmed(bright)
    assert to_hex(artist(ax, "weight").get_color()) == DARK.color("positive")
    assert faults(other) == []


def test_a_cells_text_can_be_read_on_every_fill():
    fills = [-1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1]
    cells = [
        Cell(key=f"c{at}", x=at, y=2, fill=fill, signed=True, words=words(quantity(f"c{at}", fill, 1)))
        for at, fill in enumerate(fills)
    ]
    for theme in ("light", "dark"):
        assert faults(plots.figure(diagram(*cells), theme)) == []


def test_every_artist_has_its_marks_key():
    view = Machine(1.0)
    ax = plots.draw(view, Figure().subplots())
    gids = {item.get_gid() for item in ax.findobj()} - {None}
    assert gids == {mark.key for mark in view.picture.marks} | {"cell.text"}


def test_higher_depth_is_drawn_later():
    view = Machine(1.0)
    ax = plots.draw(view, Figure().subplots())
    for mark in view.picture.marks:
        for other in view.picture.marks:
            if mark.depth < other.depth:
                assert artist(ax, mark.key).get_zorder() < artist(ax, other.key).get_zorder()


def test_bad_input_is_refused_with_what_came():
    with pytest.raises(ArgumentError, match="int was given"):
        plots.draw(3)
    with pytest.raises(ArgumentError, match="Figure was given"):
        plots.draw(Parabola(1.0), ax=Figure())
    with pytest.raises(UnknownNameError, match="'dark'"):
        plots.draw(Parabola(1.0), ax=Figure().subplots(), theme="drak")
    with pytest.raises(ArgumentError, match="str was given"):
        plots.read("axes")


@pytest.mark.parametrize("layout", ["constrained", "tight", "compressed"])
def test_the_layouts_of_matplotlib_leave_the_names_of_the_axes_whole(layout):
    figure = Figure(figsize=(9, 4), layout=layout)
    canvas = FigureCanvasAgg(figure)
    for ax in figure.subplots(1, 2):
        plots.training_curves({"glyphs": [3.0, 2.0, 1.0]}, "glyphs", ax=ax)
    canvas.draw()
    for ax in figure.axes:
        for label in (ax.xaxis.label, ax.yaxis.label):
            box = label.get_window_extent()
            assert box.y0 >= 0 and box.y1 <= figure.bbox.y1, label.get_text()
