"""What a row should give: what NumPy, by hand, gets in float64. So formulas stand once, in ``peers/numpy``.

One that is wrong there does not go unnoticed: all other peers would be left out.
"""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np


def in_float64(data: Any) -> Any:
    """The same inputs."""
    if isinstance(data, np.ndarray):
        return data.astype(np.float64) if data.dtype.kind == "f" else data
    if isinstance(data, (list, tuple)):
        return type(data)(map(in_float64, data))
    return replace(data, **{field.name: in_float64(getattr(data, field.name)) for field in fields(data)})


def error(results: Sequence[Any], truths: Sequence[Any]) -> float:
    """The largest of all arrays, each in units of its largest element."""
    pairs = zip(results, truths, strict=True)
    return max(float(np.max(np.abs(own - truth)) / np.max(np.abs(truth))) for own, truth in pairs)
