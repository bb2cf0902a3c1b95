"""What models and records look like where they are printed, and in notebooks."""

import html
import math
from collections.abc import Sequence

import numpy as np

from fastopt.core.axes import COLORS
from fastopt.core.plain import Real
from fastopt.model.callbacks.history import History
from fastopt.model.functional import Model
from fastopt.model.sequential import Sequential
from fastopt.tools.summary import kind_of, table

__all__ = ["history_html", "model_html", "model_text"]

LONGEST = 6  # layers that are written out
EPOCHS = 5  # in a table
WIDTH, HEIGHT = 240, 60  # of a picture of the loss


def model_text(model: Sequential | Model) -> str:
    """Return the layers, the number of weights and what the model is trained by."""
    layers = [kind_of(layer) for layer in model.layers]
    shown = ", ".join(layers) if len(layers) <= LONGEST else f"{len(layers)} layers"
    name = f" {model.name!r}" if model.name else ""
    parts = [f"{type(model).__name__}{name}: {shown}"]
    parts.append(f"{model.count_params():,} weights" if model.built else "not built")
    parts.append("not compiled" if model.optimizer is None else repr(model.optimizer))
    if model.epochs_trained:
        parts.append(f"{model.epochs_trained} epochs trained")
    return f"<{'; '.join(parts)}>"


def model_html(model: Sequential | Model) -> str:
    """Return what `summary` prints, or the text of a model that has not been built."""
    text = table(model) if model.built else model_text(model)
    return f"<pre>{html.escape(text)}</pre>"


def history_html(history: History) -> str:
    """Return a table of the last epochs, and the curves of the losses."""
    columns = {"epoch": [number + 1 for number in history.epoch]} | history.history
    head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
    last = zip(*(values[-EPOCHS:] for values in columns.values()), strict=True)
    rows = "".join(f"<tr>{''.join(f'<td>{value:.4g}</td>' for value in row)}</tr>" for row in last)
    losses = [np.asarray(history.history[name]) for name in ("loss", "val_loss") if name in history.history]
    return f"{html.escape(repr(history))}<table><tr>{head}</tr>{rows}</table>{_curves(losses)}"


def _curves(series: Sequence[Real]) -> str:
    """Return a picture of some series on one scale, the values that are finite."""
    seen = np.concatenate([values[np.isfinite(values)] for values in series] or [np.zeros(0)])
    if len(seen) < 2:
        return ""
    lines = ""
    for values, color in zip(series, COLORS, strict=False):
        x = np.linspace(0, WIDTH, len(values))
        y = HEIGHT * (seen.max() - values) / (np.ptp(seen) or 1)
        points = " ".join(f"{a:.0f},{b:.1f}" for a, b in zip(x, y, strict=True) if math.isfinite(b))
        lines += f'<polyline points="{points}" fill="none" stroke="{color}"/>'
    return f'<svg width="{WIDTH}" height="{HEIGHT}">{lines}</svg>'
