"""How far to go along a direction, or within a radius."""

from fastopt.core import checks
from fastopt.core.registry import Described, Registry, arguments_of, snake_case

__all__ = ["SEARCHES", "Backtracking", "Exact", "FixedStep", "Projected", "Search", "TrustRegion", "Wolfe"]

Spec = tuple[str, list[float]]


class Search(Described):
    """Base class of the searches."""

    def spec(self) -> Spec:
        """Return its name in the core, and the numbers that it takes there."""
        return snake_case(type(self).__name__), [getattr(self, name) for name in arguments_of(type(self))]


SEARCHES: Registry[Search] = Registry("search", Search)


@SEARCHES.add()
class FixedStep(Search):
    r"""Go the same way each time: :math:`x_{t+1} = x_t + a d_t`, wherever that leads.

    Args:
        step: a > 0; 1 for Newton's method as it stands in books.

    Raises:
        TypeError: `step` is not a number.
        ValueError: `step` is not above 0.

    Example:
        >>> import fastopt as fo
        >>> newton = fo.solvers.Newton(alpha=0.0, search=fo.solvers.FixedStep(1.0))
        >>> fo.solvers.minimize(lambda x: (x - 5) @ (x - 5), [0.0], hess=lambda x: [[2.0]], method=newton).x.round(6)
        array([5.])
    """

    def __init__(self, step: float = 1.0) -> None:
        self.step = checks.real("step", step, 0, above=True)


@SEARCHES.add()
class Exact(Search):
    r"""Go to the first minimum along the line: :math:`\phi'(a) = 0`, where :math:`\phi(a) = f(x + a d)`.

    A secant of :math:`\phi'` is exact where f is quadratic: two gradients are asked for then. Elsewhere it costs far
    more than it gains; it is for looking at methods.

    Args:
        tol: It ends where :math:`|\phi'(a)|` is at most `tol` times :math:`|\phi'(0)|`.
        tries: The most gradients for a step.

    Raises:
        TypeError: An argument is not a number.
        ValueError: `tol` is not above 0 and below 1, or `tries` is below 2.

    Example:
        >>> import fastopt as fo
        >>> fo.solvers.ConjugateGradients("fletcher_reeves", search=fo.solvers.Exact())
        ConjugateGradients(beta='fletcher_reeves', search=Exact())
    """

    def __init__(self, tol: float = 1e-10, tries: int = 100) -> None:
        self.tol = checks.real("tol", tol, 0, 1, above=True)
        self.tries = checks.integer("tries", tries, 2)


@SEARCHES.add()
class Backtracking(Search):
    r"""Shorten the step by a factor until the function falls enough: :math:`\phi(a) \le \phi(0) + c_1 a \phi'(0)`.

    Args:
        c1: The part of the slope that counts as enough (Armijo).
        factor: What the step is multiplied by after each try.
        tries: The most values of the function for a step.

    Raises:
        TypeError: An argument is not a number.
        ValueError: `c1` or `factor` is not between 0 and 1, or `tries` is below 1.

    Example:
        >>> import fastopt as fo
        >>> fo.solvers.SteepestDescent(fo.solvers.Backtracking(factor=0.8))
        SteepestDescent(search=Backtracking(factor=0.8))
    """

    def __init__(self, c1: float = 1e-4, factor: float = 0.5, tries: int = 60) -> None:
        self.c1 = checks.real("c1", c1, 0, 1, above=True)
        self.factor = checks.real("factor", factor, 0, 1, above=True)
        self.tries = checks.integer("tries", tries, 1)


@SEARCHES.add()
class Wolfe(Search):
    r"""Satisfy the strong Wolfe conditions, by cubic interpolation as Moré and Thuente do.

    .. math:: \phi(a) \le \phi(0) + c_1 a \phi'(0), \quad |\phi'(a)| \le -c_2 \phi'(0)

    Where the decrease drowns in rounding, the slopes alone decide (Hager and Zhang's approximate conditions).

    Args:
        c1: The part of the slope that counts as a decrease.
        c2: The part of the slope that may be left: 0.9 for quasi-Newton methods, less for conjugate gradients.
        tries: The most gradients for a step.

    Raises:
        TypeError: An argument is not a number.
        ValueError: It is not 0 < c1 < c2 < 1, or `tries` is below 1.

    Source:
        Moré and Thuente, Line search algorithms with guaranteed sufficient decrease, ACM Transactions on Mathematical
        Software 20 (1994).

    Example:
        >>> import fastopt as fo
        >>> fo.solvers.BFGS(search=fo.solvers.Wolfe(c2=0.5))
        BFGS(search=Wolfe(c2=0.5))
    """

    def __init__(self, c1: float = 1e-4, c2: float = 0.9, tries: int = 40) -> None:
        self.c2 = checks.real("c2", c2, 0, 1, above=True)
        self.c1 = checks.real("c1", c1, 0, self.c2, above=True)
        self.tries = checks.integer("tries", tries, 1)


@SEARCHES.add()
class TrustRegion(Search):
    r"""Take the best step of the method's model within a radius, and let the radius follow how well it foretells.

    The step is taken where the function falls at all. The radius becomes a part of the step where the decrease is
    below a quarter of the foretold, and doubles where it is above three quarters at the border.

    Args:
        radius: The first one; for least squares in units of the length of x, scaled.
        longest: The largest.
        shrink: The part of a bad step that the radius becomes.

    Raises:
        TypeError: An argument is not a number.
        ValueError: It is not 0 < radius <= longest and 0 < shrink < 1.

    Source:
        Conn, Gould and Toint, Trust Region Methods, 2000.

    Example:
        >>> import fastopt as fo
        >>> fo.solvers.NewtonCG(fo.solvers.TrustRegion(radius=10.0))
        NewtonCG(search=TrustRegion(radius=10.0))
    """

    def __init__(self, radius: float = 2.0, longest: float = 1e10, shrink: float = 0.25) -> None:
        self.longest = checks.real("longest", longest, 0, above=True)
        self.radius = checks.real("radius", radius, 0, self.longest, above=True)
        self.shrink = checks.real("shrink", shrink, 0, 1, above=True)


@SEARCHES.add()
class Projected(Backtracking):
    r"""Backtrack within bounds: :math:`x(a) = P(x + a d)`, with P the closest point within them.

    The direction is that of the variables which are free: those at a bound that the gradient pushes outwards stay.
    Taken is the first a with :math:`f(x(a)) \le f(x) + c_1 g'(x(a) - x)`. `minimize` uses it where there are bounds.

    Args:
        c1: The part of the slope that counts as enough.
        factor: What the step is multiplied by after each try.
        tries: The most values of the function for a step.

    Raises:
        TypeError: An argument is not a number.
        ValueError: `c1` or `factor` is not between 0 and 1, or `tries` is below 1.

    Source:
        Bertsekas, Projected Newton methods for optimization problems with simple constraints, SIAM Journal on Control
        and Optimization 20 (1982).

    Example:
        >>> import fastopt as fo
        >>> fo.solvers.minimize(lambda x: x @ x, [3.0, 4.0], jac=lambda x: 2 * x, bounds=[(1, None), (None, None)]).x
        array([1., 0.])
    """
