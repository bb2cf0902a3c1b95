"""The example of images and the code of its page run."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_page(capsys):
    page = (ROOT / "docs/images.md").read_text()
    exec(compile("\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL)), "images.md", "exec"), {})
    assert float(capsys.readouterr().out) > 0.9


def test_example(tmp_path, rng, capsys, monkeypatch):
    """On two batches of noise: tables have a row for each norm, and all pictures are drawn."""
    pytest.importorskip("matplotlib").use("agg")
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    example = runpy.run_path(str(ROOT / "examples/images.py"))
    example["main"].__globals__.update(TRAINED=8, SEEDS=(0,), BATCHES=(4, 2), OUTPUT=tmp_path)
    x, y = rng.normal(size=(8, 28, 28, 1)), rng.integers(0, 10, 8)
    example["draw_lenet"](example["train_lenet"]((x, y), (x, y), batch=4, epochs=1), x)
    tables = example["compare_norms"]((x, y), (x, y), epochs=1)
    example["draw_norms"](tables)
    assert [len(table) for table in tables.values()] == [8, 8]
    assert all(0 <= error <= 100 for table in tables.values() for error in table.values())
    assert {path.name for path in tmp_path.iterdir()} == {"images_filters.png", "images_maps.png", "images_norms.png"}
    assert "| group |" in capsys.readouterr().out
