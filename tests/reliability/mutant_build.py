"""A finished build with Ninja, of which parts of single objects are made anew."""

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).resolve().parents[2] / "src/cpp"
# What src/cpp/kernels/update/update.h has for each rule. One that is missing here only takes time.
KERNELS_OF_RULES = ("update", "gather", "finish", "look_ahead", "to_average", "from_average")


class Unit(NamedTuple):
    """A file that is compiled, of kernels once for each type of elements."""

    output: str
    file: Path
    element: str  # "double", "float", or nothing

    @property
    def topic(self) -> str:
        """The folder of kernels that it is, or else whose numbers it prepares."""
        return self.file.parent.name if SOURCE / "kernels" in self.file.parents else "rules"


def part_for(element: str, text: str) -> str:
    """Return the source of a unit without its instances for other types of elements."""
    return re.sub(rf"\ntemplate const \S+<(?!{element}>).*", "", text)


def rules_in(header: Path) -> list[str]:
    """Return the types of the rules that a header enrols."""
    enrolled = re.search(r"using \w+_rules =\s+List<(.*?)>;", header.read_text(), re.DOTALL)
    return re.split(r",\s+(?![^<]*>)", enrolled[1]) if enrolled else []


def part_for_rules(header: Path, element: str, text: str) -> str:
    """Return the source of the unit of all rules without the code of the rules of other headers."""
    others = [rule for path in sorted(header.parent.glob("*.h")) if path != header for rule in rules_in(path)]
    declared = "".join(
        f"extern template void {kernel}<{rule}, {element}>(const Update<{element}>&);\n"
        for rule in others
        for kernel in KERNELS_OF_RULES
    )
    return text.replace("ISA {\n", f"ISA {{\n{declared}", 1)


class Build:
    """A finished build.

    Kernels are instances of templates, of which the linker takes the first. So an object with some of them anew goes
    before the one that has all.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.overlay = folder / "mutant"
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
        self.link_command = next(part for part in last.split(" && ") if " -shared " in part)
        self.originals: dict[tuple[Unit, str], bytes | None] = {}

    def ninja(self, *arguments: str) -> str:
        command = ["ninja", "-C", self.folder, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def units(self, changed: Path) -> list[Unit]:
        """Return the units that contain a file, those of its own topic first."""
        units = []
        for output, (_, file) in self.commands.items():
            if str(changed) in self.deps.get(output, ()):
                elements = ("double", "float") if "\ntemplate const " in file.read_text() else ("",)
                units += [Unit(output, file, element) for element in elements]
        if not units:
            raise RuntimeError(f"nothing contains {changed}")
        return sorted(units, key=lambda unit: unit.topic not in (changed.parent.name, "update"))

    def compile(self, unit: Unit, changed: Path, content: str) -> bytes | None:
        """Return the object of a unit if a file has this content, or nothing if it does not compile."""
        shutil.rmtree(self.overlay, ignore_errors=True)
        source = content if unit.file == changed else unit.file.read_text()
        if unit.element:
            source = part_for(unit.element, source)
        if unit.topic == "update" and changed.parent.name == "rules":
            source = part_for_rules(changed, unit.element, source)
        for path, text in ((changed, content), (unit.file, source)):
            copy = self.overlay / path.relative_to(SOURCE)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(text)
        words = [word for word in shlex.split(self.commands[unit.output][0]) if word != "-Werror"]
        made = self.overlay / "made.o"
        words[words.index("-o") + 1] = str(made)
        words[words.index("-c") + 1] = str(self.overlay / unit.file.relative_to(SOURCE))
        first = 2 if words[0].endswith("ccache") else 1
        words[first:first] = ["-w", f"-I{self.overlay}"]  # before all others
        run = subprocess.run(words, cwd=self.folder, capture_output=True)
        return made.read_bytes() if run.returncode == 0 else None

    def original(self, unit: Unit, changed: Path) -> bytes | None:
        """Return the object of a unit whose file is as it is."""
        key = unit, changed.name if changed.parent.name == "rules" else ""
        if key not in self.originals:
            self.originals[key] = self.compile(unit, changed, changed.read_text())
        return self.originals[key]

    def link(self, made: dict[Unit, bytes], library: Path) -> None:
        """Link the library with these objects."""
        command = re.sub(r" -o \S+", f" -o {library}", self.link_command)
        for number, (unit, code) in enumerate(made.items()):
            target = self.overlay / f"{number}.o"
            target.write_bytes(code)
            kept = f"{unit.output} " if unit.element else ""
            command = command.replace(f" {unit.output} ", f" {target} {kept}")
        subprocess.run(command, shell=True, cwd=self.folder, check=True, capture_output=True)
