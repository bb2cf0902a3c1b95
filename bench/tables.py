"""The report as parts, each with a table of text, in the words of ``groups.py``; how they are drawn is for others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .groups import GROUPS
from .isa import NATIVE, NOT_HELD
from .noise import is_noisy, verdict
from .package import OURS
from .summary import PLAIN, Key, Result, best_other, by_key, summary, worst
from .threads import AUTO, MORE, numbers, slower_with_more

NAMED = 3  # rows that a peer leaves out for one reason; more are counted


@dataclass(frozen=True)
class Part:
    """A title, a table whose first row is its head, and results of which there are figures."""

    title: str
    table: list[list[str]]
    results: Sequence[Result] = ()


def significant(number: float) -> str:
    """Three digits, without an exponent."""
    return f"{number:.0f}" if number >= 100 else f"{number:.{1 if number >= 10 else 2}f}"


def microseconds(result: Result, peer: str) -> str:
    return significant(result["peers"][peer]["seconds"] * 1e6) if peer in result["peers"] else "-"


def threads_text(count: int) -> str:
    return f"{count} threads" if count > 1 else "1 thread"


def mark(interval: dict[str, Any]) -> str:
    return " ~" if interval["noisy"] else ""


def peak_text(result: Result) -> str:
    """The fraction of the roof; of a small call also the microseconds that are not arithmetic."""
    if "of_peak" not in result:
        return "-"
    share = result["of_peak"]["ratio"]
    beyond = (1 - share) * result["peers"][result["reference"]]["seconds"] * 1e6
    return f"{share:.0%}{mark(result['of_peak'])}" + (f" +{beyond:.1f}" if result["group"] == "call" else "")


def short_title(key: Key) -> str:
    group, dtype, threads = key
    return f"{GROUPS[group].title}, {dtype}, {threads_text(threads)}"


def best_cells(result: Result) -> list[str]:
    """The fastest of the others, the ratio to it with its interval, and what follows from it."""
    found = best_other(result)
    if found is None:
        return ["-"] * 3
    best, ratio = found
    times, low, high = (significant(ratio[name]) for name in ("ratio", "low", "high"))
    return [best, f"{times} [{low}, {high}]", ratio["verdict"] + mark(ratio)]


def peers_of(results: Sequence[Result]) -> list[str]:
    return list(dict.fromkeys(peer for result in results for peer in result["peers"]))


def peer_cell(result: Result, peer: str) -> str:
    """Time, and how many times as fast the reference is."""
    ratio = result["peers"].get(peer, {}).get("ratio")
    return microseconds(result, peer) + (f" ({ratio['ratio']:.2f}x)" if ratio else "")


def all_peers(key: Key, results: list[Result]) -> Part:
    peers, reference, group = peers_of(results), results[0]["reference"], GROUPS[key[0]]
    table = [["row", *peers, "best other", f"best other / {reference}", "verdict", group.peak, group.check]]
    for result in results:
        value, times = result["peers"][reference]["check"], [peer_cell(result, peer) for peer in peers]
        table.append([result["row"], *times, *best_cells(result), peak_text(result), f"{value:.3g}"])
    return Part(f"{short_title(key)}: us a {group.operation}", table, results)


def best_peer(key: Key, results: list[Result]) -> Part:
    """The reference and the best of the others."""
    reference, group = results[0]["reference"], GROUPS[key[0]]
    table = [["", reference, "times as fast", "as", "share"]]
    for result in results:
        best, times, said = best_cells(result)
        noise = " ~" if said.endswith("~") else ""
        table.append([result["row"], microseconds(result, reference), times + noise, best, peak_text(result)])
    return Part(f"{short_title(key)}: us a {group.operation}, share {group.peak}", table, results)


def summary_part(report: dict[str, Any]) -> Part:
    """A line for each group. Means are geometric."""
    table = [["geometric means", "rows", "slower", "to best other", f"to {PLAIN}", "of the roof"]]
    for key, results in by_key(report["results"]).items():
        found = summary(results)
        means = ["-" if value is None else f"{significant(value)}x" for value in (found.best, found.plain)]
        roof = "-" if found.of_peak is None else f"{found.of_peak:.0%}"
        table.append([short_title(key), f"{found.rows}", f"{found.slower}", *means, roof])
    return Part("Summary: how many times as fast", table)


def worst_part(report: dict[str, Any]) -> Part:
    """Where the reference is behind."""
    table = [["", "threads", "times as fast", "as", "verdict"]]
    for result in worst(report["results"]):
        best, times, said = best_cells(result)
        table.append([result["row"], f"{result['threads']}", times, best, said])
    return Part("Rows that are behind the best other, the worst first", table)


def roofs_part(roofs: list[dict[str, Any]]) -> Part:
    table = [["roof", *(threads_text(roof["threads"]) for roof in roofs)]]
    table.append(["FMA, GFLOP/s", *(f"{roof['flops'] / 1e9:.0f}" for roof in roofs)])
    for level, streams in (roofs[0]["streams"] if roofs else {}).items():
        for name in streams:
            speeds = [roof["streams"][level][name] for roof in roofs]
            table.append([f"{name}, {level}, GB/s", *(f"{speed / 1e9:.0f}" for speed in speeds)])
    table += [[f"empty {what}, us", *(f"{roof[what] * 1e6:.2f}" for roof in roofs)] for what in ("team", "call")]
    return Part("Roofs measured in this run", table if roofs else [])


def threads_part(results: list[Result]) -> Part:
    """Steps with each number of threads."""
    names = list(dict.fromkeys(name for result in results for name in (*numbers(result), AUTO)))
    table = [["us a step", *names, "of FMA peak", "slower with more"]]
    for result in results:
        times = [microseconds(result, name) for name in names]
        said = [f"{name} {change.ratio:.2f}x" for name, change in slower_with_more(result).items()]
        table.append([result["row"].removeprefix("threads: "), *times, peak_text(result), ", ".join(said) or "no"])
    return Part(f"Threads, and where more take surely over {MORE:.2f}x the time of the best with fewer", table)


def package_part(package: dict[str, Any] | None) -> Part:
    """What importing and installing costs, for us and for the peers that are libraries; beyond NumPy."""
    table = [["", "import, ms", "installed, MB", "wheel, MB"]]
    for name, cost in {"fastopt": package, **package["peers"]}.items() if package else ():
        sizes = [cost["installed_bytes"], cost.get("wheel_bytes")]
        cells = ["-" if size is None else significant(size / 1e6) for size in sizes]
        table.append([name, f"{cost['import_seconds'] * 1e3:.0f}", *cells])
    return Part("Import and size, beyond NumPy", table)


def parts(report: dict[str, Any], brief: bool = False) -> list[Part]:
    """With all peers; or ``brief``, the best of them, and what all rows come to at the end."""
    means = [summary_part(report), worst_part(report)]
    groups = [(best_peer if brief else all_peers)(*group) for group in by_key(report["results"]).items()]
    side = [roofs_part(report["roofs"]), threads_part(report["threads"]), package_part(report["package"])]
    found = [*side, *groups, *reversed(means)] if brief else [*means, *groups, *side]
    return [part for part in found if len(part.table) > 1]


def machine_text(report: dict[str, Any]) -> str:
    """On what, with what."""
    machine = report["machine"]
    isas = {peer: f" ({isa})" if isa and peer != OURS else "" for peer, isa in report["isas"].items()}
    versions = ", ".join(f"{peer} {version}{isas.get(peer, '')}" for peer, version in report["versions"].items())
    held = "" if report["isa"] == NATIVE else f", to which all are held, but for {NOT_HELD}"
    isa = f" ({report['roofs'][0]['isa']}{held})" if report["roofs"] else ""
    processors = f"{machine['processors']} processors of {machine['processor']}{isa}"
    return f"{machine['date']}, {processors}; Python {machine['python']}, {versions}."


def notes(report: dict[str, Any]) -> list[str]:
    """Whether to believe it, how to read the numbers, and what is missing."""
    lines = [
        verdict(report),
        f"{report['rounds']} rounds A B B A; medians. A ratio is how many times as fast the reference is: "
        "the median of the ratios of neighbouring turns, with its 95 % bootstrap interval.",
    ]
    if report["unset"]:
        unset = ", ".join(f"{name}={value}" for name, value in report["unset"].items())
        lines.append(f"Not passed on, so that every library chooses its own instructions: {unset}.")
    if any(map(is_noisy, report["results"])):
        lines.append("~ marks what was too noisy to say by how much; unclear: not even which way.")
    return [*lines, *left_out(report["skipped"])]


def left_out(skipped: dict[str, str]) -> list[str]:
    """A line for each peer and reason, with the rows, or how many they are."""
    rows: dict[tuple[str, str], list[str]] = {}
    for what, why in skipped.items():
        peer, _, row = what.partition(" at ")
        rows.setdefault((peer, why), []).append(row)
    named = {key: ", ".join(names) if len(names) <= NAMED else f"{len(names)} rows" for key, names in rows.items()}
    return [f"Left out: {peer}{at and ' at '}{at}: {why}." for (peer, why), at in named.items()]
