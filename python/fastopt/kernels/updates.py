"""The simplest update rules; `fastopt.optimizers` has all of them."""

from numpy.typing import ArrayLike

from fastopt._core import kernels as core
from fastopt.core.plain import Real
from fastopt.kernels.arrays import flag, integer, read, real

__all__ = [
    "adam_update",
    "momentum_update",
    "sgd_update",
]


def _numbers(**given: float) -> dict[str, float]:
    return {name: real(name, value) for name, value in given.items()}


def sgd_update(w: Real, g: ArrayLike, learning_rate: float = 0.01) -> None:
    """Gradient descent in place, ``w -= learning_rate * g``.

    Args:
        w: weights, any shape; changed.
        g: gradient, shape of w.
        learning_rate: step size, 0.01.

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: the shapes differ, or w cannot be written.

    Source: H. Robbins, S. Monro, "A stochastic approximation method", Annals of Mathematical Statistics 22(3), 1951.

    >>> import numpy as np
    >>> w = np.array([1.0, 2.0])
    >>> sgd_update(w, [2.0, -2.0], learning_rate=0.5)
    >>> w
    array([0., 3.])
    """
    core.update("sgd", [w], [read(g)], [{}], {"learning_rate": real("learning_rate", learning_rate)}, 1)


def momentum_update(
    w: Real, g: ArrayLike, v: Real, learning_rate: float = 0.01, momentum: float = 0.9, nesterov: bool = False
) -> None:
    """Gradient descent with momentum in place, ``v = momentum * v - learning_rate * g; w += v``.

    With ``nesterov`` the weights move to where the velocity will carry them:
    ``w += momentum * v - learning_rate * g`` with the new v.

    Args:
        w: weights, any shape; changed.
        g: gradient, shape of w.
        v: velocity, shape of w, zeros at the start; changed.
        learning_rate: step size, 0.01.
        momentum: decay of the velocity, 0.9.
        nesterov: use Nesterov's form.

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: the shapes differ, or w or v cannot be written.

    Source: B. Polyak, "Some methods of speeding up the convergence of iteration methods", USSR Comp. Math. 4(5), 1964;
    Y. Nesterov, "A method of solving a convex programming problem with convergence rate O(1/k^2)", Soviet Math. Dokl.
    27, 1983; in this form I. Sutskever et al., "On the importance of initialization and momentum in deep learning",
    ICML 2013.

    >>> import numpy as np
    >>> w, v = np.array([1.0]), np.array([4.0])
    >>> momentum_update(w, [2.0], v, learning_rate=0.5, momentum=0.5)
    >>> w, v
    (array([2.]), array([1.]))
    """
    hyper = _numbers(learning_rate=learning_rate, momentum=momentum)
    core.update("nesterov" if flag("nesterov", nesterov) else "momentum", [w], [read(g)], [{"v": v}], hyper, 1)


def adam_update(
    w: Real,
    g: ArrayLike,
    m: Real,
    v: Real,
    step: int,
    learning_rate: float = 0.001,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
) -> None:
    """Adam update in place.

    ``m = beta_1 m + (1 - beta_1) g; v = beta_2 v + (1 - beta_2) g^2;``
    ``w -= learning_rate * (m / (1 - beta_1^step)) / (sqrt(v / (1 - beta_2^step)) + epsilon)``.

    Args:
        w: weights, any shape; changed.
        g: gradient, shape of w.
        m: mean of the gradient, shape of w, zeros at the start; changed.
        v: mean of its square, shape of w, zeros at the start; changed.
        step: number of this step, from 1.
        learning_rate: step size, 0.001.
        beta_1: decay of m, 0.9.
        beta_2: decay of v, 0.999.
        epsilon: keeps the quotient finite, 1e-7.

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: the shapes differ, step is below 1, or w, m or v cannot be written.

    Source: D. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015.

    >>> import numpy as np
    >>> w, m, v = np.array([1.0]), np.zeros(1), np.zeros(1)
    >>> adam_update(w, [3.0], m, v, step=1, learning_rate=0.1)
    >>> w.round(4), m.round(4), v.round(4)
    (array([0.9]), array([0.3]), array([0.009]))
    """
    hyper = _numbers(learning_rate=learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon, epsilon_in_root=0.0)
    core.update("adam", [w], [read(g)], [{"m": m, "v": v}], hyper, integer("step", step))
