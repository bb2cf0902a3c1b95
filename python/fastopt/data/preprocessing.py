"""What is done to data before training: scaling, one-hot targets, and the split into training, dev and test sets.

A scaler learns its statistics from the training data by `fit`, or piece by piece by `partial_fit`, and applies the same
ones to all data by `transform`. Statistics are float64 and so is all computing; float32 data give float32, all other
float64. Every scaler is an affine map, which `affine` returns.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, Self, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt.core import checks
from fastopt.core.plain import Real
from fastopt.core.registry import Described, word
from fastopt.data.splits import check_same_distribution, train_dev_test_split

__all__ = [
    "MinMaxScaler",
    "Scaler",
    "Standardizer",
    "Whitener",
    "check_same_distribution",
    "one_hot",
    "train_dev_test_split",
]

Vector: TypeAlias = NDArray[np.float64]

METHODS = ("zca", "pca")


# Statistics


class Bounds(NamedTuple):
    """The least and the largest value of each feature."""

    samples: int
    minimum: Vector
    maximum: Vector

    @property
    def spread(self) -> Vector:
        """Largest less least value, ``[features]``."""
        return self.maximum - self.minimum

    @property
    def known(self) -> NDArray[np.bool_]:
        """Whether float64 holds them, ``[features]``."""
        return np.isfinite(self.spread)


class Moments(NamedTuple):
    """What was seen, relative to its first sample, so that constant features have no scatter at all."""

    samples: int
    origin: Vector
    shift: Vector  # of the mean from the origin, in units
    scatter: Vector  # sums of squares or of products of deviations from the mean, in units
    unit: Vector | float = 1.0  # of each feature

    @property
    def mean(self) -> Vector:
        """The means ``[features]``."""
        return self.origin + self.shift * self.unit

    @property
    def spread(self) -> Vector:
        """Variances ``[features]`` or covariances ``[features, features]``, divided by the number of samples."""
        with np.errstate(over="ignore", under="ignore"):
            return np.asarray(self.scatter / self.samples * self.unit * self.unit)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Whether float64 holds them, of the shape of `spread`."""
        return np.isfinite(self.scatter)


State = TypeVar("State", Bounds, Moments)


def _add_moments(
    before: Moments | None, rows: Vector, scatter: Callable[[Vector], Vector], in_units: bool = False
) -> Moments:
    """Merge a block of samples into the moments (Chan, Golub and LeVeque, 1983)."""
    origin = rows[0] if before is None else before.origin
    rows = rows - origin
    unit: Vector | float = 1.0
    if in_units:
        unit = checks.units(rows) if before is None else np.maximum(checks.units(rows), before.unit)
        rows /= unit
    n, shift = len(rows), rows.mean(axis=0)
    within = scatter(rows - shift)
    if before is None:
        return Moments(n, origin, shift, within, unit)
    ratio = before.unit / unit
    total, step = before.samples + n, shift - before.shift * ratio
    between = scatter(step[np.newaxis]) * (before.samples * n / total)
    old = before.scatter * ratio * ratio
    return Moments(total, origin, before.shift * ratio + step * (n / total), old + within + between, unit)


def _samples(x: ArrayLike, features: int | None) -> NDArray[Any]:
    data = checks.matrix("x", x, features)
    checks.finite("x", data, "float64", x)
    return data


def _blocks(x: NDArray[Any]) -> list[slice]:
    rows = max(1, checks.BLOCK * len(x) // x.size)
    return [slice(start, start + rows) for start in range(0, len(x), rows)]


def _map(x: NDArray[Any], function: Callable[[Vector], Vector]) -> Real:
    """Return the function of all rows, in the dtype that the result has for x; nothing is widened as a whole."""
    result = np.empty(x.shape, np.float32 if x.dtype == np.float32 else np.float64)
    for rows in _blocks(x):
        result[rows] = function(x[rows].astype(np.float64))
    return result


# Scalers


class Scaler(Described, ABC, Generic[State]):
    """The base of all scalers: fitted statistics and the affine map that they make.

    Its attributes are there once it is fitted; before, reading them raises RuntimeError.
    """

    _state: State | None = None

    # What it has learned is no argument: it is no value.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    @property
    def count(self) -> int:
        """The number of samples seen."""
        return 0 if self._state is None else self._state.samples

    def fit(self, x: ArrayLike) -> Self:
        """Learn the statistics of `x`, and forget all others.

        Args:
            x: Samples ``[n, features]``; float32, float64, integers or bool.

        Returns:
            The scaler itself.

        Raises:
            TypeError: `x` does not hold numbers; nothing has changed.
            ValueError: It has another shape, or holds NaN or infinity, or too large a spread; nothing has changed.
        """
        return self._learn(None, x)

    def partial_fit(self, x: ArrayLike) -> Self:
        """Add `x` to what has been seen; all pieces together give what `fit` gives for the whole, but for rounding.

        Args:
            x: Samples ``[n, features]``.

        Returns:
            The scaler itself.

        Raises:
            TypeError, ValueError: As `fit`; or the number of features is not that of before.
        """
        return self._learn(self._state, x)

    def fit_transform(self, x: ArrayLike) -> Real:
        """Return ``fit(x).transform(x)``."""
        return self.fit(x).transform(x)

    @property
    @abstractmethod
    def offset(self) -> Vector:
        """What is subtracted first, ``[features]``."""

    @abstractmethod
    def transform(self, x: ArrayLike) -> Real:
        """Return the scaled samples, a new array.

        Args:
            x: Samples ``[n, features]``.

        Returns:
            ``[n, features]``, float32 if `x` is, else float64.

        Raises:
            RuntimeError: The scaler has not been fitted.
            TypeError: `x` does not hold numbers.
            ValueError: It has another shape, or holds NaN or infinity.
        """

    @abstractmethod
    def inverse_transform(self, x: ArrayLike) -> Real:
        """Return the samples that `transform` made `x` of.

        Args:
            x: Scaled samples ``[n, features]``.

        Raises:
            RuntimeError, TypeError, ValueError: As `transform`.
        """

    @abstractmethod
    def affine(self, dtype: str = "float32") -> tuple[Real, Real]:
        """Return A and b of the map y = x A + b.

        Args:
            dtype: ``"float32"`` or ``"float64"``.

        Returns:
            A, ``[features]`` where it is diagonal (y = x * A + b), else ``[features, features]``; and b ``[features]``.

        Raises:
            RuntimeError: The scaler has not been fitted.
        """

    @abstractmethod
    def _add(self, state: State | None, rows: Vector) -> State:
        """Return the statistics of what was seen before and of some more rows."""

    def _learn(self, state: State | None, x: ArrayLike) -> Self:
        data = _samples(x, None if state is None else len(state.known))
        first, *others = _blocks(data)
        with np.errstate(over="ignore", invalid="ignore"):
            learned = self._add(state, data[first].astype(np.float64))
            for rows in others:
                learned = self._add(learned, data[rows].astype(np.float64))
            known = learned.known
        if not known.all():
            feature = int(np.argwhere(~known)[0, 0])
            raise ValueError(
                f"x is too large: the spread of feature {feature} is more than float64 holds; divide the feature by a "
                "power of ten first."
            )
        self._state = learned
        return self

    def _fitted(self) -> State:
        if self._state is None:
            raise RuntimeError(f"This {type(self).__name__} has no statistics yet: call fit(x) first.")
        return self._state

    def _data(self, x: ArrayLike) -> NDArray[Any]:
        return _samples(x, len(self._fitted().spread))


class Diagonal(Scaler[State]):
    """The base of scalers of each feature by itself: y = low + (x - offset) / scale, where low is mostly 0."""

    low: float = 0.0

    @property
    @abstractmethod
    def scale(self) -> Vector:
        """What the difference is divided by, ``[features]``, never 0."""

    def transform(self, x: ArrayLike) -> Real:
        """Return low + (x - offset) / scale; see `Scaler.transform`."""
        data, offset, scale = self._data(x), self.offset, self.scale
        return _map(data, lambda rows: self.low + (rows - offset) / scale)

    def inverse_transform(self, x: ArrayLike) -> Real:
        """Return offset + (x - low) * scale; see `Scaler.inverse_transform`."""
        data, offset, scale = self._data(x), self.offset, self.scale
        return _map(data, lambda rows: offset + (rows - self.low) * scale)

    def affine(self, dtype: str = "float32") -> tuple[Real, Real]:
        """Return 1 / scale and low - offset / scale, each ``[features]``; see `Scaler.affine`."""
        return (1.0 / self.scale).astype(dtype), (self.low - self.offset / self.scale).astype(dtype)


class Standardizer(Diagonal[Moments]):
    """Gives each feature mean 0 and variance 1: y = (x - mean) / scale.

    The mean and the variance are those of all training data, sum_i (x_i - mean)^2 / n, merged from blocks, so that
    they lose no digits to large means. A feature that is constant, but for rounding, has the scale 1.

    Attributes:
        count: The number of samples seen.
        mean: ``[features]``.
        variance: ``[features]``; infinite, or 0, where float64 holds the scale but not its square.
        scale: The standard deviation, or 1 ``[features]``.

    Source:
        Chan, Golub and LeVeque, Algorithms for computing the sample variance: analysis and recommendations, The
        American Statistician 37(3), 1983.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> x = np.array([[1.0, 10.0], [3.0, 10.0]])
        >>> scaler = fo.preprocessing.Standardizer().fit(x)
        >>> scaler.mean, scaler.scale
        (array([ 2., 10.]), array([1., 1.]))
        >>> scaler.transform([[4.0, 11.0]])
        array([[2., 1.]])
    """

    @property
    def mean(self) -> Vector:
        """The mean of each feature."""
        return self._fitted().mean

    offset = mean

    @property
    def variance(self) -> Vector:
        """The variance of each feature."""
        return self._fitted().spread

    @property
    def scale(self) -> Vector:
        """The standard deviation of each feature; 1 for constant ones."""
        moments = self._fitted()
        deviation = np.sqrt(moments.scatter / moments.samples) * moments.unit
        return np.where(deviation > checks.ROUNDING * np.abs(self.mean), deviation, 1.0)

    def _add(self, state: Moments | None, rows: Vector) -> Moments:
        return _add_moments(state, rows, lambda d: np.einsum("ij,ij->j", d, d), in_units=True)


class MinMaxScaler(Diagonal[Bounds]):
    """Maps the range of each feature to a given one: y = low + (x - min) (high - low) / (max - min).

    The range is that of the training data; other data may go beyond. A feature that is constant, but for rounding, is
    mapped to `low`.

    Args:
        feature_range: low and high, low less than high.

    Attributes:
        count: The number of samples seen.
        minimum: ``[features]``.
        maximum: ``[features]``.
        scale: (max - min) / (high - low), where max - min counts as 1 for constant features ``[features]``.

    Raises:
        TypeError: `feature_range` is not made of numbers.
        ValueError: It is not two finite numbers, the first less than the second.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> scaler = fo.preprocessing.MinMaxScaler((-1.0, 1.0)).fit([[0], [255]])
        >>> scaler.transform(np.array([[0], [51], [255]]))
        array([[-1. ],
               [-0.6],
               [ 1. ]])
    """

    def __init__(self, feature_range: Sequence[float] = (0.0, 1.0)) -> None:
        ends = checks.items("feature_range", feature_range)
        if len(ends) != 2:
            raise ValueError(f"feature_range must be (low, high), not {feature_range!r}.")
        self.low = checks.real("feature_range[0]", ends[0])
        self.feature_range = (self.low, checks.real("feature_range[1]", ends[1], self.low, above=True))

    @property
    def minimum(self) -> Vector:
        """The least value of each feature."""
        return self._fitted().minimum

    offset = minimum

    @property
    def maximum(self) -> Vector:
        """The largest value of each feature."""
        return self._fitted().maximum

    @property
    def scale(self) -> Vector:
        """The difference that is mapped to 1."""
        low, high = self.feature_range
        _, least, largest = self._fitted()
        return np.where(checks.constant(least, largest), 1.0, largest - least) / (high - low)

    def _add(self, state: Bounds | None, rows: Vector) -> Bounds:
        n, low, high = len(rows), rows.min(axis=0), rows.max(axis=0)
        if state is None:
            return Bounds(n, low, high)
        return Bounds(state.samples + n, np.minimum(state.minimum, low), np.maximum(state.maximum, high))


class Whitener(Scaler[Moments]):
    """Makes the features uncorrelated, of mean 0 and variance 1: y = (x - mean) A.

    U diag(v) U^T is the covariance of the training data, their squares divided by n. PCA: A = U diag(1 / sqrt(v +
    epsilon)), whose outputs are the principal components, first to last. ZCA: A = U diag(1 / sqrt(v + epsilon)) U^T, of
    all whitened data the nearest to the data themselves. Directions of a variance far below epsilon fade, and each
    variance is exact to a rounding error of the largest: standardize features of very different units first.

    Args:
        method: ``"zca"`` or ``"pca"``.
        epsilon: What is added to each variance, at least 0, in the units of the data squared.

    Attributes:
        count: The number of samples seen.
        mean: ``[features]``.
        covariance: ``[features, features]``.
        variances: v, from large to small ``[features]``.
        matrix: A ``[features, features]``.

    Raises:
        TypeError: `epsilon` is not a number.
        ValueError: It is negative, or the method unknown; or, when A is needed, it is 0 and the covariance singular.

    Source:
        Kessy, Lewin and Strimmer, Optimal whitening and decorrelation, The American Statistician 72(4), 2018.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> x = np.array([[2.0, 1.0], [-2.0, -1.0], [1.0, -1.0], [-1.0, 1.0]])
        >>> y = fo.preprocessing.Whitener(epsilon=0.0).fit_transform(x)
        >>> abs(y.T @ y / 4).round(12)
        array([[1., 0.],
               [0., 1.]])
    """

    _factors: tuple[Moments, Vector, Vector] | None = None

    def __init__(self, method: str = "zca", epsilon: float = 1e-5) -> None:
        self.method = word("method", method, METHODS)
        self.epsilon = checks.real("epsilon", epsilon, 0.0)

    @property
    def mean(self) -> Vector:
        """The mean of each feature."""
        return self._fitted().mean

    @property
    def offset(self) -> Vector:
        """The mean of each feature, which is subtracted first."""
        return self.mean

    @property
    def covariance(self) -> Vector:
        """The covariance of the features."""
        return self._fitted().spread

    @property
    def variances(self) -> Vector:
        """The variances of the principal components."""
        return self._principal()[0]

    @property
    def matrix(self) -> Vector:
        """The matrix that whitens."""
        variances, u = self._principal()
        return self._turned(u / np.sqrt(self._regular(variances)))

    def transform(self, x: ArrayLike) -> Real:
        """Return (x - mean) A; see `Scaler.transform`."""
        data, mean, matrix = self._data(x), self.mean, self.matrix
        return _map(data, lambda rows: (rows - mean) @ matrix)

    def inverse_transform(self, x: ArrayLike) -> Real:
        """Return x A^-1 + mean; see `Scaler.inverse_transform`."""
        variances, u = self._principal()
        data, mean, inverse = self._data(x), self.mean, self._turned(u * np.sqrt(self._regular(variances))).T
        return _map(data, lambda rows: rows @ inverse + mean)

    def affine(self, dtype: str = "float32") -> tuple[Real, Real]:
        """Return A ``[features, features]`` and -mean A ``[features]``; see `Scaler.affine`."""
        matrix = self.matrix
        return matrix.astype(dtype), (-self.mean @ matrix).astype(dtype)

    def _add(self, state: Moments | None, rows: Vector) -> Moments:
        return _add_moments(state, rows, lambda d: d.T @ d)

    def _turned(self, scaled: Vector) -> Vector:
        return scaled if self.method == "pca" else scaled @ self._principal()[1].T

    def _regular(self, variances: Vector) -> Vector:
        if self.epsilon == 0 and variances[-1] <= checks.ROUNDING * len(variances) * variances[0]:
            raise ValueError(
                f"The covariance of {self.count} samples of {len(variances)} features is singular: give epsilon > 0."
            )
        return variances + self.epsilon

    def _principal(self) -> tuple[Vector, Vector]:
        """Return the variances, large to small, and the directions; each begins, in its largest entry, positively."""
        state = self._fitted()
        if self._factors is None or self._factors[0] is not state:
            variances, u = np.linalg.eigh(state.spread)
            variances, u = np.maximum(variances[::-1], 0.0), u[:, ::-1]
            largest = np.take_along_axis(u, np.abs(u).argmax(axis=0)[np.newaxis], axis=0)
            self._factors = (state, variances, u * np.where(largest < 0, -1.0, 1.0))
        return self._factors[1:]


# Targets


def one_hot(labels: ArrayLike, classes: int | None = None, dtype: str = "float32") -> Real:
    """Return rows that are 1 at the place of their label and 0 elsewhere: t[i, labels[i]] = 1.

    Args:
        labels: ``[n]`` or ``[n, 1]``: whole numbers from 0 to classes - 1.
        classes: The number of columns; None for the largest label plus one.
        dtype: ``"float32"`` or ``"float64"``.

    Returns:
        ``[n, classes]``.

    Raises:
        TypeError: `labels` are not numbers, or an argument has the wrong type.
        ValueError: They have another shape, one is not a label, or there is none; or the dtype is another.

    Example:
        >>> import fastopt as fo
        >>> fo.preprocessing.one_hot([2, 0])
        array([[0., 0., 1.],
               [1., 0., 0.]], dtype=float32)
    """
    given = checks.array("labels", labels)
    column = given[:, 0] if given.ndim == 2 and given.shape[1] == 1 else given
    if column.ndim != 1 or not column.size:
        raise ValueError(f"labels has shape {given.shape}; expected one label for each sample, (n,), and at least one.")
    dtype = word("dtype", dtype, ("float32", "float64"))
    if classes is None:
        classes = 1 + int(column[np.isfinite(column)].max(initial=0))
    count = checks.integer("classes", classes, 1, checks.SIZE)
    bad = ~((column >= 0) & (column < count) & (column == np.floor(column)))
    if bad.any():
        i = int(np.argmax(bad))
        raise ValueError(f"labels[{i}] = {column[i]} is not a whole number from 0 to {count - 1}.")
    result: Real = np.zeros((len(column), count), dtype)
    result[np.arange(len(column)), column.astype(np.int64)] = 1.0
    return result
