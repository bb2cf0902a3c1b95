"""Constraints with their twins."""

import numpy as np
import twins

from fastopt.constraints import MaxNorm, Monotone, NonNeg, UnitNorm

CONSTRAINTS = [
    (MaxNorm(0.5), lambda w: twins.max_norm(w, 0.5)),
    (MaxNorm(0.5, axis=1), lambda w: twins.max_norm(w, 0.5, 1)),
    (MaxNorm(1e6), lambda w: w),
    (UnitNorm(), twins.unit_norm),
    (UnitNorm(axis=1), lambda w: twins.unit_norm(w, 1)),
    (NonNeg(), lambda w: np.maximum(w, 0)),
    (Monotone([1, 0, -1, 1, 0]), lambda w: twins.of_signs(w, [1, 0, -1, 1, 0])),
]
