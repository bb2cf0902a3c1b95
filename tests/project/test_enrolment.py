"""What adding a thing takes: the exercise of CONTRIBUTING.md, done in a copy of the sources."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fastopt

ROOT = Path(__file__).resolve().parents[2]
RULES = Path("src/cpp/kernels/rules")
CLASSES = Path("python/fastopt/optimizers/rules.py")


def files(root):
    return {
        path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.suffix in (".py", ".h", ".cpp")
    }


@pytest.fixture
def tree(tmp_path):
    """The Python package with the compiled module, and the rules of the core."""
    unneeded = shutil.ignore_patterns("__pycache__", "*.so")
    shutil.copytree(ROOT / "python", tmp_path / "python", ignore=unneeded)
    shutil.copytree(ROOT / RULES, tmp_path / RULES)
    os.symlink(fastopt._core.__file__, tmp_path / "python/fastopt" / Path(fastopt._core.__file__).name)
    return tmp_path


def test_a_rule_touches_two_files(tree):
    text = (ROOT / "CONTRIBUTING.md").read_text()
    exercise = text[text.index("### A rule from scratch") :]
    header, cls = (re.search(rf"```{language}\n(.*?)```", exercise, re.DOTALL)[1] for language in ("cpp", "python"))
    before = files(tree)

    (tree / RULES / "signum.h").write_text(header)
    source = (tree / CLASSES).read_text()
    (tree / CLASSES).write_text(source.replace("__all__ = [", '__all__ = [\n    "Signum",', 1) + "\n\n" + cls)

    after = files(tree)
    assert {path for path in after if after[path] != before.get(path)} == {RULES / "signum.h", CLASSES}

    code = (  # without what would find an editable installation first
        "import sys; sys.meta_path[:] = [finder for finder in sys.meta_path if isinstance(finder, type)];"
        "import fastopt as fo; from fastopt.optimizers import *; made = Signum(0.5);"
        "print(made, fo.optimizers.OPTIMIZERS.resolve('signum') == Signum(), 'beta: The part of' in Signum.__doc__)"
    )
    command = [sys.executable, "-c", code]
    environment = os.environ | {"PYTHONPATH": str(tree / "python")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["Signum(learning_rate=0.5)", "True", "True"]


@pytest.mark.skipif(shutil.which("cmake") is None, reason="needs cmake")
def test_the_build_finds_all_rules(tree):
    (tree / RULES / "signum.h").touch()
    where = [f"-DRULES={tree / RULES}", f"-DLIST={tree / 'list.h'}"]
    subprocess.run(["cmake", *where, "-P", ROOT / "cmake/list_rules.cmake"], check=True, timeout=60)
    text = (tree / "list.h").read_text()
    names = sorted(path.stem for path in (tree / RULES).glob("*.h") if path.stem != "rule")
    assert re.findall(r'#include "kernels/rules/(\w+).h"', text) == names
    assert re.search(r"Joined<(.*)>", text)[1].split(", ") == [f"{name}_rules" for name in names]
