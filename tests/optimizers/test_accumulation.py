"""Gradients of batches of unequal sizes: the step is along the gradient of all samples together."""

import pickle

import numpy as np
import pytest

import fastopt as fo
from fastopt.optimizers import SGD, Accumulate, Clip

RNG = np.random.default_rng(0)
X, Y, WEIGHT = RNG.normal(size=(10, 3)), RNG.normal(size=10), RNG.random(10)

# Batches, and how many make a step of the 10 samples.
SIZES = [(5, 2), (4, 3), (9, 2), (3, 4), (1, 10), (10, 1)]
AROUND = {
    "sgd": lambda k: Accumulate(SGD(1.0), k),
    "clip": lambda k: Accumulate(Clip(SGD(1.0), global_norm=1e6), k),
    "look ahead": lambda k: Accumulate(SGD(1.0, momentum=0.5, nesterov="look_ahead"), k),
}


def model(optimizer, dtype="float64"):
    made = fo.Sequential([fo.layers.Dense(1, use_bias=False)], seed=0, dtype=dtype)
    made.compile(optimizer, "mse")
    made.build(3)
    return made


def fit(made, batch, weight=None, x=X, y=Y):
    made.fit(x, y, batch_size=batch, shuffle=False, sample_weight=weight, verbose=0)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["", "weighted"])
@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize(("batch", "k"), SIZES)
def test_the_step_is_that_of_all_samples(batch, k, around, weight):
    made = model(AROUND[around](k))
    w = made.get_weights()[0]
    fit(made, batch, weight)
    share = np.ones(10) if weight is None else weight
    right = 2 / 10 * X.T @ (share[:, np.newaxis] * (X @ w - Y[:, np.newaxis]))
    if around == "look ahead" and k > 1:
        assert made.optimizer.step == 1
    np.testing.assert_allclose(w - made.get_weights()[0], right, rtol=1e-12, atol=1e-14)
    assert made.optimizer.state == {"step": 1, "held": 0, "held_rows": 0, "first_rows": 0}


def test_equal_batches_keep_their_bits():
    made = model(Accumulate(SGD(0.1), 3), "float32")
    alone, w = Accumulate(SGD(0.1), 3), made.get_weights()[0]
    for first in range(0, 9, 3):
        single = model(SGD(0.0), "float32")
        single.train_on_batch(X[first : first + 3], Y[first : first + 3])
        alone.update(w, single.gradients["dense/kernel"].copy())
    fit(made, 3, x=X[:9], y=Y[:9])
    assert np.array_equal(made.get_weights()[0], w)


def test_what_is_held_goes_on_to_the_bit(tmp_path):
    def held():
        made = model(Accumulate(SGD(0.1), 5), "float32")
        fit(made, 4)
        return made

    straight = held()
    assert straight.optimizer.state == {"step": 0, "held": 3, "held_rows": 10, "first_rows": 4}
    fo.Sequential.save(straight, tmp_path / "held")
    others = [pickle.loads(pickle.dumps(straight)), fo.load_model(tmp_path / "held")]
    for made in (straight, *others):
        fit(made, 4)
        assert made.optimizer.state == straight.optimizer.state
        assert np.array_equal(made.get_weights()[0], straight.get_weights()[0])


def test_a_state_without_rows_counts_gradients_alike():
    """As files of before have it."""
    made, other = (model(Accumulate(SGD(0.1), 2)) for _ in range(2))
    for each in (made, other):
        each.train_on_batch(X[:5], Y[:5])
    made.optimizer.state = {"step": 0, "held": 1}
    for each in (made, other):
        each.train_on_batch(X[5:], Y[5:])
    assert np.array_equal(made.get_weights()[0], other.get_weights()[0])


def test_results_do_not_depend_on_threads(for_all_threads):
    x, y = RNG.normal(size=(500, 40)), RNG.normal(size=500)

    def call():
        made = fo.Sequential([fo.layers.Dense(200, "tanh"), fo.layers.Dense(1)], seed=0)
        made.compile(Accumulate(Clip(fo.optimizers.Adam(0.01), global_norm=0.1), 3), "mse")
        made.fit(x, y, batch_size=96, epochs=2, verbose=0)
        return made.get_weights()

    for_all_threads(call)
