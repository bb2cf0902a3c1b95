"""The curvature of a cost: products with its Hessian, what it says of steps along the gradient, its eigenvalues."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt import _core
from fastopt.core import checks
from fastopt.losses.function import WholeBatchError
from fastopt.methods.directions import LARGEST_HESSIAN
from fastopt.model.functional import Model
from fastopt.model.sequential import Sequential
from fastopt.solvers.differences import STEP
from fastopt.solvers.problem import Function, checked, start
from fastopt.tools.gradient_check import float64_twin

__all__ = [
    "along_gradient",
    "along_gradient_of",
    "gauss_newton_product",
    "hessian",
    "hessian_vector_product",
    "spectrum",
    "spectrum_of",
]

Floats = NDArray[np.float64]

SMALL = 300  # variables, up to which all eigenvalues are computed


@dataclass(frozen=True)
class AlongGradient:
    """What the gradient and the Hessian say of steps of steepest descent, w <- w - rate g.

    Attributes:
        gradient_square: g'g.
        gradient_curvature: g'Hg.
        gradient: g, one number for each weight or variable.
    """

    gradient_square: float
    gradient_curvature: float
    gradient: Floats = field(repr=False, compare=False)

    def predicted(self, rate: float) -> float:
        """Return the change of the cost by a step, to second order: -rate g'g + rate^2 g'Hg / 2."""
        return -rate * self.gradient_square + rate**2 / 2 * self.gradient_curvature

    @property
    def best_rate(self) -> float:
        """The rate whose predicted change is least, g'g / g'Hg; infinite where the cost does not curve upwards."""
        return self.gradient_square / self.gradient_curvature if self.gradient_curvature > 0 else math.inf

    @property
    def critical_rate(self) -> float:
        """The rate above which the cost is predicted to rise, 2 g'g / g'Hg; infinite as above."""
        return 2.0 * self.best_rate

    def alarm(self, rate: float) -> bool:
        """Return whether a step is predicted to raise the cost: rate g'Hg / 2 > g'g."""
        return rate / 2 * self.gradient_curvature > self.gradient_square


@dataclass(frozen=True)
class Spectrum:
    """Eigenvalues of a Hessian.

    Attributes:
        smallest: The smallest eigenvalue.
        largest: The largest.
        values: All of them, rising, where they were computed; else None.
        products: How many products with the Hessian it took.
        converged: Whether both are as accurate as asked for.
        tolerance: Eigenvalues whose size is at most this part of the largest size count as 0.
    """

    smallest: float
    largest: float
    values: Floats | None = field(repr=False, compare=False)
    products: int
    converged: bool
    tolerance: float

    @property
    def _zero(self) -> float:
        return self.tolerance * max(abs(self.smallest), abs(self.largest))

    @property
    def condition(self) -> float | None:
        """The condition number, max abs(eigenvalue) / min abs(eigenvalue); None where not all are known."""
        if self.values is None:
            return None
        sizes = np.abs(self.values)
        return float(sizes.max() / sizes.min()) if sizes.min() > 0 else math.inf

    @property
    def negative(self) -> int | None:
        """The number of negative eigenvalues; None where not all are known."""
        return None if self.values is None else int(np.count_nonzero(self.values < -self._zero))

    @property
    def kind(self) -> str:
        """What a point without gradient is: ``"minimum"``, ``"maximum"``, ``"saddle"``, or ``"degenerate"``.

        The last where no eigenvalues have both signs and one of the extremes is 0: the second order does not tell.
        """
        if self.smallest < -self._zero and self.largest > self._zero:
            return "saddle"
        if self.smallest > self._zero:
            return "minimum"
        return "maximum" if self.largest < -self._zero else "degenerate"


class Place(Protocol):
    """A cost at a point: its gradient there, and products with its Hessian."""

    learns: NDArray[np.bool_]  # of each number, whether it is a variable

    def gradient(self) -> Floats:
        """Return the gradient."""

    def product(self, v: Floats) -> Floats:
        """Return the Hessian times a vector."""

    def hessian(self) -> Floats:
        """Return the Hessian."""


class PlaceOfModel:
    """The cost of a model for all samples at some weights."""

    def __init__(self, model: Any, x: Any, y: Any, w: ArrayLike | None, sample_weight: ArrayLike | None) -> None:
        if not isinstance(model, Sequential | Model):
            raise TypeError(f"model must be a fastopt.Sequential or Model, not {model!r}.")
        epoch = model._full_batch(x, y, sample_weight)
        at = model._flat_weights(w)
        if at is None:
            at = np.concatenate([np.ravel(view) for view in model.parameters.values()]).astype(np.float64)
        self.exact = epoch.has_curvature
        if not self.exact and model.dtype == "float32":
            epoch = float64_twin(model, x)._full_batch(x, y, sample_weight)
        self.epoch, self.at = epoch, at
        built = model._need_weights()
        parts = zip(built.plan.trainable, built.network.parameters, strict=True)
        learns = [np.full(view.size, learns) for learns, tensors in parts for view in tensors.values()]
        self.learns = np.concatenate(learns or [np.empty(0, bool)])

    def gradient(self, at: Floats | None = None) -> Floats:
        """Return the gradient, there or at other weights."""
        at = self.at if at is None else at
        try:
            return self.epoch.cost_and_gradient(at)[1]
        except WholeBatchError:
            return self.epoch.cost_and_gradient(at, whole=True)[1]

    def product(self, v: Floats, gauss_newton: bool = False) -> Floats:
        """Return the Hessian, or its Gauss-Newton part, times a vector."""
        if self.exact:
            return self.epoch.multiply_curvature(v, self.at, gauss_newton)
        if gauss_newton:
            raise ValueError(
                "Gauss-Newton products are computed for losses of fastopt's own and without normalisation and weight "
                "normalisation; take hessian_vector_product."
            )
        v = np.where(self.learns, v, 0.0)
        size = float(np.linalg.norm(v))
        if size == 0:
            return np.zeros_like(v)
        h = STEP["3-point"] * max(1.0, float(np.linalg.norm(self.at))) / size
        return (self.gradient(self.at + h * v) - self.gradient(self.at - h * v)) / (2 * h)

    def hessian(self) -> Floats:
        """Return the Hessian, column by column."""
        n = len(self.at)
        matrix = np.zeros((n, n))
        for i in np.flatnonzero(self.learns):
            unit = np.zeros(n)
            unit[i] = 1.0
            matrix[i] = self.product(unit)
        return (matrix + matrix.T) / 2


class PlaceOfFunction:
    """A function at a point."""

    def __init__(
        self, fun: Callable[..., Any], x0: Any, jac: Any, hess: Any, hessp: Any, args: tuple[Any, ...]
    ) -> None:
        args = checked(fun, args, jac, either=True, hess=hess, hessp=hessp)
        self.at = start(x0)
        self.function = Function(fun, args, "3-point" if jac is None else jac, hess, hessp, self.at)
        self.learns = np.ones(len(self.at), bool)

    def gradient(self) -> Floats:
        """Return the gradient."""
        return self.function.gradient(self.at)

    def product(self, v: Floats) -> Floats:
        """Return the Hessian times a vector."""
        return self.function.product(self.at, v)

    def hessian(self) -> Floats:
        """Return the Hessian."""
        return self.function.hessian(self.at)


def hessian_vector_product(
    model: Sequential | Model,
    x: Any,
    y: Any,
    v: ArrayLike,
    w: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> Floats:
    """Return H v, H being the Hessian of `cost_and_gradient` by the weights.

    It is exact, by one pass forward and one back in which each value goes with its derivative along v: about 2.5 times
    the work of a gradient, in the model's dtype, with sums over samples in float64. The second derivative of what
    consists of straight pieces, such as ReLU and the L1 penalty, is 0, also at its kinks. With normalisation layers,
    weight normalisation and losses of one's own it is the central difference of two gradients in float64 instead,
    whose relative error is about 1e-9.

    Args:
        model: A model that is built and compiled with a loss.
        x: Inputs ``[n, features]``, or as the model takes them.
        y: Targets, as the loss wants them.
        v: The vector ``[count_params()]``, in the order of `parameters`; for frozen layers it counts as 0.
        w: The weights ``[count_params()]`` at which H is; None for those of the model, which stay as they are.
        sample_weight: Weights ``[n]``, at least 0.

    Returns:
        The product ``[count_params()]``, which is 0 for frozen layers.

    Raises:
        RuntimeError: The model has not been compiled with a loss, or not been built.
        TypeError: `model`, the data or an argument has the wrong type.
        ValueError: Data or an argument does not fit, or is NaN or infinite.

    Source:
        Pearlmutter, Fast exact multiplication by the Hessian, Neural Computation 6 (1994).

    Example:
        >>> import numpy as np, fastopt as fo
        >>> model = fo.Sequential([fo.layers.Dense(1, kernel_initializer="zeros", use_bias=False)], dtype="float64")
        >>> model.compile(loss="mse")
        >>> model.build(2)
        >>> fo.curvature.hessian_vector_product(model, [[1.0, 0.0], [0.0, 2.0]], [1.0, 3.0], [1.0, 1.0])
        array([1., 4.])
    """
    place = PlaceOfModel(model, x, y, w, sample_weight)
    return place.product(_vector(v, len(place.at)))


def gauss_newton_product(
    model: Sequential | Model,
    x: Any,
    y: Any,
    v: ArrayLike,
    w: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> Floats:
    """Return G v, G being the Gauss-Newton part of the Hessian: sum_i w_i J_i' H_i J_i / n and that of L2 penalties.

    J_i is the Jacobian of what the loss takes of sample i by the weights: the outputs or, for a cross-entropy, the
    values before the softmax or the sigmoid; H_i is the loss's Hessian by that. G is what is left of H where the
    network is taken for linear; it has no negative eigenvalues.

    Args:
        model: A model that is built and compiled with a loss.
        x: Inputs ``[n, features]``, or as the model takes them.
        y: Targets, as the loss wants them.
        v: The vector ``[count_params()]``, in the order of `parameters`; for frozen layers it counts as 0.
        w: The weights ``[count_params()]`` at which G is; None for those of the model.
        sample_weight: Weights ``[n]``, at least 0.

    Returns:
        The product ``[count_params()]``, which is 0 for frozen layers.

    Raises:
        RuntimeError: The model has not been compiled with a loss, or not been built.
        TypeError: `model`, the data or an argument has the wrong type.
        ValueError: Data or an argument does not fit, or is NaN or infinite; or the model has normalisation layers or a
            loss of one's own.

    Source:
        Schraudolph, Fast curvature matrix-vector products for second-order gradient descent, Neural Computation 14
        (2002).

    Example:
        >>> import numpy as np, fastopt as fo
        >>> model = fo.Sequential([fo.layers.Dense(1, kernel_initializer="zeros", use_bias=False)], dtype="float64")
        >>> model.compile(loss="mse")
        >>> model.build(2)
        >>> fo.curvature.gauss_newton_product(model, [[1.0, 0.0], [0.0, 2.0]], [1.0, 3.0], [1.0, 1.0])
        array([1., 4.])
    """
    place = PlaceOfModel(model, x, y, w, sample_weight)
    return place.product(_vector(v, len(place.at)), gauss_newton=True)


def hessian(
    model: Sequential | Model, x: Any, y: Any, w: ArrayLike | None = None, sample_weight: ArrayLike | None = None
) -> Floats:
    """Return the Hessian of the cost by the weights, by as many products as there are weights.

    Args:
        model: A model of at most 2,000 weights that is built and compiled with a loss.
        x: Inputs ``[n, features]``, or as the model takes them.
        y: Targets, as the loss wants them.
        w: The weights ``[count_params()]`` at which it is; None for those of the model.
        sample_weight: Weights ``[n]``, at least 0.

    Returns:
        The matrix ``[count_params(), count_params()]``, symmetric; rows and columns of frozen layers are 0.

    Raises:
        RuntimeError, TypeError, ValueError: As `hessian_vector_product`; or the model has more weights.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> model = fo.Sequential([fo.layers.Dense(1, kernel_initializer="zeros", use_bias=False)], dtype="float64")
        >>> model.compile(loss="mse")
        >>> model.build(2)
        >>> fo.curvature.hessian(model, [[1.0, 0.0], [0.0, 2.0]], [1.0, 3.0])
        array([[1., 0.],
               [0., 4.]])
    """
    place = PlaceOfModel(model, x, y, w, sample_weight)
    if len(place.at) > LARGEST_HESSIAN:
        raise ValueError(
            f"The model has {len(place.at):,} weights; a Hessian has at most {LARGEST_HESSIAN:,} rows: take "
            "hessian_vector_product or spectrum."
        )
    return place.hessian()


def along_gradient(
    model: Sequential | Model, x: Any, y: Any, w: ArrayLike | None = None, sample_weight: ArrayLike | None = None
) -> AlongGradient:
    """Return what the gradient g and the Hessian H of the cost say of a step of steepest descent.

    Args:
        model: A model that is built and compiled with a loss.
        x: Inputs ``[n, features]``, or as the model takes them.
        y: Targets, as the loss wants them.
        w: The weights ``[count_params()]``; None for those of the model.
        sample_weight: Weights ``[n]``, at least 0.

    Returns:
        g'g and g'Hg, and from them the best and the critical rate, the predicted change of a step, and the alarm.

    Raises:
        RuntimeError, TypeError, ValueError: As `hessian_vector_product`.

    Source:
        Goodfellow, Bengio and Courville, Deep learning, MIT Press 2016, sections 4.3.1 and 8.2.1.

    Example:
        >>> import fastopt as fo
        >>> x, y = fo.datasets.load_digits()
        >>> model = fo.Sequential([fo.layers.Dense(16, "tanh"), fo.layers.Dense(10)], seed=0)
        >>> model.compile("sgd", "sparse_categorical_crossentropy")
        >>> model.build(64)
        >>> found = fo.curvature.along_gradient(model, x, y)
        >>> found.alarm(0.5 * found.critical_rate), found.alarm(2.0 * found.critical_rate)
        (False, True)
    """
    return _along_gradient(PlaceOfModel(model, x, y, w, sample_weight))


def along_gradient_of(
    fun: Callable[..., Any],
    x0: ArrayLike,
    jac: Any = None,
    hess: Callable[..., Any] | None = None,
    hessp: Callable[..., Any] | None = None,
    args: tuple[Any, ...] = (),
) -> AlongGradient:
    """Return what the gradient and the Hessian of any function say of a step of steepest descent; see `along_gradient`.

    Args:
        fun: The function of a vector, ``fun(x, *args)``, which returns a number.
        x0: The point ``[n]``.
        jac: The gradient ``jac(x, *args)``; True if `fun` returns both; None for central differences.
        hess: The Hessian ``hess(x, *args)``, ``[n, n]``.
        hessp: Or its product with a vector, ``hessp(x, p, *args)``; if both are None, differences of the gradient.
        args: What the functions are given besides.

    Returns:
        As `along_gradient`.

    Raises:
        TypeError: Something that should be a function is none, or something is not made of numbers.
        ValueError: Something has the wrong shape, or `x0` is NaN or infinite.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> bowl = lambda x: x[0] ** 2 / 10 + x[1] ** 2
        >>> found = fo.curvature.along_gradient_of(bowl, [-7, 2], lambda x: np.array([x[0] / 5, 2 * x[1]]))
        >>> f"{found.critical_rate:.6f} {found.predicted(0.95):.5f}"
        '1.108916 -2.44511'
    """
    return _along_gradient(PlaceOfFunction(fun, x0, jac, hess, hessp, args))


def spectrum(
    model: Sequential | Model,
    x: Any,
    y: Any,
    w: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    products: int = 100,
    tolerance: float = 1e-6,
    seed: int = 0,
) -> Spectrum:
    """Return the extreme eigenvalues of the Hessian of the cost by the weights that learn.

    Of up to 300 weights it computes all eigenvalues, and so the condition number and how many are negative. Of more it
    finds the smallest and the largest by Lanczos' method from a random start, on exact products with vectors. Its
    vectors are kept, all of them orthogonal: 8 bytes a weight for each product.

    Args:
        model: A model that is built and compiled with a loss.
        x: Inputs ``[n, features]``, or as the model takes them.
        y: Targets, as the loss wants them.
        w: The weights ``[count_params()]``; None for those of the model.
        sample_weight: Weights ``[n]``, at least 0.
        products: How many products it takes at most, at least 1.
        tolerance: The error of the two that is small enough, as a part of the larger size, from 0 to 1; what is as
            small as that counts as 0.
        seed: Decides the start, 0 <= seed < 2**64.

    Returns:
        The eigenvalues, and what they say: minimum, saddle or maximum.

    Raises:
        RuntimeError, TypeError, ValueError: As `hessian_vector_product`; or all layers are frozen.

    Source:
        Golub and Van Loan, Matrix computations, 4th edition 2013, chapter 10.

    Example:
        >>> import fastopt as fo
        >>> x, y = fo.datasets.load_digits()
        >>> model = fo.Sequential([fo.layers.Dense(16, "tanh"), fo.layers.Dense(10)], seed=0)
        >>> model.compile("sgd", "sparse_categorical_crossentropy")
        >>> model.build(64)
        >>> found = fo.curvature.spectrum(model, x, y)
        >>> found.kind, found.converged
        ('saddle', True)
    """
    return _spectrum(PlaceOfModel(model, x, y, w, sample_weight), products, tolerance, seed)


def spectrum_of(
    fun: Callable[..., Any],
    x0: ArrayLike,
    jac: Any = None,
    hess: Callable[..., Any] | None = None,
    hessp: Callable[..., Any] | None = None,
    args: tuple[Any, ...] = (),
    products: int = 100,
    tolerance: float = 1e-6,
    seed: int = 0,
) -> Spectrum:
    """Return the extreme eigenvalues of the Hessian of any function; see `spectrum`.

    Args:
        fun: The function of a vector, ``fun(x, *args)``, which returns a number.
        x0: The point ``[n]``.
        jac: The gradient ``jac(x, *args)``; True if `fun` returns both; None for central differences.
        hess: The Hessian ``hess(x, *args)``, ``[n, n]``.
        hessp: Or its product with a vector, ``hessp(x, p, *args)``; if both are None, differences of the gradient.
        args: What the functions are given besides.
        products: How many products it takes at most, at least 1.
        tolerance: The error of the two that is small enough, as a part of the larger size, from 0 to 1; what is as
            small as that counts as 0.
        seed: Decides the start, 0 <= seed < 2**64.

    Returns:
        As `spectrum`.

    Raises:
        TypeError: Something that should be a function is none, or something is not made of numbers.
        ValueError: Something has the wrong shape or is out of range, or `x0` is NaN or infinite.

    Example:
        >>> import fastopt as fo
        >>> found = fo.curvature.spectrum_of(lambda x: x[0] ** 2 - x[1] ** 2, [0, 0], hess=lambda x: [[2, 0], [0, -2]])
        >>> found.kind, found.negative, found.condition
        ('saddle', 1, 1.0)
    """
    return _spectrum(PlaceOfFunction(fun, x0, jac, hess, hessp, args), products, tolerance, seed)


def _vector(v: ArrayLike, size: int) -> Floats:
    array = checks.array("v", v)
    if array.shape != (size,):
        raise ValueError(f"v has shape {array.shape}; expected one number for each weight, ({size},).")
    checks.finite("v", array, "float64")
    return np.ascontiguousarray(array, np.float64)


def _along_gradient(place: Place) -> AlongGradient:
    gradient = place.gradient()
    return AlongGradient(float(gradient @ gradient), float(gradient @ place.product(gradient)), gradient)


def _spectrum(place: Place, products: int, tolerance: float, seed: int) -> Spectrum:
    products = checks.integer("products", products, 1)
    tolerance = checks.real("tolerance", tolerance, 0.0, 1.0)
    seed = checks.integer("seed", seed, 0, 2**64)
    learns = np.flatnonzero(place.learns)
    if not learns.size:
        raise ValueError("Nothing learns: all layers are frozen, or there are no weights.")
    if learns.size <= SMALL:
        values: Floats = np.linalg.eigvalsh(place.hessian()[np.ix_(learns, learns)]).astype(np.float64)
        return Spectrum(float(values[0]), float(values[-1]), values, learns.size, True, tolerance)
    began = np.zeros(len(place.learns))
    began[learns] = _core.kernels.normal(seed, 0, learns.size, "float64")
    smallest, largest, taken, converged = _core.solvers.lanczos(place.product, began, products, tolerance)
    return Spectrum(smallest, largest, None, taken, converged, tolerance)
