from fastopt import _core

from ...kind import Job
from ...update import Update, UpdateData
from . import SECONDS


def prepare(row: Update, data: UpdateData) -> Job:
    team = _core.runtime.num_threads()
    reads, writes = row.streams
    size = row.elements * data.params[0].itemsize

    def run(count: int) -> float:
        speed = _core.roof.stream(reads, writes, size // 4, threads=team, seconds=SECONDS)
        return count * (reads + writes) * size / speed

    return Job(run, lambda: None)
