"""Samples as the rows of a sparse matrix: of SciPy's, or of any that has its attributes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt import _core
from fastopt.core import checks

__all__ = ["SparseRows", "is_sparse", "sparse_rows", "stacked"]

MOST = 2**31 - 1  # columns, whose numbers the core keeps in 32 bits


class SparseRows:
    """Checked rows of a sparse matrix, as the core reads them.

    Args:
        starts: Where the entries of each row begin, and those of the last one end, ``[n + 1]``.
        columns: Their columns, in order within each row; several of one column add up.
        values: Their values, of the model's dtype.
        width: The number of columns.
    """

    __slots__ = ("columns", "starts", "values", "width")
    ndim = 2

    def __init__(self, starts: NDArray[np.int64], columns: NDArray[np.int32], values: NDArray[Any], width: int) -> None:
        self.starts, self.columns, self.values, self.width = starts, columns, values, width

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def shape(self) -> tuple[int, int]:
        """That of the matrix."""
        return len(self), self.width

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of the values."""
        return self.values.dtype

    def __getitem__(self, rows: slice) -> "SparseRows":
        first, last, _ = rows.indices(len(self))
        return SparseRows(self.starts[first : last + 1], self.columns, self.values, self.width)

    def compact(self) -> "SparseRows":
        """Return them without the entries of other rows, as they are to be sent."""
        first, last = self.starts[0], self.starts[-1]
        return SparseRows(self.starts - first, self.columns[first:last], self.values[first:last], self.width)


def stacked(parts: Sequence[SparseRows]) -> SparseRows:
    """Return rows one after the other, each part without entries of other rows."""
    before = np.cumsum([0, *(len(one.values) for one in parts)])
    starts = [one.starts[:-1] + add for one, add in zip(parts, before[:-1], strict=True)]
    return SparseRows(
        np.concatenate([*starts, before[-1:]]),
        np.concatenate([one.columns for one in parts]),
        np.concatenate([one.values for one in parts]),
        parts[0].width,
    )


def is_sparse(value: object) -> bool:
    """Return whether it is a sparse matrix or array that can be read by rows."""
    return isinstance(value, SparseRows) or (hasattr(value, "nnz") and hasattr(value, "tocsr"))


def sparse_rows(name: str, given: Any, features: int | None, dtype: str) -> SparseRows:
    """Return a sparse matrix as the core reads it, checked.

    Values of `dtype` are not copied, the numbers of columns are; what is not compressed by rows, or not in the order of
    the columns, is made so in a copy.

    Raises:
        TypeError: It holds no numbers.
        ValueError: The shape does not fit, or an entry is outside of it, or not finite.
    """
    if isinstance(given, SparseRows) and given.dtype == dtype and features in (None, given.width):
        return given
    shape = tuple(given.shape)
    if len(shape) != 2 or (features is not None and shape[1] != features):
        raise ValueError(f"{name} is sparse, of shape {shape}; expected [n, {features or 'features'}].")
    if 0 in shape:
        raise ValueError(f"{name} is empty: its shape is {shape}; expected at least one sample.")
    if shape[1] > MOST:
        raise ValueError(f"{name} has {shape[1]} features; a sparse matrix may have up to {MOST}.")
    if isinstance(given, SparseRows):
        starts, columns, values = given.starts, given.columns, given.values
    else:
        rows = given if getattr(given, "format", None) == "csr" else given.tocsr()
        starts = checks.in_form(_integers(f"{name}.indptr", rows.indptr), "int64")
        columns = _integers(f"{name}.indices", rows.indices)
        columns = checks.in_form(columns, "int32" if columns.dtype == np.int32 else "int64")
        values = checks.array(f"{name}.data", rows.data)
    if len(starts) != shape[0] + 1 or values.shape != columns.shape:
        raise ValueError(
            f"{name} has the shape {shape}, and {len(starts)} numbers in indptr, {len(columns)} in indices and "
            f"{len(values)} in data; expected {shape[0] + 1} in the first and as many in the others."
        )
    ordered = _core.in_order(name, starts, columns, shape[1])
    used = slice(starts[0], starts[-1])
    columns, values = columns[used].astype(np.int32), values[used]
    starts = starts - starts[0]  # copies: whoever has the matrix may change it
    if not ordered:
        order = np.lexsort((columns, np.repeat(np.arange(shape[0]), np.diff(starts))))
        columns, values = columns[order], values[order]
    read = checks.in_form(values, dtype)
    at = _core.kernels.first_nonfinite(read)
    if at >= 0:
        row = int(np.searchsorted(starts, at, "right")) - 1
        raise ValueError(f"{name}[{row}, {columns[at]}] = {values[at]} is {checks.problem(values[at], dtype)}.")
    return SparseRows(starts, columns, read, shape[1])


def _integers(name: str, given: object) -> NDArray[Any]:
    array = checks.array(name, given)
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise TypeError(f"{name} must be integers in one dimension, not {array.dtype} of shape {array.shape}.")
    return array
