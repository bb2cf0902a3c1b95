"""Scalers by properties, by table and against scikit-learn; one-hot rows; splits."""

import json
import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from fastopt.core import checks
from fastopt.data import splits
from fastopt.preprocessing import (
    MinMaxScaler,
    Standardizer,
    Whitener,
    check_same_distribution,
    one_hot,
    train_dev_test_split,
)

SCALERS = [
    Standardizer(),
    MinMaxScaler(),
    MinMaxScaler((-1.0, 3.0)),
    Whitener(),
    Whitener("pca"),
    Whitener("pca", epsilon=0.1),
    Whitener(epsilon=0.0),
]
STATISTICS = {
    Standardizer: ("mean", "variance", "scale", "offset"),
    MinMaxScaler: ("minimum", "maximum", "scale", "offset"),
    Whitener: ("mean", "covariance", "variances", "matrix"),
}
every_scaler = pytest.mark.parametrize("scaler", SCALERS, ids=repr)
quick = settings(max_examples=60)


def fresh(scaler):
    return type(scaler).from_config(scaler.get_config())


def statistics(scaler):
    return {name: getattr(scaler, name) for name in STATISTICS[type(scaler)]}


@st.composite
def samples(draw, rows=40):
    """Samples of large and small means and spreads, in which no feature is a rounding error of another."""
    n, features = draw(st.integers(6, rows)), draw(st.integers(1, 5))
    seed = draw(st.integers(0, 2**32 - 1))
    spread = 10.0 ** np.array(draw(st.lists(st.integers(-3, 3), min_size=features, max_size=features)))
    mean = draw(npst.arrays(np.float64, features, elements=st.floats(-1e3, 1e3)))
    return mean + spread * np.random.default_rng(seed).normal(size=(n, features))


def suited(scaler, x):
    """Rounding moves each variance of a covariance by as much as the largest one: a whitener gets equal ones."""
    return x / x.std(axis=0) if isinstance(scaler, Whitener) else x


# Properties


@every_scaler
@quick
@given(x=samples(), cuts=st.sets(st.integers(1, 39)))
def test_pieces_equal_the_whole(scaler, x, cuts):
    x = suited(scaler, x)
    whole, pieces = fresh(scaler).fit(x), fresh(scaler)
    for piece in np.split(x, sorted(cut for cut in cuts if cut < len(x))):
        pieces.partial_fit(piece)
    assert pieces.count == whole.count == len(x)
    a, b = pieces.transform(x), whole.transform(x)
    if isinstance(scaler, Whitener) and scaler.method == "pca":
        a, b = a @ a.T, b @ b.T  # the directions of nearly equal variances are any
    assert a == pytest.approx(b, rel=1e-6, abs=1e-6)


@every_scaler
@quick
@given(x=samples())
def test_inverse(scaler, x):
    scaler, x = fresh(scaler), suited(scaler, x)
    again = scaler.inverse_transform(scaler.fit_transform(x))
    np.testing.assert_allclose(again, x, rtol=1e-9, atol=1e-9 * np.abs(x).max())


@every_scaler
@quick
@given(x=samples())
def test_affine_map(scaler, x):
    x = suited(scaler, x)
    a, b = fresh(scaler).fit(x).affine("float64")
    mapped = x * a + b if a.ndim == 1 else x @ a + b
    size = np.abs(x).max() * np.abs(a).max()
    np.testing.assert_allclose(mapped, fresh(scaler).fit_transform(x), rtol=1e-9, atol=1e-13 * (1 + size))


@quick
@given(x=samples())
def test_standardized(x):
    y = Standardizer().fit_transform(x)
    np.testing.assert_allclose(y.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(y.var(axis=0), 1, rtol=1e-9)


@quick
@given(x=samples())
def test_range(x):
    y = MinMaxScaler((-1.0, 3.0)).fit_transform(x)
    np.testing.assert_allclose(y.min(axis=0), -1, rtol=1e-12)
    np.testing.assert_allclose(y.max(axis=0), 3, rtol=1e-12)
    assert (np.diff(np.take_along_axis(y, np.argsort(x, axis=0), axis=0), axis=0) >= 0).all()


@pytest.mark.parametrize("method", ["zca", "pca"])
@quick
@given(x=samples())
def test_whitened(method, x):
    whitener = Whitener(method, epsilon=0.0)
    x = suited(whitener, x)
    whitener.fit(x)
    y = whitener.transform(x)
    np.testing.assert_allclose(y.T @ y / len(y), np.eye(y.shape[1]), atol=1e-7)
    np.testing.assert_allclose(whitener.covariance, np.atleast_2d(np.cov(x.T, bias=True)), atol=1e-9)
    assert (np.diff(whitener.variances) <= 0).all()
    if method == "zca":
        np.testing.assert_allclose(whitener.matrix, whitener.matrix.T, atol=1e-7)
    else:
        assert (whitener.matrix.max(axis=0) >= -whitener.matrix.min(axis=0) * (1 - 1e-9)).all()


@given(labels=npst.arrays(np.int64, st.integers(1, 30), elements=st.integers(0, 6)))
@quick
def test_one_hot(labels):
    rows = one_hot(labels, 7)
    assert rows.shape == (len(labels), 7)
    assert rows.dtype == np.float32
    assert (rows.argmax(axis=1) == labels).all()
    assert (rows.sum(axis=1) == 1).all()
    assert set(np.unique(rows)) <= {0.0, 1.0}
    assert one_hot(labels).shape == (len(labels), labels.max() + 1)


# By table


@pytest.mark.parametrize(
    ("dtype", "result"),
    [("float32", "float32"), ("float64", "float64"), ("int64", "float64"), ("uint8", "float64"), ("bool", "float64")],
)
@every_scaler
def test_dtypes(scaler, dtype, result, rng):
    x = rng.integers(0, 2, (30, 3)).astype(dtype) if dtype == "bool" else rng.integers(0, 200, (30, 3)).astype(dtype)
    scaler, wide = fresh(scaler), fresh(scaler)
    y = scaler.fit_transform(x)
    assert y.dtype == result
    np.testing.assert_allclose(y, wide.fit_transform(x.astype(float)), rtol=1e-6, atol=1e-6)
    assert scaler.inverse_transform(y).dtype == result
    for dtype in ("float32", "float64"):
        assert {part.dtype for part in scaler.affine(dtype)} == {np.dtype(dtype)}
    assert all(value.dtype == np.float64 for value in statistics(scaler).values())


@every_scaler
def test_memory_order_and_blocks(scaler, rng, monkeypatch):
    x = rng.normal(3.0, 2.0, (101, 4))
    want = fresh(scaler).fit_transform(x)
    monkeypatch.setattr(checks, "BLOCK", 28)
    for same in (x, np.asfortranarray(x), np.repeat(x, 2, axis=0)[::2], np.repeat(x, 2, axis=1)[:, ::2]):
        np.testing.assert_allclose(fresh(scaler).fit_transform(same), want, rtol=1e-10, atol=1e-12)


@every_scaler
def test_test_data_get_the_statistics_of_the_training_data(scaler, rng):
    train, test = rng.normal(size=(50, 3)), rng.normal(5.0, 2.0, (20, 3))
    scaler = fresh(scaler).fit(train)
    before = statistics(scaler)
    y = scaler.transform(test)
    np.testing.assert_allclose(y[:7], scaler.transform(test[:7]), rtol=1e-12)
    assert y.mean() > 1
    for name, value in statistics(scaler).items():
        np.testing.assert_array_equal(value, before[name])


@every_scaler
def test_fit_forgets(scaler, rng):
    x = rng.normal(size=(50, 3))
    again = fresh(scaler).fit(rng.normal(9.0, 3.0, (20, 5))).fit(x)
    np.testing.assert_array_equal(again.transform(x), fresh(scaler).fit_transform(x))
    assert again.count == 50


@every_scaler
def test_described(scaler):
    config = json.loads(json.dumps(scaler.get_config()))
    again = type(scaler).from_config(config)
    assert repr(again) == repr(scaler)
    assert again.get_config() == scaler.get_config()


@pytest.mark.parametrize("constant", [0.0, 0.1, -1e10, 1e-300, 123456.789])
@pytest.mark.parametrize("n", [1, 2, 3, 1000])
def test_constant_features(constant, n):
    x = np.full((n, 2), constant)
    for scaler, value in [(Standardizer(), 0), (MinMaxScaler((2, 3)), 2), (Whitener(), 0), (Whitener("pca"), 0)]:
        for part in np.array_split(x, min(n, 7)):
            scaler.partial_fit(part)
        np.testing.assert_allclose(scaler.transform(x), value, atol=1e-15)
        np.testing.assert_allclose(scaler.inverse_transform(scaler.transform(x)), x, rtol=1e-15, atol=1e-15)
    assert (Standardizer().fit(x).scale == 1).all()


SIZES_OF_NUMBERS = [-1020, -600, -300, 300, 600, 1000]  # powers of 2


@pytest.mark.parametrize("power", SIZES_OF_NUMBERS)
@pytest.mark.parametrize("pieces", [1, 3])
def test_squares_neither_overflow_nor_underflow(power, pieces, rng):
    x = rng.normal(size=(100, 3))
    large = np.ldexp(x, power)
    for kind in (Standardizer, MinMaxScaler):
        scaler = kind()
        for part in np.array_split(large, pieces):
            scaler.partial_fit(part)
        np.testing.assert_allclose(scaler.transform(large), kind().fit_transform(x), rtol=1e-9, atol=1e-9)


def test_pieces_of_very_different_sizes():
    """The first piece, constant or tiny, decides nothing."""
    for first in (0.0, 1e-300):
        scaler = Standardizer().fit(np.array([[0.0], [first]])).partial_fit([[1e200], [-1e200]])
        np.testing.assert_allclose(scaler.scale, 1e200 / np.sqrt(2), rtol=1e-15)


def test_rounding_is_not_scaled_up():
    x = np.array([[0.3, 0.0], [0.1 + 0.2, 1e-20]])
    scaler = Standardizer().fit(x)
    assert scaler.scale[0] == 1
    assert scaler.scale[1] == pytest.approx(5e-21)


def test_large_means_lose_no_digits(rng):
    x = rng.normal(size=(1000, 1))
    shifted = Standardizer().fit(x + 1e9)
    assert shifted.variance == pytest.approx(x.var(), rel=1e-6)
    pieces = Standardizer()
    for part in np.split(x + 1e9, 100):
        pieces.partial_fit(part)
    assert pieces.variance == pytest.approx(shifted.variance, rel=1e-12)


def test_epsilon_of_the_whitener(rng):
    x = rng.normal(size=(500, 3)) * [10.0, 1.0, 1e-4]
    v = Whitener().fit(x).variances
    kept = Whitener("pca", epsilon=0.01).fit_transform(x).var(axis=0)
    np.testing.assert_allclose(kept, v / (v + 0.01), rtol=1e-9)


def test_zca_is_nearest_to_the_data(rng):
    x = rng.normal(size=(300, 4)) @ rng.normal(size=(4, 4))
    x -= x.mean(axis=0)
    zca, pca = (np.square(Whitener(m, 0.0).fit_transform(x) - x).sum() for m in ("zca", "pca"))
    assert zca < pca


# Against scikit-learn


@pytest.fixture
def learn():
    return pytest.importorskip("sklearn.preprocessing")


@pytest.fixture
def mixed(rng):
    return rng.normal([5.0, -3.0, 0.1, 1e6], [1.0, 20.0, 1e-4, 3.0], (400, 4))


def test_standardizer_against_scikit_learn(learn, mixed):
    ours, theirs = Standardizer().fit(mixed), learn.StandardScaler().fit(mixed)
    np.testing.assert_allclose(ours.mean, theirs.mean_, rtol=1e-12)
    np.testing.assert_allclose(ours.scale, theirs.scale_, rtol=1e-9)
    np.testing.assert_allclose(ours.transform(mixed), theirs.transform(mixed), rtol=1e-8, atol=1e-8)


def test_min_max_scaler_against_scikit_learn(learn, mixed):
    mixed[:, 1] = 7.0
    ours, theirs = MinMaxScaler((-1, 2)).fit(mixed), learn.MinMaxScaler((-1, 2)).fit(mixed)
    np.testing.assert_allclose(ours.transform(mixed), theirs.transform(mixed), rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(ours.inverse_transform(mixed), theirs.inverse_transform(mixed), rtol=1e-8)


def test_whitener_against_scikit_learn(mixed):
    decomposition = pytest.importorskip("sklearn.decomposition")
    x = (mixed - mixed.mean(axis=0)) / mixed.std(axis=0)
    ours, theirs = Whitener("pca", 0.0).fit_transform(x), decomposition.PCA(whiten=True).fit_transform(x)
    theirs *= math.sqrt(400 / 399) * np.sign((ours * theirs).sum(axis=0))
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)


def test_one_hot_against_scikit_learn(learn, rng):
    labels = rng.integers(0, 5, 50)
    labels[:5] = range(5)
    theirs = learn.OneHotEncoder(sparse_output=False).fit_transform(labels[:, None])
    np.testing.assert_array_equal(one_hot(labels[:, None], dtype="float64"), theirs)


# Splits


def labelled(n, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    return np.arange(n, dtype=np.float32)[:, None], rng.choice(
        classes, n, p=np.arange(1, classes + 1) / (classes * (classes + 1) / 2)
    )


SIZES = [
    (5, 1),
    (100, 20),
    (10_000, 2_000),
    (10_001, 2_000),
    (60_000, 3_666),
    (100_000, 5_000),
    (1_000_000, 10_000),
    (2_000_000, 10_000),
    (4_000_000, 10_000),
    (10_000_000, 25_000),
]


@pytest.mark.parametrize(("n", "held"), SIZES)
def test_sizes(n, held):
    sizes = splits._sizes(n, None)
    assert sizes == (held, held)


def test_larger_data_have_larger_parts():
    sizes = [splits._sizes(n, None)[0] for n in range(5, 5_000_000, 997)]
    assert (np.diff(sizes) >= 0).all()


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("fractions", [None, (0.5, 0.3, 0.2), (0.98, 0.01, 0.01)])
def test_every_sample_is_in_one_part(shuffle, fractions):
    x, y = labelled(1000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if not shuffle else "error")
        parts = train_dev_test_split(x, y, fractions, shuffle=shuffle)
    assert [len(part[0]) for part in parts] == [round(1000 * f) for f in fractions or (0.6, 0.2, 0.2)]
    index = np.concatenate([part[0][:, 0] for part in parts]).astype(int)
    assert (np.sort(index) == np.arange(1000)).all()
    assert (np.concatenate([part[1] for part in parts]) == y[index]).all()
    assert (index == np.arange(1000)).all() == (not shuffle)


@pytest.mark.filterwarnings("ignore:dev and test differ")  # as they may by chance
@quick
@given(
    y=npst.arrays(np.int64, st.integers(10, 300), elements=st.integers(0, 5)),
    seed=st.integers(0, 2**64 - 1),
    held=st.tuples(st.floats(0.1, 0.4), st.floats(0.1, 0.4)),
)
@pytest.mark.filterwarnings("ignore:class .* has one sample")
def test_classes_are_split_alike(y, seed, held):
    fractions = (1 - sum(held), *held)
    parts = train_dev_test_split(np.arange(len(y)), y, fractions, seed)
    count = np.bincount(y, minlength=6)
    for (_, part), limit in zip(parts, (1, 2, 2), strict=True):
        assert (np.abs(np.bincount(part, minlength=6) - count * len(part) / len(y)) < limit).all()


@pytest.mark.parametrize("shuffle", [True, False])
def test_no_test_set(shuffle):
    x, y = labelled(1000)
    parts = train_dev_test_split(x, y, (0.7, 0.3), shuffle=shuffle)
    assert [len(part[0]) for part in parts] == [700, 300]
    index = np.concatenate([part[0][:, 0] for part in parts]).astype(int)
    assert (np.sort(index) == np.arange(1000)).all()
    counts = [np.bincount(part[1]) for part in parts]
    assert not shuffle or (abs(counts[1] - 0.3 * (counts[0] + counts[1])) < 2).all()


def test_fractions_of_millions():
    n = 2_000_000
    parts = train_dev_test_split(np.arange(n, dtype=np.float32), np.zeros(n, np.float32), (0.995, 0.004, 0.001))
    assert [len(part[0]) for part in parts] == [1_990_000, 8_000, 2_000]


@pytest.mark.parametrize("kind", ["U", object, np.dtypes.StringDType()])
def test_words(kind):
    """Split as numbers of the same order are, and compared like them."""
    x, y = labelled(300, 3)
    words = np.array(["a", "b", "c"]).astype(kind)[y]
    for one, other in zip(train_dev_test_split(x, y), train_dev_test_split(x, words), strict=True):
        assert (one[0] == other[0]).all()
        assert (np.array(["a", "b", "c"])[one[1]] == other[1]).all()
    with pytest.warns(UserWarning, match="the share of class"):
        check_same_distribution((x[:100], np.sort(words)[:100]), (x[:100], np.sort(words)[-100:]))


def test_order_within_the_parts_is_random():
    y = np.repeat(np.arange(4), 250)
    for x, labels in train_dev_test_split(np.arange(1000), y):
        assert abs(np.corrcoef(np.arange(len(x)), x)[0, 1]) < 4 / math.sqrt(len(x))
        assert (np.diff(labels) < 0).sum() > len(x) / 5


def test_seed_decides():
    x, y = labelled(200)
    same = [train_dev_test_split(x, y, seed=seed)[2][0].tobytes() for seed in (1, 1, 2)]
    assert same[0] == same[1] != same[2]


@pytest.mark.parametrize("stratify", [True, False])
def test_every_sample_is_as_likely_in_the_test_set(stratify):
    """Chi-square with 29 degrees of freedom; above 66 by chance in one of 10,000 cases."""
    y = np.array([0] * 15 + [1] * 9 + [2] * 6)
    count = np.zeros(30)
    for seed in range(2000):
        test = train_dev_test_split(np.arange(30), y, seed=seed, stratify=stratify)[2][0]
        count[test] += 1
    assert ((count - 400) ** 2 / (400 * 0.8)).sum() < 66


def test_shapes_and_regression(rng):
    x, y = rng.random((50, 4, 3), np.float32), rng.random((50, 2))
    for part_x, part_y in train_dev_test_split(x, y):
        assert part_x.shape[1:] == (4, 3)
        assert part_x.dtype == np.float32
        assert part_y.shape == (len(part_x), 2)


# Whether dev and test are alike


def warned(dev, test):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_same_distribution(dev, test)
    return [str(warning.message) for warning in caught]


DRAWS = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "cauchy": lambda rng, shape: rng.standard_cauchy(shape),
    "rare": lambda rng, shape: (rng.random(shape) < 0.02).astype(float),
    "constant": lambda rng, shape: np.full(shape, 0.1),
    "nan": lambda rng, shape: np.where(rng.random(shape) < 0.1, np.nan, 1.0),
    "huge": lambda rng, shape: rng.normal(0, 1e300, shape),
}


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize(("n", "m"), [(30, 30), (10, 200), (200, 10)])
def test_no_false_alarms(name, n, m, rng):
    """By chance one of the 20 raises one in 2 % of all cases; with this seed none does."""
    for _ in range(20):
        x, y = DRAWS[name](rng, (n + m, 10)), rng.integers(0, 4, n + m)
        assert warned((x[:n], y[:n]), (x[n:], y[n:])) == []


@pytest.mark.parametrize(("n", "shift"), [(50, 1.5), (200, 0.6), (2000, 0.2)])
def test_shifted_feature(n, shift, rng):
    x, y = rng.normal(size=(2 * n, 4, 5)), rng.normal(size=2 * n)
    x[:n, 2, 3] += shift
    [message] = warned((x[:n], y[:n]), (x[n:], y[n:]))
    assert "the mean of x[:, 2, 3] is" in message
    assert "more)" not in message


def test_shifted_classes(rng):
    x = rng.normal(size=(1000, 3))
    y = np.concatenate([rng.choice(3, 500, p=[0.1, 0.3, 0.6]), rng.choice(3, 500, p=[0.1, 0.6, 0.3])])
    [message] = warned((x[:500], y[:500]), (x[500:], y[500:]))
    assert "the share of class" in message
    assert "in test (and 2 more)." in message


def test_shifted_targets(rng):
    x, y = rng.normal(size=(1000, 3)), rng.normal(size=1000)
    y[500:] += 1
    assert "the mean of y is" in warned((x[:500], y[:500]), (x[500:], y[500:]))[0]


def test_split_of_a_series_that_drifts_is_reported():
    x = np.linspace(0, 1, 1000)[:, None]
    with pytest.warns(
        UserWarning, match=r"mean of x\[:, 0\] is 0.7002 in dev and 0.9004 in test .and 1 more."
    ) as caught:
        train_dev_test_split(x, x[:, 0] ** 2, shuffle=False)
    assert caught[0].filename == __file__
    train_dev_test_split(x, x[:, 0] ** 2)


# Bad input

X = np.ones((6, 3))
FITTED = Standardizer().fit(X)


def with_nan(value=np.nan):
    x = X.copy()
    x[4, 1] = value
    return x


BAD = {
    "nan": (lambda: Standardizer().fit(with_nan()), ValueError, r"x\[4, 1\] = nan is not finite"),
    "infinite": (lambda: FITTED.transform(with_nan(np.inf)), ValueError, r"x\[4, 1\] = inf is not finite"),
    "features": (lambda: FITTED.transform(X[:, :2]), ValueError, r"x has 2 features \(shape \(6, 2\)\); .* \[n, 3\]"),
    "features-fit": (lambda: FITTED.partial_fit(X[:, :2]), ValueError, "x has 2 features"),
    "features-inverse": (lambda: FITTED.inverse_transform(X[:, :2]), ValueError, "x has 2 features"),
    "1d": (lambda: Standardizer().fit(X[0]), ValueError, r"numpy.reshape\(x, \(-1, 1\)\)"),
    "empty": (lambda: Standardizer().fit(X[:0]), ValueError, "x is empty"),
    "strings": (lambda: Standardizer().fit([["a"]]), TypeError, "x has dtype <U1"),
    "not-fitted": (
        lambda: Standardizer().transform(X),
        RuntimeError,
        r"This Standardizer has no statistics yet: .* fit",
    ),
    "not-fitted-mean": (lambda: Whitener().mean, RuntimeError, r"This Whitener has no statistics yet"),
    "not-fitted-affine": (lambda: MinMaxScaler().affine(), RuntimeError, r"call fit\(x\) first"),
    "infinite label": (lambda: one_hot([np.inf, 1]), ValueError, r"labels\[0\] = inf is not a whole number"),
    "no label at all": (lambda: one_hot([np.nan, np.nan]), ValueError, r"labels\[0\] = nan is not a whole number"),
    "huge label": (lambda: one_hot([1e300, 1]), ValueError, "classes must be less than"),
    "too-large": (
        lambda: Standardizer().fit([[0, 1.7e308], [0, -1.7e308]]),
        ValueError,
        "the spread of feature 1 is more",
    ),
    "too-large-range": (lambda: MinMaxScaler().fit([[-1e308], [1e308]]), ValueError, "the spread of feature 0"),
    "range": (lambda: MinMaxScaler((1, 1)), ValueError, r"feature_range\[1\] must be more than 1"),
    "range-length": (lambda: MinMaxScaler((1, 2, 3)), ValueError, "must be \\(low, high\\)"),
    "method": (lambda: Whitener("zka"), ValueError, "Unknown method 'zka'. Did you mean 'zca'"),
    "epsilon": (lambda: Whitener(epsilon=-1.0), ValueError, "epsilon must be at least 0"),
    "singular": (
        lambda: Whitener(epsilon=0.0).fit_transform(np.arange(12.0).reshape(4, 3)),
        ValueError,
        "covariance of 4 samples of 3 features is singular: give epsilon > 0",
    ),
    "label": (lambda: one_hot([0, 3], 3), ValueError, r"labels\[1\] = 3 is not a whole number from 0 to 2"),
    "label-negative": (lambda: one_hot([0, -1]), ValueError, r"labels\[1\] = -1"),
    "label-half": (lambda: one_hot([0.5]), ValueError, r"labels\[0\] = 0.5"),
    "label-nan": (lambda: one_hot([1.0, np.nan]), ValueError, r"labels\[1\] = nan"),
    "label-shape": (lambda: one_hot(np.eye(3)), ValueError, r"labels has shape \(3, 3\)"),
    "label-none": (lambda: one_hot([]), ValueError, "at least one"),
    "classes": (lambda: one_hot([0], 0), ValueError, "classes must be at least 1"),
    "split-lengths": (lambda: train_dev_test_split(X, X[1:]), ValueError, r"x has shape \(6, 3\) and y \(5, 3\)"),
    "split-few": (
        lambda: train_dev_test_split(X[:4], X[:4]),
        ValueError,
        "4 samples are too few: 4 to train, 0 for dev",
    ),
    "split-sum": (lambda: train_dev_test_split(X, X, (0.6, 0.3, 0.2)), ValueError, "three numbers of the sum 1"),
    "split-one": (lambda: train_dev_test_split(X, X, (1.0,)), ValueError, "three numbers of the sum 1"),
    "split-four": (lambda: train_dev_test_split(X, X, [0.25] * 4), ValueError, "three numbers of the sum 1"),
    "split-no-dev": (
        lambda: train_dev_test_split(X, X, (0.99, 0.01)),
        ValueError,
        "6 samples are too few: 6 to train, 0 for dev",
    ),
    "split-negative": (
        lambda: train_dev_test_split(X, X, (1.2, -0.4, 0.2)),
        ValueError,
        r"fractions\[1\] must be more",
    ),
    "split-stratify": (lambda: train_dev_test_split(X, X, stratify=True), ValueError, r"labels of shape \(n,\)"),
    "split-seed": (lambda: train_dev_test_split(X, X, seed=-1), ValueError, "seed must be at least 0"),
    "alike-shapes": (lambda: check_same_distribution((X, X), (X[:, :2], X)), ValueError, "x has shape .* in dev and"),
    "alike-pair": (
        lambda: check_same_distribution(X, (X, X)),
        ValueError,
        r"dev must be a pair \(x, y\), not an array of shape",
    ),
}


@pytest.mark.parametrize(("call", "error", "message"), BAD.values(), ids=BAD)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


@every_scaler
def test_nothing_changes_before_an_error(scaler, rng, monkeypatch):
    monkeypatch.setattr(checks, "BLOCK", 9)
    scaler = fresh(scaler).fit(rng.normal(size=(50, 3)))
    before = statistics(scaler)
    wide = np.vstack([X, np.full((6, 3), 1e308), np.full((6, 3), -1e308)])  # which has a standard deviation
    for bad in (with_nan(), *([] if isinstance(scaler, Standardizer) else [wide])):
        for call in (scaler.fit, scaler.partial_fit):
            with pytest.raises(ValueError, match=r"x\[4, 1\] = nan|too large"):
                call(bad)
    assert scaler.count == 50
    for name, value in statistics(scaler).items():
        np.testing.assert_array_equal(value, before[name])
