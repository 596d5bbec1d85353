"""Fuzz the reader of trace files, guided by coverage: ``python tools/fuzz_trace.py [SECONDS] [CORPUS]``.

Needs atheris (``pip install atheris``), libFuzzer for Python. Each input is tried as it is, and again with its
checksums mended, because otherwise hardly an input would get past them. Whatever the input, the reader may
raise errors of vizkit's tree only, takes at most a fixed multiple of the file's size of memory, and what
it gives with ``partial=True`` can be read, said and saved.
"""

from __future__ import annotations

import os
import struct
import sys
import tempfile
import tracemalloc
from contextlib import suppress
from pathlib import Path
from zlib import crc32

import atheris

with atheris.instrument_imports(include=["vizkit.trace"]):
    from vizkit.errors import VizkitError
    from vizkit.trace import Keep, load, opened, record, samples
    from vizkit.trace.contents import look_into

SHARED = Path("/dev/shm")  # a folder in memory, where there is one
FILE = Path(tempfile.mkdtemp(dir=SHARED if SHARED.exists() else None)) / "fuzz.vkt"
TRACED = 20  # memory is measured for two of so many inputs
MEMORY = 3_000_000  # bytes that a reader may take for a small file, the largest input being 16 KiB
tried = [0]


def mended(data: bytes) -> bytes:
    """Return the input with right checksums: header, frames, metadata, rows of the stride that their chunk implies."""
    raw = bytearray(data)
    raw[:8] = b"\x89VKT\r\n\x1a\n"
    if len(raw) < 16:
        return bytes(raw)
    struct.pack_into("<I", raw, 12, crc32(raw[:12]))
    at = 16
    while at + 24 <= len(raw):
        _, meta, length = struct.unpack_from("<4sIQ", raw, at)
        meta = min(meta, len(raw) - at - 24) // 8 * 8
        length = min(length, len(raw) - at - 24 - meta) // 8 * 8
        struct.pack_into("<IQ", raw, at + 4, meta, length)
        text = bytes(raw[at + 24 : at + 24 + meta])
        struct.pack_into("<I", raw, at + 16, crc32(text))
        struct.pack_into("<I", raw, at + 20, crc32(raw[at : at + 20]))
        begin = at + 24 + meta
        if raw[at : at + 4] == b"ROWS":
            _mend_rows(raw, begin, length, text)
        at = begin + length
    return bytes(raw)


def _mend_rows(raw: bytearray, begin: int, length: int, text: bytes) -> None:
    digits = text.rpartition(b'"rows":')[2].rstrip(b" }")
    rows = int(digits) if digits.isdigit() and len(digits) < 6 else 1
    stride = length // max(rows, 1)
    for row in range(rows if stride >= 16 else 0):
        first, last = begin + row * stride, begin + (row + 1) * stride
        if any(raw[first : first + 4]):
            struct.pack_into("<I", raw, first, crc32(raw[first + 4 : last]) or 1)


def try_input(data: bytes) -> None:
    """Hold the reader to its promises for one input and for its mended form."""
    for raw in (data, mended(data)):
        tried[0] += 1
        FILE.write_bytes(raw)
        if tried[0] % TRACED < 2:  # to follow every allocation is slow
            tracemalloc.start()
        try:
            read(len(raw))
        finally:
            tracemalloc.stop()


def read(size: int) -> None:
    """Read the file in every way."""
    for partial in (False, True):
        try:
            trace = load(FILE, partial=partial)
            for number, event in enumerate(trace.events()):
                repr(event)
                if number > 200:
                    break
            repr(trace), trace.history, trace.missing(), trace.layers
        except VizkitError:
            continue
        if partial and len(trace.steps) < 200:
            assert load(trace.save(FILE.with_suffix(".again"))).steps == trace.steps
    with suppress(VizkitError):
        look_into(FILE, verify=True)
    peak = tracemalloc.get_traced_memory()[1] if tracemalloc.is_tracing() else 0
    assert peak < MEMORY + 64 * size, f"{peak} bytes of memory for a file of {size}"


def seeds(folder: Path) -> None:
    """Write files of each kind to begin with."""
    opened.FIRST_BYTES = 512  # small files are tried faster
    os.fsync = lambda descriptor: None
    samples.tiny_trace().save(folder / "saved")
    for encoding in (None, "zlib"):
        model = samples.TinyModel()
        with record(model, Keep(statistics=encoding is None), path=folder / f"streamed-{encoding}", encoding=encoding):
            model.train(3)
            model._recorder.epoch(0, {"loss": 0.5})
            model._recorder.missing("dense", "backward", "why")
        (folder / f"cut-{encoding}").write_bytes((folder / f"streamed-{encoding}").read_bytes()[:-300])
    old = Path(__file__).parents[1] / "tests" / "trace" / "data" / "version_1.vkt"
    (folder / "version-1").write_bytes(old.read_bytes())


def main() -> None:
    """Fuzz for some seconds and say how many inputs were tried."""
    seconds = sys.argv[1] if len(sys.argv) > 1 else "60"
    corpus = Path(sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp())
    corpus.mkdir(exist_ok=True)
    seeds(corpus)
    options = [f"-max_total_time={seconds}", "-max_len=16384", "-rss_limit_mb=4096", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], try_input)
    atheris.Fuzz()  # says how many inputs it made, of which each was tried twice; ends the process


if __name__ == "__main__":
    main()
