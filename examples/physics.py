"""Solves a differential equation with a network: a damped oscillator, by L-BFGS, without any data.

u'' + 2 g u' + w^2 u = 0 with u(0) = 1 and u'(0) = 0. Run it with `pip install 'fastopt[plot]'`: python
examples/physics.py [folder]; it takes two to five seconds and draws the solution beside the exact one.

fastopt differentiates a network by its weights and by its inputs, but has no gradient by the weights of a derivative by
the inputs. So derivatives by t are central differences of the network at t - h, t and t + h, in float64: their error is
about h^2, a millionth. What the equation makes of the three values is a layer that is not trained, so that the residual
is an output like any other, and `fit` with a solver does all else.

Raissi, Perdikaris and Karniadakis, Physics-informed neural networks, Journal of Computational Physics 378, 2019.
"""

import argparse
import math
from pathlib import Path

import numpy as np

import fastopt as fo

DAMPING, FREQUENCY = 0.3, 4.0  # g and w
END = 5.0
H = 1e-3


def exact(t):
    """Return the solution."""
    w = math.sqrt(FREQUENCY**2 - DAMPING**2)
    return np.exp(-DAMPING * t) * (np.cos(w * t) + DAMPING / w * np.sin(w * t))


def problem(seed=0):
    """Return the network u, and the model of the residual and of the start, whose targets are 0, 1 and 0."""
    layers = [fo.layers.Rescaling(2 / END, -1.0), fo.layers.Dense(24, "tanh"), fo.layers.Dense(24, "tanh")]
    u = fo.Sequential([*layers, fo.layers.Dense(1)], name="u").as_layer()
    inputs = [fo.Input(1, name) for name in ("before", "here", "after", "zero before", "zero", "zero after")]
    values = [u(value) for value in inputs]
    outputs = []
    for name, three in (("equation", values[:3]), ("slope", values[3:])):
        sum_of_three = fo.layers.Dense(1, use_bias=False, trainable=False, name=name)
        outputs.append(sum_of_three(fo.layers.Concatenate()(three)))
    model = fo.Model(
        inputs, [*outputs, fo.layers.Activation(None, name="start")(values[4])], seed=seed, dtype="float64"
    )
    slope, bend = np.array([-1, 0, 1]) / (2 * H), np.array([1, -2, 1]) / H**2
    equation = bend + 2 * DAMPING * slope + FREQUENCY**2 * np.array([0, 1, 0])
    for name, factors in (("equation", equation), ("slope", slope)):
        model.parameters[f"{name}/kernel"][...] = factors[:, None]
    return model


def samples(t):
    """Return the inputs of the model for some times."""
    zero = np.zeros_like(t)
    return [one[:, None] for one in (t - H, t, t + H, zero - H, zero, zero + H)]


def solution(model, t):
    """Return the values of the network at some times: the output whose target is that of the start, at others."""
    return model.predict([t[:, None]] * 6, verbose=0)[2][:, 0]


def solve(iterations=3000, points=150, seed=0):
    """Train the network on the equation; return the model and the history."""
    model = problem(seed)
    t = np.linspace(0.0, END, points)
    losses = dict.fromkeys(("equation", "slope", "start"), "mse")
    weights = {"equation": 1 / FREQUENCY**2, "slope": 1 / FREQUENCY**2, "start": 1.0}
    model.compile(fo.solvers.LBFGS(), losses, loss_weights=weights)
    targets = {"equation": 0 * t, "slope": 0 * t, "start": 0 * t + 1.0}
    history = model.fit(samples(t), targets, epochs=iterations, verbose=0)
    return model, history


def main(arguments=None):
    """Solve, print the error, draw the solution; return the largest error."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", nargs="?", help="where to save the picture")
    parser.add_argument("--iterations", type=int, default=3000, help="of L-BFGS, at most")
    options = parser.parse_args(arguments)
    model, history = solve(options.iterations)
    t = np.linspace(0.0, END, 1001)
    found = solution(model, t)
    error = float(abs(found - exact(t)).max())
    losses = history.history["loss"]
    print(f"{len(losses)} iterations, loss {losses[-1]:.1e}: largest error {error:.1e}")
    if options.folder:
        draw(Path(options.folder), t, found)
    return error


def draw(folder, t, found):
    """Save the picture."""
    from matplotlib import pyplot

    folder.mkdir(exist_ok=True)
    _, (left, right) = pyplot.subplots(1, 2, figsize=(9.2, 3.2), layout="constrained")
    left.plot(t, exact(t), label="exact", lw=4, alpha=0.4)
    left.plot(t, found, label="network", lw=1.2)
    left.set(xlabel="t", ylabel="u")
    left.legend()
    right.semilogy(t, abs(found - exact(t)))
    right.set(xlabel="t", ylabel="error")
    pyplot.savefig(folder / "physics.png", dpi=90)


if __name__ == "__main__":
    main()
