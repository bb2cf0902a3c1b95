"""The tables that `summary` prints of models."""

import math
from collections.abc import Sequence

import numpy as np

from fastopt.layers import Layer, Shape
from fastopt.model.functional import Model
from fastopt.model.nested import Nested
from fastopt.model.plan import Plan, Stage
from fastopt.model.sequential import Sequential

__all__ = ["summary"]

WIDTH = 80  # of the table of a graph
NARROW = 12  # what a column of text has at least


def summary(model: Sequential | Model) -> None:
    """Print the layers with their output shapes, numbers of weights and bytes, and what training needs beside them.

    Of a `fastopt.Model` it says what each layer is connected to, within 80 columns; a layer that is called more than
    once is connected to the inputs of all calls.

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


def table(model: Sequential | Model) -> str:
    """Return what `summary` prints."""
    if isinstance(model, Sequential):
        model.count_params()  # it has been built
        plan, lines_of = model.plan(model.input_shape or ()), _stack
    else:
        plan, lines_of = model.graph, _graph
    weights, state = (
        sum(math.prod(tensor.shape) for tensor in tensors.values()) for tensors in (plan.parameters, plan.state)
    )
    totals = [("weights", weights), ("gradients", weights), *([("state", state)] if state else [])]
    if model.optimizer is not None and (slots := model.optimizer.slot_names):
        shapes = model.optimizer.slot_shapes({name: tensor.shape for name, tensor in plan.parameters.items()})
        totals.append((f"{model.optimizer.rule}: {', '.join(slots)}", sum(map(math.prod, shapes.values()))))
    totals.append(("total", sum(count for _, count in totals)))
    inputs = ", ".join(map(_shape, plan.input_shapes))
    title = f"{model.name or type(model).__name__}: {model.dtype}, seed {model.seed}, input {inputs}"
    notes = [f"{stage.name}: {stage.note}" for stage in plan.stages if stage.note]
    lines = lines_of(plan, totals, np.dtype(model.dtype).itemsize)
    return "\n".join([title, "", *lines, *([""] if notes else []), *notes])


def _stack(plan: Plan, totals: list[tuple[str, int]], width: int) -> list[str]:
    """Return the table of layers of which each feeds the next."""
    layers = [
        (s.name, kind_of(s.layer), s.layer.activation, _shape(s.output_shape), f"{_size(s):,}", f"{_size(s) * width:,}")
        for s in plan.stages
    ]
    sums = [(name, "", "", "", f"{count:,}", f"{count * width:,}") for name, count in totals]
    return _lines(("layer", "kind", "activation", "output shape", "parameters", "bytes"), "<<<<>>", layers, sums)


def _graph(plan: Plan, totals: list[tuple[str, int]], width: int) -> list[str]:
    """Return the table of layers that may be connected in any way."""
    sources: list[list[str]] = [[] for _ in plan.layers]
    for number, values in plan.calls:
        sources[number] += map(plan.title_of, values)
    inputs = [(plan.name_of(i), "Input", _shape(shape), "0", "") for i, shape in enumerate(plan.input_shapes)]
    layers = [
        (stage.name, kind_of(stage.layer), _outputs(stage), f"{_size(stage):,}", ", ".join(sources[number]))
        for number, stage in plan.numbered
    ]
    sums = [(name, "", "", f"{count:,}", f"{count * width:,} bytes") for name, count in totals]
    head = ("layer", "kind", "output shape", "parameters", "connected to")
    sizes = [max(map(len, column)) for column in zip(head, *inputs, *layers, *sums, strict=True)]
    sizes[-1] += 1  # a comma
    # What a layer is connected to goes on in further lines; what is still too long is cut, in the widest columns first.
    longest = 1 + max((len(source) for some in sources for source in some), default=0)
    least = [(4, longest), *((i, NARROW) for i in sorted((0, 1, 2, 4), key=lambda i: -min(sizes[i], longest)))]
    for column, size in least:
        excess = sum(sizes) + 2 * (len(sizes) - 1) - WIDTH
        sizes[column] -= max(0, min(excess, sizes[column] - max(size, len(head[column]))))
    rows = [line for row in (*inputs, *layers) for line in _wrapped(row, sizes)]
    return _lines(head, "<<<><", rows, [line for row in sums for line in _wrapped(row, sizes)])


def _wrapped(row: Sequence[str], sizes: Sequence[int]) -> list[tuple[str, ...]]:
    """Return a row in lines of these sizes: the last cell is a list that goes on, the others are cut off."""
    lines = [""]
    for item in row[-1].split(", "):
        longer = f"{lines[-1]}, {item}" if lines[-1] else item
        if len(longer) < sizes[-1] or not lines[-1]:
            lines[-1] = _cut(longer, sizes[-1] - 1)
        else:
            lines[-1] += ","
            lines.append(_cut(item, sizes[-1] - 1))
    first = [_cut(cell, size) for cell, size in zip(row[:-1], sizes, strict=False)]
    return [(*(first if i == 0 else [""] * len(first)), line) for i, line in enumerate(lines)]


def _cut(text: str, size: int) -> str:
    """Return the text, without its middle if it is too long."""
    return text if len(text) <= size else f"{text[: size // 2 - 1]}...{text[len(text) + size // 2 + 2 - size :]}"


def _lines(
    head: tuple[str, ...], sides: str, rows: Sequence[tuple[str, ...]], sums: Sequence[tuple[str, ...]]
) -> list[str]:
    sizes = [max(map(len, column)) for column in zip(head, *rows, *sums, strict=True)]
    rule = tuple("-" * size for size in sizes)
    return [
        "  ".join(f"{cell:{side}{size}}" for cell, side, size in zip(cells, sides, sizes, strict=True)).rstrip()
        for cells in (head, rule, *rows, rule, *sums)
    ]


def kind_of(layer: Layer) -> str:
    """Return what a layer is called: its class, or that of the model that it is."""
    return layer.kind if isinstance(layer, Nested) else type(layer).__name__


def _shape(shape: Shape) -> str:
    return f"(n, {', '.join(map(str, shape))})"


def _outputs(stage: Stage) -> str:
    network = stage.layer.network if isinstance(stage.layer, Nested) else None
    return ", ".join(map(_shape, network.output_shapes if isinstance(network, Plan) else [stage.output_shape]))


def _size(stage: Stage) -> int:
    return sum(math.prod(tensor.shape) for tensor in stage.parameters.values())
