"""Models and tables: names of columns are kept and checked, an encoder goes with the model."""

import copy
import pickle

import numpy as np
import pytest

import fastopt as fo
from fastopt.data import TableEncoder

NUMBERS = {"a": [1.0, 2.0, 4.0, 0.0], "b": [True, False, True, True], "c": [3, 1, 2, 5]}
ARRAY = np.column_stack([*NUMBERS.values()]).astype(np.float64)
Y = np.array([0, 1, 1, 0])
TABLE = {"size": [1.0, None, 3.0, 4.0], "kind": ["x", "y", None, "x"]}


def sequential():
    model = fo.Sequential([fo.layers.Dense(4, "tanh"), fo.layers.Dense(2)], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def functional():
    x = fo.Input(3)
    model = fo.Model(x, fo.layers.Dense(2)(x), seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


LIBRARIES = {
    "pandas": lambda data: pytest.importorskip("pandas").DataFrame(data),
    "polars": lambda data: pytest.importorskip("polars").DataFrame(data),
    "pyarrow": lambda data: pytest.importorskip("pyarrow").table(data),
}


def reordered(frame):
    return frame.select(["b", "a", "c"]) if hasattr(frame, "select") else frame[["b", "a", "c"]]


@pytest.mark.parametrize("make", [sequential, functional])
@pytest.mark.parametrize("library", LIBRARIES)
def test_names_are_kept_and_checked(library, make, tmp_path):
    frame = LIBRARIES[library](NUMBERS)
    model, twin = make(), make()
    assert model.feature_names is None
    model.fit(frame, Y, verbose=0)
    twin.fit(ARRAY, Y, verbose=0)
    assert model.feature_names == ["a", "b", "c"]
    assert twin.feature_names is None
    right = twin.predict(ARRAY)
    model.save(tmp_path / "m.safetensors")
    for one in (model, fo.load_model(tmp_path / "m.safetensors"), pickle.loads(pickle.dumps(model))):
        # An array has no names.
        for x in (frame, ARRAY):
            np.testing.assert_array_equal(one.predict(x), right)
        wrong = reordered(frame)
        for use in (
            one.predict,
            one,
            lambda x, one=one: one.evaluate(x, Y),
            lambda x, one=one: one.fit(x, Y, verbose=0),
        ):
            with pytest.raises(
                ValueError, match=r"x has its columns in another order .*: column 0 is 'b', and was 'a'"
            ):
                use(wrong)
        with pytest.raises(ValueError, match=r"^validation x has its columns in another order"):
            one.fit(frame, Y, validation_data=(wrong, Y), verbose=0)
        with pytest.raises(ValueError, match=r"^batch 1: x has its columns in another order"):
            one.fit([(frame, Y), (wrong, Y)], shuffle=False, verbose=0)
        one.predict(copy.copy(frame))
    # A model that learned from an array learns no names by what it predicts or is judged by.
    twin.predict(frame)
    twin.evaluate(frame, Y)
    assert twin.feature_names is None


def test_bad_cells_of_frames_are_named():
    polars = pytest.importorskip("polars")
    model = sequential()
    with pytest.raises(ValueError, match=r"x\[1, 0\] \(column 'a'\) = nan"):
        model.fit(polars.DataFrame({"a": [1.0, None], "b": [1, 2]}), [0, 1], verbose=0)
    with pytest.raises(TypeError, match="x has dtype object"):
        model.fit(polars.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}), [0, 1], verbose=0)


@pytest.fixture
def encoded():
    model = sequential()
    model.encoder = TableEncoder(indicators=True).fit(TABLE)
    model.fit(TABLE, ["no", "yes", "yes", "no"], epochs=2, verbose=0)
    return model


def test_the_encoder_goes_with_the_model(encoded, tmp_path):
    x = encoded.encoder.transform(TABLE)
    twin = sequential()
    twin.fit(x, ["no", "yes", "yes", "no"], epochs=2, verbose=0)
    right = twin.predict(x)
    assert np.array_equal(encoded.predict(TABLE), right)
    assert encoded.feature_names == ["size", "kind"]
    encoded.save(tmp_path / "m.safetensors")
    others = [
        fo.load_model(tmp_path / "m.safetensors"),
        pickle.loads(pickle.dumps(encoded)),
        copy.deepcopy(encoded),
        encoded.fold(),
    ]
    for other in others:
        assert np.array_equal(other.predict(TABLE), right)
        assert other.predict_classes(TABLE).tolist() == twin.predict_classes(x).tolist()
        assert np.array_equal(other(TABLE), right)
        assert other.layer_outputs(TABLE)["dense_1"].shape == (4, 2)
    clone = fo.clone(encoded)
    clone.fit(TABLE, ["no", "yes", "yes", "no"], epochs=2, verbose=0)
    assert np.array_equal(clone.predict(TABLE), right)
    with pytest.raises(ValueError, match="x has no column 'kind'"):
        encoded.predict({"size": [1.0]})


def test_gradients_of_a_model_with_an_encoder_are_checked(encoded):
    y = ["no", "yes", "yes", "no"]
    found = fo.check_gradients(encoded, TABLE, y)
    assert found.ok
    assert len(found.tensors) == len(encoded.parameters)
    x, encoded.encoder = encoded.encoder.transform(TABLE), None
    np.testing.assert_allclose(fo.check_gradients(encoded, x, y).error, found.error)


def test_batches_are_encoded(encoded):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("narwhals")
    pytest.importorskip("pyarrow")
    frame, y = pandas.DataFrame(TABLE), np.array(["no", "yes", "yes", "no"])
    twin = copy.deepcopy(encoded)
    encoded.fit([(frame[:2], y[:2]), (frame[2:], y[2:])], epochs=4, shuffle=False, verbose=0)
    twin.fit(TABLE, y, batch_size=2, epochs=4, shuffle=False, verbose=0)
    assert np.array_equal(encoded.predict(iter([frame[:3], frame[3:]])), twin.predict(frame))
    models = [encoded, twin]
    fo.fleet.fit(models, frame, y, epochs=5, verbose=0)
    ensemble = fo.Ensemble(models)
    right = ensemble.predict_proba(frame)
    assert right.shape == (4, 2)
    for library in LIBRARIES.values():
        assert np.array_equal(ensemble.predict_proba(library(TABLE)), right)
    with pytest.raises(TypeError, match="x is a dict; an ensemble takes rows of it by turns"):
        ensemble.predict_proba(TABLE)


def test_models_of_dicts_in_a_fleet_and_pretrained(encoded):
    models = fo.fleet.fit([encoded, copy.deepcopy(encoded)], TABLE, ["no", "yes", "yes", "no"], epochs=3, verbose=0)
    assert len(models) == 2
    deep = sequential()
    deep.encoder = encoded.encoder
    fo.pretrain(deep, TABLE, Y, verbose=0)
    assert deep.feature_names == ["size", "kind"]


def test_wrong_encoders(encoded):
    for value, exception, message in (
        ("standard", TypeError, "encoder must be a fitted fastopt.data.TableEncoder, not 'standard'"),
        (TableEncoder(), ValueError, r"encoder has learned nothing yet: call encoder.fit\(x\)"),
        (TableEncoder().fit(NUMBERS), ValueError, r"encoder has 3 outputs; the model is built for .* \(5,\)"),
    ):
        with pytest.raises(exception, match=message):
            encoded.encoder = value
    a, b = fo.Input(2), fo.Input(2)
    model = fo.Model([a, b], fo.layers.Concatenate()([a, b]))
    with pytest.raises(ValueError, match="An encoder is for a model of one input; this one has 2"):
        model.encoder = TableEncoder().fit(TABLE)
    # It is a copy.
    encoded.encoder = None
    assert encoded.encoder is None
    assert encoded.feature_names is None
