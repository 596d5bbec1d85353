"""Weights and models in files: what comes back, and what is refused."""

from __future__ import annotations

import json
import os
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vizkit import nn
from vizkit.errors import ArgumentError, ModelFileError, NotBuiltError, OutputError, ShapeError, UnknownNameError

RANDOM = np.random.default_rng(1)
X = RANDOM.normal(size=(40, 6, 6, 1)).astype(np.float32)
Y = (X.sum(axis=(1, 2, 3)) > 0).astype(int)


def network(units=4, seed=0):
    layers = [
        nn.Input((6, 6, 1)),
        nn.layers.Conv2D(2, (3, 3), activation="relu", kernel_initializer=nn.initializers.HeNormal()),
        nn.layers.Flatten(),
        nn.layers.Dropout(0.3),
        nn.layers.Dense(units, nn.activations.gelu, name="hidden"),
        nn.layers.Dense(2, "softmax"),
    ]
    model = nn.Sequential(layers, name="small", seed=seed)
    rate = nn.optimizers.schedules.ExponentialDecay(0.01, 10, 0.9)
    model.compile(nn.optimizers.Adam(rate), nn.losses.SparseCategoricalCrossentropy(), ["accuracy"])
    return model


def test_weights_come_back(tmp_path):
    one, two = network(seed=1), network(seed=2)
    one.save_weights(tmp_path / "small.weights")
    two.load_weights(str(tmp_path / "small.weights"))
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("seed", [0, None])
def test_a_loaded_model_trains_on_as_if_it_had_never_been_saved(tmp_path, seed):
    models = []
    for _ in range(2):
        nn.utils.set_random_seed(4)
        models.append(network(seed=seed))
        models[-1].fit(X, Y, epochs=2, verbose=0)
    straight, saved = models
    saved.save(tmp_path / "model.vkm")
    loaded = nn.load_model(tmp_path / "model.vkm")
    histories = [model.fit(X, Y, epochs=2, verbose=0).history for model in (straight, loaded)]
    assert histories[0] == histories[1]
    for a, b in zip(straight.get_weights(), loaded.get_weights(), strict=True):
        assert a.tobytes() == b.tobytes()
    assert loaded.name == "small"
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in straight.layers]
    assert loaded.optimizer.config() == straight.optimizer.config()


def test_the_same_model_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        network().save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_no_pickle_is_inside(tmp_path):
    network().save(tmp_path / "model")
    with np.load(tmp_path / "model", allow_pickle=False) as archive:
        assert all(archive[name].dtype.kind in "fiu" for name in archive.files)


class Scale(nn.Layer):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, inputs):
        return inputs * self.factor


class Pair(nn.Model):
    def __init__(self, units, inner=None):
        super().__init__(seed=0)
        self.units, self.inner = units, inner
        self.dense = nn.layers.Dense(units, bias_initializer=nn.initializers.Constant([1.0, 2.0]))

    def call(self, inputs):
        return self.inner(self.dense(inputs))


def steep(x):
    return 3 * x


def test_models_and_layers_of_ones_own(tmp_path):
    inner = nn.Sequential([Scale(2.0), nn.layers.Dense(1, steep)])
    model = Pair(2, inner)
    before = model.predict(np.ones((3, 4)))
    model.dense.trainable = False
    model.save(tmp_path / "pair")
    custom = {"Pair": Pair, "Scale": Scale, "steep": steep}
    loaded = nn.models.load_model(tmp_path / "pair", custom_objects=custom)
    np.testing.assert_array_equal(loaded.predict(np.ones((3, 4))), before)
    for missing in custom:
        with pytest.raises(UnknownNameError, match=f"needs '{missing}'.*custom_objects"):
            nn.load_model(tmp_path / "pair", {name: value for name, value in custom.items() if name != missing})


def test_losses_and_metrics_of_ones_own(tmp_path):
    def distance(y, p):
        return np.abs(y - p)

    model = nn.Sequential([nn.Input((2,)), nn.layers.Dense(1)], seed=0)
    model.compile("sgd", distance, [distance, nn.metrics.BinaryAccuracy(threshold=0.3)])
    model.save(tmp_path / "own")
    loaded = nn.load_model(tmp_path / "own", {"distance": distance})
    x, y = np.ones((3, 2)), np.zeros((3, 1))
    assert loaded.evaluate(x, y, return_dict=True) == model.evaluate(x, y, return_dict=True)


def test_what_cannot_be_written_says_so(tmp_path):
    class Forgetful(nn.Layer):
        def __init__(self, size):
            super().__init__()

        def call(self, inputs):
            return inputs

    dense = nn.layers.Dense(1)
    with pytest.raises(ArgumentError, match="does not keep the argument 'size'"):
        nn.Sequential([nn.Input((2,)), Forgetful(3), dense]).save(tmp_path / "x")
    with pytest.raises(ArgumentError, match=r"dense\.activation.*cannot be saved"):
        nn.Sequential([nn.Input((2,)), nn.layers.Dense(1, lambda x: x)]).save(tmp_path / "x")
    model = nn.Sequential([nn.Input((2,)), nn.layers.Dense(1)])
    model.compile(nn.optimizers.SGD(lambda step: 0.1), "mse")
    with pytest.raises(ArgumentError, match="learning rate"):
        model.save(tmp_path / "x")
    with pytest.raises(NotBuiltError, match="weights"):
        nn.Sequential([nn.layers.Dense(1)]).save_weights(tmp_path / "x")
    with pytest.raises(OutputError, match="cannot be written"):
        network().save(tmp_path / "no folder" / "x")
    assert list(tmp_path.iterdir()) == []


IMAGE, SERIES, WORDS = X[:3], X[:3, :, :, 0], RANDOM.integers(0, 9, (3, 5))
ROWS = [
    (IMAGE, lambda: [nn.layers.Conv2D(2, 3, strides=2, padding="same"), nn.layers.BatchNormalization()]),
    (IMAGE, lambda: [nn.layers.Conv2DTranspose(2, (2, 3)), nn.layers.LeakyReLU(0.1), nn.layers.AveragePooling2D(2)]),
    (IMAGE, lambda: [nn.layers.GlobalAveragePooling2D(), nn.layers.Softmax(), nn.layers.ELU(0.5)]),
    (SERIES, lambda: [nn.layers.LSTM(4, return_sequences=True), nn.layers.GRU(3, reset_after=False)]),
    (SERIES, lambda: [nn.layers.SimpleRNN(4, activation="relu"), nn.layers.LayerNormalization(epsilon=0.1)]),
    (WORDS, lambda: [nn.layers.Embedding(9, 4), nn.layers.Reshape((20,)), nn.layers.ReLU(max_value=0.01)]),
    (IMAGE, lambda: [nn.Sequential([nn.layers.Flatten(), nn.layers.Dense(3)], name="inner"), nn.layers.Dense(2)]),
]


@pytest.mark.parametrize("inputs, row", ROWS)
def test_every_kind_of_layer_comes_back(tmp_path, inputs, row):
    model = nn.Sequential(row(), seed=3)
    before = model.predict(inputs)
    model.set_weights([RANDOM.uniform(0.1, 1, weight.shape) for weight in model.weights])
    changed = model.predict(inputs)
    assert not model.weights or not np.array_equal(before, changed)
    model.save(tmp_path / "row")
    np.testing.assert_array_equal(nn.load_model(tmp_path / "row").predict(inputs), changed)


# -- what is refused when it is read -----------------------------------------------------------------------------


def test_weights_of_another_model_name_the_weight_and_both_shapes(tmp_path):
    network(units=5).save_weights(tmp_path / "five")
    model = network(units=4)
    before = model.get_weights()
    with pytest.raises(
        ShapeError, match=r"'hidden/kernel' of 'small' has shape \(32, 4\).*'hidden/kernel' of .*\(32, 5\)"
    ):
        model.load_weights(tmp_path / "five")
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_more_weights_name_the_first_without_counterpart(tmp_path):
    model = network()
    model.save_weights(tmp_path / "w")
    model.add(nn.layers.Dense(2))
    with pytest.raises(ShapeError, match=r"has 8 weights.* 6; the first without counterpart is 'dense_1/kernel'"):
        model.load_weights(tmp_path / "w")


def test_a_file_of_weights_is_no_model(tmp_path):
    network().save_weights(tmp_path / "w")
    with pytest.raises(ModelFileError, match="weights alone"):
        nn.load_model(tmp_path / "w")


def test_missing_and_foreign_files(tmp_path):
    with pytest.raises(ModelFileError, match="There is no file"):
        network().load_weights(tmp_path / "nothing")
    for content in (b"", b"hello", b"PK\x03\x04", b"\x93NUMPY"):
        (tmp_path / "odd").write_bytes(content)
        with pytest.raises(ModelFileError, match="no saved model, or is damaged"):
            network().load_weights(tmp_path / "odd")
    np.savez(tmp_path / "arrays.npz", a=np.ones(2))
    np.save(tmp_path / "array.npy", np.ones(2))
    for name in ("arrays.npz", "array.npy", "."):
        with pytest.raises(ModelFileError, match="no saved model"):
            nn.load_model(tmp_path / name)


def rewritten(source, target, change):
    with np.load(source) as archive:
        arrays = {name: archive[name] for name in archive.files}
    header = json.loads(arrays["header"].tobytes())
    change(header, arrays)
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    with target.open("wb") as stream:
        np.savez(stream, **arrays)


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda header, arrays: header.update(version=99), "newer vizkit"),
        (lambda header, arrays: header.update(format="other"), "no saved model"),
        (lambda header, arrays: arrays.pop("weight_1"), "lacks some of its arrays"),
        (lambda header, arrays: arrays.pop("memory_1"), "lacks some of its arrays"),
        (lambda header, arrays: arrays.update(weight_0=np.zeros(3)), "shape"),
        (lambda header, arrays: arrays.update(memory_0=np.zeros(3)), "memory of Adam"),
    ],
)
def test_changed_files(tmp_path, change, words):
    model = network()
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "good")
    rewritten(tmp_path / "good", tmp_path / "bad", change)
    with pytest.raises((ModelFileError, ShapeError), match=words):
        nn.load_model(tmp_path / "bad")


@settings(max_examples=150)
@given(st.integers(0, 10**6), st.integers(0, 255), st.booleans())
def test_every_damage_is_found_or_harmless(tmp_path_factory, place, byte, cut):
    folder = tmp_path_factory.getbasetemp() / "damage"
    good = folder / "good"
    if not good.exists():
        folder.mkdir(exist_ok=True)
        network().save_weights(good)
    content = bytearray(good.read_bytes())
    place %= len(content)
    if cut:
        del content[place:]
    else:
        content[place] = byte
    (folder / "bad").write_bytes(content)
    model = network(seed=9)
    try:
        model.load_weights(folder / "bad")
    except ModelFileError:
        return
    for a, b in zip(model.get_weights(), network().get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_no_flipped_bit_of_a_model_goes_unnoticed(tmp_path):
    def state(model):
        arrays = [array.tobytes() for array in (*model.get_weights(), *model.optimizer.state())]
        return arrays, model.optimizer.config(), model.random().bit_generator.state, model.loss.name

    model = nn.Sequential([nn.Input((2,)), nn.layers.Dense(1, "relu")], name="tiny", seed=0)
    model.compile("adam", "mse", ["mae"])
    model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
    model.save(tmp_path / "good")
    content, before = (tmp_path / "good").read_bytes(), state(model)
    bad, refused = tmp_path / "bad", 0
    for place, byte in enumerate(content):
        bad.write_bytes(content[:place] + bytes([byte ^ 1 << place % 8]) + content[place + 1 :])
        try:
            assert state(nn.load_model(bad)) == before  # the times of the archive, and such
        except ModelFileError:
            refused += 1
    assert refused > len(content) / 2


def test_a_damaged_type_of_a_large_array_is_noticed(tmp_path):
    model = nn.Sequential([nn.Input((100,)), nn.layers.Dense(100, use_bias=False)], seed=0)
    model.save_weights(tmp_path / "w")
    content = (tmp_path / "w").read_bytes()
    assert content.count(b"<f4") == 1
    (tmp_path / "w").write_bytes(content.replace(b"<f4", b"<f2"))  # half of the bytes would do then
    with pytest.raises(ModelFileError, match="damaged"):
        model.load_weights(tmp_path / "w")


def test_an_archive_that_says_it_is_encrypted_is_damaged(tmp_path):
    model = network()
    model.save_weights(tmp_path / "w")
    content = bytearray((tmp_path / "w").read_bytes())
    at = content.index(b"PK\x01\x02") + 8  # the flags of the first entry
    content[at] |= 1
    (tmp_path / "w").write_bytes(content)
    with pytest.raises(ModelFileError, match=r"no saved model, or is damaged.*encrypted"):
        model.load_weights(tmp_path / "w")


def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "model"
    network().save(path)
    before = path.read_bytes()

    def full(*_, **__):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    monkeypatch.setattr(zipfile.ZipFile, "open", full)
    with pytest.raises(OutputError, match="cannot be written"):
        network(seed=3).save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


# -- checkpoints -------------------------------------------------------------------------------------------------------


def test_checkpoints_fill_in_names_and_hold_that_epoch(tmp_path):
    checkpoint = nn.callbacks.ModelCheckpoint(tmp_path / "at{epoch:02d}-{loss:.1f}")
    model = network()
    losses = model.fit(X, Y, epochs=2, callbacks=[checkpoint], verbose=0).history["loss"]
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"at0{n + 1}-{loss:.1f}" for n, loss in enumerate(losses)]
    again = nn.load_model(tmp_path / names[1])
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_only_the_best_is_kept(tmp_path):
    script = [3.0, 1.0, 2.0]
    model = network()
    fill = nn.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(val_loss=script[epoch]))
    weights = []
    keep = nn.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: weights.append(model.get_weights()[0]))
    best = nn.callbacks.ModelCheckpoint(tmp_path / "best", save_best_only=True, save_weights_only=True)
    model.fit(X, Y, epochs=3, callbacks=[fill, keep, best], verbose=0)
    model.load_weights(tmp_path / "best")
    np.testing.assert_array_equal(model.get_weights()[0], weights[1])
    with pytest.raises(ArgumentError, match="names 'val_accuracy'"):
        model.fit(X, Y, callbacks=[nn.callbacks.ModelCheckpoint(tmp_path / "{val_accuracy}")], verbose=0)
