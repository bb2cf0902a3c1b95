"""The record of a training."""

import math
from typing import TYPE_CHECKING, Any

from fastopt.core.table import Table
from fastopt.model.callbacks.base import Callback, Logs

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["History"]


class History(Table, Callback):
    """The record of a training: each epoch's loss, metrics, learning rate, validation, seconds and samples per second.

    The seconds are those of the training pass, without validation and callbacks. The learning rate, and whatever other
    hyperparameters have a schedule, are those of the last step.

    With a solver of `fastopt.solvers` the loss and the metrics are those after the last iteration of the epoch, or the
    means over batches of them; and there are: ``nfev`` and ``njev``, how often the cost and its gradient were computed
    in the epoch, and ``nhev`` of products with its Hessian; ``step``, the length of the last step; ``gradient_norm``,
    the largest partial derivative after it, which is what `gtol` is compared with.

    Attributes:
        epoch: The numbers of the finished epochs.
        history: A list for each name, with one value for each finished epoch.
        message: Why a solver ended the training before its last epoch; else empty.

        growing: The names of the metrics, and whether a larger value is better.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> model = fo.Sequential([fo.layers.Dense(1)], seed=0)
        >>> model.compile("sgd", "mse")
        >>> history = model.fit(np.ones((4, 2)), np.ones(4), epochs=2, verbose=0)
        >>> history.epoch, sorted(history.history)
        ([0, 1], ['learning_rate', 'loss', 'samples_per_second', 'seconds'])
    """

    def __init__(self) -> None:
        self.epoch: list[int] = []
        self.history: dict[str, list[float]] = {}
        self.message = ""
        self.growing: dict[str, bool] = {}

    def __getstate__(self) -> dict[str, Any]:
        names = ("epoch", "history", "message", "growing")
        return {name: vars(self)[name] for name in names}  # not the model

    def get_state(self) -> dict[str, Any]:
        """Return the record."""
        return self.__getstate__()

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from this record."""
        vars(self).update(state)

    def on_train_begin(self) -> None:
        """Note the metrics."""
        self.growing = {name: metric.larger_is_better for name, metric in self.model.metrics.items()}

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Append the values of the epoch."""
        self.epoch.append(epoch)
        for name in dict.fromkeys([*self.params["logs"], *logs]):
            values = self.history.setdefault(name, [])
            values += [math.nan] * (len(self.epoch) - 1 - len(values))  # where another `compile` has brought the name
            values.append(logs.get(name, math.nan))

    def __repr__(self) -> str:
        last = ", ".join(f"{name} {values[-1]:.4g}" for name, values in self.history.items() if values)
        return f"<History: {len(self.epoch)} epochs{'; at the end ' if last else ''}{last}>"

    @property
    def table(self) -> dict[str, list[Any]]:
        """The columns of a table with a row for each epoch, the first of which numbers the epochs."""
        return {"epoch": self.epoch} | self.history

    # What `fastopt` adds from the floor above, `fastopt.tools`

    if TYPE_CHECKING:

        def plot(self, names: str | list[str] | None = None, ax: Any = None) -> "list[Axes]":
            """See `fastopt.plotting.history`."""
