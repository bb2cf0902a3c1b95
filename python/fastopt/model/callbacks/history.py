"""The record of a training."""

from fastopt.model.callbacks.base import Callback, Logs

__all__ = ["History"]


class History(Callback):
    """The record of a training: each epoch's loss, metrics, validation, seconds and samples per second.

    The seconds are those of the training pass, without validation and callbacks.

    Attributes:
        epoch: The numbers of the finished epochs.
        history: A list for each name, with one value for each finished epoch.
        message: Why a solver ended the training before its last epoch; else empty.

    With a solver of `fastopt.solvers` the loss and the metrics are those after the last iteration of the epoch, or the
    means over batches of them; and there are: ``nfev`` and ``njev``, how often the cost and its gradient were computed
    in the epoch, and ``nhev`` of products with its Hessian; ``step``, the length of the last step; ``gradient_norm``,
    the largest partial derivative after it, which is what `gtol` is compared with.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> model = fo.Sequential([fo.layers.Dense(1)], seed=0)
        >>> model.compile("sgd", "mse")
        >>> history = model.fit(np.ones((4, 2)), np.ones(4), epochs=2, verbose=0)
        >>> history.epoch, sorted(history.history)
        ([0, 1], ['loss', 'samples_per_second', 'seconds'])
    """

    def __init__(self) -> None:
        self.epoch: list[int] = []
        self.history: dict[str, list[float]] = {}
        self.message = ""

    def __getstate__(self) -> dict[str, object]:
        return {"epoch": self.epoch, "history": self.history, "message": self.message}  # not the model

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Append the values of the epoch."""
        self.epoch.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)
