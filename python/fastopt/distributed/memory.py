"""Memory that processes on one machine have in common."""

import mmap
import os

from fastopt.distributed.group import Group

__all__ = ["Memory"]


class Memory:
    """Memory of each process, which those on the same machine read and write as their own.

    It belongs to no file system, whose free space it would need, and ends with the processes, however they do.

    Args:
        group: The processes, which all make one at the same time.
        size: The bytes of this one, at least 1.
    """

    def __init__(self, group: Group, size: int) -> None:
        name = f"fastopt-{os.urandom(8).hex()}"
        file = -1
        try:
            file = os.memfd_create(name)
            os.ftruncate(file, size)
        except (AttributeError, OSError):  # older systems have none
            name = ""
        try:
            found = [reach(*place) for place in group.objects((os.getpid(), file, name))]
            reached = group.objects({rank for rank, one in enumerate(found) if one is not None})
        finally:
            if file >= 0:
                os.close(file)
        # Two processes reach each other, or neither does.
        self.of = {rank: one for rank, one in enumerate(found) if one is not None and group.rank in reached[rank]}
        self.any = any(len(ranks) > 1 for ranks in reached)
        self.common = all(len(ranks) == group.size for ranks in reached)


def reach(process: int, file: int, name: str) -> mmap.mmap | None:
    """Return the memory of a process, or None where it is on another machine, or not ours to read."""
    path = f"/proc/{process}/fd/{file}"
    try:
        if os.readlink(path) != f"/memfd:{name} (deleted)":
            return None
        opened = os.open(path, os.O_RDWR)
        try:
            return mmap.mmap(opened, 0)
        finally:
            os.close(opened)
    except OSError:
        return None
