"""What watches a value: to stop, to lower the learning rate, to end a warm-up."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt.core import checks
from fastopt.core.registry import unknown_name, word
from fastopt.core.warn import warn
from fastopt.model.callbacks.base import Callback, Logs
from fastopt.schedules import Rate

__all__ = ["EarlyStopping", "ReduceLROnPlateau", "WarmupUntil"]


class Monitor(Callback):
    """The base of what watches one value that is to fall or to grow."""

    def __init__(self, monitor: str, mode: str, min_delta: float = 0.0) -> None:
        if not isinstance(monitor, str):
            raise TypeError(f"monitor must be the name of a value, such as 'val_loss', not {monitor!r}.")
        self.monitor = monitor
        self.mode = word("mode", mode, ("auto", "min", "max"))
        self.min_delta = checks.real("min_delta", min_delta, 0.0)

    def on_train_begin(self) -> None:
        """Check the name and forget earlier trainings."""
        if self.monitor not in self.params["logs"]:
            unknown = unknown_name("value to monitor", self.monitor, self.params["logs"])
            if self.monitor.startswith("val_") and not any(name.startswith("val_") for name in self.params["logs"]):
                raise ValueError(
                    f"{str(unknown).split('.')[0]}: fit was given no validation data; give it some, or watch "
                    f"{self.monitor.removeprefix('val_')!r}."
                )
            if self.monitor in self.model.metrics:
                raise ValueError(
                    f"{str(unknown).split('.')[0]}: it is no mean over samples, and so of validation data alone; watch "
                    f"'val_{self.monitor}'."
                )
            raise unknown
        metric = self.model.metrics.get(self.monitor.removeprefix("val_"))
        grow = self.mode == "max" or (self.mode == "auto" and metric is not None and metric.larger_is_better)
        self._sign = -1.0 if grow else 1.0
        self._lowest = math.inf
        self._warned = False
        self.best = math.nan
        self.best_epoch = -1

    def get_state(self) -> dict[str, Any]:
        """Return the best value so far."""
        return {name: getattr(self, name) for name in ("best", "best_epoch", "_lowest", "_warned")}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from this state."""
        vars(self).update(state)

    def _improved(self, epoch: int, logs: Logs) -> bool:
        """Return whether the value is the best so far, and remember it: the first one even if it is NaN."""
        value = self._sign * logs[self.monitor]
        if math.isnan(value) and not self._warned:
            text = f"{type(self).__name__} watches {self.monitor!r}, which is NaN after epoch {epoch}: no improvement."
            warn(text)
            self._warned = True
        better = value < self._lowest - self.min_delta or self.best_epoch < 0
        if better:
            self._lowest = math.inf if math.isnan(value) else value
            self.best, self.best_epoch = logs[self.monitor], epoch
        return better


class EarlyStopping(Monitor):
    """Stops when a value has not improved by more than `min_delta` for `patience` epochs.

    Args:
        monitor: The name of the value: ``"loss"``, the name of a metric, or either after ``"val_"``.
        patience: How many epochs without improvement are waited for, at least 0.
        min_delta: How much better counts as better, at least 0.
        restore_best_weights: Whether the model ends with the weights of its best epoch, also where training ends by an
            exception or Ctrl-C; the state of the optimizer is left as it is.
        mode: ``"min"``, ``"max"`` or ``"auto"``: accuracies and the like are to grow, the rest to fall.
        baseline: What the value must also be better than, by more than `min_delta`, for `patience` to begin anew; None
            for nothing.
        start_from_epoch: How many epochs are not looked at, at least 0.

    Attributes:
        best: The best value.
        best_epoch: Its epoch.

    Raises:
        ValueError: An argument is out of range or unknown; or, when training begins, `monitor` is not among its values.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> model = fo.Sequential([fo.layers.Dense(1)], seed=0)
        >>> model.compile(fo.optimizers.SGD(0.0), "mse")
        >>> stop = fo.callbacks.EarlyStopping("loss", patience=2)
        >>> history = model.fit(np.ones((4, 2)), np.ones(4), epochs=100, callbacks=[stop], verbose=0)
        >>> len(history.epoch)
        3
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        patience: int = 0,
        min_delta: float = 0.0,
        restore_best_weights: bool = False,
        mode: str = "auto",
        baseline: float | None = None,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience = checks.integer("patience", patience, 0)
        self.restore_best_weights = checks.flag("restore_best_weights", restore_best_weights)
        self.baseline = None if baseline is None else checks.real("baseline", baseline)
        self.start_from_epoch = checks.integer("start_from_epoch", start_from_epoch, 0)

    def on_train_begin(self) -> None:
        """Check the name and forget earlier trainings."""
        super().on_train_begin()
        self._best_weights: list[NDArray[np.floating[Any]]] = []
        self._waits_from = -1  # the epoch after which those are counted that have not improved

    def get_state(self) -> dict[str, Any]:
        """Return the best value so far, the weights that go with it, and since when there was none better."""
        return super().get_state() | {"_best_weights": self._best_weights, "_waits_from": self._waits_from}

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Compare, remember, and stop when patience is at its end."""
        if self.monitor not in logs or epoch < self.start_from_epoch:  # an epoch without validation
            return
        if self.best_epoch < 0:
            self._waits_from = epoch - 1
        if self._improved(epoch, logs):
            if self.restore_best_weights:
                self._best_weights = self.model.get_weights()
            if self.baseline is None or self._lowest < self._sign * self.baseline - self.min_delta:
                self._waits_from = epoch
        elif epoch - self._waits_from >= self.patience:
            self.model.stop_training = True

    def on_train_end(self) -> None:
        """Put the best weights back."""
        if self.restore_best_weights and self._best_weights:
            self.model.set_weights(self._best_weights)


class ReduceLROnPlateau(Monitor):
    """Multiplies the learning rate by `factor` when a value has not improved for `patience` epochs.

    It begins anew with each `fit`; the learning rate stays where it is.

    Args:
        monitor: The name of the value: ``"loss"``, the name of a metric, or either after ``"val_"``.
        factor: More than 0 and less than 1.
        patience: How many epochs without improvement are waited for, at least 1.
        min_delta: How much better counts as better, at least 0.
        cooldown: How many epochs after a reduction are not counted, at least 0; as in Keras the last of them is.
        min_lr: The learning rate does not go below this, at least 0.
        mode: ``"min"``, ``"max"`` or ``"auto"``: accuracies and the like are to grow, the rest to fall.

    Attributes:
        best: The best value.
        best_epoch: Its epoch.
        reduced: The epochs after which the learning rate was reduced.

    Raises:
        TypeError: An argument has the wrong type; or, when training begins, the learning rate is not a number.
        ValueError: An argument is out of range or unknown; or, when training begins, `monitor` is not among its values.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> model = fo.Sequential([fo.layers.Dense(1, "relu", kernel_initializer="zeros")])  # cannot learn
        >>> model.compile(fo.optimizers.SGD(0.8), "mse")
        >>> reduce = fo.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=2)
        >>> history = model.fit(np.ones((4, 2)), np.ones(4), epochs=5, callbacks=[reduce], verbose=0)
        >>> model.optimizer.learning_rate, reduce.reduced
        (0.2, [2, 4])
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        mode: str = "auto",
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.factor = checks.real("factor", factor, 0.0, 1.0, above=True)
        self.patience = checks.integer("patience", patience, 1)
        self.cooldown = checks.integer("cooldown", cooldown, 0)
        self.min_lr = checks.real("min_lr", min_lr, 0.0)

    def on_train_begin(self) -> None:
        """Check the name and the learning rate, and forget earlier trainings."""
        super().on_train_begin()
        self._rate()
        self.reduced: list[int] = []

    def get_state(self) -> dict[str, Any]:
        """Return the best value so far, and when the rate was reduced."""
        return super().get_state() | {"reduced": self.reduced}

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Compare, remember, and reduce when patience is at its end."""
        if self.monitor not in logs or self._improved(epoch, logs):
            return
        since = max([self.best_epoch, *(last + max(self.cooldown - 1, 0) for last in self.reduced[-1:])])
        rate = self._rate()
        if epoch - since >= self.patience and rate > self.min_lr:
            self.model.optimizer.learning_rate = max(rate * self.factor, self.min_lr)
            self.reduced.append(epoch)

    def _rate(self) -> float:
        rate = getattr(self.model.optimizer, "learning_rate", None)
        if not isinstance(rate, float):
            raise TypeError(f"ReduceLROnPlateau needs a learning rate that is a number, not {rate!r}.")
        return rate


class WarmupUntil(Monitor):
    """A low learning rate until the training error has passed a threshold, then another.

    An optimizer that has not done a step yet is given the low rate when training begins. Whatever the file or the call
    that training goes on from, a rate other than the low one is left alone. A schedule of the step that follows goes
    by all steps, those of the warm-up too.

    Args:
        low: The learning rate of the warm-up, at least 0.
        learning_rate: The learning rate that follows: a number, a schedule, or a function of the step.
        threshold: What the value must reach.
        monitor: The name of the value: ``"loss"`` or the name of a metric.
        every: After how many batches, and at the end of each epoch, the mean over the epoch so far is looked at; at
            least 1.
        mode: ``"min"``, ``"max"`` or ``"auto"``: accuracies and the like are to grow, the rest to fall.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of range or unknown; or, when training begins, `monitor` is not among its values.

    Source:
        He, Zhang, Ren and Sun, Deep residual learning for image recognition, CVPR 2016, arXiv:1512.03385, section 4.2.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> model = fo.Sequential([fo.layers.Dense(1)], seed=0)
        >>> model.compile("sgd", "mse")
        >>> warm = fo.callbacks.WarmupUntil(0.001, 0.1, threshold=0.5)
        >>> history = model.fit(np.ones((4, 2)), np.ones(4), epochs=200, callbacks=[warm], verbose=0)
        >>> model.optimizer.learning_rate, history.history["loss"][-1] < 1e-6
        (0.1, True)
    """

    def __init__(
        self,
        low: float,
        learning_rate: Rate,
        threshold: float,
        monitor: str = "loss",
        every: int = 100,
        mode: str = "auto",
    ) -> None:
        super().__init__(monitor, mode)
        self.low = checks.real("low", low, 0.0)
        self.learning_rate: Rate = (
            learning_rate if callable(learning_rate) else checks.real("learning_rate", learning_rate, 0.0)
        )
        self.threshold = checks.real("threshold", threshold)
        self.every = checks.integer("every", every, 1)

    def on_train_begin(self) -> None:
        """Check the name, and begin with the low rate."""
        super().on_train_begin()
        if self.monitor.startswith("val_"):
            raise ValueError(f"WarmupUntil watches the training, not {self.monitor!r}.")
        optimizer: Any = self.model.optimizer
        if not hasattr(optimizer, "learning_rate"):
            raise TypeError(f"WarmupUntil needs an optimizer with a learning rate, not {optimizer!r}.")
        if optimizer.step == 0:
            optimizer.learning_rate = self.low

    @property
    def wants_batches(self) -> bool:
        """Whether the warm-up goes on."""
        optimizer: Any = self.model.optimizer
        return bool(optimizer.learning_rate == self.low)

    def on_batch_end(self, batch: int, logs: Logs) -> None:
        """End the warm-up if the value has passed the threshold."""
        optimizer: Any = self.model.optimizer
        passed = self._sign * logs[self.monitor] <= self._sign * self.threshold
        if passed and optimizer.learning_rate == self.low:
            optimizer.learning_rate = self.learning_rate

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """End the warm-up if the value has passed the threshold."""
        self.on_batch_end(-1, logs)
