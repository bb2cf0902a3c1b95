"""Runs the scripts of the gallery and saves their pictures: ``python gallery [names] [--out folder]``."""

import argparse
import runpy
import sys
import time
import traceback
import warnings
from pathlib import Path

import matplotlib

matplotlib.use("agg")
from matplotlib import pyplot

HERE = Path(__file__).resolve().parent
NAMES = sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_"))


def main() -> int:
    """Run what is asked for, or all; return 1 where a claim does not hold."""
    parser = argparse.ArgumentParser(prog="fastopt gallery", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"which: {', '.join(NAMES)}; default: all")
    parser.add_argument("--out", type=Path, default=HERE / "output", metavar="folder", help="default: gallery/output")
    args = parser.parse_args()
    for name in args.names:
        if name not in NAMES:
            parser.error(f"there is no {name}; there are {', '.join(NAMES)}")
    args.out.mkdir(parents=True, exist_ok=True)
    sys.path.insert(0, str(HERE))
    failed, began = [], time.perf_counter()
    for name in args.names or NAMES:
        start = time.perf_counter()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # some trainings are to diverge
                runpy.run_path(str(HERE / f"{name}.py"), run_name="__main__")
        except Exception:
            failed.append(name)
            traceback.print_exc()
        for i, number in enumerate(pyplot.get_fignums()):
            pyplot.figure(number).savefig(args.out / f"{name}{f'_{i + 1}' if i else ''}.png")
        pyplot.close("all")
        print(f"{name:24} {time.perf_counter() - start:5.1f} s{'  failed' if name in failed else ''}", flush=True)
    print(f"{time.perf_counter() - began:.0f} s; pictures in {args.out}")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
