"""Draws where update rules go over four functions of two variables: a bowl, a ravine, a saddle and a cliff.

Needs ``pip install 'fastopt[plot]'``. ``python examples/trajectories.py [folder]`` saves one picture for each function
in the folder, by default examples/output.
"""

import math

import common
from common import save

import fastopt as fo
from fastopt.optimizers import SGD, Adam, Clip, RMSprop


def bowl():
    """Return a parabola that is steeper in one direction: plain descent swings there and is slow in the other."""

    def f(x):
        return x[0] ** 2 / 10 + x[1] ** 2

    def grad(x):
        return [x[0] / 5, 2 * x[1]]

    rules = [SGD(0.95), SGD(0.1, momentum=0.9), RMSprop(0.5), Adam(0.5)]
    traces = [fo.optimizers.trace(rule, f, grad, [-7, 2], steps=20) for rule in rules]
    return fo.plotting.trajectories(f, traces, minimum=[0, 0])


def ravine():
    """Return Rosenbrock's function, a curved valley with a flat floor: reaching it is easy, following it is not."""

    def f(x):
        return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2

    def grad(x):
        return [2 * (x[0] - 1) - 400 * x[0] * (x[1] - x[0] ** 2), 200 * (x[1] - x[0] ** 2)]

    rules = [SGD(0.0005), SGD(0.0001, momentum=0.9), RMSprop(0.01), Adam(0.3)]
    traces = [fo.optimizers.trace(rule, f, grad, [-1.5, -0.5], steps=400) for rule in rules]
    return fo.plotting.trajectories(f, traces, minimum=[1, 1], xlim=(-2, 2), ylim=(-1, 3))


def saddle():
    """Return a saddle, entered close to its ridge: what divides by the size of the gradient leaves it sooner."""

    def f(x):
        return x[0] ** 2 - x[1] ** 2

    def grad(x):
        return [2 * x[0], -2 * x[1]]

    rules = [SGD(0.05), SGD(0.02, momentum=0.9), RMSprop(0.05), Adam(0.05)]
    traces = [fo.optimizers.trace(rule, f, grad, [-1, 1e-3], steps=60) for rule in rules]
    return fo.plotting.trajectories(f, traces, xlim=(-1.2, 1.2), ylim=(-1, 1))


def cliff_loss(x):
    """Return the loss of a recurrent neuron, s <- w sigmoid(s) + b ten times, by w and b, and its gradient."""
    steps, goal = 10, 0.7
    w, b = x.tolist()
    s, s_w, s_b = 0.5, 0.0, 0.0  # the state, and its derivatives by w and b
    for _ in range(steps):
        a = 1 / (1 + math.exp(-s))
        slope = a * (1 - a)
        s, s_w, s_b = w * a + b, a + w * slope * s_w, 1 + w * slope * s_b
    a = 1 / (1 + math.exp(-s))
    outer = 2 * (a - goal) * a * (1 - a)
    return (a - goal) ** 2, [outer * s_w, outer * s_b]


def cliff():
    """Return that loss, which has a wall.

    At the wall the gradient is so large that one step along it loses all that was gained, unless it is clipped.
    Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks, ICML 2013, section 2.3.
    """

    def f(x):
        return cliff_loss(x)[0]

    def grad(x):
        return cliff_loss(x)[1]

    rules = [SGD(1.0), Clip(SGD(1.0), norm=0.05)]
    traces = [fo.optimizers.trace(rule, f, grad, [5, -1.5], steps=50) for rule in rules]
    ax = fo.plotting.trajectories(f, traces, xlim=(3.8, 5.8), ylim=(-3, 0.2))
    ax.set(xlabel="w", ylabel="b")
    return ax


def main():
    """Draw all."""
    folder = common.folder(__doc__)
    for draw, title in (
        (bowl, "A bowl: $x_0^2 / 10 + x_1^2$, 20 steps"),
        (ravine, "A ravine: Rosenbrock's function, 400 steps"),
        (saddle, "A saddle: $x_0^2 - x_1^2$, 60 steps"),
        (cliff, "A cliff: the loss of a recurrent neuron, 50 steps"),
    ):
        ax = draw()
        ax.set_title(title)
        save(ax.figure, folder / f"{draw.__name__}.png")


if __name__ == "__main__":
    main()
