from fastopt.solvers import sparse_encode

from ...coding import Coding, Samples
from ...kind import Job, stopwatch


def prepare(row: Coding, data: Samples) -> Job:
    def encode(count: int) -> None:
        for _ in range(count):
            sparse_encode(data.x, data.dictionary, row.penalty)

    return Job(stopwatch(encode), lambda: sparse_encode(data.x, data.dictionary, row.penalty))
