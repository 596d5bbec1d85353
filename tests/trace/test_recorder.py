"""Recording: what is attached is detached, and a trace holds what was told."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
import pytest
from trace_strategies import NestedModel

from vizkit.errors import ArgumentError
from vizkit.trace import Keep, ModelDescription, Node, Recorder, Trace, samples
from vizkit.trace.compare import same_value
from vizkit.trace.recorder import record


def test_everything_told_is_recorded_in_order_and_copied():
    model = NestedModel()
    with record(model, Keep(levels=("layer", "op"))) as trace:
        model.train(2)
    assert [(row.kind, row.node, row.step) for row in trace.log.rows] == [told[:3] for told in model.told]
    before = [row.read() for row in trace.log.rows]
    assert all(same_value(values, told[3]) for values, told in zip(before, model.told, strict=True))
    for told in model.told:
        for array in (field for field in told[3] if isinstance(field, np.ndarray)):
            array[...] = -1
    assert trace.event("loss", step=0).prediction.min() > 0


def test_the_trace_can_be_read_while_it_grows():
    model = samples.TinyModel()
    with record(model) as trace:
        assert len(trace) == 0 and trace.steps == () and trace.model.name == "tiny"
        model.train(1)
        events = trace.events()
        assert next(events).step == 0 and trace.steps == (0,)
        model.train(1)
        assert trace.steps == (0, 1)
    model.train(1)
    assert trace.steps == (0, 1)


def test_the_model_is_free_again_after_an_exception():
    model = samples.TinyModel()
    with pytest.raises(ZeroDivisionError), record(model) as trace:
        model.train(1)
        raise ZeroDivisionError
    assert model._recorder is None and trace.steps == (0,)
    with record(model) as again:
        model.train(1)
    assert again.steps == (1,)


def test_a_failed_attachment_leaves_nothing_behind():
    class Broken(samples.TinyModel):
        def _attach(self, recorder):
            super()._attach(recorder)
            raise ZeroDivisionError

    model = Broken()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), record(model):
            pass
    assert model._recorder is None


def test_a_second_recording_of_the_same_model_is_refused_and_the_first_goes_on():
    model = samples.TinyModel()
    with record(model) as trace:
        with pytest.raises(ArgumentError, match="TinyModel is being recorded already"), record(model):
            pass
        model.train(1)
    assert len(trace) == 5


def test_two_models_can_be_recorded_at_once():
    one, other = samples.TinyModel(), samples.TinyModel()
    with record(one) as first, record(other) as second:
        one.train(1)
        other.train(2)
    assert (len(first.steps), len(second.steps)) == (1, 2)


@pytest.mark.parametrize("model", [3, None, object(), samples.TinyModel])
def test_what_cannot_be_recorded_is_told_what_can(model):
    with (
        pytest.raises(ArgumentError, match=r"cannot be recorded. What can be: the models of vizkit\.nn"),
        record(model),
    ):
        pass


def test_keep_must_be_a_keep():
    with pytest.raises(ArgumentError, match="10"), record(samples.TinyModel(), 10):
        pass


def test_an_adapter_is_found_by_the_module_of_the_model_class(monkeypatch, tmp_path):
    (tmp_path / "adapters").mkdir()
    (tmp_path / "adapters" / "__init__.py").write_text("")
    (tmp_path / "adapters" / "madeup.py").write_text("def source(model):\n    return model.inner\n")
    import vizkit

    monkeypatch.setattr(vizkit, "__path__", [*vizkit.__path__, str(tmp_path)])
    monkeypatch.setitem(sys.modules, "vizkit.adapters", _package(tmp_path / "adapters"))
    foreign = type("Net", (), {"__module__": "madeup.nn", "inner": samples.TinyModel()})()
    derived = type("Mine", (type(foreign),), {"__module__": "__main__"})()
    for model in (foreign, derived):
        with record(model) as trace:
            model.inner.train(1)
        assert len(trace) == 5
    sys.modules.pop("vizkit.adapters.madeup", None)


def _package(folder):
    from importlib.machinery import ModuleSpec

    module = ModuleType("vizkit.adapters")
    module.__path__ = [str(folder)]
    module.__spec__ = ModuleSpec("vizkit.adapters", None, is_package=True)
    return module


def test_steps_never_go_back_and_an_index_stands_for_one_node():
    model = NestedModel()
    with record(model) as trace:
        model.train(2)
        model.step = 0
        with pytest.raises(ArgumentError, match="step 0 came after 1"):
            model.train(1)
        with pytest.raises(ArgumentError, match="index 1"):
            trace.log.add_node(Node(1, "other", "Dense"))


def test_steps_count_from_0():
    recorder = Recorder(Trace(ModelDescription("m")), Keep())
    with pytest.raises(ArgumentError, match="step -1"):
        recorder.forward(-1, Node(0, "d", "Dense"), (), np.ones(1), {})


def test_settings_that_contain_themselves_end():
    circle = {}
    circle["self"] = circle
    recorder = Recorder(Trace(ModelDescription("m")), Keep())
    recorder.describe(ModelDescription("m", optimizer=circle))
    assert str(recorder.trace.model.optimizer).count("self") >= 32


def test_epochs_and_history():
    model = samples.TinyModel()
    with record(model) as trace:
        model._recorder.epoch(0, {"loss": np.float32(0.5)})
        model._recorder.epoch(1, {"loss": 0.25, "accuracy": 1})
    assert [dict(logs) for logs in trace.epochs] == [{"loss": 0.5}, {"loss": 0.25, "accuracy": 1.0}]
    assert trace.history["loss"].tolist() == [0.5, 0.25]
    assert np.isnan(trace.history["accuracy"][0]) and trace.history["accuracy"][1] == 1
    with pytest.raises(TypeError):
        trace.epochs[0]["loss"] = 1


def test_a_later_description_replaces_the_first():
    model = samples.TinyModel()
    with record(model) as trace:
        model._recorder.describe(ModelDescription("built", optimizer={"rate": np.float64(0.5), "f": np.tanh}))
    assert trace.model == ModelDescription("built", optimizer={"rate": 0.5, "f": "tanh"})


def test_each_step_is_found_where_blocks_are_full_and_steps_look_different():
    """A block is opened for a step that is expected to look like the others and then does not."""
    recorder = Recorder(Trace(ModelDescription("m")), None)
    node, wide = Node(0, "d", "Dense"), np.zeros((1, 250))
    for step in range(40):
        recorder.forward(step, node, (wide,), wide, {})
        if step % 5 == 4:
            recorder.forward(step, node, (wide,), wide, {})
        found = [len(list(recorder.trace.events(step=at))) for at in range(step + 1)]
        assert found == [1 + (at % 5 == 4) for at in range(step + 1)]
