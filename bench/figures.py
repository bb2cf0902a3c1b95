"""The figures of the HTML report, drawn with matplotlib where it is installed, as SVG."""

import io
import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .groups import GROUPS
from .interval import slope
from .peers import PEERS
from .summary import PLAIN, Result, best_other, others
from .tables import peak_text, significant

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

# Okabe and Ito, Color universal design, 2008: they differ for all kinds of colour vision.
BLUE, RED, GREEN, PINK, ORANGE, SKY, BLACK = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"
GREY, PALE, INK, RULE = "#9AA3AB", "#CBD3DA", "#2B3138", "#DDE2E6"
BY_VERDICT = {"faster": BLUE, "slower": RED, "level": GREY, "unclear": GREY}
# Of curves: blue and thick is the reference; each other peer looks the same in all figures.
COLORS = (RED, GREEN, ORANGE, PINK, SKY, BLACK, GREY)
DASHES = ("-", "--", ":")
MARKERS = "sD^vPX*"

WIDTH, ROW, CURVE = 10.4, 0.36, (5.1, 3.4)  # inches
STEPS = {(1, 1.5, 2, 3, 5, 7): 6, (1, 2, 5): 300, (1,): math.inf}  # ticks in a power of ten: the length of an axis
REACH = 3  # times the ratio: what a wider interval may take of the axis
MANY = 12  # rows: more have their axis above as well
STYLE = {
    "font.size": 9,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial"],
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.edgecolor": RULE,
    "axes.labelcolor": INK,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": RULE,
    "grid.linewidth": 0.7,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "svg.fonttype": "none",
    "svg.hashsalt": "bench",
}


def check_matplotlib() -> None:
    """Raise ImportError with what to do if it is not there."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise ImportError("The figures of the HTML report need matplotlib: pip install 'fastopt[plot]'.") from error


def as_svg(figure: "Figure") -> str:
    """An element to be put into HTML, as wide as its surroundings; the same for the same figure.

    Without what no browser needs, which is more than half.
    """
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    svg = text.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r'width="[\d.]+pt" height="[\d.]+pt" ', "", svg, count=1)
    svg = re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", svg)
    return re.sub(r"\s*\n\s*", " ", svg)


def log_ticks(axis: "Axis", low: float, high: float) -> None:
    """Ticks at round numbers, the fewer the longer the axis."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = next(steps for steps, longest in STEPS.items() if high / low < longest)
    ticks = [tick for power in powers for step in steps if low <= (tick := step * 10.0**power) <= high]
    axis.set_ticks([], minor=True)
    axis.set_ticks(ticks, [tick_text(tick) for tick in ticks])


def tick_text(value: float) -> str:
    """Short: 0.5, 20, 5k, 1M."""
    for letter, unit in (("M", 1e6), ("k", 1e3)):
        if value >= unit:
            return f"{value / unit:g}{letter}"
    return f"{value:g}"


def speed_ups(axes: "Axes", results: Sequence[Result]) -> None:
    """How many times as fast the reference is as the best other, and as NumPy where that is another."""
    bars: list[tuple[float, float, str, str, dict[str, Any]]] = []  # middle, height, colour, peer, ratio
    for index, result in enumerate(results):
        if found := best_other(result):
            best, ratio = found
            two = best != PLAIN and PLAIN in others(result)
            bars.append((index - (0.19 if two else 0), 0.34, BY_VERDICT[ratio["verdict"]], best, ratio))
            if two:
                bars.append((index + 0.19, 0.22, PALE, PLAIN, others(result)[PLAIN]))
    if bars:
        middles, heights, colors, _, ratios = zip(*bars, strict=True)
        value, least, most = (np.array([ratio[key] for ratio in ratios]) for key in ("ratio", "low", "high"))
        axes.barh(middles, value - 1, heights, left=1, color=colors, linewidth=0)
        errors = np.maximum([value - least, most - value], 0)
        axes.errorbar(value, middles, xerr=errors, fmt="none", ecolor=INK, elinewidth=1, capsize=2)
    for middle, _, _, peer, ratio in bars:
        end = min(max(ratio["high"], 1), REACH * ratio["ratio"])
        text = f"{significant(ratio['ratio'])}  {peer}"
        axes.annotate(text, (end, middle), (5, 0), textcoords="offset points", va="center", fontsize=8)
    low = min([max(ratio["low"], ratio["ratio"] / REACH) for *_, ratio in bars] + [0.8]) / 1.1
    high = max([min(ratio["high"], ratio["ratio"] * REACH) for *_, ratio in bars] + [1.5])
    axes.set_xscale("log")
    axes.set_xlim(low, high * (high / low) ** 0.28)  # room for the words
    log_ticks(axes.xaxis, *axes.get_xlim())
    axes.axvline(1, color=INK, linewidth=1)
    axes.set_title(f"times as fast as the other ({results[0]['reference']} is slower left of 1)")


def shares(axes: "Axes", results: Sequence[Result]) -> None:
    """The fraction of the roof that the reference reaches."""
    found = {index: result["of_peak"]["ratio"] for index, result in enumerate(results) if "of_peak" in result}
    width = max(1.0, *found.values()) * 1.25  # room for the numbers, at the right
    axes.barh(list(found), list(found.values()), 0.34, color=SKY, linewidth=0)
    for index in found:
        axes.text(width, index, peak_text(results[index]), ha="right", va="center", fontsize=8)
    axes.set_xlim(0, width)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "50%", "", "100%"])
    axes.axvline(1, color=INK, linewidth=1)
    axes.set_title(GROUPS[results[0]["group"]].peak)


def bars(results: Sequence[Result]) -> str:
    """The rows of a group: speed-ups, and the fraction of the roof beside them."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with_roof = any("of_peak" in result for result in results)
    with rc_context(STYLE):
        figure = Figure((WIDTH, 0.75 + ROW * len(results)), layout="constrained")
        panels = figure.subplots(1, 2, sharey=True, width_ratios=[3, 1]) if with_roof else [figure.subplots()]
        speed_ups(panels[0], results)
        if with_roof:
            shares(panels[1], results)
        for panel in panels:
            panel.grid(axis="x")
            panel.tick_params(length=0, labeltop=len(results) > MANY)
            panel.spines["left"].set_visible(False)
        panels[0].set_yticks(range(len(results)), [result["row"] for result in results])
        panels[0].set_ylim(len(results) - 0.45, -0.55)
        return as_svg(figure)


def look(peer: str, reference: str) -> dict[str, Any]:
    """How the line of a peer is drawn."""
    if peer == reference:
        return {"color": BLUE, "marker": "o", "markersize": 4, "linewidth": 2.4, "zorder": 3}
    number = [other for other in PEERS if other != reference].index(peer)
    return {
        "color": COLORS[number % len(COLORS)],
        "linestyle": DASHES[number // len(COLORS)],
        "marker": MARKERS[number % len(MARKERS)],
        "markersize": 4,
        "linewidth": 1.2,
    }


def fitted(sizes: Sequence[float], seconds: Sequence[float]) -> str:
    """The power law of the larger half of the sizes: smaller ones cost what a call costs, whatever the size."""
    first = min(len(sizes) // 2, len(sizes) - 3)
    return "" if first < 0 else f" ~ size^{slope(sizes[first:], seconds[first:]):.2f}"


def curve(results: Sequence[Result]) -> str:
    """Seconds against size for every peer, with the exponent that fits; and speed, as a fraction of the roof."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    results = sorted(results, key=lambda result: float(result["point"]["value"]))
    reference, group = results[0]["reference"], GROUPS[results[0]["group"]]
    peers = list(dict.fromkeys(peer for result in results for peer in result["peers"]))
    with_roof = all("of_peak" in result for result in results)
    with rc_context(STYLE):
        figure = Figure(CURVE, layout="constrained")
        panels = list(figure.subplots(1, 2)) if with_roof else [figure.subplots()]
        for peer in peers:
            able = [result for result in results if peer in result["peers"]]
            sizes = [result["point"]["value"] for result in able]
            seconds = [result["peers"][peer]["seconds"] for result in able]
            line = look(peer, reference)
            panels[0].plot(sizes, [time * 1e6 for time in seconds], label=f"{peer}{fitted(sizes, seconds)}", **line)
            if with_roof:
                roofs = [result["of_peak"]["ratio"] * result["peers"][reference]["seconds"] for result in able]
                panels[1].plot(sizes, [roof / time for roof, time in zip(roofs, seconds, strict=True)], **line)
        panels[0].set_yscale("log")
        log_ticks(panels[0].yaxis, *panels[0].get_ylim())
        panels[0].set_title(f"us a {group.operation}")
        if with_roof:
            panels[1].set_ylim(0)
            panels[1].yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
            panels[1].set_title(f"speed, {group.peak}")
        for panel in panels:
            panel.set_xscale("log")
            log_ticks(panel.xaxis, *panel.get_xlim())
            panel.set_xlabel(results[0]["point"]["axis"])
            panel.grid()
            panel.tick_params(length=0)
        figure.legend(loc="outside lower left", ncols=2, frameon=False, fontsize=8)
        return as_svg(figure)
