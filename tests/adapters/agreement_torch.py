"""The five networks in PyTorch, and how Keras's weights get into them."""

from __future__ import annotations

import numpy as np
import torch
from agreement_runs import LOSSES, RATE, batches, weights
from torch import nn

from vizkit import record


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.d1, self.t1, self.d2 = nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3)

    def forward(self, x):
        return self.d2(self.t1(self.d1(x)))


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.b1 = nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4, eps=1e-3, momentum=0.01)
        self.t1, self.p1, self.c2 = nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Conv2d(4, 5, 3)
        self.o1, self.fl, self.d1 = nn.Dropout(0.0), nn.Flatten(), nn.Linear(20, 3)

    def forward(self, x):
        x = self.o1(self.c2(self.p1(self.t1(self.b1(self.c1(x))))))
        return self.d1(self.fl(x.permute(0, 2, 3, 1)))  # a flattened vector stands as the network made it


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.b1 = nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4, eps=1e-3, momentum=0.01)
        self.t1, self.c2 = nn.ReLU(), nn.Conv2d(4, 4, 3, padding="same")
        self.b2, self.c3 = nn.BatchNorm2d(4, eps=1e-3, momentum=0.01), nn.Conv2d(2, 4, 1)
        self.t2, self.p1, self.fl, self.d1 = nn.ReLU(), nn.AvgPool2d(6), nn.Flatten(), nn.Linear(4, 3)

    def forward(self, x):
        inner = self.b2(self.c2(self.t1(self.b1(self.c1(x)))))
        return self.d1(self.fl(self.p1(self.t2(inner + self.c3(x)))))


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.e1, self.r1, self.d1 = nn.Embedding(10, 4), nn.LSTM(4, 5, batch_first=True), nn.Linear(5, 3)

    def forward(self, x):
        return self.d1(self.r1(self.e1(x))[0][:, -1])


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.a1, self.n1 = nn.MultiheadAttention(8, 2, batch_first=True), nn.LayerNorm(8, eps=1e-3)
        self.f1, self.t1, self.f2 = nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 8)
        self.n2, self.d1 = nn.LayerNorm(8, eps=1e-3), nn.Linear(8, 3)

    def forward(self, x):
        x = self.n1(x + self.a1(x, x, x, need_weights=False)[0])
        x = self.n2(x + self.f2(self.t1(self.f1(x))))
        return self.d1(x.mean(1))


class Dosage(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.t1, self.output = nn.Linear(1, 2), nn.Softplus(), nn.Linear(2, 1)

    def forward(self, x):
        return self.output(self.t1(self.hidden(x)))


class Letter(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.t1, self.p1 = nn.Conv2d(1, 1, 3), nn.ReLU(), nn.MaxPool2d(2)

    def forward(self, x):
        return self.p1(self.t1(self.c1(x)))


MODELS = {
    "mlp": Mlp, "cnn": Cnn, "residual": Residual, "lstm": Reader, "transformer": Encoder,
    "dosage": Dosage, "letter": Letter,
}  # fmt: skip
CRITERIA = {
    "mean_squared_error": nn.MSELoss(),
    "sum_squared_residuals": nn.MSELoss(reduction="sum"),
    "sparse_categorical_crossentropy": nn.CrossEntropyLoss(),
}


def fill(model, values):
    """Set a model's weights from Keras's, by the rules of both frameworks' documentation."""
    with torch.no_grad():
        for name, module in model.named_children():
            mine = {key: torch.tensor(array) for key, array in values.get(name, {}).items()}
            if isinstance(module, nn.Linear):
                module.weight.copy_(mine["kernel"].T)
                module.bias.copy_(mine["bias"])
            elif isinstance(module, nn.Conv2d):
                module.weight.copy_(mine["kernel"].permute(3, 2, 0, 1))
                module.bias.copy_(mine["bias"])
            elif isinstance(module, (nn.BatchNorm2d, nn.LayerNorm)):
                module.weight.copy_(mine["gamma"])
                module.bias.copy_(mine["beta"])
                if "moving_mean" in mine:
                    module.running_mean.copy_(mine["moving_mean"])
                    module.running_var.copy_(mine["moving_variance"])
            elif isinstance(module, nn.Embedding):
                module.weight.copy_(mine["embeddings"])
            elif isinstance(module, nn.LSTM):
                module.weight_ih_l0.copy_(mine["kernel"].T)
                module.weight_hh_l0.copy_(mine["recurrent_kernel"].T)
                module.bias_ih_l0.copy_(mine["bias"])
                module.bias_hh_l0.zero_()
                module.bias_hh_l0.requires_grad_(False)  # Keras has one bias where PyTorch trains two
            elif isinstance(module, nn.MultiheadAttention):
                parts = [values[f"{name}/{part}"] for part in ("query", "key", "value")]
                stacked = [part["kernel"].reshape(8, 8).T for part in parts]
                module.in_proj_weight.copy_(torch.tensor(np.concatenate(stacked)))
                module.in_proj_bias.copy_(torch.tensor(np.concatenate([part["bias"].reshape(8) for part in parts])))
                merge = values[f"{name}/attention_output"]
                module.out_proj.weight.copy_(torch.tensor(merge["kernel"].reshape(8, 8).T))
                module.out_proj.bias.copy_(torch.tensor(merge["bias"]))


def trace(network, dtype):
    model = MODELS[network]().to(getattr(torch, dtype))
    fill(model, weights(network, dtype))
    criterion = CRITERIA[LOSSES[network]]
    optimizer = torch.optim.SGD(model.parameters(), RATE)
    with record(model) as told:
        for x, y in batches(network, dtype):
            x = torch.tensor(x)
            x = x.permute(0, 3, 1, 2) if x.ndim == 4 else x
            if network == "letter":
                model(x)
                break
            optimizer.zero_grad()
            criterion(model(x), torch.tensor(y)).backward()
            optimizer.step()
    return told
