"""Backward: the chain rule for the last bias, then for a weight of the first layer, then for every parameter."""

from __future__ import annotations

import fnmatch

from vizkit.stories import backprop_terms as write
from vizkit.stories.backprop_scene import FIRST_EDGES, LOSS_EDGE, SECOND_EDGES, Scene, lit, note
from vizkit.stories.story import Beat, Pulse
from vizkit.views.equation import Equation
from vizkit.views.network import Note
from vizkit.views.text import count, sentence, tally

__all__ = ["all_derivatives", "first_weight", "last_bias", "other_parameters"]

BACK = Pulse((LOSS_EDGE,), "gradient", backward=True)
UPPER = ("edge:1:0:0", "edge:2:0:0")


def _board(scene: Scene, *notes: Note, **options: object):
    network = scene.network(scene.start, notes=notes, **options)
    return scene.board(network, scene.fit(scene.start, curve=True, residuals=True))


def last_bias(scene: Scene) -> list[Beat]:
    """Return the chain rule for the last bias, factor by factor, with its sum."""
    state, terms = scene.start, scene.terms
    place = f"backward · step {count(state.step)} · the last bias"
    arrived = note("gradient", "loss", terms.by_output, "gradient")
    moves = "rises" if state.gradients["b3"] < 0 else "sinks"
    whole = note("gradient", "bias:2:0", state.slope("b3"), "gradient")
    return [
        Beat(
            name="question",
            place=place,
            board=_board(scene),
            caption=sentence("Backward: how does the SSR change when the last bias grows a little?"),
            equation=write.bias_factors(),
            focus=lit("bias:2:0", "unit:2:*", "loss*"),
        ),
        Beat(
            name="by-output",
            place=place,
            board=_board(scene, arrived),
            caption=sentence("First factor: each prediction moves the SSR by minus twice its residual."),
            equation=write.output_slope(terms),
            focus=(*lit("loss*", "gradient"), f"fit/residual:{scene.sample}*"),
        ),
        Beat(
            name="by-bias",
            place=place,
            board=_board(scene, arrived),
            caption=sentence("Second factor: the bias is just added, so the output moves exactly with it."),
            equation=write.bias_slope(),
            focus=lit("bias:2:0", "unit:2:*", "gradient"),
            motion=(BACK,),
        ),
        Beat(
            name="bias-sum",
            place=place,
            board=_board(scene, whole),
            caption=sentence(f"The products, added over the samples: the SSR falls when the bias {moves}."),
            equation=write.bias_chain(state),
            focus=(*lit("bias:2:0", "gradient", "loss:edge:*", "unit:2:*"), "fit/residual*"),
            motion=(BACK,),
        ),
    ]


def first_weight(scene: Scene) -> list[Beat]:
    """Return the chain rule for the first weight, through the whole network."""
    terms, at = scene.terms, "gradient"
    arrived = note(at, "loss", terms.by_output, "gradient")
    chain = [
        ("through-weight", "Back along the upper path: times the second weight.", write.through_weight(terms),
         note(at, UPPER[1], terms.by_unit(0), "gradient"), (), (UPPER[1] + "*", "unit:1:0")),
        ("through-activation", "Through the unit: times the slope of its activation where it stands.",
         write.through_activation(terms), note(at, "unit:1:0", terms.by_sum(0), "gradient"),
         ("unit:1:0",), ("unit:1:0*",)),
        ("through-input", "Last factor: what the weight was multiplied by, the dosage.", write.through_input(terms),
         note(at, UPPER[0], terms.by_weight(0), "gradient"), ("unit:1:0",), (UPPER[0] + "*", "unit:0:*")),
    ]  # fmt: skip
    first = Beat(
        name="weight-question",
        place=_first(scene),
        board=_board(scene, arrived),
        caption=sentence("For the first weight the chain runs back through the whole network."),
        equation=write.path_factors(),
        focus=lit(*(edge + "*" for edge in UPPER), "unit:0:*", "unit:1:0*", "unit:2:*", "loss*", "gradient"),
        motion=(BACK, *(Pulse(lit(edge), "gradient", backward=True) for edge in reversed(UPPER))),
    )
    return [first, *(_link(scene, *link) for link in chain), _weight_sum(scene)]


def _first(scene: Scene) -> str:
    return f"backward · step {count(scene.start.step)} · the first weight"


def _link(
    scene: Scene,
    name: str,
    said: str,
    formula: Equation,
    number: Note,
    tangents: tuple[str, ...],
    focus: tuple[str, ...],
) -> Beat:
    """Return the beat of one factor of the chain."""
    edge = number.at if number.at.startswith("edge:") else ""
    return Beat(
        name=name,
        place=_first(scene),
        board=_board(scene, number, tangents=tangents),
        caption=sentence(said),
        equation=formula,
        focus=lit(*focus, "gradient"),
        motion=(Pulse(lit(edge), "gradient", backward=True),) if edge else (),
    )


def _weight_sum(scene: Scene) -> Beat:
    state = scene.start
    zero = "; a dosage of zero adds nothing" if 0.0 in state.x else ""
    return Beat(
        name="weight-sum",
        place=_first(scene),
        board=_board(scene, note("gradient", UPPER[0], state.slope("w1"), "gradient")),
        caption=sentence(f"The parts of all samples add up{zero}."),
        equation=write.path_chain(state),
        focus=lit(UPPER[0] + "*", "gradient", "unit:0:*"),
    )


def other_parameters(scene: Scene) -> list[Beat]:
    """Return the chains of the other parameters; what has been found stays at its place."""
    state, found = scene.start, ("bias:2:0", "edge:1:0:0")
    second, biases, lower = ("edge:2:*",), ("bias:1:*",), ("edge:1:0:1",)
    return [
        _shorter(
            scene, "the second weights", "Their last factor is what they multiply: the value of the unit.",
            write.second_weights(state), (*found, *second),
        ),
        _shorter(
            scene, "the first biases", "A bias is just added, so the gradient at the sum is its own, unchanged.",
            write.first_biases(state), (*found, *second, *biases),
        ),
        _shorter(
            scene, "the lower first weight", "The lower path goes like the upper one, with its own factors.",
            write.path_chain(state, 1), (*found, *second, *biases, *lower),
        ),
    ]  # fmt: skip


def _shorter(scene: Scene, what: str, said: str, formula: Equation, found: tuple[str, ...]) -> Beat:
    """Return the beat of a chain like one that was told; the last of what has been found is what it finds."""
    edges = fnmatch.filter((*FIRST_EDGES, *SECOND_EDGES), f"*/{found[-1]}")
    return Beat(
        name=what.removeprefix("the ").replace(" ", "-") + "-back",
        place=f"backward · step {count(scene.start.step)} · {what}",
        board=_board(scene, gradients=found),
        caption=sentence(said),
        equation=formula,
        focus=lit(f"{found[-1]}*"),
        motion=(Pulse(tuple(edges), "gradient", backward=True),) if edges else (),
    )


def all_derivatives(scene: Scene) -> Beat:
    """Return the beat that shows every derivative at its parameter."""
    state = scene.start
    return Beat(
        name="all-derivatives",
        place=f"backward · step {count(state.step)} · all parameters",
        board=_board(scene, gradients=True),
        caption=sentence(
            "One pass backward has found all {n} derivatives.",
            n=tally("parameters", len(state.values)),
        ),
        focus=lit("edge:*", "bias:*"),
        motion=(BACK, *(Pulse(edges, "gradient", backward=True) for edges in (SECOND_EDGES, FIRST_EDGES))),
    )
