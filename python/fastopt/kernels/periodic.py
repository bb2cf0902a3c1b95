"""Periodic functions of features."""

from numpy.typing import ArrayLike

from fastopt._core import kernels as core
from fastopt.core.plain import Real
from fastopt.kernels.arrays import flag, read, read_optional
from fastopt.kernels.documentation import documented

__all__ = ["periodic_backward", "periodic_forward"]


@documented(
    x="[n, features].",
    frequencies="c, [features, frequencies].",
    phases="b, [features, frequencies], or None.",
    out="for y, may not overlap the inputs.",
)
def periodic_forward(
    x: ArrayLike, frequencies: ArrayLike, phases: ArrayLike | None = None, out: Real | None = None
) -> tuple[Real, Real]:
    """Cosines, and sines, of each feature at some frequencies, ``u[i, f, j] = 2 pi c[f, j] x[i, f] + b[f, j]``.

    Without phases b is 0, and ``y[i, f]`` are the cosines of all ``u[i, f]``, then their sines. With phases they are
    the cosines alone. Turns, u / (2 pi), are rounded to the dtype, and their functions to less than two units in the
    last place.

    Returns:
        y, and its derivatives with respect to u, [n, features, 2 frequencies] or, with phases, [n, features,
        frequencies].

    Raises:
        ValueError: a shape does not fit, or ``out`` cannot be written.

    Source: Y. Gorishniy, I. Rubachev, A. Babenko, "On embeddings for numerical features in tabular deep learning",
    NeurIPS 2022; with phases D. Holzmüller, L. Grinsztajn, I. Steinwart, "Better by default: strong pre-tuned MLPs and
    boosted trees on tabular data", NeurIPS 2024.

    >>> y, derivative = periodic_forward([[0.25]], [[1.0, 2.0]])
    >>> y + 0.0
    array([[[ 0., -1.,  1.,  0.]]])
    """
    return core.periodic_forward(read(x), read(frequencies), read_optional(phases), out)


@documented(
    of="periodic_forward",
    dy="gradient with respect to y, of its shape.",
    derivative="dy / du, as `periodic_forward` returned it.",
    phases="whether it was given phases.",
    out="for dx, [n, features]; may not overlap the inputs.",
)
def periodic_backward(
    dy: ArrayLike,
    x: ArrayLike,
    frequencies: ArrayLike,
    derivative: ArrayLike,
    phases: bool = False,
    out: Real | None = None,
) -> tuple[Real, Real, Real | None]:
    """Gradients of `periodic_forward`.

    Returns:
        dx [n, features], the gradient of the frequencies and, with phases, theirs, each [features, frequencies].

    Raises:
        TypeError: phases is no bool.
        ValueError: a shape does not fit, or ``out`` cannot be written.

    >>> y, derivative = periodic_forward([[0.5]], [[0.5]], [[0.0]])
    >>> dx, dfrequencies, dphases = periodic_backward([[[1.0]]], [[0.5]], [[0.5]], derivative, phases=True)
    >>> dx, dphases
    (array([[-3.14159265]]), array([[-1.]]))
    """
    return core.periodic_backward(read(dy), read(x), read(frequencies), read(derivative), flag("phases", phases), out)
