"""Scores of predictions, and how they are printed."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fastopt.metrics import AUC, F1, R2

__all__ = ["classification_scores", "printed", "regression_scores", "wrapped"]

WIDTH = 78
LABEL = 12  # columns


def classification_scores(y: NDArray[np.int64], probabilities: NDArray[np.floating]) -> dict[str, str]:
    """Return accuracy, F1 and log loss, and of two classes the area under the curve, as they are printed."""
    classes = probabilities.shape[1]
    right = probabilities.argmax(axis=1) == y
    likely = np.clip(probabilities[np.arange(len(y)), y], 1e-15, None)
    scores = {"accuracy": f"{right.mean():.1%}", "log loss": f"{-np.log(likely).mean():.4f}"}
    if len(np.unique(y)) == classes:
        scores["F1"] = f"{F1('macro')(y, probabilities.astype(np.float64)):.3f}"
        if classes == 2:
            scores["AUC"] = f"{AUC()(y, probabilities[:, 1].astype(np.float64)):.3f}"
    return scores


def regression_scores(y: NDArray[np.float64], predictions: NDArray[np.float64]) -> dict[str, str]:
    """Return R2, the root of the mean squared error and the mean absolute error, as they are printed."""
    error = predictions - y
    return {
        "R2": f"{round(R2()(y, predictions), 3) + 0.0:.3f}" if len(y) > 1 else "",
        "RMSE": f"{np.sqrt(np.mean(error**2)):.4g}",
        "MAE": f"{np.abs(error).mean():.4g}",
    }


def printed(rows: Mapping[str, tuple[int, Mapping[str, str]]]) -> str:
    """Return a table with a line for each part of the data: its number of rows and its scores."""
    names = list(dict.fromkeys(name for _, scores in rows.values() for name in scores))
    label = max(LABEL, *map(len, rows)) + 1
    lines = [" " * label + f"{'rows':>10}" + "".join(f"{name:>12}" for name in names)]
    lines.append("-" * len(lines[0]))
    for part, (count, scores) in rows.items():
        lines.append(f"{part:<{label}}{count:>10,}" + "".join(f"{scores.get(name, ''):>12}" for name in names))
    return "\n".join(lines)


def wrapped(label: str, words: Sequence[str]) -> str:
    """Return words with commas between them, in lines beside a label."""
    first = f"{label:<{LABEL}}"
    text = ", ".join(words)
    return textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=" " * LABEL, break_on_hyphens=False)
