"""Training on all samples at a time by L-BFGS with ten pairs: the same number of iterations from the same weights."""

from dataclasses import dataclass

from .training import Training


@dataclass(frozen=True)
class FullBatch(Training):
    group = "full_batch"
    operations = 1  # iterations an epoch

    @property
    def name(self) -> str:
        return f"L-BFGS {self.network} / {self.samples}"


def full_batch(sizes: tuple[int, ...], samples: int, iterations: int, *, regression: bool = False) -> FullBatch:
    return FullBatch(sizes, samples, samples, iterations, regression=regression)
