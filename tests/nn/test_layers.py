"""Layers: their gradients against differences, what must hold of them, the same bits on every team, bad input."""

import cases
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_gradients import TOLERANCE, error, numeric, targets

import fastopt as fo
from fastopt import _core
from fastopt._core import allocations, runtime
from fastopt.layers import (
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    GaussianNoise,
    GroupNormalization,
    InstanceNormalization,
    LayerNormalization,
    Maxout,
    PReLU,
    Reshape,
    Residual,
    RMSNormalization,
)

# One that is computed together with the activation, and one that is not. test_gradients has all, with all activations.
LOSSES = ("sparse_categorical_crossentropy", "huber")
some = settings(max_examples=30)


def before(shape):
    return [Dense(int(np.prod(shape)), "tanh"), Reshape(shape)]


def behind():
    return [Flatten(), Dense(3)]


# Each stack as the first layers of a model, as inner ones, and as the last, where it can be.
PLACES = [
    (name, place)
    for name, stack in cases.LAYERS.items()
    for place in ("first", "inner", "last")
    if place != "last" or stack.last
]


def make(name, place, dtype="float64", shape=None):
    """A built model with this stack, all its parameters random, and the shape of its samples."""
    stack = cases.LAYERS[name]
    shape = shape or stack.shapes[0]
    layers = stack.make(shape)
    if place != "first":
        layers = before(shape) + layers
    if place != "last":
        layers += behind()
    model = fo.Sequential(layers, seed=1, dtype=dtype)
    inputs = shape if place == "first" else (5,)
    model.build(inputs)
    randomize(model)
    return model, inputs


def randomize(model):
    rng = np.random.default_rng(1)
    for name, view in model.parameters.items():
        view[...] = rng.normal(1.0 if name.endswith("gamma") else 0.0, 0.5, view.shape)
    for name, view in model.state.items():
        if name.startswith("scaling"):
            view[...] = rng.normal(size=view.shape)


def network(dtype="float32", seed=3):
    """One of everything."""
    layers = [
        GaussianNoise(0.1),
        Dense(48),
        BatchNormalization(momentum=0.9),
        Activation("relu"),
        Dropout(0.25),
        Residual([LayerNormalization(), Dense(33, "gelu"), Dropout(0.1), Dense(48)]),
        Reshape((4, 12)),
        BatchNormalization(axis=1, bias_correction=True),
        GroupNormalization(3),
        PReLU(),
        Flatten(),
        Residual([Dense(48), BatchNormalization(), Activation("tanh")]),
        RMSNormalization(),
        Maxout(17),
        Dense(4, "softmax"),
    ]
    model = fo.Sequential(layers, seed, dtype)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    return model


def everything(model):
    return {name: view.copy() for name, view in (model.parameters | model.state | model.slots).items()}


@pytest.fixture
def data(rng):
    return rng.normal(size=(203, 19)), rng.integers(0, 4, 203)


# Gradients


@pytest.mark.parametrize(("name", "place"), PLACES)
def test_backward(name, place, rng):
    """`backward` gives the gradients of any function of the outputs of one batch, also with respect to the inputs."""
    model, shape = make(name, place)
    x = rng.normal(size=(5, *shape))
    direction = rng.normal(size=model(x).shape)

    def value():
        model.draws = 7
        return float((model(x) * direction).sum())

    expected = {parameter: numeric(value, view) for parameter, view in model.parameters.items()}
    expected_x = numeric(value, x)
    value()
    assert error(model.backward(direction), expected_x) <= TOLERANCE
    for parameter, view in model.gradients.items():
        assert error(view, expected[parameter]) <= TOLERANCE, parameter


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", [name for name, place in PLACES if place == "inner"])
def test_gradient_of_training(name, loss, rng):
    model, shape = make(name, "inner")
    model.compile("adam", loss)
    x, y = rng.normal(size=(6, *shape)), targets(loss, 6, 3, rng)
    kept = everything(model)
    check = fo.check_gradients(model, x, y, rng.uniform(0.5, 2.0, 6), epsilon=1e-5)
    for tensor in check.tensors:
        assert tensor.error <= max(TOLERANCE, tensor.rounding), check
    assert check.ok
    assert all((kept[name] == view).all() for name, view in everything(model).items())


def test_gradient_check_draws_the_noise_of_the_next_batch(data):
    model = fo.Sequential([Dense(8, "tanh"), Dropout(0.5), Dense(4)], seed=0, dtype="float64")
    model.compile(fo.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    model.fit(*data, verbose=0)
    draws = model.draws
    assert fo.check_gradients(model, *data).verdict == "great"
    assert model.draws == draws
    model.noise = False
    assert fo.check_gradients(model, *data).verdict == "great"


@pytest.mark.parametrize("weighted", [False, True])
def test_gradient_check_of_penalties_and_constraints(weighted, data):
    """The weights that are checked are those of the model, also where a constraint would move them."""
    layers = [
        Dense(6, "tanh", kernel_regularizer="l2", bias_regularizer="l1", activity_regularizer=fo.regularizers.L2(0.1)),
        BatchNormalization(),
        Dropout(0.3),
        Dense(5, "relu", kernel_constraint=fo.constraints.MaxNorm(0.5)),
        Dense(4),
    ]
    model = fo.Sequential(layers, 1, "float64")
    model.compile("adam", "sparse_categorical_crossentropy")
    model.build(19)
    randomize(model)
    weight = np.linspace(0.5, 2.0, len(data[0])) if weighted else None
    check = fo.check_gradients(model, *data, weight, epsilon=1e-5)
    assert check.error <= TOLERANCE, check


# Values


@pytest.mark.parametrize("rows", [1, 2, 31])
@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_softmax_of_large_logits(rows, dtype, rng):
    for layers in ([Dense(9, "softmax")], [Dense(9), Activation("softmax")]):
        model = fo.Sequential(layers, dtype=np.dtype(dtype).name)
        model.build(3)
        model.parameters["dense/bias"][...] = rng.choice([-1e4, 0.0, 1e4], 9)
        for y in (model(rng.normal(size=(rows, 3))), model.predict(rng.normal(size=(rows, 3)))):
            np.testing.assert_allclose(y.sum(axis=1), 1.0, rtol=1e-6)
            assert (y >= 0).all()


@given(st.integers(0, 2**32), st.floats(0.05, 20.0), st.floats(-5.0, 5.0), st.sampled_from([-1, 1]))
@some
def test_batch_norm_forgets_scale_and_shift_of_the_data(seed, scale, shift, axis):
    x = np.random.default_rng(seed).normal(size=(17, 4, 3))
    model = fo.Sequential([BatchNormalization(axis, epsilon=1e-12)], dtype="float64")
    np.testing.assert_allclose(model(scale * x + shift), model(x), atol=1e-8)


@given(st.integers(0, 2**32), st.floats(0.05, 20.0))
@some
def test_batch_norm_forgets_the_scale_of_weights(seed, scale):
    """So the gradient is orthogonal to the weights, and the smaller the larger they are."""
    rng = np.random.default_rng(seed)
    x, dy = rng.normal(size=(19, 5)), rng.normal(size=(19, 4))
    model = fo.Sequential([Dense(4), BatchNormalization(epsilon=1e-14)], seed=seed, dtype="float64")
    y = model(x)
    model.backward(dy)
    kernel, gradient = model.parameters["dense/kernel"], model.gradients["dense/kernel"].copy()
    np.testing.assert_allclose((kernel * gradient).sum(axis=0), 0.0, atol=1e-8)
    kernel *= scale
    np.testing.assert_allclose(model(x), y, atol=1e-8)
    model.backward(dy)
    np.testing.assert_allclose(model.gradients["dense/kernel"] * scale, gradient, atol=1e-8)


@given(st.integers(0, 2**32), st.sampled_from([-1, 1]), st.integers(1, 9), st.integers(2, 9))
@some
def test_group_norm_at_its_ends_is_layer_and_instance_norm(seed, axis, channels, space):
    shape = (channels, space) if axis == 1 else (space, channels)
    x = np.random.default_rng(seed).normal(size=(7, *shape))
    for groups, other in ((1, LayerNormalization), (channels, InstanceNormalization), (-1, InstanceNormalization)):
        models = [fo.Sequential([layer]) for layer in (GroupNormalization(groups, axis), other(axis, affine="channel"))]
        np.testing.assert_array_equal(*(model(x) for model in models))
        np.testing.assert_array_equal(*(model.backward(x) for model in models))


def test_batch_norm_with_one_place_is_that_of_flat_samples(rng):
    x = rng.normal(size=(9, 5))
    flat = fo.Sequential([BatchNormalization()])(x)
    np.testing.assert_allclose(fo.Sequential([BatchNormalization(1)])(x[:, :, None])[:, :, 0], flat, atol=1e-6)
    np.testing.assert_allclose(fo.Sequential([BatchNormalization(-1)])(x[:, None])[:, 0], flat, atol=1e-6)


def test_running_statistics(rng):
    """In training they are not used; in `predict` they are, corrected for their start or not."""
    for corrected in (False, True):
        model = fo.Sequential([BatchNormalization(momentum=0.9, bias_correction=corrected)], dtype="float64")
        mean, variance = np.zeros(3), np.zeros(3) if corrected else np.ones(3)
        for _ in range(4):
            x = rng.normal(2.0, 3.0, (11, 3))
            y = model(x)
            np.testing.assert_allclose(y, (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-3), rtol=1e-10, atol=1e-12)
            model.backward(y)
            mean, variance = 0.9 * mean + 0.1 * x.mean(0), 0.9 * variance + 0.1 * x.var(0)
        np.testing.assert_allclose(model.state["batch_normalization/moving_mean"], mean, rtol=1e-12)
        np.testing.assert_allclose(model.state["batch_normalization/moving_variance"], variance, rtol=1e-12)
        assert model.state["batch_normalization/steps"] == 4
        share = 1 - 0.9**4 if corrected else 1.0
        expected = (x - mean / share) / np.sqrt(variance / share + 1e-3)
        np.testing.assert_allclose(model.predict(x), expected, rtol=1e-10)


def test_running_statistics_count_each_batch_once(rng):
    """A second backward pass of one batch is refused, and calls that are not followed by one do not count."""
    model = fo.Sequential([BatchNormalization(momentum=0.9)], dtype="float64")
    x = rng.normal(size=(11, 3))
    model(x)
    y = model(x)
    model.backward(y)
    kept = everything(model)
    with pytest.raises(RuntimeError, match="forward pass of its own"):
        model.backward(y)
    assert all((kept[name] == view).all() for name, view in everything(model).items())
    np.testing.assert_allclose(model.state["batch_normalization/moving_mean"], 0.1 * x.mean(0), rtol=1e-12)
    assert model.state["batch_normalization/steps"] == 1


@pytest.mark.skipif(len(cases.ISAS) < 2, reason="this machine has one instruction set")
def test_change_of_the_instruction_set(rng):
    """What is laid out for one is no good for another: a pass does not go from one to another, the next one does."""
    model = fo.Sequential([Dense(33, "tanh"), BatchNormalization(), Dense(3)])
    x, dy = rng.normal(size=(20, 5)), rng.normal(size=(20, 3))
    before = runtime.isa()
    try:
        runtime.set_isa(cases.ISAS[0])
        model(x)
        runtime.set_isa(cases.ISAS[-1])
        kept = everything(model)
        with pytest.raises(RuntimeError, match=r"instruction set was changed .* call model\(x\) again"):
            model.backward(dy)
        assert all((kept[name] == view).all() for name, view in everything(model).items())
        model(x)
        there = model.backward(dy)
        runtime.set_isa(cases.ISAS[0])
        model(x)
        np.testing.assert_allclose(model.backward(dy), there, rtol=1e-3, atol=1e-5)
    finally:
        runtime.set_isa(before)


@pytest.mark.parametrize("offset", [1e2, 1e4, 1e5])
@pytest.mark.parametrize(("layer", "axis"), [(BatchNormalization, 0), (LayerNormalization, 1)])
def test_moments_far_from_zero(layer, axis, offset, rng):
    """In float32 they are as exact as the mean can be written, not as its square."""
    x = rng.normal(offset, 1.0, (257, 33)).astype(np.float32)
    wide = x.astype(np.float64)
    expected = (wide - wide.mean(axis, keepdims=True)) / np.sqrt(wide.var(axis, keepdims=True) + 1e-3)
    eps = np.finfo(np.float32).eps
    np.testing.assert_allclose(fo.Sequential([layer()])(x), expected, rtol=8 * eps, atol=2 * offset * eps)


def test_a_step_that_fails_leaves_the_running_statistics(data):
    model = fo.Sequential([BatchNormalization(), Dense(4)])
    model.compile(fo.optimizers.SGD(1e38), "mean_squared_error")
    x, y = data[0], np.eye(4)[data[1]]
    model.train_on_batch(x, y)
    before = {name: view.copy() for name, view in model.state.items()}
    with pytest.raises(FloatingPointError):
        model.train_on_batch(x, y)
    assert all((before[name] == view).all() for name, view in model.state.items())
    assert model.draws == 1


# Noise


def mask(rate, rows, columns, seed=0, draws=0):
    """What dropout makes of ones."""
    model = fo.Sequential([Dropout(rate), Activation("linear")], seed, "float64")
    model.build(columns)
    model.draws = draws
    return model(np.ones((rows, columns)))


@given(st.just(0.0) | st.floats(0.1, 0.9), st.integers(0, 2**32))
@some
def test_dropout_keeps_the_mean_and_has_its_rate(rate, seed):
    y = mask(rate, 100, 103, seed)
    assert set(np.unique(y.round(9))) <= {0.0, round(1 / (1 - rate), 9)}
    n = y.size
    assert abs((y == 0).mean() - rate) <= 5 * np.sqrt(rate * (1 - rate) / n) + 1e-9
    assert abs(y.mean() - 1) <= 5 * np.sqrt(rate / (1 - rate) / n) + 1e-9
    for axis in (0, 1):  # no row or column is special
        bound = 6 * np.sqrt(rate / (1 - rate) / y.shape[axis]) + 1e-9
        assert abs(y.mean(axis) - 1).max() <= bound


def test_gaussian_noise_is_normal():
    model = fo.Sequential([GaussianNoise(0.5), Activation("linear")], dtype="float64")
    z = model(np.zeros((100, 1000))) / 0.5
    assert abs(z.mean()) < 0.02
    assert abs(z.std() - 1) < 0.02
    assert abs((z**4).mean() - 3) < 0.1
    np.testing.assert_array_equal(model.predict(np.ones((2, 1000))), 1.0)
    np.testing.assert_array_equal(model.backward(z), z)


def test_masks_differ_between_seeds_batches_layers_and_rows():
    first = mask(0.5, 2, 256)
    np.testing.assert_array_equal(mask(0.5, 2, 256), first)
    np.testing.assert_array_equal(mask(0.5, 5, 256)[:2], first)
    two = fo.Sequential([Dropout(0.5), Dropout(0.5), Activation("linear")], 0)(np.ones((2, 256)))
    for other in (mask(0.5, 2, 256, seed=1), mask(0.5, 2, 256, draws=1), first[::-1]):
        assert 150 < (other != first).sum() < 362
    assert abs((two > 0).mean() - 0.25) < 0.1


def test_each_batch_has_its_noise_in_every_way_of_training(data):
    """Also `model(x)` without `backward` draws; `predict` and `evaluate` do not."""
    x, y = data
    model = fo.Sequential([Dense(32), Dropout(0.5), Dense(4)])
    model.compile("adam", "sparse_categorical_crossentropy")
    a, b = model(x), model(x)
    assert (a != b).any()
    assert model.draws == 2
    model.fit(x, y, batch_size=100, verbose=0)
    assert model.draws == 5
    model.predict(x)
    model.evaluate(x, y)
    assert model.draws == 5
    model.draws = 0
    model.set_weights([view * 0 for view in model.get_weights()])


def test_without_noise_training_is_that_without_the_layers(data):
    kept = fo.Sequential([GaussianNoise(1.0), Dense(16, "tanh", name="a"), Dropout(0.5), Dense(4, name="b")], 2)
    plain = fo.Sequential([Dense(16, "tanh", name="a"), Dense(4, name="b")], 2)
    kept.noise = False
    for model in (kept, plain):
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(*data, epochs=2, verbose=0)
    assert [w.tobytes() for w in kept.get_weights()] == [w.tobytes() for w in plain.get_weights()]


def test_part_of_the_noise_is_that_of_layers_with_less(data):
    models = [
        fo.Sequential([GaussianNoise(scale), Dense(16, "tanh"), Dropout(0.8 * scale), Dense(4)], 2)
        for scale in (1.0, 0.5)
    ]
    models[0].noise = 0.5
    for model in models:
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(*data, epochs=2, verbose=0)
    whole, half = ([w.tobytes() for w in model.get_weights()] for model in models)
    assert whole == half
    for wrong, kind in ((1.5, ValueError), (-0.5, ValueError), ("some", TypeError)):
        with pytest.raises(kind, match="noise must be"):
            models[0].noise = wrong


def test_without_noise_the_loss_of_one_batch_falls(data):
    model = fo.Sequential([Dense(16, "relu"), Dropout(0.5), Dense(4)], 2)
    model.compile(fo.optimizers.SGD(0.05), "sparse_categorical_crossentropy")
    noisy = [model.train_on_batch(*data)["loss"] for _ in range(20)]
    assert (np.diff(noisy) > 0).any()
    model.noise = False
    assert (np.diff([model.train_on_batch(*data)["loss"] for _ in range(20)]) < 0).all()


# Training


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch_size", [3, 32, 201])
def test_same_bits_for_every_number_of_threads(batch_size, dtype, for_all_threads, data):
    x, y = data[0][:201], data[1][:201]

    def train():
        model = network(dtype)
        losses = model.fit(x, y, batch_size, 2, verbose=0).history["loss"]
        out = model(x)
        dx = model.backward(out)
        return [*everything(model).values(), losses, out, dx, *model.gradients.values(), model.predict(x)]

    for_all_threads(train)


def test_same_bits_for_large_layers(for_all_threads, rng):
    """With enough work in a batch for every thread."""
    x, y = rng.normal(size=(300, 130)), rng.integers(0, 4, 300)

    def train():
        layers = [Dense(257), BatchNormalization(), Activation("relu"), Dropout(0.3)]
        layers += [
            Dense(256),
            Reshape((4, 64)),
            LayerNormalization(),
            GroupNormalization(2, axis=1),
            Flatten(),
            Dense(4),
        ]
        model = fo.Sequential(layers, 0)
        model.compile("adam", "sparse_categorical_crossentropy")
        losses = model.fit(x, y, 150, 2, verbose=0).history["loss"]
        return [*everything(model).values(), losses]

    for_all_threads(train)


def test_prediction_does_not_depend_on_the_batch(data):
    model = network("float64")
    model.fit(*data, verbose=0, batch_size=40)
    expected = model.predict(data[0])
    for batch_size in (1, 2, 7, 1000):
        np.testing.assert_array_equal(model.predict(data[0], batch_size), expected)


def test_own_loop_is_train_on_batch(data):
    x, y = data
    fitted, looped = network("float64"), network("float64")
    looped.layers[-1].activation = "softmax"
    for _ in range(3):
        fitted.train_on_batch(x, y)
        p = looped(x)
        # The gradient of cross-entropy with respect to probabilities.
        dy = np.zeros_like(p)
        dy[np.arange(len(y)), y] = -1 / p[np.arange(len(y)), y] / len(y)
        looped.backward(dy)
        looped.apply_gradients()
    for name, value in everything(looped).items():
        np.testing.assert_allclose(value, everything(fitted)[name], rtol=1e-7, atol=1e-10, err_msg=name)


def test_no_allocation_in_a_batch(data):
    x, y = data
    for batch_size in (50, 7):
        model = network()
        model.fit(x[:200], y[:200], batch_size, verbose=0)
        trainer, order = model._ready().trainer, fo.kernels.permutation(0, 0, 200)
        goals = [_core.Goal(model.loss.name)]
        counts = []
        for batches in (1, 3):
            epoch = _core.Epoch(model._built.network, goals, x[:200], y[:200], None, order, batch_size)
            before = allocations()
            epoch.train(trainer, model.optimizer.hyper, batches)
            counts.append(allocations() - before)
        assert counts[0] == counts[1]


def test_saved_and_loaded_goes_on_to_the_bit(data, tmp_path):
    """Noise, running statistics and slots."""
    straight, saved = network(), network()
    straight.fit(*data, epochs=4, verbose=0)
    saved.fit(*data, epochs=2, verbose=0)
    saved.save(tmp_path / "model.safetensors")
    loaded = fo.load_model(tmp_path / "model.safetensors")
    assert loaded.draws == saved.draws == 14
    assert repr(loaded.layers) == repr(saved.layers)
    loaded.fit(*data, epochs=4, initial_epoch=2, verbose=0)
    assert loaded.draws == straight.draws
    for name, value in everything(straight).items():
        np.testing.assert_array_equal(everything(loaded)[name], value, err_msg=name)
    np.testing.assert_array_equal(loaded.predict(data[0]), straight.predict(data[0]))


@pytest.mark.parametrize("name", cases.LAYERS)
def test_described_and_made_again(name):
    layers = cases.LAYERS[name].make(cases.LAYERS[name].shapes[0])
    again = [type(layer).from_config(layer.get_config()) for layer in layers]
    assert repr(again) == repr(layers)


# Looking inside


@pytest.mark.parametrize(("name", "place"), PLACES)
def test_layer_outputs(name, place, rng):
    """The last ones are what `predict` returns, and each is what its layer makes of the one before."""
    model, shape = make(name, place)
    for view in model.state.values():
        view[...] = rng.uniform(0.5, 2.0, view.shape)
    x = rng.normal(size=(7, *shape))
    outputs = model.layer_outputs(x, batch_size=3)
    assert [*outputs] == model.layer_names
    np.testing.assert_allclose(outputs[model.layer_names[-1]], model.predict(x), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("corrected", [False, True])
@pytest.mark.parametrize("trained", [False, True])
def test_recomputed_statistics_are_exact(corrected, trained, rng):
    """With them `predict` is what the last layers make of the whole set as one batch in training."""
    options = {"momentum": 0.9, "bias_correction": corrected}
    layers = [
        Dense(6),
        BatchNormalization(**options),
        Activation("relu"),
        Dropout(0.5),
        Residual([BatchNormalization(**options), Dense(6, "tanh")]),
        Reshape((2, 3)),
        BatchNormalization(axis=1, **options),
    ]
    model = fo.Sequential(layers, 0, "float64")
    model.noise = False
    model.compile("adam", "mean_squared_error")
    x = rng.normal(3.0, 2.0, (101, 5))
    model.build(5)
    if trained:
        model.fit(x, rng.normal(size=(101, 2, 3)), epochs=3, verbose=0)
    model.recompute_statistics(x, batch_size=10)
    np.testing.assert_allclose(model.predict(x), model(x), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_folded_model_predicts_the_same(dtype, data):
    layers = [
        Dense(9),
        BatchNormalization(),
        Activation("relu"),
        Dense(8, "tanh"),
        BatchNormalization(),
        Residual([Dense(8), BatchNormalization(scale=False), BatchNormalization(bias_correction=True)]),
        Dense(4, use_bias=False, name="out", kernel_regularizer="l2", kernel_constraint="unit_norm"),
        BatchNormalization(center=False),
    ]
    model = fo.Sequential(layers, 0, dtype, "whole")
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(*data, epochs=3, verbose=0)
    before = everything(model)
    folded = model.fold()
    assert (folded.dtype, folded.name, folded.input_shape) == (dtype, "whole", (19,))
    kinds = [type(layer).__name__ for layer in folded.layers]
    assert kinds == ["Dense", "Activation", "Dense", "BatchNormalization", "Residual", "Dense"]
    assert [*folded.state] == [f"batch_normalization_1/{name}" for name in ("moving_mean", "moving_variance", "steps")]
    assert "residual/dense/bias" in folded.parameters
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(folded.predict(data[0]), model.predict(data[0]), rtol=tolerance, atol=tolerance)
    penalty = 0.01 * (model.parameters["out/kernel"].astype(float) ** 2).sum()
    logs = model.evaluate(*data) | {"loss": model.evaluate(*data)["loss"] - penalty}
    assert folded.evaluate(*data) == pytest.approx(logs, rel=1e-5)
    for name, value in everything(model).items():
        np.testing.assert_array_equal(value, before[name])


def test_looking_inside_needs_weights_and_fitting_data():
    model = fo.Sequential([Dense(3), BatchNormalization()])
    for call in (lambda: model.layer_outputs([[1.0]]), lambda: model.recompute_statistics([[1.0]]), model.fold):
        with pytest.raises(RuntimeError, match="no weights yet"):
            call()
    model.build(2)
    state = everything(model)
    with pytest.raises(ValueError, match=r"expected \[n, 2\]"):
        model.recompute_statistics([[1.0]])
    with pytest.raises(ValueError, match="not finite"):
        model.recompute_statistics([[1.0, np.nan]])
    with pytest.raises(ValueError, match="batch_size"):
        model.layer_outputs([[1.0, 2.0]], batch_size=0)
    assert all((state[name] == view).all() for name, view in everything(model).items())


# Bad input

BAD_ARGUMENTS = [
    (lambda: Dropout(1.0), ValueError, "rate must be at least 0 and less than 1"),
    (lambda: Dropout(-0.1), ValueError, "rate must be at least 0"),
    (lambda: Dropout(keep_prob=0.0), ValueError, "keep_prob must be more than 0"),
    (lambda: Dropout(), ValueError, "either a rate or a keep_prob"),
    (lambda: Dropout(0.5, 0.5), ValueError, "either a rate or a keep_prob"),
    (lambda: Dropout("half"), TypeError, "rate must be a number"),
    (lambda: GaussianNoise(-1.0), ValueError, "stddev must be at least 0"),
    (lambda: GaussianNoise(float("nan")), ValueError, "stddev must be finite"),
    (lambda: BatchNormalization(momentum=1.0), ValueError, "momentum"),
    (lambda: BatchNormalization(epsilon=0.0), ValueError, "epsilon must be more than 0"),
    (lambda: LayerNormalization(epsilon=-1.0), ValueError, "epsilon"),
    (lambda: LayerNormalization(affine="row"), ValueError, "affine must be 'channel' or 'element'"),
    (lambda: GroupNormalization(0), ValueError, "groups must be at least 1"),
    (lambda: GroupNormalization(2.0), TypeError, "groups must be an integer"),
    (lambda: Activation("rellu"), ValueError, "Did you mean 'relu'"),
    (lambda: Reshape((3, 0)), ValueError, r"shape\[1\] must be at least 1"),
    (lambda: Reshape(3), TypeError, "tuple"),
    (lambda: Maxout(0), ValueError, "units must be at least 1"),
    (lambda: Maxout(2, 0), ValueError, "pieces must be at least 1"),
    (lambda: Residual([]), ValueError, "layers is empty"),
    (lambda: Residual([3]), TypeError, "3"),
    (lambda: BatchNormalization(name=3), TypeError, "name must be a string"),
]
BAD_SHAPES = [
    ([GroupNormalization(3)], (2, 4), "4 channels cannot be split into 3 groups"),
    ([InstanceNormalization()], (4,), "would normalise each of 4 values by itself"),
    ([GroupNormalization(4, axis=1)], (4, 1), "would normalise each of 4 values by itself"),
    ([LayerNormalization()], (1,), "would normalise each of 1 values by itself"),
    ([GroupNormalization(2, affine="element")], (3, 4), "channels on axis 1"),
    ([BatchNormalization(axis=2)], (3, 4, 5), "axis 1 or on the last one, not 2"),
    ([BatchNormalization(axis=0)], (3,), "axis 1 or on the last one, not 0"),
    ([PReLU(axis=-2)], (3, 4), "axis 1 or on the last one, not -2"),
    ([Reshape((2, 4))], (9,), r"shape \(9,\), 9 values, cannot be given the shape \(2, 4\), which has 8"),
    ([Dense(3)], (2, 3), r"needs flat samples, not \(n, 2, 3\): put Flatten"),
    ([Maxout(3)], (2, 3), "flat samples"),
    ([Residual([Dense(3)])], (4,), r"make \(3,\) of \(4,\); the shape must stay"),
    ([Residual([Flatten()])], (4, 2), "the shape must stay"),
    ([Dense(3), Dropout(0.5)], (4,), "last layer may not add noise"),
    ([Flatten()], (4,), "at least one layer that computes"),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD_ARGUMENTS, ids=[message for _, _, message in BAD_ARGUMENTS])
def test_bad_arguments(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


@pytest.mark.parametrize(("layers", "shape", "message"), BAD_SHAPES, ids=[repr(layers) for layers, _, _ in BAD_SHAPES])
def test_bad_shapes(layers, shape, message):
    model = fo.Sequential(layers)
    with pytest.raises(ValueError, match=message):
        model.build(shape)
    assert not model.built


def test_a_last_batch_of_one_sample(data):
    """It is refused before anything is trained, and said by which layer."""
    x, y = data[0][:33], data[1][:33]
    for layers, name in (
        ([Dense(8), BatchNormalization()], "batch_normalization"),
        ([Dense(8), Residual([BatchNormalization(name="inner"), Dense(8)])], "residual/inner"),
    ):
        model = fo.Sequential([*layers, Dense(4)])
        model.compile("adam", "sparse_categorical_crossentropy")
        model.build(19)
        before = everything(model)
        message = f"{name} needs more than one value for each channel"
        with pytest.raises(ValueError, match=message):
            model.fit(x, y, batch_size=32, verbose=0)
        with pytest.raises(ValueError, match=message):
            model.train_on_batch(x[:1], y[:1])
        with pytest.raises(ValueError, match=message):
            model(x[:1])
        assert all((before[key] == view).all() for key, view in everything(model).items())
        assert model.predict(x[:1]).shape == (1, 4)
    images = fo.Sequential([BatchNormalization(), Flatten(), Dense(1)])
    assert images(np.zeros((1, 3, 2))).shape == (1, 1)  # three values a channel


def test_samples_of_another_shape(rng):
    model = fo.Sequential([BatchNormalization(), Flatten(), Dense(2)])
    model.build((3, 4))
    for wrong in ((5, 3, 5), (5, 12), (5, 4, 3), (5,)):
        with pytest.raises(ValueError, match=r"x has shape|expected"):
            model(rng.normal(size=wrong))
