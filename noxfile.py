"""One word for each chore: ``nox -s lint``; ``nox -l`` lists them. They run in the current environment (``.[dev]``)."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "typecheck", "test"]

PYTHON = sys.executable


def cpp_files() -> list[str]:
    return sorted(str(path) for path in Path("src/cpp").rglob("*") if path.suffix in (".cpp", ".h"))


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@nox.session
def format(session: nox.Session) -> None:
    """Put all sources into the project's form, and correct the mistakes that can be corrected by rule."""
    session.run("clang-format", "-i", *cpp_files())
    session.run(PYTHON, "-m", "ruff", "check", "--fix-only", ".")
    session.run(PYTHON, "-m", "ruff", "format", ".")


@nox.session
def lint(session: nox.Session) -> None:
    """Check form and common mistakes, without changing a file."""
    session.run(PYTHON, "-m", "ruff", "check", ".")
    session.run(PYTHON, "-m", "ruff", "format", "--check", ".")
    session.run("clang-format", "--dry-run", "-Werror", *cpp_files())


@nox.session
def tidy(session: nox.Session) -> None:
    """Run clang-tidy on the C++ sources (minutes)."""
    build = Path("build/tidy").resolve()
    session.run(
        *("cmake", "-S", ".", "-B", str(build), "-G", "Ninja", "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON"),
        *(f"-Dpybind11_DIR={output(PYTHON, '-m', 'pybind11', '--cmakedir')}", f"-DPython_EXECUTABLE={PYTHON}"),
        silent=True,
    )
    # Kernels are compiled once for each instruction set; one look is enough.
    commands = {entry["file"]: entry for entry in json.loads((build / "compile_commands.json").read_text())}
    (build / "once").mkdir(exist_ok=True)
    (build / "once" / "compile_commands.json").write_text(json.dumps(list(commands.values())))
    # GCC's omp.h, in a folder without GCC's other headers and without an attribute that Clang does not know.
    (build / "include").mkdir(exist_ok=True)
    header = Path(output("g++", "-print-file-name=include/omp.h")).read_text()
    (build / "include" / "omp.h").write_text(header.replace("__malloc__ (omp_free)", "__malloc__"))

    def check(file: str) -> subprocess.CompletedProcess[str]:
        command = ["clang-tidy", "--quiet", "-p", str(build / "once"), f"--extra-arg=-isystem{build / 'include'}", file]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    failed = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for file, result in zip(commands, pool.map(check, commands), strict=True):
            session.log(f"{file}: {'ok' if result.returncode == 0 else 'failed'}")
            if result.returncode != 0:
                failed.append(file)
                print(result.stdout, result.stderr, sep="\n")
    if failed:
        session.error(f"clang-tidy: {len(failed)} of {len(commands)} files failed")


@nox.session
def typecheck(session: nox.Session) -> None:
    """Check the types of the Python layer, and the stubs against the installed extension."""
    session.run(PYTHON, "-m", "mypy")
    session.run(PYTHON, "-m", "mypy.stubtest", "fastopt._core", "--allowlist", "tests/stubtest_allowlist.txt")


@nox.session
def test(session: nox.Session) -> None:
    """Run the tests against the installed package; arguments after -- go to pytest."""
    session.run(PYTHON, "-m", "pytest", *session.posargs)


@nox.session
def isa(session: nox.Session) -> None:
    """Run on each lesser instruction set of this machine the tests that do not go through all of them by themselves."""
    _, *lesser = output(PYTHON, "-c", "import fastopt._core as core; print(*core.runtime.isas())").split()
    for level in lesser:
        session.run(PYTHON, "-m", "pytest", "-q", "-k", "not x86", env={**os.environ, "FASTOPT_ISA": level})


@nox.session
def bench(session: nox.Session) -> None:
    """Measure speed, ours and the peers'; arguments after -- go to the benchmark (--help lists them)."""
    session.run(PYTHON, "-m", "bench", *session.posargs)
