"""Batches of data that are larger than memory, read and encoded by threads ahead of the training."""

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from fastopt import _core
from fastopt.core import checks
from fastopt.core.registry import unknown_name, word
from fastopt.data.frames import cells, is_frame, read_table
from fastopt.data.pieces import Piece, chosen, names_of, pieces_of
from fastopt.data.tables import named

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["Stream", "stream"]

Arrays = list[NDArray[Any]]  # inputs, and, where there are some, targets and weights
SLICES = 8  # pieces of arrays in a window


class Encoder(Protocol):
    """What makes numbers of a table or an array, as `fastopt.data.TableEncoder` does."""

    def transform(self, x: Any) -> NDArray[Any]:
        """Return an array ``[n, features]``."""


class _Window(NamedTuple):
    """Pieces whose rows are mixed, from `first` on: those before are left out."""

    number: int
    pieces: list[Piece]
    first: int


class Stream:
    """Batches of data that may be larger than memory; made by `fastopt.data.stream`.

    Each iteration over it is a pass, in an order of its own, and `len` of it is the number of batches of one, where
    that is known without reading.

    Attributes:
        batch_size: Samples of a batch; the last of a pass may have fewer.
        passes: How many passes have been begun by iterating.
        rows: The number of samples, or None where it is not known without reading.
    """

    def __init__(
        self,
        source: Any,
        target: str | Sequence[str] | None,
        columns: Sequence[str] | None,
        weight: str | None,
        encoder: Encoder | None,
        batch_size: int,
        shuffle: bool,
        window: int,
        seed: int,
        workers: int,
        drop_remainder: bool,
        dtype: str,
    ) -> None:
        self._targets = [target] if isinstance(target, str) else list(target or ())
        self._one_target = isinstance(target, str)
        self._columns = None if columns is None else checks.items("columns", columns)
        self._weight = weight
        for name in (*self._targets, *(self._columns or ()), *([] if weight is None else [weight])):
            if not isinstance(name, str):
                raise TypeError(f"target, columns and weight are names of columns, not {name!r}.")
        if encoder is not None and not callable(getattr(encoder, "transform", None)):
            raise TypeError(f"encoder must have the method transform, as fastopt.data.TableEncoder, not {encoder!r}.")
        self.encoder = encoder
        self.batch_size = checks.integer("batch_size", batch_size, 1, checks.SIZE)
        self._shuffle = checks.flag("shuffle", shuffle)
        self._window = checks.integer("window", window, 1, checks.SIZE)
        self._seed = checks.integer("seed", seed, 0, 2**63)
        self._workers = checks.integer("workers", workers, 1, 1024)
        self._drop = checks.flag("drop_remainder", drop_remainder)
        self._dtype = word("dtype", dtype, ("float32", "float64"))
        read = None if self._columns is None else [*self._columns, *self._labels]
        self._pieces = pieces_of(source, max(1, self._window // SLICES), read)
        self.rows = sum(piece.rows for piece in self._pieces) if isinstance(self._pieces, list) else None
        if self.rows == 0:
            raise ValueError("source is empty: it has no rows.")
        self.passes = 0

    def __iter__(self) -> "Pass":
        self.passes += 1
        return self.batches(self.passes - 1)

    def __len__(self) -> int:
        if self.rows is None:
            raise TypeError("the number of batches is not known before the source has been read.")
        return self.rows // self.batch_size if self._drop else -(-self.rows // self.batch_size)

    def __repr__(self) -> str:
        rows = "rows unknown" if self.rows is None else f"{self.rows:,} rows"
        return f"<stream of {rows} in batches of {self.batch_size}>"

    @property
    def any_order(self) -> bool:
        """Whether pieces can be read in any order, so that those before a batch need not be read to reach it."""
        return isinstance(self._pieces, list)

    def batches(self, epoch: int = 0, start: int = 0) -> "Pass":
        """Return an iterator of the batches of a pass from one of them on.

        Args:
            epoch: The number of the pass, which decides the order.
            start: The number of the first batch.
        """
        epoch, start = checks.integer("epoch", epoch, 0, 2**31), checks.integer("start", start, 0)
        return Pass(self, epoch, start)

    def tables(self) -> Iterator[Any]:
        """Give what the encoder is given, piece by piece, in the order of the source."""
        for piece in self._pieces if isinstance(self._pieces, list) else self._pieces():
            with named(piece.where):
                yield self._inputs(piece.read())

    def fit_encoder(self) -> Self:
        """Fit the encoder to all pieces, one after the other, and return the stream.

        Raises:
            TypeError: The encoder has no method ``partial_fit``.
        """
        learn: Any = getattr(self.encoder, "partial_fit", None)
        if learn is None:
            raise TypeError(f"encoder must have the method partial_fit to be fitted; it is {self.encoder!r}.")
        for table in self.tables():
            learn(table)
        return self

    @property
    def _labels(self) -> list[str]:
        """The columns that are no inputs."""
        return self._targets + ([] if self._weight is None else [self._weight])

    def _inputs(self, data: Any) -> Any:
        """Return the part of a piece that holds the inputs."""
        asked = [*self._labels, *(self._columns or ())]
        if not is_frame(data):
            if asked:
                raise ValueError(f"it is made of arrays, which have no column {asked[0]!r}.")
            return data[0] if isinstance(data, tuple) else data
        names = names_of(data)
        for name in asked:
            if name not in names:
                raise unknown_name("column", name, names)
        return chosen(data, self._columns or [name for name in names if name not in self._labels])

    def _arrays(self, piece: Piece) -> Arrays:
        """Return inputs, targets and weights of a piece as numbers."""
        with named(piece.where):
            data = piece.read()
            x = self._inputs(data)
            result = [self._numbers(x) if self.encoder is None else np.asarray(self.encoder.transform(x))]
            if isinstance(data, tuple):
                result += map(np.asarray, data[1:])
            elif self._labels:
                columns = [_values(data, name) for name in self._targets]
                result += columns if self._one_target else [np.stack(columns, axis=1)] if columns else []
                if self._weight is not None:
                    result.append(_values(data, self._weight))
            return result

    def _numbers(self, x: Any) -> NDArray[Any]:
        if not is_frame(x):
            return np.asarray(x)
        table = read_table("x", x)
        result: NDArray[Any] = np.empty((table.rows, len(table.names)), self._dtype)
        for i, (name, column) in enumerate(zip(table.names, table.columns, strict=True)):
            found = cells(f"column {name!r}", column)
            if found.kind == "words":
                raise TypeError(f"column {name!r} holds words: give an encoder, such as fastopt.data.TableEncoder().")
            result[:, i] = found.numbers
        return result

    def _permutation(self, epoch: int, number: int, count: int) -> NDArray[np.int64]:
        """Return the order of the pieces, number 0, or of the rows of the window of this number, counted from 1."""
        return _core.kernels.permutation(self._seed, (epoch << 32) + number, count)

    def _windows(self, epoch: int, start: int) -> Iterator[_Window]:
        """Give the windows of a pass from a row of it on."""
        pieces: Iterator[Piece]
        if isinstance(self._pieces, list):
            count = len(self._pieces)
            order = self._permutation(epoch, 0, count) if self._shuffle else range(count)
            pieces = map(self._pieces.__getitem__, order)
        else:
            pieces = self._pieces()
        number = before = 0
        while some := list(_up_to(pieces, self._window)):
            rows = sum(piece.rows for piece in some)
            number += 1
            if before + rows > start:
                yield _Window(number, some, max(0, start - before))
            before += rows

    def _read(self, window: _Window, epoch: int) -> Arrays:
        """Return the arrays of a window, their rows mixed."""
        parts = [self._arrays(piece) for piece in window.pieces]
        arrays = [np.concatenate(some) if len(some) > 1 else some[0] for some in zip(*parts, strict=True)]
        if self._shuffle:
            order = self._permutation(epoch, window.number, len(arrays[0]))[window.first :]
            return [np.take(array, order, axis=0) for array in arrays]  # which is faster than array[order]
        return [array[window.first :] for array in arrays]

    def _ahead(self, epoch: int, start: int) -> Iterator[Arrays]:
        """Give the arrays of each window of a pass; threads are ahead by one more than there are workers."""
        from concurrent.futures import ThreadPoolExecutor  # which takes milliseconds to import

        windows = self._windows(epoch, start)
        reader, workers = ThreadPoolExecutor(1), ThreadPoolExecutor(self._workers, initializer=_one_thread)

        def read(taken: "Future[_Window | None]") -> Arrays | None:
            window = taken.result()
            return None if window is None else self._read(window, epoch)

        try:
            ahead: deque[Future[Arrays | None]] = deque()
            while True:
                while len(ahead) <= self._workers:
                    ahead.append(workers.submit(read, reader.submit(next, windows, None)))
                arrays = ahead.popleft().result()
                if arrays is None:
                    return
                yield arrays
        finally:
            workers.shutdown(wait=False, cancel_futures=True)
            reader.shutdown(wait=False, cancel_futures=True)

    def _runs(self, epoch: int, start: int) -> Generator[Arrays, None, None]:
        """Give the samples of a pass, whole batches that follow each other; the last may end with a smaller one."""
        if not getattr(self.encoder, "fitted", True):
            raise RuntimeError(
                "The encoder has learned nothing yet: call fit_encoder() of the stream, or fit it first."
            )
        rest: Arrays = []
        for arrays in self._ahead(epoch, start * self.batch_size):
            if rest:
                arrays = [np.concatenate(pair) for pair in zip(rest, arrays, strict=True)]
            rows = len(arrays[0])
            whole = rows - rows % self.batch_size
            if whole:
                yield [array[:whole] for array in arrays]
            rest = [array[whole:] for array in arrays] if whole < rows else []
        if rest and not self._drop:
            yield rest


class Pass(Iterator[Any]):
    """The batches of a pass, one by one."""

    def __init__(self, of: Stream, epoch: int, start: int) -> None:
        self._of, self._epoch = of, epoch
        self._begin(start)

    def _begin(self, start: int) -> None:
        self.next = start  # the number of the batch that comes next
        self._runs = self._of._runs(self._epoch, start)
        self._run: Arrays = []
        self._first = 0  # the row of the run that comes next

    def __next__(self) -> Any:
        return self.take(1)

    def take(self, limit: int) -> Any:
        """Return the next batches, at most so many, as one: those that are in memory.

        Raises:
            StopIteration: There is none.
        """
        if not self._run or self._first == len(self._run[0]):
            self._run = []
            self._run, self._first = next(self._runs), 0
        first, size = self._first, self._of.batch_size
        self._first = min(first + limit * size, len(self._run[0]))
        self.next += -(-(self._first - first) // size)
        arrays = [array[first : self._first] for array in self._run]
        return arrays[0] if len(arrays) == 1 else tuple(arrays)

    def skip(self, count: int) -> int:
        """Leave out the next batches, and return how many there were; those whose place is known are not read."""
        if not self._of.any_order:
            return sum(1 for _ in islice(self, count))
        count = min(count, len(self._of) - self.next)
        if count:
            self._runs.close()
            self._begin(self.next + count)
        return count


def stream(
    source: Any,
    target: str | Sequence[str] | None = None,
    *,
    columns: Sequence[str] | None = None,
    weight: str | None = None,
    encoder: Encoder | None = None,
    batch_size: int = 256,
    shuffle: bool = True,
    window: int = 65_536,
    seed: int = 0,
    workers: int = 2,
    drop_remainder: bool = False,
    dtype: str = "float32",
) -> Stream:
    """Return the batches of data that may be larger than memory, as `fit`, `evaluate` and `predict` take them.

    Pieces of the source are read, decoded and encoded by threads, ahead of the training. Each sample comes once in a
    pass. With `shuffle` the pieces come in a random order, those that follow each other make windows, and the rows of a
    window are mixed; another pass has another order. The order depends on the seed and the number of the pass alone. In
    memory are at most ``workers + 2`` windows.

    - Parquet: the path of a file, of a folder, a pattern, or a list of them. Pieces are row groups, in a random order.
    - CSV, also so: pieces are blocks of 64 MB, or whole files of up to 256 MB, in their own order.
    - A frame, a dict of columns, or arrays ``(x, y)`` or ``(x, y, sample_weight)``, also memory-mapped: pieces are
      slices, in a random order.
    - An iterable of frames, arrays or tuples of arrays, or a function that returns one: pieces are as they come.

    The next pass of `fit` takes the next order. A training that is interrupted goes on in the middle of a pass, to the
    bit, with ``fit(stream, steps_per_epoch=n, callbacks=[fo.callbacks.BackupAndRestore(folder)])``; in a loop of one's
    own ``stream.batches(epoch, start)`` begins at any batch. Where pieces may come in any order, those before it are
    not read.

    Args:
        source: What the samples are.
        target: The column of the targets, or those of several; None for tuples and for data without targets.
        columns: The columns of the inputs; None for all others.
        weight: The column of the weights of samples, if there is one.
        encoder: What makes numbers of the inputs: a `TableEncoder`, or another object with the method ``transform``.
            Unless it is fitted, call `Stream.fit_encoder`. None for numbers as they are.
        batch_size: Samples a batch.
        shuffle: Whether samples come in a random order; else in that of the source.
        window: Rows that are mixed with each other, at least; whole pieces, so a row group of more is a window.
        seed: Decides the orders, at least 0.
        workers: Threads that read and encode.
        drop_remainder: Whether a pass leaves out the samples that do not fill its last batch.
        dtype: Of the inputs, where there is a frame and no encoder.

    Returns:
        A `Stream`: an iterable of batches ``x``, ``(x, y)`` or ``(x, y, sample_weight)``, with a length where that is
        known.

    Raises:
        TypeError: An argument has the wrong type.
        RuntimeError: In a pass: the encoder is not fitted.
        ValueError: The source is empty, a number is out of range; or, in a pass, a column is missing, or has a missing
            value in the target: the file and the piece are named.
        ImportError, OSError: A file cannot be read.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> table = {"a": np.arange(1000.0), "b": np.ones(1000), "y": 2.0 * np.arange(1000)}
        >>> batches = fo.data.stream(table, "y", encoder=fo.data.TableEncoder(), batch_size=100).fit_encoder()
        >>> len(batches), next(iter(batches))[0].shape
        (10, (100, 2))
        >>> model = fo.Sequential([fo.layers.Dense(1)], seed=0)
        >>> model.compile("adam", "mse")
        >>> history = model.fit(batches, epochs=2, verbose=0)
    """
    return Stream(
        source, target, columns, weight, encoder, batch_size, shuffle, window, seed, workers, drop_remainder, dtype
    )


def _one_thread() -> None:
    """Let the core use one thread here: the others train."""
    _core.runtime.limit_threads(1)


def _up_to(pieces: Iterator[Piece], rows: int) -> Iterator[Piece]:
    """Give the next pieces, until they have at least so many rows."""
    for piece in pieces:
        yield piece
        if (rows := rows - piece.rows) <= 0:
            return


def _values(frame: Any, name: str) -> NDArray[Any]:
    """Return a column of targets or weights: numbers, or the words themselves; none may be missing."""
    found = cells(f"column {name!r}", read_table("x", chosen(frame, [name])).columns[0])
    values: NDArray[Any]
    if found.kind == "words":
        codes = found.words.codes
        missing, values = codes < 0, np.array([*found.words.labels, ""], object)[codes]
    else:
        missing, values = np.isnan(found.numbers), found.numbers
    if missing.any():
        raise ValueError(f"column {name!r} is missing in row {int(np.argmax(missing))}.")
    return values
