"""A kernel forward and then backward: activation, normalisation, loss, dropout, pooling, a dense layer with epilogues.

Both sweeps are timed as one call, but they stay two sweeps, as they are in training, where other layers lie between.
"""

import ctypes
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kind import Job, Kind, Point, in_turn, repeated, rounding
from .peers.numpy.activations import Activation
from .truth import error, in_float64

GROUPS, RATE, EPSILON = 8, 0.25, 1e-5  # of group norm, of dropout, of all normalisations
POOLINGS = ("max pooling", "average pooling")  # over windows of 2 x 2, of images [n, height, width, channels]
NORMS = ("layer norm", "RMS norm", "batch norm", "group norm", "instance norm")
CURVE_ROWS = 256  # of the normalisations that are drawn against their features
TURN_ELEMENTS, MOST_CALLS, FLOPS_OF_ELEMENT = 150_000_000, 10_000, 100
M_TRIM_THRESHOLD, M_MMAP_MAX, KEPT_BYTES, SETTLING_CALLS = -1, -4, 1 << 30, 8

Arrays = tuple[NDArray[Any], ...]


@dataclass(frozen=True)
class KernelData:
    """``inputs`` of the forward sweep; ``dy``: the gradient that the backward sweep starts from."""

    inputs: Arrays
    dy: NDArray[Any]


@dataclass(frozen=True)
class Kernel(Kind):
    """``operation``: of those that NumPy's peer has; ``shape``: of x, or [batch, inputs, outputs] of a dense layer."""

    operation: str
    shape: tuple[int, ...]
    activation: str = ""
    group = "kernel"

    @property
    def name(self) -> str:
        parts = (self.operation.removeprefix("activation"), self.activation, "x".join(map(str, self.shape)))
        return " ".join(filter(None, parts))

    @property
    def point(self) -> Point | None:
        size = math.prod(self.shape)
        if self.operation in ("activation", "dropout") and self.activation != "softmax":
            return Point(self.activation or self.operation, "elements", size)
        if self.operation in NORMS and self.shape[0] == CURVE_ROWS:
            return Point(f"{self.operation} of {CURVE_ROWS} rows", "features", size // CURVE_ROWS)
        return None

    @property
    def groups(self) -> int:
        """Of the features of a row that are normalised together."""
        return {"group norm": GROUPS, "instance norm": self.shape[-2]}.get(self.operation, 1)

    @property
    def flops(self) -> int:
        """Of matrix products only."""
        return 6 * math.prod(self.shape) if self.operation == "dense" else 0

    @property
    def moved(self) -> int:
        """Elements that both sweeps must at least read and write."""
        size = math.prod(self.shape)
        if self.operation == "dense":  # x, kernel, y; dy, kernel, dx, f'; x, dy, kernel's gradient
            batch, inputs, outputs = self.shape
            return batch * (4 * inputs + 3 * outputs) + 3 * inputs * outputs
        # Forward x, y and backward dy, y, dx; moments of columns need a sweep of their own in both directions.
        sweeps = {"batch norm": 8, "dropout": 4, "softmax cross-entropy": 2, **dict.fromkeys(POOLINGS, 2.5)}
        return int(sweeps.get(self.operation, 5) * size)

    @property
    def count(self) -> int:
        return in_turn(self.moved + self.flops // FLOPS_OF_ELEMENT, TURN_ELEMENTS, MOST_CALLS)

    def data(self, dtype: str) -> KernelData:
        rng = np.random.default_rng(0)

        def normal(*shape: int) -> NDArray[Any]:
            return rng.standard_normal(shape, np.dtype(dtype))

        if self.operation == "dense":
            batch, inputs, outputs = self.shape
            z = normal(batch, inputs)
            kernel = normal(inputs, outputs) / np.sqrt(inputs, dtype=dtype)
            # z: what the layer before put into its activation, which the gradient of x is carried through.
            before = z.astype(np.float64)
            x = np.empty_like(before)
            Activation(self.activation, before, x, before, x).forward()
            return KernelData((x.astype(dtype), kernel, normal(outputs), z), normal(batch, outputs))
        x, dy = normal(*self.shape), normal(*self.shape)
        x[x == np.rint(x)] += 0.5  # where slopes are a matter of convention
        if self.operation in POOLINGS:
            n, height, width, channels = self.shape
            return KernelData((x,), normal(n, height // 2, width // 2, channels))
        if self.operation in NORMS:
            channels = self.shape[1]
            return KernelData((x + 1, 1 + normal(channels) / 4, normal(channels)), dy)
        if self.operation == "PReLU":
            return KernelData((x, np.abs(normal(self.shape[1]))), dy)
        if self.operation == "softmax cross-entropy":
            rows, classes = self.shape
            return KernelData((x, rng.integers(classes, size=rows)), np.full(rows, 1 / rows, dtype))
        return KernelData((x,), dy)

    def check(self, data: KernelData, result: Sequence[NDArray[Any]]) -> float:
        """The largest error against float64, in units of the largest element; of dropout that of what is kept."""
        if self.operation == "dropout":
            return self.check_dropout(data, *result)
        from .peers.numpy.kernel import call

        return error(result, call(self, in_float64(data))())

    def check_dropout(self, data: KernelData, y: NDArray[Any], dx: NDArray[Any]) -> float:
        """Infinite if the part that is dropped is not likely at this rate; the mask is taken from y."""
        (x,) = data.inputs
        kept = (y != 0) / (1 - RATE)
        scatter = math.sqrt(RATE / (1 - RATE) / x.size)  # of the mean of such numbers, which is 1
        if abs(np.mean(kept) - 1) > 5 * scatter:
            return math.inf
        return float(max(np.max(np.abs(own - kept * full)) for own, full in ((y, x), (dx, data.dy))))

    def agrees(self, value: float, reference: float, dtype: str) -> bool:
        """Correct to the rounding of a sum of that many terms, whatever the reference got."""
        terms = {"activation": 1, "dropout": 1, "softmax cross-entropy": self.shape[-1]}
        return value <= 16 * rounding(terms.get(self.operation, max(self.shape)), dtype)


def job(call: Callable[[], Sequence[Any]]) -> Job:
    """``call`` does both sweeps and returns all that the truth does, when it is there.

    Freed memory stays with the process, as with the allocators that PyTorch's tuning guide advises: peers that cannot
    write into given arrays would spend most of a large call on fresh pages.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(M_MMAP_MAX, 0)
        libc.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
    for _ in range(SETTLING_CALLS):  # compiles, if need be; later calls find memory where earlier ones left it
        call()
    return Job(repeated(call), lambda: [np.asarray(result) for result in call()])
