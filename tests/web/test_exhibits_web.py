"""Every story of the catalogue as a page: in agreement with itself, and legible."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from agreement_web import assert_page_agrees
from legibility_web import assert_page_is_legible

from vizkit import exhibits
from vizkit.web import story_page

TOLD = [exhibit for exhibit in exhibits.all_exhibits() if exhibit.story]
pytestmark = pytest.mark.parametrize("exhibit", TOLD, ids=lambda exhibit: exhibit.name)

# Which parts of the shown beat leave their zone, or the screen. (A formula's own box is its ink; the
# font's line box around it is taller and says nothing.)
CUT = """
() => {
  const boxes = (names) => [...document.querySelectorAll(names)].map((found) => found.getBoundingClientRect());
  const within = (box, zone) => box.left >= zone.left - 1 && box.right <= zone.right + 1
    && box.top >= zone.top - 1 && box.bottom <= zone.bottom + 1;
  const [buttons] = boxes('#steps'), screen = {left: 0, right: innerWidth, top: 0, bottom: buttons.top};
  const faults = ['.board', '.equation', '.caption'].filter((name) => !within(boxes('.now ' + name)[0], screen));
  for (const [inner, outer] of [['svg', '.board'], ['math', '.equation']])
    if (boxes('.now ' + inner).some((box) => !within(box, boxes('.now ' + outer)[0]))) faults.push(inner);
  const caption = document.querySelector('.now .caption');
  return caption.scrollHeight > caption.clientHeight + 1 ? [...faults, 'caption'] : faults;
}
"""

SIZES = """
(all) => all.map((text) => {
  const svg = text.ownerSVGElement, scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
  return text.getAttribute('font-size') * scale;
})
"""


def test_the_page_shows_what_the_story_says(exhibit: exhibits.Exhibit) -> None:
    assert_page_agrees(exhibit.make_story())


def test_the_page_is_legible(browser: Any, exhibit: exhibits.Exhibit, tmp_path: Path) -> None:
    assert_page_is_legible(browser, exhibit.make_story(), tmp_path)


@pytest.mark.slow
def test_every_beat_fits_a_laptop_and_a_projector(browser: Any, exhibit: exhibits.Exhibit, tmp_path: Path) -> None:
    story = exhibit.make_story()
    file = tmp_path / "story.html"
    file.write_text(story_page(story), encoding="utf-8")
    faults = []
    for width, height in ((1280, 720), (1920, 1080)):
        page = browser.new_page(viewport={"width": width, "height": height}, reduced_motion="reduce")
        page.goto(file.as_uri())
        page.evaluate("() => document.fonts.ready")
        for beat in story.beats:
            faults += [f"{width}: the {zone} of {beat.name}" for zone in page.evaluate(CUT)]
            page.keyboard.press("ArrowRight")
        page.close()
    assert not faults, "\n".join(faults)


@pytest.mark.slow
def test_every_beat_can_be_read_on_a_phone(browser: Any, exhibit: exhibits.Exhibit, tmp_path: Path) -> None:
    story = exhibit.make_story()
    file = tmp_path / "story.html"
    file.write_text(story_page(story), encoding="utf-8")
    page = browser.new_page(viewport={"width": 360, "height": 740}, reduced_motion="reduce")
    page.goto(file.as_uri())
    for beat in story.beats:
        sizes = page.eval_on_selector_all(".now svg text", SIZES)
        assert min(sizes) >= 11.5, beat.name
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 360, beat.name
        page.keyboard.press("ArrowRight")
    page.close()
