"""Layers that do not learn."""

import numpy as np
import pytest

import fastopt as fo


def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(40, 5)).astype("float32"), rng.integers(0, 3, 40)


def model_of(optimizer="adam", frozen=(), **options):
    layers = [
        fo.layers.Dense(6, "tanh", name="below", **options),
        fo.layers.BatchNormalization(name="norm"),
        fo.layers.Residual([fo.layers.Dense(6, name="inner")], name="block"),
        fo.layers.Dense(3, name="head"),
    ]
    for layer in layers:
        layer.trainable = layer.name not in frozen
    model = fo.Sequential(layers, seed=1)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    model.build(5)
    return model


def changed(model, before):
    return {name for name, view in (model.parameters | model.state).items() if not (view == before[name]).all()}


def weights(model):
    return {name: view.copy() for name, view in (model.parameters | model.state).items()}


OPTIMIZERS = {
    "adam": lambda: fo.optimizers.Adam(0.01),
    "adamw": lambda: fo.optimizers.AdamW(0.01, weight_decay=0.1),
    "decay": lambda: fo.optimizers.Decay(fo.optimizers.SGD(0.01), l1=0.1, l2=0.1, decoupled=0.1, exclude=()),
    "lookahead": lambda: fo.optimizers.Lookahead(fo.optimizers.SGD(0.1), 2),
    "average": lambda: fo.optimizers.Average(fo.optimizers.SGD(0.1), 0.9),
    "clip": lambda: fo.optimizers.Clip(fo.optimizers.SGD(0.1), global_norm=0.1),
    "accumulate": lambda: fo.optimizers.Accumulate(fo.optimizers.SGD(0.1), 2),
    "lamb": lambda: fo.optimizers.Lamb(0.01),
    "nesterov": lambda: fo.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("frozen", [("below", "norm"), ("block",), ("norm",)])
def test_what_is_frozen_stays(optimizer, frozen):
    model = model_of(OPTIMIZERS[optimizer](), frozen)
    before = weights(model)
    model.fit(*data(), batch_size=8, epochs=2, verbose=0)
    assert changed(model, before) == {name for name in before if not name.startswith(frozen)}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_rest_learns_as_if_it_were_data(optimizer):
    """Frozen layers at the bottom are a function of the data: training what is above on its values is the same."""
    x, y = data()
    model = model_of(OPTIMIZERS[optimizer](), ("below", "norm"))
    values = model.layer_outputs(x)["norm"]
    top = fo.Sequential([fo.layers.Residual([fo.layers.Dense(6)]), fo.layers.Dense(3)], seed=1)
    top.compile(OPTIMIZERS[optimizer](), "sparse_categorical_crossentropy")
    top.build(6)
    top.set_weights(model.get_weights()[4:8])
    for one, inputs in ((model, x), (top, values)):
        one.fit(inputs, y, batch_size=8, epochs=2, verbose=0)
    for mine, theirs in zip(model.get_weights()[4:8], top.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)


def test_rates_of_zero_freeze():
    """Also in norms, decay and running statistics."""
    models = []
    for optimizer, frozen in (("rates", ()), ("clip", ("below", "norm"))):
        inner = fo.optimizers.Clip(fo.optimizers.AdamW(0.01), global_norm=0.1)
        rates = {"below": 0.0, "norm": 0.0}
        models.append(model_of(fo.optimizers.LayerRates(inner, rates) if optimizer == "rates" else inner, frozen))
        models[-1].fit(*data(), batch_size=8, epochs=2, verbose=0)
    assert all((a == b).all() for a, b in zip(*(model.get_weights() for model in models), strict=True))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("by", ["trainable", "rates"])
@pytest.mark.parametrize("constraint", ["max_norm", "unit_norm", "non_neg"])
def test_constraints_leave_what_is_frozen(constraint, by, optimizer):
    inner = OPTIMIZERS[optimizer]()
    frozen = ("below",) if by == "trainable" else ()
    rates = fo.optimizers.LayerRates(inner, {"below": 0.0}) if by == "rates" else inner
    model = model_of(rates, frozen, kernel_constraint=constraint)
    model.parameters["below/kernel"][...] *= 3
    before = weights(model)
    model.fit(*data(), batch_size=8, verbose=0)
    dx = model.backward(np.ones_like(model(data()[0])))
    assert dx.any()
    model.apply_gradients()
    assert changed(model, before) == {name for name in before if not name.startswith("below")}


def test_frozen_and_freed_between_epochs():
    model = model_of()
    model.fit(*data(), epochs=1, verbose=0)
    before = weights(model)
    model.layers[0].trainable = False
    model.fit(*data(), epochs=1, verbose=0)
    assert changed(model, before) == {name for name in before if not name.startswith("below")}
    before = weights(model)
    model.layers[0].trainable = True
    model.fit(*data(), epochs=1, verbose=0)
    assert changed(model, before) == before.keys()


def test_no_gradient_in_a_loop_of_ones_own():
    model = model_of(frozen=("below",))
    x, _ = data()
    dx = model.backward(np.ones_like(model(x)))
    assert dx.any()
    assert not any(view.any() for name, view in model.gradients.items() if name.startswith("below"))
    assert model.gradients["head/kernel"].any()
    before = weights(model)
    model.apply_gradients()
    assert "below/kernel" not in changed(model, before)


def test_frozen_penalties_do_not_count():
    x, y = data()
    penalty = {"kernel_regularizer": fo.regularizers.L2(0.5)}
    plain = model_of(frozen=("below",)).evaluate(x, y)["loss"]
    assert model_of(frozen=("below",), **penalty).evaluate(x, y)["loss"] == plain
    assert model_of(**penalty).evaluate(x, y)["loss"] > plain


def test_an_average_knows_what_is_frozen():
    optimizer = fo.optimizers.Average(fo.optimizers.SGD(0.1), 0.9)
    model = model_of(optimizer, ("below",))
    model.fit(*data(), epochs=1, verbose=0)
    assert (model.slots["below/kernel/average"] == model.parameters["below/kernel"]).all()


def test_frozen_by_the_constructor_and_in_files(tmp_path):
    layers = [fo.layers.Dense(4, trainable=False), fo.layers.Residual([fo.layers.Dense(4)], trainable=False)]
    model = fo.Sequential([*layers, fo.layers.Dense(3)])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.build(5)
    model.save(tmp_path / "model")
    read = fo.load_model(tmp_path / "model")
    assert [layer.trainable for layer in read.layers] == [False, False, True]
    before = weights(read)
    read.fit(*data(), verbose=0)
    assert changed(read, before) == {"dense_1/kernel", "dense_1/bias"}


def test_the_schedule_leaves_out_what_is_frozen():
    model = model_of(frozen=("below", "norm"))
    model.fit(*data(), verbose=0)
    stages = model.schedule()
    assert not any("backward 1" in stage or "backward 2" in stage or "gradient 2" in stage for stage in stages)
    assert any("gradient 6 dense" in stage for stage in stages)
