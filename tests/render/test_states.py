"""Fingerprints of a scene's state: equal for equal things, other for anything that could make another frame."""

from __future__ import annotations

import random
import threading
import types
from collections import deque
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from manim import Dot, Square, SVGMobject, Text, Typst, VGroup, tempconfig

from vizkit.render.states import Fingerprint

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


def of(thing, codes=True):
    return Fingerprint(codes=codes).add("thing", thing).hex()


@given(plain, plain)
def test_plain_things_have_one_fingerprint_exactly_when_they_are_written_alike(first, second):
    assert (of(first) == of(second)) == (repr(first) == repr(second))


def loaded(text, name="thing"):
    """Return something from a module made of a text, as a scene's file is."""
    module = types.ModuleType("scene_file_of_a_test")
    module.__file__ = __file__
    exec(compile(text, "scene.py", "exec"), vars(module))
    return vars(module)[name]


PAIRS = {
    "an array's value": (np.arange(3.0), np.arange(3.0) + 1e-15),
    "an array's shape": (np.zeros((2, 3)), np.zeros((3, 2))),
    "an array's kind": (np.zeros(2), np.zeros(2, dtype=int)),
    "one number of a large array": (np.zeros((300, 200)), np.eye(1, 60_000, 31_007).reshape(300, 200)),
    "all rows of a large array": (np.ones((300, 200)), np.tile(np.eye(1, 200), (300, 1))),
    "how many rows a large array has": (np.ones((300, 200)), np.ones((301, 200))),
    "an array that begins as another": (np.arange(9.0), np.arange(9.0)[:8]),
    "where one of two arrays ends": ([np.zeros(2), np.zeros(1)], [np.zeros(1), np.zeros(2)]),
    "minus zero": (0.0, -0.0),
    "a number and its text": (1, "1"),
    "a tuple and a list": ((1, 2), [1, 2]),
    "a set": ({1, 2}, {1, 3}),
    "a queue": (deque([1]), deque([2])),
    "a bound argument": (partial(max, 1), partial(max, 2)),
    "a place": (Dot(), Dot().shift([0, 1e-9, 0])),
    "a colour": (Dot(), Dot(color="#ff0001")),
    "an inner mobject": (VGroup(Dot(), Square()), VGroup(Dot(), Square(side_length=1.5))),
    "an updater": (Dot(), Dot().add_updater(lambda mobject: mobject)),
    "random numbers": (random.Random(1), random.Random(2)),
    "NumPy's random numbers": (np.random.default_rng(1), np.random.default_rng(2)),
    "a function's code": (loaded("def thing(): return 1"), loaded("def thing(): return 2")),
    "a default": (loaded("def thing(a=1): return a"), loaded("def thing(a=2): return a")),
    "a global variable": (loaded("g = 1\ndef thing(): return g"), loaded("g = 2\ndef thing(): return g")),
    "a function that is called": (
        loaded("def inner(): return 1\ndef thing(): return inner()"),
        loaded("def inner(): return 2\ndef thing(): return inner()"),
    ),
    "a method that is called": (
        loaded("class A:\n    def m(self): return 1\ndef thing(a): return a.m()"),
        loaded("class A:\n    def m(self): return 2\ndef thing(a): return a.m()"),
    ),
    "an object's own method": (
        loaded("class A:\n    def m(self): return 1\nthing = A()"),
        loaded("class A:\n    def m(self): return 2\nthing = A()"),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_what_differs_is_told_apart(name):
    first, second = PAIRS[name]
    assert of(first) != of(second)
    assert of(first) == of(first) and of(second) == of(second)


def test_how_an_equal_thing_came_about_makes_no_difference():
    text = "".join(["some", "thing"])  # not the same object as the literal, nor interned
    assert of({"something": ["something", 2**70]}) == of({text: [text, 2**69 * 2]})
    columns = np.asfortranarray(np.arange(60_000.0).reshape(300, 200))
    assert of(columns) == of(np.ascontiguousarray(columns))


@pytest.mark.parametrize("make", [Text, Typst])
def test_a_text_is_the_same_whichever_folder_its_outlines_lie_in(make, tmp_path):
    """That folder is another one on each computer and in each call, and its files count what was made before."""

    def made(folder, *texts):
        with tempconfig({"media_dir": str(tmp_path / folder)}):
            return [make(text) for text in texts][-1]

    first, second, other = made("a", "one"), made("b", "before", "one"), made("c", "two")
    assert isinstance(first, SVGMobject) and first.file_name != second.file_name
    for codes in (True, False):
        assert of(first, codes) == of(second, codes) != of(other, codes)


def test_two_things_that_are_one_are_told_from_two_alike():
    one = Dot()
    assert of([one, one]) != of([Dot(), Dot()])
    ring = [1]
    ring.append(ring)
    assert of(ring) == of(ring)


def test_a_generator_counts_with_how_far_it_is():
    def count():
        yield from range(3)

    first, second = count(), count()
    assert of(first) == of(second)
    next(second)
    assert of(first) != of(second)


def test_remarks_and_lines_that_are_moved_make_no_difference():
    assert of(loaded("def thing(): return 1")) == of(loaded("\n\n# a remark\ndef thing():\n    return 1  # one"))


def test_code_counts_only_where_it_is_asked_for():
    first, second = loaded("def thing(): return 1"), loaded("def thing(): return 2")
    assert of(first, codes=False) == of(second, codes=False)


@pytest.mark.parametrize("unknown", [threading.Lock(), {Dot()}])
def test_what_cannot_be_taken_in_is_known_to_be_missing(unknown):
    found = Fingerprint(codes=True).add("thing", [1, unknown])
    assert not found.complete and Fingerprint(codes=True).add("thing", [1]).complete


def test_too_much_is_known_to_be_too_much():
    assert not Fingerprint(codes=True).add("thing", [[number] for number in range(500_000)]).complete
