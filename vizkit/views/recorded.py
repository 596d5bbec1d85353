"""Numbers of a recorded run by layer and step: its weights, activations and gradients.

One layer at one step is read at a time, so that a recording larger than the memory can be drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from vizkit.errors import ArgumentError, unknown_name
from vizkit.trace import BackwardEvent, ForwardEvent, Node, StatisticsEvent, Trace, UpdateEvent
from vizkit.typing import Float

__all__ = [
    "WHAT",
    "check_what",
    "kernels_of",
    "layers_with",
    "only_trace",
    "spaced",
    "statistics_at",
    "steps_with",
    "values_at",
]

WHAT = ("weights", "activations", "gradients")

Item = TypeVar("Item")


def only_trace(data: Any, picture: str) -> Trace:
    """Return a trace.

    Raises
    ------
    ArgumentError
        If it is something else; the message says what picture it was for.
    """
    if not isinstance(data, Trace):
        raise ArgumentError(f"{picture} is drawn from a trace (see vizkit.record), but a {type(data).__name__} came.")
    return data


def check_what(what: str) -> str:
    """Return the name of what is drawn.

    Raises
    ------
    UnknownNameError
        If it is none of weights, activations and gradients.
    """
    if what not in WHAT:
        raise unknown_name("recorded quantity", what, WHAT)
    return what


def spaced(items: Sequence[Item], most: int) -> tuple[Item, ...]:
    """Return at most so many items at even distances, the first and the last among them.

    Examples
    --------
    >>> spaced(range(10), 4), spaced("ab", 4)
    ((0, 3, 6, 9), ('a', 'b'))
    """
    if len(items) <= most:
        return tuple(items)
    if most == 1:
        return (items[-1],)
    return tuple(items[round(at * (len(items) - 1) / (most - 1))] for at in range(most))


def kernels_of(parameters: Mapping[str, Float["..."]]) -> dict[str, Float["..."]]:
    """Return the parameters of two or more axes; of a layer that has none, all but its moving averages.

    A bias has few numbers that often begin at 0; among a kernel's many it would only be a spike.

    Examples
    --------
    >>> list(kernels_of({"kernel": np.ones((2, 3)), "bias": np.ones(3)})), list(kernels_of({"gamma": np.ones(3)}))
    (['kernel'], ['gamma'])
    """
    kernels = {name: values for name, values in parameters.items() if np.ndim(values) > 1}
    return kernels or {name: values for name, values in parameters.items() if not name.startswith("moving_")}


def steps_with(trace: Trace, what: str) -> tuple[int, ...]:
    """Return the recorded steps that may have some of what is drawn: parameters may be kept at few of them."""
    return trace.steps if what == "activations" else trace.parameter_steps


def values_at(trace: Trace, what: str, node: Node, step: int) -> Float["value"] | None:
    """Return a layer's numbers at one step on one axis, shape (values,); None when the trace has none.

    Parameters
    ----------
    trace
        The run.
    what
        ``"weights"``: its kernels before the step's update; ``"activations"``: its output;
        ``"gradients"``: the loss's derivatives by its kernels.
    node
        The layer.
    step
        Which step.
    """
    found = [np.ravel(values) for values in _arrays(trace, what, node, step)]
    if len(found) == 1:
        return found[0]  # as it lies in the file, not copied
    return np.concatenate(found) if found else None


def _arrays(trace: Trace, what: str, node: Node, step: int) -> Iterator[Float["..."]]:
    if what == "activations":
        yield from (event.output for event in trace.events(ForwardEvent, layer=node, step=step, level="layer"))
        return
    kind, field = (ForwardEvent, "parameters") if what == "weights" else (BackwardEvent, "parameter_gradients")
    for event in trace.events(kind, layer=node, step=step, level="layer"):
        if getattr(event, field):
            yield from kernels_of(getattr(event, field)).values()
            return
    updates = {event.parameter: event for event in trace.events(UpdateEvent, layer=node, step=step)}
    field = "before" if what == "weights" else "gradient"
    yield from kernels_of({name: getattr(event, field) for name, event in updates.items()}).values()


def statistics_at(trace: Trace, what: str, node: Node, step: int) -> tuple[StatisticsEvent, ...]:
    """Return what was recorded of a layer's numbers at one step in place of the numbers, see `values_at`."""
    wanted = {
        "weights": ("parameters", "before"),
        "activations": ("output",),
        "gradients": ("parameter_gradients", "gradient"),
    }[what]
    for quantity in wanted:
        events = trace.events(StatisticsEvent, layer=node, step=step, level="layer")
        found = {event.item: event for event in events if event.quantity == quantity}
        if found:
            large = [event for event in found.values() if event.shape.size > 1]
            return tuple(large or [event for name, event in found.items() if not name.startswith("moving_")])
    return ()


def layers_with(trace: Trace, what: str) -> tuple[Node, ...]:
    """Return the layers of which the trace holds something at one step at least, in the order of the data.

    Layers that contain others only pass on what those give, so they are left out; so are, for weights and
    gradients, layers without a kernel, such as a normalisation, beside layers with one.
    """
    parents = {node.parent for node in trace.layers}
    nodes = [node for node in trace.layers if node.index not in parents]
    with_kernel = {layer.node for layer in trace.model.layers if any(len(s) > 1 for s in layer.parameters.values())}
    if what != "activations" and (chosen := [node for node in nodes if node in with_kernel]):
        nodes = chosen
    return tuple(node for node in nodes if _first(trace, what, node) is not None)


def _first(trace: Trace, what: str, node: Node) -> int | None:
    """Return the first step at which there is something of a layer."""
    for step in spaced(steps_with(trace, what), 24):
        found = values_at(trace, what, node, step)
        if (found is not None and found.size) or statistics_at(trace, what, node, step):
            return step
    return None
