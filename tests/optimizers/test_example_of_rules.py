"""examples/rules.py compares rules, and goes on from the trials that it has kept."""

import runpy
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def test_rules_are_compared(tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib").use("agg")
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.delitem(sys.modules, "trajectories", raising=False)
    example = runpy.run_path(str(EXAMPLES / "rules.py"))
    main = example["main"]
    main.__globals__.update(TRIALS=3, SEEDS=2)
    lowest = main(tmp_path, problems=[example["autoencoder"]], chosen={"Adam", "SGD"})
    assert lowest["autoencoder", "Adam"] < lowest["autoencoder", "SGD"]
    assert capsys.readouterr().out.splitlines()[2].startswith("Adam ")
    names = {path.name for path in tmp_path.iterdir()}
    assert {"rules_table.png", "rules_curves.png", "rules autoencoder Adam.jsonl"} <= names
    trials = (tmp_path / "rules autoencoder Adam.jsonl").read_text()
    main(tmp_path, problems=[example["autoencoder"]], chosen={"Adam", "SGD"})
    assert (tmp_path / "rules autoencoder Adam.jsonl").read_text() == trials
