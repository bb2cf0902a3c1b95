"""What adding a thing takes: the exercise of CONTRIBUTING.md, done in a copy of the sources."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastopt

ROOT = Path(__file__).resolve().parents[2]
RULES = Path("src/cpp/kernels/rules")
CLASSES = Path("python/fastopt/optimizers/rules.py")

# Prints parameters and slots after a step with decay.
PROBE = """
#include <cstdio>

#include "kernels/update/update.h"

int main() {
  double w[] = {1, -100, 3}, g[] = {2, -4, 0.5}, m[] = {0.5, 40, 0};
  const double hyper[] = {0.25, 0.5};
  using fastopt::probe::Signum;
  fastopt::probe::update<Signum>(fastopt::Update<double>{
      .size = 3, .parameter = w, .gradient = g, .slots = {m},
      .coefficients = Signum::prepare(hyper, 1), .decay = 0.125});
  for (int i = 0; i < 3; ++i) std::printf("%g %g ", w[i], m[i]);
}
"""


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


def exercise():
    """The header, the class, the twin and the row."""
    text = (ROOT / "CONTRIBUTING.md").read_text().split("### A rule from scratch")[1].split("\n### ")[0]
    return re.findall(r"```\w+\n(.*?)```", text, re.DOTALL)


def test_a_rule_touches_two_files(tree):
    header, cls, *_ = exercise()
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


def write_list(tree):
    path = tree / "generated/kernels/rules/list.h"
    where = [f"-DRULES={tree / RULES}", f"-DLIST={path}"]
    subprocess.run(["cmake", *where, "-P", ROOT / "cmake/list_rules.cmake"], check=True, timeout=60)
    return path.read_text()


@pytest.mark.skipif(shutil.which("cmake") is None, reason="needs cmake")
def test_the_build_finds_all_rules(tree):
    (tree / RULES / "signum.h").touch()
    text = write_list(tree)
    names = sorted(path.stem for path in (tree / RULES).glob("*.h") if path.stem != "rule")
    assert re.findall(r'#include "kernels/rules/(\w+).h"', text) == names
    assert re.search(r"Joined<(.*)>", text)[1].split(", ") == [f"{name}_rules" for name in names]


@pytest.mark.skipif(shutil.which("cmake") is None or shutil.which("c++") is None, reason="needs cmake and a compiler")
def test_the_header_computes_what_its_twin_does(tree):
    header, _, twin, _ = exercise()
    (tree / RULES / "signum.h").write_text(header)
    write_list(tree)
    (tree / "probe.cpp").write_text(PROBE)
    folders = [f"-I{folder}" for folder in (tree / "src/cpp", tree / "generated", ROOT / "src/cpp")]
    options = ["-std=c++20", "-DFASTOPT_ISA=probe", "-Wno-psabi", *folders]
    subprocess.run(["c++", *options, tree / "probe.cpp", "-o", tree / "probe"], check=True)
    printed = subprocess.run([tree / "probe"], check=True, capture_output=True, text=True).stdout
    w, m = np.array(printed.split(), float).reshape(3, 2).T

    names = {"np": np}
    exec(twin, names)
    start, gradient = np.array([1.0, -100.0, 3.0]), np.array([2.0, -4.0, 0.5])
    slots = {"m": np.array([0.5, 40.0, 0.0])}
    change, want = names["signum"](start, gradient, slots, {"learning_rate": 0.25, "beta": 0.5}, 1)
    np.testing.assert_array_equal(m, want["m"])
    np.testing.assert_array_equal(w, start - 0.125 * start + change)
