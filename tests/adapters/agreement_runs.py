"""Five networks with the same weights and batches for vizkit, PyTorch and Keras: what each is made of."""

from __future__ import annotations

import numpy as np
from letter_o import LETTER_O

STEPS = 2
RATE = 0.125  # exact in binary, so that float32 and float64 mean the same number
NETWORKS = ("mlp", "cnn", "residual", "lstm", "transformer")
LESSONS = ("dosage", "letter")  # what the stories are told of
LOSSES = {
    "mlp": "mean_squared_error",
    **dict.fromkeys(NETWORKS[1:], "sparse_categorical_crossentropy"),
    **dict.fromkeys(LESSONS, "sum_squared_residuals"),
}
SHAPES = {
    "mlp": {"d1": (4, 6), "d2": (6, 3)},
    "cnn": {"c1": (3, 3, 3, 4), "b1": 4, "c2": (3, 3, 4, 5), "d1": (20, 3)},
    "residual": {"c1": (3, 3, 2, 4), "b1": 4, "c2": (3, 3, 4, 4), "b2": 4, "c3": (1, 1, 2, 4), "d1": (4, 3)},
    "lstm": {"e1": None, "r1": None, "d1": (5, 3)},
    "dosage": {"hidden": (1, 2), "output": (2, 1)},
    "letter": {"c1": (3, 3, 1, 1)},
    "transformer": {"a1": None, "n1": None, "f1": (8, 16), "f2": (16, 8), "n2": None, "d1": (8, 3)},
}
SPECIAL = {
    "e1": {"e1": {"embeddings": (10, 4)}},
    "r1": {"r1": {"kernel": (4, 20), "recurrent_kernel": (5, 20), "bias": (20,)}},
    "a1": {
        **{f"a1/{part}": {"kernel": (8, 2, 4), "bias": (2, 4)} for part in ("query", "key", "value")},
        "a1/attention_output": {"kernel": (2, 4, 8), "bias": (8,)},
    },
    "n1": {"n1": {"gamma": (8,), "beta": (8,)}},
    "n2": {"n2": {"gamma": (8,), "beta": (8,)}},
}
PUBLISHED = {
    "dosage": {
        "hidden": {"kernel": [[3.34, -3.53]], "bias": [-1.43, 0.57]},
        "output": {"kernel": [[-1.22], [-2.30]], "bias": [0.0]},
    },
    "letter": {"c1": {"kernel": np.eye(3)[:, ::-1, None, None], "bias": [-1.0]}},
}


def shapes(network):
    """Return the shapes of all parameters: layer -> name -> shape, as Keras has them."""
    found = {}
    for layer, shape in SHAPES[network].items():
        if shape is None:
            found |= SPECIAL[layer]
        elif isinstance(shape, int):
            found[layer] = dict.fromkeys(("gamma", "beta", "moving_mean", "moving_variance"), (shape,))
        else:
            found[layer] = {"kernel": shape, "bias": shape[-1:]}
    return found


def weights(network, dtype):
    """Return the numbers of all parameters: layer -> name -> array."""
    if network in LESSONS:
        return {layer: {k: np.array(v, dtype) for k, v in named.items()} for layer, named in PUBLISHED[network].items()}
    random = np.random.default_rng(NETWORKS.index(network))
    positive = ("gamma", "moving_variance")
    return {
        layer: {
            name: (random.uniform(-0.5, 0.5, shape) + (1 if name in positive else 0)).astype(dtype)
            for name, shape in named.items()
        }
        for layer, named in shapes(network).items()
    }


def batches(network, dtype):
    """Yield inputs and targets of each step."""
    random = np.random.default_rng(100 + (*NETWORKS, *LESSONS).index(network))
    for _ in range(STEPS):
        if network == "dosage":
            yield np.array([[0.0], [0.5], [1.0]], dtype), np.array([[0.0], [1.0], [0.0]], dtype)
        elif network == "letter":
            yield LETTER_O[None, :, :, None].astype(dtype), np.zeros((1, 1), dtype)
        elif network == "mlp":
            yield random.normal(size=(5, 4)).astype(dtype), random.normal(size=(5, 3)).astype(dtype)
        elif network == "lstm":
            yield random.integers(0, 10, (4, 6)), random.integers(0, 3, 4)
        else:
            shape = {"cnn": (4, 8, 8, 3), "residual": (4, 6, 6, 2), "transformer": (4, 5, 8)}[network]
            yield random.normal(size=shape).astype(dtype), random.integers(0, 3, 4)
