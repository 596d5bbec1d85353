"""Training: what happens in an epoch and in a step, and how well a model does."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from vizkit.checks import whole
from vizkit.errors import ArgumentError, DivergenceError, NotBuiltError, ShapeError
from vizkit.nn import feeding, losses, metrics, optimizers, seeds
from vizkit.nn.autodiff import Tape, Tracked, plain
from vizkit.nn.callbacks import Callback, Callbacks, History
from vizkit.nn.feeding import Samples
from vizkit.nn.layers.base import Layer
from vizkit.nn.progress import Progress, verbosity
from vizkit.nn.totals import Totals

__all__ = ["Trainer", "batch_size_of"]


class Trainer(Layer):
    """The part of a `Model` that trains and evaluates it."""

    loss: losses.Loss | None = None
    optimizer: optimizers.Optimizer | None = None
    stop_training = False
    _recording: Any = None
    _quiet = False  # inside fit and evaluate only training steps are recorded
    _updates = 0
    _metrics: Sequence[metrics.Metric] = ()
    _penalties: Sequence[tuple[Any, Any]] = ()

    def compile(self, optimizer: Any = "rmsprop", loss: Any = None, metrics: Sequence[Any] | None = None) -> None:
        """Choose what training does.

        Parameters
        ----------
        optimizer
            Name of an optimizer, or an `Optimizer`.
        loss
            Name of a loss, a `Loss`, or a function ``(y_true, y_pred) -> losses``.
        metrics
            Names of metrics, `Metric` objects, or functions ``(y_true, y_pred) -> value of each sample``.

        Raises
        ------
        UnknownNameError
            When a name does not exist.
        """
        self.optimizer = optimizers.get(optimizer)
        self.loss = None if loss is None else losses.get(loss)
        self._metrics = _checked_metrics(metrics or [])

    # -- training -----------------------------------------------------------------------------------

    def fit(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Sequence[Callback] | None = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        seed: int | None = None,
    ) -> History:
        """Train.

        Parameters
        ----------
        x, y
            Inputs and targets, each of shape (samples, ...).
        batch_size
            Samples in a training step; 32 when ``None``.
        epochs
            How many times all samples are seen.
        verbose
            0 silent, 1 a bar, 2 a line for each epoch; ``"auto"`` is a bar on a terminal only.
        callbacks
            Called before and after steps and epochs.
        validation_split
            Share of the samples, from the end, that are not trained on but evaluated on.
        validation_data
            ``(x, y)``, or ``(x, y, sample_weight)``, to evaluate on after each epoch.
        shuffle
            Whether each epoch sees the samples in another order.
        class_weight
            Class number -> how often its samples count; 1 for those that are missing.
        sample_weight
            How often each sample counts, of shape (samples,).
        initial_epoch
            Number of the first epoch, to go on where another ``fit`` ended.
        seed
            For the order of the samples; ``None`` for the model's random numbers.

        Returns
        -------
        History
            Loss and metrics of every epoch.

        Raises
        ------
        DataError, ShapeError, ArgumentError
            When the data or a choice are not what training can use.
        DivergenceError
            When the loss leaves the finite numbers.
        """
        whole("epochs", epochs)
        size = batch_size_of(batch_size, 32)
        samples = feeding.samples(x, y, sample_weight, class_weight)
        held = None
        if validation_data is not None:
            held = feeding.samples(*feeding.parts("validation_data", validation_data, weighted=True))
        if validation_split:
            samples, held_out = feeding.hold_out(samples, validation_split)
            held = held or held_out
        samples = self._prepare(samples)
        watched = self._take_over_weights()
        order = (seeds.generator(seed) if seed is not None else self.random()) if shuffle else None
        progress = Progress(verbosity(verbose), epochs, -(-len(samples) // size))
        told = Callbacks(callbacks, self, {"epochs": epochs, "steps": progress.steps, "verbose": progress.verbose})
        self.stop_training = False
        told.tell("on_train_begin", {})
        for epoch in range(initial_epoch, epochs):
            told.tell("on_epoch_begin", epoch, {})
            batches = (samples[part] for part in feeding.batches(len(samples), size, order))
            logs = self._epoch(epoch, batches, watched, progress, told)
            if held is not None:
                logs |= {f"val_{name}": value for name, value in self._evaluate(self._prepare(held), size).items()}
            progress.epoch(epoch, logs)
            if self._recording is not None:
                self._recording.recorder.epoch(epoch, logs)
            told.tell("on_epoch_end", epoch, logs)
            if self.stop_training:
                break
        told.tell("on_train_end", {})
        return told.history

    def _epoch(
        self, epoch: int, batches: Any, watched: Sequence[Any], progress: Progress, told: Callbacks
    ) -> dict[str, float]:
        """Train on each batch once; return the loss and metrics over all of them."""
        totals = Totals(self.loss, self._metrics)
        for step, batch in enumerate(batches):
            told.tell_step("on_train_batch_begin", step, {})
            value, prediction = self._train_step(batch, watched)
            totals.add(value, batch, prediction)
            progress.step(epoch, step + 1)
            if told.steps:
                told.tell_step("on_train_batch_end", step, totals.result())
            if self.stop_training:
                break
        if not all(np.isfinite(weight.value).all() for weight in watched):
            self._diverged(f"The loss is {value}, but its gradient is not finite")
        return totals.result()

    def _train_step(self, batch: Samples, watched: Sequence[Any]) -> tuple[float, Any]:
        """Go forward, backward, and change the weights; return the loss and the predictions."""
        recording = self._recording
        tape = None if recording is None else recording.begin(self._updates)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            if tape is not None:
                value, prediction = self._recorded_step(tape, batch)
            else:
                tape = Tape()
                with tape.watch(watched):
                    prediction = self(batch.x, training=True)
                    loss = self._with_penalties(self.loss(batch.y, prediction, batch.weights))
                    value = losses.value_of(loss)
                    self._check(value)
                    gradients = tape.backward(loss) if isinstance(loss, Tracked) else {}
                self.optimizer.apply(gradients)
        self._updates += 1
        return value, plain(prediction)

    def _recorded_step(self, tape: Tape, batch: Samples) -> tuple[float, Any]:
        """Do the same as a plain step, and tell the recorder of it."""
        recording = self._recording
        with tape.watch(self.weights):
            inputs = Tracked(np.asarray(self._cast(batch.x)), tape)
            prediction = self(inputs, training=True)
            loss = self._with_penalties(recording.loss(batch.y, prediction, batch.weights))
            value = losses.value_of(loss)
            self._check(value)
            gradients = tape.backward(loss, keep=True)
            recording.backward(gradients)
        recording.update(gradients)
        return value, prediction

    def _with_penalties(self, loss: Any) -> Any:
        """Add to the loss what the regularizers of the weights ask for."""
        for regularizer, weight in self._penalties:
            loss = loss + regularizer(weight)
        return loss

    def _check(self, value: float) -> None:
        if not math.isfinite(value):
            self._diverged(f"The loss is {value}")

    def _diverged(self, what: str) -> None:
        broken = {w.name for w in self.weights if not np.isfinite(w.value).all()}
        where = f" Weights that are not finite: {', '.join(sorted(broken))}." if broken else ""
        raise DivergenceError(
            f"{what} at step {self._updates}: training diverged.{where} The likely cause is a learning rate that "
            f"is too large (it is {self.optimizer.learning_rate:g}); try a tenth of it, or scale the inputs."
        )

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Take one training step; return the loss before it, or a list with the metrics after it.

        Parameters
        ----------
        x, y
            Inputs and targets, each of shape (batch, ...).
        sample_weight, class_weight
            How often samples count, as in `fit`.
        return_dict
            Whether to return the numbers by name.
        """
        batch = self._prepare(feeding.samples(x, y, sample_weight, class_weight))
        totals = Totals(self.loss, self._metrics)
        value, prediction = self._train_step(batch, self._take_over_weights())
        totals.add(value, batch, prediction)
        return totals.result() if return_dict else _as_keras(totals.result())

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = 0,
        sample_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Return the loss, or a list with the metrics after it.

        Parameters
        ----------
        x, y
            Inputs and targets, each of shape (samples, ...).
        batch_size
            Samples at a time; 32 when ``None``.
        verbose
            Accepted for Keras's sake; evaluating is silent.
        sample_weight
            How often each sample counts, of shape (samples,).
        return_dict
            Whether to return the numbers by name.
        """
        samples = self._prepare(feeding.samples(x, y, sample_weight))
        scores = self._evaluate(samples, batch_size_of(batch_size, 32))
        return scores if return_dict else _as_keras(scores)

    def _evaluate(self, samples: Samples, size: int) -> dict[str, float]:
        totals = Totals(self.loss, self._metrics)
        for part in feeding.batches(len(samples), size):
            batch = samples[part]
            prediction = self._silently(batch.x)
            loss = self._with_penalties(self.loss(batch.y, prediction, batch.weights))
            totals.add(float(loss), batch, prediction)
        return totals.result()

    @property
    def metrics_names(self) -> list[str]:
        """Names of what `evaluate` returns."""
        return ["loss", *(metric.name for metric in self._metrics)]

    def _silently(self, inputs: Any) -> Any:
        before, self._quiet = self._quiet, True
        try:
            return self(inputs, training=False)
        finally:
            self._quiet = before

    def _prepare(self, samples: Samples) -> Samples:
        """Make the weights if there are none yet; return the targets in the shape the loss compares."""
        if self.optimizer is None or self.loss is None:
            raise NotBuiltError(f"{self.name!r} must be compiled with a loss first: model.compile(optimizer, loss).")
        x = self._with_rank(samples.x)
        if not self.built or self.output_shape is None:
            self._silently(x[:1])
        self._penalties = [pair for layer in self.walk() for pair in layer.regularized]
        return replace(samples, x=x, y=self.loss.target(samples.y, self.output_shape, self.dtype))

    def _with_rank(self, x: Any) -> Any:
        """Return samples with the axes that the model was made for: of single numbers, each is a sample."""
        known = self._sample_shape
        if known is None or x.ndim == len(known) + 1:
            return x
        if known[-1:] == (1,) and x.ndim == len(known):
            return x[..., None]
        raise ShapeError(f"{self.name!r} takes samples of shape {known}; x of shape {x.shape} was given.")

    def _take_over_weights(self) -> list[Any]:
        watched = self.trainable_weights
        if not watched:
            raise ArgumentError(f"{self.name!r} has no weights to train: there are none, or all are frozen.")
        self.optimizer.build(watched)
        return watched


def batch_size_of(given: int | None, default: int) -> int:
    """Return how many samples a batch has.

    Raises
    ------
    ArgumentError
        When it is no whole number from 1.

    Examples
    --------
    >>> batch_size_of(None, 32)
    32
    """
    return whole("batch_size", default if given is None else given)


def _checked_metrics(identifiers: Sequence[Any]) -> list[metrics.Metric]:
    if isinstance(identifiers, str):
        raise ArgumentError(f"metrics is a list, for example [{identifiers!r}]; {identifiers!r} was given.")
    return [metrics.get(one) for one in identifiers]


def _as_keras(scores: Mapping[str, float]) -> Any:
    values = list(scores.values())
    return values[0] if len(values) == 1 else values
