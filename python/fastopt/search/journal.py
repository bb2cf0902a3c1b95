"""The file of a search: JSON lines, each of which is there whole or not at all, whenever the process is killed."""

import errno
import json
import math
import os
from typing import Any

from fastopt.core.files import opened

__all__ = ["HEAD", "Journal", "plain", "read"]

Row = dict[str, Any]
HEAD = {"fastopt search": 1}  # what the first line begins with
START = json.dumps(HEAD)[:-1].encode()


class Journal:
    """Appends lines to a file, and brings each to the disk before it goes on.

    What a killed process has left of a line is removed when the file is opened again. A file that another process has
    open is refused.

    Args:
        path: The file, made if it is not there.

    Attributes:
        rows: The lines that the file had.
    """

    def __init__(self, path: str) -> None:
        import fcntl

        self._path = path
        made = not os.path.exists(path)
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK, 0o666)
        try:
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BlockingIOError(errno.EAGAIN, "Another search is writing to this file", path) from None
            self.rows, size = read(path)
            os.ftruncate(self._handle, size)
            os.lseek(self._handle, size, os.SEEK_SET)
            if made:
                folder = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY)
                os.fsync(folder)
                os.close(folder)
        except BaseException:
            self.close()
            raise

    def append(self, row: Row) -> None:
        """Write a line."""
        data = json.dumps(row, allow_nan=False).encode() + b"\n"
        while data:
            data = data[os.write(self._handle, data) :]
        os.fsync(self._handle)

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)


def read(path: str) -> tuple[list[Row], int]:
    """Return the whole lines of a file, the first of which says what search it is of, and how many bytes they are.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not the file of a search.
    """
    with opened(path) as file:
        data = file.read()
    if data[: len(START)] != START[: len(data)]:
        raise ValueError(f"{path} is not the file of a search: its first line does not say so.")
    size = data.rfind(b"\n") + 1
    rows = []
    for number, line in enumerate(data[:size].splitlines(), 1):
        try:
            rows.append(json.loads(line))
        except ValueError as error:
            raise ValueError(f"{path}, line {number}, is no line of a search: {error}") from error
    return rows, size


def plain(value: Any) -> Any:
    """Return what stands for a value in JSON: None for NaN and infinity, a text for what is no number or collection."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str | int | float | None):
        return value
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    name = getattr(value, "__qualname__", None)
    return name if isinstance(name, str) else repr(value).split(" at 0x")[0]
