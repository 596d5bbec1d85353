"""Update: a step of the last bias, then again, until the curve rests on the data."""

from __future__ import annotations

from vizkit.stories import backprop_terms as write
from vizkit.stories.backprop_scene import Scene, lit, note
from vizkit.stories.story import Beat
from vizkit.views.text import count, quantity, sentence

__all__ = ["ending", "later_steps", "update"]


def _fit(scene: Scene, index: int):
    return scene.fit(scene.state(index), curve=True, residuals=True)


def update(scene: Scene) -> list[Beat]:
    """Return the first update and what it does to the curve."""
    state, step, after = scene.start, scene.update(0), scene.state(1)
    number = note("gradient", "bias:2:0", state.slope("b3"), "gradient")
    rate, moves = quantity("learning rate", step.rate, 1), "rises" if step.after > step.before else "sinks"
    who = "Only the last bias learns here: it" if scene.alone else "Every parameter learns; the last bias"
    return [
        Beat(
            name="update",
            place=f"update · step {count(step.step)}",
            board=scene.board(scene.network(state, notes=(number,)), _fit(scene, 0)),
            caption=sentence(f"{who} steps against its derivative, times {{rate}}.", rate=rate),
            equation=write.update_rule(step),
            focus=lit("bias:2:0", "gradient", "unit:2:0"),
        ),
        Beat(
            name="raised",
            place=f"forward · step {count(after.step)}",
            board=scene.board(scene.network(after), _fit(scene, 1)),
            caption=sentence(
                f"The whole curve {moves} by as much, and the SSR goes from {{before}} to {{after}}.",
                before=quantity("ssr before", state.ssr),
                after=quantity("ssr", after.ssr),
            ),
            equation=write.ssr_sum(after),
            focus=("fit/*", *lit("bias:2:0", "loss", "loss:name", "loss:value", "unit:2:*")),
        ),
    ]


def later_steps(scene: Scene) -> list[Beat]:
    """Return the steps after the first: two in full, the others in one beat."""
    said = (
        "Forward, backward, update again: a gentler slope makes a shorter step.",
        "And again: nobody shortens the steps, the fading slope does.",
    )
    shown = range(1, min(3, len(scene.trace.steps) - 1))
    return [_again(scene, index, said[index - 1]) for index in shown]


def _again(scene: Scene, index: int, said: str) -> Beat:
    state, step = scene.state(index), scene.update(index)
    number = note("gradient", "bias:2:0", state.slope("b3"), "gradient")
    return Beat(
        name=f"step-{step.step}",
        place=f"backward and update · step {count(step.step)}",
        board=scene.board(scene.network(state, notes=(number,)), _fit(scene, index)),
        caption=sentence(said),
        equation=write.update_rule(step),
        focus=("fit/*", *lit("bias:2:0", "gradient", "loss", "loss:name", "loss:value")),
    )


def ending(scene: Scene) -> list[Beat]:
    """Return the remaining steps as one row of numbers, and what was reached."""
    last = scene.state(-1)
    number = note("gradient", "bias:2:0", last.slope("b3"), "gradient")
    shown = scene.board(scene.network(last, notes=(number,)), _fit(scene, -1))
    states = [scene.state(index) for index in range(len(scene.trace.steps))]
    values = [quantity(f"b3[{state.step}]", state.values["b3"]) for state in states]
    middle = scene.state(min(3, len(scene.trace.steps) - 1))
    return [
        Beat(
            name="more-steps",
            place=f"update · steps {count(middle.step)} to {count(last.step)}",
            board=shown,
            caption=sentence("The steps shrink until the derivative is almost zero: this is the bottom."),
            equation=write.walk(values),
            focus=("fit/curve*", *lit("bias:2:0", "gradient")),
        ),
        Beat(
            name="closing",
            place=f"update · after {count(last.step)} steps",
            board=scene.board(scene.network(last), _fit(scene, -1)),
            caption=sentence(
                "At a last bias of {b3} the curve lies on the data, and the SSR is {ssr}.",
                b3=last.number("b3"),
                ssr=quantity("ssr", last.ssr),
            ),
            equation=write.ssr_sum(last),
        ),
    ]
