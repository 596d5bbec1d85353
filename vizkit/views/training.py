"""Training curves: one number over the epochs, for the training and the validation data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vizkit.errors import ArgumentError, DataError, ShapeError, unknown_name
from vizkit.trace import LossEvent, Trace
from vizkit.typing import Float, Int
from vizkit.views.curves import CurvesView, Point, Series
from vizkit.views.marks import points
from vizkit.views.numbers import padded, sequence
from vizkit.views.picture import Picture, View, axis
from vizkit.views.recorded import spaced
from vizkit.views.text import Words, quantity, tally, words

__all__ = ["TrainingView"]

VALIDATION = "val_"
POINTS = 1000  # of a curve by step
_SHARES = ("accuracy", "precision", "recall", "auc")  # between 0 and 1, and the higher the better


@dataclass(frozen=True, eq=False)
class TrainingView(View):
    """A loss or metric after each epoch: training solid, validation dashed, with the best epoch.

    Attributes
    ----------
    metric
        The name under which training reported it.
    training
        Shape (epochs,).
    validation
        Shape (epochs,), or None when there was none.
    higher
        Whether higher is better.
    best
        Whether the best epoch is marked, by the validation data where there are any.
    steps
        Of a loss by training step instead of by epoch: the steps' numbers, shape (steps,).
    size
        Width and height in stage units.

    Examples
    --------
    >>> view = TrainingView.ensure({"loss": [3, 2, 1], "val_loss": [3, 1.5, 1.75]})
    >>> view.best_epoch, str(view.picture.marks[-1].words)
    (2, 'validation')
    """

    metric: str
    training: Float["epoch"]
    validation: Float["epoch"] | None = None
    higher: bool = False
    best: bool = True
    steps: Int["step"] | None = None
    size: tuple[float, float] = (1280.0, 576.0)

    @classmethod
    def ensure(cls, history: Any, metric: str = "loss", **looks: Any) -> TrainingView:
        """Return the view of a history, a trace, or a dictionary of sequences.

        Of a trace that was told of no epochs, such as one of a loop of its user's own, or of one epoch only,
        the loss is drawn step by step.

        Parameters
        ----------
        history
            What ``fit`` returned, a trace of training, or a mapping such as
            ``{"loss": [...], "val_loss": [...]}``; each sequence has shape (epochs,).
        metric
            Which of its numbers; the validation's is called ``val_`` and the name.
        looks
            ``best``, ``size``, and ``higher``: whether higher is better. Without, that is so for
            a name with accuracy, precision, recall or AUC in it.

        Raises
        ------
        UnknownNameError
            If the metric was not reported.
        DataError, ShapeError
            If a number is not finite, or the two sequences are not of one length.
        """
        if isinstance(history, TrainingView):
            return history
        if isinstance(history, Trace) and metric == "loss" and len(history.epochs) < 2:
            steps, losses = _losses(history)
            if len(steps) > len(history.epochs):
                return cls(metric, losses, steps=steps, **looks)
        found = history if isinstance(history, Mapping) else getattr(history, "history", None)
        if not isinstance(found, Mapping):
            raise ArgumentError(
                f"Training curves come from a history, a trace or a mapping, but a {type(history).__name__} was given."
            )
        if not found and metric == "loss" and isinstance(history, Trace):
            raise DataError("Training curves need losses, but the trace holds none; trace.loss(value) marks a loss.")
        if not found:
            raise DataError("Training curves need at least one epoch, but the history is empty.")
        if metric not in found:
            raise unknown_name("metric", metric, [name for name in found if not name.startswith(VALIDATION)])
        training = sequence(found[metric], metric)
        held_out = found.get(VALIDATION + metric)
        validation = None if held_out is None else sequence(held_out, VALIDATION + metric)
        if validation is not None and validation.shape != training.shape:
            raise ShapeError(
                f"Training and validation need one number for each epoch each, but {len(training)} and"
                f" {len(validation)} came."
            )
        looks.setdefault("higher", any(name in metric for name in _SHARES))
        return cls(metric, training, validation, **looks)

    @property
    def judged(self) -> Float["epoch"]:
        """The sequence that says which epoch is best, of shape (epochs,)."""
        return self.training if self.validation is None else self.validation

    @property
    def best_epoch(self) -> int:
        """The first epoch, counted from 1, or the first step, with the best number."""
        at = int(self.judged.argmax() if self.higher else self.judged.argmin())
        return int(self._along[at])

    @property
    def _along(self) -> Int["epoch"]:
        """What stands on the x axis, of shape (epochs,)."""
        return np.arange(1, len(self.training) + 1) if self.steps is None else self.steps

    def draw(self) -> Picture:
        """Make the picture."""
        along, unit = self._along, "epoch" if self.steps is None else "step"
        role = "output" if self.higher else "loss"
        lines = [Series(self.metric, points(along, self.training), words("training"), role)]
        if self.validation is not None:
            line = points(along, self.validation)
            lines.append(Series(VALIDATION + self.metric, line, words("validation"), role, dashed=True))
        best = self.best_epoch
        value = self.judged[list(along).index(best)]
        dots = (Point("best", best, value, self._best_words(best, value), "ink"),) if self.best else ()
        low, high = (along[0], along[-1]) if len(along) > 1 else (along[0] - 0.5, along[0] + 0.5)
        x = axis(unit, low, high, whole=True)
        y = axis(self.metric.replace("_", " "), *self._range(), most=5)
        return CurvesView(series=tuple(lines), x=x, y=y, dots=dots, size=self.size).picture

    def _range(self) -> tuple[float, float]:
        everything = self.training if self.validation is None else np.concatenate([self.training, self.validation])
        low, high = padded(everything)
        if self.higher and everything.min() >= 0 and everything.max() <= 1:
            return max(low, 0.0), min(high, 1.0) if everything.max() < 1 else 1.0
        return (0.0 if everything.min() >= 0 and not self.higher else low), high

    def _best_words(self, at: int, found: float) -> Words:
        value = quantity(f"best {self.metric}", found, 3)
        if self.steps is not None:
            return words("best: ", value, " at step ", tally("best step", at))
        return words("best: ", value, " in epoch ", tally("best epoch", at))


def _losses(trace: Trace) -> tuple[Int["step"], Float["step"]]:
    """Return the recorded steps that have a finite loss, of many so many as are told apart, and the losses."""
    read = {step: next(trace.events(LossEvent, step=step), None) for step in spaced(trace.steps, POINTS)}
    found = {step: event.value for step, event in read.items() if event is not None and np.isfinite(event.value)}
    return np.array(list(found), dtype=int), sequence(list(found.values()), "losses") if found else np.empty(0)
