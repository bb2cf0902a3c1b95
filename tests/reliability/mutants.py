"""How many small mistakes in kernels and update rules the tests would find.

``python -m reliability.mutants BUILD COUNT`` takes a finished build with Ninja of one instruction set. It makes so many
mutants of the sources in ``src/cpp/kernels``: another operator, a constant that is one larger, a comparison with or
without equality, a statement that is missing. Of each it compiles the files that contain it anew (-O1), links, and runs
the tests of its topic. A mutant that compiles and that no test notices survives; some survive because they compute the
same, which takes a look.
"""

import argparse
import json
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import cases

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src/cpp"
SECONDS = 200  # for the tests of a mutant, of which some never end

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
    "norm": "kernels/test_normalization.py nn/test_layers.py",
    "periodic": "kernels/test_periodic.py",
    "piecewise": "nn/test_numerical_embeddings.py",
    "pool": "nn/test_pooling.py",
    "prelu": "kernels/test_prelu_and_maxout.py nn/test_layers.py",
    "product": "kernels/test_dense.py kernels/test_memory.py",
    "reduce": "kernels/test_reductions.py",
    "rules": "kernels/test_updates.py optimizers/test_optimizers.py optimizers/test_matrices.py",
    "sparse": "kernels/test_sparse_kernels.py",
    "sparse_coding": "solvers/test_sparse_coding.py",
    "update": "kernels/test_updates.py optimizers/test_optimizers.py",
    "vector": "solvers/test_directions.py solvers/test_minimize.py nn/test_full_batch.py",
}
# What those that survive have to survive too.
WIDER = "nn/test_layers.py nn/test_large_numbers.py nn/test_gradients.py nn/test_hessian_products.py"
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


class Build:
    """A finished build with Ninja, of which single objects are made anew elsewhere."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        entries = json.loads((folder / "compile_commands.json").read_text())
        self.commands = {
            os.path.relpath(folder / entry["output"], folder): (entry["command"], Path(entry["file"]))
            for entry in entries
        }
        self.deps: dict[str, set[str]] = {}
        for block in self.ninja("-t", "deps").split("\n\n"):
            head, *lines = block.strip().splitlines() or [""]
            self.deps[head.split(":")[0]] = {os.path.normpath(folder / line.strip()) for line in lines}
        self.library = next(path.name for path in folder.glob("_core*.so"))
        last = self.ninja("-t", "commands", self.library).splitlines()[-1]
        self.link = next(part for part in last.split(" && ") if " -shared " in part)

    def ninja(self, *arguments: str) -> str:
        command = ["ninja", "-C", self.folder, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def make(self, overlay: Path, changed: Path, library: Path) -> bool:
        """Compile what contains a file, which stands in the overlay, and link; return whether it compiles."""
        link = self.link
        outputs = [output for output in sorted(self.commands) if str(changed) in self.deps.get(output, ())]
        if not outputs:
            raise RuntimeError(f"nothing contains {changed}")
        for number, output in enumerate(outputs):
            command, file = self.commands[output]
            words = ["-O1" if word in ("-O2", "-O3") else word for word in shlex.split(command) if word != "-Werror"]
            target = overlay / f"{number}.o"
            words[words.index("-o") + 1] = str(target)
            words[words.index("-c") + 1] = str(overlay / changed.relative_to(SOURCE) if file == changed else file)
            first = 2 if words[0].endswith("ccache") else 1
            words[first:first] = ["-w", f"-I{overlay}"]  # before all others
            if subprocess.run(words, cwd=self.folder, capture_output=True).returncode:
                return False
            link = link.replace(f" {output} ", f" {target} ")
        link = re.sub(r" -o \S+", f" -o {library}", link)
        subprocess.run(link, shell=True, cwd=self.folder, check=True, capture_output=True)
        return True


def tests_of(path: Path) -> list[str]:
    """Return the arguments of pytest."""
    names = sorted({rule.name for rule in cases.RULES if f'"{rule.name}"' in path.read_text()})
    return [*TESTS[path.parent.name].split(), *(["-k", " or ".join(names)] if names else [])]


def judge(build: Build, mutant: Mutant, package: Path) -> str:
    """Return "killed", "survived" or "does not compile"."""
    with tempfile.TemporaryDirectory() as folder:
        overlay = Path(folder)
        target = overlay / mutant.path.relative_to(SOURCE)
        target.parent.mkdir(parents=True)
        lines = mutant.path.read_text().splitlines()
        lines[mutant.line] = mutant.after
        target.write_text("\n".join(lines) + "\n")
        if not build.make(overlay, mutant.path, package / "fastopt" / build.library):
            return "does not compile"
    options = ["-qx", "-p", "no:cacheprovider", "-o", "testpaths=", "-c", "../pyproject.toml"]
    environment = {**os.environ, "PYTHONPATH": str(package)}
    for tests in (tests_of(mutant.path), WIDER.split()):
        command = [sys.executable, "-m", "pytest", *options, *tests]
        try:
            run = subprocess.run(command, cwd=ROOT / "tests", env=environment, capture_output=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return "killed"
        if run.returncode == 5:
            raise RuntimeError(f"no tests of {mutant.path}")
        if run.returncode:
            return "killed"
    return "survived"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path)
    parser.add_argument("count", type=int)
    parser.add_argument("--first", type=int, default=0, help="how many of the shuffled mutants to pass over")
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no further mutant after them")
    parser.add_argument("--unchanged", action="store_true", help="a line of each file as it is: the tests must pass")
    given = parser.parse_args()
    build = Build(given.build.resolve())
    mutants = every()
    random.Random(0).shuffle(mutants)
    if given.unchanged:
        mutants = list({mutant.path.parent: mutant._replace(after=mutant.before) for mutant in mutants}.values())
    counts = {"killed": 0, "survived": 0, "does not compile": 0}
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder)
        shutil.copytree(ROOT / "python/fastopt", package / "fastopt", ignore=shutil.ignore_patterns("*.so"))
        shutil.copytree(ROOT / "bench", package / "fastopt/bench", ignore=shutil.ignore_patterns("results"))
        for number, mutant in enumerate(mutants[given.first : given.first + given.count], given.first):
            if time.monotonic() - began > given.seconds:
                print(f"--first {number} goes on")
                break
            result = judge(build, mutant, package)
            counts[result] += 1
            print(
                f"{number} {result}: {mutant.path.relative_to(SOURCE)}:{mutant.line + 1}\n"
                f"    {mutant.before.strip()}\n    {mutant.after.strip()}",
                flush=True,
            )
    print(f"{counts} of {len(mutants)} mutants, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
