"""ONNX files return what `predict` returns, of every layer and activation."""

import importlib
import json
import re

import cases.export
import numpy as np
import pytest

import fastopt as fo
from fastopt import _core, layers
from fastopt.export import operators
from fastopt.layers.base import ACTIVATIONS, LAYERS

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")
ort.set_default_logger_severity(3)


def outputs_of(path, x):
    session = ort.InferenceSession(path)
    return session.run(None, {i.name: array for i, array in zip(session.get_inputs(), x, strict=True)})


def check(model, path, x):
    model.export(path)
    expected = model.predict(x if len(x) > 1 else x[0])
    expected = expected if isinstance(expected, list) else [expected]
    for one, other in zip(outputs_of(path, x), expected, strict=True):
        assert one.shape == other.shape
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [name for name in cases.export.MODELS if name != "side by side"])
def test_every_layer(name, dtype, tmp_path):
    model, x = cases.export.made(name, dtype)
    check(model, tmp_path / "m.onnx", x)


def test_no_layer_is_forgotten():
    """Neither a class, nor a kind of the core, nor an activation."""
    models = [make("float32") for make in cases.export.MODELS.values()]
    tested = {cls for model in models for layer in model.layers for cls in cases.export.layers_within(layer)}
    assert {*LAYERS.classes.values()} - tested == set()
    with pytest.raises(ValueError, match="known are") as error:
        _core.Network("float32", 1, [{"kind": "none"}])
    assert operators.KINDS.keys() == {*re.split("known are |, ", str(error.value))[1:]}
    assert operators.ACTIVATIONS.keys() == {*ACTIVATIONS}


def test_any_number_of_samples(tmp_path):
    model = fo.Sequential([layers.Dense(3, "gelu"), layers.LayerNormalization(), layers.Dense(1)])
    model.build(4)
    model.export(tmp_path / "m.onnx")
    session = ort.InferenceSession(tmp_path / "m.onnx")
    assert [(i.name, i.shape, i.type) for i in session.get_inputs()] == [("input", ["batch", 4], "tensor(float)")]
    assert [(o.name, o.shape) for o in session.get_outputs()] == [("dense_1", ["batch", 1])]
    for n in (1, 7, 300):
        x = np.random.default_rng(n).normal(size=(n, 4)).astype("float32")
        np.testing.assert_allclose(session.run(None, {"input": x})[0], model.predict(x), rtol=1e-5, atol=1e-5)


def test_what_the_file_says(tmp_path):
    x = np.random.default_rng(0).normal(size=(20, 2)).astype("float32")
    model = fo.Sequential([layers.Dense(3)])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, np.array(["ash", "elm", "oak", "oak"] * 5), verbose=0)
    path = tmp_path / "m.onnx"
    model.export(path, probabilities=True)
    np.testing.assert_allclose(outputs_of(path, [x])[0], model.predict_proba(x), rtol=1e-5, atol=1e-6)
    model.export(path)
    np.testing.assert_allclose(outputs_of(path, [x])[0], model.predict(x), rtol=1e-5, atol=1e-6)
    file = onnx.load(path)
    assert (file.opset_import[0].version, file.ir_version) == (17, 8)
    assert (file.producer_name, file.producer_version) == ("fastopt", fo.__version__)
    assert {p.key: json.loads(p.value) for p in file.metadata_props} == {"classes": {"dense": ["ash", "elm", "oak"]}}


def test_probabilities_of_several_outputs(tmp_path):
    """Of those that have some, by an activation or a loss."""
    x = np.random.default_rng(0).normal(size=(9, 2)).astype("float32")
    symbol, path = fo.Input(2), tmp_path / "m.onnx"
    outputs = [layers.Dense(2, f, name=name)(symbol) for name, f in (("a", "softmax"), ("b", None), ("c", None))]
    model = fo.Model(symbol, outputs)
    model.export(path, probabilities=True)
    for one, other in zip(outputs_of(path, [x]), model.predict(x), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    model.compile("adam", {"a": "categorical_crossentropy", "b": "binary_crossentropy", "c": "mse"})
    model.export(path, probabilities=True)
    (a, b, c), expected = outputs_of(path, [x]), model.predict(x)
    for one, other in ((a, expected[0]), (b, 1 / (1 + np.exp(-expected[1]))), (c, expected[2])):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_errors_leave_the_file(tmp_path, monkeypatch):
    path = tmp_path / "m.onnx"
    path.write_text("before")
    model = fo.Sequential([layers.Dense(3, name="sums"), layers.Dropout(0.5, name="noise"), layers.Activation("tanh")])
    with pytest.raises(RuntimeError, match="no weights"):
        model.export(path)
    model.build(4)
    with pytest.raises(ValueError, match=r"m.txt must end in \.onnx or \.c"):
        model.export(tmp_path / "m.txt")
    with pytest.raises(ValueError, match="There are no probabilities"):
        model.export(path, probabilities=True)
    monkeypatch.delitem(operators.KINDS, "dropout")
    with pytest.raises(ValueError, match="noise has no form in ONNX"):
        model.export(path)
    model.parameters["sums/bias"][1] = np.nan
    with pytest.raises(ValueError, match="sums/bias"):
        model.export(path)
    assert path.read_text() == "before"
    assert [*tmp_path.iterdir()] == [path]


def test_models_of_estimators(tmp_path):
    """Their models are models; what estimators do before and after is theirs."""
    pytest.importorskip("sklearn")
    rng, path = np.random.default_rng(0), tmp_path / "m.onnx"
    x, y = rng.normal(size=(60, 4)).astype("float32"), np.arange(60) % 3
    perceptron = importlib.import_module("fastopt.sklearn").MLPClassifier((8,), n_iter_no_change=1, tol=9.0)
    perceptron.fit(x, y).model_.export(path, probabilities=True)
    np.testing.assert_allclose(outputs_of(path, [x])[0], perceptron.predict_proba(x), rtol=1e-5, atol=1e-6)
    tabular = importlib.import_module("fastopt.tabular").RealMLPClassifier((8,), epochs=1, variant="td").fit(x, y)
    tabular.models_[0].export(path, probabilities=True)
    found = outputs_of(path, tabular._inputs(x))[0]
    np.testing.assert_allclose(found, tabular.predict_proba(x), rtol=1e-5, atol=1e-6)
