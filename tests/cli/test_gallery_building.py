"""Building the gallery: what is made again, what is kept, and what is refused before long work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import gallery_makers
import pytest

import vizkit
from vizkit import exhibits
from vizkit.cli import gallery, ledger, main, works
from vizkit.cli.gallery import build
from vizkit.errors import ArgumentError, MissingExtraError, OutputError, RenderError, VizkitError

CHAPTERS = {"1-lines.md": "# Lines\n\nText.\n\n@exhibit weight_bias\n", "2-maps.md": "# Maps\n\n@exhibit kernels\n"}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two small chapters, in which a fast maker works."""
    (tmp_path / "chapters").mkdir()
    for name, text in CHAPTERS.items():
        (tmp_path / "chapters" / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(works, "make", gallery_makers.plain)
    monkeypatch.setattr(gallery, "fingerprint", lambda quality: f"sources of today, {quality}")
    return tmp_path


def hang(place: Path, name: str, text: str | bytes) -> None:
    (place / "chapters" / name).write_bytes(text if isinstance(text, bytes) else text.encode())


def built(place: Path, **options: object) -> Path:
    return build(place / "site", chapters=place / "chapters", **{"jobs": 2, **options})


def made(place: Path) -> list[str]:
    """Names of the exhibits that were made since it was asked last, in order."""
    log = place / "made.log"
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return [line.split()[0] for line in lines]


def files(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


# -- what is made again ----------------------------------------------------------------------------


def test_a_second_build_makes_nothing_and_changes_no_file(place: Path) -> None:
    page = built(place)
    assert page == (place / "site" / "index.html").resolve() and page.is_file()
    assert sorted(made(place)) == ["kernels", "weight_bias"]
    before = files(place / "site")
    assert {"exhibits/kernels/index.html", "exhibits/kernels/figure-dark.svg", "gallery.json"} <= before.keys()
    built(place)
    assert made(place) == [] and files(place / "site") == before


def test_an_exhibit_whose_file_is_gone_is_made_again_alone(place: Path) -> None:
    built(place)
    made(place)
    (place / "site" / "exhibits" / "kernels" / "figure-dark.png").unlink()
    built(place)
    assert made(place) == ["kernels"]


def test_a_page_that_is_gone_is_written_again_without_making_anything(place: Path) -> None:
    page = built(place)
    made(place)
    page.unlink()
    built(place)
    assert page.is_file() and made(place) == []


def test_a_new_exhibit_is_made_alone_and_another_quality_makes_all(place: Path) -> None:
    built(place)
    made(place)
    hang(place, "3-more.md", "# More\n\n@exhibit activations\n")
    built(place)
    assert made(place) == ["activations"]
    built(place, quality="ql")
    assert sorted(made(place)) == ["activations", "kernels", "weight_bias"]


def test_the_fingerprint_is_of_sources_libraries_and_quality(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "__pycache__").mkdir()
    monkeypatch.setattr(vizkit, "__file__", str(tmp_path / "__init__.py"))
    found = []

    def look(quality: str = "qm") -> None:
        found.append(ledger.fingerprint(quality))

    look()
    (tmp_path / "__pycache__" / "a.pyc").touch()
    look()
    assert len(set(found)) == 1
    look("qh")
    (tmp_path / "a.py").touch()
    look()
    (tmp_path / "a.py").write_text("x = 1", encoding="utf-8")
    look()
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    look()
    monkeypatch.setattr(ledger, "_version", lambda name: "0.0")
    look()
    assert len(set(found)) == 6


BROKEN = [b"", b"{", b"\xff\xfe\x00", b"[1, 2]", b"[" * 100_000, b'{"kernels": ["?"]}', b"null"]


@pytest.mark.parametrize("content", BROKEN, ids=lambda content: repr(content[:12]))
def test_with_a_ledger_that_says_nothing_all_is_made_again(place: Path, content: bytes) -> None:
    site = place / "site"
    site.mkdir()
    (site / "gallery.json").write_bytes(content)
    stale = gallery.Ledger(site, "now").stale([exhibits.get("kernels")])
    assert [exhibit.name for exhibit in stale] == ["kernels"]


def test_a_ledger_that_cannot_be_written_is_found_before_the_work(place: Path) -> None:
    (place / "site" / "gallery.json").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"gallery\.json"):
        built(place)
    assert made(place) == []


# -- how the work is shared out --------------------------------------------------------------------


def test_stories_go_first_and_figures_of_one_module_share_a_process() -> None:
    tasks = gallery._tasks(exhibits.all_exhibits(), Path("site"), "qm")
    names = [[name for name, _ in task.places] for task in tasks]
    stories = [[exhibit.name] for exhibit in exhibits.all_exhibits() if exhibit.story]
    assert names[: len(stories)] == stories
    digits = {exhibit.name for exhibit in exhibits.all_exhibits() if exhibit.extra == "data"}
    assert len(digits) == 3 and [group for group in names if digits & set(group)] == [
        group for group in names if digits <= set(group)
    ]
    everything = [exhibit.name for exhibit in exhibits.all_exhibits()]
    assert sorted(name for group in names for name in group) == sorted(everything)


def test_one_run_is_one_process_with_one_thread_unless_its_user_says_otherwise(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    hang(place, "2-maps.md", "# Maps\n\n@exhibit kernels\n\n@exhibit training_curves\n")
    built(place)
    lines = [line.split() for line in (place / "made.log").read_text(encoding="utf-8").splitlines()]
    processes = {name: process for name, process, _ in lines}
    assert processes["kernels"] == processes["training_curves"] != processes["weight_bias"]
    assert {threads for *_, threads in lines} == {"1/3"}
    assert "OMP_NUM_THREADS" not in os.environ and str(os.getpid()) not in processes.values()


# -- what goes wrong in a process ------------------------------------------------------------------


def failing(place: Path, monkeypatch: pytest.MonkeyPatch, make: object) -> VizkitError:
    """Build with a maker that fails at `kernels` and return the error; the other exhibit must be kept."""
    monkeypatch.setattr(works, "make", make)
    with pytest.raises(VizkitError) as caught:
        built(place)
    assert made(place) == ["weight_bias"]
    monkeypatch.setattr(works, "make", gallery_makers.plain)
    built(place)
    assert made(place) == ["kernels"]
    return caught.value


def test_what_a_system_refuses_is_told_with_the_exhibit(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = failing(place, monkeypatch, gallery_makers.refused)
    assert type(error) is OutputError and error.__notes__ == ["This happened while the exhibit 'kernels' was made."]


@pytest.mark.parametrize("make", [gallery_makers.faulty, gallery_makers.faulty_video])
def test_a_mistake_of_ours_keeps_its_traceback(place: Path, monkeypatch: pytest.MonkeyPatch, make: object) -> None:
    error = failing(place, monkeypatch, make)
    assert type(error) is RenderError and "'kernels'" in str(error)
    assert "gallery_makers.py" in str(error.__cause__) and "KeyError: 'no such key'" in str(error.__cause__)


def test_a_process_that_dies_is_one_clear_error(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = failing(place, monkeypatch, gallery_makers.dying)
    assert type(error) is RenderError and "'kernels'" in str(error) and "exit code 9" in str(error)


def test_the_command_line_shows_mistakes_of_ours_and_one_line_for_all_else(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["gallery", "-o", str(place / "site"), "--chapters", str(place / "chapters"), "--jobs", "2"]
    monkeypatch.setattr(works, "make", gallery_makers.refused)
    assert main(words) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("vizkit")]
    assert lines == [
        "vizkit: The file 'x.png' cannot be written: No space left on device."
        " This happened while the exhibit 'kernels' was made."
    ]
    monkeypatch.setattr(works, "make", gallery_makers.faulty)
    with pytest.raises(RenderError):
        main(words)


INTERRUPTED = """
import sys
import gallery_makers
from vizkit.cli import gallery, main, works
if __name__ == "__main__":
    works.make = gallery_makers.slow
    gallery.fingerprint = lambda quality: f"sources of today, {quality}"
    sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(os.name == "nt", reason="signals are sent as on POSIX")
def test_an_interruption_stops_at_once_and_keeps_what_is_finished(place: Path) -> None:
    script = place / "run.py"
    script.write_text(INTERRUPTED, encoding="utf-8")
    words = ["gallery", "-o", str(place / "site"), "--chapters", str(place / "chapters"), "--jobs", "2"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background do without
    process = subprocess.Popen(
        [sys.executable, str(script), *words],
        stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True,
    )  # fmt: skip
    signal.signal(signal.SIGINT, before)
    folder = place / "site" / "exhibits" / "kernels"
    until = time.monotonic() + 60
    try:
        while not (folder / "begun").exists() or not (folder / "begun").stat().st_size:
            assert process.poll() is None and time.monotonic() < until
            time.sleep(0.02)
        worker = (folder / "begun").read_text(encoding="utf-8")
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the parent and its processes
        _, err = process.communicate(timeout=60)  # the worker would never end
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 130
    assert err.splitlines()[1:] == ["vizkit: interrupted; what was finished is kept"] and "weight_bias" in err
    assert [path.name for path in folder.iterdir()] == ["begun"]
    with pytest.raises(ProcessLookupError):
        os.kill(int(worker), 0)
    built(place)
    assert made(place) == ["weight_bias", "kernels"]


# -- what is refused before any work ---------------------------------------------------------------


def refused(place: Path, error: type[VizkitError], says: str, **options: object) -> None:
    with pytest.raises(error, match=says):
        built(place, **options)
    assert made(place) == [] and not (place / "site" / "index.html").exists()


@pytest.mark.parametrize(("module", "extra"), [("sklearn", "data"), ("manim", "video"), ("typst", "video")])
def test_a_missing_extra_is_named(place: Path, monkeypatch: pytest.MonkeyPatch, module: str, extra: str) -> None:
    hang(place, "3-more.md", "# More\n\n@exhibit backprop\n")
    monkeypatch.setitem(sys.modules, module, None)
    refused(place, MissingExtraError, rf"pip install 'vizkit\[{extra}\]'")


def test_an_extra_that_nothing_stale_needs_may_be_missing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built(place)
    for module in ("manim", "typst", "sklearn"):
        monkeypatch.setitem(sys.modules, module, None)
    built(place)


def test_a_missing_markdown_reader_is_found_before_the_work(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "markdown_it", None)
    refused(place, MissingExtraError, "markdown-it-py")


CHAPTER_SLIPS = {
    "unknown": ("# A\n\n@exhibit kernals\n", "'kernals'. Did you mean 'kernels'"),
    "two on a line": ("# A\n\n@exhibit activations o_vs_x\n", "'activations o_vs_x'"),
    "no name": ("# A\n\n@exhibit\n", "There is no exhibit ''"),
    "no title": ("@exhibit activations\n", r"3\.md begins with '@exhibit activations'"),
    "an empty title": ("#  \n\ntext\n", r"3\.md begins with"),
    "an empty file": ("", r"3\.md begins with ''"),
    "hung twice": ("# A\n\n@exhibit kernels\n", r"'kernels' hangs in \['2-maps.md', '3.md'\]"),
    "hung twice in one": ("# A\n\n@exhibit o_vs_x\n@exhibit o_vs_x\n", r"'o_vs_x' hangs in \['3.md', '3.md'\]"),
    "no text": (b"# A \xff\xfe", r"3\.md' cannot be read as text"),
}


@pytest.mark.parametrize("slip", CHAPTER_SLIPS)
def test_slips_in_chapters(place: Path, slip: str, capsys: pytest.CaptureFixture[str]) -> None:
    text, says = CHAPTER_SLIPS[slip]
    hang(place, "3.md", text)
    refused(place, VizkitError, says)
    assert main(["gallery", "-o", str(place / "site"), "--chapters", str(place / "chapters")]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and "3.md" in err


def test_chapters_with_a_byte_order_mark_or_windows_line_ends_are_read(place: Path) -> None:
    hang(place, "2-maps.md", b"\xef\xbb\xbf# Maps\r\n\r\n@exhibit kernels\r\n")
    built(place)
    assert sorted(made(place)) == ["kernels", "weight_bias"]


@pytest.mark.parametrize("kind", ["empty", "missing", "file"])
def test_a_folder_without_chapters(place: Path, kind: str) -> None:
    folder = place / kind
    if kind == "empty":
        folder.mkdir()
    elif kind == "file":
        folder.touch()
    with pytest.raises(ArgumentError, match=r"holds none"):
        build(place / "site", chapters=folder)
    assert not (place / "site").exists()


@pytest.mark.parametrize("output", ["file", "file/site", "file/a/b"])
def test_an_output_that_is_no_folder(place: Path, output: str) -> None:
    (place / "file").write_text("kept", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot be made"):
        build(place / output, chapters=place / "chapters")
    assert (place / "file").read_text(encoding="utf-8") == "kept" and made(place) == []


def test_a_folder_that_cannot_be_written(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, *args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    (place / "site").mkdir()
    monkeypatch.setattr(Path, "touch", refuse)  # the tests may run as root, whom no mode of a folder stops
    with pytest.raises(OutputError, match="cannot be written: Permission denied"):
        built(place)
    assert list((place / "site").iterdir()) == []


@pytest.mark.slow
def test_the_real_maker_makes_a_figure_exhibit_and_nothing_twice(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    (place / "chapters" / "2-maps.md").unlink()
    built(place)
    before = files(place / "site")
    assert before["exhibits/weight_bias/figure-light.png"][0].startswith(b"\x89PNG")
    assert before["exhibits/weight_bias/figure-dark.svg"][0].lstrip().startswith(b"<?xml")
    (place / "site" / "exhibits" / "weight_bias" / "figure-light.png").unlink()
    built(place)
    again = files(place / "site")
    assert {name: content for name, (content, _) in again.items()} == {n: content for n, (content, _) in before.items()}
