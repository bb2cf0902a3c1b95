"""The ways of update rules: as those of a loop by hand, up to what is not finite, and refusals."""

import copy
import math

import numpy as np
import pytest

import fastopt as fo
from fastopt.optimizers import (
    SGD,
    Accumulate,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Average,
    Clip,
    DeltaBarDelta,
    Lion,
    Nadam,
    RAdam,
    RMSprop,
    trace,
)
from fastopt.schedules import Cosine, Piecewise, Warmup

A = np.array([0.2, 2.0, 0.7])


def f(x):
    return float(A @ x**2) / 2


def grad(x):
    return A * x


def power(x):
    return 0.1 / (1 + x)


RULES = {
    "SGD(0.3)": SGD(0.3),
    "SGD(0.1, momentum=0.9, nesterov=True)": SGD(0.1, 0.9, True),
    "SGD(0.1, momentum=0.9, dampening=0.5)": SGD(0.1, momentum=0.9, dampening=0.5),
    "Adagrad(0.5)": Adagrad(0.5),
    "Adadelta(1.0)": Adadelta(),
    "RMSprop(0.1, centered=True)": RMSprop(0.1, centered=True),
    "Adam(0.001)": Adam(),
    "AdamW(0.1, weight_decay=0.1)": AdamW(0.1, 0.1),
    "Adamax(0.1)": Adamax(0.1),
    "Nadam(0.1)": Nadam(0.1),
    "RAdam(0.1)": RAdam(0.1),
    "Lion(0.02)": Lion(0.02),
    "DeltaBarDelta(1.0, initial_rate=0.1)": DeltaBarDelta(initial_rate=0.1),
    "Clip(SGD(0.3), norm=0.5)": Clip(SGD(0.3), norm=0.5),
    "Average(Clip(Adam(0.1), value=0.1), decay=0.9)": Average(Clip(Adam(0.1), value=0.1), decay=0.9),
    "Accumulate(SGD(0.3), steps=2)": Accumulate(SGD(0.3), steps=2),
    "SGD(power, momentum=Cosine(0.9, steps=5))": SGD(power, momentum=Cosine(0.9, 5)),
    "Adam(Warmup(Cosine(0.1, steps=9), steps=3, low=0.01))": Adam(Warmup(Cosine(0.1, 9), 3, low=0.01)),
}


@pytest.mark.parametrize("name", RULES)
def test_equals_a_loop(name, dtype):
    rule, start = RULES[name], np.array([-3.0, 1.0, 0.5], dtype)
    points, values, drawn = trace(rule, f, grad, start, 15)
    assert (points.shape, points.dtype, values.shape, values.dtype) == ((16, 3), dtype, (16,), np.float64)
    assert drawn == name
    optimizer, w = copy.deepcopy(rule), start.copy()
    for point, value in zip(points, values, strict=True):
        wide = w.astype(np.float64)
        np.testing.assert_array_equal(point, w)
        assert value == f(wide)
        optimizer.update(w, grad(wide).astype(dtype))
    assert start.tolist() == [-3.0, 1.0, 0.5]
    assert rule.step == 0


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])
def test_descent_on_a_parabola(rate):
    """x_t = (1 - rate A)^t x_0, the value is that of the point, and the next trace of the rule is the same."""
    start, rule = np.array([1.0, -2.0, 3.0]), SGD(rate)
    points, values, _ = trace(rule, f, grad, start, 20)
    np.testing.assert_allclose(points, (1 - rate * A) ** np.arange(21)[:, None] * start, rtol=1e-13)
    np.testing.assert_allclose(values, points**2 @ A / 2)
    np.testing.assert_array_equal(trace(rule, f, grad, start, 20).points, points)


@pytest.mark.parametrize("per", ["step", "epoch"])
def test_schedules_count_the_steps(per):
    rule = SGD(Piecewise([1, 3], [1.0, 0.25, 0.0], per=per))
    points = trace(rule, lambda x: x[0], lambda x: [1.0], [0.0], 5).points
    assert points.ravel().tolist() == [0.0, -1.0, -1.25, -1.5, -1.5, -1.5]


@pytest.mark.parametrize(
    ("start", "dtype"),
    [
        ([1, 2], "float64"),
        ((1.0, 2.0), "float64"),
        (np.array([1, 2], np.int32), "float64"),
        (np.array([1, 2], np.float32), "float32"),
        (np.arange(9.0)[1:3], "float64"),
        (np.arange(9.0)[5::-2][::-2], "float64"),
        ([1], "float64"),
    ],
)
def test_starts(start, dtype):
    points, values, name = trace("sgd", lambda x: x @ x, lambda x: 2 * x, start, 1)
    assert points.dtype == dtype
    np.testing.assert_allclose(points, [start, 0.98 * np.asarray(start)], rtol=1e-6)
    assert (values.shape, name) == ((2,), "SGD(0.01)")


def test_calls():
    """One of the function for each point, one of the gradient for each step; what they do to their point is lost."""
    seen = []

    def watched(function):
        def call(x):
            assert x.dtype == np.float64
            result = function(x)
            seen.append(function)
            x[:] = np.nan
            return result

        return call

    points = trace(SGD(0.1), watched(f), watched(grad), np.ones(3, np.float32), 3).points
    assert seen == [f, grad] * 3 + [f]
    np.testing.assert_allclose(points, (1 - 0.1 * A) ** np.arange(4)[:, None], rtol=1e-6)
    assert trace("sgd", f, grad, [1.0, 2.0, 3.0], 0).points.tolist() == [[1, 2, 3]]


# From 0 in steps of 1; the point at 3 or, for the point itself, at 1e308 is not reached.
ENDS = {
    "value": (SGD(1), lambda x: math.nan if x[0] == 3 else 1.0, lambda x: [-1.0]),
    "infinite value": (SGD(1), lambda x: 1 / (x[0] - 3), lambda x: [-1.0]),
    "value that overflows": (SGD(1), lambda x: math.exp(300 * x[0]), lambda x: [-1.0]),
    "gradient": (SGD(1), lambda x: 1.0, lambda x: [np.log(2 - x[0]) - 1 if x[0] > 1 else -1]),
    "gradient that overflows": (SGD(1), lambda x: 1.0, lambda x: [-1.0 if x[0] < 2 else math.exp(1e3)]),
    "gradient whose sign counts": (Lion(1), lambda x: 1.0, lambda x: [-1.0 if x[0] < 2 else -math.inf]),
    "point": (SGD(Piecewise([2], [1, 1e10])), lambda x: 1.0, lambda x: [-1.0 if x[0] < 2 else -1e308]),
}


@pytest.mark.parametrize("name", ENDS)
def test_ends_where_something_is_not_finite(name):
    """Without a warning."""
    points, values, _ = trace(*ENDS[name], [0.0], 10)
    assert points.tolist() == [[0], [1], [2]]
    assert values.shape == (3,)
    assert np.isfinite(values).all()


@pytest.mark.parametrize("rule", [SGD(1.5), SGD(2.5, momentum=0.9)], ids=str)
def test_divergence(rule, dtype):
    """The trace up to the greatest numbers of the dtype."""
    points, values, _ = trace(rule, lambda x: x @ x, lambda x: 2 * x, np.ones(2, dtype), 10_000)
    assert 50 < len(points) < 10_000
    assert np.isfinite(points).all()
    assert np.isfinite(values).all()
    assert np.abs(points).max() > 1e-3 * np.sqrt(np.finfo(dtype).max)


def test_a_trace_begins_without_the_state_of_its_rule():
    used = SGD(0.1, momentum=0.9)
    used.update(np.ones(2), np.ones(2))
    model = fo.Sequential([fo.layers.Dense(1)], seed=0)
    model.compile(used, "mse")
    model.fit(np.ones((2, 1)), np.ones(2), verbose=0)
    want = trace(SGD(0.1, momentum=0.9), lambda x: x @ x, lambda x: 2 * x, [1.0, 2.0], 5)
    for rule in (used, model.optimizer):
        step = rule.step
        got = trace(rule, lambda x: x @ x, lambda x: 2 * x, [1.0, 2.0], 5)
        np.testing.assert_array_equal(got.points, want.points)
        assert rule.step == step


BAD = [
    ({"rule": "sdg"}, ValueError, "Unknown optimizer 'sdg'. Did you mean 'sgd'"),
    ({"rule": SGD}, TypeError, "Expected the name of a known optimizer or an object of one"),
    ({"rule": SGD(0.1, 0.9, nesterov="look_ahead")}, ValueError, "takes the gradient at a point ahead.*nesterov=True"),
    ({"rule": SGD(lambda step: -1.0)}, ValueError, "learning_rate at step 0 must be at least 0"),
    ({"f": lambda x: x}, ValueError, r"f\(x\) has shape \(2,\); expected one number"),
    ({"f": lambda x: None}, TypeError, r"f\(x\) has dtype object"),
    ({"f": lambda x: 1j}, TypeError, r"f\(x\) has dtype complex128"),
    ({"f": lambda x: math.inf}, ValueError, r"f is inf at the start \[1. 2.\]; give an x0 where it is finite"),
    ({"f": lambda x: math.exp(1e3)}, ValueError, "f is inf at the start"),
    ({"grad": lambda x: 1.0}, ValueError, r"grad\(x\) has shape \(\); expected \(2,\), that of x"),
    ({"grad": lambda x: [[1.0, 2.0]]}, ValueError, r"grad\(x\) has shape \(1, 2\); expected \(2,\)"),
    ({"grad": lambda x: [1.0, 2.0, 3.0]}, ValueError, r"grad\(x\) has shape \(3,\); expected \(2,\)"),
    ({"grad": lambda x: [1.0, [2.0]]}, ValueError, r"grad\(x\) is not a rectangular array"),
    ({"grad": lambda x: x.astype(np.float16)}, TypeError, r"grad\(x\) has dtype float16"),
    ({"x0": 1.0}, ValueError, r"x0 has shape \(\); expected \[n\]"),
    ({"x0": []}, ValueError, r"x0 has shape \(0,\)"),
    ({"x0": np.ones((2, 2))}, ValueError, r"x0 has shape \(2, 2\)"),
    ({"x0": [1.0, math.nan]}, ValueError, r"x0\[1\] = nan is not finite"),
    ({"x0": ["a", "b"]}, TypeError, "x0 has dtype <U1"),
    ({"x0": np.ones(2, np.float16)}, TypeError, "x0 has dtype float16"),
    ({"steps": -1}, ValueError, "steps must be at least 0, not -1"),
    ({"steps": 2.0}, TypeError, "steps must be an integer, not 2.0"),
]


@pytest.mark.parametrize(("change", "exception", "message"), BAD)
def test_refused(change, exception, message):
    good = {"rule": "sgd", "f": lambda x: x @ x, "grad": lambda x: 2 * x, "x0": [1.0, 2.0], "steps": 3}
    assert len(trace(**good).points) == 4
    with pytest.raises(exception, match=message):
        trace(**{**good, **change})


def test_errors_of_the_functions_are_passed_on():
    with pytest.raises(ZeroDivisionError):
        trace("sgd", lambda x: 1 / 0, grad, [1.0], 3)
