"""The numbers of a trace for other tools: NumPy's npz, safetensors, Arrow.

Each quantity of each node becomes one array over the steps, named ``kind/node/quantity/item``, and beside it
the steps, as ``kind/node/quantity/item/steps``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray

from vizkit.errors import missing_extra, unknown_name
from vizkit.files import as_path, whole
from vizkit.trace.events import Node
from vizkit.trace.forms import FIELDS, ArrayForm, EventForm, Form, MappingForm
from vizkit.trace.log import EventLog
from vizkit.trace.rows import Block
from vizkit.trace.trace import Trace

__all__ = ["SUFFIXES", "Table", "export", "tables"]


class Table(NamedTuple):
    """One quantity of one node over the steps.

    Parameters
    ----------
    name
        ``kind/node/quantity/item``. Where its shape changes from step to step, or a layer is called several
        times in a step, there are several tables and a number stands at the end.
    node
        Where it happened.
    steps
        Its steps, shape (steps,).
    values
        Its numbers, shape (steps, ...).
    """

    name: str
    node: Node
    steps: NDArray[np.int64]
    values: NDArray[Any]


def tables(trace: Trace) -> Iterator[Table]:
    """Yield every quantity of a trace, one at a time, so that memory holds one of them.

    Examples
    --------
    >>> from vizkit.trace import samples
    >>> table = next(tables(samples.tiny_trace()))
    >>> table.name, table.steps.tolist(), table.values.shape
    ('forward/dense/inputs/0', [0, 1, 2], (3, 2, 1))
    """
    columns: dict[tuple[Any, ...], list[tuple[Block, ArrayForm]]] = {}
    for form, blocks in trace.log.blocks().items():
        for key, place in _places(trace.log, form):
            columns.setdefault(key, []).extend((block, place) for block in blocks)
    taken: dict[str, int] = {}
    for (name, node, *_), parts in columns.items():
        count = taken[name] = taken.get(name, -1) + 1
        parts = sorted(parts, key=lambda part: part[0].first)
        steps = np.concatenate([block.steps() for block, _ in parts])
        values = np.concatenate([block.column(form, slice(0, block.count)) for block, form in parts])
        order = np.argsort(steps, kind="stable")
        yield Table(f"{name}/{count}" if count else name, trace.log.nodes[node], steps[order], values[order])


def export(trace: Trace, path: str | PathLike[str]) -> Path:
    """Write the numbers of a trace for other tools, whole or not at all, and return the path.

    Parameters
    ----------
    trace
        The trace.
    path
        Ends in ``.npz`` (NumPy), ``.safetensors`` (``vizkit[safetensors]``) or ``.arrow`` (an Arrow file of rows
        ``name, step, dtype, shape, values``; ``vizkit[arrow]``).

    Raises
    ------
    UnknownNameError
        For another suffix.
    MissingExtraError
        When the library for the format is not installed.
    OutputError
        When the file cannot be written.
    """
    target = as_path(path)
    writer = _WRITERS.get(target.suffix.lower())
    if writer is None:
        raise unknown_name("export format", target.suffix or target.name, _WRITERS)
    write = writer()
    with whole(target, "export") as stream:
        write(stream, trace)
    return target


def _places(log: EventLog, form: Form) -> Iterator[tuple[tuple[Any, ...], ArrayForm]]:
    seen: dict[tuple[Any, ...], int] = {}
    for event in form.events:
        for quantity, item, place in _arrays(event):
            label = "/".join(filter(None, (event.kind, log.nodes[event.node].name, quantity, item)))
            key = (label, event.node, place.dtype, place.shape)
            seen[key] = seen.get(key, -1) + 1
            yield (*key, seen[key]), place


def _arrays(event: EventForm) -> Iterator[tuple[str, str, ArrayForm]]:
    texts = [part for part in event.parts if isinstance(part, str)]  # whose update, or what was summarised
    for quantity, part in zip(FIELDS[event.kind], event.parts, strict=True):
        if isinstance(part, ArrayForm):
            yield "/".join(filter(None, [*texts, quantity])), "", part
        elif isinstance(part, MappingForm):
            yield from ((quantity, name, place) for name, place in part.items)
        elif not isinstance(part, str):
            yield from ((quantity, str(number), place) for number, place in enumerate(part))


def _npz() -> Callable[[BinaryIO, Trace], None]:
    def write(stream: BinaryIO, trace: Trace) -> None:
        with ZipFile(stream, "w", ZIP_STORED) as archive:
            for table in tables(trace):
                for name, array in ((table.name, table.values), (f"{table.name}/steps", table.steps)):
                    entry = ZipInfo(f"{_plain(name)}.npy")  # of a fixed date: the same trace gives the same bytes
                    with archive.open(entry, "w", force_zip64=True) as member:
                        np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)

    return write


def _safetensors() -> Callable[[BinaryIO, Trace], None]:
    try:
        from safetensors.numpy import save
    except ImportError:
        raise missing_extra("safetensors", "safetensors") from None

    def write(stream: BinaryIO, trace: Trace) -> None:
        arrays = {}
        for table in tables(trace):
            values = table.values
            if values.dtype.kind == "c":  # the format has no complex numbers of 128 bits: a last axis of two
                values = values.view(values.real.dtype).reshape(*values.shape, 2)
            arrays[table.name], arrays[f"{table.name}/steps"] = np.ascontiguousarray(values), table.steps
        stream.write(save(arrays, {"vizkit": _about(trace)}))  # one entry: several come in any order

    return write


def _arrow() -> Callable[[BinaryIO, Trace], None]:
    try:
        import pyarrow
    except ImportError:
        raise missing_extra("pyarrow", "arrow") from None
    fields = [("name", pyarrow.string()), ("step", pyarrow.int64()), ("dtype", pyarrow.string())]
    fields += [("shape", pyarrow.list_(pyarrow.int64())), ("values", pyarrow.large_binary())]
    schema = pyarrow.schema(fields)

    def write(stream: BinaryIO, trace: Trace) -> None:
        with pyarrow.ipc.new_file(stream, schema.with_metadata({"vizkit": _about(trace)})) as writer:
            for table in tables(trace):
                shape, code = list(table.values.shape[1:]), table.values.dtype.newbyteorder("<").str
                rows = [row.tobytes() for row in table.values]
                count = len(rows)
                columns = [[table.name] * count, table.steps, [code] * count, [shape] * count, rows]
                arrays = [pyarrow.array(column, kind) for column, (_, kind) in zip(columns, fields, strict=True)]
                writer.write_batch(pyarrow.record_batch(arrays, schema=schema))

    return write


def _about(trace: Trace) -> str:
    return json.dumps({"model": trace.model.name, "framework": trace.model.framework})


def _plain(name: str) -> str:
    """A name for an entry of an archive: relative, and without steps upward, whatever the layers are called."""
    parts = [part if part.strip(".") else f"_{part}" for part in name.replace("\\", "/").replace("\0", "_").split("/")]
    return "/".join(parts)


_WRITERS: dict[str, Callable[[], Callable[[BinaryIO, Trace], None]]] = {
    ".npz": _npz,
    ".safetensors": _safetensors,
    ".arrow": _arrow,
}
SUFFIXES = tuple(_WRITERS)
