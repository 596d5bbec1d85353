"""Introductory Keras programs with layers, models, loops and callbacks of one's own, and sequences."""

from __future__ import annotations

import numpy as np
import pytest

from vizkit import nn as keras
from vizkit.errors import UnsupportedOperationError
from vizkit.nn import layers

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(200, 5)).astype("float32")
Y = (X[:, 0] * X[:, 1] > 0).astype("int32")


def classifier():
    model = keras.Sequential([keras.Input(shape=(5,)), layers.Dense(32, "relu"), layers.Dense(2, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


class Linear(keras.layers.Layer):
    def __init__(self, units=32):
        super().__init__()
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="random_normal", trainable=True)
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", trainable=True)

    def call(self, inputs):
        return np.matmul(inputs, self.w) + self.b


def test_a_layer_of_ones_own():
    keras.utils.set_random_seed(1)
    model = keras.Sequential([Linear(16), layers.Activation("relu"), Linear(2)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    model.fit(X, Y, epochs=40, batch_size=16, verbose=0)
    assert model.evaluate(X, Y)[1] > 0.9
    assert [weight.name for weight in model.layers[0].weights] == ["w", "b"]


def test_a_layer_that_doubles_its_input():
    class Double(keras.layers.Layer):
        def call(self, x):
            return 2 * x

    model = keras.Sequential([keras.Input((5,)), Double()])
    np.testing.assert_array_equal(model.predict(X), 2 * X)
    assert model.count_params() == 0


def test_a_model_of_ones_own():
    class MyModel(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense1 = layers.Dense(32, activation="relu")
            self.dropout = layers.Dropout(0.1)
            self.dense2 = layers.Dense(2, activation="softmax")

        def call(self, inputs, training=False):
            x = self.dense1(inputs)
            x = self.dropout(x, training=training)
            return self.dense2(x)

    keras.utils.set_random_seed(2)
    model = MyModel()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(X, Y, epochs=40, batch_size=16, verbose=0)
    assert model.evaluate(X, Y, verbose=0)[1] > 0.9


def test_a_residual_model():
    class Residual(keras.Model):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.inside = [layers.Dense(units, activation="relu"), layers.Dense(units)]
            self.out = layers.Dense(1)

        def call(self, inputs):
            x = inputs
            for layer in self.inside:
                x = layer(x)
            return self.out(layers.Add()([inputs, x]))

    keras.utils.set_random_seed(3)
    model = Residual(5)
    model.compile(keras.optimizers.AdamW(0.01), "huber")
    target = X.sum(axis=1, keepdims=True) + X[:, :1] ** 2
    losses = model.fit(X, target, epochs=30, verbose=0).history["loss"]
    assert losses[-1] < losses[0] / 10


def test_a_training_loop_with_train_on_batch():
    keras.utils.set_random_seed(4)
    model = classifier()
    assert model.metrics_names == ["loss", "accuracy"]
    for _ in range(50):
        for start in range(0, len(X), 20):
            loss, accuracy = model.train_on_batch(X[start : start + 20], Y[start : start + 20])
    assert accuracy > 0.8
    assert loss < 0.5
    assert model.optimizer.iterations == 500


def test_early_stopping_on_held_out_data():
    keras.utils.set_random_seed(5)
    noise = RANDOM.integers(0, 2, 60)  # nothing to learn, so the validation loss soon rises
    model = classifier()
    stop = keras.callbacks.EarlyStopping(monitor="val_loss", patience=3, restore_best_weights=True)
    history = model.fit(X[:60], noise, validation_split=0.3, epochs=100, batch_size=8, callbacks=[stop], verbose=0)
    assert len(history.epoch) < 100
    assert model.evaluate(X[42:60], noise[42:])[0] == pytest.approx(min(history.history["val_loss"]), rel=1e-5)


def test_a_callback_of_ones_own():
    class StopAt(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.losses = []

        def on_train_batch_end(self, batch, logs=None):
            self.losses.append(logs["loss"])

        def on_epoch_end(self, epoch, logs={}):  # noqa: B006 as introductions print it
            if logs.get("accuracy") > 0.85:
                self.model.stop_training = True

    keras.utils.set_random_seed(6)
    stop = StopAt()
    history = classifier().fit(X, Y, epochs=200, batch_size=20, callbacks=[stop], verbose=0)
    assert history.history["accuracy"][-1] > 0.85 >= history.history["accuracy"][-2]
    assert len(stop.losses) == 10 * len(history.epoch)


def test_a_falling_learning_rate():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=10, decay_rate=0.5, staircase=True)
    model = keras.Sequential([keras.Input((5,)), layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(learning_rate=schedule), loss="mae")
    model.fit(X, X[:, 0], epochs=3, batch_size=20, verbose=0)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.1 * 0.5**3)


def test_a_loss_of_ones_own():
    def quantile(y_true, y_pred):
        error = y_true - y_pred
        return np.mean(np.maximum(0.9 * error, -0.1 * error), axis=-1)

    keras.utils.set_random_seed(7)
    model = keras.Sequential([keras.Input((1,)), layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.Adam(0.05), loss=quantile)
    y = RANDOM.normal(size=400)
    model.fit(np.zeros((400, 1)), y, epochs=40, verbose=0)
    assert (y < model.predict(np.zeros((1, 1)))[0, 0]).mean() == pytest.approx(0.9, abs=0.04)


def test_saving_and_loading(tmp_path):
    model = classifier()
    model.fit(X, Y, epochs=3, verbose=0)
    model.save(tmp_path / "my_model.keras")
    again = keras.models.load_model(tmp_path / "my_model.keras")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert again.evaluate(X, Y) == model.evaluate(X, Y)
    model.save_weights(tmp_path / "my.weights.h5")
    other = classifier()
    other.load_weights(tmp_path / "my.weights.h5")
    np.testing.assert_array_equal(other.predict(X), model.predict(X))


def test_reusing_trained_layers():
    keras.utils.set_random_seed(8)
    base = classifier()
    base.fit(X, Y, epochs=5, verbose=0)
    for layer in base.layers:
        layer.trainable = False
    model = keras.Sequential([*base.layers[:-1], layers.Dense(1, "sigmoid", name="head")])
    model.compile("adam", "binary_crossentropy")
    before = base.get_weights()[0]
    model.fit(X, 1 - Y, epochs=2, verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], before)
    assert len(model.trainable_weights) == 2


def test_lstm_over_embeddings_for_a_binary_label():
    keras.utils.set_random_seed(9)
    words = RANDOM.integers(0, 20, (200, 8))
    label = (words == 7).any(axis=1).astype(int)
    model = keras.Sequential()
    model.add(layers.Embedding(20, 8))
    model.add(layers.LSTM(16))
    model.add(layers.Dense(1, activation="sigmoid"))
    model.compile(optimizer=keras.optimizers.Adam(0.02), loss="binary_crossentropy", metrics=["accuracy"])
    model.fit(words, label, epochs=12, batch_size=20, verbose=0)
    assert model.evaluate(words, label)[1] > 0.95


@pytest.mark.parametrize("recurrent", [layers.SimpleRNN, layers.GRU, layers.LSTM])
def test_a_series_one_step_ahead(recurrent):
    keras.utils.set_random_seed(10)
    x, y = keras.data.windows(keras.data.series(200, noise=0.02), 12)
    model = keras.Sequential([keras.Input((12, 1)), recurrent(16), layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    losses = model.fit(x, y, epochs=12, batch_size=32, verbose=0).history["loss"]
    assert losses[-1] < 0.2 * np.var(y)


def test_the_next_character():
    keras.utils.set_random_seed(11)
    x, y, alphabet = keras.data.next_characters(8)
    model = keras.Sequential()
    model.add(layers.Embedding(len(alphabet), 12))
    model.add(layers.GRU(32))
    model.add(layers.Dense(len(alphabet)))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    top = keras.metrics.SparseTopKCategoricalAccuracy(k=3, name="top3")
    model.compile(keras.optimizers.Adam(0.01, clipnorm=1.0), loss, metrics=["accuracy", top])
    history = model.fit(x, y, epochs=6, verbose=0).history
    assert history["top3"][-1] > history["accuracy"][-1] > 0.35


def test_a_layer_written_with_ops():
    from vizkit.nn import ops

    class Attend(layers.Layer):
        def build(self, input_shape):
            self.query = self.add_weight(shape=(input_shape[-1], 1), initializer="glorot_uniform")

        def call(self, x):
            scores = ops.softmax(ops.matmul(ops.tanh(x), self.query), axis=1)
            return ops.sum(ops.multiply(x, scores), axis=1) * ops.cast(ops.shape(x)[1], "float32")

    keras.utils.set_random_seed(12)
    x = RANDOM.normal(size=(100, 4, 3))
    labels = keras.utils.to_categorical(x[:, :, 0].max(axis=1) > 1, num_classes=2)
    model = keras.Sequential([Attend(), layers.Dense(16, "relu"), layers.Dense(2, "softmax")])
    model.compile(keras.optimizers.Adam(0.02), "categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, labels, epochs=30, verbose=0)
    assert model.evaluate(x, labels)[1] > 0.85
    assert ops.convert_to_numpy(model.layers[0].query).shape == (3, 1)
    with pytest.raises(AttributeError, match="no operation 'matmull'"):
        _ = ops.matmull


def test_a_training_step_of_ones_own_is_refused_rather_than_ignored() -> None:
    class Special(keras.Sequential):
        def train_step(self, data):
            return data

    with pytest.raises(UnsupportedOperationError, match=r"Special defines train_step.*train_on_batch"):
        Special([layers.Dense(1)]).compile("sgd", "mse")
