"""The page of a story: complete, self-contained, escaped, and in agreement with the story."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from html.parser import HTMLParser

import pytest
from agreement_web import assert_page_agrees
from samples import Machine, sample_story

from vizkit.stories.story import Beat, Story
from vizkit.theme import DARK, LIGHT
from vizkit.views.board import board
from vizkit.views.equation import Symbol, equation
from vizkit.views.marks import Text
from vizkit.views.picture import Picture, View
from vizkit.views.text import quantity, words
from vizkit.web import story_page, svg

HOSTILE = '<script>alert("1")</script>&\'--><!--'


@dataclass(frozen=True)
class Hostile(View):
    """A picture whose every text tries to be markup."""

    def draw(self) -> Picture:
        label = words(HOSTILE, quantity(HOSTILE, 1.5))
        return Picture(size=(600, 400), bounds=(0, 1, 0, 1), marks=(Text(key=HOSTILE, words=label, x=0.5, y=0.5),))


def hostile_story() -> Story:
    beat = Beat(
        name="a", place=HOSTILE, board=board(**{HOSTILE: Hostile()}), caption=words(HOSTILE),
        equation=equation(Symbol(HOSTILE, HOSTILE)),
    )  # fmt: skip
    return Story(name="hostile", title=HOSTILE, summary=HOSTILE, beats=(beat,))


class Balance(HTMLParser):
    """Collects the texts of a page and fails when its elements do not nest."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.scripts += tag == "script"
        if tag not in {"meta", "link"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_what_the_page_shows_is_what_the_story_says() -> None:
    assert_page_agrees(sample_story())
    assert_page_agrees(hostile_story())


@pytest.mark.parametrize("story", [sample_story(), hostile_story()], ids=["sample", "hostile"])
def test_elements_nest_and_texts_stay_texts(story: Story) -> None:
    page = Balance()
    page.feed(story_page(story))
    assert page.open == []
    assert page.scripts == 1


def test_the_page_needs_nothing_from_elsewhere() -> None:
    page = story_page(sample_story())
    assert re.findall(r"(?:src|href)\s*=\s*[\"'](?!#)([^\"']*)", page) == []
    assert all(address.startswith("data:") for address in re.findall(r"url\(([^)]*)\)", page))


def test_the_same_story_gives_the_same_bytes() -> None:
    assert story_page(sample_story()) == story_page(sample_story())


def test_every_colour_is_there_for_both_grounds() -> None:
    drawn = svg(Machine(1.0), title="machine")
    pairs = re.findall(r"--l:(#[0-9a-f]{6});--d:(#[0-9a-f]{6})", drawn)
    assert (LIGHT.color("positive"), DARK.color("positive")) in pairs
    assert len(pairs) == drawn.count('style="')


def test_what_is_not_lit_is_dimmed() -> None:
    drawn = svg(Machine(1.0), title="machine", lit=lambda key: key == "left")
    assert LIGHT.color("input") in drawn
    assert LIGHT.color("gradient") not in drawn
    assert LIGHT.dimmed(LIGHT.color("gradient")) in drawn


def test_a_weight_is_as_wide_as_it_says() -> None:
    view = Machine(1.0)
    thin = next(mark for mark in view.picture.marks if mark.key == "weight")
    wide = Picture(
        size=view.picture.size, bounds=view.picture.bounds, marks=(replace(thin, width=2 * thin.width),)
    )  # fmt: skip

    class Wide(View):
        def draw(self) -> Picture:
            return wide

    widths = [float(re.search(r'data-value[^>]*stroke-width="([\d.]+)"', svg(v, title=""))[1]) for v in (view, Wide())]
    assert widths[1] == pytest.approx(2 * widths[0])
