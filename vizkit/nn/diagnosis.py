"""Why training diverged: the layer in which a number first left the finite ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from vizkit.autodiff import Tape, Tracked, plain
from vizkit.errors import DivergenceError

if TYPE_CHECKING:
    from vizkit.nn.feeding import Samples
    from vizkit.nn.layers.base import Layer
    from vizkit.nn.training import Trainer

__all__ = ["diverged"]

_LARGE = 1e3


class _Finder:
    """Listens to a forward pass for the innermost layer that makes what is not finite of what is."""

    def __init__(self) -> None:
        self.found: Layer | None = None

    def layer(self, layer: Layer, run: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        """Run a layer; return its output, of shape (...)."""
        output = run(*arguments)
        if self.found is None and _all_finite(arguments) and not _all_finite([output]):
            self.found = layer
        return output

    def group(self, name: str, function: Callable[[Any], Any], x: Tracked) -> Any:
        """Run an operation; return its result, of shape (...)."""
        return function(x)


def diverged(model: Trainer, what: str, batch: Samples) -> DivergenceError:
    """Return the error for a step after which training cannot go on.

    Parameters
    ----------
    model
        The model, with the weights that the step began with.
    what
        What was seen, as the beginning of a sentence.
    batch
        The step's samples, x and y of shape (batch, ...).
    """
    return DivergenceError(
        f"{what} at step {model._updates}: training diverged. {_where(model, batch)} {_cause(model, batch)}"
    )


def _where(model: Trainer, batch: Samples) -> str:
    broken = [
        f"{layer.name}/{weight.name}"
        for layer in model.walk()
        for weight in layer.own_weights
        if not np.isfinite(weight.value).all()
    ]
    if broken:
        return f"Weights that are not finite: {', '.join(broken)}."
    finder = _Finder()
    tape = Tape(finder)
    with tape.watch(model.weights):
        model(Tracked(model._cast(np.asarray(batch.x)), tape), training=True)
    if finder.found is None:
        return f"The predictions are finite; it arose in the loss, {model.loss.name}, or in its gradient."
    return f"It arose first in the layer {finder.found.name!r} ({type(finder.found).__name__}), from finite inputs."


def _cause(model: Trainer, batch: Samples) -> str:
    rate = f"a learning rate that is too large (it is {model.optimizer.learning_rate:g}); try a tenth of it"
    largest = np.abs(batch.x).max(initial=0)
    if largest > _LARGE:
        return f"The likely cause are inputs as large as {largest:.3g}: scale them, for example to −1 … 1. Or {rate}."
    if model._updates == 0:
        return "No step was taken before, so the likely cause are the first weights, the targets or the layer itself."
    return f"The likely cause is {rate}, or scale the inputs."


def _all_finite(values: Any) -> bool:
    for value in values:
        parts = value if isinstance(value, (list, tuple)) else [value]
        if not all(np.isfinite(plain(part)).all() for part in parts if isinstance(part, (np.ndarray, Tracked))):
            return False
    return True
