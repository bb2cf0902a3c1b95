"""What stands in a table: which columns to learn from, and what the target is."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from fastopt.data.tables import TableFile, arrow, is_empty, need_columns

__all__ = ["TASKS", "Plan", "scan"]

TASKS = ("classification", "regression")
FEW = 10  # different whole numbers, up to which they are classes
MOST = 1000  # classes
SHARE = 0.5  # of the rows, in so many of which a word is another one


class Plan(NamedTuple):
    """What is learned from what.

    Attributes:
        rows: The number of rows.
        target: The column that is to be predicted.
        task: ``"classification"`` or ``"regression"``.
        classes: The labels of the classes, in order, as Arrow has them; None for regression.
        about: A few words on the target.
        columns: The columns that are learned from.
        left: Those that are not, each with the reason.
    """

    rows: int
    target: str
    task: str
    classes: Any
    about: str
    columns: list[str]
    left: dict[str, str]


def scan(file: TableFile, target: str, task: str | None, drop: Sequence[str], categorical: Sequence[str]) -> Plan:
    """Go through a table once, and say what is to be learned from what.

    Left out are columns without a value, those that number the rows, those of words of which more than half of the rows
    have one of their own, as names do, and what is neither number, date nor word; all but the last are decided by the
    first piece of a large table.

    Args:
        file: The table.
        target: The column that is to be predicted.
        task: Which task it is; None for what the target says.
        drop: Columns that are not looked at.
        categorical: Columns of numbers that are categories.

    Raises:
        ValueError: A column is missing, or the target is nothing that can be predicted.
    """
    rows, values, first = 0, _Target(file.path, target, task), None
    filled: set[str] = set()
    for piece in file.pieces():
        if first is None:
            need_columns(file.path, piece.column_names, [target, *drop, *categorical])
            first = piece
        rows += piece.num_rows
        values.add(piece[target])
        filled |= {name for name in piece.column_names if not is_empty(piece[name])}
    assert first is not None
    left = {}
    for name in first.column_names:
        why = "as asked" if name in drop else "empty" if name not in filled else ""
        if name != target and (why := why or _unusable(first[name], name in categorical)):
            left[name] = why
    columns = [name for name in first.column_names if name != target and name not in left]
    if not columns:
        raise ValueError(f"{file.path} has no columns to learn from beside {target!r}")
    return Plan(rows, target, *values.meaning(), columns, left)


def _unusable(column: Any, categorical: bool) -> str:
    """Return why a column is not learned from; nothing if it is."""
    pa = arrow()
    kind = column.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_integer(kind) and not categorical and len(column) > FEW and not column.null_count:
        numbers = column.to_numpy()
        return "numbers the rows" if np.array_equal(numbers, numbers[0] + np.arange(len(numbers))) else ""
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        many = len(column) > FEW and pa.compute.count_distinct(column).as_py() > SHARE * len(column)
        return "a word of its own in most rows" if many else ""
    types = pa.types
    fine = [types.is_integer, types.is_floating, types.is_boolean, types.is_decimal]
    fine += [types.is_date, types.is_timestamp, types.is_duration, types.is_null]
    return "" if any(one(kind) for one in fine) else str(kind)


class _Target:
    """What is seen of the target."""

    def __init__(self, path: str, name: str, task: str | None) -> None:
        self._place, self._task = f"{path}: the target {name!r}", task
        self._labels: set[Any] = set()
        self._kind: Any = None
        self._whole, self._many = True, False

    def add(self, column: Any) -> None:
        pa = arrow()
        kind = column.type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        if pa.types.is_decimal(kind):
            column, kind = column.cast(pa.float64()), pa.float64()
        numbers = pa.types.is_integer(kind) or pa.types.is_floating(kind)
        words = pa.types.is_string(kind) or pa.types.is_large_string(kind)
        if not (numbers or words or pa.types.is_boolean(kind) or pa.types.is_null(kind)):
            raise ValueError(f"{self._place} holds {kind}; expected numbers, words or true and false")
        if words and self._task == "regression":
            raise ValueError(f"{self._place} holds words, which is no regression")
        if not pa.types.is_null(kind):
            self._kind = kind
        if self._many and self._task != "classification":
            return
        labels = [label for label in pa.compute.unique(column).to_pylist() if label is not None and label == label]
        self._labels.update(labels)
        self._whole = self._whole and all(not isinstance(one, float) or one.is_integer() for one in labels)
        self._many = numbers and (len(self._labels) > FEW or not self._whole)
        if len(self._labels) > MOST and (not numbers or self._task == "classification"):
            raise ValueError(f"{self._place} has more than {MOST:,} classes")

    def meaning(self) -> tuple[str, Any, str]:
        """Return the task, the classes, and words about the target."""
        if len(self._labels) < 2:
            raise ValueError(f"{self._place} has {'no' if not self._labels else 'one'} value alone: nothing to learn")
        if self._task == "regression" or (self._task is None and self._many):
            return "regression", None, "numbers" if self._many else "whole numbers, of which there are few"
        pa = arrow()
        labels = sorted(self._labels)
        if pa.types.is_floating(self._kind) and self._whole:
            labels = [int(label) for label in labels]
        shown = ", ".join(map(str, labels[:FEW])) + (", ..." if len(labels) > FEW else "")
        return "classification", pa.array(labels), f"{len(labels)} classes: {shown}"
