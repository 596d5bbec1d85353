"""Whole frames and storyboards: every zone in its place, every number on the page."""

from __future__ import annotations

import numpy as np
import pytest
from legibility_plots import faults, ink_box
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.text import Text as TextArtist
from samples import Machine, Parabola, sample_story

from vizkit import plots
from vizkit.errors import ArgumentError, RenderError
from vizkit.stories.story import Beat, Story
from vizkit.theme import DARK
from vizkit.views.board import CAPTION, EQUATION, PICTURE, PLACE, TITLE, board
from vizkit.views.equation import Fraction, Group, Paren, Power, Term, Value, derivative, equation, literal, row
from vizkit.views.text import quantity, sentence, words

STORY = sample_story()


def beat(caption="A caption.", terms=None, name="beat", place="place"):
    return Beat(
        name=name,
        place=place,
        board=board(machine=(Machine(0.5), 1.44), loss=Parabola(1.5)),
        caption=caption if not isinstance(caption, str) else words(caption),
        equation=terms,
    )


def drawn(figure):
    figure.set_dpi(100)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return canvas


def texts(figure, start):
    return [item for item in figure.findobj(TextArtist) if (item.get_gid() or "").startswith(start)]


def on_stage(figure, box):
    """Return a pixel box in stage units of a slide."""
    unit = figure.bbox.width / 1920
    return np.array(box.extents) / unit


def assert_within(extents, zone, slack=2.0):
    left, bottom, right, top = extents
    assert left >= zone.left - slack and right <= zone.left + zone.width + slack
    assert bottom >= zone.bottom - slack and top <= zone.bottom + zone.height + slack


def long_equation():
    slope = Term(Value(quantity("slope", -1234.56)), "gradient", bold=True)
    factors = [row("-", literal(2), Paren(row("y_i", "-", quantity(f"r{i}", 1.5 + i)))) for i in range(3)]
    return equation(derivative("SSR", "b_3"), "=", factors[0], "+", factors[1], "+", factors[2], "=", slope)


def grouped_equation():
    chain = [Group(derivative("SSR", "y"), "loss"), Group(derivative("y", "w_3"), "weighted sum")]
    return equation(derivative("SSR", "w_3"), "=", row(chain[0], "*", chain[1]), "=", quantity("slope", -2.5))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("index", range(3))
def test_a_beat_shows_all_its_numbers_and_can_be_read(theme, index):
    shown = STORY.beats[index]
    slide = plots.figure(shown, theme, title=STORY.title)
    found, expected = plots.read(slide), shown.quantities()
    assert set(found) == set(expected)
    for name, value in expected.items():
        tolerance = 0 if np.ndim(value) else 0.005 + 1e-9
        np.testing.assert_allclose(found[name], value, rtol=0, atol=tolerance, err_msg=name)
    assert faults(slide) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_storyboard_can_be_read_and_shows_each_beats_numbers(theme):
    sheet = plots.storyboard(STORY, theme)
    assert faults(sheet) == []
    expected = {f"{shown.name}/{name}" for shown in STORY.beats for name in shown.quantities()}
    assert set(plots.read(sheet)) == expected


def test_a_slide_is_sixteen_to_nine_at_any_width():
    assert plots.figure(beat()).get_size_inches() == pytest.approx([40 / 3, 7.5])
    assert plots.figure(beat(), size=8).get_size_inches() == pytest.approx([8, 4.5])


def test_title_and_place_start_at_the_left_of_their_zones():
    slide = plots.figure(beat(place="forward · step 0"), title="Backpropagation")
    canvas = drawn(slide)
    for start, zone in (("title", TITLE), ("place", PLACE)):
        (text,) = texts(slide, start)
        extents = on_stage(slide, ink_box(text, canvas))
        assert_within(extents, zone)
        assert extents[0] == pytest.approx(zone.left, abs=1)


def test_a_title_that_is_too_wide_is_set_smaller():
    slide = plots.figure(beat(), title="A very long title " * 5)
    assert_within(on_stage(slide, ink_box(texts(slide, "title")[0], drawn(slide))), TITLE)


@pytest.mark.parametrize("length", [20, 60, 145])
def test_a_caption_stands_in_its_zone_in_at_most_two_lines(length):
    caption = ("Mind how wide a caption may become, my dear reader of many words; " * 3)[:length].strip()
    slide = plots.figure(beat(caption))
    (text,) = texts(slide, "caption")
    lines = text.get_text().split("\n")
    assert len(lines) == (1 if length < 70 else 2)
    assert " ".join(lines) == caption
    left, bottom, right, top = on_stage(slide, text.get_window_extent(drawn(slide).renderer))
    assert_within((left, bottom, right, top), CAPTION, slack=8)
    assert (left + right) / 2 == pytest.approx(960, abs=2)


def test_a_caption_of_three_lines_is_refused():
    with pytest.raises(ArgumentError, match="2 lines"):
        plots.figure(beat("W" * 49 + " " + "W" * 49 + " " + "W" * 49))


def test_a_number_that_the_caption_breaks_off_is_still_read():
    caption = sentence(
        "This caption has so many words in front of its number that the line must be broken, and it says {a} and {b}.",
        a=quantity("a", -1234.5),
        b=quantity("b", 0.25),
    )
    slide = plots.figure(beat(caption))
    assert "\n" in texts(slide, "caption")[0].get_text()
    found = plots.read(slide)
    assert (found["caption/a"], found["caption/b"]) == (-1234.5, 0.25)


@pytest.mark.parametrize("terms", [equation("x"), long_equation(), grouped_equation()], ids=["x", "long", "grouped"])
def test_an_equation_is_in_the_middle_of_its_zone(terms):
    slide = plots.figure(beat(terms=terms))
    canvas = drawn(slide)
    extents = [on_stage(slide, text.get_window_extent(canvas.renderer)) for text in texts(slide, "equation")]
    left, bottom = np.min(extents, axis=0)[:2]
    right, top = np.max(extents, axis=0)[2:]
    assert_within((left, bottom, right, top), EQUATION, slack=8)
    assert (left + right) / 2 == pytest.approx(EQUATION.middle[0], abs=6)
    assert faults(slide) == []


def test_an_equations_numbers_are_read_from_its_mathtext():
    terms = equation(
        derivative("SSR", "w_12"), "=", Fraction(row(quantity("a", -1.5), "*", literal(2)), row(quantity("n", 3, 0))),
        "~", Term(Power(Paren(Value(quantity("big", 12345.678))), literal(2)), "loss", bold=True),
    )  # fmt: skip
    slide = plots.figure(beat(terms=terms))
    found = plots.read(slide)
    assert {name: found[f"equation/{name}"] for name in ("a", "n", "big")} == {"a": -1.5, "n": 3.0, "big": 12345.68}
    broken = next(text for text in texts(slide, "equation") if "12" in text.get_text() and "345" in text.get_text())
    broken.set_text(broken.get_text().replace("345", "999"))
    assert plots.read(slide)["equation/big"] == 12999.68


def test_an_equations_terms_have_their_roles_colours_and_one_baseline():
    slide = plots.figure(beat(terms=equation("y", "=", Term(Value(quantity("slope", 1.5)), "gradient"))), "dark")
    found = texts(slide, "equation")
    assert [to_hex(text.get_color()) for text in found] == [DARK.color(role) for role in ("ink", "ink", "gradient")]
    assert len({text.get_position()[1] for text in found}) == 1
    lefts = [text.get_position()[0] for text in found]
    assert lefts == sorted(lefts)


def test_a_named_factor_has_its_label_below():
    slide = plots.figure(beat(terms=grouped_equation()))
    canvas = drawn(slide)
    label = next(text for text in texts(slide, "equation") if text.get_text() == "weighted sum")
    factor = next(text for text in texts(slide, label.get_gid().removesuffix(".label")) if text is not label)
    box, below = factor.get_window_extent(canvas.renderer), ink_box(label, canvas)
    assert below.y1 < box.y0
    assert (below.x0 + below.x1) / 2 == pytest.approx((box.x0 + box.x1) / 2, abs=2)


def test_an_equation_that_cannot_be_read_is_refused():
    terms = equation(*[quantity(f"q{index}", 1000 + index) for index in range(40)])
    with pytest.raises(RenderError, match="9 points or more"):
        plots.figure(beat(terms=terms))


def test_panels_stand_in_the_boards_boxes():
    shown = beat()
    slide = plots.figure(shown)
    canvas = drawn(slide)
    boxes = shown.board.boxes(PICTURE)
    for panel in shown.board.panels:
        (ax,) = [ax for ax in slide.axes if ax.get_gid() == panel.name]
        assert_within(on_stage(slide, ax.get_tightbbox(canvas.renderer)), boxes[panel.name])


def test_what_a_beat_does_not_light_is_dimmed():
    slide = plots.figure(STORY.beats[1], "dark")  # lights loss/* and machine/weight*
    (curve,) = slide.findobj(lambda item: item.get_gid() == "loss/curve")
    (arrow,) = slide.findobj(lambda item: item.get_gid() == "machine/arrow")
    assert to_hex(curve.get_color()) == DARK.color("loss")
    assert to_hex(arrow.get_edgecolor()) == DARK.dimmed(DARK.color("gradient"))


def test_a_board_is_a_figure_too():
    figure = plots.figure(beat().board, "dark")
    assert set(plots.read(figure)) == set(beat().board.quantities())
    assert faults(figure) == []


@pytest.mark.parametrize(("count", "columns", "expected"), [(3, None, 2), (9, None, 3), (1, None, 1), (4, 3, 3)])
def test_a_storyboard_is_a_grid_in_reading_order(count, columns, expected):
    beats = tuple(beat(name=f"b{index}", place=f"place {index}") for index in range(count))
    story = Story(name="many", title="Many", summary="Many beats.", beats=beats)
    sheet = plots.storyboard(story, columns=columns)
    drawn(sheet)
    corners = [texts(sheet, f"b{index}/title")[0].get_window_extent() for index in range(count)]
    assert [text.get_text() for text in texts(sheet, "b0/title")] == ["1"]
    assert len({round(box.x0, 1) for box in corners}) == expected
    order = sorted(range(count), key=lambda index: (-round(corners[index].y0), corners[index].x0))
    assert order == list(range(count))


def test_bad_input_is_refused_with_what_came():
    with pytest.raises(ArgumentError, match="str was given"):
        plots.figure("backprop")
    with pytest.raises(ArgumentError, match="-3"):
        plots.figure(beat(), size=-3)
    with pytest.raises(ArgumentError, match="Beat was given"):
        plots.storyboard(beat())
    with pytest.raises(ArgumentError, match="0 was given"):
        plots.storyboard(STORY, columns=0)
