"""Gradients of whole networks against central differences in float64."""

import cases
import numpy as np
import pytest

import fastopt as fo

STEP = 1e-5
TOLERANCE = 1e-6

HIDDEN = cases.FUSED_ACTIVATIONS
LAST = {
    "sparse_categorical_crossentropy": ["linear", "softmax"],
    "categorical_crossentropy": ["linear", "softmax"],
    "binary_crossentropy": ["linear", "sigmoid"],
    "mean_squared_error": [*HIDDEN, "softmax"],
    "kl_divergence": ["linear", "softmax"],
    **{
        name: ["linear", "tanh"]
        for name in ("mean_absolute_error", "quantile", "huber", "log_cosh", "hinge", "squared_hinge", "poisson")
    },
}
OBJECTS = {
    **{name: name for name in LAST},
    "huber": fo.losses.Huber(0.1),
    "quantile": fo.losses.Quantile((0.8,)),
    "sparse_categorical_crossentropy": fo.losses.SparseCategoricalCrossentropy(0.2),
    "categorical_crossentropy": fo.losses.CategoricalCrossentropy(0.2),
    "binary_crossentropy": fo.losses.BinaryCrossentropy(0.2),
}
SHAPES = [(1, 1, (1,)), (3, 5, (4,)), (7, 4, (6, 3)), (2, 17, (33, 9, 5))]  # samples, features, units of each layer

# Every loss with every last activation that it takes; every hidden activation with one of them.
TRAINED = [
    (shape, hidden, last, loss, bias)
    for shape in SHAPES
    for loss, lasts in LAST.items()
    for last in lasts
    for hidden in (HIDDEN if len(shape[2]) > 1 and (loss, last) == ("mean_squared_error", "linear") else ["tanh"])
    for bias in (True, False)
]
OWN_LOSS = [
    (shape, hidden, last, True)
    for shape in SHAPES
    for last in [*HIDDEN, "softmax"]
    for hidden in ("linear", "tanh")[: len(shape[2])]
]


def make(shape, hidden, last, bias):
    _, features, units = shape
    layers = [fo.layers.Dense(n, hidden, bias, bias_initializer="random_normal") for n in units[:-1]]
    layers.append(fo.layers.Dense(units[-1], last, bias, bias_initializer="random_normal"))
    model = fo.Sequential(layers, seed=1, dtype="float64")
    model.build(features)
    return model


def numeric(value, array):
    result = np.empty(array.shape)
    for index in np.ndindex(array.shape):
        before = array[index]
        array[index] = before + STEP
        above = value()
        array[index] = before - STEP
        below = value()
        array[index] = before
        result[index] = (above - below) / (2 * STEP)
    return result


def error(a, b):
    size = np.linalg.norm(a) + np.linalg.norm(b)
    return np.linalg.norm(a - b) / size if size > 1e-9 else 0.0


def targets(loss, n, outputs, rng):
    if loss == "sparse_categorical_crossentropy":
        return rng.integers(0, outputs, n)
    if loss in ("categorical_crossentropy", "kl_divergence"):
        return rng.dirichlet(np.ones(outputs), n)
    if loss.endswith("hinge"):
        return rng.integers(0, 2, (n, outputs))
    return rng.random((n, outputs))


@pytest.mark.parametrize(("shape", "hidden", "last", "loss", "bias"), TRAINED)
@pytest.mark.filterwarnings("ignore:dense.* is a softmax of one number")
def test_training_gradient(shape, hidden, last, loss, bias, rng):
    """A step of plain SGD moves the weights along the gradient of sum_i w_i L_i / n."""
    n, features, units = shape
    x, y, weight = rng.normal(size=(n, features)), targets(loss, n, units[-1], rng), rng.uniform(0.5, 2.0, n)
    model = make(shape, hidden, last, bias)
    model.compile(fo.optimizers.SGD(1.0), OBJECTS[loss])

    def value():
        return model.evaluate(x, y, sample_weight=weight)["loss"] * weight.sum() / n

    expected = {name: numeric(value, view) for name, view in model.parameters.items()}
    before = {name: view.copy() for name, view in model.parameters.items()}
    model.train_on_batch(x, y, weight)
    for name, view in model.parameters.items():
        assert error(before[name] - view, expected[name]) <= TOLERANCE, name


@pytest.mark.parametrize(("shape", "hidden", "last", "bias"), OWN_LOSS)
@pytest.mark.filterwarnings("ignore:dense.* is a softmax of one number")
def test_backward(shape, hidden, last, bias, rng):
    """`backward` gives the gradients of any function of the outputs, also with respect to the inputs."""
    n, features, units = shape
    x, direction = rng.normal(size=(n, features)), rng.normal(size=(n, units[-1]))
    model = make(shape, hidden, last, bias)

    def value():
        return float((model(x) * direction).sum())

    expected = {name: numeric(value, view) for name, view in model.parameters.items()}
    expected_x = numeric(value, x)
    model(x)
    dx = model.backward(direction)
    assert error(dx, expected_x) <= TOLERANCE
    for name, view in model.gradients.items():
        assert error(view, expected[name]) <= TOLERANCE, name
