"""Which segments are made, by whom, and what is kept when the work is broken off; with executors that draw nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vizkit.errors import RenderError
from vizkit.render.cache import Cache
from vizkit.render.engine import lanes, make, singles
from vizkit.render.formats import Shot
from vizkit.render.jobs import Job, render_segment
from vizkit.render.segments import Packet, Segment

SHOT = Shot(16, 16, 15, "mp4")
costs = st.lists(st.floats(0.01, 10), min_size=1, max_size=40)


def job(number, cost=1.0, key=None):
    return Job(f"play {number}", f"{number:064d}" if key is None else key, cost, "play", SHOT, {"number": number})


def content(number):
    return Segment((Packet(bytes([number]), 0, True),), b"p").to_bytes()


class Scribe:
    """An executor that writes down what it was given, and is interrupted after some jobs."""

    def __init__(self, stops_after=1000):
        self.workers, self.done, self.stops_after = 2, [], stops_after

    def run(self, batches, source):
        for each in (each for batch in batches for each in batch):
            if len(self.done) == self.stops_after:
                raise KeyboardInterrupt
            self.done.append(each.head["number"])
            yield each, content(each.head["number"])


@given(costs, st.integers(1, 8))
def test_lanes_hold_every_job_once_in_order_and_the_longest_is_not_much_longer(given_costs, workers):
    jobs = [job(number, cost) for number, cost in enumerate(given_costs)]
    batches = lanes(jobs, workers)
    assert sorted(each.head["number"] for batch in batches for each in batch) == list(range(len(jobs)))
    for batch in batches:
        numbers = [each.head["number"] for each in batch]
        assert numbers == sorted(numbers)
    spans = [sum(each.cost for each in batch) for batch in batches]
    assert spans == sorted(spans, reverse=True)
    # Graham (1969): at most 4/3 of the best there can be, which is at least this bound.
    best = max(sum(given_costs) / workers, max(given_costs))
    if len(jobs) <= workers:
        best = max(given_costs)
    assert spans[0] <= best * (4 / 3 - 1 / (3 * workers)) + max(given_costs) * (1 - 1 / workers) + 1e-9


@given(costs)
def test_single_jobs_come_longest_first(given_costs):
    batches = singles([job(number, cost) for number, cost in enumerate(given_costs)], 2)
    assert [batch[0].cost for batch in batches] == sorted(given_costs, reverse=True)


def test_segments_come_in_the_order_of_the_video_and_equal_ones_are_made_once(tmp_path):
    twin = "f" * 64
    jobs = [job(1, 1.0), job(2, 5.0, twin), job(3, 3.0), job(4, 5.0, twin)]
    scribe, told = Scribe(), []
    made = make(jobs, tmp_path, scribe, progress=lambda share, name: told.append((round(share, 3), name)))
    assert scribe.done == [2, 3, 1]
    assert [segment.packets[0].data for segment in made] == [b"\x01", b"\x02", b"\x03", b"\x02"]
    assert told == [(0.556, "play 2"), (0.889, "play 3"), (1.0, "play 1")]


def test_an_interruption_keeps_what_is_done_and_the_next_call_goes_on(tmp_path):
    cache = Cache(tmp_path / "cache")
    jobs = [job(number) for number in range(1, 7)] + [job(7, key="")]  # the last one cannot be kept
    first, second, third = Scribe(stops_after=4), Scribe(), Scribe()
    with pytest.raises(KeyboardInterrupt):
        make(jobs, tmp_path, first, cache=cache)
    make(jobs, tmp_path, second, cache=cache)
    assert sorted(first.done + second.done) == [1, 2, 3, 4, 5, 6, 7] and len(first.done) == 4
    make(jobs, tmp_path, third, cache=cache)
    assert third.done == [7]


def test_a_segment_that_does_not_pass_the_check_is_not_kept(tmp_path):
    cache, jobs = Cache(tmp_path / "cache"), [job(1)]

    def check(job, content):
        raise RenderError("wrong")

    with pytest.raises(RenderError, match="wrong"):
        make(jobs, tmp_path, Scribe(), cache=cache, check=check)
    assert cache.get(jobs[0].key) is None


@given(
    st.lists(st.tuples(st.binary(max_size=9), st.integers(0, 99), st.booleans(), st.binary(max_size=9))),
    st.binary(max_size=9),
)
def test_segments_and_jobs_come_back_from_their_bytes(packets, parameters):
    segment = Segment(tuple(Packet(*packet) for packet in packets), parameters, {"found": ["a", "b"]})
    assert Segment.from_bytes(segment.to_bytes()) == segment
    given_job = Job("play", "", 0.5, "play", SHOT, {"a": [1, None]}, (parameters, b""))
    assert Job.from_bytes(given_job.to_bytes()) == given_job
    with pytest.raises(RenderError, match="damaged"):
        Segment.from_bytes(segment.to_bytes()[:-1])


def test_a_job_of_an_unknown_kind_is_named():
    with pytest.raises(RenderError, match="'dance'"):
        render_segment(Job("", "", 1, "dance", SHOT, {}))
