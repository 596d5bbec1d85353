"""The second part of the convolution story: ReLU, max pooling, and what is left."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vizkit.stories.convolution_run import ConvolutionRun
from vizkit.stories.convolution_windows import PANEL, bound, lit
from vizkit.stories.story import Beat, Pulse
from vizkit.views.board import board
from vizkit.views.convolution_stages import FeatureStagesView
from vizkit.views.equation import Equation, Expr, Function, Op, Row, Symbol, Term, Value, equation, literal
from vizkit.views.text import Quantity, Words, count, sentence, tally, words

__all__ = ["after_beats"]


def _beat(name: str, place: str, view: FeatureStagesView, caption: Words | str, **parts: object) -> Beat:
    text = words(caption) if isinstance(caption, str) else caption
    return Beat(name=name, place=place, board=board(**{PANEL: view}), caption=text, **parts)


def after_beats(run: ConvolutionRun) -> Iterator[Beat]:
    """Yield the beats of ReLU, of max pooling, and the closing."""
    yield from _relu_beats(run)
    for index in range(run.pooled.size):
        yield _pool_beat(run, index)
    yield from _closing_beats(run)


def _cells(key: str, chosen: np.ndarray) -> tuple[str, ...]:
    return tuple(f"{key}:{row},{column}" for row, column in np.argwhere(chosen))


def _maximum(items: list[Expr]) -> Function:
    """Return max(a, b, ...)."""
    separated = [part for item in items for part in (Op(","), item)]
    return Function("max", Row(tuple(separated[1:])))


def _relu(argument: Expr) -> Function:
    return Function("ReLU", argument)


def _relu_beats(run: ConvolutionRun) -> Iterator[Beat]:
    empty = run.stages(active=0, done=0)
    rule = equation(_relu(Symbol("x")), "=", _maximum([literal(0), Symbol("x")]))
    yield _beat(
        "relu", "ReLU", empty, "Now each value of the feature map passes through ReLU.",
        equation=rule, focus=lit("map:*", "to:active", "step:active"),
    )  # fmt: skip
    full = run.stages(done=0)
    below, above = run.output < 0, run.output > 0
    if below.any():
        yield _beat(
            "relu-negative", "ReLU", full,
            sentence(
                "The negative values, {amount} of them, become {zero}.",
                amount=_amount(below), zero=_zero(run, below),
            ),
            equation=_relu_equation(run, below), focus=lit(*_cells("map", below), *_cells("active", below)),
            motion=(Pulse(lit("to:active"), "activation"),),
        )  # fmt: skip
    if above.any():
        yield _beat(
            "relu-positive", "ReLU", full,
            "The positive values stay as they are.",
            equation=_relu_equation(run, above), focus=lit(*_cells("map", above), *_cells("active", above)),
        )  # fmt: skip


def _amount(chosen: np.ndarray) -> Quantity:
    return tally("amount", int(chosen.sum()))


def _zero(run: ConvolutionRun, below: np.ndarray) -> Quantity:
    """Return what the trace says the negative values have become."""
    return tally("zero", int(run.activated[below].max()))


def _relu_equation(run: ConvolutionRun, chosen: np.ndarray) -> Equation:
    """Return ReLU of the first chosen value with its result."""
    row, column = np.argwhere(chosen)[0]
    before = run.number(f"map[{row},{column}]", run.output[row, column])
    after = run.number(f"active[{row},{column}]", run.activated[row, column])
    return equation(Term(_relu(Value(before)), "output"), "=", Term(Value(after), "activation", bold=True))


def _pool_beat(run: ConvolutionRun, index: int) -> Beat:
    """Return the beat of one block, with the values before it filled in and its own."""
    row, column = divmod(index, run.pooled.shape[1])
    view = run.stages(done=index + 1, block=(row, column))
    high, wide = view.pool
    cells = [(row * high + i, column * wide + j) for i in range(high) for j in range(wide)]
    values = [run.number(f"active[{r},{c}]", run.activated[r, c]) for r, c in cells]
    result = run.number(f"pooled[{row},{column}]", run.pooled[row, column])
    names = [f"active:{r},{c}" for r, c in cells]
    size = {"rows": tally("rows", high), "columns": tally("columns", wide)}
    caption = (
        sentence("Max pooling keeps only the largest value of each block of {rows} × {columns}.", **size)
        if index == 0
        else sentence("The largest value here is {value}.", value=result)
    )
    return _beat(
        f"pool-{index + 1}", f"max pooling · block {count(index + 1)} of {count(run.pooled.size)}", view, caption,
        equation=equation(_maximum([bound(value) for value in values]), "=",
                          Term(Value(result), "activation", bold=True)),
        focus=lit(*names, "active:window", f"pooled:{row},{column}", "pooled:window"),
    )  # fmt: skip


def _closing_beats(run: ConvolutionRun) -> Iterator[Beat]:
    amounts = {"many": tally("many", run.activated.size), "few": tally("few", run.pooled.size)}
    yield _beat(
        "pooled", "max pooling", run.stages(),
        sentence("Of {many} values {few} are left.", **amounts), focus=lit("pooled:*"),
    )  # fmt: skip
    row, column = np.argwhere(run.pooled == run.pooled.max())[0]
    yield _beat(
        "position", "max pooling", run.stages(block=(int(row), int(column))),
        "A pooled value says that the pattern is somewhere in its block, no longer exactly where.",
        focus=lit("active:window", "pooled:window", f"pooled:{row},{column}", *_block(run, int(row), int(column))),
    )  # fmt: skip
    sizes = {"pixels": tally("pixels", run.step.image.size), "few": tally("few", run.pooled.size)}
    yield _beat(
        "closing", "from picture to pattern", run.stages(image=run.step.image),
        sentence("From {pixels} pixels to {few} numbers that say what was found, and roughly where.", **sizes),
    )  # fmt: skip


def _block(run: ConvolutionRun, row: int, column: int) -> tuple[str, ...]:
    high, wide = run.stages().pool
    rows, columns = range(row * high, (row + 1) * high), range(column * wide, (column + 1) * wide)
    return tuple(f"active:{r},{c}" for r in rows for c in columns)
