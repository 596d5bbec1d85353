"""The stepper in a real browser: keys, buttons, address, grounds, widths, no network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from legibility_web import assert_page_is_legible
from samples import sample_story

from vizkit.views.board import board
from vizkit.views.marks import Text
from vizkit.views.picture import Picture, View
from vizkit.views.text import words
from vizkit.web import story_page


@dataclass(frozen=True)
class Wide(View):
    """A picture as wide as a frame."""

    def draw(self) -> Picture:
        marks = tuple(Text(key=f"t{at}", words=words("text"), x=at, y=1) for at in (1, 5, 9))
        return Picture(size=(1800, 576), bounds=(0, 10, 0, 3), marks=marks)


@pytest.fixture
def page(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """The sample story, opened from disk; it may ask for nothing else and must not complain."""
    file = tmp_path / "story.html"
    file.write_text(story_page(sample_story()), encoding="utf-8")
    shown = browser.new_page(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    asked: list[str] = []
    complaints: list[str] = []
    shown.on("request", lambda request: asked.append(request.url))
    shown.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    shown.on("pageerror", lambda error: complaints.append(str(error)))
    shown.goto(file.as_uri())
    yield shown
    assert complaints == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    shown.close()


def visible(page: Any) -> list[str]:
    return page.eval_on_selector_all(
        ".beat", "all => all.filter((b) => b.checkVisibility({visibilityProperty: true})).map((b) => b.id)"
    )


def test_keys_walk_through_the_beats_and_stop_at_the_ends(page: Any) -> None:
    assert visible(page) == ["step-0"]
    for key, expected in [
        ("ArrowLeft", "step-0"), ("ArrowRight", "step-1"), ("ArrowRight", "step-2"), ("ArrowRight", "step-2"),
        ("Home", "step-0"), ("End", "step-2"), ("ArrowLeft", "step-1"),
    ]:  # fmt: skip
        page.keyboard.press(key)
        assert visible(page) == [expected], key
    assert page.url.endswith("#step-1")


def test_buttons_list_and_address_show_a_beat(page: Any) -> None:
    page.click("#next")
    assert visible(page) == ["step-1"]
    page.select_option("#jump", "step-2")
    assert visible(page) == ["step-2"]
    assert page.is_disabled("#next")
    page.evaluate("() => { location.hash = 'step-0'; }")
    page.wait_for_function("() => document.getElementById('jump').value === 'step-0'")
    assert visible(page) == ["step-0"]
    assert page.is_disabled("#previous")


def test_everything_is_reached_by_tab_and_spoken(page: Any) -> None:
    reached = []
    for _ in range(4):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("() => document.activeElement.id"))
    assert reached[:3] == ["ground", "jump", "next"]  # at the first beat there is no previous one
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#spoken") == page.inner_text("#step-1 .caption")
    assert page.get_attribute("#spoken", "aria-live") == "polite"


def test_the_ground_changes_and_stays(page: Any) -> None:
    ground = "() => getComputedStyle(document.documentElement).backgroundColor"
    before = page.evaluate(ground)
    page.click("#ground")
    after = page.evaluate(ground)
    assert {before, after} == {"rgb(255, 255, 255)", "rgb(16, 20, 27)"}
    page.reload()
    assert page.evaluate(ground) == after


@pytest.mark.parametrize("width", [360, 768, 1280, 1920])
def test_nothing_is_wider_than_the_screen_and_texts_can_be_read(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    sizes = page.eval_on_selector_all(
        ".now svg.picture text",
        "all => all.map((text) => { const svg = text.ownerSVGElement;"
        " return text.getAttribute('font-size') * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width; })",
    )
    assert min(sizes) >= 11.5


def test_without_a_script_all_beats_stand_in_order(browser: Any, tmp_path: Path) -> None:
    file = tmp_path / "story.html"
    file.write_text(story_page(sample_story()), encoding="utf-8")
    context = browser.new_context(java_script_enabled=False)
    shown = context.new_page()
    shown.goto(file.as_uri())
    tops = [shown.locator(f"#step-{index}").bounding_box()["y"] for index in range(3)]
    assert tops == sorted(tops) and len(set(tops)) == 3
    assert not shown.locator("#ground").is_visible(), "a button that could do nothing"
    context.close()


def test_pointing_at_a_number_marks_it_in_the_picture(page: Any) -> None:
    page.hover("#step-0 .caption [data-quantity=slope]")
    assert page.locator("#step-0 svg .seen").count() >= 1
    page.mouse.move(0, 0)
    assert page.locator("#step-0 .seen").count() == 0


def test_the_sample_is_legible(browser: Any, tmp_path: Path) -> None:
    assert_page_is_legible(browser, sample_story(), tmp_path)


def test_beats_fade_into_each_other_and_then_one_is_left(page: Any) -> None:
    page.emulate_media(reduced_motion="no-preference")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => getComputedStyle(document.getElementById('step-0')).visibility === 'hidden'")
    assert visible(page) == ["step-1"]
    assert page.eval_on_selector("#step-1", "beat => getComputedStyle(beat).opacity") in ("1", "0.99")


def test_who_leafs_through_sees_each_beat_at_once(page: Any) -> None:
    page.emulate_media(reduced_motion="no-preference")
    now = "[...document.querySelectorAll('.beat')].map((beat) => getComputedStyle(beat).opacity)"
    leaf = "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}))"
    assert page.evaluate(f"() => {{ {leaf}; {leaf}; return {now}; }}") == ["0", "0", "1"]


@pytest.mark.parametrize("size", [(1024, 640), (1280, 720), (1920, 1080)])
def test_a_beat_fits_the_screen_and_its_zones_never_move(page: Any, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    places = []
    for _ in range(3):
        boxes = page.eval_on_selector_all(
            ".now .board, .now .equation, .now .caption, #steps",
            "all => all.map((e) => { const box = e.getBoundingClientRect(); return [box.top, box.bottom]; })",
        )
        places.append(boxes)
        assert all(above[1] <= below[0] + 1 for above, below in pairwise(boxes))
        assert boxes[-1][1] <= size[1]
        page.keyboard.press("ArrowRight")
    assert places[0] == places[1] == places[2]
    assert page.evaluate("() => document.documentElement.scrollHeight") <= size[1]


def test_on_a_phone_a_wide_picture_is_scrolled_and_stays_where_it_is(browser: Any, tmp_path: Path) -> None:
    wide = sample_story()
    beats = tuple(replace(beat, board=board(machine=Wide()), focus=(), motion=()) for beat in wide.beats)
    file = tmp_path / "wide.html"
    file.write_text(story_page(replace(wide, beats=beats)), encoding="utf-8")
    page = browser.new_page(viewport={"width": 360, "height": 740})
    page.goto(file.as_uri())
    panel = "() => document.querySelector('.now .panel')"
    assert page.evaluate(f"({panel})().scrollWidth") > 400
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    page.evaluate(f"({panel})().scrollLeft = 90")
    page.click("#next")
    assert page.evaluate(f"({panel})().scrollLeft") == 90
    page.close()


def test_a_page_inside_another_has_no_title_and_takes_its_ground(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "story.html").write_text(story_page(sample_story()), encoding="utf-8")
    outer = tmp_path / "outer.html"
    outer.write_text('<!doctype html><iframe src="story.html?embedded"></iframe>', encoding="utf-8")
    page = browser.new_page()
    page.goto(outer.as_uri())
    inner = page.frames[1]
    inner.wait_for_selector(".stepping")
    assert not inner.is_visible("h1")
    for ground in ("dark", "light", "no such ground"):
        page.evaluate(f"() => frames[0].postMessage({{ground: '{ground}'}}, '*')")
        expected = "light" if ground == "no such ground" else ground
        inner.wait_for_function(f"() => document.documentElement.dataset.ground === '{expected}'")
    page.close()


def test_paper_is_light_and_holds_every_beat(page: Any) -> None:
    page.evaluate(
        "() => { document.documentElement.dataset.ground = 'dark'; dispatchEvent(new Event('beforeprint')); }"
    )
    page.emulate_media(media="print")
    assert page.evaluate("() => document.documentElement.dataset.ground") == "light"
    assert visible(page) == ["step-0", "step-1", "step-2"]
    assert not page.is_visible("#steps")
    page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("() => document.documentElement.dataset.ground") == "dark"


def test_a_picture_says_what_is_lit(page: Any) -> None:
    labels = page.eval_on_selector_all("#step-0 svg", "all => all.map((svg) => svg.getAttribute('aria-label'))")
    beat = sample_story().beats[0]
    for label, panel in zip(labels, beat.board.panels, strict=True):
        assert label.startswith(panel.name)
        for mark in panel.view.picture.marks:
            words = getattr(mark, "words", None)
            if words is not None and str(words) in label:
                assert beat.lit(f"{panel.name}/{mark.key}")
            elif words is not None:
                assert not beat.lit(f"{panel.name}/{mark.key}")
