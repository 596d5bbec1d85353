"""The gallery as a site, opened from disk in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from samples import sample_story

from vizkit.cli import pages
from vizkit.cli.chapters import Chapter
from vizkit.cli.works import expected
from vizkit.exhibits import Exhibit
from vizkit.web import site as web
from vizkit.web import story_page

pytest.importorskip("markdown_it")

HOSTILE = '<script>window.stolen = 1</script>"\'&--><img src=x onerror="window.stolen = 1">'
CODE = 'x = "<b>1</b>" & 2\nfor y in x:\n    print(y)\n'
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="160" height="90"><rect width="160" height="90" fill="gray"/></svg>'
)
VTT = "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nA < B & C.\n\n00:00:01.500 --> 00:01:02.000\nTwo\nlines.\n"


def _exhibit(name: str, title: str, *, story: bool) -> Exhibit:
    made = {"story": "x:y", "poster": "step-0"} if story else {"figure": "x:y"}
    return Exhibit(name=name, title=title, summary=f"About {title}.", chapter="C", code=CODE, **made)


CHAPTERS = (
    Chapter("one", "The first", ("One *step*.", _exhibit("plain", "A line", story=False), "After it.")),
    Chapter("two", HOSTILE, (HOSTILE, _exhibit("told", "A story", story=True), _exhibit("odd", HOSTILE, story=False))),
)


@dataclass(frozen=True)
class Site:
    """Where the site lies, and a page opened on one of its files."""

    root: Path
    visit: Callable[..., Any]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of three exhibits; its figures and videos are only stand-ins."""
    folder = tmp_path_factory.mktemp("site")
    contents = {"svg": SVG, "vtt": VTT, "html": story_page(sample_story()), "mp4": "no film"}
    for exhibit in (exhibit for chapter in CHAPTERS for exhibit in chapter.exhibits):
        place = folder / "exhibits" / exhibit.name
        place.mkdir(parents=True)
        for name in expected(exhibit):
            (place / name).write_text(contents.get(name.rpartition(".")[2], ""), encoding="utf-8")
    for path, content in pages.pages(CHAPTERS, folder).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


@pytest.fixture
def site(browser: Any, root: Path) -> Iterator[Site]:
    """The site in a browser; it may ask for files only and must not complain."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    asked: list[str] = []
    complaints: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    context.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    context.on("weberror", lambda error: complaints.append(str(error.error)))

    def visit(path: str = "index.html", **viewport: int) -> Any:
        page = context.new_page()
        if viewport:
            page.set_viewport_size(viewport)
        page.goto((root / path).as_uri())
        return page

    yield Site(root, visit)
    assert complaints == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    context.close()


STORY, FIGURE, ODD = (f"exhibits/{name}/index.html" for name in ("told", "plain", "odd"))
PAGES = ("index.html", STORY, FIGURE, ODD)


@pytest.mark.parametrize("path", PAGES)
def test_every_link_source_and_download_is_there(root: Path, path: str) -> None:
    text = (root / path).read_text(encoding="utf-8")
    targets = re.findall(r'(?:href|src|poster)="([^"]+)"', text)
    assert len(targets) > 6
    for target in targets:
        file, _, anchor = target.partition("#")
        found = (root / path).parent / file.partition("?")[0] if file else root / path
        assert found.is_file(), target
        assert not anchor or anchor == "content" or f'id="{anchor}"' in found.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("width", [360, 1280, 1920])
def test_nothing_is_wider_than_the_screen(site: Site, path: str, width: int) -> None:
    page = site.visit(path, width=width, height=800)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width


def test_on_a_phone_a_figure_keeps_the_size_at_which_it_can_be_read(site: Site) -> None:
    """A figure is up to 2,150 stage units wide, and its texts are 44 high."""
    page = site.visit(FIGURE, width=360, height=740)
    wide = page.eval_on_selector(".still img.on-light", "image => image.getBoundingClientRect().width")
    assert wide * 44 / 2150 >= 11
    page.eval_on_selector(".still", "still => { still.scrollLeft = 1000; }")
    assert page.eval_on_selector(".still", "still => still.scrollLeft + still.clientWidth") == pytest.approx(
        wide, abs=1
    )


@pytest.mark.parametrize("path", PAGES)
def test_what_tries_to_be_markup_stays_text(site: Site, path: str) -> None:
    page = site.visit(path)
    assert page.evaluate("() => window.stolen") is None
    assert page.locator("script:not([src]):not(.cues)").count() == 0
    if path == "index.html":
        assert page.inner_text("#two") == HOSTILE
        assert page.locator(".card b").all_inner_texts()[-1] == HOSTILE
        assert "<script>" in page.locator(".prose").nth(2).inner_text()
    else:
        assert page.locator("pre code").text_content() == CODE


def test_chapters_and_cards_lead_to_their_places(site: Site) -> None:
    page = site.visit(width=800, height=500)
    page.click("nav[aria-label=chapters] a >> nth=1")
    assert page.url.endswith("#two")
    page.wait_for_function("() => document.getElementById('two').getBoundingClientRect().top < 400")
    page.click(".card a >> nth=1")
    page.wait_for_url("**/told/index.html")
    assert page.inner_text("h1") == "A story"
    page.click(".neighbours a >> nth=0")
    page.wait_for_url("**/plain/index.html")
    page.click(".where a >> nth=1")
    page.wait_for_url("**/index.html#one")


def test_the_figure_follows_the_ground_and_the_choice_stays(site: Site) -> None:
    page = site.visit(FIGURE)
    page.evaluate("() => { document.documentElement.dataset.ground = 'light'; }")
    for ground, other in (("light", "dark"), ("dark", "light")):
        page.wait_for_selector(f".still .on-{ground}", state="visible")
        assert not page.is_visible(f".still .on-{other}")
        page.click("#ground")
    page.reload()
    page.wait_for_selector(".still .on-light", state="visible")


def test_the_video_has_its_captions_without_reading_a_file(site: Site) -> None:
    page = site.visit(STORY)
    cues = page.evaluate(
        "() => { const track = document.querySelector('video').textTracks[0];"
        " return [...track.cues].map((cue) => [cue.startTime, cue.endTime, cue.text]); }"
    )
    assert cues == [[0, 1.5, "A < B & C."], [1.5, 62, "Two\nlines."]]


def test_the_steps_are_shown_without_their_title_and_follow_the_ground(site: Site) -> None:
    page = site.visit(STORY)
    frame = next(frame for frame in page.frames if "story.html" in frame.url)
    frame.wait_for_selector(".stepping .beat.now")
    assert not frame.is_visible("h1")
    frame.click("#next")
    for _ in range(2):
        page.click("#ground")
        ground = page.evaluate("() => document.documentElement.dataset.ground")
        # By the clock: a browser draws no frames for an embedded page that was scrolled out of sight.
        frame.wait_for_function(f"() => document.documentElement.dataset.ground === '{ground}'", polling=50)
    assert frame.get_attribute(".beat.now", "id") == "step-1"  # the ground changes, the beat stays


@pytest.mark.parametrize("width", [800, 1280, 1920])
def test_the_steps_need_no_scrolling_inside_the_page(site: Site, width: int) -> None:
    page = site.visit(STORY, width=width, height=1080)
    frame = next(frame for frame in page.frames if "story.html" in frame.url)
    frame.wait_for_selector(".stepping .beat.now")
    high, room = frame.evaluate("() => [document.documentElement.scrollHeight, innerHeight]")
    assert high <= room


def test_the_code_is_copied(site: Site) -> None:
    page = site.visit(FIGURE)
    page.evaluate("() => document.addEventListener('copy', () => { window.copied = String(getSelection()); })")
    page.evaluate("() => { navigator.clipboard.writeText = async (text) => { window.copied = text; }; }")
    page.click(".copy")
    page.wait_for_function("() => document.querySelector('.copy').textContent === 'copied'")
    assert page.evaluate("() => window.copied") == CODE


def test_where_the_clipboard_is_closed_the_code_is_copied_by_selection(site: Site) -> None:
    page = site.visit(FIGURE)
    page.evaluate("() => document.addEventListener('copy', () => { window.copied = String(getSelection()); })")
    page.evaluate("() => { navigator.clipboard.writeText = async () => { throw new Error('closed'); }; }")
    page.click(".copy")
    page.wait_for_function("() => window.copied !== undefined")
    assert page.evaluate("() => window.copied").strip() == CODE.strip()


def test_the_keyboard_reaches_everything_and_skips_the_top(site: Site) -> None:
    page = site.visit(STORY)
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.textContent") == "Skip to the content"
    box = page.locator(".skip").bounding_box()
    assert box["x"] >= 0 and box["y"] >= 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.closest('main') !== null")
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("() => document.activeElement.className || document.activeElement.localName"))
    assert {"steps", "copy", "pre", "a"} <= reached


def test_headings_form_one_outline(site: Site) -> None:
    for path in PAGES:
        levels = site.visit(path).eval_on_selector_all("h1, h2, h3", "all => all.map((h) => Number(h.localName[1]))")
        assert levels[0] == 1 and levels.count(1) == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))


def test_a_page_leads_back_to_what_its_site_is_called() -> None:
    shown = web.Exhibit(name="a", title="A", summary="s", code="", has_story=False)
    page = web.exhibit_page(shown, web.Link("#c", "C"), None, None, web.Head("title", "My <net>", "about"))
    assert '<a href="../../index.html">My &lt;net&gt;</a>' in page and "<title>A · My &lt;net&gt;</title>" in page
