"""Learning rates that change from step to step. Names, defaults and formulas are Keras's.

A schedule is called with the number of steps already taken and gives the learning rate of the next.
"""

from __future__ import annotations

import inspect
import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

from vizkit.checks import number
from vizkit.errors import ArgumentError
from vizkit.nn.names import lookup

__all__ = [
    "CosineDecay", "CosineDecayRestarts", "ExponentialDecay", "InverseTimeDecay", "LearningRateSchedule", "OneCycle",
    "PiecewiseConstantDecay", "PolynomialDecay", "get",
]  # fmt: skip


class LearningRateSchedule:
    """Base class: define ``__call__(step)``, which gives a learning rate."""

    def __call__(self, step: int) -> float:
        """Return the learning rate after `step` steps."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(step).")

    def config(self) -> dict[str, Any]:
        """Return its name and settings."""
        names = set(inspect.signature(type(self).__init__).parameters) - {"self"}
        return {"name": type(self).__name__, **{key: value for key, value in vars(self).items() if key in names}}


class PiecewiseConstantDecay(LearningRateSchedule):
    """One rate up to the first boundary and with it, another one up to the next, and so on.

    Parameters
    ----------
    boundaries
        Steps in rising order.
    values
        One rate more than there are boundaries.

    Examples
    --------
    >>> rate = PiecewiseConstantDecay([100, 200], [0.1, 0.01, 0.001])
    >>> rate(100), rate(101), rate(1000)
    (0.1, 0.01, 0.001)
    """

    def __init__(self, boundaries: Sequence[float], values: Sequence[float]) -> None:
        if len(values) != len(boundaries) + 1 or list(boundaries) != sorted(boundaries):
            raise ArgumentError(
                "A piecewise schedule needs rising boundaries and one value more than there are boundaries; "
                f"{list(boundaries)} and {list(values)} were given."
            )
        self.boundaries, self.values = list(boundaries), [number("A rate", value) for value in values]

    def __call__(self, step: int) -> float:
        """Return the learning rate after `step` steps."""
        return self.values[bisect_left(self.boundaries, step)]


class _Decay(LearningRateSchedule):
    def __init__(
        self, initial_learning_rate: float, decay_steps: float, decay_rate: float, staircase: bool = False
    ) -> None:
        self.initial_learning_rate = number("initial_learning_rate", initial_learning_rate)
        self.decay_steps = number("decay_steps", decay_steps)
        self.decay_rate = number("decay_rate", decay_rate, includes_low=True)
        self.staircase = bool(staircase)

    def _progress(self, step: int) -> float:
        progress = step / self.decay_steps
        return math.floor(progress) if self.staircase else progress


class ExponentialDecay(_Decay):
    """Every `decay_steps` steps the rate is multiplied by `decay_rate`; evenly, or in a staircase.

    Examples
    --------
    >>> ExponentialDecay(0.1, 100, 0.5)(200)
    0.025
    """

    def __call__(self, step: int) -> float:
        """Return the learning rate after `step` steps."""
        return self.initial_learning_rate * self.decay_rate ** self._progress(step)


class InverseTimeDecay(_Decay):
    """The rate is divided by 1 + decay_rate × step / decay_steps; evenly, or in a staircase.

    Examples
    --------
    >>> InverseTimeDecay(0.1, 100, 1.0)(100)
    0.05
    """

    def __call__(self, step: int) -> float:
        """Return the learning rate after `step` steps."""
        return self.initial_learning_rate / (1 + self.decay_rate * self._progress(step))


class PolynomialDecay(LearningRateSchedule):
    """The rate falls to `end_learning_rate` in `decay_steps` steps as a power of the time that is left.

    With `cycle`, the time is lengthened by as many steps again whenever it has run out.

    Examples
    --------
    >>> PolynomialDecay(1.0, 100, 0.0)(25)
    0.75
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
    ) -> None:
        self.initial_learning_rate = number("initial_learning_rate", initial_learning_rate)
        self.decay_steps = number("decay_steps", decay_steps)
        self.end_learning_rate = number("end_learning_rate", end_learning_rate, includes_low=True)
        self.power, self.cycle = number("power", power), bool(cycle)

    def __call__(self, step: int) -> float:
        """Return the learning rate after `step` steps."""
        steps = self.decay_steps * (max(1, math.ceil(step / self.decay_steps)) if self.cycle else 1)
        left = 1 - min(step, steps) / steps
        return (self.initial_learning_rate - self.end_learning_rate) * left**self.power + self.end_learning_rate


class CosineDecay(LearningRateSchedule):
    """The rate falls along half a cosine (Loshchilov and Hutter 2017), after a linear warm-up if asked.

    Parameters
    ----------
    initial_learning_rate
        Where it begins, from 0.
    decay_steps
        How many steps it falls, those of the warm-up not counted.
    alpha
        Share of the highest rate that is left in the end.
    warmup_target, warmup_steps
        Where the rate first rises to, and in how many steps.

    Examples
    --------
    >>> rate = CosineDecay(0.0, 100, warmup_target=1.0, warmup_steps=10)
    >>> [round(rate(step), 3) for step in (0, 5, 10, 60, 110, 999)]
    [0.0, 0.5, 1.0, 0.5, 0.0, 0.0]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        *,
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        self.initial_learning_rate = number("initial_learning_rate", initial_learning_rate, includes_low=True)
        self.decay_steps = number("decay_steps", decay_steps)
        self.alpha = number("alpha", alpha, includes_low=True)
        self.warmup_target = None if warmup_target is None else number("warmup_target", warmup_target)
        self.warmup_steps = number("warmup_steps", warmup_steps, includes_low=True)

    def __call__(self, step: int) -> float:
        """Return the learning rate after `step` steps."""
        start, warm = self.initial_learning_rate, 0.0
        if self.warmup_target is not None:
            warm = self.warmup_steps
            if step < warm:
                return start + (self.warmup_target - start) * step / warm
            start = self.warmup_target
        progress = min(step - warm, self.decay_steps) / self.decay_steps
        return start * ((1 - self.alpha) * _half_cosine(progress) + self.alpha)


class CosineDecayRestarts(LearningRateSchedule):
    """The rate falls along half a cosine again and again (Loshchilov and Hutter 2017).

    Parameters
    ----------
    initial_learning_rate
        Where it begins.
    first_decay_steps
        Steps of the first fall.
    t_mul
        How many times longer each fall is than the one before, from 1.
    m_mul
        How many times higher each begins.
    alpha
        Share of the first rate that is left at the end of each.

    Examples
    --------
    >>> rate = CosineDecayRestarts(1.0, 10)
    >>> [round(rate(step), 3) for step in (0, 5, 10, 20, 30)]
    [1.0, 0.5, 1.0, 0.5, 1.0]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
    ) -> None:
        self.initial_learning_rate = number("initial_learning_rate", initial_learning_rate)
        self.first_decay_steps = number("first_decay_steps", first_decay_steps)
        self.t_mul = number("t_mul", t_mul, 1, includes_low=True)
        self.m_mul, self.alpha = number("m_mul", m_mul), number("alpha", alpha, includes_low=True)

    def __call__(self, step: int) -> float:
        """Return the learning rate after `step` steps."""
        begin, length, restarts = 0.0, self.first_decay_steps, 0
        if self.t_mul == 1:
            restarts = int(step // length)
            begin = restarts * length
        else:
            while step >= begin + length:
                begin, length, restarts = begin + length, length * self.t_mul, restarts + 1
        fall = self.m_mul**restarts * _half_cosine((step - begin) / length)
        return self.initial_learning_rate * ((1 - self.alpha) * fall + self.alpha)


class OneCycle(LearningRateSchedule):
    """The rate rises to its peak and falls far below its start, each along half a cosine (Smith and Topin 2019).

    Keras has none; names and formulas are those of PyTorch's ``OneCycleLR``.

    Parameters
    ----------
    max_learning_rate
        The peak.
    total_steps
        Steps of the whole cycle, from 2.
    pct_start
        Share of the cycle in which it rises.
    div_factor
        How many times smaller than the peak the first rate is.
    final_div_factor
        How many times smaller than the first rate the last one is.

    Examples
    --------
    >>> rate = OneCycle(1.0, 101, pct_start=0.5, div_factor=10)
    >>> round(rate(0), 3), round(rate(49), 2), round(rate(100), 6)
    (0.1, 1.0, 1e-05)
    """

    def __init__(
        self,
        max_learning_rate: float,
        total_steps: int,
        pct_start: float = 0.3,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
    ) -> None:
        self.max_learning_rate = number("max_learning_rate", max_learning_rate)
        self.total_steps = number("total_steps", total_steps, 2, includes_low=True)
        self.pct_start = number("pct_start", pct_start, 0, 1)
        self.div_factor = number("div_factor", div_factor)
        self.final_div_factor = number("final_div_factor", final_div_factor)

    def __call__(self, step: int) -> float:
        """Return the learning rate after `step` steps."""
        first = self.max_learning_rate / self.div_factor
        peak, end = self.pct_start * self.total_steps - 1, self.total_steps - 1
        if step <= peak:
            return self.max_learning_rate + (first - self.max_learning_rate) * _half_cosine(step / peak)
        last = first / self.final_div_factor
        progress = min(1.0, (step - peak) / (end - peak))
        return last + (self.max_learning_rate - last) * _half_cosine(progress)


def _half_cosine(progress: float) -> float:
    """Return 1 at 0, and 0 at 1."""
    return (1 + math.cos(math.pi * progress)) / 2


_ALL = {schedule.__name__: schedule for schedule in (
    PiecewiseConstantDecay, ExponentialDecay, InverseTimeDecay, PolynomialDecay, CosineDecay, CosineDecayRestarts,
    OneCycle,
)}  # fmt: skip


def get(config: Any) -> LearningRateSchedule:
    """Return the schedule that a ``config()`` describes.

    Raises
    ------
    UnknownNameError
        When there is no such schedule.

    Examples
    --------
    >>> get(ExponentialDecay(0.1, 100, 0.5).config())(100)
    0.05
    """
    settings = dict(config)
    return lookup("schedule", settings.pop("name", ""), _ALL)(**settings)
