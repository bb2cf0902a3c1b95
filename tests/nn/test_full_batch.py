"""The cost of all samples and its gradient at any weights."""

import subprocess
import sys

import cases
import numpy as np
import pytest

import fastopt as fo


def flat(views):
    return np.concatenate([view.ravel() for view in views.values()]).astype(np.float64)


def built(dtype="float64", rows=50, **options):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(rows, 6)), rng.integers(0, 3, rows)
    layers = [fo.layers.Dense(8, "tanh"), fo.layers.Residual([fo.layers.Dense(8, "gelu")]), fo.layers.Dense(3)]
    model = fo.Sequential(options.pop("layers", layers), dtype=dtype, seed=2)
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.build(6)
    return model, x, y


def test_it_is_the_gradient_of_a_batch_of_all():
    model, x, y = built()
    weight = np.random.default_rng(3).random(len(x))
    cost, gradient = model.cost_and_gradient(x, y, sample_weight=weight)
    before = flat(model.parameters)
    model.compile(fo.optimizers.SGD(1.0), "sparse_categorical_crossentropy")
    loss = model.train_on_batch(x, y, sample_weight=weight)["loss"]
    assert cost == pytest.approx(loss * weight.sum() / len(x), rel=1e-12)
    np.testing.assert_allclose(before - flat(model.parameters), gradient, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("name", cases.LAYERS)
def test_every_layer_against_finite_differences(name):
    stack = cases.LAYERS[name]
    shape = stack.shapes[0]
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(9, *shape)), rng.normal(size=(9, 2))
    layers = [*stack.make(shape), fo.layers.Flatten(), fo.layers.Dense(2)]
    model = fo.Sequential(layers, dtype="float64", seed=5)
    model.compile("sgd", "mse")
    model.build(shape)
    at = flat(model.parameters) + 0.1 * rng.normal(size=model.count_params())
    state = {key: view.copy() for key, view in model.state.items()}
    cost, gradient = model.cost_and_gradient(x, y, at)
    direction = rng.normal(size=at.shape)
    step = 1e-6
    up, down = (model.cost_and_gradient(x, y, at + sign * step * direction)[0] for sign in (1, -1))
    assert (up - down) / (2 * step) == pytest.approx(direction @ gradient, rel=2e-5, abs=1e-8)
    assert all((view == state[key]).all() for key, view in model.state.items())
    sizes = np.cumsum([view.size for view in model.parameters.values()])[:-1]
    for view, part in zip(model.parameters.values(), np.split(at, sizes), strict=True):
        view[...] = part.reshape(view.shape)
    assert cost == pytest.approx(model.evaluate(x, y)["loss"], rel=1e-12)


def test_penalties_count_once():
    layers = [
        fo.layers.Dense(8, "tanh", kernel_regularizer=fo.regularizers.L1L2(0.01, 0.02)),
        fo.layers.Dense(3, activity_regularizer=fo.regularizers.L2(0.1), bias_regularizer=fo.regularizers.L2(0.3)),
    ]
    model, x, y = built(layers=layers, rows=10_000)
    cost, gradient = model.cost_and_gradient(x, y)
    assert cost == pytest.approx(model.evaluate(x, y)["loss"], rel=1e-12)
    before = flat(model.parameters)
    model.compile(fo.optimizers.SGD(1.0), "sparse_categorical_crossentropy")
    model.train_on_batch(x, y)
    np.testing.assert_allclose(before - flat(model.parameters), gradient, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_same_bits_for_every_number_of_threads(dtype, for_all_threads):
    layers = [fo.layers.Dense(64, "relu"), fo.layers.BatchNormalization(), fo.layers.Dense(3)]
    model, x, y = built(dtype, 9_001, layers=layers)
    for_all_threads(lambda: model.cost_and_gradient(x, y))


def test_float32_loses_nothing_in_the_sum():
    model, x, y = built("float32", 50_000)
    twin, _, _ = built("float64")
    cost, gradient = model.cost_and_gradient(x, y)
    exact_cost, exact = twin.cost_and_gradient(x, y, flat(model.parameters))
    assert cost == pytest.approx(exact_cost, rel=1e-6)
    np.testing.assert_allclose(gradient, exact, rtol=1e-4, atol=1e-7)


def test_the_model_stays_as_it_is():
    model, x, y = built()
    weights, draws = model.get_weights(), model.draws
    cost, gradient = model.cost_and_gradient(x, y)
    moved_cost, _ = model.cost_and_gradient(x, y, flat(model.parameters) - 0.1 * gradient)
    assert moved_cost < cost
    assert model.draws == draws
    assert all((a == b).all() for a, b in zip(weights, model.get_weights(), strict=True))


def test_scipy_minimises_it():
    optimize = pytest.importorskip("scipy.optimize")
    model, x, y = built()
    start = flat(model.parameters)
    found = optimize.minimize(lambda w: model.cost_and_gradient(x, y, w), start, jac=True, method="L-BFGS-B")
    assert found.fun < 0.1 * model.cost_and_gradient(x, y, start)[0]


@pytest.mark.parametrize(
    ("w", "message"), [(np.zeros(3), "expected one number for each weight"), ("nan", "is not finite")]
)
def test_bad_weights(w, message):
    model, x, y = built()
    with pytest.raises(ValueError, match=message):
        model.cost_and_gradient(x, y, np.full(model.count_params(), np.nan) if isinstance(w, str) else w)


def squares(y_true, y_pred):
    error = y_pred - y_true
    return (error**2).mean(axis=1), 2 * error / y_pred.shape[1]


def root_of_mean(y_true, y_pred):
    """One number for all samples, which is no mean over them."""
    root = np.sqrt(np.mean((y_pred - y_true) ** 2))
    return root, (y_pred - y_true) / root / y_pred.size


@pytest.mark.parametrize("weighted", [False, True])
def test_a_function_is_as_the_loss_of_the_core(weighted, for_all_threads):
    model, x, _ = built(rows=9_001)
    y = np.tanh(x[:, :3])
    weight = np.random.default_rng(3).random(len(x)) if weighted else None
    model.compile("sgd", "mse")
    cost, gradient = model.cost_and_gradient(x, y, sample_weight=weight)
    sizes = []
    model.compile("sgd", lambda y_true, y_pred: sizes.append(len(y_true)) or squares(y_true, y_pred), ["mae"])
    ours = model.cost_and_gradient(x, y, sample_weight=weight)
    assert (sum(sizes), max(sizes) <= 4096) == (9_001, True)
    assert ours[0] == pytest.approx(cost, rel=1e-12)
    np.testing.assert_allclose(ours[1], gradient, rtol=1e-10, atol=1e-15)
    for_all_threads(lambda: model.cost_and_gradient(x, y, sample_weight=weight))


def test_a_function_of_all_samples_sees_them_all():
    model, x, _ = built(rows=9_001)
    y = np.tanh(x[:, :3])
    model.compile("sgd", "mse")
    cost, gradient = model.cost_and_gradient(x, y)
    model.compile("sgd", root_of_mean)
    ours = model.cost_and_gradient(x, y)
    assert ours[0] == pytest.approx(np.sqrt(cost), rel=1e-12)
    np.testing.assert_allclose(ours[1], gradient / (2 * np.sqrt(cost)), rtol=1e-9, atol=1e-15)
    with pytest.raises(ValueError, match="a number for the whole batch, which cannot be weighted"):
        model.cost_and_gradient(x, y, sample_weight=np.ones(len(x)))


def test_what_goes_wrong_in_a_function():
    model, x, y = built()
    model.compile("sgd", lambda y, p: (p.sum(1), np.full_like(p, np.nan)))
    with pytest.raises(FloatingPointError, match="the gradient of '<lambda>' is not finite"):
        model.cost_and_gradient(x, y)
    model.compile("sgd", lambda y, p: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        model.cost_and_gradient(x, y)


def test_memory_does_not_grow_with_the_samples():
    code = """
import resource, sys
import numpy as np, fastopt as fo
x = np.zeros((300_000, 28), "float32"); y = np.zeros(len(x), int)
model = fo.Sequential([fo.layers.Dense(300, "relu"), fo.layers.Dense(300, "relu"), fo.layers.Dense(2)])
model.compile("sgd", "sparse_categorical_crossentropy")
model.build(28)
x += 1.0
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
model.cost_and_gradient(x, y)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    grown = int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert grown * 1024 < 64e6
