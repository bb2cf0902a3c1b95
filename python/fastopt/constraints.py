"""Sets that kernels are kept in: after each step of the optimizer they go to the nearest point of their set.

Starting values are left as they are, and so are the averages of `fastopt.optimizers.Average`, which are taken of the
weights before they go back to their set.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from fastopt.core import checks
from fastopt.core.registry import Described, Registry

__all__ = ["CONSTRAINTS", "Constraint", "MaxNorm", "Monotone", "NonNeg", "UnitNorm"]


class Constraint(Described, ABC):
    """The base of all constraints."""

    def check(self, inputs: int) -> None:
        """Refuse a kernel of so many inputs.

        Raises:
            ValueError: The constraint is for another number.
        """

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


@CONSTRAINTS.add()
class Monotone(Constraint):
    """Makes weights of the wrong sign 0, so that outputs rise with some inputs and fall with others.

    It is for the first layer. What follows must keep the order: `fastopt.layers.monotone` sees to that.

    Args:
        signs: Of each input 1 where its weights are at least 0, -1 where they are at most 0, and 0 where they are free.

    Raises:
        TypeError: `signs` are no integers.
        ValueError: One is another number, or all are 0; or, when the layer is built, their number is not that of its
            inputs.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> layer = fo.layers.Dense(1, kernel_initializer="ones", kernel_constraint=fo.constraints.Monotone([1, -1, 0]))
        >>> model = fo.Sequential([layer])
        >>> model.compile("sgd", "mse")
        >>> logs = model.train_on_batch([[1.0, 1.0, 1.0]], [3.0])
        >>> model.parameters["dense/kernel"][:, 0]
        array([1., 0., 1.], dtype=float32)
    """

    def __init__(self, signs: Sequence[int]) -> None:
        given = checks.items("signs", signs)
        self.signs = [checks.integer(f"signs[{i}]", sign, -1, 2) for i, sign in enumerate(given)]
        if not any(self.signs):
            raise ValueError("signs must have a 1 or a -1, else nothing is constrained.")

    def check(self, inputs: int) -> None:
        """Refuse another number of inputs."""
        if len(self.signs) != inputs:
            raise ValueError(f"Monotone has {len(self.signs)} signs; the kernel has {inputs} inputs.")

    def spec(self) -> dict[str, float]:
        """Return the core's description."""
        return {"signs": True} | {f"sign_{i}": sign for i, sign in enumerate(self.signs) if sign}
