"""The pages of a site: the gallery's from its chapters, or any sections', and the files of their exhibits."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

from vizkit import theme
from vizkit.cli.chapters import Chapter
from vizkit.errors import missing_extra
from vizkit.exhibits import Exhibit
from vizkit.web import site as web
from vizkit.web.page import static

__all__ = ["cues", "pages", "read_cues", "site"]

_CUE = re.compile(r"(\d+):(\d\d):(\d\d\.\d{3}) --> (\d+):(\d\d):(\d\d\.\d{3})[^\n]*\n(.+?)(?:\n\n|\Z)", re.DOTALL)


def pages(chapters: tuple[Chapter, ...], output: Path) -> dict[str, str | bytes]:
    """Return the content of each page and shared file of the gallery by its relative path."""
    return site(tuple(_section(chapter, output) for chapter in chapters))


def site(sections: tuple[web.Section, ...], head: web.Head = web.GALLERY) -> dict[str, str | bytes]:
    """Return the content of each page and shared file of a site by its relative path.

    The files of the exhibits themselves are not among them.
    """
    found: dict[str, str | bytes] = {
        "index.html": web.index_page(sections, head),
        "assets/site.css": web.stylesheet(),
        "assets/site.js": static("site.js") + "\n",
        "assets/ground.js": static("ground.js") + "\n",
    }
    for face in ("text", "bold"):
        path = theme.font_path(face)
        found[f"assets/{path.name}"] = path.read_bytes()
    hung = [(section, part) for section in sections for part in section.parts if isinstance(part, web.Exhibit)]
    for before, (section, exhibit), after in _neighbours(hung):
        place = web.Link(f"../../index.html#{section.slug}", section.title)
        page = web.exhibit_page(exhibit, place, _link(before), _link(after), head)
        found[f"exhibits/{exhibit.name}/index.html"] = page
    return found


def _neighbours(items: list) -> list:
    padded = [None, *items, None]
    return [(a, b, c) for (a, b), (_, c) in pairwise(pairwise(padded))]


def _link(item: tuple[web.Section, web.Exhibit] | None) -> web.Link | None:
    return None if item is None else web.Link(f"../{item[1].name}/index.html", item[1].title)


def _section(chapter: Chapter, output: Path) -> web.Section:
    parts = tuple(_shown(part, output) if isinstance(part, Exhibit) else _html(part) for part in chapter.parts)
    return web.Section(chapter.slug, chapter.title, parts)


def _html(markdown: str) -> str:
    """Return Markdown as HTML; tags in the text are shown, not obeyed."""
    try:
        from markdown_it import MarkdownIt
    except ImportError as error:
        raise missing_extra("markdown-it-py", "gallery") from error
    return MarkdownIt("commonmark", {"html": False}).render(markdown)


def _shown(exhibit: Exhibit, output: Path) -> web.Exhibit:
    told = exhibit.story is not None
    return web.Exhibit(
        name=exhibit.name,
        title=exhibit.title,
        summary=exhibit.summary,
        code=exhibit.code,
        has_story=told,
        has_video=told,
        cues=read_cues(output, exhibit.name) if told else (),
    )


def read_cues(output: Path, name: str) -> tuple[web.Cue, ...]:
    """Return the cues of an exhibit's video in a site's folder."""
    return cues((output / "exhibits" / name / "video.vtt").read_text(encoding="utf-8"))


def cues(text: str) -> tuple[web.Cue, ...]:
    """Return the cues of a WebVTT file.

    Examples
    --------
    >>> cues("WEBVTT\\n\\n00:00:01.500 --> 00:01:02.000\\nHello.\\n")
    (Cue(start=1.5, end=62.0, text='Hello.'),)
    """
    return tuple(web.Cue(_seconds(*found[:3]), _seconds(*found[3:6]), found[6].strip()) for found in _CUE.findall(text))


def _seconds(hours: str, minutes: str, seconds: str) -> float:
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
