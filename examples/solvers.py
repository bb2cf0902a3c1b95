"""Draws how solvers go: their zigzag on a bowl and in a ravine, and how fast they converge.

Needs ``pip install 'fastopt[plot]'``. ``python examples/solvers.py [folder]`` saves the pictures in the folder, by
default examples/output.
"""

import common
import numpy as np
from common import save
from matplotlib import pyplot

import fastopt as fo
from fastopt.core.axes import COLORS
from fastopt.plotting import trajectories
from fastopt.solvers import BFGS, LBFGS, ConjugateGradients, NewtonCG, SteepestDescent, trace


def bowl():
    """Return a parabola: along exact lines, steepest descent turns by 90 degrees each time, the others end in two."""

    def f(x):
        return x[0] ** 2 / 10 + x[1] ** 2

    def grad(x):
        return [x[0] / 5, 2 * x[1]]

    methods = {
        "steepest descent": SteepestDescent("exact"),
        "conjugate gradients": ConjugateGradients(search="exact"),
    }
    traces = [trace(m, f, grad, [-7, 2], steps=20)._replace(name=name) for name, m in methods.items()]
    return trajectories(f, traces, minimum=[0, 0], ylim=(-2, 2.5))


def rosenbrock(x):
    """Return a curved valley with a flat floor, for each pair of neighbours."""
    return float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())


def slope(x):
    """Return its gradient."""
    g = np.zeros_like(x)
    g[:-1] = -400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1])
    g[1:] += 200 * (x[1:] - x[:-1] ** 2)
    return g


def ravine():
    """Return the ways of three methods to the minimum of Rosenbrock's function."""
    methods = {"steepest descent": SteepestDescent(), "conjugate gradients": ConjugateGradients(), "BFGS": BFGS()}
    traces = [trace(m, rosenbrock, slope, [-1.2, 1.0], steps=60)._replace(name=name) for name, m in methods.items()]
    return trajectories(rosenbrock, traces, minimum=[1, 1], xlim=(-1.6, 1.5), ylim=(-0.7, 1.8))


def convergence(n=50):
    """Return the lowest value so far against evaluations, of Rosenbrock's function of n variables."""
    _, ax = pyplot.subplots(figsize=(7.6, 4.2), layout="constrained")
    methods = [SteepestDescent(gtol=1e-9), ConjugateGradients(gtol=1e-9), BFGS(gtol=1e-9), LBFGS(gtol=1e-9, ftol=0.0)]
    for i, method in enumerate([*methods, NewtonCG(gtol=1e-9)]):
        seen = []

        def counted(x, seen=seen):
            seen.append(rosenbrock(x))
            return seen[-1]

        x0 = np.tile([-1.2, 1.0], n // 2)
        fo.solvers.minimize(counted, x0, jac=slope, method=method, options={"maxiter": 2000, "maxfun": 1000})
        lowest = np.minimum.accumulate(seen)
        color = COLORS[i]
        ax.plot(np.arange(1, len(seen) + 1), lowest, color=color, label=type(method).__name__)
    ax.set(xscale="log", yscale="log", ylim=(1e-16, None), xlabel="evaluations of the function", ylabel="lowest value")
    ax.grid(color="#D8DEE6", linewidth=0.5)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
    return ax


def main():
    """Save the pictures."""
    folder = common.folder(__doc__)
    for draw, title in (
        (bowl, "A bowl: $x_0^2 / 10 + x_1^2$, exact line searches"),
        (ravine, "A ravine: Rosenbrock's function, at most 60 steps"),
        (convergence, "Rosenbrock's function of 50 variables"),
    ):
        ax = draw()
        ax.set_title(title)
        save(ax.figure, folder / f"solvers_{draw.__name__}.png")


if __name__ == "__main__":
    main()
