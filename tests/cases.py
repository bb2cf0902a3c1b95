"""The tables that the tests run over: a new activation, loss, metric or update rule is tested by adding its row."""

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import reference

from fastopt._core import runtime

ISAS = runtime.isas()
DTYPES = (np.float32, np.float64)
THREADS = (1, 2, 3, 4)
# Enough elements to be worth that many threads in every kernel, in odd numbers of rows and columns.
SHARED_SHAPE = (1003, 1049)

# Elements of the widest vector, 64 bytes; lengths up to two of them and one more; starts aligned for one element only.
LANES = {np.float32: 16, np.float64: 8}
STARTS = (0, 1, 2, 3)


def lengths(dtype) -> range:
    return range(2 * LANES[dtype] + 2)


class Function(NamedTuple):
    """Elementwise function: its twin, and its largest error in units in the last place of the result."""

    forward: Callable
    ulp: int


FUNCTIONS = {
    "exp": Function(np.exp, 1),
    "log": Function(np.log, 2),
    "linear": Function(reference.linear, 0),
    "relu": Function(reference.relu, 0),
    "sigmoid": Function(reference.sigmoid, 4),
    "tanh": Function(reference.tanh, 4),
}


class Activation(NamedTuple):
    """Activation: its twin and the twin's gradient from the output; whether it works on rows instead of elements."""

    forward: Callable
    backward: Callable
    rows: bool = False


ACTIVATIONS = {
    "linear": Activation(reference.linear, reference.linear_backward),
    "relu": Activation(reference.relu, reference.relu_backward),
    "sigmoid": Activation(reference.sigmoid, reference.sigmoid_backward),
    "tanh": Activation(reference.tanh, reference.tanh_backward),
    "softmax": Activation(reference.softmax, reference.softmax_backward, rows=True),
}
ELEMENTWISE_ACTIVATIONS = [name for name, activation in ACTIVATIONS.items() if not activation.rows]


class Loss(NamedTuple):
    """Loss or metric: its twin, and its target: "labels", "probabilities" (rows sum to 1), "bits" or "values"."""

    forward: Callable
    target: str


LOSSES = {
    "sparse_categorical_crossentropy": Loss(reference.sparse_categorical_crossentropy, "labels"),
    "categorical_crossentropy": Loss(reference.categorical_crossentropy, "probabilities"),
    "binary_crossentropy": Loss(reference.binary_crossentropy, "bits"),
    "mean_squared_error": Loss(reference.mean_squared_error, "values"),
}
METRICS = {
    "sparse_categorical_accuracy": Loss(reference.sparse_categorical_accuracy, "labels"),
    "categorical_accuracy": Loss(reference.categorical_accuracy, "probabilities"),
    "binary_accuracy": Loss(reference.binary_accuracy, "bits"),
    "mean_squared_error": Loss(reference.mean_squared_error_metric, "values"),
    "mean_absolute_error": Loss(reference.mean_absolute_error, "values"),
}


def make_target(kind: str, rng: np.random.Generator, rows: int, columns: int, dtype) -> np.ndarray:
    if kind == "labels":
        return rng.integers(0, columns, rows)
    if kind == "probabilities":
        return rng.dirichlet(np.ones(columns), rows).astype(dtype)
    if kind == "bits":
        return rng.integers(0, 2, (rows, columns)).astype(dtype)
    return rng.normal(size=(rows, columns)).astype(dtype)


class Rule(NamedTuple):
    """Update rule: its name, its twin, its slots, and the hyperparameters of this case."""

    name: str
    update: Callable
    slots: tuple[str, ...]
    hyper: dict[str, float]

    def __str__(self) -> str:
        return "-".join([self.name, *map(str, self.hyper.values())])


ADAM = {"learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
RULES = [
    Rule("sgd", reference.sgd, (), {"learning_rate": 0.01}),
    Rule("sgd", reference.sgd, (), {"learning_rate": 3.0}),
    Rule("momentum", reference.momentum, ("v",), {"learning_rate": 0.01, "momentum": 0.9}),
    Rule("momentum", reference.momentum, ("v",), {"learning_rate": 0.7, "momentum": 0.0}),
    Rule("nesterov", reference.nesterov, ("v",), {"learning_rate": 0.01, "momentum": 0.9}),
    Rule("nesterov", reference.nesterov, ("v",), {"learning_rate": 0.7, "momentum": 0.999}),
    Rule("adam", reference.adam, ("m", "v"), ADAM),
    Rule("adam", reference.adam, ("m", "v"), ADAM | {"learning_rate": 0.3, "beta_1": 0.0, "epsilon": 0.1}),
    Rule("adam", reference.adam, ("m", "v"), ADAM | {"beta_1": 0.99, "beta_2": 0.999999, "epsilon": 1e-12}),
]

# Networks that the speed is judged by: batch, sizes of the layers.
NETWORKS = [
    (32, (4, 32, 32, 2)),
    (64, (784, 64, 16, 10)),
    (256, (28, 300, 300, 2)),
    (128, (784, 1024, 1024, 10)),
]

# Matrix products: rows, inner, columns. Empty and single; odd and even; every tail of columns and of rows; sums longer
# than a block in cache; the layers of the networks.
SMALL_SHAPES = [
    *((m, k, n) for m in (0, 1, 2) for k in (0, 1, 2) for n in (0, 1, 2)),
    (3, 5, 7),
    (8, 8, 8),
    (13, 17, 19),
    (16, 64, 32),
    *((7, 9, n) for n in range(1, 66)),
    *((m, 9, 33) for m in range(1, 27)),
    *((9, k, 18) for k in range(1, 34)),
]
DEEP_SHAPES = [(5, 257, 33), (31, 300, 70), (6, 513, 64), (29, 1031, 129), (513, 7, 65)]
NETWORK_SHAPES = [(batch, k, n) for batch, sizes in NETWORKS for k, n in itertools.pairwise(sizes)]
