"""Draws performance profiles (Dolan and Moré, 2002) of the solvers beside SciPy's, on the problems of the tests.

Needs ``pip install 'fastopt[plot]' scipy``. ``python scripts/performance_profiles.py [file]`` saves the picture, by
default docs/performance_profiles.png. A curve is the share of the runs that a method solves with at most so many times
the evaluations of the better one of both.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
from matplotlib import pyplot

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests")]

from cases.mgh import PROBLEMS  # noqa: E402
from solvers.test_problems import METHODS, run, starts  # noqa: E402

from fastopt.core.axes import COLORS  # noqa: E402

MOST = 8  # times the evaluations of the better one


def profiles(method):
    """Return of ours and SciPy's the rising ratios of the runs that are solved, and the number of runs."""
    runs = np.array(
        [
            [n if solved else np.inf for solved, n in (run(name, start, method, ours) for ours in (True, False))]
            for name in PROBLEMS
            for start in starts(name)
        ]
    )
    best = runs.min(axis=1, keepdims=True)
    ratios = np.where(np.isfinite(best), runs / best, np.inf)
    return np.sort(ratios, axis=0).T, len(runs)


def main():
    """Save the picture."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "performance_profiles.png"
    figure, axes = pyplot.subplots(2, 4, figsize=(11, 5.4), sharex=True, sharey=True, layout="constrained")
    warnings.simplefilter("ignore")
    for ax, method in zip(axes.flat, METHODS, strict=False):
        both, count = profiles(method)
        for ratios, label, color, style in zip(both, ("fastopt", "SciPy"), COLORS, ("-", "--"), strict=False):
            solved = ratios[np.isfinite(ratios)]
            share = np.arange(1, len(solved) + 1) / count
            last = share[-1:]
            ax.step([1, *solved, 2 * MOST], [0, *share, *last], style, where="post", color=color, label=label)
        ax.set(title="least_squares" if method == "lm" else method, xscale="log", xlim=(1, MOST), ylim=(0, 1))
        ax.set_xticks([1, 2, 4, 8], ["1", "2", "4", "8"])
        ax.minorticks_off()
        ax.grid(color="#D8DEE6", linewidth=0.5)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0, 0].legend(frameon=False, loc="lower right")
    axes.flat[-1].set_axis_off()
    figure.supxlabel("times the evaluations of the better one")
    figure.supylabel("share of runs solved")
    figure.savefig(path, dpi=110)
    print(path)


if __name__ == "__main__":
    main()
