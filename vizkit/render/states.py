"""Fingerprints of a scene's state: what decides on the frames to come, wherever it is held.

Two fingerprints are made. The *border* says whether a scene that skipped to a play is where one that drew all plays
before it would be: it takes in the scene, what is on it, the local variables of the running code and
the random generators. The *content* says what one play's frames depend on, and names them in the cache: what is
on the scene, the camera, the animations, and the code and variables of every function that they may call; not the
code of the scene itself, so that another line of it makes no other frames. Where a fingerprint would have to leave
something out, the border leaves it out, and the content says that it does not know.
"""

from __future__ import annotations

import functools
import hashlib
import random
import struct
import types
from collections import deque
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any

import numpy as np
from manim import Camera, Mobject, Scene
from manim.renderer.cairo_renderer import CairoRenderer

from vizkit.render.codes import code_of, is_foreign

__all__ = ["Fingerprint", "generators"]

LIMIT = 400_000  # things that one fingerprint looks at, at most
_HOLDERS = (np.ndarray, list, tuple, deque, dict, set, frozenset)  # classes made of these may hold more
_PLAIN = (str, int, float, complex, bytes, bool, type(None))

# What manim's objects hold about the drawing so far, the clock or files, and never about the frames to come.
_HIDDEN = {
    Scene: {
        "manager", "file_writer_settings", "output_plan", "session_spec", "queue", "time_progression", "_log_file_path",
        "last_t", "duration", "moving_mobjects", "static_mobjects", "widgets",
    },
    CairoRenderer: {
        "file_writer", "_file_writer_class", "static_image", "animations_hashes", "num_plays", "time", "guide",
        "walks", "frames", "pictures", "curves", "skip_animations",
    },
    Camera: {
        "pixel_array", "pixel_array_to_cairo_context", "display_funcs", "canvas", "rotation_matrix",
        "background_colored_vmobject_displayer",
    },
    Mobject: {"original_id"},
}  # fmt: skip


class Fingerprint:
    """Takes in things of any kind and gives one hash for all of them.

    Parameters
    ----------
    codes
        Whether functions count with their code and what it uses, or only with their names and what they hold.

    Attributes
    ----------
    complete
        Whether everything could be taken in.
    """

    def __init__(self, *, codes: bool) -> None:
        self.codes = codes
        self.complete = True
        self._hash = hashlib.blake2b(digest_size=20)
        self._seen: dict[int, int] = {}
        self._alive: list[Any] = []  # so that no other thing gets the address of one that was seen
        self._left = LIMIT

    def add(self, name: str, thing: Any) -> Fingerprint:
        """Take in something under a name."""
        self._text(name)
        todo = deque([thing])
        while todo:
            self._left -= 1
            if self._left < 0:
                self.complete = False
                return self
            todo.extendleft(reversed(self._take(todo.popleft())))
        return self

    def hex(self) -> str:
        """Return the hash."""
        return self._hash.hexdigest()

    def _text(self, text: str) -> None:
        data = text.encode("utf-8", "surrogatepass")
        self._hash.update(struct.pack("<I", len(data)) + data)

    def _take(self, thing: Any) -> list[Any]:
        """Take in a thing itself and return its parts."""
        kind = type(thing)
        if kind in _PLAIN:
            self._text(f"{kind.__name__} {thing!r}")
            return []
        if id(thing) in self._seen:
            self._text(f"again {self._seen[id(thing)]}")
            return []
        self._seen[id(thing)] = len(self._seen)
        self._alive.append(thing)
        self._text(f"{kind.__module__}.{kind.__qualname__}")
        take = _take_of(kind)
        if take is not None:
            more = isinstance(thing, _HOLDERS) and hasattr(thing, "__dict__")
            return take(self, thing) + ([vars(thing)] if more else [])
        return self._object(thing)

    def _array(self, array: np.ndarray) -> list[Any]:
        self._text(f"{array.dtype.str} {array.shape}")
        if array.dtype.hasobject:
            return array.ravel().tolist()
        self._hash.update(np.ascontiguousarray(array).data if array.size else b"")
        return []

    def _sequence(self, things: Iterable[Any]) -> list[Any]:
        return self._plain_first([("", thing) for thing in things])

    def _mapping(self, mapping: dict[Any, Any]) -> list[Any]:
        others = [key for key in mapping if type(key) not in _PLAIN]
        return others + self._plain_first([(key if type(key) in _PLAIN else "", mapping[key]) for key in mapping])

    def _plain_first(self, named: Iterable[tuple[Any, Any]]) -> list[Any]:
        """Take in all names and all plain things at once, which is quick; return the others."""
        given = list(named)
        self._text(repr([(name, thing) if type(thing) in _PLAIN else (name,) for name, thing in given]))
        return [thing for _, thing in given if type(thing) not in _PLAIN]

    def _set(self, things: Iterable[Any]) -> list[Any]:
        """Take in a set, which has no order: of its members only those that can be written."""
        plain = sorted(repr(each) for each in things if type(each) in _PLAIN)
        others = sorted(type(each).__qualname__ for each in things if type(each) not in _PLAIN)
        self.complete = self.complete and not others
        self._text(" ".join([*plain, *others]))
        return []

    def _function(self, function: types.FunctionType) -> list[Any]:
        cells = [_content(cell) for cell in function.__closure__ or ()]
        parts: list[Any] = [function.__qualname__, function.__defaults__, function.__kwdefaults__, *cells]
        return parts + (code_of(function) if self.codes and not is_foreign(function) else [])

    def _class(self, kind: type) -> list[Any]:
        self._text(f"{kind.__module__}.{kind.__qualname__}")
        if not self.codes or is_foreign(kind):
            return []
        return [*kind.__bases__, *(each for name, each in sorted(vars(kind).items()) if _counts(name, each))]

    def _object(self, thing: Any) -> list[Any]:
        parts: list[Any] = []
        held = getattr(thing, "__dict__", None)
        if isinstance(held, dict):
            hidden = next((names for kind, names in _HIDDEN.items() if isinstance(thing, kind)), ())
            parts += self._plain_first((name, held[name]) for name in sorted(held, key=str) if name not in hidden)
        parts += [getattr(thing, slot) for slot in _slots(type(thing)) if hasattr(thing, slot)]
        parts += [] if held or parts else self._reduced(thing)
        if self.codes and not isinstance(thing, Scene):  # of a scene, only what functions name, see `code_of`
            parts.append(type(thing))
        return parts

    def _reduced(self, thing: Any) -> list[Any]:
        """Return what an object of compiled code says about itself."""
        try:
            found = thing.__reduce_ex__(2)
        except Exception:  # it says nothing (each kind in its own way); what is unknown is not taken as equal
            self.complete = False
            return []
        return [found] if isinstance(found, str) else list(found[1:3])


def _counts(name: str, thing: Any) -> bool:
    return isinstance(thing, types.FunctionType | staticmethod | classmethod | property) or not name.startswith("__")


@functools.cache
def _slots(kind: type) -> list[str]:
    names = [getattr(each, "__slots__", ()) for each in kind.__mro__]
    flat = [name for each in names for name in ((each,) if isinstance(each, str) else each)]
    return [name for name in flat if name not in ("__dict__", "__weakref__")]


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # it is still empty
        return None


def _generator(self: Fingerprint, thing: Any) -> list[Any]:
    frame = thing.gi_frame
    return [] if frame is None else [frame.f_lasti, dict(frame.f_locals)]


_TAKES: tuple[tuple[Any, Callable[[Fingerprint, Any], list[Any]]], ...] = (
    (np.ndarray, Fingerprint._array),
    (np.generic, lambda self, each: [each.item()] if not isinstance(each, np.void) else [each.tobytes()]),
    (Enum, lambda self, each: [each.name]),
    (_PLAIN, lambda self, each: [repr(each)]),
    ((list, tuple, deque), Fingerprint._sequence),
    (dict, Fingerprint._mapping),
    ((set, frozenset), Fingerprint._set),
    (types.ModuleType, lambda self, each: [each.__name__]),
    (types.FunctionType, Fingerprint._function),
    (types.MethodType, lambda self, each: [each.__func__, each.__self__]),
    (types.BuiltinFunctionType, lambda self, each: [each.__name__]),
    ((staticmethod, classmethod), lambda self, each: [each.__func__]),
    (property, lambda self, each: [each.fget, each.fset]),
    (functools.partial, lambda self, each: [each.func, each.args, each.keywords]),
    (types.GeneratorType, _generator),
    (types.CodeType, lambda self, each: [each.co_code, each.co_names, each.co_varnames, each.co_consts]),
    (type, Fingerprint._class),
    (random.Random, lambda self, each: [each.getstate()]),
    (np.random.Generator, lambda self, each: [each.bit_generator.state]),
    (np.random.RandomState, lambda self, each: [each.get_state()]),
)


@functools.cache
def _take_of(kind: type) -> Callable[[Fingerprint, Any], list[Any]] | None:
    """Return how things of a kind are taken in, where that is not by their attributes."""
    return next((take for wanted, take in _TAKES if issubclass(kind, wanted)), None)


def generators() -> list[Any]:
    """Return the states of Python's and NumPy's own random generators."""
    return [random.getstate(), np.random.get_state()]
