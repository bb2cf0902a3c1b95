"""Temperature scaling."""

import numpy as np
import pytest

import fastopt as fo


def nll(z, y, t, w):
    z = z / t
    z = z - z.max(axis=1, keepdims=True)
    return np.average(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y], weights=w)


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("classes", [1, 2, 5])
def test_least_cross_entropy(classes, size, rng):
    """Logits that are `size` times too large: the temperature is about that, and its neighbours are worse."""
    z = rng.normal(0, 2, (600, classes))
    wide = np.concatenate([0 * z, z], 1) if classes == 1 else z
    y = (wide + rng.gumbel(size=wide.shape)).argmax(axis=1)
    w = rng.uniform(0.5, 2, 600)
    t = fo.calibrate.temperature(size * z, y, w, logits=True)
    assert t == pytest.approx(size, rel=0.3)
    best = nll(size * wide, y, t, w)
    assert all(best < nll(size * wide, y, f * t, w) for f in (0.99, 1.01))
    if size == 1:
        p = np.exp(wide) / np.exp(wide).sum(axis=1, keepdims=True)
        p = p[:, 1:] if classes == 1 else p
        assert fo.calibrate.temperature(p, y, w) == pytest.approx(t, rel=1e-9)


@pytest.mark.parametrize("last", ["softmax", "sigmoid", "Activation"])
def test_folded_into_a_model(last, rng):
    classes = 1 if last == "sigmoid" else 3
    layers = [fo.layers.Dense(8, "relu"), fo.layers.Dense(classes, None if last == "Activation" else last)]
    layers += [fo.layers.Activation("softmax")] if last == "Activation" else []
    model = fo.Sequential(layers, seed=0, dtype="float64")
    model.build(4)
    x = rng.normal(size=(50, 4))
    p, q = model.predict(x), fo.calibrate.with_temperature(model, 2.5).predict(x)
    np.testing.assert_array_equal(p, model.predict(x))  # the model stays
    if classes == 1:
        np.testing.assert_allclose(np.log(q / (1 - q)), np.log(p / (1 - p)) / 2.5, rtol=1e-9)
    else:
        np.testing.assert_allclose(q, p**0.4 / (p**0.4).sum(axis=1, keepdims=True), rtol=1e-9)
        np.testing.assert_array_equal(p.argmax(axis=1), q.argmax(axis=1))


def test_expected_calibration_error(rng):
    """By its definition, and about 0 for labels that come from the probabilities."""
    p = rng.dirichlet(np.ones(3), 20_000)
    y = (rng.random((20_000, 1)) > p.cumsum(axis=1)).sum(axis=1)
    error = 0
    for b in range(10):
        inside = (p.max(axis=1) > b / 10) & (p.max(axis=1) <= (b + 1) / 10)
        if inside.any():
            gap = (p.argmax(axis=1) == y)[inside].mean() - p.max(axis=1)[inside].mean()
            error += inside.mean() * abs(gap)
    assert fo.calibrate.expected_calibration_error(y, p, bins=10) == pytest.approx(error, rel=1e-9)
    assert error < 0.02
    assert fo.calibrate.expected_calibration_error(y, p**3 / (p**3).sum(axis=1, keepdims=True)) > 0.1


CALL = fo.calibrate.temperature
BAD = {
    "all right": (lambda: CALL([[0.9, 0.1], [0.2, 0.8]], [0, 1]), "all classes are right"),
    "chance": (lambda: CALL([[0.9, 0.1], [0.2, 0.8]], [1, 0]), "no better than equal probabilities"),
    "logits": (lambda: CALL([[2.0, 0.1]], [0]), "give logits as logits=True"),
    "label": (lambda: CALL([[0.9, 0.1]], [2]), r"y_true\[0\] = 2 is not a label from 0 to 1"),
    "labels": (lambda: CALL([[0.9, 0.1]], [0, 1]), r"y_true has shape \(2,\); expected one label"),
    "weights": (lambda: CALL([[0.9, 0.1]], [0], [-1.0]), "sample_weight must be 1 finite numbers"),
    "layers": (
        lambda: fo.calibrate.with_temperature(fo.Sequential([fo.layers.Dense(2, "tanh")]), 2.0),
        "must end with Dense",
    ),
    "bins": (lambda: fo.calibrate.expected_calibration_error([0], [0.5], 0), "bins must be at least 1"),
}


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=BAD)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
