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
KINDS = Path("src/cpp/nn/layers")
LAYERS = Path("python/fastopt/layers/scaling.py")

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
    """The Python package with the compiled module, and the rules and layers of the core."""
    unneeded = shutil.ignore_patterns("__pycache__", "*.so")
    shutil.copytree(ROOT / "python", tmp_path / "python", ignore=unneeded)
    for folder in (RULES, KINDS):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    os.symlink(fastopt._core.__file__, tmp_path / "python/fastopt" / Path(fastopt._core.__file__).name)
    return tmp_path


def exercise(thing):
    """The header, the class and what its tests take."""
    text = (ROOT / "CONTRIBUTING.md").read_text().split(f"### A {thing} from scratch")[1].split("\n### ")[0]
    return re.findall(r"```\w+\n(.*?)```", text, re.DOTALL)


def touched(thing, tree, header, module):
    """The files that the exercise touches."""
    code, cls, *_ = exercise(thing)
    before = files(tree)
    (tree / header).write_text(code)
    source, name = (tree / module).read_text(), re.search(r"class (\w+)", cls)[1]
    (tree / module).write_text(source.replace("__all__ = [", f'__all__ = ["{name}", ', 1) + "\n\n" + cls)
    after = files(tree)
    return {path for path in after if after[path] != before.get(path)}


def output_of(code, tree):
    """What a program prints that imports the package of the tree."""
    # Without what would find an editable installation first.
    begin = "import sys; sys.meta_path[:] = [finder for finder in sys.meta_path if isinstance(finder, type)];"
    environment = os.environ | {"PYTHONPATH": str(tree / "python")}
    command = [sys.executable, "-c", begin + code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout


def test_a_rule_touches_two_files(tree):
    header = RULES / "signum.h"
    assert touched("rule", tree, header, CLASSES) == {header, CLASSES}
    code = (
        "import fastopt as fo; from fastopt.optimizers import *; made = Signum(0.5);"
        "print(made, fo.optimizers.OPTIMIZERS.resolve('signum') == Signum(), 'beta: The part of' in Signum.__doc__)"
    )
    assert output_of(code, tree).split() == ["Signum(learning_rate=0.5)", "True", "True"]


def test_a_layer_touches_two_files(tree):
    header = KINDS / "bias.h"
    assert touched("layer", tree, header, LAYERS) == {header, LAYERS}
    code = (
        "import fastopt as fo; made = fo.layers.Bias(name='b'); model = fo.Sequential([made]);"
        "print(made, fo.layers.LAYERS.resolve('bias') == fo.layers.Bias(), [*model.plan((3,)).parameters])"
    )
    assert output_of(code, tree).splitlines() == ["Bias(name='b') True ['b/bias']"]


# What the build lists: the folder, the headers that enrol nothing, and how what the others enrol ends.
LISTS = {"rules": ("kernels/rules", ["rule"], "_rules"), "layers": ("nn/layers", ["kind", "layers"], "_kinds<T>()")}


def write_list(tree, things):
    folder, others, ending = LISTS[things]
    places = [f"-DSOURCE={tree / 'src/cpp'}", f"-DGENERATED={tree / 'generated'}", f"-DPREFIX={folder}"]
    what = [f"-DOTHERS={';'.join(f'{name}.h' for name in others)}", f"-DENDING={ending}"]
    subprocess.run(["cmake", *places, *what, "-P", ROOT / "cmake/list_headers.cmake"], check=True, timeout=60)
    return (tree / "generated" / folder / "list.h").read_text()


@pytest.mark.skipif(shutil.which("cmake") is None, reason="needs cmake")
@pytest.mark.parametrize("things", LISTS)
def test_the_build_finds_all(things, tree):
    folder, others, ending = LISTS[things]
    (tree / "src/cpp" / folder / "signum.h").touch()
    text = write_list(tree, things)
    names = sorted({path.stem for path in (tree / "src/cpp" / folder).glob("*.h")} - {*others})
    assert re.findall(rf'#include "{folder}/(\w+).h"', text) == names
    assert ", ".join(f"{name}{ending}" for name in names) in text


# Makes the layer as a plan does.
LAYER = """
#include "nn/layers/list.h"

fastopt::Layer<double> made() {
  const fastopt::LayerSpec spec{.kind = "bias"};
  fastopt::Numbers numbers(spec);
  const std::vector<fastopt::Index> sizes{3};
  return fastopt::all_kinds<double>().at("bias").make(sizes, spec, numbers);
}
"""


@pytest.mark.skipif(shutil.which("cmake") is None or shutil.which("c++") is None, reason="needs cmake and a compiler")
def test_a_layer_compiles(tree):
    touched("layer", tree, KINDS / "bias.h", LAYERS)
    write_list(tree, "layers")
    (tree / "probe.cpp").write_text(LAYER)
    subprocess.run(
        ["c++", *options(tree), "-Wall", "-Wextra", "-Werror", "-fsyntax-only", tree / "probe.cpp"], check=True
    )


def options(tree):
    folders = [f"-I{folder}" for folder in (tree / "src/cpp", tree / "generated", ROOT / "src/cpp")]
    return ["-std=c++20", "-DFASTOPT_ISA=probe", "-Wno-psabi", *folders]


@pytest.mark.skipif(shutil.which("cmake") is None or shutil.which("c++") is None, reason="needs cmake and a compiler")
def test_the_header_computes_what_its_twin_does(tree):
    header, _, twin, _ = exercise("rule")
    (tree / RULES / "signum.h").write_text(header)
    write_list(tree, "rules")
    (tree / "probe.cpp").write_text(PROBE)
    subprocess.run(["c++", *options(tree), tree / "probe.cpp", "-o", tree / "probe"], check=True)
    printed = subprocess.run([tree / "probe"], check=True, capture_output=True, text=True).stdout
    w, m = np.array(printed.split(), float).reshape(3, 2).T

    names = {"np": np}
    exec(twin, names)
    start, gradient = np.array([1.0, -100.0, 3.0]), np.array([2.0, -4.0, 0.5])
    slots = {"m": np.array([0.5, 40.0, 0.0])}
    change, want = names["signum"](start, gradient, slots, {"learning_rate": 0.25, "beta": 0.5}, 1)
    np.testing.assert_array_equal(m, want["m"])
    np.testing.assert_array_equal(w, start - 0.125 * start + change)
