"""The stepper in a real browser: keys, buttons, address, grounds, widths, no network."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from samples import sample_story

sys.path.insert(0, str(Path(__file__).parent))
from legibility_web import assert_page_is_legible

from vizkit.web import story_page


@pytest.fixture
def page(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """The sample story, opened from disk; it may ask for nothing else and must not complain."""
    file = tmp_path / "story.html"
    file.write_text(story_page(sample_story()), encoding="utf-8")
    shown = browser.new_page(viewport={"width": 1280, "height": 800})
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
    context.close()


def test_pointing_at_a_number_marks_it_in_the_picture(page: Any) -> None:
    page.hover("#step-0 .caption [data-quantity=slope]")
    assert page.locator("#step-0 svg .seen").count() >= 1
    page.mouse.move(0, 0)
    assert page.locator("#step-0 .seen").count() == 0


def test_the_sample_is_legible(browser: Any, tmp_path: Path) -> None:
    assert_page_is_legible(browser, sample_story(), tmp_path)
