"""The pieces of a source of samples: of files, frames and arrays in any order, of what is gone through in its own."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from fastopt.core import checks
from fastopt.core.plain import column_names
from fastopt.data.frames import is_frame
from fastopt.data.sparse import is_sparse
from fastopt.data.tables import PARQUET, TableFile

__all__ = ["Piece", "Pieces", "chosen", "names_of", "pieces_of"]

TABLES = (*PARQUET, ".csv", ".tsv", ".txt")


class Piece(NamedTuple):
    """Some samples of a source.

    Attributes:
        where: What messages call them.
        rows: Their number.
        read: Returns them: a frame, an array, or a tuple of arrays.
    """

    where: str
    rows: int
    read: Callable[[], Any]


# A list, which is read in any order, or what returns the pieces in their own order, read one by one.
Pieces = list[Piece] | Callable[[], Iterator[Piece]]


def pieces_of(source: Any, rows: int, columns: Sequence[str] | None) -> Pieces:
    """Return the pieces of a source.

    Args:
        source: As `fastopt.data.stream` takes it.
        rows: Of a piece of a frame or an array.
        columns: Those of a Parquet file that are read; None for all.

    Raises:
        TypeError: It is no source.
        ValueError: It is empty, or arrays differ in length.
        ImportError, OSError: A file cannot be read.
    """
    if isinstance(source, str | os.PathLike):
        return _of_files(_files(os.fsdecode(source)), columns)
    if isinstance(source, list) and source and all(isinstance(one, str | os.PathLike) for one in source):
        return _of_files([name for one in source for name in _files(os.fsdecode(one))], columns)
    if is_frame(source):
        return _of_frame(source, rows)
    if isinstance(source, tuple) or _is_array(source):
        return _of_arrays(source if isinstance(source, tuple) else (source,), rows)
    if hasattr(source, "to_batches"):  # a data set of Arrow
        return partial(_one_by_one, source.to_batches)
    if callable(source) or isinstance(source, Iterable):
        return partial(_one_by_one, source)
    raise TypeError(
        "source must be paths of files, a frame, a tuple of arrays, or an iterable of such pieces, not "
        f"{checks.described(source)}."
    )


def names_of(frame: Any) -> list[str]:
    """Return the names of the columns of a frame."""
    names = frame if isinstance(frame, Mapping) else column_names(frame)
    return [str(name) for name in names or ()]


def chosen(frame: Any, names: Sequence[str]) -> Any:
    """Return some columns of a frame, without copies."""
    if isinstance(frame, Mapping):
        return {name: frame[name] for name in names}
    import narwhals.stable.v2 as nw

    return nw.from_native(frame, eager_only=True).select(names).to_native()


def _is_array(value: object) -> bool:
    return hasattr(value, "__array__") or is_sparse(value)


def _files(path: str) -> list[str]:
    """Return the files that a path means: itself, those of a folder, or those that a pattern fits, in order."""
    import glob

    if os.path.isdir(path):
        names = sorted(name for name in os.listdir(path) if name.lower().endswith(TABLES))
        found = [os.path.join(path, name) for name in names]
    elif glob.has_magic(path) and not os.path.exists(path):
        found = sorted(glob.glob(path))
    else:
        return [path]
    if not found:
        raise FileNotFoundError(f"there is no file with a table at {path}")
    return found


def _of_files(paths: Sequence[str], columns: Sequence[str] | None) -> Pieces:
    files = [TableFile(path) for path in paths]
    if all(file.is_parquet for file in files):
        return [
            Piece(f"{file.path}, row group {number}", size, partial(file.group, number, columns))
            for file in files
            for number, size in enumerate(file.groups())
            if size
        ]
    return partial(_of_tables, files)


def _of_tables(files: Sequence[TableFile]) -> Iterator[Piece]:
    for file in files:
        for where, table in file.placed():
            yield _ready(where, table, table.num_rows)


def _ready(where: str, piece: Any, rows: int) -> Piece:
    return Piece(where, rows, lambda: piece)


def _of_frame(frame: Any, rows: int) -> list[Piece]:
    if isinstance(frame, Mapping):
        lengths = {str(name): len(column) for name, column in frame.items()}
        _check_lengths(lengths)

        def part(first: int) -> Any:
            return {name: column[first : first + rows] for name, column in frame.items()}
    else:
        import narwhals.stable.v2 as nw

        table = nw.from_native(frame, eager_only=True)
        lengths = {"the frame": len(table)}

        def part(first: int) -> Any:
            return table[first : first + rows].to_native()

    return _slices("rows of the frame", next(iter(lengths.values())), rows, part)


def _of_arrays(arrays: tuple[Any, ...], rows: int) -> list[Piece]:
    names = ("x", "y", "sample_weight")
    if not 1 <= len(arrays) <= len(names):
        raise ValueError(f"source must be (x, y) or (x, y, sample_weight); it has {len(arrays)} arrays.")
    for name, array in zip(names, arrays, strict=False):
        if not _is_array(array) or is_sparse(array):
            raise TypeError(f"{name} of the source must be a dense array, not {checks.described(array)}.")
    _check_lengths({name: len(array) for name, array in zip(names, arrays, strict=False)})

    def part(first: int) -> Any:
        return tuple(array[first : first + rows] for array in arrays)

    return _slices("rows of the arrays", len(arrays[0]), rows, part)


def _check_lengths(lengths: Mapping[str, int]) -> None:
    if len(set(lengths.values())) > 1:
        raise ValueError(
            f"source has parts of different lengths: {', '.join(f'{k}: {n}' for k, n in lengths.items())}."
        )


def _slices(what: str, count: int, rows: int, part: Callable[[int], Any]) -> list[Piece]:
    return [
        Piece(f"{what} from {first}", min(rows, count - first), partial(part, first)) for first in range(0, count, rows)
    ]


def _one_by_one(given: Any) -> Iterator[Piece]:
    """Give what an iterable, or what a function returns, has."""
    for number, piece in enumerate(given() if callable(given) else given):
        table = _table(piece)
        if not (is_frame(table) or _is_array(table) or isinstance(table, tuple)):
            raise TypeError(
                f"piece {number} of the source must be a frame, an array, or a tuple (x, y), not "
                f"{checks.described(piece)}."
            )
        parts = table if isinstance(table, tuple) else (table,)
        lengths = {len(next(iter(part.values())) if isinstance(part, Mapping) else part) for part in parts}
        if len(lengths) != 1:
            raise ValueError(f"piece {number} of the source has parts of different lengths: {sorted(lengths)}.")
        if rows := lengths.pop():
            yield _ready(f"piece {number}", table, rows)


def _table(piece: Any) -> Any:
    """Return a batch of records of Arrow as a table; everything else as it is."""
    if type(piece).__name__ == "RecordBatch" and hasattr(piece, "schema"):
        import pyarrow

        return pyarrow.Table.from_batches([piece])
    return piece
