"""What a report says beside its pictures: the facts of the run, and what is not there and why.

Every text of a trace is escaped here, where it enters HTML.
"""

from __future__ import annotations

import math
from html import escape
from pathlib import Path

from vizkit.cli.pages import read_cues
from vizkit.cli.report_plan import SECTIONS, Item, Plan
from vizkit.cli.report_run import Run
from vizkit.views.naming import readable
from vizkit.views.text import count
from vizkit.web import site as web

__all__ = ["head", "sections"]

NAMED = 8  # things with one reason that are named


def head(run: Run) -> web.Head:
    """Return what stands on top of a report's first page."""
    name = readable(run.trace.model.name)
    about = (
        "A recorded run, explained with its own numbers: all that you see here was computed by the network it shows."
    )
    return web.Head(f"{name} · vizkit report", name, about)


def sections(run: Run, plan: Plan, output: Path, videos: bool) -> tuple[web.Section, ...]:
    """Return a report's sections: the facts, the pictures and stories by subject, and what is missing."""
    found = [web.Section("run", "The run", (_facts(run),))]
    for slug, title in SECTIONS.items():
        items = [item for item in plan.items if item.section == slug]
        if items:
            found.append(web.Section(slug, title, tuple(_exhibit(item, output, videos) for item in items)))
    missing = _missing(run, plan)
    return (*found, *([web.Section("missing", "What is not here", (missing,))] if missing else []))


def _exhibit(item: Item, output: Path, videos: bool) -> web.Exhibit:
    filmed = item.story is not None and videos
    return web.Exhibit(
        name=item.name,
        title=item.title,
        summary=item.summary,
        code=item.code,
        has_story=item.story is not None,
        has_video=filmed,
        cues=read_cues(output, item.name) if filmed else (),
    )


def _facts(run: Run) -> str:
    """Return what is known of the run as a list of names and values."""
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in _rows(run) if value)
    damage = ""
    if run.damage:
        damage = f'<p class="notice">Only a part of the file could be read: {escape(run.damage)}</p>'
    elif not run.trace.complete:
        damage = '<p class="notice">The run was not recorded to its end.</p>'
    if run.only_statistics:
        damage += (
            '<p class="notice">Statistics were recorded in place of arrays; what needs the arrays is left out.</p>'
        )
    return f'{damage}<dl class="facts">{rows}</dl>'


def _rows(run: Run) -> list[tuple[str, str]]:
    trace, model = run.trace, run.trace.model
    parameters = sum(math.prod(shape) for layer in model.layers for shape in layer.parameters.values())
    steps = trace.steps
    optimizer = (model.optimizer or {}).get("name", "") if model.optimizer else ""
    return [
        ("file", run.request.title),
        ("framework", model.framework),
        ("layers", count(len(trace.layers))),
        ("parameters", count(parameters) if model.layers else ""),
        ("numbers", str(model.dtype)),
        ("loss", str(model.loss or "").replace("_", " ")),
        ("optimizer", str(optimizer)),
        ("steps recorded", f"{count(len(steps))}, from {count(steps[0])} to {count(steps[-1])}" if steps else "none"),
        ("epochs", count(len(trace.epochs)) if trace.epochs else ""),
        ("events", count(len(trace))),
        ("arrays", _size(trace.nbytes)),
        ("shown", _shown(run)),
    ]


def _shown(run: Run) -> str:
    """Say which sample and step stand for the run."""
    if run.state_step is None:
        return ""
    return f"sample {count(run.request.sample)} at step {count(run.state_step)}, where nothing else is said"


def _size(amount: int) -> str:
    """Return a number of bytes as people say it.

    Examples
    --------
    >>> _size(999), _size(12_345_678)
    ('999 bytes', '12.3 MB')
    """
    if amount < 1000:
        return f"{count(amount)} bytes"
    power = min(int(math.log10(amount)) // 3, 4)
    return f"{amount / 1000**power:.1f} {('', 'kB', 'MB', 'GB', 'TB')[power]}"


def _missing(run: Run, plan: Plan) -> str:
    """Return what the trace says that it does not hold, and what could not be drawn, each with its reason."""
    rows = [(_where(row.node, row.kind), row.reason) for row in run.trace.missing()]
    by_reason: dict[str, list[str]] = {}
    for name, reason in (*rows, *plan.left_out):
        by_reason.setdefault(reason, []).append(name)
    listed = "".join(f"<dt>{escape(_few(names))}</dt><dd>{escape(why)}</dd>" for why, names in by_reason.items())
    return f'<dl class="facts">{listed}</dl>' if by_reason else ""


def _few(names: list[str]) -> str:
    """Return names one after the other, of many the first ones and how many more there are."""
    more = f" and {count(len(names) - NAMED)} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _where(node: str, kind: str) -> str:
    return " of ".join(part for part in (kind or "events", node) if part)
