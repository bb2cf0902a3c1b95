"""Trainings that are to be equal to the bit for any number of ranks: `mpiexec -n N python trainings.py FILE NEAR`.

NEAR ranks are as if on one machine, and the others on others.
"""

import os
import pickle
import re
import sys
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from mpi4py import MPI

import fastopt as fo
from fastopt import distributed
from fastopt.distributed import memory

COMM = MPI.COMM_WORLD
ROWS, FEATURES, CLASSES = 107, 5, 3
UNEQUAL = {1: [1], 2: [0.7, 0.3], 4: [0.3, 0.1, 0.35, 0.25]}


def data(dtype="float64"):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, FEATURES)).astype(dtype)
    y = (x @ rng.normal(size=(FEATURES, CLASSES))).argmax(axis=1)
    return x, y, rng.uniform(0.5, 2, ROWS)


def mine(*arrays):
    """Return the part of this rank: ranks have unequal parts."""
    shares = np.array(UNEQUAL[COMM.size], float)
    ends = np.round(np.cumsum(shares / shares.sum()) * ROWS).astype(int)
    part = slice(0 if COMM.rank == 0 else ends[COMM.rank - 1], ends[COMM.rank])
    return [array[part] for array in arrays]


def trained(layers, optimizer, dtype="float64", loss="sparse_categorical_crossentropy", metrics=("accuracy",), **given):
    """Return the weights, the state and the history of a training, and what evaluation says."""
    x, y, weight = mine(*data(dtype))
    x, y = given.pop("x", x), given.pop("y", y)
    given = {"epochs": 2, "batch_size": 16, "verbose": 0, "validation_data": (x, y)} | given
    if given.pop("weighted", False):
        given["sample_weight"] = weight
    model = fo.Sequential(layers, seed=3, dtype=dtype)
    model.compile(optimizer, loss, metrics=list(metrics))
    history = distributed.fit(model, x, y, **given)
    kept = [name for name in sorted(history.history) if name not in ("seconds", "samples_per_second")]
    values = np.array([history.history[name] for name in kept])
    assert np.isfinite(values).all(), history.history
    slots = [np.array(model.slots[name]) for name in sorted(model.slots)]
    return [*model.get_weights(), *slots, values, np.array(distributed.evaluate(model, x, y))]


class Looks(fo.callbacks.Callback):
    """Finds the same slots after each batch in all ranks."""

    def on_batch_end(self, batch, logs):
        here = b"".join(self.model.slots[name].tobytes() for name in sorted(self.model.slots))
        assert all(one == here for one in COMM.allgather(here))


class Shrinks(fo.callbacks.Callback):
    """Changes the weights after each batch, in each rank."""

    def on_batch_end(self, batch, logs):
        for weights in self.model.parameters.values():
            weights *= 0.99


def dense(*middle):
    return [fo.layers.Dense(8, "tanh"), *middle, fo.layers.Dense(CLASSES)]


def squared(y, p):
    error = p - np.eye(CLASSES)[y.astype(int)]
    return (error**2).mean(axis=1), 2 * error / CLASSES


def sparse():
    import scipy.sparse

    return scipy.sparse.csr_matrix(np.where(mine(data()[0])[0] > 0.5, mine(data()[0])[0], 0))


L = fo.layers
SURROUNDED = fo.optimizers.Accumulate(
    fo.optimizers.Clip(fo.optimizers.Decay(fo.optimizers.Adam(0.05), decoupled=0.01), global_norm=0.1), steps=3
)
CASES = {
    "dense": lambda: trained(dense(), "adam"),
    "dense float32": lambda: trained(dense(), "adam", dtype="float32"),
    "norm": lambda: trained(dense(L.BatchNormalization()), "adam"),
    "norms, dropout, float32": lambda: trained(
        [L.BatchNormalization(), *dense(L.BatchNormalization(), L.Dropout(0.3))],
        fo.optimizers.SGD(0.1, momentum=0.9),
        "float32",
    ),
    "norm of maps": lambda: trained(
        [L.Reshape((1, FEATURES, 1)), L.Conv2D(4, (1, 3)), L.BatchNormalization(), L.Flatten(), *dense()], "adam"
    ),
    "noise": lambda: trained(dense(L.Dropout(0.5), L.GaussianNoise(0.1), L.LayerNormalization(), L.PReLU()), "adamw"),
    "surrounded": lambda: trained(dense(L.BatchNormalization()), SURROUNDED),
    "penalties and sets": lambda: trained(
        [
            L.Dense(8, "relu", kernel_regularizer="l2", activity_regularizer="l1"),
            L.Dense(CLASSES, kernel_constraint=fo.constraints.MaxNorm(1.0)),
        ],
        "adam",
    ),
    "weights": lambda: trained(dense(), "adam", weighted=True, class_weight="balanced", shards=8),
    "full batches, in order": lambda: trained(dense(), "adam", drop_remainder=True, shuffle=False),
    "averaged": lambda: trained(
        dense(), fo.optimizers.Average(fo.optimizers.Lookahead(fo.optimizers.Adam(0.05), steps=3)), "float32"
    ),
    "accumulated": lambda: trained(dense(), fo.optimizers.Accumulate(fo.optimizers.Adam(0.05), steps=3)),
    "nesterov": lambda: trained(dense(), fo.optimizers.SGD(0.1, momentum=0.9, nesterov=True)),
    "matrices": lambda: trained(dense(), "muon"),
    "frozen, rates": lambda: trained(
        [*dense()[:1], L.Dense(8, "tanh", trainable=False), *dense()[1:]], fo.optimizers.Adam(0.05)
    ),
    "penalties": lambda: trained([L.Dense(8, "relu", kernel_regularizer="l2"), L.Dense(CLASSES)], "adam"),
    "each batch": lambda: trained(dense(), "adam", callbacks=[Looks()]),
    "weights changed by all": lambda: trained(dense(), "adam", callbacks=[Shrinks()]),
    "sharpness": lambda: trained(dense(L.BatchNormalization()), fo.optimizers.SAM(fo.optimizers.SGD(0.1))),
    "schedule-free": lambda: trained(dense(), fo.optimizers.AdamWScheduleFree(0.01)),
    "function": lambda: trained(dense(), "adam", loss=squared, metrics=()),
    "all outputs": lambda: trained([*dense()[:1], L.Dense(CLASSES, "softmax")], "adam", metrics=["accuracy", "f1"]),
    "words": lambda: trained(dense(), "adam", y=np.array(["a", "b", "c"])[mine(data()[1])[0]]),
    "held out": lambda: trained(dense(), "adam", validation_data=None, validation_split=0.25),
    "sparse": lambda: trained(dense(), "adam", x=sparse()),
    "stale": lambda: trained(dense(), "sgd", staleness=2),
    "l-bfgs": lambda: trained(dense(), fo.solvers.LBFGS(), epochs=6, batch_size="auto"),
    "l-bfgs, float32": lambda: trained(dense(), fo.solvers.LBFGS(), "float32", epochs=6, batch_size="auto"),
    "l-bfgs, norm": lambda: trained(dense(L.BatchNormalization()), fo.solvers.LBFGS(), epochs=4, batch_size="auto"),
    "l-bfgs, batches": lambda: trained(dense(), fo.solvers.LBFGS(), epochs=2, batch_size=60, iterations=3),
    "newton-cg": lambda: trained(dense(), fo.solvers.NewtonCG(), epochs=2, batch_size="auto"),
}

# Those that depend on the number of ranks: these have equal weights nevertheless.
FAST = {
    "fast": lambda: trained(dense(L.BatchNormalization()), "adam", "float32", exact=False),
    "local": lambda: trained(dense(L.BatchNormalization()), "adam", exact=False, norms="local"),
    "fast, stale": lambda: trained(dense(L.Dropout(0.2)), "sgd", exact=False, staleness=1),
}


def stale(tau, rate):
    """Return how far a weight is from the minimum after 300 steps on w^2 / 2, from 1 on."""
    model = fo.Sequential([fo.layers.Dense(1, use_bias=False, kernel_initializer="ones")], seed=0, dtype="float64")
    model.compile(fo.optimizers.SGD(rate), "mse")
    x = np.full((1200, 1), 0.5**0.5)
    distributed.fit(model, x, np.zeros(1200), batch_size=4, staleness=tau, verbose=0)
    return abs(model.get_weights()[0].item())


def check_threshold():
    """Stale gradients go down below 2 sin(pi / (2 (2 tau + 1))) / lambda, and up above it."""
    for tau in (0, 1, 2):
        most = 2 * np.sin(np.pi / (2 * (2 * tau + 1)))
        assert stale(tau, 0.96 * most) < 0.2 < 5 < stale(tau, 1.04 * most), tau


def check_gradient():
    """The united gradient is that of the whole batch."""
    (x, y, _), (px, py, _) = data(), mine(*data())
    steps = []
    for alone in (False, True):
        model = fo.Sequential(dense(L.BatchNormalization()), seed=3, dtype="float64")
        model.compile(fo.optimizers.SGD(1.0), "sparse_categorical_crossentropy")
        model.build(FEATURES)
        before = model.get_weights()
        given = {"batch_size": None, "verbose": 0, "shuffle": False}
        model.fit(x, y, **given) if alone else distributed.fit(model, px, py, **given, exact=False)
        steps.append(np.concatenate([(b - a).ravel() for a, b in zip(before, model.get_weights(), strict=True)]))
    assert np.linalg.norm(steps[1] - steps[0]) < 1e-12 * np.linalg.norm(steps[0])


def check_page():
    """The examples of docs/distributed.md run."""
    page = (Path(__file__).parents[2] / "docs/distributed.md").read_text()
    with TemporaryDirectory() as folder, chdir(folder):
        exec("\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL)), {})


def separate(near):
    """Let so many ranks find each other's memory, and not that of others."""
    processes = COMM.allgather(os.getpid())
    here = processes[COMM.rank // near * near :][:near]
    reach = memory.reach
    memory.reach = lambda process, *given: reach(process, *given) if process in here else None


def main():
    separate(int(sys.argv[2]))
    check_gradient()
    if COMM.size == 2:
        check_page()
    if COMM.size == 1:
        check_threshold()
    results = {name: case() for name, case in CASES.items()}
    all_of_them = results | {name: case() for name, case in FAST.items()}
    every = COMM.gather({name: [one.tobytes() for one in arrays] for name, arrays in all_of_them.items()})
    if COMM.rank == 0:
        assert all(one == every[0] for one in every), "the ranks differ"
        with open(sys.argv[1], "wb") as file:
            pickle.dump(results, file)


if __name__ == "__main__":
    main()
