"""Backpropagation told of any dense network, or of the dense layers at the end of a larger one.

One sample is followed forward and its derivatives back, along the way on which most of the loss's
derivative passes: in each layer one unit, in each pair of layers one weight.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from vizkit.stories import chain_terms as write
from vizkit.stories.chain_run import UNITS, WHOLE, ChainRun
from vizkit.stories.story import Beat, Pulse, Story
from vizkit.trace import Trace
from vizkit.views.board import board
from vizkit.views.network import NetworkView, Note
from vizkit.views.text import Quantity, Words, count, sentence, tally, words

__all__ = ["chain"]

PANEL = "network"
WIDEST, HIGH = 1800.0, 576.0  # of the picture
PER_LAYER, BESIDE = 410.0, 650.0  # its width for each layer, and for the first column and the loss
ROOMY = 4  # units of a layer up to which a number finds room beside its unit or line


def chain(trace: Trace, step: int | None = None, sample: int | None = None) -> Story:
    """Return the story of backpropagation through the dense layers at the end of a recorded network.

    Parameters
    ----------
    trace
        A run that was recorded forward and backward, with its loss.
    step
        The step that is told; the first with backward events when None.
    sample
        Which of the recorded samples is followed; the first when None.

    Raises
    ------
    ArgumentError
        If the network does not end in dense layers, or the trace lacks what is told of them.
    """
    run = ChainRun.of(trace, step, sample)
    told = _Telling(run)
    beats = (*_opening(told), *_forward(told), *_loss(told), *_backward(told), *_ending(told))
    last = len(run.parts)
    return Story(
        name="backprop",
        title="Backpropagation",
        summary=f"One sample forward through {_layers(run)} and its derivatives back, at step {count(run.step)}.",
        beats=beats,
        poster=f"weight-{last}",
    )


def _layers(run: ChainRun) -> str:
    many = len(run.parts)
    named = "a dense layer" if many == 1 else f"{count(many)} dense layers"
    return f"the last {named.removeprefix('a ')}" if run.apart else named


@dataclass(frozen=True)
class _Telling:
    """The run and the picture that all beats share."""

    run: ChainRun

    @property
    def size(self) -> tuple[float, float]:
        """The picture's size: no wider than its layers ask for, as a phone shows it from its left end on."""
        return min(WIDEST, PER_LAYER * len(self.run.parts) + BESIDE), HIGH

    def beat(self, name: str, place: str, caption: Words | str, focus: tuple[str, ...] = (), **rest: Any) -> Beat:
        """Return a beat; what is not a part of the beat itself is an option of the network's view."""
        own = {key: rest.pop(key) for key in ("equation", "motion") if key in rest}
        if self.run.width > ROOMY:
            rest.pop("notes", None)
        view = NetworkView(layers=self.run.columns(), loss=self.run.box, limit=UNITS, size=self.size, **rest)
        said = words(caption) if isinstance(caption, str) else caption
        there = f"{place} · sample {count(self.run.sample)} · step {count(self.run.step)}"
        keys = [mark.key for mark in view.picture.marks]  # a number that found no room is not there to be lit
        lit = tuple(f"{PANEL}/{key}" for key in focus if fnmatch.filter(keys, key))
        return Beat(name=name, place=there, board=board(**{PANEL: view}), caption=said, focus=lit, **own)

    def unit(self, column: int) -> str:
        """Return the key of the followed unit of a column; the input's is 0."""
        return f"unit:{column}:{self.run.place(column)}"

    def edge(self, column: int) -> str:
        """Return the key of the followed weight into a column."""
        return f"edge:{column}:{self.run.place(column - 1)}:{self.run.place(column)}"

    def into(self, column: int) -> tuple[str, ...]:
        """Return patterns of what leads into the followed unit of a column, and of the unit."""
        at = self.run.place(column)
        return (f"unit:{column - 1}:*", f"edge:{column}:*:{at}", f"{self.unit(column)}*")

    def known(self, columns: int) -> tuple[str, ...]:
        """Return patterns of the units that are known when so many columns are."""
        return tuple(f"unit:{column}:*" for column in range(columns))

    def where(self, at: int) -> str:
        """Return the place of a layer in the explanation."""
        whole = len(self.run.parts)
        return f"layer {count(at + 1)} of {count(whole)}" if whole > 1 else "the layer"


def _light(*keys: str, role: str = "activation", backward: bool = False) -> tuple[Pulse, ...]:
    return (Pulse(tuple(f"{PANEL}/{key}" for key in keys), role, backward),)


def _note(key: str, at: str, number: Quantity) -> Note:
    return Note(key=key, at=at, words=words(number), role="gradient")


def _opening(told: _Telling) -> Iterator[Beat]:
    run = told.run
    own = sum(
        part.column.weights.size + (0 if part.column.bias is None else part.column.bias.size) for part in run.parts
    )
    what = "The dense layers at the end of the network" if run.apart else "The network"
    yield told.beat(
        "network", "overview",
        sentence(what + (" have {n} parameters." if run.apart else " has {n} parameters: a weight on each line, a bias"
                         " at each unit."), n=tally("parameters", own)),
        known=(),
    )  # fmt: skip
    if run.width > WHOLE:
        said = "Of a wide layer only the units are drawn through which most of the loss's derivative passes."
        yield told.beat("chosen", "overview", said, known=())


def _forward(told: _Telling) -> Iterator[Beat]:
    run = told.run
    before = (
        "What the layers before have made of the sample comes in." if run.apart else "Forward: the sample comes in."
    )
    yield told.beat("input", "forward", before, ("unit:0:*",), known=told.known(1))
    for at, part in enumerate(run.parts):
        column, where = at + 1, told.where(at)
        bias = " and adds its bias" if part.column.bias is not None else ""
        yield told.beat(
            f"sum-{column}", f"forward · {where}", f"Each unit adds up its inputs, each times its weight,{bias}."
            .replace(",.", "."), told.into(column), known=told.known(column),
            equation=write.summed(run, at), motion=_light(told.edge(column)),
        )  # fmt: skip
        said = _activation_said(part)
        yield told.beat(
            f"value-{column}", f"forward · {where}", said, (f"unit:{column}:*",), known=told.known(column + 1),
            equation=write.activated(run, at) if not part.straight else write.summed(run, at),
        )  # fmt: skip


def _activation_said(part) -> str:
    if part.straight:
        return "There is no activation here: the sums are what the layer gives."
    if part.coupled:
        return "Softmax turns all the sums together into shares that add up to one."
    return "The activation bends each sum; that is what the layer gives."


def _loss(told: _Telling) -> Iterator[Beat]:
    run = told.run
    loss = Quantity("batch loss", run.loss.value, write.shown("", run.loss.value).text)
    yield told.beat(
        "loss", "the loss", sentence("The loss says how wrong that is. For the whole batch it is {loss}.", loss=loss),
        ("loss*", f"unit:{len(run.parts)}:*"), equation=write.loss_of(run), motion=_light("loss:edge:0", role="loss"),
    )  # fmt: skip


def _backward(told: _Telling) -> Iterator[Beat]:
    run = told.run
    last = run.parts[-1]
    if not last.coupled:
        note = _note("gradient", told.unit(len(run.parts)), write.shown("note", last.by_output[last.unit]))
        yield told.beat(
            "by-output", "backward · the loss", _by_output_said(run),
            ("loss*", f"{told.unit(len(run.parts))}*", "gradient*"), notes=(note,), equation=write.by_output(run),
            motion=_light("loss:edge:0", role="gradient", backward=True),
        )  # fmt: skip
    for at in range(len(run.parts) - 1, -1, -1):
        yield from _layer_back(told, at)


def _by_output_said(run: ChainRun) -> str:
    if run.difference is None:
        return "Backward: how does the loss change when this output grows a little?"
    said = "what its softmax says less what is right" if run.difference.shares else "twice what it says too much"
    return f"Backward: {said}{_shared(run)}."


def _coupled_said(run: ChainRun) -> str:
    if run.difference is None:
        return "Back through softmax: how the loss changes with this unit's sum."
    return f"Back through softmax: what was said less what is right{_shared(run)}."


def _shared(run: ChainRun) -> str:
    """Say what a derivative is divided by."""
    of = "samples" if run.loss.target.size == 1 else "numbers"
    return f", over {count(run.difference.over)} {of}" if run.difference.over > 1 else ""


def _layer_back(told: _Telling, at: int) -> Iterator[Beat]:
    run, part, column = told.run, told.run.parts[at], at + 1
    where = f"backward · {told.where(at)}"
    unit, edge = told.unit(column), told.edge(column)
    note = _note("gradient", unit, write.shown("note", part.by_sum[part.unit]))
    if not part.straight:
        said = (
            _coupled_said(run)
            if part.coupled
            else "Back through the activation: times its slope where the unit stands."
        )
        yield told.beat(
            f"through-{column}", where, said, (f"{unit}*", "gradient*"), notes=(note,), equation=write.through(run, at),
            tangents=(unit,),
        )  # fmt: skip
    yield told.beat(
        f"weight-{column}", where, _weight_said(told, at),
        (f"{edge}*", f"{told.unit(column - 1)}*", f"{unit}*", "gradient*"),
        notes=(_note("gradient", edge, write.shown("note", part.by_sum[part.unit] * part.inputs[part.source])),),
        equation=write.weight(run, at), motion=_light(edge, role="gradient", backward=True),
    )  # fmt: skip
    if at:
        source = told.unit(column - 1)
        back = _note("gradient", source, write.shown("note", part.by_input[part.source]))
        ways = f"edge:{column}:{run.place(column - 1)}:*"
        yield told.beat(
            f"back-{column}", where, "To the unit before: back along each line, times its weight, all added up.",
            (f"{source}*", ways, f"unit:{column}:*", "gradient*"), notes=(back,), equation=write.back(run, at),
            motion=_light(edge, role="gradient", backward=True),
        )  # fmt: skip


def _weight_said(told: _Telling, at: int) -> Words:
    part = told.run.parts[at]
    total = write.shown("whole", float(part.column.weight_gradient[part.source, part.unit]))
    if part.whole:
        return sentence("A weight: times what went in. All samples' parts add up to {whole}.", whole=total)
    return sentence("A weight: times what went in. For the whole batch, recorded in part: {whole}.", whole=total)


def _ending(told: _Telling) -> Iterator[Beat]:
    run = told.run
    found = [gradient for part in run.parts for gradient in (part.column.weight_gradient, part.column.bias_gradient)]
    own = sum(gradient.size for gradient in found if gradient is not None)
    yield told.beat(
        "all-derivatives", "backward",
        sentence("One pass backward has found {n} derivatives, one for each parameter.", n=tally("derivatives", own)),
        ("edge:*", "unit:*"), gradients=True,
    )  # fmt: skip
    event = run.update(0)
    if event is not None:
        part = run.parts[0]
        yield told.beat(
            "update", "update", "The optimizer then moves every parameter, this weight like all others.",
            (f"{told.edge(1)}*",), equation=write.moved(event, (part.source, part.unit)),
        )  # fmt: skip
    later = run.later()
    if later is not None:
        first = Quantity("batch loss", run.loss.value, write.shown("", run.loss.value).text)
        yield told.beat(
            "later", "again and again",
            sentence("The same again and again: the batch's loss goes from {first} to {last}, at step {step}.",
                     first=first, last=write.shown("later loss", later[1]), step=tally("later step", later[0])),
        )  # fmt: skip
