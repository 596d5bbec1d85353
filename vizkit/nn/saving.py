"""Weights and whole models in one file, without pickle.

The file is a zip archive of plain arrays, as NumPy's ``savez`` writes it: a header in JSON, the weights
in the order of ``model.weights``, and of a whole model the optimizer's memory. The same model gives the
same bytes. A whole model is written as the layers' classes with what they were made with.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vizkit import files
from vizkit.errors import ArgumentError, ModelFileError, NotBuiltError, ShapeError
from vizkit.nn import blueprints, losses, optimizers

if TYPE_CHECKING:
    from vizkit.nn.model import Model

__all__ = ["load_model", "load_weights", "save", "save_weights"]

_FORMAT, _VERSION = "vizkit model", 1


def save_weights(model: Model, path: str | os.PathLike[str]) -> None:
    """Write the weights of a model into one file, whole or not at all.

    Raises
    ------
    NotBuiltError
        When the model has no weights yet.
    OutputError
        When the file cannot be written.
    """
    _write(path, {"kind": "weights", **_weights_header(model)}, _weight_arrays(model))


def load_weights(model: Model, path: str | os.PathLike[str]) -> None:
    """Take the weights from a file that `save_weights` or `save` wrote.

    Raises
    ------
    ModelFileError
        When it is no such file, or is damaged.
    ShapeError
        When the weights are those of another model; nothing is changed then.
    NotBuiltError
        When the model has no weights yet.
    """
    header, arrays = _read(path)
    _put_weights(model, header, arrays, path)


def save(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a model into one file: layers, weights, loss, optimizer, metrics, random numbers.

    Raises
    ------
    NotBuiltError
        When the model has no weights yet.
    ArgumentError
        When it holds something that cannot be written, such as a learning rate that is a function.
    OutputError
        When the file cannot be written.
    """
    header = {"kind": "model", **_weights_header(model), "model": blueprints.describe(model)}
    header["input_shape"] = blueprints.encode(model.input_shape)
    header["random"] = _random_states(model)
    memory: list[Any] = []
    if model.optimizer is not None:
        memory = model.optimizer.state()
        header |= {"training": _training_header(model), "memory": len(memory)}
    _write(path, header, _weight_arrays(model) | {f"memory_{n}": array for n, array in enumerate(memory)})


def load_model(path: str | os.PathLike[str], custom_objects: Mapping[str, Any] | None = None) -> Model:
    """Return the model that `Model.save` wrote, ready to predict or to train on.

    Parameters
    ----------
    path
        The file.
    custom_objects
        Classes and functions of one's own by name: layers, models, losses, metrics, activations.

    Raises
    ------
    ModelFileError
        When it is no such file, is damaged, or holds weights only.
    UnknownNameError
        When it needs a class or function that is not given.

    Examples
    --------
    >>> import tempfile
    >>> from vizkit import nn
    >>> model = nn.networks.dosage_network()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(f"{folder}/dosage.vkm")
    ...     again = load_model(f"{folder}/dosage.vkm")
    >>> bool((again.predict([[0.5]]) == model.predict([[0.5]])).all())
    True
    """
    header, arrays = _read(path)
    if header["kind"] != "model":
        raise ModelFileError(f"The file {str(path)!r} holds weights alone; make the model and call load_weights.")
    custom = dict(custom_objects or {})
    model = blueprints.build(header["model"], custom)
    blueprints.make_weights(model, blueprints.decode(header["input_shape"], custom))
    _put_weights(model, header, arrays, path)
    if "training" in header:
        memory = [arrays[f"memory_{n}"] for n in range(header["memory"])]
        _compile(model, header["training"], memory, custom)
    _restore_random(model, header["random"])
    return model


# -- what stands in the file ---------------------------------------------------------------------------------


def _weights_header(model: Model) -> dict[str, Any]:
    if not model.built:
        raise NotBuiltError(f"{model.name!r} has no weights to save before it is built: call it, or give input_shape.")
    return {"weights": [[name, list(weight.shape)] for name, weight in _named(model)]}


def _named(model: Model) -> list[tuple[str, Any]]:
    """Return each weight with the name of its layer, in the order of ``model.weights``."""
    found = {id(w): (f"{layer.name}/{w.name}", w) for layer in model.walk() for w in layer.own_weights}
    return list(found.values())


def _weight_arrays(model: Model) -> dict[str, Any]:
    return {f"weight_{n}": weight.value for n, weight in enumerate(model.weights)}


def _random_states(model: Model) -> dict[str, Any]:
    """Return the sources of random numbers of all layers, which may share one, so that they go on alike."""
    states: dict[int, Any] = {}
    uses = []
    for place, layer in enumerate(model.walk()):
        for key, value in vars(layer).items():
            if isinstance(value, np.random.Generator) and isinstance(value.bit_generator, np.random.PCG64):
                states.setdefault(id(value), value.bit_generator.state)
                uses.append([place, key, list(states).index(id(value))])
    return {"states": list(states.values()), "uses": uses}


def _restore_random(model: Model, random: Mapping[str, Any]) -> None:
    sources = [np.random.Generator(np.random.PCG64()) for _ in random["states"]]
    for source, state in zip(sources, random["states"], strict=True):
        source.bit_generator.state = state
    layers = list(model.walk())
    for place, key, number in random["uses"]:
        setattr(layers[place], key, sources[number])


def _training_header(model: Model) -> dict[str, Any]:
    config = model.optimizer.config()
    if isinstance(config["learning_rate"], str):
        raise ArgumentError(
            "A learning rate that is a function of one's own cannot be saved; save_weights can be used."
        )
    loss = None if model.loss is None else losses.config(model.loss) or {"custom": model.loss.name}
    return {
        "optimizer": config,
        "iterations": model.optimizer.iterations,
        "loss": loss,
        "metrics": [blueprints.describe_metric(metric) for metric in model._metrics],
    }


def _compile(model: Model, training: Mapping[str, Any], memory: list[Any], custom: Mapping[str, Any]) -> None:
    loss = training["loss"]
    if loss is not None and "custom" in loss:
        loss = blueprints.known(loss["custom"], {}, custom)
    metrics = [blueprints.build_metric(one, custom) for one in training["metrics"]]
    model.compile(optimizers.get(training["optimizer"]), loss, metrics)
    if memory or training["iterations"]:
        model.optimizer.build(model.trainable_weights)
        model.optimizer.restore(training["iterations"], memory)


def _put_weights(model: Model, header: Mapping[str, Any], arrays: Mapping[str, Any], path: Any) -> None:
    mine = _named(model)
    if not model.built:
        raise NotBuiltError(f"{model.name!r} has no weights before it is built: call it, or give input_shape.")
    theirs = header["weights"]
    for (name, weight), (other, shape) in zip(mine, theirs, strict=False):
        if list(weight.shape) != shape:
            raise ShapeError(
                f"The weight {name!r} of {model.name!r} has shape {weight.shape}; in the file {str(path)!r} its place "
                f"is taken by {other!r} of shape {tuple(shape)}. The file belongs to another model."
            )
    if len(mine) != len(theirs):
        longer = mine if len(mine) > len(theirs) else theirs
        raise ShapeError(
            f"{model.name!r} has {len(mine)} weights, the file {str(path)!r} {len(theirs)}; the first without "
            f"counterpart is {longer[min(len(mine), len(theirs))][0]!r}. The file belongs to another model."
        )
    model.set_weights([arrays[f"weight_{n}"] for n in range(len(mine))])


def _write(path: str | os.PathLike[str], header: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
    text = json.dumps({"format": _FORMAT, "version": _VERSION, **header}, ensure_ascii=False)
    with files.whole(Path(path), "model") as stream:
        np.savez(stream, header=np.frombuffer(text.encode(), np.uint8), **arrays)


def _read(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        with zipfile.ZipFile(path) as archive:  # its read holds the checksum against every byte, NumPy's does not
            contents = {name.removesuffix(".npy"): io.BytesIO(archive.read(name)) for name in archive.namelist()}
        arrays = {name: np.load(content, allow_pickle=False) for name, content in contents.items()}
        header = json.loads(arrays.pop("header").tobytes())
        names = {f"weight_{n}" for n in range(len(header["weights"]))}
        names |= {f"memory_{n}" for n in range(header.get("memory", 0))}
        whole = header["format"] == _FORMAT and names == set(arrays)
    except FileNotFoundError as error:
        raise ModelFileError(f"There is no file {str(path)!r}.") from error
    except Exception as error:  # damaged bytes make NumPy and zipfile raise nearly anything
        raise ModelFileError(f"The file {str(path)!r} is no saved model, or is damaged: {error}") from error
    if not whole:
        raise ModelFileError(f"The file {str(path)!r} is no saved model, or lacks some of its arrays.")
    if header["version"] > _VERSION:
        raise ModelFileError(f"The file {str(path)!r} was written by a newer vizkit (format {header['version']}).")
    return header, arrays
