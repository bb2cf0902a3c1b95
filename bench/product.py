"""One matrix product of a dense layer, in each of its three passes, written into an array that is there already."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .kind import Kind, in_turn, rounding
from .truth import error, in_float64

Pass = Literal["forward", "backward_input", "backward_kernel"]
TURN_FLOPS, MOST_CALLS = 4_000_000_000, 20_000


@dataclass(frozen=True)
class Operands:
    """``left`` and ``right`` as the layer stores them; the pass says which of them is used transposed."""

    left: NDArray[Any]
    right: NDArray[Any]
    out: NDArray[Any]


@dataclass(frozen=True)
class Product(Kind):
    """forward: x @ kernel; backward_input: dy @ kernel.T; backward_kernel: x.T @ dy."""

    which: Pass
    batch: int
    inputs: int
    outputs: int
    group = "product"

    @property
    def name(self) -> str:
        return f"{self.which} {self.batch}x{self.inputs}x{self.outputs}"

    @property
    def flops(self) -> int:
        return 2 * self.batch * self.inputs * self.outputs

    @property
    def count(self) -> int:
        return in_turn(self.flops, TURN_FLOPS, MOST_CALLS)

    def data(self, dtype: str) -> Operands:
        rng = np.random.default_rng(0)
        x, dy = (self.batch, self.inputs), (self.batch, self.outputs)
        kernel = (self.inputs, self.outputs)
        left, right, out = {
            "forward": (x, kernel, dy),
            "backward_input": (dy, kernel, x),
            "backward_kernel": (x, dy, kernel),
        }[self.which]
        return Operands(
            rng.standard_normal(left).astype(dtype),
            rng.standard_normal(right).astype(dtype),
            np.full(out, np.nan, dtype),
        )

    def factors(self, left: Any, right: Any) -> tuple[Any, Any]:
        """As they are multiplied."""
        return left.T if self.which == "backward_kernel" else left, right.T if self.which == "backward_input" else right

    def check(self, data: Operands, result: NDArray[Any]) -> float:
        """The largest error against a float64 product, in units of its largest element."""
        left, right = self.factors(*in_float64([data.left, data.right]))
        return error([result], [left @ right])

    def agrees(self, value: float, reference: float, dtype: str) -> bool:
        """Correct to the rounding of a sum of that many terms, whatever the reference got."""
        terms = {"forward": self.inputs, "backward_input": self.outputs, "backward_kernel": self.batch}[self.which]
        return value <= 4 * rounding(terms, dtype)
