"""Recurrent layers: read a sequence one time after the other, and remember."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from vizkit.checks import share, whole
from vizkit.nn import activations, regularizers, seeds
from vizkit.nn.layers.core import drop
from vizkit.nn.layers.weighing import Weighing
from vizkit.nn.recurrence import gru, lstm, scan

__all__ = ["GRU", "LSTM", "SimpleRNN"]

Activation = str | Callable[..., Any] | None


class _Recurrent(Weighing):
    """What all three have: two kernels and a bias for `gates` sums per unit, and a step from time to time."""

    gates = 1
    states = 1

    def __init__(
        self,
        units: int,
        activation: Activation = "tanh",
        use_bias: bool = True,
        *,
        recurrent_initializer: Any = "orthogonal",
        recurrent_regularizer: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(use_bias, **options)
        self.units = whole("units", units)
        self.activation = activations.get(activation)
        self.recurrent_initializer = recurrent_initializer
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.dropout = share(f"dropout of {type(self).__name__}", dropout)
        self.recurrent_dropout = share(f"recurrent_dropout of {type(self).__name__}", recurrent_dropout)
        self.return_sequences, self.return_state = return_sequences, return_state
        self.seed = seed
        self._masks = None if seed is None else seeds.generator(seed)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the kernel, (features, gates × units), the recurrent one, (units, gates × units), and the bias."""
        if len(input_shape) != 3:
            raise self._refuse("needs (batch, time, features)", input_shape)
        wide = self.gates * self.units
        self.add_kernel((input_shape[2], wide))
        initial, cost = self.recurrent_initializer, self.recurrent_regularizer
        self.recurrent_kernel = self.add_weight((self.units, wide), initial, name="recurrent_kernel", regularizer=cost)
        self.add_bias(self._bias_shape())

    def _bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    def call(self, sequences: Any, initial_state: Any = None, training: bool = False) -> Any:
        """Return the last hidden state, of shape (batch, units), or those of all times, (batch, time, units).

        With `return_state` a list: the output, then each state after the last time, of shape (batch, units).
        """
        if sequences.ndim != 3 or sequences.shape[2] != self.kernel.shape[0] or sequences.shape[1] == 0:
            raise self._refuse(f"needs (batch, time, {self.kernel.shape[0]}) and at least one time", sequences)
        first = self._first_states(sequences, initial_state)
        if training and self.dropout:
            shape = (sequences.shape[0], 1, sequences.shape[2])  # the same features at all times of a sequence
            sequences = drop(sequences, rate=self.dropout, random=self._source, shape=shape)
        states = self._run_through(sequences, first, training and self.recurrent_dropout > 0)
        times = sequences.shape[1]
        last = [states[times - 1 + i] for i in range(self.states)]
        output = np.transpose(states[:times], (1, 0, 2)) if self.return_sequences else last[0]
        return [output, *last] if self.return_state else output

    def _first_states(self, sequences: Any, given: Any) -> list[Any]:
        shape = (sequences.shape[0], self.units)
        if given is None:
            return [np.zeros(shape, sequences.dtype) for _ in range(self.states)]
        found = list(given) if isinstance(given, (list, tuple)) else [given]
        if [np.shape(state) for state in found] != [shape] * self.states:
            raise self._refuse(f"needs {self.states} initial state(s) of shape {shape}", *map(np.shape, found))
        return found

    def _source(self) -> np.random.Generator:
        return self._masks or self.random()

    def _run_through(self, sequences: Any, first: list[Any], drops: bool) -> Any:
        """Return the hidden states of all times, then the other states after the last one."""
        return self._scanned(sequences, self.with_bias(self._summed(sequences)), first, [], drops)

    def _scanned(self, sequences: Any, summed: Any, first: list[Any], biases: list[Any], drops: bool) -> Any:
        kept: Any = np.ones((), self.dtype)
        if drops:  # the same units at all times of a sequence, as Gal and Ghahramani (2016) propose
            ones = np.broadcast_to(0 * sequences[:, 0, :1] + 1, first[0].shape)  # of the data, so that plans draw anew
            kept = drop(ones, rate=self.recurrent_dropout, random=self._source, shape=first[0].shape)
        return scan(self.step, summed, first, [self.recurrent_kernel, kept, *biases])

    def _summed(self, sequences: Any) -> Any:
        """Return what the inputs add to the sums of all times, of shape (time, batch, gates × units)."""
        return np.matmul(np.transpose(sequences, (1, 0, 2)), self.kernel)

    def _all_biases(self) -> Any:
        return self.bias if self.use_bias else np.zeros(self._bias_shape(), self.dtype)

    def step(self, summed: Any, states: Sequence[Any], weights: Sequence[Any]) -> list[Any]:
        """Return the states of the next time, each of shape (batch, units).

        The weights are the recurrent kernel, of shape (units, gates × units), what is kept of the hidden state where
        it meets the kernel, of shape () or (batch, units), and the recurrent bias, if there is one.
        """
        raise NotImplementedError


class SimpleRNN(_Recurrent):
    """A layer whose units see the inputs and what they themselves said one time before.

    Input of shape (batch, time, features).

    Parameters
    ----------
    units
        How many units.
    activation
        Of the sum of inputs, former outputs and bias.
    use_bias
        Whether a bias is added.
    kernel_initializer, recurrent_initializer, bias_initializer
        How the weights begin.
    kernel_regularizer, recurrent_regularizer, bias_regularizer
        What large weights cost, by name or as a regularizer; nothing when ``None``.
    dropout
        Share of the features that each sequence loses while training.
    recurrent_dropout
        Share of the units whose last output each sequence does not hear while training.
    return_sequences
        Whether to return the outputs of all times, not the last one alone.
    return_state
        Whether to return a list: the output, then the state.
    seed
        For the same dropout at every run.

    Examples
    --------
    >>> SimpleRNN(4)(np.zeros((2, 5, 3))).shape
    (2, 4)
    >>> SimpleRNN(4, return_sequences=True)(np.zeros((2, 5, 3))).shape
    (2, 5, 4)
    """

    def step(self, summed: Any, states: Sequence[Any], weights: Sequence[Any]) -> list[Any]:
        """Return the units' next outputs, of shape (batch, units)."""
        recurrent, kept = weights
        return [self.activation(summed + np.matmul(states[0] * kept, recurrent))]


class _Gated(_Recurrent):
    """A recurrent layer whose gates have an activation of their own."""

    def __init__(
        self, units: int, activation: Activation = "tanh", recurrent_activation: Activation = "sigmoid", **kwargs: Any
    ) -> None:
        super().__init__(units, activation, **kwargs)
        self.recurrent_activation = activations.get(recurrent_activation)

    def _is_usual(self) -> bool:
        usual = (activations.get("tanh"), activations.get("sigmoid"))
        return (self.activation, self.recurrent_activation) == usual


class LSTM(_Gated):
    """A layer with a memory: a cell that gates fill, keep and read (Hochreiter and Schmidhuber 1997).

    Input of shape (batch, time, features). The four sums of a unit are, in Keras's order: enter (i), keep (f),
    new (c), leave (o).

    Parameters
    ----------
    units
        How many units.
    activation
        Of what is new, and of the cell where it is read.
    recurrent_activation
        Of the gates.
    unit_forget_bias
        Whether the gate that keeps begins with a bias of 1, so that at first nothing is forgotten.
    **kwargs
        As those of `SimpleRNN`; with `return_state` the cell comes last.

    Examples
    --------
    >>> LSTM(4)(np.zeros((2, 5, 3))).shape
    (2, 4)
    >>> [part.shape for part in LSTM(4, return_state=True)(np.zeros((2, 5, 3)))]
    [(2, 4), (2, 4), (2, 4)]
    """

    gates = 4
    states = 2

    def __init__(
        self,
        units: int,
        activation: Activation = "tanh",
        recurrent_activation: Activation = "sigmoid",
        unit_forget_bias: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, activation, recurrent_activation, **kwargs)
        self.unit_forget_bias = unit_forget_bias

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the kernel, (features, 4 × units), the recurrent one, (units, 4 × units), and the bias, (4 × units,)."""
        super().build(input_shape)
        if self.use_bias and self.unit_forget_bias:
            bias = self.bias.numpy()
            bias[self.units : 2 * self.units] = 1
            self.bias.assign(bias)

    def _run_through(self, sequences: Any, first: list[Any], drops: bool) -> Any:
        if drops or not self._is_usual():
            return super()._run_through(sequences, first, drops)
        return lstm(sequences, self.kernel, self.recurrent_kernel, self._all_biases(), *first)

    def step(self, summed: Any, states: Sequence[Any], weights: Sequence[Any]) -> list[Any]:
        """Return the next output and cell, each of shape (batch, units)."""
        (hidden, cell), (recurrent, kept) = states, weights
        enter, keep, new, leave = np.split(summed + np.matmul(hidden * kept, recurrent), 4, axis=-1)
        gate = self.recurrent_activation
        cell = gate(keep) * cell + gate(enter) * self.activation(new)
        return [gate(leave) * self.activation(cell), cell]


class GRU(_Gated):
    """A layer whose units keep part of what they said and renew the rest (Cho et al. 2014).

    Input of shape (batch, time, features). The three sums of a unit are, in Keras's order: keep (z), reset (r),
    new (h).

    Parameters
    ----------
    units
        How many units.
    activation
        Of what is new.
    recurrent_activation
        Of the gates.
    reset_after
        Whether the reset acts on the recurrent product, which then has a bias of its own, or on what goes into it.
    **kwargs
        As those of `SimpleRNN`.

    Examples
    --------
    >>> GRU(4)(np.zeros((2, 5, 3))).shape
    (2, 4)
    """

    gates = 3

    def __init__(
        self,
        units: int,
        activation: Activation = "tanh",
        recurrent_activation: Activation = "sigmoid",
        reset_after: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, activation, recurrent_activation, **kwargs)
        self.reset_after = reset_after

    def _bias_shape(self) -> tuple[int, ...]:
        wide = 3 * self.units
        return (2, wide) if self.reset_after else (wide,)

    def _run_through(self, sequences: Any, first: list[Any], drops: bool) -> Any:
        if not self.reset_after:
            return super()._run_through(sequences, first, drops)
        biases = self._all_biases()
        if self._is_usual() and not drops:
            return gru(sequences, self.kernel, self.recurrent_kernel, biases, *first)
        return self._scanned(sequences, self._summed(sequences) + biases[0], first, [biases[1]], drops)

    def step(self, summed: Any, states: Sequence[Any], weights: Sequence[Any]) -> list[Any]:
        """Return the units' next outputs, of shape (batch, units)."""
        (hidden,), (recurrent, kept, *biases), units = states, weights, self.units
        heard = hidden * kept
        if self.reset_after:
            product = np.matmul(heard, recurrent) + biases[0]
        else:
            product = np.matmul(heard, recurrent[:, : 2 * units])
        gates = summed[:, : 2 * units] + product[:, : 2 * units]
        keep, reset = self.recurrent_activation(gates[:, :units]), self.recurrent_activation(gates[:, units:])
        if self.reset_after:
            renewed = reset * product[:, 2 * units :]
        else:
            renewed = np.matmul(reset * heard, recurrent[:, 2 * units :])
        new = self.activation(summed[:, 2 * units :] + renewed)
        return [keep * hidden + (1 - keep) * new]
