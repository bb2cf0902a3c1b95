"""What is inside a model: the values of its layers, and exact statistics of them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from fastopt import _core
from fastopt.kernels import Real
from fastopt.layers import BatchNormalization, Dropout, Flatten, GaussianNoise, Layer, Reshape, Residual
from fastopt.layers.base import Channels, size_of
from fastopt.model.sequential import Sequential

__all__ = ["layer_outputs", "recompute_statistics"]

HANDS_ON = (Dropout, GaussianNoise, Flatten, Reshape)  # what `predict` only gives another shape

# Called with the name, the layer and its input ``[n, ...]`` before the layer computes.
Visitor = Callable[[str, Layer, Real], None]


def layer_outputs(model: Sequential, x: ArrayLike, batch_size: int = 256) -> dict[str, Real]:
    """Return what each layer makes of the inputs in `predict`, ``[n, ...]`` by the layer's name.

    It is meant for looking at: layer after layer, everything is kept.

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
    return _outputs(model, x, batch_size)


def _outputs(model: Sequential, x: ArrayLike, batch_size: int, visit: Visitor | None = None) -> dict[str, Real]:
    values, batch_size = model._whole(x, batch_size)
    outputs: dict[str, Real] = {}
    for stage in model.plan(values.shape[1:]):
        values = outputs[stage.name] = _output(model, stage.name, stage.layer, values, batch_size, visit)
    return outputs


def _output(model: Sequential, name: str, layer: Layer, x: Real, batch_size: int, visit: Visitor | None = None) -> Real:
    if visit is not None:
        visit(name, layer, x)
    shape = x.shape[1:]
    if isinstance(layer, HANDS_ON):
        return x.reshape(len(x), *layer.output_shape(shape))
    if isinstance(layer, Residual):
        y = x
        for inner, part in zip(layer.layer_names, layer.layers, strict=True):
            y = _output(model, f"{name}/{inner}", part, y, batch_size, visit)
        return x + y
    network = _core.Network(model.dtype, size_of(shape), layer.specs(shape), model.seed)
    own = [(layer.parameters(shape), network.parameters, model.parameters)]
    own.append((layer.state(shape), network.state, model.state))
    for tensors, parts, whole in own:
        views = [view for part in parts for view in part.values()]
        for tensor, view in zip(tensors, views, strict=True):
            view[...] = whole[f"{name}/{tensor}"]
    return network.predict(x.reshape(len(x), -1), batch_size).reshape(len(x), *layer.output_shape(shape))


def recompute_statistics(model: Sequential, x: ArrayLike, batch_size: int = 256) -> None:
    """Replace the running means and variances of batch normalisation by those of all of x.

    They are those of what each layer gets in `predict`, layer after layer, so that the later ones see the new
    statistics of the earlier ones. With bias correction those of an untrained layer count as of one batch.

    Args:
        model: A built model.
        x: Inputs ``[n, features]``, most often those of training.
        batch_size: Samples computed at a time, at least 1; it changes memory and speed only.

    Raises:
        RuntimeError, TypeError, ValueError: As `predict`; nothing has changed.

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

    def visit(name: str, layer: Layer, values: Real) -> None:
        if not isinstance(layer, BatchNormalization):
            return
        last = Channels.of(layer, values.shape[1:], layer.axis).last
        axes = tuple(axis for axis in range(values.ndim) if axis != (values.ndim - 1 if last else 1))
        steps = model.state[f"{name}/steps"]
        share = 1.0
        if layer.bias_correction:
            steps[...] = np.maximum(steps, 1.0)  # those of an untrained layer count as of one batch
            share -= layer.momentum ** float(steps[0])
        model.state[f"{name}/moving_mean"][...] = share * values.mean(axes, np.float64)
        model.state[f"{name}/moving_variance"][...] = share * values.var(axes, np.float64)

    _outputs(model, x, batch_size, visit)
