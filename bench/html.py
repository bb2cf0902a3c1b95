"""The results as one HTML file with everything in it: figures are inline SVG of matplotlib, and there is no script."""

import io
import re
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from .groups import GROUPS
from .interval import slope
from .noise import reasons
from .peers import BEFORE, PEERS
from .summary import Result, best_other
from .tables import Part, machine_text, notes, parts, peak_text, peers_of, significant

if TYPE_CHECKING:
    from matplotlib.figure import Figure

READING = (
    "Times are microseconds (us), a share is that of the roof. Bars on a logarithmic scale begin at 1, level, and are "
    "drawn with 95 % intervals; the best other and the share are named. In a curve, size^p is the power law that fits "
    "the larger half of the sizes best; a p above that of the work means that the cost grows faster than the work.",
)
BLUE, RED, GREY, INK = "#006BA4", "#C85200", "#9AA3AB", "#2B3138"
COLORS = {"faster": BLUE, "slower": RED, "level": GREY, "unclear": GREY}
KEYS = {"faster than the best other": BLUE, "slower": RED, "level or unclear": GREY}
MARKERS = "os^DvPX*<>ph"  # of curves: each peer looks the same in all figures
REACH = 3  # times the ratio: what a wider interval may take of the axis
STYLE: dict[str, Any] = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "#DDE2E6",
    "svg.fonttype": "none",
    "svg.hashsalt": "bench",
}
CSS = """
body { margin: 0 auto; max-width: 1080px; padding: 24px 16px; color: #2b3138; font: 15px/1.5 system-ui, sans-serif; }
section { border: 1px solid #dde2e6; padding: 16px 20px; margin: 16px 0; }
section.quiet { border-left: 5px solid #006ba4; }
section.noisy { border-left: 5px solid #c85200; }
figure { display: inline-block; width: 49%; min-width: 400px; margin: 0; }
div { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: 3px 12px 3px 0; text-align: right; white-space: nowrap; border-bottom: 1px solid #edf0f2; }
th:first-child, td:first-child { text-align: left; }
svg { width: 100%; height: auto; display: block; }
nav a { margin-right: 14px; white-space: nowrap; }
i { display: inline-block; width: 12px; height: 12px; margin: 0 5px 0 12px; }
"""


def figure_of(width: float, height: float) -> "Figure":
    from matplotlib.figure import Figure

    return Figure((width, height), layout="constrained")


def svg(figure: "Figure") -> str:
    """An element for HTML as wide as its surroundings, the same for the same results."""
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    found = re.sub(r"^.*?(?=<svg)|<metadata>.*?</metadata>|<!--.*?-->", "", text.getvalue(), flags=re.DOTALL)
    found = re.sub(r'width="[\d.]+pt" height="[\d.]+pt" ', "", found, count=1)
    return re.sub(r"\s*\n\s*", " ", re.sub(r"(\.\d\d)\d+", r"\1", found))


def bars(results: Sequence[Result]) -> str:
    """Of each row how many times as fast the reference is as the best other, and the fraction of its roof."""
    figure = figure_of(10.4, 0.75 + 0.3 * len(results))
    panel = figure.subplots()
    for index, result in enumerate(results):
        value, end, text = 1.0, 1.0, ""
        if best := best_other(result):
            peer, ratio = best
            value, text = ratio["ratio"], f"{significant(ratio['ratio'])}  {peer}"
            low, end = max(ratio["low"], value / REACH), min(ratio["high"], value * REACH)
            panel.barh(index, value - 1, 0.5, left=1, color=COLORS[ratio["verdict"]])
            panel.plot([low, end], [index, index], "|-", color=INK, linewidth=1, markersize=5)
        share = peak_text(result).removeprefix("-")
        text += f"  ({share} {GROUPS[result['group']].peak.removeprefix('of ')})" if share else ""
        panel.annotate(text, (max(end, 1), index), (5, 0), textcoords="offset points", va="center", fontsize=8)
    panel.set_xscale("log", base=2)
    panel.xaxis.set_major_formatter("{x:g}")
    low, high = panel.get_xlim()
    panel.set_xlim(low, high * (high / low) ** 0.35)  # room for the words
    panel.set_title(f"times as fast as the best other ({results[0]['reference']} is slower left of 1)")
    panel.axvline(1, color=INK, linewidth=1)
    panel.grid(visible=False, axis="y")
    panel.set_yticks(range(len(results)), [result["row"] for result in results])
    panel.set_ylim(len(results) - 0.45, -0.55)
    return svg(figure)


def fitted(sizes: Sequence[float], seconds: Sequence[float]) -> str:
    """The power law of the larger half of the sizes: smaller ones cost what a call costs, whatever the size."""
    first = min(len(sizes) // 2, len(sizes) - 3)
    return "" if first < 0 else f" ~ size^{slope(sizes[first:], seconds[first:]):.2f}"


def curve(results: Sequence[Result]) -> str:
    """Seconds against size for every peer, with the exponent that fits; and speed, as a fraction of the roof."""
    results = sorted(results, key=lambda result: float(result["point"]["value"]))
    group, roofs = GROUPS[results[0]["group"]], all("of_peak" in result for result in results)
    figure = figure_of(5.1, 3.4)
    panels = figure.subplots(1, 1 + roofs, squeeze=False)[0]
    for peer in peers_of(results):
        able = [result for result in results if peer in result["peers"]]
        sizes = [result["point"]["value"] for result in able]
        seconds = np.array([result["peers"][peer]["seconds"] for result in able])
        number = [*PEERS, BEFORE].index(peer)
        width = 2.4 if peer == results[0]["reference"] else 1.2
        line: dict[str, Any] = {"color": f"C{number % 10}", "marker": MARKERS[number], "markersize": 4, "lw": width}
        panels[0].loglog(sizes, seconds * 1e6, label=f"{peer}{fitted(sizes, seconds)}", **line)
        if roofs:
            roof = [one["of_peak"]["ratio"] * one["peers"][one["reference"]]["seconds"] for one in able]
            panels[1].semilogx(sizes, roof / seconds, **line)
            panels[1].set_title(f"speed, {group.peak}")
    panels[0].set_title(f"us a {group.operation}")
    for panel in panels:
        panel.set_xlabel(results[0]["point"]["axis"])
    figure.legend(loc="outside lower left", ncols=2, frameon=False, fontsize=8)
    return svg(figure)


def curves(results: Sequence[Result]) -> str:
    """Those on which there is more than one of the results."""
    found: dict[str, list[Result]] = {}
    for result in results:
        if result["point"]:
            found.setdefault(result["point"]["curve"], []).append(result)
    titled = {escape(name): curve(points) for name, points in found.items() if len(points) > 1}
    return "".join(f"<figure><figcaption>{title}</figcaption>{picture}</figure>" for title, picture in titled.items())


def drawn(table: list[list[str]]) -> str:
    head, *body = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in table]
    lines = "".join(f"<tr>{row}</tr>" for row in body)
    return f"<div><table><tr>{head.replace('td>', 'th>')}</tr>{lines}</table></div>"


def section(part: Part) -> str:
    table = drawn(part.table)
    if part.results:
        table = f"<details><summary>All peers</summary>{table}</details>"
        table = f"{bars(part.results)}{curves(part.results)}{table}"
    return f'<section id="{anchor(part)}"><h2>{escape(part.title)}</h2>{table}</section>'


def anchor(part: Part) -> str:
    return re.sub(r"\W+", "-", part.title.lower())


def as_html(report: dict[str, Any]) -> str:
    """Raises ImportError where matplotlib is not installed."""
    try:
        import matplotlib.figure
        import matplotlib.style
    except ImportError as error:
        raise ImportError("The figures of the HTML report need matplotlib: pip install 'fastopt[plot]'.") from error
    found = parts(report)
    links = "".join(f'<a href="#{anchor(part)}">{escape(part.title)}</a> ' for part in found)
    said = "".join(f"<p>{escape(note)}</p>" for note in [*notes(report), *READING])
    keys = "".join(f'<i style="background:{color}"></i>{text}' for text, color in KEYS.items())
    with matplotlib.style.context(["tableau-colorblind10", STYLE]):
        sections = "".join(map(section, found))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>fastopt benchmark, {escape(report['machine']['date'][:10])}</title><style>{CSS}</style></head>"
        f"<body><h1>fastopt benchmark</h1><p>{escape(machine_text(report))}</p>"
        f'<section class="{"noisy" if reasons(report) else "quiet"}">{said}<p>{keys}</p></section>'
        f"<nav>{links}</nav>{sections}</body></html>\n"
    )
