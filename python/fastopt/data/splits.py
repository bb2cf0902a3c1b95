"""The split of data into training, dev and test sets, and whether the last two are alike."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt import _core
from fastopt.core import checks
from fastopt.core.plain import plain
from fastopt.core.warn import warn

__all__ = ["check_same_distribution", "folds_of", "held_out", "train_dev_test_split"]

HELD_OUT = 2**48  # the random stream of samples that are held out; those below are of epochs

Vector: TypeAlias = NDArray[np.float64]
Pair: TypeAlias = tuple[NDArray[Any], NDArray[Any]]

# The size of the dev set, and of the test set, for so many samples; linear between.
SAMPLES = (0, 10_000, 100_000, 1_000_000, 4_000_000)
DEV_SIZES = (0, 2_000, 5_000, 10_000, 10_000)

# How often the samples are dealt anew, so many at a time, from which random streams on.
DEALS = 999
AT_ONCE = 37
FIRST_DEAL = 1 << 32
LEAST_OF_A_CLASS = 20


def train_dev_test_split(
    x: ArrayLike,
    y: ArrayLike,
    fractions: Sequence[float] | None = None,
    seed: int = 0,
    shuffle: bool = True,
    stratify: bool | None = None,
) -> tuple[Pair, ...]:
    """Split data into the set to train on, the one to choose by, and the one to test once.

    The more samples, the smaller the fractions that suffice. Unless they are given, dev and test have 20 % each of up
    to 10,000 samples, 5,000 each of 100,000, 10,000 each of a million (98/1/1), linear between, and from 4 millions on
    0.25 % each (99.5/0.25/0.25). Stratified, each class has its share of each set, to within two samples, and, where
    that allows it, a sample in the training set. A warning says if dev and test differ: see `check_same_distribution`.

    Args:
        x: Samples ``[n, ...]``.
        y: Their targets ``[n, ...]``; also labels ``[n]`` that are words.
        fractions: Those of training, dev and test, more than 0, of the sum 1: (0.6, 0.2, 0.2), or (0.995, 0.004, 0.001)
            of millions. Two are those of training and dev, such as (0.7, 0.3), where nothing is to be tested.
        seed: Decides which sample goes where, 0 <= seed < 2**64.
        shuffle: Whether samples are drawn at random, and each set is in random order; if not, the sets follow each
            other, as for time series.
        stratify: Whether each class is split by itself; None does so if `y` is ``[n]`` integers, bool or words, and
            shuffled.

    Returns:
        ``(x_train, y_train), (x_dev, y_dev), (x_test, y_test)``, copies; of two fractions the first two.

    Raises:
        TypeError: `x` or `y` does not hold numbers, or an argument has the wrong type.
        ValueError: Their numbers of samples differ, a set would be empty, or an argument does not fit.

    Warns:
        UserWarning: Dev and test differ more than chance allows, or a class has but one sample.

    Source:
        Ng, Machine Learning Yearning, 2018, chapters 5 to 7.

    Example:
        >>> import fastopt as fo
        >>> x, y = fo.datasets.load_digits()
        >>> train, dev, test = fo.preprocessing.train_dev_test_split(x, y)
        >>> len(train[0]), len(dev[0]), len(test[0])
        (1079, 359, 359)
        >>> train, dev = fo.preprocessing.train_dev_test_split(x, y, (0.7, 0.3))
        >>> len(train[0]), len(dev[0])
        (1258, 539)
    """
    samples, targets = _pair("", x, y)
    n = len(samples)
    dev, test = _sizes(n, fractions)
    shuffle = checks.flag("shuffle", shuffle)
    stratify = (shuffle and _are_labels(targets)) if stratify is None else checks.flag("stratify", stratify)
    if stratify and (targets.ndim != 1 or not shuffle):
        raise ValueError(f"stratify needs labels of shape (n,), here {targets.shape}, and shuffle=True.")
    seed = checks.integer("seed", seed, 0, 2**64)
    order = _core.kernels.permutation(seed, 0, n) if shuffle else np.arange(n)
    part = np.zeros(n, np.int8)
    if stratify:
        # Of the samples, class after class, evenly spaced ones are held out, and evenly spaced ones of these for test.
        row = order[np.argsort(targets[order], kind="stable")]
        first, second = _core.kernels.uniform(seed, 1, 2, "float64").tolist()
        held = row[_evenly(n, dev + test, first)]
        part[held] = 1
        part[held[_evenly(dev + test, test, second)]] = 2
        _train_all_classes(targets, part, order)
    else:
        part[order[n - dev - test :]] = 1
        part[order[n - test :]] = 2
    sets = [(samples[rows], targets[rows]) for rows in (order[part[order] == i] for i in range(3 if test else 2))]
    if test:
        _warn_of_difference(*sets[1:])
    return tuple(sets)


def held_out(n: int, count: int, seed: int, classes: NDArray[Any] | None = None) -> NDArray[np.int64]:
    """Return `count` of n samples, at random; with their classes, of each about its share."""
    order = _core.kernels.permutation(seed, HELD_OUT, n)
    if classes is None:
        return order[:count]
    [start] = _core.kernels.uniform(seed, HELD_OUT + 1, 1, "float64").tolist()
    return order[np.argsort(classes[order], kind="stable")][_evenly(n, count, start)]


def folds_of(n: int, count: int, seed: int, classes: NDArray[Any] | None = None) -> list[NDArray[np.int64]]:
    """Return n samples dealt out at random to so many folds, each in rising order; with classes, of each alike."""
    order = _core.kernels.permutation(seed, HELD_OUT, n)
    if classes is not None:
        order = order[np.argsort(classes[order], kind="stable")]
    return [np.sort(order[i::count]) for i in range(count)]


def check_same_distribution(dev: Sequence[Any], test: Sequence[Any]) -> None:
    """Warn if two sets of samples were hardly drawn from the same distribution: choosing by one misses the other.

    A permutation test of the largest difference: the mean of each feature and target and the share of each class in
    dev are compared with those in dev and test together, in standard deviations; then the samples are dealt anew, at
    random, 999 times. There is a warning if the difference was larger than in all of these, so that at most one in
    1,000 is a false alarm, whatever the distribution. Differences that leave the means alone are not seen. Features
    with NaN or infinity, and classes of less than 20 samples, are left out.

    Args:
        dev: ``(x, y)``, samples ``[n, ...]`` and targets ``[n, ...]``; labels are ``[n]`` integers or bool.
        test: Another such pair.

    Raises:
        TypeError: Something does not hold numbers.
        ValueError: The shapes do not fit together.

    Warns:
        UserWarning: The two differ; the largest difference is named.

    Source:
        Westfall and Young, Resampling-based multiple testing, Wiley 1993, chapter 2.

    Example:
        >>> import warnings
        >>> import fastopt as fo
        >>> x, y = fo.datasets.load_digits()
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     fo.preprocessing.check_same_distribution((x[:500], y[:500]), (x[500:1000] + 0.3, y[500:1000]))
        >>> print(caught[0].message)
        dev and test differ more than chance allows: the mean of x[:, 0] is 0 in dev and 0.3 in test (and 63 more).
        Draw both from the data that the model is meant for.
    """
    for name, pair in (("dev", dev), ("test", test)):
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise ValueError(f"{name} must be a pair (x, y), not {checks.described(pair)}.")
    _warn_of_difference(_pair("dev ", *dev), _pair("test ", *test))


def _pair(prefix: str, x: ArrayLike, y: ArrayLike) -> Pair:
    samples, targets = checks.array(f"{prefix}x", x), checked_targets(f"{prefix}y", y)
    if samples.ndim == 0 or targets.ndim == 0 or len(samples) != len(targets) or not len(samples):
        raise ValueError(
            f"{prefix}x has shape {samples.shape} and {prefix}y {targets.shape}; expected one target for each sample, "
            "and at least one sample."
        )
    return samples, targets


def checked_targets(name: str, y: ArrayLike) -> NDArray[Any]:
    """Return targets, which are numbers or words."""
    given = plain(name, y)
    return given if _are_words(given) else checks.array(name, y)


def _are_labels(y: NDArray[Any]) -> bool:
    return _are_words(y) or (y.ndim == 1 and y.dtype.kind in "iub")


def _are_words(y: NDArray[Any]) -> bool:
    kind = y.dtype.kind
    return y.ndim == 1 and (kind in "UT" or (kind == "O" and all(isinstance(label, str) for label in y)))


def _sizes(n: int, fractions: Sequence[float] | None) -> tuple[int, int]:
    """Return the sizes of dev and test, of which there may be none."""
    if fractions is None:
        dev = test = max(_interpolated(n), n // 400)
    else:
        shares = [
            checks.real(f"fractions[{i}]", share, 0.0, above=True)
            for i, share in enumerate(checks.items("fractions", fractions))
        ]
        if len(shares) not in (2, 3) or abs(sum(shares) - 1.0) > 1e-6:
            raise ValueError(
                "fractions must be three numbers of the sum 1, such as (0.6, 0.2, 0.2), or two, such as (0.7, 0.3), "
                f"not {fractions}."
            )
        dev, test = (round(checks.times(n, share)) for share in [*shares[1:], 0.0][:2])
        if len(shares) == 2 and min(dev, n - dev) >= 1:
            return dev, 0
    if min(dev, test, n - dev - test) < 1:
        raise ValueError(f"{n} samples are too few: {n - dev - test} to train, {dev} for dev and {test} for test.")
    return dev, test


def _interpolated(n: int) -> int:
    pieces = zip(pairwise(SAMPLES), pairwise(DEV_SIZES), strict=True)
    return next((low + (n - a) * (high - low) // (b - a) for (a, b), (low, high) in pieces if n <= b), DEV_SIZES[-1])


def _train_all_classes(labels: NDArray[Any], part: NDArray[np.int8], order: NDArray[np.int64]) -> None:
    """Exchange samples of classes that only dev and test have for some of classes that have more than their share."""
    classes, label, count = np.unique(labels, return_inverse=True, return_counts=True)
    trained = np.bincount(label[part == 0], minlength=len(classes))
    rich = (trained > 1) & (trained > count * trained.sum() // len(labels))
    givers = order[(part[order] == 0) & rich[label[order]]]
    held = order[trained[label[order]] == 0]
    taken, given = (rows[np.unique(label[rows], return_index=True)[1]] for rows in (givers, held))
    taken, given = taken[: len(given)], given[: len(taken)]
    part[taken], part[given] = part[given], 0
    alone = classes[count == 1]
    if len(alone) and 2 * len(classes) <= len(labels):
        others = f" (and {len(alone) - 1} more)" if len(alone) > 1 else ""
        warn(
            f"class {alone[0]}{others} has one sample, which cannot be in all sets. If y are no classes, give "
            "stratify=False.",
        )


def _evenly(n: int, count: int, start: float) -> NDArray[np.int64]:
    """Return `count` of the numbers below n, in steps of n / count; `start` in [0, 1) is where in the first step."""
    return (np.arange(count) * n + int(start * n)) // count


def _warn_of_difference(dev: Pair, test: Pair) -> None:
    """Compare two pairs for a public function that was given them."""
    tables = [
        _columns(name, a, b) for name, a, b in zip("xy", dev, test, strict=True) if not (_are_words(a) or _are_words(b))
    ]
    if _are_labels(dev[1]) and _are_labels(test[1]):
        tables.insert(0, _classes(np.concatenate([dev[1], test[1]])))
    values = np.concatenate([table for _, table in tables], axis=1)
    n, size = len(dev[0]), len(values)
    scaled = _standardized(values)
    shifts = np.abs(scaled[:n].sum(axis=0))
    by_chance = 0.0
    for first in range(0, DEALS, AT_ONCE):
        dealt = np.zeros((AT_ONCE, size))
        for i, samples in enumerate(dealt):
            samples[_core.kernels.permutation(0, FIRST_DEAL + first + i, size)[:n]] = 1.0
        by_chance = max(by_chance, float(np.abs(dealt @ scaled).max(initial=0.0)))
        if by_chance >= (1.0 - 1e-9) * shifts.max(initial=0.0):
            return
    largest = int(shifts.argmax())
    name = [name for names, _ in tables for name in names][largest]
    a, b = values[:n, largest].mean(), values[n:, largest].mean()
    others = np.count_nonzero(shifts > by_chance) - 1
    warn(
        f"dev and test differ more than chance allows: {name} is {a:.4g} in dev and {b:.4g} in test"
        f"{f' (and {others} more)' if others else ''}. Draw both from the data that the model is meant for.",
    )


def _columns(name: str, dev: NDArray[Any], test: NDArray[Any]) -> tuple[list[str], Vector]:
    """Return what the features are called, and their values in both sets."""
    shape = dev.shape[1:]
    if shape != test.shape[1:]:
        raise ValueError(f"{name} has shape {dev.shape} in dev and {test.shape} in test; only the first may differ.")
    places = [f"[:, {', '.join(map(str, place))}]" if place else "" for place in np.ndindex(shape)]
    both = np.concatenate([dev, test]).astype(np.float64)
    return [f"the mean of {name}{place}" for place in places], both.reshape(len(both), len(places))


def _classes(labels: NDArray[Any]) -> tuple[list[str], Vector]:
    """Return what the classes are called, and which samples are of which, as 1 and 0; few samples make no class."""
    classes, count = np.unique(labels, return_counts=True)
    classes = classes[count >= LEAST_OF_A_CLASS]
    return [f"the share of class {c}" for c in classes], (labels[:, np.newaxis] == classes).astype(np.float64)


def _standardized(values: Vector) -> Vector:
    """Return columns of mean 0 and variance 1; 0 where they are constant or not finite."""
    low, high = values.min(axis=0), values.max(axis=0)
    with np.errstate(all="ignore"):
        result: Vector = (values - low) / (high - low)
        result -= result.mean(axis=0)
        result /= result.std(axis=0)
    result[:, ~np.isfinite(result).all(axis=0) | checks.constant(low, high)] = 0.0
    return result
