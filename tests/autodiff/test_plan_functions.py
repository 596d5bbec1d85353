"""What a layer's author may call gives, repeated by a plan, the bits that it gives on a tape."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest

from vizkit import nn
from vizkit.nn import steps

X = np.random.default_rng(0).standard_normal((8, 4, 3))
Y = np.random.default_rng(1).standard_normal((8, 1))
ORDER = np.array([[2, 0, 1, 1]] * 8)[:, :, None]

# of z, of shape (8, 4, 3), and w, of shape (3,), what is differentiated with respect to both; of x, which is not
FUNCTIONS = {
    "arithmetic": lambda x, z, w: (z + w) * (2 - z) / (1 + w * w) - -z + np.reciprocal(3 + w * w),
    "powers": lambda x, z, w: z**2 + (1 + z * z) ** w + np.sum(w) ** 3 + np.mean(w) ** 2 + 2.0**z,
    "roots": lambda x, z, w: np.sqrt(1 + z * z) + np.cbrt(2 + w * w) + np.square(z) + abs(z),
    "exponentials": lambda x, z, w: np.exp(-z * z) + np.expm1(w) + np.log1p(z * z) + np.log(2 + w * w) + np.exp2(w),
    "logarithms": lambda x, z, w: np.log2(2 + z * z) * np.log10(2 + w * w) + np.logaddexp(z, w),
    "angles": lambda x, z, w: np.sin(z) * np.cos(w) + np.tanh(z) + np.arctan2(z, 1 + w * w) + np.hypot(z, w),
    "choices": lambda x, z, w: np.maximum(z, w) + np.minimum(z, 0.3) + np.where(z > 0, z, w) + np.clip(z, -1, 0.5),
    "a choice of numbers": lambda x, z, w: np.where(z > w, 1.0, z) + np.where(x > 0, z, 0) * (x < 1),
    "steps": lambda x, z, w: z * np.sign(w) + np.floor(z) * w + np.round(x, 1) * np.isfinite(z),
    "sums": lambda x, z, w: np.sum(z, axis=1, keepdims=True) * w + np.sum(z) + np.sum(z, axis=(0, 2))[:, None],
    "means": lambda x, z, w: np.mean(z, axis=-1, keepdims=True) * w + np.mean(z) + np.mean(x, axis=0),
    "extremes": lambda x, z, w: np.max(z, axis=1, keepdims=True) - np.min(z, axis=2, keepdims=True) * w + np.max(w),
    "products": lambda x, z, w: np.prod(w) * z + np.prod(z, axis=1, keepdims=True),
    "spread": lambda x, z, w: (z - np.mean(z)) / np.std(z, axis=1, keepdims=True) + np.var(w, ddof=1),
    "norms": lambda x, z, w: z / np.linalg.norm(z, axis=-1, keepdims=True) + np.linalg.norm(w, 1),
    "running sums": lambda x, z, w: np.cumsum(z, axis=1) * np.cumsum(w),
    "matrices": lambda x, z, w: (
        np.matmul(z, np.outer(w, w)) + np.dot(z, w)[..., None] + np.inner(w, w) * (x @ w)[..., None]
    ),
    "stacks of matrices": lambda x, z, w: np.matmul(np.matmul(z, np.swapaxes(z, 1, 2)), x) + w,
    "a vector in front": lambda x, z, w: np.matmul(w, np.transpose(z, (0, 2, 1)))[..., None] + z,
    "einsum": lambda x, z, w: np.einsum("bij,j->bij", z, w) + np.einsum("bij,bkj->bi", z, x)[..., None],
    "shapes": lambda x, z, w: np.reshape(z, (4, -1, 3)).reshape(z.shape) + np.ravel(z)[:3] + np.expand_dims(w, (0, 1)),
    "axes": lambda x, z, w: np.moveaxis(np.transpose(z, (2, 0, 1)), 0, -1) + np.squeeze(w[None], 0) + z.T.T,
    "broadcasting": lambda x, z, w: np.broadcast_to(w, z.shape) * z + np.astype(z > 0, z.dtype),
    "slices": lambda x, z, w: z[:, ::-1] * w[::-1] + z[:, :1] + z[..., None, 0] + w[0],
    "numbers of places": lambda x, z, w: z[:, [0, 0, 2, 1]] + np.take(w, [2, 2, 0]) + z[np.arange(len(z))[::-1]],
    "places along an axis": lambda x, z, w: np.take_along_axis(z, ORDER, 1) + w,
    "joining": lambda x, z, w: np.concatenate([z[:, :2], z[:, 1:3]], axis=1) + np.stack([w, w, w, w]) + np.vstack([w]),
    "side by side": lambda x, z, w: np.hstack([z[:, :1], x[:, :3]]) * w,
    "cutting": lambda x, z, w: sum(np.split(z, 2, axis=1))[:, [0, 1, 0, 1]] + np.array_split(w, 2)[1],
    "padding": lambda x, z, w: np.pad(z[:, 1:3], ((0, 0), (1, 1), (0, 0)), constant_values=0.5) + np.pad(w[:2], (0, 1)),
    "turning": lambda x, z, w: np.flip(z, 1) + np.roll(z, 1, 1) * np.repeat(w, 1) + np.roll(w, 2),
    "sums of weights": lambda x, z, w: z + (w + w) + np.sum(z * 0 + 1),
    "the same twice": lambda x, z, w: z + z * z + z,
    "numbers without a batch": lambda x, z, w: z * (np.sum(w) * 2 + 1) / (np.sum(w * w) + 1),
}


def layer_of(function):
    class Calling(nn.layers.Layer):
        repeatable = True

        def build(self, input_shape):
            self.first = self.add_weight((input_shape[-1],), "ones")
            self.second = self.add_weight((input_shape[-1],), "random_normal")

        def call(self, inputs):
            return function(inputs, inputs * self.first, self.second)

    return Calling()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_repeated_gives_the_bits_of_a_tape(name):
    def train(most_plans):
        with mock.patch.object(steps, "_MOST_PLANS", most_plans):
            layers = [layer_of(FUNCTIONS[name]), nn.layers.Flatten(), nn.layers.Dense(1)]
            model = nn.Sequential(layers, seed=0, dtype="float32")
            model.compile(nn.optimizers.Adam(0.01), "mse")
            history = model.fit(X, Y, batch_size=8, epochs=5, verbose=0).history
        return [w.tobytes() for w in model.get_weights()], history, len(model._steps.plans)

    *expected, _ = train(0)
    *found, plans = train(4)
    assert found == expected
    assert plans == 1
