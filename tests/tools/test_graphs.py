"""Tools on models of several inputs and outputs, with shared layers and models within: files, copies, summaries."""

import copy
import json
import pickle

import numpy as np
import pytest

import fastopt as fo

L = fo.layers
LOSSES = {"value": fo.losses.Huber(0.7), "policy": "sparse_categorical_crossentropy"}
METRICS = {"value": ["mae", "r2"], "policy": ["accuracy"]}
OPTIMIZERS = {
    "adam": lambda: fo.optimizers.Adam(0.01),
    "average": lambda: fo.optimizers.Average(fo.optimizers.Clip(fo.optimizers.SGD(0.1, momentum=0.9), norm=1.0)),
}


def make(optimizer="adam", dtype="float32"):
    a, b, i = fo.Input(5), fo.Input((2, 3)), fo.Input(4)
    tower, inner = (
        fo.Sequential([L.Dense(4), L.BatchNormalization(), L.Activation("tanh")], name="tower") for _ in range(2)
    )
    two = fo.Model(i, [L.Dense(3, "relu")(inner(i)), L.Dense(2)(i)], name="two")
    shared = L.Dense(4, "gelu", name="shared")
    left, right = two(L.Add()([shared(a), shared(L.Dense(5, name="to_five")(L.Flatten()(b)))]))
    h = L.Dropout(0.2)(L.Concatenate()([left, right, tower(shared(a))]))
    model = fo.Model([a, b], [L.Dense(1, name="value")(h), L.Dense(3, "softmax", name="policy")(h)], 3, dtype, "whole")
    model.compile(optimizer, LOSSES, METRICS, {"value": 0.5, "policy": 2.0})
    return model


@pytest.fixture
def data(rng):
    return [rng.normal(size=(50, 5)), rng.normal(size=(50, 2, 3))], [rng.normal(size=50), rng.integers(0, 3, 50)]


def fit(model, data, epochs):
    return model.fit(*data, epochs=epochs, initial_epoch=epochs - 2, batch_size=8, verbose=0)


def state(model):
    arrays = {name: view.tobytes() for name, view in (model.parameters | model.state | model.slots).items()}
    return arrays, model.optimizer.state, model.draws, model.epochs_trained


def through_a_file(model, folder):
    model.save(folder / "model")
    return fo.load_model(folder / "model")


WAYS = {
    "copy": lambda model, _: copy.copy(model),
    "deepcopy": lambda model, _: copy.deepcopy(model),
    "pickle": lambda model, _: pickle.loads(pickle.dumps(model)),
    "file": through_a_file,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_training_goes_on(optimizer, dtype, way, data, tmp_path):
    model = make(OPTIMIZERS[optimizer](), dtype)
    fit(model, data, 2)
    other = WAYS[way](model, tmp_path)
    assert state(other) == state(model)
    assert (other.name, other.seed, other.dtype, other.graph) == (model.name, model.seed, model.dtype, model.graph)
    assert other.evaluate(*data) == model.evaluate(*data)
    losses = [fit(one, data, 4).history["policy_loss"] for one in (model, other)]
    assert losses[0] == losses[1]
    assert state(other) == state(model)


def test_weights_are_listed_and_set():
    model, other = make(), make()
    names = [*model.parameters, *model.state]
    assert names[:4] == ["shared/kernel", "shared/bias", "to_five/kernel", "to_five/bias"]
    assert {"two/tower/dense/kernel", "tower/dense/kernel"} < {*names}
    weights = [np.full(view.shape, i) for i, view in enumerate(model.get_weights())]
    model.set_weights(weights)
    assert [view.flat[0] for view in model.get_weights()] == [*range(len(names))]
    with pytest.raises(ValueError, match="shared/kernel has shape"):
        other.set_weights(weights[::-1])
    assert other.count_params() == sum(view.size for view in other.parameters.values())


def test_a_clone_begins_anew(data):
    model = make()
    start = fo.clone(model)
    losses = fit(start, data, 2).history["loss"]
    fit(model, data, 2)
    again, other = fo.clone(model), fo.clone(model, seed=4)
    assert (again.epochs_trained, again.optimizer.step) == (0, 0)
    assert fit(again, data, 2).history["loss"] == losses
    assert fit(other, data, 2).history["loss"] != losses


def test_a_clone_of_what_is_within_begins_anew(data):
    base = fo.Sequential([L.Dense(3)], name="base", seed=9)
    base.build(5)
    a = fo.Input(5)
    model = fo.Model(a, L.Dense(2)(base(a)))
    assert (model.parameters["base/dense/kernel"] == base.parameters["dense/kernel"]).all()
    assert (fo.clone(model).parameters["base/dense/kernel"] != base.parameters["dense/kernel"]).any()
    assert (copy.copy(model).parameters["base/dense/kernel"] == base.parameters["dense/kernel"]).all()


def test_gradients(data):
    assert fo.check_gradients(make(), *data, np.linspace(0, 1, 50)).verdict == "great"


def test_one_output_and_no_loss(tmp_path):
    a = fo.Input(3)
    model = fo.Model(a, L.Dense(2, name="out")(a))
    for arguments in ({}, {"loss": "mse", "metrics": ["mae"]}):
        model.compile("sgd", **arguments)
        other = through_a_file(model, tmp_path)
        assert other.judged_by == model.judged_by
        assert (other.predict(np.ones((2, 3))) == model.predict(np.ones((2, 3)))).all()


SUMMARY = """\
whole: float32, seed 3, input (n, 5), (n, 2, 3)

layer        kind         output shape    parameters  connected to
-----------  -----------  --------------  ----------  -------------------------
input_0      Input        (n, 5)                   0
input_1      Input        (n, 2, 3)                0
shared       Dense        (n, 4)                  24  input_0, to_five, input_0
"""


def test_summary(capsys):
    model = make()
    model.summary()
    printed = capsys.readouterr().out
    assert printed.startswith(SUMMARY)
    assert "two          Model        (n, 3), (n, 2)          49  add" in printed
    assert "concatenate  Concatenate  (n, 9)                   0  two[0], two[1], tower" in printed
    assert not model.built


def test_summary_of_long_names_fits(capsys):
    a = fo.Input(5)
    hs = [L.Dense(4, name=f"branch_of_a_long_name_{i}")(a) for i in range(9)]
    fo.Model(a, L.BatchNormalization()(L.Add(name="sum_of_all_the_branches_there_are")(hs))).summary()
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 80
    assert all(f"_{i},\n" in printed for i in range(8))


# --- What a file may say ----------------------------------------------------------------------------------------------


def rewritten(path, change):
    """The file with a change of its description."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    description = json.loads(header["__metadata__"]["fastopt"])
    change(description)
    header["__metadata__"]["fastopt"] = json.dumps(description)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + length :])


def config(description):
    return description["network"]["config"]


def multiply(description):
    """Models in models, each of which calls the next three times."""
    inner = {"class": "Dense", "config": {"units": 4}}
    for _ in range(12):
        calls = [[0, [0]], [0, [1]], [0, [2]]]
        plan = {"input_shapes": [[4]], "layers": [inner], "calls": calls, "results": [3]}
        inner = {"class": "Nested", "config": {"network": {"class": "Plan", "config": plan}, "name": None}}
    description["network"] = inner["config"]["network"]


CHANGES = {
    "no network": (lambda d: d.update(network=None), "expected the description"),
    "a chain": (
        lambda d: d.update(network={"class": "Chain", "config": {"layers": config(d)["layers"][:1]}}),
        "its network is not one of a fastopt.Model",
    ),
    "no inputs": (lambda d: config(d).update(input_shapes=[]), "number of a value|at least one input"),
    "no results": (lambda d: config(d).update(results=[]), "at least one input and one output"),
    "an input as result": (lambda d: config(d).update(results=[0, 1]), "input|Nothing needs"),
    "shape": (lambda d: config(d).update(input_shapes=[[5], [2, -3]]), "at least 1"),
    "another shape": (lambda d: config(d).update(input_shapes=[[6], [2, 3]]), "architecture needs|inputs of shapes"),
    "layer": (lambda d: config(d)["calls"].__setitem__(0, [99, [0]]), "number of a layer must be less than"),
    "forward": (lambda d: config(d)["calls"].__setitem__(0, [0, [7]]), "number of a value must be less than"),
    "negative": (lambda d: config(d)["calls"].__setitem__(0, [0, [-1]]), "number of a value must be at least 0"),
    "no pair": (lambda d: config(d)["calls"].__setitem__(0, 7), "cannot unpack"),
    "no numbers": (lambda d: config(d)["calls"].__setitem__(0, [0, ["a"]]), "must be an integer"),
    "unused": (lambda d: config(d)["calls"].pop(), "never called|number of a value"),
    "foreign": (lambda d: config(d)["layers"].__setitem__(0, {"class": "os.system", "config": {}}), "Unknown layer"),
    "too many": (multiply, "more than 100,000 layers"),
    "losses": (lambda d: d["loss"].pop("value"), "the outputs are value, policy"),
    "loss": (lambda d: d.update(loss=[1]), "has no 'loss' of type dict"),
    "weights": (lambda d: d.update(loss_weights={"value": -1, "policy": 1}), "at least 0"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_tampered(name, data, tmp_path):
    change, message = CHANGES[name]
    model = make()
    fit(model, data, 2)
    model.save(tmp_path / "model")
    rewritten(tmp_path / "model", change)
    with pytest.raises(ValueError, match=f"cannot be loaded as a model: .*({message})"):
        fo.load_model(tmp_path / "model")
