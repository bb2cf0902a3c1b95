"""Bias, variance and mismatch of the data; averages of a series."""

import numpy as np
import pytest

import fastopt as fo


@pytest.mark.parametrize(
    ("errors", "problems"),
    [
        ((0.01, 0.11), ["variance"]),
        ((0.15, 0.16), ["bias"]),
        ((0.15, 0.30), ["bias", "variance"]),
        ((0.005, 0.01), []),
        ((0.15, 0.16, 0.15), []),
        ((0.01, 0.10, 0.0, 0.09), ["variance"]),
        ((0.01, 0.10, 0.0, 0.015), ["mismatch"]),
        ((0.10, 0.20, 0.0, 0.11), ["bias", "mismatch"]),
    ],
)
def test_problems(errors, problems):
    diagnosis = fo.diagnose_errors(*errors)
    assert diagnosis.problems == problems == list(diagnosis.advice)
    assert sum(diagnosis.gaps.values()) == pytest.approx(diagnosis.dev_error - diagnosis.human_error)
    lines = str(diagnosis).splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[-2] for line in lines if line.endswith("<-")] == problems
    assert (lines[-1] == "no gap is larger than 5.00%") == (not problems)


def test_threshold():
    assert fo.diagnose_errors(0.04, 0.06, threshold=0.01).problems == ["bias", "variance"]


X = np.random.default_rng(0).normal(size=(300, 4))
Y = X @ [1.0, 2.0, 3.0, 4.0]


def sequential(units, activation, loss, y):
    model = fo.Sequential([fo.layers.Dense(units, activation)], seed=0)
    model.compile("adam", loss, ["mse"] if loss == "mse" else None)
    model.fit(X, y, epochs=3, verbose=0)
    return model


def functional(units, activation, loss, y):
    inputs = fo.Input(4)
    model = fo.Model(inputs, fo.layers.Dense(units, activation)(inputs))
    model.compile("adam", loss)
    model.fit(X, y, epochs=3, verbose=0)
    return model


@pytest.mark.parametrize("make", [sequential, functional])
@pytest.mark.parametrize(
    ("units", "activation", "loss", "y", "error"),
    [
        (1, "linear", "mse", Y, lambda y, p: ((y - p[:, 0]) ** 2).sum() / ((y - y.mean()) ** 2).sum()),
        (1, "linear", "binary_crossentropy", Y > 0, lambda y, p: np.mean((p[:, 0] > 0) != y)),
        (1, "sigmoid", "binary_crossentropy", Y > 0, lambda y, p: np.mean((p[:, 0] > 0.5) != y)),
        (2, "linear", "sparse_categorical_crossentropy", Y > 0, lambda y, p: np.mean(p.argmax(1) != y)),
    ],
    ids=["values", "logits", "probabilities", "classes"],
)
def test_errors_of_a_model(make, units, activation, loss, y, error):
    model = make(units, activation, loss, y)
    before, metrics = model.get_weights(), dict(model.metrics)
    parts = {name: (X[at], y[at]) for name, at in (("train", slice(200)), ("dev", slice(250, 300)))}
    diagnosis = fo.diagnose(model, **parts, train_dev=(X[200:250], y[200:250]))
    for name, at in (("train", slice(200)), ("train_dev", slice(200, 250)), ("dev", slice(250, 300))):
        expected = error(y[at], model.predict(X[at]).astype(np.float64))
        assert getattr(diagnosis, f"{name}_error") == pytest.approx(expected, rel=1e-5)
    assert model.metrics == metrics
    assert all(np.array_equal(v, w) for v, w in zip(before, model.get_weights(), strict=True))


def test_weights_of_samples():
    model = sequential(2, "linear", "sparse_categorical_crossentropy", Y > 0)
    weight = np.arange(300.0)
    wrong = model.predict(X).argmax(1) != (Y > 0)
    diagnosis = fo.diagnose(model, (X, Y > 0, weight), (X, Y > 0))
    assert diagnosis.train_error == pytest.approx(np.average(wrong, weights=weight))


def test_errors():
    with pytest.raises(TypeError, match="model must be"):
        fo.diagnose(0.1, 0.2, 0.3)
    with pytest.raises(RuntimeError, match="no loss"):
        fo.diagnose(fo.Sequential([fo.layers.Dense(1)]), (X, Y), (X, Y))
    with pytest.raises(ValueError, match=r"dev must be \(x, y\)"):
        fo.diagnose(sequential(1, "linear", "mse", Y), (X, Y), X)
    with pytest.raises(ValueError, match="dev_error must be at least 0"):
        fo.diagnose_errors(0.1, -0.2)


def test_weighted_average():
    series = [40, 49, 45, 48, 50]
    np.testing.assert_allclose(fo.weighted_average(series, 0.9, correct=False), [4, 8.5, 12.15, 15.735, 19.1615])
    corrected = [40, 44.7368421053, 44.8339483395, 45.7545798197, 46.7912871481]
    np.testing.assert_allclose(fo.weighted_average(series, 0.9), corrected, rtol=1e-11)
    many = np.stack([series, series[::-1]], axis=1)
    np.testing.assert_array_equal(fo.weighted_average(many, 0.9)[:, 0], fo.weighted_average(series, 0.9))


@pytest.mark.parametrize("start", [0, 2])
def test_average_of_weights_from_zero(start):
    """That of the weights after each step is that of the series."""
    w, series = np.array([1.0, -2.0]), []
    average = fo.optimizers.Average(fo.optimizers.SGD(0.1), 0.9, start, from_zero=True)
    for _ in range(6):
        average.update(w, 2 * w)
        series.append(w.copy())
    average.swap(w)
    np.testing.assert_allclose(w, fo.weighted_average(series[start:], 0.9)[-1], rtol=1e-14)


@pytest.mark.parametrize("decay", [None, fo.schedules.Piecewise([3], [0.5, 0.9])])
def test_average_from_zero_needs_a_number(decay):
    w = np.ones(2)
    with pytest.raises(ValueError, match="from_zero needs a decay that is a number"):
        fo.optimizers.Average("sgd", decay, from_zero=True).update(w, w.copy())
    assert (w == 1).all()
