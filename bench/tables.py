"""The results as tables of text, in the words of ``groups.py``; how they are drawn is the business of others."""

from collections.abc import Iterator
from typing import Any

from .groups import GROUPS
from .isa import NATIVE, NOT_HELD
from .noise import is_noisy, verdict
from .package import OURS
from .summary import PLAIN, Key, Result, best_other, by_key, summary, worst
from .threads import AUTO, MORE, numbers, slower_with_more

Table = tuple[str, list[list[str]]]

NAMED = 3  # rows that a peer leaves out for one reason; more are counted


def significant(number: float) -> str:
    """Three digits, without an exponent."""
    return f"{number:.0f}" if number >= 100 else f"{number:.{1 if number >= 10 else 2}f}"


def threads_text(count: int) -> str:
    return f"{count} threads" if count > 1 else "1 thread"


def mark(interval: dict[str, Any]) -> str:
    return " ~" if interval["noisy"] else ""


def interval_text(interval: dict[str, Any]) -> str:
    return f"{significant(interval['ratio'])} [{significant(interval['low'])}, {significant(interval['high'])}]"


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


def unit(key: Key) -> str:
    return f"us a {GROUPS[key[0]].operation}"


def title_of(key: Key) -> str:
    return f"{short_title(key)}: {unit(key)}"


def peer_cell(result: Result, peer: str) -> str:
    """Time, and how many times as fast the reference is."""
    own = result["peers"].get(peer)
    if own is None:
        return "-"
    times = f" ({own['ratio']['ratio']:.2f}x)" if "ratio" in own else ""
    return f"{significant(own['seconds'] * 1e6)}{times}"


def best_cells(result: Result) -> list[str]:
    """The time of the fastest of the others, its name, the ratio with its interval, and what follows from it."""
    found = best_other(result)
    if found is None:
        return ["-"] * 4
    best, ratio = found
    seconds = result["peers"][best]["seconds"]
    return [significant(seconds * 1e6), best, interval_text(ratio), ratio["verdict"] + mark(ratio)]


def short_table(report: dict[str, Any]) -> Table:
    """The reference and the best of the others; a line of one cell is the heading of a group."""
    references = dict.fromkeys(result["reference"] for result in report["results"])
    table = [["", " / ".join(references), "best", "other", "times as fast", "", "share"]]
    for key, results in by_key(report["results"]).items():
        table.append([f"{title_of(key)}, share {GROUPS[key[0]].peak}"])
        for result in results:
            own = significant(result["peers"][result["reference"]]["seconds"] * 1e6)
            table.append([f"  {result['row']}", own, *best_cells(result), peak_text(result)])
    return "Times in microseconds", table


def full_table(key: Key, results: list[Result]) -> Table:
    """All peers."""
    peers = list(dict.fromkeys(peer for result in results for peer in result["peers"]))
    reference, group = results[0]["reference"], GROUPS[key[0]]
    table = [["row", *peers, "best other", f"best other / {reference}", "verdict", group.peak, group.check]]
    for result in results:
        value = result["peers"][reference]["check"]
        times, cells = [peer_cell(result, peer) for peer in peers], best_cells(result)[1:]
        table.append([result["row"], *times, *cells, peak_text(result), f"{value:.3g}"])
    return title_of(key), table


def summary_table(report: dict[str, Any]) -> Table:
    """A line for each group. Means are geometric."""
    table = [["geometric means", "rows", "slower", "to best other", f"to {PLAIN}", "of the roof"]]
    for key, results in by_key(report["results"]).items():
        found = summary(results)
        means = ["-" if value is None else f"{significant(value)}x" for value in (found.best, found.plain)]
        roof = "-" if found.of_peak is None else f"{found.of_peak:.0%}"
        table.append([short_title(key), f"{found.rows}", f"{found.slower}", *means, roof])
    return "Summary: how many times as fast", table


def worst_table(report: dict[str, Any]) -> Table:
    """Where the reference is behind."""
    table = [["", "threads", "times as fast", "as", "verdict"]]
    for result in worst(report["results"]):
        _, *cells = best_cells(result)
        table.append([f"{result['row']}", f"{result['threads']}", cells[1], cells[0], cells[2]])
    return "Rows that are behind the best other, the worst first", table


def roofs_table(roofs: list[dict[str, Any]]) -> Table:
    table = [["roof", *(threads_text(roof["threads"]) for roof in roofs)]]
    table.append(["FMA, GFLOP/s", *(f"{roof['flops'] / 1e9:.0f}" for roof in roofs)])
    for level, streams in roofs[0]["streams"].items():
        for name in streams:
            speeds = [roof["streams"][level][name] for roof in roofs]
            table.append([f"{name}, {level}, GB/s", *(f"{speed / 1e9:.0f}" for speed in speeds)])
    table.append(["empty team, us", *(f"{roof['team'] * 1e6:.2f}" for roof in roofs)])
    table.append(["empty call, us", *(f"{roof['call'] * 1e6:.2f}" for roof in roofs)])
    return "Roofs measured in this run", table


def roofs_text(roof: dict[str, Any]) -> str:
    """The same in a line, without what only some rows are compared with."""
    copies = ", ".join(f"{streams['copy'] / 1e9:.0f} in {level}" for level, streams in roof["streams"].items())
    calls = f"an empty team {roof['team'] * 1e6:.2g} us, an empty call {roof['call'] * 1e6:.2g} us"
    title = f"Roofs with {threads_text(roof['threads'])}"
    return f"{title}: {roof['flops'] / 1e9:.0f} GFLOP/s; copies, GB/s: {copies}; {calls}."


def threads_table(report: dict[str, Any]) -> Table:
    """Steps with each number of threads."""
    names = dict.fromkeys(name for result in report["threads"] for name in (*numbers(result), AUTO))
    table = [["us a step", *names, "of FMA peak", "slower with more"]]
    for result in report["threads"]:
        own = [result["peers"].get(name) for name in names]
        times = [significant(one["seconds"] * 1e6) if one else "-" for one in own]
        said = [f"{name} {change.ratio:.2f}x" for name, change in slower_with_more(result).items()]
        table.append([result["row"].removeprefix("threads: "), *times, peak_text(result), ", ".join(said) or "no"])
    return f"Threads, and where more take surely over {MORE:.2f}x the time of the best with fewer", table


def package_table(package: dict[str, Any]) -> Table:
    """What importing and installing costs, for us and for the peers that are libraries; beyond NumPy."""
    table = [["", "import, ms", "installed, MB", "wheel, MB"]]
    for name, cost in {"fastopt": package, **package["peers"]}.items():
        sizes = [cost["installed_bytes"], cost.get("wheel_bytes")]
        cells = ["-" if size is None else significant(size / 1e6) for size in sizes]
        table.append([name, f"{cost['import_seconds'] * 1e3:.0f}", *cells])
    return "Import and size, beyond NumPy", table


def result_tables(report: dict[str, Any]) -> Iterator[Table]:
    """With all peers."""
    for key, results in by_key(report["results"]).items():
        yield full_table(key, results)


def side_tables(report: dict[str, Any]) -> Iterator[Table]:
    """Of the machine and of the package."""
    if report["roofs"]:
        yield roofs_table(report["roofs"])
    if report["threads"]:
        yield threads_table(report)
    if report["package"]:
        yield package_table(report["package"])


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
    """How to read the numbers, and what is missing."""
    lines = [
        f"{report['rounds']} rounds A B B A; medians. A ratio is how many times as fast the reference is: "
        "the median of the ratios of neighbouring turns, with its 95 % bootstrap interval.",
    ]
    if report["unset"]:
        unset = ", ".join(f"{name}={value}" for name, value in report["unset"].items())
        lines.append(f"Not passed on, so that every library chooses its own instructions: {unset}.")
    if any(map(is_noisy, report["results"])):
        lines.append("~ marks what was too noisy to say by how much; unclear: not even which way.")
    return [verdict(report), *lines, *left_out(report["skipped"])]


def left_out(skipped: dict[str, str]) -> list[str]:
    """A line for each peer and reason, with the rows, or how many they are."""
    rows: dict[tuple[str, str], list[str]] = {}
    for what, why in skipped.items():
        peer, _, row = what.partition(" at ")
        rows.setdefault((peer, why), []).append(row)
    named = {key: ", ".join(names) if len(names) <= NAMED else f"{len(names)} rows" for key, names in rows.items()}
    return [f"Left out: {peer}{at and ' at '}{at}: {why}." for (peer, why), at in named.items()]
