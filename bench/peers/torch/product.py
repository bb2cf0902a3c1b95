import torch

from ...kind import Job, stopwatch
from ...product import Operands, Product


def prepare(row: Product, data: Operands) -> Job:
    left, right, out = (torch.from_numpy(array) for array in (data.left, data.right, data.out))
    left, right = row.factors(left, right)

    def repeat(count: int) -> None:
        for _ in range(count):
            torch.mm(left, right, out=out)

    return Job(stopwatch(repeat), lambda: data.out)
