"""What is saved: everything that changes what training does, and nothing that `load_model` would refuse."""

import inspect

import cases
import numpy as np
import pytest

import fastopt as fo
from fastopt import _core
from fastopt.core.registry import arguments_of

L = fo.layers
X = np.random.default_rng(2).normal(size=(24, 4))
Y = X @ [1.0, -2.0, 0.5, 0.0]
pytestmark = pytest.mark.filterwarnings("ignore:.* adapts its")


def make(optimizer="adam", loss="mse"):
    layers = [L.Dense(5), L.BatchNormalization(), L.Activation("tanh"), L.Dropout(0.3), L.Dense(1, name="last")]
    model = fo.Sequential(layers, seed=3)
    model.compile(optimizer, loss, ["mae"])
    fit(model, 2)
    return model


def fit(model, epochs=1):
    return model.fit(X, Y, batch_size=7, epochs=epochs, verbose=0).history["loss"]


def kept(model):
    remembered = model.slots | dict(model._solver_slots() or {})
    arrays = {name: view.tobytes() for name, view in (model.parameters | model.state | remembered).items()}
    return arrays, getattr(model.optimizer, "state", None), model.draws, model.epochs_trained


def goes_on(model, path):
    """Assert that the saved model goes on as this one."""
    model.save(path)
    other = fo.load_model(path)
    assert fit(other, 2) == fit(model, 2)
    assert kept(other) == kept(model)


REFUSED = "were set to others after it was built"

# For each attribute of a model how it is changed, and the message where the model then cannot be saved.
ATTRIBUTES = {
    "seed": (lambda m: setattr(m, "seed", 4), REFUSED),
    "dtype": (lambda m: setattr(m, "dtype", "float64"), REFUSED),
    "name": (lambda m: setattr(m, "name", "other"), None),
    "network": (lambda m: m.network.layers.pop(2), REFUSED),
    "history": (lambda m: setattr(m, "history", fo.callbacks.History()), None),
    "stop_training": (lambda m: setattr(m, "stop_training", True), None),
    "_epochs_trained": (lambda m: setattr(m, "epochs_trained", 2**40), None),
    "_noise": (lambda m: setattr(m, "noise", False), None),
    "_compiled": (lambda m: m.compile(fo.optimizers.Lion(), "mae"), None),
    "_given": (lambda m: m.compile("sgd", "mse"), None),
    "_nested": (lambda m: m.as_layer(), None),
    "_solving": (lambda m: (m.compile("lbfgs", "mse"), fit(m, 1)), None),
    "_classes": (lambda m: setattr(m, "classes", ["a", "b"]), None),
    "_features": (lambda m: m._features.update({"0": ["a", "b", "c"]}), None),
    "_encoder": (lambda m: setattr(m, "encoder", fo.data.TableEncoder().fit(X)), None),
    "_built": (lambda m: m.set_weights([w + 1 for w in m.get_weights()]), None),
}


def test_every_attribute_is_known():
    assert vars(make()).keys() == ATTRIBUTES.keys()
    for cls, names in (
        (_core.Network, {"draws", "noise", "trainable"}),
        (_core.Optimizer, {"step", "held", "held_rows", "state"}),
    ):
        assert {name for name, _ in inspect.getmembers(cls, lambda p: isinstance(p, property) and p.fset)} == names


@pytest.mark.parametrize(("change", "message"), ATTRIBUTES.values(), ids=ATTRIBUTES)
def test_attributes_of_models(change, message, tmp_path):
    model = make()
    model.save(tmp_path / "model")
    before = (tmp_path / "model").read_bytes()
    change(model)
    if message is None:
        goes_on(model, tmp_path / "model")
        return
    with pytest.raises(ValueError, match=message):
        model.save(tmp_path / "model")
    assert (tmp_path / "model").read_bytes() == before


@pytest.mark.parametrize("make_optimizer", cases.OPTIMIZERS.values(), ids=cases.OPTIMIZERS)
def test_attributes_of_optimizers(make_optimizer, tmp_path):
    """Flags and numbers; what asks for another rule is refused."""
    for name in arguments_of(type(make_optimizer())):
        model = make(make_optimizer())
        optimizer, value = model.optimizer, getattr(model.optimizer, name)
        if not isinstance(value, bool | float) or (name == "from_zero" and optimizer.decay is None):
            continue
        setattr(optimizer, name, not value if isinstance(value, bool) else value / 2 if value <= 1 else 2 * value)
        try:
            optimizer.check_rule()
        except ValueError:
            with pytest.raises(ValueError, match="began with"):
                model.save(tmp_path / "model")
        else:
            goes_on(model, tmp_path / "model")


def other(value):
    """Another value of the type of a layer's argument."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value / 2
    if isinstance(value, fo.initializers.Initializer):
        return fo.initializers.Constant(0.5)
    return "tanh" if value == "linear" else "other"


def test_attributes_of_losses(tmp_path):
    """They take effect with the next compile."""
    model = make(loss=fo.losses.Huber(1.0))
    model.loss.delta = 0.01
    with pytest.raises(ValueError, match="attributes of its loss were set"):
        model.save(tmp_path / "model")
    model.compile("adam", model.loss)
    assert fit(model)[0] < 0.05
    goes_on(model, tmp_path / "model")


OTHERS = {
    "kernel_regularizer": fo.regularizers.L2(0.1),
    "bias_regularizer": fo.regularizers.L2(0.1),
    "activity_regularizer": fo.regularizers.L2(0.1),
    "kernel_constraint": fo.constraints.NonNeg(),
}


@pytest.mark.parametrize(
    ("place", "name"), [(i, name) for i, layer in enumerate(make().layers) for name in arguments_of(type(layer))]
)
def test_attributes_of_layers(place, name, tmp_path):
    """One that the built model does not follow is refused, or does not matter any more."""
    model = make()
    layer = model.layers[place]
    setattr(layer, name, OTHERS[name] if name in OTHERS else other(getattr(layer, name)))
    try:
        model.save(tmp_path / "model")
    except ValueError as error:
        if "cannot be saved" not in str(error):
            raise
    else:
        goes_on(model, tmp_path / "model")


def spoil(kind, name, value):
    def change(model):
        getattr(model, kind)[name].flat[0] = value

    return change


NOT_KEPT = {
    "parameter nan": (spoil("parameters", "dense/kernel", np.nan), r"dense/kernel\[0, 0\] = nan"),
    "parameter inf": (spoil("parameters", "last/bias", np.inf), r"last/bias\[0\] = inf"),
    "slot": (spoil("slots", "dense/kernel/v", np.inf), r"dense/kernel/v\[0, 0\] = inf"),
    "average": (spoil("slots", "last/bias/average", np.nan), r"last/bias/average\[0\] = nan"),
    "mean": (spoil("state", "batch_normalization/moving_mean", np.nan), r"moving_mean\[0\] = nan"),
    "variance": (spoil("state", "batch_normalization/moving_variance", -0.5), "moving_variance has the value -0.5"),
    "steps": (spoil("state", "batch_normalization/steps", -1.0), "steps has the value -1.0"),
}


@pytest.mark.parametrize(("change", "message"), NOT_KEPT.values(), ids=NOT_KEPT)
def test_what_would_not_be_loaded_is_not_saved(change, message, tmp_path, monkeypatch):
    path = tmp_path / "model"
    model = make(fo.optimizers.Average(fo.optimizers.Adam()))
    model.save(path)
    before = path.read_bytes()
    change(model)
    with pytest.raises(ValueError, match=f"cannot be saved: .*{message}"):
        model.save(path)
    assert path.read_bytes() == before
    monkeypatch.setattr(type(model._built), "check", lambda *_: None)
    model.save(path)
    monkeypatch.undo()
    with pytest.raises(ValueError, match=f"cannot be loaded .*{message}"):
        fo.load_model(path)


def test_negative_variances_are_not_set():
    model = make()
    weights = model.get_weights()
    weights[-2][0] = -1.0
    with pytest.raises(ValueError, match="moving_variance has the value -1"):
        model.set_weights(weights)


def test_numbers_of_rules_that_are_not_finite(tmp_path):
    model = make(fo.optimizers.SWATS())
    core = model._ready().trainer
    core.state = dict.fromkeys(core.state, np.nan)
    with pytest.raises(ValueError, match=r"state\['.*'\] of the optimizer must be finite"):
        model.save(tmp_path / "model")


# Counters: how they are set, and the largest number.


def step(optimizer, value):
    optimizer.step = value


COUNTERS = {
    "epochs_trained": (lambda m, n: setattr(m, "epochs_trained", n), 2**48),
    "draws": (lambda m, n: setattr(m, "draws", n), 2**38),
    "step": (lambda m, n: step(m.optimizer, n), 2**53),
    "held": (lambda m, n: setattr(m.optimizer, "state", m.optimizer.state | {"held": n}), 2**53),
    "epoch": (lambda m, n: setattr(m.optimizer, "epoch", n), 2**48),
    "seed": (lambda _, n: fo.Sequential([L.Dense(1)], seed=n), 2**64),
}


@pytest.mark.parametrize(("change", "end"), COUNTERS.values(), ids=COUNTERS)
def test_counters(change, end, tmp_path):
    model = make()
    change(model, end - 1)
    model.save(tmp_path / "model")
    assert kept(fo.load_model(tmp_path / "model")) == kept(model)
    for value in (end, 2**64, 2**80, -1):
        with pytest.raises(ValueError, match=f"must be (less than|at least).* not {value}"):
            change(model, value)
    for value in (1.5, "1", True):
        with pytest.raises(TypeError, match="must be an integer"):
            change(model, value)


FULL = {
    "step": (lambda m: step(m.optimizer, 2**53 - 2), "2.53"),
    "draws": (lambda m: setattr(m, "draws", 2**38 - 2), "2.38"),
}


@pytest.mark.parametrize(("change", "message"), FULL.values(), ids=FULL)
def test_no_counter_goes_beyond_what_can_be_loaded(change, message, tmp_path):
    model = make()
    change(model)
    before = kept(model)
    with pytest.raises(ValueError, match=message):
        fit(model)
    assert kept(model) == before
    model.train_on_batch(X, Y)
    with pytest.raises(ValueError, match=message):
        model.train_on_batch(X, Y)
    model.save(tmp_path / "model")
    assert kept(fo.load_model(tmp_path / "model")) == kept(model)


def test_bare_arrays_count_no_further():
    w, adam = np.ones(3), fo.optimizers.Adam()
    adam.build(w)
    adam.step = 2**53 - 1
    with pytest.raises(ValueError, match=r"less than 2\^53"):
        adam.update(w, w)
    assert (w == 1).all()


# Training that ends well but leaves what is not finite.


def large(value):
    return np.random.default_rng(0).normal(size=(64, 4)) * value


def test_an_epoch_that_spoils_running_statistics_is_an_error():
    model = fo.Sequential([L.BatchNormalization(), L.Dense(1)], seed=0)
    model.compile("sgd", "mae")
    with pytest.raises(FloatingPointError, match=r"made .*running statistics.* NaN or infinite"):
        model.fit(large(2e19), np.ones(64), epochs=1, verbose=0)


def test_an_epoch_that_ends_with_infinite_slots_is_an_error():
    """With an infinite v the weights stand still, so that nothing else shows it."""
    model = make("adam")
    model.slots["dense/kernel/v"][0, 0] = np.inf
    with pytest.raises(FloatingPointError, match=r"made .*slot 'v'.* NaN or infinite"):
        fit(model)
