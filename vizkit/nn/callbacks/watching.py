"""Callbacks that watch a number and act: stop, slow down, save. Names, defaults and rules are Keras's."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vizkit.checks import number
from vizkit.errors import ArgumentError
from vizkit.nn.callbacks.base import Callback
from vizkit.nn.progress import say

__all__ = ["EarlyStopping", "LearningRateScheduler", "ModelCheckpoint", "ReduceLROnPlateau"]


class _Watching(Callback):
    """Knows the best value so far of one number in the logs."""

    def __init__(self, monitor: str, mode: str, min_delta: float = 0.0) -> None:
        if mode not in ("auto", "min", "max"):
            raise ArgumentError(f"mode is one of 'auto', 'min', 'max'; {mode!r} was given.")
        self.monitor, self.mode, self.min_delta = monitor, mode, abs(min_delta)
        self.rises = mode == "max" or (mode == "auto" and "acc" in monitor)
        self.best: float | None = None

    def _current(self, logs: Any) -> float:
        if self.monitor not in (logs or {}):
            raise ArgumentError(
                f"{type(self).__name__} watches {self.monitor!r}, but an epoch has {', '.join(logs or {})}. "
                "Names that begin with val_ need validation_data or validation_split."
            )
        return float(logs[self.monitor])

    def _better(self, value: float, than: float | None) -> bool:
        if than is None:
            return True
        return value - self.min_delta > than if self.rises else value + self.min_delta < than


class EarlyStopping(_Watching):
    """Stop when a number has not become better for some epochs.

    Parameters
    ----------
    monitor
        Its name in the logs.
    min_delta
        By how much it must become better to count.
    patience
        How many epochs without that are borne.
    verbose
        Whether to say so when it stops.
    mode
        ``"min"``, ``"max"``, or ``"auto"``: accuracies are to rise, all else to fall.
    baseline
        What the number must be better than.
    restore_best_weights
        Whether to go back to the weights of the best epoch.
    start_from_epoch
        From which epoch on it watches.

    Examples
    --------
    >>> EarlyStopping(patience=3).monitor
    'val_loss'
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience = int(number("patience", patience, includes_low=True))
        self.verbose, self.baseline = verbose, baseline
        self.restore_best_weights, self.start_from_epoch = restore_best_weights, start_from_epoch

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin anew."""
        self.best, self.best_weights, self.best_epoch = None, None, 0
        self.wait = self.stopped_epoch = 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Look whether the number has become better; stop when it has not for too long."""
        current = self._current(logs)
        if epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights, self.best_epoch = self.model.get_weights(), epoch
        self.wait += 1
        if self._better(current, self.best):
            self.best, self.best_epoch = current, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self._better(current, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:
        """Go back to the best weights, if that was asked for."""
        if self.verbose and self.stopped_epoch:
            say(f"Stopped early after epoch {self.stopped_epoch + 1}.")
        if self.best_weights is not None:
            self.model.set_weights(self.best_weights)


class ReduceLROnPlateau(_Watching):
    """Make the learning rate smaller when a number has not become better for some epochs.

    Parameters
    ----------
    monitor
        Its name in the logs.
    factor
        What the rate is multiplied by, below 1.
    patience
        How many epochs without a better number are borne.
    verbose
        Whether to say so when the rate changes.
    mode
        As in `EarlyStopping`.
    min_delta
        By how much the number must become better to count.
    cooldown
        For how many epochs after a change nothing is counted.
    min_lr
        The rate does not fall below this.

    Examples
    --------
    >>> ReduceLROnPlateau(factor=0.5).patience
    10
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        if factor >= 1:
            raise ArgumentError(f"The factor of ReduceLROnPlateau lies below 1; {factor!r} was given.")
        self.factor, self.patience = number("factor", factor), patience
        self.verbose, self.cooldown = verbose, cooldown
        self.min_lr = number("min_lr", min_lr, includes_low=True)

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin anew."""
        self.best, self.wait, self.cooldown_counter = None, 0, 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Look whether the number has become better; make the rate smaller when it has not for too long."""
        rate = self.model.optimizer.learning_rate
        logs["learning_rate"] = rate
        current = self._current(logs)
        if self.cooldown_counter:
            self.cooldown_counter -= 1
            self.wait = 0
        if self._better(current, self.best):
            self.best, self.wait = current, 0
        elif not self.cooldown_counter:
            self.wait += 1
            if self.wait >= self.patience and rate > self.min_lr:
                self.model.optimizer.learning_rate = max(rate * self.factor, self.min_lr)
                self.cooldown_counter, self.wait = self.cooldown, 0
                if self.verbose:
                    say(f"Epoch {epoch + 1}: the learning rate becomes {self.model.optimizer.learning_rate:g}.")


class LearningRateScheduler(Callback):
    """Set the learning rate before each epoch.

    Parameters
    ----------
    schedule
        ``(epoch, learning_rate) -> learning_rate``, or ``epoch -> learning_rate``.
    verbose
        Whether to say the rate.

    Examples
    --------
    >>> LearningRateScheduler(lambda epoch, rate: rate * 0.9).verbose
    0
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        if not callable(schedule):
            raise ArgumentError(f"A schedule is a function (epoch, rate) -> rate; {schedule!r} was given.")
        self.schedule, self.verbose = schedule, verbose
        self._takes_rate = _takes_two(schedule)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Set the rate."""
        optimizer = self.model.optimizer
        given = (epoch, optimizer.learning_rate) if self._takes_rate else (epoch,)
        optimizer.learning_rate = number("The rate that a schedule gives", self.schedule(*given))
        if self.verbose:
            say(f"Epoch {epoch + 1}: the learning rate is {optimizer.learning_rate:g}.")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Note the rate in the logs."""
        logs["learning_rate"] = self.model.optimizer.learning_rate


class ModelCheckpoint(_Watching):
    """Save the model, or its weights, after each epoch or after each that is the best so far.

    Parameters
    ----------
    filepath
        Where to; ``{epoch}`` (from 1) and the names in the logs are filled in, as in ``"{epoch:02d}-{val_loss:.2f}"``.
    monitor
        The number that says which epoch is the best.
    verbose
        Whether to say so when it saves.
    save_best_only
        Whether to save only what is better than all before.
    save_weights_only
        Whether to save the weights alone.
    mode
        As in `EarlyStopping`.

    Examples
    --------
    >>> ModelCheckpoint("best.vkm", save_best_only=True).monitor
    'val_loss'
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
    ) -> None:
        super().__init__(monitor, mode)
        self.filepath = os.fspath(filepath)
        self.verbose, self.save_best_only, self.save_weights_only = verbose, save_best_only, save_weights_only

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Save, if this epoch is one to save."""
        if self.save_best_only:
            current = self._current(logs)
            if not self._better(current, self.best):
                return
            self.best = current
        try:
            path = Path(self.filepath.format(epoch=epoch + 1, **logs))
        except KeyError as error:
            raise ArgumentError(f"{self.filepath!r} names {error}, but an epoch has {', '.join(logs)}.") from error
        (self.model.save_weights if self.save_weights_only else self.model.save)(path)
        if self.verbose:
            say(f"Epoch {epoch + 1}: saved {path}.")


def _takes_two(function: Callable[..., Any]) -> bool:
    code = getattr(function, "__code__", None)
    return code is None or code.co_argcount - bool(getattr(function, "__self__", None)) >= 2
