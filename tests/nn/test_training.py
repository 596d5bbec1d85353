"""Models: training, evaluating, seeds, and what they refuse."""

from __future__ import annotations

import subprocess
import sys
from contextlib import nullcontext

import numpy as np
import pytest
import torch

import vizkit
from vizkit import nn
from vizkit.errors import (
    ArgumentError,
    DataError,
    DivergenceError,
    NotBuiltError,
    ShapeError,
    UnknownNameError,
    UnsupportedOperationError,
)

X, Y = nn.data.dosage()


class Biases(nn.Callback):
    def __init__(self):
        self.found = []

    def on_train_begin(self, logs=None):
        self.on_epoch_end(0, {})

    def on_epoch_end(self, epoch, logs):
        self.found.append(float(self.model.layers[1].bias.numpy()[0]))


def test_the_published_descent_of_the_final_bias():
    network = nn.networks.dosage_network(only_final_bias=True)
    watch = Biases()
    network.fit(X, Y, batch_size=3, epochs=6, callbacks=[watch], verbose=0)
    np.testing.assert_allclose(watch.found, [0, 1.57, 2.19, 2.44, 2.54, 2.58, 2.60], atol=0.006)


@pytest.mark.parametrize("bias, ssr", [(0, 20.42), (1, 7.77), (2, 1.11), (3, 0.46), (4, 5.80)])
def test_the_published_curve_of_the_final_bias(bias, ssr):
    assert nn.networks.dosage_network(bias).evaluate(X, Y) == pytest.approx(ssr, abs=0.006)


def test_only_the_final_bias_moves():
    network = nn.networks.dosage_network(only_final_bias=True)
    before = network.get_weights()
    network.fit(X, Y, epochs=3, verbose=0)
    moved = [not np.array_equal(a, b) for a, b in zip(before, network.get_weights(), strict=True)]
    assert moved == [False, False, False, True]


def test_training_agrees_with_pytorch():
    random = np.random.default_rng(0)
    x, y = random.normal(size=(12, 4)), random.integers(0, 3, 12)
    model = nn.Sequential([nn.Input((4,)), nn.layers.Dense(5, "tanh"), nn.layers.Dense(3)], dtype="float64", seed=1)
    model.compile(nn.optimizers.SGD(0.1, 0.9), nn.losses.SparseCategoricalCrossentropy(from_logits=True))
    tensors = [torch.tensor(w, requires_grad=True) for w in model.get_weights()]
    optimizer = torch.optim.SGD(tensors, 0.1, 0.9)
    losses = []
    for _ in range(5):
        for part in (slice(0, 8), slice(8, 12)):
            optimizer.zero_grad()
            hidden = torch.tanh(torch.tensor(x[part]) @ tensors[0] + tensors[1])
            loss = torch.nn.functional.cross_entropy(hidden @ tensors[2] + tensors[3], torch.tensor(y[part]))
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    history = model.fit(x, y, batch_size=8, epochs=5, shuffle=False, verbose=0)
    for ours, theirs in zip(model.get_weights(), tensors, strict=True):
        np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-10)
    pairs = np.reshape(losses, (5, 2))
    np.testing.assert_allclose(history.history["loss"], (8 * pairs[:, 0] + 4 * pairs[:, 1]) / 12, rtol=1e-10)


def small(seed=0, **kwargs):
    layers = [nn.layers.Dense(8, "relu"), nn.layers.Dropout(0.2), nn.layers.Dense(2, "softmax")]
    model = nn.Sequential(layers, seed=seed, **kwargs)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


DATA = np.random.default_rng(1).normal(size=(50, 3))
CLASSES = (DATA.sum(axis=1) > 0).astype(int)


def test_the_same_seed_gives_the_same_bytes():
    one, two, other = small(3), small(3), small(4)
    for model in (one, two, other):
        model.fit(DATA, CLASSES, epochs=3, verbose=0)
    assert [w.tobytes() for w in one.get_weights()] == [w.tobytes() for w in two.get_weights()]
    assert one.get_weights()[0].tobytes() != other.get_weights()[0].tobytes()


def test_the_global_seed_does_too():
    found = []
    for _ in range(2):
        nn.utils.set_random_seed(5)
        model = small(None)
        model.fit(DATA, CLASSES, epochs=2, verbose=0)
        found.append(model.get_weights()[0].tobytes())
    assert found[0] == found[1]


def test_history_validation_and_evaluate():
    model = small()
    history = model.fit(DATA, CLASSES, epochs=2, validation_split=0.2, verbose=0).history
    assert {name: len(values) for name, values in history.items()} == {
        "loss": 2, "accuracy": 2, "val_loss": 2, "val_accuracy": 2
    }  # fmt: skip
    held = model.evaluate(DATA[40:], CLASSES[40:])
    assert held == [history["val_loss"][-1], history["val_accuracy"][-1]]
    predicted = model.predict(DATA[40:]).argmax(axis=1)
    assert held[1] == pytest.approx((predicted == CLASSES[40:]).mean())


def test_predictions_do_not_depend_on_the_batches():
    model = small(dtype="float64")
    np.testing.assert_allclose(model.predict(DATA, batch_size=7), model.predict(DATA), rtol=1e-13)


def test_train_on_batch_returns_the_loss_before_the_step():
    network = nn.networks.dosage_network()
    before = network.evaluate(X, Y)
    assert network.train_on_batch(X, Y) == pytest.approx(before)
    assert network.train_on_batch(X, Y, return_dict=True)["loss"] < before


def test_the_sum_of_residuals_adds_up_over_batches():
    network = nn.networks.dosage_network(only_final_bias=True, learning_rate=1e-12)
    history = network.fit(X, Y, batch_size=1, epochs=1, verbose=0)
    assert history.history["loss"][0] == pytest.approx(20.42, abs=0.006)


def test_a_callback_may_stop_training():
    class Stop(nn.Callback):
        def on_epoch_end(self, epoch, logs):
            self.model.stop_training = epoch == 1

    history = small().fit(DATA, CLASSES, epochs=9, callbacks=[Stop()], verbose=0)
    assert history.epoch == [0, 1]


@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        lambda model: model.compile("adam", "mse"),
        lambda model: model.compile(model.optimizer, "mae"),
        lambda model: setattr(model, "optimizer", nn.optimizers.Adam()),
    ],
)
def test_who_compiles_while_fit_runs_is_told_what_to_do(recorded, change):
    class Changing(nn.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                change(self.model)

    model = nn.networks.dosage_network()
    with vizkit.record(model) if recorded else nullcontext():
        with pytest.raises(UnsupportedOperationError, match=r"while fit was running.*stop_training"):
            model.fit(X, Y, epochs=4, verbose=0, callbacks=[Changing()])
        before = model.get_weights()
        model.fit(X, Y, verbose=0)
    assert any((new != old).any() for new, old in zip(model.get_weights(), before, strict=True))


def test_models_of_ones_own_and_models_within_models():
    class Two(nn.Model):
        def __init__(self):
            super().__init__(seed=0)
            self.left = nn.Sequential([nn.layers.Dense(4, "tanh")])
            self.right = nn.layers.Dense(4, "tanh")
            self.out = nn.layers.Dense(1)

        def call(self, inputs):
            return self.out(np.concatenate([self.left(inputs), self.right(inputs)], axis=-1))

    model = Two()
    model.compile("adam", "mse")
    losses = model.fit(DATA, DATA[:, 0], epochs=40, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert model.count_params() == 2 * (3 * 4 + 4) + 9


def test_architecture_in_numbers(capsys):
    dense = [nn.layers.Dense(128, "relu", input_shape=(784,)), nn.layers.Dense(64, "relu"), nn.layers.Dense(10)]
    model = nn.Sequential(dense)
    assert [layer.count_params() for layer in model.layers] == [100_480, 8_256, 650]
    assert model.count_params() == 109_386
    model.summary()
    printed = capsys.readouterr().out
    assert "109,386" in printed
    assert "dense_2 (Dense)" in printed
    convolution = nn.layers.Conv2D(32, 3, input_shape=(28, 28, 1))
    assert nn.Sequential([convolution]).count_params() == 320


def test_add_and_input_build_at_once():
    model = nn.Sequential()
    model.add(nn.Input(shape=(6, 6, 1)))
    model.add(nn.layers.Flatten())
    model.add(nn.layers.Dense(100, use_bias=False))
    assert model.count_params() == 3600
    assert model.output_shape == (None, 100)


def test_the_bar_goes_to_standard_output(capsys):
    small().fit(DATA, CLASSES, epochs=2, verbose=1)
    out, err = capsys.readouterr()
    assert err == ""
    assert "\rEpoch 2/2" in out and "accuracy" in out


def test_a_notebook_or_a_file_gets_a_line_for_each_epoch(capsys):
    model = small()
    history = model.fit(DATA, CLASSES, epochs=2).history
    out, err = capsys.readouterr()
    lines = [
        f"Epoch {epoch + 1}/2  loss: {loss:.4f}  accuracy: {share:.4f}"
        for epoch, (loss, share) in enumerate(zip(history["loss"], history["accuracy"], strict=True))
    ]
    assert (out.splitlines(), err) == (lines, "")


@pytest.mark.parametrize("verbose", ["auto", 1, 2])
def test_evaluating_tells_the_numbers(capsys, verbose):
    model = small()
    loss, share = model.evaluate(DATA, CLASSES, verbose=verbose)
    assert capsys.readouterr() == (f"loss: {loss:.4f}  accuracy: {share:.4f}\n", "")


def test_silence(capsys):
    model = small()
    model.fit(DATA, CLASSES, verbose=0)
    model.evaluate(DATA, CLASSES, verbose=0)
    model.predict(DATA)
    assert capsys.readouterr() == ("", "")


def bad(array, value):
    array = array.astype(float)
    array.flat[4] = value
    return array


@pytest.mark.parametrize(
    "x, y, error, words",
    [
        (bad(DATA, np.nan), CLASSES, DataError, r"NaN or infinite, the first at \(1, 1\)"),
        (bad(DATA, np.inf), CLASSES, DataError, "x must be finite"),
        (DATA, bad(CLASSES, np.nan), DataError, "y must be finite"),
        (DATA[:0], CLASSES[:0], DataError, "at least one sample"),
        (DATA, CLASSES[:9], ShapeError, "50 samples.*9"),
        (DATA, CLASSES + 1, DataError, "from 0 to 1.*2 is among"),
        (DATA, CLASSES - 1, DataError, "-1"),
        (DATA.astype(str), CLASSES, DataError, "must be numbers"),
        (DATA, None, ArgumentError, "targets"),
    ],
)
def test_bad_data(x, y, error, words):
    with pytest.raises(error, match=words):
        small().fit(x, y, verbose=0)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"epochs": 0}, "epochs"),
        ({"batch_size": -1}, "batch_size"),
        ({"validation_split": 1.5}, "validation_split"),
        ({"validation_split": 0.99}, "leaves one part empty"),
        ({"seed": "x"}, "seed"),
    ],
)
def test_bad_choices(options, words):
    with pytest.raises(ArgumentError, match=words):
        small().fit(DATA[:5], CLASSES[:5], verbose=0, **options)


def test_a_diverging_run_names_step_loss_and_cause():
    network = nn.networks.dosage_network(learning_rate=50.0)
    with pytest.raises(DivergenceError, match=r"loss is (inf|nan) at step \d+.*learning rate.*50"):
        network.fit(X, Y, batch_size=3, epochs=300, verbose=0)


def test_an_infinite_last_step_is_found_too():
    model = nn.Sequential([nn.layers.Dense(1, kernel_initializer="ones")], dtype="float32")
    model.compile(nn.optimizers.SGD(1e38), "mse")
    with pytest.raises(DivergenceError, match="kernel"):
        model.fit(np.full((2, 1), 1e3), np.zeros(2), epochs=1, verbose=0)


def test_what_is_not_compiled_or_built_says_so():
    with pytest.raises(NotBuiltError, match="compile"):
        nn.Sequential([nn.layers.Dense(1)]).fit(X, Y)
    with pytest.raises(NotBuiltError, match="input_shape"):
        nn.Sequential([nn.layers.Dense(1)]).count_params()


def test_wrong_things_in_a_model():
    with pytest.raises(ArgumentError, match="brackets"):
        nn.Sequential([nn.layers.Flatten])
    with pytest.raises(ArgumentError, match="'a'"):
        nn.Sequential([nn.layers.Dense(1, name="a"), nn.layers.Dense(1, name="a")])
    with pytest.raises(ArgumentError, match="list"):
        small().compile("adam", "mse", "accuracy")
    with pytest.raises(UnknownNameError, match="Did you mean 'accuracy'"):
        small().compile("adam", "mse", ["acuracy"])


def test_all_frozen_cannot_train():
    model = small()
    model(DATA)
    model.trainable = False
    with pytest.raises(ArgumentError, match="frozen"):
        model.fit(DATA, CLASSES, verbose=0)


def test_a_later_wrong_input_names_both_shapes():
    model = small()
    model.fit(DATA, CLASSES, verbose=0)
    with pytest.raises(ShapeError, match=r"\(3, 8\).*\(\d+, 4\)"):
        model.predict(np.ones((5, 4)))


@pytest.mark.slow
def test_digits_reach_97_percent_of_the_held_out_fifth():
    (x, y), (x_test, y_test) = nn.data.digits()
    model = nn.networks.digits_cnn()
    model.fit(x, y, epochs=10, batch_size=32, verbose=0)
    assert model.evaluate(x_test, y_test)[1] >= 0.97


def test_letters_are_told_apart():
    images, labels = nn.data.letters()
    model = nn.networks.letters_cnn()
    model.fit(images, labels, epochs=150, batch_size=6, verbose=0)
    assert model.evaluate(images, labels)[1] == 1.0


def test_importing_is_light():
    code = "import sys, vizkit.nn; print([m for m in ('sklearn', 'scipy', 'matplotlib', 'torch') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_public_names_are_sorted_and_exist():
    assert nn.__all__ == sorted(nn.__all__)
    assert all(hasattr(nn, name) for name in nn.__all__)
