"""Knowing that something about a model was changed, without looking at it."""

from __future__ import annotations

import itertools
from typing import Any

__all__ = ["Noticed", "latest", "notice"]

_numbers = itertools.count(1)
_latest = 0
_NOTHING = object()


class Noticed:
    """What a training step reads when it is written down: giving a public attribute another value is a change.

    Examples
    --------
    >>> class Rate(Noticed):
    ...     pass
    >>> rate, before = Rate(), latest()
    >>> rate.value = 0.5
    >>> latest() > before
    True
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if name[0] != "_" and getattr(self, name, _NOTHING) is not value:
            notice()
        object.__setattr__(self, name, value)


def notice() -> None:
    """Say that something was changed."""
    global _latest
    _latest = next(_numbers)


def latest() -> int:
    """Return the number of the latest change of anything: while it stays the same, nothing was changed.

    Examples
    --------
    >>> latest() == latest()
    True
    """
    return _latest
