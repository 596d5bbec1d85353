"""The five networks in vizkit."""

from __future__ import annotations

from agreement_runs import LOSSES, RATE, batches, weights

from vizkit import nn, record

L = nn.layers


class Residual(nn.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.c1, self.b1 = L.Conv2D(4, 3, padding="same", name="c1"), L.BatchNormalization(name="b1")
        self.t1, self.c2 = L.Activation("relu", name="t1"), L.Conv2D(4, 3, padding="same", name="c2")
        self.b2, self.c3 = L.BatchNormalization(name="b2"), L.Conv2D(4, 1, name="c3")
        self.t2, self.p1 = L.Activation("relu", name="t2"), L.AveragePooling2D(6, name="p1")
        self.fl, self.d1 = L.Flatten(name="fl"), L.Dense(3, name="d1")

    def call(self, x):
        inner = self.b2(self.c2(self.t1(self.b1(self.c1(x)))))
        return self.d1(self.fl(self.p1(self.t2(inner + self.c3(x)))))


class Reader(nn.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.e1, self.r1 = L.Embedding(10, 4, name="e1"), L.LSTM(5, return_sequences=True, name="r1")
        self.d1 = L.Dense(3, name="d1")

    def call(self, x):
        return self.d1(self.r1(self.e1(x))[:, -1])


class Encoder(nn.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.a1, self.n1 = L.MultiHeadAttention(2, 4, name="a1"), L.LayerNormalization(name="n1")
        self.f1, self.t1, self.f2 = L.Dense(16, name="f1"), L.Activation("relu", name="t1"), L.Dense(8, name="f2")
        self.n2, self.d1 = L.LayerNormalization(name="n2"), L.Dense(3, name="d1")

    def call(self, x):
        x = self.n1(x + self.a1(x, x))
        x = self.n2(x + self.f2(self.t1(self.f1(x))))
        return self.d1(x.mean(axis=1))


def build(network, dtype):
    if network == "mlp":
        parts = [nn.Input((4,)), L.Dense(6, name="d1"), L.Activation("relu", name="t1"), L.Dense(3, name="d2")]
        return nn.Sequential(parts, dtype=dtype)
    if network == "cnn":
        return nn.Sequential(
            [
                nn.Input((8, 8, 3)),
                L.Conv2D(4, 3, padding="same", name="c1"),
                L.BatchNormalization(name="b1"),
                L.Activation("relu", name="t1"),
                L.MaxPooling2D(2, name="p1"),
                L.Conv2D(5, 3, name="c2"),
                L.Dropout(0.0, name="o1"),
                L.Flatten(name="fl"),
                L.Dense(3, name="d1"),
            ],
            dtype=dtype,
        )
    if network == "dosage":
        parts = [nn.Input((1,)), L.Dense(2, name="hidden"), L.Activation("softplus", name="t1")]
        return nn.Sequential([*parts, L.Dense(1, name="output")], dtype=dtype)
    if network == "letter":
        parts = [L.Conv2D(1, 3, name="c1"), L.Activation("relu", name="t1"), L.MaxPooling2D(2, name="p1")]
        return nn.Sequential([nn.Input((6, 6, 1)), *parts], dtype=dtype)
    return {"residual": Residual, "lstm": Reader, "transformer": Encoder}[network](dtype=dtype)


def trace(network, dtype):
    model, steps = build(network, dtype), list(batches(network, dtype))
    loss = LOSSES[network]
    if loss.startswith("sparse"):
        loss = nn.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(nn.optimizers.SGD(RATE), loss)
    model.predict(steps[0][0])
    values = weights(network, dtype)
    for layer in model.walk():
        prefix = "a1/" if layer.name in ("query", "key", "value", "attention_output") else ""
        for weight in layer.own_weights:
            weight.assign(values[prefix + layer.name][weight.name])
    with record(model) as told:
        for x, y in steps:
            if network == "letter":
                model.predict(x)
                break
            model.fit(x, y, batch_size=len(x), shuffle=False, verbose=0)
    return told
