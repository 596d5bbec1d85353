"""The data that the lessons are about, and what makes data ready for training."""

from __future__ import annotations

from vizkit.data.lessons import dosage, letter, letters
from vizkit.data.planar import circles, moons, spirals, xor
from vizkit.data.preparing import augment, flip, one_hot, shift, split, standardise
from vizkit.data.scans import digits, photographs
from vizkit.data.sequences import next_characters, noisy_sine, pad_sequences, series, text, windows

__all__ = [
    "augment",
    "circles",
    "digits",
    "dosage",
    "flip",
    "letter",
    "letters",
    "moons",
    "next_characters",
    "noisy_sine",
    "one_hot",
    "pad_sequences",
    "photographs",
    "series",
    "shift",
    "spirals",
    "split",
    "standardise",
    "text",
    "windows",
    "xor",
]
