"""The story of gradient descent: the U-curve of one parameter, tangent, slope, step, again.

Beside the U-curve stands what it means: the model's curve over the data, rising as the
parameter goes down the slope of its loss.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vizkit.errors import ArgumentError, DataError, ShapeError
from vizkit.stories.story import Beat, Story
from vizkit.typing import ArrayLike
from vizkit.views.board import Board, board
from vizkit.views.descent import Descent
from vizkit.views.equation import Equation, Group, Literal, Paren, Power, Sum, Term, Value, derivative, equation, row
from vizkit.views.fit import FitView
from vizkit.views.numbers import padded, stack
from vizkit.views.ssr import SsrView
from vizkit.views.text import Quantity, Words, quantity, sentence, subscript, tally

__all__ = ["gradient_descent"]

SLOW = 3  # steps that are told beat by beat
CLOSE = 3  # the step from which the picture looks closer
LEAST = 6  # steps that the story needs
SHARES = (1000.0, 760.0)  # widths of the two panels, in stage units
HEIGHT = 576.0


@dataclass(frozen=True, eq=False)
class _Run:
    """What the story is made of."""

    way: Descent
    curve: SsrView
    fits: tuple[FitView, ...]
    parameter: str

    @property
    def name(self) -> str:
        """The parameter as a text has it, such as b₃."""
        stem, _, index = self.parameter.partition("_")
        return stem + subscript(index)

    @property
    def last(self) -> int:
        return len(self.way) - 1

    def value(self, step: int, digits: int = 2) -> Quantity:
        return quantity(f"{self.parameter}[{step}]", self.way.values[step], digits)

    def loss(self, step: int) -> Quantity:
        return quantity(f"SSR[{step}]", self.way.losses[step])

    def slope(self, step: int) -> Quantity:
        return quantity(f"slope[{step}]", self.way.slopes[step])

    def step(self, step: int) -> Quantity:
        """How far the step goes, signed."""
        return quantity(f"step[{step}]", self.way.step_sizes()[step])

    def product(self, step: int) -> Quantity:
        """Rate × slope, which is taken off the parameter."""
        return quantity(f"rate × slope[{step}]", -self.way.step_sizes()[step])

    def rate(self) -> Quantity:
        return quantity("learning rate", self.way.rate, _decimals(self.way.rate))

    def board(self, step: int, *, visited: int | None = None, near: bool = False, **looks: Any) -> Board:
        """The curve with the points visited, and the fit as it is at this step."""
        seen = step + 1 if visited is None else visited
        view = replace(self.curve, visited=seen, near=self._near() if near else None, **looks)
        return board(descent=(view, SHARES[0]), fit=(self.fits[step], SHARES[1]))

    def _near(self) -> tuple[float, float, float, float]:
        """The bounds of the part of the curve that the later steps are on."""
        first, bottom = self.way.values[CLOSE - 1], self.way.values[-1]
        reach = 1.35 * abs(first - bottom)
        return bottom - reach, bottom + reach, *_heights(self.curve, bottom, reach)


def _heights(curve: SsrView, middle: float, reach: float) -> tuple[float, float]:
    near = curve.losses[np.abs(curve.values - middle) <= reach]
    if len(near) < 5:
        raise DataError(f"The curve needs points near its bottom, at {middle:.3g}, but it has only {len(near)} there.")
    return padded(near, 0.25, 0.1)


def gradient_descent(
    trace: Any,
    curve: tuple[ArrayLike, ArrayLike],
    fits: tuple[ArrayLike, ArrayLike],
    *,
    parameter: str = "b_3",
    names: tuple[str, str] = ("dosage", "effect"),
) -> Story:
    """Tell how one parameter goes down its U-curve, with the numbers of a run.

    Parameters
    ----------
    trace
        A run of gradient descent that changed one parameter of one number, with the forward, loss
        and update events of at least six steps.
    curve
        The values of the parameter, shape (points,), and the loss at each, shape (points,).
    fits
        The grid of inputs, shape (points,), and the model's outputs on it before each step, shape
        (steps, points).
    parameter
        How the parameter is called in equations, such as ``b_3``.
    names
        The names of the data's two axes.

    Raises
    ------
    ArgumentError
        If it is no trace, or the curve or the fits are no pairs.
    DataError
        If the run has fewer than six steps.
    ShapeError
        If there are not as many fits as steps.
    TraceQueryError
        If the trace lacks the events.

    Examples
    --------
    A run that changes two parameters is no descent of one:

    >>> from vizkit.trace.samples import tiny_trace
    >>> gradient_descent(tiny_trace(), ([0, 1], [1, 0]), ([0, 1], [[0, 1]]))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    vizkit.errors.TraceQueryError: A descent is one parameter's: ... Found: dense/bias, dense/kernel.
    """
    run = _run(trace, curve, fits, parameter, names)
    return Story(
        name="gradient_descent",
        title="Gradient descent",
        summary=f"Down the curve of the error, step by step, until {run.name} fits the data best.",
        beats=(*_start(run), *_steps(run), *_closer(run), *_end(run)),
    )


def _run(
    trace: Any,
    curve: tuple[ArrayLike, ArrayLike],
    fits: tuple[ArrayLike, ArrayLike],
    parameter: str,
    names: tuple[str, str],
) -> _Run:
    if not hasattr(trace, "events"):
        raise ArgumentError(
            f"The story is told of a trace (see vizkit.record), but a {type(trace).__name__} was given."
        )
    for what, pair in (("curve", curve), ("fits", fits)):
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise ArgumentError(f"The {what} must be a pair of arrays, but {pair!r:.60} was given.")
    way = Descent.from_trace(trace)
    if len(way) < LEAST:
        raise DataError(f"The story needs a descent of at least {LEAST} steps, but the trace holds {len(way)}.")
    outputs = stack(fits[1], len(np.ravel(np.asarray(fits[0]))), "outputs by step")
    if len(outputs) < len(way):
        raise ShapeError(f"Each of the {len(way)} steps has a curve of outputs, but {len(outputs)} came.")
    stem, _, index = parameter.partition("_")
    size = (SHARES[0], HEIGHT)
    view = SsrView.ensure(*curve, way, parameter=stem + subscript(index), size=size, slopes=False)
    looks = {"names": names, "labelled": False, "named": True, "size": (SHARES[1], HEIGHT)}
    samples = trace.event("loss", step=trace.steps[0])
    looks["bounds"] = _fit_bounds(fits[0], outputs[: len(way)], samples.target)
    shown = tuple(FitView.from_trace(trace, (fits[0], outputs), [step], **looks) for step in range(len(way)))
    return _Run(way, view, shown, parameter)


def _fit_bounds(grid: ArrayLike, outputs: ArrayLike, target: ArrayLike) -> tuple[float, float, float, float]:
    """One range for all steps, so that what moves is the curve and not the axes."""
    heights = np.concatenate([np.ravel(outputs), np.ravel(target)])
    return *padded(grid, 0.07, 0.07), *padded(heights, 0.08, 0.26)  # room above for the name of the data


def _decimals(value: float) -> int:
    return next((digits for digits in range(1, 6) if abs(value - round(value, digits)) < 1e-12), 6)


def _squares(run: _Run) -> Equation:
    """The SSR at the start, as the sum of the squared residuals."""
    terms: list[Any] = ["SSR", "="]
    for at, residual in enumerate(run.fits[0].residuals()):
        shown = Value(quantity(f"residual[{at}]", residual))
        base = Paren(shown) if residual < 0 else shown
        terms += [*(["+"] if at else []), Term(Power(base, Literal("2")), "loss")]
    return equation(*terms, "=", Term(Value(run.loss(0)), "loss", bold=True))


def _slope_equation(run: _Run, step: int) -> Equation:
    """The derivative as the sum over the samples, with its value at this step."""
    rule = row(Sum("i"), Literal("−2"), Paren(row("y_i", "-", "^y_i")))
    return equation(derivative("SSR", run.parameter), "=", rule, "=", Term(Value(run.slope(step)), "gradient", True))


def _level(run: _Run, step: int) -> Equation:
    slope = run.slope(step)
    shown = Term(Value(slope), "gradient", bold=True)
    return equation(derivative("SSR", run.parameter), _sign(slope.value, slope), shown)


def _step_equation(run: _Run, step: int) -> Equation:
    slope = Value(run.slope(step))
    factor = Paren(slope) if run.way.slopes[step] < 0 else slope
    rate = Group(Value(run.rate()), "learning rate")
    return equation(
        rate, "*", Term(Group(factor, "slope"), "gradient"), "=", Term(Value(run.product(step)), "update", True)
    )


def _point_equation(run: _Run, step: int) -> Equation:
    ssr = Term(Value(run.loss(step)), "loss", bold=True)
    return equation(run.parameter, "=", Term(Value(run.value(step)), "update", bold=True), ",", "SSR", "=", ssr)


def _update_equation(run: _Run, step: int) -> Equation:
    taken = Value(run.product(step))
    shown = Paren(taken) if run.way.step_sizes()[step] > 0 else taken
    new = Term(Value(run.value(step + 1)), "update", bold=True)
    old = run.value(step)
    sign = _sign(float(_plain(old)) - float(_plain(taken.quantity)), run.value(step + 1))
    return equation("new", run.parameter, "=", old, "-", Term(shown, "update"), sign, new)


def _plain(shown: Quantity) -> str:
    return shown.text.replace("−", "-").replace(",", "")


def _sign(result: float, shown: Quantity) -> str:
    """Return = where the numbers give the result as they are shown, and ≈ where their rounding does not."""
    return "=" if abs(result - float(_plain(shown))) < 1e-9 else "~"


def _say(template: str, **values: Quantity | str) -> Words:
    return sentence(template, **values)


def _start(run: _Run) -> Iterator[Beat]:
    name = run.name
    squares = equation("SSR", "=", Sum("i"), Power(Paren(row("y_i", "-", "^y_i")), Literal("2")))
    yield Beat(
        name="curve", place="the curve of the error", board=run.board(0, visited=0), equation=squares,
        caption=_say("Each value of {b} gives one sum of squared residuals: together they form a U.", b=name),
        focus=("descent/curve",),
    )  # fmt: skip
    yield Beat(
        name="residuals", place="step 0", board=run.board(0, visited=0), equation=_squares(run),
        caption=_say("At {b} = {value} the curve lies far from the data: the SSR is {ssr}.",
                     b=name, value=run.value(0), ssr=run.loss(0)),
        focus=("fit/*",),
    )  # fmt: skip
    yield Beat(
        name="start", place="step 0", board=run.board(0), equation=_point_equation(run, 0),
        caption=_say("That is one point of the U. Which way is down?"), focus=("descent/curve", "descent/point"),
    )  # fmt: skip
    yield Beat(
        name="tangent", place="step 0", board=run.board(0, tangent=0), equation=_slope_equation(run, 0),
        caption=_say("The tangent says it: its slope is {slope}, so a larger {b} means a smaller SSR."
                     if run.way.slopes[0] < 0 else
                     "The tangent says it: its slope is {slope}, so a smaller {b} means a smaller SSR.",
                     slope=run.slope(0), b=name),
        focus=("descent/curve", "descent/point", "descent/tangent*"),
    )  # fmt: skip
    yield Beat(
        name="step-size", place="step 0", board=run.board(0, tangent=0, arrow=0), equation=_step_equation(run, 0),
        caption=_say("The step is the learning rate times the slope, and goes against it."),
        focus=("descent/point", "descent/tangent*", "descent/step*"),
    )  # fmt: skip
    yield Beat(
        name="update", place="step 0", board=run.board(0, arrow=0), equation=_update_equation(run, 0),
        caption=_say("Taking it off moves {b} from {old} to {new}.", b=name, old=run.value(0), new=run.value(1)),
        focus=("descent/point", "descent/step*", "descent/drop"),
    )  # fmt: skip


def _steps(run: _Run) -> Iterator[Beat]:
    for step in range(1, SLOW):
        yield _arrived(run, step)
        yield _sloped(run, step)
        yield _stepped(run, step)


def _arrived(run: _Run, step: int) -> Beat:
    template = (
        "The SSR falls from {old} to {new}, and the model's curve comes closer to the data."
        if step == 1
        else "Again the SSR falls, from {old} to {new}."
    )
    return Beat(
        name=f"arrived-{step}", place=f"step {tally('step', step)}", board=run.board(step),
        caption=_say(template, old=run.loss(step - 1), new=run.loss(step)),
        equation=_point_equation(run, step),
    )  # fmt: skip


def _sloped(run: _Run, step: int) -> Beat:
    return Beat(
        name=f"slope-{step}", place=f"step {tally('step', step)}", board=run.board(step, tangent=step),
        caption=_say("Here the slope is only {slope}: the curve is flatter, the bottom is nearer.",
                     slope=run.slope(step)),
        equation=_slope_equation(run, step), focus=("descent/curve", "descent/point", "descent/tangent*"),
    )  # fmt: skip


def _stepped(run: _Run, step: int) -> Beat:
    return Beat(
        name=f"step-{step}", place=f"step {tally('step', step)}", board=run.board(step, tangent=step, arrow=step),
        caption=_say("The same learning rate now makes a shorter step: {step} instead of {last}.",
                     step=run.step(step), last=run.step(step - 1)),
        equation=_update_equation(run, step),
        focus=("descent/point", "descent/tangent*", "descent/step*", "descent/drop"),
    )  # fmt: skip


def _closer(run: _Run) -> Iterator[Beat]:
    """The steps near the bottom, on a part of the curve."""
    for step in range(CLOSE, LEAST - 1):
        yield Beat(
            name=f"closer-{step}", place=f"step {tally('step', step)} · closer",
            board=run.board(step, tangent=step, arrow=step, near=True),
            caption=_say("Look closer: at {b} = {value} the slope is {slope}, and the step {step}."
                         if step == CLOSE else "At {b} = {value} the slope is {slope}, and the step {step}.",
                         b=run.name, value=run.value(step), slope=run.slope(step), step=run.step(step)),
            equation=_update_equation(run, step),
            focus=("descent/curve*", "descent/point*", "descent/tangent*", "descent/step*", "descent/drop"),
        )  # fmt: skip


def _listed(quantities: list[Quantity]) -> Equation:
    items: list[Any] = []
    for at, shown in enumerate(quantities):
        items += [*(["->"] if at else []), shown]
    return equation(*items)


def _end(run: _Run) -> Iterator[Beat]:
    last = run.last
    sizes = _listed([run.step(step) for step in range(LEAST - 1)])
    yield Beat(
        name="shorter", place="the steps", board=run.board(LEAST - 1, near=True), equation=sizes,
        caption=_say("Nobody shortened the steps: they shrink because the slope does."),
        focus=("descent/*",),
    )  # fmt: skip
    yield Beat(
        name="bottom", place=f"step {tally('step', last)}", board=run.board(last, tangent=last, near=True),
        equation=_level(run, last),
        caption=_say("At {b} = {value} the tangent is level: no slope, no step. This is the bottom.",
                     b=run.name, value=run.value(last)),
        focus=("descent/curve*", "descent/point", "descent/tangent*"),
    )  # fmt: skip
    yield Beat(
        name="fitted", place=f"step {tally('step', last)}", board=run.board(last),
        equation=equation("SSR", "->", Term(Value(run.loss(last)), "loss", True)),
        caption=_say("And the model's curve now runs through the data: the SSR fell from {old} to {new}.",
                     old=run.loss(0), new=run.loss(last)),
        focus=("fit/*", "descent/point*"),
    )  # fmt: skip
    rule = equation(
        "new",
        run.parameter,
        "=",
        run.parameter,
        "-",
        Group(Value(run.rate()), "learning rate"),
        "*",
        derivative("SSR", run.parameter),
    )
    yield Beat(
        name="learning-rate", place="the learning rate", board=run.board(last), equation=rule,
        caption=_say("A smaller learning rate needs more steps; one too large leaps over the bottom."),
    )  # fmt: skip
