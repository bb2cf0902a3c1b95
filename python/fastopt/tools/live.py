"""A picture of the learning curves that is drawn anew while a model trains."""

import io
import time
from collections.abc import Sequence
from typing import Any

from fastopt.core import bars, checks
from fastopt.core.axes import need_matplotlib
from fastopt.core.files import replaced
from fastopt.core.registry import word
from fastopt.model.callbacks.base import Callback, Logs
from fastopt.tools.plots.curves import HEIGHT, WIDTH, chosen_names, history

__all__ = ["LivePlot"]

APART = 0.5  # seconds between two pictures


class LivePlot(Callback):
    """Draws the learning curves while a model trains, in the output of a notebook's cell or to a file.

    The picture is that of `fastopt.plotting.history`. It is drawn at most twice a second, as it takes about a tenth of
    one, and always at the end of training.

    Args:
        every: After how many epochs it is drawn, at least 1.
        names: Which values, without ``val_``; None for the loss and all metrics.
        filename: A PNG file to be replaced each time, to be seen in a viewer that follows it; None for a notebook.

    Raises:
        TypeError, ValueError: An argument has the wrong type or is out of range; or, when training begins, a name is
            not among its values.
        RuntimeError: When training begins: there is no notebook and no file.
        ImportError: When training begins: matplotlib is not installed.
        OSError: The file cannot be written.

    Example:
        >>> import fastopt as fo
        >>> x, y = fo.datasets.load_digits()
        >>> model = fo.Sequential([fo.layers.Dense(32, "relu"), fo.layers.Dense(10)], seed=0)
        >>> model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
        >>> live = fo.callbacks.LivePlot(filename="curves.png")
        >>> history = model.fit(x, y, epochs=50, validation_split=0.2, callbacks=[live])  # doctest: +SKIP
    """

    saves = True

    def __init__(self, every: int = 1, names: Sequence[str] | None = None, filename: Any = None) -> None:
        self.every_epochs = checks.integer("every", every, 1)
        self.names = None if names is None else checks.items("names", names)
        self.filename = None if filename is None else checks.path("filename", filename)

    def on_train_begin(self) -> None:
        """Check that there is something to draw on."""
        need_matplotlib()
        for name in self.names or []:
            word("names", name, self.params["logs"])
        if self.filename is None and not bars.in_notebook():
            raise RuntimeError(
                "LivePlot draws in the output of a notebook's cell, and this is no notebook: give a file that a viewer "
                "follows, LivePlot(filename='curves.png')."
            )
        self._handle: Any = None
        self._drawn_at, self._drawn_epochs = -APART, 0

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Draw, if it is time to."""
        if (epoch + 1) % self.every_epochs == 0 and time.perf_counter() - self._drawn_at >= APART:
            self._draw()

    def on_train_end(self) -> None:
        """Draw the last epochs."""
        if len(self.model.history.epoch) > self._drawn_epochs:
            self._draw()

    def _draw(self) -> None:
        from matplotlib.figure import Figure  # not of pyplot, by which a notebook would show it once more

        record = self.model.history
        names = chosen_names(record, self.names)
        figure = Figure((WIDTH * len(names), HEIGHT), layout="constrained")
        history(record, names, figure.subplots(1, len(names), squeeze=False)[0])
        data = io.BytesIO()
        figure.savefig(data, format="png")
        self._show(data.getvalue())
        self._drawn_at, self._drawn_epochs = time.perf_counter(), len(record.epoch)

    def _show(self, png: bytes) -> None:
        if self.filename is not None:
            with replaced(self.filename) as file:
                file.write(png)
            return
        from IPython.display import Image, display

        if self._handle is None:
            self._handle = display(Image(png), display_id=True)
        else:
            self._handle.update(Image(png))
