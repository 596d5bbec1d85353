"""The network as a picture: its units, weights and biases with the values of one event."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from vizkit.errors import ArgumentError
from vizkit.views.network_labels import (
    Note,
    gradient_notes,
    label_biases,
    label_columns,
    label_outputs,
    label_target,
    label_weights,
    write_notes,
)
from vizkit.views.network_layers import Layer, Loss, read_layers, read_loss
from vizkit.views.network_layout import ENDS, arrange
from vizkit.views.network_marks import Sheet, draw_columns, draw_edges, draw_loss, draw_tangents
from vizkit.views.picture import Picture, View

if TYPE_CHECKING:
    from vizkit.trace import Trace

__all__ = ["NetworkView", "Note"]

PANEL = (1120.0, 576.0)
PER_COLUMN = 230.0  # width for each layer of a deep network


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkView(View):
    """A network with the values of one sample, layers from left to right.

    Units are discs with their value inside and, where there is room, a small drawing of the
    activation with the point where the unit now stands. Weights are edges, their width by
    magnitude and their colour by sign. Numbers that have no room are left out.

    Parameters
    ----------
    layers
        The columns, the input first.
    loss
        The loss, drawn as a box at the right, or None.
    gradients
        Whether the derivatives of the loss stand beside their parameters; or patterns of the keys of the
        weights and biases where they do.
    notes
        Further numbers at edges, biases, units or the loss.
    tangents
        Keys of units whose activation has its tangent drawn.
    known
        Patterns of the keys of units, and ``loss``, whose values have been computed;
        the others stay empty.
    target
        What the target is called.
    limit
        The most units that are drawn in one layer; the number of the rest is written.
    size
        Width and height in stage units; without, a panel's size, wider for a deep network.

    Examples
    --------
    >>> from vizkit.views.network_layers import dense_layer, input_layer
    >>> layers = (input_layer([0.5], "dosage"), dense_layer([0.5], [[3.34]], [-1.43], [0.24], "linear"))
    >>> view = NetworkView(layers=layers)
    >>> view.quantities()["w1"], view.quantities()["value[1][0]"]
    (3.34, 0.24)
    """

    layers: tuple[Layer, ...]
    loss: Loss | None = None
    gradients: bool | tuple[str, ...] = False
    notes: tuple[Note, ...] = ()
    tangents: tuple[str, ...] = ()
    known: tuple[str, ...] = ("*",)
    target: str = "target"
    limit: int = 8
    size: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if len(self.layers) < 2:
            raise ArgumentError(f"A network has an input and at least one layer, but {len(self.layers)} came.")
        if self.limit < 1:
            raise ArgumentError(f"At least one unit is drawn in each layer, but limit={self.limit!r} was given.")

    @classmethod
    def from_trace(
        cls, trace: Trace, step: int = 0, sample: int = 0, *, titles: Sequence[str] = (), **options: object
    ) -> NetworkView:
        """Return the network as it was at a step of a recorded run.

        Parameters
        ----------
        trace
            The run.
        step
            Which training step.
        sample
            Which sample of the step's batch.
        titles
            What stands at the columns, the input first, in place of the activations' names.
        options
            Fields of the view: ``gradients``, ``notes``, ``known`` ...
        """
        layers = read_layers(trace, step, sample)
        if titles and len(titles) != len(layers):
            raise ArgumentError(f"There is a title for each of the {len(layers)} columns, but {titles!r} was given.")
        if titles:
            layers = tuple(replace(layer, title=title) for layer, title in zip(layers, titles, strict=True))
        return cls(layers=layers, loss=read_loss(trace, step, sample), **options)  # type: ignore[arg-type]

    @classmethod
    def ensure(cls, data: object, **options: object) -> NetworkView:
        """Return the view of what a user passes: a trace, or a view as it is.

        Raises
        ------
        ArgumentError
            If the data are neither.
        """
        if isinstance(data, NetworkView):
            return data
        if not hasattr(data, "events") or not hasattr(data, "model"):
            raise ArgumentError(
                f"A network is drawn from a trace (see vizkit.record) or a NetworkView, but {type(data).__name__} came."
            )
        return cls.from_trace(data, **options)  # type: ignore[arg-type]

    @property
    def shortened(self) -> bool:
        """Whether a layer has units that are not drawn."""
        return any(mark.key.startswith("more:") for mark in self.picture.marks)

    def draw(self) -> Picture:
        """Make the picture: lines and discs first, then the labels in the order of their importance."""
        size = self.size or (max(PANEL[0], PER_COLUMN * len(self.layers) + ENDS), PANEL[1])
        classes = self.loss is not None and self.loss.label(self.layers[-1].units) is not None
        layout = arrange(self.layers, size, self.loss is not None, self.limit, classes=classes)
        sheet = Sheet(self.layers, layout, self._known(), classes)
        draw_columns(sheet)
        draw_tangents(sheet, self.tangents)
        draw_edges(sheet)
        if self.loss is not None:
            draw_loss(sheet, self.loss)
        label_columns(sheet)
        label_outputs(sheet, self.loss)
        label_weights(sheet)
        label_biases(sheet)
        if self.loss is not None:
            label_target(sheet, self.loss, self.target)
        write_notes(sheet, (*self.notes, *gradient_notes(sheet, self._wanted())))
        return Picture(size=size, bounds=(0.0, size[0], 0.0, size[1]), marks=tuple(sheet.marks))

    def _wanted(self) -> tuple[str, ...]:
        """Return patterns of the parameters whose derivatives are shown."""
        return self.gradients if isinstance(self.gradients, tuple) else ("*",) * self.gradients

    def _known(self) -> Callable[[str], bool]:
        return lambda key: any(fnmatchcase(key, pattern) for pattern in self.known)
