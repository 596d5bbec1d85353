"""Subtitles, read back by parsers that are not ours."""

from __future__ import annotations

import datetime
import re

import srt as srt_library
from hypothesis import given
from hypothesis import strategies as st

from vizkit.animation.timing import Cue
from vizkit.render.subtitles import srt, webvtt

times = st.floats(0, 100_000).map(lambda seconds: round(seconds, 3))
cues = st.builds(Cue, st.just("step-1"), st.text("ab <&>−₃", min_size=1).filter(str.strip), times, times)


@given(st.lists(cues, min_size=1, max_size=4))
def test_srt_is_what_another_parser_reads(given_cues):
    ordered = [Cue(cue.name, cue.text.strip(), *sorted((cue.start, cue.end + 1))) for cue in given_cues]
    read = list(srt_library.parse(srt(ordered)))
    assert [entry.content for entry in read] == [cue.text for cue in ordered]
    assert [entry.start for entry in read] == [datetime.timedelta(milliseconds=round(c.start * 1000)) for c in ordered]
    assert [entry.end for entry in read] == [datetime.timedelta(milliseconds=round(c.end * 1000)) for c in ordered]


def test_webvtt_has_a_header_an_identifier_and_escaped_text():
    text = webvtt([Cue("step-0", "a < b & c", 0.0, 61.5), Cue("step-1", "next", 61.5, 3725.25)])
    assert text.startswith("WEBVTT\n\n") and text.endswith("\n")
    blocks = text.split("\n\n")[1:]
    assert blocks[0] == "step-0\n00:00:00.000 --> 00:01:01.500\na &lt; b &amp; c"
    assert blocks[1] == "step-1\n00:01:01.500 --> 01:02:05.250\nnext\n"
    assert all(re.search(r"^\d\d:\d\d:\d\d\.\d{3} --> ", block, re.M) for block in blocks)
