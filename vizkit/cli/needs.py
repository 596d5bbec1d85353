"""Optional dependencies, asked for before the work that needs them begins."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable

from vizkit.errors import missing_extra
from vizkit.exhibits import Exhibit

__all__ = ["require", "require_extra"]

# extra -> what it brings: the module to import, and the name to install it by
EXTRAS = {
    "video": (("manim", "manim"), ("typst", "typst")),
    "data": (("sklearn", "scikit-learn"),),
    "gallery": (("markdown_it", "markdown-it-py"),),
    "cluster": (("distributed", "distributed"),),
}


def require(exhibits: Iterable[Exhibit], *, video: bool = True) -> None:
    """Raise when something that the exhibits need is not installed.

    Parameters
    ----------
    exhibits
        What is to be made.
    video
        Whether stories are to be rendered as videos.

    Raises
    ------
    MissingExtraError
        If an extra is missing.

    Examples
    --------
    >>> from vizkit import exhibits
    >>> require([exhibits.get("weight_bias")])
    """
    for exhibit in exhibits:
        extras = [exhibit.extra] if exhibit.extra else []
        if video and exhibit.story:
            extras.append("video")
        for extra in extras:
            require_extra(extra)


def require_extra(extra: str) -> None:
    """Raise when something that an extra brings is not installed.

    Raises
    ------
    MissingExtraError
        If it is missing.
    """
    for module, package in EXTRAS[extra]:
        if importlib.util.find_spec(module) is None:
            raise missing_extra(package, extra)
