"""Going through a sequence step by step: fused primitives of the engine.

All take the inputs' share of the sums, computed for all times at once, of shape (time, batch, gates × units), and
return the hidden states of all times, followed by what other states there are after the last one:
an array of shape (time + states − 1, batch, units).

`scan` takes any step of plain NumPy. `lstm` and `gru` are the steps that Keras has by default, written for speed: one
product and one tanh for all gates of a time, because σ(x) = ½ + ½ tanh(x / 2); on the way back all factors are
computed for all times at once, and the gradient of the recurrent kernel is one product.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from vizkit.nn.autodiff import Tape, Tracked, fused

__all__ = ["gru", "lstm", "scan"]

Step = Callable[[Any, Sequence[Any], Sequence[Any]], Sequence[Any]]


def scan(step: Step, summed: Any, states: Sequence[Any], weights: Sequence[Any]) -> Any:
    """Run a step of plain NumPy at each time.

    Parameters
    ----------
    step
        ``(summed at one time, states, weights) -> new states``; the first state is the output.
    summed
        The inputs' share, of shape (time, batch, units).
    states
        What the sequence begins with, each of shape (batch, units).
    weights
        What the step needs beside that, the same at all times.

    Examples
    --------
    >>> decay = scan(lambda z, states, weights: [z + states[0] / 2], np.ones((3, 1, 1)), [np.zeros((1, 1))], [])
    >>> decay.ravel().tolist()
    [1.0, 1.5, 1.75]
    """
    return _scan(summed, *states, *weights, step=step, count=len(states))


def _scan_back(g: Any, y: Any, saved: Any, summed: Any, *others: Any, **options: Any) -> list[Any]:
    tape, leaves, stacked = saved
    found = tape.backward(stacked, g)
    passed = [found.get(id(leaf)) for leaf in leaves]
    times = [np.zeros_like(summed[0]) if part is None else part for part in passed[: len(summed)]]
    return [np.stack(times), *passed[len(summed) :]]


@fused(None, _scan_back)
def _scan(summed: Any, *others: Any, step: Step, count: int) -> tuple[Any, Any]:
    """Run on a tape of its own: the gradient of each time's share is then written once, not added to a whole."""
    tape = Tape()
    leaves = [Tracked(part, tape) for part in (*summed, *others)]
    times, states = leaves[: len(summed)], leaves[len(summed) : len(summed) + count]
    weights = leaves[len(summed) + count :]
    outputs = []
    for now in times:
        states = step(now, states, weights)
        outputs.append(states[0])
    stacked = np.stack([*outputs, *states[1:]])
    return stacked.value, (tape, leaves, stacked)


def _halves(dtype: Any, units: int, is_sigmoid: Sequence[bool]) -> tuple[Any, Any]:
    """Return factor and offset that turn tanh into sigmoid where a gate is one, for all units of all gates."""
    factor = np.repeat([0.5 if sigmoid else 1.0 for sigmoid in is_sigmoid], units)
    return factor.astype(dtype), (1 - factor).astype(dtype)


def _lstm_back(
    g: Any, y: Any, saved: Any, summed: Any, hidden: Any, cell: Any, recurrent: Any
) -> tuple[Any, Any, Any, Any]:
    gates, states, cells, bent = saved
    times, batch, units = bent.shape
    enter, keep, new, leave = np.split(gates, 4, axis=-1)
    passed = np.empty((times, batch, 4, units), gates.dtype)
    # what each sum moves the cell by, and what the last one moves the output by
    passed[:, :, 0] = new * enter * (1 - enter)
    passed[:, :, 1] = cells[:-1] * keep * (1 - keep)
    passed[:, :, 2] = enter * (1 - new * new)
    passed[:, :, 3] = bent * leave * (1 - leave)
    output_by_cell = leave * (1 - bent * bent)
    flat = passed.reshape(times, batch, 4 * units)
    to_hidden, to_cell = np.zeros_like(hidden), g[times].copy()
    backwards = np.ascontiguousarray(recurrent.T)
    for t in reversed(range(times)):
        to_hidden += g[t]
        to_cell += to_hidden * output_by_cell[t]
        passed[t, :, :3] *= to_cell[:, None]
        passed[t, :, 3] *= to_hidden
        np.matmul(flat[t], backwards, out=to_hidden)
        to_cell *= keep[t]
    to_recurrent = states[:times].reshape(-1, units).T @ flat.reshape(-1, 4 * units)
    return flat, to_hidden, to_cell, to_recurrent


@fused(4, _lstm_back)
def lstm(summed: Any, hidden: Any, cell: Any, recurrent: Any) -> tuple[Any, Any]:
    """Go through a sequence with an LSTM (Hochreiter and Schmidhuber 1997; forget gate by Gers et al. 2000).

    Parameters
    ----------
    summed
        The inputs' share, of shape (time, batch, 4 × units): enter, keep, new, leave.
    hidden, cell
        The states before the first time, of shape (batch, units).
    recurrent
        The recurrent kernel, of shape (units, 4 × units).

    Examples
    --------
    >>> zero = np.zeros((1, 2))
    >>> lstm(np.zeros((3, 1, 8)), zero, zero, np.zeros((2, 8))).shape
    (4, 1, 2)
    """
    times, batch, units = len(summed), *hidden.shape
    factor, offset = _halves(summed.dtype, units, [True, True, False, True])
    gates, recurrent = summed * factor, recurrent * factor
    states = np.empty((times + 2, batch, units), gates.dtype)  # the last one holds the cell at the end
    cells, bent = np.empty((times + 1, batch, units), gates.dtype), np.empty((times, batch, units), gates.dtype)
    states[0], cells[0] = hidden, cell
    product = np.empty(gates.shape[1:], gates.dtype)
    for t in range(times):
        now = gates[t]
        now += np.matmul(states[t], recurrent, out=product)
        np.tanh(now, out=now)
        now *= factor
        now += offset
        enter, keep, new, leave = (now[:, i * units : (i + 1) * units] for i in range(4))
        np.multiply(keep, cells[t], out=cells[t + 1])
        cells[t + 1] += enter * new
        np.tanh(cells[t + 1], out=bent[t])
        np.multiply(leave, bent[t], out=states[t + 1])
    states[-1] = cells[-1]
    return states[1:], (gates, states, cells, bent)


def _gru_back(
    g: Any, y: Any, saved: Any, summed: Any, hidden: Any, recurrent: Any, bias: Any
) -> tuple[Any, Any, Any, Any]:
    gates, states, inner = saved
    times, batch, units = inner.shape
    keep, reset, new = np.split(gates, 3, axis=-1)
    # the output's derivative with respect to the sum inside the tanh, then to the three recurrent products
    to_new = (1 - keep) * (1 - new * new)
    passed = np.empty((times, batch, 3, units), gates.dtype)
    passed[:, :, 0] = (states[:-1] - new) * keep * (1 - keep)
    passed[:, :, 1] = to_new * inner * reset * (1 - reset)
    passed[:, :, 2] = to_new * reset
    flat = passed.reshape(times, batch, 3 * units)
    to_hidden = np.zeros_like(hidden)
    product, backwards = np.empty_like(to_hidden), np.ascontiguousarray(recurrent.T)
    for t in reversed(range(times)):
        to_hidden += g[t]
        passed[t] *= to_hidden[:, None]
        to_new[t] *= to_hidden
        to_hidden *= keep[t]
        to_hidden += np.matmul(flat[t], backwards, out=product)
    rows = flat.reshape(-1, 3 * units)
    to_summed = np.concatenate([flat[:, :, : 2 * units], to_new], axis=-1)
    return to_summed, to_hidden, states[:-1].reshape(-1, units).T @ rows, rows.sum(axis=0)


@fused(4, _gru_back)
def gru(summed: Any, hidden: Any, recurrent: Any, bias: Any) -> tuple[Any, Any]:
    """Go through a sequence with a GRU that resets after the product (Cho et al. 2014, in cuDNN's variant).

    Parameters
    ----------
    summed
        The inputs' share, of shape (time, batch, 3 × units): keep, reset, new.
    hidden
        The state before the first time, of shape (batch, units).
    recurrent, bias
        The recurrent kernel, of shape (units, 3 × units), and what is added to its product, of shape (3 × units,).

    Examples
    --------
    >>> gru(np.zeros((3, 1, 6)), np.zeros((1, 2)), np.zeros((2, 6)), np.zeros(6)).shape
    (3, 1, 2)
    """
    times, batch, units = len(summed), *hidden.shape
    factor, offset = _halves(summed.dtype, units, [True, True, False])
    gates, recurrent, bias = summed * factor, recurrent * factor, bias * factor
    both = slice(0, 2 * units)
    states = np.empty((times + 1, batch, units), gates.dtype)
    inner = np.empty((times, batch, units), gates.dtype)
    states[0] = hidden
    product = np.empty(gates.shape[1:], gates.dtype)
    for t in range(times):
        np.matmul(states[t], recurrent, out=product)
        product += bias
        inner[t] = product[:, 2 * units :]
        now, gated = gates[t], gates[t, :, both]
        gated += product[:, both]
        np.tanh(gated, out=gated)
        gated *= factor[both]
        gated += offset[both]
        keep, reset, new = (now[:, i * units : (i + 1) * units] for i in range(3))
        new += reset * inner[t]
        np.tanh(new, out=new)
        np.subtract(states[t], new, out=states[t + 1])
        states[t + 1] *= keep
        states[t + 1] += new
    return states[1:], (gates, states, inner)
