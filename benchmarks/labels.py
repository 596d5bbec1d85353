"""Set-up of numbers on screen: vizkit's labels against manim's own, as ratios in one run.

usage: python benchmarks/labels.py [--numbers N] [--repeat R]

Builds N different numbers as mobjects at a scene's start: with vizkit (`mobject` of a text
item), with manim's ``Text``, and with its ``DecimalNumber(mob_class=Text)``. Each is made in
processor time, the best of R runs, with manim's caches of glyphs on disk warm, which is its
best case; vizkit reads its font anew in every run, which is its worst. The second figure is a
number that counts through one frame.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable

from manim import DecimalNumber, Text, tempconfig

from vizkit.animation import glyphs
from vizkit.animation.items import Item, rgb
from vizkit.animation.mobjects import mobject
from vizkit.views import marks
from vizkit.views.text import quantity, words

WHITE, BLACK = rgb("#ffffff"), rgb("#000000")


def item(value: float) -> Item:
    """Return a number as an item on the stage."""
    mark = marks.Text(key="number", words=words(quantity("number", value)), x=960.0, y=540.0)
    return Item("number", mark, WHITE, BLACK, BLACK)


def ours(values: list[float]) -> None:
    """Build the numbers with vizkit, the font and all outlines read anew."""
    glyphs.face.cache_clear()
    glyphs.run.cache_clear()
    for value in values:
        mobject(item(value))


def texts(values: list[float]) -> None:
    """Build the numbers with manim's Text."""
    for value in values:
        Text(f"{value:.2f}")


def decimals(values: list[float]) -> None:
    """Build the numbers with manim's DecimalNumber of Text."""
    for value in values:
        DecimalNumber(value, mob_class=Text)


def counting(values: list[float]) -> Callable[[], None]:
    """Return a function that shows the numbers one after the other in one vizkit label."""
    label = mobject(item(0.0))

    def count() -> None:
        for value in values:
            label.show(item(value))

    return count


def counting_decimals(values: list[float]) -> Callable[[], None]:
    """Return a function that shows the numbers one after the other in one manim DecimalNumber."""
    label = DecimalNumber(0.0, mob_class=Text)

    def count() -> None:
        for value in values:
            label.set_value(value)

    return count


def best(action: Callable[[], object], repeat: int) -> float:
    """Return the least processor time of several runs, in seconds."""
    times = []
    for _ in range(repeat):
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return min(times)


def report(name: str, seconds: float, reference: float, count: int) -> None:
    """Print one row."""
    print(f"{name:<42}{1000 * seconds:>10.1f} ms{1e6 * seconds / count:>10.0f} µs each{seconds / reference:>9.1f} ×")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--numbers", type=int, default=500)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    values = [37.0 * at / options.numbers - 15.66 for at in range(options.numbers)]
    with tempfile.TemporaryDirectory() as folder, tempconfig({"media_dir": folder, "verbosity": "ERROR"}):
        own = best(lambda: ours(values), options.repeat)
        print(f"set-up of {options.numbers} numbers")
        report("vizkit", own, own, options.numbers)
        for name, action in (("manim Text", texts), ("manim DecimalNumber(mob_class=Text)", decimals)):
            report(name, best(lambda action=action: action(values), options.repeat), own, options.numbers)
        own = best(counting(values), options.repeat)
        print("one number counting, per frame")
        report("vizkit", own, own, options.numbers)
        report("manim DecimalNumber(mob_class=Text)", best(counting_decimals(values), 1), own, options.numbers)


if __name__ == "__main__":
    main()
