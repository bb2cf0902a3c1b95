"""Weights by length and direction: values, gradients, and that they are the same for every number of threads."""

import numpy as np
import pytest
import twins
from test_gradients import TOLERANCE, error, numeric

import fastopt as fo
from fastopt.layers import Dense, Dropout, Maxout, WeightNormalization

# One column, and those around the ends of blocks.
UNITS = [1, 3, 31, 33, 70]


def make(layer, dtype="float64", features=5, **kwargs):
    model = fo.Sequential([WeightNormalization(layer)], dtype=dtype, **kwargs)
    model.compile(fo.optimizers.SGD(0.1), "mse")
    model.build(features)
    return model


@pytest.mark.parametrize(
    "layer",
    [
        lambda: Dense(7, "tanh"),
        lambda: Dense(7, use_bias=False),
        lambda: Dense(7, kernel_initializer="orthogonal", bias_initializer="normal"),
        lambda: Maxout(7, 3, bias_initializer="normal"),
    ],
)
def test_it_starts_as_the_layer_alone(layer, dtype, rng):
    x = rng.normal(size=(9, 5))
    alone = fo.Sequential([layer()], dtype=dtype)
    alone.build(5)
    model = make(layer(), dtype)
    for name in alone.parameters:
        tensor = name.split("/")[1]
        np.testing.assert_array_equal(model.parameters[f"weight_normalization/{tensor}"], alone.parameters[name])
    np.testing.assert_allclose(model.predict(x), alone.predict(x), rtol=0, atol=20 * np.finfo(dtype).eps)


@pytest.mark.parametrize("units", UNITS)
def test_values(units, dtype, rng):
    x = rng.normal(size=(9, 5)).astype(dtype)
    model = make(Dense(units, "tanh", bias_initializer="normal"), dtype)
    v, b, g = model.parameters.values()
    g[...] = rng.normal(size=units)
    w = twins.weight_normalized(v.astype(np.float64), g.astype(np.float64))
    expected = twins.dense_forward(x, w, b, np.tanh)
    for outputs in (model.predict(x), model(x)):
        np.testing.assert_allclose(outputs, expected, rtol=0, atol=20 * np.finfo(dtype).eps)


@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize("use_bias", [True, False])
def test_gradients(units, use_bias, rng):
    n = 6
    x, direction, target = rng.normal(size=(n, 5)), rng.normal(size=(n, units)), rng.normal(size=(n, units))
    model = make(Dense(units, "tanh", use_bias))
    model.parameters["weight_normalization/g"][...] = rng.normal(size=units)

    def value():
        return float((model(x) * direction).sum())

    def loss():
        return model.evaluate(x, target)["loss"]

    expected, expected_x = {name: numeric(value, view) for name, view in model.parameters.items()}, numeric(value, x)
    expected_step = {name: numeric(loss, view) for name, view in model.parameters.items()}
    model(x)
    assert error(model.backward(direction), expected_x) <= TOLERANCE
    for name, view in model.gradients.items():
        assert error(view, expected[name]) <= TOLERANCE, name
    before = {name: view.copy() for name, view in model.parameters.items()}
    model.train_on_batch(x, target)
    for name, view in model.parameters.items():
        assert error((before[name] - view) / 0.1, expected_step[name]) <= TOLERANCE, name


def test_a_column_of_zeros_makes_zeros():
    model = make(Dense(3, use_bias=False))
    model.parameters["weight_normalization/kernel"][:, 1] = 0
    x = np.ones((2, 5))
    assert not model.predict(x)[:, 1].any()
    model.train_on_batch(x, np.ones((2, 3)))
    assert not model.parameters["weight_normalization/kernel"][:, 1].any()
    assert all(np.isfinite(view).all() for view in model.parameters.values())


def test_directions_are_orthogonal_to_their_gradients(rng):
    model = make(Dense(4))
    model(rng.normal(size=(6, 5)))
    model.backward(rng.normal(size=(6, 4)))
    dots = (model.gradients["weight_normalization/kernel"] * model.parameters["weight_normalization/kernel"]).sum(
        axis=0
    )
    np.testing.assert_allclose(dots, 0, atol=1e-13)


@pytest.mark.parametrize("optimizer", [lambda: "adam", lambda: fo.optimizers.Clip(fo.optimizers.SGD(0.1), norm=0.1)])
def test_threads(optimizer, dtype, rng, for_all_threads):
    x, y = rng.normal(size=(200, 70)), rng.integers(0, 10, 200)

    def train():
        layers = [WeightNormalization(Dense(131, "relu")), Dropout(0.2), WeightNormalization(Maxout(33, 3))]
        model = fo.Sequential([*layers, WeightNormalization(Dense(10))], dtype=dtype)
        model.compile(optimizer(), "sparse_categorical_crossentropy")
        model.fit(x, y, 96, 3, verbose=0)
        return [*model.get_weights(), model.predict(x)]

    for_all_threads(train)


def test_save_load_and_summary(tmp_path, rng, capsys):
    x, y = rng.normal(size=(30, 5)), rng.normal(size=(30, 4))
    model = make(Dense(4, "tanh"), "float32")
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "model")
    loaded = fo.load_model(tmp_path / "model")
    for m in (model, loaded):
        m.fit(x, y, verbose=0)
    np.testing.assert_array_equal(loaded.predict(x), model.predict(x))
    assert repr(loaded.layers) == repr(model.layers)
    model.summary()
    assert "weight_normalization WeightNormalization tanh (n, 4) 28" in " ".join(capsys.readouterr().out.split())


BAD = {
    "another layer": (lambda: WeightNormalization(Dropout(0.5)), TypeError, "layer must be Dense or Maxout, not Drop"),
    "itself": (lambda: WeightNormalization(WeightNormalization(Dense(2))), TypeError, "layer must be Dense or Maxout"),
    "a number": (lambda: WeightNormalization(3), TypeError, "layer"),
    "name": (lambda: WeightNormalization(Dense(2), 3), TypeError, "name must be a string"),
}


@pytest.mark.parametrize(("action", "exception", "message"), BAD.values(), ids=BAD)
def test_bad_arguments(action, exception, message):
    with pytest.raises(exception, match=message):
        action()


def test_against_torch(rng):
    torch = pytest.importorskip("torch")
    x, y = rng.normal(size=(20, 5)), rng.normal(size=(20, 33))
    model = make(Dense(33, bias_initializer="normal"))
    v, b, g = (view.copy() for view in model.parameters.values())
    there = torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(5, 33, dtype=torch.float64), dim=0)
    weight = there.parametrizations.weight
    with torch.no_grad():
        weight.original0[:, 0], weight.original1[...], there.bias[...] = map(torch.tensor, (g, v.T, b))
    descent = torch.optim.SGD(there.parameters(), 0.1)
    for _ in range(20):
        descent.zero_grad()
        torch.nn.functional.mse_loss(there(torch.tensor(x)), torch.tensor(y)).backward()
        descent.step()
        model.train_on_batch(x, y)
    theirs = (weight.original1.T, there.bias, weight.original0[:, 0])
    for mine, other in zip(model.parameters.values(), theirs, strict=True):
        np.testing.assert_allclose(mine, other.detach().numpy(), rtol=1e-10, atol=1e-12)
