"""The results as one HTML file with everything in it: figures are inline SVG, and there is no script."""

import re
from collections.abc import Sequence
from html import escape
from typing import Any

from . import figures
from .noise import reasons
from .summary import Result
from .tables import Part, machine_text, notes, parts

READING = (
    "Times are microseconds (us), a share is that of the roof. Bars on a logarithmic scale begin at 1, level, and are "
    "drawn with 95 % intervals; the best other is named. In a curve, size^p is the power law that fits the larger half "
    "of the sizes best; a p above that of the work means that the cost grows faster than the work.",
)
KEYS = {"faster than the best other": figures.BLUE, "slower": figures.RED, "level or unclear": figures.GREY}
CSS = """
body { margin: 0 auto; max-width: 1080px; padding: 24px 16px; background: #f6f7f9; color: #2b3138; }
body { font: 15px/1.5 system-ui, "Segoe UI", sans-serif; }
section { background: #fff; border: 1px solid #dde2e6; border-radius: 8px; padding: 16px 20px; margin: 16px 0; }
section.quiet { border-left: 5px solid #006ba4; }
section.noisy { border-left: 5px solid #c85200; }
h2 { font-size: 19px; margin: 0 0 8px; }
figure { display: inline-block; width: 49%; min-width: 400px; margin: 0; }
div { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: 3px 12px 3px 0; text-align: right; white-space: nowrap; border-bottom: 1px solid #edf0f2; }
th:first-child, td:first-child { text-align: left; }
svg { width: 100%; height: auto; display: block; }
small, nav, summary { color: #5b6670; font-size: 13px; }
nav a { margin-right: 14px; white-space: nowrap; }
i { display: inline-block; width: 12px; height: 12px; margin: 0 5px 0 12px; }
"""


def drawn(table: list[list[str]]) -> str:
    head, *body = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in table]
    lines = "".join(f"<tr>{row}</tr>" for row in body)
    return f"<div><table><tr>{head.replace('td>', 'th>')}</tr>{lines}</table></div>"


def curves(results: Sequence[Result]) -> str:
    """Those on which there is more than one of the results."""
    found: dict[str, list[Result]] = {}
    for result in results:
        if result["point"]:
            found.setdefault(result["point"]["curve"], []).append(result)
    titled = {escape(curve): figures.curve(points) for curve, points in found.items() if len(points) > 1}
    return "".join(f"<figure><figcaption>{title}</figcaption>{picture}</figure>" for title, picture in titled.items())


def section(part: Part) -> str:
    table = drawn(part.table)
    if part.results:
        table = f"<details><summary>All peers</summary>{table}</details>"
        table = f"{figures.bars(part.results)}{curves(part.results)}{table}"
    return f'<section id="{anchor(part)}"><h2>{escape(part.title)}</h2>{table}</section>'


def anchor(part: Part) -> str:
    return re.sub(r"\W+", "-", part.title.lower())


def as_html(report: dict[str, Any]) -> str:
    """Raises ImportError where matplotlib is not installed."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise ImportError("The figures of the HTML report need matplotlib: pip install 'fastopt[plot]'.") from error
    found = parts(report)
    links = "".join(f'<a href="#{anchor(part)}">{escape(part.title)}</a> ' for part in found)
    said = "".join(f"<p>{escape(note)}</p>" for note in [*notes(report), *READING])
    keys = "".join(f'<i style="background:{color}"></i>{text}' for text, color in KEYS.items())
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>fastopt benchmark, {escape(report['machine']['date'][:10])}</title><style>{CSS}</style></head>"
        f"<body><h1>fastopt benchmark</h1><small>{escape(machine_text(report))}</small>"
        f'<section class="{"noisy" if reasons(report) else "quiet"}">{said}<small>{keys}</small></section>'
        f"<nav>{links}</nav>{''.join(map(section, found))}</body></html>\n"
    )
