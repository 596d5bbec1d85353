"""The table of a model's layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vizkit.errors import NotBuiltError
from vizkit.nn.progress import say

if TYPE_CHECKING:
    from vizkit.nn.model import Model

__all__ = ["summary"]


def summary(model: Model) -> None:
    """Write the table to standard output.

    Raises
    ------
    NotBuiltError
        When the model has no weights yet.
    """
    if not model.built:
        raise NotBuiltError(f"{model.name!r} has no weights before it is built: call it, or give input_shape.")
    rows = [("Layer (type)", "Output shape", "Parameters")]
    for layer in model.sublayers():
        count = sum(int(weight.size) for weight in layer.weights)
        shape = "–" if layer.output_shape is None else str(tuple(layer.output_shape))
        rows.append((f"{layer.name} ({type(layer).__name__})", shape, f"{count:,}"))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    say(f"Model: {model.name}")
    for number, (name, shape, count) in enumerate(rows):
        say(f"{name:<{widths[0]}}  {shape:<{widths[1]}}  {count:>{widths[2]}}")
        if number == 0:
            say("─" * (sum(widths) + 4))
    total = model.count_params()
    trainable = sum(int(weight.size) for weight in model.trainable_weights)
    say(f"Parameters: {total:,} ({trainable:,} trainable, {total - trainable:,} not)")
