"""Asking a model what it would say with other weights; its own are put back afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from numbers import Integral
from typing import Any

import numpy as np

from vizkit.checks import array
from vizkit.errors import ArgumentError, NotBuiltError, ShapeError
from vizkit.nn import feeding
from vizkit.nn.layers import Variable
from vizkit.nn.model import Model
from vizkit.typing import ArrayLike, Float

__all__ = ["loss_curve", "replay"]


def replay(model: Model, trace: Any, x: ArrayLike, steps: Iterable[int] | None = None) -> Float["step samples ..."]:
    """Return a model's outputs on inputs of one's own, with the weights it had at recorded steps.

    Parameters
    ----------
    model
        The model that was recorded; its weights are the same afterwards as before.
    trace
        A `vizkit.trace.Trace` with the forward events of every layer that has weights.
    x
        Inputs of shape (samples, ...).
    steps
        Which recorded steps; all when None.

    Returns
    -------
    numpy.ndarray
        Shape (steps, samples, ...).

    Raises
    ------
    ArgumentError
        If a step was not recorded.
    TraceQueryError, UnknownNameError
        If the trace does not hold the weights of a layer of the model.

    Examples
    --------
    >>> import vizkit
    >>> from vizkit import nn
    >>> model, (x, y) = nn.networks.dosage_network(only_final_bias=True), nn.data.dosage()
    >>> with vizkit.record(model) as trace:
    ...     history = model.fit(x, y, batch_size=3, epochs=3, shuffle=False, verbose=0)
    >>> replay(model, trace, [[0.5]]).round(2).ravel().tolist()
    [-1.61, -0.04, 0.58]
    """
    _check_model(model)
    if not hasattr(trace, "parameter"):
        raise ArgumentError(f"What is replayed is a trace, see vizkit.record; a {type(trace).__name__} was given.")
    histories = [
        (weight, trace.parameter(layer.name, weight.name).values) for layer in model.layers for weight in layer.weights
    ]
    recorded = trace.steps
    chosen = list(recorded if steps is None else steps)
    if missing := sorted(set(chosen) - set(recorded)):
        raise ArgumentError(
            f"Only recorded steps can be replayed, but {missing[:5]} are not among the {len(recorded)}."
        )
    outputs = []
    with _weights_kept(model):
        for step in chosen:
            at = recorded.index(step)
            for weight, values in histories:
                weight.assign(values[at])
            outputs.append(model.predict(x))
    return np.stack(outputs)


def loss_curve(
    model: Model,
    weight: Variable,
    values: ArrayLike,
    data: tuple[ArrayLike, ArrayLike],
    index: tuple[int, ...] | None = None,
) -> Float["values"]:
    """Return the loss of a model over values of one of its parameters, all others as they are.

    Parameters
    ----------
    model
        A compiled and built model; its weights are the same afterwards as before.
    weight
        One of its weights, for example ``model.layers[-1].bias``.
    values
        The values to try, shape (values,).
    data
        Inputs and targets.
    index
        Which number of the weight; may be left out when there is only one.

    Returns
    -------
    numpy.ndarray
        The losses, shape (values,).

    Raises
    ------
    NotBuiltError
        If the model has no weights yet.
    ArgumentError
        If the weight is not the model's, or holds several numbers and none is chosen.

    Examples
    --------
    >>> from vizkit import nn
    >>> model = nn.networks.dosage_network()
    >>> loss_curve(model, model.layers[-1].bias, [0, 1, 2, 3, 4], nn.data.dosage()).round(2).tolist()
    [20.42, 7.77, 1.11, 0.46, 5.8]
    """
    _check_model(model)
    data = feeding.parts("data", data)
    tried = array("values", values)
    if tried.ndim != 1:
        raise ShapeError(f"The values to try have one axis, but their shape is {tried.shape}.")
    place = _place(model, weight, index)
    losses = []
    with _weights_kept(model):
        whole = np.array(weight.numpy())
        for value in tried:
            whole[place] = value
            weight.assign(whole)
            losses.append(model.evaluate(*data, verbose=0, return_dict=True)["loss"])
    return np.asarray(losses)


def _check_model(model: Any) -> None:
    if not isinstance(model, Model):
        raise ArgumentError(f"A model of vizkit.nn is needed; a {type(model).__name__} was given.")


def _place(model: Model, weight: Variable, index: tuple[int, ...] | None) -> tuple[int, ...]:
    if not model.weights:
        raise NotBuiltError(f"{model.name!r} has no weights yet; call it once, or give it an Input.")
    if not any(weight is own for own in model.weights):
        raise ArgumentError(f"The weight must be one of {model.name!r}, but {weight!r} was given.")
    shape = np.shape(weight.numpy())
    if index is None and np.prod(shape) == 1:
        return (0,) * len(shape)
    numbers = () if index is None else tuple(np.atleast_1d(index))
    inside = (isinstance(at, Integral) and -n <= at < n for at, n in zip(numbers, shape, strict=False))
    if len(numbers) != len(shape) or not all(inside):
        raise ArgumentError(f"An index of a weight of shape {shape} is one number for each axis; {index!r} was given.")
    return numbers


@contextmanager
def _weights_kept(model: Model) -> Iterator[None]:
    before: list[Any] = model.get_weights()
    try:
        yield
    finally:
        model.set_weights(before)
