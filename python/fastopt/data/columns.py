"""What is learned of the columns of a table, and what it makes of them: a map of numbers, codes of categories."""

import copy
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastopt.core import checks
from fastopt.core.registry import Described, Registry, word
from fastopt.data.frames import Cells
from fastopt.data.preprocessing import Standardizer
from fastopt.data.quantiles import Quantiles

__all__ = ["COLUMNS", "Category", "CategorySeen", "Column", "Number", "NumberSeen", "Part"]

Vector: TypeAlias = NDArray[np.float64]

KNOTS = 1001  # quantiles of the map to a normal distribution
MOST = 1_000_000  # categories of a column
KINDS = ("number", "date")
FORMS = ("one_hot", "sign", "codes")
UNSEEN = 0  # code
READ = {np.dtype(kind) for kind in "?bhilqBHILQfd"}  # by the core
SIGNS = np.array([0.0, -1.0, 1.0])  # of the codes of two categories
LABELS = (str, int, float, bool)


class Part(NamedTuple):
    """A column of a table and its outputs, as the core encodes them.

    Attributes:
        x: The numbers ``[1, n]``, or, of categories with an output each, their codes.
        output: The number of the output, or of the first.
        offset: What is subtracted.
        factor: What the difference is multiplied by.
        limit: That of the smooth clip; 0 for none.
        fill: What the difference is where x is missing; NaN refuses that.
        knots: Of a function of the difference that is linear between them: numbers, values and slopes ``[3, knots]``.
        missing: The number of the output that says what is missing; -1 for none.
        categories: The number of outputs where each category has one; 0 otherwise.
    """

    x: NDArray[Any]
    output: int
    offset: float = 0.0
    factor: float = 1.0
    limit: float = 0.0
    fill: float = math.nan
    knots: Vector | None = None
    missing: int = -1
    categories: int = 0


class Column(Described):
    """What becomes of a column."""

    name: str
    kind: str


COLUMNS: Registry[Column] = Registry("column", Column)


@COLUMNS.add()
class Number(Column):
    """A map of numbers: y = (x - offset) factor, or, where there are knots, linear between them.

    Args:
        name: The name of the column.
        kind: ``"number"`` or ``"date"``.
        offset: What is subtracted.
        factor: What the difference is multiplied by.
        knots: Increasing numbers, at least one, or None.
        heights: What they are mapped to.
        fill: What is put for a missing value, in the units of the column; None refuses them.
        indicator: Whether an output says what is missing.
    """

    def __init__(
        self,
        name: str,
        kind: str = "number",
        offset: float = 0.0,
        factor: float = 1.0,
        knots: Sequence[float] | None = None,
        heights: Sequence[float] | None = None,
        fill: float | None = None,
        indicator: bool = False,
    ) -> None:
        self.name, self.kind = _text("name", name), word("kind", kind, KINDS)
        self.offset, self.factor = checks.real("offset", offset), checks.real("factor", factor)
        self.indicator = checks.flag("indicator", indicator)
        self.fill = None if fill is None else checks.real("fill", fill)
        self.knots, self.heights = (
            None if given is None else [checks.real(what, value) for value in checks.items(what, given)]
            for what, given in (("knots", knots), ("heights", heights))
        )
        if (self.knots is None) != (self.heights is None) or len(self.knots or ()) != len(self.heights or ()):
            raise ValueError("There must be as many heights as knots.")
        if self.knots is not None and (not self.knots or np.any(np.diff(self.knots) <= 0)):
            raise ValueError("knots must increase, and there must be one.")
        self._map = None if self.knots is None else _with_slopes(np.array([self.knots, self.heights]))

    def part(self, numbers: NDArray[Any], output: int, missing: int, limit: float) -> Part:
        """Return how the core makes outputs of numbers, in these places, with a smooth clip if its limit is not 0."""
        x = numbers if numbers.dtype in READ else numbers.astype(np.float64)
        fill = math.nan if self.fill is None else self.fill - self.offset
        return Part(x[np.newaxis], output, self.offset, self.factor, limit, fill, self._map, missing)


@COLUMNS.add()
class Category(Column):
    """The code of each category: 0 of one that is not known, then those of `known` in order, then of a missing value.

    Args:
        name: The name of the column.
        kind: ``"words"`` or ``"number"``.
        known: The categories.
        missing: Whether a missing value has a code of its own, as it has where there were some; else it has 0.
        form: ``"one_hot"``, ``"sign"`` or ``"codes"``.
    """

    def __init__(self, name: str, kind: str, known: Sequence[Any], missing: bool, form: str) -> None:
        self.name, self.kind = _text("name", name), word("kind", kind, ("words", "number"))
        self.known = checks.items("known", known)
        odd = [label for label in self.known if not isinstance(label, str if kind == "words" else LABELS[1:])]
        if odd or len(set(self.known)) < len(self.known):
            raise ValueError(f"known must be different categories of the kind {kind!r}.")
        self.missing, self.form = checks.flag("missing", missing), word("form", form, FORMS)
        if form == "sign" and self.cardinality != 3:
            raise ValueError("A sign has two categories.")
        if self.cardinality == 1:
            raise ValueError("There must be a category.")
        self._codes = {label: code for code, label in enumerate(self.known, 1)}

    @property
    def cardinality(self) -> int:
        """The number of codes."""
        return 1 + len(self.known) + self.missing

    @property
    def outputs(self) -> list[str]:
        """The names of its outputs."""
        if self.form == "codes":
            return [self.name]
        names = [f"{self.name}_{label}" for label in self.known] + [f"{self.name}_missing"] * self.missing
        return names[1:] if self.form == "sign" else names

    def codes(self, where: str, given: Cells) -> NDArray[np.int32]:
        """Return the codes of values.

        Raises:
            TypeError: They are not of the kind of those that were fitted.
        """
        of_missing = len(self.known) + 1 if self.missing else UNSEEN
        if given.kind == "empty":
            return np.full(len(given.numbers), of_missing, np.int32)
        check_kind(where, self.kind, given)
        coded = given.coded()
        codes = np.array([*(self._codes.get(label, UNSEEN) for label in coded.labels), of_missing], np.int32)
        return codes.take(coded.codes)  # of which the last, with the number -1, is missing

    def part(self, codes: NDArray[np.int32], output: int) -> Part:
        """Return how the core makes outputs of codes, from this one on."""
        if self.form == "one_hot":
            return Part(codes[np.newaxis], output, categories=len(self.outputs))
        return Part((SIGNS[codes] if self.form == "sign" else codes)[np.newaxis], output)


class NumberSeen:
    """The statistics of a column of numbers: moments, quantiles if they are needed, what is missing."""

    def __init__(self, kind: str, quantiles: bool) -> None:
        self.kind = kind
        self.missing = False
        self._moments = Standardizer()
        self._quantiles = Quantiles() if quantiles else None

    def __copy__(self) -> "NumberSeen":
        other = NumberSeen(self.kind, False)
        other.missing, other._moments = self.missing, copy.copy(self._moments)
        other._quantiles = copy.copy(self._quantiles)
        return other

    def learn(self, where: str, given: Cells) -> None:
        """Add values.

        Raises:
            TypeError: They are not of the kind of those before.
            ValueError: One is infinite, or their spread is too large.
        """
        check_kind(where, self.kind, given)
        values = given.numbers.astype(np.float64)
        missing = np.isnan(values)
        if missing.any():
            self.missing = True
            values = values[~missing]
        try:
            self._moments.partial_fit(values[:, np.newaxis])
        except ValueError:
            check_finite(where, given.numbers)
            raise ValueError(f"{where} has too large a spread: divide it by a power of ten first.") from None
        if self._quantiles is not None:
            self._quantiles.add(values)

    def compress(self) -> None:
        """Keep no more than a bounded part of the values."""
        if self._quantiles is not None:
            self._quantiles.compress()

    def column(self, name: str, numbers: str | None, missing: str | None, indicator: bool) -> Number:
        """Return the map that is made of the statistics; see `TableEncoder`."""
        made: dict[str, Any] = {}
        if numbers == "standard":
            made = {"offset": float(self._moments.mean[0]), "factor": 1.0 / float(self._moments.scale[0])}
        elif numbers == "robust":
            low, first, median, third, high = self._at([0.0, 0.25, 0.5, 0.75, 1.0])
            spread = third - first or 0.5 * (high - low)
            made = {"offset": median, "factor": 1.0 / spread if spread else 0.0}
        elif numbers == "quantile":
            made = dict(zip(("knots", "heights"), _normal_scores(self._at, self._moments.count), strict=True))
        fill = None
        if missing is not None:
            fill = self._at([0.5])[0] if missing == "median" else float(self._moments.mean[0])
        return Number(name, self.kind, fill=fill, indicator=indicator, **made)

    def _at(self, shares: Sequence[float]) -> list[float]:
        assert self._quantiles is not None
        found: list[float] = self._quantiles.at(np.asarray(shares)).tolist()
        return found


class CategorySeen:
    """How often each category of a column was there."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.missing = False
        self._counts: Counter[Any] = Counter()

    def __copy__(self) -> "CategorySeen":
        other = CategorySeen(self.kind)
        other.missing, other._counts = self.missing, self._counts.copy()
        return other

    def learn(self, where: str, given: Cells) -> None:
        """Add values.

        Raises:
            TypeError: They are not of the kind of those before.
            ValueError: There are too many categories.
        """
        check_kind(where, self.kind, given)
        coded = given.coded()
        self.missing = self.missing or bool((coded.codes < 0).any())
        found = np.bincount(coded.codes + 1, minlength=len(coded.labels) + 1)[1:].tolist()
        counts = Counter({label: n for label, n in zip(coded.labels, found, strict=True) if n})
        if len(counts.keys() | self._counts.keys()) > MOST:
            raise ValueError(f"{where} has more than {MOST:,} categories: leave it out.")
        self._counts += counts

    def compress(self) -> None:
        """Nothing: all are kept."""

    def column(
        self, name: str, missing: bool, form: str, max_one_hot: int | None, max_categories: int | None
    ) -> Category:
        """Return the codes that are made of the categories; see `TableEncoder`."""
        labels = sorted(self._counts)
        if max_categories is not None and len(labels) > max_categories:
            often = sorted(labels, key=lambda label: -self._counts[label])[:max_categories]
            labels = sorted(often)
        if form != "codes":
            many = max_one_hot is not None and len(labels) > max_one_hot
            two = form == "sign_or_one_hot" and len(labels) + missing == 2
            form = "codes" if many else "sign" if two else "one_hot"
        known = [str(label) if self.kind == "words" else _whole(label) for label in labels]
        return Category(name, self.kind, known, missing, form)


def check_kind(where: str, known: str, given: Cells) -> None:
    """Refuse values of another kind than those that were fitted."""
    if given.kind not in (known, "empty"):
        say = {"number": "numbers", "date": "dates", "words": "words"}
        words = given.words
        row = int(np.argmax(words.codes >= 0)) if given.kind == "words" else 0
        shown = f", such as {words.labels[words.codes[row]]!r} in row {row}" if given.kind == "words" else ""
        raise TypeError(f"{where} holds {say[given.kind]}{shown}; when it was fitted it held {say[known]}.")


def check_finite(where: str, values: NDArray[Any]) -> None:
    """Refuse infinity, naming the row."""
    bad = np.isinf(values)
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(f"{where} is {values[row]} in row {row}: replace it, or make it missing by NaN.")


def check_given(where: str, missing: NDArray[np.bool_]) -> None:
    """Refuse missing values, naming the row of the first."""
    if missing.any():
        raise ValueError(f"{where} is missing in row {int(np.argmax(missing))}: missing='mean' replaces it.")


def _with_slopes(knots: Vector) -> Vector:
    """Return knots and heights with the slope to the next knot, a finite number; 0 from the last."""
    with np.errstate(over="ignore"):
        steps = np.diff(knots)
        return np.vstack([knots, np.append(np.nan_to_num(steps[1] / steps[0]), 0.0)])


def _whole(label: Any) -> Any:
    return int(label) if isinstance(label, float) and label.is_integer() else label


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, not {value!r}.")
    return value


def _normal_scores(at: Any, count: int) -> tuple[list[float], list[float]]:
    """Return quantiles, each once, and the normal quantiles of the middles of the shares that they have."""
    from statistics import NormalDist  # which takes time to import

    shares = np.linspace(0.0, 1.0, min(KNOTS, max(count, 2)))
    knots, places = np.unique(np.maximum.accumulate(at(shares)), return_inverse=True)
    middles = np.bincount(places, shares) / np.bincount(places)
    edge = 0.5 / len(shares)
    heights = [NormalDist().inv_cdf(share) for share in np.clip(middles, edge, 1.0 - edge).tolist()]
    return knots.tolist(), heights
