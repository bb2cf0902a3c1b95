"""The benchmark suite: it measures and checks; what it concludes from measurements that are made up, and writes."""

import json
import math
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from bench.__main__ import QUICK, arguments
from bench.__main__ import main as bench
from bench.compare import compare
from bench.groups import GROUPS
from bench.interval import geometric_mean, paired, slope, unpaired
from bench.isa import LEVELS, RESTRAINTS, check, restriction
from bench.kernel import Kernel
from bench.machine import cpu_count
from bench.markdown import as_markdown
from bench.measure import as_json, ready
from bench.models import Models
from bench.noise import reasons, verdict
from bench.peers import ROOF
from bench.peers.fastopt import kernel as fastopt_kernel
from bench.peers.fastopt import models as fastopt_models
from bench.peers.fastopt import training as fastopt_training
from bench.peers.numpy import kernel as numpy_kernel
from bench.peers.numpy import models as numpy_models
from bench.peers.numpy import training as numpy_training
from bench.process import PeerError, environment
from bench.progress import Progress
from bench.readme import BEGIN, END, rewritten
from bench.report import as_json as as_file
from bench.report import load, publish
from bench.rows import KERNELS, LOGISTIC, ROWS
from bench.run import plan, powers_of_two
from bench.summary import summary, worst
from bench.text import WIDTH, as_text
from bench.threads import slower_with_more
from bench.training import Training

import fastopt

ROOT = Path(__file__).parents[2]
TURNS = 14
SHORT = ["--turn", "0.02"]


# One of each kind that does not take NumPy long.
MEASURED = [
    "forward 32x32x32",
    "4-32-32-2 / 32",
    "adam 8x12500",
    "layer norm 256x64",
    "predict 1 of 784-64-16-10",
    "train_on_batch 32 of 4-64-64-2",
    "own loop 32 of 4-64-64-2 squared error",
]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str, str]:
    """The report of a run of all these, what it printed, and its Markdown."""
    out = tmp_path_factory.mktemp("bench") / "results.json"
    options = [
        *SHORT,
        "--quick",
        "--peers",
        "fastopt,numpy",
        "--threads",
        "1",
        "--only",
        ",".join(MEASURED),
        "--out",
        str(out),
    ]
    done = subprocess.run([sys.executable, "-m", "bench", *options], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return load(out), done.stdout, out.with_suffix(".md").read_text()


def test_measures_what_is_named(measured: tuple[dict[str, Any], str, str]) -> None:
    report, _, _ = measured
    assert report["skipped"] == {}
    assert sorted(result["row"] for result in report["results"]) == sorted(MEASURED)
    assert [roof["threads"] for roof in report["roofs"]] == [roof["threads"] for roof in report["roofs_after"]] == [1]


@pytest.mark.parametrize("row", MEASURED)
def test_measures_and_checks_a_row(measured: tuple[dict[str, Any], str, str], row: str) -> None:
    report, printed, markdown = measured
    [result] = [result for result in report["results"] if result["row"] == row]
    assert all(peer["seconds"] > 0 for peer in result["peers"].values())
    interval = result["peers"]["numpy"]["ratio"]
    assert 0 < interval["low"] <= interval["ratio"] <= interval["high"]
    assert row[:24] in printed  # the end of a long name gives way to the marks of noise
    assert f"| {row} |" in markdown


def test_numbers_of_threads_are_measured_side_by_side(tmp_path: Path) -> None:
    out = tmp_path / "results.json"
    row = "threads: 4-32-32-2 / 32"
    options = [*SHORT, "--peers", "fastopt", "--threads", "1,2", "--rounds", "1", "--only", row, "--out", str(out)]
    done = subprocess.run([sys.executable, "-m", "bench", *options], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report = load(out)
    assert report["results"] == []
    (result,) = report["threads"]
    assert list(result["peers"]) == ["auto", "1 thread", "2 threads"]
    for written in (done.stdout, out.with_suffix(".md").read_text()):
        assert "slower with more" in written


def test_another_build_is_a_peer(tmp_path: Path) -> None:
    """It is imported from the folder that is given, here one with this build under another version."""
    package = Path(fastopt.__file__).parent
    other = f"__path__ = [{str(package)!r}]\nexec(open({fastopt.__file__!r}).read())\n__version__ = 'other'\n"
    (tmp_path / "fastopt").mkdir()
    (tmp_path / "fastopt" / "__init__.py").write_text(other)
    out = tmp_path / "results.json"
    options = [*SHORT, "--against", str(tmp_path), "--quick", "--only", "forward 32x32x32", "--out", str(out)]
    done = subprocess.run([sys.executable, "-m", "bench", *options], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report = load(out)
    assert list(report["results"][0]["peers"]) == ["fastopt", "before"]
    assert report["versions"] == {"fastopt": fastopt.__version__, "before": f"other of {tmp_path}"}


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_run_keeps_what_it_has(tmp_path: Path, ending: signal.Signals) -> None:
    out = tmp_path / "new" / "results.json"
    options = ["--peers", "fastopt", "--threads", "1", "--only", "adam 8x12500,adam 1x1000", "--rounds", "1000"]
    command = [sys.executable, "-m", "bench", *options, "--out", str(out)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while process.stderr.read(1) != "%":  # of the bar, which is drawn when it is measuring
            pass
        process.send_signal(ending)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 130, error
    assert load(out)["results"] == []
    assert out.with_suffix(".md").read_text().startswith("# Benchmark")


@pytest.mark.parametrize("regression", [False, True])
@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_peers_train_alike(activation: Literal["relu", "tanh"], batch_norm: bool, regression: bool) -> None:
    """Without an order of the samples the loss is the same but for rounding."""
    row = Training((4, 8, 8, 3), 64, 64, 30, activation, batch_norm=batch_norm, regression=regression)
    data = row.data("float64")
    losses = []
    for peer in (fastopt_training, numpy_training):
        job = peer.prepare(row, data)
        job.run(row.count)
        losses.append(row.check(data, job.result()))
    ours, theirs = losses
    assert ours < row.check(data, data.weights)
    assert ours == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("way", ["one by one", "side by side"])
def test_peers_train_many_models_alike(way: Literal["one by one", "side by side"]) -> None:
    row = Models(Training((4, 8, 3), 32, 32, 20), 3, way)
    data = row.data("float64")
    losses = []
    for peer in (fastopt_models, numpy_models):
        job = peer.prepare(row, data)
        assert job.run(row.count) > 0
        losses.append(row.check(data, job.result()))
    assert losses[0] < row.check(data, [model.weights for model in data])
    assert losses[0] == pytest.approx(losses[1], rel=1e-9)
    assert row.agrees(*losses, "float64")


def smallest(rows: list[Kernel]) -> list[Kernel]:
    """A row of each operation."""
    by_size = sorted(rows, key=lambda row: -math.prod(row.shape))
    return list({(row.operation, row.activation): row for row in by_size}.values())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("row", smallest(KERNELS), ids=lambda row: row.name)
def test_kernels_are_checked_by_numpy_in_float64(row: Kernel, dtype: str) -> None:
    """Ours pass, and so do NumPy's own in float32; a result that is a little wrong does not."""
    data = row.data(dtype)
    for peer in (fastopt_kernel, numpy_kernel):
        job = peer.prepare(row, data)
        if job is None:
            assert (peer, row.activation, dtype) == (numpy_kernel, "gelu", "float64")
            continue
        job.run(1)
        results = job.result()
        assert row.agrees(row.check(data, results), 0, dtype)
        results[-1].flat[-1] += 0.01 * np.abs(results[-1]).max()
        assert not row.agrees(row.check(data, results), 0, dtype)


class FakeProcess:
    """A peer of short turns that gives this value when it is checked, or fails if there is none."""

    def __init__(self, value: float | None) -> None:
        self.value = value
        self.asked: list[object] = []

    def ask(self, *command: object) -> Any:
        self.asked.append(command[0])
        if self.value is None:
            raise PeerError("out of memory")
        return 0.1 if command[0] == "run" else self.value


@pytest.mark.parametrize(
    ("values", "able", "left_out"),
    [
        ({"fastopt": 0.3, "numpy": 0.31, ROOF: 0.0}, ["fastopt", "numpy", ROOF], []),
        ({"fastopt": 0.3, "numpy": 0.7}, ["fastopt"], ["numpy"]),
        ({"fastopt": 0.3, "numpy": float("nan")}, ["fastopt"], ["numpy"]),
        ({"fastopt": 0.3, "numpy": None, "torch": 0.3}, ["fastopt", "torch"], ["numpy"]),
        ({"fastopt": None, "numpy": 0.3}, [], ["fastopt"]),
        ({"fastopt": float("nan"), "numpy": 0.3}, [], ["fastopt"]),
    ],
)
def test_peers_are_checked_before_they_are_timed(
    values: dict[str, float | None], able: list[str], left_out: list[str]
) -> None:
    processes: Any = {peer: FakeProcess(value) for peer, value in values.items()}
    found, reasons = ready(ROWS["4-32-32-2 / 32"], "float32", processes)
    assert list(found) == able
    assert list(reasons) == left_out
    for peer in able:
        assert processes[peer].asked == (["open"] if peer == ROOF else ["open", "run", "check"])
        assert found[peer].count == ROWS["4-32-32-2 / 32"].count


@pytest.mark.parametrize(
    ("peer", "reference", "said", "noisy"),
    [
        ([2.0] * 14, [1.0] * 14, "faster", False),
        ([1.0] * 14, [2.0] * 14, "slower", False),
        ([1.0, 1.02] * 7, [1.02, 1.0] * 7, "level", False),
        ([0.5, 2.0] * 7, [1.0] * 14, "unclear", True),
        ([1.5, 3.0] * 7, [1.0] * 14, "faster", True),
    ],
)
def test_verdict_of_known_turns(peer: list[float], reference: list[float], said: str, noisy: bool) -> None:
    interval = paired(peer, reference)
    assert (interval.verdict, interval.noisy) == (said, noisy)
    assert interval.low <= interval.ratio <= interval.high


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Of a ratio of 2 with noise of 5 %; a bootstrap of so few turns is somewhat less sure than it says."""
    rng = np.random.default_rng(0)
    for find in (paired, unpaired):
        draws = np.exp(rng.normal(0, 0.05, (200, 2, TURNS)))
        intervals = [find(2 * a, b) for a, b in draws]
        assert np.mean([i.low <= 2 <= i.high for i in intervals]) > 0.88
        assert np.median([i.high / i.low for i in intervals]) < 1.15


def test_means_and_slopes() -> None:
    assert geometric_mean([0.5, 2, 8]) == pytest.approx(2)
    sizes = np.array([10, 100, 1000])
    assert slope(sizes, 3 * sizes**1.5) == pytest.approx(1.5)


def result(name: str, factor: float = 1.0, spread: float = 0.01, value: int = 0) -> dict[str, Any]:
    """Our time is that of NumPy / 4 and of PyTorch / 2, times the factor; half of the roof."""
    rng = np.random.default_rng(sum(map(ord, name)))
    taken = {
        peer: seconds * np.exp(rng.normal(0, spread, TURNS))
        for peer, seconds in {"fastopt": 1e-4 * factor, "torch": 2e-4, "numpy": 4e-4, ROOF: 5e-5}.items()
    }
    roof = taken.pop(ROOF)
    peers: dict[str, dict[str, Any]] = {
        peer: {"seconds": float(np.median(times)), "check": 0.1, "turns": times.tolist()}
        for peer, times in taken.items()
    }
    for peer in ("torch", "numpy"):
        peers[peer]["ratio"] = as_json(paired(taken[peer], taken["fastopt"]))
    return {
        "row": name,
        "group": "scaling" if value else "training",
        "dtype": "float32",
        "threads": 2,
        "point": {"curve": "batches", "axis": "samples", "value": value} if value else None,
        "reference": "fastopt",
        "peers": peers,
        "of_peak": {**as_json(paired(np.full(TURNS, roof.min()), taken["fastopt"])), "turns": roof.tolist()},
    }


def made_up(*results: dict[str, Any], scale: float = 1.0) -> dict[str, Any]:
    """A report; every time is scaled, as on another machine."""
    for one in results:
        for turns in [*(peer for peer in one["peers"].values()), one["of_peak"]]:
            turns["turns"] = [scale * seconds for seconds in turns["turns"]]
    roof = {
        "isa": "x86-64-v3",
        "threads": 2,
        "flops": 1e11,
        "streams": {level: {"copy": 1e10} for level in ("L2", "L3", "memory")},
        "team": 1e-6,
        "call": 1e-8,
    }
    return {
        "machine": {"date": "2026-01-02", "processor": "A processor", "processors": 2, "load": 0.0, "python": "3.11"},
        "isa": "native",
        "rounds": TURNS // 2,
        "unset": {},
        "versions": {"fastopt": "1", "torch": "2", "numpy": "3"},
        "isas": {"fastopt": "x86-64-v3", "torch": "AVX2", "numpy": ""},
        "skipped": {"numpy at b": "out of memory"},
        "roofs": [roof],
        "roofs_after": [json.loads(json.dumps(roof))],
        "results": list(results),
        "threads": [],
        "package": {
            "import_seconds": 0.1,
            "installed_bytes": 4_000_000,
            "wheel_bytes": None,
            "peers": {"torch": {"import_seconds": 2.0, "installed_bytes": None}},
        },
    }


@pytest.fixture
def report() -> dict[str, Any]:
    """One row is three times as slow as the others."""
    curve = [result(f"batch {n}", value=n) for n in (8, 16, 32, 64)]
    return made_up(result("a & <b>" + " and more" * 10), result("slow", 3.0), *curve)


def test_summary(report: dict[str, Any]) -> None:
    found = summary(report["results"])
    assert (found.rows, found.slower) == (6, 1)
    assert found.best == pytest.approx(2 / 3 ** (1 / 6), rel=0.02)
    assert found.plain == pytest.approx(4 / 3 ** (1 / 6), rel=0.02)
    assert [one["row"] for one in worst(report["results"])] == ["slow"]


@pytest.mark.parametrize("factor", [1.3, 1 / 1.3])
def test_noise(report: dict[str, Any], factor: float) -> None:
    assert reasons(report) == []
    assert verdict(report).startswith("The machine was quiet: roofs moved by at most 0%, 0 of 6 rows")
    report["machine"]["load"] = 3.0
    report["roofs_after"][0]["streams"]["L3"]["copy"] *= factor
    report["results"] += [result(f"noisy {i}", spread=0.5) for i in range(6)]
    load_high, moved, noisy = reasons(report)
    assert "3.0" in load_high
    assert "copy, L3 (2 threads) by a factor of 1.30" in moved
    assert "of 12 rows" in noisy
    assert verdict(report).startswith("The machine was too noisy")


def with_threads(*factors: float) -> dict[str, Any]:
    """A row of as many entrants, which take so many times as long: its own choice, and 1, 2, ... threads."""
    names = ["auto", "1 thread", *(f"{count} threads" for count in range(2, len(factors)))]
    peers = {name: result(name, factor)["peers"]["fastopt"] for name, factor in zip(names, factors, strict=True)}
    return {**result("threads: x"), "reference": "auto", "peers": peers}


@pytest.mark.parametrize(
    ("factors", "slower"),
    [
        ((1.0, 2.0, 1.0), {}),
        ((1.0, 1.0, 1.03), {}),
        ((1.0, 1.0, 1.2, 0.9), {"2 threads": 1.2, "auto": 1.11}),
        ((1.3, 1.5, 1.0, 1.2), {"3 threads": 1.2, "auto": 1.3}),
    ],
)
def test_more_threads_that_are_slower(factors: tuple[float, ...], slower: dict[str, float]) -> None:
    """Than the best with fewer; the own choice is compared with the best of all."""
    found = slower_with_more(with_threads(*factors))
    assert {name: change.ratio for name, change in found.items()} == pytest.approx(slower, rel=0.03)


def test_plan() -> None:
    """Products on one thread too; networks with numbers of threads in a part of their own, by fastopt alone."""
    assert [powers_of_two(most) for most in (1, 2, 6, 8)] == [[1], [1, 2], [1, 2, 4, 6], [1, 2, 4, 8]]
    rows = [ROWS[name] for name in ("adam 8x12500", "threads: 4-32-32-2 / 32")]
    alone, together = plan(rows, ["fastopt", "numpy"], [2])
    assert (alone.threads, list(alone.entrants), alone.rows) == (2, ["fastopt", "numpy", ROOF], rows[:1])
    assert (together.threads, list(together.entrants), together.rows) == (2, ["auto", "2 threads", ROOF], rows[1:])
    both = [part.threads for part in plan([ROWS["fit of iris by Adam"]], ["fastopt"], [])]
    assert both == sorted({1, cpu_count()})


def test_instruction_set_of_a_run(monkeypatch: pytest.MonkeyPatch, report: dict[str, Any]) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    monkeypatch.setenv("NPY_DISABLE_CPU_FEATURES", "AVX2")
    assert not RESTRAINTS & environment(1, "native").keys()
    found = {"SIMD Extensions": {"found": ["SSE42", "AVX2", "FMA3", "X86_V3", "AVX512F", "X86_V4"]}}
    monkeypatch.setattr("bench.isa.np.show_config", lambda mode: found)
    own = environment(1, "v3")
    assert own["NPY_DISABLE_CPU_FEATURES"] == "AVX512F X86_V4"
    assert (own["FASTOPT_ISA"], own["OPENBLAS_CORETYPE"], own["ATEN_CPU_CAPABILITY"]) == (
        "x86-64-v3",
        "Haswell",
        "avx2",
    )
    assert restriction("v2")["NPY_DISABLE_CPU_FEATURES"] == "AVX2 FMA3 X86_V3 AVX512F X86_V4"
    assert all(restriction(level).keys() <= RESTRAINTS for level in LEVELS)
    monkeypatch.setattr("fastopt._core.runtime.isas", lambda: ["x86-64-v3"])
    check("v3")
    with pytest.raises(ValueError, match=r"x86-64-v4 is not there: .* have x86-64-v3"):
        check("v4")
    report["isa"] = "v3"
    for written in (as_text(report), as_markdown(report)):
        assert "(x86-64-v3, to which all are held, but for " in " ".join(written.split())
        assert "torch 2 (AVX2), numpy 3." in " ".join(written.split())
        assert "YNNPACK" in written


def test_text_and_markdown(report: dict[str, Any]) -> None:
    report["results"] += [{**result("x"), "group": group} for group in GROUPS]
    report["threads"] = [with_threads(1.0, 1.0, 2.0)]
    report["skipped"] |= {f"numpy at {row}": "no erf" for row in range(4)} | {"torch": "not installed"}
    text, markdown = as_text(report), as_markdown(report)
    assert max(map(len, text.splitlines())) <= WIDTH
    for written in (text, markdown):
        assert re.search(r"\Wx .*2 threads 2.\d\dx", written)
        assert re.search(r"\d\d% \+\d\d\.\d\W", written)
        assert "A processor" in written
        for expected in ("numpy at b: out of memory", "numpy at 4 rows: no erf", "torch: not installed"):
            assert f"Left out: {expected}." in written
        assert re.search(r"slow\W.*torch.*slower", written)
    tables = [[line.count("|") for line in part.splitlines() if line] for part in markdown.split("## ")[1:]]
    assert all(len(set(counts[1:])) == 1 for counts in tables)


class Page(HTMLParser):
    """Texts, and the addresses that a browser would load; every element must be closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loaded: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br"):
            self.open.append(tag)
        self.loaded += [value or "" for name, value in attributes if name in ("src", "href", "xlink:href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_html(report: dict[str, Any], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    out = tmp_path / "results.json"
    peers = report["results"][-1]["peers"]
    peers["before"] = peers["torch"]
    publish(report, out)
    page = Page()
    page.feed(out.with_suffix(".html").read_text())
    assert page.open == []
    assert all(address.startswith("#") for address in page.loaded)
    text = " ".join(page.texts)
    for expected in ("a & <b>", "A processor", "fastopt ~ size^", "before", "us a step"):
        assert expected in text
    assert re.search(r"slow 2 0\.6\d \[[^a-z]*\] torch slower", text)
    before = out.with_suffix(".html").read_text()
    assert bench(["report", str(out)]) == 0
    assert out.with_suffix(".html").read_text() == before


def test_without_matplotlib(
    report: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    publish(report, tmp_path / "results.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results.json", "results.md"]
    assert "pip install 'fastopt[plot]'" in capsys.readouterr().err


def test_results_file_holds_what_was_measured(report: dict[str, Any]) -> None:
    text = as_file(report)
    assert json.loads(text) == report
    assert re.search(r'"turns": \[\d.*, \d.*\]', text)


def test_compare(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = made_up(*(result(name) for name in ("a", "b", "c", "gone")))
    new = made_up(result("a", 1.3), result("b", 0.7), result("c"), result("added"))
    assert {change.new["row"]: change.verdict for change in compare(old, new)} == {
        "a": "slower",
        "b": "faster",
        "c": "level",
    }
    for name, report in (("old", old), ("new", new)):
        (tmp_path / name).write_text(as_file(report))
    assert bench(["compare", str(tmp_path / "old"), str(tmp_path / "new")]) == 1
    text = capsys.readouterr().out
    assert "1 slower, 0 unclear, 1 faster, 1 level." in text
    assert "Only in old: gone (2 threads)." in text
    assert "Only in new: added (2 threads)." in text
    assert max(map(len, text.splitlines())) <= WIDTH
    assert bench(["compare", str(tmp_path / "old"), str(tmp_path / "old")]) == 0


def another_processor(report: dict[str, Any]) -> None:
    report["machine"]["processor"] = "Another"


def another_isa(report: dict[str, Any]) -> None:
    report["roofs"][0]["isa"] = "x86-64-v2"


def held_to_an_isa(report: dict[str, Any]) -> None:
    report["isa"] = "v3"


@pytest.mark.parametrize("change", [another_processor, another_isa, held_to_an_isa])
def test_compare_with_another_machine(change: Callable[[dict[str, Any]], None]) -> None:
    """Half as fast in everything is not slower; against NumPy and the roof it is, wherever that is."""
    old, names = made_up(result("a"), result("b")), {"to numpy", "to the roof"}
    new = made_up(result("a"), result("b", 1.5), scale=2.0)
    change(new)
    changes = {change.new["row"]: change for change in compare(old, new)}
    assert {name: change.verdict for name, change in changes.items()} == {"a": "level", "b": "slower"}
    assert all(set(change.by) == names for change in changes.values())


def test_measures_that_contradict_each_other_are_unclear() -> None:
    """Our time rose, but so did that of NumPy and the roof: the machine was slower."""
    (change,) = compare(made_up(result("a")), made_up(result("a"), scale=1.5))
    assert change.verdict == "unclear"


def test_readme_block_is_written_from_results_files(report: dict[str, Any], tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}anything\n{END}\nafter\n")
    other = json.loads(json.dumps(report))
    another_isa(other)
    reports = {"2026-01-02.json": report, "2026-01-02-v2.json": other}
    for name, each in reports.items():
        (tmp_path / name).write_text(as_file(each))
    assert bench(["readme", *(str(tmp_path / name) for name in reports), "--readme", str(readme)]) == 0
    text = readme.read_text()
    assert text.startswith(f"before\n{BEGIN}\n")
    assert text.endswith(f"\n{END}\nafter\n")
    assert rewritten(text, reports) == text
    words = " ".join(text.split())
    for expected in ("bench/results/2026-01-02.json", "| fastopt | 100 |", "| torch | 2000 |", "### x86-64-v2 "):
        assert words.count(expected) == 1
    for expected in ("| slow | ", "| of FMA peak |", "2026-01-02, 2 processors of A processor", "torch 2 (AVX2)"):
        assert words.count(expected) == 2
    assert "| batch 8 |" not in text
    with pytest.raises(ValueError, match="once each"):
        rewritten("no marks", reports)


def test_readme_says_what_was_measured() -> None:
    """Its block is that of the results files which it names."""
    text = (ROOT / "README.md").read_text()
    names = dict.fromkeys(re.findall(r"\(bench/results/(.+?\.json)\)", text))
    assert names
    assert rewritten(text, {name: load(ROOT / "bench" / "results" / name) for name in names}) == text


def test_options(capsys: pytest.CaptureFixture[str]) -> None:
    quick = arguments("bench", ["--quick"])
    assert [row.name for row in quick.rows] == list(QUICK)
    assert (quick.peers, quick.rounds, len(quick.threads)) == (["fastopt", "numpy"], 2, 1)
    chosen = arguments("bench", ["--only", "adam", "--peers", "numpy,torch", "--threads", "1,2", "--rounds", "3"])
    assert {row.group for row in chosen.rows} == {"update"}
    assert (chosen.peers, chosen.rounds, chosen.threads) == (["fastopt", "numpy", "torch"], 3, [1, 2])
    other = arguments("bench", ["--against", str(Path(fastopt.__file__).parents[1]), "--quick"])
    assert other.peers == ["fastopt", "before"]
    for wrong in (
        ["--peers", "caffe"],
        ["--against", str(ROOT / "tests")],
        ["--only", "sorting"],
        ["--threads", "0"],
        ["--isa", "v5"],
        ["--rounds", "0"],
        ["--out", "x.md"],
    ):
        with pytest.raises(SystemExit):
            arguments("bench", wrong)
        assert wrong[0] in capsys.readouterr().err


def test_time_left_is_estimated_by_group(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    monkeypatch.setattr("bench.progress.time.perf_counter", lambda: now)

    def spend(progress: Progress, seconds: float) -> None:
        nonlocal now
        progress.begin("row")
        now += seconds
        progress.end()

    small, large = ROWS["adam 8x12500"], ROWS["4-32-32-2 / 32"]
    with Progress([small, large, small, large], passes=4) as progress:
        progress.begin("first")
        assert progress.seconds_left() is None
        spend(progress, 1)
        assert progress.seconds_left() == pytest.approx(3)
        spend(progress, 10)
        assert progress.seconds_left() == pytest.approx(11)
        progress.begin("third")
        now += 1
        progress.tick()
        assert progress.seconds_left() == pytest.approx(3 + 10)


def test_rows_of_images_say_what_they_need(monkeypatch):
    monkeypatch.delenv("FASTOPT_DATA_DIR", raising=False)
    with pytest.raises(FileNotFoundError, match="set FASTOPT_DATA_DIR to the folder of t10k-images"):
        LOGISTIC[0].data("float32")
