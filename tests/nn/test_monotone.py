"""Networks whose outputs rise or fall with some inputs."""

import numpy as np
import pytest

import fastopt as fo
from fastopt.layers import Activation, BatchNormalization, Dense, Dropout, monotone
from fastopt.layers.base import ACTIVATIONS
from fastopt.layers.monotonic import RISING

SIGNS = [1, -1, 0, 1]


def test_rising_activations():
    """All those that never fall, but for softmax, whose outputs depend on each other."""
    z = np.linspace(-9, 9, 4001)
    others = ACTIVATIONS.keys() - {"linear", "softmax"}
    never_fall = {name for name in others if (np.diff(getattr(fo.kernels, name)(z)) >= 0).all()}
    assert {*RISING} == never_fall | {"linear"}


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_order_after_training(activation, optimizer, rng):
    """Random networks keep the order of every pair of inputs, although the targets have the other one."""
    x = rng.normal(size=(200, 4))
    y = x @ [[-1.0, 0.5], [2.0, 1.0], [1.0, 1.0], [1.0, -3.0]] + rng.normal(size=(200, 2))
    layers = [Dense(16, activation), Dropout(0.1), Dense(8), Activation("sigmoid"), Dense(2, "softplus")]
    model = fo.Sequential(monotone(layers, SIGNS), seed=3, dtype="float64")
    model.compile(optimizer, "mse")
    model.fit(x, y, 32, 3, verbose=0)
    low = rng.normal(size=(500, 4))
    high = low + np.abs(SIGNS) * rng.exponential(size=low.shape) * np.array(SIGNS)
    assert (model.predict(high) >= model.predict(low) - 1e-12).all()
    assert [layer.kernel_constraint for layer in layers if isinstance(layer, Dense)] == [None] * 3  # theirs


def test_free_inputs_are_free(rng):
    """A bowl in one input, a slope in the other."""
    x = rng.uniform(-1, 1, (400, 2))
    y = x[:, 0] + 2 * x[:, 1] ** 2
    model = fo.Sequential(monotone([Dense(24, "tanh"), Dense(1)], [1, 0]), seed=0)
    model.compile(fo.optimizers.Adam(0.02), "mse")
    assert model.fit(x, y, 32, 60, verbose=0).history["loss"][-1] < 0.02


BAD = {
    "activation": ([Dense(2, "gelu")], "layers\\[0\\] has the activation 'gelu'"),
    "softmax": ([Dense(2), Activation("softmax")], "layers\\[1\\] has the activation 'softmax'"),
    "norm": ([Dense(2), BatchNormalization()], r"layers\[1\], BatchNormalization\(.*\), may turn the order around"),
    "frozen": ([Dense(2, trainable=False)], "is frozen"),
    "constraint": ([Dense(2, kernel_constraint="non_neg")], "has a constraint already"),
    "none": ([Activation("relu")], "must have a Dense layer"),
}


@pytest.mark.parametrize(("layers", "message"), BAD.values(), ids=BAD)
def test_what_may_turn_the_order_around(layers, message):
    with pytest.raises(ValueError, match=message):
        monotone(layers, [1, 0])


def test_number_of_signs():
    model = fo.Sequential(monotone([Dense(2)], [1, 0]))
    with pytest.raises(ValueError, match="Monotone has 2 signs; the kernel has 3 inputs"):
        model.build(3)
