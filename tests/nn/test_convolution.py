"""Convolutions: values and gradients against PyTorch, and wrong shapes."""

import math
from typing import NamedTuple

import numpy as np
import pytest

import fastopt as fo
from fastopt import layers

BATCHES = (1, 2, 65)


class Case(NamedTuple):
    """A layer and the shape of an image with its channels last."""

    layer: fo.layers.Layer
    shape: tuple[int, ...]


def conv2d(filters, kernel, shape, **options):
    return Case(layers.Conv2D(filters, kernel, **options), shape)


def conv1d(filters, kernel, shape, **options):
    return Case(layers.Conv1D(filters, kernel, **options), shape)


def depthwise(kernel, shape, **options):
    return Case(layers.DepthwiseConv2D(kernel, **options), shape)


CASES = [
    conv2d(1, 1, (1, 1, 1)),
    conv2d(5, 1, (6, 5, 3)),
    conv2d(5, 1, (6, 5, 3), strides=2, use_bias=False),
    conv2d(6, 5, (9, 9, 1), padding="same"),
    conv2d(6, 5, (9, 9, 1)),
    conv2d(3, (2, 4), (7, 8, 2), padding="same"),
    conv2d(8, 3, (7, 6, 9), padding="same"),
    conv2d(17, (3, 2), (5, 7, 16), strides=(2, 1), padding="same"),
    conv2d(4, 3, (8, 9, 5), strides=2),
    conv2d(4, 2, (7, 7, 5), strides=3, padding="same"),
    conv2d(2, 3, (9, 8, 3), dilation_rate=2),
    conv2d(2, (3, 2), (9, 8, 3), dilation_rate=(1, 3), padding="same", strides=(2, 2)),
    conv2d(6, 3, (5, 5, 4), groups=2, padding="same"),
    conv2d(4, (1, 3), (4, 5, 4), groups=4, use_bias=False),
    conv2d(6, 1, (4, 5, 4), groups=2),
    conv2d(3, 7, (3, 4, 2), padding="same"),
    conv2d(10, (5, 4), (5, 4, 3)),
    conv2d(2, 2, (2, 3, 700)),
    conv2d(3, 3, (30, 31, 70), padding="same"),  # more places than are taken at a time
    conv2d(3, 3, (30, 31, 70), padding="same", strides=2),
    conv2d(2100, (1, 2), (2, 3, 2)),  # more filters than are taken at a time
    conv2d(2, 3, (65, 66, 9), padding="same", dilation_rate=30),  # a window that is taken by its taps
    conv2d(4, 2, (5, 6, 3000), padding="same", strides=2, dilation_rate=3, groups=2),
    conv2d(3, 2, (5, 6, 3000), padding="same", dilation_rate=3),  # also some channels at a time
    depthwise(3, (66, 65, 9), padding="same", dilation_rate=30),
    depthwise(2, (4, 3, 300), strides=2),  # more channels than are taken at a time
    conv1d(3, 5, (3000, 2), padding="same"),  # parts of a row at a time
    conv1d(3, 5, (3000, 2), padding="same", strides=2),
    depthwise(3, (5, 4, 1)),
    depthwise(1, (3, 4, 5)),
    depthwise(3, (9, 11, 17), padding="same"),
    depthwise((2, 3), (7, 9, 8), strides=(2, 3), padding="same", use_bias=False),
    depthwise(2, (5, 7, 3), depth_multiplier=3, dilation_rate=2),
    conv1d(4, 3, (9, 2)),
    conv1d(3, 4, (10, 3), strides=2, padding="same"),
    conv1d(6, 3, (8, 4), dilation_rate=2, groups=2, padding="causal"),
]
FORMATS = ("channels_last", "channels_first")


def moved(case, data_format):
    """The layer and its shape with the channels where the format has them."""
    config = case.layer.get_config() | {"data_format": data_format}
    shape = case.shape if data_format == "channels_last" else (case.shape[-1], *case.shape[:-1])
    return type(case.layer).from_config(config), shape


def padded(torch, layer, x):
    """The image [n, channels, ...] with its zeros; Keras's "same" has the odd one behind."""
    pads = []
    for size, kernel, stride, dilation in zip(
        x.shape[2:], layer.kernel_size, layer.strides, layer.dilation_rate, strict=True
    ):
        seen = (kernel - 1) * dilation + 1
        total = max((-(-size // stride) - 1) * stride + seen - size, 0)
        before = {"valid": 0, "same": total // 2, "causal": seen - 1}[layer.padding]
        pads = [before, total - before if layer.padding == "same" else 0, *pads]
    return torch.nn.functional.pad(x, pads)


def expected(torch, layer, x, w, b=None):
    axes = len(layer.kernel_size)
    first = layer.data_format == "channels_first"
    image = padded(torch, layer, x if first else x.movedim(-1, 1))
    call = torch.nn.functional.conv2d if axes == 2 else torch.nn.functional.conv1d
    kernel, groups = w.movedim((-1, -2), (0, 1)), layer.groups
    if isinstance(layer, layers.DepthwiseConv2D):
        kernel, groups = w.flatten(2).movedim(-1, 0)[:, None], w.shape[2]
    y = call(image, kernel, b, layer.strides, 0, layer.dilation_rate, groups)
    return y if first else y.movedim(1, -1)


@pytest.mark.parametrize("data_format", FORMATS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.layer} {case.shape}")
def test_against_torch(case, data_format, rng):
    torch = pytest.importorskip("torch")
    layer, shape = moved(case, data_format)
    for batch in BATCHES if math.prod(shape) < 10_000 else BATCHES[:2]:
        model = fo.Sequential([layer], dtype="float64")
        model.build(shape)
        for view in model.parameters.values():
            view[...] = rng.normal(size=view.shape)
        x = rng.normal(size=(batch, *shape))
        y = model(x)
        dy = rng.normal(size=y.shape)
        dx = model.backward(dy)
        tensors = [torch.tensor(a, requires_grad=True) for a in (x, *model.parameters.values())]
        want = expected(torch, layer, *tensors)
        want.backward(torch.tensor(dy))
        exact = (want.detach().numpy(), *(tensor.grad.numpy() for tensor in tensors))
        for got, wanted in zip((y, dx, *model.gradients.values()), exact, strict=True):
            assert got.shape == wanted.shape
            np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-10 * max(1.0, abs(wanted).max()))


BAD = {
    "larger": (layers.Conv2D(2, (3, 5)), (4, 4, 1), "kernel of 5 along the width, where its input has 4"),
    "dilated": (layers.Conv2D(2, 3, dilation_rate=2), (4, 5, 1), "kernel of 3, 5 with its dilation, along the height"),
    "longer": (layers.Conv1D(2, 3), (2, 4), "kernel of 3 along the steps, where its input has 2"),
    "flat": (layers.Conv2D(2, 3), (16,), r"needs samples \(n, height, width, channels\), not of shape \(n, 16\): put"),
    "no channels": (layers.Conv2D(2, 3, data_format="channels_first"), (5, 5), r"\(n, channels, height, width\)"),
    "too many": (layers.Conv1D(2, 3), (5, 5, 1), r"samples \(n, steps, channels\), not of shape \(n, 5, 5, 1\)\.$"),
    "groups": (layers.Conv2D(4, 3, groups=2), (5, 5, 3), "cannot split the 3 channels of its input into 2 groups"),
}


@pytest.mark.parametrize("name", BAD)
def test_wrong_shapes(name):
    layer, shape, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        fo.Sequential([layer]).build(shape)


@pytest.mark.parametrize("data_format", FORMATS)
@pytest.mark.parametrize("axis", [1, -1])
@pytest.mark.parametrize("plain", [True, False])
def test_batch_norm_behind(data_format, axis, plain, rng):
    """Its beta stands for the bias, and its factors can be folded into the weights, where the channels are the same."""
    norm = layers.BatchNormalization(axis=axis)
    conv = layers.DepthwiseConv2D(2, data_format=data_format, depthwise_constraint="unit_norm", name="conv2d")
    conv = layers.Conv2D(3, 2, data_format=data_format) if plain else conv
    model = fo.Sequential([conv, norm], dtype="float64")
    x = rng.normal(size=(5, 4, 4, 4))
    model(x)
    for view in (model.parameters | model.state).values():
        view[...] = rng.uniform(0.5, 2.0, view.shape)
    same = (axis == 1) == (data_format == "channels_first")
    assert ("conv2d/bias" in model.parameters) != same
    folded = model.fold()
    assert len(folded.layers) == (1 if same else 2)
    np.testing.assert_allclose(folded.predict(x), model.predict(x), rtol=1e-12, atol=1e-12)


def test_same_bits_on_every_team(dtype, rng, for_all_threads):
    x, y = rng.normal(size=(37, 9, 10, 3)).astype(dtype), rng.integers(0, 3, 37)

    def train():
        stack = [layers.Conv2D(40, 3, padding="same", activation="relu"), layers.Conv2D(8, 3, 2, groups=4)]
        model = fo.Sequential([*stack, layers.Flatten(), layers.Dense(3, "softmax")], 0, np.dtype(dtype).name)
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(x, y, epochs=2, verbose=0)
        return model.parameters.values()

    for_all_threads(train)
