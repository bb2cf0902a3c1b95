"""The figures of the HTML report as SVG, drawn with matplotlib, which need not be there."""

import io
import re
from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from .groups import GROUPS
from .interval import slope
from .peers import BEFORE, PEERS
from .summary import Result, best_other
from .tables import peak_text, peers_of, significant

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, RED, GREY, SKY, INK, RULE = "#006BA4", "#C85200", "#9AA3AB", "#A2C8EC", "#2B3138", "#DDE2E6"
BY_VERDICT = {"faster": BLUE, "slower": RED, "level": GREY, "unclear": GREY}
MARKERS = "os^DvPX*<>ph"  # of curves: each peer looks the same in all figures
WIDTH, ROW, CURVE = 10.4, 0.3, (5.1, 3.4)  # inches
REACH = 3  # times the ratio: what a wider interval may take of the axis
MANY = 12  # rows: more have their axis above as well
STYLE: dict[str, Any] = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.edgecolor": RULE,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": RULE,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "svg.fonttype": "none",
    "svg.hashsalt": "bench",
}


def svg(size: Callable[[Sequence[Result]], tuple[float, float]]) -> Callable[..., Callable[[Sequence[Result]], str]]:
    """A function that draws results into a figure, as one that returns an element to be put into HTML.

    It is as wide as its surroundings, the same for the same results, and without what no browser needs.
    """

    def decorate(draw: Callable[["Figure", Sequence[Result]], None]) -> Callable[[Sequence[Result]], str]:
        @wraps(draw)
        def drawn(results: Sequence[Result]) -> str:
            from matplotlib import style
            from matplotlib.figure import Figure

            text = io.StringIO()
            with style.context(["tableau-colorblind10", STYLE]):
                figure = Figure(size(results), layout="constrained")
                draw(figure, results)
                figure.savefig(text, format="svg", metadata={"Date": None})
            found = re.sub(r"^.*?(?=<svg)|<metadata>.*?</metadata>|<!--.*?-->", "", text.getvalue(), flags=re.DOTALL)
            found = re.sub(r'width="[\d.]+pt" height="[\d.]+pt" ', "", found, count=1)
            return re.sub(r"\s*\n\s*", " ", re.sub(r"(\.\d\d)\d+", r"\1", found))

        return drawn

    return decorate


def log_axis(axis: Any, low: float, high: float) -> None:
    """Ticks at round numbers, the fewer the longer the axis: 0.5, 20, 5k, 1M."""
    from matplotlib.ticker import EngFormatter, FixedLocator, FuncFormatter, LogLocator, NullLocator

    steps = (1, 1.5, 2, 3, 5, 7) if high < 6 * low else (1, 2, 5) if high < 300 * low else (1,)
    ticks = LogLocator(subs=steps, numticks=50).tick_values(low, high)
    axis.set_major_locator(FixedLocator([tick for tick in ticks if low <= tick <= high]))
    short = EngFormatter(sep="")
    axis.set_major_formatter(FuncFormatter(lambda tick, _: short(tick) if tick >= 1e3 else f"{tick:g}"))
    axis.set_minor_locator(NullLocator())


@svg(lambda results: (WIDTH, 0.75 + ROW * len(results)))
def bars(figure: "Figure", results: Sequence[Result]) -> None:
    """Of each row how many times as fast the reference is as the best other, and the fraction of its roof."""
    speed, roof = figure.subplots(1, 2, sharey=True, width_ratios=[3, 1])
    found = [(index, *best) for index, result in enumerate(results) if (best := best_other(result))]
    for index, peer, ratio in found:
        value, low, high = (ratio[key] for key in ("ratio", "low", "high"))
        speed.barh(index, value - 1, 0.5, left=1, color=BY_VERDICT[ratio["verdict"]])
        speed.plot([low, high], [index, index], "|-", color=INK, linewidth=1, markersize=5)
        end = min(max(high, 1), REACH * value)
        text = f"{significant(value)}  {peer}"
        speed.annotate(text, (end, index), (5, 0), textcoords="offset points", va="center", fontsize=8)
    low = min([max(ratio["low"], ratio["ratio"] / REACH) for *_, ratio in found] + [0.8]) / 1.1
    high = max([min(ratio["high"], ratio["ratio"] * REACH) for *_, ratio in found] + [1.5])
    speed.set(xscale="log", xlim=(low, high * (high / low) ** 0.28))  # room for the words
    log_axis(speed.xaxis, *speed.get_xlim())
    speed.set_title(f"times as fast as the best other ({results[0]['reference']} is slower left of 1)")
    shares = {index: result["of_peak"]["ratio"] for index, result in enumerate(results) if "of_peak" in result}
    width = max([1.0, *shares.values()]) * 1.4  # room for the numbers, at the right
    roof.barh(list(shares), list(shares.values()), 0.5, color=SKY)
    for index in shares:
        roof.text(width, index, peak_text(results[index]), ha="right", va="center", fontsize=8)
    roof.set(xlim=(0, width), xticks=[0, 0.5, 1], xticklabels=["0", "50%", "100%"])
    roof.set_title(GROUPS[results[0]["group"]].peak)
    for panel in (speed, roof):
        panel.axvline(1, color=INK, linewidth=1)
        panel.grid(visible=False, axis="y")
        panel.tick_params(labeltop=len(results) > MANY)
        panel.spines["left"].set_visible(False)
    speed.set_yticks(range(len(results)), [result["row"] for result in results])
    speed.set_ylim(len(results) - 0.45, -0.55)


def fitted(sizes: Sequence[float], seconds: Sequence[float]) -> str:
    """The power law of the larger half of the sizes: smaller ones cost what a call costs, whatever the size."""
    first = min(len(sizes) // 2, len(sizes) - 3)
    return "" if first < 0 else f" ~ size^{slope(sizes[first:], seconds[first:]):.2f}"


@svg(lambda _: CURVE)
def curve(figure: "Figure", results: Sequence[Result]) -> None:
    """Seconds against size for every peer, with the exponent that fits; and speed, as a fraction of the roof."""
    results = sorted(results, key=lambda result: float(result["point"]["value"]))
    group, roofs = GROUPS[results[0]["group"]], all("of_peak" in result for result in results)
    times, speeds = figure.subplots(1, 2) if roofs else (figure.subplots(), None)
    for peer in peers_of(results):
        able = [result for result in results if peer in result["peers"]]
        sizes = [result["point"]["value"] for result in able]
        seconds = np.array([result["peers"][peer]["seconds"] for result in able])
        number = [*PEERS, BEFORE].index(peer)
        line: dict[str, Any] = {"color": f"C{number % 10}", "marker": MARKERS[number], "markersize": 4}
        line |= {"linewidth": 2.4, "zorder": 3} if peer == results[0]["reference"] else {"linewidth": 1.2}
        times.plot(sizes, seconds * 1e6, label=f"{peer}{fitted(sizes, seconds)}", **line)
        if speeds:
            roof = [one["of_peak"]["ratio"] * one["peers"][one["reference"]]["seconds"] for one in able]
            speeds.plot(sizes, roof / seconds, **line)
    times.set_yscale("log")
    log_axis(times.yaxis, *times.get_ylim())
    times.set_title(f"us a {group.operation}")
    if speeds:
        speeds.set_ylim(0)
        speeds.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        speeds.set_title(f"speed, {group.peak}")
    for panel in figure.axes:
        panel.set(xscale="log", xlabel=results[0]["point"]["axis"])
        log_axis(panel.xaxis, *panel.get_xlim())
    figure.legend(loc="outside lower left", ncols=2, frameon=False, fontsize=8)
