"""Methods that do a little more for a while, and everything taken back afterwards."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

__all__ = ["Patches"]

_NOTHING = object()


class Patches:
    """What was changed, to be undone from the last to the first.

    Examples
    --------
    >>> class Greeter:
    ...     def greet(self, name):
    ...         return f"Hello {name}"
    >>> greeter, patches = Greeter(), Patches()
    >>> patches.method(greeter, "greet", lambda run, name: run(name) + "!")
    >>> greeter.greet("Ada")
    'Hello Ada!'
    >>> patches.undo()
    >>> greeter.greet("Ada"), vars(greeter)
    ('Hello Ada', {})
    """

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def do(self, change: Callable[[], None], back: Callable[[], None]) -> None:
        """Change something, and remember how it is taken back."""
        change()
        self._undo.append(back)

    def method(self, owner: Any, name: str, around: Callable[..., Any]) -> None:
        """Let an object's, or a class's, method run inside another function.

        Parameters
        ----------
        owner
            The object or class.
        name
            The method's name.
        around
            Called with the method and its arguments, of a class the instance first; returns what the method is
            to return.
        """
        if isinstance(owner, type):
            cls = next(base for base in owner.__mro__ if name in vars(base))
            run = vars(cls)[name]

            @functools.wraps(run)
            def wide(*args: Any, **kwargs: Any) -> Any:
                return around(run, *args, **kwargs)

            setattr(cls, name, wide)
            self._undo.append(functools.partial(setattr, cls, name, run))
            return
        former, method = vars(owner).get(name, _NOTHING), getattr(owner, name)

        @functools.wraps(method)
        def narrow(*args: Any, **kwargs: Any) -> Any:
            return around(method, *args, **kwargs)

        vars(owner)[name] = narrow  # past the object's own way of setting attributes, which may keep track of them
        self._undo.append(functools.partial(_restore, owner, name, former))

    def undo(self) -> None:
        """Take everything back."""
        while self._undo:
            self._undo.pop()()


def _restore(owner: Any, name: str, former: Any) -> None:
    if former is _NOTHING:
        vars(owner).pop(name, None)
    else:
        vars(owner)[name] = former
