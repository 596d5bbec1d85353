"""Going through a sequence step by step: fused primitives of the engine.

All return the hidden states of all times, followed by what other states there are after the last one: an array of
shape (time + states − 1, batch, units).

`scan` takes any step of plain NumPy. `lstm` and `gru` are the steps that Keras has by default, written for speed: one
product for what the inputs of all times add, one product and one tanh for all gates of a time, because
σ(x) = ½ + ½ tanh(x / 2); on the way back all factors are computed for all times at once, and the gradient of each
kernel is one product.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from vizkit.autodiff import Tape, Tracked, fused, threads
from vizkit.autodiff.buffers import empty

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


LSTM_GATES = (True, True, False, True)  # which of them are sigmoids: enter, keep, new, leave
GRU_GATES = (True, True, False)  # keep, reset, new


def _halves(gates: Sequence[bool], dtype: Any) -> tuple[Any, Any]:
    """Return factor and offset, of shape (gates, 1, 1), that turn tanh into sigmoid where a gate is one."""
    factor = np.array([0.5 if sigmoid else 1.0 for sigmoid in gates], dtype)[:, None, None]
    return factor, 1 - factor


def _scaled(weights: Any, factor: Any) -> Any:
    """Return weights of shape (..., gates × units), those of each gate times its factor."""
    return weights * np.repeat(factor, weights.shape[-1] // len(factor))


def _blocks(sums: Any, gates: int) -> Any:
    """Return a view of sums of shape (..., batch, gates × units) as (..., gates, batch, units)."""
    return np.moveaxis(sums.reshape(*sums.shape[:-1], gates, sums.shape[-1] // gates), -2, -3)


def _rows(x: Any) -> Any:
    """Return a view of shape (time × batch, numbers)."""
    return x.reshape(-1, x.shape[-1])


def _summed(sequences: Any, kernel: Any, bias: Any) -> tuple[Any, Any]:
    """Return the inputs time by time, and what they and the bias add to all sums."""
    batch, times, features = sequences.shape
    inputs = empty((times, batch, features), sequences.dtype)
    inputs[...] = sequences.transpose(1, 0, 2)
    sums = empty((times, batch, len(bias)), inputs.dtype)
    threads.product(_rows(inputs), kernel, _rows(sums))
    sums += bias
    return inputs, sums


def _summed_back(passed: Any, inputs: Any, kernel: Any) -> tuple[Any, Any, Any]:
    """Return the gradients of sequences, kernel and bias from that of the sums, of shape (time, batch, sums)."""
    to_inputs = empty(inputs.shape, inputs.dtype)
    threads.product(_rows(passed), kernel.T, _rows(to_inputs))
    return to_inputs.transpose(1, 0, 2), _kernel_back(inputs, passed), _rows(passed).sum(axis=0)


def _kernel_back(inputs: Any, passed: Any) -> Any:
    """Return the gradient of a kernel that met the inputs of all times: one product."""
    return threads.product(_rows(inputs).T, _rows(passed), empty((inputs.shape[2], passed.shape[2]), passed.dtype))


def _slopes(gates: Any, is_sigmoid: Any) -> Any:
    """Return the derivatives of all gates with respect to their sums: s (1 − s) of a sigmoid, 1 − t² of a tanh."""
    slopes = np.subtract(is_sigmoid, gates, out=empty(gates.shape, gates.dtype))
    slopes *= gates
    slopes += 1 - is_sigmoid
    return slopes


def _lstm_back(g: Any, y: Any, saved: Any, *arrays: Any) -> tuple[Any, ...]:
    inputs, gates, states, cells, bent = saved
    _, kernel, recurrent, _, hidden, _ = arrays
    times, batch, units = bent.shape
    enter, keep, new, leave = gates.swapaxes(0, 1)
    # what each sum moves the cell by, what the last one moves the output by, and what the cell does
    slopes = _slopes(gates, 2 * _halves(LSTM_GATES, g.dtype)[1])
    for slope, other in zip(slopes.swapaxes(0, 1), (new, cells[:-1], enter, bent), strict=True):
        slope *= other
    by_cell = np.multiply(bent, bent, out=empty(bent.shape, g.dtype))
    np.subtract(1, by_cell, out=by_cell)
    by_cell *= leave
    passed = empty((times, batch, 4 * units), g.dtype)
    blocks, backwards = _blocks(passed, 4), np.ascontiguousarray(recurrent.T)
    to_hidden, to_cell, share = (empty(hidden.shape, g.dtype) for _ in range(3))
    to_hidden[...], to_cell[...] = 0, g[times]
    for t in reversed(range(times)):
        to_hidden += g[t]
        to_cell += np.multiply(to_hidden, by_cell[t], out=share)
        np.multiply(slopes[t, :3], to_cell, out=blocks[t, :3])
        np.multiply(slopes[t, 3], to_hidden, out=blocks[t, 3])
        np.matmul(passed[t], backwards, out=to_hidden)
        to_cell *= keep[t]
    to_sequences, to_kernel, to_bias = _summed_back(passed, inputs, kernel)
    return to_sequences, to_kernel, _kernel_back(states[:times], passed), to_bias, to_hidden, to_cell


@fused(6, _lstm_back)
def lstm(sequences: Any, kernel: Any, recurrent: Any, bias: Any, hidden: Any, cell: Any) -> tuple[Any, Any]:
    """Go through sequences with an LSTM (Hochreiter and Schmidhuber 1997; forget gate by Gers et al. 2000).

    Parameters
    ----------
    sequences
        The inputs, of shape (batch, time, features).
    kernel, recurrent, bias
        The weights, of shape (features, 4 × units), (units, 4 × units) and (4 × units,): enter, keep, new, leave.
    hidden, cell
        The states before the first time, of shape (batch, units).

    Examples
    --------
    >>> zero = np.zeros((1, 2))
    >>> lstm(np.zeros((1, 3, 5)), np.zeros((5, 8)), np.zeros((2, 8)), np.zeros(8), zero, zero).shape
    (4, 1, 2)
    """
    times, batch, units, dtype = sequences.shape[1], *hidden.shape, sequences.dtype
    factor, offset = _halves(LSTM_GATES, dtype)
    inputs, sums = _summed(sequences, _scaled(kernel, factor), _scaled(bias, factor))
    recurrent, gates = _scaled(recurrent, factor), empty((times, 4, batch, units), dtype)
    states = empty((times + 2, batch, units), dtype)  # the last one holds the cell at the end
    cells, bent = empty((times + 1, batch, units), dtype), empty((times, batch, units), dtype)
    states[0], cells[0] = hidden, cell
    product, added = empty(sums.shape[1:], dtype), empty(hidden.shape, dtype)
    blocks = _blocks(product, 4)
    for t in range(times):
        np.matmul(states[t], recurrent, out=product)
        product += sums[t]
        now = np.tanh(blocks, out=gates[t])
        now *= factor
        now += offset
        enter, keep, new, leave = now
        after = np.multiply(keep, cells[t], out=cells[t + 1])
        after += np.multiply(enter, new, out=added)
        np.tanh(after, out=bent[t])
        np.multiply(leave, bent[t], out=states[t + 1])
    states[-1] = cells[-1]
    return states[1:], (inputs, gates, states, cells, bent)


def _gru_back(g: Any, y: Any, saved: Any, *arrays: Any) -> tuple[Any, ...]:
    inputs, gates, states, inner = saved
    _, kernel, recurrent, _, hidden = arrays
    times, batch, units = inner.shape
    keep, reset, new = gates.swapaxes(0, 1)
    # the output's derivative with respect to each sum, and to the new one's recurrent part, which meets the reset
    slopes = _slopes(gates, 2 * _halves(GRU_GATES, g.dtype)[1])
    by_keep, by_reset, by_new = slopes.swapaxes(0, 1)
    other = np.subtract(states[:-1], new, out=empty(new.shape, g.dtype))
    by_keep *= other
    by_new *= np.subtract(1, keep, out=other)
    by_reset *= np.multiply(by_new, inner, out=other)
    by_inner = np.multiply(by_new, reset, out=other)
    passed, products = (empty((times, batch, 3 * units), g.dtype) for _ in range(2))
    blocks, product_blocks = _blocks(passed, 3), _blocks(products, 3)
    to_hidden, product = empty(hidden.shape, g.dtype), empty(hidden.shape, g.dtype)
    to_hidden[...], backwards = 0, np.ascontiguousarray(recurrent.T)
    for t in reversed(range(times)):
        to_hidden += g[t]
        np.multiply(slopes[t], to_hidden, out=blocks[t])
        product_blocks[t, :2] = blocks[t, :2]
        np.multiply(by_inner[t], to_hidden, out=product_blocks[t, 2])
        to_hidden *= keep[t]
        to_hidden += np.matmul(products[t], backwards, out=product)
    to_sequences, to_kernel, to_bias = _summed_back(passed, inputs, kernel)
    both = np.stack([to_bias, _rows(products).sum(axis=0)])
    return to_sequences, to_kernel, _kernel_back(states[:-1], products), both, to_hidden


@fused(5, _gru_back)
def gru(sequences: Any, kernel: Any, recurrent: Any, bias: Any, hidden: Any) -> tuple[Any, Any]:
    """Go through sequences with a GRU that resets after the product (Cho et al. 2014, in cuDNN's variant).

    Parameters
    ----------
    sequences
        The inputs, of shape (batch, time, features).
    kernel, recurrent, bias
        The weights, of shape (features, 3 × units), (units, 3 × units) and (2, 3 × units): keep, reset, new. The first
        bias belongs to the inputs' product, the second to the recurrent one.
    hidden
        The state before the first time, of shape (batch, units).

    Examples
    --------
    >>> gru(np.zeros((1, 3, 5)), np.zeros((5, 6)), np.zeros((2, 6)), np.zeros((2, 6)), np.zeros((1, 2))).shape
    (3, 1, 2)
    """
    times, batch, units, dtype = sequences.shape[1], *hidden.shape, sequences.dtype
    factor, offset = _halves(GRU_GATES, dtype)
    biases = _scaled(bias, factor)
    inputs, sums = _summed(sequences, _scaled(kernel, factor), biases[0])
    recurrent, gates = _scaled(recurrent, factor), empty((times, 3, batch, units), dtype)
    states, inner = empty((times + 1, batch, units), dtype), empty((times, batch, units), dtype)
    states[0] = hidden
    product, renewed = empty(sums.shape[1:], dtype), empty(hidden.shape, dtype)
    blocks, sum_blocks = _blocks(product, 3), _blocks(sums, 3)
    for t in range(times):
        np.matmul(states[t], recurrent, out=product)
        product += biases[1]
        inner[t] = blocks[2]
        gated = np.add(sum_blocks[t, :2], blocks[:2], out=gates[t, :2])
        np.tanh(gated, out=gated)
        gated *= factor[:2]
        gated += offset[:2]
        keep, reset, new = gates[t]
        np.multiply(reset, inner[t], out=renewed)
        np.tanh(np.add(sum_blocks[t, 2], renewed, out=renewed), out=new)
        after = np.subtract(states[t], new, out=states[t + 1])
        after *= keep
        after += new
    return states[1:], (inputs, gates, states, inner)
