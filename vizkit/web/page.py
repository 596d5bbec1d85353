"""A story as one self-contained page: a stepper, and without a script all beats in order."""

from __future__ import annotations

from html import escape
from importlib import resources
from itertools import groupby

from vizkit.errors import ArgumentError
from vizkit.stories.story import Beat, Story
from vizkit.theme import DARK, LIGHT, Theme
from vizkit.views.board import Panel
from vizkit.views.formula import to_mathml, to_plain
from vizkit.views.text import Quantity, Words
from vizkit.web.fonts import font_faces
from vizkit.web.spoken import spoken
from vizkit.web.svg import svg

__all__ = ["static", "story_page", "variables"]


def story_page(story: Story) -> str:
    """Return a story as one HTML file that needs no network.

    With a script one beat stands at a time, and the address ends in its name; without one, and on
    paper, all beats stand in order. ``?ground=dark`` or ``?ground=light`` sets the ground, and
    ``?embedded`` leaves out the title, for a page that shows this one inside itself.

    Examples
    --------
    >>> from vizkit import exhibits
    >>> story_page(exhibits.get("convolution").make_story()).startswith("<!doctype html>")
    True
    """
    if not isinstance(story, Story):
        raise ArgumentError(f"A page tells a story, but a {type(story).__name__} was given.")
    beats = "\n".join(_beat(beat, number, len(story.beats)) for number, beat in enumerate(story.beats, 1))
    body = f"""<header>
<h1>{escape(story.title)}</h1>
<p class="summary">{escape(story.summary)}</p>
<button type="button" id="ground" aria-label="change between light and dark">◐</button>
</header>
<main id="beats">
{beats}
</main>
<nav id="steps" aria-label="steps" hidden>
<button type="button" id="previous" aria-label="previous step">←</button>
<label><span class="hidden">step</span><select id="jump">{_options(story)}</select></label>
<progress id="progress" max="{len(story.beats)}" value="1" aria-label="progress"></progress>
<button type="button" id="next" aria-label="next step">→</button>
</nav>
<p class="hidden" id="spoken" aria-live="polite"></p>"""
    return _document(story.title, body)


def _document(title: str, body: str) -> str:
    style = "\n".join([font_faces(body), *map(variables, (LIGHT, DARK)), static("base.css"), static("story.css")])
    return f"""<!doctype html>
<html lang="en" data-ground="light">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>
{style}
</style>
</head>
<body>
{body}
<script>
{static("ground.js")}
{static("story.js")}
</script>
</body>
</html>
"""


def static(name: str) -> str:
    """Return a file of the package's static folder as text."""
    return (resources.files("vizkit.web") / "static" / name).read_text(encoding="utf-8").strip()


def variables(theme: Theme) -> str:
    """Return the style rule that gives a ground its colours as custom properties.

    Examples
    --------
    >>> variables(LIGHT).startswith(":root[data-ground=light]{--ground:#ffffff;")
    True
    """
    colours = ";".join(f"--{role}:{colour}" for role, colour in sorted(theme.roles.items()))
    return f":root[data-ground={theme.name}]{{--ground:{theme.ground};{colours}}}"


def _options(story: Story) -> str:
    """The list of beats; neighbours at the same place of the explanation stand under its name."""
    written = []
    for place, run in groupby(enumerate(story.beats, 1), key=lambda item: item[1].place):
        options = [f'<option value="{beat.name}">{number}. {_title(beat.name)}</option>' for number, beat in run]
        grouped = f'<optgroup label="{escape(_title(place), quote=True)}">{"".join(options)}</optgroup>'
        written.append(grouped if len(options) > 1 else options[0])
    return "".join(written)


def _title(name: str) -> str:
    spaced = name.replace("-", " ")
    return spaced[:1].upper() + spaced[1:]


def _beat(beat: Beat, number: int, whole: int) -> str:
    boxes = beat.board.boxes()
    panels = "\n".join(_panel(panel, beat, boxes[panel.name].width) for panel in beat.board.panels)
    place = escape(beat.place[:1].upper() + beat.place[1:])
    return f"""<section class="beat" id="{beat.name}" aria-labelledby="place-{beat.name}">
<h2 class="place" id="place-{beat.name}">{place} <span class="count">{number} / {whole}</span></h2>
<div class="board">
{panels}
</div>
{_equation(beat)}
<p class="caption">{_words(beat.caption)}</p>
</section>"""


def _equation(beat: Beat) -> str:
    if beat.equation is None:
        return '<div class="equation"></div>'
    # The style sheet makes a long equation smaller, before it has to be scrolled.
    length = len(to_plain(beat.equation))
    return f'<div class="equation" style="--length:{length}">{to_mathml(beat.equation)}</div>'


def _panel(panel: Panel, beat: Beat, width: float) -> str:
    def lit(key: str) -> bool:
        return beat.lit(f"{panel.name}/{key}")

    drawing = svg(panel.view, title=spoken(panel.name, panel.view, lit), lit=lit)
    name = escape(panel.name, quote=True)
    sizes = f"--share:{width:.0f};--wide:{panel.view.picture.size[0]:.0f}"
    return f'<figure class="panel" data-panel="{name}" style="{sizes}">{drawing}</figure>'


def _words(words: Words) -> str:
    return "".join(
        f'<span class="number" data-quantity="{escape(part.name, quote=True)}">{escape(part.text)}</span>'
        if isinstance(part, Quantity)
        else escape(part)
        for part in words
    )
