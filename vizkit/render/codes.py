"""Which code a function may run, so that a changed function makes new frames."""

from __future__ import annotations

import sys
import sysconfig
import types
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["code_of", "is_foreign", "is_library"]

_LIBRARIES = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))
_HERE = str(Path(__file__).parents[1])


def is_foreign(thing: Any) -> bool:
    """Say whether a function or class comes with an installed library, whose version says what it is."""
    module = sys.modules.get(getattr(thing, "__module__", None) or "")
    if module is None:
        return False
    return is_library(module)


def is_library(module: types.ModuleType) -> bool:
    """Say whether a module is installed, not written by the user."""
    file = getattr(module, "__file__", None)
    if file is None:
        return module.__name__ in sys.builtin_module_names
    return _is_installed(file)


@cache
def _is_installed(file: str) -> bool:
    return any(Path(file).is_relative_to(library) for library in (*_LIBRARIES, _HERE))


def code_of(function: types.FunctionType) -> list[Any]:
    """Return a function's code and all that its names may mean: global variables, and methods of any class beside it.

    Which object a method will be called on is not known from the code, so every function of the module by that name
    counts.
    """
    names = sorted(_names(function.__code__))
    around = function.__globals__
    found = [around[name] for name in names if name in around]
    classes = [each for _, each in sorted(around.items()) if isinstance(each, type) and not is_foreign(each)]
    modules = [each for each in found if isinstance(each, types.ModuleType) and not is_library(each)]
    inner = [vars(each)[name] for each in (*classes, *modules) for name in names if name in vars(each)]
    return [function.__code__, *found, *inner]


def _names(code: types.CodeType) -> set[str]:
    inner = (each for each in code.co_consts if isinstance(each, types.CodeType))
    return set(code.co_names).union(*map(_names, inner))
