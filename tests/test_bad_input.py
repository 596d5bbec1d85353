"""Bad input, from the library and from the command line: one clear error of vizkit's own tree, and nothing is lost.

Each row says what is done, which error comes, and what its message must name: what came, and what is allowed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest

import vizkit
from vizkit import Keep, exhibits, load, nn, plots, record, stories, theme
from vizkit.cli import main
from vizkit.errors import (
    ArgumentError,
    DataError,
    DivergenceError,
    NotBuiltError,
    OutputError,
    ShapeError,
    TraceFileError,
    TraceQueryError,
    TraceVersionError,
    TruncatedTraceError,
    UnknownNameError,
    VizkitError,
)
from vizkit.trace import Trace

Row = tuple[str, Callable[[], object], type[VizkitError], list[str]]

NAN, INF = float("nan"), float("inf")
X, Y = np.ones((4, 2)), np.zeros((4, 1))
GRID = np.linspace(0, 1, 5)
IMAGE, KERNEL = np.zeros((6, 6)), np.zeros((3, 3))


def mlp(units: int = 1, last: str | None = None) -> nn.Sequential:
    return nn.Sequential([nn.Input((2,)), nn.layers.Dense(3, "relu"), nn.layers.Dense(units, last)], name="mlp", seed=0)


def compiled(loss: str = "mean_squared_error", units: int = 1, last: str | None = None, rate: float = 0.01):
    model = mlp(units, last)
    model.compile(nn.optimizers.SGD(rate), loss)
    return model


def images(*layers: nn.layers.Layer, shape: tuple[int, ...] = (6, 6, 1)) -> nn.Sequential:
    return nn.Sequential([nn.Input(shape), *layers], seed=0)


def fit(x: object = X, y: object = Y, **options: object) -> None:
    compiled().fit(x, y, **{"verbose": 0, **options})


def classify(labels: object) -> None:
    compiled("sparse_categorical_crossentropy", 3, "softmax").fit(X, labels, verbose=0)


def convolutional() -> nn.Sequential:
    first = (nn.layers.Conv2D(1, 3), nn.layers.Activation("relu"), nn.layers.MaxPooling2D(2))
    return images(*first, nn.layers.Flatten(), nn.layers.Dense(2, "softmax"))


def dosage() -> nn.Sequential:
    return nn.networks.dosage_network(only_final_bias=True)


@cache
def descent() -> Trace:
    """Three steps of the dosage network."""
    model = dosage()
    with record(model) as trace:
        model.fit(*nn.data.dosage(), batch_size=3, epochs=3, shuffle=False, verbose=0)
    return trace


@cache
def nothing() -> Trace:
    """A recording in which nothing happened."""
    with record(dosage()) as trace:
        pass
    return trace


@cache
def pass_of_images() -> Trace:
    model = convolutional()
    with record(model) as trace:
        model.predict(np.ones((1, 6, 6, 1)))
    return trace


def recording(keep: object) -> None:
    with record(dosage(), keep=keep):
        pass


NETWORK: list[Row] = [
    ("features", lambda: fit(np.ones((4, 3))), ShapeError, ["(2, 3)", "(4, 3)", "'dense'"]),
    ("axes", lambda: fit(np.ones((4, 2, 2))), ShapeError, ["(2,)", "(4, 2, 2)"]),
    ("no batch", lambda: fit(np.ones(4)), ShapeError, ["(2,)", "(4,)"]),
    ("features to predict", lambda: compiled().predict(np.ones((4, 3))), ShapeError, ["(2, 3)", "(4, 3)"]),
    ("features to evaluate", lambda: compiled().evaluate(np.ones((4, 3)), Y), ShapeError, ["(2, 3)", "(4, 3)"]),
    ("targets", lambda: fit(y=np.zeros((4, 2))), ShapeError, ["(None, 1)", "(4, 2)"]),
    ("counts", lambda: fit(y=np.zeros((3, 1))), ShapeError, ["4 samples", "3"]),
    ("validation", lambda: fit(validation_data=(np.ones((4, 3)), Y)), ShapeError, ["(2, 3)", "(4, 3)"]),
    ("a kernel too large", lambda: images(nn.layers.Conv2D(1, 9)), ShapeError, ["(9, 9)"]),
    ("no image", lambda: images(nn.layers.Conv2D(1, 3), shape=(6,)), ShapeError, ["channels", "(None, 6)"]),
    ("weights", lambda: mlp().set_weights([np.zeros(2)] * 4), ShapeError, ["(2, 3)", "[(2,)"]),
    ("an activation", lambda: nn.layers.Dense(3, "relo"), UnknownNameError, ["'relo'", "mean 'relu'", "tanh"]),
    ("a layer", lambda: mlp().get_layer("dens"), UnknownNameError, ["'dens'", "mean 'dense'", "dense_1"]),
    ("a loss", lambda: compiled("mean_squared_eror"), UnknownNameError, ["mean 'mean_squared_error'", "binary"]),
    ("an optimizer", lambda: mlp().compile("adm", "mse"), UnknownNameError, ["'adm'", "mean 'adam'", "sgd"]),
    ("a metric", lambda: mlp().compile("sgd", "mse", ["acuracy"]), UnknownNameError, ["mean 'accuracy'"]),
    ("a letter", lambda: nn.data.letter("Q"), UnknownNameError, ["'Q'", "O, X"]),
    ("NaN", lambda: fit([[1, 2], [NAN, 1]], [0, 0]), DataError, ["x must be finite", "1 of its 4", "(1, 0)"]),
    ("infinity", lambda: fit(y=[0, 0, INF, 0]), DataError, ["y must be finite", "(2,)"]),
    ("NaN to predict", lambda: compiled().predict([[NAN, 1]]), DataError, ["x must be finite"]),
    ("NaN to validate", lambda: fit(validation_data=(X * NAN, Y)), DataError, ["finite", "8 of its 8"]),
    ("text", lambda: compiled().predict([["a", "b"]]), DataError, ["must be numbers", "<U1"]),
    ("none", lambda: compiled().predict(None), DataError, ["must be numbers", "object"]),
    ("rows of many lengths", lambda: compiled().predict([[1, 2], [3]]), DataError, ["x is no array"]),
    ("an empty data set", lambda: fit(np.zeros((0, 2)), np.zeros((0, 1))), DataError, ["at least one", "(0, 2)"]),
    ("an empty list", lambda: fit([], []), DataError, ["at least one", "(0,)"]),
    ("a label too high", lambda: classify([0, 1, 2, 3]), DataError, ["from 0 to 2", "3 is among"]),
    ("a label below 0", lambda: classify([0, 1, 2, -1]), DataError, ["from 0 to 2", "-1 is among"]),
    ("half a label", lambda: classify([0, 1, 2, 0.5]), DataError, ["whole", "0.5 is among"]),
    (
        "a label beyond yes and no",
        lambda: compiled("binary_crossentropy", last="sigmoid").fit(X, Y + 2, verbose=0),
        DataError,
        ["between 0 and 1", "2.0 is among"],
    ),
    (
        "a diverging run",
        lambda: compiled(rate=1e6).fit(X, Y, epochs=50, verbose=0),
        DivergenceError,
        ["diverged", "step", "learning rate", "1e+06"],
    ),
    ("fit before compile", lambda: mlp().fit(X, Y, verbose=0), NotBuiltError, ["'mlp'", "model.compile("]),
    ("evaluate before compile", lambda: mlp().evaluate(X, Y), NotBuiltError, ["'mlp'", "model.compile("]),
    ("no targets", lambda: fit(y=None), ArgumentError, ["give y"]),
    ("no units", lambda: nn.layers.Dense(0), ArgumentError, ["units", "from 1", "0 was given"]),
    ("units in words", lambda: nn.layers.Dense("3"), ArgumentError, ["units", "'3'"]),
    ("an activation by number", lambda: nn.layers.Dense(3, 7), ArgumentError, ["name", "callable", "7"]),
    ("a rate", lambda: nn.layers.Dropout(1.5), ArgumentError, ["less than 1", "1.5"]),
    ("a learning rate", lambda: nn.optimizers.SGD(-1), ArgumentError, ["above 0", "-1"]),
    ("a type", lambda: nn.layers.Dense(1, dtype="float63"), ArgumentError, ["float64", "'float63'"]),
    ("an input below 1", lambda: nn.Input((-1,)), ArgumentError, ["from 1", "-1"]),
    ("an input in words", lambda: nn.Input("ab"), ArgumentError, ["whole number", "'ab'"]),
    ("a layer's class", lambda: nn.Sequential([nn.layers.Dense]), ArgumentError, ["takes layers", "brackets"]),
    ("a layer alone", lambda: nn.Sequential(nn.layers.Dense(1)), ArgumentError, ["list of layers", "Dense"]),
    ("a batch of none", lambda: fit(batch_size=0), ArgumentError, ["batch_size", "from 1", "0"]),
    ("no epochs", lambda: fit(epochs=-1), ArgumentError, ["epochs", "-1"]),
    ("verbose", lambda: fit(verbose=9), ArgumentError, ["0, 1, 2", "9"]),
    ("a split", lambda: fit(validation_split=2), ArgumentError, ["above 0 and less than 1", "2"]),
    ("validation data alone", lambda: fit(validation_data=X), ArgumentError, ["pair (x, y)", "ndarray"]),
    ("validation data of four", lambda: fit(validation_data=(X, Y, Y, Y)), ArgumentError, ["pair (x, y)", "a tuple"]),
    ("a callback alone", lambda: fit(callbacks=nn.callbacks.Callback()), ArgumentError, ["list of Callback"]),
    ("callbacks that are none", lambda: fit(callbacks=[3]), ArgumentError, ["list of Callback", "[3]"]),
    ("replay of no trace", lambda: nn.replay(dosage(), 3, [[1]]), ArgumentError, ["trace", "int"]),
    ("replay of no model", lambda: nn.replay(3, descent(), [[1]]), ArgumentError, ["model", "int"]),
    (
        "replay of another model",
        lambda: nn.replay(convolutional(), descent(), np.zeros((1, 6, 6, 1))),
        UnknownNameError,
        ["'conv2d'", "hidden, loss, output"],
    ),
]  # fmt: skip


def curve_of(values: object = (1, 2), data: object = None, index: object = None) -> object:
    model = dosage()
    return nn.loss_curve(model, model.layers[0].bias, values, nn.data.dosage() if data is None else data, index)


TRACES: list[Row] = [
    ("a loss curve of no pair", lambda: curve_of(data=3, index=(0,)), ArgumentError, ["pair (x, y)", "int"]),
    ("a weight without an index", curve_of, ArgumentError, ["(2,)", "None"]),
    ("an index beyond a weight", lambda: curve_of(index=(9,)), ArgumentError, ["(2,)", "(9,)"]),
    ("a value that is NaN", lambda: curve_of([NAN], index=(0,)), DataError, ["finite"]),
    ("a number recorded", lambda: record(3).__enter__(), ArgumentError, ["int cannot be recorded", "vizkit.nn"]),
    ("a class recorded", lambda: record(nn.Sequential).__enter__(), ArgumentError, ["cannot be recorded"]),
    ("keep by a number", lambda: recording(3), ArgumentError, ["Keep(steps=10)", "3"]),
    ("keep by a mapping", lambda: recording({"steps": 3}), ArgumentError, ["Keep(steps=10)", "{'steps': 3}"]),
    ("keep of no layer", lambda: recording(Keep(layers="hiden")), UnknownNameError, ["mean 'hidden'", "output"]),
    ("every 0th step", lambda: Keep(steps=0), ArgumentError, ["from 1", "0"]),
    ("steps in words", lambda: Keep(steps="ten"), ArgumentError, ["whole number", "'ten'"]),
    ("a step below 0", lambda: Keep(steps=[3, -1]), ArgumentError, ["from 0", "-1"]),
    ("an event", lambda: Keep(kinds="forwrd"), UnknownNameError, ["mean 'forward'", "update"]),
    ("a level", lambda: Keep(levels="lyer"), UnknownNameError, ["mean 'layer'", "op"]),
    ("samples", lambda: Keep(samples=-1), ArgumentError, ["from 1", "-1"]),
    ("layers by number", lambda: Keep(layers=[3]), ArgumentError, ["name or pattern", "[3]"]),
    ("a step that is not there", lambda: descent().event("loss", step=99), TraceQueryError, ["step 99", "0 to 2"]),
    ("a quantity", lambda: descent().stack("forward", "outptu"), UnknownNameError, ["mean 'output'"]),
    ("a parameter", lambda: descent().parameter("hidden", "kernl"), UnknownNameError, ["mean 'kernel'", "bias"]),
    ("a parameter's layer", lambda: descent().parameter("hiden", "bias"), UnknownNameError, ["mean 'hidden'"]),
    ("a file by number", lambda: load(3), ArgumentError, ["text or a path", "3"]),
    ("saving to nothing", lambda: descent().save(None), ArgumentError, ["text or a path", "None"]),
]


def lines(weights: object = (1, 2), biases: object = (0, 1), **options: object) -> object:
    return plots.weight_bias_lines(weights, biases, **options)


def step(image: object = IMAGE, kernel: object = KERNEL, **options: object) -> object:
    return plots.convolution_step(image, kernel, **options)


PLOTS: list[Row] = [
    ("lines of words", lambda: lines("a"), ShapeError, ["weights must be numbers", "'a'"]),
    ("lines without biases", lambda: lines(biases=None), ArgumentError, ["no biases"]),
    ("lines of unequal numbers", lambda: lines([1, 2], [1, 2, 3]), ShapeError, ["2 weights", "3 biases"]),
    ("lines of NaN", lambda: lines([NAN, 1]), DataError, ["finite", "nan"]),
    ("no lines", lambda: lines([], []), DataError, ["at least one"]),
    ("lines of a matrix", lambda: lines(np.eye(2)), ShapeError, ["one axis", "(2, 2)"]),
    ("too many lines", lambda: lines(np.arange(100), 0), ArgumentError, ["100 labels", "fewer"]),
    ("a span of one number", lambda: lines(span=3), ArgumentError, ["lower to a higher", "3"]),
    ("a span backwards", lambda: lines(span=(1, 0)), ArgumentError, ["lower to a higher", "(1, 0)"]),
    ("a span of words", lambda: plots.activation_curves(span=("a", "b")), ArgumentError, ["lower", "('a', 'b')"]),
    ("an infinite span", lambda: plots.activation_curves(span=(0, INF)), ArgumentError, ["lower", "inf"]),
    ("an option", lambda: lines(spam=(0, 1)), UnknownNameError, ["'spam'", "mean 'span'", "size"]),
    ("an option of another", lambda: plots.ssr_curve([1, 2], [1, 2], colour="red"), UnknownNameError, ["'colour'"]),
    ("axes", lambda: lines(ax=3), ArgumentError, ["Axes", "int"]),
    ("a theme", lambda: lines(theme="drak"), UnknownNameError, ["mean 'dark'", "light"]),
    ("a theme by number", lambda: lines(theme=3), UnknownNameError, ["3", "dark, light"]),
    ("an activation", lambda: plots.activation_curves(["relu", "tan"]), UnknownNameError, ["mean 'tanh'"]),
    ("a gradient", lambda: plots.activation_gradients("sigmod"), UnknownNameError, ["mean 'sigmoid'"]),
    ("an activation by number", lambda: plots.activation_curves(3), ArgumentError, ["name or a callable", "3"]),
    ("no activation", lambda: plots.activation_curves([]), ArgumentError, ["one or more", "[]"]),
    ("an activation that is NaN", lambda: plots.activation_curves(np.log), DataError, ["'log'", "not finite", "-5"]),
    ("a U-curve without losses", lambda: plots.ssr_curve([1, 2]), ArgumentError, ["loss at each value"]),
    ("a U-curve of unequal numbers", lambda: plots.ssr_curve([1, 2], [1]), ShapeError, ["2 values", "1 losses"]),
    ("a U-curve of one point", lambda: plots.ssr_curve([1], [1]), DataError, ["two or more", "[1.0]"]),
    ("a U-curve with NaN", lambda: plots.ssr_curve([1, 2], [1, NAN]), DataError, ["finite", "nan"]),
    ("a descent by number", lambda: plots.ssr_curve([1, 2], [1, 2], descent=3), ArgumentError, ["trace", "3"]),
    ("a descent of nothing", lambda: plots.ssr_curve([1, 2], [1, 2], descent=nothing()), TraceQueryError, ["none"]),
    ("a network by number", lambda: plots.network(3), ArgumentError, ["trace", "int"]),
    ("a network's model", lambda: plots.network(dosage()), ArgumentError, ["vizkit.record", "Sequential"]),
    ("a network's step", lambda: plots.network(descent(), step=9), ArgumentError, ["'hidden'", "step 9"]),
    ("a network's sample", lambda: plots.network(descent(), sample=9), ArgumentError, ["0 to 2", "9"]),
    ("half a sample", lambda: plots.network(descent(), sample=0.5), ArgumentError, ["0 to 2", "0.5"]),
    ("a network of an empty trace", lambda: plots.network(nothing()), ArgumentError, ["no forward event", "'hidden'"]),
    ("maps by number", lambda: plots.feature_maps(3), ShapeError, ["height, width, map", "()"]),
    ("maps in words", lambda: plots.feature_maps("ab"), ShapeError, ["height, width, map", "'ab'"]),
    ("maps of NaN", lambda: plots.feature_maps(np.full((3, 3, 1), NAN)), DataError, ["finite", "9 of them"]),
    ("no maps", lambda: plots.feature_maps(np.zeros((0, 3, 1))), DataError, ["at least one", "(0, 3, 1)"]),
    ("maps of a dense network", lambda: plots.feature_maps(descent()), TraceQueryError, ["no Conv2D", "Dense"]),
    ("maps of a model alone", lambda: plots.feature_maps(convolutional()), ArgumentError, ["images x", "none"]),
    ("maps of a layer", lambda: plots.feature_maps(pass_of_images(), layer="conv"), UnknownNameError, ["'conv2d'"]),
    ("maps of a sample", lambda: plots.feature_maps(pass_of_images(), sample=1.0), ArgumentError, ["0 to 0", "1.0"]),
    ("kernels by number", lambda: plots.kernels(3), ShapeError, ["row, column, filter", "()"]),
    ("kernels of a dense network", lambda: plots.kernels(dosage()), ArgumentError, ["Conv2D", "Dense, Dense"]),
    ("kernels not there yet", lambda: plots.kernels(nn.Sequential([nn.layers.Conv2D(1, 3)])), NotBuiltError, ["Input"]),
    ("a kernel's channel", lambda: plots.kernels(convolutional(), channel=7), ArgumentError, ["0 to 0", "7"]),
    ("a step without a kernel", lambda: step(kernel=None), ArgumentError, ["kernel", "none"]),
    ("a step with a kernel too large", lambda: step(KERNEL, IMAGE), ShapeError, ["(6, 6)", "(3, 3)"]),
    ("a step beyond the map", lambda: step(row=4), ArgumentError, ["0 to 3", "row 4"]),
    ("half a row", lambda: step(row=1.5), ArgumentError, ["0 to 3", "row 1.5"]),
    ("a step on NaN", lambda: step(IMAGE + NAN), DataError, ["finite", "nan"]),
    ("a step on a line", lambda: step(np.zeros(6)), ShapeError, ["two axes", "(6,)"]),
    ("a bias in words", lambda: step(bias="a"), ShapeError, ["bias", "'a'"]),
    ("a history by number", lambda: plots.training_curves(3), ArgumentError, ["history", "int"]),
    ("an empty history", lambda: plots.training_curves({}), DataError, ["at least one epoch"]),
    ("a metric", lambda: plots.training_curves({"loss": [1]}, "los"), UnknownNameError, ["mean 'loss'"]),
    ("a history with NaN", lambda: plots.training_curves({"loss": [1, NAN]}), DataError, ["finite", "nan"]),
    (
        "histories of unequal lengths",
        lambda: plots.training_curves({"loss": [1, 2], "val_loss": [1]}),
        ShapeError,
        ["2 and 1"],
    ),
    ("a fit by number", lambda: plots.fit_curve(3), ArgumentError, ["pair (x, y)", "3"]),
    ("a fit without curves", lambda: plots.fit_curve((GRID, GRID)), ArgumentError, ["(grid, outputs)", "None"]),
    ("a fit of a trace alone", lambda: plots.fit_curve(descent()), ArgumentError, ["(grid, outputs)", "None"]),
    ("a fit with NaN", lambda: plots.fit_curve(([1, NAN], [1, 2]), (GRID, GRID)), DataError, ["finite", "nan"]),
    ("a fit of another length", lambda: plots.fit_curve((GRID, GRID), (GRID, [1, 2])), ShapeError, ["5", "(2,)"]),
    ("a blueprint by number", lambda: plots.blueprint(3), ArgumentError, ["trace", "int"]),
    ("a blueprint of a dense network", lambda: plots.blueprint(descent()), TraceQueryError, ["no Conv2D", "Dense"]),
    ("one class of two", lambda: plots.blueprint(pass_of_images(), classes=("O",)), ArgumentError, ["2", "('O',)"]),
    ("classes by number", lambda: plots.blueprint(pass_of_images(), classes=2), ArgumentError, ["names", "2"]),
    ("a figure of a number", lambda: plots.figure(3), ArgumentError, ["view", "int"]),
    ("a storyboard of a number", lambda: plots.storyboard(3), ArgumentError, ["story", "int"]),
    ("an exhibit", lambda: exhibits.get("bakprop"), UnknownNameError, ["mean 'backprop'", "kernels"]),
    ("a theme's name", lambda: theme.get("lihgt", theme.DARK), UnknownNameError, ["mean 'light'", "dark"]),
]  # fmt: skip

CURVE = (np.linspace(-1, 5, 9), np.linspace(-1, 5, 9) ** 2)
FITS = (GRID, np.zeros((3, 5)))
STORIES: list[Row] = [
    ("backprop by number", lambda: stories.backprop(3), ArgumentError, ["trace", "int"]),
    ("backprop of a model", lambda: stories.backprop(dosage()), ArgumentError, ["trace", "Sequential"]),
    ("backprop's fits by number", lambda: stories.backprop(descent(), 3), ArgumentError, ["pair", "3"]),
    ("a video of a number", lambda: vizkit.render.video(3, "a.mp4"), ArgumentError, ["story", "int"]),
    ("a page of a number", lambda: vizkit.web.story_page(3), ArgumentError, ["story", "int"]),
    ("a still of a number", lambda: vizkit.render.still(3, "a.png"), ArgumentError, ["story or a beat", "int"]),
    ("backprop of images", lambda: stories.backprop(pass_of_images()), ArgumentError, ["training", "forward", "fit"]),
    ("backprop of nothing", lambda: stories.backprop(nothing()), ArgumentError, ["training", "none at all"]),
    ("convolution by number", lambda: stories.convolution(3), ArgumentError, ["trace", "int"]),
    ("convolution of a dense network", lambda: stories.convolution(descent()), TraceQueryError, ["no Conv2D", "Dense"]),
    ("convolution of nothing", lambda: stories.convolution(nothing()), TraceQueryError, ["no Conv2D", "nothing"]),
    ("a sample", lambda: stories.convolution(pass_of_images(), sample="a"), ArgumentError, ["0 to 0", "'a'"]),
    ("descent by number", lambda: stories.gradient_descent(3, CURVE, FITS), ArgumentError, ["trace", "int"]),
    ("descent of images", lambda: stories.gradient_descent(pass_of_images(), CURVE, FITS), TraceQueryError, ["none"]),
    ("a descent too short", lambda: stories.gradient_descent(descent(), CURVE, FITS), DataError, ["6 steps", "3"]),
    ("a curve by number", lambda: stories.gradient_descent(descent(), 3, FITS), ArgumentError, ["curve", "3"]),
    ("fits by number", lambda: stories.gradient_descent(descent(), CURVE, 3), ArgumentError, ["fits", "3"]),
]  # fmt: skip

ROWS = [pytest.param(*row[1:], id=f"{name}: {row[0]}") for name, rows in
        (("nn", NETWORK), ("trace", TRACES), ("plots", PLOTS), ("stories", STORIES)) for row in rows]  # fmt: skip


@pytest.mark.parametrize(("act", "error", "says"), ROWS)
@pytest.mark.filterwarnings("error")
def test_bad_input_is_one_clear_error(act: Callable[[], object], error: type[VizkitError], says: list[str]) -> None:
    with pytest.raises(VizkitError) as caught:
        act()
    assert type(caught.value) is error
    assert all(part in str(caught.value) for part in says), str(caught.value)


def test_each_error_is_also_the_built_in_one_that_a_python_user_expects() -> None:
    for error, builtin in {
        ShapeError: ValueError, DataError: ValueError, ArgumentError: TypeError, UnknownNameError: ValueError,
        NotBuiltError: RuntimeError, DivergenceError: ArithmeticError, OutputError: OSError,
        TraceFileError: ValueError, TraceQueryError: LookupError,
    }.items():  # fmt: skip
        assert issubclass(error, VizkitError) and issubclass(error, builtin)


# -- what was there before -------------------------------------------------------------------------


@pytest.mark.parametrize("data", [(np.ones((4, 3)), Y), (X * NAN, Y), (X, Y[:3]), (np.zeros((0, 2)), np.zeros((0, 1)))])
def test_refused_data_leave_model_and_trace_as_they_were(data: tuple[object, object]) -> None:
    model = compiled()
    before = model.get_weights()
    with record(model) as trace:
        model.fit(X, Y, verbose=0, shuffle=False)
        weights, events = model.get_weights(), len(trace)
        with pytest.raises(VizkitError):
            model.fit(*data, verbose=0)
    assert len(trace) == events > 0 and not np.array_equal(before[0], weights[0])
    assert all(np.array_equal(was, now) for was, now in zip(weights, model.get_weights(), strict=True))
    model.fit(X, Y, verbose=0)


def test_a_diverging_run_is_recorded_up_to_where_it_diverged() -> None:
    model = compiled(rate=1e6)
    with pytest.raises(DivergenceError), record(model) as trace:
        model.fit(X, Y, epochs=50, verbose=0, shuffle=False)
    losses = [event.value for event in trace.events("loss")]
    assert len(losses) > 1 and all(np.isfinite(losses[:-1])) and losses == sorted(losses)


# -- files -----------------------------------------------------------------------------------------


def newer(raw: bytes) -> bytes:
    start = raw[:8] + struct.pack("<HH", 99, 0)
    return start + struct.pack("<I", crc32(start)) + raw[16:]


def changed(raw: bytes) -> bytes:
    middle = len(raw) // 2
    return raw[:middle] + bytes([raw[middle] ^ 1]) + raw[middle + 1 :]


@pytest.mark.parametrize(
    ("spoil", "error", "says"),
    [
        (lambda raw: b"hello", TraceFileError, "not a trace"),
        (lambda raw: b"", TraceFileError, "not a trace"),
        (lambda raw: raw[: len(raw) // 2], TruncatedTraceError, "last complete step|no complete step"),
        (lambda raw: raw[:-1], TruncatedTraceError, "last complete step"),
        (newer, TraceVersionError, r"99\.0.*Update vizkit"),
        (changed, TraceFileError, "damaged"),
    ],
)
def test_files_that_are_no_whole_traces(
    tmp_path: Path, spoil: Callable[[bytes], bytes], error: type[TraceFileError], says: str
) -> None:
    path = descent().save(tmp_path / "run.vkt")
    spoilt = spoil(path.read_bytes())
    path.write_bytes(spoilt)
    with pytest.raises(TraceFileError, match=says) as caught:
        list(load(path).events())  # an array's checksum is looked at when the array is
    assert type(caught.value) is error and "run.vkt" in str(caught.value)
    assert path.read_bytes() == spoilt and [found.name for found in tmp_path.iterdir()] == ["run.vkt"]


@pytest.mark.parametrize("name", ["nowhere.vkt", "folder", "file/run.vkt"])
def test_files_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(TraceFileError, match=f"'.*{name}' cannot be read"):
        load(tmp_path / name)


def save_figure(path: Path) -> None:
    plots.save(exhibits.get("weight_bias").make_view(), path)


@pytest.mark.parametrize(("save", "suffix"), [(lambda path: descent().save(path), "vkt"), (save_figure, "png")])
def test_places_that_cannot_be_written(tmp_path: Path, save: Callable[[Path], object], suffix: str) -> None:
    (tmp_path / "file").write_text("kept", encoding="utf-8")
    (tmp_path / f"folder.{suffix}").mkdir()
    for name in (f"file/a.{suffix}", f"nowhere/a.{suffix}", f"folder.{suffix}"):
        with pytest.raises(OutputError, match=f"'.*{name}' cannot be written"):
            save(tmp_path / name)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", f"folder.{suffix}"]
    assert (tmp_path / "file").read_text(encoding="utf-8") == "kept"


@pytest.mark.parametrize(("save", "suffix"), [(lambda path: descent().save(path), "vkt"), (save_figure, "png")])
def test_a_disk_that_is_full_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, save: Callable[[Path], object], suffix: str
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / f"a.{suffix}"
    path.write_bytes(b"kept")
    monkeypatch.setattr("vizkit.files.os.fsync", full)
    with pytest.raises(OutputError, match="No space left on device"):
        save(path)
    assert path.read_bytes() == b"kept" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"path": "a.gif"}, UnknownNameError, "'gif'.*pdf, png, svg"),
        ({"path": "a"}, UnknownNameError, "pdf, png, svg"),
        ({"path": 3}, ArgumentError, "text or a path.*3"),
        ({"dpi": 0}, ArgumentError, "dpi is a number above 0; 0 was"),
        ({"dpi": "high"}, ArgumentError, "dpi is a number above 0; 'high' was"),
        ({"theme": "drak"}, UnknownNameError, "'dark'"),
        ({"drawn": 3}, ArgumentError, "figure, axes, view.*int"),
    ],
)
def test_slips_in_saving_a_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, object], error: type[VizkitError], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    view = exhibits.get("weight_bias").make_view()
    with pytest.raises(error, match=says):
        plots.save(**{"drawn": view, "path": "a.png", **options})
    assert list(tmp_path.iterdir()) == []


def test_slips_in_making_a_video_are_found_before_the_work(tmp_path: Path) -> None:
    pytest.importorskip("manim")
    story = exhibits.get("convolution").make_story()
    (tmp_path / "file").write_text("kept", encoding="utf-8")
    for options, error, says in (
        ({"path": "a.avi"}, UnknownNameError, "'avi'.*gif, mov, mp4"),
        ({"quality": "qx"}, UnknownNameError, "'qx'.*qh, qk, ql, qm"),
        ({"theme": "drak"}, UnknownNameError, "'dark'"),
        ({"path": "file/a.mp4"}, OutputError, "cannot be"),
    ):
        path = tmp_path / str(options.pop("path", "a.mp4"))
        with pytest.raises(error, match=says):
            vizkit.render.video(story, path, **options)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


# -- from the command line (its slips of usage are in tests/cli) -----------------------------------


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("show", "kernals"), "'kernals'. Did you mean 'kernels'"),
        (("explain", "bakprop"), "Did you mean 'backprop'"),
        (("show", "weight_bias", "-o", "file/a.png"), "'file'"),
        (("gallery", "-o", "file/site"), "'file/site' cannot be made"),
        (("gallery", "-o", "site", "--chapters", "chapters"), "1.md cannot"),
    ],
)
def test_the_command_line_says_the_same_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("kept", encoding="utf-8")
    Path("chapters").mkdir()
    Path("chapters/1.md").write_bytes(b"# \xff")
    assert main(list(words)) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and says in err.replace("' cannot be read", " cannot")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["chapters", "file"]
    assert Path("file").read_text(encoding="utf-8") == "kept"
