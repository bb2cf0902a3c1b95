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


# --- What both can do ------------------------------------------------------------------------------------------------


def test_both_have_the_same_methods():
    """But for those that say how the layers are connected."""
    names = [{name for name in dir(kind) if name[0] != "_"} for kind in (fo.Sequential, fo.Model)]
    assert names[0] - names[1] == {"add", "plan"}
    assert names[1] - names[0] == {"graph"}


def normed(kind):
    """A model with batch normalisation behind a product, twice, also in a block and in a model within."""
    inner = [L.Dense(4, name="in"), L.BatchNormalization(name="norm")]
    block = L.Residual([L.Dense(4), L.BatchNormalization(), L.BatchNormalization(scale=False)])
    stacked = [L.Dense(4), L.BatchNormalization(), block, fo.Sequential(inner, name="inner"), L.Dense(2)]
    if kind is fo.Sequential:
        return fo.Sequential(stacked, seed=1, dtype="float64", name="one")
    a = h = fo.Input(3)
    for layer in stacked:
        h = layer(h)
    return fo.Model(a, h, seed=1, dtype="float64", name="one")


def trained(kind, loss=CLASSES):
    model = normed(kind)
    model.compile(fo.optimizers.Adam(0.02), loss, ["accuracy"])
    y = np.eye(2)[np.arange(40) % 2] if loss == "binary_crossentropy" else np.where(np.arange(40) % 2, "cat", "dog")
    model.fit(X, y, epochs=2, verbose=0)
    return model


def recomputed(model):
    model.recompute_statistics(X)
    return model.state


CALLS = {
    "predict_proba": lambda m: {"": m.predict_proba(X)},
    "predict_classes": lambda m: {"": m.predict_classes(X)},
    "layer_outputs": lambda m: m.layer_outputs(X),
    "recompute_statistics": recomputed,
    "fold": lambda m: m.fold().parameters | {"": m.fold().predict(X), "classes": m.fold().predict_classes(X)},
    "evaluate": lambda m: dict(m.fold().evaluate(X, m.predict_classes(X))),
    "ensemble": lambda m: {"": fo.Ensemble([m, fo.clone(m, 5)]).predict_proba(X)},
    "attributes": lambda m: {"": repr((m.input_shape, m.last_activation, m.loss, m.fold().name, m.fold().layer_names))},
    "backward": lambda m: {"": m(X) + 0 * m.backward(np.ones((40, 2))).sum(), **m.gradients},
}


@pytest.mark.parametrize("call", CALLS)
def test_they_do_the_same(call):
    one, two = (CALLS[call](trained(kind)) for kind in (fo.Sequential, fo.Model))
    assert [*one] == [*two]
    assert one
    for name in one:
        np.testing.assert_array_equal(one[name], two[name], name)


@pytest.mark.parametrize("kind", [fo.Sequential, fo.Model])
@pytest.mark.parametrize("loss", [CLASSES, "binary_crossentropy"])
def test_probabilities(kind, loss):
    model = trained(kind, loss)
    logits = model.predict(X)
    right = 1 / (1 + np.exp(-logits))
    if loss == CLASSES:
        right = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba(X), right, rtol=1e-12)
    model.compile("adam", "mse")
    for call, problem in (("predict_proba", "There are no probabilities"), ("predict_classes", "does not classify")):
        with pytest.raises(ValueError, match=rf"{problem}: its last activation is 'linear' and its loss 'mean_sq"):
            getattr(model, call)(X)


@pytest.mark.parametrize("kind", [fo.Sequential, fo.Model])
def test_a_folded_model_is_shorter_and_predicts_the_same(kind):
    model = trained(kind)
    folded = model.fold()
    assert isinstance(folded, kind)
    assert not folded.state
    assert folded.layers[1].layer_names == ["dense"]
    assert folded.layers[2].network.layer_names == ["in"]
    np.testing.assert_allclose(folded.predict(X), model.predict(X), rtol=1e-12, atol=1e-12)


def connected():
    """What there is in graphs alone: a value that is used twice, a layer that is called twice, a norm as an output."""
    a, shared, norm = fo.Input(3, "a"), L.Dense(3, name="shared"), L.BatchNormalization(name="twice")
    skipped = L.Dense(3, name="skipped")(a)
    first = L.Add(name="sum")([skipped, L.BatchNormalization(name="side")(skipped)])
    b = norm(shared(norm(shared(first))))
    other = L.BatchNormalization(name="gone")(L.Dense(3, name="folded")(b))
    outputs = [L.Dense(2, name="kind")(other), L.BatchNormalization(name="end")(L.Dense(2, name="raw")(other))]
    return fo.Model(a, outputs, seed=3, dtype="float64")


def test_what_can_be_folded_in_a_graph():
    model = connected()
    model.compile("adam", {"kind": CLASSES, "end": "mse"})
    model.fit(X, {"kind": LABELS, "end": np.ones((40, 2))}, epochs=2, verbose=0)
    folded = model.fold()
    assert folded.layer_names == [name for name in model.layer_names if name != "gone"]
    assert folded.graph.output_names == ["kind", "end"]
    for one, two in zip(folded.predict(X), model.predict(X), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-12, atol=1e-12)
    assert dict(folded.evaluate(X, [LABELS, np.ones((40, 2))])) == pytest.approx(
        dict(model.evaluate(X, [LABELS, np.ones((40, 2))])), rel=1e-9
    )
    assert [*model.predict_proba(X)] == ["kind"]
    assert model.predict_classes(X)["kind"].shape == (40,)
    assert [*model.loss] == ["kind", "end"]
    outputs = model.layer_outputs(X)
    assert {name for name in outputs if name[-1] == "]"} == {"shared[0]", "shared[1]", "twice[0]", "twice[1]"}
    np.testing.assert_array_equal(outputs["end"], model.predict(X)[1])
    with pytest.raises(ValueError, match="twice is called more than once"):
        model.recompute_statistics(X)


def test_weights_before_data():
    a, b = fo.Input(3), fo.Input((2, 2))
    model = fo.Model([a, b], L.Dense(1)(L.Concatenate()([a, L.Flatten()(b)])))
    assert model.input_shape is None
    model.build([3, (None, 2, 2)], initialize=False)
    assert model.input_shape == [(3,), (2, 2)]
    assert not any(view.any() for view in model.parameters.values())
    with pytest.raises(ValueError, match=r"for inputs of shapes \[\(3,\), \(2, 2\)\], not"):
        model.build([4, (2, 2)])
    graph().build()


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
    assert dir(fo) == sorted([*fo.__all__, "distributed", "sklearn", "tabular"])
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
