"""The base of all layers: weights, building at the first call, sublayers."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np

from vizkit.autodiff import Tracked
from vizkit.autodiff.engine import innermost
from vizkit.errors import ArgumentError, DataError, NotBuiltError, ShapeError, VizkitError
from vizkit.nn import initializers, regularizers, seeds
from vizkit.nn.changes import Noticed, notice
from vizkit.nn.layers.options import called, check_names, explain, floating, unknown_option
from vizkit.nn.layers.variables import Variable
from vizkit.nn.names import snake_case
from vizkit.typing import Float

__all__ = ["Layer"]

# whether the outermost call is a training step; a layer inside a composite one asks it
_training: ContextVar[bool] = ContextVar("training", default=False)


class Layer(Noticed):
    """A function with weights. Define ``call``, and ``build`` when it has weights.

    Parameters
    ----------
    name
        Its name in summaries and traces; made from the class when ``None``.
    dtype
        Type of its weights and outputs, ``"float32"`` when neither it nor its model says otherwise.
    trainable
        Whether training changes its weights.
    input_shape, input_dim
        Shape of one sample, or how many numbers it has, for the first layer of a model.

    Examples
    --------
    >>> class Double(Layer):
    ...     def call(self, inputs):
    ...         return inputs * 2
    >>> Double()(np.ones((1, 2))).tolist()
    [[2.0, 2.0]]
    """

    # what a class of one's own may say of itself, so that its training steps are repeated: see `vizkit.nn.steps`
    repeatable: bool

    casts_integers = False  # whether whole numbers become floating ones; an embedding needs them whole

    name: str
    built: bool
    regularized: list[tuple[Any, Variable]]
    input_shape: tuple[Any, ...] | None
    output_shape: tuple[Any, ...] | None

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Lay the ground before ``__init__``, so that a subclass may forget ``super().__init__()``."""
        check_names(cls, args, kwargs)
        layer = super().__new__(cls)
        layer._auto_named = True
        layer._given = set(kwargs)
        layer.name = snake_case(cls.__name__)
        layer.built = False
        layer._dtype = layer._random = layer.input_shape = layer.output_shape = layer._sample_shape = None
        layer._weights = []
        layer.regularized = []  # pairs (regularizer, weight)
        layer._trainable = True
        layer._takes_training = "training" in inspect.signature(cls.call).parameters
        return layer

    def __init__(
        self,
        *,
        name: str | None = None,
        dtype: Any = None,
        trainable: bool = True,
        input_shape: Sequence[int] | None = None,
        **unknown: Any,
    ) -> None:
        input_dim = unknown.pop("input_dim", None)
        for option in unknown:
            raise unknown_option(type(self), option)
        if name is not None:
            self.name, self._auto_named = name, False
        self._dtype = None if dtype is None else floating(dtype)
        self._trainable = trainable
        input_shape = (input_dim,) if input_shape is None and input_dim is not None else input_shape
        self._sample_shape = None if input_shape is None else tuple(input_shape)

    # -- what a layer of one's own defines ------------------------------------------------------

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the weights. `input_shape` begins with the batch, whose length is ``None``."""

    def call(self, inputs: Any) -> Any:
        """Return the output for `inputs`, both with the batch as first axis."""
        raise NotImplementedError(f"{type(self).__name__} must define call(inputs).")

    def config(self) -> dict[str, Any]:
        """Return what the layer was made with, as text, numbers and lists."""
        return {key: value for key, value in vars(self).items() if key in self._config_names()}

    def get_config(self) -> dict[str, Any]:
        """Return the same with name, dtype and whether it is trained, as Keras does."""
        return {"name": self.name, "dtype": self.dtype.name, "trainable": self.trainable} | self.config()

    def _config_names(self) -> set[str]:
        """Return the names of the class's own arguments, and of those that it was given for its base class."""
        names = self._given | set(inspect.signature(type(self).__init__).parameters)
        return names - set(inspect.signature(Layer.__init__).parameters)

    # -- weights ----------------------------------------------------------------------------------

    @property
    def dtype(self) -> np.dtype:
        """Type of the weights and outputs."""
        return np.dtype("float32" if self._dtype is None else self._dtype)

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights; setting it reaches the sublayers too."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        """Freeze or free this layer and those inside it."""
        self._trainable = bool(value)
        for layer in self.sublayers():
            layer.trainable = value

    def add_weight(
        self,
        shape: Sequence[int] = (),
        initializer: Any = "glorot_uniform",
        dtype: Any = None,
        trainable: bool = True,
        name: str = "",
        regularizer: Any = None,
    ) -> Variable:
        """Make a weight.

        Parameters
        ----------
        shape
            Its shape, without a batch.
        initializer
            Name of an initializer, or a callable ``(shape, dtype) -> array``.
        dtype
            Its type; the layer's when ``None``.
        trainable
            Whether training changes it.
        name
            Its name; the name of the attribute that holds it when empty.
        regularizer
            Name of a regularizer, or a callable ``weight -> cost``; the cost is added to the loss.

        Raises
        ------
        ShapeError
            When a length is not a whole number from 0, or the initializer gives another shape.
        """
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        if not all(isinstance(n, (int, np.integer)) and n >= 0 for n in shape):
            raise ShapeError(f"A weight of {self.name!r} needs whole numbers as its shape; {shape} was given.")
        initial = initializers.get(initializer)
        given = {"random": self.random()} if isinstance(initial, initializers.Initializer) else {}
        value = np.array(initial(shape, dtype=dtype or self.dtype, **given))
        if value.shape != shape:
            raise ShapeError(f"{called(self)} needs a weight of shape {shape}; its initializer gave {value.shape}.")
        weight = Variable(value, name, trainable)
        self._weights.append(weight)
        notice()
        if regularizer is not None:
            self.regularized.append((regularizers.get(regularizer), weight))
        return weight

    def random(self) -> np.random.Generator:
        """Return the layer's source of random numbers: its model's, or one of its own."""
        if self._random is None:
            self._random = seeds.generator()
        return self._random

    @property
    def own_weights(self) -> list[Variable]:
        """The weights of this layer without those of its sublayers, in the order they were made."""
        mine = {id(weight): weight for weight in self._weights}
        for key, value in vars(self).items():
            if isinstance(value, Variable):
                value.name = value.name or key
                mine.setdefault(id(value), value)
        for number, weight in enumerate(mine.values()):
            weight.name = weight.name or f"weight_{number}"
        return list(mine.values())

    @property
    def weights(self) -> list[Variable]:
        """All weights, those of the sublayers included."""
        found = {id(w): w for layer in self.walk() for w in layer.own_weights}
        return list(found.values())

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes."""
        found = {id(w): w for layer in self.walk() if layer.trainable for w in layer.own_weights if w.trainable}
        return list(found.values())

    def get_weights(self) -> list[Float["..."]]:
        """Return copies of all weights, in the order of `weights`."""
        return [weight.numpy() for weight in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Give all weights new numbers, in the order of `weights`.

        Raises
        ------
        NotBuiltError
            When the layer has no weights yet.
        ShapeError
            When there are more or fewer, or a shape differs; nothing is changed then.
        """
        mine = self.weights
        if not mine and len(weights):
            raise NotBuiltError(f"{self.name!r} has no weights before it is built: call it, or give input_shape.")
        wanted, given = [w.shape for w in mine], [np.shape(w) for w in weights]
        if wanted != given:
            raise ShapeError(f"The weights of {self.name!r} have the shapes {wanted}; {given} were given.")
        for weight, value in zip(mine, weights, strict=True):
            weight.assign(value)

    def count_params(self) -> int:
        """Return how many numbers the weights hold."""
        if not self.built:
            raise NotBuiltError(f"{self.name!r} has no weights before it is built: call it, or give input_shape.")
        return sum(int(weight.size) for weight in self.weights)

    # -- sublayers --------------------------------------------------------------------------------

    def sublayers(self) -> list[Layer]:
        """Return the layers that are attributes of this one, or stand in lists that are."""
        found: dict[int, Layer] = {}
        for key, value in vars(self).items():
            for layer in _layers_in(value):
                if layer._auto_named and layer.name == snake_case(type(layer).__name__) and key[0] != "_":
                    layer.name = key if layer is value else f"{key}_{len(found)}"
                found[id(layer)] = layer
        return list(found.values())

    def walk(self) -> Iterator[Layer]:
        """Yield this layer and all below it, each once, outer ones first."""
        seen: set[int] = set()
        waiting = [self]
        while waiting:
            layer = waiting.pop(0)
            if id(layer) not in seen:
                seen.add(id(layer))
                yield layer
                waiting[:0] = layer.sublayers()

    def _hand_down(self) -> None:
        """Give the sublayers this layer's dtype and random numbers where they have none."""
        for layer in self.sublayers():
            layer._dtype = self._dtype if layer._dtype is None else layer._dtype
            layer._random = self._random if layer._random is None else layer._random
            layer._hand_down()

    # -- calling ----------------------------------------------------------------------------------

    def __call__(self, inputs: Any, *args: Any, training: bool | None = None, **kwargs: Any) -> Any:
        """Return the output for `inputs`; the first call makes the weights."""
        inputs = self._cast(inputs)
        if args or kwargs:
            args, kwargs = self._further_inputs(args, kwargs)
        if not self.built:
            self._build_for(inputs)
        outer = _training.get()
        training = outer if training is None else training
        if self._takes_training:
            kwargs["training"] = training
        token = None if training == outer else _training.set(training)
        try:
            return self._run(inputs, args, kwargs)
        finally:
            if token is not None:
                _training.reset(token)

    def _further_inputs(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Put arrays that were given by name in their places, and cast them all as the first input is."""
        if any(_holds_arrays(value) for value in kwargs.values()):
            bound = inspect.signature(self.call).bind_partial(None, *args, **kwargs)
            args, kwargs = bound.args[1:], dict(bound.kwargs)
        return tuple(self._cast(part) if _holds_arrays(part) else part for part in args), kwargs

    def _run(self, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        tape = innermost(_flat((inputs, *args)))
        if tape is not None and tape.recording is not None:
            output = tape.recording.layer(self, lambda x, *more: self._named_call(x, more, kwargs), (inputs, *args))
        else:
            output = self._named_call(inputs, args, kwargs)
        if self.output_shape is None:
            self.output_shape = shapes_of(output)
        return output

    def _named_call(self, inputs: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run ``call``; what NumPy and Python say of shapes, attributes and arguments is said of this layer."""
        try:
            output = self.call(inputs, *args, **kwargs)
        except VizkitError:
            raise
        except (ValueError, AttributeError, TypeError) as error:
            explain(self, error, shapes_of(inputs), args, kwargs)
            raise
        if output is None:
            raise ArgumentError(f"{called(self)} returned nothing: a call returns the layer's output.")
        return output

    def _build_for(self, inputs: Any) -> None:
        self.input_shape = shapes_of(inputs)
        self._hand_down()
        self.build(self.input_shape)
        self.built = True
        self._hand_down()

    def _cast(self, inputs: Any) -> Any:
        if isinstance(inputs, (list, tuple)) and any(isinstance(part, (np.ndarray, Tracked)) for part in inputs):
            return [self._cast(part) for part in inputs]  # several inputs, not one written as lists
        if not isinstance(inputs, Tracked):
            inputs = np.asarray(inputs)
            if inputs.dtype.kind not in "biuf":
                raise DataError(f"{called(self)} computes with numbers; {inputs!r:.60} ({inputs.dtype}) was given.")
        if inputs.dtype != self.dtype and (inputs.dtype.kind == "f" or self.casts_integers):
            return inputs.astype(self.dtype)
        return inputs

    def _refuse(self, rule: str, *inputs: Any) -> ShapeError:
        """Return the error that says what the layer needs and which inputs, or shapes of inputs, it got."""
        shapes = ", ".join(str(getattr(part, "shape", part)) for part in inputs)
        given = f"an input of shape {shapes} was" if len(inputs) == 1 else f"inputs of the shapes {shapes} were"
        return ShapeError(f"{called(self)} {rule}; {given} given.")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


def shapes_of(inputs: Any) -> Any:
    """Return the shape of an array with an open batch axis, or of each in a list.

    Examples
    --------
    >>> shapes_of(np.zeros((5, 3)))
    (None, 3)
    """
    if isinstance(inputs, (list, tuple)):
        return [shapes_of(part) for part in inputs]
    shape = np.shape(inputs)
    return (None, *shape[1:]) if shape else ()


def is_input(value: Any) -> bool:
    """Say whether something is an array, of shape (...), that a layer computes with: a mask is none.

    Examples
    --------
    >>> is_input(np.ones(2)), is_input(np.array([True])), is_input(None)
    (True, False, False)
    """
    return isinstance(value, (np.ndarray, Tracked)) and value.dtype.kind != "b"


def _holds_arrays(value: Any) -> bool:
    parts = value if isinstance(value, (list, tuple)) else (value,)
    return any(is_input(part) for part in parts)


def _flat(values: Any) -> Iterator[Any]:
    """Yield the values, those in lists among them too."""
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from _flat(value)
        else:
            yield value


def _layers_in(value: Any) -> Iterator[Layer]:
    if isinstance(value, Layer):
        yield value
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _layers_in(part)
    elif isinstance(value, dict):
        yield from _layers_in(list(value.values()))
