"""Scalers as layers: the same map, not trained, in the file of the model."""

import numpy as np
import pytest
from test_gradients import TOLERANCE, error, numeric

import fastopt as fo
from fastopt.layers import Dense, Flatten, Reshape, Scaling
from fastopt.preprocessing import MinMaxScaler, Standardizer, Whitener

SCALERS = {
    "standardizer": Standardizer,
    "min_max": lambda: MinMaxScaler((-1.0, 1.0)),
    "zca": Whitener,
    "pca": lambda: Whitener("pca"),
}


@pytest.fixture
def x(rng):
    return rng.normal(2.0, 3.0, (40, 6)) @ rng.normal(size=(6, 6))


@pytest.fixture(params=SCALERS)
def scaler(request, x):
    return SCALERS[request.param]().fit(x)


def make(layers, dtype="float64", loss="mse", features=6):
    model = fo.Sequential(layers, dtype=dtype)
    model.compile(fo.optimizers.SGD(0.1), loss)
    model.build(features)
    return model


def test_it_is_the_map_of_the_scaler(scaler, x, dtype):
    a, b = scaler.affine("float64")
    size = np.abs(x) @ np.abs(np.diag(a) if a.ndim == 1 else a) + np.abs(b) + 1
    for model in (make([Scaling(scaler)], dtype.__name__), make([scaler], dtype.__name__)):
        for outputs in (model.predict(x), model(x)):
            assert outputs.dtype == dtype
            np.testing.assert_array_less(np.abs(outputs - scaler.transform(x)), 4 * np.finfo(dtype).eps * size)


def test_training_is_that_on_scaled_data(scaler, x, rng):
    y = rng.normal(size=(40, 3))
    inside, outside = make([scaler, Dense(8, "tanh"), Dense(3)]), make([Dense(8, "tanh"), Dense(3)])
    outside.set_weights(list(inside.parameters.values()))
    state = {name: view.copy() for name, view in inside.state.items()}
    losses = [
        m.fit(data, y, 16, 3, verbose=0).history["loss"] for m, data in ((inside, x), (outside, scaler.transform(x)))
    ]
    np.testing.assert_allclose(*losses, rtol=1e-11)
    for a, b in zip(inside.parameters.values(), outside.parameters.values(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)
    for name, view in inside.state.items():
        np.testing.assert_array_equal(view, state[name])


@pytest.mark.parametrize("place", [0, 1])
def test_gradients(scaler, place, x, rng):
    n = 5
    layers = [Dense(6, "tanh"), Dense(4, "softplus")]
    model = make([*layers[:place], scaler, *layers[place:]])
    direction, x = rng.normal(size=(n, 4)), x[:n]

    def value():
        return float((model(x) * direction).sum())

    expected, expected_x = {name: numeric(value, view) for name, view in model.parameters.items()}, numeric(value, x)
    model(x)
    assert error(model.backward(direction), expected_x) <= TOLERANCE
    for name, view in model.gradients.items():
        assert error(view, expected[name]) <= TOLERANCE, name
    assert fo.check_gradients(model, x, rng.normal(size=(n, 4))).ok


# The layers in front, and whether samples are centered in float64 while they are read.
PLACES = {
    "first": (lambda layer: [layer], True),
    "after Flatten": (lambda layer: [Reshape((2, 3)), Flatten(), layer], True),
    "in an inner model": (lambda layer: [fo.Sequential([layer])], True),
    "after a layer": (lambda layer: [fo.layers.Rescaling(1.0), layer], False),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", ["float64", "int64", "strided"])
def test_large_offsets_are_subtracted_before_rounding(place, kind, scaler, isa, rng):
    """Those of time stamps, in a model of float32."""
    layers, centered = PLACES[place]
    x = 1.7e9 + np.round(3600 * rng.normal(size=(40, 6)))
    right = scaler.fit(x).transform(x)
    model = make(layers(Scaling(scaler)), "float32")
    assert model._built.network.centers_inputs == [centered]
    given = {"int64": x.astype(np.int64), "strided": np.repeat(x, 2, axis=1)[:, ::2]}.get(kind, x)
    for outputs in (model.predict(given), model(given), [*model.layer_outputs(given).values()][-1]):
        assert (np.abs(outputs - right).max() < 1e-5) == centered
    assert (model.fit(given, right, 7, 1, verbose=0).history["loss"][0] < 1e-12) == centered


def test_samples_that_others_need_are_not_centered(rng):
    scaler = Standardizer().fit(rng.normal(1e5, 1.0, (40, 6)))
    a = fo.Input(6)
    model = fo.Model(a, fo.layers.Concatenate()([Scaling(scaler)(a), Dense(2, kernel_initializer="ones")(a)]))
    x = rng.normal(1e5, 1.0, (5, 6))
    np.testing.assert_allclose(model.predict(x)[:, 6], x.sum(axis=1), rtol=1e-6)
    np.testing.assert_allclose(model.predict(x)[:, :6], scaler.transform(x), atol=0.02)
    assert model._built.network.centers_inputs == [False]


@pytest.mark.parametrize("offset", [-1.7e9 / 3600, 0.0])
def test_rescaling_with_a_large_offset(offset, rng):
    x = 1.7e9 + 3600 * rng.normal(size=(40, 6))
    model = make([fo.layers.Rescaling(1 / 3600, offset)], "float32")
    error = np.abs(model.predict(x) - (x / 3600 + offset)).max()
    assert error < (1e-5 if offset else 0.1)
    assert ("rescaling/center" in model.state) == bool(offset)


def test_later_fits_change_nothing(x):
    scaler = Standardizer().fit(x)
    layer = Scaling(scaler)
    expected = scaler.transform(x)
    scaler.fit(x * 100)
    np.testing.assert_allclose(make([layer]).predict(x), expected, rtol=1e-12, atol=1e-12)


def test_data_as_they_come(rng):
    images = rng.integers(0, 256, (20, 4, 3), dtype=np.uint8)
    scaler = MinMaxScaler().fit(images.reshape(20, -1))
    model = make([Flatten(), scaler], "float32", features=(4, 3))
    np.testing.assert_allclose(model.predict(images), scaler.transform(images.reshape(20, -1)), rtol=1e-6, atol=1e-6)


def test_save_and_load(scaler, x, rng, tmp_path):
    y = rng.normal(size=(40, 3))
    model = make([scaler, Dense(3)], "float32")
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "model")
    loaded = fo.load_model(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict(x), model.predict(x))
    for m in (model, loaded):
        m.fit(x, y, verbose=0)
    np.testing.assert_array_equal(loaded.predict(x), model.predict(x))
    assert repr(loaded.layers) == repr(model.layers)


@pytest.mark.parametrize("form", ["diagonal", "matrix", "centered_diagonal", "centered_matrix"])
def test_a_form_alone_changes_nothing(form, x):
    np.testing.assert_array_equal(make([Scaling(form)]).predict(x), x)


def test_summary(x, capsys):
    make([Standardizer().fit(x), Dense(3)]).summary()
    out = " ".join(capsys.readouterr().out.split())
    assert "scaling Scaling linear (n, 6) 0 0 dense" in out
    assert "state 18 144 total" in out


def test_threads(scaler, x, rng, dtype, for_all_threads):
    data, y = np.tile(x, (10, 1)), rng.integers(0, 10, 400)

    def train():
        model = make([scaler, Dense(301, "relu"), Dense(10)], dtype, "sparse_categorical_crossentropy")
        model.fit(data, y, 200, 2, verbose=0)
        outputs = model(data)
        return [*model.get_weights(), outputs, model.backward(outputs)]

    for_all_threads(train)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("StandardScaler", {}),
        ("StandardScaler", {"with_mean": False}),
        ("StandardScaler", {"with_std": False}),
        ("MinMaxScaler", {"feature_range": (-1.0, 3.0)}),
        ("MaxAbsScaler", {}),
        ("RobustScaler", {}),
        ("RobustScaler", {"with_centering": False, "unit_variance": True}),
        ("RobustScaler", {"with_scaling": False}),
        ("PCA", {}),
        ("PCA", {"n_components": 2, "whiten": True}),
        ("IncrementalPCA", {"n_components": 3}),
        ("TruncatedSVD", {"n_components": 4, "algorithm": "arpack"}),
    ],
)
def test_scalers_of_scikit_learn(name, options, x, tmp_path):
    module = pytest.importorskip("sklearn.preprocessing" if name.endswith("Scaler") else "sklearn.decomposition")
    scaler = getattr(module, name)(**options)
    with pytest.raises(RuntimeError, match=f"This {name} has no statistics yet"):
        Scaling(scaler)
    right = scaler.fit_transform(x)
    model = make([scaler])
    np.testing.assert_allclose(model.predict(x), right, rtol=1e-12, atol=1e-12 * np.abs(right).max())
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(fo.load_model(tmp_path / "model").predict(x), model.predict(x))
    assert Scaling(scaler) == Scaling(scaler) != Scaling(type(scaler)(**options).fit(2 * x + 1))


def test_scalers_of_scikit_learn_that_are_no_affine_map(x):
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    with pytest.raises(ValueError, match="MinMaxScaler with clip=True is no affine map"):
        make([preprocessing.MinMaxScaler(clip=True).fit(x)])
    others = [
        preprocessing.PowerTransformer(),
        preprocessing.Normalizer(),
        preprocessing.QuantileTransformer(n_quantiles=5),
    ]
    for other in (*others, preprocessing.PolynomialFeatures()):
        with pytest.raises(TypeError, match=rf"affine map, StandardScaler, .*; not {type(other).__name__}"):
            Scaling(other.fit(x))
        with pytest.raises(TypeError, match=rf"layers\[0\] must be a layer, .*{type(other).__name__}"):
            fo.Sequential([other])


def too_large():
    make([Standardizer().fit([[1e-50] * 6, [3e-50] * 6])], "float32")


BAD = {
    "not fitted": (lambda x: Scaling(Standardizer()), RuntimeError, "no statistics yet"),
    "not fitted, in a model": (lambda x: fo.Sequential([Whitener(), Dense(1)]), RuntimeError, "no statistics yet"),
    "a layer": (lambda x: Scaling(Dense(2)), TypeError, "scaler must be a fitted scaler of fastopt.preprocessing"),
    "a class": (lambda x: fo.Sequential([Standardizer]), TypeError, r"layers\[0\] must be a layer"),
    "outputs": (lambda x: Scaling("matrix", outputs=0), ValueError, "outputs must be at least 1"),
    "outputs of a diagonal": (lambda x: Scaling("diagonal", outputs=2), ValueError, "a form that is a matrix"),
    "form": (lambda x: Scaling("diagonale"), ValueError, "Did you mean 'diagonal'"),
    "features": (
        lambda x: make([Standardizer().fit(x)], features=5),
        ValueError,
        "was fitted to 6 features; its input has 5",
    ),
    "not flat": (lambda x: make([Standardizer().fit(x)], features=(3, 2)), ValueError, "needs flat samples"),
    "too large": (lambda x: too_large(), ValueError, "too large for float32"),
}


@pytest.mark.parametrize(("action", "exception", "message"), BAD.values(), ids=BAD)
def test_bad_arguments(action, exception, message, x):
    with pytest.raises(exception, match=message):
        action(x)
