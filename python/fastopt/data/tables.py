"""Tables in files: CSV and Parquet, read piece by piece by pyarrow."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fastopt.core.files import replaced
from fastopt.core.registry import unknown_name

__all__ = ["TableFile", "arrow", "is_empty", "named", "need_columns", "write_pieces"]

WHOLE = 1 << 28  # bytes of a file that is one piece
PIECE = 1 << 26  # bytes of a piece
ROWS = 1 << 18  # of a piece of Parquet
PARQUET = (".parquet", ".pq")
DELIMITERS = ",;\t|"


def arrow() -> Any:
    """Return pyarrow.

    Raises:
        ImportError: It, or narwhals, which reads its tables, is not installed.
    """
    try:
        import narwhals  # noqa: F401
        import pyarrow
        import pyarrow.compute
        import pyarrow.csv
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError("tables are read by pyarrow and narwhals: pip install 'fastopt[tables]'") from error
    return pyarrow


class TableFile:
    """A file with a table.

    Args:
        path: The file; what is not Parquet by its ending is CSV, with a first line of names.
        words: Columns of a CSV file that hold words, also where they look like numbers.

    Raises:
        ImportError: pyarrow or narwhals is not installed.
        OSError: The file cannot be read.
        ValueError: It is empty.
    """

    def __init__(self, path: str, words: Iterable[str] = ()) -> None:
        self.path = path
        self._arrow = arrow()
        self._words = list(words)
        if not os.path.isfile(path):
            raise FileNotFoundError(f"there is no file {path}")
        self.size = os.path.getsize(path)
        self._whole: Any = None
        self._about: Any = None  # of a Parquet file, which takes long to read where there are many groups
        self.is_parquet = path.lower().endswith(PARQUET)
        if not self.size:
            raise ValueError(f"{path} is empty")

    def groups(self) -> list[int]:
        """Return the number of rows of each group of rows of a Parquet file.

        Raises:
            ValueError: The file is no such table.
        """
        with self._arrow_errors(), self._arrow.parquet.ParquetFile(self.path) as file:
            self._about = file.metadata
        return [self._about.row_group(number).num_rows for number in range(self._about.num_row_groups)]

    def group(self, number: int, columns: Sequence[str] | None = None) -> Any:
        """Return a group of rows of a Parquet file, of these columns alone; other threads may read others meanwhile.

        Raises:
            ValueError: A column is missing, or the file is damaged.
        """
        with self._arrow_errors(), self._arrow.parquet.ParquetFile(self.path, metadata=self._about) as file:
            if columns is not None:
                need_columns(self.path, file.schema_arrow.names, columns)
            return file.read_row_group(number, columns=columns, use_threads=False)

    def placed(self) -> Iterator[tuple[str, Any]]:
        """Give the pieces, each with what messages, which count its rows, call it."""
        rows = 0
        for piece in self.pieces():
            yield self.path if not rows else f"{self.path}, rows counted from {rows}", piece
            rows += piece.num_rows

    def pieces(self) -> Iterator[Any]:
        """Give the pieces, tables of Arrow with at least a row: one, which is read once, unless the file is large.

        Raises:
            ValueError: The file is no such table, or has no rows.
        """
        rows = 0
        with self._arrow_errors(lambda: f" after {rows:,} rows" if rows else ""):
            for piece in self._read() if self._whole is None else [self._whole]:
                if self.size <= WHOLE:
                    self._whole = piece
                if piece.num_rows:
                    rows += piece.num_rows
                    yield piece
        if not rows:
            raise ValueError(f"{self.path} has names of columns, but no rows")

    @contextmanager
    def _arrow_errors(self, place: Callable[[], str] = str) -> Iterator[None]:
        try:
            yield
        except self._arrow.ArrowInvalid as error:
            raise ValueError(f"{self.path} cannot be read{place()}: {error}") from error

    def _read(self) -> Iterator[Any]:
        return self._parquet() if self.is_parquet else self._csv()

    def _csv(self) -> Iterator[Any]:
        csv = self._arrow.csv
        with self._arrow.input_stream(self.path, compression="detect") as file:
            header = file.read(1 << 16).split(b"\n")[0].decode(errors="replace")
        options = {
            "parse_options": csv.ParseOptions(
                delimiter=max(DELIMITERS, key=header.count), newlines_in_values=self.size <= WHOLE
            ),
            "convert_options": csv.ConvertOptions(
                strings_can_be_null=True, column_types=dict.fromkeys(self._words, self._arrow.string())
            ),
        }
        if self.size <= WHOLE:
            yield csv.read_csv(self.path, **options)
            return
        with csv.open_csv(self.path, read_options=csv.ReadOptions(block_size=PIECE), **options) as reader:
            for batch in reader:
                yield self._arrow.Table.from_batches([batch])

    def _parquet(self) -> Iterator[Any]:
        with self._arrow.parquet.ParquetFile(self.path) as file:
            if self.size <= WHOLE:
                yield file.read()
                return
            for batch in file.iter_batches(ROWS):
                yield self._arrow.Table.from_batches([batch])


def is_empty(column: Any) -> bool:
    """Return whether all of a column is missing."""
    return bool(arrow().compute.all(arrow().compute.is_null(column, nan_is_null=True)).as_py())


@contextmanager
def named(path: str) -> Iterator[None]:
    """Let the errors of what reads a table call it by the name of its file."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise type(error)(f"{path}: {str(error).removeprefix('x: ')}") from error


def need_columns(path: str, given: Sequence[str], needed: Iterable[str]) -> None:
    """Raise ValueError, with the nearest name, where a file does not have a column."""
    for name in needed:
        if name not in given:
            raise ValueError(f"{path}: {unknown_name('column', name, given)}")


def write_pieces(path: str, pieces: Iterable[Any]) -> None:
    """Write tables of Arrow one after the other to a file of CSV or Parquet, which is there when all are written."""
    pyarrow = arrow()
    make = pyarrow.parquet.ParquetWriter if path.lower().endswith(PARQUET) else pyarrow.csv.CSVWriter
    with replaced(path) as file:
        writer: Any = None
        for piece in pieces:
            writer = writer or make(file, piece.schema)
            writer.write_table(piece)
        if writer is not None:
            writer.close()
