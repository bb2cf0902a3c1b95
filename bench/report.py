"""The results as aligned text for a terminal and as Markdown: the same tables, drawn twice."""

from collections.abc import Iterator
from typing import Any

from .groups import GROUPS

Table = tuple[str, list[list[str]]]


def significant(number: float) -> str:
    """Three digits, without an exponent."""
    return f"{number:.0f}" if number >= 100 else f"{number:.{1 if number >= 10 else 2}f}"


def mark(interval: dict[str, Any]) -> str:
    return " ~" if interval["noisy"] else ""


def peer_cell(result: dict[str, Any], peer: str) -> str:
    """Time, and how many times as fast the reference is."""
    own = result["peers"].get(peer)
    if own is None:
        return "-"
    wrong = "" if own["agrees"] else " !"
    times = f" ({own['ratio']['ratio']:.2f}x)" if "ratio" in own else ""
    return f"{significant(own['seconds'] * 1e6)}{times}{wrong}"


def best_cells(result: dict[str, Any]) -> list[str]:
    """The fastest of the others, the ratio with its interval, and whether the reference is faster."""
    others = {peer: own["ratio"] for peer, own in result["peers"].items() if "ratio" in own and own["agrees"]}
    if not others:
        return ["-", "-"]
    best = min(others, key=lambda peer: others[peer]["ratio"])
    found = others[best]
    interval = f"{found['ratio']:.2f}x [{found['low']:.2f}, {found['high']:.2f}]"
    return [f"{interval} {best}", found["verdict"] + mark(found)]


def results_table(title: str, results: list[dict[str, Any]]) -> Table:
    peers = list(dict.fromkeys(peer for result in results for peer in result["peers"]))
    reference = results[0]["reference"]
    group = GROUPS[results[0]["group"]]
    table = [["row", *peers, f"best other / {reference}", "verdict", group.peak, group.check]]
    for result in results:
        peak = f"{result['of_peak']['ratio']:.0%}{mark(result['of_peak'])}" if "of_peak" in result else "-"
        value = result["peers"][reference]["check"]
        table.append([result["row"], *(peer_cell(result, p) for p in peers), *best_cells(result), peak, f"{value:.3g}"])
    return title, table


def roofs_table(roofs: list[dict[str, Any]]) -> Table:
    table = [["roof", *(f"{roof['threads']} threads" if roof["threads"] > 1 else "1 thread" for roof in roofs)]]

    table.append(["FMA, GFLOP/s", *(f"{roof['flops'] / 1e9:.0f}" for roof in roofs)])
    for level, streams in roofs[0]["streams"].items():
        for name in streams:
            speeds = [roof["streams"][level][name] for roof in roofs]
            table.append([f"{name}, {level}, GB/s", *(f"{speed / 1e9:.0f}" for speed in speeds)])
    table.append(["empty team, us", *(f"{roof['team'] * 1e6:.2f}" for roof in roofs)])
    table.append(["empty call, us", *(f"{roof['call'] * 1e6:.2f}" for roof in roofs)])
    return "Roofs measured in this run", table


def package_table(package: dict[str, Any]) -> Table:
    table = [["package", ""], ["import beyond NumPy, ms", f"{package['import_seconds'] * 1e3:.0f}"]]
    if package["wheel_bytes"] is not None:
        table.append(["wheel, MB", f"{package['wheel_bytes'] / 1e6:.2f}"])
    return "Package", table


def tables(report: dict[str, Any]) -> Iterator[Table]:
    if report["roofs"]:
        yield roofs_table(report["roofs"])
    keys = dict.fromkeys((r["group"], r["dtype"], r["threads"]) for r in report["results"])
    for group, dtype, threads in keys:
        chosen = [r for r in report["results"] if (r["group"], r["dtype"], r["threads"]) == (group, dtype, threads)]
        count = f"{threads} threads" if threads > 1 else "1 thread"
        title = f"{GROUPS[group].title}: microseconds a {GROUPS[group].operation} ({dtype}, {count})"
        yield results_table(title, chosen)
    if report["package"]:
        yield package_table(report["package"])


def is_noisy(result: dict[str, Any]) -> bool:
    return any(own["ratio"]["noisy"] for own in result["peers"].values() if "ratio" in own)


def notes(report: dict[str, Any]) -> list[str]:
    machine = report["machine"]
    versions = ", ".join(f"{peer} {version}" for peer, version in report["versions"].items())
    isa = f", {report['roofs'][0]['isa']}" if report["roofs"] else ""
    lines = [
        f"{machine['date']}, {machine['processor']}, {machine['processors']} processors{isa}, "
        f"load {machine['load']:.1f} at the start; Python {machine['python']}, {versions}.",
        f"{report['rounds']} rounds A B B A; medians; (2.00x) is how many times as fast the reference is: "
        "the median of the ratios of neighbouring turns, with its 95 % bootstrap interval.",
    ]
    if report["unset"]:
        unset = ", ".join(f"{name}={value}" for name, value in report["unset"].items())
        lines.append(f"Not passed on, so that every library chooses its own instructions: {unset}.")
    if any(not own["agrees"] for result in report["results"] for own in result["peers"].values()):
        lines.append("! marks a result that does not agree with the reference: its time means nothing.")
    if noisy := sum(map(is_noisy, report["results"])):
        lines.append(
            "~ marks what was too noisy to say by how much; unclear: not even which way. "
            f"{noisy} of {len(report['results'])} rows have such a comparison: run them again on a quieter machine."
        )
    lines += [f"Left out: {what}: {why}." for what, why in report["skipped"].items()]
    return lines


def as_text(report: dict[str, Any]) -> str:
    parts = ["\n".join(notes(report))]
    for title, table in tables(report):
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [
            "  ".join([first.ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(cells, widths[1:], strict=True))])
            for first, *cells in table
        ]
        parts.append("\n".join([title, lines[0], "-" * len(lines[0]), *lines[1:]]))
    return "\n\n".join(parts)


def as_markdown(report: dict[str, Any]) -> str:
    parts = ["# Benchmark", *notes(report)]
    for title, (head, *body) in tables(report):
        rule = ["---", *["---:"] * (len(head) - 1)]
        parts.append(f"## {title}\n\n" + "\n".join(f"| {' | '.join(cells)} |" for cells in [head, rule, *body]))
    return "\n\n".join(parts) + "\n"
