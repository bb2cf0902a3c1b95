"""The floors of the house: who may know whom. Imports and includes go down, and never in a circle."""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CPP = ROOT / "src" / "cpp"
PYTHON = ROOT / "python"

# From the lowest to the highest; what stands in one line is on one floor.
CPP_FLOORS = ["core", "simd", "kernels", "runtime", "ops", "nn", "optim", "solvers", "train", "bindings"]
PYTHON_FLOORS = [
    "_core",
    "core",
    "kernels",
    "data",
    "losses schedules regularizers constraints",
    "metrics initializers",
    "layers",
    "optimizers methods",
    "solvers",
    "model.callbacks model.results",
    "model.progress",
    "model.plan",
    "model.labels model.source",
    "model.graph model.data",
    "model.columns",
    "model.degenerate",
    "model.nested",
    "model.solving",
    "model.compiled",
    "model.heads",
    "model.built",
    "model.weighted model.feed",
    "model.together",
    "model.fit model.predicting",
    "model.trained",
    "model",
    "tools calibrate export",
    "fleet",
    "distributed",
    "search",
    "sklearn",
    "tabular",
    "callbacks config curvature datasets plotting preprocessing",  # where users find what stands further down
    "",  # the package itself
    "_numpy_demo",
    "cli",
    "__main__",
]


def includes() -> dict[str, set[str]]:
    """The files of the core, and which of them each includes."""
    files = {str(path.relative_to(CPP)): path.read_text() for path in CPP.rglob("*") if path.suffix in (".h", ".cpp")}
    return {
        name: set(re.findall(r'^#include "(.+)"', text, re.MULTILINE)) & files.keys() for name, text in files.items()
    }


def imports() -> dict[str, set[str]]:
    """The modules of the package, and which of them each imports; those for types alone count too."""
    modules = {}
    for path in (PYTHON / "fastopt").rglob("*.py"):
        parts = path.relative_to(PYTHON).with_suffix("").parts
        modules[".".join(parts[: -1 if parts[-1] == "__init__" else None])] = ast.parse(path.read_text())
    modules["fastopt._core"] = ast.Module([], [])
    found = {}
    for name, tree in modules.items():
        names = found[name] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level < 2
                module = f"fastopt.{node.module}" if node.level else node.module
                inner = {f"{module}.{alias.name}" for alias in node.names}
                names.update(inner & modules.keys() or {module})
        found[name] = {target for target in names if target.split(".")[0] == "fastopt"}
    return found


def floor_of_file(name: str) -> int:
    return CPP_FLOORS.index(name.split("/")[0])


def floor_of_module(name: str) -> int:
    """The floor of the longest prefix that has one."""
    floors = {part: floor for floor, line in enumerate(PYTHON_FLOORS) for part in line.split(" ")}
    parts = name.split(".")[1:]
    prefixes = (".".join(parts[:n]) for n in range(len(parts), -1, -1))
    return next(floors[prefix] for prefix in prefixes if prefix in floors and (prefix or not parts))


@pytest.mark.parametrize(("arrows", "floor_of"), [(includes, floor_of_file), (imports, floor_of_module)])
def test_arrows_point_down(arrows, floor_of):
    up = [f"{a} -> {b}" for a, below in arrows().items() for b in below if floor_of(b) > floor_of(a)]
    assert not up


@pytest.mark.parametrize("arrows", [includes, imports])
def test_no_circle(arrows):
    try:
        TopologicalSorter(arrows()).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_no_import_of_the_package_inside_a_function():
    for path in (PYTHON / "fastopt").rglob("*.py"):
        functions = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.FunctionDef)]
        for node in (n for function in functions for n in ast.walk(function)):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not [name for name in names if name.split(".")[0] == "fastopt"], f"{path}:{node.lineno}"
