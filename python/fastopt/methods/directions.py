"""The methods: each a direction, with the search that suits it."""

import math
from typing import Any, ClassVar, Self

from fastopt import _core
from fastopt.core import checks
from fastopt.core.registry import Described, Registry, arguments_of, snake_case, word
from fastopt.methods.searches import SEARCHES, FixedStep, Projected, Search, Spec, TrustRegion, Wolfe

__all__ = [
    "BFGS",
    "LBFGS",
    "SOLVERS",
    "ConjugateGradients",
    "LevenbergMarquardt",
    "Newton",
    "NewtonCG",
    "Solver",
    "SteepestDescent",
]

LARGEST_HESSIAN = 2000  # rows

# Of each way to end its status, 0 for success, and what is said of it.
MESSAGES = {
    "gradient": (0, "the gradient is within gtol"),
    "value": (0, "the last decrease of the function is within ftol"),
    "step": (0, "the last step is within xtol"),
    "search": (2, "no lower point was found along the direction: rounding, or a gradient that is not that of fun"),
    "not_finite": (3, "the function or its gradient is not finite"),
}


class Solver(Described):
    r"""Base class of the methods.

    All take `gtol`: they end where no partial derivative is larger; and `ftol`: where the function falls in a step by
    no more than this part of it, :math:`(f_t - f_{t+1}) \le ftol \max(|f_t|, |f_{t+1}|, 1)`.
    """

    needs: ClassVar[str] = "gradient"  # or hessian, product, residuals
    lines: ClassVar[bool] = True  # searches along lines may be chosen
    regions: ClassVar[bool] = False  # a trust region may be
    numbers: ClassVar[tuple[str, ...]] = ()  # the arguments that the core's direction takes
    largest: ClassVar[float] = math.inf  # number of weights of a model
    floor: ClassVar[float] = 1.0  # of the function, to which `ftol` is relative
    suited: Search = Wolfe()

    def __init__(self, search: str | Search | None, gtol: float, ftol: float) -> None:
        self.search = None if search is None else SEARCHES.resolve(search, "search")
        self.gtol = checks.real("gtol", gtol, 0)
        self.ftol = checks.real("ftol", ftol, 0)
        used = self.used_search()
        if isinstance(used, TrustRegion) and not self.regions:
            raise ValueError(f"{type(self).__name__} has no model for a trust region; search along a line: Wolfe().")
        if not isinstance(used, TrustRegion) and not self.lines:
            raise ValueError(f"{type(self).__name__} goes by a trust region, not along lines: TrustRegion().")

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in arguments_of(type(self)) or hasattr(type(self), name)):
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}.")
        super().__setattr__(name, value)

    def direction(self, dtype: str) -> Spec:
        """Return the direction's name in the core, for functions of this dtype, and the numbers that it takes there."""
        return snake_case(type(self).__name__), [float(getattr(self, name) or 0) for name in self.numbers]

    def used_search(self) -> Search:
        """Return the search given, or else the method's own."""
        return self.search or self.suited

    def check_model(self) -> None:
        """Raise ValueError where a model does not give what the method needs."""
        if self.needs == "residuals":
            raise ValueError(
                f"{type(self).__name__} needs residuals and their Jacobian, which a model does not give: use LBFGS() "
                "or NewtonCG()."
            )
        if isinstance(self.used_search(), Projected):
            raise ValueError(f"The weights of a model have no bounds: give {type(self).__name__} Backtracking().")

    def check_size(self, size: int) -> None:
        """Raise ValueError where a model has too many weights for the method."""
        if size == 0:
            raise ValueError("All layers are frozen: there are no weights to learn.")
        if size > self.largest:
            raise ValueError(
                f"{type(self).__name__} keeps a matrix of n x n numbers, for models of up to {self.largest} weights; "
                f"this one has {size}: use LBFGS() or NewtonCG()."
            )

    def kept(self, size: int) -> int:
        """Return how many numbers it keeps from iteration to iteration, for so many variables."""
        return 0

    def replaced(self, **changed: Any) -> Self:
        """Return the method with other arguments."""
        return type(self)(**{**{name: getattr(self, name) for name in arguments_of(type(self))}, **changed})

    def minimizer(self, *, euclidean: bool = False, xtol: float = 0.0, dtype: str = "float64") -> Any:
        """Return the core's object that runs the method on a function of this dtype."""
        return _core.solvers.Minimizer(
            self.direction(dtype),
            self.used_search().spec(),
            gradient=self.gtol,
            euclidean=euclidean,
            value=self.ftol,
            floor=self.floor,
            step=xtol,
        )


SOLVERS: Registry[Solver] = Registry("solver", Solver)


@SOLVERS.add("steepest", "gradient_descent")
class SteepestDescent(Solver):
    r"""Steepest descent, :math:`d = -g`: on a long valley it zigzags.

    With exact searches successive gradients are at right angles, and on a quadratic function of condition number κ
    :math:`f_{t+1} \le \left(\frac{\kappa-1}{\kappa+1}\right)^2 f_t`.

    Args:
        search: Along the line; `Wolfe` with c2 = 0.4 by default.
        gtol: See `Solver`.
        ftol: See `Solver`.

    Raises:
        TypeError: An argument has a wrong type.
        ValueError: A number is out of range, or the search does not suit.

    Example:
        >>> import fastopt as fo
        >>> bowl = lambda x: x[0] ** 2 / 10 + x[1] ** 2
        >>> slope = lambda x: [x[0] / 5, 2 * x[1]]
        >>> method = fo.solvers.SteepestDescent("exact", gtol=1e-8)
        >>> fo.solvers.minimize(bowl, [-7.0, 2.0], jac=slope, method=method).nit
        47
    """

    suited = Wolfe(c2=0.4)

    def __init__(self, search: str | Search | None = None, gtol: float = 1e-5, ftol: float = 0.0) -> None:
        super().__init__(search, gtol, ftol)


@SOLVERS.add("cg")
class ConjugateGradients(Solver):
    r"""Nonlinear conjugate gradients: :math:`d_{t+1} = -g_{t+1} + \beta_t d_t`.

    With :math:`y = g_{t+1} - g_t`, β is

    ====================  ======================================================
    fletcher_reeves       :math:`g_{t+1}'g_{t+1} / g_t'g_t`
    polak_ribiere         :math:`g_{t+1}'y / g_t'g_t`
    polak_ribiere_plus    the same, but not below 0
    hestenes_stiefel      :math:`g_{t+1}'y / d_t'y`
    dai_yuan              :math:`g_{t+1}'g_{t+1} / d_t'y`
    hager_zhang           :math:`(y - 2 d_t y'y / d_t'y)'g_{t+1} / d_t'y`, bounded
    ====================  ======================================================

    On a quadratic function of n variables exact searches end after n steps, whichever the formula. It keeps three
    vectors, and begins anew along -g where the direction does not fall.

    Args:
        beta: The formula.
        restart: Begin anew after so many steps; None, never of itself.
        search: Along the line; `Wolfe` with c2 = 0.2 by default.
        gtol: See `Solver`.
        ftol: See `Solver`.

    Raises:
        TypeError: An argument has a wrong type.
        ValueError: A number is out of range, `beta` is unknown, or the search does not suit.

    Source:
        Hager and Zhang, A survey of nonlinear conjugate gradient methods, Pacific Journal of Optimization 2 (2006).

    Example:
        >>> import fastopt as fo, numpy as np
        >>> q, b = np.array([[4.0, 1.0], [1.0, 3.0]]), np.array([1.0, 2.0])
        >>> method = fo.solvers.ConjugateGradients(search="exact")
        >>> f, slope = lambda x: x @ q @ x / 2 - b @ x, lambda x: q @ x - b
        >>> done = fo.solvers.minimize(f, [2.0, 1.0], jac=slope, method=method)
        >>> done.x.round(6), done.nit
        (array([0.090909, 0.636364]), 2)
    """

    FORMULAS: ClassVar[tuple[str, ...]] = tuple(_core.solvers.formulas_of_beta())
    suited = Wolfe(c2=0.2)

    def __init__(
        self,
        beta: str = "polak_ribiere_plus",
        restart: int | None = None,
        search: str | Search | None = None,
        gtol: float = 1e-5,
        ftol: float = 0.0,
    ) -> None:
        self.beta = word("beta", beta, self.FORMULAS)
        self.restart = None if restart is None else checks.integer("restart", restart, 1)
        super().__init__(search, gtol, ftol)

    def kept(self, size: int) -> int:
        """Return the size of the direction and of a difference of gradients."""
        return 2 * size

    def direction(self, dtype: str) -> Spec:
        """Return the formula's name, and the steps to a restart."""
        return self.beta, [self.restart or 0]


@SOLVERS.add()
class BFGS(Solver):
    r"""BFGS: an approximation M of the inverse Hessian, of n² numbers, changed by each step to fit :math:`M y = s`.

    .. math::
        d = -M g, \quad s = x_{t+1} - x_t, \quad y = g_{t+1} - g_t, \quad \rho = 1/y's

        M \leftarrow (I - \rho s y') M (I - \rho y s') + \rho s s'

    M begins as the identity, and stays as it is where y's is not positive.

    Args:
        scale: Multiply the identity by y's / y'y before the first change.
        search: Along the line; `Wolfe` with c2 = 0.6 by default.
        gtol: See `Solver`.
        ftol: See `Solver`.

    Raises:
        TypeError: An argument has a wrong type.
        ValueError: A number is out of range, or the search does not suit.

    Source:
        Nocedal and Wright, Numerical Optimization, 2nd edition, chapter 6.

    Example:
        >>> import fastopt as fo
        >>> fo.solvers.BFGS(gtol=1e-8)
        BFGS(gtol=1e-08)
    """

    numbers = ("scale",)
    largest = 10_000
    suited = Wolfe(c2=0.6)

    def __init__(
        self, scale: bool = False, search: str | Search | None = None, gtol: float = 1e-5, ftol: float = 0.0
    ) -> None:
        self.scale = checks.flag("scale", scale)
        super().__init__(search, gtol, ftol)

    def kept(self, size: int) -> int:
        """Return the size of the matrix."""
        return size * size


@SOLVERS.add()
class LBFGS(Solver):
    r"""L-BFGS: BFGS from the last m steps alone, which are kept in place of the matrix.

    .. math:: M_0 = \gamma I, \quad \gamma = s'y / y'y

    Args:
        memory: m, the steps kept; each takes two vectors, in the dtype of the model.
        scale: Whether the factor is as above; else it is 1, and with memory for all steps it goes the way of `BFGS`.
        search: Along the line; `Wolfe` with c2 = 0.8 by default.
        gtol: See `Solver`.
        ftol: See `Solver`.

    Raises:
        TypeError: An argument has a wrong type.
        ValueError: A number is out of range, or the search does not suit.

    Source:
        Liu and Nocedal, On the limited memory BFGS method for large scale optimization, Mathematical Programming 45
        (1989).

    Example:
        >>> import fastopt as fo
        >>> fo.solvers.minimize(lambda x: ((x - 5) ** 2).sum(), [0.0], jac=lambda x: 2 * (x - 5)).x
        array([5.])
    """

    numbers = ("memory", "scale")
    suited = Wolfe(c2=0.8)

    def __init__(
        self,
        memory: int = 10,
        scale: bool = True,
        search: str | Search | None = None,
        gtol: float = 1e-5,
        ftol: float = 2.220446049250313e-09,
    ) -> None:
        self.memory = checks.integer("memory", memory, 1, 1000)
        self.scale = checks.flag("scale", scale)
        super().__init__(search, gtol, ftol)

    def direction(self, dtype: str) -> Spec:
        """Return the name of the one that keeps its vectors in this dtype, the memory, and whether it is scaled."""
        name, numbers = super().direction(dtype)
        return name if dtype == "float64" else f"{name}_{dtype}", numbers

    def kept(self, size: int) -> int:
        """Return the size of the steps and of the differences of gradients."""
        return 2 * self.memory * size


@SOLVERS.add()
class Newton(Solver):
    r"""Newton's method with the exact Hessian.

    With `alpha` it is :math:`d = -(H + \alpha I)^{-1} g` and a step of 1, into a saddle as well. Without, the quadratic
    model is minimized exactly within a trust region, which leaves saddles along negative curvature and never rises.

    Args:
        alpha: What is added to the diagonal; None, a trust region.
        search: By default a step of 1 with `alpha`, else `TrustRegion`.
        gtol: See `Solver`.
        ftol: See `Solver`.

    Raises:
        TypeError: An argument has a wrong type.
        ValueError: A number is out of range, or the search does not suit.

    Source:
        Conn, Gould and Toint, Trust Region Methods, 2000, chapter 7.

    Example:
        >>> import fastopt as fo
        >>> saddle, slope = lambda x: x[0] ** 2 - x[1] ** 2, lambda x: [2 * x[0], -2 * x[1]]
        >>> curvature = lambda x: [[2.0, 0.0], [0.0, -2.0]]
        >>> newton = fo.solvers.Newton(alpha=3.0)
        >>> fo.solvers.minimize(saddle, [1, 2], jac=slope, hess=curvature, method=newton, options={"maxiter": 1}).x
        array([0.6, 6. ])
    """

    needs = "hessian"
    largest = LARGEST_HESSIAN
    regions = True
    numbers = ("alpha",)

    def __init__(
        self, alpha: float | None = None, search: str | Search | None = None, gtol: float = 1e-5, ftol: float = 0.0
    ) -> None:
        self.alpha = None if alpha is None else checks.real("alpha", alpha)
        self.suited = TrustRegion() if alpha is None else FixedStep()
        super().__init__(search, gtol, ftol)


@SOLVERS.add("newton_cg")
class NewtonCG(Solver):
    r"""Newton's method on products of the Hessian: :math:`H d = -g` is solved by conjugate gradients, which end early.

    They end where the rest is below :math:`\min(½, \sqrt{|g|_1}) |g|_2`, at the border of the trust region, or where
    the curvature is negative.

    Args:
        search: `TrustRegion` by default; one along a line may be chosen.
        gtol: See `Solver`.
        ftol: See `Solver`.

    Raises:
        TypeError: An argument has a wrong type.
        ValueError: A number is out of range.

    Source:
        Steihaug, The conjugate gradient method and trust regions in large scale optimization, SIAM Journal on Numerical
        Analysis 20 (1983).

    Example:
        >>> import fastopt as fo
        >>> fo.solvers.NewtonCG("wolfe")
        NewtonCG(search=Wolfe())
    """

    needs = "product"
    regions = True
    suited = TrustRegion()

    def __init__(self, search: str | Search | None = None, gtol: float = 1e-5, ftol: float = 0.0) -> None:
        super().__init__(search, gtol, ftol)


@SOLVERS.add("lm")
class LevenbergMarquardt(Solver):
    r"""Levenberg-Marquardt, for :math:`f = ½ \sum_i r_i(x)^2`: Gauss-Newton steps within a trust region.

    .. math:: (J'J + \mu D^2) d = -J'r, \quad |D d| \le \Delta

    Args:
        scale: D holds the largest lengths of the columns of J so far; else it is I.
        search: `TrustRegion`; by default its radius halves after a bad step.
        gtol: See `Solver`.
        ftol: See `Solver`.

    Raises:
        TypeError: An argument has a wrong type.
        ValueError: A number is out of range, or the search does not suit.

    Source:
        Moré, The Levenberg-Marquardt algorithm: implementation and theory, Lecture Notes in Mathematics 630 (1978).

    Example:
        >>> import fastopt as fo
        >>> fo.solvers.least_squares(lambda x: [10 * (x[1] - x[0] ** 2), 1 - x[0]], [-1.2, 1.0]).x.round(6)
        array([1., 1.])
    """

    needs = "residuals"
    floor = 0.0
    lines = False
    regions = True

    numbers = ("scale",)
    suited = TrustRegion(100.0, shrink=0.5)

    def __init__(
        self, scale: bool = True, search: str | Search | None = None, gtol: float = 1e-8, ftol: float = 1e-10
    ) -> None:
        self.scale = checks.flag("scale", scale)
        super().__init__(search, gtol, ftol)
