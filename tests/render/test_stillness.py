"""Frames written without the encoder, read by a decoder that is not ours."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vizkit.errors import RenderError
from vizkit.render.encoding import Encoder
from vizkit.render.formats import Shot
from vizkit.render.stillness import Stillness, _Bits, _Reader, units


def noise(width, height, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 4), dtype=np.uint8)


def decoded(segment):
    raw = segment.parameters + b"".join(packet.data for packet in segment.packets)
    with av.open(io.BytesIO(raw), format="h264") as stream:
        return [frame.to_ndarray() for frame in stream.decode(video=0)]


# sizes with one block, with blocks that reach over the edge, and those of real videos
@pytest.mark.parametrize("size", [(16, 16), (50, 38), (854, 480), (1920, 1080)])
def test_a_decoder_shows_the_same_picture_again_and_again(size):
    encoder = Encoder(Shot(*size, 30, "mp4"))
    encoder.add(noise(*size), repeat=40)  # more than the frames' numbers can count before they start anew
    segment = encoder.finish()
    pictures = decoded(segment)
    assert len(pictures) == segment.frames == 40
    assert all((picture == pictures[0]).all() for picture in pictures)
    assert max(len(packet.data) for packet in segment.packets[1:]) < 16


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 5)), min_size=1, max_size=6))
def test_every_frame_comes_once_in_order_however_frames_repeat(shown):
    shot = Shot(64, 48, 30, "mp4")
    flat = [np.full((48, 64, 4), 40 + 80 * number, dtype=np.uint8) for number in range(3)]
    encoder = Encoder(shot)
    for number, repeat in shown:
        encoder.add(flat[number], repeat)
    segment = encoder.finish()
    wanted = [number for number, repeat in shown for _ in range(repeat)]
    assert sorted(packet.shown for packet in segment.packets) == list(range(len(wanted)))
    seen = [round((picture[:48].mean() - 16) / 219 * 255) for picture in decoded(segment)]
    assert np.abs(np.array(seen) - [40 + 80 * number for number in wanted]).max() <= 3


def test_an_encoder_with_fields_is_refused():
    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = 64, 64, "yuv420p"
    codec.time_base, codec.framerate = Fraction(1, 30), Fraction(30)
    codec.options = {"x264-params": "tff=1"}
    codec.flags |= av.codec.context.Flags.global_header
    codec.open()
    with pytest.raises(RenderError, match="whole pictures"):
        Stillness.of(codec.extradata)


@given(st.lists(st.one_of(st.integers(0, 2**20).map(lambda n: ("golomb", n)), st.just(("fixed", 0))), min_size=1))
def test_numbers_are_read_as_they_were_written_and_never_look_like_a_start_code(numbers):
    bits = _Bits()
    for kind, value in numbers:
        bits.golomb(value) if kind == "golomb" else bits.fixed(value, 24)
    stream = bits.unit(1)
    assert len(units(stream)) == 1
    reader = _Reader(units(stream)[0])
    assert [reader.golomb() if kind == "golomb" else reader.fixed(24) for kind, _ in numbers] == [n for _, n in numbers]
