"""Glyph outlines against FreeType (through matplotlib) and shaping against Raqm (through Pillow)."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath
from PIL import ImageFont, features

from vizkit.animation.glyphs import face, run
from vizkit.errors import DataError
from vizkit.theme import font_path

EM = 1000


def freetype(text: str, name: str) -> TextPath:
    return TextPath((0, 0), text, size=EM, prop=FontProperties(fname=font_path(name)))


def area(curves: np.ndarray) -> float:
    """Return the signed area inside cubic curves of shape (4 · curves, 2), by fine polygons."""
    t = np.linspace(0, 1, 65)[:, None, None]
    p = curves.reshape(-1, 4, 2)
    line = (1 - t) ** 3 * p[:, 0] + 3 * t * (1 - t) ** 2 * p[:, 1] + 3 * t**2 * (1 - t) * p[:, 2] + t**3 * p[:, 3]
    x, y = line[..., 0], line[..., 1]
    return float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum() / 2)


def polygon_area(path: TextPath) -> float:
    total = 0.0
    for polygon in path.to_polygons(closed_only=True):
        x, y = np.asarray(polygon).T
        total += float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum() / 2)
    return total


@pytest.mark.parametrize("name", ["text", "bold"])
@pytest.mark.parametrize("letter", list("agjQ&8%−₃ŷ×"))
def test_an_outline_is_the_one_that_freetype_draws(name, letter):
    ours, theirs = run(letter, name).outline * EM, freetype(letter, name)
    box = theirs.get_extents()
    assert np.allclose(ours.min(axis=0), box.min, atol=EM * 0.01)
    assert np.allclose(ours.max(axis=0), box.max, atol=EM * 0.01)
    assert abs(area(ours)) == pytest.approx(abs(polygon_area(theirs)), rel=0.01)


@pytest.mark.skipif(not features.check("raqm"), reason="Pillow was built without Raqm")
@given(st.text(alphabet="AVTWayo,.fj 0123456789−=w₃", min_size=1, max_size=12))
def test_advances_and_kerning_are_those_of_a_shaping_engine(text):
    font = ImageFont.truetype(str(font_path("text")), EM, layout_engine=ImageFont.Layout.RAQM)
    assert run(text).width * EM == pytest.approx(font.getlength(text), abs=len(text))


def test_figures_are_of_equal_width_so_that_counting_numbers_stand_still():
    assert len({round(run(digit).width, 9) for digit in "0123456789"}) == 1


def test_the_height_of_a_figure_is_what_the_legibility_checks_assume():
    height = np.ptp(run("1").outline[:, 1])
    assert height == pytest.approx(0.727, abs=0.002) and face("text").rise == pytest.approx(0.727, abs=0.002)


def test_every_contour_is_closed():
    curves = run("8a%").outline.reshape(-1, 4, 2)
    starts = [0, *(np.flatnonzero((curves[1:, 0] != curves[:-1, 3]).any(axis=1)) + 1), len(curves)]
    assert len(starts) - 1 == 3 + 2 + 5  # 8 has three contours, a two, % five
    for first, last in itertools.pairwise(starts):
        assert np.allclose(curves[first, 0], curves[last - 1, 3])


def test_a_character_that_the_font_lacks_is_named():
    with pytest.raises(DataError, match=r"'漢' \(U\+6F22\)"):
        run("漢")
