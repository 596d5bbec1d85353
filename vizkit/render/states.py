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
import types
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import Any, NamedTuple

import numpy as np
from manim import Camera, Mobject, Scene, SVGMobject
from manim.renderer.cairo_renderer import CairoRenderer

from vizkit.render.codes import code_of, is_foreign

__all__ = ["Fingerprint", "generators"]

LIMIT = 400_000  # things that one fingerprint looks at, at most
AT_ONCE = 10_000  # pieces that are hashed together
LARGE = 100_000  # bytes; comparing so many is much quicker than hashing them
_HOLDERS = (np.ndarray, list, tuple, deque, dict, set, frozenset)  # classes made of these may hold more
_PLAIN = frozenset((str, int, float, complex, bytes, bool, type(None)))

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
    # Texts and formulas too. Their outlines count, and not the file that these were taken from: it lies in another
    # folder each time, and numbers its parts by how many such files the process has written before.
    SVGMobject: {"original_id", "file_name", "id_to_vgroup_dict"},
    Mobject: {"original_id"},
}  # fmt: skip


class Fingerprint:
    """Takes in things of any kind and gives one hash for all of them.

    Each thing becomes a few pieces of bytes, which are hashed together: hashing each by itself would take longer than
    all the rest. Plain things that stand side by side, such as an object's numbers, are one piece.

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
        self._pieces: list[bytes] = []
        self._seen: dict[int, int] = {}
        self._alive: list[Any] = []  # so that no other thing gets the address of one that was seen
        self._left = LIMIT

    def add(self, name: str, thing: Any) -> Fingerprint:
        """Take in something under a name."""
        self._text(name)
        todo = [thing]
        while todo and self._left > 0:
            self._left -= 1
            todo.extend(reversed(self._take(todo.pop())))
            if len(self._pieces) > AT_ONCE:
                self._hash_pieces()
        self.complete = self.complete and not todo
        self._hash_pieces()
        return self

    def hex(self) -> str:
        """Return the hash."""
        return self._hash.hexdigest()

    def _hash_pieces(self) -> None:
        """Hash the pieces, and their lengths, so that it counts where one ends and the next begins."""
        self._hash.update(array("Q", map(len, self._pieces)).tobytes())
        self._hash.update(b"".join(self._pieces))
        self._pieces.clear()

    def _text(self, text: str) -> None:
        self._pieces.append(text.encode("utf-8", "surrogatepass"))

    def _take(self, thing: Any) -> Sequence[Any]:
        """Take in a thing itself and return its parts."""
        kind = type(thing)
        if kind in _PLAIN:
            return self._things((thing,))
        number = self._seen.setdefault(id(thing), len(self._seen))
        if number < len(self._alive):
            self._pieces.append(b"again %d" % number)
            return ()
        self._alive.append(thing)
        way = _way_of(kind)
        self._pieces.append(way.name)
        if way.take is not None:
            return [*way.take(self, thing), vars(thing)] if way.holds_more else way.take(self, thing)
        return self._object(thing, way)

    def _array(self, given: np.ndarray) -> list[Any]:
        self._pieces.append(_form(given.dtype, given.shape))
        if given.dtype.hasobject:
            return given.ravel().tolist()
        alike = given.nbytes > LARGE and _rows_are_alike(given)  # as a camera's background mostly is
        self._pieces += [b"each", given[0].tobytes()] if alike else [b"all", given.tobytes()]
        return []

    def _things(self, things: Sequence[Any]) -> Sequence[Any]:
        """Take in all plain things at once, and where there are others; return these."""
        others = [thing for thing in things if type(thing) not in _PLAIN]
        plain = [thing if type(thing) in _PLAIN else ... for thing in things] if others else list(things)
        self._text(repr(plain))
        return others

    def _mapping(self, mapping: dict[Any, Any]) -> list[Any]:
        return [*self._things(list(mapping)), *self._things(list(mapping.values()))]

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

    def _object(self, thing: Any, way: _Way) -> list[Any]:
        parts: list[Any] = []
        held = getattr(thing, "__dict__", None)
        if isinstance(held, dict):
            names = _shown(tuple(held), way.hidden)
            self._pieces.append(names.written)
            parts += self._things([held[name] for name in names.order])
        parts += [getattr(thing, slot) for slot in way.slots if hasattr(thing, slot)]
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


class _Names(NamedTuple):
    """The names of an object's attributes that count, sorted, and written in one piece."""

    order: list[str]
    written: bytes


@functools.lru_cache(maxsize=1000)  # objects of one class mostly have the same attributes
def _shown(names: tuple[str, ...], hidden: frozenset[str]) -> _Names:
    order = sorted((name for name in names if name not in hidden), key=str)
    return _Names(order, repr(order).encode("utf-8", "surrogatepass"))


@functools.lru_cache(maxsize=1000)
def _form(dtype: np.dtype, shape: tuple[int, ...]) -> bytes:
    return f"{dtype.str} {dtype.descr if dtype.names else ''} {shape}".encode()


def _rows_are_alike(given: np.ndarray) -> bool:
    """Say whether all rows of an array have the bytes of the first; a look at two mostly tells."""
    if given.ndim < 2 or not given.flags.c_contiguous:
        return False
    rows = given.reshape(len(given), -1).view(np.uint8)
    rows = rows.view(np.uint64) if rows.shape[1] % 8 == 0 else rows
    return bool((rows[0] == rows[-1]).all() and (rows[1:] == rows[0]).all())


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
    (tuple(_PLAIN), lambda self, each: [repr(each)]),
    ((list, tuple, deque), lambda self, each: self._things(each)),
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


class _Way(NamedTuple):
    """How things of a class are taken in.

    Attributes
    ----------
    name
        The class.
    take
        What takes them in; None where their attributes do.
    holds_more
        Whether they have attributes beside what `take` sees.
    hidden, slots
        Attributes that do not count, and those that stand in slots.
    """

    name: bytes
    take: Callable[[Fingerprint, Any], Sequence[Any]] | None
    holds_more: bool
    hidden: frozenset[str]
    slots: list[str]


@functools.cache
def _way_of(kind: type) -> _Way:
    take = next((take for wanted, take in _TAKES if issubclass(kind, wanted)), None)
    hidden = next((names for base, names in _HIDDEN.items() if issubclass(kind, base)), ())
    slots = [getattr(each, "__slots__", ()) for each in kind.__mro__]
    flat = [name for each in slots for name in ((each,) if isinstance(each, str) else each)]
    return _Way(
        name=f"{kind.__module__}.{kind.__qualname__}".encode("utf-8", "surrogatepass"),
        take=take,
        holds_more=issubclass(kind, _HOLDERS) and kind.__dictoffset__ != 0,
        hidden=frozenset(hidden),
        slots=[name for name in flat if name not in ("__dict__", "__weakref__")],
    )


def generators() -> list[Any]:
    """Return the states of Python's and NumPy's own random generators."""
    return [random.getstate(), np.random.get_state()]
