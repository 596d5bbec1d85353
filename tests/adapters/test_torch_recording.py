"""What a recording of a PyTorch model tells, held against PyTorch's own autograd, and that it leaves nothing behind."""

from __future__ import annotations

import copy
import sys

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from vizkit import record
from vizkit.errors import ArgumentError
from vizkit.trace import BackwardEvent, ForwardEvent, Keep, LossEvent, UpdateEvent, load

HOOKS = (
    "_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks", "_forward_hooks_with_kwargs",
    "_forward_pre_hooks_with_kwargs", "_forward_hooks_always_called", "_state_dict_hooks", "_load_state_dict_pre_hooks",
)  # fmt: skip


def mlp(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


def data(seed=1):
    torch.manual_seed(seed)
    return torch.randn(5, 3), torch.randn(5, 2)


def train(model, steps=1, keep=None, optimizer=None, criterion=None):
    x, y = data()
    optimizer = optimizer or torch.optim.SGD(model.parameters(), 0.1)
    criterion = criterion or nn.MSELoss()
    with record(model, keep=keep) as trace:
        for _ in range(steps):
            optimizer.zero_grad()
            criterion(model(x), y).backward()
            optimizer.step()
    return trace


def state(model):
    """Return every attribute of every module and parameter, by identity."""
    modules = {name: {key: id(value) for key, value in vars(module).items()} for name, module in model.named_modules()}
    parameters = {name: (vars(p), p._backward_hooks, p.grad_fn) for name, p in model.named_parameters()}
    return modules, parameters


def assert_free(model, before):
    assert state(model) == before
    assert all(not getattr(module, hooks) for module in model.modules() for hooks in HOOKS)
    modules, optimizers = sys.modules["torch.nn.modules.module"], sys.modules["torch.optim.optimizer"]
    assert not modules._global_forward_hooks and not modules._global_forward_pre_hooks
    assert not optimizers._global_optimizer_pre_hooks and not optimizers._global_optimizer_post_hooks


def test_nothing_is_left_on_the_model():
    model = mlp()
    before = state(model)
    train(model, 2)
    for parameter in model.parameters():
        parameter.grad = None
    assert_free(model, before)


class Failing(nn.Module):
    def __init__(self, where):
        super().__init__()
        self.inner, self.where = nn.Sequential(nn.Linear(3, 2), nn.ReLU()), where

    def forward(self, x):
        x = self.inner(x)
        if self.where == "forward":
            raise ZeroDivisionError
        if self.where == "backward" and x.requires_grad:
            x.register_hook(lambda gradient: 1 / 0)
        return x


@pytest.mark.parametrize("where", ["forward", "backward", "optimizer"])
def test_nothing_is_left_after_an_exception_and_what_came_before_is_kept(where):
    model = Failing(where)
    before = state(model)
    with pytest.raises(ZeroDivisionError), record(model) as trace:
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        functional.mse_loss(model(data()[0]), data()[1]).backward()
        if where == "optimizer":
            for parameter in model.parameters():
                parameter.grad = None
        optimizer.step()
        raise ZeroDivisionError
    assert_free(model, before)
    assert [event.node.name for event in trace.events(ForwardEvent)] == ["inner/0", "inner/1", "inner"]
    with record(model) as again, torch.no_grad():
        if where != "forward":
            model(data()[0])
            assert len(list(again.events())) == 3


def test_an_exception_that_the_model_catches_ends_its_calls():
    class Careful(nn.Module):
        def __init__(self):
            super().__init__()
            self.bad, self.good = Failing("forward"), nn.Linear(3, 2)

        def forward(self, x):
            try:
                return self.bad(x)
            except ZeroDivisionError:
                return self.good(x)

    model = Careful()
    with record(model) as trace:
        model(data()[0]).sum().backward()
        model(data()[0]).sum().backward()
    assert [event.node.name for event in trace.events(BackwardEvent)] == ["good"] * 2
    assert trace.steps == (0, 1)


def test_recording_changes_no_bit_of_the_training():
    plain, recorded = mlp(), mlp()
    x, y = data()
    optimizer = torch.optim.SGD(plain.parameters(), 0.1)
    for _ in range(3):
        optimizer.zero_grad()
        nn.MSELoss()(plain(x), y).backward()
        optimizer.step()
    train(recorded, 3)
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), recorded.parameters(), strict=True))


def test_events_are_in_order_and_hold_autograds_numbers():
    model, (x, y) = mlp(), data()
    twin = copy.deepcopy(model)
    trace = train(model)
    hidden = twin[0](x)
    active = twin[1](hidden)
    output = twin[2](active)
    for tensor in (hidden, active, output):
        tensor.retain_grad()
    loss = nn.MSELoss()(output, y)
    loss.backward()
    order = [(type(event).__name__, event.node.name) for event in trace.events()]
    assert order == [
        *[("ForwardEvent", name) for name in "012"],
        ("LossEvent", "loss"),
        *[("BackwardEvent", name) for name in "210"],
        *[("UpdateEvent", name) for name in "0022"],
    ]
    for name, tensor in zip("012", (hidden, active, output), strict=True):
        np.testing.assert_array_equal(trace.event(ForwardEvent, layer=name, step=0).output, tensor.detach())
        np.testing.assert_array_equal(trace.event(BackwardEvent, layer=name, step=0).output_gradient, tensor.grad)
    back = trace.event(BackwardEvent, layer="2", step=0)
    np.testing.assert_array_equal(back.input_gradients[0], active.grad)
    np.testing.assert_array_equal(back.parameter_gradients["kernel"], twin[2].weight.grad.T)
    event = trace.event(LossEvent, step=0)
    assert event.value == loss.item() and event.name == "mean_squared_error"
    np.testing.assert_allclose(event.samples, ((output - y) ** 2).mean(1).detach(), rtol=1e-6)
    update = trace.event(UpdateEvent, layer="2", parameter="bias", step=0)
    np.testing.assert_array_equal(update.after, model[2].bias.detach())
    np.testing.assert_array_equal(update.before, twin[2].bias.detach())
    assert update.learning_rate == 0.1


class Twice(nn.Module):
    """One module used twice, a branch around it, and tuples and dicts on the way."""

    def __init__(self):
        super().__init__()
        self.shared, self.split, self.join = nn.Linear(3, 3), Split(), Join()

    def forward(self, x):
        x = x + self.shared(torch.tanh(self.shared(x)))
        left, right = self.split(x)
        return self.join({"left": left, "right": right}, scale=torch.tensor(2.0))


class Split(nn.Module):
    def forward(self, x):
        return x[:, :1], x[:, 1:]


class Join(nn.Module):
    def forward(self, parts, scale):
        return {"sum": parts["left"] * scale + parts["right"]}


def test_a_module_used_twice_and_several_inputs_and_outputs():
    model, x = Twice(), data()[0]
    with record(model) as trace:
        model(x)["sum"].square().sum().backward()
    shared = list(trace.events(ForwardEvent, layer="shared"))
    assert len(shared) == 2 and trace.steps == (0,)
    np.testing.assert_allclose(shared[1].inputs[0], np.tanh(shared[0].output), rtol=1e-6)
    later, earlier = trace.events(BackwardEvent, layer="shared")
    np.testing.assert_array_equal(later.parameter_gradients["kernel"], model.shared.weight.grad.T)  # both calls' sum
    through = earlier.output_gradient / (1 - shared[1].inputs[0] ** 2)  # back through tanh
    np.testing.assert_allclose(through, later.input_gradients[0], rtol=1e-4, atol=1e-5)
    split = trace.event(ForwardEvent, layer="split", step=0)
    assert split.output.shape == (5, 1)
    join = trace.event(ForwardEvent, layer="join", step=0)
    assert [part.shape for part in join.inputs] == [(5, 1), (5, 2), ()]
    assert [part.shape for part in trace.event(BackwardEvent, layer="join", step=0).input_gradients] == [(5, 1), (5, 2)]
    description = {layer.node.name: layer for layer in trace.model.layers}
    assert description["join"].input_shape == ((None, 1), (None, 2), ())


def test_a_branch_gets_its_own_share_of_a_gradient():
    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(2, 2, bias=False)
            nn.init.constant_(self.inner.weight, 0.5)

        def forward(self, x):
            return x + self.inner(x)

    model = nn.Sequential(nn.Linear(2, 2), Residual())
    with record(model) as trace:
        model(torch.ones(1, 2)).sum().backward()
    np.testing.assert_array_equal(trace.event(BackwardEvent, layer="1/inner", step=0).input_gradients[0], [[1.0, 1.0]])
    np.testing.assert_array_equal(trace.event(BackwardEvent, layer="1", step=0).input_gradients[0], [[2.0, 2.0]])


def test_nested_modules_stand_before_what_contains_them():
    model = nn.Sequential(nn.Sequential(nn.Linear(3, 3), nn.ReLU()), nn.ModuleList([nn.Linear(3, 2)])[0])
    with record(model) as trace:
        model(data()[0]).sum().backward()
    assert [event.node.name for event in trace.events(ForwardEvent)] == ["0/0", "0/1", "0", "1"]
    assert [event.node.name for event in trace.events(BackwardEvent)] == ["1", "0/1", "0/0", "0"]
    nodes = {node.name: node for node in trace.log.nodes.values()}
    assert nodes["0/1"].parent == nodes["0"].index and nodes["0"].parent is None


def test_modules_that_write_over_their_input_tell_what_it_was():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(inplace=True), nn.Linear(4, 2))
    twin = copy.deepcopy(model)
    twin[1].inplace = False
    ours, theirs = train(model), train(twin)
    for mine, other in zip(ours.events(), theirs.events(), strict=True):
        for name in ("output", "output_gradient", "after"):
            np.testing.assert_array_equal(getattr(mine, name, 0), getattr(other, name, 0))
        for name in ("inputs", "input_gradients"):
            for a, b in zip(getattr(mine, name, ()), getattr(other, name, ()), strict=True):
                np.testing.assert_array_equal(a, b)


def test_without_gradients_there_are_forward_events_alone():
    model, (x, y) = mlp().eval(), data()
    with record(model) as trace:
        with torch.no_grad():
            model(x)
            nn.MSELoss()(model(x), y)
        with torch.inference_mode():
            model(x)
    assert {type(event) for event in trace.events()} == {ForwardEvent}
    assert trace.steps == (0, 1, 2)  # each call is a step of its own


def test_frozen_parameters_have_no_gradient_and_no_update():
    model = mlp()
    model[0].requires_grad_(False)
    trace = train(model)
    assert [event.node.name for event in trace.events(BackwardEvent)] == ["2"]
    assert {event.node.name for event in trace.events(UpdateEvent)} == {"2"}
    assert trace.event(BackwardEvent, layer="2", step=0).input_gradients == ()


def test_moving_averages_are_told_as_they_were_before():
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    trace = train(model, 2)
    first, second = (trace.event(ForwardEvent, layer="1", step=step).parameters for step in (0, 1))
    np.testing.assert_array_equal(first["moving_mean"], [0, 0])
    np.testing.assert_array_equal(first["moving_variance"], [1, 1])
    expected = 0.1 * trace.event(ForwardEvent, layer="1", step=0).inputs[0].mean(0)
    np.testing.assert_allclose(second["moving_mean"], expected, rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_narrow_types_become_float32_and_the_trace_says_so(dtype):
    model = nn.Sequential(nn.Linear(3, 4).to(dtype), Widen(), nn.Linear(4, 2))
    with record(model) as trace:
        model(data()[0].to(dtype)).sum().backward()
    first = trace.event(ForwardEvent, layer="0", step=0)
    assert first.output.dtype == first.parameters["kernel"].dtype == np.float32
    np.testing.assert_array_equal(first.parameters["kernel"], model[0].weight.detach().float().T)
    assert {row.node for row in trace.missing()} == {"0", "1", "loss"}
    config = {layer.node.name: layer.config.get("dtype") for layer in trace.model.layers}
    assert config == {"0": str(dtype).removeprefix("torch."), "1": None, "2": None}


class Widen(nn.Module):
    def forward(self, x):
        return x.float()


def test_parameters_without_numbers_are_refused():
    with pytest.raises(ArgumentError, match="meta device"), record(nn.Linear(2, 2, device="meta")):
        pass


def test_a_single_layer_is_recorded_as_itself():
    model = nn.Linear(3, 2)
    trace = train(model)
    assert [layer.node.kind for layer in trace.model.layers] == ["Dense"]
    assert len(list(trace.events())) == 5


def test_a_class_of_ones_own_keeps_its_name():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.shift, self.power = nn.Parameter(torch.ones(3, 2)), 3

        def forward(self, x):
            return x @ self.shift

    trace = train(nn.Sequential(Odd()))
    layer = trace.model.layers[0]
    assert (layer.node.kind, dict(layer.parameters), layer.config["power"]) == ("Odd", {"shift": (3, 2)}, 3)


def test_the_loss_where_the_user_marks_it():
    model, (x, y) = mlp(), data()
    with record(model) as trace:
        output = model(x)
        loss = trace.loss(functional.mse_loss(output, y) + 1, prediction=output, target=y)
        loss.backward()
    event = trace.event(LossEvent, step=0)
    assert event.value == loss.item() and event.samples.shape == (0,)
    np.testing.assert_array_equal(event.target, y)
    assert ("loss", "samples") in [row[:2] for row in trace.missing()]
    assert trace.model.loss == "loss"


def test_a_marked_loss_takes_what_a_loss_module_compared():
    model, (x, y) = mlp(), data()
    criterion = nn.MSELoss()
    with record(model) as trace:
        trace.loss(criterion(model(x), y)).backward()
        (trace.loss(criterion(model(x), y) + nn.L1Loss()(model[0].bias, torch.zeros(4)))).backward()
    first, second = trace.events(LossEvent)
    assert first.name == "mean_squared_error" and first.samples.shape == (5,)
    assert second.name == "loss" and second.value > first.value


def test_several_losses_without_a_mark_are_not_guessed():
    model, (x, y) = mlp(), data()
    with record(model) as trace:
        output = model(x)
        (nn.MSELoss()(output, y) + nn.L1Loss()(output, y)).backward()
    assert list(trace.events(LossEvent)) == []
    assert any("mean_squared_error, mean_absolute_error" in row.reason for row in trace.missing())


@pytest.mark.parametrize("keep", [Keep(), Keep(kinds=["forward", "backward"]), Keep(steps=[1])])
def test_a_loss_that_was_not_seen_is_missed(keep):
    """A function leaves no trace as a module does; the user is told how to mark what it gave."""
    model, (x, y) = mlp(), data()
    with record(model, keep=keep) as trace:
        for _ in range(2):
            functional.mse_loss(model(x), y).backward()
    wanted = keep.kind("loss")
    assert [row.reason for row in trace.missing() if row.kind == "loss"] == wanted * [
        "The model was trained, but no loss was seen; trace.loss(value) marks it."
    ]


@pytest.mark.parametrize("keep", [Keep(), Keep(kinds=["forward", "backward"]), Keep(steps=[1])])
def test_no_loss_is_missed_where_one_was_seen_or_nothing_was_trained(keep):
    model, (x, y) = mlp(), data()
    assert train(model, steps=3, keep=keep).missing() == ()
    with record(model, keep=keep) as trace:
        for _ in range(2):
            loss = functional.mse_loss(model(x), y)
            loss.backward()
            trace.loss(loss)
    assert "loss" not in [row.kind for row in trace.missing()]
    with record(model, keep=keep) as trace, torch.no_grad():
        functional.mse_loss(model(x), y)
    assert trace.missing() == ()


def test_a_loss_before_any_call_is_refused():
    with record(mlp()) as trace, pytest.raises(ArgumentError, match="after the model was called"):
        trace.loss(1.0)


@pytest.mark.parametrize(
    ("criterion", "name"),
    [
        (nn.MSELoss(reduction="sum"), "sum_squared_residuals"),
        (nn.L1Loss(), "mean_absolute_error"),
        (nn.HuberLoss(), "huber"),
        (nn.BCEWithLogitsLoss(), "binary_crossentropy"),
        (nn.CrossEntropyLoss(), "sparse_categorical_crossentropy"),
        (nn.CrossEntropyLoss(weight=torch.tensor([1.0, 3.0])), "sparse_categorical_crossentropy"),
        (nn.CrossEntropyLoss(ignore_index=1), "sparse_categorical_crossentropy"),
    ],
)
def test_the_samples_of_a_loss_make_up_its_value(criterion, name):
    model, (x, _) = mlp(), data()
    target = torch.tensor([0, 1, 1, 0, 1])
    target = target if "sparse" in name else torch.stack([target, 1 - target], 1).float()
    with record(model) as trace:
        criterion(model(x), target).backward()
    event = trace.event(LossEvent, step=0)
    total = event.samples.sum() if criterion.reduction == "sum" else event.samples.mean()
    assert event.name == name and event.samples.shape == (5,)
    assert total == pytest.approx(event.value, rel=1e-5)


def test_two_calls_for_one_loss_are_one_step():
    model, x = mlp(), data()[0]
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with record(model) as trace:
        for _ in range(2):
            optimizer.zero_grad()
            real, fake = model(x), model(-x)
            (real - fake).square().mean().backward()
            optimizer.step()
    assert trace.steps == (0, 1)
    names = [event.node.name for event in trace.events(BackwardEvent, step=1)]
    assert names == ["2", "1", "0"] * 2
    np.testing.assert_array_equal(next(trace.events(ForwardEvent, layer="0", step=1)).inputs[0], x)


def test_gradients_that_add_up_over_batches_are_those_of_each_pass():
    model, (x, y) = mlp(), data()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with record(model) as trace:
        for part in (slice(0, 2), slice(2, 5)):
            functional.mse_loss(model(x[part]), y[part]).backward()
        optimizer.step()
    passes = [event.parameter_gradients["bias"] for event in trace.events(BackwardEvent, layer="2")]
    update = trace.event(UpdateEvent, layer="2", parameter="bias", step=1)
    np.testing.assert_allclose(update.gradient, sum(passes), rtol=1e-6)


def test_a_backward_pass_that_comes_too_late_is_not_told_as_another_steps():
    model, x = mlp().eval(), data()[0]
    with record(model) as trace:
        early = model(x).sum()
        model(x)
        early.backward()
    assert list(trace.events(BackwardEvent)) == []
    assert any("another step" in row.reason for row in trace.missing())


def test_optimizers_with_groups_closures_and_momentum():
    model, (x, y) = mlp(), data()
    groups = [{"params": model[0].parameters(), "lr": 0.5}, {"params": model[2].parameters()}]
    trace = train(model, optimizer=torch.optim.Adam(groups, lr=0.01))
    rates = {event.node.name: event.learning_rate for event in trace.events(UpdateEvent)}
    assert rates == {"0": 0.5, "2": 0.01} and trace.model.optimizer["name"] == "Adam"
    optimizer = torch.optim.SGD(model.parameters(), 0.1)

    def closure():
        optimizer.zero_grad()
        loss = functional.mse_loss(model(x), y)
        loss.backward()
        return loss

    with record(model) as trace:
        optimizer.step(closure)
    for event in trace.events(UpdateEvent):
        np.testing.assert_allclose(event.after, event.before - 0.1 * event.gradient, rtol=1e-5, atol=1e-7)
    assert len(list(trace.events(UpdateEvent))) == 4


def test_keep_chooses():
    trace = train(mlp(), 4, Keep(steps=2, layers="2", kinds=("forward", "update"), samples=2))
    assert trace.steps == (0, 2)
    assert {(type(event), event.node.name) for event in trace.events()} == {(ForwardEvent, "2"), (UpdateEvent, "2")}
    assert trace.event(ForwardEvent, step=2).output.shape == (2, 2)


def test_a_lazy_module_is_known_once_it_has_run():
    model = nn.Sequential(nn.LazyLinear(4), nn.LazyBatchNorm1d(), nn.LazyLinear(2))
    with record(model) as trace:
        model(data()[0]).sum().backward()
    kinds = [(layer.node.kind, dict(layer.parameters)) for layer in trace.model.layers]
    assert kinds[0] == ("Dense", {"kernel": (3, 4), "bias": (4,)}) and kinds[1][0] == "BatchNormalization"
    assert "kernel" in trace.event(BackwardEvent, layer="0", step=0).parameter_gradients


def test_tied_weights_and_parameters_outside_modules():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.out = nn.Embedding(7, 3), nn.Linear(3, 7, bias=False)
            self.out.weight = self.words.weight

        def forward(self, x):
            return self.out(self.words(x))

    model = Tied()
    with record(model) as trace:
        model(torch.tensor([[1, 2]])).square().sum().backward()
    back = {event.node.name: event.parameter_gradients for event in trace.events(BackwardEvent)}
    np.testing.assert_array_equal(back["words"]["embeddings"], model.words.weight.grad)
    np.testing.assert_array_equal(back["out"]["kernel"], model.words.weight.grad.T)


def test_an_output_that_did_not_lead_to_the_loss_has_the_derivative_zero():
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.read = nn.LSTM(3, 2, batch_first=True)

        def forward(self, x):
            return self.read(x)[1][0][-1]

    model = Last()
    with record(model) as trace:
        model(torch.randn(4, 5, 3)).sum().backward()
    event = trace.event(BackwardEvent, layer="read", step=0)
    np.testing.assert_array_equal(event.output_gradient, np.zeros((4, 5, 2)))
    np.testing.assert_array_equal(event.parameter_gradients["kernel"], model.read.weight_ih_l0.grad.T)


def test_a_compiled_model_is_refused():
    with pytest.raises(ArgumentError, match="compiled from"), record(torch.compile(mlp())):
        pass


def test_parameters_of_the_model_itself_make_it_a_layer():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale, self.inner = nn.Parameter(torch.tensor([2.0])), nn.Linear(3, 2)

        def forward(self, x):
            return self.inner(x) * self.scale

    model = Scaled()
    trace = train(model)
    assert [event.node.name for event in trace.events(ForwardEvent)] == ["inner", "scaled"]
    assert [event.node.name for event in trace.events(BackwardEvent)] == ["inner", "scaled"]
    gradient = trace.event(BackwardEvent, layer="scaled", step=0).parameter_gradients["scale"]
    np.testing.assert_array_equal(gradient, model.scale.grad)
    assert {event.node.name for event in trace.events(UpdateEvent)} == {"inner", "scaled"}
    assert trace.log.nodes[1].parent == 0


@pytest.mark.parametrize("reentrant", [False, True])
def test_what_a_checkpoint_computes_again_is_no_new_call(reentrant):
    class Saving(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.inner, self.last = nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 2)

        def forward(self, x):
            hidden = checkpoint(lambda x: torch.tanh(self.inner(x)), self.first(x), use_reentrant=reentrant)
            return self.last(hidden)

    model, x = Saving(), data()[0]
    with record(model) as trace:
        for _ in range(2):
            model(x).sum().backward()
    assert trace.steps == (0, 1)
    assert [event.node.name for event in trace.events(ForwardEvent, step=1)] == ["first", "inner", "last"]
    inner = [] if reentrant else ["inner"]  # an older checkpoint's first call has no gradients
    assert [event.node.name for event in trace.events(BackwardEvent, step=1)] == ["last", *inner, "first"]


def test_two_models_at_once():
    making, judging, x = nn.Linear(2, 3), nn.Sequential(nn.Linear(3, 1)), torch.randn(4, 2)
    optimizer = torch.optim.SGD(judging.parameters(), 0.1)
    before = state(making), state(judging)
    with record(making) as made, record(judging) as judged:
        trace_loss = judged.loss(judging(making(x)).mean())
        trace_loss.backward()
        optimizer.step()
    assert {event.node.name for event in judged.events(UpdateEvent)} == {"0"}
    assert list(made.events(UpdateEvent)) == [] and len(list(made.events(BackwardEvent))) == 1
    for parameter in (*making.parameters(), *judging.parameters()):
        parameter.grad = None
    assert (state(making), state(judging)) == before


def test_a_run_streams_to_a_file_and_comes_back(tmp_path):
    x, y = data()
    model, criterion = mlp(), nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters())
    with record(model, keep=Keep(), path=tmp_path / "run.vkt") as trace:
        for _ in range(3):
            optimizer.zero_grad()
            criterion(model(x), y).backward()
            optimizer.step()
    loaded = load(tmp_path / "run.vkt")
    assert loaded.equals(trace) and loaded.steps == (0, 1, 2)
    assert loaded.model.framework == "torch" and loaded.missing() == trace.missing()


def test_statistics_of_a_run():
    trace = train(mlp(), 2, Keep(statistics=True))
    assert {type(event).__name__ for event in trace.events()} == {"StatisticsEvent", "LossEvent"}


def test_mixed_precision_by_autocast():
    model, (x, y) = mlp(), data()
    with record(model) as trace, torch.autocast("cpu", dtype=torch.bfloat16):
        functional.mse_loss(model(x), y).backward()
    assert trace.event(ForwardEvent, layer="2", step=0).output.dtype == np.float32
    assert trace.event(BackwardEvent, layer="2", step=0).parameter_gradients["kernel"].dtype == np.float32
    assert {row.node for row in trace.missing()} == {"0", "1", "2", "loss"}


def test_a_loss_by_its_number_alone_has_no_target():
    model, (x, y) = mlp(), data()
    with record(model) as trace:
        trace.loss(functional.mse_loss(model(x), y)).backward()
    event = trace.event(LossEvent, step=0)
    assert event.target.shape == (5, 0) and event.samples.shape == (0,)
    np.testing.assert_array_equal(event.prediction, trace.event(ForwardEvent, layer="2", step=0).output)
    assert ("loss", "target, samples") in [row[:2] for row in trace.missing()]
