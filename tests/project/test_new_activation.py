"""CONTRIBUTING's exercise: a new activation takes one header, a row in Python and a row in the tests."""

import filecmp
import inspect
import re
import runpy
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = ("src/cpp", "python/fastopt", "tests")

# Prints what the table of kernels says, and f and its derivative for some arguments.
PROBE = """
#include <cstdio>

#include "kernels/activation/activation.h"

int main() {
  for (const auto& f : fastopt::probe::activation_kernels<double>) {
    if (f.name == "relu6") {
      const double x[] = {-1, 0, 0.5, 5, 6, 7}, dy[] = {1, 2, 3, 4, 5, 6};
      double y[6], dx[6];
      f.activate({x, 6}, {y, 6}, 1, 6);
      f.differentiate({f.from_input ? x : y, 6}, {dy, 6}, {dx, 6}, 1, 6);
      for (int i = 0; i < 6; ++i) std::printf("%g %g ", y[i], dx[i]);
    }
  }
}
"""


def insert(path: Path, before: str, text: str) -> None:
    old = path.read_text()
    assert old.count(before) == 1
    path.write_text(old.replace(before, text + before))


def touched(copy: Path) -> set[str]:
    files = {str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file()}
    return {name for name in files if not filecmp.cmp(copy / name, ROOT / name, shallow=False)}


@pytest.fixture
def exercise(tmp_path):
    """A copy of the sources in which the exercise was done."""
    section = (ROOT / "CONTRIBUTING.md").read_text().split("### An activation from scratch")[1].split("\n## ")[0]
    struct, row, twin = re.findall(r"```\w+\n(.*?)```", section, re.DOTALL)
    sources = shutil.ignore_patterns("*.so", "__pycache__", ".*", "*.npz")
    for folder in FILES:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=sources)
    header = tmp_path / "src/cpp/kernels/activation/activation.h"
    insert(header, "using Activations = List<", struct + "\n")
    header.write_text(header.read_text().replace("Gated<Silu>>;", "Gated<Silu>, Relu6>;"))
    python = tmp_path / "python/fastopt/kernels/activations.py"
    insert(python, "def activation_backward(", row + "\n\n")
    insert(python, '    "selu",\n    "sigmoid",', '    "relu6",\n')
    twins = tmp_path / "tests/twins/activations.py"
    twins.write_text(twins.read_text() + "\n" + twin)
    return tmp_path


def test_files(exercise):
    assert touched(exercise) == {
        "src/cpp/kernels/activation/activation.h",
        "python/fastopt/kernels/activations.py",
        "tests/twins/activations.py",
    }


def test_python(exercise):
    function = runpy.run_path(str(exercise / "python/fastopt/kernels/activations.py"))["relu6"]
    assert inspect.getdoc(function).startswith("Rectified linear unit up to 6")
    assert "Krizhevsky" in function.__doc__
    with pytest.raises(ValueError, match="'relu6'"):  # the compiled core is without it
        function([1.0])


@pytest.mark.skipif(shutil.which("c++") is None, reason="needs a compiler")
def test_core_and_twin(exercise):
    (exercise / "probe.cpp").write_text(PROBE)
    compiler = ("c++", "-std=c++20", "-DFASTOPT_ISA=probe", "-Wno-psabi", f"-I{exercise / 'src/cpp'}")
    subprocess.run([*compiler, exercise / "probe.cpp", "-o", exercise / "probe"], check=True)
    printed = subprocess.run([exercise / "probe"], check=True, capture_output=True, text=True).stdout
    y, dx = np.array(printed.split(), float).reshape(6, 2).T
    twin = runpy.run_path(str(exercise / "tests/twins/activations.py"))["ACTIVATIONS"]["relu6"]
    np.testing.assert_array_equal(y, twin.forward(np.array([-1, 0, 0.5, 5, 6, 7])))
    np.testing.assert_array_equal(dx, twin.backward(y, np.arange(1.0, 7)))
