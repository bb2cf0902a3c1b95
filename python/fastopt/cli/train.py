"""``fastopt train``: a table becomes a model, by RealMLP-TD-S with its defaults, and scores say what it is worth."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastopt.cli.rows import SCORED, Rows
from fastopt.cli.scan import TASKS, scan
from fastopt.cli.scores import classification_scores, printed, regression_scores, wrapped
from fastopt.core.bars import interactive
from fastopt.data.tables import TableFile
from fastopt.layers import Rescaling
from fastopt.losses import SparseCategoricalCrossentropy
from fastopt.model.sequential import Sequential
from fastopt.tools.best import Best
from fastopt.tools.realmlp import BATCH_SIZE, CLASSES, EPOCHS, LABEL_SMOOTHING, NUMBERS, SIZES, realmlp
from fastopt.tools.saving import save

__all__ = ["TASKS", "train"]

STEPS = 10_000  # at most, where the number of epochs is not given
PARTS = ("training", "validation", "test")


def train(
    data: str,
    target: str,
    out: str,
    task: str | None,
    drop: Sequence[str],
    categorical: Sequence[str],
    epochs: int | None,
    seed: int,
) -> None:
    """Train a model on a table, print its scores, and save it.

    Args:
        data: The file of the table.
        target: The column that is to be predicted.
        out: The file of the model.
        task: ``"classification"`` or ``"regression"``; None for what the target says.
        drop: Columns that are not looked at.
        categorical: Columns of numbers that are categories.
        epochs: How many; None for as many as RealMLP has, or fewer of a large table.
        seed: Decides what is random.

    Raises:
        ImportError, OSError: As `TableFile`.
        TypeError, ValueError: The table or an argument does not fit.
    """
    if not os.path.isdir(folder := os.path.dirname(out) or "."):
        raise FileNotFoundError(f"there is no folder {folder} for {out}")
    file = TableFile(data)
    plan = scan(file, target, task, drop, categorical)
    table = Rows(file, plan, categorical, seed)
    print(f"{'data':<12}{data}: {plan.rows:,} rows")
    print(wrapped("target", [f"{target}: {plan.task}", plan.about]))
    print(wrapped("columns", [f"{name}{about}" for name, about in table.abouts]))
    if plan.left:
        print(wrapped("left out", [f"{name or repr(name)} ({why})" for name, why in plan.left.items()]))
    if table.unlabelled:
        print(f"{'':<12}{table.unlabelled:,} rows, whose target is missing")
    model = _trained(table, epochs, seed)
    print(f"\n{printed(_scores(model, table))}\n")
    model.encoder, model.classes = table.encoder, table.labels
    save(model, out)
    print(f"{'saved':<12}{out}: weights, encoder and names, {os.path.getsize(out):,} bytes")
    print(f"{'next':<12}fastopt predict {out} {data}")


def _trained(table: Rows, epochs: int | None, seed: int) -> Sequential:
    """Return the model of the best epoch."""
    count = int(table.counts[0])
    batches = max(1, count // BATCH_SIZE)
    if epochs is None:
        epochs = max(1, min(EPOCHS, STEPS // batches))
    classes = table.labels
    outputs = 1 if classes is None else len(classes)
    task = NUMBERS if classes is None else CLASSES
    layers, optimizer = realmlp(
        table.features, outputs, epochs * batches, SIZES, task.activation, task.learning_rates["td-s"]
    )
    loss: Any = "mse"
    if classes is None:
        layers.append(Rescaling(table.scale, table.center))
    else:
        loss = SparseCategoricalCrossentropy(LABEL_SMOOTHING)
    model = Sequential(layers, seed=seed, name=table.plan.target)
    model.compile(optimizer, loss, [] if classes is None else ["accuracy"])
    sizes = "-".join(map(str, (table.features, *SIZES, outputs)))
    print(f"{'network':<12}RealMLP, {sizes}")
    print(f"{'training':<12}{count:,} rows; {epochs:,} {'epochs' if epochs > 1 else 'epoch'}, {batches:,} batches each")
    print(f"{'held out':<12}{table.counts[1]:,} rows for validation, {table.counts[2]:,} to test with", flush=True)
    how: dict[str, Any] = {"epochs": epochs, "callbacks": [Best(*task.watched)], "verbose": 1 if interactive() else 0}
    if table.fit_into_memory:
        model.fit(*table.parts[0], batch_size=-(-count // batches), validation_data=table.parts[1], **how)
    else:
        model.fit(table.batches, validation_data=table.parts[1], **how)
    return model


def _scores(model: Sequential, table: Rows) -> dict[str, tuple[int, dict[str, str]]]:
    """Return the number of rows and the scores of each part, and of who knows nothing but the targets."""
    rows: dict[str, tuple[int, dict[str, str]]] = {}
    labels = table.labels
    for part, (x, y) in zip(PARTS, table.parts, strict=True):
        x, y = x[:SCORED], y[:SCORED]
        if labels is None:
            rows[part] = len(y), regression_scores(y, model.predict(x, verbose=0)[:, 0].astype(np.float64))
        else:
            rows[part] = len(y), classification_scores(y, model.predict_proba(x))
    if labels is None:
        rows["baseline"] = len(y), regression_scores(y, np.full(len(y), table.center))
    else:
        trained = table.parts[0][1]
        shares = np.bincount(trained, minlength=len(labels)) / len(trained)
        scores = classification_scores(y, np.tile(shares, (len(y), 1)))
        rows["baseline"] = len(y), {name: scores[name] for name in ("accuracy", "log loss")}
    return rows
