"""Random sequences of calls on a model and on a copy of it, which must stay equal to the bit.

The copy is made now and then, in each way that there is, and computes with another number of threads.
"""

import copy
import pickle
import tempfile
import warnings
from pathlib import Path

import cases
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

import fastopt as fo
from reliability.models import BODIES, CLASSES, FEATURES, X, Y, built, state

STEPS = 50  # of a sequence
OPTIMIZERS = st.sampled_from(sorted(cases.OPTIMIZERS))


class Stopped(Exception):  # noqa: N818
    """Raised by a callback."""


def through_file(model):
    """Return what is read of what was saved; a second time it is the same file."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in "ab"]
        model.save(paths[0])
        other = fo.load_model(paths[0])
        other.save(paths[1])
        assert paths[0].read_bytes() == paths[1].read_bytes()
    return other


def through_weights(model):
    """Return a model of the same layers that is given all that there is to give."""
    other = fo.clone(model)
    other.set_weights(model.get_weights())
    return other


WAYS = {
    "file": through_file,
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "deepcopy": copy.deepcopy,
}

# Calls that are refused.
REFUSED = {
    "columns": lambda m: m.fit(X[:, 1:], Y, verbose=0),
    "rows": lambda m: m.fit(X, Y[1:], verbose=0),
    "labels": lambda m: m.fit(X, Y + CLASSES, verbose=0),
    "negative labels": lambda m: m.train_on_batch(X, Y - CLASSES),
    "not a number": lambda m: m.fit(np.where(X > 2, np.nan, X), Y, batch_size=8, sample_weight=-np.ones(len(X))),
    "words": lambda m: m.predict(np.full(X.shape, "x")),
    "batch size": lambda m: m.fit(X, Y, batch_size=0, verbose=0),
    "epochs": lambda m: m.fit(X, Y, epochs=-1, verbose=0),
    "split": lambda m: m.fit(X, Y, validation_split=1.5, verbose=0),
    "fewer weights": lambda m: m.set_weights(m.get_weights()[1:]),
    "other weights": lambda m: m.set_weights([*m.get_weights()[:-1], np.zeros((2, 2))]),
    "weights that are not numbers": lambda m: m.set_weights([np.full(w.shape, np.nan) for w in m.get_weights()]),
    "optimizer": lambda m: m.compile("banana"),
    "loss": lambda m: m.compile("sgd", "banana"),
    "folder": lambda m: m.save("/no/such/folder/model"),
    "gradient": lambda m: m.backward(np.ones((2, CLASSES))),
    "built": lambda m: m.build(FEATURES + 1),
    "predict": lambda m: m.predict(X[None]),
    "weights of samples": lambda m: m.fit(X, Y, sample_weight=np.full(len(X), -1.0), verbose=0),
}


class Machine(RuleBasedStateMachine):
    """A model, and a copy of it since some moment."""

    calls = 0

    def __init__(self):
        super().__init__()
        self.threads = fo.get_num_threads()

    @initialize(
        body=st.sampled_from(sorted(BODIES)),
        optimizer=OPTIMIZERS,
        dtype=st.sampled_from(["float32", "float64"]),
        seed=st.integers(0, 2**64 - 1),
    )
    def make(self, body, optimizer, dtype, seed):
        self.model, self.twin = (built(body, optimizer, dtype=dtype, seed=seed) for _ in range(2))

    def both(self, call):
        """Do a call on the model and on its copy, which do the same: return, diverge, or refuse and change nothing."""
        results = []
        for threads, model in ((1, self.model), (3, self.twin)):
            fo.set_num_threads(threads)
            before, refused = state(model), False
            try:
                results.append(call(model))
            except (ValueError, RuntimeError, FloatingPointError) as error:
                results.append(str(error))
                refused = not isinstance(error, FloatingPointError)  # of training that diverged
            assert not refused or state(model) == before
        assert np.array_equal(*map(np.asarray, results)), results

    @rule(epochs=st.integers(1, 3), batch=st.integers(1, 40), shuffle=st.booleans(), split=st.sampled_from([0.0, 0.3]))
    def fit(self, epochs, batch, shuffle, split):
        self.both(
            lambda m: m.fit(X, Y, batch, epochs, shuffle=shuffle, validation_split=split, verbose=0).history["loss"]
        )

    @rule(rows=st.integers(1, 37))
    def train_on_batch(self, rows):
        self.both(lambda m: m.train_on_batch(X[:rows], Y[:rows])["loss"])

    @rule(rows=st.integers(1, 37))
    def step_by_hand(self, rows):
        for call in (
            lambda m: m(X[:rows]),
            lambda m: m.backward(np.full((rows, CLASSES), 0.1)),
            lambda m: m.apply_gradients(),
        ):
            self.both(call)

    @rule(rows=st.integers(1, 37), batch=st.integers(1, 40))
    def look(self, rows, batch):
        """What only looks changes nothing."""
        before = state(self.model)
        self.both(lambda m: m.predict(X[:rows], batch_size=batch))
        self.both(lambda m: list(m.evaluate(X[:rows], Y[:rows]).values()))
        assert state(self.model) == before

    @rule(factor=st.sampled_from([0.0, -1.0, 0.5, 1.0]))
    def set_weights(self, factor):
        self.both(lambda m: m.set_weights([factor * w for w in m.get_weights()]))

    @rule(which=st.integers(0, 3), trainable=st.booleans())
    def freeze(self, which, trainable):
        def set_one(model):
            layer = model.layers[which % len(model.layers)]
            layer.trainable = trainable

        self.both(set_one)

    @rule(optimizer=OPTIMIZERS)
    def compile(self, optimizer):
        self.both(lambda m: m.compile(cases.OPTIMIZERS[optimizer](), "sparse_categorical_crossentropy"))

    @rule(rate=st.floats(1e-5, 0.05))
    def change_rate(self, rate):
        def change(model):
            if type(getattr(model.optimizer, "learning_rate", None)) is float:
                model.optimizer.learning_rate = rate

        self.both(change)

    @rule(noise=st.booleans())
    def switch_noise(self, noise):
        def switch(model):
            model.noise = noise

        self.both(switch)

    @rule(epoch=st.integers(0, 2))
    def stop(self, epoch):
        """A training that a callback ends with an error leaves the state of a whole epoch."""

        def stopping(now, logs):
            if now == epoch:
                raise Stopped

        def fit(model):
            try:
                model.fit(X, Y, 8, 3, callbacks=[fo.callbacks.LambdaCallback(on_epoch_end=stopping)], verbose=0)
            except Stopped:
                return model.epochs_trained
            raise AssertionError("nothing was raised")

        self.both(fit)

    @rule(way=st.sampled_from(sorted(WAYS)))
    def copy(self, way):
        """The copy goes on in place of the old one."""
        before = state(self.model)
        self.twin = WAYS[way](self.model)
        assert state(self.model) == before

    @rule()
    def clone(self):
        other = through_weights(self.model)
        assert other.predict(X).tobytes() == self.model.predict(X).tobytes()

    @rule(what=st.sampled_from(sorted(REFUSED)))
    def refuse(self, what):
        """A call that is refused says why, and changes nothing."""
        before = state(self.model)
        for model in (self.model, self.twin):
            with pytest.raises((ValueError, TypeError, RuntimeError, OSError), match=r"."):
                REFUSED[what](model)
        assert state(self.model) == before

    @invariant()
    def equal(self):
        Machine.calls += 1
        assert state(self.model) == state(self.twin)

    def teardown(self):
        fo.set_num_threads(self.threads)


def run(size, first=0):
    """Do so many calls, in sequences of 50."""
    Machine.calls = 0
    phases = (Phase.generate,) if size <= 1000 else (Phase.generate, Phase.shrink)
    options = settings(
        max_examples=-(-size // STEPS),
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        derandomize=False,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )
    faults = []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* adapts its")
        try:
            run_state_machine_as_test(seed(first)(Machine), settings=options)
        except Exception as error:
            faults = [
                "\n".join([repr(each), *getattr(each, "__notes__", ())])
                for each in getattr(error, "exceptions", [error])
            ]
    return f"{Machine.calls} calls in {options.max_examples} sequences", faults
