"""Forward: one sample through the network with every value, the other samples, the curve, the residuals."""

from __future__ import annotations

from typing import Any

from vizkit.stories import backprop_terms as write
from vizkit.stories.backprop_run import State
from vizkit.stories.backprop_scene import FIRST_EDGES, FORWARD, SECOND_EDGES, Scene, lit, note
from vizkit.stories.backprop_terms import Terms
from vizkit.stories.story import Beat, Pulse
from vizkit.views.text import count, sentence, tally

__all__ = ["forward", "overview", "residuals"]

INPUT = ("unit:0:*",)


def overview(scene: Scene) -> list[Beat]:
    """Return the opening: the data, and the network that shall learn them."""
    state = scene.start
    empty = scene.network(state, known=())
    parameters = tally("parameters", len(state.values))
    return [
        Beat(
            name="task",
            place="overview",
            board=scene.board(empty, scene.fit(state)),
            caption=sentence("The task: find a curve through {n} observed effects.", n=tally("samples", len(state.x))),
            focus=("fit/*",),
        ),
        Beat(
            name="network",
            place="overview",
            board=scene.board(empty, scene.fit(state)),
            caption=sentence(
                "The network has {n} parameters: a weight on each line, a bias at each unit.", n=parameters
            ),
            focus=("network/*",),
        ),
    ]


def forward(scene: Scene) -> list[Beat]:
    """Return the followed sample's way through the network, then the other samples and the curve."""
    others = [sample for sample in range(len(scene.start.x)) if sample != scene.sample]
    return [
        *_upper_path(scene),
        _lower_path(scene),
        *_output(scene),
        *(_other_sample(scene, sample, others) for sample in others),
        *_curve(scene),
    ]


def _beat(scene: Scene, name: str, said: str, focus: tuple[str, ...], **options: Any) -> Beat:
    """Return a beat of the followed sample's way; further options are those of the network's view."""
    terms, rest = scene.terms, {key: options.pop(key) for key in ("equation", "motion") if key in options}
    fit = scene.fit(scene.start, computed=options.pop("computed", ()))
    place = _place(scene.start, scene.sample)
    shown = scene.board(scene.network(scene.start, **options), fit)
    fields = {"x": terms.x, "b3": scene.start.number("b3")}
    caption = sentence(said, **{key: value for key, value in fields.items() if f"{{{key}}}" in said})
    return Beat(name=name, place=place, board=shown, caption=caption, focus=focus, **rest)


def _place(state: State, sample: int) -> str:
    return f"forward · step {count(state.step)} · sample {count(sample + 1)} of {count(len(state.x))}"


def _upper_path(scene: Scene) -> list[Beat]:
    terms, at = scene.terms, "edge:1:0:0"
    product, total = (note("upper", at, number, "activation") for number in (terms.product(0), terms.total(0)))
    run = (Pulse(lit(at), "activation"),)
    return [
        _beat(
            scene, "input", "Forward: follow one sample through the network, the dosage {x}.",
            lit("unit:0:*", "title:0"), known=INPUT,
        ),
        _beat(
            scene, "times-weight", "On the upper path it is multiplied by the first weight.",
            lit("unit:0:*", f"{at}*", "upper"),
            known=INPUT, notes=(product,), motion=run, equation=write.multiplied(terms),
        ),
        _beat(
            scene, "plus-bias", "The unit adds its bias to the product.",
            lit("bias:1:0", "upper", "unit:1:0"), known=INPUT, notes=(total,), equation=write.shifted(terms),
        ),
        _beat(
            scene, "activation", "The activation bends the sum; the point shows where on its curve we are.",
            lit("unit:1:0*", "title:1"), known=(*INPUT, "unit:1:0"), equation=write.activated(terms),
        ),
    ]  # fmt: skip


def _lower_path(scene: Scene) -> Beat:
    edge = "edge:1:0:1"
    return _beat(
        scene,
        "lower-path",
        "The lower path does the same, with a weight and a bias of its own.",
        lit("unit:0:*", f"{edge}*", "bias:1:1", "unit:1:1*"),
        known=(*INPUT, "unit:1:*"),
        motion=(Pulse(lit(edge), "activation"),),
        equation=write.lower_path(scene.terms),
    )


def _output(scene: Scene) -> list[Beat]:
    terms = scene.terms
    notes = tuple(note(f"share:{path}", f"edge:2:{path}:0", terms.share(path), "activation") for path in (0, 1))
    return [
        _beat(
            scene, "second-weights", "Each path is multiplied by its second weight.",
            lit("unit:1:*", "edge:2:*", "share:*"), known=(*INPUT, "unit:1:*"),
            notes=notes, motion=(Pulse(SECOND_EDGES, "activation"),), equation=write.scaled(terms),
        ),
        _beat(
            scene, "output", "The output adds both paths and the last bias, which starts at {b3}.",
            (*lit("unit:2:*", "title:2", "bias:2:0", "share:*"), f"fit/prediction:{scene.sample}*"),
            known=FORWARD, notes=notes, computed=(scene.sample,), equation=write.summed(terms),
        ),
    ]  # fmt: skip


def _other_sample(scene: Scene, sample: int, others: list[int]) -> Beat:
    """Return the beat of another sample, with the predictions made so far."""
    state, terms = scene.start, Terms(scene.start, sample)
    seen = (scene.sample, *others[: others.index(sample) + 1])
    return Beat(
        name=f"sample-{sample + 1}",
        place=_place(state, sample),
        board=scene.board(scene.network(state, sample, known=FORWARD), scene.fit(state, computed=seen)),
        caption=sentence("The dosage {x} goes the same way.", x=terms.x),
        equation=write.summed(terms),
        focus=(*lit("unit:*", "edge:*"), f"fit/prediction:{sample}*"),
        motion=(Pulse(FIRST_EDGES, "activation"), Pulse(SECOND_EDGES, "activation")),
    )


def _curve(scene: Scene) -> list[Beat]:
    state = scene.start
    place = f"forward · step {count(state.step)} · the curve"
    network = scene.network(state, known=FORWARD)
    return [
        Beat(
            name="paths",
            place=place,
            board=scene.board(network, scene.fit(state, paths=True)),
            caption=sentence("Over all dosages, each path draws a bent curve of its own."),
            focus=("fit/path:*", *lit("unit:1:*", "edge:*")),
        ),
        Beat(
            name="sum",
            place=place,
            board=scene.board(network, scene.fit(state, paths=True, curve=True)),
            caption=sentence("Added up, with the last bias, they are the network's curve."),
            equation=write.whole(state),
            focus=("fit/path:*", "fit/curve*", *lit("unit:2:*", "bias:2:0")),
        ),
    ]


def residuals(scene: Scene) -> list[Beat]:
    """Return the beats that compare the curve with the data."""
    state = scene.start
    place = f"residuals · step {count(state.step)}"
    fit = scene.fit(state, curve=True, residuals=True)
    return [
        Beat(
            name="residuals",
            place=place,
            board=scene.board(scene.network(state, known=FORWARD), fit),
            caption=sentence("A residual is observed minus predicted: how far the curve misses each point."),
            equation=write.compared(scene.terms),
            focus=("fit/*", *lit("unit:2:*", "loss:target")),
        ),
        Beat(
            name="ssr",
            place=place,
            board=scene.board(scene.network(state), fit),
            caption=sentence("Squared and added up, they say in one number how wrong the network is."),
            equation=write.ssr_sum(state),
            focus=("fit/residual*", *lit("loss", "loss:name", "loss:value", "loss:edge:*", "unit:2:*")),
            motion=(Pulse(lit("loss:edge:0"), "loss"),),
        ),
    ]
