"""Models of every layer and activation, with weights that are not those that they start from, for tests of export."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import cases
import fastopt as fo
from fastopt import layers
from fastopt.preprocessing import Standardizer

MAP = {"data_format": "channels_first"}


def _several(dtype: str) -> fo.Model:
    """Two inputs, one of them ids; layers that are called twice; a model within; two outputs."""
    numbers, ids = fo.Input((2, 2), "numbers"), fo.Input(2, "ids")
    twice = layers.Dense(4, "tanh")
    inner = fo.Sequential([layers.Dense(4), layers.PReLU()], name="inner")
    h = twice(twice(layers.Flatten()(numbers)))
    e = layers.Flatten()(layers.Embedding([3, 5], 2)(ids))
    joined = layers.Concatenate()([layers.Add()([h, inner(h), e]), e])
    outputs = [layers.Dense(1, name="value")(joined), layers.Dense(3, "softmax", name="policy")(joined)]
    return fo.Model([numbers, ids], outputs, dtype=dtype)


def _members(dtype: str) -> fo.Sequential:
    stack = [layers.MemberScale(3, "relu", True), layers.Dense(4), layers.MemberScale(3), layers.MemberDense(2, 3)]
    return _sequential(stack, (3,), dtype)


def _sequential(stack: list[Any], shape: tuple[int, ...], dtype: str) -> fo.Sequential:
    model = fo.Sequential(stack, dtype=dtype)
    model.build(shape)
    return model


def _scaler(n: int) -> Standardizer:
    return Standardizer().fit(np.random.default_rng(1).normal(3, 2, (9, n)))


OTHERS: dict[str, tuple[list[Any], tuple[int, ...]]] = {
    "fitted scaler": ([layers.Scaling(_scaler(3)), layers.Dense(2)], (3,)),
    "scaling by a matrix with a center": ([layers.Scaling("centered_matrix", outputs=2)], (3,)),
    "rescaling far from 0": ([layers.Rescaling(0.5, 2000.0)], (2, 3)),
    "softmax of a sample": ([layers.Activation("softmax", axis=None)], (2, 3)),
    "shared embedding": ([layers.Embedding(7, 3)], (4,)),
    "conv2d dilated, first": ([layers.Conv2D(4, (3, 2), 1, "same", dilation_rate=2, groups=2, **MAP)], (2, 7, 6)),
    "conv2d strided, same": ([layers.Conv2D(3, 3, 2, "same", activation="relu")], (6, 5, 2)),
    "conv1d causal": ([layers.Conv1D(3, 3, padding="causal", dilation_rate=2)], (7, 2)),
    "depthwise, first": ([layers.DepthwiseConv2D((2, 3), 2, "same", 2, **MAP)], (3, 5, 6)),
    "max pooling, same": ([layers.MaxPooling2D(3, 2, "same")], (5, 6, 3)),
    "average pooling, same": ([layers.AveragePooling1D(3, 2, "same"), layers.Dropout(0.1), layers.PReLU()], (6, 2)),
    "average pooling, first": ([layers.AveragePooling2D((1, 2), **MAP)], (2, 3, 5)),
    "global pooling": ([layers.GlobalMaxPooling1D(**MAP)], (2, 5)),
    "global pooling of maps": ([layers.GlobalMaxPooling2D(keepdims=True)], (2, 3, 2)),
    "global mean of a series": ([layers.GlobalAveragePooling1D()], (4, 3)),
    "zero padding, first": ([layers.ZeroPadding2D(((1, 0), (0, 2)), **MAP)], (2, 2, 3)),
    "zero padding of a series": ([layers.ZeroPadding1D((2, 1))], (3, 2)),
    "cropping of maps": ([layers.Cropping2D(((0, 1), (2, 0)))], (3, 5, 2)),
    "up-sampling, first": ([layers.UpSampling2D((2, 3), **MAP)], (2, 2, 3)),
    "up-sampling of a series": ([layers.UpSampling1D(3)], (2, 3)),
}


def _stacks() -> Iterator[tuple[str, list[Any], tuple[int, ...]]]:
    """Layers, each of which feeds the next, and the shape of a sample."""
    for name, stack in cases.LAYERS.items():
        shape = stack.shapes[min(1, len(stack.shapes) - 1)]
        yield name, [*stack.make(shape), *([] if stack.last else [layers.Activation("tanh")])], shape
    for name, (stack, shape) in OTHERS.items():
        yield name, [type(layer).from_config(layer.get_config()) for layer in stack], shape


def _side_by_side(dtype: str) -> fo.Model:
    """One model of all the stacks, each with an input and an output of its own."""
    inputs, outputs = [], []
    for _, stack, shape in _stacks():
        inputs.append(value := fo.Input(shape))
        for layer in stack:
            value = layer(value)
        outputs.append(value)
    return fo.Model(inputs, outputs, dtype=dtype)


MODELS: dict[str, Callable[[str], Any]] = {
    **{name: functools.partial(_sequential, stack, shape) for name, stack, shape in _stacks()},
    "several inputs and outputs": _several,
    "members": _members,
    "side by side": _side_by_side,
}


def made(name: str, dtype: str) -> tuple[Any, list[np.ndarray]]:
    """A model, and samples for each of its inputs."""
    model, rng = MODELS[name](dtype), np.random.default_rng(0)
    built = model._need_weights()
    for key, view in built.tensors.items():
        if "piecewise" in key and key.endswith(("start", "scale")):
            continue  # where bins are is no matter of chance
        drawn = rng.normal(0, 0.5, view.shape)
        view[...] = abs(drawn) + 0.5 if key.endswith(("variance", "steps")) else drawn
    x = []
    for shape, counts in zip(built.plan.input_shapes, built.plan.ids, strict=True):
        ids = None if counts is None else rng.integers(0, counts, (6, len(counts)))
        x.append(rng.normal(size=(6, *shape)).astype(dtype) if ids is None else ids)
    return model, x


def layers_within(layer: Any) -> Iterator[type]:
    """The class of a layer, and of those within it."""
    yield type(layer)
    for inner in [*getattr(getattr(layer, "network", layer), "layers", [])]:
        yield from layers_within(inner)
