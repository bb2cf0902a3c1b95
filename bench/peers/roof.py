"""Not a library but the machine: the time that the arithmetic of a row takes at the FMA peak.

It is measured in every turn; the best of a row counts.
"""

from typing import Any

from fastopt import _core

from ..kind import Job, Kind

SECONDS = 0.02


def setup(threads: int) -> str:
    _core.runtime.set_num_threads(threads)
    return _core.runtime.isa()


def job(row: Kind, data: Any) -> Job:
    team = _core.runtime.num_threads()
    dtype = str(data.x.dtype if row.group == "training" else data.out.dtype)

    def run(count: int) -> float:
        return count * row.flops / _core.roof.fma_peak(dtype, threads=team, seconds=SECONDS)

    return Job(run, lambda: None)


training = product = job
