"""The results as one HTML file with everything in it: figures are inline SVG, and there is no script."""

import re
from collections.abc import Iterable
from html import escape
from typing import Any

from . import figures
from .noise import reasons, verdict
from .summary import Key, Result, by_key, summary
from .tables import (
    Table,
    full_table,
    machine_text,
    notes,
    short_title,
    side_tables,
    summary_table,
    unit,
    worst_table,
)

READING = (
    "Times are microseconds (us), a share is that of the roof.",
    "Bars on a logarithmic scale begin at 1, level: those to the left are rows in which the reference is slower.",
    "In a curve, size^p is the power law that fits the larger half of the sizes best; "
    "a p above that of the work means that the cost grows faster than the work.",
)
CSS = """
:root { color-scheme: light; }
body { margin: 0; background: #f6f7f9; color: #2b3138; font: 15px/1.5 system-ui, "Segoe UI", sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 24px 16px 64px; }
h1 { font-size: 26px; margin: 8px 0; }
h2 { font-size: 19px; margin: 0 0 8px; }
section, .verdict { background: #fff; border: 1px solid #dde2e6; border-radius: 8px; }
section, .verdict { padding: 16px 20px; margin: 16px 0; }
.verdict { border-left: 5px solid #0072b2; }
.verdict.noisy { border-left-color: #d55e00; }
.scroll { overflow-x: auto; }
.grid { display: grid; grid-template-columns: 1fr 1fr; gap: 20px; }
@media (max-width: 800px) { .grid { grid-template-columns: 1fr; } }
figure { margin: 0; }
figcaption { font-weight: 600; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: 3px 12px 3px 0; text-align: right; white-space: nowrap; border-bottom: 1px solid #edf0f2; }
th:first-child, td:first-child { text-align: left; }
th { font-weight: 600; color: #5b6670; }
svg { width: 100%; height: auto; display: block; }
summary { cursor: pointer; color: #0072b2; font-size: 13px; margin-top: 8px; }
small, nav { color: #5b6670; font-size: 13px; }
nav a { color: #0072b2; margin-right: 14px; white-space: nowrap; }
.key { display: inline-block; width: 12px; height: 12px; border-radius: 2px; margin: 0 5px 0 12px; }
"""


def drawn(table: Table) -> str:
    """A table without its title."""
    head, *body = table[1]
    cells = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in body)
    return f'<div class="scroll"><table><tr>{cells}</tr>{lines}</table></div>'


def anchor(title: str) -> str:
    return re.sub(r"\W+", "-", title.lower())


def legend() -> str:
    """What the colours of the bars say."""
    keys = {
        figures.BLUE: "faster than the best other",
        figures.RED: "slower",
        figures.GREY: "level or unclear",
        figures.PALE: "against NumPy",
        figures.SKY: "fraction of the roof",
    }
    shown = "".join(f'<i class="key" style="background:{color}"></i>{text}' for color, text in keys.items())
    return f"<p><small>Bars with 95 % intervals; the best other is named. {shown}</small></p>"


def curves(results: Iterable[Result]) -> dict[str, list[Result]]:
    """The results that stand on one curve."""
    found: dict[str, list[Result]] = {}
    for result in results:
        if result["point"]:
            found.setdefault(result["point"]["curve"], []).append(result)
    return {curve: points for curve, points in found.items() if len(points) > 1}


def headline(report: dict[str, Any]) -> str:
    """All rows in a sentence."""
    found = summary(report["results"])
    if found.best is None:
        return "Nothing to compare with."
    reference = report["results"][0]["reference"]
    return (
        f"Over {found.rows} rows, {reference} is {found.best:.2f} times as fast as the best other (geometric mean); "
        f"in {found.slower} of them it is slower."
    )


def group_sections(key: Key, results: list[Result]) -> dict[str, str]:
    """What is shown of a group, by its title."""
    title = short_title(key)
    details = f"<summary>All peers: {unit(key)}, and how many times as fast as each</summary>"
    table = drawn(full_table(key, results))
    found = {title: f"{figures.bars(results)}<details>{details}{table}</details>"}
    drawings = [
        f"<figure><figcaption>{escape(curve)}</figcaption>{figures.curve(points)}</figure>"
        for curve, points in curves(results).items()
    ]
    return {**found, f"{title}: against size": f'<div class="grid">{"".join(drawings)}</div>'} if drawings else found


def sections(report: dict[str, Any]) -> dict[str, str]:
    """The page, by titles."""
    behind, rows = worst_table(report)
    found = {
        "Summary": f"<p>{escape(headline(report))}</p>{drawn(summary_table(report))}",
        behind: drawn((behind, rows)) if len(rows) > 1 else "<p>None.</p>",
    }
    for key, results in by_key(report["results"]).items():
        found |= group_sections(key, results)
    found |= {table[0]: drawn(table) for table in side_tables(report)}
    return {**found, "How to read it": "".join(f"<p>{escape(note)}</p>" for note in [*notes(report)[1:], *READING])}


def as_html(report: dict[str, Any]) -> str:
    """Raises ImportError where matplotlib is not installed."""
    figures.check_matplotlib()
    parts = sections(report)
    links = "".join(f'<a href="#{anchor(title)}">{escape(title)}</a> ' for title in parts)
    body = "".join(
        f'<section id="{anchor(title)}"><h2>{escape(title)}</h2>{part}</section>' for title, part in parts.items()
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>fastopt benchmark, {escape(report['machine']['date'][:10])}</title><style>{CSS}</style></head>"
        f"<body><main><h1>fastopt benchmark</h1><small>{escape(machine_text(report))}</small>"
        f'<p class="verdict{" noisy" if reasons(report) else ""}">{escape(verdict(report))}</p>'
        f"<nav>{links}</nav>{legend()}{body}</main></body></html>\n"
    )
