"""A convolution of images, alone or with the gradients of its input, its kernel and its bias; "same" padding."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .kind import Kind, in_turn, rounding
from .truth import error, in_float64

TURN_FLOPS, MOST_CALLS = 8_000_000_000, 2_000


@dataclass(frozen=True)
class ConvData:
    """Images and gradients of outputs have their channels last; the kernel is [height, width, channels, filters]."""

    x: NDArray[Any]
    kernel: NDArray[Any]
    bias: NDArray[Any]
    dy: NDArray[Any]


@dataclass(frozen=True)
class Conv(Kind):
    """Square images and kernels of an odd size."""

    which: Literal["forward", "both"]
    batch: int
    size: int
    channels: int
    filters: int
    kernel: int
    group = "conv"

    @property
    def name(self) -> str:
        way = "conv" if self.which == "forward" else "conv and gradients"
        sizes = f"{self.kernel}x{self.kernel} {self.channels}-{self.filters} of {self.size}x{self.size}"
        return f"{way} {sizes} / {self.batch}"

    @property
    def flops(self) -> int:
        products = self.batch * self.size**2 * self.kernel**2 * self.channels * self.filters
        return (2 if self.which == "forward" else 6) * products

    @property
    def count(self) -> int:
        return in_turn(self.flops, TURN_FLOPS, MOST_CALLS)

    def data(self, dtype: str) -> ConvData:
        rng = np.random.default_rng(0)
        shapes = (
            (self.batch, self.size, self.size, self.channels),
            (self.kernel, self.kernel, self.channels, self.filters),
            (self.filters,),
            (self.batch, self.size, self.size, self.filters),
        )
        return ConvData(*(rng.standard_normal(shape).astype(dtype) for shape in shapes))

    def truth(self, data: ConvData) -> Sequence[NDArray[Any]]:
        """What a sum over the taps gives."""
        around, n = self.kernel // 2, self.size
        edges = ((0, 0), (around, around), (around, around), (0, 0))
        x, dy = np.pad(data.x, edges), np.pad(data.dy, edges)
        y, dx, dkernel = data.bias + np.zeros_like(data.dy), np.zeros_like(data.x), np.zeros_like(data.kernel)
        for i, j in np.ndindex(self.kernel, self.kernel):
            seen = x[:, i : i + n, j : j + n]
            y += seen @ data.kernel[i, j]
            i_back, j_back = self.kernel - 1 - i, self.kernel - 1 - j
            dx += dy[:, i_back : i_back + n, j_back : j_back + n] @ data.kernel[i, j].T
            dkernel[i, j] = np.tensordot(seen, data.dy, ((0, 1, 2), (0, 1, 2)))
        return [y] if self.which == "forward" else [y, dx, dkernel, data.dy.sum((0, 1, 2))]

    def check(self, data: ConvData, result: Sequence[NDArray[Any]]) -> float:
        """The largest error against float64, in units of the largest element."""
        return error(result, self.truth(in_float64(data)))

    def agrees(self, value: float, reference: float, dtype: str) -> bool:
        """Correct to the rounding of a sum of that many terms, whatever the reference got."""
        terms = max(self.kernel**2 * max(self.channels, self.filters), self.batch * self.size**2)
        return value <= 16 * rounding(terms, dtype)
