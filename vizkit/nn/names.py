"""Finding what a user means by a name: ``"relu"``, ``"adam"``, ``"accuracy"``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from vizkit.errors import ArgumentError, unknown_name

__all__ = ["by_name", "lookup", "snake_case"]


def lookup(kind: str, name: Any, known: Mapping[str, Any]) -> Any:
    """Return what `name` stands for among the `known` ones.

    Parameters
    ----------
    kind
        What is looked for, for the error: ``"activation"``.
    name
        A name, as it is or as a class is called, or something callable, which is returned as it is.
    known
        Everything that has a name.

    Raises
    ------
    UnknownNameError
        When there is no such name; the error says the nearest right one.
    ArgumentError
        When `name` is neither a text nor callable.

    Examples
    --------
    >>> lookup("letter", "BigA", {"big_a": 1})
    1
    """
    if isinstance(name, str):
        for spelled in (name, snake_case(name), name.lower()):  # Keras takes names of classes too
            if spelled in known:
                return known[spelled]
        raise unknown_name(kind, name, known)
    if callable(name):
        return name
    raise ArgumentError(f"The {kind} is given by its name or as something callable; {name!r} was given.")


def by_name(*members: Any, **other_names: Any) -> dict[str, Any]:
    """Return functions by their names and classes by theirs in small letters, and what has other names.

    Examples
    --------
    >>> by_name(dict, short=int)
    {'dict': <class 'dict'>, 'short': <class 'int'>}
    """
    return {snake_case(member.__name__): member for member in members} | other_names


def snake_case(name: str) -> str:
    """Return a class's name in small letters, as Keras does.

    Examples
    --------
    >>> snake_case("MaxPooling2D"), snake_case("Conv2DTranspose"), snake_case("SimpleRNN")
    ('max_pooling2d', 'conv2d_transpose', 'simple_rnn')
    """
    words = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()
