"""The trace: the events of one run in order, and the questions that can be asked of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vizkit.errors import ArgumentError, TraceQueryError
from vizkit.trace.axes import NamedArray
from vizkit.trace.compare import same_log
from vizkit.trace.events import KINDS, Event, ForwardEvent, ModelDescription, Node, UpdateEvent
from vizkit.trace.keep import kind_name
from vizkit.trace.log import EventLog, Missing
from vizkit.trace.nodes import find_nodes
from vizkit.trace.stack import chosen_runs, stack_runs

__all__ = ["Trace"]

Kind: TypeAlias = str | type[Event]
Layer: TypeAlias = str | int | Node


class Trace:
    """The events of one run, in order, with the description of its model.

    `vizkit.record` makes one, `vizkit.load` reads one from a file. It can be asked while it is
    still being recorded.

    Parameters
    ----------
    model
        The description of the model.
    log
        The events; empty when left out.
    complete
        Whether the run was recorded to its end; False for what is left of a damaged file.

    Examples
    --------
    >>> from vizkit.trace import samples
    >>> trace = samples.tiny_trace()
    >>> trace
    <Trace of 'tiny': 3 steps, 15 events, 648 bytes>
    >>> trace.event("forward", layer="dense", step=1).output
    array([[2.625],
           [4.625]])
    >>> trace.stack("forward", "output", layer="dense").axes
    ('step', 'batch', 'units')
    """

    def __init__(self, model: ModelDescription, log: EventLog | None = None, complete: bool = True) -> None:
        self.model = model
        self.complete = complete
        self.log = EventLog() if log is None else log
        for layer in model.layers:
            self.log.add_node(layer.node)
        self._mark_loss: Callable[..., Any] | None = None  # while it is recorded from a source that must be told

    @property
    def steps(self) -> tuple[int, ...]:
        """The recorded steps, ascending."""
        return self.log.steps

    @property
    def parameter_steps(self) -> tuple[int, ...]:
        """The recorded steps that have parameters, their gradients or updates, ascending: see ``Keep(parameters=)``."""
        return self.log.parameter_steps

    @property
    def epochs(self) -> tuple[Mapping[str, float], ...]:
        """What training reported at the end of each epoch: name to number."""
        return tuple(epoch.logs for epoch in self.log.epochs)

    @property
    def history(self) -> dict[str, NDArray[np.float64]]:
        """Each reported number over the epochs, shape (epochs,); NaN where it was not reported."""
        names = dict.fromkeys(name for logs in self.epochs for name in logs)
        return {name: np.array([logs.get(name, np.nan) for logs in self.epochs]) for name in names}

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Every layer, operation and loss that the trace knows, by index."""
        return tuple(self.log.nodes[index] for index in sorted(self.log.nodes))

    @property
    def layers(self) -> tuple[Node, ...]:
        """The model's layers, in the order in which data flow through them."""
        if self.model.layers:
            return tuple(layer.node for layer in self.model.layers)
        losses = {self.log.nodes[event.node] for event in self.log.event_forms() if event.kind == "loss"}
        return tuple(node for node in self.nodes if node.level == "layer" and node not in losses)

    @property
    def nbytes(self) -> int:
        """The bytes of all arrays together."""
        return self.log.nbytes

    def events(
        self,
        kind: Kind | None = None,
        *,
        layer: Layer | None = None,
        step: int | None = None,
        level: str | None = None,
    ) -> Iterator[Event]:
        """Yield the events that fit, in the order in which they happened.

        Parameters
        ----------
        kind
            A class such as `ForwardEvent`, or its name ``"forward"``; None for every kind.
        layer
            A layer's name, index or node. With ``level="op"``: the operations inside it.
        step
            One training step; None for all.
        level
            ``"layer"`` or ``"op"``; None for both.

        Raises
        ------
        UnknownNameError
            For a kind, layer or level that does not exist, with the nearest that does.

        Examples
        --------
        >>> from vizkit.trace import samples
        >>> [event.value for event in samples.tiny_trace(steps=2).events("loss")]
        [13.0, 0.28125]
        """
        kinds = tuple(KINDS) if kind is None else (kind_name(kind),)
        nodes = find_nodes(self.log.nodes, layer, level)
        return (row.event() for row in self.log.select(kinds, nodes, step))

    def event(self, kind: Kind, *, step: int, layer: Layer | None = None, parameter: str | None = None) -> Any:
        """Return the one event that fits.

        Parameters
        ----------
        kind
            A class such as `ForwardEvent`, or its name.
        step
            The training step.
        layer
            A layer's name, index or node; not needed where only one node has such events, as the loss.
        parameter
            For an update: the parameter's name.

        Raises
        ------
        TraceQueryError
            When there is none, or more than one; the message says what there is.
        UnknownNameError
            For a kind or layer that does not exist.
        """
        found = [event for event in self.events(kind, layer=layer, step=step) if _is_of(event, parameter)]
        if len(found) != 1:
            raise TraceQueryError(self._not_one(kind, layer, step, parameter, len(found)))
        return found[0]

    def stack(
        self,
        kind: Kind,
        quantity: str,
        *,
        layer: Layer | None = None,
        step: int | Iterable[int] | None = None,
        item: int | str | None = None,
    ) -> NamedArray:
        """Return one quantity of one layer over the steps, as one array with named axes.

        Parameters
        ----------
        kind
            A class such as `ForwardEvent`, or its name.
        quantity
            The event's field: ``"output"``, ``"inputs"``, ``"parameter_gradients"``, ``"value"`` ...
        layer
            A layer's name, index or node; not needed for the loss.
        step
            None for all recorded steps, some steps, or one step (which then is no axis).
        item
            Which array of the field: an input's position, a parameter's name. Not needed when there is one.

        Returns
        -------
        NamedArray
            Shape (steps, ...); read-only.

        Raises
        ------
        TraceQueryError
            When there is nothing to stack, or its shape changes from step to step.
        UnknownNameError
            For a kind, layer, quantity or item that does not exist.

        Examples
        --------
        >>> from vizkit.trace import samples
        >>> samples.tiny_trace().stack("forward", "parameters", layer="dense", item="kernel").values.ravel()
        array([1.      , 2.      , 2.140625])
        """
        one = isinstance(step, (int, np.integer))
        steps = [step] if one else None if step is None else dict.fromkeys(step)
        runs = chosen_runs(self.log, kind_name(kind), find_nodes(self.log.nodes, layer), steps)
        if not runs:
            raise TraceQueryError(self._not_one(kind, layer, step, None, 0))
        stacked = stack_runs(self.log, runs, quantity, item)
        if one:
            return NamedArray(stacked.values[0, ...], stacked.axes[1:])
        return stacked

    def parameter(self, layer: Layer, name: str) -> NamedArray:
        """Return a parameter's value before each recorded step, shape (steps, ...).

        It is read from the forward events, or from the updates where those were not kept.
        """
        if any(True for _ in self.events(ForwardEvent, layer=layer)):
            return self.stack(ForwardEvent, "parameters", layer=layer, item=name)
        return self.stack(UpdateEvent, "before", layer=layer, item=name)

    def loss(self, value: Any, *, prediction: Any = None, target: Any = None) -> Any:
        """Mark the number that a training step of another framework minimises, and return it as it came.

        A model of vizkit knows its loss; a PyTorch model does not, so the loop says
        ``trace.loss(criterion(output, target)).backward()``. What was compared, of shape (batch, ...), can be
        given as well; else it is what a loss module compared, or the model's last output and no target.

        Raises
        ------
        ArgumentError
            When nothing is being recorded into this trace, or its model knows its loss by itself.
        """
        if self._mark_loss is None:
            raise ArgumentError(
                "trace.loss(value) marks the loss inside `with record(model) as trace:` of a framework whose models do "
                "not know their loss; this trace is not being recorded, or its model tells its loss by itself."
            )
        given = {"prediction": prediction, "target": target}
        self._mark_loss(value, **{name: part for name, part in given.items() if part is not None})
        return value

    def missing(self) -> tuple[Missing, ...]:
        """Return what the trace does not hold although the run had it, and why: rows of node, kind, reason."""
        return tuple(self.log.missing)

    def equals(self, other: Trace) -> bool:
        """Say whether two traces hold the same, bit for bit."""
        return isinstance(other, Trace) and self.model == other.model and same_log(self.log, other.log)

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the trace to one file, whole or not at all, and return its path.

        The same trace gives the same bytes. ``schema.md`` describes the file.

        Raises
        ------
        OutputError
            When the file cannot be written; what was there before is untouched.
        """
        from vizkit.trace.file import save  # here, as reading a file makes a Trace

        return save(self, path)

    def export(self, path: str | PathLike[str]) -> Path:
        """Write the numbers for other tools: to a file that ends in ``.npz``, ``.safetensors`` or ``.arrow``.

        `vizkit.trace.export` says how the arrays are named.

        Raises
        ------
        UnknownNameError
            For another suffix.
        MissingExtraError
            When the library for the format is not installed.
        OutputError
            When the file cannot be written.
        """
        from vizkit.trace.export import export  # here, as it is seldom needed and makes use of a Trace

        return export(self, path)

    def __len__(self) -> int:
        return len(self.log)

    def __iter__(self) -> Iterator[Event]:
        return self.events()

    def __bool__(self) -> bool:
        return True  # a trace without events is still a trace

    def __repr__(self) -> str:
        left = "" if self.complete else ", incomplete"
        size = f"{len(self.steps)} steps, {len(self):,} events, {self.nbytes:,} bytes"
        return f"<Trace of {self.model.name!r}: {size}{left}>"

    def _not_one(self, kind: Kind, layer: Layer | None, step: Any, parameter: str | None, found: int) -> str:
        of = "" if layer is None else f" of {getattr(layer, 'name', layer)!r}"
        at = "" if step is None else f" at step {step}"
        what = f"{kind_name(kind)} event{'s' * bool(found)}{of}{f' for {parameter!r}' if parameter else ''}{at}"
        if found:
            return f"The trace holds {found} {what}; say which layer or parameter is meant."
        return f"The trace holds no {what}. {self._content(kind_name(kind))}"

    def _content(self, kind: str) -> str:
        runs = chosen_runs(self.log, kind, self.nodes, None)
        if not runs:
            kinds = [name for name in KINDS if any(event.kind == name for event in self.log.event_forms())]
            return f"It holds events of these kinds: {', '.join(kinds) or 'none'}."
        names = ", ".join(dict.fromkeys(self.log.nodes[event.node].name for run in runs for event in run.events))
        first, last = runs[0].block.first, max(run.block.last for run in runs)
        return f"It holds such events of {names}, steps {first} to {last} ({len(self.steps)} in all)."


def _is_of(event: Event, parameter: str | None) -> bool:
    return parameter is None or getattr(event, "parameter", None) == parameter
