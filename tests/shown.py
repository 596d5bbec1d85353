"""What the tests of all exhibits share: the numbers a picture or beat should show, as texts and as arrays."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vizkit.stories.story import Beat
from vizkit.views.equation import Value, parts
from vizkit.views.marks import Curve, Values
from vizkit.views.picture import Picture
from vizkit.views.text import Quantity


def as_number(text: str) -> float:
    return float(text.replace("−", "-").replace(",", ""))


def texts_of(picture: Picture, prefix: str = "") -> dict[str, float]:
    """Each number that stands in a text of a picture, as it is written."""
    found = {}
    for mark in picture.marks:
        for part in getattr(mark, "words", None) or ():
            if isinstance(part, Quantity):
                found[prefix + part.name] = as_number(part.text)
    return found


def texts_of_beat(beat: Beat) -> dict[str, float]:
    found: dict[str, float] = {}
    for panel in beat.board.panels:
        found |= texts_of(panel.view.picture, f"{panel.name}/")
    found |= {f"caption/{q.name}": as_number(q.text) for q in beat.caption if isinstance(q, Quantity)}
    for term in beat.equation.terms if beat.equation is not None else ():
        inside = [part.quantity for part in parts(term.expr) if isinstance(part, Value)]
        found |= {f"equation/{q.name}": as_number(q.text) for q in inside}
    return found


def drawn_weights(beat_or_picture: Beat | Picture) -> set[str]:
    """The names of numbers that are drawn as the width of a line and stand in no text."""
    if isinstance(beat_or_picture, Picture):
        return {m.key for m in beat_or_picture.marks if isinstance(m, Curve) and m.value is not None}
    return {
        f"{panel.name}/{name}" for panel in beat_or_picture.board.panels for name in drawn_weights(panel.view.picture)
    }


def differences(expected: Values, found: Values, texts: dict[str, float], arrays: float = 0.0) -> Iterator[str]:
    """Say where what was read back is not what should be shown; `arrays` is the tolerance, relative to the extent."""
    if missing := sorted(set(expected) - set(found)):
        yield f"not shown: {missing[:5]}"
    if made_up := sorted(set(found) - set(expected)):
        yield f"shown, but nobody computed it: {made_up[:5]}"
    for name in sorted(set(expected) & set(found)):
        value, shown = np.asarray(expected[name], dtype=float), np.asarray(found[name], dtype=float)
        if name in texts:
            if float(shown) != texts[name]:
                yield f"{name} reads {shown}, not {texts[name]}"
        elif value.shape != shown.shape or not np.allclose(shown, value, rtol=0, atol=arrays * _extent(value)):
            yield f"{name} is drawn as {shown.ravel()[:4]}, not {value.ravel()[:4]}"


def _extent(value: np.ndarray) -> float:
    return max(1.0, float(np.abs(value).max(initial=0.0)))
