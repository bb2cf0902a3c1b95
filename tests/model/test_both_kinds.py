"""`Sequential` and `Model` train, validate and judge alike, and what they hand out stays theirs."""

import numpy as np
import pytest

import fastopt as fo
from fastopt.model.progress import Bar

L = fo.layers
X = np.random.default_rng(0).normal(size=(40, 3))
LABELS = np.repeat(["cat", "dog"], [28, 12])
CLASSES = "sparse_categorical_crossentropy"


def stack():
    return fo.Sequential([L.Dense(5, "tanh"), L.Dense(2)], seed=4)


def graph():
    a = fo.Input(3)
    return fo.Model(a, L.Dense(2)(L.Dense(5, "tanh")(a)), seed=4)


def compiled(make, loss=CLASSES, metrics=("accuracy", "f1")):
    model = make()
    model.compile(fo.optimizers.Adam(0.02), loss, list(metrics))
    return model


BATCHES = [(X[:20], LABELS[:20]), (X[20:], LABELS[20:])]
FITS = {
    "last": {"validation_split": 0.25},
    "random": {"validation_split": 0.25, "split_by": "random"},
    "stratified": {"validation_split": 0.25, "split_by": "stratified", "rows": np.arange(0, 40, 2)},
    "weights": {"class_weight": {"dog": 3.0}, "sample_weight": np.linspace(1, 2, 40)},
    "balanced": {"class_weight": "balanced", "validation_data": (X, LABELS)},
    "batches": {"x": BATCHES, "y": None, "class_weight": {"cat": 2.0}, "validation_data": BATCHES},
}


@pytest.mark.filterwarnings("ignore:Of the 2 classes")
@pytest.mark.parametrize("given", FITS)
def test_they_train_to_the_same_bits(given):
    models = [compiled(make) for make in (stack, graph)]
    for model in models:
        model.classes = ["cat", "dog"]
        model.fit(**{"x": X, "y": LABELS, "batch_size": "auto", "epochs": 2, "verbose": 0} | FITS[given])
    first, second = models
    for name in first.history.history.keys() - {"seconds", "samples_per_second"}:
        np.testing.assert_array_equal(first.history.history[name], second.history.history[name], name)
    assert first.evaluate(X, LABELS) == second.evaluate(X, LABELS)
    assert (first.predict_classes(X) == second.predict_classes(X)).all()
    weight = {"class_weight": {"dog": 5.0}}
    assert first.train_on_batch(X, LABELS, **weight) == second.train_on_batch(X, LABELS, **weight)


def two_heads():
    a = fo.Input(3)
    return fo.Model(a, [L.Dense(2)(a), L.Dense(2)(a)])


@pytest.mark.parametrize(
    "given", [{"class_weight": "balanced"}, {"validation_split": 0.5, "split_by": "stratified"}], ids=str
)
def test_classes_of_several_outputs(given):
    model = two_heads()
    model.compile("adam", [CLASSES, CLASSES])
    with pytest.raises(ValueError, match="needs classes of one output; the model has 2"):
        model.fit(X, [LABELS, LABELS], verbose=0, **given)
    model.fit(X, [LABELS, LABELS], verbose=0, validation_split=0.5, split_by="random")
    assert "val_dense_loss" in model.history.history


# --- Inputs by name ---------------------------------------------------------------------------------------------------


def two_inputs(*names):
    a, b = fo.Input(3, names[0]), fo.Input(2, names[1])
    return fo.Model([a, b], L.Dense(2)(L.Concatenate()([a, b])), seed=2)


@pytest.mark.parametrize("names", [("user", "item"), (None, "item"), (None, None)])
def test_inputs_by_name(names, tmp_path):
    b = np.random.default_rng(1).normal(size=(40, 2))
    keys = [name or f"input_{i}" for i, name in enumerate(names)]
    by_name = dict(zip(reversed(keys), (b, X), strict=True))
    one, two = compiled(lambda: two_inputs(*names)), compiled(lambda: two_inputs(*names))
    one.fit([X, b], LABELS, epochs=2, verbose=0, validation_split=0.2)
    two.fit(by_name, LABELS, epochs=2, verbose=0, validation_split=0.2)
    two.save(tmp_path / "m.fo")
    two = fo.load_model(tmp_path / "m.fo")
    assert two.graph.input_names == keys
    assert (one.predict([X, b]) == two.predict(by_name)).all()
    assert (one.predict([X, b]) == two.predict([(by_name, LABELS)])).all()
    assert one.evaluate([X, b], LABELS) == two.evaluate([(by_name, LABELS)])
    assert (one([X, b]) == two(by_name)).all()
    with pytest.raises(ValueError, match=rf"x has the keys \['a'\]; expected {', '.join(keys)}"):
        two.predict({"a": X})


def test_names_of_inputs():
    with pytest.raises(ValueError, match="need different names, not a, a"):
        two_inputs("a", "a")
    with pytest.raises(TypeError, match="name must be a string"):
        fo.Input(3, 5)
    a = fo.Input(3, "row")
    model = fo.Model(a, L.Dense(2)(a))
    assert (model.predict({"row": X}) == model.predict(X)).all()


# --- What cannot be learned from --------------------------------------------------------------------------------------

NOTHING = [(X, LABELS, np.zeros(40))] * 2


@pytest.mark.parametrize("make", [stack, graph])
@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.fit(NOTHING, epochs=2, verbose=0),
        lambda m: m.fit(X, LABELS, validation_data=NOTHING, verbose=0),
        lambda m: m.evaluate(NOTHING),
    ],
    ids=["fit", "validation", "evaluate"],
)
def test_batches_without_weight(make, call):
    model = compiled(make)
    model.classes = ["cat", "dog"]
    model.fit([*NOTHING[:1], *BATCHES], verbose=0)  # one of several may be
    with pytest.raises(ValueError, match="the weight 0"):
        call(model)


class OneByOne:
    """As a Dataset of torch: a sample by its number."""

    def __len__(self):
        return len(X)

    def __getitem__(self, i):
        return X[i], i % 2


class Images(OneByOne):
    def __getitem__(self, i):
        return np.ones((3, 3)), i % 2


@pytest.mark.parametrize("make", [stack, graph])
@pytest.mark.parametrize("given", [OneByOne, Images])
@pytest.mark.parametrize("call", ["fit", "evaluate", "predict"])
def test_samples_one_by_one(make, given, call):
    model = compiled(make)
    model.fit(X, np.arange(40) % 2, verbose=0)
    with pytest.raises(ValueError, match="one by one, not batches of them: torch"):
        getattr(model, call)(given())


# --- What a model hands out -------------------------------------------------------------------------------------------

ATTRIBUTES = ["classes", "feature_names", "input_shapes", "layer_names", "layers", "metrics"]


@pytest.mark.parametrize("make", [stack, graph])
@pytest.mark.parametrize("name", ATTRIBUTES)
def test_attributes_are_not_written_in_place(make, name):
    model = compiled(make)
    model._features = {"0": ["a", "b", "c"]}
    model.fit(X, LABELS, verbose=0)
    value, before = getattr(model, name), repr(getattr(model, name))
    if isinstance(value, np.ndarray):
        with pytest.raises(ValueError, match="read-only"):
            value[0] = "mouse"
    else:
        value.clear()
    assert repr(getattr(model, name)) == before


def test_classes_of_outputs_are_not_written_in_place():
    model = two_heads()
    model.classes = {"dense": ["a", "b"]}
    with pytest.raises(ValueError, match="read-only"):
        model.classes["dense"][0] = "c"


def test_the_package_shows_what_is_public():
    assert dir(fo) == sorted([*fo.__all__, "sklearn", "tabular"])
    assert all(hasattr(fo, name) for name in fo.__all__)


# --- A long validation ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batches", [False, True])
def test_the_bar_moves_in_a_validation(batches, monkeypatch):
    pytest.importorskip("tqdm")
    monkeypatch.setattr("fastopt.model.progress.INTERVAL", 0.0)
    shown = []
    monkeypatch.setattr(Bar, "_say", lambda self, text: shown.append(text))
    model = compiled(stack)
    data = [(np.tile(X, (20, 1)), np.tile(LABELS, 20))] * 2
    model.fit(X, LABELS, epochs=2, verbose=1, validation_data=data if batches else data[0])
    assert shown[-1] != "validation 0 samples"
    assert {"validation 800 samples", "validation 1,600 samples"} & {*shown} == (
        {"validation 800 samples", "validation 1,600 samples"} if batches else {"validation 800 samples"}
    )
    assert "val_loss" in shown[-1] or "loss" in shown[-1]
