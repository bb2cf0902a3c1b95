"""PyTorch by way of ``torch.compile``: the forward and the backward sweep are compiled, as its autograd does it."""

from ..torch import isa, setup

__all__ = ["isa", "setup"]
