"""Ensembles whose members take turns at the rows of a batch."""

import numpy as np
import pytest

import fastopt as fo

K = 3


def network(seed=0, dtype="float64"):
    layers = [
        fo.layers.MemberScale(K, initializer=fo.initializers.RandomNormal(stddev=1.0)),
        fo.layers.Dense(7, use_bias=False),
        fo.layers.MemberScale(K, "tanh", True, "lecun_uniform", "lecun_uniform"),
        fo.layers.MemberDense(2, K),
    ]
    model = fo.Sequential(layers, seed=seed, dtype=dtype)
    model.compile(fo.optimizers.SGD(0.1), "mse")
    model.build(5)
    return model


def twin(model, x):
    r, w, s, b, v, c = model.get_weights()
    m = np.arange(len(x)) % K
    h = np.tanh(((x * r[m]) @ w) * s[m] + b[m])
    return np.einsum("ni,nij->nj", h, v[m]) + c[m]


@pytest.mark.parametrize("rows", [1, 2, 3, 9, 100, 1001])
def test_values_and_gradients(rows, rng, for_all_threads):
    model, x, y = network(), rng.normal(size=(rows, 5)), rng.normal(size=(rows, 2))
    np.testing.assert_allclose(model.predict(x, batch_size=3 * rows), twin(model, x), rtol=1e-12, atol=1e-12)
    if rows in (9, 100):
        assert fo.check_gradients(model, x, y).verdict == "great"

    def trained():
        one = network(dtype="float32")
        one.fit(x, y, batch_size=300, epochs=2, verbose=0)
        return one.get_weights()

    for_all_threads(trained)


def test_gathered_rows(rng):
    """Rows count in the batch, not in the data."""
    x, y = rng.normal(size=(40, 5)), rng.normal(size=(40, 2))
    rows = rng.permutation(40)[:18]
    one, other = network(), network()
    one.fit(x, y, rows=rows, shuffle=False, batch_size=6, verbose=0)
    other.fit(x[rows], y[rows], shuffle=False, batch_size=6, verbose=0)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_members_are_apart(rng):
    """A member learns from its own rows alone, but for what all share."""
    model = network()
    before = model.get_weights()
    x, y = rng.normal(size=(K, 5)), rng.normal(size=(K, 2))
    model.train_on_batch(x, y, sample_weight=[1.0, 0.0, 0.0])
    after = model.get_weights()
    for i in (0, 2, 3, 4, 5):
        assert (after[i][0] != before[i][0]).any()
        np.testing.assert_array_equal(after[i][1:], before[i][1:])


def test_files_and_configs(tmp_path, rng):
    model, x = network(), rng.normal(size=(6, 5))
    model.save(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(fo.load_model(tmp_path / "model.safetensors").predict(x), model.predict(x))
    for layer in model.layers:
        assert type(layer)(**layer.get_config()) == layer
