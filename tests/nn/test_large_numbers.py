"""Numbers whose squares the dtype cannot hold: lengths and moments are right, and nothing stands still for ever."""

import cases
import numpy as np
import pytest

import fastopt as fo

LARGE = {np.float32: 2.0**83, np.float64: 2.0**660}  # about 1e25 and 1e199

NORMS = {
    "layer": lambda: fo.layers.LayerNormalization(),
    "rms": lambda: fo.layers.RMSNormalization(),
    "group": lambda: fo.layers.GroupNormalization(2),
    "instance": lambda: fo.layers.InstanceNormalization(),
}


@pytest.mark.parametrize("shape", [(6,), (5, 6), (16, 8)])
@pytest.mark.parametrize("name", NORMS)
def test_normalisation(name, shape, dtype, rng):
    """It does not depend on the scale of its input where epsilon is nothing, and its gradient is as much smaller."""
    x, dy = (rng.normal(size=(7, *shape)).astype(dtype) for _ in range(2))
    x *= 2.0**30
    if name == "instance" and len(shape) == 1:
        pytest.skip("an instance has one element")
    outputs, gradients, sums = [], [], []
    for scale in (1.0, LARGE[dtype]):
        model = fo.Sequential([NORMS[name]()], dtype=dtype.__name__)
        scaled = x * dtype(scale)
        outputs.append(model(scaled))
        gradients.append(model.backward(dy) * dtype(scale))
        sums.append([gradient.copy() for gradient in model.gradients.values()])
        np.testing.assert_array_equal(model.predict(scaled), outputs[-1])
    near = {"rtol": 0, "atol": 200 * np.finfo(dtype).eps}
    np.testing.assert_allclose(outputs[1], outputs[0], **near)
    np.testing.assert_allclose(gradients[1] * 2.0**30, gradients[0] * 2.0**30, **near)
    for large, small in zip(*sums[::-1], strict=True):
        np.testing.assert_allclose(large, small, **near)


@pytest.mark.parametrize("name", cases.IN_PLACE)
def test_optimizers_go_on(name, dtype):
    """Large gradients leave slots finite and move the parameters again and again."""
    optimizer = cases.IN_PLACE[name]()
    w, b = np.linspace(-1, 1, 9).astype(dtype), np.ones(2, dtype)
    gradients = {"kernel": np.sign(w + dtype(0.1)) * dtype(LARGE[dtype]), "bias": np.ones(2, dtype)}
    for _ in range(2):
        before = w.copy()
        for _ in range(6):
            optimizer.update({"kernel": w, "bias": b}, gradients)
        assert (w != before).all() or np.abs(w).max() > 1e12  # a step may be lost to rounding
        assert np.isfinite(w).all()
        assert all(np.isfinite(slot).all() for slot in optimizer.slots.values())


@pytest.mark.parametrize("name", ["adam", "rmsprop", "adagrad", "nadam", "adamw"])
def test_a_step_has_the_usual_size(name, dtype):
    """Of rules that divide by the root of the mean square."""
    steps = []
    for scale in (1.0, LARGE[dtype]):
        w = np.zeros(3, dtype)
        optimizer = fo.optimizers.OPTIMIZERS.resolve(name)
        for _ in range(3):
            optimizer.update(w, np.full(3, scale, dtype))
        steps.append(w)
    np.testing.assert_allclose(steps[1], steps[0], rtol=0.3)


@pytest.mark.parametrize("kind", ["norm", "global_norm"])
def test_clipping(kind, dtype):
    w, g = np.zeros(5, dtype), np.arange(1, 6).astype(dtype) * dtype(LARGE[dtype])
    fo.optimizers.Clip(fo.optimizers.SGD(1.0), **{kind: 2.0}).update(w, g)
    np.testing.assert_allclose(w, -2 * np.arange(1, 6) / np.sqrt(55), rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("constraint", [fo.constraints.MaxNorm, fo.constraints.UnitNorm])
def test_constraints(constraint, axis, dtype, rng):
    layer = fo.layers.Dense(4, kernel_constraint=constraint(axis=axis), use_bias=False)
    model = fo.Sequential([layer], dtype=dtype.__name__)
    model.compile(fo.optimizers.SGD(0.0), "mse")
    model.build(3)
    start = rng.normal(size=(3, 4))
    limit = 1.0 if constraint is fo.constraints.UnitNorm else layer.kernel_constraint.max_value
    for scale in (LARGE[dtype], np.finfo(dtype).max / 8):
        model.parameters["dense/kernel"][...] = start * scale
        model(np.zeros((1, 3)))
        model.backward(np.zeros((1, 4)))
        model.apply_gradients()
        expected = limit * start / np.linalg.norm(start, axis=axis, keepdims=True)
        np.testing.assert_allclose(model.parameters["dense/kernel"], expected, rtol=8 * np.finfo(dtype).eps)


def test_weight_normalisation(dtype, rng):
    model = fo.Sequential([fo.layers.WeightNormalization(fo.layers.Dense(4))], dtype=dtype.__name__)
    model.build(3)
    x = rng.normal(size=(5, 3)).astype(dtype)
    expected = model.predict(x)
    model.parameters["weight_normalization/kernel"][...] *= dtype(LARGE[dtype])
    np.testing.assert_allclose(model.predict(x), expected, rtol=0, atol=20 * np.finfo(dtype).eps)


@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_lamb_of_large_weights(decay):
    """The step has the length of the weights, also where the decay makes its direction as large."""
    w = np.full(4000, 1e25, np.float32)
    fo.optimizers.Lamb(0.25, weight_decay=decay).update(w, np.ones_like(w))
    np.testing.assert_allclose(w, 0.75e25, rtol=1e-5)


def test_what_is_infinite_is_not_hidden(dtype):
    w = np.zeros(2, dtype)
    fo.optimizers.Adam().update(w, np.array([np.inf, np.nan], dtype))
    assert np.isnan(w).all()
