"""Models of several inputs and outputs."""

import copy
import pickle

import numpy as np
import pytest

import fastopt as fo

L = fo.layers


def two_headed(dtype="float64", seed=0):
    """Two inputs, a residual block, a layer and a tower that are used more than once, and two heads."""
    a, b = fo.Input(5), fo.Input(3)
    h = L.Concatenate()([L.Dense(8, "tanh", name="left")(a), b])
    h = L.Dense(6, "relu", name="middle")(h)
    h = L.Residual([L.Dense(6, "tanh")], name="block")(h)
    twice = L.Dense(6, "sigmoid", name="twice")
    h = L.Add()([twice(h), twice(twice(h))])
    tower = fo.Sequential([L.Dense(4, "tanh"), L.Residual([L.Dense(4, "gelu")])], name="tower")
    h = L.Concatenate()([tower(h), tower(L.Dense(6, name="other")(h))])
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
        "tower/dense/kernel",
        "tower/residual/dense/kernel",
        "other/kernel",
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
    assert list(after.keys()) == ["loss", "value_loss", "value_mae", "policy_loss", "policy_accuracy"]
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


def with_probabilities(activation, loss, apart, **options):
    """An output that a cross-entropy takes before its activation, and a layer and a metric after it."""
    a = fo.Input(5)
    h = L.Dense(6, "tanh")(a)
    if apart:
        logits = L.Dense(3, name="policy", **options)(h)
        p = L.Activation(activation)(logits)
    else:
        logits = p = L.Dense(3, activation, name="policy", **options)(h)
    value = L.Dense(1, name="value")(p)
    model = fo.Model(a, [logits, L.Dense(2, name="other")(p), value], dtype="float64")
    losses = {"policy": loss, "other": "mse", "value": lambda y, v: ((v - y)[:, 0] ** 2, 2 * (v - y))}
    model.compile(fo.optimizers.SGD(0.1), losses, {"policy": ["accuracy"], "other": ["mse"], "value": []})
    return model


@pytest.mark.parametrize(
    ("activation", "loss"), [("softmax", "sparse_categorical_crossentropy"), ("sigmoid", "binary_crossentropy")]
)
def test_probabilities_that_layers_need_too(activation, loss, data):
    x = data[0][0]
    labels = data[1][1]
    y = [labels if activation == "softmax" else np.eye(3)[labels], np.outer(data[1][0], [1.0, 2.0]), data[1][0]]
    ours, theirs = (with_probabilities(activation, loss, apart) for apart in (False, True))
    for _ in range(3):
        logs = [model.train_on_batch(x, y) for model in (ours, theirs)]
        assert logs[0] == pytest.approx(logs[1], rel=1e-12)
    for one, two in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-10, atol=1e-14)
    assert ours.evaluate(x, y) == pytest.approx(theirs.evaluate(x, y), rel=1e-12)
    np.testing.assert_allclose(ours.cost_and_gradient(x, y)[1], theirs.cost_and_gradient(x, y)[1], atol=1e-14)


def test_one_output_with_two_losses(data):
    """One takes it before its activation, one after, and so does a penalty; the same as two outputs."""
    a = fo.Input(5)
    options = {"kernel_initializer": "ones", "activity_regularizer": fo.regularizers.L2(0.1)}
    p = L.Dense(3, "softmax", name="p", **options)(a)
    once = fo.Model(a, [p, p], dtype="float64")
    twin = L.Dense(3, "softmax", name="p", **options)
    twice = fo.Model(a, [twin(a), twin(a)], dtype="float64")
    x, y = data[0][0], [data[1][1], np.eye(3)[data[1][1]]]
    for model in (once, twice):
        model.compile(fo.optimizers.SGD(0.1), ["sparse_categorical_crossentropy", "mse"], [["accuracy"], []])
    assert once.graph.output_names == ["p", "p_1"]
    costs = [model.cost_and_gradient(x, y) for model in (once, twice)]
    penalty = 0.1 * np.mean(np.sum(once.predict(x)[0] ** 2, axis=1))
    assert costs[0][0] == pytest.approx(costs[1][0] - penalty, rel=1e-12)
    assert once.evaluate(x, y)["p_accuracy"] == twice.evaluate(x, y)["p_accuracy"]
    w, step = np.concatenate([view.ravel() for view in once.parameters.values()]), 1e-6
    up, down = (once.cost_and_gradient(x, y, w + d * np.eye(len(w))[4])[0] for d in (step, -step))
    assert (up - down) / (2 * step) == pytest.approx(costs[0][1][4], rel=1e-6)


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

    def tower(values):
        values = torch.tanh(dense("tower/dense", values))
        return values + torch.nn.functional.gelu(dense("tower/residual/dense", values))

    a, b = (torch.tensor(array) for array in x)
    for _ in range(5):
        h = torch.relu(dense("middle", torch.cat([torch.tanh(dense("left", a)), b], 1)))
        h = h + torch.tanh(dense("block/dense", h))
        once = torch.sigmoid(dense("twice", h))
        h = once + torch.sigmoid(dense("twice", once))
        h = torch.cat([tower(h), tower(dense("other", h))], 1)
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
        (lambda: two_headed().compile("adam", LOSSES, {"polity": []}), ValueError, "has the keys .*polity"),
        (lambda: two_headed().predict(np.ones((2, 5))), ValueError, "x must be a list of 2 arrays"),
        (lambda: two_headed().predict([np.ones((2, 5)), np.ones((3, 3))]), ValueError, "has 3 samples"),
        (lambda: two_headed().fit([], []), RuntimeError, "has no loss"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_metrics_of_some_outputs():
    model = two_headed()
    model.compile("adam", LOSSES, metrics={"policy": ["accuracy"]})
    assert list(model.metrics) == ["policy_accuracy"]


# --- Models within models ---------------------------------------------------------------------------------------------


def nested(kind):
    """A model, and one of the same layers without models in it: the names of the inner ones stand before theirs."""
    a, i = fo.Input(5), fo.Input(4)
    tower = [L.Dense(4, "tanh"), L.BatchNormalization(), L.Dense(3)]
    if kind == "sequential":
        return fo.Sequential([fo.Sequential(tower), L.Dense(3)]), fo.Sequential([*tower, L.Dense(3)])
    if kind == "model":
        two = fo.Model(i, [L.Dense(2, "relu")(i), L.Dense(3)(i)], name="two")
        h = L.Dense(4)(a)
        flat = [layer(h) for layer in two.layers]
        return tuple(fo.Model(a, L.Dense(3)(L.Concatenate()(both))) for both in (two(h), flat))
    inner = fo.Sequential(tower[:1], name="inner")  # in a model in a model
    middle = fo.Model(i, L.Add()([inner(i), i]), name="middle")
    h = L.Dense(4)(a)
    first = L.Add()([tower[0](h), h])
    outputs = middle(middle(h)), L.Add()([tower[0](first), first])
    return tuple(fo.Model(a, L.Dense(3)(output)) for output in outputs)


@pytest.mark.parametrize("kind", ["sequential", "model", "both"])
def test_nested_models_train_as_their_layers(kind, data):
    x, y = data[0][0], data[1][1]
    models = nested(kind)
    for model in models:
        model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
        model.fit(x, y, epochs=2, verbose=0)
    assert all((a == b).all() for a, b in zip(*(model.get_weights() for model in models), strict=True))
    assert models[0].evaluate(x, y) == models[1].evaluate(x, y)


@pytest.mark.parametrize("kind", ["sequential", "both"])
def test_what_is_inside(kind, data):
    inner = nested(kind)[0]
    model = fo.Sequential([inner, L.BatchNormalization()])
    model.compile("adam", "mse")
    model.fit(data[0][0], np.ones((40, 3)), verbose=0)
    model.recompute_statistics(data[0][0])
    values = model.layer_outputs(data[0][0])
    assert (values["batch_normalization"] == model.predict(data[0][0])).all()
    mean = values["batch_normalization"].mean(0)
    np.testing.assert_allclose(mean, model.parameters["batch_normalization/beta"], atol=1e-6)


def test_names_within_models():
    model, _ = nested("both")
    assert [*model.parameters] == ["dense/kernel", "dense/bias", *WITHIN, "dense_1/kernel", "dense_1/bias"]
    model = fo.Sequential([fo.Sequential([L.Dense(2)]), fo.Sequential([L.Dense(2)]), L.Dense(1)])
    model.build(3)
    assert [*model.parameters][::2] == ["sequential/dense/kernel", "sequential_1/dense/kernel", "dense/kernel"]


WITHIN = ["middle/inner/dense/kernel", "middle/inner/dense/bias"]


def test_a_frozen_model(data):
    x, y = data[0][0], data[1][1]
    outer, _ = nested("both")
    middle = outer.layers[1]
    outer.compile("adam", "sparse_categorical_crossentropy")
    middle.trainable = False
    before = {name: view.copy() for name, view in outer.parameters.items()}
    outer.fit(x, y, verbose=0)
    assert [name for name, view in outer.parameters.items() if (view == before[name]).all()] == WITHIN
    middle.trainable = True
    outer.fit(x, y, verbose=0)
    assert not any((view == before[name]).all() for name, view in outer.parameters.items())
    outer.trainable = False
    before = outer.get_weights()
    outer.fit(x, y, verbose=0)
    assert all((a == b).all() for a, b in zip(before, outer.get_weights(), strict=True))


def test_a_trained_model_brings_its_weights(data):
    """A copy of them, as they are when the outer model gets its own."""
    x, y = data[0][0], data[1][1]
    base = fo.Sequential([L.Dense(4, "tanh"), L.BatchNormalization()], name="base")
    twin = fo.Sequential([L.Dense(4, "tanh"), L.BatchNormalization()], name="twin")
    a = fo.Input(5)
    outer = fo.Model(a, L.Dense(3)(L.Add()([base(a), twin(a)])), seed=7)
    base.compile("adam", "mse")
    base.fit(x, np.ones((40, 4)), verbose=0)
    values = outer.parameters | outer.state
    for name, view in (base.parameters | base.state).items():
        assert (values[f"base/{name}"] == view).all()
    assert (values["twin/dense/kernel"] != values["base/dense/kernel"]).all()
    outer.compile("adam", "sparse_categorical_crossentropy")
    before = base.get_weights()
    outer.fit(x, y, verbose=0)
    assert all((one == two).all() for one, two in zip(before, base.get_weights(), strict=True))
    assert (values["base/dense/kernel"] != base.parameters["dense/kernel"]).any()


def in_two_places():
    a = fo.Input(5)
    tower = fo.Sequential([L.Dense(5)])
    return fo.Model(a, L.Add()([tower(a), tower.layers[0](a)]))


def half_used():
    i, a = fo.Input(4), fo.Input(4)
    two = fo.Model(i, [L.Dense(2)(i), L.Dense(3)(i)], name="two")
    return fo.Model(a, two(a)[0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (in_two_places, "stands in two places"),
        (half_used, "Nothing needs output 1 of two"),
        (lambda: two_headed()(fo.Input(5)), r"for inputs of shapes \[\(5,\), \(3,\)\], not \[\(5,\)\]"),
        (lambda: fo.Sequential([two_headed(), L.Dense(1)]).build(5), "for inputs of shapes"),
        (lambda: fo.Sequential([L.Dense(2)])([fo.Input(2), fo.Input(2)]), "has one input, not 2"),
        (lambda: fo.Sequential([fo.Sequential([L.Dense(2)], name="a/b")]), "a name is a word without '/'"),
    ],
)
def test_what_cannot_be_nested(call, message):
    with pytest.raises(ValueError, match=message):
        call()
