"""Every rule finds the minimum of a parabola, of a curved valley and of a logistic regression."""

import functools

import numpy as np
import pytest

import fastopt as fo
from fastopt._core import kernels
from fastopt.optimizers import (
    SGD,
    SWATS,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    DeltaBarDelta,
    Lamb,
    Lion,
    Nadam,
    RAdam,
    RMSprop,
)


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

heavy_ball = functools.partial(SGD, momentum=0.9, dampening=0.0)
centered = functools.partial(RMSprop, centered=True, epsilon=1e-2)
adadelta = functools.partial(Adadelta, rho=0.5)
delta_bar_delta = functools.partial(DeltaBarDelta, 1.0)

# For each rule the optimizer on each of the functions.
OPTIMIZERS = {
    "sgd": (SGD(0.3), SGD(0.002), SGD(1.0)),
    "momentum": tuple(SGD(rate, 0.9) for rate in (0.03, 0.002, 0.3)),
    "nesterov": tuple(SGD(rate, 0.9, nesterov=True) for rate in (0.3, 0.001, 0.3)),
    "heavy_ball": tuple(heavy_ball(rate) for rate in (0.03, 0.002, 0.3)),
    "heavy_ball_nesterov": tuple(heavy_ball(rate, nesterov=True) for rate in (0.3, 0.001, 0.3)),
    "lion": (Lion(0.02, 0.5, 0.5), Lion(0.001), Lion(0.02, 0.5, 0.5)),
    "adagrad": (Adagrad(1.0), Adagrad(0.3), Adagrad(1.0)),
    "rmsprop": (RMSprop(0.03), RMSprop(0.001), RMSprop(0.01)),
    "rmsprop_momentum": tuple(RMSprop(rate, momentum=0.9) for rate in (0.003, 0.0003, 0.001)),
    "rmsprop_nesterov": tuple(RMSprop(rate, momentum=0.9, nesterov=True) for rate in (0.003, 0.0001, 0.001)),
    "rmsprop_centered": (centered(0.01), centered(0.0003), centered(0.03)),
    "rmsprop_centered_momentum": tuple(centered(rate, momentum=0.9) for rate in (0.003, 0.0001, 0.01)),
    "rmsprop_centered_nesterov": tuple(centered(rate, momentum=0.9, nesterov=True) for rate in (0.003, 0.0001, 0.01)),
    "adadelta": (adadelta(epsilon=0.1), adadelta(0.3, epsilon=1e-8), adadelta(epsilon=0.1)),
    "delta_bar_delta": (delta_bar_delta(0.1, 0.01), delta_bar_delta(0.0003, 0.00003), delta_bar_delta(0.1, 0.01)),
    "adam": (Adam(0.3), Adam(0.003), Adam(0.3)),
    "amsgrad": tuple(Adam(rate, amsgrad=True) for rate in (0.3, 0.1, 0.1)),
    "adamw": tuple(AdamW(rate, 1e-6) for rate in (0.3, 0.003, 0.3)),
    "amsgradw": tuple(AdamW(rate, 1e-6, amsgrad=True) for rate in (0.3, 0.1, 0.1)),
    "adamax": (Adamax(0.3), Adamax(0.003), Adamax(0.3)),
    "nadam": (Nadam(0.3), Nadam(0.002), Nadam(0.03)),
    "radam": (RAdam(0.3), RAdam(0.003), RAdam(0.3)),
    "lamb": tuple(
        Lamb(fo.schedules.Cosine(rate, steps), 0.0) for rate, steps in ((0.3, 300), (0.03, 4000), (0.3, 300))
    ),
    "swats": (SWATS(0.3, tolerance=1e-2), SWATS(0.003), SWATS(0.3, tolerance=1e-2)),
}
CASES = {
    f"{name}-{function}": (function, optimizer)
    for name, row in OPTIMIZERS.items()
    for function, optimizer in zip(FUNCTIONS, row, strict=True)
}


@pytest.mark.parametrize(("function", "optimizer"), CASES.values(), ids=CASES)
def test_minimises(function, optimizer):
    f, start, steps, least, distance = FUNCTIONS[function]
    w, optimizer = np.array(start), type(optimizer).from_config(optimizer.get_config())
    for _ in range(steps):
        optimizer.update(w, f(w)[1])
    assert f(w)[0] - least < distance


def test_every_rule_is_tested():
    assert {name: {optimizer.rule for optimizer in row} for name, row in OPTIMIZERS.items()} == {
        rule: {rule} for rule in kernels.update_rules() if rule != "nesterov_look_ahead"
    }


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
