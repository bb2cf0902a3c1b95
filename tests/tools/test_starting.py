"""Starting well: from the weights of another model, layer by layer, from smoother functions."""

import numpy as np
import pytest

import fastopt as fo
from fastopt.callbacks import LambdaCallback, WeightNoise
from fastopt.layers import BatchNormalization, Dense, Dropout
from fastopt.optimizers import SGD, Adam

X, Y = fo.datasets.load_digits()


def model(*units, seed=0, names=(), loss="sparse_categorical_crossentropy", optimizer=None, extra=()):
    hidden = [
        layer
        for n, name in zip(units, names or [None] * len(units), strict=True)
        for layer in (Dense(n, "sigmoid", kernel_initializer="lecun_normal", name=name), *(kind() for kind in extra))
    ]
    made = fo.Sequential([*hidden, Dense(10, kernel_initializer="lecun_normal", name="out")], seed=seed)
    made.compile(SGD(0.5) if optimizer is None else optimizer, loss, ["accuracy"])
    made.build(64)
    return made


def same(a, b, layers):
    names = [name for name in a.parameters if name.split("/")[0] in layers]
    assert names
    return [np.array_equal(a.parameters[name], b.parameters[name]) for name in names]


# Weights of another model


def test_deeper():
    small, deep = model(8, names=["a"]), model(8, 8, seed=1, names=["a", "b"])
    new = deep.parameters["b/kernel"].copy()
    assert fo.copy_weights(small, deep) == ["a", "out"]
    assert all(same(small, deep, ["a", "out"]))
    np.testing.assert_array_equal(deep.parameters["b/kernel"], new)


def test_by_position():
    one, other = model(8, 8, names=["a", "b"]), model(8, 8, seed=1, names=["c", "d"])
    assert fo.copy_weights(one, other, by="position") == ["c", "d", "out"]
    assert all(np.array_equal(v, w) for v, w in zip(one.get_weights(), other.get_weights(), strict=True))


def test_wider():
    narrow, wide = model(8, names=["a"]), model(12, seed=1, names=["a"])
    before = wide.get_weights()
    with pytest.raises(
        ValueError, match=r"'a' has kernel \(64, 12\), bias \(12,\); that of source has kernel \(64, 8\)"
    ):
        fo.copy_weights(narrow, wide)
    assert all(np.array_equal(v, w) for v, w in zip(before, wide.get_weights(), strict=True))
    fo.copy_weights(narrow, wide, partial=True)
    for old, new, given in zip(before, wide.get_weights(), narrow.get_weights(), strict=True):
        corner = tuple(map(slice, given.shape))
        np.testing.assert_array_equal(new[corner], given)
        old[corner] = given
        np.testing.assert_array_equal(new, old)


def test_statistics_go_with_the_weights():
    one, other = model(8, names=["a"], extra=[BatchNormalization]), model(8, names=["a"], extra=[BatchNormalization])
    one.fit(X, Y, verbose=0)
    fo.copy_weights(one, other)
    np.testing.assert_array_equal(one.predict(X), other.predict(X))


def test_frozen_stays():
    source, target = model(8, names=["a"]), model(8, seed=1, names=["a"])
    fo.copy_weights(source, target, ["a"], freeze=True)
    target.fit(X, Y, verbose=0)
    assert all(same(source, target, ["a"]))
    assert not any(same(source, target, ["out"]))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((model(8, names=["a"]), None), TypeError, "target must be"),
        ((model(8, names=["a"]), fo.Sequential([Dense(3)])), RuntimeError, "no weights yet"),
        ((model(8, names=["a"]), model(8, names=["b"]), ["b"]), ValueError, "layers 'b'"),
        ((fo.Sequential([Dense(3)]), model(8)), RuntimeError, "no weights yet"),
    ],
)
def test_weights_that_cannot_be_copied(arguments, error, message):
    with pytest.raises(error, match=message):
        fo.copy_weights(*arguments)


# Layer by layer


@pytest.mark.parametrize("seed", range(3))
def test_pretraining_of_a_deep_network(seed):
    """Of equal epochs: the direct way stays at ln 10."""
    direct, pretrained = (model(*[32] * 5, seed=seed) for _ in range(2))
    x, y = X[:1400], Y[:1400]
    assert direct.fit(x, y, epochs=60, verbose=0).history["loss"][-1] > 2.2
    assert fo.pretrain(pretrained, x, y, epochs=10, verbose=0)[-1].history["loss"][-1] < 0.3


@pytest.mark.parametrize("extra", [(), (BatchNormalization, lambda: Dropout(0.1))], ids=["plain", "normalised"])
def test_stages(extra):
    made, seen = model(12, 10, 8, extra=extra), []
    starting = {name: view.copy() for name, view in made.parameters.items()}

    def look():
        stage = look.callback.model
        seen.append({name: view.copy() for name, view in stage.parameters.items()})
        assert stage.layer_names[-1] == "out"
        assert len([layer for layer in stage.layers if isinstance(layer, Dense)]) == len(seen) + 1

    look.callback = LambdaCallback(on_train_end=look)
    histories = fo.pretrain(made, X[:300], Y[:300], epochs=2, fine_tuning=0, callbacks=[look.callback], verbose=0)
    assert len(histories) == len(seen) == 3
    hidden = [name for name in made.layer_names if name.startswith("dense")]
    for k, name in enumerate(hidden):
        kernel = f"{name}/kernel"
        assert not np.array_equal(seen[k][kernel], starting[kernel])
        for later in seen[k + 1 :]:  # frozen
            np.testing.assert_array_equal(later[kernel], seen[k][kernel])
    for name, view in made.parameters.items():
        np.testing.assert_array_equal(view, seen[-1][name])
    assert all(layer.trainable for layer in made.layers)


def test_interrupted_stage_keeps_what_it_has():
    made = model(12, 10)

    def interrupt(epoch, logs):
        if epoch == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fo.pretrain(made, X, Y, epochs=9, callbacks=[LambdaCallback(on_epoch_end=interrupt)], verbose=0)
    fresh = model(12, 10)
    assert not any(same(made, fresh, ["dense"])[:1])
    assert all(same(made, fresh, ["dense_1", "out"]))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: None, TypeError, "model must be"),
        (lambda: model(), ValueError, "no hidden layer"),
        (lambda: fo.Sequential([Dense(3), Dense(3)]), RuntimeError, "no loss"),
    ],
)
def test_what_cannot_be_pretrained(make, error, message):
    with pytest.raises(error, match=message):
        fo.pretrain(make(), X, Y, epochs=1, verbose=0)


# Continuation


def wavy(theta):
    return float((theta**2 + 10 - 10 * np.cos(2 * np.pi * theta)).sum())


def slope(theta):
    return 2 * theta + 20 * np.pi * np.sin(2 * np.pi * theta)


def smooth(theta, sigma):
    return float((theta**2 + sigma**2 + 10 - 10 * np.cos(2 * np.pi * theta) * np.exp(-2 * (np.pi * sigma) ** 2)).sum())


def smooth_slope(theta, sigma):
    return 2 * theta + 20 * np.pi * np.sin(2 * np.pi * theta) * np.exp(-2 * (np.pi * sigma) ** 2)


def test_plain_descent_stays_in_its_valley():
    assert fo.solvers.minimize(wavy, 4.6, jac=slope).x[0] == pytest.approx(4.974691391, abs=1e-6)


@pytest.mark.parametrize("both", [False, True], ids=["two functions", "one function"])
@pytest.mark.parametrize("closed", [False, True], ids=["samples", "closed form"])
@pytest.mark.parametrize("x0", [4.6, [4.6, -3.3]], ids=["number", "vector"])
def test_continuation(both, closed, x0):
    fun, jac = (smooth, smooth_slope) if closed else (wavy, slope)
    given = (lambda *a: (fun(*a), jac(*a)), True) if both else (fun, jac)
    results = fo.solvers.continuation(given[0], x0, jac=given[1], closed_form=closed, samples=256)
    assert len(results) == 5
    np.testing.assert_allclose(results[-1].x, 0, atol=1e-6)
    assert results[-1].fun == pytest.approx(0, abs=1e-10)


def test_where_the_smooth_function_becomes_convex():
    theta = np.linspace(-5, 5, 2001)
    for sigma, convex in ((0.5174465740 + 1e-6, True), (0.5174465740 - 1e-6, False)):
        second = 2 + 40 * np.pi**2 * np.cos(2 * np.pi * theta) * np.exp(-2 * (np.pi * sigma) ** 2)
        assert (second.min() >= 0) == convex


def test_new_samples_each_time():
    results = fo.solvers.continuation(
        wavy, 4.6, [1.0, 0.5, 0.25], slope, fixed=False, method=Adam(0.05), options={"maxiter": 600}
    )
    assert abs(results[-1].x[0]) < 0.3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sigmas": [0.1, 0.1]}, "sigmas must fall"),
        ({"sigmas": []}, "sigmas must fall"),
        ({"samples": 3}, "samples must be even"),
        ({"fixed": False}, "fixed=False"),
    ],
)
def test_continuation_that_cannot_be(arguments, message):
    with pytest.raises(ValueError, match=message):
        fo.solvers.continuation(wavy, 4.6, **arguments)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_noise_is_at_the_gradient_alone(dtype):
    """A step of SGD is w - rate g(w + sigma z); without a rate nothing moves but by rounding."""
    made = fo.Sequential([Dense(1, use_bias=False)], seed=0, dtype=dtype)
    x, y = X[:50, 10:20], X[:50, 20]
    made.compile(SGD(0.0), "mse")
    made.build(10)
    w = made.parameters["dense/kernel"]
    before, seen = w.copy(), []
    look = LambdaCallback(on_batch_begin=lambda batch: seen.append(w - before))
    made.fit(x, y, batch_size=10, epochs=40, callbacks=[WeightNoise(0.5), look], verbose=0)
    np.testing.assert_allclose(w, before, atol=200 * np.finfo(dtype).eps)
    assert np.std(seen) == pytest.approx(0.5, rel=0.05)
    assert abs(np.mean(seen)) < 0.05
    before = w.copy()
    made.compile(SGD(0.1), "mse")
    made.fit(x, y, batch_size=50, callbacks=[WeightNoise(0.5), look], shuffle=False, verbose=0)
    at = before + seen[-1]
    np.testing.assert_allclose(w, before - 0.1 * 2 / 50 * x.T @ (x @ at - y[:, None]), rtol=1e-4, atol=1e-6)


def test_noise_is_the_cores():
    """A function of the seed, the number of steps and the tensor alone."""
    made, seen = model(8), []
    look = LambdaCallback(on_batch_begin=lambda batch: seen.append(made.get_weights()))
    for callbacks in ([look], [WeightNoise(0.5), look]):
        made = model(8, optimizer=SGD(0.0))
        made.fit(X[:32], Y[:32], batch_size=16, epochs=1, callbacks=callbacks, verbose=0)
    for step in range(2):
        for i, (still, moved) in enumerate(zip(seen[step], seen[2 + step], strict=True)):
            drawn = fo.kernels.normal(made.seed, (3 << 62) + (step << 24) + i, still.size).reshape(still.shape)
            np.testing.assert_allclose(moved - still, 0.5 * drawn, atol=1e-6)


def test_no_noise_on_what_is_frozen():
    made = model(8, names=["a"])
    made.get_layer("a").trainable = False
    before, seen = model(8, names=["a"]), []
    look = LambdaCallback(on_batch_end=lambda batch, logs: seen.append(made.parameters["a/kernel"].copy()))
    made.fit(X, Y, epochs=2, callbacks=[look, WeightNoise(0.5)], verbose=0)
    assert all(np.array_equal(kernel, before.parameters["a/kernel"]) for kernel in seen)
    assert all(same(made, before, ["a"]))


def test_noise_goes_where_training_ends_inside_an_epoch():
    made = model(8, optimizer=SGD(0.0))
    before = made.get_weights()

    def stop(batch, logs):
        raise KeyboardInterrupt

    stopping = LambdaCallback(on_batch_end=stop)
    with pytest.raises(KeyboardInterrupt):
        made.fit(X, Y, callbacks=[stopping, WeightNoise(1.0)], verbose=0)
    for v, w in zip(before, made.get_weights(), strict=True):
        np.testing.assert_allclose(v, w, atol=1e-5)


def test_falling_noise_of_a_model():
    made = model(16, optimizer="adam")
    histories = fo.continuation(made, X, Y, [0.3, 0.1, 0.0], epochs=3, verbose=0)
    assert [history.epoch for history in histories] == [[0, 1, 2]] * 3
    losses = [history.history["loss"][-1] for history in histories]
    assert losses == sorted(losses, reverse=True)
    again = model(16, optimizer="adam")
    fo.continuation(again, X, Y, [0.3, 0.1, 0.0], epochs=3, verbose=0)
    assert all(np.array_equal(v, w) for v, w in zip(made.get_weights(), again.get_weights(), strict=True))
