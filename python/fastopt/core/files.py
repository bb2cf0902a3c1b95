"""Files that are whole or not there: how they are replaced, and opened."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from typing import IO

__all__ = ["naming", "opened", "replaced"]

# What a file under construction is called, so that its length does not depend on that of the file it becomes.
PREFIX, SUFFIX = ".fastopt-", ".tmp"

KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@contextmanager
def replaced(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a new file, which takes the place of `path` if the block ends well.

    `path` is a whole file at every moment, the old one or the new one, also when the machine stops or others write to
    it at the same time, of whom the last one to end has written it. A symbolic link stays, and the file that it leads
    to is replaced; other hard links keep the old file. Permissions, group and attributes of the old file stay, and its
    owner where the system permits. What a killed process has left in the folder is removed.

    Raises:
        OSError: The file cannot be written, or is a folder, a pipe, a socket or a device; the message names `path`.
    """
    given = os.fsdecode(path)
    with _about(given):
        target, old = _target(given)
        folder = os.path.dirname(target)
        _remove_left(folder)
        temporary, handle = _temporary(folder, 0o666 if old is None else 0o600)
    try:
        with naming(given), os.fdopen(handle, "wb") as file:  # locked until it is closed
            yield file
            with _about(given):
                file.flush()
                os.fsync(file.fileno())
                if old is not None:
                    _take_over(target, old, temporary)
                os.replace(temporary, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.remove(temporary)
        raise
    with suppress(PermissionError), _about(given):  # of a folder that may be written but not read
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def opened(path: str | os.PathLike[str]) -> FileIO:
    """Open a file for reading.

    Raises:
        OSError: It cannot be read, or is a pipe, a socket or a device, which would perhaps be waited for without end.
    """
    file = FileIO(path, opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))
    try:
        _check_regular(os.fsdecode(path), os.fstat(file.fileno()))
    except OSError:
        file.close()
        raise
    return file


@contextmanager
def naming(path: str) -> Iterator[None]:
    """Let errors of the system that name no file, as those of writing to an open one, name this path."""
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror, path) from error


@contextmanager
def _about(path: str) -> Iterator[None]:
    """Let errors of the system name this path instead of one that the caller does not know."""
    try:
        yield
    except OSError as error:
        if error.errno is None or (error.filename, error.filename2) == (path, None):
            raise
        raise OSError(error.errno, error.strerror, path) from error


def _target(path: str) -> tuple[str, os.stat_result | None]:
    """Return the file behind links, and what there is of it."""
    if not os.path.basename(path):
        raise IsADirectoryError(errno.EISDIR, "The name of a folder, not of a file", path)
    target = os.path.realpath(path)
    try:
        old = os.stat(path)
    except FileNotFoundError:
        if not os.path.isdir(os.path.dirname(target)):
            raise FileNotFoundError(errno.ENOENT, "There is no such folder to write a file into", path) from None
        return target, None
    if stat.S_ISDIR(old.st_mode):
        raise IsADirectoryError(errno.EISDIR, "A folder, not a file", path)
    _check_regular(path, old)
    os.close(os.open(target, os.O_WRONLY))  # may it be written?
    return target, old


def _check_regular(path: str, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = KINDS.get(stat.S_IFMT(found.st_mode), "something else")
        raise OSError(errno.EINVAL, f"Not a regular file but {kind}", path)


def _temporary(folder: str, mode: int) -> tuple[str, int]:
    """Make a file in the folder; return its path and a handle that has locked it."""
    import fcntl

    while True:
        path = os.path.join(folder, f"{PREFIX}{os.urandom(6).hex()}{SUFFIX}")
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with suppress(OSError):  # not every file system has locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.path.exists(path):  # else another process has removed it as left behind, just before it was locked
            return path, handle
        os.close(handle)


def _remove_left(folder: str) -> None:
    """Remove the files under construction that no process has locked."""
    import fcntl

    with suppress(OSError):  # a folder that may be written but not read
        for name in os.listdir(folder):
            if name.startswith(PREFIX) and name.endswith(SUFFIX):
                path = os.path.join(folder, name)
                with suppress(OSError), open(path, "rb+") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    os.remove(path)


def _take_over(old_path: str, old: os.stat_result, path: str) -> None:
    """Give a file owner, group, permissions and attributes of another, as far as the system permits."""
    import shutil

    mode = old.st_mode
    try:
        os.chown(path, old.st_uid, old.st_gid)
    except PermissionError:
        try:
            os.chown(path, -1, old.st_gid)
        except PermissionError:
            mode = mode & ~0o070 | (mode & 0o007) << 3  # this group may do what anyone may
    shutil.copystat(old_path, path)
    os.chmod(path, stat.S_IMODE(mode))
    os.utime(path)
