"""The gallery's pages: data in, HTML out. Who wrote which file where is not its business."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape

from vizkit.theme import DARK, LIGHT
from vizkit.web.page import static, variables

__all__ = ["GALLERY", "Cue", "Exhibit", "Head", "Link", "Section", "exhibit_page", "index_page", "stylesheet"]


@dataclass(frozen=True, slots=True)
class Link:
    """A page to go to: its relative address and its name."""

    href: str
    text: str


@dataclass(frozen=True, slots=True)
class Head:
    """What a site is about: the title of its first page, what stands on top of it, and a sentence below."""

    title: str
    heading: str
    about: str


GALLERY = Head(
    "vizkit gallery",
    "vizkit",
    "Neural networks explained with their own numbers: all that you see here was computed by the network it shows.",
)


@dataclass(frozen=True, slots=True)
class Cue:
    """A caption of a video: from when to when in seconds, what it says, the name of its beat."""

    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """What the page of an exhibit shows; its files lie in the page's own folder."""

    name: str
    title: str
    summary: str
    code: str
    has_story: bool
    has_video: bool = False
    cues: tuple[Cue, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A chapter: its anchor, its title, and pieces of HTML and exhibits in order."""

    slug: str
    title: str
    parts: tuple[str | Exhibit, ...]


def stylesheet() -> str:
    """Return the style sheet of all pages of the site."""
    fonts = "\n".join(
        f"@font-face{{font-family:'Vizkit Sans';font-weight:{weight};src:url('{file}')}}"
        for weight, file in ((400, "VizkitSans-Regular.ttf"), (600, "VizkitSans-SemiBold.ttf"))
    )
    return "\n".join([fonts, variables(LIGHT), variables(DARK), static("base.css"), static("site.css"), ""])


def _document(title: str, body: str, root: str) -> str:
    return f"""<!doctype html>
<html lang="en" data-ground="light">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<link rel="stylesheet" href="{root}assets/site.css">
<script src="{root}assets/ground.js"></script>
</head>
<body>
<a class="skip" href="#content">Skip to the content</a>
{body}
<script src="{root}assets/site.js"></script>
</body>
</html>
"""


def _ground_button() -> str:
    return '<button type="button" id="ground" aria-label="change between light and dark">◐</button>'


def _figure(folder: str, exhibit: Exhibit) -> str:
    """The figure on both grounds; the style sheet shows the one that fits."""
    return "".join(
        f'<img class="on-{ground}" src="{folder}figure-{ground}.svg" alt="{escape(exhibit.summary, quote=True)}"'
        f' loading="lazy">'
        for ground in ("light", "dark")
    )


def index_page(sections: tuple[Section, ...], head: Head = GALLERY) -> str:
    """Return the first page: every chapter with its exhibits.

    Examples
    --------
    >>> page = index_page((Section("neuron", "The neuron", ("<p>One.</p>",)),))
    >>> '<h2 id="neuron">The neuron</h2>' in page
    True
    """
    links = "".join(f'<li><a href="#{escape(s.slug, quote=True)}">{escape(s.title)}</a></li>' for s in sections)
    chapters = "\n".join(_section(section) for section in sections)
    body = f"""<header class="top">
<h1>{escape(head.heading)}</h1>
<p class="summary">{escape(head.about)}</p>
{_ground_button()}
<nav aria-label="chapters"><ul class="chapters">{links}</ul></nav>
</header>
<main id="content">
{chapters}
</main>"""
    return _document(head.title, body, "")


def _section(section: Section) -> str:
    pieces: list[str] = []
    cards: list[str] = []
    for part in (*section.parts, ""):
        if isinstance(part, Exhibit):
            cards.append(_card(part))
            continue
        if cards:
            pieces.append(f'<ul class="cards">{"".join(cards)}</ul>')
            cards = []
        pieces.append(f'<div class="prose">{part}</div>' if part else "")
    slug = escape(section.slug, quote=True)
    return f'<section>\n<h2 id="{slug}">{escape(section.title)}</h2>\n{"".join(pieces)}\n</section>'


def _card(exhibit: Exhibit) -> str:
    kind = "card story" if exhibit.has_story else "card"
    media = " · ".join(["figure", *["video"] * exhibit.has_video, *["steps"] * exhibit.has_story])
    folder = f"exhibits/{escape(exhibit.name, quote=True)}/"
    return (
        f'<li class="{kind}"><a href="{folder}index.html"><span class="frame">{_figure(folder, exhibit)}</span>'
        f"<b>{escape(exhibit.title)}</b></a><p>{escape(exhibit.summary)}</p>"
        f'<p class="media">{media}</p></li>'
    )


def exhibit_page(exhibit: Exhibit, chapter: Link, before: Link | None, after: Link | None, head: Head = GALLERY) -> str:
    """Return the page of one exhibit.

    Parameters
    ----------
    exhibit
        What it shows.
    chapter
        Where it hangs.
    before, after
        The exhibits next to it, if there are any.
    head
        What the whole site is called.

    Examples
    --------
    >>> shown = Exhibit(name="a", title="A < B", summary="s", code="x = 1", has_story=False)
    >>> "<h1>A &lt; B</h1>" in exhibit_page(shown, Link("../../index.html#c", "C"), None, None)
    True
    """
    parts = [_video(exhibit)] * exhibit.has_video + [_steps(exhibit)] * exhibit.has_story
    home = _anchor(Link("../../index.html", head.heading))
    body = f"""<header class="top">
<nav class="where" aria-label="where you are">{home} / {_anchor(chapter)}</nav>
<h1>{escape(exhibit.title)}</h1>
<p class="summary">{escape(exhibit.summary)}</p>
{_ground_button()}
</header>
<main id="content" class="exhibit">
{"".join(parts)}
{_still(exhibit)}
{_code(exhibit)}
</main>
<nav class="neighbours" aria-label="exhibits beside this one">
{_neighbour(before, "←", "")}{_neighbour(after, "", "→")}
</nav>"""
    return _document(f"{exhibit.title} · {head.heading}", body, "../../")


def _neighbour(link: Link | None, left: str, right: str) -> str:
    if link is None:
        return "<span></span>"
    return _anchor(Link(link.href, f"{left} {link.text} {right}".strip()))


def _anchor(link: Link) -> str:
    return f'<a href="{escape(link.href, quote=True)}">{escape(link.text)}</a>'


def _still(exhibit: Exhibit) -> str:
    downloads = [
        f'<a href="figure-{ground}.{suffix}" download="{exhibit.name}-{ground}.{suffix}">{suffix.upper()}, {ground}</a>'
        for suffix in ("png", "svg")
        for ground in ("light", "dark")
    ]
    if exhibit.has_story:
        downloads.append(f'<a href="storyboard.png" download="{exhibit.name}-storyboard.png">storyboard</a>')
    return (
        f'<section aria-label="figure"><h2>The figure</h2><div class="still">{_figure("", exhibit)}</div>'
        f'<p class="downloads">Download: {" · ".join(downloads)}</p></section>'
    )


def _video(exhibit: Exhibit) -> str:
    cues = json.dumps([[c.start, c.end, c.text] for c in exhibit.cues], ensure_ascii=False).replace("<", "\\u003c")
    return (
        f'<section aria-label="video"><h2>The video</h2>'
        f'<video controls preload="metadata" poster="figure-dark.png" src="video.mp4"></video>'
        f'<script type="application/json" class="cues">{cues}</script>'
        f'<p class="downloads">Download: <a href="video.mp4" download="{exhibit.name}.mp4">MP4</a> · '
        f'<a href="video.srt" download="{exhibit.name}.srt">subtitles (SRT)</a> · '
        f'<a href="video.vtt" download="{exhibit.name}.vtt">subtitles (VTT)</a></p></section>'
    )


def _steps(exhibit: Exhibit) -> str:
    title = escape(f"{exhibit.title}, step by step", quote=True)
    return (
        f'<section aria-label="steps"><h2>Step by step</h2>'
        f'<iframe class="steps" src="story.html?embedded" title="{title}"></iframe>'
        f'<p class="downloads"><a href="story.html">Open the steps alone</a> · '
        f'<a href="story.md">the same as text</a></p></section>'
    )


def _code(exhibit: Exhibit) -> str:
    return (
        '<section aria-label="code"><h2>The code</h2>'
        f'<div class="code"><button type="button" class="copy">copy</button>'
        f'<pre tabindex="0"><code>{escape(exhibit.code)}</code></pre></div></section>'
    )
