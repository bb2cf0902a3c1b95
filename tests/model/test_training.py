"""How training runs: the same bits for every number of threads and form of input, no allocation, forks and Ctrl-C."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import warnings

import cases
import numpy as np
import pytest
from interrupts import interrupt

import fastopt as fo
from fastopt import _core
from fastopt._core import allocations

LOSSES = {
    "sparse_categorical_crossentropy": ("softmax", "accuracy"),
    "categorical_crossentropy": ("linear", "accuracy"),
    "binary_crossentropy": ("sigmoid", "accuracy"),
    "mean_squared_error": ("tanh", "mae"),
}


def make(loss="sparse_categorical_crossentropy", optimizer="adam", dtype="float32", units=(33, 17)):
    last, metric = LOSSES[loss]
    layers = [fo.layers.Dense(n, hidden) for n, hidden in zip(units, ("relu", "sigmoid", "tanh"), strict=False)]
    model = fo.Sequential([*layers, fo.layers.Dense(4, last)], seed=7, dtype=dtype)
    model.compile(optimizer, loss, [metric])
    return model


def targets(loss, n, rng):
    y = rng.integers(0, 4, n)
    return y if loss.startswith("sparse") else np.eye(4)[y]


def state(model):
    return [view.tobytes() for view in (model.parameters | model.slots).values()]


@pytest.fixture
def data(rng):
    return rng.normal(size=(203, 19)), rng.integers(0, 4, 203)


@pytest.fixture
def threads():
    """Set the number of threads, for one test."""
    before = fo.get_num_threads()
    yield fo.set_num_threads
    fo.set_num_threads(before)


@pytest.mark.parametrize("batch_size", [2, 3, 32, 203])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", LOSSES)
def test_same_bits_for_every_number_of_threads(loss, dtype, batch_size, for_all_threads, rng):
    """Also for a team larger than the batch."""
    x, y, weight = rng.normal(size=(203, 19)), targets(loss, 203, rng), rng.random(203)

    def train():
        model = make(loss, dtype=dtype)
        logs = model.fit(x, y, batch_size, 3, sample_weight=weight, validation_split=0.1, verbose=0).history
        values = [logs[name] for name in sorted(logs) if name not in ("seconds", "samples_per_second")]
        return [*model.get_weights(), *model.slots.values(), *values, model.predict(x)]

    for_all_threads(train)


def test_same_bits_for_a_large_network(for_all_threads, rng):
    """With enough work in a batch for every thread."""
    x, y = rng.normal(size=(300, 130)), rng.integers(0, 4, 300)

    def train():
        model = make(units=(257, 129))
        losses = model.fit(x, y, 128, 3, verbose=0).history["loss"]
        return [*model.get_weights(), losses]

    for_all_threads(train)


@pytest.mark.parametrize("shuffle", [True, False])
def test_interrupted_and_resumed_is_uninterrupted(shuffle, data):
    straight, parts = make(), make()
    losses = straight.fit(*data, epochs=6, shuffle=shuffle, verbose=0).history["loss"]
    again = []
    for begin, end in [(0, 1), (1, 4), (4, 6)]:
        again += parts.fit(*data, epochs=end, initial_epoch=begin, shuffle=shuffle, verbose=0).history["loss"]
    assert again == losses
    assert state(parts) == state(straight)


def test_seeds(data):
    first, second, other = make(), make(), make()
    other.seed += 1
    for model in (first, second, other):
        model.fit(*data, verbose=0)
    assert state(first) == state(second) != state(other)
    assert len({fo.Sequential([fo.layers.Dense(1)], seed=None).seed for _ in range(5)}) == 5


def forms(x, folder):
    """Return the same numbers in every form that is accepted."""
    wide = np.zeros((len(x), 2 * x.shape[1]), x.dtype)
    wide[:, ::2] = x
    mapped = np.memmap(folder / "x", x.dtype, "w+", shape=x.shape)
    mapped[...] = x
    readonly = x.copy()
    readonly.flags.writeable = False
    result = {
        "fortran": np.asfortranarray(x),
        "strided": wide[:, ::2],
        "reversed": x[::-1].copy()[::-1],
        "memmap": mapped,
        "memmap-read": np.memmap(folder / "x", x.dtype, "r", shape=x.shape),
        "read-only": readonly,
        "list": x.tolist(),
    }
    for dtype in (np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32, np.uint64, np.int64, "f4", "f8", bool):
        if (x.astype(dtype) == x).all():
            result[np.dtype(dtype).name] = x.astype(dtype)
    return result


@pytest.mark.parametrize("high", [2, 100])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_form_of_input(dtype, high, rng, tmp_path):
    x, y = rng.integers(0, high, (101, 9)).astype(dtype), rng.integers(0, 4, 101)
    plain = make(dtype=dtype)
    plain.fit(x, y, epochs=2, validation_split=0.2, verbose=0)
    for name, form in forms(x, tmp_path).items():
        model = make(dtype=dtype)
        model.fit(form, y, epochs=2, validation_split=0.2, verbose=0)
        assert state(model) == state(plain), name
        assert (model.predict(form) == plain.predict(x)).all(), name
        assert model.evaluate(form, y) == plain.evaluate(x, y), name
        assert (model(form) == plain(x)).all(), name


@pytest.mark.parametrize(
    ("loss", "form"),
    [
        ("sparse_categorical_crossentropy", lambda y: y.astype(np.uint8)),
        ("sparse_categorical_crossentropy", lambda y: y.astype(np.float32)),
        ("sparse_categorical_crossentropy", lambda y: y[:, None]),
        ("sparse_categorical_crossentropy", lambda y: np.repeat(y, 2)[::2]),
        ("sparse_categorical_crossentropy", lambda y: y.tolist()),
        ("categorical_crossentropy", lambda y: np.asfortranarray(y)),
        ("categorical_crossentropy", lambda y: y.astype(bool)),
        ("binary_crossentropy", lambda y: y.astype(np.uint8)),
        ("mean_squared_error", lambda y: y.tolist()),
    ],
)
def test_every_form_of_targets(loss, form, rng):
    x, y = rng.normal(size=(50, 3)), targets(loss, 50, rng)
    plain, model = make(loss), make(loss)
    plain.fit(x, y, verbose=0)
    model.fit(x, form(y), verbose=0)
    assert state(model) == state(plain)


def test_input_is_not_copied(tmp_path):
    """Neither `fit` nor `predict` takes memory for a whole file of inputs."""
    import tracemalloc

    x = np.memmap(tmp_path / "x", np.float32, "w+", shape=(100_000, 100))
    y = np.arange(len(x)) % 2
    model = make(units=(2,))
    model.build(100)
    tracemalloc.start()
    try:
        model.fit(x, y, batch_size=1000, validation_split=0.5, verbose=0)
        model.evaluate(x[::2], y[::2])
        assert tracemalloc.get_traced_memory()[1] < x.nbytes / 4
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("batch_size", [*range(1, 12), 23, 24, 100])
@pytest.mark.parametrize("weighted", [False, True])
def test_every_batch_size_against_numpy(batch_size, weighted, rng):
    """The last, smaller batch counts: its gradient is a mean over its own rows."""
    n, rate = 23, 0.1
    x, y, weight = rng.normal(size=(n, 5)), rng.normal(size=(n, 2)), rng.random(n) if weighted else np.ones(n)
    model = fo.Sequential([fo.layers.Dense(2)], seed=3, dtype="float64")
    model.compile(fo.optimizers.SGD(rate), "mse", ["mae"])
    model.build(5)
    kernel, bias = model.get_weights()
    logs = model.fit(x, y, batch_size, 2, sample_weight=weight if weighted else None, verbose=0).history
    for epoch in range(2):
        order = fo.kernels.permutation(3, epoch, n)
        squares = absolutes = 0.0
        for start in range(0, n, batch_size):
            rows = order[start : start + batch_size]
            error = x[rows] @ kernel + bias - y[rows]
            squares += (weight[rows] * (error**2).mean(axis=1)).sum()
            absolutes += (weight[rows] * abs(error).mean(axis=1)).sum()
            dy = error * weight[rows, None] / len(rows)
            kernel, bias = kernel - rate * x[rows].T @ dy, bias - rate * dy.sum(axis=0)
        np.testing.assert_allclose(logs["loss"][epoch], squares / weight.sum(), rtol=1e-12)
        np.testing.assert_allclose(logs["mae"][epoch], absolutes / weight.sum(), rtol=1e-12)
    for found, expected in zip(model.get_weights(), (kernel, bias), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-11)
    assert model.optimizer.step == 2 * -(-n // batch_size)


@pytest.mark.parametrize("every", [1, 3, 7])
def test_callbacks_change_no_bit_of_the_loss(every, data):
    plain, model = make(dtype="float64"), make(dtype="float64")
    pause = fo.callbacks.LambdaCallback(on_batch_end=lambda batch, logs: None, every=every)
    losses = [
        m.fit(*data, batch_size=5, epochs=5, callbacks=c, verbose=0).history for m, c in ((plain, []), (model, [pause]))
    ]
    for name in ("loss", "accuracy"):
        assert losses[0][name] == losses[1][name]


def test_labels_are_read_once(data):
    """What a callback writes into the labels is for the next `fit`."""
    x, y = data
    plain, model, labels = make(), make(), y.astype(np.int64)
    spoil = fo.callbacks.LambdaCallback(on_batch_end=lambda batch, logs: labels.fill(10**9))
    expected = plain.fit(x, y, epochs=3, verbose=0).history
    found = model.fit(x, labels, epochs=3, callbacks=[spoil], verbose=0).history
    assert found["loss"] == expected["loss"]
    assert state(model) == state(plain)
    with pytest.raises(ValueError, match="1000000000"):
        model.fit(x, labels, verbose=0)


def test_passes_begin_anew(data):
    """Samples that are there are passed through again, in another order and batch size, as if they were given anew."""
    x, y = data
    goals, sums = [_core.Goal("sparse_categorical_crossentropy")], []
    for again in (False, True):
        model = make()
        model.fit(x, y, verbose=0)
        network, (_, _, trainer) = model._built.network, model._ready()
        epoch = _core.Epoch(network, goals, x, y.astype(np.int64))
        for i, size in enumerate((50, 7)):
            order = fo.kernels.permutation(0, i, len(x))
            if again:
                epoch.start(size, order)
            else:
                epoch = _core.Epoch(network, goals, x, y.astype(np.int64), None, order, size)
            sums.append(epoch.train(trainer, model.optimizer.hyper))
        with pytest.raises(ValueError, match=r"order\[3\] = 203 is not in 0..202"):
            epoch.start(8, np.where(np.arange(len(x)) == 3, len(x), 0))
    assert sums[:2] == sums[2:]


def test_weight_zero_is_absence(data):
    x, y = data
    model, fewer = make(optimizer="sgd"), make(optimizer="sgd")
    weight = np.ones(len(x))
    weight[::2] = 0
    values = model.fit(x, y, batch_size=len(x), sample_weight=2 * weight, verbose=0).history
    fewer.fit(x[1::2], y[1::2], batch_size=len(x), sample_weight=2 * weight[1::2], verbose=0)
    np.testing.assert_allclose(values["loss"], fewer.history.history["loss"], rtol=1e-6)


def test_no_allocation_in_a_batch(data):
    """An epoch of many batches allocates as much as one of few."""
    x, y = data
    counts = []
    for batch_size in (100, 1):
        model = make()
        model.fit(x, y, batch_size, verbose=0)
        trainer, order = model._ready().trainer, fo.kernels.permutation(0, 0, len(x))
        goals = [_core.Goal(model.loss.name)]
        epoch = _core.Epoch(model._built.network, goals, x, y, None, order, batch_size)
        before = allocations()
        epoch.train(trainer, model.optimizer.hyper)
        counts.append(allocations() - before)
    assert counts[0] == counts[1]


def test_own_loop_is_fit(data):
    """A loop over `model(x)`, `backward` and `apply_gradients` does what `fit` does."""
    x, y = data
    fitted, looped = make(dtype="float64"), make(dtype="float64")
    fitted.fit(x, y, batch_size=50, epochs=2, verbose=0)
    for epoch in range(2):
        order = fo.kernels.permutation(7, epoch, len(x))
        for start in range(0, len(x), 50):
            rows = order[start : start + 50]
            probabilities = looped(x[rows])
            # The gradient of the cross-entropy with respect to the probabilities.
            one_hot = np.eye(4)[y[rows]]
            looped.backward(-one_hot / probabilities / len(rows))
            looped.apply_gradients()
    for found, expected in zip(looped.get_weights(), fitted.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10)


def test_train_on_batch_is_fit(data):
    x, y = data
    fitted, stepped = make(), make()
    fitted.fit(x, y, batch_size=len(x), shuffle=False, epochs=3, verbose=0)
    losses = [stepped.train_on_batch(x, y)["loss"] for _ in range(3)]
    assert losses == fitted.history.history["loss"]
    assert state(stepped) == state(fitted)


@pytest.mark.parametrize("loss", LOSSES)
def test_what_is_read_as_it_is(loss, data):
    """Arrays of the core's form go to it at once, others through all checks; results and messages are the same."""
    x, y = data[0].astype(np.float32), targets(loss, len(data[0]), np.random.default_rng(1))
    y = y if y.ndim == 1 else y.astype(np.float32)

    def others(array):
        return np.array(array, np.int32 if array.dtype == np.int64 else np.float64, order="F")

    plain, checked = make(loss, "sgd"), make(loss, "sgd")
    for _ in range(3):
        assert plain.train_on_batch(x, y) == checked.train_on_batch(others(x), others(y))
        dy = plain(x) - np.float32(0.5)
        checked(others(x))
        assert np.array_equal(plain.backward(dy), checked.backward(others(dy)))
        plain.apply_gradients()
        checked.apply_gradients()
    before = state(plain)
    wrong, nan = np.where(np.arange(len(y)) == 2, 7, y.T).T.astype(y.dtype), np.full_like(x, np.nan)
    for inputs, labels in ((x, wrong), (nan, y), (x[1:], y), (x, y[:0]), (x[:, 1:], y), (x, np.array(1))):
        if loss == "mean_squared_error" and labels is wrong:
            continue  # any number is a target
        with pytest.raises(ValueError, match=r"x|y") as found:
            plain.train_on_batch(inputs, labels)
        with pytest.raises(ValueError, match=r"x|y") as expected:
            checked.train_on_batch(others(inputs), others(labels))
        assert str(found.value) == str(expected.value)
    assert state(plain) == state(checked) == before


@pytest.mark.parametrize("optimizer", cases.IN_PLACE.values(), ids=cases.IN_PLACE)
def test_bare_arrays_and_models_agree(optimizer, data):
    """`update` on copies of a model's weights and gradients does the step of the model."""
    x, _ = data
    bare = optimizer()
    model = make(optimizer=optimizer(), dtype="float64")
    model(x)
    copies = {name: view.copy() for name, view in model.parameters.items()}
    for _ in range(3):
        model.backward(model(x))
        bare.update(copies, model.gradients)
        model.apply_gradients()
        for name, view in model.parameters.items():
            assert copies[name].tobytes() == view.tobytes()
    assert bare.state == model.optimizer.state
    assert bare.slots.keys() == model.slots.keys()


def test_slots_that_do_not_start_at_zero():
    model = make(optimizer=fo.optimizers.Adagrad(0.1, initial_accumulator_value=0.5))
    model.build(3)
    assert all((slot == 0.5).all() for slot in model.slots.values())
    w = np.ones(2)
    fo.optimizers.Adagrad(1.0, initial_accumulator_value=3.0).update(w, np.ones(2))
    np.testing.assert_allclose(w, 0.5)


@pytest.mark.parametrize("rule", ["delta_bar_delta", "rprop"])
def test_rules_of_signs_warn_of_mini_batches(rule, data):
    model = make(optimizer=rule)
    with pytest.warns(UserWarning, match="use all 203 samples as one batch, not 202"):
        model.fit(*data, batch_size=202, verbose=0)
    model.fit(*data, batch_size=203, verbose=0)


@pytest.mark.parametrize(
    ("surround", "batch_size", "warned"),
    [
        (lambda rule: fo.optimizers.Average(fo.optimizers.Clip(rule, value=1.0)), 202, 202),
        (lambda rule: fo.optimizers.Accumulate(rule, 2), 101, 202),
        (lambda rule: fo.optimizers.Accumulate(rule, 2), 102, None),
        (lambda rule: fo.optimizers.Sequence([("sgd", 2), (rule, 2)]), 64, 64),
        (lambda rule: fo.optimizers.Sequence([("sgd", 9), (rule, 2)]), 64, None),
        (lambda rule: rule, fo.schedules.Piecewise([1, 2], [203, 100, 50], per="epoch"), 100),
    ],
    ids=["wrapped", "accumulated", "accumulated to all", "in its turn", "before its turn", "smaller batches"],
)
def test_delta_bar_delta_warns_once_of_what_it_sees(surround, batch_size, warned, data):
    model = make(optimizer=surround(fo.optimizers.DeltaBarDelta()))
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        model.fit(*data, batch_size=batch_size, epochs=4, verbose=0)
    assert [(str(each.message).split()[-1], each.filename) for each in seen] == (
        [] if warned is None else [(f"{warned}.", __file__)]
    )


def test_an_epoch_begins_with_its_optimizer(data):
    class Look(fo.callbacks.Callback):
        def on_epoch_begin(self, epoch):
            seen.append(self.model.optimizer.active)

    seen = []
    phases = [(fo.optimizers.SGD(0.1), 1), (fo.optimizers.DeltaBarDelta(), 1), (fo.optimizers.Adam(), 2)]
    model = make(optimizer=fo.optimizers.Sequence(phases))
    with pytest.warns(UserWarning, match="DeltaBarDelta"):
        model.fit(*data, batch_size=64, epochs=4, verbose=0, callbacks=[Look()])
    assert seen == [phases[0][0], phases[1][0], phases[2][0], phases[2][0]]


# Forks, signals


def train_in_child(data):
    model = make()
    model.fit(*data, epochs=2, verbose=0)
    return state(model)


@pytest.mark.filterwarnings("ignore:.*fork")
def test_fork_after_training(data, threads):
    """A process forked after training trains too: 40 of 40, and to the same bits."""
    threads(2)
    expected = train_in_child(data)
    deadline = time.monotonic() + 60
    for _ in range(40):
        child = os.fork()
        if child == 0:
            os._exit(0 if train_in_child(data) == expected else 1)
        while (status := os.waitpid(child, os.WNOHANG)) == (0, 0):
            if time.monotonic() > deadline:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                pytest.fail("a child did not finish")
            time.sleep(0.001)
        assert os.waitstatus_to_exitcode(status[1]) == 0


@pytest.mark.filterwarnings("ignore:.*fork")
def test_multiprocessing_fork(data, threads):
    threads(2)
    expected = train_in_child(data)
    with multiprocessing.get_context("fork").Pool(4) as pool:
        results = pool.map_async(train_in_child, [data] * 100).get(timeout=60)
    assert results == [expected] * 100
    assert train_in_child(data) == expected


def busy_thread(call):
    """Start a thread that repeats `call` until the function returned is called."""
    done = threading.Event()

    def work():
        while not done.is_set():
            call()

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.1)
    return lambda: (done.set(), thread.join())


@pytest.mark.filterwarnings("ignore:.*fork")
def test_fork_while_another_thread_trains(long, threads):
    """The child has the model as it was in the middle of a step, and not the thread that would end it."""
    threads(1)
    x, y = long[0][:20_000], long[1][:20_000]
    model = make(units=(256, 256))
    model.build(100)
    stop = busy_thread(lambda: model.fit(x, y, batch_size=len(x), verbose=0))
    try:
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            try:
                model.predict(x[:1])
            except RuntimeError as error:
                os._exit(0 if "forked while a call worked on this model" in str(error) else 1)
            os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        stop()


@pytest.mark.parametrize("rows", [8, 100_000])
def test_exit_while_a_daemon_thread_trains(rows):
    code = f"""
import threading, time, numpy as np, fastopt as fo
x, y = np.ones(({rows}, 64), np.float32), np.zeros({rows})
model = fo.Sequential([fo.layers.Dense(512), fo.layers.Dense(2)])
model.compile("sgd", "sparse_categorical_crossentropy")
def work():
    while True:
        model.train_on_batch(x, y)
        model(x)
threading.Thread(target=work, daemon=True).start()
end = time.monotonic() + 0.3
while time.monotonic() < end:
    pass
"""
    for _ in range(3):
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
        assert (result.returncode, result.stderr) == (0, "")


def test_fewer_threads_than_asked_for():
    """As OMP_THREAD_LIMIT can have it."""
    code = """
import sys, numpy as np, fastopt as fo
x, y = np.linspace(-1, 1, 64 * 300).reshape(300, 64), np.arange(300) % 4
model = fo.Sequential([fo.layers.Dense(257, "tanh"), fo.layers.Dense(4)])
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(x, y, 100, 3, verbose=0)
sys.stdout.write(b"".join(w.tobytes() for w in [*model.get_weights(), model.predict(x)]).hex())
"""
    outputs = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=True, timeout=60, env=environment
        ).stdout
        for limit in "14"
        for environment in [{**os.environ, "FASTOPT_NUM_THREADS": "4", "OMP_THREAD_LIMIT": limit}]
    ]
    assert outputs[0] == outputs[1]


def test_poll_sees_denormals():
    """The caller's own code runs in the caller's floating-point mode."""
    network = _core.Network("float32", 512, [{"kind": "dense", "units": 512, "use_bias": True}] * 4)
    least, seen = np.float64(5e-324), []
    while not seen:
        network.predict(np.ones((20_000, 512), np.float32), poll=lambda done: seen.append(least * np.float64(1.0)))
    assert seen[0] == least != 0


@pytest.fixture(scope="module")
def long():
    rng = np.random.default_rng(0)
    return rng.normal(size=(400_000, 100)).astype(np.float32), rng.integers(0, 4, 400_000)


def test_interrupt_inside_an_epoch(long):
    """Ctrl-C stops a long epoch within 200 ms, after a whole step, and the model goes on from there."""
    model = make(units=(256, 256))
    model.build(100)
    before = state(model)
    taken = interrupt(lambda: model.fit(*long, batch_size=8, epochs=100, verbose=0), 0.5)
    assert taken < 0.2
    assert model.optimizer.step > 0
    assert state(model) != before
    assert model.history.epoch == []
    assert model.epochs_trained == 0
    x, y = long[0][:500], long[1][:500]
    first = model.evaluate(x, y)["loss"]
    model.fit(x, y, epochs=5, verbose=0)
    assert model.evaluate(x, y)["loss"] < first


def test_interrupt_keeps_finished_epochs(data):
    model = make()
    taken = interrupt(lambda: model.fit(*data, epochs=10**9, verbose=0), 0.5)
    assert taken < 0.2
    finished = len(model.history.epoch)
    assert finished > 0
    assert model.epochs_trained - finished in (0, 1)
    twin = make()
    twin.fit(*data, epochs=finished, verbose=0)
    assert twin.history.history["loss"] == model.history.history["loss"]


@pytest.mark.parametrize("method", ["evaluate", "predict"])
def test_interrupt_without_training(method, long):
    model = make(units=(1024, 1024))
    model.build(100)
    x, y = (np.concatenate([a] * 2) for a in long)
    call = (lambda: model.evaluate(x, y)) if method == "evaluate" else (lambda: model.predict(x))
    assert interrupt(call, 0.5) < 0.2


INSIDE_A_BATCH = {
    "call": lambda model, x: [model(x) for _ in range(100)],
    "backward": lambda model, x: [model.backward(np.ones((len(x), 4))) for _ in range(100)],
    "predict": lambda model, x: model.predict(x, batch_size=len(x)),
    "evaluate": lambda model, x: model.evaluate(x, np.zeros(len(x)), batch_size=len(x)),
    "fit": lambda model, x: model.fit(x, np.arange(len(x)) % 4, batch_size=1, epochs=100, verbose=0),
}


@pytest.mark.parametrize("method", INSIDE_A_BATCH)
def test_interrupt_inside_a_batch(method, threads):
    """And in batches of one row, of which one thread gets nothing."""
    threads(2)
    x = np.ones((20_000, 1024), np.float32)
    model = make(units=(2048, 2048))
    model.build(1024)
    if method == "backward":
        x = x[:5000]  # a second's work still
        model(x)
    assert interrupt(lambda: INSIDE_A_BATCH[method](model, x), 0.3) < 0.2
    if method == "call":
        with pytest.raises(RuntimeError, match="forward pass"):
            model.backward(np.ones((len(x), 4)))


def test_other_threads_run_meanwhile(long, threads):
    """The interpreter is free while the core trains."""
    threads(1)
    ticks = []
    done = threading.Event()

    def tick():
        while not done.wait(0.001):
            ticks.append(model.optimizer.step)

    model = make(units=(64,))
    model.build(100)
    thread = threading.Thread(target=tick)
    thread.start()
    try:
        model.fit(*long, batch_size=64, verbose=0)
    finally:
        done.set()
        thread.join()
    assert len(ticks) > 10


def test_predict_does_not_depend_on_batches_or_threads(for_all_threads):
    """A short last batch must not let one thread write where another still works."""
    model = fo.Sequential([fo.layers.Dense(256, activation="tanh") for _ in range(8)], seed=0)
    model.build((64,))
    x = np.random.default_rng(0).normal(size=(360, 64)).astype(np.float32)
    want = model.predict(x, batch_size=360)

    def predictions() -> list[np.ndarray]:
        return [model.predict(x, batch_size=size) for size in (256, 100, 7, 1) for _ in range(20)]

    for_all_threads(predictions)
    for got in predictions():
        np.testing.assert_array_equal(got, want)
