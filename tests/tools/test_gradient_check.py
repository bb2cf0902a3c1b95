"""The check of gradients: right ones pass, wrong ones are found and named."""

import re
from pathlib import Path

import numpy as np
import pytest

import fastopt as fo
from fastopt import check_gradients, check_gradients_of

ROOT = Path(__file__).resolve().parents[2]

LOSSES = {
    "sparse_categorical_crossentropy": ("linear", "softmax"),
    "categorical_crossentropy": ("linear", "softmax"),
    "binary_crossentropy": ("linear", "sigmoid"),
    "mse": ("linear", "relu", "tanh", "softmax"),
}
CASES = [(loss, last) for loss, lasts in LOSSES.items() for last in lasts]


def data(loss, rng, n=20, outputs=3):
    x = rng.normal(size=(n, 5))
    if loss.startswith("sparse"):
        return x, rng.integers(0, outputs, n)
    return x, rng.dirichlet(np.ones(outputs), n)


def make(loss="mse", last="linear", hidden="tanh", dtype="float32", units=3):
    model = fo.Sequential([fo.layers.Dense(7, hidden), fo.layers.Dense(units, last)], seed=1, dtype=dtype)
    model.compile("adam", loss)
    return model


@pytest.fixture
def broken(monkeypatch):
    """Function that makes every model's gradients wrong."""
    right = fo.Sequential.gradients.fget

    def spoil(change):
        def wrong(self):
            gradients = {name: view.copy() for name, view in right(self).items()}
            change(gradients)
            return gradients

        monkeypatch.setattr(fo.Sequential, "gradients", property(wrong))

    return spoil


# Models


@pytest.mark.parametrize(("loss", "last"), CASES)
@pytest.mark.parametrize(
    ("hidden", "weighted", "dtype"),
    [
        ("linear", False, "float64"),
        ("relu", True, "float32"),
        ("sigmoid", False, "float32"),
        ("tanh", True, "float64"),
    ],
)
def test_right_gradients(loss, last, hidden, weighted, dtype, rng):
    """Of what is crossed every two occur together."""
    x, y = data(loss, rng)
    weight = rng.uniform(0.0, 3.0, len(x)) if weighted else None
    model = make(loss, last, hidden, dtype)
    for _ in range(2):
        result = check_gradients(model, x, y, weight)
        assert result.ok, result
        assert result.error < 1e-6
        assert all(tensor.error <= tensor.rounding < 1e-5 for tensor in result.tensors)
        assert [tensor.name for tensor in result.tensors] == [
            "dense/kernel",
            "dense/bias",
            "dense_1/kernel",
            "dense_1/bias",
        ]
        assert [tensor.checked for tensor in result.tensors] == [35, 7, 21, 3]
        model.fit(x, y, epochs=2, sample_weight=weight, verbose=0)


def test_error_is_relative_to_both_norms(rng, broken):
    x, y = data("mse", rng)
    broken(lambda gradients: [gradient.__imul__(3.0) for gradient in gradients.values()])
    result = check_gradients(make(), x, y)
    assert result.error == pytest.approx(0.5, rel=1e-6)
    assert {round(tensor.error, 6) for tensor in result.tensors} == {0.5}


@pytest.mark.parametrize(
    ("factor", "verdict"), [(1.5, "wrong"), (0.0, "wrong"), (-1.0, "wrong"), (1.0 + 1e-3, "worry")]
)
def test_wrong_entry_is_named(factor, verdict, rng, broken):
    x, y = data("mse", rng)
    model = make()
    model.build(5)
    right = check_gradients(model, x, y)

    def change(gradients):
        gradients["dense/kernel"][3, 2] *= factor

    broken(change)
    result = check_gradients(model, x, y)
    assert (result.verdict, result.ok) == (verdict, False)
    assert [tensor.verdict in ("great", "fine") for tensor in result.tensors] == [False, True, True, True]
    worst = result.worst[0]
    assert worst.name == "dense/kernel[3, 2]"
    assert worst.gradient == pytest.approx(factor * worst.difference, rel=1e-5)
    assert "dense/kernel[3, 2]" in str(result)
    assert right.ok


def test_small_tensor_is_not_lost_among_large_ones(rng, broken):
    x, y = data("mse", rng)
    model = make()
    model.build(5)
    model.parameters["dense_1/kernel"][...] *= 1e-4

    def change(gradients):
        gradients["dense/bias"][...] *= 1.1

    broken(change)
    result = check_gradients(model, x, y)
    assert result.error < 1e-4
    assert result.verdict == "wrong"
    assert {entry.name.split("[")[0] for entry in result.worst} == {"dense/bias"}
    assert len(result.worst) == 5


def test_model_is_not_touched(rng):
    x, y = data("mse", rng)
    model, same = make(), make()
    for each in (model, same):
        each.fit(x, y, epochs=2, verbose=0)
    gradients = {name: view.copy() for name, view in model.gradients.items()}
    check_gradients(model, x, y)
    assert [w.tobytes() for w in model.get_weights()] == [w.tobytes() for w in same.get_weights()]
    for name, view in model.gradients.items():
        np.testing.assert_array_equal(view, gradients[name])
    assert (model.optimizer.step, model.epochs_trained, model.dtype) == (2, 2, "float32")
    for each in (model, same):
        each.fit(x, y, epochs=2, verbose=0)
    assert [w.tobytes() for w in model.get_weights()] == [w.tobytes() for w in same.get_weights()]


def test_model_that_is_not_built(rng):
    x, y = data("mse", rng)
    model = make()
    assert check_gradients(model, x, y).ok
    assert not model.built


def test_weights_are_those_of_the_model(rng):
    x, y = data("mse", rng)
    model = make()
    model.build(5)
    model.parameters["dense_1/kernel"][...] = 0.0
    result = check_gradients(model, x, y)
    assert [tensor.norm == 0 for tensor in result.tensors] == [True, True, False, False]
    assert result.ok


def test_large_tensors_are_sampled(rng, broken):
    x, y = data("mse", rng)
    model = make()
    result = check_gradients(model, x, y, max_parameters=5, seed=3)
    assert [tensor.checked for tensor in result.tensors] == [5, 5, 5, 3]
    assert "5 of 35" in str(result)
    broken(lambda gradients: [gradient.fill(9.0) for gradient in gradients.values()])
    seen = set()
    for seed in range(40):
        worst = [entry.name for entry in check_gradients(model, x, y, max_parameters=1, seed=seed).worst]
        assert worst == [entry.name for entry in check_gradients(model, x, y, max_parameters=1, seed=seed).worst]
        seen.update(name for name in worst if name.startswith("dense/bias"))
    assert len(seen) == 7


@pytest.mark.parametrize("hidden", ["relu", "tanh"])
def test_example_of_the_model(hidden):
    """At the corner 0 all units of the hidden layer are at 0, where ReLU has a kink."""
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    model = fo.Sequential([fo.layers.Dense(16, hidden), fo.layers.Dense(1, "sigmoid")], seed=0)
    model.compile(fo.optimizers.Adam(0.05), "binary_crossentropy", ["accuracy"])
    result = check_gradients(model, x, np.array([0, 1, 1, 0]))
    assert result.ok, result
    assert [tensor.kinks for tensor in result.tensors] == [0, 16 if hidden == "relu" else 0, 0, 0]
    assert ("kink" in str(result)) == (hidden == "relu")


def test_example_of_the_readme():
    block, *_ = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    scope = {}
    exec(block.replace("print", "str"), scope)
    assert check_gradients(scope["model"], scope["x"][:50], scope["y"][:50]).ok


# Functions


@pytest.mark.parametrize(
    ("share", "verdict"), [(0, "great"), (5e-8, "great"), (5e-6, "fine"), (5e-4, "worry"), (5e-2, "wrong")]
)
def test_verdicts(share, verdict, rng):
    x0 = rng.normal(size=(4, 5))
    result = check_gradients_of(lambda x: np.sin(x).sum(), lambda x: np.cos(x) * (1 + 2 * share), x0)
    assert result.verdict == verdict
    assert result.ok == (verdict in ("great", "fine"))
    assert result.error == pytest.approx(share, abs=2e-8, rel=0.1)
    assert str(result).startswith(f"gradients: {verdict}, relative error ")
    assert repr(result) == str(result)


FUNCTIONS = {
    "polynomial": (lambda x: (x**3).sum(), lambda x: 3 * x**2, np.arange(-3.0, 5.0)),
    "rosenbrock": (
        lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2,
        lambda x: [-400 * x[0] * (x[1] - x[0] ** 2) - 2 * (1 - x[0]), 200 * (x[1] - x[0] ** 2)],
        [-1.2, 1.0],
    ),
    "large": (lambda x: (x**2).sum(), lambda x: 2 * x, np.array([1e8, 2e8])),
    "small": (lambda x: 1e-20 * np.exp(x).sum(), lambda x: 1e-20 * np.exp(x), np.array([0.5, 1.0])),
    "minimum": (lambda x: (x**2).sum(), lambda x: 2 * x, np.zeros(3)),
    "constant": (lambda x: 1.0, np.zeros_like, np.ones(3)),
    "scalar": (lambda x: float(np.exp(x)), np.exp, 0.5),
    "given": (lambda x: (x**2).sum(), [2, 4], [1, 2]),
    "float32": (lambda x: (x**2).sum(), lambda x: 2 * x, np.float32([1, 2])),
    "kink": (lambda x: np.abs(x).sum(), np.sign, np.array([-1.0, 0.0, 1.0])),
    "kink-left": (lambda x: np.abs(x).sum(), lambda x: np.where(x > 0, 1.0, -1.0), np.array([-1.0, 0.0, 1.0])),
}


@pytest.mark.parametrize(("function", "gradient", "x0"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_functions(function, gradient, x0):
    before = np.array(x0)
    result = check_gradients_of(function, gradient, x0)
    assert result.ok, result
    assert result.worst == []
    np.testing.assert_array_equal(x0, before)


def test_differences_are_two_sided():
    result = check_gradients_of(lambda x: (x**2).sum(), lambda x: 2 * x, [1.0, 2.0], epsilon=1e-4)
    assert result.error < 1e-11
    result = check_gradients_of(lambda x: (x**3).sum(), lambda x: 3 * x**2, [10.0], epsilon=1e-4)
    assert result.error == pytest.approx(1e-8 / 6, rel=0.01)


def test_worst_come_first():
    result = check_gradients_of(np.sum, 1.0 + np.array([1.0, 3.0, 0.0, -2.0]), np.ones(4))
    assert [entry.name for entry in result.worst] == ["x0[1]", "x0[3]", "x0[0]"]


def test_beyond_a_kink():
    result = check_gradients_of(lambda x: np.abs(x).sum(), lambda x: np.sign(x) + np.eye(2)[1] * 2, [1.0, 0.0])
    assert result.verdict == "wrong"
    assert [entry[:2] for entry in result.worst] == [("x0[1]", 2.0)]
    assert result.tensors[0].kinks == 1


def test_arrays_by_name():
    x0 = {"a": np.arange(6.0).reshape(2, 3), "b": 3.0}

    def function(p):
        return (p["a"] ** 2).sum() * p["b"]

    def gradient(p):
        return {"b": (p["a"] ** 2).sum() + 1.0, "a": 2 * p["a"] * p["b"]}

    result = check_gradients_of(function, gradient, x0)
    assert [(tensor.name, tensor.verdict) for tensor in result.tensors] == [("a", "great"), ("b", "wrong")]
    assert [entry.name for entry in result.worst] == ["b"]
    assert check_gradients_of(function, {"a": gradient(x0)["a"], "b": 55.0}, x0).ok


def test_number_of_calls():
    calls = []
    check_gradients_of(lambda x: calls.append(0) or x.sum(), np.ones_like, np.ones((30, 40)), max_parameters=9)
    assert len(calls) == 1 + 2 * 9


def test_own_loop(rng):
    """The gradients of a loss of one's own, through the model's parameters."""
    x, target = rng.normal(size=(12, 5)), rng.normal(size=(12, 3))
    model = make(None, dtype="float64")
    model(x)
    names = list(model.parameters)

    def set_weights(p):
        model.set_weights([p[name] for name in names])

    def loss(p):
        set_weights(p)
        return (np.abs(model(x) - target) ** 3).sum()

    def gradient(p):
        set_weights(p)
        error = model(x) - target
        model.backward(3 * error * np.abs(error))
        return {name: view.copy() for name, view in model.gradients.items()}

    weights = {name: view.copy() for name, view in model.parameters.items()}
    result = check_gradients_of(loss, gradient, weights)
    assert result.ok, result


PRINTED = """\
gradients: wrong, relative error 4.6e-01

tensor     checked  |gradient|    error  rounding  verdict
------  ----------  ----------  -------  --------  -------
a       2 of 1,000    4.24e+00  5.0e-01   1.2e-07  wrong
b                1    1.00e+00  0.0e+00   2.3e-07  great

worst   gradient  by difference
------  --------  -------------
a[605]         3              1
a[880]         3              1

At a kink, where any value between the slopes on both sides is right: 1."""


def test_printed():
    x0 = {"a": np.ones(1000), "b": 0.0}
    gradient = {"a": np.full(1000, 3.0), "b": 1.0}
    result = check_gradients_of(lambda p: p["a"].sum() + abs(p["b"]), gradient, x0, 2.0**-20, max_parameters=2)
    assert str(result) == PRINTED


# Bad input

X, Y = np.ones((4, 5)), np.ones((4, 3))
BAD = {
    "no-loss": (lambda: check_gradients(make(None), X, Y), RuntimeError, "The model has no loss"),
    "not-a-model": (lambda: check_gradients(np.sin, X, Y), TypeError, "check_gradients_of takes functions"),
    "x": (lambda: check_gradients(make(), X[0], Y), ValueError, "x has shape"),
    "y": (lambda: check_gradients(make(), X, Y[:2]), ValueError, "one target for each sample"),
    "weight": (lambda: check_gradients(make(), X, Y, [1, 2]), ValueError, "one weight for each sample"),
    "epsilon": (lambda: check_gradients(make(), X, Y, epsilon=0), ValueError, "epsilon must be at least 1e-14"),
    "parameters": (
        lambda: check_gradients(make(), X, Y, max_parameters=0),
        ValueError,
        "max_parameters must be at least",
    ),
    "seed": (lambda: check_gradients_of(np.sum, np.ones_like, X, seed=-1), ValueError, "seed must be at least 0"),
    "vector": (lambda: check_gradients_of(np.sin, np.cos, X), TypeError, r"one number, not an array of shape \(4, 5\)"),
    "string": (lambda: check_gradients_of(lambda x: "a", np.cos, X), TypeError, "value of function must be a number"),
    "nan": (lambda: check_gradients_of(lambda x: np.nan, np.cos, X), ValueError, "value of function must be finite"),
    "gradient-shape": (
        lambda: check_gradients_of(np.sum, [1.0], [1.0, 2.0]),
        ValueError,
        r"shape \(1,\); expected \(2,\)",
    ),
    "gradient-nan": (lambda: check_gradients_of(np.sum, [1.0, np.nan], [1.0, 2.0]), ValueError, r"of x0\[1\] = nan"),
    "gradient-names": (lambda: check_gradients_of(np.sum, [1.0], {"a": 1.0}), ValueError, "names x0; x0 has a"),
    "empty": (lambda: check_gradients_of(np.sum, {}, {}), ValueError, "x0 is empty"),
}


@pytest.mark.parametrize(("call", "error", "message"), BAD.values(), ids=BAD)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
