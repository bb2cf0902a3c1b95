"""One word for each chore: ``nox -s lint``; ``nox -l`` lists them.

They run in the current environment (``.[dev]``), but for ``compiler``, ``python`` and ``sanitize``, which
make their own.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "typecheck", "test"]

PYTHON = sys.executable
ON_ALL_CORES = ["-n", str(os.cpu_count()), "--dist", "worksteal"]  # for pytest


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
    """Run clang-tidy on the C++ sources (minutes); arguments after -- go to it."""
    build = configure(session, "build/tidy")
    # Kernels are compiled once for each instruction set; one look is enough.
    commands = {entry["file"]: entry for entry in json.loads((build / "compile_commands.json").read_text())}
    (build / "once").mkdir(exist_ok=True)
    (build / "once" / "compile_commands.json").write_text(json.dumps(list(commands.values())))
    # GCC's omp.h, in a folder without GCC's other headers and without an attribute that Clang does not know.
    (build / "include").mkdir(exist_ok=True)
    header = Path(output("g++", "-print-file-name=include/omp.h")).read_text()
    (build / "include" / "omp.h").write_text(header.replace("__malloc__ (omp_free)", "__malloc__"))

    def check(file: str) -> subprocess.CompletedProcess[str]:
        options = ["--quiet", "-p", str(build / "once"), f"--extra-arg=-isystem{build / 'include'}", *session.posargs]
        command = ["clang-tidy", *options, file]
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
def fuzz(session: nox.Session) -> None:
    """Call everything public with wrong arguments, 200,000 times unless told otherwise: --calls, --first, --only."""
    session.run(PYTHON, "tests/fuzz_arguments.py", *(session.posargs or ["--calls", "200000", "--processes", "2"]))


CAMPAIGNS = ["machine", "files", "kernels", "kills", "disk", "forks", "soak", "denormals", "interrupts"]


@nox.session
@nox.parametrize("name", CAMPAIGNS, ids=CAMPAIGNS)
def reliability(session: nox.Session, name: str) -> None:
    """Look for what seldom goes wrong, as long as docs/reliability.md says; after -- how much, and --first NUMBER."""
    if name == "interrupts":
        moments, *_ = [*session.posargs, "125"]
        environment = {**os.environ, "FASTOPT_INTERRUPTS": moments}
        session.run(PYTHON, "-m", "pytest", "-qs", "tests/model/test_interrupts.py", env=environment)
        return
    with session.chdir("tests"):
        session.run(PYTHON, "-m", "reliability", name, *session.posargs)


@nox.session
def mutants(session: nox.Session) -> None:
    """Make small mistakes in kernels and rules, and count those that the tests find; after -- how many: 200 else."""
    settings = ("-DFASTOPT_ISAS=native", "-DFASTOPT_KERNELS=-O1", "-DSKBUILD_PROJECT_VERSION=0")
    build = configure(session, "build/mutants", *settings)
    session.run("ninja", "-C", str(build), silent=True)
    with session.chdir("tests"):
        session.run(PYTHON, "-m", "reliability.mutants", str(build), *(session.posargs or ["200"]))


@nox.session
def isa(session: nox.Session) -> None:
    """Run on each lesser instruction set of this machine the tests that do not go through all of them by themselves."""
    _, *lesser = output(PYTHON, "-c", "import fastopt._core as core; print(*core.runtime.isas())").split()
    # Nothing in the other folders computes with the kernels, but what these test already.
    folders = [f"tests/{name}" for name in ("core", "data", "kernels", "model", "nn", "optimizers", "solvers")]
    for level in lesser:
        environment = {**os.environ, "FASTOPT_ISA": level}
        session.run(PYTHON, "-m", "pytest", "-q", *ON_ALL_CORES, "-k", "not x86", *folders, env=environment)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure speed, ours and the peers'; arguments after -- go to the benchmark (--help lists them)."""
    session.run(PYTHON, "-m", "bench", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site in docs/_build/html, warnings being errors; all public names are in it, and no link is broken."""
    site = "docs/_build/html"
    session.run(PYTHON, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q", "-j", "auto", "docs", site)
    session.run(PYTHON, "docs/check.py", site)


@nox.session
def gallery(session: nox.Session) -> None:
    """Run all scripts of the gallery; each asserts what it says. Arguments after -- are names of scripts."""
    session.run(PYTHON, "gallery", *session.posargs)


COMPILERS = [f"gcc-{version}" for version in range(11, 17)] + [f"clang-{version}" for version in range(15, 23)]


@nox.session(venv_backend="venv")
@nox.parametrize("name", COMPILERS, ids=COMPILERS)
def compiler(session: nox.Session, name: str) -> None:
    """Build all instruction sets with this compiler, warnings being errors, and run the tests."""
    build_and_test(session, {"FASTOPT_ISAS": "all", "FASTOPT_WERROR": "ON"}, compiler_environment(session, name))


# By word: the sanitizers, their library, the instruction set, what is run and what of it is left out. Both are too slow
# for promises of milliseconds. That of addresses leaves no room for limits of memory. That of threads sees no access of
# more than 16 bytes, and does not know after a fork or at the exit which thread waits for which.
SANITIZERS = {
    "address": (
        "address,undefined",
        "asan",
        "native",
        "core model/test_errors.py model/test_training.py tools/test_files.py nn/test_layers.py nn/test_scaling.py "
        "kernels/test_updates.py optimizers/test_optimizers.py reliability",
        "no_thread_can or child_of or interrupt_ or (campaign and not kernels)",
    ),
    "thread": (
        "thread",
        "tsan",
        "x86_64_v2",
        "model/test_training.py nn/test_layers.py kernels/test_updates.py",
        "fork or exit or fewer_threads or interrupt_",
    ),
}


@nox.session(venv_backend="venv")
@nox.parametrize("name", list(SANITIZERS), ids=list(SANITIZERS))
def sanitize(session: nox.Session, name: str) -> None:
    """Build with sanitizers, of memory and undefined behaviour or of threads, and run the tests that they are for."""
    sanitizers, library, isa, paths, left_out = SANITIZERS[name]
    # Of OpenMP's libraries only Clang's tells which thread waits for which; GCC takes minutes a file.
    environment = compiler_environment(session, "clang-16")
    settings = {"FASTOPT_ISAS": isa, "FASTOPT_SANITIZE": sanitizers}
    tests = [*(f"tests/{path}" for path in paths.split()), "-k", f"not ({left_out})"]
    run = {
        "LD_PRELOAD": output(environment["CXX"], f"-print-file-name=libclang_rt.{library}-x86_64.so"),
        # Much of what Python allocates lives as long as the process; the module's own `new` takes from `malloc`; and
        # where there is no memory, there is a MemoryError.
        "ASAN_OPTIONS": "detect_leaks=0:alloc_dealloc_mismatch=0:allocator_may_return_null=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "TSAN_OPTIONS": "ignore_noninstrumented_modules=1",
        "OMP_TOOL_LIBRARIES": f"{environment['CMAKE_LIBRARY_PATH']}/libarcher.so",
    }
    build_and_test(session, settings, environment, tests, run)


@nox.session(python=["3.11", "3.12", "3.13", "3.14"], venv_backend="venv")
def python(session: nox.Session) -> None:
    """Build for this version of Python, warnings being errors, and run the tests."""
    build_and_test(session, {"FASTOPT_ISAS": "native", "FASTOPT_WERROR": "ON"}, {})


# What several threads may do at the same time. What is left out shares what it compares with, forks, or measures the
# memory of the process.
TOGETHER = (
    "kernels/test_losses.py kernels/test_activations.py kernels/test_updates.py kernels/test_normalization.py "
    "nn/test_layers.py optimizers/test_optimizers.py model/test_training.py model/test_model.py tools/test_copies.py"
)


@nox.session(python="3.14t", venv_backend="venv")
def free_threaded(session: nox.Session) -> None:
    """Build for a Python without its lock, and run each of some tests in four threads at the same time."""
    # Not all libraries that the other tests compare with have wheels for it; of safetensors only a pre-release has.
    session.install("pytest", "pytest-xdist", "pytest-run-parallel", "hypothesis")
    tests = [
        "--parallel-threads=4",
        "-k",
        "not (surrounded or fork or not_copied)",
        *(f"tests/{path}" for path in TOGETHER.split()),
    ]
    build_and_test(session, {"FASTOPT_ISAS": "native"}, {"PIP_ONLY_BINARY": "safetensors"}, tests, package=".")


@nox.session
def without_avx(session: nox.Session) -> None:
    """Run some tests on an emulated processor of 2008, for which the code of x86-64-v2 is."""
    if shutil.which("qemu-x86_64") is None:
        missing(session, "qemu-x86_64", "qemu-user")
    emulated = ["qemu-x86_64", "-cpu", "Nehalem", PYTHON]
    session.run(*emulated, "-c", "import fastopt._core.runtime as r; assert r.isas() == ['x86-64-v2'], r.isas()")
    tests = [f"tests/kernels/test_{name}.py" for name in ("losses", "simd_math", "reductions")]
    session.run(*emulated, "-m", "pytest", "-q", *tests, *session.posargs)


def configure(session: nox.Session, folder: str, *settings: str) -> Path:
    """Prepare a build with the current Python; return its folder."""
    build = Path(folder).resolve()
    session.run(
        *("cmake", "-S", ".", "-B", str(build), "-G", "Ninja", *settings),
        *(f"-Dpybind11_DIR={output(PYTHON, '-m', 'pybind11', '--cmakedir')}", f"-DPython_EXECUTABLE={PYTHON}"),
        silent=True,
    )
    return build


def compiler_environment(session: nox.Session, name: str) -> dict[str, str]:
    command = name.replace("gcc", "g++").replace("clang", "clang++")
    if shutil.which(command) is None:
        missing(session, command, command.replace("clang++", "clang"))
    environment = {"CXX": command}
    if name.startswith("clang"):
        version = name.removeprefix("clang-")
        # Debian has one libomp at a time; that of another version serves too.
        headers = list(Path("/usr/lib").glob("llvm-*/lib/clang/*/include/omp.h"))
        if not headers:
            missing(session, "libomp", f"libomp-{version}-dev")
        header = max(headers, key=lambda path: f"llvm-{version}/" in str(path))
        environment |= {"CXXFLAGS": f"-idirafter {header.parent}", "CMAKE_LIBRARY_PATH": str(header.parents[3])}
    return environment


def missing(session: nox.Session, what: str, package: str) -> NoReturn:
    """Skip the session, as nox does without the interpreter: an error where everything must be there."""
    end = session.error if "CI" in os.environ else session.skip
    end(f"{what} is missing: apt-get install {package}")


def build_and_test(
    session: nox.Session,
    settings: dict[str, str],
    environment: dict[str, str],
    tests: Sequence[str] = (),
    run: Mapping[str, str] | None = None,
    package: str = ".[test]",
) -> None:
    if shutil.which("ccache"):
        environment = {**environment, "CMAKE_CXX_COMPILER_LAUNCHER": "ccache"}
    # Python 3.11.2 brings a pip that does not know -C.
    defined = [f"--config-settings=cmake.define.{name}={value}" for name, value in settings.items()]
    session.install(*defined, package, env=environment)
    session.run("pytest", *tests, *session.posargs, env=run)
