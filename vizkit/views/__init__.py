"""Pictures as data: what is shown and where, for every renderer alike.

A view is a frozen dataclass that draws itself into marks (`vizkit.views.marks`); words and numbers
are `vizkit.views.text`, equations `vizkit.views.equation`, frames of several views
`vizkit.views.board`. Each view stands in a module of its own.
"""

from __future__ import annotations

from vizkit.views.board import Board, board
from vizkit.views.picture import Picture, View
from vizkit.views.text import Quantity, Words, quantity, sentence, words

__all__ = ["Board", "Picture", "Quantity", "View", "Words", "board", "quantity", "sentence", "words"]
