"""The agreement of a page with its story, for the tests of every exhibit."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vizkit.stories.story import Beat, Story
from vizkit.views.equation import Value, parts
from vizkit.views.marks import Cell, Text
from vizkit.views.text import Quantity
from vizkit.web import story_page
from vizkit.web.read import read

# Coordinates are written to a hundredth of a stage unit; a picture's data plane is over 250 wide and high.
RESOLUTION = 0.006 / 250


def assert_page_agrees(story: Story) -> None:
    """Every number of every beat stands on the page as it should, and none stands there besides."""
    shown = read(story_page(story))
    assert list(shown) == [beat.name for beat in story.beats]
    for beat in story.beats:
        expected, found = beat.quantities(), shown[beat.name]
        assert set(found) == set(expected), beat.name
        texts = dict(_texts(beat))
        for name, value in expected.items():
            where = f"{beat.name}: {name}"
            if name in texts:
                assert found[name] == float(texts[name].replace("−", "-").replace(",", "")), where
            elif np.ndim(value) or name.endswith((".x", ".y")):
                np.testing.assert_allclose(found[name], value, atol=RESOLUTION * _extent(beat, name), err_msg=where)
            else:
                assert found[name] == value, where


def _texts(beat: Beat) -> Iterator[tuple[str, str]]:
    """The text that shows each number of a beat."""
    for panel in beat.board.panels:
        for mark in panel.view.picture.marks:
            if isinstance(mark, (Text, Cell)) and mark.words is not None:
                yield from ((f"{panel.name}/{q.name}", q.text) for q in mark.words if isinstance(q, Quantity))
    yield from ((f"caption/{q.name}", q.text) for q in beat.caption if isinstance(q, Quantity))
    for term in beat.equation.terms if beat.equation is not None else ():
        for part in parts(term.expr):
            if isinstance(part, Value):
                yield f"equation/{part.quantity.name}", part.quantity.text


def _extent(beat: Beat, name: str) -> float:
    x0, x1, y0, y1 = next(p.view for p in beat.board.panels if name.startswith(f"{p.name}/")).picture.bounds
    return max(x1 - x0, y1 - y0)
