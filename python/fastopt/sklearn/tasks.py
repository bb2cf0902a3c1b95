"""What scikit-learn's callbacks are told of a training."""

from collections.abc import Callable
from typing import Any

__all__ = ["Tasks"]


class Tasks:
    """A training and its iterations, as tasks of which callbacks of the estimator are told.

    Args:
        estimator: The estimator, whose callbacks are set up here.
        X: The samples.
        y: The targets.
        sample_weight: The weights.
        iterations: The most there can be.
        copies: Returns the attributes by which a copy of the estimator predicts as it would now.

    Attributes:
        heard: Whether there are callbacks.
    """

    def __init__(
        self,
        estimator: Any,
        X: Any,  # noqa: N803
        y: Any,
        sample_weight: Any,
        iterations: int,
        copies: Callable[[], dict[str, Any]],
    ) -> None:
        self.heard = bool(getattr(estimator, "_skl_callbacks", None))
        self._given = {"estimator": estimator, "X": X, "y": y, "metadata": {"sample_weight": sample_weight}}
        self._copies = copies
        self._fit = self._task = estimator._init_callback_context(max_subtasks=iterations)
        self._fit.call_on_fit_task_begin(**self._given)

    def begin(self) -> None:
        """Tell that an iteration begins."""
        self._task = self._fit.subcontext(task_name="iteration")
        self._task.call_on_fit_task_begin(**self._given)

    def end(self) -> bool:
        """Tell that the iteration has ended, and return whether the training is to end with it."""
        asked: bool = self._task.call_on_fit_task_end(**self._given, reconstruction_attributes=self._copies)
        return asked

    def close(self) -> None:
        """Tell that the training has ended."""
        self._fit.call_on_fit_task_end(**self._given, reconstruction_attributes=self._copies)
