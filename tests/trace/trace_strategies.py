"""Random traces for hypothesis, and a small model with nested layers for the recorder's tests."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vizkit.trace import LayerDescription, ModelDescription, Node, Trace
from vizkit.trace.arrays import DTYPES
from vizkit.trace.keep import Keep
from vizkit.trace.recorder import Recorder

NODES = (
    Node(0, "dense", "Dense"),
    Node(1, "matmul", "matmul", "op", parent=0),
    Node(5, "Schicht ☃ <b>", "Dense", "layer"),
    Node(9, "mean_squared_error", "mean_squared_error"),
)
names = st.text(max_size=6)
dtypes = st.sampled_from([np.dtype(order + dtype) for dtype in DTYPES for order in "<>"])
arrays = dtypes.flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3))
)
floats = st.floats(width=64)
mappings = st.dictionaries(names, arrays, max_size=2)
several = st.lists(arrays, max_size=2)
values = {
    "forward": st.tuples(several, arrays, mappings),
    "loss": st.tuples(arrays, arrays, floats, arrays),
    "backward": st.tuples(arrays, several, mappings),
    "update": st.tuples(names, arrays, arrays, arrays, floats),
}
events = st.sampled_from(sorted(values)).flatmap(
    lambda kind: st.tuples(st.just(kind), st.sampled_from(NODES), values[kind])
)
layouts = st.lists(events, min_size=1, max_size=3)
logs = st.dictionaries(names, floats, max_size=2)
shapes = st.lists(st.none() | st.integers(0, 5), max_size=3).map(tuple)
settings = st.dictionaries(names, st.none() | st.booleans() | st.integers(-5, 5) | floats | names | shapes, max_size=3)


@st.composite
def models(draw: Any) -> ModelDescription:
    chosen = draw(st.lists(st.sampled_from([NODES[0], NODES[2]]), unique=True))
    parameters = st.dictionaries(names, st.lists(st.integers(0, 5), max_size=3).map(tuple), max_size=2)
    several_shapes = shapes | st.lists(shapes, max_size=2).map(tuple)
    layers = (
        LayerDescription(node, draw(settings), draw(several_shapes), draw(shapes), draw(parameters)) for node in chosen
    )
    return ModelDescription(draw(names), tuple(layers), draw(st.none() | names), draw(st.none() | settings))


@st.composite
def traces(draw: Any) -> Trace:
    """Runs of steps with the same events (so that blocks of several steps occur), and some epochs."""
    recorder = Recorder(Trace(ModelDescription("")), Keep(levels=("layer", "op")))
    recorder.describe(draw(models()))
    step = 0
    for layout in draw(st.lists(layouts, max_size=3)):
        for _ in range(draw(st.integers(1, 3))):
            for kind, node, fields in layout:
                getattr(recorder, kind)(step, node, *fields)
            step += draw(st.integers(1, 3))
    for number, log in enumerate(draw(st.lists(logs, max_size=3))):
        recorder.epoch(number, log)
    return recorder.trace


NESTED = {
    "block": Node(0, "block", "Block"),
    "dense": Node(1, "dense", "Dense", parent=0),
    "matmul": Node(2, "matmul", "matmul", "op", parent=1),
    "conv": Node(3, "conv_1", "Conv2D"),
    "loss": Node(4, "loss", "mean_squared_error"),
}


class NestedModel:
    """A block that contains a dense layer, which contains a matmul; then a convolution.

    It only tells and learns nothing. The numbers differ from event to event, so that a test sees
    which one it got.
    """

    nodes = NESTED
    batch = 4

    def __init__(self) -> None:
        self.recorder: Recorder | None = None
        self.step = 0
        self.told: list[tuple[str, Node, int, tuple[Any, ...]]] = []  # everything there was to tell

    def _attach(self, recorder: Recorder) -> None:
        self.recorder = recorder
        recorder.describe(self._description())

    def _detach(self) -> None:
        self.recorder = None

    def _description(self) -> ModelDescription:
        layers = [
            LayerDescription(self.nodes["block"], {}, (None, 3), (None, 2), {}),
            LayerDescription(self.nodes["dense"], {"units": 2}, (None, 3), (None, 2), {"kernel": (3, 2), "bias": (2,)}),
            LayerDescription(self.nodes["conv"], {}, (None, 2), (None, 2), {"kernel": (2, 2)}),
        ]
        return ModelDescription("nested", tuple(layers), "mean_squared_error")

    def array(self, *shape: int) -> np.ndarray:
        return (np.arange(np.prod(shape)) + 1000 * len(self.told) + 1).reshape(shape).astype(np.float32)

    def train(self, steps: int) -> None:
        for _ in range(steps):
            self._pass("forward", ["matmul", "dense", "block", "conv"])
            batch = self.array(self.batch, 2), self.array(self.batch, 2)
            self.tell("loss", "loss", *batch, float(self.step), self.array(self.batch))
            self._pass("backward", ["conv", "matmul", "dense", "block"])
            for layer, parameter, shape in (
                ("dense", "kernel", (3, 2)),
                ("dense", "bias", (2,)),
                ("conv", "kernel", (2, 2)),
            ):
                self.tell("update", layer, parameter, self.array(*shape), self.array(*shape), self.array(*shape), 0.1)
            self.step += 1

    def _pass(self, kind: str, order: list[str]) -> None:
        for name in order:
            wide = self.array(self.batch, 2 if name == "conv" else 3)
            parameters = {"dense": {"kernel": (3, 2), "bias": (2,)}, "conv": {"kernel": (2, 2)}}.get(name, {})
            held = {key: self.array(*shape) for key, shape in parameters.items()}
            output = self.array(self.batch, 2)
            fields = (
                ((wide,), output, held) if kind == "forward" else (output, () if name == "block" else (wide,), held)
            )
            self.tell(kind, name, *fields)

    def tell(self, kind: str, name: str, *fields: Any) -> None:
        node = self.nodes[name]
        self.told.append((kind, node, self.step, fields))
        if self.recorder is not None and self.recorder.wants(kind, node, self.step):
            getattr(self.recorder, kind)(self.step, node, *fields)
