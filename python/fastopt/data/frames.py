"""Tables: columns with names, of frames of any library, dicts of arrays and plain arrays, and what stands in them.

Frames are read by narwhals, which knows pandas, polars, Arrow and others; it is imported only where there is one.
"""

import datetime
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt.core import checks
from fastopt.core.plain import column_names, plain

__all__ = ["Cells", "Coded", "Frame", "Table", "cells", "check_names", "is_frame", "is_missing", "read_table"]

# A frame of any library that narwhals knows, arrays by the names of columns, or an array [n, columns].
Frame: TypeAlias = ArrayLike | Mapping[str, ArrayLike] | Any

DAY = np.timedelta64(1, "D")
EPOCH = np.datetime64(0, "D")
# What stands for a missing value in lists of objects, beside NaN, by the names of types.
MISSING = ("NoneType", "NAType", "NaTType")
SHOWN = 5  # names in a message


class Coded:
    """Labels by number: of each row the place of its label in `labels`, or -1 where it is missing."""

    def __init__(self, codes: NDArray[Any], labels: list[Any]) -> None:
        self.codes, self.labels = codes, labels

    def __len__(self) -> int:
        return len(self.codes)


class Table(NamedTuple):
    """Columns of so many rows, and their names; those of an array are x0, x1 and so on."""

    names: list[str]
    columns: list[NDArray[Any] | Coded]
    named: bool
    categorical: frozenset[str]  # columns whose dtype says that they hold categories

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.columns[0])


class Cells(NamedTuple):
    """What stands in a column.

    Attributes:
        kind: ``"number"``, ``"date"``, ``"words"``, or ``"empty"``, where all is missing.
        numbers: Of numbers and dates, which are days since 1970; NaN is missing.
        words: Of words.
    """

    kind: str
    numbers: NDArray[Any]
    words: Coded

    def coded(self) -> Coded:
        """Return words as they are, and numbers as labels of themselves."""
        if self.kind == "words":
            return self.words
        labels, codes = np.unique(self.numbers, return_inverse=True)
        missing = np.isnan(labels)
        return Coded(np.where(missing[codes], -1, codes), labels[~missing].tolist())


def is_frame(value: object) -> bool:
    """Return whether it is a table whose columns have names."""
    return isinstance(value, Mapping) or column_names(value) is not None


def read_table(name: str, value: Any) -> Table:
    """Return the columns of a table; numbers of arrays and of most frames are not copied.

    Raises:
        ImportError: It is a frame, and narwhals is not installed.
        TypeError: It is no table.
        ValueError: It has no rows or no columns, two of one name, or columns of different lengths.
    """
    columns: list[NDArray[Any] | Coded]
    categorical: list[str] = []
    if isinstance(value, Mapping):
        names, columns = [*map(str, value)], [_column(f"{name}[{key!r}]", part) for key, part in value.items()]
    elif (found := column_names(value)) is not None:
        names = [*map(str, found)]
        _check_distinct(name, names)
        columns, categorical = _columns_of_frame(name, value)
    else:
        array = plain(name, value)
        if array.ndim != 2:
            raise ValueError(f"{name} has shape {array.shape}; expected a frame or an array [n, columns].")
        names, columns = [f"x{i}" for i in range(array.shape[1])], [*array.T]
    _check_distinct(name, names)
    rows = {len(column) for column in columns}
    if len(rows) > 1:
        lengths = ", ".join(f"{key!r}: {len(column)}" for key, column in zip(names, columns, strict=True))
        raise ValueError(f"{name} has columns of different lengths, {lengths}.")
    if rows in (set(), {0}):
        raise ValueError(f"{name} is empty: it has {len(columns)} columns and no rows.")
    return Table(names, columns, is_frame(value), frozenset(categorical))


def check_names(name: str, given: Sequence[str], known: Sequence[str]) -> None:
    """Refuse columns that have other names than those that were fitted, or another order, as scikit-learn does."""
    if list(given) == list(known):
        return
    missing = [column for column in known if column not in given]
    others = [column for column in given if column not in known]
    if missing:
        import difflib

        close = difflib.get_close_matches(missing[0], others, n=1)
        found = f" {close[0]!r} is there instead." if close else ""
        raise ValueError(f"{name} has no column {_listed(missing)}, which there was when it was fitted.{found}")
    if others:
        short = name.rpartition(" ")[2]
        raise ValueError(
            f"{name} has the column {_listed(others)}, which there was not when it was fitted: give "
            f"{short}[names] of the {len(known)} names that there were."
        )
    place = next(i for i, pair in enumerate(zip(given, known, strict=False)) if pair[0] != pair[1])
    raise ValueError(
        f"{name} has its columns in another order than when it was fitted: column {place} is {given[place]!r}, and was "
        f"{known[place]!r}; put them in order by name, {name.rpartition(' ')[2]}[{_listed(known, brackets=True)}]."
    )


def cells(where: str, column: NDArray[Any] | Coded) -> Cells:
    """Return what stands in a column.

    Args:
        where: What messages call the column, as in ``"x: column 'age'"``.
        column: The values of all rows.

    Raises:
        TypeError: Words stand among numbers, or something that is neither number, date nor word.
    """
    if isinstance(column, Coded):
        return _of_labels(where, column)
    kind = column.dtype.kind
    if kind in "fiub":
        return _of_numbers("number", column)
    if kind in "mM":
        return _of_numbers("date" if kind == "M" else "number", (column - EPOCH if kind == "M" else column) / DAY)
    if kind not in "OUT":
        raise TypeError(f"{where} has the dtype {column.dtype}; expected numbers, words, booleans or dates.")
    values = column.tolist()
    try:
        distinct = dict.fromkeys(values)
    except TypeError:
        row = next(i for i, value in enumerate(values) if not isinstance(value, Hashable))
        raise TypeError(
            f"{where} has {_shown(values[row])} in row {row}, which is no number, word or date: make columns of it."
        ) from None
    labels = [label for label in distinct if not is_missing(label)]
    places = dict.fromkeys(distinct, -1) | {label: place for place, label in enumerate(labels)}
    codes = np.fromiter(map(places.__getitem__, values), np.int64, len(values))
    return _of_labels(where, Coded(codes, labels))


def _of_numbers(kind: str, numbers: NDArray[Any]) -> Cells:
    empty = numbers.dtype.kind == "f" and np.isnan(numbers[0]) and bool(np.isnan(numbers).all())
    return Cells("empty" if empty else kind, numbers, Coded(np.empty(0, int), []))


def is_missing(value: object) -> bool:
    """Return whether it is None, NaN or what pandas has for missing."""
    return type(value).__name__ in MISSING or (isinstance(value, float | np.floating) and bool(value != value))


def _of_labels(where: str, column: Coded) -> Cells:
    """Return what stands in a column of objects."""
    kinds = [_kind(type(label)) for label in column.labels]
    found = set(kinds)
    if len(found) > 1 or None in found:
        main = next(kind for kind in ("number", "date", "duration", "words", None) if kind in found)
        place = next(i for i, kind in enumerate(kinds) if kind is None or kind != main)
        row = int(np.argmax(column.codes == place))
        other = f"which is no {main}, as others in it are" if len(found) > 1 else "which is no number, word or date"
        shown = _shown(column.labels[place])
        raise TypeError(f"{where} has {shown} in row {row}, {other}: replace it, or make all of it words.")
    kind = found.pop() if found else "empty"
    if kind == "words":
        return Cells(kind, np.empty(0), column)
    values: NDArray[Any]
    if kind in ("number", "empty"):
        values = np.array([*map(float, column.labels), np.nan])
    else:
        of = "timedelta64[us]" if kind == "duration" else "datetime64[us]"
        values = np.array([*map(_plain_time, column.labels), None], of)
    return cells(where, values[column.codes])  # of which the last, with the number -1, is missing


def _kind(kind: type) -> str | None:
    """Return what objects of a class stand for in a table; None for nothing."""
    if issubclass(kind, np.datetime64 | datetime.date):
        return "date"
    if issubclass(kind, np.timedelta64 | datetime.timedelta):
        return "duration"
    if checks.is_number(kind):
        return "number"
    return "words" if issubclass(kind, str) else None


def _plain_time(value: Any) -> Any:
    """Return a time without its zone, as that of Greenwich."""
    if getattr(value, "tzinfo", None) is not None:
        return value.astimezone(datetime.UTC).replace(tzinfo=None)
    return value


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"a {type(value).__name__}"


def _listed(names: Sequence[str], brackets: bool = False) -> str:
    shown = ", ".join(map(repr, names[:SHOWN]))
    if brackets:
        return f"[{shown}{', ...' if len(names) > SHOWN else ''}]"
    return shown + (f" (and {len(names) - SHOWN} others)" if len(names) > SHOWN else "")


def _check_distinct(name: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for column in names:
        if column in seen:
            raise ValueError(f"{name} has two columns {column!r}: give each a name of its own.")
        seen.add(column)


def _column(name: str, value: Any) -> NDArray[Any]:
    column = plain(name, value)
    if column.dtype.kind == "U" and isinstance(value, list | tuple) and not all(isinstance(v, str) for v in value):
        column = np.fromiter(value, object, len(value))  # words and others, as they are
    if column.ndim == 2 and column.shape[1] == 1:
        column = column[:, 0]
    if column.ndim != 1:
        raise ValueError(f"{name} has shape {column.shape}; expected one value for each row, (n,).")
    return column


def _columns_of_frame(name: str, frame: Any) -> tuple[list[NDArray[Any] | Coded], list[str]]:
    """Return the columns of a frame, and the names of those of categories."""
    try:
        import narwhals.stable.v2 as nw
        import pyarrow  # noqa: F401, by which narwhals reads words
    except ImportError as error:
        raise ImportError(
            f"{name} is a {type(frame).__name__}, which narwhals and pyarrow read: pip install 'fastopt[tables]', or "
            "give a dict of arrays."
        ) from error
    try:
        table = nw.from_native(frame, eager_only=True)
    except TypeError:
        advice = f"give {name.rpartition(' ')[2]}.collect()" if hasattr(frame, "collect") else "give one that it is"
        raise TypeError(
            f"{name} is a {type(frame).__module__}.{type(frame).__name__}, which is no frame with its values at hand: "
            f"{advice}."
        ) from None
    columns: list[NDArray[Any] | Coded] = []
    categorical = []
    of_arrow = table.implementation.is_polars() or table.implementation.is_pyarrow()
    for key in table.columns:
        series = table.get_column(key)
        kind = series.dtype
        if isinstance(kind, nw.Categorical | nw.Enum):
            categorical.append(str(key))
        if isinstance(kind, nw.String | nw.Categorical | nw.Enum):
            objects = table.implementation.is_pandas() and _are_objects(series.to_native().dtype)
            columns.append(_factors(series.to_native()) if objects else _coded(series.to_arrow()))
        elif isinstance(kind, nw.Object):
            columns.append(_column(f"{name}[{key!r}]", np.fromiter(series.to_list(), object, len(series))))
        elif of_arrow and (kind.is_float() or kind.is_integer()):
            numbers = series.to_arrow()  # with gaps several times as fast as to_numpy
            numbers = numbers.fill_null(np.nan) if kind.is_float() and numbers.null_count else numbers
            columns.append(numbers.to_numpy(zero_copy_only=False))
        else:
            columns.append(series.to_numpy())
    return columns, categorical


def _are_objects(dtype: Any) -> bool:
    """Return whether pandas keeps words of this dtype as objects of Python."""
    return dtype == np.dtype(object) or getattr(dtype, "storage", None) == "python"


def _factors(words: Any) -> Coded:
    """Return a series of pandas by number."""
    codes, labels = words.astype(object).factorize()
    return Coded(codes, labels.tolist())


def _coded(words: Any) -> Coded:
    """Return an array of Arrow by number."""
    if not hasattr(words, "dictionary"):
        words = words.dictionary_encode()
    labels, codes = words.dictionary.to_pylist(), words.indices.cast("int32").fill_null(-1).to_numpy()
    if None in labels:
        missing = labels.index(None)
        codes = np.where(codes == missing, -1, codes - (codes > missing))
        del labels[missing]
    return Coded(codes, labels)
