"""More introductory Keras programs, with the import line changed: other layers, options, outputs and habits."""

from __future__ import annotations

import numpy as np
import pytest

from vizkit import nn as keras
from vizkit.nn import Input, layers, models, regularizers
from vizkit.nn.layers import LSTM, Conv2D, Conv2DTranspose, Dense, Dropout, Embedding, Flatten, MaxPool2D
from vizkit.nn.utils import pad_sequences

RANDOM = np.random.default_rng(1)
(x_train, y_train), (x_test, y_test) = keras.data.digits()


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(42)


def test_diabetes_with_input_dim():
    x = RANDOM.normal(size=(300, 8))
    y = (x[:, 0] + x[:, 1] > 0).astype(int)
    model = models.Sequential()
    model.add(Dense(12, input_dim=8, activation="relu", kernel_initializer="uniform"))
    model.add(Dense(8, activation="relu", kernel_initializer="he_normal"))
    model.add(Dense(1, activation="sigmoid"))
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    model.fit(x, y, epochs=40, batch_size=10, verbose=0)
    _, accuracy = model.evaluate(x, y, verbose=0)
    assert accuracy > 0.9


def test_reviews_of_different_lengths():
    reviews = [list(RANDOM.integers(1, 40, RANDOM.integers(3, 12))) for _ in range(240)]
    liked = np.array([int(7 in review or 9 in review) for review in reviews])
    x = pad_sequences(reviews, maxlen=10)
    model = keras.Sequential()
    model.add(Embedding(input_dim=40, output_dim=8, input_length=10))
    model.add(LSTM(16, dropout=0.1))
    model.add(Dense(1, activation="sigmoid"))
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy", metrics=["acc"])
    history = model.fit(x, liked, epochs=15, batch_size=32, validation_split=0.2, verbose=0)
    assert history.history["val_acc"][-1] > 0.8
    assert model.count_params() == 40 * 8 + 4 * (8 * 16 + 16 * 16 + 16) + 17


def test_sequences_of_open_length():
    model = keras.Sequential(
        [Input(shape=(None,), dtype="int32"), Embedding(30, 6), layers.GRU(8), Dense(2, "softmax")]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(RANDOM.integers(0, 30, (20, 5)), RANDOM.integers(0, 2, 20), verbose=0)
    assert model.predict(RANDOM.integers(0, 30, (3, 9))).shape == (3, 2)


def test_an_autoencoder():
    class Autoencoder(keras.Model):
        def __init__(self, latent_dim):
            super().__init__()
            self.encoder = keras.Sequential([Flatten(), Dense(latent_dim, activation="relu")])
            self.decoder = keras.Sequential([Dense(64, activation="sigmoid"), layers.Reshape((8, 8, 1))])

        def call(self, x):
            return self.decoder(self.encoder(x))

    autoencoder = Autoencoder(16)
    autoencoder.compile(optimizer="adam", loss=keras.losses.MeanSquaredError())
    images = x_train[:600]
    history = autoencoder.fit(images, images, epochs=15, shuffle=True, validation_data=(x_test, x_test), verbose=0)
    assert history.history["val_loss"][-1] < 0.5 * history.history["val_loss"][0]
    assert autoencoder.encoder.predict(x_test[:2]).shape == (2, 16)


def test_a_convolutional_decoder():
    model = keras.Sequential(
        [
            Input((8, 8, 1)),
            Conv2D(8, (3, 3), activation="relu", padding="same", strides=2),
            Conv2DTranspose(8, (3, 3), activation="relu", padding="same", strides=2),
            Conv2D(1, (3, 3), activation="sigmoid", padding="same"),
        ]
    )
    model.compile("adam", "binary_crossentropy")
    noisy = np.clip(x_train[:300] + 0.2 * RANDOM.normal(size=(300, 8, 8, 1)), 0, 1)
    losses = model.fit(noisy, x_train[:300], epochs=6, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert model.output_shape == (None, 8, 8, 1)


def test_dropout_and_weight_decay_against_overfitting():
    model = keras.Sequential(
        [
            Input((64,)),
            Dense(64, kernel_regularizer=regularizers.l2(0.001), activation="relu"),
            Dropout(0.5),
            Dense(64, kernel_regularizer=regularizers.l1_l2(l1=1e-5, l2=1e-4), activation="relu"),
            Dropout(0.5),
            Dense(10),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    flat = x_train.reshape(len(x_train), -1)
    model.fit(flat[:1000], y_train[:1000], epochs=15, verbose=0)
    loss_with_penalties, accuracy = model.evaluate(x_test.reshape(len(x_test), -1), y_test, verbose=0)
    assert accuracy > 0.88
    plain = float(loss(y_test, model.predict(x_test.reshape(len(x_test), -1))))
    assert loss_with_penalties > plain


def test_house_prices_with_k_folds():
    x = RANDOM.normal(size=(120, 6))
    y = x @ np.arange(6) + 3

    def build_model():
        model = keras.Sequential([Dense(32, activation="relu"), Dense(32, activation="relu"), Dense(1)])
        model.compile(optimizer=keras.optimizers.RMSprop(0.01), loss="mse", metrics=["mae"])
        return model

    scores = []
    for fold in range(3):
        held = slice(fold * 40, (fold + 1) * 40)
        partial_x, partial_y = np.delete(x, held, axis=0), np.delete(y, held)
        model = build_model()
        model.fit(partial_x, partial_y, epochs=40, batch_size=8, verbose=0)
        mse, mae = model.evaluate(x[held], y[held], verbose=0)
        assert mae**2 <= mse
        scores.append(mae)
    assert np.mean(scores) < 2.5


def test_two_outputs_at_once_with_a_one_hot_target():
    labels = keras.utils.to_categorical(y_train)
    model = keras.Sequential([Flatten(input_shape=(8, 8, 1)), Dense(32, "relu"), Dense(10, "softmax")])
    smooth = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)
    top = keras.metrics.TopKCategoricalAccuracy(k=2, name="top2")
    model.compile(
        keras.optimizers.Adagrad(learning_rate=0.1), smooth, metrics=[keras.metrics.CategoricalAccuracy(), top]
    )
    history = model.fit(x_train, labels, epochs=5, batch_size=64, verbose=0).history
    assert history["top2"][-1] >= history["categorical_accuracy"][-1] > 0.9


def test_a_checkpoint_of_the_best_epoch(tmp_path):
    path = str(tmp_path / "best.keras")
    callbacks = [
        keras.callbacks.ModelCheckpoint(path, monitor="val_accuracy", save_best_only=True),
        keras.callbacks.EarlyStopping(monitor="val_accuracy", patience=4),
        keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=1),
    ]
    model = keras.Sequential([Flatten(), Dense(24, "relu"), Dense(10, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(
        x_train[:500], y_train[:500], epochs=12, validation_data=(x_test, y_test), callbacks=callbacks, verbose=0
    )
    best = keras.models.load_model(path)
    assert best.evaluate(x_test, y_test)[1] == pytest.approx(max(history.history["val_accuracy"]))


def test_a_schedule_by_the_epoch():
    rates = []

    def schedule(epoch, rate):
        return rate if epoch < 2 else rate * 0.5

    class Note(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            rates.append(float(self.model.optimizer.learning_rate))

    model = keras.Sequential([Dense(1, input_shape=(3,))])
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True), "mse")
    x = RANDOM.normal(size=(40, 3))
    model.fit(x, x[:, 0], epochs=4, verbose=0, callbacks=[keras.callbacks.LearningRateScheduler(schedule), Note()])
    assert rates == pytest.approx([0.1, 0.1, 0.05, 0.025])


def test_a_cosine_with_warm_up():
    steps = keras.optimizers.schedules.CosineDecay(0.0, decay_steps=20, warmup_target=0.1, warmup_steps=5)
    model = keras.Sequential([Dense(1)])
    model.compile(keras.optimizers.AdamW(steps, weight_decay=0.01), "huber")
    x = RANDOM.normal(size=(50, 2))
    losses = model.fit(x, x.sum(axis=1), epochs=5, batch_size=10, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_stacked_recurrent_layers():
    t = np.linspace(0, 20, 260)
    series = np.sin(t) + 0.1 * RANDOM.normal(size=260)
    x = np.array([series[i : i + 20] for i in range(230)])[..., np.newaxis]
    y = np.array([series[i + 20] for i in range(230)])
    model = keras.models.Sequential(
        [
            layers.SimpleRNN(12, return_sequences=True, input_shape=[None, 1]),
            layers.LSTM(12, return_sequences=True),
            layers.GRU(12),
            Dense(1),
        ]
    )
    model.compile(loss="mse", optimizer=keras.optimizers.Adam(learning_rate=0.01))
    model.fit(x[:180], y[:180], epochs=15, verbose=0)
    assert model.evaluate(x[180:], y[180:]) < np.var(series) / 4


def test_a_vocabulary_and_its_nearest_word():
    embedding = Embedding(6, 3, embeddings_initializer=keras.initializers.RandomNormal(stddev=1.0))
    model = keras.Sequential([Input((1,)), embedding, Flatten(), Dense(6, "softmax")])
    model.compile(keras.optimizers.Adam(0.1), "sparse_categorical_crossentropy")
    words, following = np.arange(6)[:, None], np.roll(np.arange(6), -1)
    model.fit(words, following, epochs=150, batch_size=6, verbose=0)
    np.testing.assert_array_equal(model.predict(words).argmax(axis=1), following)
    assert embedding.get_weights()[0].shape == (6, 3)


def test_features_of_a_trained_convolution():
    model = keras.Sequential([Input((8, 8, 1)), Conv2D(4, 3, name="conv"), layers.BatchNormalization()])
    model.add(layers.LeakyReLU(alpha=0.2))
    model.add(MaxPool2D())
    model.add(layers.GlobalAveragePooling2D())
    model.add(Dense(10))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x_train[:300], y_train[:300], epochs=2, verbose=0)
    extractor = keras.Sequential(model.layers[:2])
    assert extractor.predict(x_test[:3]).shape == (3, 6, 6, 4)
    kernels, biases = model.get_layer("conv").get_weights()
    assert (kernels.shape, biases.shape) == ((3, 3, 1, 4), (4,))


def test_fine_tuning_with_a_frozen_base():
    base = keras.Sequential([Input((8, 8, 1)), Conv2D(8, 3, activation="relu"), Flatten()], name="base")
    base.trainable = False
    model = keras.Sequential([base, Dense(10, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    before = base.get_weights()
    model.fit(x_train, y_train, epochs=3, verbose=0)
    np.testing.assert_array_equal(base.get_weights()[0], before[0])
    base.trainable = True
    model.compile(keras.optimizers.Adam(1e-4), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x_train, y_train, epochs=1, verbose=0)
    assert not np.array_equal(base.get_weights()[0], before[0])
    assert model.evaluate(x_test, y_test)[1] > 0.8


def test_a_layer_that_normalises_with_statistics_of_its_own():
    class Standardise(keras.layers.Layer):
        def __init__(self, momentum=0.9, **kwargs):
            super().__init__(**kwargs)
            self.momentum = momentum

        def build(self, input_shape):
            self.mean = self.add_weight(name="mean", shape=(input_shape[-1],), initializer="zeros", trainable=False)

        def call(self, inputs, training=None):
            if training:
                batch_mean = keras.ops.mean(keras.ops.convert_to_numpy(inputs), axis=0)
                self.mean.assign(self.momentum * self.mean.numpy() + (1 - self.momentum) * batch_mean)
            return inputs - self.mean

    layer = Standardise()
    model = keras.Sequential([layer, Dense(1)])
    model.compile("sgd", "mse")
    x = 5 + RANDOM.normal(size=(64, 2))
    model.fit(x, x[:, :1], epochs=30, batch_size=16, verbose=0)
    np.testing.assert_allclose(layer.mean.numpy(), x.mean(axis=0), atol=0.5)
    assert len(layer.trainable_weights) == 0


def test_attention_over_a_sequence():
    class Reader(keras.Model):
        def __init__(self):
            super().__init__()
            self.embed = Embedding(12, 8)
            self.attend = layers.MultiHeadAttention(num_heads=2, key_dim=4)
            self.normalise = layers.LayerNormalization(epsilon=1e-6)
            self.pool = layers.GlobalAveragePooling1D()
            self.out = Dense(2, activation="softmax")

        def call(self, inputs):
            x = self.embed(inputs)
            x = self.normalise(x + self.attend(x, x))
            return self.out(self.pool(x))

    words = RANDOM.integers(0, 12, (200, 6))
    label = (words == 3).any(axis=1).astype(int)
    model = Reader()
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(words, label, epochs=15, verbose=0)
    assert model.evaluate(words, label)[1] > 0.9


def test_custom_metric_and_loss_functions():
    def rmse(y_true, y_pred):
        return keras.ops.sqrt(keras.ops.mean(keras.ops.square(y_pred - y_true)))

    def within_one(y_true, y_pred):
        return np.mean(np.abs(y_true - y_pred) < 1, axis=-1)

    model = keras.Sequential([Dense(1)])
    model.compile(optimizer=keras.optimizers.Adam(0.1), loss=rmse, metrics=[within_one, "mse"])
    x = RANDOM.normal(size=(100, 3))
    history = model.fit(x, x @ [1.0, 2.0, 3.0], epochs=40, verbose=0).history
    assert history["within_one"][-1] > 0.9
    assert history["mse"][-1] == pytest.approx(history["loss"][-1] ** 2, rel=0.5)


def test_lists_scalars_and_weights_of_samples():
    model = keras.Sequential([Input((1,)), Dense(1, use_bias=False, kernel_initializer="ones")])
    model.compile(optimizer="sgd", loss="mse")
    model.fit([1, 2, 3, 4], [2, 4, 6, 100], sample_weight=[1, 1, 1, 0], epochs=200, verbose=0)
    assert model.predict([5.0])[0, 0] == pytest.approx(10, rel=1e-3)
    assert model.evaluate([1, 2], [2, 4]) == pytest.approx(0, abs=1e-4)


def test_a_multilayer_perceptron_of_every_activation():
    names = [
        "relu6",
        "leaky_relu",
        "elu",
        "selu",
        "gelu",
        "silu",
        "mish",
        "softplus",
        "softsign",
        "hard_sigmoid",
        "tanh",
        "linear",
    ]
    model = keras.Sequential([Input((64,)), *[Dense(16, activation=name) for name in names], Dense(10, "softmax")])
    model.compile(keras.optimizers.Adam(clipnorm=1.0), "sparse_categorical_crossentropy")
    before = [w.copy() for w in model.get_weights()]
    model.fit(x_train.reshape(-1, 64), y_train, epochs=1, verbose=0)
    assert all(np.isfinite(w).all() for w in model.get_weights())
    assert not any(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_training_goes_on_where_it_ended(tmp_path):
    def fresh():
        keras.utils.set_random_seed(3)
        model = keras.Sequential([Input((4,)), Dense(8, "tanh"), Dense(1)])
        model.compile(keras.optimizers.Adam(0.01), "mse")
        return model

    x, y = RANDOM.normal(size=(64, 4)), RANDOM.normal(size=64)
    whole = fresh()
    whole.fit(x, y, epochs=6, shuffle=False, verbose=0)
    first = fresh()
    first.fit(x, y, epochs=3, shuffle=False, verbose=0)
    first.save(tmp_path / "half.keras")
    second = keras.models.load_model(tmp_path / "half.keras")
    second.fit(x, y, epochs=6, initial_epoch=3, shuffle=False, verbose=0)
    for ours, theirs in zip(whole.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
