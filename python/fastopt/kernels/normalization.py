"""Normalisations of arrays with channels."""

from numpy.typing import ArrayLike

from fastopt._core import kernels as core
from fastopt.core.plain import Real
from fastopt.kernels.arrays import channels_last, flag, integer, read, read_optional, real
from fastopt.kernels.documentation import documented

__all__ = [
    "batch_norm_backward",
    "batch_norm_forward",
    "batch_norm_inference",
    "group_norm_backward",
    "group_norm_forward",
    "layer_norm_backward",
    "layer_norm_forward",
    "rms_norm_backward",
    "rms_norm_forward",
]


@documented(
    gamma="scale, [channels], or ``x.shape[1:]`` for one of each element; None for 1.",
    beta="shift, of the shape of gamma; None for 0.",
)
def layer_norm_forward(
    x: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    epsilon: float = 1e-5,
    axis: int = 1,
    out: Real | None = None,
) -> tuple[Real, Real]:
    """Each sample with mean 0 and variance 1, scaled and shifted: ``y = gamma * (x - mean) * rstd + beta``.

    ``mean`` is that of all elements of the sample, and ``rstd = 1 / sqrt(mean((x - mean)^2) + epsilon)``.

    Returns:
        y of the shape of x, and the moments [n, 2], mean and rstd of each sample, which the gradient needs.

    Raises:
        ValueError: a shape does not fit, epsilon is negative, or ``out`` cannot be written.

    Source: J. Ba, J. Kiros, G. Hinton, "Layer normalization", arXiv:1607.06450, 2016.

    >>> y, moments = layer_norm_forward([[1.0, 3.0, 5.0, 7.0]], epsilon=0.0)
    >>> y.round(4), moments.round(4)
    (array([[-1.3416, -0.4472,  0.4472,  1.3416]]), array([[4.    , 0.4472]]))
    """
    y, moments = core.group_norm_forward(
        read(x), read_optional(gamma), read_optional(beta), 1, real("epsilon", epsilon), True, channels_last(axis), out
    )
    return y, moments[..., 0]


@documented(of="layer_norm_forward", moments="[n, 2], as returned by it.")
def layer_norm_backward(
    dy: ArrayLike,
    x: ArrayLike,
    moments: ArrayLike,
    gamma: ArrayLike | None = None,
    axis: int = 1,
    out: Real | None = None,
) -> tuple[Real, Real, Real]:
    """Gradients of `layer_norm_forward`.

    With ``xhat = (x - mean) * rstd`` and means over the sample,
    ``dx = rstd * (gamma dy - mean(gamma dy) - xhat * mean(gamma dy xhat))``; ``dgamma`` is the sum of ``dy * xhat`` and
    ``dbeta`` that of ``dy``, over all that shares the parameter.

    Returns:
        dx of the shape of x, dgamma and dbeta of the shape of gamma, [channels] where it is None.

    Raises:
        ValueError: a shape does not fit, or ``out`` cannot be written.

    >>> import numpy as np
    >>> x = np.array([[1.0, 3.0, 5.0, 7.0]])
    >>> _, moments = layer_norm_forward(x, epsilon=0.0)
    >>> dx, dgamma, dbeta = layer_norm_backward([[1.0, 0.0, 0.0, 0.0]], x, moments)
    >>> dx.round(4), dgamma.round(4)
    (array([[ 0.1342, -0.1789, -0.0447,  0.0894]]), array([-1.3416,  0.    ,  0.    ,  0.    ]))
    """
    return core.group_norm_backward(
        read(dy), read(x), read(moments)[..., None], read_optional(gamma), 1, True, channels_last(axis), out
    )


@documented(
    gamma="scale, [channels], or ``x.shape[1:]`` for one of each element; None for 1.",
    epsilon="added to the mean square, at least 0; 1e-5.",
)
def rms_norm_forward(
    x: ArrayLike,
    gamma: ArrayLike | None = None,
    epsilon: float = 1e-5,
    axis: int = 1,
    out: Real | None = None,
) -> tuple[Real, Real]:
    """Each sample divided by its root mean square, and scaled: ``y = gamma * x / sqrt(mean(x^2) + epsilon)``.

    Returns:
        y of the shape of x, and the moments [n, 2] that the gradient needs: 0 and ``1 / sqrt(mean(x^2) + epsilon)``.

    Raises:
        ValueError: a shape does not fit, epsilon is negative, or ``out`` cannot be written.

    Source: B. Zhang, R. Sennrich, "Root mean square layer normalization", NeurIPS 2019.

    >>> y, moments = rms_norm_forward([[1.0, 7.0]], epsilon=0.0)
    >>> y, moments
    (array([[0.2, 1.4]]), array([[0. , 0.2]]))
    """
    y, moments = core.group_norm_forward(
        read(x), read_optional(gamma), None, 1, real("epsilon", epsilon), False, channels_last(axis), out
    )
    return y, moments[..., 0]


@documented(of="rms_norm_forward", moments="[n, 2], as returned by it.")
def rms_norm_backward(
    dy: ArrayLike,
    x: ArrayLike,
    moments: ArrayLike,
    gamma: ArrayLike | None = None,
    axis: int = 1,
    out: Real | None = None,
) -> tuple[Real, Real]:
    """Gradients of `rms_norm_forward`.

    With ``xhat = x * rstd`` and the mean over the sample, ``dx = rstd * (gamma dy - xhat * mean(gamma dy xhat))``;
    ``dgamma`` is the sum of ``dy * xhat`` over all that shares the parameter.

    Returns:
        dx of the shape of x, and dgamma of the shape of gamma, [channels] where it is None.

    Raises:
        ValueError: a shape does not fit, or ``out`` cannot be written.

    >>> import numpy as np
    >>> x = np.array([[1.0, 7.0]])
    >>> _, moments = rms_norm_forward(x, epsilon=0.0)
    >>> dx, dgamma = rms_norm_backward([[1.0, 0.0]], x, moments)
    >>> dx.round(4), dgamma.round(4)
    (array([[ 0.196, -0.028]]), array([0.2, 0. ]))
    """
    dx, dgamma, _ = core.group_norm_backward(
        read(dy), read(x), read(moments)[..., None], read_optional(gamma), 1, False, channels_last(axis), out
    )
    return dx, dgamma


@documented(
    x="[n, channels, ...] or, with axis -1, [n, ..., channels].",
    groups="their number, which divides that of the channels.",
)
def group_norm_forward(
    x: ArrayLike,
    groups: int,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    epsilon: float = 1e-5,
    axis: int = 1,
    out: Real | None = None,
) -> tuple[Real, Real]:
    """Each group of adjacent channels of each sample with mean 0 and variance 1, scaled and shifted.

    ``y = gamma * (x - mean) * rstd + beta`` with ``mean`` that of the group of the sample, over its channels and all
    positions, and ``rstd = 1 / sqrt(mean((x - mean)^2) + epsilon)``. With one group it is layer normalisation, with as
    many as channels instance normalisation.

    Returns:
        y of the shape of x, and the moments [n, 2, groups], the means and the rstd of each sample, which the gradient
        needs.

    Raises:
        ValueError: a shape does not fit, the groups do not divide the channels, epsilon is negative, or ``out`` cannot
            be written.

    Source: Y. Wu, K. He, "Group normalization", ECCV 2018; D. Ulyanov, A. Vedaldi, V. Lempitsky, "Instance
    normalization: the missing ingredient for fast stylization", arXiv:1607.08022, 2016.

    >>> y, moments = group_norm_forward([[1.0, 3.0, 10.0, 50.0]], 2, epsilon=0.0)
    >>> y, moments
    (array([[-1.,  1., -1.,  1.]]), array([[[ 2.  , 30.  ],
            [ 1.  ,  0.05]]]))
    """
    return core.group_norm_forward(
        read(x),
        read_optional(gamma),
        read_optional(beta),
        integer("groups", groups),
        real("epsilon", epsilon),
        True,
        channels_last(axis),
        out,
    )


@documented(of="group_norm_forward", moments="[n, 2, groups], as returned by it.")
def group_norm_backward(
    dy: ArrayLike,
    x: ArrayLike,
    moments: ArrayLike,
    groups: int,
    gamma: ArrayLike | None = None,
    axis: int = 1,
    out: Real | None = None,
) -> tuple[Real, Real, Real]:
    """Gradients of `group_norm_forward`.

    With ``xhat = (x - mean) * rstd`` and means over the group of the sample,
    ``dx = rstd * (gamma dy - mean(gamma dy) - xhat * mean(gamma dy xhat))``; ``dgamma`` is the sum of ``dy * xhat`` and
    ``dbeta`` that of ``dy``, over all samples and positions.

    Returns:
        dx of the shape of x, dgamma and dbeta [channels].

    Raises:
        ValueError: a shape does not fit, the groups do not divide the channels, or ``out`` cannot be written.

    >>> import numpy as np
    >>> x = np.array([[1.0, 3.0, 10.0, 50.0]])
    >>> _, moments = group_norm_forward(x, 2, epsilon=0.0)
    >>> _, dgamma, dbeta = group_norm_backward([[1.0, 2.0, 3.0, 4.0]], x, moments, 2)
    >>> dgamma, dbeta
    (array([-1.,  2., -3.,  4.]), array([1., 2., 3., 4.]))
    """
    return core.group_norm_backward(
        read(dy),
        read(x),
        read(moments),
        read_optional(gamma),
        integer("groups", groups),
        True,
        channels_last(axis),
        out,
    )


@documented()
def batch_norm_forward(
    x: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    epsilon: float = 1e-5,
    axis: int = 1,
    out: Real | None = None,
) -> tuple[Real, Real, Real]:
    """Each channel of the batch with mean 0 and variance 1, scaled and shifted, as in training.

    ``y = gamma * (x - mean) / sqrt(variance + epsilon) + beta`` with the moments of the channel over all samples and
    positions.

    Returns:
        y of the shape of x, and mean and variance [channels]. The variance is that of the batch, divided by the number
        of elements, not by one less.

    Raises:
        ValueError: a shape does not fit, x is empty, epsilon is negative, or ``out`` cannot be written.

    Source: S. Ioffe, C. Szegedy, "Batch normalization: accelerating deep network training by reducing internal
    covariate shift", ICML 2015. Moments: T. Chan, G. Golub, R. LeVeque, "Updating formulae and a pairwise algorithm for
    computing sample variances", Stanford STAN-CS-79-773, 1979.

    >>> batch_norm_forward([[1.0, 10.0], [3.0, 50.0]], epsilon=0.0)
    (array([[-1., -1.],
           [ 1.,  1.]]), array([ 2., 30.]), array([  1., 400.]))
    """
    return core.batch_norm_forward(
        read(x), read_optional(gamma), read_optional(beta), real("epsilon", epsilon), channels_last(axis), out
    )


@documented(
    of="batch_norm_forward",
    mean="[channels], as returned by it.",
    variance="[channels], as returned by it.",
    fixed="mean and variance do not depend on x.",
)
def batch_norm_backward(
    dy: ArrayLike,
    x: ArrayLike,
    mean: ArrayLike,
    variance: ArrayLike,
    gamma: ArrayLike | None = None,
    epsilon: float = 1e-5,
    axis: int = 1,
    fixed: bool = False,
    out: Real | None = None,
) -> tuple[Real, Real, Real]:
    """Gradients of `batch_norm_forward` or, with fixed moments, of `batch_norm_inference`.

    With ``rstd = 1 / sqrt(variance + epsilon)``, ``xhat = (x - mean) * rstd`` and sums over the N elements of a channel
    ``dgamma = sum(dy * xhat)``, ``dbeta = sum(dy)`` and ``dx = gamma * rstd * (dy - (dbeta + xhat * dgamma) / N)``;
    ``dx = gamma * rstd * dy`` where mean and variance are fixed.

    Returns:
        dx of the shape of x, dgamma and dbeta [channels].

    Raises:
        ValueError: a shape does not fit, epsilon is negative, or ``out`` cannot be written.

    >>> import numpy as np
    >>> x = np.array([[1.0], [3.0], [5.0]])
    >>> _, mean, variance = batch_norm_forward(x, epsilon=0.0)
    >>> dx, dgamma, dbeta = batch_norm_backward([[1.0], [0.0], [0.0]], x, mean, variance, epsilon=0.0)
    >>> dx.round(4), dgamma.round(4), dbeta
    (array([[ 0.1021],
           [-0.2041],
           [ 0.1021]]), array([-1.2247]), array([1.]))
    """
    return core.batch_norm_backward(
        *(read(dy), read(x), read(mean), read(variance), read_optional(gamma)),
        *(real("epsilon", epsilon), flag("fixed", fixed), channels_last(axis), out),
    )


@documented(mean="[channels], often a moving average of those of the batches.", variance="[channels], likewise.")
def batch_norm_inference(
    x: ArrayLike,
    mean: ArrayLike,
    variance: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    epsilon: float = 1e-5,
    axis: int = 1,
    out: Real | None = None,
) -> Real:
    """Batch normalisation with given moments: ``y = gamma * (x - mean) / sqrt(variance + epsilon) + beta``.

    Returns:
        y of the shape of x.

    Raises:
        ValueError: a shape does not fit, epsilon is negative, or ``out`` cannot be written.

    Source: as of `batch_norm_forward`.

    >>> batch_norm_inference([[1.0, 10.0]], mean=[0.0, 30.0], variance=[1.0, 400.0], epsilon=0.0)
    array([[ 1., -1.]])
    """
    return core.batch_norm_inference(
        *(read(x), read(mean), read(variance), read_optional(gamma), read_optional(beta)),
        *(real("epsilon", epsilon), channels_last(axis), out),
    )
