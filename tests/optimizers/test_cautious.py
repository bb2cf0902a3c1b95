"""Steps masked where they go against the gradient: as in the authors' program, and around all rules."""

import inspect

import cases
import numpy as np
import pytest

import fastopt as fo
from fastopt import optimizers as opt
from fastopt.optimizers.describe import MASKABLE

SHAPES = ((70, 33), (33,), (5,), (1,))  # more than one chunk; tails
MEANS = (0, 1, 0.1, 0)  # of their gradients
TOLERANCE = {np.float32: 1e-5, np.float64: 1e-12}


def masked(u, g):
    keep = u * g > 0
    return u * keep / max(keep.mean(), 1e-3)


def adamw(w, g, slots, t, rate=0.01, decay=0.1, b1=0.9, b2=0.99, epsilon=1e-8):
    m, v = slots = b1 * slots[0] + (1 - b1) * g, b2 * slots[1] + (1 - b2) * g**2
    u = m / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + epsilon)
    return w * (1 - rate * decay) - rate * masked(u, g), slots


def lion(w, g, slots, t, rate=0.003, decay=0.1, b1=0.9, b2=0.97):
    u = np.sign(b1 * slots[0] + (1 - b1) * g)
    return w * (1 - rate * decay) - rate * masked(u, g), (b2 * slots[0] + (1 - b2) * g,)


def momentum(w, g, slots, t, rate=0.01, mu=0.9):
    v = mu * slots[0] + g
    return w - rate * masked(v, g), (v,)


AUTHORS = {
    "adamw": (lambda: opt.Cautious(opt.AdamW(0.01, 0.1, beta_2=0.99)), adamw, 2),
    "lion": (lambda: opt.Decay(opt.Cautious(opt.Lion(0.003, 0.9, 0.97)), decoupled=0.1), lion, 1),
    "momentum": (lambda: opt.Cautious(opt.SGD(0.01, 0.9)), momentum, 1),
}


@pytest.mark.parametrize("name", AUTHORS)
def test_equals_the_authors(name, dtype, rng):
    make, step, slots = AUTHORS[name]
    w = [rng.normal(size=shape).astype(dtype) for shape in SHAPES]
    want = [value.astype(np.float64) for value in w]
    kept = [(np.zeros(shape),) * slots for shape in SHAPES]
    optimizer = make()
    for t in range(1, 501):
        grads = [rng.normal(mean, size=shape).astype(dtype) for mean, shape in zip(MEANS, SHAPES, strict=True)]
        optimizer.update(w, grads)
        for i, g in enumerate(grads):
            want[i], kept[i] = step(want[i], g.astype(np.float64), kept[i], t)
    for a, b in zip(w, want, strict=True):
        assert np.abs(a - b).max() <= TOLERANCE[dtype] * np.abs(b).max()


RULES = {
    name: make
    for name, make in cases.IN_PLACE.items()
    if make().rule in MASKABLE and isinstance(make(), opt.Rule) and "average" not in make().transforms
}


@pytest.mark.parametrize("name", RULES)
def test_around_each_rule(name, isa, rng):
    """The step that the rule goes from zero, where nothing decays, is masked; decay is not."""
    make = RULES[name]
    optimizer, bare = opt.Cautious(make()), make()
    w = rng.normal(size=(70, 33))
    decay, at = bare.hyper.get("decay", 0.0), w.copy()
    for _ in range(5):
        g = rng.normal(size=w.shape)
        optimizer.update(w, g)
        step = np.zeros_like(w)
        bare.update(step, g)
        at = at - (masked(-step, g) + optimizer.hyper["learning_rate"] * decay * at)
        np.testing.assert_allclose(w, at, rtol=1e-12, atol=1e-14)
    assert optimizer.state == bare.state
    assert all(np.array_equal(slot, bare.slots[key]) for key, slot in optimizer.slots.items())


REFUSED = [
    *(opt.Adafactor, opt.Lamb, opt.Muon, opt.Prodigy),
    *(opt.SGDScheduleFree, opt.AdamWScheduleFree, opt.RAdamScheduleFree),
]


@pytest.mark.parametrize("make", REFUSED)
def test_rules_without_such_steps(make):
    with pytest.raises(ValueError, match=rf"no sense around {make.__name__}\(\)"):
        opt.Clip(opt.Cautious(opt.Decay(make(), l2=0.1)), value=1.0)


def test_all_rules_can_be_cautious_or_not():
    classes = {value for _, value in inspect.getmembers(opt, inspect.isclass) if issubclass(value, opt.Rule)}
    classes -= {opt.Rule}
    assert {cls for cls in classes if cls().rule not in MASKABLE} >= set(REFUSED)


def test_what_agrees_goes_on_as_it_is(dtype, rng):
    w = rng.normal(size=3001).astype(dtype)
    v, g = w.copy(), rng.normal(size=3001).astype(dtype)
    opt.Decay(opt.Cautious(opt.SGD(0.25)), decoupled=0.5).update(w, g)
    opt.Decay(opt.SGD(0.25), decoupled=0.5).update(v, g)
    np.testing.assert_array_equal(w, v)


def test_odd_gradients(isa, dtype):
    """Small ones, whose product with the step is 0, count; one in a thousand is the least part; NaN is not hidden."""
    tiny = np.finfo(dtype).tiny
    w, sgd = np.zeros(2, dtype), opt.Cautious(opt.SGD(1.0))
    sgd.update(w, np.array([4 * tiny, 0], dtype))
    np.testing.assert_array_equal(w, np.array([-8 * tiny, 0], dtype))
    w, g = np.zeros(4000, dtype), np.zeros(4000, dtype)
    g[-1] = 1
    opt.Cautious(opt.SGD(0.125)).update(w, g)
    assert w[-1] == -125
    assert not w[:-1].any()
    opt.Cautious(opt.SGD(1.0)).update(w, 0 * g)
    assert w[-1] == -125
    g[0] = np.nan
    opt.Cautious(opt.SGD(1.0)).update(w, g)
    assert np.isnan(w[0])


def test_model_and_threads(for_all_threads, rng):
    """The same bits in `fit`, whose gradients come in parts."""
    x, y = rng.normal(size=(64, 40)).astype(np.float32), rng.integers(0, 5, 64)

    def trained():
        model = fo.Sequential([fo.layers.Dense(257, "relu"), fo.layers.Dense(5)], seed=0)
        model.compile(opt.Clip(opt.Cautious("adamw"), global_norm=0.5), "sparse_categorical_crossentropy")
        model.fit(x, y, batch_size=32, epochs=2, verbose=0)
        return model.get_weights()

    for_all_threads(trained)
