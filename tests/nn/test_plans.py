"""Networks of the core that are more than a chain, and the cost of all samples, against finite differences."""

import numpy as np
import pytest

from fastopt import _core

RNG_ROWS = 7


def dense(units, **others):
    return {"kind": "dense", "units": units, "use_bias": True} | others


def two_headed():
    """Inputs of 3 and 4; a hidden layer of both and the first; one head of two classes, one of two numbers."""
    layers = [
        dense(5, inputs=[-2], activation="tanh"),  # 2, of input 0
        dense(5, inputs=[-2], activation="sigmoid"),  # 3, of input 1
        {"kind": "add", "inputs": [-2, -1]},  # 4
        {"kind": "concatenate", "inputs": [-1, -3, -5]},  # 5: of the sum, of 2 and of input 0
        dense(6, activation="tanh"),  # 6
        dense(2, inputs=[-1]),  # 7
        dense(2, inputs=[-2], activation="sigmoid"),  # 8
    ]
    return _core.Network("float64", [3, 4], layers, 1, [7, 8])


def shared():
    """One layer used three times, of which once on its own output."""
    first = dense(4, activation="tanh")
    return _core.Network(
        "float64",
        [4, 4],
        [
            dense(4, inputs=[-2], activation="tanh"),
            first | {"inputs": [-2], "shares": -1},
            first | {"inputs": [-1], "shares": -1},
            {"kind": "add", "inputs": [-3, -2, -1]},
            dense(3),
        ],
    )


def start(network, rng):
    for views in network.parameters:
        for view in views.values():
            view[...] = rng.normal(size=view.shape)


def tensors(network, kind):
    return [view for views in getattr(network, kind) for view in views.values()]


def difference(function, array, at, step=1e-6):
    old = array[at]
    array[at] = old + step
    up = function()
    array[at] = old - step
    down = function()
    array[at] = old
    return (up - down) / (2 * step)


def listed(value):
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("make", [two_headed, shared])
def test_gradients_by_hand(make, rng):
    network = make()
    start(network, rng)
    x = [rng.normal(size=(RNG_ROWS, columns)) for columns in ((3, 4) if make is two_headed else (4, 4))]
    outputs = listed(network.forward(x))
    dy = [rng.normal(size=output.shape) for output in outputs]
    dx = network.backward(dy if len(dy) > 1 else dy[0])
    gradients = [gradient.copy() for gradient in tensors(network, "gradients")]

    def value():
        return sum(float((a * b).sum()) for a, b in zip(listed(network.predict(x)), dy, strict=True))

    for arrays, found in ((tensors(network, "parameters"), gradients), (x, dx)):
        for array, gradient in zip(arrays, found, strict=True):
            for at in np.ndindex(array.shape):
                assert difference(value, array, at) == pytest.approx(gradient[at], rel=1e-6, abs=1e-7)


def two_goals():
    metrics = ["sparse_categorical_accuracy"]
    return [
        _core.Goal("sparse_categorical_crossentropy", metrics),
        _core.Goal("mean_squared_error", factor=0.5),
    ]


def epoch(network, x, y, goals=None, batch_size=RNG_ROWS):
    return _core.Epoch(network, goals or two_goals(), x, y, batch_size=batch_size)


@pytest.fixture
def heads(rng):
    network = two_headed()
    start(network, rng)
    x = [rng.normal(size=(RNG_ROWS, columns)) for columns in (3, 4)]
    y = [rng.integers(0, 2, RNG_ROWS), rng.normal(size=(RNG_ROWS, 2))]
    return network, x, y


def test_two_losses(heads):
    network, x, y = heads
    totals = epoch(network, x, y).evaluate()
    assert totals["loss"] == pytest.approx(totals["0/loss"] + 0.5 * totals["1/loss"], rel=1e-12)
    logits, values = network.predict(x)
    assert totals["1/loss"] == pytest.approx(float(((values - y[1]) ** 2).mean(1).sum()), rel=1e-12)
    assert totals["0/sparse_categorical_accuracy"] == (logits.argmax(1) == y[0]).sum()


def test_gradient_of_two_losses(heads):
    network, x, y = heads
    cost, gradient = epoch(network, x, y).cost_and_gradient()
    assert cost == pytest.approx(epoch(network, x, y).evaluate()["loss"] / RNG_ROWS, rel=1e-12)
    at = 0
    for view in tensors(network, "parameters"):
        for place in np.ndindex(view.shape):
            slope = difference(lambda: epoch(network, x, y).cost_and_gradient()[0], view, place)
            assert slope == pytest.approx(gradient[at], rel=1e-5, abs=1e-8)
            at += 1
    assert at == len(gradient)


def test_a_step_follows_that_gradient(heads):
    network, x, y = heads
    _, gradient = epoch(network, x, y).cost_and_gradient()
    before = np.concatenate([view.ravel() for view in tensors(network, "parameters")])
    epoch(network, x, y).train(_core.Optimizer("sgd", network), {"learning_rate": 0.5})
    after = np.concatenate([view.ravel() for view in tensors(network, "parameters")])
    np.testing.assert_allclose(after - before, -0.5 * gradient, rtol=1e-12, atol=1e-14)


def test_training_goes_on_from_its_totals(heads):
    network, x, y = heads
    optimizer = _core.Optimizer("sgd", network)
    hyper = {"learning_rate": 0.0}
    whole = epoch(network, x, y, batch_size=2).train(optimizer, hyper)
    parts = epoch(network, x, y, batch_size=2)
    parts.train(optimizer, hyper, 2)
    assert parts.train(optimizer, hyper) == whole


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": [np.ones((7, 3))]}, "x must be a list of 2"),
        ({"x": [np.ones((7, 3)), np.ones((6, 4))]}, "equally many samples, got 7 and 6"),
        ({"y": [np.zeros(7, int)]}, "y must be a list of 2"),
        ({"y": [np.full(7, 2), np.ones((7, 2))]}, r"y\[0\]\[0\] = 2 is not a class"),
        ({"goals": [_core.Goal("mean_squared_error")]}, "a network of 2 outputs needs as many losses, not 1"),
    ],
)
def test_bad_data(heads, change, message):
    network, x, y = heads
    with pytest.raises(ValueError, match=message):
        epoch(network, **({"x": x, "y": y} | change)).evaluate()


@pytest.mark.parametrize("loss", ["mean_squared_error", "binary_crossentropy"])
def test_an_output_that_others_need(loss, rng):
    """Its gradient is the sum of that of its loss and theirs; the loss may take values before their activation."""
    layers = [dense(2, activation="sigmoid"), dense(2)]
    network = _core.Network("float64", 3, layers, 0, [1, 2])
    start(network, rng)
    x, y = rng.normal(size=(5, 3)), [rng.random(size=(5, 2)), rng.normal(size=(5, 2))]
    both = [_core.Goal(loss, ["mean_squared_error"]), _core.Goal("mean_squared_error")]
    _, gradient = epoch(network, x, y, goals=both).cost_and_gradient()
    kernel = tensors(network, "parameters")[0]
    slope = difference(lambda: epoch(network, x, y, goals=both).cost_and_gradient()[0], kernel, (1, 1))
    assert slope == pytest.approx(gradient[3], rel=1e-6)
    error = np.mean((network.predict(x)[0] - y[0]) ** 2)
    assert epoch(network, x, y, goals=both).evaluate()["0/mean_squared_error"] / 5 == pytest.approx(error, rel=1e-12)
