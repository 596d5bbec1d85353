"""The same seed gives the same weights, batches and dropout masks, bit for bit, on any number of threads."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from vizkit import nn
from vizkit.autodiff import threads
from vizkit.nn import layers

PROGRAM = """
import hashlib
import numpy as np
from vizkit import nn
from vizkit.nn import initializers, layers

nn.set_random_seed(5)
seen = []

class Watch(layers.Layer):
    def call(self, inputs, training=False):
        if training:
            seen.append(inputs if isinstance(inputs, np.ndarray) else inputs.numpy())
        return inputs

def model(**options):
    return nn.Sequential([
        nn.Input((12, 16)), Watch(), layers.Dropout(0.3), Watch(), layers.LSTM(96, dropout=0.2, return_sequences=True),
        layers.GRU(80, recurrent_initializer="he_normal"), layers.Dense(300, "relu"), layers.Dropout(0.5),
        layers.Dense(1),
    ], **options)

random = np.random.default_rng(0)
x, y = random.normal(size=(70, 12, 16)).astype("float32"), random.normal(size=(70, 1))
parts = [initializers.Orthogonal(seed=3)((400, 300)), initializers.Orthogonal(seed=3)((30, 500))]
for made in (model(), model(seed=8)):
    parts += made.get_weights()
    made.compile("sgd", "mse")
    made.fit(x, y, epochs=2, verbose=0)
for dtype in ("float32", "float64"):  # products that BLAS would share, and would then round in another way
    made = nn.Sequential([nn.Input((700,)), layers.Dense(150, "relu"), layers.Dense(1)], dtype=dtype, seed=2)
    made.compile("adam", "mse")
    made.fit(random.normal(size=(500, 700)), random.normal(size=(500, 1)), 150, epochs=2, verbose=0)
    parts += made.get_weights()
parts += seen
print(len(seen), hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in parts)).hexdigest())
"""


def told(threads):
    environment = os.environ | {"OPENBLAS_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    count, digest = done.stdout.split()
    assert int(count) == 2 * 2 * 3 * 2  # two models, two epochs of three batches, watched at two places
    return digest


@pytest.mark.slow
def test_one_thread_and_two_draw_the_same():
    digest = told(1)
    assert told(2) == digest
    assert told(1) == digest


def trained(model_seed, **options):
    model = nn.Sequential(
        [nn.Input((6,)), layers.Dense(5, "tanh"), layers.Dropout(0.4), layers.Dense(2)], seed=model_seed
    )
    model.compile("adam", "mse")
    random = np.random.default_rng(1)
    model.fit(random.normal(size=(40, 6)), random.normal(size=(40, 2)), epochs=2, verbose=0, **options)
    return model.get_weights()


def test_a_seed_decides_the_whole_training():
    first, again, other = trained(4), trained(4), trained(5)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_the_seed_of_fit_decides_the_batches_alone():
    first, again, other = trained(4, seed=1), trained(4, seed=1), trained(4, seed=2)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_other_draws_do_not_disturb_a_seeded_model():
    first = trained(4)
    nn.set_random_seed(0)
    layers.Dense(3)(np.ones((1, 2)))
    np.random.default_rng().random(5)
    assert all(np.array_equal(a, b) for a, b in zip(first, trained(4), strict=True))


@pytest.mark.parametrize("optimizer", ["SGD", "Adagrad", "RMSprop", "Adam", "AdamW"])
def test_large_networks_take_the_same_steps_on_any_number_of_threads(optimizer, monkeypatch):
    """Their parts lie across the borders of the weights."""
    options = {"SGD": {"momentum": 0.9, "nesterov": True}, "RMSprop": {"centered": True, "momentum": 0.5}}
    random = np.random.default_rng(2)
    x, y = random.normal(size=(8, 30)), random.normal(size=(8, 7))
    monkeypatch.setattr(threads, "WORTH", 50)
    weights = []
    for count in (1, 2, 3):
        monkeypatch.setattr(threads, "available", lambda count=count: count)
        model = nn.Sequential([nn.Input((30,)), layers.Dense(20, "tanh"), layers.Dense(7)], seed=1)
        made = getattr(nn.optimizers, optimizer)(0.01, **options.get(optimizer, {"weight_decay": 0.1}))
        model.compile(made, "mse")
        for _ in range(5):
            model.train_on_batch(x, y)
        weights.append(model.get_weights())
    for others in weights[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(weights[0], others, strict=True))


def test_an_optimizer_of_ones_own_sees_all_weights_at_once(monkeypatch):
    monkeypatch.setattr(threads, "WORTH", 1)
    monkeypatch.setattr(threads, "available", lambda: 2)
    seen = []

    class Own(nn.optimizers.Optimizer):
        def _step(self, flat, rate, count):
            seen.append(flat.values.size)
            flat.values -= rate * flat.gradient / np.linalg.norm(flat.gradient)

    model = nn.Sequential([nn.Input((3,)), layers.Dense(2)], seed=0)
    model.compile(Own(0.1), "mse")
    model.train_on_batch(np.ones((2, 3)), np.ones((2, 2)))
    assert seen == [8]
