"""The table that `Sequential.summary` prints."""

import math

import numpy as np

from fastopt.model.sequential import Sequential

__all__ = ["summary"]

HEAD = ("layer", "kind", "activation", "output shape", "parameters", "bytes")
NUMBERS = 2  # the last columns, aligned to the right


def summary(model: Sequential) -> None:
    """Print the layers with their output shapes, numbers of weights and bytes, and what training needs beside them.

    Raises:
        RuntimeError: The model has not been built.

    Example:
        >>> import fastopt as fo
        >>> model = fo.Sequential([fo.layers.Dense(16, activation="relu"), fo.layers.Dense(3)], name="small")
        >>> model.compile("adam", "sparse_categorical_crossentropy")
        >>> model.build(8)
        >>> model.summary()
        small: float32, seed 0, input (n, 8)
        <BLANKLINE>
        layer       kind   activation  output shape  parameters  bytes
        ----------  -----  ----------  ------------  ----------  -----
        dense       Dense  relu        (n, 16)              144    576
        dense_1     Dense  linear      (n, 3)                51    204
        ----------  -----  ----------  ------------  ----------  -----
        weights                                             195    780
        gradients                                           195    780
        adam: m, v                                          390  1,560
        total                                               780  3,120
    """
    print(table(model))


def table(model: Sequential) -> str:
    """Return what `summary` prints."""
    weights = model.count_params()
    shape = model.input_shape or ()
    stages = model.plan(shape).stages
    width = np.dtype(model.dtype).itemsize

    def row(*cells: str, count: int) -> tuple[str, ...]:
        return (*cells, *[""] * (len(HEAD) - NUMBERS - len(cells)), f"{count:,}", f"{count * width:,}")

    layers = [
        row(
            stage.name,
            type(stage.layer).__name__,
            stage.layer.activation,
            f"(n, {', '.join(map(str, stage.output_shape))})",
            count=sum(math.prod(tensor.shape) for tensor in stage.parameters.values()),
        )
        for stage in stages
    ]
    totals = [row("weights", count=weights), row("gradients", count=weights)]
    kept = sum(view.size for view in model.state.values())
    if kept:
        totals.append(row("state", count=kept))
    slots = 0
    if model.optimizer is not None and model.optimizer.slot_names:
        slots = weights * len(model.optimizer.slot_names)
        totals.append(row(f"{model.optimizer.rule}: {', '.join(model.optimizer.slot_names)}", count=slots))
    totals.append(row("total", count=2 * weights + kept + slots))

    sizes = [max(map(len, column)) for column in zip(HEAD, *layers, *totals, strict=True)]
    rule = tuple("-" * size for size in sizes)
    first_number = len(HEAD) - NUMBERS
    lines = [
        "  ".join(
            cell.rjust(size) if i >= first_number else cell.ljust(size)
            for i, (cell, size) in enumerate(zip(cells, sizes, strict=True))
        )
        for cells in (HEAD, rule, *layers, rule, *totals)
    ]
    title = f"{model.name or 'Sequential'}: {model.dtype}, seed {model.seed}, input (n, {', '.join(map(str, shape))})"
    notes = [f"{stage.name}: {stage.note}" for stage in stages if stage.note]
    return "\n".join([title, "", *lines, *([""] if notes else []), *notes])
