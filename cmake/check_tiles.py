"""Fail if a register tile of the matrix product keeps a vector on the stack inside its loop: ``OBJDUMP OBJECT...``.

A loop is what a jump backwards encloses; the innermost ones that multiply are those over the depth.
"""

import re
import subprocess
import sys

FUNCTION = re.compile(r"^[0-9a-f]+ <(?P<name>\S*multiply_tiles\S*)>:$")
INSTRUCTION = re.compile(r"^ *(?P<address>[0-9a-f]+):\s+(?P<text>.*)$")
JUMP = re.compile(r"^(?:j\w+|b\.?\w*|cbnz|tbnz)\s.*?\b(?P<target>[0-9a-f]+) <")
MULTIPLIES = re.compile(r"^(?:v?f?n?m(?:add|ul)\w*|fmla)\s")
VECTOR = re.compile(r"%[xyz]mm\d|\b[qv]\d")
STACK = re.compile(r"\(%rsp|\[sp|\[x29")  # %rbp may hold any pointer


def inner_loops(code: list[tuple[int, str]]) -> list[list[str]]:
    """The instructions of the loops that contain no other loop."""
    addresses = [address for address, _ in code]
    loops = []
    for i, (address, text) in enumerate(code):
        jump = JUMP.match(text)
        if jump and addresses[0] <= int(jump["target"], 16) <= address:
            loops.append((addresses.index(int(jump["target"], 16)), i))
    inner = [(a, b) for a, b in loops if not any(a <= c and d <= b and (a, b) != (c, d) for c, d in loops)]
    return [[text for _, text in code[a : b + 1]] for a, b in inner]


def fault(objdump: str, objects: list[str]) -> str:
    """What is wrong with the objects; nothing where all is well."""
    functions: dict[str, list[tuple[int, str]]] = {}
    for path in objects:
        listing = subprocess.run(
            [objdump, "-d", "--no-show-raw-insn", path], capture_output=True, text=True, check=True
        )
        code: list[tuple[int, str]] | None = None
        for line in listing.stdout.splitlines():
            if start := FUNCTION.match(line):
                code = functions.setdefault(start["name"], [])
            elif not line:
                code = None
            elif code is not None and (found := INSTRUCTION.match(line)):
                code.append((int(found["address"], 16), found["text"].strip()))
    tiles = {
        name: [loop for loop in inner_loops(code) if any(map(MULTIPLIES.match, loop))]
        for name, code in functions.items()
    }
    tiles = {name: loops for name, loops in tiles.items() if loops}
    if not tiles:
        return "no register tile was found"
    spilled = [
        f"{name}: {text}"
        for name, loops in tiles.items()
        for loop in loops
        for text in loop
        if VECTOR.search(text) and STACK.search(text)
    ]
    return "vectors on the stack in the loop of a register tile:\n" + "\n".join(spilled) if spilled else ""


if __name__ == "__main__":
    sys.exit(fault(sys.argv[1], sys.argv[2:]) or None)
