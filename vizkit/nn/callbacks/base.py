"""What is called while a model trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vizkit.errors import ArgumentError

if TYPE_CHECKING:
    from vizkit.nn.model import Model

__all__ = ["Callback", "Callbacks", "History", "LambdaCallback"]


class Callback:
    """Base class: define any of the methods; ``self.model`` is the model that trains.

    Set ``self.model.stop_training = True`` to end after the current epoch. `logs` hold the loss and
    the metrics by name; what is changed in those of an epoch's end goes into the history.

    Examples
    --------
    >>> class Quiet(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         pass
    """

    model: Model
    params: Mapping[str, Any]

    def set_model(self, model: Model) -> None:
        """Take the model, before anything else."""
        self.model = model

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Take how training will be done: epochs, steps and verbose."""
        self.params = params

    def on_train_begin(self, logs: Any = None) -> None:
        """Before the first epoch."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Before each epoch, counted from 0."""

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before each training step of an epoch, counted from 0."""
        self.on_batch_begin(batch, logs)

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Do what `on_train_batch_begin` does, under Keras's older name."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """After each training step; the logs hold loss and metrics of the epoch so far."""
        self.on_batch_end(batch, logs)

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """Do what `on_train_batch_end` does, under Keras's older name."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """After each epoch, with its loss and metrics by name."""

    def on_train_end(self, logs: Any = None) -> None:
        """After the last epoch."""


class History(Callback):
    """Loss and metrics of every epoch; what ``fit`` returns.

    Attributes
    ----------
    history
        name -> one number for each epoch; names of validation begin with ``val_``.
    epoch
        The epochs' numbers.

    Examples
    --------
    >>> History().history
    {}
    """

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Append the epoch's loss and metrics."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))


class LambdaCallback(Callback):
    """A callback made of functions.

    Parameters
    ----------
    **functions
        For any method of `Callback`, by its name, a function that takes the same.

    Examples
    --------
    >>> LambdaCallback(on_epoch_end=lambda epoch, logs: None).on_epoch_end(0, {})
    """

    def __init__(self, **functions: Callable[..., Any] | None) -> None:
        for name, function in functions.items():
            if not (name.startswith("on_") and hasattr(Callback, name)):
                raise ArgumentError(f"Callback has no method {name!r} that a function could stand for.")
            if function is not None:
                setattr(self, name, function)


class Callbacks:
    """Several callbacks, told of everything in order.

    Parameters
    ----------
    callbacks
        The callbacks.
    model
        What trains.
    params
        How it is trained.

    Raises
    ------
    ArgumentError
        When it is no list of callbacks.
    """

    def __init__(self, callbacks: Sequence[Callback] | None, model: Model, params: Mapping[str, Any]) -> None:
        given = [] if callbacks is None else callbacks
        if not isinstance(given, (list, tuple)) or not all(isinstance(one, Callback) for one in given):
            raise ArgumentError(f"callbacks is a list of Callback objects; {callbacks!r} was given.")
        self.history = History()
        # the history comes last, so that it keeps what the others add to the logs
        self.all = [*given, self.history]
        # of those that only inherit them, nothing is called at every step
        self.steps = [one for one in given if _follows_steps(one)]
        for one in self.all:
            one.set_model(model)
            one.set_params(params)

    def tell(self, event: str, *args: Any) -> None:
        """Call one method of every callback."""
        for one in self.all:
            getattr(one, event)(*args)

    def tell_step(self, event: str, *args: Any) -> None:
        """Call one method of those callbacks that follow single steps."""
        for one in self.steps:
            getattr(one, event)(*args)


def _follows_steps(callback: Callback) -> bool:
    names = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")
    return any(name in vars(callback) or getattr(type(callback), name) is not getattr(Callback, name) for name in names)
