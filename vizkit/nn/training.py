"""Training: what happens in an epoch and in a step, and how well a model does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from vizkit.checks import whole
from vizkit.errors import ArgumentError, NotBuiltError, ShapeError, UnsupportedOperationError
from vizkit.nn import feeding, losses, metrics, optimizers, seeds
from vizkit.nn.callbacks import Callback, Callbacks, History
from vizkit.nn.diagnosis import diverged
from vizkit.nn.feeding import Samples
from vizkit.nn.layers.base import Layer
from vizkit.nn.progress import Progress, in_words, say, verbosity
from vizkit.nn.steps import Steps
from vizkit.nn.totals import Totals

__all__ = ["Trainer", "batch_size_of"]


class _Course(NamedTuple):
    """What an epoch of `fit` works with."""

    chosen: tuple[Any, ...]
    samples: Samples
    watched: Sequence[Any]
    totals: Totals
    progress: Progress
    told: Callbacks


_STEPS_OF_KERAS = ("train_step", "test_step", "predict_step", "compute_loss")  # what Keras lets a subclass replace


class Trainer(Layer):
    """The part of a `Model` that trains and evaluates it."""

    loss: losses.Loss | None = None
    optimizer: optimizers.Optimizer | None = None
    history: History | None = None  # of the last fit
    stop_training = False
    stops_at_nan = True  # set it to False, and training goes on when the loss is no finite number
    _recording: Any = None
    _quiet = False  # inside fit and evaluate only training steps are recorded
    _updates = 0
    _metrics: Sequence[metrics.Metric] = ()
    _watched: Sequence[Any] = ()
    _penalties: Sequence[tuple[Any, Any]] = ()
    _steps: Steps

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
        UnsupportedOperationError
            When the class has a training step of its own, which nobody would call.
        """
        own = [name for name in _STEPS_OF_KERAS if hasattr(self, name)]
        if own:
            raise UnsupportedOperationError(
                f"{type(self).__name__} defines {', '.join(own)}, which vizkit does not call: its training step is"
                " model.train_on_batch. Put what is special into a layer, a loss or a callback."
            )
        self.optimizer = optimizers.get(optimizer)
        self.loss = None if loss is None else losses.get(loss)
        self._metrics = _checked_metrics(metrics or [])
        self._steps = Steps(self)

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
            0 silent, 1 a bar, 2 a line for each epoch; ``"auto"`` is a bar on a terminal, and elsewhere lines.
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
        UnsupportedOperationError
            When a callback compiles the model, which Keras cannot do either.
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
        course = _Course(self._chosen(), samples, watched, Totals(self.loss, self._metrics), progress, told)
        self.stop_training = False
        vars(self)["history"] = told.history  # not by assignment, which is taken for a change of the model
        told.tell("on_train_begin", {})
        for epoch in range(initial_epoch, epochs):
            told.tell("on_epoch_begin", epoch, {})
            logs = self._epoch(epoch, feeding.batches(len(samples), size, order), course)
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

    def _epoch(self, epoch: int, parts: Iterable[Any], course: _Course) -> dict[str, float]:
        """Train on each batch once; return the loss and metrics over all of them."""
        chosen, samples, watched, totals, progress, told = course
        totals.reset()
        for step, part in enumerate(parts):
            told.tell_step("on_train_batch_begin", step, {})
            if self._chosen() != chosen:
                raise UnsupportedOperationError(
                    f"{self.name!r} was given another optimizer or loss, or compiled anew, while fit was running. Set"
                    " model.stop_training = True and call fit again after that; to change the learning rate alone, set"
                    " model.optimizer.learning_rate."
                )
            totals.add(*self._train_step(samples, part, watched))
            progress.step(epoch, step + 1)
            if told.steps:
                told.tell_step("on_train_batch_end", step, totals.result())
            if self.stop_training:
                break
        if self.stops_at_nan and not self.optimizer.are_finite():
            raise diverged(self, "After the last step not all weights are finite", samples[part])
        return totals.result()

    def _chosen(self) -> tuple[Any, ...]:
        """Return what must stay the same objects while `fit` runs: totals and weights belong to them."""
        return self.optimizer, self.loss, self._steps

    def _train_step(self, samples: Samples, part: Any, watched: Sequence[Any]) -> tuple[float, Samples, Any]:
        """Train on the samples that `part` picks; return the loss before it, the batch and the predictions."""
        steps = self._steps if self._recording is None else self._recording.steps
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            taken = steps.take(samples, part, watched)
        self._updates += 1
        return taken

    def _with_penalties(self, loss: Any) -> Any:
        """Add to the loss what the regularizers of the weights ask for."""
        for regularizer, weight in self._penalties:
            loss = loss + regularizer(weight)
        return loss

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
        taken = self._train_step(batch, slice(0, len(batch)), self._take_over_weights())
        if not self._metrics:
            return {"loss": taken[0]} if return_dict else taken[0]
        totals = Totals(self.loss, self._metrics)
        totals.add(*taken)
        return totals.result() if return_dict else _as_keras(totals.result())

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
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
            0 is silent; anything else that `fit` takes writes a line with the numbers.
        sample_weight
            How often each sample counts, of shape (samples,).
        return_dict
            Whether to return the numbers by name.
        """
        samples = self._prepare(feeding.samples(x, y, sample_weight))
        told = verbosity(verbose)
        scores = self._evaluate(samples, batch_size_of(batch_size, 32))
        if told:
            say(in_words(scores))
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
        if not self._steps.are_settled:
            self._penalties = [pair for layer in self.walk() for pair in layer.regularized]
        return Samples(x, self.loss.target(samples.y, self.output_shape, self.dtype), samples.weights)

    def _with_rank(self, x: Any) -> Any:
        """Return samples with the axes that the model was made for: of single numbers, each is a sample."""
        known = self._sample_shape
        if known is None or x.ndim == len(known) + 1:
            return x
        if known[-1:] == (1,) and x.ndim == len(known):
            return x[..., None]
        raise ShapeError(f"{self.name!r} takes samples of shape {known}; x of shape {x.shape} was given.")

    def _take_over_weights(self) -> list[Any]:
        if not self._steps.are_settled:  # to walk through all layers takes longer than a step of a small network
            self._watched = self.trainable_weights
            if not self._watched:
                raise ArgumentError(f"{self.name!r} has no weights to train: there are none, or all are frozen.")
            self.optimizer.build(self._watched)
        return self._watched


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
