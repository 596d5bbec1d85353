"""Steps that are recorded by copying memory, against the same steps told event by event."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_trace_file import content

from vizkit.errors import ArgumentError
from vizkit.trace import Keep, ModelDescription, Node, Recorder, Trace, load, record, samples
from vizkit.trace.recorder import early

DENSE, LOSS = Node(0, "dense", "Dense"), Node(1, "loss", "mean_squared_error")
STEPS = 300


class Producer:
    """A dense layer without sense whose arrays are pieces of two arrays, and which tells in both ways."""

    def __init__(self, generator):
        self.generator = generator
        self.weights, self.gradients = np.zeros(8, "f4"), np.zeros(8, "f4")
        self.arena = np.zeros(4 * 3 + 4 * 2 + 4 * 2, "f4")
        self.x, self.y = self.arena[:12].reshape(4, 3), self.arena[12:20].reshape(4, 2)
        self.dy = self.arena[20:].reshape(2, 4).T  # stored the other way round
        self.value, self.rate, self.samples = np.zeros((), "f4"), np.zeros(()), np.zeros(4)

    def parts(self, array):
        return {"kernel": array[:6].reshape(3, 2), "bias": array[6:]}

    def events(self, before, mark):
        gradients = self.parts(self.gradients)
        kernel_before, kernel_after = before["kernel"], self.parts(self.weights)["kernel"]
        return [
            ("forward", DENSE, ((self.x,), self.y, {name: mark(array) for name, array in before.items()})),
            ("loss", LOSS, (self.y, self.y, self.value, self.samples)),
            ("backward", DENSE, (self.dy, (), gradients)),
            ("update", DENSE, ("kernel", mark(kernel_before), kernel_after, gradients["kernel"], self.rate)),
        ]

    def fill(self):
        for array in (self.arena, self.gradients, self.value, self.rate, self.samples):
            array[...] = self.generator.normal(size=array.shape)

    def update(self):
        self.weights += self.gradients


def run(keep, templated, path=None):
    producer, model = Producer(np.random.default_rng(3)), samples.TinyModel()
    with record(model, keep, path=path) as trace:
        recorder = model._recorder
        template = recorder.template(producer.events(producer.parts(producer.weights), early)) if templated else None
        for step in range(STEPS):
            producer.fill()
            before = producer.weights.copy()
            kept = template.begin(step) if template is not None else False
            producer.update()
            if kept:
                template.end()
            if templated:
                continue
            for kind, node, fields in producer.events(producer.parts(before), lambda array: array):
                if recorder.wants(kind, node, step):
                    getattr(recorder, kind)(step, node, *fields)
    return trace


@pytest.mark.parametrize("in_file", [False, True])
@pytest.mark.parametrize(
    "keep",
    [
        Keep(),
        Keep(steps=7),
        Keep(samples=1),
        Keep(samples=[2, 0, 9]),
        Keep(samples=[1, 3]),
        Keep(kinds="update"),
        Keep(kinds=("forward", "loss"), samples=2, steps=range(5, 250, 3)),
    ],
    ids=str,
)
def test_a_template_records_what_the_events_would(tmp_path, keep, in_file):
    trace = run(keep, templated=True, path=tmp_path / "run.vkt" if in_file else None)
    told = run(keep, templated=False)
    assert content(trace) == content(told) and len(trace) > 0
    if in_file:
        assert content(load(tmp_path / "run.vkt")) == content(told)
        assert content(load(tmp_path / "run.vkt", partial=True)) == content(told)
    assert load(trace.save(tmp_path / "saved.vkt")).equals(told)


def test_shared_memory_is_kept_once(tmp_path):
    sizes = [run(Keep(), templated).save(tmp_path / "run.vkt").stat().st_size for templated in (True, False)]
    assert sizes[0] < 0.75 * sizes[1]


def test_memory_without_gaps_is_copied_in_one_go():
    recorder = Recorder(Trace(ModelDescription("m")), Keep())
    producer = Producer(np.random.default_rng(0))
    template = recorder.template(producer.events(producer.parts(producer.weights), early))
    parts = (template._early, template._late)
    pieces = [[piece for *_, run in copies.runs for piece in run if not isinstance(piece, bytes)] for copies in parts]
    assert list(map(len, pieces[0])) == [32]  # all weights
    # the arena, the samples of the loss, the gradients, the kernel after, the rate
    assert list(map(len, pieces[1])) == [112, 32, 32, 24, 8]
    assert [len(copies.runs) for copies in parts] == [1, 1]  # neighbours are joined
    assert len(template._late._arrays) == 1  # the loss, kept as 64 bits


def test_large_pieces_are_not_joined():
    recorder = Recorder(Trace(ModelDescription("m")), Keep())
    arrays = {str(size): np.random.default_rng(size).normal(size=size) for size in (3, 1000, 5, 400, 2, 1)}
    template = recorder.template([("forward", DENSE, ((), np.zeros(1), arrays))])
    assert len(template._late.runs) > 1
    template.begin(0)
    template.end()
    event = recorder.trace.event("forward", step=0)
    assert all(np.array_equal(event.parameters[name], array) for name, array in arrays.items())


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 12)), min_size=1, max_size=6), st.booleans())
def test_pieces_of_one_array_that_touch_overlap_or_stand_apart(pieces, marked):
    memory = np.arange(32.0)
    views = {str(number): memory[begin : begin + length] for number, (begin, length) in enumerate(pieces)}
    recorder = Recorder(Trace(ModelDescription("m")), Keep())
    given_views = {name: early(view) if marked else view for name, view in views.items()}
    template = recorder.template([("forward", DENSE, ((), memory[3:4], given_views))])
    for step in range(3):
        memory += 1
        assert template.begin(step)
        template.end()
        event = recorder.trace.event("forward", step=step)
        for name, view in views.items():
            assert np.array_equal(event.parameters[name], view)


def test_a_template_of_nothing_is_none_and_steps_go_on():
    recorder = Recorder(Trace(ModelDescription("m")), Keep(kinds="loss"))
    assert recorder.template([("forward", DENSE, ((), np.zeros(2), {}))]) is None
    recorder = Recorder(Trace(ModelDescription("m")), Keep())
    template = recorder.template([("forward", DENSE, ((), np.zeros(2), {}))])
    recorder.forward(0, DENSE, (), np.ones(2), {})
    assert template.begin(1)
    template.end()
    with pytest.raises(ArgumentError, match="step 1 came after 1"):
        template.begin(1)
    recorder.forward(2, DENSE, (), np.ones(2), {})
    assert [event.output[0] for event in recorder.trace.events()] == [1, 0, 1]


def test_a_step_that_failed_is_begun_anew():
    recorder = Recorder(Trace(ModelDescription("m")), Keep())
    array = np.zeros(2)
    template = recorder.template([("forward", DENSE, ((), array, {}))])
    template.begin(0)
    array += 5
    template.begin(1)
    template.end()
    assert recorder.trace.steps == (1,) and recorder.trace.event("forward", step=1).output[0] == 5


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (((), [1.0], {}), "output"),
        (((), np.zeros(2, object), {}), "output"),
        (((), np.zeros(2)), "inputs, output, parameters"),
    ],
)
def test_what_is_no_array_is_refused(fields, said):
    recorder = Recorder(Trace(ModelDescription("m")), Keep())
    with pytest.raises(ArgumentError, match=said):
        recorder.template([("forward", DENSE, fields)])
