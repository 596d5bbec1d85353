"""The chunks beside the steps: nodes, the model's description, and the epochs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, BinaryIO, get_args

import numpy as np

from vizkit.trace.chunks import Chunk, write_chunk
from vizkit.trace.events import LayerDescription, Level, ModelDescription, Node
from vizkit.trace.layout import Packer, read_array, whole_number
from vizkit.trace.log import Epoch, EventLog
from vizkit.trace.plain import DEPTH

__all__ = ["read_epochs", "read_model", "read_nodes", "write_epochs", "write_model", "write_nodes"]

_NODE_FIELDS = ("index", "name", "kind", "level", "parent")


def write_nodes(stream: BinaryIO, nodes: Iterable[Node]) -> None:
    """Write nodes as a chunk of the kind ``NODE``."""
    entries = [{name: getattr(node, name) for name in _NODE_FIELDS} for node in nodes]
    write_chunk(stream, "NODE", {"nodes": entries})


def read_nodes(chunk: Chunk, log: EventLog) -> None:
    """Add the nodes of a chunk to a log."""
    for entry in _list(chunk, "nodes"):
        node = _node(chunk, entry)
        if log.nodes.get(node.index, node) != node:
            raise chunk.damaged(f"two nodes have the index {node.index}")
        log.add_node(node)


def write_model(stream: BinaryIO, model: ModelDescription) -> None:
    """Write the description of a model as a chunk of the kind ``MODL``; its nodes are written before."""
    layers = [
        {
            "node": layer.node.index,
            "config": layer.config,
            "input_shape": layer.input_shape,
            "output_shape": layer.output_shape,
            "parameters": layer.parameters,
        }
        for layer in model.layers
    ]
    metadata = {name: getattr(model, name) for name in ("name", "framework", "dtype", "loss", "optimizer")}
    write_chunk(stream, "MODL", {**metadata, "layers": layers})


def read_model(chunk: Chunk, log: EventLog) -> ModelDescription:
    """Return the description of a model."""
    text = {name: chunk.metadata.get(name) for name in ("name", "framework", "dtype")}
    loss, optimizer = chunk.metadata.get("loss"), chunk.metadata.get("optimizer")
    if not all(isinstance(value, str) for value in text.values()) or not isinstance(loss, (str, type(None))):
        raise chunk.damaged("its name, framework, dtype or loss is no text")
    if not isinstance(optimizer, (dict, type(None))):
        raise chunk.damaged("its optimizer is no JSON object")
    if _deeper(chunk.metadata, DEPTH + 4):  # the settings stand four levels deep
        raise chunk.damaged(f"its settings are nested more than {DEPTH} deep")
    layers = tuple(_layer(chunk, entry, log) for entry in _list(chunk, "layers"))
    return ModelDescription(layers=layers, loss=loss, optimizer=optimizer, **text)


def write_epochs(stream: BinaryIO, epochs: Sequence[Epoch]) -> None:
    """Write epochs as chunks of the kind ``EPOC``, one for each run of epochs with the same names."""
    for names, run in groupby(epochs, key=lambda epoch: list(epoch.logs)):
        run = list(run)
        numbers = np.array([epoch.number for epoch in run], np.int64)
        values = np.array([list(epoch.logs.values()) for epoch in run], np.float64).reshape(len(run), len(names))
        packer = Packer()
        metadata = {
            "names": names,
            "numbers": packer.add(numbers, numbers.shape),
            "values": packer.add(values, values.shape),
        }
        write_chunk(stream, "EPOC", metadata, packer.parts)


def read_epochs(chunk: Chunk, log: EventLog) -> None:
    """Add the epochs of a chunk to a log."""
    names = _list(chunk, "names")
    numbers = read_array(chunk, chunk.metadata.get("numbers"))
    values = read_array(chunk, chunk.metadata.get("values"))
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise chunk.damaged("the names of its numbers are no list of different texts")
    if numbers.dtype != np.int64 or values.dtype != np.float64 or values.shape != (numbers.size, len(names)):
        raise chunk.damaged(f"it has {numbers.shape} epochs but numbers of the shape {values.shape}")
    for number, row in zip(numbers.reshape(-1).tolist(), values.tolist(), strict=True):
        log.end_epoch(number, dict(zip(names, row, strict=True)))


def _list(chunk: Chunk, name: str) -> list[Any]:
    entries = chunk.metadata.get(name)
    if not isinstance(entries, list):
        raise chunk.damaged(f"it has no list of {name}")
    return entries


def _deeper(value: Any, depth: int) -> bool:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(depth == 0 or _deeper(child, depth - 1) for child in children)


def _node(chunk: Chunk, entry: Any) -> Node:
    values = {name: entry.get(name) for name in _NODE_FIELDS} if isinstance(entry, dict) else {}
    valid = values and whole_number(values["index"]) and values["level"] in get_args(Level)
    valid = valid and isinstance(values["name"], str) and isinstance(values["kind"], str)
    if not valid or not (values["parent"] is None or whole_number(values["parent"])):
        raise chunk.damaged(f"a node is described by {str(entry)[:80]!r}")
    return Node(**values)


def _layer(chunk: Chunk, entry: Any, log: EventLog) -> LayerDescription:
    values = entry if isinstance(entry, dict) else {}
    node, config, parameters = values.get("node"), values.get("config"), values.get("parameters")
    known = whole_number(node) and node in log.nodes
    if not known or not isinstance(config, dict) or not isinstance(parameters, dict):
        raise chunk.damaged(f"a layer is described by {str(entry)[:80]!r}")
    return LayerDescription(
        log.nodes[node],
        config,
        _shape(chunk, values.get("input_shape")),
        _shape(chunk, values.get("output_shape")),
        {name: _shape(chunk, shape) for name, shape in parameters.items()},
    )


def _shape(chunk: Chunk, shape: Any, depth: int = 0) -> tuple[Any, ...]:
    """A list of lengths, or, for several inputs, a list of such lists."""
    if not isinstance(shape, list) or depth > 1:
        raise chunk.damaged(f"a shape is {str(shape)[:80]!r}")
    return tuple(size if size is None or whole_number(size) else _shape(chunk, size, depth + 1) for size in shape)
