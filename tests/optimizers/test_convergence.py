"""Every rule finds the minimum of a parabola, of a curved valley and of a logistic regression."""

import cases
import numpy as np
import pytest

from fastopt._core import kernels
from fastopt.optimizers import Adam


def parabola(w):
    return float(w**2 @ [0.1, 1.0]), w * [0.2, 2.0]


def rosenbrock(w):
    x, y = w
    return float((1 - x) ** 2 + 100 * (y - x * x) ** 2), np.array(
        [2 * (x - 1) - 400 * x * (y - x * x), 200 * (y - x * x)]
    )


RNG = np.random.default_rng(0)
X = np.c_[RNG.normal(size=(60, 3)), np.ones(60)]
T = (RNG.random(60) < 1 / (1 + np.exp(-X @ [2.0, -1.0, 0.5, 0.3]))).astype(float)


def logistic_regression(w):
    z = X @ w
    return float(np.mean(np.logaddexp(0, z) - T * z)), X.T @ (1 / (1 + np.exp(-z)) - T) / len(X)


def newton(w):
    """The exact minimum of the regression."""
    for _ in range(20):
        p = 1 / (1 + np.exp(-X @ w))
        w = w - np.linalg.solve((X.T * (p * (1 - p))) @ X, X.T @ (p - T))
    return logistic_regression(w)[0]


# Function, start, steps, its minimum, how close to it the last value must be.
FUNCTIONS = {
    "parabola": (parabola, (-4.0, 3.0), 300, 0.0, 1e-2),
    "rosenbrock": (rosenbrock, (-1.0, 1.0), 4000, 0.0, 1e-2),
    "logistic_regression": (logistic_regression, (0.0,) * 4, 300, newton(np.zeros(4)), 1e-3),
}

CASES = {
    f"{rule}-{function}": (function, optimizer)
    for rule in cases.RULES
    if rule.converges
    for function, optimizer in zip(FUNCTIONS, rule.converges, strict=True)
}


@pytest.mark.parametrize(("function", "optimizer"), CASES.values(), ids=CASES)
def test_minimises(function, optimizer):
    f, start, steps, least, distance = FUNCTIONS[function]
    w, optimizer = np.array(start), type(optimizer).from_config(optimizer.get_config())
    for _ in range(steps):
        optimizer.update(w, f(w)[1])
    assert f(w)[0] - least < distance


def test_every_rule_is_tested():
    assert all(optimizer.rule == rule.name for rule in cases.RULES for optimizer in rule.converges)
    converging = {rule.name for rule in cases.RULES if rule.converges}
    assert converging == kernels.update_rules().keys() - {"nesterov_look_ahead", "nadam_look_ahead"}


@pytest.mark.parametrize(("amsgrad", "limit"), [(False, 1.0), (True, -1.0)], ids=["adam", "amsgrad"])
def test_counterexample(amsgrad, limit):
    """Theorem 1 of Reddi, Kale and Kumar (2018): the gradient on [-1, 1] is c > 2 in each third step, else -1.

    On average it is positive, so that the minimum is at -1. Adam forgets the rare, large gradient and goes to +1.
    """
    c = 3.0
    w, optimizer = np.zeros(1), Adam(beta_1=0.0, beta_2=1 / (1 + c**2), amsgrad=amsgrad)
    for t in range(1, 3001):
        optimizer.learning_rate = 0.5 / np.sqrt(t)
        optimizer.update(w, np.array([c if t % 3 == 1 else -1.0]))
        np.clip(w, -1.0, 1.0, out=w)
    assert abs(w[0] - limit) < 0.05
