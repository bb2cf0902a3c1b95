"""The products of dense layers."""

from typing import Any

from numpy.typing import ArrayLike

from fastopt._core import kernels as core
from fastopt.core.plain import Real, plain
from fastopt.kernels.arrays import read, read_optional

__all__ = [
    "dense_backward_input",
    "dense_backward_kernel",
    "dense_forward",
    "matmul",
]


def matmul(a: ArrayLike, b: ArrayLike, out: Real | None = None) -> Real:
    """Matrix product ``out[i, j] = sum_k a[i, k] b[k, j]``.

    A transposed view, as ``a.T``, is read as it is; other views that are not contiguous are copied.

    Args:
        a: [rows, inner].
        b: [inner, columns].
        out: [rows, columns], may not overlap the inputs.

    Returns:
        [rows, columns]; zeros if ``inner`` is 0. After Ctrl-C, what is in ``out`` is of no use.

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: a shape does not fit, or ``out`` cannot be written.

    Source: K. Goto, R. van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 34(3), 2008.

    >>> matmul([[1.0, 2.0]], [[3.0], [4.0]])
    array([[11.]])
    """
    left, right = plain("a", a), plain("b", b)
    if is_transposed(left):
        return core.dense_backward_kernel(left.T, read(right), out=out)
    if is_transposed(right):
        return core.dense_backward_input(read(left), right.T, out=out)
    return core.dense_forward(read(left), read(right), out=out)


def is_transposed(array: Any) -> bool:
    """Return whether the core can read the transpose of a view as it is."""
    return array.ndim == 2 and array.flags.f_contiguous and array.flags.aligned and not array.flags.c_contiguous


def dense_forward(
    x: ArrayLike,
    kernel: ArrayLike,
    bias: ArrayLike | None = None,
    activation: str = "linear",
    out: Real | None = None,
) -> Real:
    """Output of a dense layer, ``y = f(x @ kernel + bias)``, in one pass.

    Args:
        x: [batch, in].
        kernel: [in, out].
        bias: [out], or None for zero.
        activation: the name of f, one of the activations of this module; "softmax" acts on each row.
        out: [batch, out], may not overlap the inputs.

    Returns:
        [batch, out].

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: a shape does not fit, the activation is unknown, or ``out`` cannot be written.

    >>> dense_forward([[1.0, 2.0]], [[1.0, -1.0], [1.0, -1.0]], [0.5, 0.5], "relu")
    array([[3.5, 0. ]])
    """
    return core.dense_forward(read(x), read(kernel), read_optional(bias), activation, out)


def dense_backward_input(
    dy: ArrayLike,
    kernel: ArrayLike,
    y: ArrayLike | None = None,
    activation: str = "linear",
    out: Real | None = None,
) -> Real:
    """Gradient of a dense layer with respect to its input, carried on through the activation that made that input.

    ``out = (dy @ kernel.T) * f'``, where f' is written in terms of the output y of the activation f, as in
    `activation_backward`.

    Args:
        dy: [batch, out], gradient with respect to ``x @ kernel + bias``.
        kernel: [in, out].
        y: [batch, in], the input of the layer; only needed when the activation is not linear.
        activation: the name of f, the activation of the layer before; not "softmax", nor one that is differentiated
            from its input.
        out: [batch, in], may not overlap the inputs.

    Returns:
        [batch, in].

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: a shape or the activation does not fit, y is missing, or ``out`` cannot be written.

    Source: D. Rumelhart, G. Hinton, R. Williams, "Learning representations by back-propagating errors", Nature 323,
    1986.

    >>> dense_backward_input([[1.0]], [[2.0], [3.0]], y=[[0.5, 0.0]], activation="relu")
    array([[2., 0.]])
    """
    return core.dense_backward_input(read(dy), read(kernel), read_optional(y), activation, out)


def dense_backward_kernel(x: ArrayLike, dy: ArrayLike, out: Real | None = None) -> Real:
    """Gradient of a dense layer with respect to its kernel, ``x.T @ dy``.

    Args:
        x: [batch, in], the input of the layer.
        dy: [batch, out], gradient with respect to ``x @ kernel + bias``.
        out: [in, out], may not overlap the inputs.

    Returns:
        [in, out].

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: a shape does not fit, or ``out`` cannot be written.

    >>> dense_backward_kernel([[1.0, 2.0]], [[10.0]])
    array([[10.],
           [20.]])
    """
    return core.dense_backward_kernel(read(x), read(dy), out)
