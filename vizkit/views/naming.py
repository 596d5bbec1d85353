"""Names that users chose, such as a layer's, made fit for a picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from vizkit.theme import SIZES
from vizkit.views.measure import has_glyph, width

__all__ = ["fitted", "readable", "share_room", "telling_ends"]

UNKNOWN = "?"
CUT = "…"


def readable(name: str) -> str:
    """Return a name with a question mark for each character that the bundled fonts do not have, and single spaces.

    Examples
    --------
    >>> readable("dense_1"), readable("a\\nb"), readable("層 1")
    ('dense_1', 'a b', '? 1')
    """
    shown = "".join(character if has_glyph(character) else UNKNOWN for character in " ".join(str(name).split()))
    return shown or UNKNOWN


def fitted(name: str, room: float, bold: bool = False) -> str:
    """Return a readable name, its middle cut out where it is wider than the room in stage units.

    The end of a name is kept, as that is where layers of one kind differ.

    Examples
    --------
    >>> fitted("dense_1", 300), fitted("batch_normalization_12", 300)
    ('dense_1', 'batch_n…n_12')
    """
    shown = readable(name)
    if width(shown, SIZES["label"], bold) <= room:
        return shown
    for kept in range(min(len(shown), 200) - 1, 0, -1):
        head, tail = kept - kept * 4 // 9, kept * 4 // 9
        cut = shown[:head].rstrip() + CUT + (shown[-tail:].lstrip() if tail else "")
        if width(cut, SIZES["label"], bold) <= room:
            return cut
    return CUT


def telling_ends(names: tuple[str, ...], among: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the shortest end of each name, a path with slashes, that is no other name's end.

    Parameters
    ----------
    names
        What is written.
    among
        All the names there are, such as those of a model of which some layers are shown.

    Examples
    --------
    >>> telling_ends(("embed", "encoder/0/norm"), among=("encoder/1/norm",))
    ('embed', '0/norm')

    A number alone takes what it counts along:

    >>> telling_ends(("features/3", "classifier"))
    ('features/3', 'classifier')
    """
    every = list(dict.fromkeys((*names, *among)))
    parts = [name.split("/") for name in every]
    kept = [2 if each[-1].isdecimal() and len(each) > 1 else 1 for each in parts]
    while True:
        ends = ["/".join(each[-count:]) for each, count in zip(parts, kept, strict=True)]
        many = Counter(ends)
        alike = [at for at, end in enumerate(ends) if many[end] > 1 and kept[at] < len(parts[at])]
        if not alike:
            found = {name: end or name for name, end in zip(every, ends, strict=True)}
            return tuple(found[name] for name in names)
        for at in alike:
            kept[at] += 1


def share_room(names: tuple[str, ...], room: float) -> tuple[str, ...]:
    """Return names fitted to a room; those that then read the same are told apart by their number, from 1.

    Examples
    --------
    >>> share_room(("first_block_convolution", "first_other_convolution"), 200)
    ('1: fir…on', '2: fir…on')
    """
    shown = tuple(fitted(name, room) for name in names)
    if len(set(shown)) == len(set(names)):
        return shown
    marks = [f"{number}: " for number in range(1, len(names) + 1)]
    return tuple(
        mark + fitted(name, room - width(mark, SIZES["label"])) for mark, name in zip(marks, names, strict=True)
    )
