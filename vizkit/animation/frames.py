"""What is on the stage at one moment, as items: a beat as it has settled, or on its way."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from vizkit.animation.equations import typst_source
from vizkit.animation.items import Formula, Item, rgb, staged
from vizkit.stories.story import Beat, Story
from vizkit.theme import SIZES, Theme
from vizkit.views.axes import axis_marks
from vizkit.views.board import CAPTION, EQUATION, PLACE, TITLE, Board, Panel, Placement
from vizkit.views.colors import Colors, backdrop
from vizkit.views.equation import Equation
from vizkit.views.marks import Arrow, Cell, Curve, Disc, Dot, Image, Mark, Text
from vizkit.views.measure import wrap
from vizkit.views.text import Quantity, Words, words

__all__ = ["Frame", "Stand", "depth", "frame_of", "stand_of"]

LINE_STEP = 1.3  # from one caption line to the next, in em
TOP = 9  # depth of titles and captions, above every mark


@dataclass(frozen=True, slots=True, eq=False)
class Stand:
    """What is on the stage at one moment: of a beat, or of one beat in the light of the next."""

    title: str
    board: Board
    lit: Callable[[str], bool]
    place: str
    caption: Words
    equation: Equation | None


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """The items of one moment by name, from the back to the front."""

    items: dict[str, Item]


def stand_of(story: Story, beat: Beat) -> Stand:
    """Return what is on the stage when a beat has settled."""
    return Stand(story.title, beat.board, beat.lit, beat.place, beat.caption, beat.equation)


def frame_of(stand: Stand, theme: Theme) -> Frame:
    """Return every item that is on the stage."""
    found = [*_heading(stand, theme), *_board(stand, theme), *_equation(stand, theme), *_caption(stand, theme)]
    found.sort(key=lambda item: depth(item.mark))
    return Frame({item.name: item for item in found})


def depth(mark: Mark) -> float:
    """Order of drawing: among the cells of one depth, framed ones come after plain ones, and words last."""
    if isinstance(mark, Cell) and mark.frame:
        return mark.depth + 0.25
    return mark.depth + (0.5 if mark.key.endswith("#words") else 0.0)


# Panels ---------------------------------------------------------------------------------


def _board(stand: Stand, theme: Theme) -> Iterator[Item]:
    boxes = stand.board.boxes()
    for panel in stand.board.panels:
        placement = Placement(panel.view.picture, boxes[panel.name])
        yield from _axes(stand, panel, placement, theme)
        for mark in placement.picture.ordered:
            yield from _painted(_Painter(Colors(theme), stand, panel.name, placement), mark)


def _axes(stand: Stand, panel: Panel, placement: Placement, theme: Theme) -> Iterator[Item]:
    """The axes are lit as long as anything on them is."""
    colors, ground = Colors(theme), rgb(theme.ground)
    lit = any(stand.lit(f"{panel.name}/{mark.key}") for mark in placement.picture.marks)
    for mark in axis_marks(placement):
        is_text = isinstance(mark, Text)
        colour = colors.text(mark.role, theme.ground, lit) if is_text else colors.stroke(mark, lit)
        yield Item(f"{panel.name}/{mark.key}", mark, rgb(colour), ground, ground, placement.scale)


@dataclass(frozen=True, slots=True)
class _Painter:
    """Makes the items of one panel: places its marks and gives them their colours."""

    colors: Colors
    stand: Stand
    panel: str
    placement: Placement

    def lit(self, mark: Mark) -> bool:
        return self.stand.lit(f"{self.panel}/{mark.key}")

    def item(self, mark: Mark, colour: str, fill: str) -> Item:
        name = f"{self.panel}/{mark.key}"
        at = self.placement
        return Item(
            name,
            staged(mark, at),
            rgb(colour),
            rgb(fill),
            rgb(self.colors.theme.ground),
            at.scale,
            source=mark,
            placement=at,
        )


def _text(painter: _Painter, mark: Text) -> Iterator[Item]:
    behind = backdrop(painter.placement.picture, mark)
    fill = painter.colors.theme.ground if behind is None else painter.colors.fill(behind, painter.lit(behind))
    yield painter.item(mark, painter.colors.text(mark.role, fill, painter.lit(mark)), fill)


def _cell(painter: _Painter, mark: Cell) -> Iterator[Item]:
    """A cell, and its words as a text of their own, so that they can count while the cell fades."""
    lit = painter.lit(mark)
    fill = painter.colors.fill(mark, lit)
    yield painter.item(replace(mark, words=None), painter.colors.stroke(mark, lit), fill)
    if mark.words is not None:
        x, y = mark.x + mark.width / 2, mark.y + mark.height / 2
        text = Text(key=f"{mark.key}#words", words=mark.words, x=x, y=y, size=mark.size, depth=mark.depth)
        yield painter.item(text, painter.colors.text("ink", fill, lit), fill)


def _dot(painter: _Painter, mark: Dot) -> Iterator[Item]:
    colour = painter.colors.stroke(mark, painter.lit(mark))
    yield painter.item(mark, colour, painter.colors.theme.ground if mark.hollow else colour)


def _disc(painter: _Painter, mark: Disc) -> Iterator[Item]:
    lit = painter.lit(mark)
    yield painter.item(mark, painter.colors.stroke(mark, lit), painter.colors.fill(mark, lit))


def _image(painter: _Painter, mark: Image) -> Iterator[Item]:
    """An image's two colours are the ends of its map."""
    lit = painter.lit(mark)
    high, low = (painter.colors.share(mark.role, end, mark.signed, lit) for end in (1.0, -1.0))
    yield painter.item(mark, high, low)


def _line(painter: _Painter, mark: Mark) -> Iterator[Item]:
    yield painter.item(mark, painter.colors.stroke(mark, painter.lit(mark)), painter.colors.theme.ground)


_KINDS = {Text: _text, Cell: _cell, Dot: _dot, Disc: _disc, Image: _image, Curve: _line, Arrow: _line}


def _painted(painter: _Painter, mark: Mark) -> Iterator[Item]:
    return _KINDS[type(mark)](painter, mark)


# Heading, equation, caption -------------------------------------------------------------


def _zone_text(name: str, text: Words, at: tuple[float, float], theme: Theme, **look: object) -> Item:
    role = str(look.pop("role", "ink"))
    mark = Text(key=name, role=role, words=text, x=at[0], y=at[1], depth=TOP, **look)
    return Item(name, mark, rgb(theme.color(role)), rgb(theme.ground), rgb(theme.ground), source=mark)


def _heading(stand: Stand, theme: Theme) -> Iterator[Item]:
    title, place = words(stand.title), words(stand.place)
    yield _zone_text("title", title, (TITLE.left, TITLE.middle[1]), theme, ha="left", size="title", bold=True)
    yield _zone_text(
        f"place:{stand.place}", place, (PLACE.left, PLACE.middle[1]), theme, ha="left", size="label", role="muted"
    )


def _equation(stand: Stand, theme: Theme) -> Iterator[Item]:
    if stand.equation is None:
        return
    x, y = EQUATION.middle
    source = typst_source(stand.equation, theme)
    mark = Formula(key="equation", equation=stand.equation, typst=source, x=x, y=y)
    yield Item(f"equation:{source}", mark, rgb(theme.color("ink")), rgb(theme.ground), rgb(theme.ground), source=mark)


def _caption(stand: Stand, theme: Theme) -> Iterator[Item]:
    lines = _lines(stand.caption, wrap(str(stand.caption), SIZES["caption"], CAPTION.width))
    step = LINE_STEP * SIZES["caption"]
    x, y = CAPTION.middle
    top = y + step * (len(lines) - 1) / 2
    for index, line in enumerate(lines):
        name = f"caption:{stand.caption}:{index}"
        yield _zone_text(name, line, (x, top - step * index), theme, size="caption")


def _lines(text: Words, broken: list[str]) -> list[Words]:
    """Return words as the lines that they were broken into, so that their numbers stay numbers."""
    apart = [[]]  # the text's words, each of pieces of text and quantities
    for part in text:
        if isinstance(part, Quantity):
            apart[-1].append(part)
            continue
        first, *others = re.split(r"\s+", part)
        apart[-1].append(first)
        apart.extend([other] for other in others)
    found = iter([word for word in apart if "".join(map(str, word))])
    return [words(*_spaced(list(islice(found, len(line.split()))))) for line in broken]


def _spaced(line: list[list[str | Quantity]]) -> Iterator[str | Quantity]:
    for index, word in enumerate(line):
        yield from ([" ", *word] if index else word)
