import torch
from torch import Tensor

from ...images import Images
from ...kind import Job
from ...training import TrainingData, job
from ..torch import images


class Trainer(images.Trainer):
    """The loss and its gradient are compiled; the optimizer is a fused one."""

    def __init__(self, row: Images, data: TrainingData) -> None:
        super().__init__(row, data)
        torch.compiler.reset()
        self.compiled = torch.compile(lambda x, y: self.loss(self.model(x), y), fullgraph=True, dynamic=False)

    def step(self, x: Tensor, y: Tensor) -> Tensor:
        self.adam.zero_grad(set_to_none=True)
        loss = self.compiled(x, y)
        loss.backward()
        self.adam.step()
        return loss.detach()


def prepare(row: Images, data: TrainingData) -> Job:
    return job(Trainer(row, data))
