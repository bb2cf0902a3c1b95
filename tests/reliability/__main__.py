"""``python -m reliability NAME SIZE``."""

import argparse
import platform
import sys
import time
from importlib import import_module

from reliability.campaigns import CAMPAIGNS


def main() -> int:
    parser = argparse.ArgumentParser("reliability", description=__doc__)
    parser.add_argument("name", choices=CAMPAIGNS)
    parser.add_argument("size", type=int, nargs="?", help="how much to try; that of docs/reliability.md else")
    parser.add_argument("--first", type=int, default=0, help="the number of the first try: other tries, or one again")
    given = parser.parse_args()
    began = time.monotonic()
    size = given.size or CAMPAIGNS[given.name].full
    figures, faults = import_module(f"reliability.{given.name}").run(size, given.first)
    for fault in faults:
        print(fault, flush=True)
    took = f"{time.monotonic() - began:.0f} s, Python {platform.python_version()}, {platform.machine()}"
    print(f"{given.name} {size}: {figures}; {len(faults)} faults, {took}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
