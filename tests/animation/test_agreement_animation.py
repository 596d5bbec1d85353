"""What is read back from the mobjects is what the beats say."""

from __future__ import annotations

import numpy as np
import pytest
from legibility_animation import faults
from samples import Machine, sample_story

from vizkit.animation import read
from vizkit.animation.mobjects import CurveMobject, FormulaMobject, ImageMobject, TextMobject
from vizkit.animation.picturing import settled
from vizkit.animation.reading import unplaced
from vizkit.errors import RenderError
from vizkit.theme import get
from vizkit.views.board import Box, Placement
from vizkit.views.marks import Curve, points
from vizkit.views.picture import PLOT, Axis, Picture

STORY = sample_story()


def of_kind(mobjects, kind):
    return [each for each in mobjects if isinstance(each, kind)]


def shown(beat=STORY.beats[0], theme="dark"):
    return settled(STORY, beat, theme)


@pytest.mark.parametrize("beat", STORY.beats, ids=lambda beat: beat.name)
def test_every_number_of_a_beat_is_read_back(beat):
    found, said = read(shown(beat)), beat.quantities()
    assert set(found) == set(said)
    for name, value in said.items():
        limit = 1 / 64 if name == "machine/image" else 0.005  # an image has 64 levels, a text two digits
        assert np.allclose(found[name], value, atol=limit + 1e-12), name
    curve = next(mark for mark in beat.board.panels[1].view.picture.marks if mark.key == "curve")
    assert np.allclose(found["loss/curve"], curve.points, atol=1e-9)


def test_a_moved_curve_is_noticed():
    mobjects = shown()
    curve = next(each for each in of_kind(mobjects, CurveMobject) if each.item.name == "loss/curve")
    curve.shift([0.1, 0, 0])
    assert not np.allclose(read(mobjects)["loss/curve"], STORY.beats[0].quantities()["loss/curve"], atol=0.01)


def test_a_wrong_text_a_wrong_width_and_a_wrong_equation_are_noticed():
    mobjects = shown()
    text = next(each for each in of_kind(mobjects, TextMobject) if each.item.name == "machine/weight:text")
    text.text = "× 1.51"
    assert read([text])["machine/weight"] == 1.51
    text.text = "1.50"
    with pytest.raises(RenderError, match="should stand"):
        read([text])
    weight = next(each for each in of_kind(mobjects, CurveMobject) if each.item.name == "machine/weight")
    weight.set_stroke(width=1)
    with pytest.raises(RenderError, match="wide"):
        read([weight])
    formula = of_kind(mobjects, FormulaMobject)[0]
    formula.typst = formula.typst.replace("3.00", "2.00")
    with pytest.raises(RenderError, match=r"3\.00"):
        read([formula])


def test_an_image_is_read_from_where_its_cells_are():
    image = of_kind(shown(), ImageMobject)[0]
    image.submobjects[-1].shift([0, -0.5, 0])
    assert not np.allclose(next(iter(read([image]).values())), [[0.0, 1.0], [0.5, 0.25]], atol=0.05)


def test_data_points_come_back_from_the_stage_on_log_axes_too():
    log = Axis("rate", 1e-3, 10.0, (1e-3, 10.0), ("0.001", "10"), "log")
    line = Axis("loss", -2.0, 6.0, (0.0,), ("0",))
    data = points([1e-3, 0.02, 10.0], [-2.0, 0.3, 5.5])
    curve = Curve(key="c", points=data)
    picture = Picture(size=(700, 576), bounds=(1e-3, 10.0, -2.0, 6.0), marks=(curve,), x=log, y=line, margins=PLOT)
    placement = Placement(picture, Box(100, 300, 500, 500))
    staged = np.array([placement.point(x, y) for x, y in data])
    assert np.allclose(unplaced(staged, placement), data, rtol=1e-9)


def test_only_one_shape_stands_for_a_label_and_for_each_colour_of_an_equation():
    mobjects = shown()
    assert all(not text.submobjects for text in of_kind(mobjects, TextMobject))
    assert len(of_kind(mobjects, FormulaMobject)[0].submobjects) == 2  # ink and the gradient's colour


def test_every_kind_of_mark_is_on_the_stage():
    kinds = {type(each.item.mark).__name__ for each in shown()}
    assert kinds == {"Text", "Curve", "Dot", "Disc", "Cell", "Arrow", "Image", "Formula"}
    assert {type(mark).__name__ for mark in Machine(1.0).picture.marks} <= kinds


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_sample_can_be_read(theme):
    assert faults(shown(STORY.beats[0], theme), get(theme).ground) == []


def test_each_fault_is_found():
    mobjects, ground = shown(), get("dark").ground
    named = {each.item.name: each for each in mobjects}
    title, cell, slope = named["title"], named["machine/cell#words"], named["loss/slope"]
    title.shift([-2, 0, 0])
    cell.set_fill("#804040")
    slope.scale(0.9)
    found = " ".join(faults(mobjects, ground))
    assert "'Sample story' leaves" in found and "'−0.50' has contrast" in found and "'slope 3.00' is" in found
    title.move_to(named["place:step 0"])
    assert "overlap" in " ".join(faults(mobjects, ground))
