"""Colours of marks: a text can be read on whatever lies behind it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vizkit.theme import DARK, LIGHT, ROLES, contrast
from vizkit.views.colors import Colors, backdrop
from vizkit.views.marks import Cell, Curve, Disc, Text, points
from vizkit.views.picture import Picture
from vizkit.views.text import words

TEXT_ROLES = sorted(set(ROLES) - {"lines"})
themes = st.sampled_from([DARK, LIGHT])


@given(themes, st.sampled_from(TEXT_ROLES), st.sampled_from(TEXT_ROLES), st.floats(0, 1), st.booleans(), st.booleans())
def test_a_text_has_contrast_on_every_unit(theme, role, unit_role, strength, lit, unit_lit):
    fill = Colors(theme).fill(Disc(key="unit", role=unit_role, x=0, y=0, radius=1, strength=strength), unit_lit)
    assert contrast(Colors(theme).text(role, fill, lit), fill) >= 4.45


@given(themes, st.floats(-1, 1), st.booleans())
def test_a_text_has_contrast_on_every_cell(theme, strength, lit):
    fill = Colors(theme).fill(Cell(key="cell", x=0, y=0, fill=strength, signed=True), lit)
    assert contrast(Colors(theme).text("ink", fill, lit), fill) >= 4.45


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
@pytest.mark.parametrize("role", TEXT_ROLES)
def test_a_text_on_the_ground_keeps_its_roles_colour(theme, role):
    assert Colors(theme).text(role, theme.ground) == theme.color(role)


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
def test_dimming_lowers_a_texts_contrast_on_its_own_fill(theme):
    for strength in (0.0, 0.2, 0.9):
        fill = Colors(theme).share("loss", strength, False, lit=False)
        lit, dimmed = (contrast(Colors(theme).text("ink", fill, on), fill) for on in (True, False))
        assert dimmed < lit or lit < 5


def text(**place):
    return Text(key="text", words=words("1"), **place)


def test_a_backdrop_is_the_foremost_mark_under_the_text():
    back = Cell(key="back", x=0, y=0, width=4, height=4, depth=0)
    front = Disc(key="front", x=2, y=2, radius=1, depth=2)
    over = Cell(key="over", x=0, y=0, width=4, height=4, depth=9)
    line = Curve(key="line", points=points([0, 4], [2, 2]), depth=3)

    def found(**place):
        label = text(**place)
        picture = Picture(size=(9, 9), bounds=(0, 9, 0, 9), marks=(front, back, over, line, label))
        behind = backdrop(picture, label)
        return behind.key if behind else None

    assert found(x=2, y=2) == "front"
    assert found(x=2.9, y=2.9) == "back"
    assert found(x=5, y=5) is None
    assert found(x=2, y=2, dy=40) is None
    assert found(x=2, y=2, depth=9) == "over"
