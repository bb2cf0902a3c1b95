"""How many small mistakes in kernels and update rules the tests would find.

``python -m reliability.mutants BUILD COUNT`` takes a finished build with Ninja of one instruction set. It makes so many
mutants of the sources in ``src/cpp/kernels``: another operator, a constant that is one larger, a comparison with or
without equality, a statement that is missing. Of each it compiles anew what contains it, first for float64, then, while
no test fails, for float32 and in other files, links, and runs the tests of the topic up to the first that fails. Where
the compiler makes the same code of it, no test can. Else a mutant that no test notices survives; some survive because
they compute the same, which takes a look.
"""

import argparse
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import cases

from reliability.mutant_build import SOURCE, Build, Unit

ROOT = SOURCE.parents[1]
SECONDS = 200  # of processor time for the tests of a mutant, of which some never end

# The tests of each folder of kernels; of a file of rules those that have the name of one of them in theirs.
TESTS = {
    "activation": "kernels/test_activations.py nn/test_hessian_products.py",
    "augment": "data/test_augment.py",
    "conv": "nn/test_convolution.py",
    "dropout": "kernels/test_dropout.py kernels/test_random.py",
    "elementwise": "kernels/test_kernels.py kernels/test_dense.py nn/test_layers.py",
    "gather": "nn/test_embedding.py data/test_given.py model/test_batches.py nn/test_layers.py",
    "loss": "kernels/test_losses.py nn/test_hessian_products.py model/test_metrics.py",
    "maxout": "kernels/test_prelu_and_maxout.py",
    "norm": "kernels/test_normalization.py kernels/test_memory.py nn/test_large_numbers.py nn/test_layers.py",
    "periodic": "kernels/test_periodic.py",
    "piecewise": "nn/test_numerical_embeddings.py",
    "pool": "nn/test_pooling.py",
    "prelu": "kernels/test_prelu_and_maxout.py nn/test_layers.py",
    "product": "kernels/test_dense.py kernels/test_memory.py nn/test_convolution.py",
    "reduce": "kernels/test_reductions.py",
    "rules": (
        "kernels/test_updates.py optimizers/test_optimizers.py optimizers/test_matrices.py "
        "optimizers/test_against_peers.py nn/test_large_numbers.py"
    ),
    "sparse": "data/test_sparse.py",
    "sparse_coding": "kernels/test_sparse_kernels.py solvers/test_sparse_coding.py",
    "update": "kernels/test_updates.py optimizers/test_optimizers.py",
    "vector": "solvers/test_directions.py solvers/test_minimize.py nn/test_full_batch.py",
}
# What those that survive have to survive too.
WIDER = (
    "kernels/test_memory.py nn/test_layers.py nn/test_large_numbers.py nn/test_gradients.py "
    "nn/test_hessian_products.py nn/test_layers_against_torch.py model/test_training.py data/test_sparse.py"
)
LEFT_OUT = {"args.h", "blocking.h", "rule.h"}  # what is told, sizes that decide the speed alone, names

OPERATORS = [
    (r" \+ ", [" - "]),
    (r" - ", [" + "]),
    (r" \* ", [" / "]),
    (r" / ", [" * "]),
    (r" < ", [" <= "]),
    (r" <= ", [" < "]),
    (r" > ", [" >= "]),
    (r" >= ", [" > "]),
    (r" == ", [" != "]),
    (r" != ", [" == "]),
    (r" && ", [" || "]),
    (r" \|\| ", [" && "]),
    (r" \+= ", [" -= ", " = "]),
    (r" -= ", [" += "]),
    (r" \*= ", [" /= "]),
    (r"\bat_least\(", ["at_most("]),
    (r"\bat_most\(", ["at_least("]),
    (r"\bmin\(", ["max("]),
    (r"\bmax\(", ["min("]),
]
NUMBER = re.compile(r"(?<![\w.])(\d+)(\.\d+)?(?![\w.'])")
DECLARATION = r"(?:const|auto|using|return|static|constexpr|V|T|Index|typename|friend)\b"
STATEMENT = re.compile(rf"^\s+(?!{DECLARATION})[\w.\[\]>()*-]+(\(.*\)| [-+*/]?= .*);$")
OTHER_LINES = re.compile(r"^\s*(#|template|using|static_assert|static constexpr (std|auto)|namespace|inline constexpr)")


class Mutant(NamedTuple):
    """A file, the line, and the line as it is and as it becomes."""

    path: Path
    line: int
    before: str
    after: str


def mutants_of(path: Path) -> list[Mutant]:
    """Return all mutants of a file."""
    found = []
    for number, text in enumerate(path.read_text().splitlines()):
        code = re.sub(r'//.*|"(?:[^"\\]|\\.)*"', lambda match: " " * len(match[0]), text)
        if OTHER_LINES.match(code) or not code.strip():
            continue
        places = [(match, f"{int(match[1]) + 1}{match[2] or ''}") for match in NUMBER.finditer(code)]
        for pattern, others in OPERATORS:
            places += [(match, other) for match in re.finditer(pattern, code) for other in others]
        found += [Mutant(path, number, text, text[: m.start()] + other + text[m.end() :]) for m, other in places]
        if STATEMENT.match(code):
            found.append(Mutant(path, number, text, ""))
    return found


def every() -> list[Mutant]:
    """Return all mutants of all kernels and rules."""
    paths = [path for path in sorted(SOURCE.glob("kernels/*/*")) if path.parent.name in TESTS]
    return [mutant for path in paths if path.name not in LEFT_OUT for mutant in mutants_of(path)]


def tests_of(path: Path, unit: Unit) -> list[str]:
    """Return the arguments of pytest for what a file changes in a unit, in which no other topic is tested."""
    names = sorted({rule.name for rule in cases.RULES if f'"{rule.name}"' in path.read_text()})
    topic = path.parent.name if unit.topic in ("update", "rules") else unit.topic
    return [*TESTS.get(topic, WIDER).split(), *(["-k", " or ".join(names)] if names else [])]


def find(package: Path, tests: list[str]) -> str:
    """Run tests up to the first that fails; return its name, or nothing."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))

    options = ["-qx", "-p", "no:cacheprovider", "-o", "testpaths=", "-c", "../pyproject.toml", "--tb=no"]
    command = [sys.executable, "-m", "pytest", *options, *tests]
    environment = {**os.environ, "PYTHONPATH": str(package)}
    try:
        run = subprocess.run(
            command,
            cwd=ROOT / "tests",
            env=environment,
            capture_output=True,
            text=True,
            timeout=10 * SECONDS,
            preexec_fn=limit,
        )
    except subprocess.TimeoutExpired:
        return "they do not end"
    if run.returncode in (4, 5):
        raise RuntimeError(f"tests did not run: {command}\n{run.stdout}{run.stderr}")
    failed = re.search(r"^(?:FAILED|ERROR) (.*?)(?: - |$)", run.stdout, re.MULTILINE)
    return failed[1] if failed else f"exit code {run.returncode}" if run.returncode else ""


def judge(build: Build, mutant: Mutant, package: Path, unchanged: bool, wider: bool) -> tuple[str, str]:
    """Return "killed", "survived", "same code" or "does not compile", and by what it was killed."""
    lines = mutant.path.read_text().splitlines()
    lines[mutant.line] = mutant.after
    content = "\n".join(lines) + "\n"
    made: dict[Unit, bytes] = {}
    for unit in build.units(mutant.path):
        code = build.compile(unit, mutant.path, content)
        if code is None:
            return "does not compile", ""
        if code == build.original(unit, mutant.path) and not unchanged:
            continue
        made[unit] = code
        build.link(made, package / "fastopt" / build.library)
        if found := find(package, tests_of(mutant.path, unit)):
            return "killed", found
    if not made:
        return "same code", ""
    found = find(package, [*TESTS[mutant.path.parent.name].split(), *WIDER.split()]) if wider else ""
    return ("killed", found) if found else ("survived", "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path)
    parser.add_argument("count", type=int)
    parser.add_argument("--first", type=int, default=0, help="how many of the shuffled mutants to pass over")
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no further mutant after them")
    parser.add_argument("--topic", action="store_true", help="run the tests of the topic alone")
    parser.add_argument("--unchanged", action="store_true", help="a line of each file as it is: the tests must pass")
    given = parser.parse_args()
    build = Build(given.build.resolve())
    mutants = every()
    random.Random(0).shuffle(mutants)
    if given.unchanged:
        mutants = list({mutant.path.parent: mutant._replace(after=mutant.before) for mutant in mutants}.values())
    counts = {"killed": 0, "survived": 0, "same code": 0, "does not compile": 0}
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder)
        shutil.copytree(ROOT / "python/fastopt", package / "fastopt", ignore=shutil.ignore_patterns("*.so"))
        shutil.copytree(ROOT / "bench", package / "fastopt/bench", ignore=shutil.ignore_patterns("results"))
        for number, mutant in enumerate(mutants[given.first : given.first + given.count], given.first):
            if time.monotonic() - began > given.seconds:
                print(f"--first {number} goes on")
                break
            start = time.monotonic()
            result, by = judge(build, mutant, package, given.unchanged, not given.topic)
            counts[result] += 1
            print(
                f"{number} {result}: {mutant.path.relative_to(SOURCE)}:{mutant.line + 1}, "
                f"{time.monotonic() - start:.0f} s {by}\n    {mutant.before.strip()}\n    {mutant.after.strip()}",
                flush=True,
            )
    print(f"{counts} of {len(mutants)} mutants, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
