"""Constraints: what they make of the weights after each step, and that it is the same for every number of threads."""

import numpy as np
import pytest
from cases.constraints import CONSTRAINTS

import fastopt as fo
from fastopt.constraints import MaxNorm, Monotone, NonNeg, UnitNorm
from fastopt.layers import Dense, Maxout, WeightNormalization

IDS = [repr(constraint) for constraint, _ in CONSTRAINTS]
OPTIMIZERS = {
    "sgd": lambda: fo.optimizers.SGD(0.1),
    "look_ahead": lambda: fo.optimizers.SGD(0.1, momentum=0.9, nesterov="look_ahead"),
    "clip": lambda: fo.optimizers.Clip(fo.optimizers.Adam(0.1), norm=0.5),
    "lamb": lambda: fo.optimizers.Lamb(0.1),
}


def make(constraint, dtype="float64", optimizer="sgd", features=5, units=70):
    model = fo.Sequential([Dense(units, "tanh", kernel_constraint=constraint), Dense(2)], dtype=dtype)
    model.compile(optimizer, "mse")
    model.build(features)
    return model


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(("constraint", "twin"), CONSTRAINTS, ids=IDS)
def test_a_step(constraint, twin, optimizer, dtype, rng):
    """It is a step without the constraint, and then the nearest point of the set; other tensors stay."""
    x, y = rng.normal(size=(9, 5)), rng.normal(size=(9, 2))
    free, bound = (make(c, dtype, OPTIMIZERS[optimizer]()) for c in (None, constraint))
    for model in (free, bound):
        model.train_on_batch(x, y)
    expected = free.parameters | {"dense/kernel": twin(free.parameters["dense/kernel"].astype(np.float64))}
    for name, view in bound.parameters.items():
        np.testing.assert_allclose(view, expected[name], rtol=8 * np.finfo(dtype).eps, err_msg=name)


@pytest.mark.parametrize(("constraint", "twin"), CONSTRAINTS, ids=IDS)
def test_a_loop_of_ones_own(constraint, twin, rng):
    x, dy = rng.normal(size=(9, 5)), rng.normal(size=(9, 2))
    free, bound = (make(c, optimizer=fo.optimizers.Accumulate(fo.optimizers.SGD(0.1), 2)) for c in (None, constraint))
    start = bound.parameters["dense/kernel"].copy()
    for step in range(2):
        for model in (free, bound):
            model(x)
            model.backward(dy)
            model.apply_gradients()
        if step == 0:  # no step yet
            np.testing.assert_array_equal(bound.parameters["dense/kernel"], start)
    np.testing.assert_allclose(bound.parameters["dense/kernel"], twin(free.parameters["dense/kernel"]), rtol=1e-14)


def test_accumulation_in_training(rng):
    x, y = rng.normal(size=(8, 5)), rng.normal(size=(8, 2))
    model = make(UnitNorm(), optimizer=fo.optimizers.Accumulate(fo.optimizers.SGD(0.1), 2))
    start = model.parameters["dense/kernel"].copy()
    model.train_on_batch(x, y)
    np.testing.assert_array_equal(model.parameters["dense/kernel"], start)
    model.train_on_batch(x, y)
    np.testing.assert_allclose(np.linalg.norm(model.parameters["dense/kernel"], axis=0), 1, rtol=1e-14)


@pytest.mark.parametrize("constraint", [MaxNorm(0.5), UnitNorm(axis=1), NonNeg()], ids=repr)
def test_all_layers_that_take_one(constraint, rng):
    layers = [Dense(6, "tanh", kernel_constraint=constraint), Maxout(5, 3, kernel_constraint=constraint)]
    layers.append(WeightNormalization(Dense(2, kernel_constraint=constraint)))
    model = fo.Sequential(layers, dtype="float64")
    model.compile("sgd", "mse")
    model.fit(rng.normal(size=(20, 5)), rng.normal(size=(20, 2)), verbose=0)
    twin = next(twin for other, twin in CONSTRAINTS if repr(other) == repr(constraint))
    for name, view in model.parameters.items():
        if name.endswith("kernel"):
            np.testing.assert_allclose(view, twin(view), rtol=1e-14)


def test_columns_of_zeros_stay():
    model = make(UnitNorm(), optimizer=fo.optimizers.SGD(0.0))
    model.parameters["dense/kernel"][:, 3] = 0
    model.train_on_batch(np.ones((1, 5)), np.ones((1, 2)))
    assert not model.parameters["dense/kernel"][:, 3].any()


@pytest.mark.parametrize("constraint", [MaxNorm(0.5), MaxNorm(0.5, 1), UnitNorm(), NonNeg()], ids=repr)
@pytest.mark.parametrize("optimizer", ["sgd", "look_ahead", "clip"])
def test_threads(constraint, optimizer, dtype, rng, for_all_threads):
    x, y = rng.normal(size=(200, 67)), rng.normal(size=(200, 2))

    def train():
        model = make(constraint, dtype, OPTIMIZERS[optimizer](), 67, 203)
        model.fit(x, y, 96, 2, verbose=0)
        if optimizer != "look_ahead":
            model(x)
            model.backward(y)
            model.apply_gradients()
        return model.get_weights()

    for_all_threads(train)


def test_save_and_load(tmp_path, rng):
    x, y = rng.normal(size=(30, 5)), rng.normal(size=(30, 2))
    model = make(MaxNorm(0.3, axis=1))
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "model")
    loaded = fo.load_model(tmp_path / "model")
    assert repr(loaded.layers) == repr(model.layers)
    for m in (model, loaded):
        m.fit(x, y, verbose=0)
    np.testing.assert_array_equal(loaded.parameters["dense/kernel"], model.parameters["dense/kernel"])


BAD = {
    "zero": (lambda: MaxNorm(0.0), ValueError, "max_value must be more than 0"),
    "infinite": (lambda: MaxNorm(float("inf")), ValueError, "max_value must be finite"),
    "axis": (lambda: MaxNorm(1.0, 2), ValueError, "axis must be less than 2"),
    "axes": (lambda: UnitNorm((0, 1)), TypeError, "axis must be an integer"),
    "signs": (lambda: Monotone([0, 0]), ValueError, "signs must have a 1 or a -1"),
    "other signs": (lambda: Monotone([2]), ValueError, r"signs\[0\] must be less than 2"),
    "half signs": (lambda: Monotone([0.5]), TypeError, r"signs\[0\] must be an integer"),
    "unknown": (lambda: Dense(2, kernel_constraint="positive"), ValueError, "Unknown constraint 'positive'"),
    "a number": (lambda: Maxout(2, kernel_constraint=1.0), TypeError, "known constraint"),
}


@pytest.mark.parametrize(("action", "exception", "message"), BAD.values(), ids=BAD)
def test_bad_arguments(action, exception, message):
    with pytest.raises(exception, match=message):
        action()


def test_against_torch(rng):
    torch = pytest.importorskip("torch")
    x, y = rng.normal(size=(20, 5)), rng.normal(size=(20, 2))
    model = make(MaxNorm(0.8))
    w = [torch.tensor(view, requires_grad=True) for view in model.get_weights()]
    there = torch.optim.SGD(w, 0.01)
    for _ in range(10):
        there.zero_grad()
        outputs = torch.tanh(torch.tensor(x) @ w[0] + w[1]) @ w[2] + w[3]
        torch.nn.functional.mse_loss(outputs, torch.tensor(y)).backward()
        there.step()
        with torch.no_grad():
            w[0].copy_(torch.renorm(w[0], 2, 1, 0.8))
        model.train_on_batch(x, y)
    for mine, theirs in zip(model.get_weights(), w, strict=True):
        np.testing.assert_allclose(mine, theirs.detach().numpy(), rtol=1e-5, atol=1e-8)  # renorm adds 1e-7 to norms
