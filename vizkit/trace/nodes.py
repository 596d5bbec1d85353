"""Finding nodes by name, index or node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from vizkit.errors import unknown_name
from vizkit.trace.events import Level, Node

__all__ = ["ancestors", "find_nodes"]


def ancestors(nodes: Mapping[int, Node], node: Node) -> list[Node]:
    """Return the nodes that contain a node, the nearest first."""
    found: list[Node] = []
    while node.parent is not None and node.parent in nodes:
        node = nodes[node.parent]
        if node in found:  # a damaged or hostile file may name a circle
            break
        found.append(node)
    return found


def find_nodes(nodes: Mapping[int, Node], layer: str | int | Node | None, level: str | None = None) -> list[Node]:
    """Return the nodes that are meant, by index.

    Parameters
    ----------
    nodes
        All nodes by their index.
    layer
        A name, an index or a node; None for all. A name stands for a layer before an operation.
    level
        ``"layer"`` or ``"op"``; with ``"op"``, a layer stands for the operations inside it.

    Raises
    ------
    UnknownNameError
        When there is no such node or level.

    Examples
    --------
    >>> nodes = {0: Node(0, "dense", "Dense"), 1: Node(1, "matmul", "matmul", "op", parent=0)}
    >>> [node.name for node in find_nodes(nodes, "dense")]
    ['dense']
    >>> [node.name for node in find_nodes(nodes, "dense", level="op")]
    ['matmul']
    """
    if level is not None and level not in get_args(Level):
        raise unknown_name("level", level, get_args(Level))
    chosen = [nodes[index] for index in sorted(nodes)] if layer is None else _named(nodes, layer)
    if level is None:
        return chosen
    if level == "op" and layer is not None:
        inside = [nodes[i] for i in sorted(nodes) if not set(chosen).isdisjoint(ancestors(nodes, nodes[i]))]
        chosen = chosen + [node for node in inside if node not in chosen]
    return [node for node in chosen if node.level == level]


def _named(nodes: Mapping[int, Node], layer: Any) -> list[Node]:
    if isinstance(layer, Node):
        layer = layer.index
    if isinstance(layer, str):
        named = [nodes[index] for index in sorted(nodes) if nodes[index].name == layer]
        layers = [node for node in named if node.level == "layer"]
        if not named:
            raise unknown_name("layer", layer, dict.fromkeys(node.name for node in nodes.values()))
        return layers or named
    if layer not in nodes:
        names = (f"{index} ({nodes[index].name})" for index in sorted(nodes))
        raise unknown_name("node", layer, names)
    return [nodes[layer]]
