"""Models of several inputs and outputs."""

import copy
import pickle

import numpy as np
import pytest

import fastopt as fo

L = fo.layers


def two_headed(dtype="float64", seed=0):
    """Two inputs, a residual block, a layer that is used twice, and two heads."""
    a, b = fo.Input(5), fo.Input(3)
    h = L.Concatenate()([L.Dense(8, "tanh", name="left")(a), b])
    h = L.Dense(6, "relu", name="middle")(h)
    h = L.Residual([L.Dense(6, "tanh")], name="block")(h)
    twice = L.Dense(6, "sigmoid", name="twice")
    h = L.Add()([twice(h), twice(twice(h))])
    return fo.Model([a, b], [L.Dense(1, name="value")(h), L.Dense(3, name="policy")(h)], seed, dtype)


LOSSES = {"value": "mse", "policy": "sparse_categorical_crossentropy"}


@pytest.fixture
def data(rng):
    x = [rng.normal(size=(40, 5)), rng.normal(size=(40, 3))]
    return x, [rng.normal(size=40), rng.integers(0, 3, 40)]


def test_names_and_shapes(data):
    model = two_headed()
    x, _ = data
    assert [name for name in model.parameters if name.endswith("kernel")] == [
        "left/kernel",
        "middle/kernel",
        "block/dense/kernel",
        "twice/kernel",
        "value/kernel",
        "policy/kernel",
    ]
    value, policy = model.predict(x)
    assert (value.shape, policy.shape) == ((40, 1), (40, 3))
    assert all((one == two).all() for one, two in zip(model(x), (value, policy), strict=True))


def test_it_learns_and_reports(data):
    x, y = data
    model = two_headed()
    model.compile(fo.optimizers.Adam(0.02), LOSSES, {"value": ["mae"], "policy": ["accuracy"]}, [0.5, 1.0])
    before = model.evaluate(x, y)
    history = model.fit(x, y, batch_size=8, epochs=60, validation_data=(x, y), verbose=0)
    after = model.evaluate(x, y)
    assert list(after) == ["loss", "value_loss", "value_mae", "policy_loss", "policy_accuracy"]
    assert after["loss"] == pytest.approx(0.5 * after["value_loss"] + after["policy_loss"])
    assert after["loss"] < 0.5 * before["loss"]
    assert {"loss", "policy_accuracy", "val_value_loss"} <= history.history.keys()


def test_lists_and_dicts_are_the_same(data):
    x, y = data
    models = [two_headed(), two_headed()]
    models[0].compile("adam", LOSSES, loss_weights={"policy": 2.0, "value": 1.0})
    models[1].compile("adam", [*LOSSES.values()], loss_weights=[1.0, 2.0])
    models[0].fit(x, dict(zip(LOSSES, y, strict=True)), verbose=0)
    models[1].fit(x, y, verbose=0)
    assert all((a == b).all() for a, b in zip(*(model.get_weights() for model in models), strict=True))


def test_same_bits_for_every_number_of_threads(rng, for_all_threads):
    x, y = [rng.normal(size=(3000, 5)), rng.normal(size=(3000, 3))], [rng.normal(size=3000), rng.integers(0, 3, 3000)]

    def call():
        model = two_headed("float32")
        model.compile("adam", LOSSES)
        model.fit(x, y, batch_size=1500, verbose=0)
        return [*model.get_weights(), *model.predict(x)]

    for_all_threads(call)


def test_gradients_by_hand(data):
    x, _ = data
    model = two_headed()
    outputs = model(x)
    rng = np.random.default_rng(1)
    dy = [rng.normal(size=output.shape) for output in outputs]
    dx = model.backward(dy)
    gradients = {name: view.copy() for name, view in model.gradients.items()}
    step = 1e-6

    def value():
        return sum(float((a * b).sum()) for a, b in zip(model.predict(x), dy, strict=True))

    for arrays, found in ((model.parameters, gradients), (dict(enumerate(x)), dict(enumerate(dx)))):
        for name, array in arrays.items():
            at = tuple(size // 2 for size in array.shape)
            array[at] += step
            up = value()
            array[at] -= 2 * step
            down = value()
            array[at] += step
            assert (up - down) / (2 * step) == pytest.approx(found[name][at], rel=1e-5, abs=1e-7)


def test_a_chain_is_a_sequential(data):
    x, y = data[0][0], data[1][1]
    layers = [L.Dense(8, "relu"), L.Residual([L.Dense(8, "tanh")]), L.Dropout(0.2), L.Dense(3)]
    symbol = start = fo.Input(5)
    for layer in layers:
        symbol = layer(symbol)
    models = [fo.Model(start, symbol), fo.Sequential(layers)]
    for model in models:
        model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
        model.fit(x, y, epochs=3, verbose=0)
    assert models[0].evaluate(x, y) == models[1].evaluate(x, y)
    assert all((a == b).all() for a, b in zip(*(model.get_weights() for model in models), strict=True))


def test_cost_and_gradient(data):
    x, y = data
    model = two_headed()
    model.compile(fo.optimizers.SGD(1.0), LOSSES)
    cost, gradient = model.cost_and_gradient(x, y)
    assert cost == pytest.approx(model.evaluate(x, y)["loss"], rel=1e-12)
    before = np.concatenate([view.ravel() for view in model.parameters.values()])
    model.train_on_batch(x, y)
    after = np.concatenate([view.ravel() for view in model.parameters.values()])
    np.testing.assert_allclose(before - after, gradient, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_go_on_as_the_model_would(duplicate, data):
    x, y = data
    model = two_headed()
    model.compile("adam", LOSSES)
    model.fit(x, y, verbose=0)
    other = duplicate(model)
    for one in (model, other):
        one.fit(x, y, epochs=2, verbose=0)
    assert all((a == b).all() for a, b in zip(model.get_weights(), other.get_weights(), strict=True))


def test_a_frozen_layer(data):
    x, y = data
    model = two_headed()
    model.graph.layers[0].trainable = False
    model.compile("adam", LOSSES)
    before = {name: view.copy() for name, view in model.parameters.items()}
    model.fit(x, y, verbose=0)
    still = {name for name, view in model.parameters.items() if (view == before[name]).all()}
    assert still == {"left/kernel", "left/bias"}


def test_against_torch(data):
    torch = pytest.importorskip("torch")
    x, y = data
    model = two_headed()
    model.compile(fo.optimizers.SGD(0.1), LOSSES, loss_weights=[0.5, 1.0])
    w = {n: torch.tensor(v.copy(), requires_grad=True) for n, v in model.parameters.items()}

    def dense(name, values):
        return values @ w[f"{name}/kernel"] + w[f"{name}/bias"]

    a, b = (torch.tensor(array) for array in x)
    for _ in range(5):
        h = torch.relu(dense("middle", torch.cat([torch.tanh(dense("left", a)), b], 1)))
        h = h + torch.tanh(dense("block/dense", h))
        once = torch.sigmoid(dense("twice", h))
        h = once + torch.sigmoid(dense("twice", once))
        value, policy = dense("value", h), dense("policy", h)
        loss = 0.5 * ((value[:, 0] - torch.tensor(y[0])) ** 2).mean()
        loss = loss + torch.nn.functional.cross_entropy(policy, torch.tensor(y[1]))
        for tensor in w.values():
            tensor.grad = None
        loss.backward()
        assert model.train_on_batch(x, y)["loss"] == pytest.approx(float(loss.detach()), rel=1e-10)
        with torch.no_grad():
            for tensor in w.values():
                tensor -= 0.1 * tensor.grad
    for name, view in model.parameters.items():
        np.testing.assert_allclose(view, w[name].detach().numpy(), rtol=1e-10, atol=1e-12)


def bad_call(inputs=5, outputs=None):
    a = fo.Input(5)
    return fo.Model(a if inputs == 5 else inputs, L.Dense(2)(a) if outputs is None else outputs)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: L.Dense(3)(np.ones((2, 3))), TypeError, "is called with fastopt.Input"),
        (lambda: L.Dense(3)([fo.Input(2), fo.Input(2)]), ValueError, "has one input, not 2"),
        (lambda: L.Add()([fo.Input(2)]), ValueError, "at least two inputs, not 1"),
        (lambda: L.Add()([fo.Input(2), fo.Input(3)]), ValueError, r"inputs of one shape, not \(2,\) and \(3,\)"),
        (lambda: L.Concatenate()([fo.Input((2, 2)), fo.Input(3)]), ValueError, "needs flat samples"),
        (lambda: fo.Input(0), ValueError, "at least 1"),
        (lambda: bad_call(inputs=L.Dense(2)(fo.Input(2))), TypeError, r"inputs\[0\] must be a fastopt.Input"),
        (lambda: bad_call(inputs=fo.Input(5)), ValueError, "which is not among the inputs"),
        (lambda: bad_call(inputs=[fo.Input(5), fo.Input(5)]), ValueError, "not among the inputs"),
        (lambda: bad_call(outputs=fo.Input(3)), ValueError, r"outputs\[0\] is an input"),
        (lambda: two_headed().compile("adam", {"value": "mse"}), ValueError, "the outputs are value, policy"),
        (lambda: two_headed().compile("adam", "mse"), ValueError, "one for each output: value, policy"),
        (lambda: two_headed().predict(np.ones((2, 5))), ValueError, "x must be a list of 2 arrays"),
        (lambda: two_headed().predict([np.ones((2, 5)), np.ones((3, 3))]), ValueError, "has 3 samples"),
        (lambda: two_headed().fit([], []), RuntimeError, "has no loss"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()
