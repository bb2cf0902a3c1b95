"""CONTRIBUTING's exercises: what a new activation, loss or transform takes, done in a copy of the sources."""

import filecmp
import inspect
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastopt

ROOT = Path(__file__).resolve().parents[2]
FILES = ("src/cpp", "python/fastopt", "tests")

# Each prints the value and the gradient for some arguments, as the list of kernels has them.
ACTIVATION = """
#include <cstdio>

#include "kernels/activation/activation.h"

using namespace fastopt;
using namespace fastopt::probe;

template <class F>
void print() {
  if constexpr (F::name == "relu6") {  // the others take seconds to compile
    const double x[] = {-1, 0, 0.5, 5, 6, 7}, dy[] = {1, 2, 3, 4, 5, 6};
    double y[6], dx[6];
    const ActivationKernel<double> f{F::name, F::from_input, true, activate<F, double>, differentiate<F, double>,
                                     differentiate_twice<F, double>};
    f.activate({x, 6}, {y, 6}, 1, 6);
    f.differentiate({f.from_input ? x : y, 6}, {dy, 6}, {dx, 6}, 1, 6);
    for (int i = 0; i < 6; ++i) std::printf("%g %g ", y[i], dx[i]);
  }
}

int main() {
  []<class... F>(List<F...>) { (print<F>(), ...); }(Activations{});
}
"""
LOSS = """
#include <cstdio>

#include "kernels/loss/loss.h"

using namespace fastopt;
using namespace fastopt::probe;

template <class L>
void print() {
  if constexpr (L::name == "geman_mcclure") {  // the others take seconds to compile
    const double x[] = {-1, 0, 0.5, 5, 6, 7}, t[] = {1, 2, 3, 4, 5, 6};
    double loss[6], gradient[6];
    const LossKernel<double> f{L::name, L::activation, L::targets, L::hyper, L::several, L::template rows<double>,
                               L::template curvature<double>};
    f.rows({.rows = 6, .columns = 1, .prediction = {x, 1}, .target = {.dense = t}, .scale = 1,
            .gradient = {gradient, 1}, .loss = loss});
    for (int i = 0; i < 6; ++i) std::printf("%.17g %.17g ", loss[i], gradient[i]);
  }
}

int main() {
  []<class... L>(List<L...>) { (print<L>(), ...); }(Losses{});
}
"""

TRANSFORM = """
#include <cstdio>

#include "optim/transforms/list.h"

int main() {
  using namespace fastopt;
  const double x[] = {-1, 0, 0.5, 5, 6, 7};
  double w[] = {-1, 0, 0.5, 5, 6, 7};
  const UpdateKernels<double> none{};
  for_each_transform([&]<class X>(std::size_t place) {
    if (transforms[place].name == "clip_weights") {
      if constexpr (requires(const Chunk<double>& c) { X::after(c); }) {
        X::after(Chunk<double>{none, 6, w, w, nullptr, 0.75});
      }
    }
  });
  for (int i = 0; i < 6; ++i) std::printf("%g %g ", x[i], w[i]);
}
"""


def insert(path: Path, before: str, text: str) -> None:
    old = path.read_text()
    assert old.count(before) == 1
    path.write_text(old.replace(before, text + before))


def touched(copy: Path) -> set[str]:
    files = {str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file()}
    return {
        name for name in files if not (ROOT / name).exists() or not filecmp.cmp(copy / name, ROOT / name, shallow=False)
    }


def blocks(heading: str) -> list[str]:
    """What the exercise says is to be written."""
    section = re.split("\n##+ ", (ROOT / "CONTRIBUTING.md").read_text().split(f"### {heading}")[1])[0]
    return re.findall(r"```\w+\n(.*?)```", section, re.DOTALL)


def compiled(copy: Path, source: str) -> np.ndarray:
    """The values and the gradients that a program prints in turn."""
    (copy / "probe.cpp").write_text(source)
    compiler = ("c++", "-std=c++20", "-DFASTOPT_ISA=probe", "-Wno-psabi", f"-I{copy / 'src/cpp'}")
    subprocess.run([*compiler, copy / "probe.cpp", "-o", copy / "probe"], check=True)
    printed = subprocess.run([copy / "probe"], check=True, capture_output=True, text=True).stdout
    return np.array(printed.split(), float).reshape(6, 2).T


def printed(copy: Path, expressions: str) -> str:
    """What the copied package prints of them."""
    extension = Path(fastopt._core.__file__)
    os.symlink(extension, copy / "python/fastopt" / extension.name)
    code = (  # without what would find an editable installation first
        "import sys; sys.meta_path[:] = [finder for finder in sys.meta_path if isinstance(finder, type)];"
        f"import fastopt as fo; from fastopt.losses import LOSSES; print({expressions})"
    )
    environment = os.environ | {"PYTHONPATH": str(copy / "python")}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.fixture
def copy(tmp_path):
    """A copy of the sources."""
    sources = shutil.ignore_patterns("*.so", "__pycache__", ".*", "*.npz")
    for folder in FILES:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=sources)
    return tmp_path


@pytest.fixture
def activation(copy):
    struct, row, twin = blocks("An activation from scratch")
    header = copy / "src/cpp/kernels/activation/activation.h"
    insert(header, "using Activations = List<", struct + "\n")
    header.write_text(re.sub(r"(using Activations = List<[^;]+)>;", r"\1, Relu6>;", header.read_text()))
    python = copy / "python/fastopt/kernels/activations.py"
    insert(python, "def activation_backward(", row + "\n\n")
    insert(python, '    "selu",\n    "sigmoid",', '    "relu6",\n')
    twins = copy / "tests/twins/activations.py"
    twins.write_text(twins.read_text() + "\n" + twin)
    return copy


@pytest.fixture
def loss(copy):
    struct, row, cls, twin = blocks("A loss from scratch")
    header = copy / "src/cpp/kernels/loss/loss.h"
    insert(header, "using Losses = List<", struct + "\n")
    header.write_text(header.read_text().replace("MeanLoss<Poisson>>;", "MeanLoss<Poisson>, MeanLoss<GemanMcclure>>;"))
    python = copy / "python/fastopt/kernels/losses.py"
    insert(python, "\n\ndef _label_smoothing(", row)
    insert(python, '    "hinge",\n    "huber",', '    "geman_mcclure",\n')
    classes = copy / "python/fastopt/losses/regression.py"
    classes.write_text(classes.read_text().replace('["Huber"', '["GemanMcclure", "Huber"') + "\n\n" + cls)
    twins = copy / "tests/twins/losses.py"
    twins.write_text(twins.read_text() + "\n\n" + twin)
    insert(
        copy / "tests/cases/__init__.py",
        '    "poisson": Loss(',
        '    "geman_mcclure": Loss(twins.geman_mcclure, "values"),\n',
    )
    return copy


@pytest.fixture
def transform(copy):
    header, cls = blocks("A transform from scratch")
    folder = copy / "src/cpp/optim/transforms"
    (folder / "clip_weights.h").write_text(header)
    insert(folder / "list.h", '#include "optim/transforms/decay.h"\n', '#include "optim/transforms/clip_weights.h"\n')
    (folder / "list.h").write_text((folder / "list.h").read_text().replace("1, Look", "1, ClipWeights, Look"))
    python = copy / "python/fastopt/optimizers/transforms.py"
    python.write_text(python.read_text().replace('"Clip",', '"Clip", "ClipWeights",', 1) + "\n\n" + cls)
    insert(copy / "tests/cases/__init__.py", "        Decay(SGD(", "        ClipWeights(Adam(0.01), 0.1),\n")
    return copy


def test_files_of_an_activation(activation):
    assert touched(activation) == {
        "src/cpp/kernels/activation/activation.h",
        "python/fastopt/kernels/activations.py",
        "tests/twins/activations.py",
    }


def test_files_of_a_loss(loss):
    assert touched(loss) == {
        "src/cpp/kernels/loss/loss.h",
        "python/fastopt/kernels/losses.py",
        "python/fastopt/losses/regression.py",
        "tests/twins/losses.py",
        "tests/cases/__init__.py",
    }


def test_files_of_a_transform(transform):
    assert touched(transform) == {
        "src/cpp/optim/transforms/clip_weights.h",
        "src/cpp/optim/transforms/list.h",
        "python/fastopt/optimizers/transforms.py",
        "tests/cases/__init__.py",
    }


def test_python_of_an_activation(activation):
    function = runpy.run_path(str(activation / "python/fastopt/kernels/activations.py"))["relu6"]
    assert inspect.getdoc(function).startswith("Rectified linear unit up to 6")
    assert "Krizhevsky" in function.__doc__
    with pytest.raises(ValueError, match="'relu6'"):  # the compiled core is without it
        function([1.0])


def test_python_of_a_loss(loss):
    function = runpy.run_path(str(loss / "python/fastopt/kernels/losses.py"))["geman_mcclure"]
    assert inspect.getdoc(function).startswith("Geman and McClure's loss of each row")
    with pytest.raises(ValueError, match="'geman_mcclure'"):
        function([[1.0]], [[1.0]])
    assert printed(loss, "fo.losses.GemanMcclure(), LOSSES.resolve('geman_mcclure').name").split() == [
        "GemanMcclure()",
        "geman_mcclure",
    ]


def test_python_of_a_transform(transform):
    made = "fo.optimizers.ClipWeights('sgd', 0.5)"
    assert printed(transform, f"{made}.transforms, {made}.hyper_of(1)['clip_weights']") == "['clip_weights'] 0.5\n"


@pytest.mark.skipif(shutil.which("c++") is None, reason="needs a compiler")
def test_core_of_a_transform(transform):
    before, after = compiled(transform, TRANSFORM)
    np.testing.assert_array_equal(after, np.clip(before, -0.75, 0.75))


@pytest.mark.skipif(shutil.which("c++") is None, reason="needs a compiler")
def test_core_and_twin_of_an_activation(activation):
    y, dx = compiled(activation, ACTIVATION)
    twin = runpy.run_path(str(activation / "tests/twins/activations.py"))["ACTIVATIONS"]["relu6"]
    np.testing.assert_array_equal(y, twin.forward(np.array([-1, 0, 0.5, 5, 6, 7])))
    np.testing.assert_array_equal(dx, twin.backward(y, np.arange(1.0, 7)))


@pytest.mark.skipif(shutil.which("c++") is None, reason="needs a compiler")
def test_core_and_twin_of_a_loss(loss):
    twin = runpy.run_path(str(loss / "tests/twins/losses.py"))["geman_mcclure"]
    want, gradient = twin(np.array([[-1, 0, 0.5, 5, 6, 7]]).T, np.arange(1.0, 7)[:, None])
    np.testing.assert_allclose(compiled(loss, LOSS), [want, gradient[:, 0]], rtol=1e-15)
