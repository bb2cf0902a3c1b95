"""The package as it is installed: what it holds, what it needs, and that the README speaks the truth."""

import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

import fastopt

ROOT = Path(__file__).resolve().parents[2]


def run_python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120).stdout


def test_version_stands_in_one_place():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert fastopt.__version__ == importlib.metadata.version("fastopt") == version
    assert fastopt._core.runtime.build_info()["version"] == version
    sources = [*ROOT.glob("python/**/*.py"), *ROOT.glob("src/**/*.[ch]pp"), ROOT / "CMakeLists.txt"]
    stated = re.compile(rf"(?<![\d.]){re.escape(version)}(?![\d.])")
    assert [path for path in sources if stated.search(path.read_text())] == []


@pytest.mark.parametrize(
    "name", ["py.typed", "_core/__init__.pyi", "data/digits.npz", "data/digits.txt", "bench/peers/numpy/training.py"]
)
def test_installed_file(name):
    assert resources.files("fastopt").joinpath(name).is_file()


def test_one_compiled_module():
    names = [entry.name for entry in resources.files("fastopt").iterdir()]
    assert len([name for name in names if name.endswith(".so")]) == 1


@pytest.mark.skipif(shutil.which("nm") is None, reason="needs nm")
def test_compiled_module_exports_one_name():
    """Above all not the operator new that counts its calls."""
    command = ["nm", "-D", "--defined-only", fastopt._core.__file__]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line.split()[-1] for line in lines] == ["PyInit__core"]


def test_required_distributions():
    required = [line for line in importlib.metadata.requires("fastopt") or [] if "extra ==" not in line]
    assert sorted(re.match(r"[\w-]+", line).group() for line in required) == ["numpy", "safetensors", "tqdm"]


def test_import_is_light():
    """Importing loads nothing beyond NumPy, and nothing of the package, that only some calls need."""
    late = {"fastopt.kernels", "fastopt.solvers", "threading"}
    late |= {"tqdm", "safetensors", "matplotlib"}
    late |= {"argparse", "asyncio", "multiprocessing", "unittest", "urllib.request"}
    code = "import sys, numpy; before = set(sys.modules); import fastopt; print(*(set(sys.modules) - before))"
    assert sorted(late & set(run_python(code).split())) == []


def test_public_names_exist():
    for name in fastopt.__all__:
        assert hasattr(fastopt, name), name


def readme_examples():
    return re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def test_readme_example(capsys):
    training, _ = readme_examples()
    scope = {}
    exec(compile(training, "README.md", "exec"), scope)
    assert scope["history"] is not None
    x, y = scope["x"][scope["test"]], scope["y"][scope["test"]]
    assert np.mean(scope["model"].predict(x).argmax(axis=1) == y) >= 0.985  # what the text says, but for two digits
    assert capsys.readouterr().out


def test_readme_picture(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib").use("agg")
    _, drawing = readme_examples()
    monkeypatch.chdir(tmp_path)
    exec(compile(drawing, "README.md", "exec"), {})
    assert (tmp_path / "trajectories.png").read_bytes().startswith(b"\x89PNG")


def test_readme_commands_are_the_documented_ones():
    text = (ROOT / "README.md").read_text()
    assert "pip install . && fastopt demo  " in text
    assert 'pip install ".[test]" && pytest  ' in text


def test_page_of_solvers():
    """Its examples run, one after the other, and it speaks of all there is."""
    page = (ROOT / "docs/solvers.md").read_text()
    exec(compile("\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL)), "solvers.md", "exec"), {})
    bases = {"Search", "Solver", "OptimizeResult", "SEARCHES", "SOLVERS"}
    names = {name for name in vars(fastopt.solvers) if not name.startswith("_")}
    public = {name for name in names if getattr(vars(fastopt.solvers)[name], "__module__", "").startswith("fastopt")}
    assert {name for name in public - bases if f"`{name}`" not in page and f"{name}(" not in page} == set()
