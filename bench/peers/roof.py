"""Not a library but the machine: the time of a row's arithmetic at the FMA peak, of an update's reads and writes alone.

It is measured in every turn; the best of a row counts.
"""

from typing import Any

from fastopt import _core

from ..kind import Job
from ..product import Product
from ..training import Training
from ..update import Update, UpdateData

SECONDS = 0.02


def setup(threads: int) -> str:
    _core.runtime.set_num_threads(threads)
    return _core.runtime.isa()


def job(row: Training | Product, data: Any) -> Job:
    team = _core.runtime.num_threads()
    dtype = str(data.x.dtype if row.group == "training" else data.out.dtype)

    def run(count: int) -> float:
        return count * row.flops / _core.roof.fma_peak(dtype, threads=team, seconds=SECONDS)

    return Job(run, lambda: None)


training = product = job


def update(row: Update, data: UpdateData) -> Job:
    team = _core.runtime.num_threads()
    reads, writes = row.streams
    size = row.elements * data.params[0].itemsize

    def run(count: int) -> float:
        speed = _core.roof.stream(reads, writes, size // 4, threads=team, seconds=SECONDS)
        return count * (reads + writes) * size / speed

    return Job(run, lambda: None)
