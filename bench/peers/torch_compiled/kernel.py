from functools import partial

import torch

from ...kernel import Kernel, KernelData
from ...kind import Job
from ..torch.kernel import prepare as prepare_eager


def prepare(row: Kernel, data: KernelData) -> Job:
    torch.compiler.reset()  # else it gives up compiling one function for many rows
    return prepare_eager(row, data, partial(torch.compile, fullgraph=True, dynamic=False))
