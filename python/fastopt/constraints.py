"""Sets that kernels are kept in: after each step of the optimizer they go to the nearest point of their set.

Starting values are left as they are, and so are the averages of `fastopt.optimizers.Average`, which are taken of the
weights before they go back to their set.
"""

from abc import ABC, abstractmethod

from fastopt.core import checks
from fastopt.core.registry import Described, Registry

__all__ = ["CONSTRAINTS", "Constraint", "MaxNorm", "NonNeg", "UnitNorm"]


class Constraint(Described, ABC):
    """The base of all constraints."""

    @abstractmethod
    def spec(self) -> dict[str, float]:
        """Return the core's description."""


CONSTRAINTS: Registry[Constraint] = Registry("constraint", Constraint)  # type: ignore[type-abstract]


@CONSTRAINTS.add()
class MaxNorm(Constraint):
    """Limits norms: w <- w min(1, max_value / |w|) for the weights w of each output.

    Args:
        max_value: The largest norm, more than 0.
        axis: The axis of the kernel ``[inputs, outputs]`` that norms are taken along: 0 for the weights that lead to an
            output, 1 for those that leave an input.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: One is out of its range.

    Source:
        Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, Dropout: a simple way to prevent neural networks
        from overfitting, JMLR 15, 2014, section 5.1.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> layer = fo.layers.Dense(1, kernel_initializer="ones", kernel_constraint=fo.constraints.MaxNorm(1.0))
        >>> model = fo.Sequential([layer])
        >>> model.compile("sgd", "mse")
        >>> logs = model.train_on_batch([[3.0, 3.0, 3.0, 3.0]], [12.0])
        >>> model.parameters["dense/kernel"][:, 0]
        array([0.5, 0.5, 0.5, 0.5], dtype=float32)
    """

    def __init__(self, max_value: float = 2.0, axis: int = 0) -> None:
        self.max_value = checks.real("max_value", max_value, 0.0, above=True)
        self.axis = checks.integer("axis", axis, 0, 2)

    def spec(self) -> dict[str, float]:
        """Return the core's description."""
        return {"max_norm": self.max_value, "axis": self.axis}


@CONSTRAINTS.add()
class UnitNorm(Constraint):
    """Makes norms 1: w <- w / |w| for the weights w of each output; weights that are all 0 stay.

    Args:
        axis: The axis of the kernel ``[inputs, outputs]`` that norms are taken along: 0 or 1, as of `MaxNorm`.

    Raises:
        TypeError: `axis` is not an integer.
        ValueError: It is another number.

    Example:
        >>> import fastopt as fo
        >>> fo.layers.Dense(8, kernel_constraint="unit_norm").kernel_constraint
        UnitNorm()
    """

    def __init__(self, axis: int = 0) -> None:
        self.axis = checks.integer("axis", axis, 0, 2)

    def spec(self) -> dict[str, float]:
        """Return the core's description."""
        return {"unit_norm": True, "axis": self.axis}


@CONSTRAINTS.add("non_negative")
class NonNeg(Constraint):
    """Makes negative weights 0: w <- max(0, w).

    Example:
        >>> import fastopt as fo
        >>> fo.layers.Dense(8, kernel_constraint="non_neg").kernel_constraint
        NonNeg()
    """

    def spec(self) -> dict[str, float]:
        """Return the core's description."""
        return {"non_negative": True}
