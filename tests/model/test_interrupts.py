"""Ctrl-C at random moments: it takes at most 200 ms and leaves the state of a whole step.

FASTOPT_INTERRUPTS=100 tries as many moments of each call, and prints how long they took.
"""

import os
import threading
import time

import numpy as np
import pytest
from interrupts import interrupt

import fastopt as fo

MOMENTS = int(os.environ.get("FASTOPT_INTERRUPTS", "2"))


def square_error(target, output):
    difference = output - target
    return (difference**2).sum(1) / 2, difference


LOSSES = {"fit": "mean_squared_error", "fit of a loss of one's own": square_error}


def make(loss):
    layers = [
        fo.layers.Dense(128, "relu"),
        fo.layers.BatchNormalization(),
        fo.layers.Dropout(0.3),
        fo.layers.Dense(5),
    ]
    model = fo.Sequential(layers, seed=3)
    model.compile("adam", loss)
    model.build(64)
    return model


def state(model):
    arrays = (model.parameters | model.state | model.slots).values()
    return b"".join(array.tobytes() for array in arrays), model.draws, model.optimizer.step


def state_of(model):
    return [array.tobytes() for array in model.state.values()]


def samples(count):
    rng = np.random.default_rng(0)
    return rng.normal(size=(count, 64)).astype(np.float32), rng.normal(size=(count, 5)).astype(np.float32)


@pytest.fixture(scope="module")
def many():
    return samples(200_000)


class Steps(fo.callbacks.Callback):
    """The state after each step."""

    wants_batches = True

    def on_train_begin(self):
        self.states = [state(self.model)]

    def on_batch_end(self, batch, logs=None):
        self.states.append(state(self.model))


def seconds(call):
    """Return how long a call takes, at its second time."""
    call()
    start = time.monotonic()
    call()
    return time.monotonic() - start


def check(name, call, end, after):
    """Interrupt `call` at random moments before `end`, and call `after` each time."""
    rng = np.random.default_rng(0)
    taken = []
    for moment in rng.uniform(0, end, MOMENTS):
        try:
            taken.append(interrupt(call, moment))
        finally:
            after()
    assert max(taken) < 0.2
    if "FASTOPT_INTERRUPTS" in os.environ:
        print(f"| {name} | {MOMENTS} |", *(f"{1e3 * x:.1f} |" for x in np.quantile(taken, [0.5, 0.99, 1.0])))


@pytest.mark.parametrize("name", LOSSES)
def test_training(name):
    x, y = samples(4000)
    steps = Steps()
    make(LOSSES[name]).fit(x, y, 128, 2, verbose=0, callbacks=[steps])
    models = []

    def fit(epochs=10**6):
        models.append(make(LOSSES[name]))
        models[-1].fit(x, y, 128, epochs, verbose=0)

    def whole_step():
        step = models[-1].optimizer.step
        assert step >= len(steps.states) or state(models[-1]) == steps.states[step]

    check(name, fit, seconds(lambda: fit(2)), whole_step)


CALLS = {
    "predict": lambda model, x, y: model.predict(x),
    "evaluate": lambda model, x, y: model.evaluate(x, y),
}


@pytest.mark.parametrize("name", CALLS)
def test_without_training(name, many):
    model = make("mean_squared_error")
    before = state(model)

    def forever():
        while True:
            CALLS[name](model, *many)

    def nothing_changed():
        assert state(model) == before

    check(name, forever, seconds(lambda: CALLS[name](model, *many)), nothing_changed)


def test_statistics_are_all_old_or_all_new(many):
    x, _ = many
    layers = [fo.layers.Dense(64), fo.layers.BatchNormalization(), fo.layers.Dense(64), fo.layers.BatchNormalization()]
    models = [fo.Sequential(layers) for _ in range(2)]
    for model in models:
        model.build(64)
    old = state_of(models[0])
    end = seconds(lambda: models[1].recompute_statistics(x))
    new = state_of(models[1])

    def forever():
        while True:
            models[0].recompute_statistics(x)

    def old_or_new():
        assert state_of(models[0]) in (old, new)

    check("recompute_statistics", forever, end, old_or_new)


@pytest.mark.parametrize("name", ["update", "matmul", "matmul of few rows"])
def test_kernels(name):
    """A step of an update rule is never left in the middle; a product is, with nothing that would remain of it."""
    w, g = np.zeros(3_000_000, np.float32), np.ones(3_000_000, np.float32)
    optimizer = fo.optimizers.Adam()
    a, b = np.ones((5000 if name == "matmul" else 16, 5000), np.float32), np.ones((5000, 20_000), np.float32)

    def forever():
        while True:
            if name == "update":
                optimizer.update(w, g)
            else:
                fo.kernels.matmul(a, b)

    def whole_step():
        assert (w == w[0]).all()

    check(name, forever, 0.5, whole_step)


def test_waiting_for_another_thread(many):
    """A call waits for the one that works on the model, and is interrupted while it waits."""
    x, y = (np.concatenate([array] * 2) for array in many)
    model = make("mean_squared_error")
    done = threading.Event()

    def train():
        while not done.is_set():
            model.train_on_batch(x, y)  # one long step

    def forever():
        while True:
            model.predict(x[:1])

    thread = threading.Thread(target=train)
    thread.start()
    try:
        check("waiting for another thread", forever, 0.5, lambda: None)
    finally:
        done.set()
        thread.join()
    assert np.isfinite(model.predict(x[:1])).all()
