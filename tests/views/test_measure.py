"""Text measured by the fonts' advances: against matplotlib's outlines and a plain search."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from fontTools.pens.boundsPen import BoundsPen
from fontTools.ttLib import TTFont
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextToPath

from vizkit.errors import ArgumentError
from vizkit.theme import font_path
from vizkit.views.measure import CAP_HEIGHT, DESCENT, width, wrap

WORDS = st.lists(st.text("abcWi,.0−", min_size=1, max_size=9), min_size=1, max_size=9)


@pytest.mark.parametrize("bold", [False, True])
@pytest.mark.parametrize("text", ["The slope is −15.66, so raise it.", "w₁ = 3.34", "Wallflower, 109,386 weights"])
def test_a_width_is_matplotlibs_but_for_kerning(text, bold):
    prop = FontProperties(fname=font_path("bold" if bold else "text"), size=100)
    expected, _, _ = TextToPath().get_text_width_height_descent(text, prop, ismath=False)
    assert width(text, 100, bold) == pytest.approx(expected, rel=0.015)


def test_capitals_figures_and_descenders_have_the_heights_that_are_said():
    font = TTFont(font_path())
    glyphs, names = font.getGlyphSet(), font.getBestCmap()

    def bounds(character):
        pen = BoundsPen(glyphs)
        glyphs[names[ord(character)]].draw(pen)
        return pen.bounds[1] / font["head"].unitsPerEm, pen.bounds[3] / font["head"].unitsPerEm

    assert [bounds(letter)[1] for letter in "HE17"] == pytest.approx([CAP_HEIGHT] * 4, abs=0.002)
    assert min(bounds(letter)[0] for letter in "gjpqy") == pytest.approx(-DESCENT, abs=0.01)


def test_a_character_that_no_font_has_is_named():
    with pytest.raises(ArgumentError, match=r"U\+1F600"):
        width("\U0001f600", 10)


def longest(lines):
    return max(width(line, 10) for line in lines)


def all_breaks(words):
    """Yield every way of breaking words into lines."""
    for count in range(len(words)):
        for cuts in combinations(range(1, len(words)), count):
            ends = [0, *cuts, len(words)]
            yield [" ".join(words[a:b]) for a, b in pairwise(ends)]


@settings(max_examples=60)
@given(WORDS, st.floats(60, 400))
def test_wrapping_takes_the_fewest_lines_and_makes_them_even(words, room):
    lines = wrap(" ".join(words), 10, room)
    assert " ".join(lines) == " ".join(words)
    fitting = [way for way in all_breaks(words) if longest(way) <= room]
    assert longest(lines) <= max(room, max(width(word, 10) for word in words))
    if fitting:
        fewest = min(len(way) for way in fitting)
        best = min(longest(way) for way in fitting if len(way) == fewest)
        assert len(lines) == fewest
        assert longest(lines) <= best + 10 / 8


def test_no_text_has_no_lines():
    assert wrap("  ", 10, 100) == []
