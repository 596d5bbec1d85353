"""What fit takes and does: weights of samples and classes, regularizers, metrics and callbacks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vizkit import nn
from vizkit.errors import ArgumentError, ShapeError, UnknownNameError

keras = pytest.importorskip("keras")

RANDOM = np.random.default_rng(1)
X = RANDOM.normal(size=(40, 3))
Y = (X.sum(axis=1) > 0).astype(int)
SCORES = RANDOM.dirichlet(np.ones(6), 30)
LABELS = RANDOM.integers(0, 6, 30)


def model(learning_rate=0.1, loss="sparse_categorical_crossentropy", metrics=("accuracy",), **dense):
    made = nn.Sequential([nn.Input((3,)), nn.layers.Dense(2, "softmax", **dense)], dtype="float64", seed=0)
    made.compile(nn.optimizers.SGD(learning_rate), loss, list(metrics))
    return made


# -- metrics -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, options, one_hot",
    [
        ("SparseCategoricalAccuracy", {}, False),
        ("CategoricalAccuracy", {}, True),
        ("SparseTopKCategoricalAccuracy", {"k": 3}, False),
        ("TopKCategoricalAccuracy", {"k": 2}, True),
        ("BinaryAccuracy", {"threshold": 0.2}, True),
        ("MeanSquaredError", {}, True),
        ("MeanAbsoluteError", {}, True),
    ],
)
def test_metrics_agree_with_keras(name, options, one_hot):
    target = np.eye(6)[LABELS] if one_hot else LABELS
    ours, theirs = getattr(nn.metrics, name)(**options), getattr(keras.metrics, name)(**options)
    for part in (slice(0, 20), slice(20, 30)):
        ours.update_state(target[part], SCORES[part])
        theirs.update_state(target[part], SCORES[part])
    assert ours.result() == pytest.approx(float(theirs.result()), rel=1e-6)
    assert ours.name == theirs.name
    ours.reset_state()
    weights = RANDOM.uniform(size=30)
    theirs.reset_state()
    assert ours(target, SCORES, weights) == pytest.approx(float(theirs(target, SCORES, weights)), rel=1e-6)


def test_mean_of_numbers():
    mean = nn.metrics.Mean()
    mean.update_state([1.0, 2.0, 6.0])
    mean.update_state(7.0, sample_weight=3)
    assert mean.result() == 5.0


def test_any_function_and_class_may_be_a_metric():
    def worst(y_true, y_pred):
        return np.max(y_pred)

    class Count(nn.metrics.Metric):
        def __init__(self):
            super().__init__(name="count")
            self.reset_state()

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.seen += len(y_true)

        def result(self):
            return self.seen

        def reset_state(self):
            self.seen = 0

    scores = model(metrics=[worst, Count(), nn.metrics.SparseCategoricalAccuracy(name="share")]).evaluate(
        X, Y, return_dict=True
    )
    assert list(scores) == ["loss", "worst", "count", "share"]
    assert scores["count"] == 40
    assert 0.5 < scores["worst"] < 1


def test_evaluating_within_training_leaves_the_totals_alone():
    class Peek(nn.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.evaluate(X, 1 - Y)

    plain = model().fit(X, Y, epochs=2, seed=1, verbose=0).history
    assert model().fit(X, Y, epochs=2, seed=1, verbose=0, callbacks=[Peek()]).history == plain


# -- weights of samples ------------------------------------------------------------------------------------------


def test_sample_weights_train_as_repeated_samples_do():
    weights = np.tile([2.0, 0.0, 1.0, 1.0], 10)
    repeated = np.repeat(np.arange(40), weights.astype(int))
    one, two = model(), model()
    one.fit(X, Y, batch_size=40, epochs=3, sample_weight=weights, shuffle=False, verbose=0)
    two.fit(X[repeated], Y[repeated], batch_size=40, epochs=3, shuffle=False, verbose=0)
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
    assert one.evaluate(X, Y, sample_weight=weights)[0] == pytest.approx(two.evaluate(X[repeated], Y[repeated])[0])


def test_class_weights_are_sample_weights_by_class():
    one, two, three = model(), model(), model(loss="categorical_crossentropy")
    one.fit(X, Y, epochs=2, class_weight={1: 3.0}, seed=2, verbose=0)
    two.fit(X, Y, epochs=2, sample_weight=np.where(Y == 1, 3.0, 1.0), seed=2, verbose=0)
    three.fit(X, nn.utils.to_categorical(Y), epochs=2, class_weight={1: 3.0}, seed=2, verbose=0)
    for a, b, c in zip(one.get_weights(), two.get_weights(), three.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_allclose(a, c, rtol=1e-12)


def test_weights_follow_their_samples_into_validation():
    weights = np.linspace(0, 1, 40)
    split = model(1e-12).fit(X, Y, validation_split=0.25, sample_weight=weights, verbose=0).history
    given = model(1e-12).fit(X, Y, validation_data=(X[30:], Y[30:], weights[30:]), verbose=0).history
    assert split["val_loss"] == pytest.approx(given["val_loss"])
    assert split["val_loss"][0] == pytest.approx(model().evaluate(X[30:], Y[30:], sample_weight=weights[30:])[0])


@pytest.mark.parametrize(
    "options, error, words",
    [
        ({"sample_weight": np.ones(3)}, ShapeError, r"each of the 40 samples; its shape is \(3,\)"),
        ({"sample_weight": -np.ones(40)}, ShapeError, "least number -1"),
        ({"sample_weight": np.ones(40), "class_weight": {0: 1}}, ArgumentError, "both were given"),
        ({"class_weight": [1, 2]}, ArgumentError, "dict"),
        ({"class_weight": {0: -1}}, ArgumentError, "class weight"),
        ({"validation_data": (X,)}, ArgumentError, "pair"),
        ({"callbacks": [1]}, ArgumentError, "list of Callback"),
    ],
)
def test_refusals_of_fit(options, error, words):
    with pytest.raises(error, match=words):
        model().fit(X, Y, verbose=0, **options)


# -- regularizers ----------------------------------------------------------------------------------------------------


class Regularized(nn.Layer):
    def __init__(self, regularizer):
        super().__init__()
        self.regularizer = regularizer

    def build(self, input_shape):
        self.kernel = self.add_weight((input_shape[-1], 1), "ones", regularizer=self.regularizer)

    def call(self, inputs):
        return inputs @ self.kernel


@pytest.mark.parametrize(
    "regularizer, cost",
    [
        ("l2", lambda w: 0.01 * (w**2).sum()),
        (nn.regularizers.L1(0.3), lambda w: 0.3 * w.abs().sum()),
        (nn.regularizers.L1L2(0.1, 0.2), lambda w: 0.1 * w.abs().sum() + 0.2 * (w**2).sum()),
        (lambda w: np.sum(w**4), lambda w: (w**4).sum()),
    ],
)
def test_regularizers_join_the_loss_and_the_gradient(regularizer, cost):
    network = nn.Sequential([Regularized(regularizer)], dtype="float64")
    network.compile(nn.optimizers.SGD(0.1), "mse")
    weight = torch.ones(3, 1, dtype=torch.float64, requires_grad=True)
    for _ in range(3):
        loss = ((torch.tensor(X) @ weight - torch.tensor(Y)[:, None]) ** 2).mean() + cost(weight)
        (slope,) = torch.autograd.grad(loss, weight)
        assert network.train_on_batch(X, Y) == pytest.approx(loss.item(), rel=1e-12)
        weight = (weight - 0.1 * slope).detach().requires_grad_()
        np.testing.assert_allclose(network.get_weights()[0], weight.detach().numpy(), rtol=1e-10)
    expected = ((torch.tensor(X) @ weight - torch.tensor(Y)[:, None]) ** 2).mean() + cost(weight)
    assert network.evaluate(X, Y, batch_size=40) == pytest.approx(expected.item(), rel=1e-12)


def test_unknown_regularizers():
    with pytest.raises(UnknownNameError, match="regularizer 'l3'"):
        nn.regularizers.get("l3")
    with pytest.raises(ArgumentError, match="l2 is a number"):
        nn.regularizers.L2(-1)


# -- callbacks ---------------------------------------------------------------------------------------------------------


class Scripted(nn.Model):
    """A model whose validation loss is a script, so that what callbacks decide is known beforehand."""

    def __init__(self, script):
        super().__init__(seed=0, dtype="float64")
        self.script, self.dense = script, nn.layers.Dense(1)
        self.compile(nn.optimizers.SGD(1.0), "mse")

    def call(self, inputs):
        return self.dense(inputs)

    def run(self, *callbacks):
        script = list(self.script)
        fill = nn.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(val_loss=script[epoch]))
        self.optimizer.learning_rate = 1e-3
        return self.fit(X, Y, epochs=len(script), callbacks=[fill, *callbacks], verbose=0)


class TheirModel:
    """As much of a model as Keras's callbacks ask for."""

    def __init__(self):
        self.optimizer = keras.optimizers.SGD(1e-3)
        self.stop_training = False

    def get_weights(self):
        return []

    def set_weights(self, weights):
        pass


def theirs(callback, script):
    fake = TheirModel()
    callback.set_model(fake)
    callback.on_train_begin()
    rates = []
    for epoch, value in enumerate(script):
        rates.append(float(fake.optimizer.learning_rate))
        callback.on_epoch_end(epoch, {"val_loss": value})
        if fake.stop_training:
            break
    return rates


SCRIPTS = [
    [5, 4, 3, 3, 3, 3, 3, 3],
    [5, 6, 4, 5, 3.95, 3.9, 3.9, 3.9, 4],
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
    [9, 8, 7, 6, 5, 4, 3],
]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize(
    "options",
    [{}, {"patience": 2}, {"patience": 1, "min_delta": 0.2}, {"patience": 2, "start_from_epoch": 3}, {"baseline": 4.5}],
)
def test_early_stopping_stops_when_keras_does(script, options):
    history = Scripted(script).run(nn.callbacks.EarlyStopping("val_loss", mode="min", **options))
    assert len(history.epoch) == len(theirs(keras.callbacks.EarlyStopping("val_loss", mode="min", **options), script))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize(
    "options",
    [{"patience": 1}, {"patience": 2, "factor": 0.5, "cooldown": 2}, {"patience": 1, "min_lr": 1e-5}, {"patience": 3}],
)
def test_rates_on_a_plateau_fall_as_in_keras(script, options):
    history = Scripted(script).run(nn.callbacks.ReduceLROnPlateau("val_loss", mode="min", **options))
    expected = theirs(keras.callbacks.ReduceLROnPlateau("val_loss", mode="min", **options), script)
    np.testing.assert_allclose(history.history["learning_rate"], expected, rtol=1e-6)


def test_early_stopping_restores_the_best_weights():
    class Keep(nn.Callback):
        def __init__(self):
            self.kept = []

        def on_epoch_end(self, epoch, logs=None):
            self.kept.append(self.model.get_weights())

    keep, network = Keep(), Scripted([5, 3, 4, 4, 4])
    network.run(keep, nn.callbacks.EarlyStopping(patience=2, restore_best_weights=True))
    assert len(keep.kept) == 4
    for mine, best in zip(network.get_weights(), keep.kept[1], strict=True):
        np.testing.assert_array_equal(mine, best)


def test_accuracies_are_to_rise():
    stop = nn.callbacks.EarlyStopping("accuracy", patience=1)
    assert stop.rises
    assert not nn.callbacks.EarlyStopping("val_loss").rises
    with pytest.raises(ArgumentError, match="mode"):
        nn.callbacks.EarlyStopping(mode="up")


def test_what_is_watched_must_be_there():
    with pytest.raises(ArgumentError, match="watches 'val_loss', but an epoch has loss, accuracy"):
        model().fit(X, Y, callbacks=[nn.callbacks.EarlyStopping()], verbose=0)


@pytest.mark.parametrize("schedule", [lambda epoch: 0.1 / (epoch + 1), lambda epoch, rate: 0.1 / (epoch + 1)])
def test_a_scheduler_sets_the_rate_of_each_epoch(schedule, capsys):
    scheduler = nn.callbacks.LearningRateScheduler(schedule, verbose=1)
    history = model().fit(X, Y, epochs=3, callbacks=[scheduler], verbose=0)
    assert history.history["learning_rate"] == pytest.approx([0.1, 0.05, 0.1 / 3])
    assert "Epoch 3: the learning rate is 0.0333333." in capsys.readouterr().out


def test_callbacks_are_called_in_order_with_logs():
    told = []
    names = ("on_train_begin", "on_epoch_begin", "on_train_batch_begin", "on_batch_end", "on_epoch_end", "on_train_end")
    note = {name: (lambda *args, name=name: told.append((name, *args))) for name in names}
    history = model().fit(X, Y, batch_size=20, callbacks=[nn.callbacks.LambdaCallback(**note)], verbose=0).history
    assert [entry[0] for entry in told] == [
        "on_train_begin", "on_epoch_begin", "on_train_batch_begin", "on_batch_end",
        "on_train_batch_begin", "on_batch_end", "on_epoch_end", "on_train_end",
    ]  # fmt: skip
    assert told[5][1] == 1
    assert told[5][2] == {name: values[0] for name, values in history.items()} == told[6][2]
    with pytest.raises(ArgumentError, match="on_epoch_ends"):
        nn.callbacks.LambdaCallback(on_epoch_ends=print)


def test_training_stops_within_an_epoch_and_goes_on_from_an_epoch():
    class Once(nn.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = True

    made = model()
    made.fit(X, Y, batch_size=10, epochs=5, callbacks=[Once()], verbose=0)
    assert made.optimizer.iterations == 1
    assert made.fit(X, Y, epochs=5, initial_epoch=3, verbose=0).epoch == [3, 4]


def test_a_schedule_within_fit_counts_steps():
    made = model(nn.optimizers.schedules.PiecewiseConstantDecay([2], [0.1, 1e-12]))
    made.fit(X, Y, batch_size=10, epochs=1, shuffle=False, verbose=0)
    short = model(0.1)
    short.fit(X[:30], Y[:30], batch_size=10, epochs=1, shuffle=False, verbose=0)
    np.testing.assert_allclose(made.get_weights()[0], short.get_weights()[0], rtol=1e-9)
