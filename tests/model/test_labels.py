"""Labels that are words or any values: found in `fit`, kept with the model, returned by `predict_classes`."""

import copy
import json
import pickle

import numpy as np
import pytest

import fastopt as fo

CODES = np.tile([2, 0, 1], 20)
X = np.eye(3)[CODES] + np.linspace(0, 0.1, 60)[:, None]
WORDS = np.array(["ape", "bee", "cat"])
SPARSE, BINARY = "sparse_categorical_crossentropy", "binary_crossentropy"


def make(outputs=3, loss=SPARSE, last="linear", metrics=("accuracy",)):
    model = fo.Sequential([fo.layers.Dense(outputs, last)], seed=0)
    model.compile(fo.optimizers.SGD(0.5), loss, metrics)
    return model


def of_pandas(kind):
    return lambda: pytest.importorskip("pandas").Series(WORDS[CODES], dtype=kind)


KINDS = {
    "words": lambda: WORDS[CODES],
    "list": lambda: WORDS[CODES].tolist(),
    "column": lambda: WORDS[CODES][:, None],
    "objects": lambda: WORDS[CODES].astype(object),
    "bytes": lambda: WORDS[CODES].astype("S"),
    "string dtype": lambda: WORDS[CODES].astype(np.dtypes.StringDType()),
    "categories": of_pandas("category"),
    "pandas strings": of_pandas("string"),
}
given = pytest.mark.parametrize("labels", [pytest.param(make, id=name) for name, make in KINDS.items()])


@given
def test_trains_as_their_numbers(labels):
    """To the bit, with validation, evaluation, factors of classes and a stratified split."""
    y = labels()
    one, other = make(), make()
    arguments = {"epochs": 40, "validation_split": 0.25, "split_by": "stratified", "verbose": 0}
    histories = [
        one.fit(X, y, class_weight={np.asarray(y).ravel().tolist()[0]: 2.0}, **arguments),
        other.fit(X, CODES, class_weight={2: 2.0}, **arguments),
    ]
    for name in ("loss", "val_loss", "val_accuracy"):
        assert histories[0].history[name] == histories[1].history[name]
    assert one.evaluate(X, y) == other.evaluate(X, CODES)
    assert one.train_on_batch(X, y) == other.train_on_batch(X, CODES)
    assert one.cost_and_gradient(X, y)[0] == other.cost_and_gradient(X, CODES)[0]
    np.testing.assert_array_equal(one.predict_classes(X), np.asarray(y).ravel())
    np.testing.assert_array_equal(other.predict_classes(X), CODES)
    assert other.classes is None
    model = make()
    model.fit(X, CODES, validation_data=(X, CODES), epochs=1, verbose=0)
    assert (
        model.history.history["val_loss"]
        == make().fit(X, y, validation_data=(X, y), epochs=1, verbose=0).history["val_loss"]
    )


@pytest.mark.parametrize(
    ("loss", "last"), [(BINARY, "linear"), (BINARY, "sigmoid"), ("hinge", "tanh"), ("squared_hinge", "linear")]
)
def test_two_words_of_one_output(loss, last):
    codes = CODES[CODES < 2]
    x, y = X[CODES < 2], np.array(["no", "yes"])[codes]
    one, other = make(1, loss, last, ()), make(1, loss, last, ())
    one.fit(x, y, epochs=40, verbose=0)
    other.fit(x, codes, epochs=40, verbose=0)
    assert one.evaluate(x, y) == other.evaluate(x, codes)
    np.testing.assert_array_equal(one.predict_classes(x), y)
    np.testing.assert_array_equal(other.predict_classes(x), 2 * codes - 1 if "hinge" in loss else codes)


def test_several_bits():
    bits = X > 0.5
    model = make(3, BINARY)
    model.fit(X, bits, epochs=100, verbose=0)
    np.testing.assert_array_equal(model.predict_classes(X), bits)


@pytest.mark.parametrize("classes", [[-7, 3, 40], [40, 3, -7], [0.5, -1.0, 2.0], [True, "b", 3], ["c", "a", "b"]])
def test_classes_that_are_set(classes):
    """In the order in which they are given, in batches that have some of them."""
    model = make()
    model.classes = classes
    labels = np.array(classes, object if len({*map(type, classes)}) > 1 else None)
    y = labels[CODES]
    for _ in range(40):
        model.train_on_batch(X[:2], y[:2])
    other = make()
    for _ in range(40):
        other.train_on_batch(X[:2], CODES[:2])
    np.testing.assert_array_equal(model.predict(X), other.predict(X))
    assert model.classes.tolist() == classes
    model.fit(X, y, epochs=40, verbose=0)
    assert model.predict_classes(X).tolist() == y.tolist()
    one_hot = make(3, "categorical_crossentropy")
    one_hot.fit(X, np.eye(3)[CODES], epochs=40, verbose=0)
    one_hot.classes = classes
    assert one_hot.predict_classes(X).tolist() == y.tolist()


@pytest.mark.parametrize("y", [WORDS[CODES], WORDS[CODES].astype("S"), np.array([1, "b", 2.5], object)[CODES]])
def test_kept_with_the_model(y, tmp_path):
    model = make()
    if y.dtype == object:
        model.classes = [1, "b", 2.5]
    model.fit(X, y, epochs=40, verbose=0)
    model.save(tmp_path / "model.safetensors")
    copies = [
        fo.load_model(tmp_path / "model.safetensors"),
        copy.copy(model),
        copy.deepcopy(model),
        pickle.loads(pickle.dumps(model)),
        model.fold(),
    ]
    for other in copies:
        assert other.classes.dtype == model.classes.dtype
        assert other.predict_classes(X).tolist() == y.tolist()
        assert other.evaluate(X, y) == model.evaluate(X, y)
    assert fo.clone(model).classes.tolist() == model.classes.tolist()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"dtype": "U", "labels": ["a", 1]}, "not all of a dtype 'U'"),
        ({"dtype": "U", "labels": ["a", "a"]}, "2 labels, of which 1 are different"),
        ({"dtype": "U", "labels": []}, "one label for each class"),
        ({"dtype": "f4,f4", "labels": [1.0]}, "not all of a dtype 'f4,f4'"),
        ({"dtype": "int8", "labels": [1, 1000]}, "not all of the dtype 'int8'"),
        ({"dtype": "S", "labels": ["a", "\u1234"]}, "not all of the dtype 'S'"),
        ({"dtype": "O", "labels": [["a"]]}, "not all of a dtype 'O'"),
        ({"dtype": "U", "labels": ["a" * 100_000, *map(str, range(1000))]}, "too long"),
        (["a", "b"], "description of an object"),
    ],
)
def test_files_are_not_trusted(labels, message, tmp_path):
    path = tmp_path / "model.safetensors"
    model = make()
    model.build(3)
    model.save(path)
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    description = json.loads(header["__metadata__"]["fastopt"])
    description["classes"] = {"": labels}
    header["__metadata__"]["fastopt"] = json.dumps(description)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + size :])
    with pytest.raises(ValueError, match=message):
        fo.load_model(path)


def test_several_outputs(tmp_path):
    """Each has its classes; the one of values has none."""
    a = fo.Input(3)
    heads = [fo.layers.Dense(3, name="kind")(a), fo.layers.Dense(1, name="size")(a), fo.layers.Dense(1, name="tame")(a)]
    model = fo.Model(a, heads, seed=0)
    model.compile(fo.optimizers.SGD(0.5), {"kind": SPARSE, "size": "mse", "tame": BINARY})
    y = {"kind": WORDS[CODES], "size": np.zeros(60), "tame": np.array(["no", "yes"])[CODES % 2]}
    model.fit(X, y, validation_data=(X, y), epochs=60, verbose=0)
    model.save(tmp_path / "model.safetensors")
    for one in (model, fo.load_model(tmp_path / "model.safetensors"), copy.deepcopy(model)):
        assert {name: labels.tolist() for name, labels in one.classes.items()} == {
            "kind": WORDS.tolist(),
            "tame": ["no", "yes"],
        }
        found = one.predict_classes(X)
        assert [*found] == ["kind", "tame"]
        np.testing.assert_array_equal(found["kind"], y["kind"])
        np.testing.assert_array_equal(found["tame"], y["tame"])
        assert one.evaluate(X, y) == model.evaluate(X, y)
    with pytest.raises(ValueError, match=r"y\['tame'\]\[0\] = 'cat' \(and 2 other labels\) is none of the 2 classes"):
        model.evaluate(X, y | {"tame": y["kind"]})
    with pytest.raises(ValueError, match="Unknown output 'sise'"):
        model.classes = {"sise": ["a"]}
    with pytest.raises(TypeError, match="must be a dict of labels by the outputs kind, size, tame"):
        model.classes = ["a"]


def test_one_output_of_a_graph():
    a = fo.Input(3)
    model = fo.Model(a, fo.layers.Dense(3)(a), seed=0)
    model.compile(fo.optimizers.SGD(0.5), SPARSE)
    model.fit(X, WORDS[CODES], epochs=40, verbose=0)
    np.testing.assert_array_equal(model.predict_classes(X), WORDS[CODES])
    np.testing.assert_array_equal(model.classes, WORDS)


def test_classes_missing_in_training_are_named():
    model = make()
    model.classes = WORDS
    with pytest.warns(UserWarning, match=r"1 in the validation data \(cat\) are not in the training data"):
        model.fit(X, WORDS[np.sort(CODES)], validation_split=1 / 3, verbose=0)


def fit(y, outputs=3, loss=SPARSE, classes=None, **arguments):
    def call():
        model = make(outputs, loss, metrics=())
        model.classes = classes
        try:
            model.fit(X, y, verbose=0, **arguments)
        finally:
            assert not model.built
            assert classes is not None or model.classes is None

    return call


MISTAKES = {
    "too few": (fit(WORDS[CODES], 4), ValueError, "y holds 3 classes, 'ape', 'bee', 'cat'; .* with 4 outputs has 4"),
    "too many": (fit(np.arange(60).astype(str)), ValueError, "60 classes, '0', '1', '10', '11', '12', ...; .* has 3"),
    "not two": (fit(WORDS[CODES], 1, BINARY), ValueError, "y holds 3 classes, .* with 1 outputs has 2"),
    "set too few": (fit(CODES, classes=[0, 1]), ValueError, "model.classes holds 2 classes, 0, 1; .* has 3"),
    "missing": (fit(np.array(["a", None, "b"], object)[CODES]), ValueError, r"y\[2\] = None is a missing label"),
    "nan": (fit(np.array(["a", np.nan, "b"], object)[CODES]), ValueError, r"y\[2\] = nan is a missing label"),
    "mixed": (fit(np.array(["a", 3, "b"], object)[CODES]), TypeError, "no order, of the types int, str"),
    "list": (fit(np.array(["a", [], "b"], object)[CODES]), TypeError, r"y\[2\] is a list of 0, which is no label"),
    "number": (fit(CODES - 1), ValueError, r"y\[1\] = -1 is not a label .*; others need model.classes"),
    "unseen": (
        fit(np.where(np.arange(60) == 7, "emu", WORDS[CODES]), classes=WORDS),
        ValueError,
        r"y\[7\] = 'emu' is none of the 3 classes of the model, 'ape', 'bee', 'cat'; model.classes = None lets fit",
    ),
    "unseen in validation": (
        fit(WORDS[CODES], validation_data=(X[:1], ["emu"])),
        ValueError,
        r"validation y\[0\] = 'emu' is none of the 3 classes of the model, 'ape', 'bee', 'cat'; leave such samples out",
    ),
    "values": (fit(WORDS[CODES], loss="mse"), TypeError, "y has dtype <U3"),
    "factor": (fit(WORDS[CODES], class_weight={"emu": 2.0}), ValueError, "class_weight has the class 'emu'; .*'ape'"),
    "not yet": (lambda: make().train_on_batch(X, WORDS[CODES]), ValueError, "set model.classes to all of them first"),
    "twice": (lambda: setattr(make(), "classes", ["a", "b", "a"]), ValueError, "3 labels, of which 2 are different"),
    "table": (lambda: setattr(make(), "classes", [["a", "b"]]), ValueError, r"classes has shape \(1, 2\)"),
    "regression": (lambda: predict("mse"), ValueError, "does not classify: its last activation is 'linear' and its"),
    "set too few to predict": (lambda: predict(SPARSE, ["a"]), ValueError, "model.classes has 1 classes"),
}


def predict(loss, classes=None):
    model = make(3, loss, metrics=())
    model.build(3)
    model.classes = classes
    model.parameters["dense/bias"][1] = 5
    return model.predict_classes(X)


@pytest.mark.parametrize(("call", "error", "message"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_not_finite():
    model = make()
    model.build(3)
    model.parameters["dense/bias"][1] = np.nan
    with pytest.raises(ValueError, match=r"the prediction\[0, 1\] = nan"):
        model.predict_classes(X)


def test_objects_that_are_no_words_are_not_saved(tmp_path):
    model = make()
    model.classes = np.fromiter([("a", 1), ("b", 2), ("c", 3)], object, 3)
    model.fit(X, np.fromiter([model.classes[i] for i in CODES], object, 60), epochs=40, verbose=0)
    assert model.predict_classes(X[:1])[0] == ("c", 3)
    with pytest.raises(ValueError, match=r"the class \('a', 1\) is neither a word nor a number"):
        model.save(tmp_path / "model.safetensors")


def test_a_model_can_take_other_classes():
    model = make()
    model.fit(X, WORDS[CODES], verbose=0)
    with pytest.raises(ValueError, match="is none of the 3 classes"):
        model.fit(X, np.char.upper(WORDS)[CODES], verbose=0)
    model.classes = None
    model.fit(X, np.char.upper(WORDS)[CODES], verbose=0)
    assert model.classes.tolist() == ["APE", "BEE", "CAT"]


def test_pretraining_keeps_them():
    model = fo.Sequential([fo.layers.Dense(8, "tanh"), fo.layers.Dense(3)], seed=0)
    model.compile(fo.optimizers.SGD(0.5), SPARSE)
    model.classes = [5, -1, 9]
    fo.pretrain(model, X, np.array([5, -1, 9])[CODES], epochs=2, verbose=0)
    assert model.classes.tolist() == [5, -1, 9]
