"""Models trained by solvers: the same as the solver on the model's cost, whatever the model is made of."""

import copy
import itertools
import json
import pickle
import threading

import numpy as np
import pytest
from interrupts import interrupt
from safetensors.numpy import load_file, save_file

import fastopt as fo
from fastopt import layers, regularizers, solvers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 6))
LABELS = (X[:, 0] > 0).astype(int) + (X[:, 1] * X[:, 2] > 0)
Y = np.column_stack([np.sin(X[:, 0]) + X[:, 1], X[:, 2] * X[:, 3]])

SOLVERS = {
    "lbfgs": solvers.LBFGS(memory=5),
    "bfgs": solvers.BFGS(),
    "cg": solvers.ConjugateGradients(),
    "steepest": solvers.SteepestDescent(solvers.Backtracking()),
    "newton": solvers.Newton(),
    "newton_cg": solvers.NewtonCG(),
    "newton_cg_line": solvers.NewtonCG("wolfe"),
}


def network(dtype="float64", *inner, outputs=3, activation="softmax", **options):
    return fo.Sequential(
        [layers.Dense(7, "tanh", **options), *inner, layers.Dense(outputs, activation)], dtype=dtype, seed=1
    )


def compiled(solver, dtype="float64", *inner, **options):
    model = network(dtype, *inner, **options)
    model.compile(solver, "sparse_categorical_crossentropy", ["accuracy"])
    return model


def weights_of(model):
    return np.concatenate([view.ravel() for view in model.parameters.values()])


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one.get_weights(), other.get_weights(), strict=True))


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_falls_in_every_epoch(name, dtype):
    model = compiled(SOLVERS[name], dtype)
    model.build(6)
    before = model.evaluate(X, LABELS)["loss"]
    history = model.fit(X, LABELS, epochs=12, verbose=0).history
    losses = [before, *history["loss"]]
    assert all(after < before for before, after in itertools.pairwise(losses))
    assert losses[-1] < 0.8 * before
    logged = model.evaluate(X, LABELS)
    assert (logged["loss"], logged["accuracy"]) == pytest.approx((losses[-1], history["accuracy"][-1]), rel=1e-6)
    _value, gradient = model.cost_and_gradient(X, LABELS)
    assert history["gradient_norm"][-1] == pytest.approx(np.abs(gradient).max(), rel=1e-12)
    assert history["nfev"][-1] >= history["njev"][-1] >= 1
    assert history["step"][-1] > 0
    assert ("nhev" in history) == name.startswith("newton")


@pytest.mark.parametrize("name", ["lbfgs", "bfgs", "cg", "steepest"])
def test_the_way_is_that_of_minimize(name):
    """The gradients are those of `cost_and_gradient`, to the bit."""
    model = compiled(SOLVERS[name])
    model.build(6)
    found = solvers.minimize(
        lambda w: model.cost_and_gradient(X, LABELS, w),
        weights_of(model),
        jac=True,
        method=SOLVERS[name],
        options={"maxiter": 20},
    )
    history = model.fit(X, LABELS, epochs=20, verbose=0).history
    assert np.array_equal(weights_of(model), found.x)
    assert history["loss"][-1] == pytest.approx(found.fun, rel=1e-12)


@pytest.mark.parametrize("name", SOLVERS)
def test_linear_least_squares(name):
    solver = SOLVERS[name].replaced(gtol=1e-9)
    solver = solver.replaced(ftol=0.0)
    model = fo.Sequential([layers.Dense(2)], dtype="float64")
    model.compile(solver, "mse")
    history = model.fit(X, Y, epochs=300, verbose=0)
    assert history.message == "the gradient is within gtol"
    assert len(history.epoch) < 300
    expected = np.linalg.lstsq(np.column_stack([X, np.ones(len(X))]), Y, rcond=None)[0]
    np.testing.assert_allclose(np.vstack(model.get_weights()), expected, atol=1e-7)


def test_float32_reaches_the_loss_of_float64():
    """Of a convex cost; that of a network has many minima, but no step ends in rounding."""
    losses = []
    for dtype in ("float32", "float64"):
        model = fo.Sequential([layers.Dense(3, "softmax", kernel_regularizer=regularizers.L2(1e-4))], dtype=dtype)
        model.compile(solvers.LBFGS(), "sparse_categorical_crossentropy")
        losses.append(model.fit(X, LABELS, epochs=300, verbose=0).history["loss"][-1])
        deep = compiled(solvers.LBFGS(), dtype, kernel_regularizer=regularizers.L2(0.003))
        way = deep.fit(X, LABELS, epochs=100, verbose=0).history["loss"]
        assert len(way) == 100
        assert way[-1] < 0.7 * way[10]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)


INNER = {
    "plain": (),
    "batch_norm": (layers.BatchNormalization(),),
    "dropout": (layers.Dropout(0.2),),
    "noise": (layers.GaussianNoise(0.1),),
    "all": (layers.BatchNormalization(), layers.PReLU(), layers.Dropout(0.2)),
}


@pytest.mark.parametrize("inner", INNER)
def test_bits_for_all_threads(inner, for_all_threads):
    x, labels = np.tile(X, (30, 1)), np.tile(LABELS, 30)

    def train():
        model = compiled("lbfgs", "float32", *copy.deepcopy(INNER[inner]))
        model.fit(x, labels, epochs=4, verbose=0)
        return model.get_weights()

    for_all_threads(train)


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("how", ["again", "pickle", "deepcopy", "file"])
def test_stop_and_resume(name, how, tmp_path):
    whole, parts = (compiled(SOLVERS[name], "float32") for _ in range(2))
    whole.fit(X, LABELS, epochs=8, verbose=0)
    parts.fit(X, LABELS, epochs=4, verbose=0)
    if how == "pickle":
        parts = pickle.loads(pickle.dumps(parts))
    elif how == "deepcopy":
        parts = copy.deepcopy(parts)
    elif how == "file":
        parts.save(tmp_path / "model.safetensors")
        parts = fo.load_model(tmp_path / "model.safetensors")
        assert parts.optimizer == SOLVERS[name]
    parts.fit(X, LABELS, epochs=4, verbose=0)
    assert same(whole, parts)
    assert parts.epochs_trained == 8


@pytest.mark.parametrize("inner", INNER)
def test_stop_and_resume_with_state(inner, tmp_path):
    whole, parts = (compiled("cg", "float32", *copy.deepcopy(INNER[inner])) for _ in range(2))
    whole.fit(X, LABELS, epochs=6, batch_size=128, verbose=0)
    parts.fit(X, LABELS, epochs=3, batch_size=128, verbose=0)
    parts.save(tmp_path / "model.safetensors")
    parts = fo.load_model(tmp_path / "model.safetensors")
    parts.fit(X, LABELS, epochs=3, batch_size=128, verbose=0)
    assert same(whole, parts)


def test_other_weights_begin_anew():
    """What the solver remembers belongs to the weights that it left, and to the parameters that learn."""
    model, other = (compiled("lbfgs") for _ in range(2))
    model.fit(X, LABELS, epochs=5, verbose=0)
    other.build(6)
    other.set_weights([view * 0.5 for view in model.get_weights()])
    model.set_weights([view * 0.5 for view in model.get_weights()])
    for each in (model, other):
        each.fit(X, LABELS, epochs=3, verbose=0)
    assert same(model, other)
    model.layers[0].trainable = other.layers[0].trainable = False
    other = pickle.loads(pickle.dumps(other))
    for each in (model, other):
        each.fit(X, LABELS, epochs=3, verbose=0)
    assert same(model, other)


def test_compiling_again():
    solver = solvers.LBFGS()
    whole, same_object, another = (compiled(solver) for _ in range(3))
    whole.fit(X, LABELS, epochs=6, verbose=0)
    for model, second in ((same_object, solver), (another, solvers.LBFGS())):
        model.fit(X, LABELS, epochs=3, verbose=0)
        model.compile(second, "sparse_categorical_crossentropy")
        model.fit(X, LABELS, epochs=3, verbose=0)
    assert same(whole, same_object)
    assert not same(whole, another)
    assert whole.optimizer == solver
    assert whole.optimizer is not solver


def test_interrupt():
    """Ctrl-C in an iteration leaves the weights of the one before; what follows is as if it had not come."""
    x = np.tile(X, (2000, 1)).astype(np.float32)
    labels = np.tile(LABELS, 2000)
    stopped, whole = (compiled("cg", "float32") for _ in range(2))
    stopped.fit(x, labels, epochs=1, verbose=0)
    assert interrupt(lambda: stopped.fit(x, labels, epochs=1000, verbose=0), 0.7) < 0.2
    done = stopped.epochs_trained
    assert 1 < done < 1000
    whole.fit(x, labels, epochs=done, verbose=0)
    if not same(stopped, whole):  # it came when the iteration was done and not yet counted
        whole.fit(x, labels, epochs=1, verbose=0)
    assert same(stopped, whole)
    for model in (stopped, whole):
        model.fit(x, labels, epochs=2, verbose=0)
    assert same(stopped, whole)


def test_interrupt_between_evaluations():
    """In the eigenvalues of the Hessian, which take longer than it."""
    model = fo.Sequential([layers.Dense(60), layers.Dense(16)], dtype="float64", seed=1)
    model.compile("newton", "mse")
    x, y = RNG.normal(size=(1, 6)), RNG.normal(size=(1, 16))
    model.build(6)
    before = model.get_weights()
    assert interrupt(lambda: model.fit(x, y, epochs=1, verbose=0), 0.7) < 0.2
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_frozen_layers_stay_as_they_are():
    model = compiled("lbfgs", "float32", layers.Dense(5, "tanh", trainable=False), layers.BatchNormalization())
    model.build(6)
    model.layers[2].trainable = False
    before = {name: view.copy() for name, view in (model.parameters | model.state).items()}
    model.fit(X, LABELS, epochs=5, verbose=0)
    frozen = [name for name in before if name.startswith(("dense_1", "batch_normalization"))]
    assert len(frozen) == 7
    for name, view in (model.parameters | model.state).items():
        assert np.array_equal(view, before[name]) == (name in frozen)


def test_batch_normalization_sees_all_rows():
    """The cost is that of all rows as one batch, and its gradient goes through their moments."""
    model = compiled(solvers.SteepestDescent(solvers.FixedStep(0.1)), "float64", layers.BatchNormalization())
    model.build(6)
    x, labels = np.tile(X, (20, 1)), np.tile(LABELS, 20)
    step = copy.deepcopy(model)
    step.compile(fo.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    step.train_on_batch(x, labels)
    model.fit(x, labels, verbose=0)
    for name, view in model.parameters.items():
        np.testing.assert_allclose(view, step.parameters[name], atol=1e-12)
    # The running statistics are those of all rows at the new weights.
    model.compile("lbfgs", "sparse_categorical_crossentropy")
    losses = model.fit(x, labels, epochs=5, verbose=0).history["loss"]
    assert model.evaluate(x, labels)["loss"] == pytest.approx(losses[-1], rel=1e-12)
    state = {name: view.copy() for name, view in model.state.items()}
    model.recompute_statistics(x)
    for name, view in model.state.items():
        np.testing.assert_allclose(view, state[name], rtol=1e-9)


def test_masks_stay_the_same_in_an_iteration():
    """Each iteration falls on the cost of its own masks, which are those of all rows, chunk by chunk."""
    seen = []

    def loss(y, outputs):
        seen.append(outputs.copy())
        return ((outputs - y) ** 2).mean(axis=1), 2 * (outputs - y) / y.shape[1]

    model = network("float64", layers.Dropout(0.5), outputs=2, activation="linear")
    model.compile(solvers.SteepestDescent(solvers.FixedStep(1e-12)), loss)
    x, y = np.tile(X[:1], (5000, 1)), np.tile(Y[:1], (5000, 1))
    model.fit(x, y, epochs=2, verbose=0)
    chunks = len(seen) // 4
    assert len(seen) == 4 * chunks
    assert chunks > 1
    first, again, new, new_again = (np.concatenate(seen[i * chunks : (i + 1) * chunks]) for i in range(4))
    np.testing.assert_allclose(first, again, atol=1e-8)
    np.testing.assert_allclose(new, new_again, atol=1e-8)
    assert np.abs(first - new).max() > 0.1
    assert np.abs(first[:100] - first[-100:]).max() > 0.1  # other rows, other masks


def test_penalties_and_weights():
    options = {"kernel_regularizer": regularizers.L2(0.01), "activity_regularizer": regularizers.L2(0.001)}
    weight = RNG.uniform(0, 2, len(X))
    model = compiled("lbfgs", **options)
    model.build(6)
    found = solvers.minimize(
        lambda w: model.cost_and_gradient(X, LABELS, w, sample_weight=weight),
        weights_of(model),
        jac=True,
        options={"maxiter": 15},
    )
    model.fit(X, LABELS, epochs=15, sample_weight=weight, verbose=0)
    assert np.array_equal(weights_of(model), found.x)
    classes = {0: 1.0, 1: 3.0, 2: 0.5}
    one, other = compiled("lbfgs"), compiled("lbfgs")
    one.fit(X, LABELS, epochs=5, class_weight=classes, verbose=0)
    other.fit(X, LABELS, epochs=5, sample_weight=np.array([1.0, 3.0, 0.5])[LABELS], verbose=0)
    assert same(one, other)


def test_function_as_loss():
    def loss(y, outputs):
        return ((outputs - y) ** 2).mean(axis=1), 2 * (outputs - y) / y.shape[1]

    def of_all(y, outputs):
        return ((outputs - y) ** 2).mean(), 2 * (outputs - y) / y.size

    models = []
    for which in ("mse", loss, of_all):
        model = network(outputs=2, activation="linear")
        model.compile("lbfgs", which)
        model.fit(np.tile(X, (20, 1)), np.tile(Y, (20, 1)), epochs=5, verbose=0)
        models.append(weights_of(model))
    np.testing.assert_allclose(models[1], models[0], atol=1e-9)
    np.testing.assert_allclose(models[2], models[0], atol=1e-9)


def test_a_function_that_fails_leaves_the_last_iteration():
    calls = []

    def loss(y, outputs):
        calls.append(0)
        if len(calls) == 8:
            raise KeyError("gone")
        return ((outputs - y) ** 2).mean(axis=1), 2 * (outputs - y) / y.shape[1]

    whole, failing = (network(outputs=2, activation="linear") for _ in range(2))
    whole.compile("lbfgs", "mse")
    failing.compile("lbfgs", loss)
    with pytest.raises(KeyError, match="gone"):
        failing.fit(X, Y, epochs=20, verbose=0)
    whole.fit(X, Y, epochs=failing.epochs_trained, verbose=0)
    np.testing.assert_allclose(weights_of(failing), weights_of(whole), atol=1e-9)


def test_several_inputs_and_outputs(tmp_path):
    a, b = fo.Input(4), fo.Input(2)
    h = layers.Concatenate()([layers.Dense(6, "tanh")(a), b])
    model = fo.Model([a, b], [layers.Dense(2, name="value")(h), layers.Dense(3, "softmax", name="kind")(h)], seed=2)
    losses = {"value": "mse", "kind": "sparse_categorical_crossentropy"}
    model.compile("lbfgs", losses, loss_weights=[0.5, 1.0])
    x, y = [X[:, :4], X[:, 4:]], [Y, LABELS]
    history = model.fit(x, y, epochs=10, validation_data=(x, y), verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    assert history["loss"][-1] == pytest.approx(history["val_loss"][-1], rel=1e-6)
    whole, parts = copy.deepcopy(model), model
    whole.fit(x, y, epochs=4, verbose=0)
    parts.fit(x, y, epochs=2, verbose=0)
    parts.save(tmp_path / "model.safetensors")
    parts = fo.load_model(tmp_path / "model.safetensors")
    parts.fit(x, y, epochs=2, verbose=0)
    assert same(whole, parts)


@pytest.mark.parametrize("name", ["lbfgs", "cg", "newton_cg"])
def test_batches(name):
    """An epoch goes through batches, with some iterations on each."""
    model = compiled(SOLVERS[name], "float32")
    history = model.fit(X, LABELS, batch_size=128, epochs=8, iterations=2, verbose=0).history
    assert history["loss"][-1] < 0.9 * history["loss"][0]
    assert all(n >= 3 * (2 + 1) - 2 for n in history["nfev"])  # a look at the new batch, and the iterations
    seen = []
    every = fo.callbacks.LambdaCallback(on_batch_end=lambda batch, logs: seen.append((batch, sorted(logs))))
    model.fit(X, LABELS, batch_size=128, callbacks=[every], verbose=0)
    assert [batch for batch, _ in seen] == [0, 1, 2]
    assert seen[0][1] == ["accuracy", "loss"]


def test_iterations_on_all_rows():
    model, other = compiled("lbfgs"), compiled("lbfgs")
    model.fit(X, LABELS, epochs=4, verbose=0)
    other.fit(X, LABELS, epochs=2, iterations=2, verbose=0)
    assert same(model, other)


def test_one_batch_by_itself():
    model, other = compiled("lbfgs"), compiled("lbfgs")
    logs = model.train_on_batch(X, LABELS)
    history = other.fit(X, LABELS, verbose=0).history
    assert same(model, other)
    assert logs["loss"] == history["loss"][0]


def test_callbacks(tmp_path):
    model = compiled("lbfgs", "float32")
    stop = fo.callbacks.EarlyStopping("val_loss", patience=3, restore_best_weights=True)
    history = model.fit(X[:150], LABELS[:150], epochs=200, validation_data=(X[150:], LABELS[150:]), callbacks=[stop])
    assert len(history.epoch) == stop.best_epoch + 4
    assert model.evaluate(X[150:], LABELS[150:])["loss"] == pytest.approx(min(history.history["val_loss"]), rel=1e-6)
    assert history.message == ""
    for callback in (
        fo.callbacks.ReduceLROnPlateau("loss"),
        fo.callbacks.WarmupUntil(0.1, 0.2, 1.0),
        fo.callbacks.LearningRateScheduler(lambda epoch: 0.1),
    ):
        with pytest.raises((TypeError, AttributeError), match=r"learning.rate"):
            model.fit(X, LABELS, callbacks=[callback], verbose=0)


def test_backups(tmp_path):
    """A training that was interrupted goes on to the bit; the file goes when a solver has ended it."""

    def stop(epoch, logs):
        if epoch == 4:
            raise KeyboardInterrupt

    whole, stopped, again = (compiled(solvers.LBFGS(gtol=1e-2), "float32") for _ in range(3))
    whole.fit(X, LABELS, epochs=500, verbose=0)
    backup, stopping = fo.callbacks.BackupAndRestore(tmp_path), fo.callbacks.LambdaCallback(on_epoch_end=stop)
    with pytest.raises(KeyboardInterrupt):
        stopped.fit(X, LABELS, epochs=500, callbacks=[backup, stopping], verbose=0)
    assert any(tmp_path.iterdir())
    other = fo.callbacks.LambdaCallback()
    history = again.fit(X, LABELS, epochs=500, callbacks=[backup, other], verbose=0)
    assert history.message == "the gradient is within gtol"
    assert same(whole, again)
    assert not any(tmp_path.iterdir())


def test_it_ends_where_nothing_is_better():
    model = fo.Sequential([layers.Dense(2)], dtype="float32")
    model.compile(solvers.LBFGS(gtol=0.0, ftol=0.0), "mse")
    history = model.fit(X, Y, epochs=20_000, verbose=0)
    assert history.message.startswith("no lower point")
    assert 5 < len(history.epoch) < 20_000
    assert history.history["step"][-1] == 0
    assert history.history["loss"][-1] == pytest.approx(model.evaluate(X, Y)["loss"], rel=1e-6)


def test_at_the_minimum_nothing_moves():
    model = compiled(solvers.LBFGS(gtol=1e10))
    model.build(6)
    before = model.get_weights()
    history = model.fit(X, LABELS, epochs=3, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert (len(history.epoch), history.history["nfev"], history.history["step"]) == (1, [1], [0.0])


def test_steps_too_long_are_taken_back():
    """A line search goes around where the loss is infinite."""
    model = fo.Sequential([layers.Dense(1, kernel_initializer="ones", use_bias=False)], dtype="float32")
    model.compile("lbfgs", "mse")
    x = np.full((4, 1), 1e20)
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match="not finite"):
        model.fit(x, np.zeros(4), verbose=0)
    assert model.get_weights()[0] == 1


def test_other_threads_wait():
    model = compiled("lbfgs", "float32")
    model.build(6)
    threads = [threading.Thread(target=model.fit, args=(X, LABELS), kwargs={"verbose": 0}) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert np.isfinite(weights_of(model)).all()


ERRORS = {
    "residuals": (
        lambda: compiled(solvers.LevenbergMarquardt()),
        ValueError,
        "LevenbergMarquardt needs residuals .* LBFGS",
    ),
    "bounds": (
        lambda: compiled(solvers.LBFGS(search=solvers.Projected())),
        ValueError,
        "no bounds: give LBFGS Backtracking",
    ),
    "unknown": (lambda: compiled("lbgfs"), ValueError, "Did you mean 'lbfgs'"),
    "class": (lambda: compiled(solvers.LBFGS), TypeError, "Make an object of it"),
    "clip": (lambda: fo.optimizers.Clip(solvers.LBFGS(), norm=1.0), TypeError, "LBFGS.* is no optimizer"),
    "accumulate": (lambda: fo.optimizers.Accumulate("lbfgs", 2), ValueError, "Unknown optimizer 'lbfgs'"),
    "rate": (lambda: solvers.LBFGS(learning_rate=0.1), TypeError, "learning_rate"),
    "attribute": (
        lambda: setattr(compiled("lbfgs").optimizer, "learning_rate", 0.1),
        AttributeError,
        "LBFGS has no attribute 'learning_rate'",
    ),
    "constraint": (
        lambda: compiled("lbfgs", kernel_constraint=fo.constraints.MaxNorm(2.0)).fit(X, LABELS, verbose=0),
        ValueError,
        "LBFGS knows no constraints",
    ),
    "frozen": (lambda: compiled_frozen().fit(X, LABELS, verbose=0), ValueError, "All layers are frozen"),
    "large": (
        lambda: large(solvers.BFGS()).fit(np.ones((2, 100)), np.ones((2, 101)), verbose=0),
        ValueError,
        "BFGS .* up to 10000 weights; this one has 10100: use LBFGS",
    ),
    "newton": (
        lambda: large(solvers.Newton()).fit(np.ones((2, 100)), np.ones((2, 101)), verbose=0),
        ValueError,
        "Newton .* up to 2000 weights",
    ),
    "iterations": (
        lambda: compiled("adam").fit(X, LABELS, iterations=2),
        ValueError,
        "iterations are those of a solver",
    ),
    "no-iterations": (lambda: compiled("lbfgs").fit(X, LABELS, iterations=0), ValueError, "iterations must be at"),
    "apply": (lambda: compiled_built().apply_gradients(), RuntimeError, "LBFGS looks at the cost"),
}


def compiled_frozen():
    model = compiled("lbfgs")
    model.trainable = False
    return model


def compiled_built():
    model = compiled("lbfgs")
    model.build(6)
    return model


def large(solver):
    model = fo.Sequential([layers.Dense(101, use_bias=False)])
    model.compile(solver, "mse")
    return model


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()


def test_damaged_files(tmp_path):
    model = compiled("lbfgs", "float32")
    model.fit(X, LABELS, epochs=3, verbose=0)
    path = tmp_path / "model.safetensors"
    model.save(path)
    with path.open("rb") as file:
        metadata = json.loads(file.read(int.from_bytes(file.read(8), "little")))["__metadata__"]
    whole = load_file(path)
    assert any(name.startswith("/") for name in whole)
    for changed in (
        {"/direction/vectors": whole["/direction/vectors"][:-1]},
        {"/direction/vectors": np.full_like(whole["/direction/vectors"], np.nan)},
        {"/direction/vectors": whole["/direction/vectors"].astype(np.float32)},
        {"/direction/other": np.ones(3)},
    ):
        save_file(whole | changed, path, metadata)
        with pytest.raises(ValueError, match="cannot be loaded"):
            fo.load_model(path)
    large = metadata | {"fastopt": metadata["fastopt"].replace('"memory": 10', '"memory": 999')}
    save_file(whole, path, large)
    with pytest.raises(ValueError, match="LBFGS keeps"):
        fo.load_model(path)
