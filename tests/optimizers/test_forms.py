"""Forms of the rules that lecture notes have beside the usual ones, by their values."""

import itertools

import numpy as np
import pytest

import fastopt as fo
from fastopt import optimizers as opt


def after_on_the_bowl(rule, steps=20):
    """Where a rule is on x^2 / 10 + y^2 from (-7, 2), as the mean loss of two samples."""
    model = fo.Sequential([fo.layers.Dense(1, use_bias=False)], dtype="float64")
    model.compile(rule, "mse")
    model.build(2)
    model.parameters["dense/kernel"][:, 0] = -7, 2
    samples = np.diag(np.sqrt([0.2, 2.0]))
    model.fit(samples, np.zeros(2), batch_size=2, epochs=steps, shuffle=False, verbose=0)
    return model.parameters["dense/kernel"][:, 0]


def test_two_forms_of_nadam():
    np.testing.assert_allclose(after_on_the_bowl(opt.Nadam(0.5, look_ahead=True)), [0.726, 0.144], atol=5e-4)
    np.testing.assert_allclose(after_on_the_bowl(opt.Nadam(0.5)), [-0.773, -0.046], atol=5e-4)


def rates(rule, gradients):
    """The effective rates of a rule without momentum."""
    w, found = np.zeros(1), []
    for g in gradients:
        w[...] = 0
        rule.update(w, np.array([float(g)]))
        found.append(-w[0] / g)
    return found


def test_the_rate_of_amsgrad_never_grows_in_its_rising_form(rng):
    usual = opt.Adam(0.1, beta_1=0.0, beta_2=0.9, epsilon=1e-30, amsgrad=True)
    np.testing.assert_allclose(rates(usual, [1, 1 / 2, 1 / 3]), [0.100, 0.129, 0.154], atol=5e-4)
    gradients = np.r_[1 / np.arange(1, 50), 10 ** rng.normal(size=200)]
    found = rates(opt.Adam(0.1, beta_1=0.0, beta_2=0.9, amsgrad="rising"), gradients)
    assert all(b <= a * (1 + 1e-12) for a, b in itertools.pairwise(found))  # but for rounding


@pytest.mark.parametrize("form", [False, True, "rising"])
def test_bounds_of_the_rate(form, rng):
    gradients = 10 ** rng.normal(size=200)
    free, bounded = (
        rates(opt.Adam(0.1, beta_1=0.0, beta_2=0.9, amsgrad=form, **bounds), gradients)
        for bounds in ({}, {"min_rate": 0.02, "max_rate": 0.07})
    )
    np.testing.assert_allclose(bounded, np.clip(free, 0.02, 0.07))
    assert min(free) < 0.02 < 0.07 < max(free)


def test_bounds_that_meet():
    """As AdaBound's authors have it: Adam at first, then gradient descent with momentum."""
    rule = opt.Adam(1e-3, min_rate=lambda t: 0.1 - 0.1 / (0.1 * (t + 1) + 1), max_rate=lambda t: 0.1 + 1 / (t + 1))
    w, g = np.zeros(2), np.array([1e-3, 10.0])
    for _ in range(20000):
        before = w.copy()
        rule.update(w, g)
    np.testing.assert_allclose(before - w, 0.1 * g, rtol=1e-3)
    with pytest.raises(ValueError, match=r"min_rate must be at most max_rate, 0\.1, not 0\.2"):
        opt.Adam(min_rate=0.2, max_rate=0.1)


def test_a_velocity_that_holds_the_rate_goes_on_with_it():
    """The gradient is there in the first step only, and the rate falls to a tenth after it."""
    for holds, expected in ((True, -(1 + 0.5)), (False, -(1 + 0.05))):
        rule, w = opt.RMSprop(lambda t: 0.1**t, 0.0, 0.5, rate_in_velocity=holds), np.zeros(1)
        for g in (1.0, 0.0):
            rule.update(w, np.array([float(g)]))
        np.testing.assert_allclose(w, expected, rtol=1e-6)


def lasso(x, y, l1):
    """The minimum of |x w - y|^2 / (2 n) + l1 |w|_1 by coordinate descent."""
    w = np.zeros(x.shape[1])
    for _ in range(300):
        for j, column in enumerate(x.T):
            pull = column @ (y - x @ w + column * w[j]) / len(y)
            w[j] = np.sign(pull) * max(abs(pull) - l1, 0) / (column @ column / len(y))
    return w


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_proximal_l1(momentum, rng):
    """Momentum makes the steps along the gradient 1 / (1 - mu) times as long, and not the threshold."""
    x = rng.normal(size=(60, 8))
    y = x @ np.r_[2.0, -1.0, np.zeros(6)] + 0.1 * rng.normal(size=60)
    rule = opt.Decay(opt.SGD(0.1, momentum=momentum), proximal_l1=0.3)
    w = {"w": rng.normal(size=8), "bias": np.ones(1)}
    for _ in range(1000):
        rule.update(w, {"w": x.T @ (x @ w["w"] - y) / 60, "bias": np.zeros(1)})
    expected = lasso(x, y, 0.3 * (1 - momentum))
    np.testing.assert_array_equal(w["w"] == 0, expected == 0)  # exactly
    np.testing.assert_allclose(w["w"], expected, atol=1e-12)
    assert (expected == 0).sum() > 3
    assert w["bias"] == 1


def test_the_threshold_is_the_rate_times_lambda():
    """Also where a layer has a rate of its own, and whatever the rule divides the gradient by."""
    for make in (opt.SGD, opt.Adam, opt.RMSprop):
        w = {"a": np.array([1.0, -1.0, 0.06]), "b": np.ones(1)}
        rule = opt.LayerRates(opt.Decay(make(0.5), proximal_l1=0.25), {"b": 0.5})
        rule.update(w, {"a": np.zeros(3), "b": np.zeros(1)})
        assert [*w["a"], *w["b"]] == [0.875, -0.875, 0.0, 0.9375]


@pytest.mark.parametrize("how", ["l1", "l2", "decoupled", "proximal_l1"])
def test_factors_of_decay(how):
    """They multiply each kind of decay, beside the factors of the rate."""
    w = {name: np.ones(1) for name in ("a", "b", "c", "bias")}
    decay = opt.Decay(opt.SGD(0.5), **{how: 0.25}, factors={"b": 2.0, "c": 0.0, "bias": 2.0})
    opt.LayerRates(decay, {"a": 0.5, "b": 0.5}).update(w, {name: np.zeros(1) for name in w})
    assert [float(values[0]) for values in w.values()] == [0.9375, 0.875, 1.0, 1.0]
    for factor, expected in ((1.0, 0.875), (2.0, 0.75)):
        w = {"a": np.ones(1)}
        opt.Decay(opt.AdamW(0.5, weight_decay=0.25), factors={"a": factor}).update(w, {"a": np.zeros(1)})
        assert w["a"] == expected
    with pytest.raises(ValueError, match="No parameter is called 'd', as factors says"):
        opt.Decay(opt.SGD(), factors={"d": 1.0}).update({"a": np.ones(1)}, {"a": np.ones(1)})
