"""The gallery and the examples: all compile and explain themselves; the quickest scripts are run, nox runs the rest."""

import os
import re
import runpy
import sys
from pathlib import Path

import pytest

import fastopt
from fastopt.cli import main

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted(path for path in (ROOT / "gallery").glob("*.py") if path.name[0] != "_")
EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*.py") if path.name != "common.py")


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_claims_something(path):
    text = path.read_text()
    compile(text, path.name, "exec")
    assert "\nassert " in text or "assert_allclose" in text
    title, rule = text.splitlines()[1:3]
    assert rule == "=" * len(title)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_picture_is_done_where_it_is_begun(path):
    """The site shows the pictures of a block below it, as they are at its end."""
    made = set()
    for block in path.read_text().split("# %%"):
        new = {name for names in re.findall(r"^(\w+(?:, \w+)*) = panels", block, re.M) for name in names.split(", ")}
        assert [name for name in made - new if re.search(rf"\b{name}[.\[]|ax={name}\b", block)] == []
        made |= new


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_explains_itself(path, monkeypatch, capsys):
    pytest.importorskip("matplotlib").use("agg")
    monkeypatch.setattr(sys, "argv", [str(path), "--help"])
    monkeypatch.syspath_prepend(str(EXAMPLES[0].parent))
    with pytest.raises((SystemExit, ModuleNotFoundError)) as end:
        runpy.run_path(str(path), run_name="__main__")
    if isinstance(end.value, ModuleNotFoundError):
        pytest.skip(str(end.value))
    assert end.value.code in (0, None)
    assert "usage: " in capsys.readouterr().out


def test_the_quickest_scripts(tmp_path, monkeypatch, capfd):
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    names = "averages", "bias_and_variance", "symmetries"
    assert main(["gallery", *names, "--out", str(tmp_path)]) == 0
    assert {path.stem for path in tmp_path.glob("*.png")} == {*names}
    assert capfd.readouterr().err == ""


def test_where_there_is_no_gallery(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fastopt, "__file__", str(tmp_path / "lib/fastopt/__init__.py"))
    assert main(["gallery"]) == 1
    assert "source tree" in capsys.readouterr().err
