"""Predictions of a network, from one array of NumPy to another: the wait for one row, or the speed with many."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .kind import Job, Kind, in_turn, repeated
from .training import Training, Weights
from .truth import error, in_float64

TURN_FLOPS, MOST_CALLS = 10_000_000_000, 10_000
PIECE = 1_000  # rows whose hidden layers stay in cache

Outputs = Callable[[NDArray[Any]], NDArray[Any]]


@dataclass(frozen=True)
class PredictData:
    x: NDArray[Any]
    weights: Weights


@dataclass(frozen=True)
class Predict(Kind):
    """The logits of a network with ReLU hidden layers."""

    sizes: tuple[int, ...]
    samples: int

    @property
    def group(self) -> str:
        """One row is a wait for a call, many are a throughput."""
        return "predict" if self.samples > 1 else "call"

    @property
    def training(self) -> Training:
        return Training(self.sizes, batch=1, samples=1, epochs=1)

    @property
    def name(self) -> str:
        return f"predict {self.samples} of {self.training.network}"

    @property
    def flops(self) -> int:
        return 2 * self.samples * sum(inputs * outputs for inputs, outputs in pairwise(self.sizes))

    @property
    def count(self) -> int:
        return in_turn(self.flops, TURN_FLOPS, MOST_CALLS)

    def data(self, dtype: str) -> PredictData:
        rng = np.random.default_rng(0)
        x = rng.standard_normal((self.samples, self.sizes[0])).astype(dtype)
        return PredictData(x, self.training.weights(dtype, rng))

    def check(self, data: PredictData, result: NDArray[Any]) -> float:
        """The largest error against float64, in units of the largest logit."""
        from .peers.numpy.predict import outputs

        exact = in_float64(data)
        return error([result], [outputs(self, exact)(exact.x)])

    def agrees(self, value: float, reference: float, dtype: str) -> bool:
        """Correct to rounding, whatever the reference got."""
        return value <= 100 * float(np.finfo(dtype).eps)


def by_pieces(predict: Outputs) -> Outputs:
    """For libraries that would compute a layer of all rows before the next."""

    def outputs(x: NDArray[Any]) -> NDArray[Any]:
        if len(x) <= PIECE:
            return predict(x)
        return np.concatenate([predict(x[start : start + PIECE]) for start in range(0, len(x), PIECE)])

    return outputs


def job(predict: Outputs, x: NDArray[Any]) -> Job:
    """With whatever a library compiles at its first call done before."""
    predict(x)
    call = partial(predict, x)
    return Job(repeated(call), call)
