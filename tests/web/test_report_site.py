"""The report as a site: opened from disk in a real browser, made again, its code run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import pytest
from agreement_web import assert_page_agrees
from report_runs import EVERYTHING, HOSTILE, named, network, recorded
from shown import differences, drawn_weights, texts_of

import vizkit
from vizkit import plots
from vizkit.cli import main, report, workers
from vizkit.cli.report_plan import plan
from vizkit.cli.report_run import Request, open_run
from vizkit.trace import Keep, ModelDescription

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A report of a run whose model and layers have names that try everything."""
    folder = tmp_path_factory.mktemp("hostile")
    names = tuple(f"{HOSTILE}{number}" for number in range(3))
    model = network((names[0], "../../up", names[1], "x" * 300))
    trace = recorded(Keep(steps=2), model)
    trace.model = ModelDescription(HOSTILE, trace.model.layers, trace.model.loss, trace.model.optimizer)
    path = trace.save(folder / "run.vkt")
    with pytest.MonkeyPatch.context() as patch:  # the sources may change while these tests run
        patch.setattr(report, "fingerprint", lambda text: text)
        assert main(["report", str(path), "-o", str(folder / "report"), "--jobs", "2"]) == 0
        yield folder / "report"


def pages(site: Path) -> Iterator[Path]:
    yield from sorted(site.rglob("index.html"))


def test_every_link_source_and_download_is_there(site: Path) -> None:
    found = list(pages(site))
    assert len(found) == len(EVERYTHING) + 1
    assert {path.name for path in (site / "exhibits").iterdir()} == set(EVERYTHING)
    for page in found:
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r'(?:href|src|poster)="([^"]+)"', text):
            file, _, anchor = target.partition("#")
            there = page.parent / file.partition("?")[0] if file else page
            assert there.is_file() and there.resolve().is_relative_to(site.resolve()), target
            assert not anchor or f'id="{anchor}"' in there.read_text(encoding="utf-8")
        assert "<video" not in text


@pytest.mark.slow
def test_names_stay_text_and_nothing_asks_for_the_network(browser: Any, site: Path) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 800}, reduced_motion="reduce")
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    for path in pages(site):
        page = context.new_page()
        page.goto(path.as_uri())
        assert page.evaluate("() => window.stolen") is None
        assert page.evaluate("() => document.querySelectorAll('img[onerror]').length") == 0
        for width in (360, 1280, 1920):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("() => document.documentElement.scrollWidth") <= width, (path, width)
        page.close()
    index = context.new_page()
    index.goto((site / "index.html").as_uri())
    assert index.inner_text("h1") == HOSTILE.replace("層", "?")
    assert index.locator(".card").count() == len(EVERYTHING)
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    context.close()


def test_a_second_run_does_no_work_and_changes_nothing(
    site: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.stat().st_mtime_ns for path in site.rglob("*") if path.is_file()}
    monkeypatch.setattr(workers, "run", lambda *_: pytest.fail("made again what was there"))
    assert main(["report", str(site.parent / "run.vkt"), "-o", str(site)]) == 0
    assert capsys.readouterr().out == f"{site.resolve() / 'index.html'}\n"
    assert before == {path: path.stat().st_mtime_ns for path in site.rglob("*") if path.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["backprop", "gradient-flow", "kernels-1"])
def test_the_same_run_gives_the_same_bytes(site: Path, tmp_path: Path, name: str) -> None:
    report.make(Request(site.parent / "run.vkt"), name, tmp_path / name, "", lambda share: None)
    made = {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
    there = {path.name: path.read_bytes() for path in (site / "exhibits" / name).iterdir()}
    assert made == {file: data for file, data in there.items() if file != "index.html"}


def test_the_code_beside_a_picture_makes_it(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib import pyplot

    monkeypatch.chdir(site.parent)
    told: list[Any] = []
    monkeypatch.setattr(vizkit.web, "save", lambda story, path: told.append(story))
    monkeypatch.setattr(vizkit.render, "video", lambda story, path: None)
    done = plan(open_run(Request(Path("run.vkt"))))
    assert named(done) == EVERYTHING
    for each in done.items:
        names: dict[str, Any] = {}
        exec(compile(each.code, each.name, "exec"), names)
        text = (site / "exhibits" / each.name / "index.html").read_text(encoding="utf-8")
        assert escape(each.code) in text
        if each.story is not None:
            story = told.pop()
            assert [beat.name for beat in story.beats] == [beat.name for beat in each.story.beats]
            continue
        picture = each.view.picture
        weights = drawn_weights(picture) - set(texts_of(picture))
        expected = {key: value for key, value in each.view.quantities().items() if key not in weights}
        assert list(differences(expected, plots.read(names["ax"]), texts_of(picture), arrays=1e-12)) == [], each.name
        pyplot.close("all")


@pytest.mark.slow
def test_the_pages_of_the_stories_show_what_they_say(site: Path) -> None:
    told = [each.story for each in plan(open_run(Request(site.parent / "run.vkt"))).items if each.story is not None]
    assert [story.name for story in told] == ["backprop", "convolution"]
    for story in told:
        assert_page_agrees(story)


@pytest.mark.slow
def test_every_figure_can_be_read(site: Path) -> None:
    from legibility_plots import faults

    done = plan(open_run(Request(site.parent / "run.vkt")))
    for number, each in enumerate(done.items):
        assert faults(plots.figure(each.poster(), ("light", "dark")[number % 2], title=each.title)) == [], each.name
