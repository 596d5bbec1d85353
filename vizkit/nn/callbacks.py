"""What is called while a model trains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vizkit.errors import ArgumentError

if TYPE_CHECKING:
    from vizkit.nn.model import Model

__all__ = ["Callback", "History", "checked_callbacks"]


class Callback:
    """Base class: define any of the methods; ``self.model`` is the model that trains.

    Set ``self.model.stop_training = True`` to end after the current epoch.

    Examples
    --------
    >>> class Quiet(Callback):
    ...     def on_epoch_end(self, epoch, logs):
    ...         pass
    """

    model: Model

    def on_train_begin(self) -> None:
        """Before the first epoch."""

    def on_epoch_begin(self, epoch: int) -> None:
        """Before each epoch, counted from 0."""

    def on_batch_end(self, step: int, loss: float) -> None:
        """After each training step of an epoch, counted from 0, with its loss."""

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        """After each epoch, with its loss and metrics by name."""

    def on_train_end(self) -> None:
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

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Append the epoch's loss and metrics."""
        self.epoch.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(float(value))


def checked_callbacks(given: Any) -> list[Callback]:
    """Return what a user passes as callbacks as a list.

    Raises
    ------
    ArgumentError
        When it is no list of callbacks.

    Examples
    --------
    >>> checked_callbacks(None)
    []
    """
    found = [] if given is None else given
    if not isinstance(found, (list, tuple)) or not all(isinstance(one, Callback) for one in found):
        raise ArgumentError(f"callbacks is a list of Callback objects; {given!r:.80} was given.")
    return list(found)
