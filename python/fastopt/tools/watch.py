"""A callback that watches the curvature of the cost while a model trains, and the picture of it."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from fastopt.core import checks
from fastopt.core.axes import COLORS, new_axes
from fastopt.model.callbacks.base import Callback, Logs
from fastopt.model.callbacks.history import History
from fastopt.tools.curvature import along_gradient, spectrum
from fastopt.tools.plots.curves import checked_history

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Curvature", "gradient_norm"]

RECORDED = ("gradient_square", "gradient_curvature", "critical_rate", "alarm", "weight_norm")
EIGENVALUES = ("smallest_eigenvalue", "largest_eigenvalue")


class Curvature(Callback):
    """Records g'g, g'Hg and what follows from them on fixed samples, while the model trains.

    g is the gradient of their cost and H its Hessian, as `fastopt.curvature.along_gradient` has them. `History` records
    what was found last in each epoch under ``gradient_square`` (g'g), ``gradient_curvature`` (g'Hg), ``critical_rate``
    (2 g'g / g'Hg, infinite where g'Hg is not positive), ``alarm`` (1 where the learning rate is above it, else 0; NaN
    without a learning rate), ``weight_norm`` (the length of all weights), ``smallest_eigenvalue`` and
    ``largest_eigenvalue``. The training is the same to the bit. Each time takes as long as about 3.5 gradients of
    these samples; with eigenvalues several dozen.

    Args:
        x: Inputs ``[n, features]``, or as the model takes them; some hundred samples are enough.
        y: Targets, as the loss wants them.
        every: After how many batches, and at the end of each epoch; None is at the end of each epoch alone.
        eigenvalues: Whether to compute the extreme eigenvalues of H as well; see `fastopt.curvature.spectrum`.
        sample_weight: Weights ``[n]``, at least 0.

    Attributes:
        history: All that was found, a list for each name, and for ``step``, the number of batches trained before.

    Raises:
        TypeError, ValueError: An argument has the wrong type or is out of range; or, in training, as `along_gradient`.

    Source:
        Goodfellow, Bengio and Courville, Deep learning, MIT Press 2016, section 8.2.1.

    Example:
        >>> import fastopt as fo
        >>> x, y = fo.datasets.load_digits()
        >>> model = fo.Sequential([fo.layers.Dense(16, "tanh"), fo.layers.Dense(10)], seed=0)
        >>> model.compile(fo.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
        >>> watch = fo.callbacks.Curvature(x[:200], y[:200])
        >>> history = model.fit(x, y, epochs=3, callbacks=[watch], verbose=0)
        >>> len(history.history["gradient_square"]), history.history["alarm"]
        (3, [0.0, 0.0, 0.0])
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        every: int | None = None,
        eigenvalues: bool = False,
        sample_weight: ArrayLike | None = None,
    ) -> None:
        self.x, self.y = x, y
        self.sample_weight = None if sample_weight is None else checks.array("sample_weight", sample_weight)
        self._within = every is not None
        self.every = 1 if every is None else checks.integer("every", every, 1)
        self.eigenvalues = checks.flag("eigenvalues", eigenvalues)
        self.history: dict[str, list[float]] = {}
        self._steps = 0

    @property
    def wants_batches(self) -> bool:
        """Whether it measures within epochs."""
        return self._within

    def on_train_begin(self) -> None:
        """Forget earlier trainings, and say what is going to be in the logs."""
        self.history = {}
        self._steps = 0
        self.params["logs"] = [*self.params["logs"], *RECORDED, *(EIGENVALUES if self.eigenvalues else ())]

    def on_batch_end(self, batch: int, logs: Logs) -> None:
        """Measure."""
        self._measure(self._steps + batch + 1)

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Measure, and hand it to `History`."""
        self._steps += self.params["batches"]
        if self.history.get("step", [0])[-1] != self._steps:
            self._measure(self._steps)
        recorded = self.model.history.history
        for name, values in self.history.items():
            if name != "step":
                logs[name] = values[-1]
                recorded[name][-1] = values[-1]  # it has the names, but not yet the values

    def _measure(self, step: int) -> None:
        found = along_gradient(self.model, self.x, self.y, None, self.sample_weight)
        rate = getattr(self.model.optimizer, "hyper", {}).get("learning_rate", math.nan)
        squares = sum(float(np.square(view, dtype=np.float64).sum()) for view in self.model.parameters.values())
        alarm = math.nan if math.isnan(rate) else float(found.alarm(rate))
        values = [found.gradient_square, found.gradient_curvature, found.critical_rate, alarm, math.sqrt(squares)]
        if self.eigenvalues:
            extremes = spectrum(self.model, self.x, self.y, None, self.sample_weight)
            values += [extremes.smallest, extremes.largest]
        for name, value in zip(("step", *RECORDED, *EIGENVALUES), [step, *values], strict=False):
            self.history.setdefault(name, []).append(value)


def gradient_norm(history: History, monitor: str = "val_loss", ax: "Axes | None" = None) -> "Axes":
    """Draw the square of the gradient, as `fastopt.callbacks.Curvature` records it, beside the validation error.

    Training often goes well while the gradient grows: it is no sign of a minimum that is near.

    Args:
        history: What `fit` returned, with the callback among its callbacks.
        monitor: The name of the value on the right: ``"val_loss"``, ``"loss"``, ``"weight_norm"`` ...
        ax: The axes to draw on; None makes new ones.

    Returns:
        The axes of the gradient; those of the other value are their twin.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError: `history` is not what `fit` returns.
        ValueError: It does not hold one of the two.

    Source:
        Goodfellow, Bengio and Courville, Deep learning, MIT Press 2016, figure 8.1.

    Example:
        >>> import fastopt as fo
        >>> x, y = fo.datasets.load_digits()
        >>> model = fo.Sequential([fo.layers.Dense(16, "tanh"), fo.layers.Dense(10)], seed=0)
        >>> model.compile(fo.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
        >>> watch = fo.callbacks.Curvature(x[:200], y[:200])
        >>> history = model.fit(x, y, epochs=5, validation_split=0.2, callbacks=[watch], verbose=0)
        >>> axes = fo.plotting.gradient_norm(history)  # doctest: +SKIP
        >>> axes.figure.savefig("gradient_norm.png")  # doctest: +SKIP
    """
    checked_history(history)
    for name in ("gradient_square", monitor):
        if name not in history.history:
            raise ValueError(f"The history has no {name!r}; it has {', '.join(history.history)}.")
    if ax is None:
        ax = new_axes(7.6, 4.2)
    epochs = np.arange(1, len(history.epoch) + 1)
    twin = ax.twinx()
    sides = (ax, "gradient_square", "g'g", COLORS[0], "o", "-"), (twin, monitor, monitor, COLORS[1], "s", "--")
    lines = []
    for side, name, label, color, marker, style in sides:
        values = history.history[name]
        lines += side.plot(epochs, values, style, color=color, marker=marker, mec="white", mew=0.5, label=label)
        side.set_ylabel(label, color=color)
        side.tick_params(axis="y", colors=color)
        side.spines["top"].set_visible(False)
    ax.set_yscale("log")
    ax.set_xlabel("epoch")
    ax.locator_params(axis="x", integer=True)
    ax.legend(lines, [str(line.get_label()) for line in lines], frameon=False)
    return ax
