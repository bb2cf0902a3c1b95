"""Embeddings of numerical features against their definitions."""

import numpy as np
import pytest
import twins

import fastopt as fo
from fastopt.layers import Dense, PeriodicEmbedding, PiecewiseLinearEncoding


@pytest.mark.parametrize("bins", [1, 2, 7])
def test_quantile_bins(bins, rng):
    """Edges at quantiles, equal ones once; about as many samples in each bin of features without equal values."""
    x = np.concatenate([rng.normal(size=(700, 1)), rng.integers(0, 3, (700, 1)), np.full((700, 1), 5.0)], 1)
    normal, whole, constant = fo.preprocessing.quantile_bins(x, bins)
    assert len(normal) == bins + 1
    assert set(np.histogram(x[:, 0], normal)[0]) <= {700 // bins - 1, 700 // bins, 700 // bins + 1}
    assert set(whole) <= {0, 0.5, 1, 1.5, 2}
    assert constant == [5, 6]
    encoding = fo.Sequential([PiecewiseLinearEncoding([normal, whole, constant])])
    encoding.build(3)
    y = encoding.predict(x)
    assert y.min() >= -1e-6
    assert y.max() <= 1 + 1e-6


def test_slope_at_an_edge_is_that_of_both_pieces():
    """As it is of PyTorch's clamp, whose limits are inside."""
    model = fo.Sequential([fo.layers.Dense(1, kernel_initializer="ones"), PiecewiseLinearEncoding([[0.0, 1.0, 3.0]])])
    model.build(1)
    model([[1.0]])
    model.backward(np.ones((1, 2)))
    assert model.gradients["dense/bias"] == [1.5]


def test_piecewise(isa, dtype, rng):
    """Inside, outside and on the edges; the zeros of features with fewer bins stand before the last."""
    for most in (1, 2, 5, 17, 40):
        bins = [np.sort(rng.normal(size=n + 1)).tolist() for n in (most, 1, max(1, most // 2))]
        x = rng.normal(0, 2, (50, 3))
        x[:most, 0] = bins[0][:most]
        model = fo.Sequential([PiecewiseLinearEncoding(bins)], dtype=np.dtype(dtype).name)
        model.build(3)
        y = model.predict(x).reshape(50, 3, most)
        kept = np.concatenate([y[:, i, [*range(len(edges) - 2), most - 1]] for i, edges in enumerate(bins)], 1)
        want = twins.piecewise(x, bins)
        widths = np.concatenate([np.diff(edges) for edges in bins])
        assert (np.abs(kept - want) <= 8 * np.finfo(dtype).eps * (1 + 8 / widths)).all()
        assert np.count_nonzero(y) <= np.count_nonzero(np.abs(kept) > 0)


@pytest.mark.parametrize("make", [PeriodicEmbedding.pbld, lambda: PeriodicEmbedding(3, 5, 0.5, shared=True)])
def test_threads(make, dtype, rng, for_all_threads):
    x, y = rng.normal(size=(300, 37)), rng.normal(size=300)

    def train():
        model = fo.Sequential([make(), Dense(1)], seed=0, dtype=np.dtype(dtype).name)
        model.compile("adam", "mse")
        model.fit(x, y, 128, 2, verbose=0)
        return model.get_weights()

    for_all_threads(train)


def test_starting_values():
    model = fo.Sequential([PeriodicEmbedding(8, 64, 0.3, use_phases=True)], seed=0)
    model.build(50)
    c, b, w, _ = model.get_weights()
    assert c.std() == pytest.approx(0.3, rel=0.05)
    assert np.abs(b).max() == pytest.approx(np.pi, rel=0.01)
    assert np.abs(w).max() == pytest.approx(1 / 8, rel=0.01)


RTDL = {
    "plr": (dict(activation=True, lite=False), dict(activation="relu")),  # noqa: C408
    "pl": (dict(activation=False, lite=False), dict(activation=None)),  # noqa: C408
    "lite": (dict(activation=True, lite=True), dict(shared=True)),  # noqa: C408
}


@pytest.mark.parametrize(("theirs", "ours"), RTDL.values(), ids=RTDL)
def test_periodic_against_rtdl(theirs, ours, rng):
    rtdl, torch = pytest.importorskip("rtdl_num_embeddings"), pytest.importorskip("torch")
    module = rtdl.PeriodicEmbeddings(5, 6, n_frequencies=9, frequency_init_scale=0.3, **theirs)
    model = fo.Sequential([PeriodicEmbedding(6, 9, 0.3, **ours)])
    model.build(5)
    weights = [module.periodic.weight, module.linear.weight, module.linear.bias]
    weights = [weight.detach().numpy() for weight in weights]
    model.set_weights([weights[0], weights[1].T if theirs["lite"] else weights[1], weights[2]])
    x = rng.normal(size=(7, 5)).astype(np.float32)
    want = module(torch.tensor(x)).detach().numpy().reshape(7, -1)
    np.testing.assert_allclose(model.predict(x), want, atol=2e-6)


def test_piecewise_against_rtdl(rng):
    rtdl, torch = pytest.importorskip("rtdl_num_embeddings"), pytest.importorskip("torch")
    x = np.concatenate([rng.normal(size=(300, 2)), rng.integers(0, 4, (300, 1))], 1).astype(np.float32)
    bins = fo.preprocessing.quantile_bins(x, 6)
    theirs = rtdl.compute_bins(torch.tensor(x), n_bins=6)
    for mine, their in zip(bins, theirs, strict=True):
        np.testing.assert_allclose(mine, their.numpy(), rtol=1e-5, atol=1e-6)
    model = fo.Sequential([PiecewiseLinearEncoding([edges.tolist() for edges in theirs])])
    model.build(3)
    got = model.predict(x).reshape(300, 3, 6)
    kept = [got[:, i, [*range(len(edges) - 2), 5]] for i, edges in enumerate(theirs)]
    want = rtdl.PiecewiseLinearEncoding(theirs)(torch.tensor(x)).numpy()
    np.testing.assert_allclose(np.concatenate(kept, 1), want, atol=1e-5)


BAD = {
    "output_dim": (lambda: PeriodicEmbedding(1, use_input=True), ValueError, "output_dim must be at least 2"),
    "sigma": (lambda: PeriodicEmbedding(sigma=0.0), ValueError, "sigma must be more than 0"),
    "flag": (lambda: PeriodicEmbedding(shared=1), TypeError, "shared must be True or False"),
    "no bins": (lambda: PiecewiseLinearEncoding([]), ValueError, "bins is empty"),
    "one edge": (lambda: PiecewiseLinearEncoding([[1.0]]), ValueError, r"bins\[0\] must be two edges or more"),
    "equal edges": (lambda: PiecewiseLinearEncoding([[0, 1], [1, 1]]), ValueError, r"bins\[1\] must be two edges"),
    "features": (
        lambda: fo.Sequential([PiecewiseLinearEncoding([[0.0, 1.0]])]).build(2),
        ValueError,
        "has bins of 1 features; its input has 2",
    ),
    "flat": (lambda: fo.Sequential([PeriodicEmbedding()]).build((2, 3)), ValueError, "needs flat samples"),
}


@pytest.mark.parametrize(("call", "kind", "message"), BAD.values(), ids=BAD)
def test_bad_arguments(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
