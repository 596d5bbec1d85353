"""Every exhibit in every medium: it shows what was computed, it can be read, its code runs."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from shown import differences, drawn_weights, texts_of, texts_of_beat

from vizkit import exhibits
from vizkit.errors import UnknownNameError
from vizkit.stories.story import Story
from vizkit.views.equation import Expr, Value, parts
from vizkit.views.picture import View

ALL = [exhibit.name for exhibit in exhibits.all_exhibits()]
FIGURES = [exhibit.name for exhibit in exhibits.all_exhibits() if exhibit.figure]
STORIES = [exhibit.name for exhibit in exhibits.all_exhibits() if exhibit.story]
NEED_DIGITS = {"kernels", "feature_maps", "training_curves"}


@cache
def view_of(name: str) -> View:
    if name in NEED_DIGITS:
        pytest.importorskip("sklearn")
    return exhibits.get(name).make_view()


@cache
def story_of(name: str) -> Story:
    return exhibits.get(name).make_story()


def values(expr: Expr) -> list[Value]:
    return [part for part in parts(expr) if isinstance(part, Value)]


def beats() -> list[Any]:
    return [
        pytest.param(name, beat.name, id=f"{name}-{beat.name}") for name in STORIES for beat in story_of(name).beats
    ]


def test_the_exhibits_of_the_first_issue_are_all_there() -> None:
    assert set(ALL) >= {
        "weight_bias", "activations", "activation_gradients", "ssr_curve", "backprop", "gradient_descent",
        "convolution", "feature_maps", "kernels", "training_curves", "o_vs_x",
    }  # fmt: skip
    with pytest.raises(UnknownNameError, match="backprop"):
        exhibits.get("backprob")


@pytest.mark.parametrize("ground", ["light", "dark"])
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_shows_what_was_computed_and_can_be_read(name: str, ground: str) -> None:
    from legibility_plots import faults

    from vizkit import plots

    view = view_of(name)
    figure = plots.figure(view, theme=ground)
    expected = {key: value for key, value in view.quantities().items() if key not in drawn_weights(view.picture)}
    texts = texts_of(view.picture)
    expected |= {key: value for key, value in view.quantities().items() if key in texts}
    assert list(differences(expected, plots.read(figure), texts, arrays=1e-12)) == []
    assert faults(figure) == []


@pytest.mark.parametrize("name", STORIES)
def test_a_poster_can_be_read(name: str) -> None:
    from legibility_plots import faults

    from vizkit import plots

    exhibit = exhibits.get(name)
    for ground in ("light", "dark"):
        assert faults(plots.figure(exhibits.poster(exhibit), ground, title=exhibit.title)) == []


@pytest.mark.parametrize(("name", "beat"), beats())
def test_a_beat_as_a_slide_shows_what_was_computed(name: str, beat: str) -> None:
    from vizkit import plots

    told = story_of(name).beat(beat)
    texts = texts_of_beat(told)
    weights = drawn_weights(told) - set(texts)
    expected = {key: value for key, value in told.quantities().items() if key not in weights}
    found = plots.read(plots.figure(told, theme="dark"))
    assert list(differences(expected, found, texts, arrays=1e-12)) == []


@pytest.mark.parametrize("name", STORIES)
def test_a_storyboard_holds_every_beat(name: str) -> None:
    from vizkit import plots

    story = story_of(name)
    written = {text.get_text() for ax in plots.storyboard(story).axes for text in ax.texts}
    for beat in story.beats:
        words = str(beat.caption).split()
        assert any(line.startswith(words[0]) and line.split()[-1] in words for line in written), beat.name


@pytest.mark.parametrize(("name", "beat"), beats())
def test_a_beat_in_the_video_shows_what_was_computed_and_can_be_read(name: str, beat: str) -> None:
    pytest.importorskip("manim")
    from legibility_animation import faults

    from vizkit import animation
    from vizkit.animation.picturing import settled
    from vizkit.theme import DARK

    story = story_of(name)
    told = story.beat(beat)
    mobjects = settled(story, told)
    texts = texts_of_beat(told)
    found = {key: value for key, value in animation.read(mobjects).items() if "/" in key}
    assert list(differences(told.quantities(), found, texts, arrays=1e-6)) == []
    assert faults(mobjects, DARK.ground) == []


@pytest.mark.parametrize("name", ALL)
def test_the_code_beside_an_exhibit_makes_that_exhibit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name in NEED_DIGITS:
        pytest.importorskip("sklearn")
    from matplotlib import pyplot

    from vizkit import plots

    exhibit = exhibits.get(name)
    if not exhibit.story:
        names: dict[str, Any] = {}
        exec(compile(exhibit.code, f"{name}.py", "exec"), names)
        view = view_of(name)
        weights = drawn_weights(view.picture) - set(texts_of(view.picture))
        expected = {key: value for key, value in view.quantities().items() if key not in weights}
        assert list(differences(expected, plots.read(names["ax"]), texts_of(view.picture), arrays=1e-12)) == []
        pyplot.close("all")
        return
    render = pytest.importorskip("vizkit.render")
    told: list[Story] = []
    monkeypatch.setattr(render, "video", lambda story, path: told.append(story))
    exec(compile(exhibit.code, f"{name}.py", "exec"), {})
    for one, other in zip(told[0].beats, story_of(name).beats, strict=True):
        mine, theirs = one.quantities(), other.quantities()
        assert mine.keys() == theirs.keys()
        assert all(np.array_equal(mine[key], theirs[key]) for key in mine)


@pytest.mark.parametrize("name", STORIES)
def test_markdown_says_every_number_of_captions_and_equations(name: str) -> None:
    story = story_of(name)
    text = story.to_markdown()
    for beat in story.beats:
        assert f"\n{beat.caption}\n" in text
        written = [q.quantity.text for t in (beat.equation.terms if beat.equation else ()) for q in values(t.expr)]
        line = text.partition(f"\n{beat.caption}\n")[2].lstrip("\n").partition("\n")[0]
        assert all(number in line for number in written), beat.name
