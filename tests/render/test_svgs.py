"""Drawings that are read without a file are those that manim reads."""

from __future__ import annotations

import numpy as np
from manim import SVGMobject, Text, tempconfig

from vizkit.render.svgs import in_memory

DRAWING = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" fill="#f00" width="90">
<defs><path id="p" d="M0 0 C 1 2 3 4 5 6 L 9 1 Z"/></defs><g id="ä" stroke="blue" transform="rotate(20)">
<use xlink:href="#p"/><circle r="3"/><rect x="2" width="4" height="5" rx="1" fill-opacity="0.5"/></g>
<text>left out &amp; so on</text></svg>"""


def described(mobject):
    return [
        (each.points.tolist(), each.get_fill_rgbas().tolist(), each.get_stroke_rgbas().tolist())
        for each in mobject.get_family()
    ]


def test_drawings_and_texts_are_manims(tmp_path):
    path = tmp_path / "drawing.svg"
    path.write_text(DRAWING, encoding="utf-8")
    with tempconfig({"media_dir": str(tmp_path), "text_dir": str(tmp_path)}):
        made = [
            lambda: SVGMobject(path, use_svg_cache=False),
            lambda: Text("Größe <1>", use_svg_cache=False),
        ]
        wanted = [make() for make in made]
        files = sorted(tmp_path.iterdir())
        with in_memory():
            found = [make() for make in made]
        assert sorted(tmp_path.iterdir()) == files
    assert [described(each) for each in found] == [described(each) for each in wanted]
    assert found[0].id_to_vgroup_dict.keys() == wanted[0].id_to_vgroup_dict.keys()
    assert all(np.isfinite(each.points).all() and len(each.get_family()) > 3 for each in found)


def test_afterwards_manim_is_as_it_was():
    before = SVGMobject.generate_mobject
    with in_memory():
        assert SVGMobject.generate_mobject is not before
    assert SVGMobject.generate_mobject is before
