import torch

from ...kind import Job
from ...update import Update, UpdateData
from ..torch.update import prepare as prepare_eager

MOST_TENSORS = 8


def prepare(row: Update, data: UpdateData) -> Job | None:
    """The loop over the tensors is unrolled in what is compiled."""
    if row.tensors > MOST_TENSORS:
        raise ValueError(f"{row.tensors} tensors would take minutes to compile")
    torch.compiler.reset()
    return prepare_eager(row, data, torch.compile, foreach=True)
