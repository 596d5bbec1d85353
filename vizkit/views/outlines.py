"""The outlines of marks as cubic Bézier curves, in stage units.

Every function returns an array of shape (4 · curves, 2): start, two handles and end of
each curve. A jump between one curve's end and the next one's start begins a new path.
"""

from __future__ import annotations

import numpy as np

from vizkit.typing import Float, Int
from vizkit.views.marks import Arrow, Image

__all__ = [
    "LEVELS", "arrow", "arrow_line", "cells", "circle", "dashes", "drop", "levels", "part", "polyline", "rectangle",
    "resample",
]  # fmt: skip

_HANDLE = 4 / 3 * np.tan(np.pi / 16)  # of an eighth of a circle, as a share of its radius
DASH, GAP = 2.6, 1.8  # of a dashed line, in widths of the line
_SHORT = 1e-6  # a line of no length: a residual of zero, a step of zero
LEVELS = 64  # steps of an image's colour map from the ground to either end
SEAM = 1.2  # overlap of an image's cells, so that the ground does not shine through between them
SAMPLES = 16  # points along a drop
HEAD, SIDE = 4.4, 2.1  # length and half the width of an arrow's head, in widths of its shaft


def polyline(points: Float["point xy"]) -> Float["point xy"]:
    """Return straight lines through points of shape (points, 2)."""
    start, end = points[:-1], points[1:]
    third = (end - start) / 3
    return np.stack([start, start + third, end - third, end], axis=1).reshape(-1, 2)


def _unit_circle() -> Float["point xy"]:
    angles = np.arange(9) * (np.pi / 4)
    at = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    at[8] = at[0]
    along = np.stack([-np.sin(angles), np.cos(angles)], axis=1) * _HANDLE
    return np.stack([at[:-1], at[:-1] + along[:-1], at[1:] - along[1:], at[1:]], axis=1).reshape(-1, 2)


_CIRCLE = _unit_circle()


def circle(x: float, y: float, radius: float) -> Float["point xy"]:
    """Return a circle."""
    return _CIRCLE * radius + (x, y)


def rectangle(x: float, y: float, width: float, height: float) -> Float["point xy"]:
    """Return a rectangle from its lower left corner."""
    corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y)]
    return polyline(np.asarray(corners))


def _lengths(points: Float["point xy"]) -> Float["point"]:
    steps = np.hypot(*(points[1:] - points[:-1]).T)
    return np.concatenate([[0.0], np.cumsum(steps)])


def _at(points: Float["point xy"], lengths: Float["point"], wanted: Float["point"]) -> Float["point xy"]:
    return np.stack([np.interp(wanted, lengths, points[:, 0]), np.interp(wanted, lengths, points[:, 1])], axis=1)


def part(points: Float["point xy"], start: float, end: float) -> Float["point xy"]:
    """Return the points of a line between two shares (0 to 1) of its length."""
    lengths = _lengths(points)
    low, high = max(start, 0.0) * lengths[-1], min(end, 1.0) * lengths[-1]
    inside = lengths[(lengths > low) & (lengths < high)]
    return _at(points, lengths, np.concatenate([[low], inside, [high]]))


def resample(points: Float["point xy"], count: int) -> Float["point xy"]:
    """Return ``count`` points evenly spread along a line."""
    lengths = _lengths(points)
    return _at(points, lengths, np.linspace(0.0, lengths[-1], count))


def dashes(points: Float["point xy"], width: float) -> Float["point xy"]:
    """Return a dashed line of some width through points; it begins and ends with a dash."""
    length, gap = _lengths(points)[-1], GAP * width
    if length < _SHORT:
        return polyline(points)
    count = max(1, round((length + gap) / ((DASH + GAP) * width)))
    share = (length + gap) / count / length
    dash = share - gap / length
    return np.concatenate([polyline(part(points, at * share, at * share + dash)) for at in range(count)])


def levels(mark: Image) -> Int["cell"]:
    """Return the step of the colour map, −LEVELS to LEVELS, of each cell of an image, row by row."""
    share = np.clip(mark.values / mark.limit, -1.0 if mark.signed else 0.0, 1.0)
    return np.rint(share * LEVELS).astype(int).ravel()


def cells(mark: Image) -> Float["cell point xy"]:
    """Return the rectangle of each cell of an image, row by row, each reaching a little under the next."""
    rows, columns = mark.values.shape
    size = np.asarray([mark.width / columns, mark.height / rows])
    row, column = (each.ravel() for each in np.indices((rows, columns)))
    corner = np.stack([mark.x + column * size[0], mark.y + (rows - 1 - row) * size[1]], axis=1)
    end = corner + size + SEAM * np.stack([column < columns - 1, row > 0], axis=1)
    unit = rectangle(0.0, 0.0, 1.0, 1.0)
    return corner[:, None] + unit * (end - corner)[:, None]


def arrow_line(mark: Arrow) -> Float["point xy"]:
    """Return the middle line of an arrow, shape (points, 2); ``bend`` bows it to the right of its way."""
    start, end = np.asarray(mark.start, dtype=float), np.asarray(mark.end, dtype=float)
    way = end - start
    control = (start + end) / 2 + np.asarray([way[1], -way[0]]) * (2 * mark.bend)
    share = np.linspace(0.0, 1.0, 17 if mark.bend else 2)[:, None]
    return (1 - share) ** 2 * start + 2 * share * (1 - share) * control + share**2 * end


def arrow(mark: Arrow) -> Float["point xy"]:
    """Return an arrow as one filled outline: a shaft of its width and a head."""
    line = arrow_line(mark)
    length, width = _lengths(line)[-1], mark.width
    if length < _SHORT:
        return np.zeros((0, 2))
    head = min(HEAD * width, 0.6 * length)
    shaft = part(line, 0.0, 1.0 - 0.9 * head / length)
    way = np.gradient(shaft, axis=0)
    across = np.stack([-way[:, 1], way[:, 0]], axis=1) / np.hypot(*way.T)[:, None]
    tip, side = line[-1], across[-1] * (SIDE / HEAD * head)
    neck = part(line, 0.0, 1.0 - head / length)[-1]
    left, right = shaft + across * (width / 2), shaft - across * (width / 2)
    return polyline(np.concatenate([left, [neck + side, tip, neck - side], right[::-1], left[:1]]))


def drop(points: Float["point xy"], span: tuple[float, float], radius: float) -> Float["point xy"]:
    """Return a drop on a line of shape (points, 2): round at its head, coming to a point at its tail.

    Parameters
    ----------
    points
        The line.
    span
        Tail and head as shares of the line's length; what lies outside 0 to 1 is cut off.
    radius
        Half the drop's width at its head.
    """
    start, end = max(span[0], 0.0), min(span[1], 1.0)
    if end - start < 1e-3:
        return np.zeros((0, 2))
    line = resample(part(points, start, end), SAMPLES)
    along = np.gradient(line, axis=0)
    along /= np.hypot(*along.T)[:, None]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    reach = (np.linspace(start, end, SAMPLES) - span[0]) / (span[1] - span[0])
    half = across * (radius * reach**0.7)[:, None]
    turn = np.linspace(0.0, np.pi, 9)[1:-1, None]
    cap = line[-1] + half[-1] * np.cos(turn) + along[-1] * np.hypot(*half[-1]) * np.sin(turn)
    outline = np.concatenate([line + half, cap, (line - half)[::-1]])
    return polyline(np.concatenate([outline, outline[:1]]))
