"""The theme: readable on both grounds, and roles distinct for every common kind of vision."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from fontTools.ttLib import TTFont

from vizkit import theme
from vizkit.errors import ArgumentError, UnknownNameError

COLOURED = [role for role in theme.ROLES if role not in ("focus", "lines")]
THEMES = [theme.DARK, theme.LIGHT]

# Machado, Oliveira and Fernandes (2009), severity 1.0, for linear RGB.
VISION = {
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
# OKLab (Ottosson 2020); a just noticeable difference is about 0.02.
TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def linear(colour: str) -> np.ndarray:
    channels = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def seen(colour: str, matrix: object) -> np.ndarray:
    light = np.clip(np.asarray(matrix) @ linear(colour), 0, 1)
    return TO_LAB @ np.cbrt(TO_LMS @ light)


@pytest.mark.parametrize("ground", THEMES, ids=lambda t: t.name)
@pytest.mark.parametrize("vision", VISION)
def test_roles_stay_apart_for_every_kind_of_vision(ground: theme.Theme, vision: str) -> None:
    colours = {role: seen(ground.color(role), VISION[vision]) for role in COLOURED}
    distance = {(a, b): np.linalg.norm(colours[a] - colours[b]) for a, b in itertools.combinations(colours, 2)}
    nearest = min(distance, key=distance.get)
    assert distance[nearest] >= 0.045, nearest


@pytest.mark.parametrize("ground", THEMES, ids=lambda t: t.name)
def test_every_role_is_readable_as_text_lit_and_dimmed(ground: theme.Theme) -> None:
    for role in set(theme.ROLES) - {"lines"}:
        colour = ground.color(role)
        assert theme.contrast(colour, ground.ground) >= 4.5, role
        assert theme.contrast(ground.dimmed(colour, text=True), ground.ground) >= 4.5, role


@pytest.mark.parametrize("ground", THEMES, ids=lambda t: t.name)
@pytest.mark.parametrize("role", COLOURED)
def test_text_on_any_fill_is_readable(ground: theme.Theme, role: str) -> None:
    for strength in np.linspace(0, 1, 21):
        fill = ground.shade(role, strength)
        assert theme.contrast(ground.on(fill), fill) >= 4.5, (role, strength)


def test_contrast_is_the_published_ratio() -> None:
    # The grey #767676 on white is the well-known 4.54 : 1 of WCAG 2.
    assert theme.contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)


@pytest.mark.parametrize("ground", THEMES, ids=lambda t: t.name)
def test_the_diverging_map_is_the_ground_at_zero_and_opposed_at_its_ends(ground: theme.Theme) -> None:
    assert ground.signed(0.0) == ground.ground
    assert ground.signed(1.0) == ground.shade("positive", 1.0)
    assert ground.signed(-1.0) == ground.shade("negative", 1.0)


def test_unknown_names_get_the_nearest_right_one() -> None:
    with pytest.raises(UnknownNameError, match="gradient"):
        theme.DARK.color("gradiant")
    with pytest.raises(UnknownNameError, match="dark"):
        theme.get("darc")
    with pytest.raises(UnknownNameError, match="bold"):
        theme.font_path("blod")
    with pytest.raises(ArgumentError, match="rrggbb"):
        theme.mix("red", "#000000", 0.5)
    with pytest.raises(ArgumentError, match="lacks"):
        theme.Theme("mine", "#000000", {})


@pytest.mark.parametrize("face", theme.FONTS)
def test_bundled_fonts_hold_the_characters_of_lessons(face: str) -> None:
    font = TTFont(theme.font_path(face))
    characters = "0123456789−+=×·()ΣσαβŷΔ" if face == "math" else "Aaäéß0123456789−+=×·₀₁₂₉ŷσΣ√≈≤≥→…–’"
    if face == "math":
        characters = characters.replace("ŷ", "")
    assert {c for c in characters if ord(c) not in font.getBestCmap()} == set()


@pytest.mark.parametrize("face", ["text", "bold"])
def test_figures_are_of_equal_width(face: str) -> None:
    font = TTFont(theme.font_path(face))
    widths = {font["hmtx"][font.getBestCmap()[ord(digit)]][0] for digit in "0123456789"}
    assert len(widths) == 1
