"""The kernels, on NumPy arrays; documented in ``fastopt.kernels``."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt._core import Real

def dense_forward(
    x: Real, kernel: Real, bias: Real | None = None, activation: str = "linear", out: Real | None = None
) -> Real: ...
def dense_backward_input(
    dy: Real, kernel: Real, y: Real | None = None, activation: str = "linear", out: Real | None = None
) -> Real: ...
def dense_backward_kernel(x: Real, dy: Real, out: Real | None = None) -> Real: ...
def column_sum(x: Real, out: Real | None = None) -> Real: ...
def activations() -> dict[str, bool]: ...
def activation_forward(name: str, x: Real, out: Real | None = None) -> Real: ...
def activation_backward(name: str, at: Real, dy: Real, out: Real | None = None) -> Real: ...
def exp(x: Real, out: Real | None = None) -> Real: ...
def log(x: Real, out: Real | None = None) -> Real: ...
def loss(
    name: str,
    prediction: Real,
    target: NDArray[Any],
    weight: Real | None = None,
    scale: float = 1.0,
    out: Real | None = None,
    hyper: Mapping[str, float] = {},
) -> tuple[Real, Real]: ...
def metric(name: str, prediction: Real, target: NDArray[Any]) -> Real: ...
def group_norm_forward(
    x: Real,
    gamma: Real | None = None,
    beta: Real | None = None,
    groups: int = 1,
    epsilon: float = 1e-5,
    centred: bool = True,
    channels_last: bool = False,
    out: Real | None = None,
) -> tuple[Real, Real]: ...
def group_norm_backward(
    dy: Real,
    x: Real,
    moments: Real,
    gamma: Real | None = None,
    groups: int = 1,
    centred: bool = True,
    channels_last: bool = False,
    out: Real | None = None,
) -> tuple[Real, Real, Real]: ...
def batch_norm_forward(
    x: Real,
    gamma: Real | None = None,
    beta: Real | None = None,
    epsilon: float = 1e-5,
    channels_last: bool = False,
    out: Real | None = None,
) -> tuple[Real, Real, Real]: ...
def batch_norm_inference(
    x: Real,
    mean: Real,
    variance: Real,
    gamma: Real | None = None,
    beta: Real | None = None,
    epsilon: float = 1e-5,
    channels_last: bool = False,
    out: Real | None = None,
) -> Real: ...
def batch_norm_backward(
    dy: Real,
    x: Real,
    mean: Real,
    variance: Real,
    gamma: Real | None = None,
    epsilon: float = 1e-5,
    fixed: bool = False,
    channels_last: bool = False,
    out: Real | None = None,
) -> tuple[Real, Real, Real]: ...
def sum(x: Real) -> float: ...
def norm(x: Real) -> float: ...
def first_nonfinite(x: Real) -> int: ...
def dropout_forward(x: Real, rate: float, seed: int, stream: int, out: Real | None = None) -> tuple[Real, Real]: ...
def dropout_backward(dy: Real, mask: Real, out: Real | None = None) -> Real: ...
def philox(seed: int, stream: int, count: int) -> NDArray[np.uint32]: ...
def uniform(seed: int, stream: int, count: int, dtype: str = "float32") -> Real: ...
def normal(seed: int, stream: int, count: int, dtype: str = "float32") -> Real: ...
def permutation(seed: int, stream: int, count: int) -> NDArray[np.int64]: ...
def extra_slots() -> dict[str, str]: ...
def update_rules() -> dict[str, dict[str, list[str]]]: ...
def update(
    rule: str,
    params: Sequence[Real],
    grads: Sequence[Real],
    slots: Sequence[Mapping[str, Real]],
    hyper: Mapping[str, float],
    step: int,
    state: NDArray[np.float64] | None = None,
) -> None: ...
