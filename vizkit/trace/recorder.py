"""Recording a run: what a model tells while it trains becomes a trace."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vizkit.errors import ArgumentError, NotBuiltError, unknown_name
from vizkit.files import as_path
from vizkit.trace.alternatives import AnyTemplate, SummaryTemplate, TemplateBySteps, without_parameters
from vizkit.trace.budget import Budget
from vizkit.trace.events import ModelDescription, Node
from vizkit.trace.forms import FIELDS
from vizkit.trace.keep import Keep, kind_name
from vizkit.trace.latest import LastSteps
from vizkit.trace.layouts import ENCODINGS
from vizkit.trace.log import Missing
from vizkit.trace.nodes import ancestors
from vizkit.trace.opened import EpochWriter, MemoryStore, OpenStep, Store
from vizkit.trace.plain import plain_model
from vizkit.trace.sizes import step_bytes
from vizkit.trace.sources import source_of
from vizkit.trace.statistics import named_arrays, summarise
from vizkit.trace.stream import FileStore
from vizkit.trace.template import Told, early, make_template
from vizkit.trace.trace import Trace

__all__ = ["Recorder", "early", "record"]

USUAL_BATCH, SMALL_STEP = 32, 1_000_000  # up to so many bytes a step, `record` keeps everything in a file
SAMPLES, PARAMETERS = 1, "logarithmic"  # else so many samples of each batch, and the parameters at such steps
_ENDINGS = {1: "st", 2: "nd", 3: "rd"}
_recorded: set[int] = set()  # ids of the models inside a ``with record(...)``, alive as long as it runs


@contextmanager
def record(
    model: Any, keep: Keep | None = None, *, path: str | PathLike[str] | None = None, encoding: str | None = None
) -> Iterator[Trace]:
    """Record what a model does inside a ``with`` block.

    Parameters
    ----------
    model
        A model of vizkit, or of a framework that vizkit has an adapter for.
    keep
        Which events are kept; all events of layers when left out. In a file then only the first sample of
        each batch, and parameters at ever fewer steps, ``Keep(samples=1, parameters="logarithmic")``, where a
        step of a usual batch of 32 would take more than 1 MB or a number of bytes that cannot be known
        beforehand; ``trace.missing()`` says so. ``Keep()`` keeps everything.
    path
        A file to record into, step by step, instead of memory. It can be read while it grows, and after a
        crash, with ``vizkit.load(path, partial=True)``. A file that is there is replaced.
    encoding
        ``"zlib"`` packs the file: smaller and slower, and after a crash the steps of the last block are
        missing. None leaves the numbers as they are, so that a step is in the file when it ends.

    Yields
    ------
    Trace
        Grows while the model trains; stays as it is after the block, even when that raised.

    Raises
    ------
    ArgumentError
        When the model cannot be recorded, or is being recorded already.

    Examples
    --------
    >>> from vizkit.trace import samples
    >>> model = samples.TinyModel()
    >>> with record(model, keep=Keep(kinds="loss")) as trace:
    ...     model.train(steps=2)
    >>> [event.value for event in trace.events()]
    [13.0, 0.28125]
    """
    if keep is not None and not isinstance(keep, Keep):
        raise ArgumentError(f"keep is a Keep, for example Keep(steps=10), not {keep!r}.")
    source = source_of(model)
    if id(model) in _recorded:
        raise ArgumentError(f"This {type(model).__name__} is being recorded already; one recording at a time.")
    if path is not None and keep is not None and keep.last is not None:
        raise ArgumentError(f"Keep(last={keep.last}) is for memory: what stands in a file stays; use max_bytes=.")
    trace = Trace(ModelDescription(type(model).__name__))
    store = None if path is None else FileStore(as_path(path), trace.log, _encoding(encoding))
    recorder = Recorder(trace, keep, store)
    _recorded.add(id(model))
    try:
        source._attach(recorder)
        recorder.trace._mark_loss = getattr(source, "_loss", None)
        yield recorder.trace
    finally:
        _recorded.discard(id(model))
        recorder.trace._mark_loss = None
        try:
            source._detach()
        finally:
            recorder.close()


def _encoding(encoding: str | None) -> str | None:
    if encoding is not None and encoding not in ENCODINGS:
        raise unknown_name("encoding", encoding, ENCODINGS)
    return encoding


class Recorder:
    """What a model calls while it trains. Arrays are copied here, once, and only when they are kept.

    A model whose arrays always stand in the same memory uses `template`; others tell event by event.

    Parameters
    ----------
    trace
        The trace that grows.
    keep
        Which events are kept. None keeps all of them in memory; in a file, one sample of each batch and the
        parameters at ever fewer steps, where a step of 32 samples would take more than 1 MB or an unknown number
        of bytes.
    store
        Where the steps are kept; in memory when left out.
    """

    def __init__(self, trace: Trace, keep: Keep | None, store: Store | None = None) -> None:
        self.trace = trace
        self.keep = keep or Keep()
        self._choose = keep is None and store is not None
        self._budget = None if self.keep.max_bytes is None else Budget(self.keep.max_bytes)
        self._store = self._memory() if store is None else store
        self._opened = OpenStep(self._store)
        trace.log.open_step = self._opened.block
        self._epochs = EpochWriter(self._store)
        self._chosen: dict[tuple[Any, int], bool] = {}
        self._step: tuple[int | None, bool] = (None, False)  # the step asked for last, and whether it is kept
        self._whole = True  # whether parameters are kept at that step

    def _memory(self) -> Store:
        log = self.trace.log
        return MemoryStore(log.add_block) if self.keep.last is None else LastSteps(log, self.keep.last)

    def describe(self, description: ModelDescription) -> None:
        """Take the description of the model, which may come again when more is known of it."""
        self.keep.check_layers([layer.node.name for layer in description.layers])
        for layer in description.layers:
            self.trace.log.add_node(layer.node)
        if self._choose:
            self._choose_samples(description)
        if self.keep.parameters is not None:
            self.missing("", "parameters", f"They, their gradients and updates are kept {_when(self.keep.parameters)}.")
        self.trace.model = plain_model(description)
        self._store.describe(self.trace.model)
        self._chosen.clear()

    def wants(self, kind: Any, node: Node, step: int) -> bool:
        """Say whether an event of this kind (name or class), node and step is kept."""
        return self.keeps(kind, node) and self._wants_step(step) and (self._whole or kind_name(kind) != "update")

    def forward(
        self,
        step: int,
        node: Node,
        inputs: Sequence[NDArray[Any]],
        output: NDArray[Any],
        parameters: Mapping[str, NDArray[Any]],
    ) -> None:
        """Take what a layer or operation made of its inputs; a layer's arrays are of shape (batch, ...)."""
        if self.wants("forward", node, step):
            part = self._part(node)
            kept = parameters if self._whole else {}
            self._add("forward", step, node, (tuple(map(part, inputs)), part(output), kept))

    def loss(
        self,
        step: int,
        node: Node,
        prediction: NDArray[Any],
        target: NDArray[Any],
        value: float,
        samples: NDArray[Any],
    ) -> None:
        """Take the loss of a batch, and of each of its samples: shape (batch,)."""
        if self.wants("loss", node, step):
            part = self._part(node)
            self._add("loss", step, node, (part(prediction), part(target), float(value), part(samples)))

    def backward(
        self,
        step: int,
        node: Node,
        output_gradient: NDArray[Any],
        input_gradients: Sequence[NDArray[Any]],
        parameter_gradients: Mapping[str, NDArray[Any]],
    ) -> None:
        """Take the gradients that passed through a layer or operation, each of shape (...) as what it belongs to."""
        if self.wants("backward", node, step):
            part = self._part(node)
            kept = parameter_gradients if self._whole else {}
            self._add("backward", step, node, (part(output_gradient), tuple(map(part, input_gradients)), kept))

    def update(
        self,
        step: int,
        node: Node,
        parameter: str,
        before: NDArray[Any],
        after: NDArray[Any],
        gradient: NDArray[Any],
        learning_rate: float,
    ) -> None:
        """Take what the optimizer made of one parameter; the three arrays have its shape (...)."""
        if self.wants("update", node, step):
            self._add("update", step, node, (str(parameter), before, after, gradient, float(learning_rate)))

    def template(self, events: Iterable[Told]) -> AnyTemplate | None:
        """Return what records a step by copying memory; None when `Keep` wants none of its events.

        Parameters
        ----------
        events
            Kind, node and fields of every event of the step, in order; the fields are those that the
            methods `forward`, `loss`, `backward` and `update` take after step and node. Each array stays
            where it is and is filled anew at each step; `early` marks those that are copied when the step
            begins. The loss's value and the learning rate are arrays without axes.

        Raises
        ------
        ArgumentError
            When one of the arrays is none, or has elements that a trace does not hold.

        Examples
        --------
        >>> from vizkit.trace.events import ModelDescription
        >>> recorder = Recorder(Trace(ModelDescription("m")), Keep())
        >>> x, y, node = np.zeros((1, 2)), np.zeros((1, 2)), Node(0, "double", "Double")
        >>> template = recorder.template([("forward", node, ((x,), y, {}))])
        >>> for step in range(3):
        ...     if template.begin(step):
        ...         x += 1
        ...         np.multiply(x, 2, out=y)
        ...         template.end()
        array([[2., 2.]])
        array([[4., 4.]])
        array([[6., 6.]])
        >>> recorder.trace.event("forward", step=1).output
        array([[4., 4.]])
        """
        kept = [told for told in events if self.keeps(told[0], told[1])]
        for _, node, _ in kept:
            self.trace.log.add_node(node)
        if not kept or self.keep.parameters is None:
            return self._template(kept)
        return TemplateBySteps(self._template(kept), self._template(without_parameters(kept)), self.keep.parameters_at)

    def _template(self, events: list[Told]) -> Any:
        if not events:
            return None
        summarised = SummaryTemplate(events, self._rows) if self.keep.statistics else None
        template = make_template(events, self._rows) if summarised is None else summarised.copying
        always = self.keep.steps is None and self._budget is None
        template.attach(None if always else self._wants_step, self._store, self._opened)
        return summarised or template

    def end(self, step: int) -> None:
        """Say that a step is over, so that it is in the file; else it is over when the next one begins."""
        if step == self._opened.step:
            self._opened.end()

    def epoch(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Take what training reports at the end of an epoch."""
        self._opened.end()
        self._epochs.add(epoch, logs)

    def missing(self, node: Node | str, kind: Any, reason: str) -> None:
        """Take what the source cannot tell, and why; the same thing is noted once.

        Parameters
        ----------
        node
            Where it is missing, a node or its name; "" for everywhere.
        kind
            The kind of event (name or class), or the quantity, such as ``"backward"`` or
            ``"input_gradients"``; "" for every kind.
        reason
            One sentence for the user.
        """
        name = node if isinstance(node, str) else node.name
        row = Missing(name, str(getattr(kind, "__name__", kind)), str(reason))
        if self.trace.log.note(row):
            self._store.note(row)

    def close(self) -> None:
        """End the recording: the last step is complete."""
        self._opened.end()
        self.trace.log.open_step = None
        self._store.close()

    def _add(self, kind: str, step: int, node: Node, values: tuple[Any, ...]) -> None:
        self.trace.log.add_node(node)
        if not self.keep.statistics or kind == "loss":
            self._opened.add(kind, int(step), node.index, values)
            return
        for quantity, item, array in named_arrays(FIELDS[kind], values):
            item = str(values[0]) if kind == "update" else item
            self._opened.add("statistics", int(step), node.index, (kind, quantity, item, *summarise(np.asarray(array))))

    def keeps(self, kind: str, node: Node) -> bool:
        """Say whether events of this kind (name or class) and node are kept, at the steps that are kept."""
        place = (kind, node.index)
        chosen = self._chosen.get(place)
        if chosen is None:
            chosen = self._chosen[place] = self._chooses(kind_name(kind), node)
        return chosen

    def keeps_level(self, level: str) -> bool:
        """Say whether anything that happens at a level is kept: a step of which no operations are can be faster."""
        return self.keep.level(level) and (self.keep.kind("forward") or self.keep.kind("backward"))

    def _chooses(self, kind: str, node: Node) -> bool:
        if not self.keep.kind(kind):
            return False
        if kind == "loss":
            return True
        names = [node.name, *(above.name for above in ancestors(self.trace.log.nodes, node))]
        return self.keep.level(node.level) and self.keep.layer(*names)

    def _wants_step(self, step: int) -> bool:
        if step != self._step[0]:
            self._step = (step, self.keep.step(step) and (self._budget is None or self._affords(step)))
            self._whole = self.keep.parameters_at(step)
        return self._step[1]

    def _affords(self, step: int) -> bool:
        """Ask the budget, and say so when it begins to leave steps out."""
        self._opened.end()
        wanted = self._budget.wants(step, self._opened.written)
        if self._budget.news is not None:
            warnings.warn(self._budget.news, RuntimeWarning, stacklevel=2)
            self.missing("", "steps", self._budget.news)
            self._budget.news = None
        return wanted

    def _choose_samples(self, description: ModelDescription) -> None:
        """Keep one sample of each batch and few parameters unless a step is known to be small; done once."""
        self._choose = False
        try:
            size = step_bytes(description, self.keep, USUAL_BATCH)
        except NotBuiltError:
            size = None
        if size is None or size > SMALL_STEP:
            self.keep = replace(self.keep, samples=SAMPLES, parameters=PARAMETERS)
            known = "an unknown number of bytes" if size is None else f"{size:,} bytes"
            why = f"whole batches of {USUAL_BATCH} would take {known} a step; record(..., keep=Keep()) keeps everything"
            self.missing("", "samples", f"Of each batch the first sample is kept: {why}.")

    def _rows(self, node: Node) -> Any:
        return None if self.keep.samples is None or node.level == "op" else self.keep.rows

    def _part(self, node: Node) -> Any:
        """The function that takes the kept samples of an array whose first axis is the batch."""
        rows = self._rows(node)
        return _same if rows is None else lambda array: array[rows(len(array))] if np.ndim(array) else array


def _when(steps: Any) -> str:
    """Which steps `Keep` means, in words."""
    if isinstance(steps, int):
        return f"at every {steps}{'th' if steps % 100 in (11, 12, 13) else _ENDINGS.get(steps % 10, 'th')} step only"
    return "at ever fewer steps, ten for each power of ten" if isinstance(steps, str) else "at the chosen steps only"


def _same(array: Any) -> Any:
    return array
