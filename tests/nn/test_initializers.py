"""Starting values: their moments and bounds, their structure, and that they are the same everywhere."""

import hashlib
import math

import numpy as np
import pytest
from cases.initializers import INITIALIZERS as ROWS

import fastopt as fo
from fastopt.initializers import (
    INITIALIZERS,
    Constant,
    FanInUniform,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    Sparse,
    VarianceScaling,
    output_prior,
)
from fastopt.initializers.scaled import Scaled

SHAPES = [(300, 400), (1000, 90), (40, 700)]


def of(*kinds):
    rows = [row for row in ROWS if row.kind in kinds]
    return pytest.mark.parametrize("row", rows, ids=[repr(row.initializer) for row in rows])


def every(*kinds):
    return of(*{row.kind for row in ROWS}.difference(kinds))


def test_table_holds_all():
    assert {type(row.initializer) for row in ROWS} == set(INITIALIZERS.classes.values())


@every()
def test_same_on_every_machine(row, isa):
    """Also with odd and even sums, and in both orientations."""
    whole = hashlib.sha256()
    for shape in [(7, 5), (5, 8), (64, 33)]:
        for dtype in ("float32", "float64"):
            values = row.initializer(shape, seed=3, stream=11, dtype=dtype)
            whole.update(values.astype(values.dtype.newbyteorder("<")).tobytes())
    assert whole.hexdigest()[:16] == row.digest


@every()
@pytest.mark.parametrize("shape", SHAPES)
def test_mean_and_variance(row, shape, dtype):
    """Each limit is passed by chance in one of 10,000 cases or fewer."""
    values = row.initializer(shape, seed=1, stream=5, dtype=dtype.__name__)
    assert (values.shape, values.dtype) == (shape, dtype)
    assert values.flags.c_contiguous
    values = values.astype(np.float64)
    variance = row.variance(*shape)
    if row.kind == "constant":
        assert (values == dtype(row.mean)).all()
        return
    drawn = np.count_nonzero(values)
    assert abs(values.mean() - row.mean) < 4 * math.sqrt(variance / values.size)
    # The fourth moment of a normal distribution is the largest of all; that of the number of places adds nothing.
    assert abs(((values - row.mean) ** 2).mean() / variance - 1) < 4 * math.sqrt(2 / drawn)


@of("uniform")
@pytest.mark.parametrize("shape", SHAPES)
def test_bounds(row, shape, dtype):
    values = row.initializer(shape, seed=2, stream=5, dtype=dtype.__name__) - dtype(row.mean)
    limit = math.sqrt(3 * row.variance(*shape))
    rounding = 2 * np.finfo(dtype).eps
    assert limit * (1 - 1e-3) < -values.min() <= limit * (1 + rounding)
    assert limit * (1 - 1e-3) < values.max() <= limit * (1 + rounding)
    assert np.histogram(values, 10)[0].min() > 0.95 * values.size / 10


def keras_fans(shape):
    """Keras's `compute_fans` of 1 axis and of more: a window multiplies the inputs and the outputs."""
    if len(shape) == 1:
        return shape * 2
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


@every()
@pytest.mark.parametrize("shape", [(7,), (6, 4), (3, 6, 4), (3, 2, 6, 4), (2, 3, 2, 1, 5), (4, 1, 1, 8)], ids=str)
def test_kernels_with_a_window(row, shape):
    """They are the matrix of all but the last axis; where the variance follows from the shape, it is Keras's."""
    if len(shape) == 1 and row.kind in ("orthogonal", "sparse"):
        return
    flat = (math.prod(shape[:-1]), shape[-1])
    values, of_matrix = (row.initializer(s, seed=2, stream=3, dtype="float64") for s in (shape, flat))
    assert values.shape == shape
    scaled = isinstance(row.initializer, Scaled)
    ratio = math.sqrt(row.variance(*keras_fans(shape)) / row.variance(*flat)) if scaled else 1.0
    np.testing.assert_allclose(values.reshape(flat), ratio * of_matrix, rtol=1e-14, atol=1e-15)


@of("normal")
def test_normal_has_tails(row):
    values = row.initializer((300, 400), seed=2, stream=5) - row.mean
    beyond = np.mean(np.abs(values) > 2 * math.sqrt(row.variance(300, 400)))
    assert abs(beyond - math.erfc(math.sqrt(2))) < 4 * math.sqrt(0.0455 / values.size)


@every("constant")
def test_streams_and_seeds_differ(row):
    drawn = {row.initializer((4, 6), seed, stream).tobytes() for seed in (0, 1, 2**64 - 1) for stream in (0, 1, 2**48)}
    assert len(drawn) == 9


@pytest.mark.parametrize(
    ("scaled", "named"),
    [
        (VarianceScaling(1.0, "fan_in", "normal"), LecunNormal()),
        (VarianceScaling(1.0, "fan_in", "uniform"), LecunUniform()),
        (VarianceScaling(2.0, "fan_in", "normal"), HeNormal()),
        (VarianceScaling(2.0, "fan_in", "uniform"), HeUniform()),
        (VarianceScaling(1.0, "fan_avg", "normal"), GlorotNormal()),
        (VarianceScaling(1.0, "fan_avg", "uniform"), GlorotUniform()),
        (VarianceScaling(16.0, "fan_avg", "uniform"), GlorotUniform(gain=4.0)),
        (VarianceScaling(1 / 3, "fan_in", "uniform"), FanInUniform()),
        (HeNormal(negative_slope=1.0), LecunNormal()),
        (LecunUniform(gain=math.sqrt(1 / 3)), FanInUniform()),
        (RandomNormal(stddev=0.01), LecunNormal(gain=0.1)),
    ],
    ids=repr,
)
def test_formulas_agree(scaled, named):
    a, b = (initializer((100, 7), seed=1, stream=2, dtype="float64") for initializer in (scaled, named))
    np.testing.assert_allclose(a, b, rtol=4e-16, atol=1e-16)


@pytest.mark.parametrize(
    ("initializer", "activation", "kept"),
    [
        (HeNormal(), "relu", 1.0),
        (HeUniform(), "relu", 1.0),
        (LecunNormal(), "linear", 1.0),
        (Orthogonal(), "linear", 1.0),
        (Orthogonal(math.sqrt(2)), "relu", 1.0),
        (GlorotNormal(), "linear", 1.0),
        (FanInUniform(), "linear", 3.0**-10),
        (LecunNormal(), "relu", 2.0**-10),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value!r}",
)
def test_signals_through_ten_layers(initializer, activation, kept, rng):
    """Within a factor that ten random layers of 200 units make likely."""
    layers = [fo.layers.Dense(200, activation, kernel_initializer=initializer) for _ in range(10)]
    model = fo.Sequential(layers, seed=1)
    size = (model(rng.normal(size=(300, 200))) ** 2).mean()
    assert 0.4 < size / kept < 2.5


# Orthogonal


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (5, 1), (1, 5), (64, 64), (100, 33), (33, 100)], ids=str)
def test_orthogonal(shape, dtype):
    for seed in range(5):
        w = Orthogonal(gain=3.0)(shape, seed, stream=0, dtype=dtype.__name__).astype(np.float64)
        gram = w.T @ w if shape[0] >= shape[1] else w @ w.T
        np.testing.assert_allclose(gram, 9 * np.eye(min(shape)), atol=100 * np.finfo(dtype).eps)


def test_every_rotation_is_as_likely():
    """Statistic of Kolmogorov and Smirnov for the direction of a column, and the number of reflections."""
    draws = [Orthogonal()((2, 2), seed, stream=1, dtype="float64") for seed in range(4000)]
    angle = np.sort([math.atan2(w[1, 0], w[0, 0]) / (2 * math.pi) % 1 for w in draws])
    assert np.abs(angle - np.arange(4000) / 4000).max() < 2.23 / math.sqrt(4000)
    turned = np.mean([np.linalg.det(w) > 0 for w in draws])
    assert abs(turned - 0.5) < 4 * 0.5 / math.sqrt(4000)


# Sparse


@pytest.mark.parametrize(
    ("inputs", "nonzeros", "each"), [(100, 15, 15), (15, 15, 15), (7, 15, 7), (1, 1, 1), (50, 1, 1)]
)
def test_number_of_nonzeros(inputs, nonzeros, each, dtype):
    w = Sparse(nonzeros)((inputs, 333), seed=0, stream=3, dtype=dtype.__name__)
    assert (np.count_nonzero(w, axis=0) == each).all()


def test_every_place_is_as_likely():
    """Chi-square with 19 degrees of freedom; above 50 by chance in one of 7,000 cases. Pairs: 189, above 290."""
    columns = 20_000
    places = (Sparse(4)((20, columns), seed=0, stream=3) != 0).astype(np.float64)
    count = places.sum(axis=1)
    assert ((count - columns / 5) ** 2 / (columns / 5)).sum() < 50
    pairs = (places @ places.T)[np.triu_indices(20, 1)]
    expected = columns * (4 * 3) / (20 * 19)
    assert ((pairs - expected) ** 2 / expected).sum() < 290


def test_values_do_not_depend_on_places():
    w = Sparse(5, stddev=2.0)((40, 5000), seed=0, stream=3, dtype="float64")
    places, columns = np.nonzero(w)
    values = w[places, columns]
    assert abs(np.corrcoef(places, values)[0, 1]) < 4 / math.sqrt(len(values))
    assert abs(np.corrcoef(places, np.abs(values))[0, 1]) < 4 / math.sqrt(len(values))
    assert abs(values.std() - 2) < 4 * 2 / math.sqrt(2 * len(values))


# Biases


def entropy(p):
    return -(p * np.log(p)).sum()


def test_prior_of_classes(rng):
    y = rng.choice(4, 1000, p=[0.5, 0.3, 0.15, 0.05])
    bias = np.array(output_prior(y).value)
    frequency = (np.bincount(y) + 1) / 1004
    np.testing.assert_allclose(np.exp(bias), frequency, rtol=1e-15)
    one_hot = np.eye(4)[y]
    assert output_prior(one_hot, "categorical_crossentropy").value == bias.tolist()
    model = fo.Sequential([fo.layers.Dense(4, "softmax", True, "zeros", output_prior(y))])
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.build(3)
    x = rng.normal(size=(1000, 3))
    np.testing.assert_allclose(model.predict(x), np.tile(frequency, (1000, 1)), rtol=1e-6)
    assert model.evaluate(x, y)["loss"] == pytest.approx(entropy(frequency), rel=0.01)


def test_prior_of_absent_classes():
    bias = output_prior([0, 0, 2], outputs=4)
    np.testing.assert_allclose(np.exp(bias.value), [3 / 7, 1 / 7, 2 / 7, 1 / 7])
    assert output_prior([0, 0, 2]).value == pytest.approx(np.log([3 / 6, 1 / 6, 2 / 6]).tolist())
    assert output_prior([0, 0, 0], "binary_crossentropy").value == pytest.approx([-math.log(4)])


def test_prior_of_a_sigmoid(rng):
    y = rng.random((500, 3)) < [0.9, 0.5, 0.01]
    bias = np.array(output_prior(y, "binary_crossentropy").value)
    np.testing.assert_allclose(1 / (1 + np.exp(-bias)), (y.sum(axis=0) + 1) / 502, rtol=1e-14)
    assert output_prior(y[:, 0], fo.losses.BinaryCrossentropy()).value == [bias[0]]


def test_prior_of_a_regression(rng):
    y = rng.normal(3.0, 2.0, (101, 2))
    np.testing.assert_allclose(output_prior(y, "mse").value, y.mean(axis=0), rtol=1e-14)
    assert output_prior([1, 2, 6], "mse").value == [3.0]


def test_prior_is_saved_with_the_model(tmp_path):
    bias = output_prior([0, 1, 1, 2])
    model = fo.Sequential([fo.layers.Dense(3, bias_initializer=bias)])
    model.build(2)
    model.save(tmp_path / "model.safetensors")
    again = fo.load_model(tmp_path / "model.safetensors").layers[0]
    assert again.bias_initializer.value == bias.value
    np.testing.assert_array_equal(model.parameters["dense/bias"], np.float32(bias.value))


def test_logarithm_is_the_nearest():
    for numerator in range(1, 200):
        assert output_prior([0] * numerator, "binary_crossentropy").value[0] == pytest.approx(
            -math.log(numerator + 1), rel=3e-16
        )


BAD = {
    "gain": (lambda: HeNormal(-1.0), ValueError, "gain must be at least 0, not -1.0"),
    "gain-type": (lambda: Orthogonal("2"), TypeError, "gain must be a number"),
    "slope": (lambda: HeUniform(negative_slope=np.inf), ValueError, "negative_slope must be finite"),
    "scale": (lambda: VarianceScaling(-2.0), ValueError, "scale must be at least 0"),
    "mode": (lambda: VarianceScaling(mode="fan_on"), ValueError, "Unknown mode 'fan_on'. Did you mean 'fan_"),
    "distribution": (lambda: VarianceScaling(distribution="x"), ValueError, "Known: normal, uniform"),
    "uniform": (lambda: RandomUniform(1.0, 0.5), ValueError, "maxval must be at least 1, not 0.5"),
    "nonzeros": (lambda: Sparse(0), ValueError, "nonzeros must be at least 1"),
    "nonzeros-type": (lambda: Sparse(0.1), TypeError, "nonzeros must be an integer"),
    "sparse-stddev": (lambda: Sparse(stddev=0.0), ValueError, "stddev must be more than 0"),
    "sparse-shape": (
        lambda: Sparse()((3,), 0, 0),
        ValueError,
        r"Sparse\(\) makes kernels .* not arrays of shape \(3,\)",
    ),
    "empty": (lambda: GlorotUniform()((0, 3), 0, 0), ValueError, r"shape\[0\] must be at least 1, not 0"),
    "orthogonal-shape": (lambda: Orthogonal()((3,), 0, 0), ValueError, r"not arrays of shape \(3,\)"),
    "constant-list": (lambda: Constant([1.0, np.nan]), ValueError, r"value\[1\] must be finite"),
    "constant-type": (lambda: Constant("1"), TypeError, "value must be a number"),
    "constant-length": (lambda: Constant([1, 2, 3])((4,), 0, 0), ValueError, r"has 3 numbers; .* \(4,\) needs 4"),
    "prior-empty": (lambda: output_prior([]), ValueError, "y is empty"),
    "prior-nan": (lambda: output_prior([1.0, np.nan]), ValueError, r"y\[1\] = nan"),
    "prior-labels": (lambda: output_prior([0.5, 1.0]), ValueError, "whole number"),
    "prior-outputs": (lambda: output_prior([0, 3], outputs=2), ValueError, "a label from 0 to 1"),
    "prior-negative": (lambda: output_prior([0, -3]), ValueError, "a label from 0"),
    "prior-range": (lambda: output_prior([0, 2], "binary_crossentropy"), ValueError, "not from 0 to 1"),
    "prior-loss": (lambda: output_prior([0, 2], "crossentropy"), ValueError, "Unknown loss"),
    "prior-scalar": (lambda: output_prior(3), ValueError, "y has shape"),
}


@pytest.mark.parametrize(("call", "error", "message"), BAD.values(), ids=BAD)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
