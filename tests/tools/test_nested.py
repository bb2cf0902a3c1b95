"""Models within models, through all that copies a model, writes it or shows it."""

import copy
import pickle

import numpy as np
import pytest

import fastopt as fo
from fastopt.core.registry import describe
from fastopt.model.nested import NETWORKS

L = fo.layers


def tower(name="tower"):
    return fo.Sequential([L.Dense(4, "tanh"), L.BatchNormalization(), L.Dense(4)], name=name)


def two_outputs():
    i = fo.Input(4, "inner")
    return fo.Model(i, [L.Dense(3, "relu")(i), L.Dense(2)(i)], name="two")


def frozen():
    inner = tower()
    inner.trainable = False
    return fo.Sequential([inner, L.Dense(2)], seed=1)


def partly_frozen():
    inner = tower()
    inner.layers[0].trainable = False
    return fo.Sequential([inner, L.Dense(2)], seed=1)


def twice():
    a, shared = fo.Input(4, "data"), tower()
    return fo.Model(a, L.Dense(2)(L.Add()([shared(a), shared(shared(a))])), seed=1)


def three_deep():
    inner = fo.Sequential([fo.Sequential([tower()], name="a"), L.Dense(4)], name="b")
    return fo.Sequential([inner, L.Dense(2)], seed=1)


def joined():
    a = fo.Input(4)
    return fo.Model(a, L.Dense(2)(L.Concatenate()(two_outputs()(tower()(a)))), seed=1)


MODELS = {
    "in a sequential": lambda: fo.Sequential([tower(), L.Dense(2)], seed=1),
    "a graph in a sequential": lambda: fo.Sequential([twice(), L.Dense(2)], seed=1),
    "frozen": frozen,
    "partly frozen": partly_frozen,
    "called twice": twice,
    "three deep": three_deep,
    "of two outputs": joined,
}


def through_a_file(model, path):
    model.save(path / "model.fo")
    return fo.load_model(path / "model.fo")


COPIES = {
    "file": through_a_file,
    "pickle": lambda model, path: pickle.loads(pickle.dumps(model)),
    "deepcopy": lambda model, path: copy.deepcopy(model),
    "clone": lambda model, path: fo.clone(model),
}
X = np.random.default_rng(0).normal(size=(24, 4))
LABELS = np.arange(24) % 2


def trained(kind, epochs=1):
    model = MODELS[kind]()
    model.compile(fo.optimizers.Adam(0.01), "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(X, LABELS, batch_size=8, epochs=epochs, verbose=0)
    return model


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("kind", MODELS)
def test_a_copy_is_the_same_model(kind, how, tmp_path):
    model = trained(kind)
    other = COPIES[how](model, tmp_path)
    assert describe(other.network) == describe(model.network)
    assert [*other.parameters] == [*model.parameters]
    assert other._built.plan.trainable == model._built.plan.trainable
    if how == "clone":
        model = MODELS[kind]()
        model.compile(other.optimizer, "sparse_categorical_crossentropy", ["accuracy"])
    else:
        assert (other.predict(X) == model.predict(X)).all()
    for one in (model, other):
        one.fit(X, LABELS, batch_size=8, epochs=2, initial_epoch=1, verbose=0)
    assert (other.predict(X) == model.predict(X)).all()
    assert all((a == b).all() for a, b in zip(other.get_weights(), model.get_weights(), strict=True))


@pytest.mark.parametrize("kind", MODELS)
def test_its_description_builds_it_again(kind):
    network = MODELS[kind]().network
    assert NETWORKS.resolve(describe(network)) == network


@pytest.mark.parametrize(("kind", "counted"), [("in a sequential", 58), ("called twice", 58), ("three deep", 78)])
def test_a_summary_counts_weights_once(kind, counted, capsys):
    model = trained(kind)
    model.summary()
    text = capsys.readouterr().out
    assert model.count_params() == counted
    assert f" {counted} " in next(line for line in text.splitlines() if line.startswith("weights"))


def test_what_is_frozen_stands_still():
    for kind, still in (("frozen", 3), ("partly frozen", 1)):
        first, later = trained(kind, 0), trained(kind, 2)
        same = {n.rpartition("/")[0] for n, v in first.parameters.items() if (v == later.parameters[n]).all()}
        assert len(same) == still, kind
