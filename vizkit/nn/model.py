"""Models: layers with a loss and an optimizer, and the loop that trains them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vizkit.errors import ArgumentError, DivergenceError, NotBuiltError, ShapeError
from vizkit.nn import feeding, losses, metrics, optimizers, seeds
from vizkit.nn.autodiff import Tape, Tracked, plain
from vizkit.nn.callbacks import Callback, History
from vizkit.nn.layers.base import Layer
from vizkit.nn.layers.core import positive_int
from vizkit.nn.progress import Progress, verbosity
from vizkit.nn.summary import summary
from vizkit.typing import Float

__all__ = ["Model"]


class Model(Layer):
    """A layer that can be trained. Subclass it and define ``call``, or use `Sequential`.

    Parameters
    ----------
    seed
        Source of all its random choices: first weights, dropout, order of the samples. ``None``
        for the one of `set_random_seed`.
    **kwargs
        ``name`` and ``dtype``, as every layer has them.

    Examples
    --------
    >>> from vizkit.nn import layers
    >>> class Line(Model):
    ...     def __init__(self):
    ...         super().__init__(seed=1)
    ...         self.dense = layers.Dense(1)
    ...     def call(self, inputs):
    ...         return self.dense(inputs)
    >>> Line().predict(np.zeros((2, 1)), verbose=0).tolist()
    [[0.0], [0.0]]
    """

    loss: losses.Loss | None = None
    optimizer: optimizers.Optimizer | None = None
    stop_training = False
    _recording: Any = None
    _quiet = False  # inside fit and evaluate only training steps are recorded
    _updates = 0
    _metrics: Sequence[tuple[str, Any]] = ()

    def __init__(self, *, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if seed is not None:
            self._random = seeds.generator(seed)

    def compile(self, optimizer: Any = "rmsprop", loss: Any = None, metrics: Sequence[Any] | None = None) -> None:
        """Choose what training does.

        Parameters
        ----------
        optimizer
            Name of an optimizer, or an `Optimizer`.
        loss
            Name of a loss, a `Loss`, or a function ``(y_true, y_pred) -> losses``.
        metrics
            Names of metrics, or functions ``(y_true, y_pred) -> value of each sample``.

        Raises
        ------
        UnknownNameError
            When a name does not exist.
        """
        self.optimizer = optimizers.get(optimizer)
        self.loss = None if loss is None else losses.get(loss)
        self._metrics = _named_metrics(metrics or [])

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
            Called at the end of steps and epochs.
        validation_split
            Share of the samples, from the end, that are not trained on but evaluated on.
        validation_data
            ``(x, y)`` to evaluate on after each epoch.
        shuffle
            Whether each epoch sees the samples in another order.
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
        x, y = feeding.checked_pair(x, y)
        callbacks = _checked_callbacks(callbacks)
        if validation_data is not None:
            validation_data = feeding.pair("validation_data", validation_data)
        if validation_split:
            x, y, *held = feeding.hold_out(x, y, validation_split)
            validation_data = validation_data or tuple(held)
        size = positive_int("batch_size", 32 if batch_size is None else batch_size)
        positive_int("epochs", epochs)
        y = self._prepare(x, y)
        watched = self._take_over_weights()
        order = (seeds.generator(seed) if seed is not None else self.random()) if shuffle else None
        progress = Progress(verbosity(verbose), epochs, -(-len(x) // size))
        listeners = [history := History(), *callbacks]
        self.stop_training = False
        for listener in listeners:
            listener.model = self
            listener.on_train_begin()
        for epoch in range(epochs):
            for listener in listeners:
                listener.on_epoch_begin(epoch)
            batches = feeding.batches(len(x), size, order)
            logs = self._epoch(epoch, ((x[part], y[part]) for part in batches), watched, progress, listeners)
            if validation_data is not None:
                scores = self.evaluate(*validation_data, batch_size=size, return_dict=True)
                logs |= {f"val_{name}": value for name, value in scores.items()}
            self._end_epoch(epoch, logs, progress, listeners)
            if self.stop_training:
                break
        for listener in listeners:
            listener.on_train_end()
        return history

    def _epoch(
        self, epoch: int, pairs: Any, watched: Sequence[Any], progress: Progress, listeners: Sequence[Callback]
    ) -> dict[str, float]:
        """Train on each batch once; return the loss and metrics over all of them."""
        totals = _Totals(self)
        for step, (x, y) in enumerate(pairs, 1):
            value, prediction = self._train_step(x, y, watched)
            totals.add(value, y, prediction)
            progress.step(epoch, step)
            for listener in listeners:
                listener.on_batch_end(step - 1, value)
        if not all(np.isfinite(weight.value).all() for weight in watched):
            self._diverged(f"The loss is {value}, but its gradient is not finite")
        return totals.result()

    def _end_epoch(self, epoch: int, logs: dict[str, float], progress: Progress, listeners: Sequence[Callback]) -> None:
        progress.epoch(epoch, logs)
        if self._recording is not None:
            self._recording.recorder.epoch(epoch, logs)
        for listener in listeners:
            listener.on_epoch_end(epoch, logs)

    def _train_step(self, x: Any, y: Any, watched: Sequence[Any]) -> tuple[float, Any]:
        """Go forward, backward, and change the weights; return the loss and the predictions."""
        recording = self._recording
        tape = None if recording is None else recording.begin(self._updates)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            if tape is not None:
                value, prediction = self._recorded_step(tape, x, y)
            else:
                tape = Tape()
                with tape.watch(watched):
                    prediction = self(x, training=True)
                    loss = self.loss(y, prediction)
                    value = losses.value_of(loss)
                    self._check(value)
                    gradients = tape.backward(loss) if isinstance(loss, Tracked) else {}
                self.optimizer.apply(gradients)
        self._updates += 1
        return value, plain(prediction)

    def _recorded_step(self, tape: Tape, x: Any, y: Any) -> tuple[float, Any]:
        """Do the same as a plain step, and tell the recorder of it."""
        recording = self._recording
        with tape.watch(self.weights):
            inputs = Tracked(np.asarray(self._cast(x)), tape)
            prediction = self(inputs, training=True)
            loss = recording.loss(y, prediction)
            value = losses.value_of(loss)
            self._check(value)
            gradients = tape.backward(loss, keep=True)
            recording.backward(gradients)
        recording.update(gradients)
        return value, prediction

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

    def train_on_batch(self, x: Any, y: Any, return_dict: bool = False) -> Any:
        """Take one training step; return the loss, or a list with the metrics after it.

        Parameters
        ----------
        x, y
            Inputs and targets, each of shape (batch, ...).
        return_dict
            Whether to return the numbers by name.
        """
        x, y = feeding.checked_pair(x, y)
        y = self._prepare(x, y)
        totals = _Totals(self)
        value, prediction = self._train_step(x, y, self._take_over_weights())
        totals.add(value, y, prediction)
        return totals.result() if return_dict else _as_keras(totals.result())

    # -- using ------------------------------------------------------------------------------------

    def evaluate(
        self, x: Any, y: Any = None, batch_size: int | None = None, verbose: Any = 0, return_dict: bool = False
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
        return_dict
            Whether to return the numbers by name.
        """
        x, y = feeding.checked_pair(x, y)
        y = self._prepare(x, y)
        totals = _Totals(self)
        for part in feeding.batches(len(x), positive_int("batch_size", 32 if batch_size is None else batch_size)):
            prediction = self._silently(x[part])
            totals.add(float(self.loss(y[part], prediction)), y[part], prediction)
        return totals.result() if return_dict else _as_keras(totals.result())

    def predict(self, x: Any, batch_size: int | None = None, verbose: Any = 0) -> Float["samples ..."]:
        """Return the output for each sample.

        Parameters
        ----------
        x
            Inputs of shape (samples, ...).
        batch_size
            Samples at a time; 256 when ``None``.
        verbose
            Accepted for Keras's sake; predicting is silent.
        """
        x = feeding.checked("x", x)
        self._check_rank(x)
        size = positive_int("batch_size", 256 if batch_size is None else batch_size)
        parts = [plain(self(x[part])) for part in feeding.batches(len(x), size)]
        return np.concatenate(parts)

    def summary(self) -> None:
        """Write a table of the layers, their output shapes and their numbers of weights."""
        summary(self)

    @property
    def metrics_names(self) -> list[str]:
        """Names of what `evaluate` returns."""
        return ["loss", *(name for name, _ in self._metrics)]

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the output for `inputs`; a recorder, when there is one, is told of it."""
        recording = self._recording
        if recording is None or self._quiet or isinstance(inputs, Tracked):
            return super().__call__(inputs, *args, **kwargs)
        if not self.built:
            self._silently(inputs)
        tape = recording.begin(self._updates)
        if tape is None:
            return super().__call__(inputs, *args, **kwargs)
        with tape.watch(self.weights):
            tracked = Tracked(np.asarray(self._cast(inputs)), tape)
            return plain(super().__call__(tracked, *args, **kwargs))

    def _silently(self, inputs: Any) -> Any:
        before, self._quiet = self._quiet, True
        try:
            return self(inputs, training=False)
        finally:
            self._quiet = before

    def _prepare(self, x: Any, y: Any) -> Any:
        """Make the weights if there are none yet; return the targets in the shape the loss compares."""
        if self.optimizer is None or self.loss is None:
            raise NotBuiltError(f"{self.name!r} must be compiled with a loss first: model.compile(optimizer, loss).")
        self._check_rank(x)
        if not self.built or self.output_shape is None:
            self._silently(x[:1])
        return self.loss.target(y, self.output_shape, self.dtype)

    def _check_rank(self, x: Any) -> None:
        """Refuse samples with more or fewer axes than the model was made for."""
        known = self._sample_shape
        if known is not None and x.ndim != len(known) + 1:
            raise ShapeError(f"{self.name!r} takes samples of shape {known}; x of shape {x.shape} was given.")

    def _take_over_weights(self) -> list[Any]:
        watched = self.trainable_weights
        if not watched:
            raise ArgumentError(f"{self.name!r} has no weights to train: there are none, or all are frozen.")
        self.optimizer.build(watched)
        return watched

    # -- recording ----------------------------------------------------------------------------------

    def _attach(self, recorder: Any) -> None:
        from vizkit.nn.recording import Recording  # loaded only by who records

        self._recording = Recording(self, recorder)
        if self.built:
            self._recording.describe()

    def _detach(self) -> None:
        self._recording = None

    def _describe(self) -> Any:
        from vizkit.nn.recording import describe

        return describe(self)


class _Totals:
    """Loss and metrics over several batches."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.count, self.loss = 0, 0.0
        self.metrics = dict.fromkeys((name for name, _ in model._metrics), 0.0)

    def add(self, value: float, y: Any, prediction: Any) -> None:
        self.count += len(y)
        self.loss += value if self.model.loss.reduction == "sum" else value * len(y)
        for name, function in self.model._metrics:
            self.metrics[name] += float(np.mean(function(y, prediction))) * len(y)

    def result(self) -> dict[str, float]:
        share = 1 if self.model.loss.reduction == "sum" else self.count
        return {"loss": self.loss / share} | {name: total / self.count for name, total in self.metrics.items()}


def _checked_callbacks(given: Any) -> list[Callback]:
    found = [] if given is None else given
    if not isinstance(found, (list, tuple)) or not all(isinstance(one, Callback) for one in found):
        raise ArgumentError(f"callbacks is a list of Callback objects; {given!r:.80} was given.")
    return list(found)


def _named_metrics(identifiers: Sequence[Any]) -> list[tuple[str, Any]]:
    if isinstance(identifiers, str):
        raise ArgumentError(f"metrics is a list, for example [{identifiers!r}]; {identifiers!r} was given.")
    return [metrics.get(one) for one in identifiers]


def _as_keras(scores: Mapping[str, float]) -> Any:
    values = list(scores.values())
    return values[0] if len(values) == 1 else values
