"""The named numbers of the backpropagation story, and the equations that they stand in.

`Terms` holds the numbers of one sample at one step. Each factor of the chain is read from the
trace or formed from the trace's own arrays, so the last number of every chain can be held
against the derivative that the run recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vizkit.stories.backprop_run import State, Step
from vizkit.views.equation import (
    Equation,
    Expr,
    Function,
    Literal,
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
from vizkit.views.text import Quantity, quantity

__all__ = ["Terms", "bias_chain", "colored", "path_chain", "signed", "ssr_sum", "update_rule"]


WALK = 9  # values that fit on one line


def signed(number: Quantity) -> Expr:
    """Return a number for the middle of a formula: in parentheses when it is shown with a minus sign."""
    return Paren(Value(number)) if number.text.startswith("−") else Value(number)


def colored(item: Expr | Quantity | str, role: str) -> Term:
    """Return a part of an equation in a role's colour; a number below zero stands in parentheses.

    Examples
    --------
    >>> colored(quantity("w2", -3.53), "negative").expr.inner.quantity.text
    '−3.53'
    """
    if isinstance(item, Quantity):
        return Term(signed(item), role)
    return Term(symbol(item) if isinstance(item, str) else item, role)


def result(number: Quantity, role: str) -> Term:
    """Return the number that an equation arrives at: bold, and without parentheses."""
    return Term(Value(number), role, bold=True)


@dataclass(frozen=True, slots=True)
class Terms:
    """The numbers of one sample at one step; ``path`` is 0 for the upper and 1 for the lower path."""

    state: State
    sample: int

    @property
    def x(self) -> Quantity:
        """The input."""
        return quantity("x", self.state.x[self.sample])

    @property
    def predicted(self) -> Quantity:
        """The output."""
        return quantity("predicted", self.state.predicted[self.sample])

    @property
    def observed(self) -> Quantity:
        """The target."""
        return quantity("observed", self.state.target[self.sample])

    @property
    def residual(self) -> Quantity:
        """Observed minus predicted."""
        return quantity(f"residual[{self.sample}]", self.state.residuals[self.sample])

    def weight(self, name: str) -> Term:
        """Return a weight in the colour of its sign."""
        return colored(self.state.number(name), "negative" if self.state.values[name] < 0 else "positive")

    def product(self, path: int) -> Quantity:
        """Return first weight × input."""
        return quantity(f"product[{path}]", self.state.values[f"w{path + 1}"] * self.state.x[self.sample])

    def total(self, path: int) -> Quantity:
        """Return the unit's weighted sum."""
        return quantity(f"sum[{path}]", self.state.sums[self.sample, path])

    def active(self, path: int) -> Quantity:
        """Return the unit's value."""
        return quantity(f"unit[{path}]", self.state.active[self.sample, path])

    def share(self, path: int) -> Quantity:
        """Return the path's share of the output: unit × second weight."""
        return quantity(f"share[{path}]", self.state.values[f"w{path + 3}"] * self.state.active[self.sample, path])

    # Backward: each is the one before, times one factor.

    @property
    def by_output(self) -> Quantity:
        """The loss's derivative by the output."""
        return quantity(f"d predicted[{self.sample}]", self.state.loss_slope[self.sample])

    def by_unit(self, path: int) -> Quantity:
        """Return the derivative by the unit's value: × second weight."""
        return quantity(f"d unit[{path}]", self.by_output.value * self.state.values[f"w{path + 3}"])

    def slope(self, path: int) -> Quantity:
        """Return the activation's slope where the unit stands."""
        return quantity(f"slope[{path}]", self.state.slopes[self.sample, path])

    def by_sum(self, path: int) -> Quantity:
        """Return the derivative by the unit's weighted sum: × slope."""
        return quantity(f"d sum[{path}]", self.by_unit(path).value * self.slope(path).value)

    def by_weight(self, path: int) -> Quantity:
        """Return this sample's part of the derivative by the first weight: × input."""
        return quantity(f"d w{path + 1}[{self.sample}]", self.by_sum(path).value * self.x.value)


# Forward --------------------------------------------------------------------------------


def multiplied(terms: Terms) -> Equation:
    """Return input × first weight of the upper path."""
    numbers = (colored(terms.x, "input"), "*", terms.weight("w1"))
    return equation(colored("x", "input"), "*", "w_1", "=", *numbers, "=", result(terms.product(0), "activation"))


def shifted(terms: Terms) -> Equation:
    """Return product + bias of the upper unit, its weighted sum z."""
    numbers = (colored(terms.product(0), "activation"), "+", colored(terms.state.number("b1"), "bias"))
    return equation("z_1", "=", *numbers, "=", result(terms.total(0), "activation"))


def activated(terms: Terms) -> Equation:
    """Return the upper unit's activation a of its sum z."""
    name = terms.state.activation
    numbers = (Function(name, symbol("z_1")), "=", Function(name, Value(terms.total(0))))
    return equation("a_1", "=", *numbers, "=", result(terms.active(0), "activation"))


def lower_path(terms: Terms) -> Equation:
    """Return the lower unit's value from the input in one line."""
    name, state = terms.state.activation, terms.state
    inner = row(signed(terms.x), "*", terms.weight("w2").expr, "+", signed(state.number("b2")))
    found = result(terms.active(1), "activation")
    return equation("a_2", "=", Function(name, inner), "=", Function(name, Value(terms.total(1))), "=", found)


def scaled(terms: Terms) -> Equation:
    """Return both units × their second weights."""
    items: list = []
    for path in (0, 1):
        factor, found = terms.weight(f"w{path + 3}"), result(terms.share(path), "activation")
        items += [*([","] if items else []), colored(terms.active(path), "activation"), "*", factor, "=", found]
    return equation(*items)


def summed(terms: Terms) -> Equation:
    """Return the output as the sum of both shares and the last bias."""
    shares = (Term(Value(terms.share(0)), "activation"), "+", colored(terms.share(1), "activation"))
    bias = colored(terms.state.number("b3"), "bias")
    return equation(colored("^y", "output"), "=", *shares, "+", bias, "=", result(terms.predicted, "output"))


def whole(state: State) -> Equation:
    """Return the network as one formula of its input."""
    items: list = []
    for path in (1, 2):
        bent = Function(state.activation, row(f"w_{path}", ".", "x", "+", f"b_{path}"))
        items += [*(["+"] if items else []), f"w_{path + 2}", ".", colored(bent, "activation")]
    return equation(colored("^y", "output"), "=", *items, "+", colored("b_3", "bias"))


def compared(terms: Terms) -> Equation:
    """Return the residual of one sample."""
    said = (colored("y", "target"), "-", colored("^y", "output"))
    numbers = (colored(terms.observed, "target"), "-", colored(terms.predicted, "output"))
    return equation(*said, "=", *numbers, "=", result(terms.residual, "loss"))


def _each(state: State) -> list[Terms]:
    return [Terms(state, sample) for sample in range(len(state.x))]


def ssr_sum(state: State) -> Equation:
    """Return the sum of the squared residuals."""
    items: list = []
    for terms in _each(state):
        square = Power(signed(terms.residual), literal(2))
        items += [*(["+"] if items else []), colored(square, "loss")]
    return equation("SSR", "=", *items, "=", result(quantity("ssr", state.ssr), "loss"))


# Backward -------------------------------------------------------------------------------


def bias_factors() -> Equation:
    """Return the chain for the last bias in symbols."""
    chain = (Sum("i"), derivative("SSR", "^y_i"), ".", derivative("^y_i", "b_3"))
    return equation(derivative("SSR", "b_3"), "=", *chain)


def output_slope(terms: Terms) -> Equation:
    """Return the loss's derivative by one output: −2 times the residual."""
    rule = row(literal(-2), Paren(row("y", "-", "^y")))
    numbers = row(literal(-2), ".", signed(terms.residual))
    return equation(derivative("SSR", "^y"), "=", rule, "=", numbers, "=", result(terms.by_output, "gradient"))


def bias_slope() -> Equation:
    """Return the output's derivative by the last bias, which is one: the bias is only added."""
    return equation(derivative("^y", "b_3"), "=", Term(literal(1), "gradient", bold=True))


def bias_chain(state: State) -> Equation:
    """Return the derivative by the last bias, sample by sample, with its sum."""
    items: list = []
    for terms in _each(state):
        items += [*(["+"] if items else []), colored(terms.by_output, "gradient"), ".", literal(1)]
    return equation(derivative("SSR", "b_3"), "=", *items, "=", result(state.slope("b3"), "gradient"))


def path_factors() -> Equation:
    """Return the chain for the first weight in symbols, from the loss back to the input."""
    chain = (derivative("^y_i", "a_1"), derivative("a_1", "z_1"), derivative("z_1", "w_1"))
    items = [part for factor in chain for part in (".", factor)]
    return equation(derivative("SSR", "w_1"), "=", Sum("i"), derivative("SSR", "^y_i"), *items)


def through_weight(terms: Terms) -> Equation:
    """Return the step back through the second weight of the upper path."""
    rule = (derivative("SSR", "^y"), ".", "w_3")
    numbers = (colored(terms.by_output, "gradient"), ".", terms.weight("w3"))
    return equation(derivative("SSR", "a_1"), "=", *rule, "=", *numbers, "=", result(terms.by_unit(0), "gradient"))


def through_activation(terms: Terms) -> Equation:
    """Return the step back through the upper unit's activation: times its slope where the unit stands."""
    slope = Function(f"{terms.state.activation}′", Value(terms.total(0)))
    rule = (colored(terms.by_unit(0), "gradient"), ".", colored(slope, "activation"))
    numbers = (colored(terms.by_unit(0), "gradient"), ".", colored(terms.slope(0), "activation"))
    return equation(derivative("SSR", "z_1"), "=", *rule, "=", *numbers, "=", result(terms.by_sum(0), "gradient"))


def through_input(terms: Terms) -> Equation:
    """Return the last step back, to this sample's part of the derivative by the first weight: times the input."""
    rule = (derivative("SSR", "z_1"), ".", colored("x", "input"))
    numbers = (colored(terms.by_sum(0), "gradient"), ".", colored(terms.x, "input"))
    return equation(*rule, "=", *numbers, "=", result(terms.by_weight(0), "gradient"))


def path_chain(state: State, path: int = 0) -> Equation:
    """Return the derivative by a first weight as the sum over the samples."""
    items: list = []
    for terms in _each(state):
        items += [*(["+"] if items else []), colored(terms.by_weight(path), "gradient")]
    name = f"w{path + 1}"
    return equation(derivative("SSR", f"w_{path + 1}"), "=", *items, "=", result(state.slope(name), "gradient"))


def second_weights(state: State) -> Equation:
    """Return the chains for both second weights: the factor is what the weight multiplies, the unit's value."""
    items: list = []
    for path in (1, 2):
        slope = result(state.slope(f"w{path + 2}"), "gradient")
        chain = (derivative("SSR", f"w_{path + 2}"), "=", Sum("i"), derivative("SSR", "^y_i"), ".", symbol(f"a_{path}"))
        items += [*([","] if items else []), *chain, "=", slope]
    return equation(*items)


def first_biases(state: State) -> Equation:
    """Return the chains for both first biases: as for the weights, but the last factor is one."""
    items: list = []
    for path in (1, 2):
        slope = result(state.slope(f"b{path}"), "gradient")
        chain = (derivative("SSR", f"b_{path}"), "=", Sum("i"), derivative("SSR", f"z_{path}"), ".", literal(1))
        items += [*([","] if items else []), *chain, "=", slope]
    return equation(*items)


# Update ---------------------------------------------------------------------------------


def walk(values: Sequence[Quantity]) -> Equation:
    """Return the values that the last bias took, from step to step; of many the first and the last."""
    shown = list(values) if len(values) <= WALK else [*values[: WALK - 2], None, values[-1]]
    items: list = []
    for value in shown:
        said = Literal("…") if value is None else Value(value)
        items += [*(["->"] if items else []), Term(said, "bias", bold=value is values[-1])]
    return equation(colored("b_3", "bias"), "=", *items)


def update_rule(step: Step) -> Equation:
    """Return the update of the last bias: before − learning rate × derivative."""
    before, after = quantity("before", step.before), quantity("b3", step.after)
    rate, slope = quantity("learning rate", step.rate, 1), quantity("d b3", step.gradient)
    return equation(
        colored("b_3", "bias"), "=", colored(before, "bias"), "-", colored(rate, "update"), "*",
        colored(slope, "gradient"), "=", result(after, "update"),
    )  # fmt: skip
