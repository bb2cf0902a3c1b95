"""Bins of numerical features."""

import numpy as np
from numpy.typing import ArrayLike

from fastopt.core import checks

__all__ = ["quantile_bins"]


def quantile_bins(x: ArrayLike, bins: int = 48) -> list[list[float]]:
    """Return for each feature the edges of bins with about equally many samples, for `PiecewiseLinearEncoding`.

    Edges are the quantiles 0, 1 / bins, ..., 1 of the feature; of equal ones one is kept. A constant feature has one
    bin of the width 1, from its value on.

    Args:
        x: Samples ``[n, features]``, of training.
        bins: The most bins of a feature, at least 1.

    Returns:
        The edges of each feature, at least two, in rising order.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: `x` has another shape, or holds NaN or infinity; or `bins` is less than 1.

    Source:
        Gorishniy, Rubachev and Babenko, On embeddings for numerical features in tabular deep learning, NeurIPS 2022,
        section 3.2.1.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> fo.preprocessing.quantile_bins([[0.0, 1.0], [1.0, 1.0], [2.0, 1.0], [10.0, 1.0], [30.0, 1.0]], bins=2)
        [[0.0, 2.0, 30.0], [1.0, 2.0]]
    """
    data = checks.matrix("x", x, None)
    checks.finite("x", data, "float64", x)
    levels = np.linspace(0, 1, checks.integer("bins", bins, 1, 2**31) + 1)
    result = []
    for column in data.T:
        edges = np.unique(np.quantile(column.astype(np.float64), levels))
        result.append(
            (edges if len(edges) > 1 else np.array([edges[0], edges[0] + max(1.0, np.spacing(edges[0]))])).tolist()
        )
    return result
