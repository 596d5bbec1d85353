"""The layers of a trace as the columns of a picture: an activation that is a layer of its own joins the one before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from vizkit.functions import ACTIVATIONS
from vizkit.trace.events import ForwardEvent, LayerDescription, Node
from vizkit.typing import Float

if TYPE_CHECKING:
    from vizkit.trace import Trace

__all__ = ["Stage", "dense_head", "stages"]

COUPLED = ("softmax", "log_softmax")  # each output depends on all sums
_ACTIVATION_KINDS = {"Activation", "ReLU", "LeakyReLU", "ELU", "Softmax"}


@dataclass(frozen=True, slots=True)
class Stage:
    """A layer with the activation that follows it.

    Attributes
    ----------
    layer
        The layer's description.
    activation
        The activation's name, ``"linear"`` when there is none.
    end
        The node that gives the activated values: the layer itself, or the activation's layer. None when the
        activation is no layer of its own and was found from the numbers that went into the next one.
    """

    layer: LayerDescription
    activation: str
    end: Node | None

    @property
    def node(self) -> Node:
        """The layer's node."""
        return self.layer.node

    @property
    def own(self) -> bool:
        """Whether the activation is part of the layer itself."""
        return self.end == self.node


def stages(trace: Trace, step: int | None = None) -> tuple[Stage, ...]:
    """Return a model's layers, without those that only contain others.

    An activation directly after a dense layer without one is taken together with it. With a step they come in
    the order of their calls in it, as a description may name layers in the order in which they were made, and an
    activation that is no layer of its own is found from what went into the next one.
    """
    calls = () if step is None else trace.events(ForwardEvent, step=step, level="layer")
    called = {event.node.index: at for at, event in enumerate(calls)}
    parents = {layer.node.parent for layer in trace.model.layers}
    leaves = [layer for layer in trace.model.layers if layer.node.index not in parents]
    if called:  # an activation that is not used says nothing; another layer may only not have been kept
        leaves = [e for e in leaves if e.node.index in called or e.node.kind not in _ACTIVATION_KINDS]
    if all(layer.node.index in called for layer in leaves):
        leaves.sort(key=lambda layer: called[layer.node.index])
    found: list[Stage] = []
    for layer in leaves:
        before, name = found[-1] if found else None, _activation(layer)
        joins = layer.node.kind in _ACTIVATION_KINDS and before is not None and before.node.kind == "Dense"
        if joins and before.activation == "linear" and before.own and name in (*ACTIVATIONS, *COUPLED):
            found[-1] = replace(before, activation=name, end=layer.node)
        else:
            found.append(Stage(layer, name if layer.node.kind == "Dense" else "linear", layer.node))
    return tuple(found) if step is None else _bent(trace, found, step)


def _bent(trace: Trace, found: list[Stage], step: int) -> tuple[Stage, ...]:
    """Return the stages, dense ones with the activation that their outputs went through before the next stage."""
    bent = [
        replace(stage, activation=name, end=None)
        if stage.node.kind == "Dense" and stage.activation == "linear" and stage.own
        and (name := _between_stages(trace, stage, following, step)) is not None
        else stage
        for stage, following in pairwise(found)
    ]  # fmt: skip
    return (*bent, *found[-1:])


def _between_stages(trace: Trace, stage: Stage, following: Stage, step: int) -> str | None:
    first, second = (_forward(trace, node, step) for node in (stage.node, following.node))
    if first is None or second is None or np.ndim(first.output) != 2 or _same(first.output, second.inputs[0]):
        return None
    return _between(first.output, second.inputs[0])


def _forward(trace: Trace, node: Node, step: int) -> ForwardEvent | None:
    return next(trace.events(ForwardEvent, layer=node, step=step, level="layer"), None)


def _activation(layer: LayerDescription) -> str:
    named = {"ReLU": "relu", "LeakyReLU": "leaky_relu", "ELU": "elu", "Softmax": "softmax"}.get(layer.node.kind)
    return str(named or layer.config.get("activation") or "linear")


def dense_head(trace: Trace, step: int, most: int = 4) -> tuple[Stage, ...]:
    """Return the dense layers at the end of a model, back to the first layer that is something else.

    Two dense layers follow each other when what went into the second is what came out of the first, or an
    activation of that, which need not be a layer. Only one step's events of these layers are read.

    Parameters
    ----------
    trace
        A recorded run.
    step
        The step whose numbers are compared.
    most
        How many layers there are at most; of more, the last.
    """
    head: list[Stage] = []
    following: Float["batch units"] | None = None
    for stage in reversed(stages(trace, step)):
        event = _forward(trace, stage.node, step)
        if stage.node.kind != "Dense" or event is None or np.ndim(event.inputs[0]) != 2 or len(head) == most:
            break
        if following is not None and stage.end is not None:  # without an end, it was found from what follows
            end = _forward(trace, stage.end, step)
            if end is None or not _same(end.output, following):
                break
        head.insert(0, stage)
        following = event.inputs[0]
    return tuple(head)


def _between(before: Float["batch units"], after: Float["batch units"]) -> str | None:
    """Return the activation that makes one array, of shape (batch, units), of another; None when there is none."""
    if before.shape != after.shape:
        return None
    fits = (name for name, each in ACTIVATIONS.items() if _same(each.function(np.asarray(before, dtype=float)), after))
    return next(fits, None)


def _same(one: Float["..."], other: Float["..."]) -> bool:
    return np.shape(one) == np.shape(other) and bool(np.allclose(one, other, rtol=1e-4, atol=1e-6))
