"""PyTorch, eager, with its fused optimizers; batches are picked by index from one tensor, without a DataLoader."""

import torch


def setup(threads: int) -> str:
    torch.set_num_threads(threads)
    return torch.__version__


def isa() -> str:
    return torch.backends.cpu.get_cpu_capability()
