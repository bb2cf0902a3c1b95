"""``python -m bench``, which is ``fastopt bench`` too: measure, print, write; and what can be done with the results."""

import argparse
import importlib
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from . import isa
from .machine import cpu_count
from .measure import LONGEST
from .package import OURS
from .peers import BEFORE, PEERS
from .report import publish
from .rows import ROWS, select
from .run import Run
from .text import as_text

# Each is a module with main(prog, arguments) -> exit code.
COMMANDS = {
    "compare": "what got slower between two results files",
    "report": "write the Markdown and the HTML of a results file again",
    "readme": "write the speed tables of README.md from results files, one for each instruction set",
}
# What --quick shows: some of each group, and nothing that needs much memory.
QUICK = (
    "4-32-32-2 / 32",
    "784-64-16-10 / 64",
    "28-300-300-2 / 256",
    "64 x 4-32-32-2 side by side / 32",
    "predict 1 of 784-64-16-10",
    "predict 10000 of 784-64-16-10",
    "forward 64x784x64",
    "forward 512x512x512",
    "backward_kernel 256x300x300",
    "gelu 100000",
    "softmax cross-entropy 256x10",
    "layer norm 256x256",
    "adam 8x12500",
    "adam 1x1000000",
)
QUICK_PEERS, QUICK_ROUNDS, ROUNDS = ("numpy",), 2, 7


def counts(text: str) -> list[int]:
    """Numbers of threads."""
    found = [int(word) for word in text.split(",")]
    if min(found) < 1:
        raise ValueError(text)
    return found


def arguments(prog: str, given: Sequence[str]) -> argparse.Namespace:
    commands = "\n".join(f"  {prog} {name} --help  {about}" for name, about in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog,
        description="fastopt against its peers.",
        epilog=f"also:\n{commands}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    groups = ", ".join(dict.fromkeys(row.group for row in ROWS.values()))
    parser.add_argument("--only", help=f"groups ({groups}) or parts of row names, by comma")
    parser.add_argument("--peers", help=f"beside fastopt, by comma, of {', '.join(PEERS)}")
    parser.add_argument("--against", type=Path, help=f"a folder with another build of fastopt; a peer called {BEFORE}")
    parser.add_argument("--threads", type=counts, help="by comma; else all processors, and for some groups one as well")
    parser.add_argument("--dtype", default="float32", choices=["float32", "float64"])
    parser.add_argument("--isa", default=isa.NATIVE, choices=[isa.NATIVE, *isa.LEVELS], help="that all are held to")
    parser.add_argument("--rounds", type=int, help=f"each is two passes over the peers, there and back ({ROUNDS})")
    parser.add_argument("--turn", type=float, default=LONGEST, help=f"seconds of a peer's turn, at most ({LONGEST})")
    parser.add_argument("--quick", action="store_true", help="a look, not a result: some rows, NumPy only, two rounds")
    parser.add_argument("--out", type=Path, help="results.json; the Markdown and the HTML go beside it")
    parser.add_argument("--wheel", type=Path, help="a wheel to weigh")
    options = parser.parse_args(given)
    default = () if options.against else QUICK_PEERS if options.quick else PEERS
    named = options.peers.split(",") if options.peers else default
    if unknown := sorted(set(named) - set(PEERS)):
        parser.error(f"no such peers: {', '.join(unknown)}; there are {', '.join(PEERS)}")
    options.peers = list(dict.fromkeys([OURS, *([BEFORE] if options.against else []), *named]))
    if options.against and not (options.against / OURS).is_dir():
        parser.error(f"--against {options.against}: no {OURS} is there")
    if options.against and __package__ != "bench":
        parser.error("--against needs the benchmarks of the source tree: python -m bench")
    chosen = [ROWS[name] for name in QUICK] if options.quick and options.only is None else select(options.only or "")
    if not chosen:
        parser.error(f"no row matches {options.only!r}")
    options.rows = chosen
    if options.quick and options.threads is None:
        options.threads = [cpu_count()]
    if options.rounds is None:
        options.rounds = QUICK_ROUNDS if options.quick else ROUNDS
    if options.out and options.out.suffix != ".json":
        parser.error(f"--out must end in .json, {options.out} does not")
    try:
        isa.check(options.isa)
    except ValueError as error:
        parser.error(f"--isa {options.isa}: {error}")
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    if not options.turn > 0:
        parser.error("--turn must be more than 0")
    return options


def main(given: Sequence[str] | None = None, prog: str = "python -m bench") -> int:
    words = list(sys.argv[1:] if given is None else given)
    if words and words[0] in COMMANDS:
        command = importlib.import_module(f".{words[0]}", __package__)
        return int(command.main(f"{prog} {words[0]}", words[1:]))
    options = arguments(prog, words)
    # As Ctrl-C: no stopped process is left behind, and what has been measured is written.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    run = Run(options)
    code = 0
    try:
        run.all()
    except KeyboardInterrupt:
        code = 130
        print("\nInterrupted; this is what there is.", file=sys.stderr)
    print(as_text(run.report))
    if options.out:
        publish(run.report, options.out)
    return code


if __name__ == "__main__":
    sys.exit(main())
