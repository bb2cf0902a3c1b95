"""What is inside a model: the values of its layers, and exact statistics of them."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt.core import checks
from fastopt.core.plain import Real
from fastopt.layers import BatchNormalization, Dropout, Flatten, GaussianNoise, Layer, Reshape, Residual
from fastopt.layers.base import Channels
from fastopt.model.built import Built, assign
from fastopt.model.data import in_shapes
from fastopt.model.nested import Nested
from fastopt.model.plan import Plan
from fastopt.model.predicting import Inputs
from fastopt.model.trained import Trained

__all__ = ["layer_outputs", "recompute_statistics"]

IDENTITIES = (Dropout, GaussianNoise, Flatten, Reshape)  # in `predict`, but for the shape

# Called with the name, the layer and its input ``[n, ...]`` before the layer computes; returns tensors by name, to take
# the place of those of the model.
Visitor = Callable[[str, Layer, Real], Mapping[str, Real]]


def layer_outputs(model: Trained[Any], x: Inputs, batch_size: int = 256) -> dict[str, Real]:
    """Return what each layer makes of the inputs in `predict`, ``[n, ...]`` by the layer's name.

    It is meant for looking at: layer after layer, everything is kept. Of a layer that is called more than once, or
    makes several outputs, the names are ``"dense[0]"``, ``"dense[1]"`` and so on, call after call.

    Args:
        model: A built model.
        x: Inputs ``[n, features]``.
        batch_size: Samples computed at a time, at least 1; it changes memory and speed only.

    Raises:
        RuntimeError, TypeError, ValueError: As `predict`.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> model = fo.Sequential([fo.layers.Dense(3, "relu"), fo.layers.Dense(2)])
        >>> model.build(4)
        >>> {name: values.shape for name, values in model.layer_outputs(np.ones((5, 4))).items()}
        {'dense': (5, 3), 'dense_1': (5, 2)}
    """
    plan, values = _values(model, x, batch_size)
    found: dict[str, list[Real]] = {name: [] for name in plan.layer_names}
    for maker, value in zip(plan.makers, values, strict=True):
        if maker is not None:
            found[plan.layer_names[maker.layer]].append(value.astype(model.dtype, copy=False))
    return {
        f"{name}[{i}]" if len(arrays) > 1 else name: array
        for name, arrays in found.items()
        for i, array in enumerate(arrays)
    }


def _values(
    model: Trained[Any], x: Inputs, batch_size: int, visit: Visitor | None = None
) -> tuple[Plan, list[NDArray[Any]]]:
    """Return the plan of a model and all of its values; inputs are not rounded."""
    tensors = model.parameters | model.state
    rows, plan = model._inputs("x", x)
    if not all(isinstance(array, np.ndarray) for array in rows):
        raise TypeError("x is sparse, and each layer is run by itself: give some rows of it, x[:100].toarray().")
    batch_size = checks.integer("batch_size", batch_size, 1, checks.SIZE)

    def rounded(values: Real) -> Real:
        return values.astype(model.dtype, copy=False)

    def outputs(name: str, layer: Layer, given: list[Real]) -> list[Real]:
        x, shapes = given[0], [values.shape[1:] for values in given]
        if visit is not None:
            tensors.update(visit(name, layer, rounded(x)))
        if isinstance(layer, IDENTITIES):
            return [x.reshape(len(x), *layer.output_shape(shapes[0]))]
        if isinstance(layer, Residual):
            y = x
            for inner, part in zip(layer.layer_names, layer.layers, strict=True):
                (y,) = outputs(f"{name}/{inner}", part, [y])
            return [rounded(x) + y]
        if isinstance(layer, Nested):
            plan = layer.network.plan(shapes)
            values = through(plan, f"{name}/", given)
            return [values[result] for result in plan.results]
        inputs = [*range(len(given))]
        alone = Built(Plan(shapes, [layer], [(0, inputs)], [len(inputs)]), model.dtype, model.seed, initialize=False)
        for tensor, view in alone.tensors.items():
            view[...] = tensors[f"{name}/{tensor.partition('/')[2]}"]
        y = alone.network.predict([values.reshape(len(x), -1) for values in given], batch_size)
        return [in_shapes(y, alone.plan.output_shapes)]

    def through(plan: Plan, prefix: str, inputs: list[Real]) -> list[Real]:
        """Return all values of a plan."""
        stages, values = dict(plan.numbered), [*inputs]
        for number, given in plan.calls:
            stage = stages[number]
            values += outputs(f"{prefix}{stage.name}", stage.layer, [values[value] for value in given])
        return values

    # They are not rounded yet, as the first layer may subtract from them.
    return plan, through(plan, "", in_shapes(rows, plan.input_shapes))


def recompute_statistics(model: Trained[Any], x: Inputs, batch_size: int = 256) -> None:
    """Replace the running means and variances of batch normalisation by those of all of x.

    They are those of what each layer gets in `predict`, layer after layer, so that the later ones see the new
    statistics of the earlier ones. With bias correction those of an untrained layer count as of one batch.

    Args:
        model: A built model.
        x: Inputs ``[n, features]``, most often those of training.
        batch_size: Samples computed at a time, at least 1; it changes memory and speed only.

    Raises:
        RuntimeError, TypeError, ValueError: As `predict`; or a batch normalisation is called more than once, with
            values of their own statistics; nothing has changed, nor has it after Ctrl-C.

    Source:
        Ioffe and Szegedy, ICML 2015, algorithm 2, with all samples as one batch.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> model = fo.Sequential([fo.layers.BatchNormalization()])
        >>> x = np.array([[1.0], [3.0]])
        >>> model.build(1)
        >>> model.recompute_statistics(x)
        >>> model.predict(x).round(2)[:, 0]
        array([-1.,  1.], dtype=float32)
    """
    found: dict[str, Real] = {}

    def visit(name: str, layer: Layer, values: Real) -> dict[str, Real]:
        if not isinstance(layer, BatchNormalization):
            return {}
        if f"{name}/steps" in found:
            raise ValueError(f"{name} is called more than once, with values of different means and variances.")
        steps = model.state[f"{name}/steps"].copy()
        share = 1.0
        if layer.bias_correction:
            steps[...] = np.maximum(steps, 1.0)  # those of an untrained layer count as of one batch
            share -= layer.momentum ** float(steps[0])
        mean, variance = _moments(values, Channels.of(layer, values.shape[1:], layer.axis).last)
        new = {"steps": steps, "moving_mean": share * mean, "moving_variance": share * variance}
        new = {f"{name}/{tensor}": array for tensor, array in new.items()}
        found.update(new)
        return new

    _values(model, x, batch_size, visit)
    state = model.state
    assign([state[name] for name in found], [*found.values()])


def _moments(values: Real, channels_last: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean and the variance of each channel in float64, part by part: Ctrl-C comes between them."""
    axes = (0, *range(1, values.ndim - 1)) if channels_last else (0, *range(2, values.ndim))
    rows = max(1, (1 << 20) // max(1, values[0].size))
    parts = [values[i : i + rows] for i in range(0, len(values), rows)]
    count = values.size // values.shape[-1 if channels_last else 1]
    mean = sum(part.sum(axes, np.float64) for part in parts) / count
    shape = [1 if axis in axes else -1 for axis in range(values.ndim)]
    variance = sum(np.square(part - mean.reshape(shape)).sum(axes) for part in parts) / count
    return mean, variance
