"""What all losses have in common: which activation a loss goes with, and the check of its targets."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastopt import _core
from fastopt.core import checks
from fastopt.core.habits import explain
from fastopt.core.registry import Described, Registry, arguments_of, snake_case

__all__ = ["LOSSES", "Loss"]

_TABLE = _core.kernels.losses()  # of each loss its link and what its targets are


class Loss(Described):
    """The base of all losses: which activation it is computed together with, and which targets it takes.

    Attributes:
        opaque: Whether it does not say what outputs and targets are, so that any metric may be asked of them.
    """

    opaque: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        explain(cls)

    @property
    def name(self) -> str:
        """The core's name of the loss."""
        return snake_case(type(self).__name__)

    @property
    def link(self) -> str | None:
        """The activation that the core computes the loss together with, or None."""
        return None if self.opaque else _TABLE[self.name][0]

    @property
    def target_kind(self) -> str | None:
        """What the core takes the targets for: ``"labels"``, ``"probabilities"``, ``"bits"``, ``"signs"``..."""
        return None if self.opaque else _TABLE[self.name][1]

    @property
    def hyper(self) -> dict[str, float]:
        """The arguments of the loss, as the core reads them."""
        return {name: getattr(self, name) for name in arguments_of(type(self))}

    def check_activation(self, activation: str) -> None:
        """Refuse a last layer whose outputs the loss cannot read.

        Raises:
            ValueError: The loss reads logits, and the last activation is neither linear nor the one that makes
                probabilities of them.
        """
        if self.link is not None and activation not in ("linear", self.link):
            raise ValueError(
                f"{self.name} needs the last activation {self.link!r} or 'linear' (logits), not {activation!r}."
            )

    def targets(self, name: str, y: object, outputs: int, dtype: str) -> NDArray[Any]:
        """Return the targets as the core reads them; an array that fits is not copied.

        Args:
            name: What messages call them.
            y: The targets, one row for each sample.
            outputs: The number of outputs of the network.
            dtype: The dtype of the network.

        Raises:
            TypeError: `y` does not hold numbers.
            ValueError: Its shape or one of its values does not fit; the message names the place.
        """
        if _core.is_matrix(y, dtype, outputs):
            self.check_values(name, y)
            return y
        result = checks.array(name, y)
        if result.ndim == 1 and outputs == 1:
            result = result[:, np.newaxis]
        if result.ndim != 2 or result.shape[1] != outputs:
            raise ValueError(
                f"{name} has shape {result.shape}; {self.name} with {outputs} outputs expects "
                f"({'n' if result.ndim == 0 else len(result)}, {outputs}).{self.shape_hint(result)}"
            )
        checks.finite(name, result, dtype, y)
        self.check_values(name, result)
        return checks.in_form(result, dtype)

    def classes(self, y: NDArray[Any], outputs: int) -> tuple[NDArray[Any], int]:
        """Return the class ``[n]`` of each checked target, from 0, and the number of classes.

        Raises:
            ValueError: The targets are no classes, or not one for each sample.
        """
        raise ValueError(f"class_weight needs one class for each sample; the targets of {self.name} are none.")

    def label_count(self, outputs: int) -> int:
        """Return of how many classes labels ``[n]`` may be, as numbers from 0; 0 where targets are no labels."""
        return 0

    def shape_hint(self, y: NDArray[Any]) -> str:
        """Return what to do about targets of the wrong shape."""
        return ""

    def check_values(self, name: str, y: NDArray[Any]) -> None:
        """Refuse targets that are numbers but not targets of this loss."""


LOSSES = Registry("loss", Loss)


def refuse(name: str, y: NDArray[Any], bad: NDArray[np.bool_], expected: str) -> None:
    """Raise ValueError for the first target that is bad: it is not what is expected."""
    if np.count_nonzero(bad):  # for a few targets much faster than bad.any()
        index = np.unravel_index(int(np.argmax(bad)), bad.shape)
        place = ", ".join(str(int(i)) for i in index)
        raise ValueError(f"{name}[{place}] = {y[index]} is not {expected}.")
