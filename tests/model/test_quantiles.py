"""Quantile regression."""

import numpy as np
import pytest
import twins

import fastopt as fo

LEVELS = (0.1, 0.5, 0.9)


def network(outputs=3):
    model = fo.Sequential([fo.layers.Dense(5, "tanh"), fo.layers.Dense(outputs)], seed=2, dtype="float64")
    model.build(4)
    return model


@pytest.mark.parametrize("targets", [1, 2, 15])
def test_gradient(targets, rng):
    """Of the weighted mean, an output for each quantile of each target."""
    x, y = rng.normal(size=(40, 4)), rng.normal(size=(40, targets))
    weight = rng.uniform(0.5, 2, 40)
    model = network(3 * targets)
    model.compile(fo.optimizers.SGD(1.0), fo.losses.Quantile(LEVELS))
    p = model.predict(x)
    loss, dp = twins.quantile(p, np.repeat(y, 3, axis=1), LEVELS)
    assert model.evaluate(x, y, sample_weight=weight)["loss"] == pytest.approx(np.average(loss, weights=weight))
    before = model.parameters["dense_1/bias"].copy()
    model.train_on_batch(x, y, weight)
    step = before - model.parameters["dense_1/bias"]
    np.testing.assert_allclose(step, (weight[:, None] * dp).sum(0) / 40, rtol=1e-10)


def test_against_scikit_learn(rng):
    metrics = pytest.importorskip("sklearn.metrics")
    p, y = rng.normal(size=(50, 3)), rng.normal(size=50)
    losses = [metrics.mean_pinball_loss(y, p[:, i], alpha=q) for i, q in enumerate(LEVELS)]
    loss, _ = fo.kernels.quantile(p, np.repeat(y[:, None], 3, 1), quantiles=LEVELS)
    assert loss.mean() == pytest.approx(np.mean(losses), rel=1e-12)


def test_sorting_is_never_worse(rng):
    """And keeps the targets apart."""
    loss, p, y = fo.losses.Quantile(LEVELS), rng.normal(size=(200, 6)), rng.normal(size=(200, 2))
    ordered = loss.sort(p)
    assert (np.diff(ordered.reshape(200, 2, 3)) >= 0).all()
    np.testing.assert_array_equal(np.sort(p[:, :3]), ordered[:, :3])
    wide = np.repeat(y, 3, axis=1)
    before, after = (twins.quantile(q, wide, LEVELS)[0] for q in (p, ordered))
    assert (after <= before + 1e-12).all()
    assert after.mean() < before.mean()


def test_saved_and_loaded(tmp_path, rng):
    model = network()
    model.compile("adam", fo.losses.Quantile(LEVELS))
    x, y = rng.normal(size=(20, 4)), rng.normal(size=20)
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "model.safetensors")
    loaded = fo.load_model(tmp_path / "model.safetensors")
    assert loaded.loss == model.loss
    assert loaded.evaluate(x, y) == model.evaluate(x, y)


BAD = {
    "none": (lambda: fo.losses.Quantile(()), ValueError, "at least one"),
    "falling": (lambda: fo.losses.Quantile((0.5, 0.1)), ValueError, "in rising order"),
    "one": (lambda: fo.losses.Quantile((0.5, 1.0)), ValueError, r"quantiles\[1\] must be more than 0 and less than 1"),
    "word": (lambda: fo.losses.Quantile(("a",)), TypeError, r"quantiles\[0\] must be a number"),
    "sorted": (lambda: fo.losses.Quantile(LEVELS).sort(np.ones((2, 4))), ValueError, "3 columns for each target"),
    "outputs": (
        lambda: fo.losses.Quantile(LEVELS).targets("y", [1.0], 4, "float64"),
        ValueError,
        "quantile with 3 quantiles needs 3 outputs for each target; the network has 4",
    ),
    "level": (lambda: fo.kernels.quantile([[1.0]], [[1.0]], quantiles=[1.5]), ValueError, "from 0 to 1"),
}


@pytest.mark.parametrize(("call", "kind", "message"), BAD.values(), ids=BAD)
def test_bad_arguments(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
