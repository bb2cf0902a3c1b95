"""The examples of docs/search.md and those of the folder run."""

import re
import runpy
from pathlib import Path

import pytest

import fastopt as fo

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"


@pytest.fixture(autouse=True)
def _as_a_script(monkeypatch):
    """Let examples find what they have in common in their folder."""
    monkeypatch.syspath_prepend(str(EXAMPLES))


@pytest.fixture
def pyplot():
    pytest.importorskip("matplotlib").use("agg")
    from matplotlib import pyplot

    return pyplot


def test_page(pyplot, capsys):
    page = (ROOT / "docs/search.md").read_text()
    exec(compile("\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL)), "search.md", "exec"), {})
    assert capsys.readouterr().out.splitlines()[-1].endswith("smaller rate")
    public = {*fo.search.__all__} - {"SCALES", "Scale", "Entry", "Choice"}
    assert {name for name in public if not re.search(rf"\b{name}\b", page)} == set()


def test_cross_validated_search(pyplot, tmp_path):
    main = runpy.run_path(str(EXAMPLES / "search.py"))["main"]
    trials = main(tmp_path)
    assert trials.best.score > 0.95
    assert {path.name for path in tmp_path.iterdir()} == {"trials.jsonl", "search_trials.png", "search_lines.png"}
    assert main(tmp_path).best == trials.best


def test_scikit_learn():
    pytest.importorskip("sklearn")
    found = runpy.run_path(str(EXAMPLES / "search_elsewhere.py"))["with_scikit_learn"]()
    assert found.best_score_ > 0.7


def test_optuna():
    pytest.importorskip("optuna")
    found = runpy.run_path(str(EXAMPLES / "search_elsewhere.py"))["with_optuna"]()
    assert found.best_value < 0.7
    assert set(found.best_params) == {"rate", "1 - momentum", "units"}
