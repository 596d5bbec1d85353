"""The equations of backpropagation through a dense network, with the numbers of one sample."""

from __future__ import annotations

import numpy as np

from vizkit import functions
from vizkit.stories.backprop_terms import colored, result, signed
from vizkit.stories.chain_run import ChainRun
from vizkit.trace import UpdateEvent
from vizkit.views.equation import (
    Equation,
    Expr,
    Fraction,
    Function,
    Paren,
    Power,
    Sum,
    Term,
    Value,
    derivative,
    equation,
    literal,
    row,
    symbol,
)
from vizkit.views.text import Quantity, quantity, tally

__all__ = ["activated", "back", "by_output", "loss_of", "moved", "shown", "summed", "through", "weight"]

FEW = 3  # products that an equation lists; more are only summed


def shown(name: str, value: float) -> Quantity:
    """Return a number with as many decimals as it needs for two figures that say something, at most six.

    Examples
    --------
    >>> [shown("d", value).text for value in (-15.658, 0.25, 0.00123, 0.0)]
    ['−15.66', '0.25', '0.0012', '0.00']
    """
    size = abs(float(value))
    digits = 2 if size == 0 or size >= 0.1 else min(6, 1 - int(np.floor(np.log10(size))))
    return quantity(name, value, digits)


def _name(letter: str, layer: int) -> str:
    return f"{letter}_{layer}"


def _input(at: int) -> str:
    """Return what goes into a layer: the input, or the activation of the layer before."""
    return "x" if at == 0 else _name("a", at)


def summed(run: ChainRun, at: int) -> Equation:
    """Return the followed unit's weighted sum: each product when there are few, and the bias."""
    part = run.parts[at]
    weights, bias = part.column.weights[:, part.unit], part.column.bias
    items: list = []
    if weights.size <= FEW:
        for source, (value, factor) in enumerate(zip(part.inputs, weights, strict=True)):
            product = row(signed(shown(f"in[{source}]", value)), ".", signed(shown(f"w[{source}]", factor)))
            items += [*(["+"] if items else []), colored(product, "activation")]
    else:
        total = float(part.inputs @ weights)
        rule = (Sum("i"), symbol("x_i" if at == 0 else "a_i"), ".", symbol("w_i"))
        items += [*rule, *(["+", "b"] if bias is not None else []), "=", signed(shown("products", total))]
    if bias is not None:
        items += ["+", colored(shown("b", bias[part.unit]), "bias")]
    total = result(shown("sum", part.column.sums[part.unit]), "activation")
    return equation(_name("z", at + 1), "=", *items, "=", total)


def activated(run: ChainRun, at: int) -> Equation:
    """Return the followed unit's activation of its sum."""
    part = run.parts[at]
    name, unit = part.column.activation.replace("_", " "), part.unit
    inside = symbol("z") if part.coupled else Value(shown("sum", part.column.sums[unit]))
    found = result(shown("active", part.column.output[unit]), "activation")
    return equation(_name("a", at + 1), "=", Function(name, inside), "=", found)


def loss_of(run: ChainRun) -> Equation:
    """Return the sample's loss, by its formula where the recorded numbers show that it is that; else the batch's."""
    if run.sample_loss is None:
        return equation("loss", "=", result(shown("batch loss", run.loss.value), "loss"))
    found = result(shown("sample loss", run.sample_loss), "loss")
    target, said = np.ravel(run.loss.target), run.parts[-1].column.output
    if target.size == said.size == 1:
        difference = float(target[0] - said[0])
        if np.isclose(difference**2, run.sample_loss, rtol=1e-4):
            inside = row(signed(shown("target", target[0])), "-", signed(shown("output", said[0])))
            return equation("loss", "=", colored(Power(Paren(inside), literal(2)), "loss"), "=", found)
    if run.difference is not None and run.difference.shares:  # the loss itself makes shares of the last sums
        said = run.difference.said
    right = _probability(target, said)
    if right is not None and right > 0 and np.isclose(-np.log(right), run.sample_loss, rtol=1e-3, atol=1e-5):
        log = Function("ln", Value(shown("probability", right)))
        return equation("loss", "=", "-", log, "=", found)
    return equation("loss", "=", found)


def _probability(target: np.ndarray, said: np.ndarray) -> float | None:
    """Return the probability that was given to what is right, if the outputs are probabilities."""
    if not ((said >= 0) & (said <= 1)).all():
        return None
    if said.size == target.size == 1:
        return float(said[0] if target[0] == 1 else 1 - said[0]) if target[0] in (0, 1) else None
    if target.size == said.size:
        return float(said[int(target.argmax())]) if np.isclose(target.sum(), 1) and target.max() == 1 else None
    at = int(target[0]) if target.size == 1 else -1
    return float(said[at]) if 0 <= at < said.size else None


def by_output(run: ChainRun) -> Equation:
    """Return the loss's derivative by the followed output."""
    part = run.parts[-1]
    found = result(shown("by output", part.by_output[part.unit]), "gradient")
    return equation(derivative("L", "^y"), "=", *_difference(run, "^y"), found)


def _difference(run: ChainRun, name: str) -> tuple[Expr | Term | str, ...]:
    """Return what was said less what is right, first as a rule; nothing where that is not what the derivative is."""
    told, unit = run.difference, run.parts[-1].unit
    if told is None:
        return ()
    bare = told.shares and run.parts[-1].straight
    said = Function("softmax", symbol(name)) if bare else symbol(name)
    right = float(told.right[unit])
    numbers = row(
        Value(shown("said", told.said[unit])), "-",
        signed(quantity("right", right, 0) if right.is_integer() else shown("right", right)),
    )  # fmt: skip
    sides = []
    for inner in (row(said, "-", "y"), numbers):
        above = inner if told.factor == 1 else row(literal(told.factor), ".", Paren(inner))
        sides += [Fraction(above, Value(tally("over", told.over))) if told.over > 1 else above, "="]
    return tuple(sides)


def through(run: ChainRun, at: int) -> Equation:
    """Return the way back through the followed unit's activation: times its slope where the unit stands."""
    part, unit = run.parts[at], run.parts[at].unit
    found = result(shown("by sum", part.by_sum[unit]), "gradient")
    left = derivative("L", _name("z", at + 1))
    if part.coupled:
        return equation(left, "=", *_difference(run, _name("a", at + 1)), found)
    slope = float(functions.activation(part.column.activation).derivative(part.column.sums[unit : unit + 1])[0])
    rule = (derivative("L", _name("a", at + 1)), ".", Function(f"{part.column.activation.replace('_', ' ')}′",
            symbol(_name("z", at + 1))))  # fmt: skip
    numbers = (colored(shown("by output", part.by_output[unit]), "gradient"), ".",
               colored(shown("slope", slope), "activation"))  # fmt: skip
    return equation(left, "=", *rule, "=", *numbers, "=", found)


def weight(run: ChainRun, at: int) -> Equation:
    """Return the sample's part of the derivative by the followed weight: what came back times what went in."""
    part = run.parts[at]
    back, went = part.by_sum[part.unit], part.inputs[part.source]
    rule = (derivative("L", _name("z", at + 1)), ".", symbol(_input(at)))
    numbers = (colored(shown("by sum", back), "gradient"), ".", colored(shown("in", went), _role(at)))
    found = result(shown("part", back * went), "gradient")
    return equation(derivative("L", "w"), "=", *rule, "=", *numbers, "=", found)


def _role(at: int) -> str:
    return "input" if at == 0 else "activation"


def back(run: ChainRun, at: int) -> Equation:
    """Return the derivative by what the layer before gave: back through every weight that leads on from it."""
    part = run.parts[at]
    factors, given = part.column.weights[part.source], part.by_sum
    found = result(shown("by input", part.by_input[part.source]), "gradient")
    left = derivative("L", _name("a", at))
    if factors.size > FEW:
        return equation(left, "=", Sum("j"), symbol("w_j"), ".", derivative("L", "z_j"), "=", found)
    items: list = []
    for unit, (factor, each) in enumerate(zip(factors, given, strict=True)):
        product = row(signed(shown(f"w[{unit}]", factor)), ".", signed(shown(f"back[{unit}]", each)))
        items += [*(["+"] if items else []), colored(product, "gradient")]
    return equation(left, "=", *items, "=", found)


def moved(event: UpdateEvent, place: tuple[int, int]) -> Equation:
    """Return how the optimizer moved a weight: by the rule of plain descent where that is what it did."""
    before, after, slope = (float(values[place]) for values in (event.before, event.after, event.gradient))
    digits = min(6, max(2, 1 - int(np.floor(np.log10(abs(after - before) or 1.0)))))
    start, end = quantity("before", before, digits), quantity("after", after, digits)
    found = result(end, "update")
    if np.isclose(after, before - event.learning_rate * slope, rtol=1e-5, atol=1e-9):
        rate = shown("learning rate", event.learning_rate)
        rule = (Value(start), "-", colored(rate, "update"), "*", colored(shown("gradient", slope), "gradient"))
        return equation("w", "=", *rule, "=", found)
    return equation("w", "=", start, "->", found)
