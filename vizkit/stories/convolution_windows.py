"""The first part of the convolution story: the image, the kernel, and the windows one by one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vizkit.stories.convolution_run import ConvolutionRun
from vizkit.stories.story import Beat, Pulse
from vizkit.views.board import board
from vizkit.views.convolution import ConvolutionStepView
from vizkit.views.equation import Equation, Expr, Op, Paren, Row, Symbol, Term, Value, equation
from vizkit.views.text import Quantity, Words, count, sentence, tally, words

__all__ = ["map_beats", "opening_beats", "window_beats"]

PANEL = "machine"
LONGEST = 9  # products that an equation lists; more are only summed


def bound(number: Quantity) -> Expr:
    """Return a number of an equation, in parentheses when it is negative."""
    return Paren(Value(number)) if number.value < 0 else Value(number)


def lit(*names: str) -> tuple[str, ...]:
    """Return mark names of the story's one panel."""
    return tuple(f"{PANEL}/{name}" for name in names)


def pixels(view: ConvolutionStepView) -> tuple[str, ...]:
    """Return the names of the pixels in the window, and of its frame."""
    (top, left), (rows, columns) = view.corner, view.kernel.shape
    cells = [f"input:{top + row},{left + column}" for row in range(rows) for column in range(columns)]
    return ("input:window", *cells)


def _pulse(arrow: str) -> tuple[Pulse, ...]:
    """Return a light that runs along an arrow of the panel."""
    return (Pulse(lit(arrow), "output"),)


def _beat(name: str, place: str, view: ConvolutionStepView, caption: Words | str, **parts: object) -> Beat:
    """Return a beat with one panel; a caption without numbers may be plain text."""
    sentence_ = words(caption) if isinstance(caption, str) else caption
    return Beat(name=name, place=place, board=board(**{PANEL: view}), caption=sentence_, **parts)


def opening_beats(run: ConvolutionRun) -> Iterator[Beat]:
    """Yield the image as numbers and the kernel."""
    height, width = run.step.image.shape
    size = {"height": tally("height", height), "width": tally("width", width)}
    yield _beat(
        "image", "the picture", run.window(0, "image"),
        sentence("To a network a picture is a grid of numbers: here {height} × {width} pixels.", **size),
        focus=lit("input:*"),
    )  # fmt: skip
    rows, columns = run.step.kernel.shape
    weights = {"rows": tally("rows", rows), "columns": tally("columns", columns)}
    yield _beat(
        "kernel", "the kernel", run.window(0, "kernel"),
        sentence("The kernel is a small pattern of {rows} × {columns} weights, with one bias.", **weights),
        focus=lit("kernel:*", "bias*"),
    )  # fmt: skip


def window_beats(run: ConvolutionRun) -> Iterator[Beat]:
    """Yield the first window step by step, the others in one beat each."""
    yield from _first_window(run)
    for index in range(1, run.amount):
        yield _next_window(run, index)


def _where(run: ConvolutionRun, index: int) -> str:
    return f"window {count(index + 1)} of {count(run.amount)}"


def _first_window(run: ConvolutionRun) -> Iterator[Beat]:
    view, place = run.window(0), _where(run, 0)
    under = pixels(view)
    value, total, bias = _numbers(run, view)
    yield _beat(
        "window", place, run.window(0, "window"), "The kernel is laid on the first window of the picture.",
        focus=lit(*under, "kernel:*"),
    )  # fmt: skip
    yield _beat(
        "products", place, run.window(0, "products"), "Each pixel is multiplied by the weight that lies on it.",
        focus=lit(*under, "kernel:*", "products:*", "times", "equals"),
    )  # fmt: skip
    yield _beat(
        "sum", place, run.window(0, "sum"),
        sentence("The products are added up. Here their sum is {sum}.", sum=total),
        equation=_sum_equation(run, view), focus=lit("products:*", "adds*", "sum*"),
        motion=_pulse("adds"),
    )  # fmt: skip
    yield _beat(
        "bias", place, run.window(0, "bias"),
        sentence("Then the bias is added, {bias} in every window.", bias=bias),
        equation=_bias_equation(run, view), focus=lit("sum*", "bias*", "value", "plus", "gives"),
    )  # fmt: skip
    yield _beat(
        "result", place, view,
        sentence("The result, {value}, is the first value of the feature map.", value=value),
        equation=_bias_equation(run, view), focus=lit(*under, "value", "enters", "map:0,0", "map:window", "map:title"),
        motion=_pulse("enters"),
    )  # fmt: skip


def _numbers(run: ConvolutionRun, view: ConvolutionStepView) -> tuple[Quantity, Quantity, Quantity]:
    """Return the value as the trace holds it, the sum and the bias."""
    value = float(run.output[view.row, view.column])
    return run.number("value", value), run.number("sum", view.sum), run.number("bias", view.bias)


def _products(run: ConvolutionRun, view: ConvolutionStepView) -> list[Expr]:
    """Return pixel · weight for each product that is not 0, joined by plus signs."""
    top, left = view.corner
    found: list[Expr] = []
    for row, column in np.argwhere(view.products):
        pixel = run.number(f"input[{top + row},{left + column}]", view.pixels[row, column])
        weight = run.number(f"kernel[{row},{column}]", view.kernel[row, column])
        found += [Op("+"), Row((bound(pixel), Op("."), bound(weight)))]
    return found[1:]


def _sum_equation(run: ConvolutionRun, view: ConvolutionStepView) -> Equation:
    """Return the products that are not 0 and their sum; a long list only as its sum."""
    _, total, _ = _numbers(run, view)
    products = _products(run, view)
    fits = products and len(products) < 2 * LONGEST and (run.digits == 0 or len(products) <= 5)
    left = products if fits else [Symbol("sum")]
    return equation(*left, "=", Term(Value(total), "output", bold=True))


def _bias_equation(run: ConvolutionRun, view: ConvolutionStepView) -> Equation:
    value, total, bias = _numbers(run, view)
    return equation(
        Term(bound(total), "output"), "+", Term(bound(bias), "bias"), "=", Term(Value(value), "output", bold=True)
    )  # fmt: skip


def _next_window(run: ConvolutionRun, index: int) -> Beat:
    view = run.window(index)
    shown = lit(
        *pixels(view), "kernel:*", "products:*", "sum*", "bias*", "value",
        f"map:{view.row},{view.column}", "map:window",
    )  # fmt: skip
    caption = _remark(run, index, view)
    return _beat(
        f"window-{index + 1}", _where(run, index), view, caption, equation=_bias_equation(run, view), focus=shown
    )  # fmt: skip


def _remark(run: ConvolutionRun, index: int, view: ConvolutionStepView) -> Words:
    """Return a short sentence; what is new in a window is said the first time."""
    value, total, _ = _numbers(run, view)
    earlier = [run.window(before).sum for before in range(index)]
    if index == 1:
        return sentence("The window moves on by {stride}, and the same is done again.", stride=_pixels(view.stride))
    if view.sum == 0 and 0 not in earlier:
        return sentence("Nothing fits here: the sum is {sum}, and only the bias is left.", sum=total)
    if index + 1 == run.amount and view.sum == max(earlier):
        return sentence("The last window fits as well as the best: its sum is {sum}.", sum=total)
    return sentence("Sum {sum}, plus the bias: {value}.", sum=total, value=value)


def _pixels(stride: int) -> str:
    return f"{count(stride)} pixel{'s' * (stride > 1)}"


def map_beats(run: ConvolutionRun) -> Iterator[Beat]:
    """Yield the complete feature map, and what its largest value says."""
    last = run.window(run.amount - 1)
    yield _beat(
        "feature-map", "the feature map", last,
        sentence("The {amount} windows have become the {amount} values of the feature map.",
                 amount=tally("amount", run.amount)),
        focus=lit("map:*,*", "map:title"),
    )  # fmt: skip
    best = run.window(int(np.argmax(run.output)), done=run.amount)
    value = run.number("value", float(run.output.max()))
    yield _beat(
        "large-value", "the feature map", best,
        sentence("A large value, like this {value}, says: what the kernel looks for is here.", value=value),
        focus=lit(*pixels(best), "kernel:*", f"map:{best.row},{best.column}", "map:window"),
    )  # fmt: skip
