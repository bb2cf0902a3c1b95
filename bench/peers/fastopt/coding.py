from functools import partial

from fastopt.solvers import sparse_encode

from ...coding import Coding, Samples
from ...kind import Job, repeated


def prepare(row: Coding, data: Samples) -> Job:
    encode = partial(sparse_encode, data.x, data.dictionary, row.penalty)
    return Job(repeated(encode), encode)
