"""The benchmark suite runs from the command line and writes what it measured."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("row", ["forward 32x32x32", "4-32-32-2 / 32", "adam 8x12500", "layer norm 256x64"])
def test_bench_measures_and_checks_a_row(tmp_path: Path, row: str) -> None:
    out = tmp_path / "results.json"
    options = ["--quick", "--peers", "fastopt,numpy", "--threads", "1", "--only", row, "--out", str(out)]
    done = subprocess.run([sys.executable, "-m", "bench", *options], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text())
    assert report["skipped"] == {}
    (result,) = report["results"]
    assert all(peer["agrees"] and peer["seconds"] > 0 for peer in result["peers"].values())
    interval = result["peers"]["numpy"]["ratio"]
    assert 0 < interval["low"] <= interval["ratio"] <= interval["high"]
    assert row in done.stdout
    assert f"| {row} |" in out.with_suffix(".md").read_text()
