"""A table as an array of numbers: columns scaled, missing values filled, categories as one-hot outputs or codes."""

import copy
from collections.abc import Mapping, Sequence, Set
from typing import Any, Self

import numpy as np

from fastopt import _core
from fastopt.core import checks
from fastopt.core.plain import Real
from fastopt.core.registry import Described, describe, word
from fastopt.data.columns import (
    COLUMNS,
    Category,
    CategorySeen,
    Column,
    Number,
    NumberSeen,
    Part,
    check_finite,
    check_given,
    check_kind,
)
from fastopt.data.frames import Cells, Frame, Table, cells, check_names, read_table

__all__ = ["TableEncoder"]

NUMBERS = ("standard", "robust", "quantile")
CATEGORIES = ("one_hot", "sign_or_one_hot", "codes")
FILLS = ("mean", "median")
LIMIT = 3.0  # of the smooth clip


class TableEncoder(Described):
    """Makes numbers of a table: a frame of pandas, polars, Arrow or another library, a dict of arrays, or an array.

    Of columns of numbers x, booleans and dates (in days since 1970) it makes, by `numbers`,

    - ``"standard"``: (x - mean) / standard deviation;
    - ``"robust"``: z / sqrt(1 + (z / 3)^2) of z = (x - median) / (third quartile - first quartile), where half of the
      range is taken if the quartiles are equal, and z = 0 if all values are;
    - ``"quantile"``: the normal quantile of the share of values below x, linear between 1,001 quantiles; between -3.3
      and 3.3;
    - None: x itself.

    Columns of words, of categories and those named in `categorical` become, by `categories`,

    - ``"one_hot"``: an output for each category, 1 where it is there and 0 elsewhere;
    - ``"sign_or_one_hot"``: the same, but of two categories one output, which is -1 and 1;
    - ``"codes"``: whole numbers from 1, in order, for an embedding.

    A missing category is one more category if there were any when it was fitted. One that was not there then has no 1
    among its outputs, or the code 0. A missing number is replaced by `missing` of its column before it is scaled.

    The outputs are first the numbers, then what says where they were missing, then one-hot outputs, then codes; each in
    the order of the columns. Columns keep their names: a frame must have the columns of the one that was fitted, in its
    order, as in scikit-learn.

    It learns by `fit`, or piece by piece by `partial_fit`. Means, standard deviations and categories of pieces are
    those of the whole. Quantiles, and so ``"robust"``, ``"quantile"`` and the median, are exact for `fit` and for up to
    65,536 values; beyond, their rank is wrong by at most (1 + log2(n / 65536)) / 65536 of n values.

    Args:
        numbers: ``"standard"``, ``"robust"``, ``"quantile"`` or None.
        categories: ``"one_hot"``, ``"sign_or_one_hot"`` or ``"codes"``.
        categorical: Names of further columns whose values are categories, such as codes of places; x0, x1 and so on
            are those of an array.
        missing: What replaces a missing number: ``"mean"``, ``"median"``, or None, which refuses them.
        indicators: Whether columns of numbers, in which there were missing ones when it was fitted, have a second
            output that is 1 where they are missing and 0 elsewhere.
        max_one_hot: Columns of more categories become codes; None for no limit.
        max_categories: Of a column of more, the most frequent are kept, and the others are as those that were not
            there; None for no limit.
        dtype: ``"float32"`` or ``"float64"``, of the outputs.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: A word is unknown, or a number is less than 1.

    Source:
        The robust scale and the smooth clip: Holzmueller, Grinsztajn and Steinwart, Better by default: strong pre-tuned
        MLPs and boosted trees on tabular data, NeurIPS 2024, arXiv:2407.04491.

    Example:
        >>> import fastopt as fo
        >>> table = {"age": [20.0, None, 40.0], "city": ["Rome", "Oslo", "Rome"]}
        >>> encoder = fo.data.TableEncoder(indicators=True).fit(table)
        >>> encoder.feature_names_out
        ['age', 'age_missing', 'city_Oslo', 'city_Rome']
        >>> encoder.transform({"age": [50.0, None], "city": ["Oslo", "Lima"]})
        array([[2., 0., 1., 0.],
               [0., 1., 0., 0.]], dtype=float32)
    """

    # What it has learned is no argument: it is no value.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __init__(
        self,
        numbers: str | None = "standard",
        categories: str = "one_hot",
        categorical: Sequence[str] = (),
        missing: str | None = "mean",
        indicators: bool = False,
        max_one_hot: int | None = None,
        max_categories: int | None = None,
        dtype: str = "float32",
    ) -> None:
        self.numbers = None if numbers is None else word("numbers", numbers, NUMBERS)
        self.categories = word("categories", categories, CATEGORIES)
        self.categorical = tuple(checks.items("categorical", categorical))
        for name in self.categorical:
            if not isinstance(name, str):
                raise TypeError(f"categorical must be names of columns, not {name!r}.")
        self.missing = None if missing is None else word("missing", missing, FILLS)
        self.indicators = checks.flag("indicators", indicators)
        self.max_one_hot = None if max_one_hot is None else checks.integer("max_one_hot", max_one_hot, 1)
        self.max_categories = None if max_categories is None else checks.integer("max_categories", max_categories, 1)
        self.dtype = word("dtype", dtype, ("float32", "float64"))
        self._names: list[str] = []
        self._named = False
        self._count = 0
        self._seen: list[NumberSeen | CategorySeen | None] | None = None
        self._missing: Set[str] = set()  # columns that were empty in a piece
        self._columns: list[Column] | None = None

    # What it has learned

    @property
    def fitted(self) -> bool:
        """Whether it has learned something."""
        return bool(self._names)

    @property
    def count(self) -> int:
        """The number of rows that it has learned from."""
        return self._count

    @property
    def feature_names_in(self) -> list[str]:
        """The names of the columns; x0, x1 and so on of an array."""
        self._need_columns()
        return list(self._names)

    @property
    def feature_names_out(self) -> list[str]:
        """The names of the outputs: those of the columns, with ``_missing`` or ``_`` and a category behind them."""
        numbers, plain, coded = self._parts
        indicators = [f"{column.name}_missing" for column in numbers if column.indicator]
        return [
            *(column.name for column in numbers),
            *indicators,
            *(name for column in (*plain, *coded) for name in column.outputs),
        ]

    @property
    def cardinalities(self) -> list[int]:
        """Of each output that holds codes, which are the last ones, the number of codes."""
        return [column.cardinality for column in self._parts[2]]

    @property
    def vocabularies(self) -> dict[str, list[Any]]:
        """The categories of each column that has some, in the order of their codes or outputs."""
        return {column.name: list(column.known) for column in self._need_columns() if isinstance(column, Category)}

    def fit(self, x: Frame) -> Self:
        """Learn from a table, and forget all others.

        Args:
            x: A frame with its values at hand, a dict of arrays ``[n]`` by the names of columns, or an array ``[n,
                columns]``.

        Returns:
            The encoder itself.

        Raises:
            ImportError: `x` is a frame, and narwhals is not installed.
            TypeError: A column holds words among numbers, or what is neither number, word nor date; nothing has
                changed.
            ValueError: `x` is empty, a number is infinite, a column holds nothing, or one of `categorical` is not
                there; nothing has changed.
        """
        return self._learn(x, afresh=True)

    def partial_fit(self, x: Frame) -> Self:
        """Learn from a further piece of a table.

        Args:
            x: As `fit` takes it, with the columns of those before.

        Returns:
            The encoder itself.

        Raises:
            RuntimeError: It comes from a file, where there is not what further learning needs.
            ImportError, TypeError, ValueError: As `fit`; or the columns or what they hold are not those of before. A
                column in which all is missing is refused by `transform`, as a later piece may have something in it.
        """
        return self._learn(x, afresh=False)

    def transform(self, x: Frame) -> Real:
        """Return the outputs for a table, a new array.

        Args:
            x: As `fit` takes it, with the columns of those that were fitted; of an array their number counts.

        Returns:
            ``[n, outputs]``; the names of the outputs are `feature_names_out`.

        Raises:
            RuntimeError: The encoder has not been fitted.
            ImportError: `x` is a frame, and narwhals is not installed.
            TypeError: A column holds something else than when it was fitted.
            ValueError: The columns have other names or another order; a number is infinite, or missing where `missing`
                is None. The message has the column and the row, counted from 0.
        """
        self._need_columns()
        return self.encoded("x", x)

    def fit_transform(self, x: Frame) -> Real:
        """Return ``fit(x).transform(x)``."""
        return self.fit(x).transform(x)

    # Files

    def state(self) -> dict[str, Any]:
        """Return all that `transform` needs, as values that JSON can hold.

        Raises:
            RuntimeError: The encoder has not been fitted.
        """
        columns = [describe(column) for column in self._need_columns()]
        return {"config": self.get_config(), "named": self._named, "count": self._count, "columns": columns}

    @classmethod
    def from_state(cls, state: object) -> Self:
        """Return the encoder whose `state` it is; it is not fitted further.

        Raises:
            TypeError, ValueError: It is no such state.
        """
        if not isinstance(state, Mapping) or state.keys() != {"config", "named", "count", "columns"}:
            raise ValueError("That is not the state of a TableEncoder.")
        config = state["config"]
        if not isinstance(config, Mapping):
            raise TypeError(f"config must be a dict, not {config!r}.")
        made = cls(**config)
        made._columns = [COLUMNS.resolve(column) for column in checks.items("columns", state["columns"])]
        made._names = [column.name for column in made._columns]
        made._named = checks.flag("named", state["named"])
        made._count = checks.integer("count", state["count"], 1)
        if not 0 < len(set(made._names)) == len(made._names):
            raise ValueError("The columns of a TableEncoder must have different names.")
        return made

    # Pieces

    def _learn(self, x: Frame, afresh: bool) -> Self:
        table = read_table("x", x)
        goes_on = self.fitted and not afresh
        names, named = table.names, table.named
        seen: list[NumberSeen | CategorySeen | None] = [None] * len(names)
        if goes_on:
            if self._seen is None:
                raise RuntimeError("This TableEncoder comes from a file, without what partial_fit needs: call fit.")
            self._check_columns("x", table)
            names, named, seen = self._names, self._named, [copy.copy(column) for column in self._seen]
        for name in set(self.categorical) - {*names}:
            raise ValueError(f"categorical has {name!r}, which is no column of x: {', '.join(names)}.")
        missing = set(self._missing) if goes_on else set()
        for i, (name, values) in enumerate(zip(names, table.columns, strict=True)):
            where = f"x: column {name!r}"
            given = cells(where, values)
            if given.kind == "empty":
                missing.add(name)
                continue
            column = seen[i] or self._seen_first(where, given, name in table.categorical or name in self.categorical)
            column.learn(where, given)
            seen[i] = column
        made = self._made(names, seen, missing) if afresh else None
        for kept in seen:
            if kept is not None:
                kept.compress()
        self._names, self._named = names, named
        self._count = table.rows + (self._count if goes_on else 0)
        self._seen, self._missing, self._columns = seen, missing, made
        return self

    def _seen_first(self, where: str, given: Cells, categorical: bool) -> NumberSeen | CategorySeen:
        if given.kind == "words" or (categorical and given.kind == "number"):
            return CategorySeen(given.kind)
        if categorical:
            raise TypeError(f"{where} is to be a category, and holds dates: give words or numbers.")
        return NumberSeen(given.kind, self.numbers in ("robust", "quantile") or self.missing == "median")

    def _made(
        self, names: Sequence[str], seen: Sequence[NumberSeen | CategorySeen | None], missing: Set[str]
    ) -> list[Column]:
        """Return what is made of what was seen."""
        columns: list[Column] = []
        for name, column in zip(names, seen, strict=True):
            if column is None:
                raise ValueError(f"x: column {name!r} holds nothing but missing values: leave it out.")
            gaps = name in missing or column.missing
            if isinstance(column, NumberSeen):
                columns.append(column.column(name, self.numbers, self.missing, self.indicators and gaps))
            else:
                columns.append(column.column(name, gaps, self.categories, self.max_one_hot, self.max_categories))
        return columns

    def _need_columns(self) -> list[Column]:
        if self._columns is None:
            if self._seen is None:
                raise RuntimeError("This TableEncoder has learned nothing yet: call fit(x) first.")
            self._columns = self._made(self._names, self._seen, self._missing)
        return self._columns

    @property
    def _parts(self) -> tuple[list[Number], list[Category], list[Category]]:
        """The columns by what they become: numbers, one-hot outputs or signs, and codes."""
        columns = self._need_columns()
        categories = [column for column in columns if isinstance(column, Category)]
        return (
            [column for column in columns if isinstance(column, Number)],
            [column for column in categories if column.form != "codes"],
            [column for column in categories if column.form == "codes"],
        )

    def _check_columns(self, name: str, table: Table) -> None:
        if table.named and self._named:
            check_names(name, table.names, self._names)
        elif len(table.names) != len(self._names):
            raise ValueError(
                f"{name} has {len(table.names)} columns; it was fitted with {len(self._names)}: "
                f"{', '.join(self._names)}."
            )

    def encoded(self, name: str, x: Frame) -> Real:
        """Return what `transform` does; messages call the table by this name."""
        numbers, plain, coded = self._parts
        table = read_table(name, x)
        self._check_columns(name, table)
        given = dict(zip(self._names, table.columns, strict=True))

        def content(column: Column) -> tuple[str, Cells]:
            where = f"{name}: column {column.name!r}"
            return where, cells(where, given[column.name])

        parts: list[Part] = []
        limit, at = LIMIT if self.numbers == "robust" else 0.0, len(numbers)
        contents = [content(column) for column in numbers]
        for column, (where, numbered) in zip(numbers, contents, strict=True):
            check_kind(where, column.kind, numbered)
            parts.append(column.part(numbered.numbers, len(parts), at if column.indicator else -1, limit))
            at += column.indicator
        for category in (*plain, *coded):
            parts.append(category.part(category.codes(*content(category)), at))
            at += len(category.outputs)
        result: Real = np.zeros((table.rows, at), self.dtype)
        if not _core.encode(parts, result):
            for i, (column, (where, numbered)) in enumerate(zip(numbers, contents, strict=True)):
                check_finite(where, numbered.numbers - np.float64(column.offset))
                if column.fill is None:
                    check_given(where, np.isnan(numbered.numbers))
                too_large = ~np.isfinite(result[:, i])
                if too_large.any():
                    row = int(np.argmax(too_large))
                    value = numbered.numbers[row]
                    raise ValueError(f"{where} is {value} in row {row}, which is too large for {self.dtype}.")
        return result
