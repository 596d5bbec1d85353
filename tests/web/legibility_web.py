"""Legibility of a story's page in a browser, for the tests of every exhibit.

Texts must lie inside their picture, not on each other, and stand out from what is behind them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vizkit.stories.story import Story
from vizkit.theme import TEXT_CONTRAST, contrast
from vizkit.web import story_page

PICTURES = """
() => [...document.querySelectorAll('.beat')].map((beat) => ({
  beat: beat.id,
  panels: [...beat.querySelectorAll('svg.picture')].map((svg) => {
    const frame = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll('text')].map((text) => {
      const box = text.getBBox(), size = parseFloat(text.getAttribute('font-size'));
      // the box of a font is taller than its letters: keep what is between capitals and base line
      const base = parseFloat(text.getAttribute('y'));
      return {text: text.textContent, key: text.dataset.key, left: box.x, right: box.x + box.width,
              top: base - 0.73 * size, bottom: base + 0.02 * size, fill: getComputedStyle(text).fill};
    });
    const cells = [...svg.querySelectorAll('rect.f, circle.f')].map((cell) => {
      const box = cell.getBBox();
      const place = {left: box.x, right: box.x + box.width, top: box.y, bottom: box.y + box.height};
      return {...place, fill: getComputedStyle(cell).fill};
    });
    const view = svg.viewBox.baseVal;
    return {texts, cells, width: view.width, height: view.height, scale: frame.width / view.width};
  }),
}))
"""


def assert_page_is_legible(browser: Any, story: Story, folder: Path) -> None:
    """Check every beat of a story's page on both grounds."""
    path = folder / f"{story.name}.html"
    path.write_text(story_page(story), encoding="utf-8")
    faults: list[str] = []
    for ground in ("light", "dark"):
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(f"{path.as_uri()}?ground={ground}")
        page.evaluate("() => document.fonts.ready")
        behind = page.evaluate("() => getComputedStyle(document.documentElement).backgroundColor")
        for beat in page.evaluate(PICTURES):
            for panel in beat["panels"]:
                faults += [f"{ground}, {beat['beat']}: {fault}" for fault in _faults(panel, _hex(behind))]
        page.close()
    assert not faults, "\n".join(faults)


def _faults(panel: dict[str, Any], ground: str) -> list[str]:
    texts, found = panel["texts"], []
    for text in texts:
        if (
            text["left"] < -1
            or text["right"] > panel["width"] + 1
            or text["top"] < -1
            or text["bottom"] > panel["height"] + 1
        ):
            found.append(f"{text['text']!r} leaves its picture")
        fill = _behind(text, panel["cells"], ground)
        if contrast(_hex(text["fill"]), fill) < TEXT_CONTRAST:
            found.append(f"{text['text']!r} is {text['fill']} on {fill}")
    for index, one in enumerate(texts):
        found += [f"{one['text']!r} lies on {two['text']!r}" for two in texts[index + 1 :] if _overlap(one, two)]
    return found


def _overlap(one: dict[str, Any], two: dict[str, Any]) -> bool:
    across = min(one["right"], two["right"]) - max(one["left"], two["left"])
    down = min(one["bottom"], two["bottom"]) - max(one["top"], two["top"])
    return across > 1 and down > 1


def _behind(text: dict[str, Any], cells: list[dict[str, Any]], ground: str) -> str:
    x, y = (text["left"] + text["right"]) / 2, (text["top"] + text["bottom"]) / 2
    under = [cell for cell in cells if cell["left"] <= x <= cell["right"] and cell["top"] <= y <= cell["bottom"]]
    return _hex(under[-1]["fill"]) if under else ground


def _hex(colour: str) -> str:
    channels = colour[colour.index("(") + 1 : colour.index(")")].split(",")[:3]
    return "#" + "".join(f"{int(float(channel)):02x}" for channel in channels)
