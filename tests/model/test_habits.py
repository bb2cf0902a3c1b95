"""What users of Keras write: it works, or an error says what does."""

import copy
import pickle

import numpy as np
import pytest

import fastopt as fo
from fastopt import layers, losses, optimizers
from fastopt.model.results import Results

X, Y = np.random.default_rng(0).normal(size=(20, 4)), np.arange(20) % 3


def make():
    model = fo.Sequential([layers.Dense(5, "swish"), layers.Dense(3)], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(X, Y, verbose=0)
    return model


def functional():
    a = fo.Input(4)
    model = fo.Model(a, layers.Dense(3)(layers.Dense(5, "swish")(a)), seed=0)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(X, Y, verbose=0)
    return model


MODELS = pytest.mark.parametrize("make", [make, functional])


@MODELS
@pytest.mark.parametrize("method", ["evaluate", "test_on_batch", "train_on_batch"])
def test_results_by_name_or_place(make, method):
    results = getattr(make(), method)(X, Y)
    loss, accuracy = results
    named = {"loss": loss, "accuracy": accuracy}
    assert results[0] == results["loss"] == loss
    assert results[-1] == results["accuracy"] == accuracy
    assert results == named
    # As a dict.
    assert dict(results) == dict(**results) == {**results} == dict(results.items()) == results | {} == named
    assert results == named == results
    assert results != {"loss": loss}
    assert "loss" in results
    assert "accurcy" not in results
    assert results.get("accurcy", 2) == 2
    assert results.get("loss") == loss
    assert [*zip(results.keys(), results.values(), strict=True)] == [*named.items()]
    assert results.keys() == named.keys()
    for copied in (copy.copy(results), copy.deepcopy(results), pickle.loads(pickle.dumps(results))):
        assert type(copied) is Results
        assert copied == results
    assert repr(results) == f"Results(loss={loss!r}, accuracy={accuracy!r})"
    for key, error, message in (("accurcy", KeyError, "'accurcy'; there are loss, accuracy"), (2, IndexError, "range")):
        with pytest.raises(error, match=message):
            results[key]


def test_results_are_rows_of_a_frame():
    pandas = pytest.importorskip("pandas")
    results = make().evaluate(X, Y)
    assert [*pandas.DataFrame([results, results]).columns] == ["loss", "accuracy"]


@MODELS
def test_results_as_keras_names_them(make):
    model = make()
    results = model.evaluate(X, Y)
    assert model.evaluate(X, Y, return_dict=False) == [*results]
    assert type(model.evaluate(X, Y, return_dict=True)) is dict
    assert model.evaluate(X, Y, return_dict=True) == results == pytest.approx(model.test_on_batch(X, Y))


CALLBACKS = {
    "early stopping": lambda: fo.callbacks.EarlyStopping("val_accuracy", restore_best_weights=True),
    "plateau": lambda: fo.callbacks.ReduceLROnPlateau("val_loss", patience=1),
    "warm-up": lambda: fo.callbacks.WarmupUntil(0.001, 0.1, 0.5, "accuracy"),
    "functions": lambda: fo.callbacks.LambdaCallback(on_batch_end=lambda batch, logs: None),
}


@pytest.mark.parametrize("callback", CALLBACKS)
def test_callbacks_of_either_model(callback):
    histories = [
        model.fit(X, Y, epochs=4, validation_data=(X, Y), callbacks=[CALLBACKS[callback]()], verbose=0).history
        for model in (make(), functional())
    ]
    for name in ("loss", "val_accuracy"):
        assert histories[0][name] == histories[1][name]


@MODELS
def test_on_batch_is_all_at_once(make):
    model = make()
    assert (model.predict_on_batch(X) == model.predict(X)).all()
    assert (model.predict(X, verbose=0) == model.predict(X, verbose=1)).all()
    with pytest.raises(ValueError, match="Unknown verbose 'loud'"):
        model.predict(X, verbose="loud")


def test_layer_after_layer():
    model, other = fo.Sequential(), fo.Sequential([layers.Dense(5, "swish"), layers.Dense(3)])
    for layer in other.layers:
        model.add(layer)
    for one in (model, other):
        one.build(4)
    assert model.layer_names == other.layer_names
    assert all((a == b).all() for a, b in zip(model.get_weights(), other.get_weights(), strict=True))
    with pytest.raises(RuntimeError, match="Layers are added before the model is compiled, built or called"):
        model.add(layers.Dense(1))
    with pytest.raises(AttributeError, match="'add': call the layer with an output of another, and make a Model"):
        functional().add(layers.Dense(1))
    with pytest.raises(ValueError, match="layers is empty"):
        fo.Sequential().build(4)
    unchanged = fo.Sequential([layers.Dense(1)])
    with pytest.raises(TypeError, match=r"layers\[1\] must be a layer"):
        unchanged.add("dense")
    assert unchanged.layer_names == ["dense"]


def test_an_input_first():
    model = fo.Sequential([fo.Input(4), layers.Dense(2)])
    assert model.input_shape == (4,)
    assert model.count_params() == 10
    with pytest.raises(TypeError, match=r"layers\[1\] must be a layer"):
        fo.Sequential([layers.Dense(2), fo.Input(4)])


def test_get_layer():
    model = make()
    assert model.get_layer("dense_1") is model.get_layer(index=1) is model.get_layer(index=-1) is model.layers[1]
    with pytest.raises(ValueError, match=r"Unknown name 'dense_2'\. Did you mean 'dense_1'"):
        model.get_layer("dense_2")
    with pytest.raises(ValueError, match="Give either name or index"):
        model.get_layer()
    with pytest.raises(ValueError, match="index must be less than 2"):
        model.get_layer(index=2)


def test_swish():
    assert layers.Dense(3, "swish") == layers.Dense(3, "silu")


@pytest.mark.parametrize(
    ("call", "way"),
    [
        (lambda: losses.BinaryCrossentropy(from_logits=True), "the loss sees it from the last activation"),
        (lambda: losses.CategoricalCrossentropy(reduction="sum"), "weighted mean over samples"),
        (lambda: optimizers.Adam(clipnorm=1.0), r"Clip\(optimizer, norm=...\)"),
        (lambda: optimizers.SGD(clipvalue=1.0), r"Clip\(optimizer, value=...\)"),
        (lambda: optimizers.SGD(global_clipnorm=1.0), r"Clip\(optimizer, global_norm=...\)"),
        (lambda: optimizers.SGD(lr=1.0), "learning_rate"),
        (lambda: optimizers.Adam(weight_decay=0.1), "AdamW"),
        (lambda: optimizers.Adam(use_ema=True), "Average"),
        (lambda: optimizers.Adam(gradient_accumulation_steps=4), "Accumulate"),
        (lambda: layers.Dense(3, input_shape=(4,)), "that of the data"),
        (lambda: layers.BatchNormalization(input_dim=4), "that of the data"),
    ],
)
def test_arguments_that_are_elsewhere(call, way):
    with pytest.raises(TypeError, match=f"has no argument '.*': .*{way}"):
        call()


@pytest.mark.parametrize(
    ("read", "way"),
    [
        (lambda model: model.layers[0].weights, r"model.parameters\['name/kernel'\]"),
        (lambda model: model.layers[0].get_weights(), "model.parameters"),
        (lambda model: model.layers[0].set_weights([]), "model.parameters"),
        (lambda model: model.layers[0].kernel, "model.parameters"),
        (lambda model: model.trainable_weights, "model.parameters, by name"),
        (lambda model: model.weights, "get_weights"),
        (lambda model: model.save_weights("x"), r"save\(path\)"),
        (lambda model: model.load_weights("x"), "load_model"),
        (lambda model: model.score(X, Y), "evaluate"),
        (lambda model: model.state_dict(), "model.parameters and model.state"),
    ],
)
def test_attributes_that_are_elsewhere(read, way):
    with pytest.raises(AttributeError, match=f"has no attribute .*{way}"):
        read(make())
    with pytest.raises(AttributeError, match=r"has no attribute 'banana'\.$"):
        make().banana  # noqa: B018


def test_arguments_that_are_nowhere():
    with pytest.raises(TypeError, match="unexpected keyword argument 'banana'"):
        optimizers.Adam(banana=1)


def test_lookahead_goes_back_to_weights_that_were_set():
    model = fo.Sequential([layers.Dense(1)], seed=0)
    model.compile(optimizers.Lookahead(optimizers.SGD(0.0), steps=3), "mse")
    model.fit(X, Y, batch_size=10, verbose=0)
    model.set_weights([np.full((4, 1), 7.0), np.zeros(1)])
    model.fit(X, Y, batch_size=10, verbose=0)
    assert (model.parameters["dense/kernel"] == 7).all()


def test_how_transforms_are_nested_does_not_matter(rng):
    one = optimizers.Clip(optimizers.Decay("adam", l2=0.5), value=0.01)
    other = optimizers.Decay(optimizers.Clip("adam", value=0.01), l2=0.5)
    w = [{"kernel": np.ones(5)} for _ in range(2)]
    for _ in range(3):
        g = {"kernel": rng.normal(size=5)}
        one.update(w[0], g)
        other.update(w[1], g)
    assert (w[0]["kernel"] == w[1]["kernel"]).all()


# Norms and softmax over the last axis


def moments(x, axis):
    return x.mean(axis, keepdims=True), x.var(axis, keepdims=True)


@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        *((shape, axis) for shape in ((4,), (3, 4), (2, 3, 4)) for axis in (None, -1, (len(shape),))),
        ((3, 4), (-2, -1)),
        ((3, 4), (1, 2)),
        ((2, 3, 4), (-2, -1)),
        ((2, 3, 4), (1, 2, 3)),
    ],
    ids=str,
)
def test_norms_over_the_last_axes(shape, axis, rng):
    axes = (axis,) if isinstance(axis, int) else axis or (-1,)
    x = rng.normal(size=(6, *shape))
    size = np.prod([x.shape[a] for a in axes])
    places = np.prod(shape) // size
    gamma, beta, dy = rng.normal(size=size), rng.normal(size=size), rng.normal(size=x.shape)
    for make in (layers.LayerNormalization, layers.RMSNormalization):
        model = fo.Sequential([make(epsilon=1e-5) if axis is None else make(axis=axis, epsilon=1e-5)], dtype="float64")
        model.build(shape)
        centred = make is layers.LayerNormalization
        model.set_weights([gamma, beta] if centred else [gamma])
        mean, variance = moments(x, axes)
        wide = gamma.reshape([x.shape[a] for a in axes])
        want = (x - mean) / np.sqrt(variance + 1e-5) * wide + beta.reshape(wide.shape)
        if not centred:
            want = x / np.sqrt((x**2).mean(axes, keepdims=True) + 1e-5) * wide
        np.testing.assert_allclose(model.predict(x), want, rtol=1e-12, atol=1e-12)
        assert (model(x) == model.predict(x)).all()
        dx = model.backward(dy)
        normal = ((want - beta.reshape(wide.shape)) if centred else want) / wide
        name = next(iter(model.gradients))
        np.testing.assert_allclose(model.gradients[name], (normal * dy).reshape(6 * places, size).sum(0), rtol=1e-10)
        if centred:
            np.testing.assert_allclose([*model.gradients.values()][1], dy.reshape(6 * places, size).sum(0), rtol=1e-10)
        step, place = 1e-6, (1, *(0 for _ in shape))
        ahead, back = x.copy(), x.copy()
        ahead[place] += step
        back[place] -= step
        slope = ((model.predict(ahead) - model.predict(back)) * dy).sum() / (2 * step)
        assert dx[place] == pytest.approx(slope, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("axis", [1, (1,), (2, 4), (0, 1), ()], ids=str)
def test_norms_over_other_axes(axis):
    with pytest.raises(ValueError, match="normalises over the last axis or the last ones"):
        fo.Sequential([layers.LayerNormalization(axis=axis)]).build((3, 4, 5))


def test_norms_of_files_of_0_1_are_over_all_values(rng):
    x = rng.normal(size=(5, 3, 4))
    config = {"axis": -1, "epsilon": 1e-3, "center": True, "scale": True, "affine": "channel", "name": None}
    model = fo.Sequential([layers.LayerNormalization.from_config(config)], dtype="float64")
    model.build((3, 4))
    mean, variance = moments(x, (1, 2))
    np.testing.assert_allclose(model.predict(x), (x - mean) / np.sqrt(variance + 1e-3), rtol=1e-12)
    assert model.parameters["layer_normalization/gamma"].shape == (4,)


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4)], ids=str)
@pytest.mark.parametrize("behind", [[], ["tanh"], ["gelu"]], ids=str)
def test_softmax_over_the_last_axis(shape, behind, rng):
    x, dy = rng.normal(size=(6, *shape)), rng.normal(size=(6, *shape))
    given = [layers.Activation("softmax"), *map(layers.Activation, behind)]
    model = fo.Sequential(given, dtype="float64")
    power = np.exp(x)
    want = power / power.sum(-1, keepdims=True)
    y = model(x)
    if not behind:
        np.testing.assert_allclose(y, want, rtol=1e-12)
    dx = model.backward(dy)
    step, place = 1e-6, (1, *(0 for _ in shape))
    ahead, back = x.copy(), x.copy()
    ahead[place] += step
    back[place] -= step
    slope = ((model.predict(ahead) - model.predict(back)) * dy).sum() / (2 * step)
    assert dx[place] == pytest.approx(slope, rel=1e-6, abs=1e-9)
    assert model.predict(x).tobytes() == y.tobytes()


def test_softmax_of_files_of_0_1_is_over_all_values(rng):
    x = rng.normal(size=(5, 3, 4))
    layer = layers.Activation.from_config({"activation": "softmax", "name": None})
    assert layer == layers.Activation("softmax", axis=None)
    model = fo.Sequential([layer], dtype="float64")
    model.build((3, 4))
    np.testing.assert_allclose(model.predict(x).sum((1, 2)), 1, rtol=1e-12)


def test_classes_are_on_one_axis(rng):
    model = fo.Sequential([layers.Activation("softmax")])
    model.compile("sgd", "categorical_crossentropy")
    with pytest.raises(ValueError, match=r"the shape \(3, 4\): put Flatten\(\) before the last layer"):
        model.fit(rng.normal(size=(5, 3, 4)), np.full((5, 3, 4), 0.25), verbose=0)
