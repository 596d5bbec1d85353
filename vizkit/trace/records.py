"""The chunks beside the rows: nodes, the model's description, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

from vizkit.trace.checks import checked_list, whole_number
from vizkit.trace.chunks import Chunk
from vizkit.trace.events import LayerDescription, Level, ModelDescription, Node
from vizkit.trace.log import EventLog, Missing
from vizkit.trace.plain import DEPTH

__all__ = ["missing_metadata", "model_metadata", "node_metadata", "read_missing", "read_model", "read_nodes"]

_NODE_FIELDS = ("index", "name", "kind", "level", "parent")


def node_metadata(nodes: Iterable[Node]) -> dict[str, Any]:
    """Return the metadata of a chunk of the kind ``NODE``."""
    return {"nodes": [{name: getattr(node, name) for name in _NODE_FIELDS} for node in nodes]}


def read_nodes(chunk: Chunk, log: EventLog) -> None:
    """Add the nodes of a chunk to a log."""
    for entry in checked_list(chunk, "nodes"):
        node = _node(chunk, entry)
        if log.nodes.get(node.index, node) != node:
            raise chunk.damaged(f"two nodes have the index {node.index}")
        log.add_node(node)


def model_metadata(model: ModelDescription) -> dict[str, Any]:
    """Return the metadata of a chunk of the kind ``MODL``; the nodes are written before."""
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
    return {**metadata, "layers": layers}


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
    layers = tuple(_layer(chunk, entry, log) for entry in checked_list(chunk, "layers"))
    return ModelDescription(layers=layers, loss=loss, optimizer=optimizer, **text)


def missing_metadata(missing: Iterable[Missing]) -> dict[str, Any]:
    """Return the metadata of a chunk of the kind ``MISS``."""
    return {"missing": [list(row) for row in missing]}


def read_missing(chunk: Chunk, log: EventLog) -> None:
    """Note in a log what a chunk says is missing."""
    for entry in checked_list(chunk, "missing"):
        if not isinstance(entry, list) or len(entry) != 3 or not all(isinstance(text, str) for text in entry):
            raise chunk.damaged(f"what is missing is described by {str(entry)[:80]!r}")
        log.note(Missing(*entry))


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
