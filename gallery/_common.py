"""What the scripts share: the look of pictures, and a small model of the digits."""

import sys
from pathlib import Path

from cycler import cycler
from matplotlib import pyplot

import fastopt as fo
from fastopt.core.axes import COLORS, GRID

sys.path.append(str(Path(__file__).resolve().parents[1] / "examples"))  # what is drawn there is not written twice

LOOK = {
    "axes.prop_cycle": cycler(color=COLORS[:6]),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "grid.color": GRID,
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "font.size": 9,
    "savefig.dpi": 110,
}


def panels(columns=1, rows=1, width=4.6, height=3.3, **options):
    """Return axes beside and below each other, each of this size in inches."""
    pyplot.rcParams.update(LOOK)
    size = columns * width, rows * height
    return pyplot.subplots(rows, columns, figsize=size, layout="constrained", **options)[1]


def digits(training=1200):
    """Return digits to train with, and others to judge by."""
    x, y = fo.datasets.load_digits()
    return (x[:training], y[:training]), (x[training:], y[training:])


def classifier(optimizer, hidden=(32,), activation="relu", seed=0, **options):
    """Return a compiled model of the digits; further options are those of its hidden layers."""
    layers = [fo.layers.Dense(units, activation, **options) for units in hidden]
    model = fo.Sequential([*layers, fo.layers.Dense(10)], seed=seed)
    model.compile(optimizer, "sparse_categorical_crossentropy", ["accuracy"])
    return model


def table(ax, rows, columns, title=""):
    """Draw a table of texts instead of a picture."""
    ax.set_axis_off()
    drawn = ax.table([[str(cell) for cell in row] for row in rows], colLabels=columns, loc="center", cellLoc="center")
    drawn.auto_set_font_size(False)
    drawn.set_fontsize(9)
    drawn.scale(1, 1.5)
    drawn.auto_set_column_width(range(len(columns)))
    for (row, _), cell in drawn.get_celld().items():
        cell.set_edgecolor(GRID)
        if row == 0:
            cell.set_text_props(weight="bold")
    ax.set_title(title)
