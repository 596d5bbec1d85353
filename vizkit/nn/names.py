"""Finding what a user means by a name: ``"relu"``, ``"adam"``, ``"accuracy"``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vizkit.errors import ArgumentError, unknown_name

__all__ = ["lookup"]


def lookup(kind: str, name: Any, known: Mapping[str, Any]) -> Any:
    """Return what `name` stands for among the `known` ones.

    Parameters
    ----------
    kind
        What is looked for, for the error: ``"activation"``.
    name
        A name, or something callable, which is returned as it is.
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
    >>> lookup("letter", "a", {"a": 1})
    1
    """
    if isinstance(name, str):
        if name not in known:
            raise unknown_name(kind, name, known)
        return known[name]
    if callable(name):
        return name
    raise ArgumentError(f"The {kind} is given by its name or as something callable; {name!r} was given.")
