"""What a run of a method returns."""

from typing import Any


class OptimizeResult(dict[str, Any]):
    """The result of a run, as SciPy spells it: a dict whose entries are attributes as well.

    Attributes:
        x: The best point.
        fun: The function there; for least squares the residuals.
        jac: The gradient there; for least squares the Jacobian.
        nit, nfev, njev, nhev: How many iterations, and evaluations of the function, its gradient and its curvature.
        status, success, message: Why it stopped: 0 is a test that was met.
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"{type(self).__name__} has no {name!r}; it has {', '.join(self)}.") from None

    __setattr__ = dict.__setitem__
    __delattr__ = dict.__delitem__

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self]

    def __repr__(self) -> str:
        width = max(map(len, self), default=0)
        return "\n".join(f"{name:>{width}}: {value!r}" for name, value in self.items())
