"""Derivatives by differences, where none are given."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STEP = {"2-point": np.finfo(np.float64).eps ** 0.5, "3-point": np.finfo(np.float64).eps ** (1 / 3)}


def steps(x: Floats, scheme: str, eps: float | None, lower: Floats | None, upper: Floats | None) -> Floats:
    """Return the step of each variable: away from zero, and inwards where a bound is close."""
    h = np.copysign(STEP[scheme] * np.maximum(1.0, np.abs(x)) if eps is None else np.full_like(x, eps), x)
    if lower is not None and upper is not None:
        out = (x + h < lower) | (x + h > upper)
        h = np.where(out, -h, h)
    return (x + h) - x


def jacobian(f: Callable[[Floats], Floats], x: Floats, f0: Floats, h: Floats, scheme: str) -> Floats:
    """Return df_i/dx_j ``[m, n]`` of a function of ``[m]`` values, or ``[1, n]`` of one value."""
    columns = []
    for j in range(x.size):
        ahead, behind = x.copy(), x.copy()
        ahead[j] += h[j]
        behind[j] -= h[j]
        columns.append((f(ahead) - f(behind)) / (2 * h[j]) if scheme == "3-point" else (f(ahead) - f0) / h[j])
    return np.stack(columns, axis=-1).reshape(-1, x.size)
