from fastopt import _core

from ...kernel import Kernel, KernelData
from ...kind import Job
from . import SECONDS


def prepare(row: Kernel, data: KernelData) -> Job:
    """What the kernel must move, at the speed of a copy of as many bytes as it reads and writes; or its products."""
    team, dtype, itemsize = _core.runtime.num_threads(), str(data.dy.dtype), data.dy.itemsize
    touched = 2 * sum(array.nbytes for array in (*data.inputs, data.dy))

    def run(count: int) -> float:
        speed = _core.roof.stream(1, 1, touched // 4, threads=team, seconds=SECONDS)
        seconds = row.moved * itemsize / speed
        if row.flops:
            seconds = max(seconds, row.flops / _core.roof.fma_peak(dtype, threads=team, seconds=SECONDS))
        return count * seconds

    return Job(run, lambda: None)
