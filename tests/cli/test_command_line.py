"""The command line as its user meets it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from failing import fails

import vizkit
from vizkit import exhibits, plots, render
from vizkit.cli import commands, main
from vizkit.errors import RenderError
from vizkit.exhibits import Exhibit
from vizkit.stories import Story
from vizkit.views.curves import LinesView

NAMES = [exhibit.name for exhibit in exhibits.all_exhibits()]
STORIES = [exhibit.name for exhibit in exhibits.all_exhibits() if exhibit.story]
Captured = pytest.CaptureFixture[str]


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m vizkit`` in a process of its own."""
    command = [sys.executable, "-m", "vizkit", *words]
    kept = {**os.environ, "PYTHONIOENCODING": "utf-8", **environment}
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env=kept, check=False)


def never(*_: object, **__: object) -> None:
    pytest.fail("the long work began before the command was found to be wrong")


# -- in processes of their own ---------------------------------------------------------------------


def test_module_and_version() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"vizkit {vizkit.__version__}\n", "")


def test_every_command_and_option_says_what_it_is_for(capsys: Captured) -> None:
    """Read from the parsers, and each page is printed: a percent sign in a help text would break it."""
    from vizkit.cli import _parser

    commands = next(action for action in _parser()._actions if action.choices and action.dest != "theme").choices
    told = {action.dest for action in _parser()._actions}
    assert set(commands) == {"list", "show", "render", "explain", "gallery", "report", "inspect", "export"}
    for name, parser in commands.items():
        assert parser.description[-1] == ".", name
        for action in parser._actions:
            assert action.help and len(action.help) > 5, (name, action.dest)
        with pytest.raises(SystemExit) as end:
            main([name, "--help"])
        assert end.value.code == 0 and parser.prog in capsys.readouterr().out
    assert told >= {"help", "version"}


def test_an_error_is_one_line_and_exit_code_2() -> None:
    done = run("show", "kernals", "-o", "x.png")
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1
    assert "There is no exhibit 'kernals'. Did you mean 'kernels'?" in done.stderr


def test_a_reader_that_leaves_a_pipe_early_is_no_error() -> None:
    words = [sys.executable, "-u", "-m", "vizkit", "explain", "convolution"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.stderr.read() == b"" and process.wait() == 141
    process.stderr.close()


def test_text_that_ascii_cannot_hold_is_written_as_utf_8() -> None:
    done = run("explain", "convolution", PYTHONIOENCODING="ascii")
    assert done.returncode == 0 and "×" in done.stdout and done.stderr == ""


# -- list and explain ------------------------------------------------------------------------------


def test_list(capsys: Captured) -> None:
    assert main(["list", "--names"]) == 0
    assert capsys.readouterr().out.splitlines() == NAMES
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    for exhibit in exhibits.all_exhibits():
        assert re.search(rf"^  {exhibit.name} +{re.escape(exhibit.summary)} \[figure", out, re.MULTILINE)
        assert f"{exhibit.chapter}\n" in out


def test_explain(capsys: Captured) -> None:
    assert main(["explain", "convolution"]) == 0
    out, err = capsys.readouterr()
    assert out == exhibits.get("convolution").make_story().to_markdown() and out.startswith("# ") and err == ""


# -- show ------------------------------------------------------------------------------------------

BEGINNINGS = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}


@pytest.mark.parametrize("suffix", BEGINNINGS)
def test_show_writes_a_file_and_prints_its_name(tmp_path: Path, capsys: Captured, suffix: str) -> None:
    path = tmp_path / "new" / f"lines.{suffix}"
    assert main(["show", "weight_bias", "-o", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}\n" and path.read_bytes().startswith(BEGINNINGS[suffix])


def test_show_draws_on_the_ground_that_is_asked_for(tmp_path: Path) -> None:
    view = exhibits.get("weight_bias").make_view()
    for theme in ("light", "dark"):
        main(["show", "weight_bias", "-o", str(tmp_path / "cli.png"), "--theme", theme])
        plots.save(plots.figure(view, theme=theme), tmp_path / "library.png")
        assert (tmp_path / "cli.png").read_bytes() == (tmp_path / "library.png").read_bytes()


def test_show_of_a_story_is_its_poster_or_its_storyboard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []
    monkeypatch.setattr(plots, "figure", lambda item, theme: asked.append(("figure", item.name, theme)))
    monkeypatch.setattr(plots, "storyboard", lambda item, theme: asked.append(("storyboard", item.name, theme)))
    monkeypatch.setattr(plots, "save", lambda figure, path: None)
    main(["show", "convolution", "-o", str(tmp_path / "a.png")])
    main(["show", "convolution", "-o", str(tmp_path / "a.png"), "--storyboard", "--theme", "dark"])
    poster = exhibits.get("convolution").poster
    assert asked == [("figure", poster, "light"), ("storyboard", "convolution", "dark")]


def test_show_opens_a_window_where_there_is_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib
    import window_backend
    from matplotlib import pyplot

    before = matplotlib.get_backend()
    pyplot.switch_backend("module://window_backend")
    try:
        assert main(["show", "weight_bias"]) == 0
        assert len(window_backend.shown) == 1 and plots.read(window_backend.shown[0])
    finally:
        pyplot.close("all")
        pyplot.switch_backend(before)


@pytest.mark.parametrize("backend", ["agg", "svg"])
def test_show_without_a_screen_names_the_option_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, backend: str
) -> None:
    import matplotlib

    monkeypatch.setattr(matplotlib, "get_backend", lambda: backend)
    monkeypatch.setattr(commands, "_figure", never)
    err = fails(capsys, "show", "kernels")
    assert "no screen" in err and "-o FILE" in err and backend in err


def test_show_with_a_backend_that_cannot_open_windows_here(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    from matplotlib import pyplot

    def refuse(backend: str) -> None:
        raise ImportError("Cannot load backend 'tkagg' as 'headless' is currently running")

    monkeypatch.setattr("matplotlib.get_backend", lambda: "tkagg")
    monkeypatch.setattr(pyplot, "switch_backend", refuse)
    monkeypatch.setattr(commands, "_figure", never)
    err = fails(capsys, "show", "kernels")
    assert "tkagg" in err and "headless" in err and "-o FILE" in err


# -- render ----------------------------------------------------------------------------------------


def test_render_hands_on_story_path_quality_and_theme(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Captured
) -> None:
    calls = []

    def video(story: Story, path: Path, *, quality: str, theme: str, progress: object, **how: object) -> Path:
        progress(1.0, "last")
        calls.append((story.name, path, quality, theme))
        apart = path.suffix == ".mov"
        assert how == {"format": None, "transparent": apart, "jobs": None, "cache": True, "sections": apart}
        return path

    monkeypatch.setattr(render, "video", video)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a" / "b.mp4"
    assert main(["render", "convolution"]) == 0
    assert main(["render", "convolution", "-o", str(path), "-ql", "--theme", "light"]) == 0
    for written in ("--save-sections", "--save_sections"):  # manim's users know the second
        assert main(["render", "convolution", "-o", "c.mov", "-t", written]) == 0
    assert calls[:2] == [("convolution", Path("convolution.mp4"), "qh", "dark"), ("convolution", path, "ql", "light")]
    assert capsys.readouterr().out == f"convolution.mp4\n{path}\nc.mov\nc.mov\n"


# -- what is wrong ---------------------------------------------------------------------------------

WRONG = {
    "nothing": ((), ["COMMAND"]),
    "a command": (("shwo",), ["'shwo'", "show", "gallery"]),
    "no name": (("show",), ["NAME"]),
    "two qualities": (("render", "backprop", "-ql", "-qh"), ["-qh", "-ql"]),
    "a quality": (("render", "backprop", "-qx"), ["-qx"]),
    "a theme": (("show", "backprop", "--theme", "drak"), ["'drak'", "dark", "light"]),
    "jobs 0": (("gallery", "--jobs", "0"), ["'0'", "from 1"]),
    "jobs -1": (("gallery", "--jobs", "-1"), ["--jobs"]),
    "jobs two": (("gallery", "--jobs", "two"), ["'two'", "whole number"]),
    "an exhibit to show": (("show", "activation"), ["'activation'", "Did you mean 'activations'?"]),
    "an exhibit to render": (("render", "back-prop"), ["Did you mean 'backprop'?"]),
    "an exhibit to explain": (("explain", "Convolution"), ["Did you mean 'convolution'?"]),
    "a figure to render": (("render", "kernels"), ["'kernels'", *STORIES]),
    "a figure to explain": (("explain", "kernels"), ["'kernels'", *STORIES]),
    "a figure's storyboard": (("show", "kernels", "--storyboard"), ["'kernels'", *STORIES]),
    "a figure's format": (("show", "kernels", "-o", "a.jpg"), ["'jpg'", "pdf, png, svg"]),
    "a figure without a format": (("show", "kernels", "-o", "png"), ["'png'", ".pdf or .png or .svg"]),
    "a video's format": (("render", "backprop", "-o", "a.avi"), ["'avi'", "mp4"]),
    "a video of another format": (("render", "backprop", "-o", "a.mp4", "--format", "gif"), [".gif", "'a.mp4'"]),
    "a format": (("render", "backprop", "--format", "avi"), ["'avi'", "mp4"]),
    "a folder of frames that holds more": (("render", "backprop", "-o", "."), ["'file'"]),
    "a scene without a file": (("render", "backprop", "Scene"), ["'backprop'", ".py"]),
    "a file that is not there": (("render", "scene.py"), ["'scene.py'"]),
    "a theme for a scene": (("render", "scene.py", "--theme", "dark"), ["theme"]),
    "a figure below a file": (("show", "kernels", "-o", "file/a.png"), ["'file'", "cannot be made"]),
    "a video below a file": (("render", "backprop", "-o", "file/a.mp4"), ["'file'", "cannot be made"]),
    "a figure that is a folder": (("show", "kernels", "-o", "folder.png"), ["'folder.png' is a folder"]),
    "a video that is a folder": (("render", "backprop", "-o", "folder.mp4"), ["'folder.mp4' is a folder"]),
    "a gallery that is a file": (("gallery", "-o", "file"), ["'file'", "cannot be made"]),
    "a quality of no videos": (("report", "run.vkt", "-ql"), ["-ql", "--videos"]),
    "chapters that are not there": (("gallery", "--chapters", "nowhere"), ["'nowhere'"]),
}


@pytest.mark.parametrize("slip", WRONG)
def test_slips_are_found_before_any_work_and_leave_all_as_it_was(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Captured, slip: str
) -> None:
    words, says = WRONG[slip]
    (tmp_path / "file").write_text("kept", encoding="utf-8")
    for folder in ("folder.png", "folder.mp4"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Exhibit, "make_view", never)
    monkeypatch.setattr(Exhibit, "make_story", never)
    err = fails(capsys, *words)
    assert all(part in err for part in says), err
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder.mp4", "folder.png"]
    assert (tmp_path / "file").read_text(encoding="utf-8") == "kept"


@pytest.mark.parametrize(
    ("module", "extra", "words"),
    [
        ("manim", "video", ("render", "backprop", "-o", "a.mp4")),
        ("typst", "video", ("render", "backprop", "-o", "a.mp4")),
        ("sklearn", "data", ("show", "kernels", "-o", "a.png")),
    ],
)
def test_a_missing_extra_is_named_before_any_work(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Captured, module: str, extra: str, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr(Exhibit, "make_view", never)
    monkeypatch.setattr(Exhibit, "make_story", never)
    assert f"pip install 'vizkit[{extra}]'" in fails(capsys, *words)


def test_figures_of_stories_need_no_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Captured) -> None:
    for module in ("manim", "typst", "sklearn", "markdown_it"):
        monkeypatch.setitem(sys.modules, module, None)
    assert main(["show", "convolution", "-o", str(tmp_path / "a.png")]) == 0
    assert main(["explain", "convolution"]) == 0


# -- interruptions, and mistakes of ours -----------------------------------------------------------


def raising(error: BaseException, cause: BaseException | None = None):
    def fail(*_: object, **__: object) -> None:
        raise error from cause

    return fail


def test_an_interruption_is_130(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "a.png").write_text("kept", encoding="utf-8")
    monkeypatch.setattr(LinesView, "draw", raising(KeyboardInterrupt()))
    assert main(["show", "weight_bias", "-o", str(tmp_path / "a.png")]) == 130
    assert capsys.readouterr().err == "vizkit: interrupted; what was finished is kept\n"
    assert [path.read_text(encoding="utf-8") for path in tmp_path.iterdir()] == ["kept"]


@pytest.mark.parametrize("cause", [None, OSError("No space left on device")])
def test_a_video_that_the_system_refuses_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Captured, cause: OSError | None
) -> None:
    monkeypatch.setattr(render, "video", raising(RenderError("The video has\nno frames."), cause))
    path = tmp_path / "a.mp4"
    path.write_text("kept", encoding="utf-8")
    assert main(["render", "convolution", "-o", str(path)]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == "vizkit: The video has no frames."
    assert path.read_text(encoding="utf-8") == "kept"


def test_mistakes_of_ours_are_not_told_as_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = str(tmp_path / "a.mp4")
    monkeypatch.setattr(render, "video", raising(RenderError("manim could not play it"), AttributeError("no 'x'")))
    with pytest.raises(RenderError) as caught:
        main(["render", "convolution", "-o", path])
    assert isinstance(caught.value.__cause__, AttributeError)
    monkeypatch.setattr(render, "video", raising(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        main(["render", "convolution", "-o", path])
