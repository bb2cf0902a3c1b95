"""Training on a sparse matrix, compressed by rows, of the size of texts as counts of words: that of 20 newsgroups."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .training import Training


@dataclass(frozen=True)
class Sparse(Training):
    """``filled``: how much of the matrix is not zero, at random places."""

    filled: float = 0.002
    group = "sparse"

    @property
    def name(self) -> str:
        return f"CSR, {self.filled:.1%} filled, {super().name}"

    def inputs(self, dtype: str, rng: np.random.Generator) -> Any:
        import scipy.sparse

        shape, entries = (self.samples, self.sizes[0]), int(self.filled * self.samples * self.sizes[0])
        places = rng.integers(shape[0], size=entries), rng.integers(shape[1], size=entries)
        return scipy.sparse.csr_array((rng.standard_normal(entries).astype(dtype), places), shape)
