"""The plan: a training step that was written down once, and is then repeated call by call.

A step of a network does the same operations at every batch; only the numbers differ. So one step is taken on two
tapes at once. The inner one (`Step`) differentiates, as always. The arrays on it are themselves tracked, on the outer
one, the `Score`: and since derivatives are plain NumPy code too, the score writes down every single call of the
forward *and* of the backward pass, in the order in which they ran, with the arrays that went in and came out.

A `Plan` makes of each of them a call without arguments that writes into the very array which it gave the first time:

    np.matmul(x, kernel)   became   partial(np.dot, x, kernel, out)
    x.reshape(...)         became   nothing: the view of x is still one

To repeat the step, copy the next batch into the arrays of the inputs and run the calls, one after the other. No code of
layers runs, no tape is written, nothing large is allocated, and the bits are those of a step on a tape.

This holds only while the code would do the same again. Whoever looks at a number (``bool(x)``, ``x.numpy()``, a
function that the engine does not know) may do something else next time: the score has then `leaked`, and no plan is
made of it. What is random or has an effect of its own (dropout, a moving mean) must happen *inside* a primitive, which
runs anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from vizkit.autodiff.buffers import Scratch, Shelf
from vizkit.autodiff.engine import Entry, Tape, fit
from vizkit.autodiff.tracked import Tracked

__all__ = ["Call", "Plan", "Score", "Step", "lowered"]


def lowered(value: Any) -> Any:
    """Return the plain array, of shape (...), under all that tracks it, or `value` itself: the array is the plan's own.

    Examples
    --------
    >>> lowered(Tracked(Tracked(2.0, None), None))
    2.0
    """
    while isinstance(value, Tracked):
        value = value.value
    return value


@dataclass(slots=True)
class Call:
    """One call of a step: what runs, what it reads, and the arrays that its results have their place in.

    Attributes
    ----------
    run
        Does it once more, and returns its results in a list.
    values
        What it reads: arrays of any shape, of which some are the outputs of earlier calls.
    outputs
        Where its results stand, each an array of any shape.
    entry
        The call on its tape; ``None`` for the backward pass of a primitive that is not composed.
    scratch
        The memory it works in.
    """

    run: Callable[[], list[Any]]
    values: list[Any]
    entry: Entry | None = None
    outputs: list[Any] = field(default_factory=list)
    scratch: Scratch = field(default_factory=Scratch)


class Score(Tape):
    """The outer tape, on which every call of a step is written down.

    Parameters
    ----------
    shelf
        Where small results stand side by side; each has memory of its own when ``None``.

    Attributes
    ----------
    calls
        The calls in the order in which they ran.
    """

    __slots__ = ("calls", "shelf")

    def __init__(self, shelf: Shelf | None = None) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.shelf = shelf

    def run(self, entry: Entry) -> Any:
        """Run a call on plain arrays, and write it down; return the result, of shape (...)."""
        return self.perform(Call(lambda: [entry.primitive.run(entry)], entry.values, entry))[0]

    def perform(self, call: Call) -> list[Any]:
        """Run a call for the first time; where its results stand now is where they will stand always."""
        leaked = self.leaked
        with call.scratch:
            call.outputs = [np.asarray(result) for result in call.run()]
        self.leaked = leaked  # what a primitive looks at inside, it will look at again
        if self.shelf is not None and call.entry is not None and call.entry.primitive.composed and not _is_view(call):
            call.outputs = [self.shelf.put(output) for output in call.outputs]
        self.calls.append(call)
        return call.outputs

    def refuse(self, what: str, reason: str) -> None:
        """Let a number be looked at: the step goes on, but there will be no plan of it."""
        self.leaked = True

    @contextmanager
    def holding(self, weights: Iterable[Tracked]) -> Iterator[Score]:
        """Track what is computed from the numbers of `weights` for the time of a ``with`` block."""
        weights = list(weights)
        for weight in weights:
            weight.value = Tracked(weight.value, self)
        try:
            yield self
        finally:
            for weight in weights:
                weight.value = weight.value.value


class Step(Tape):
    """The inner tape: it differentiates arrays that are themselves tracked on a score.

    A primitive that is composed of functions the engine knows is taken apart by this. Any other (a convolution, a
    recurrence) works on plain arrays with loops and memory of its own. It stays in one piece: its forward pass is one
    call of the score, and its backward pass another one.

    Parameters
    ----------
    score
        The outer tape.
    recording
        What is told of layers and named operations while they run; ``None`` when nobody listens.
    """

    __slots__ = ("_whole", "score")

    def __init__(self, score: Score, recording: Any = None) -> None:
        super().__init__(recording)
        self.score = score
        self._whole: dict[int, Entry] = {}

    def run(self, entry: Entry) -> Any:
        """Return what a call gives, of shape (...), tracked on the score."""
        if entry.primitive.composed:
            return super().run(entry)
        inner = Entry(entry.primitive, [lowered(value) for value in entry.values], entry.options)
        inner.sources = entry.sources
        self._whole[id(entry)] = inner
        leaked = self.leaked
        inner.output = Tracked(self.score.run(inner), self.score)
        self.leaked = leaked  # of the weights that a recording watches, a primitive may look at some inside
        return inner.output

    def pull(self, entry: Entry, gradient: Any) -> Iterator[tuple[Tracked, Any]]:
        """Yield each source of a call with what `gradient`, of the output's shape (...), is worth to it."""
        inner = self._whole.get(id(entry))
        if inner is None:
            yield from super().pull(entry, gradient)
            return
        arrived = lowered(gradient)
        sources: list[Tracked] = []

        def run() -> list[Any]:
            pairs = list(inner.primitive.pull(inner, arrived))
            sources[:] = [source for source, _ in pairs]
            return [passed for _, passed in pairs]

        shares = self.score.perform(Call(run, [arrived, inner.output.value, *inner.values]))
        for source, share in zip(sources, shares, strict=True):
            yield source, fit(Tracked(share, self.score), source.value)


class Plan:
    """A step that can be repeated.

    Parameters
    ----------
    score
        What was written down of the step; it must not have leaked.
    inputs
        The arrays, each of any shape, that the next batches are copied into; ``None`` where a step has none.
    results
        What to read after a step: arrays on the score, for example the loss and the predictions.
    gradients
        Pairs of a gradient on the score (or ``None``, which is zero) and the array, of the same shape, to write it to.

    Attributes
    ----------
    calls
        The calls as they were written down: of each the arrays that it reads and those where its results stand.
    results
        The arrays of the results, written anew by each step.
    product
        How many multiplications the largest product of two matrices among the calls takes; infinitely many where a
        call may hide products.
    moved
        By the ``id`` of an array of the first step: the array that later steps write in its place.

    Examples
    --------
    >>> score = Score()
    >>> x, slope = np.array([1.0, 2.0]), np.empty(2)
    >>> step, numbers = Step(score), Tracked(Tracked(x, score), None)
    >>> with step.watch([numbers]):
    ...     total = np.sum(numbers * numbers)
    ...     gradient = step.backward(total)[id(numbers)]
    >>> plan = Plan(score, [x], [total.value], [(gradient, slope)])
    >>> plan.load([np.array([3.0, 4.0])], slice(0, 2))
    >>> plan.run()
    >>> plan.results[0].item(), slope.tolist()
    (25.0, [6.0, 8.0])
    """

    __slots__ = ("_runs", "calls", "inputs", "moved", "product", "results")

    def __init__(
        self, score: Score, inputs: Sequence[Any], results: Sequence[Any], gradients: Sequence[tuple[Any, Any]]
    ) -> None:
        self.calls, self.inputs = score.calls, list(inputs)
        self.results = [lowered(result) for result in results]
        self.moved: dict[int, Any] = {}
        working = [call for call in self.calls if not _is_view(call)]
        copies = self._place_gradients(working, [(lowered(gradient), place) for gradient, place in gradients])
        self._runs = [*map(_repeated, working), *copies]
        self.product = max(map(_multiplications, working), default=0)

    def load(self, arrays: Sequence[Any], part: slice | np.ndarray) -> None:
        """Copy the samples that a slice, or an array of numbers of shape (batch,), picks into the inputs."""
        for place, array in zip(self.inputs, arrays, strict=True):
            if place is None:
                continue
            if isinstance(part, slice):
                np.copyto(place, array[part])
            else:  # the numbers are known to be in range; any other mode than "clip" works in memory of its own
                array.take(part, 0, place, "clip")

    def run(self) -> None:
        """Repeat the step with what stands in the inputs and in the weights."""
        for run in self._runs:
            run()

    def _place_gradients(self, working: Sequence[Call], gradients: Sequence[tuple[Any, Any]]) -> list[Any]:
        """Let the calls that end in gradients write them to their places; return what copies the others there."""
        read = {id(value) for call in self.calls for value in call.values}
        written = {id(output): (call, n) for call in working for n, output in enumerate(call.outputs)}
        copies: list[Callable[[], Any]] = []
        for gradient, place in gradients:
            if gradient is None:
                copies.append(partial(place.fill, 0))
            elif id(gradient) in read or id(gradient) in self.moved or id(gradient) not in written:
                copies.append(partial(np.copyto, place, self.moved.get(id(gradient), gradient)))
            else:
                call, position = written[id(gradient)]
                call.outputs[position] = self.moved[id(gradient)] = place
                call.scratch.give(gradient, place)
        return copies


def _multiplications(call: Call) -> float:
    """Return how many multiplications a product of matrices takes; 0 for any other call that hides none."""
    if call.entry is None or not call.entry.primitive.composed:
        return math.inf
    return call.outputs[0].size * np.shape(call.values[0])[-1] if call.entry.primitive.name == "matmul" else 0


def _is_view(call: Call) -> bool:
    """Say whether a call only gives what it reads another shape."""
    if call.entry is None or not call.entry.primitive.composed:
        return False
    arrays = [value for value in call.values if isinstance(value, np.ndarray)]
    return any(np.may_share_memory(call.outputs[0], array) for array in arrays)


def _repeated(call: Call) -> Callable[[], Any]:
    """Return what does a call once more and writes its results where they stood."""
    if call.entry is not None:
        primitive, out = call.entry.primitive, call.outputs[0]
        if primitive.into is not None and (ready := primitive.into(out, *call.values, **call.entry.options)):
            return ready
        if isinstance(primitive.forward, np.ufunc):
            values = _of_one_kind(call.values)
            if primitive.forward in (np.maximum, np.minimum):  # they take `out` by its name alone
                return partial(primitive.forward, *values, out=out)
            return partial(primitive.forward, *values, out)

    def run() -> None:
        with call.scratch:
            results = call.run()
        for out, result in zip(call.outputs, results, strict=True):
            np.copyto(out, result)  # which does nothing where the result stands there already

    return run


def _of_one_kind(values: Sequence[Any]) -> list[Any]:
    """Make arrays of shape () of numbers, which NumPy would have to convert at every call."""
    kinds = {value.dtype for value in values if isinstance(value, np.ndarray)}
    kind = kinds.pop() if len(kinds) == 1 else np.dtype(object)
    numbers = (int, float) if kind.kind == "f" else ()
    return [np.array(v, kind) if isinstance(v, numbers) and not isinstance(v, bool) else v for v in values]
