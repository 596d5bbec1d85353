"""Introductory Keras programs, with the import line changed and nothing else: images, points, numbers."""

from __future__ import annotations

import numpy as np
import pytest

from vizkit import nn as keras
from vizkit.nn import layers
from vizkit.nn.models import Sequential

(x_train, y_train), (x_test, y_test) = keras.data.digits()


def test_mlp_on_digits():
    keras.utils.set_random_seed(42)
    model = keras.Sequential(
        [
            layers.Input(shape=(8, 8, 1)),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x_train, y_train, epochs=15, batch_size=32, validation_split=0.1, verbose=0)
    test_loss, test_acc = model.evaluate(x_test, y_test, verbose=0)
    assert test_acc > 0.93
    assert history.history["val_accuracy"][-1] > 0.9
    assert test_loss < 0.3
    predictions = model.predict(x_test)
    assert predictions.shape == (len(x_test), 10)
    assert (np.argmax(predictions, axis=1) == y_test).mean() == pytest.approx(test_acc)


def test_cnn_on_digits():
    keras.utils.set_random_seed(0)
    model = Sequential()
    model.add(layers.Input((8, 8, 1)))
    model.add(layers.Conv2D(16, kernel_size=(3, 3), activation="relu", padding="same"))
    model.add(layers.MaxPooling2D(pool_size=(2, 2)))
    model.add(layers.Conv2D(32, (3, 3), activation="relu"))
    model.add(layers.Flatten())
    model.add(layers.Dropout(0.25))
    model.add(layers.Dense(10, activation="softmax"))
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    labels = keras.utils.to_categorical(y_train, 10)
    model.fit(x_train, labels, batch_size=32, epochs=8, verbose=0)
    score = model.evaluate(x_test, keras.utils.to_categorical(y_test, 10), verbose=0)
    assert score[1] > 0.95


def test_batch_normalisation_before_the_activation():
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input(shape=(64,)),
            layers.Dense(64, use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.Dense(10),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.SGD(learning_rate=0.1, momentum=0.9),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="acc")],
    )
    model.fit(x_train.reshape(-1, 64), y_train, epochs=5, verbose=0)
    scores = model.evaluate(x_test.reshape(-1, 64), y_test, return_dict=True)
    assert scores["acc"] > 0.93


def test_counting_parameters_and_a_summary(capsys):
    model = keras.Sequential(name="counted")
    model.add(keras.Input(shape=(28, 28, 1)))
    model.add(layers.Conv2D(32, (3, 3), activation="relu"))
    model.add(layers.MaxPooling2D((2, 2)))
    model.add(layers.Flatten())
    model.add(layers.Dense(10, activation="softmax"))
    assert model.count_params() == 320 + 13 * 13 * 32 * 10 + 10
    model.summary()
    assert "54,410" in capsys.readouterr().out
    assert len(model.layers) == 4
    assert [weight.shape for weight in model.weights][:2] == [(3, 3, 1, 32), (32,)]


def test_regression_of_a_noisy_sine():
    keras.utils.set_random_seed(3)
    x, y = keras.data.noisy_sine(200, noise=0.05)
    model = keras.Sequential(
        [layers.Dense(32, activation="tanh", input_shape=(1,)), layers.Dense(32, activation="tanh"), layers.Dense(1)]
    )
    model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.01), loss="mse", metrics=["mae"])
    history = model.fit(x - np.pi, y, epochs=80, batch_size=20, verbose=0)
    assert history.history["mae"][-1] < 0.12
    assert model.predict(np.array([[np.pi / 2 - np.pi]]))[0, 0] == pytest.approx(1, abs=0.2)


def test_a_line_through_points():
    xs = np.array([-1.0, 0.0, 1.0, 2.0, 3.0, 4.0], dtype=float)
    ys = np.array([-3.0, -1.0, 1.0, 3.0, 5.0, 7.0], dtype=float)
    model = keras.Sequential([keras.Input(shape=(1,)), keras.layers.Dense(units=1)])
    model.compile(optimizer="sgd", loss="mean_squared_error")
    model.fit(xs, ys, epochs=500, verbose=0)
    assert model.predict(np.array([10.0]), verbose=0)[0, 0] == pytest.approx(19, abs=0.1)


def test_a_binary_label_from_two_moons():
    keras.utils.set_random_seed(7)
    x, y = keras.data.moons(400, noise=0.1)
    model = keras.Sequential()
    model.add(layers.Dense(16, activation="relu"))
    model.add(layers.Dense(16, activation="relu"))
    model.add(layers.Dense(1, activation="sigmoid"))
    model.compile(optimizer=keras.optimizers.Adam(0.02), loss="binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=25, verbose=0)
    assert model.evaluate(x, y)[1] > 0.98
    assert ((model.predict(x) > 0.5).astype(int).ravel() == y).mean() > 0.98


def test_exclusive_or():
    keras.utils.set_random_seed(2)
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    y = np.array([[0], [1], [1], [0]])
    model = Sequential([layers.Dense(8, activation="tanh", input_shape=(2,)), layers.Dense(1, activation="sigmoid")])
    model.compile(loss=keras.losses.BinaryCrossentropy(), optimizer=keras.optimizers.Adam(learning_rate=0.1))
    model.fit(x, y, epochs=150, batch_size=4, verbose=0)
    np.testing.assert_array_equal(np.round(model.predict(x)), y)


def test_spirals_with_l2_and_an_adaptive_rate():
    keras.utils.set_random_seed(5)
    x, y = keras.data.spirals(300, classes=3, noise=0.01)
    model = keras.Sequential([layers.Dense(64, "relu"), layers.Dense(64, "relu"), layers.Dense(3, "softmax")])
    model.compile(keras.optimizers.RMSprop(0.01), "sparse_categorical_crossentropy", ["accuracy"])
    slower = keras.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5, patience=3)
    history = model.fit(x, y, epochs=60, batch_size=64, verbose=0, callbacks=[slower])
    assert max(history.history["accuracy"][-5:]) > 0.9
    assert history.history["learning_rate"][-1] < 0.01


def test_unbalanced_classes():
    keras.utils.set_random_seed(4)
    random = np.random.default_rng(0)
    x = np.concatenate([random.normal(0, 1, (190, 2)), random.normal(1.5, 1, (10, 2))])
    y = np.repeat([0, 1], [190, 10])
    recalls = []
    for weight in (None, {0: 200 / 380, 1: 200 / 20}):
        model = keras.Sequential([keras.Input((2,)), layers.Dense(1, activation="sigmoid")])
        model.compile("adam", "binary_crossentropy")
        model.optimizer.learning_rate = 0.05
        model.fit(x, y, epochs=30, class_weight=weight, verbose=0)
        recalls.append((model.predict(x[190:]) > 0.5).mean())
    assert recalls[1] > recalls[0]
    assert recalls[1] >= 0.7
