"""The tables that the tests run over: a new activation, loss, metric or update rule is tested by adding its row."""

import functools
import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import twins
from twins.activations import ACTIVATIONS

from cases.rules import *
from cases.rules import RULES
from fastopt import layers
from fastopt._core import runtime
from fastopt.optimizers import (
    SAM,
    SGD,
    Accumulate,
    Adam,
    AdamW,
    Average,
    Cautious,
    Clip,
    Decay,
    Lamb,
    LayerRates,
    Lookahead,
    RMSprop,
    Sequence,
)

ISAS = runtime.isas()
DTYPES = (np.float32, np.float64)
THREADS = (1, 2, 3, 4)
# Enough elements to be worth that many threads in every kernel, in odd numbers of rows and columns.
SHARED_SHAPE = (1003, 1049)

# Elements of the widest vector, 64 bytes; lengths up to two of them and one more; starts aligned for one element only.
LANES = {np.float32: 16, np.float64: 8}
STARTS = (0, 1, 2, 3)


def by_isa(names, *some) -> list[tuple[str, str]]:
    """Pairs of a name and an instruction set: all names with the best, some with each of the others.

    It is for what does not depend on both, as how elements are shared among threads.
    """
    best = runtime.isa()
    others = [(name, isa) for isa in ISAS if isa != best for name in some]
    return [*((name, best) for name in names), *others]


def lengths(dtype) -> range:
    return range(2 * LANES[dtype] + 2)


class Function(NamedTuple):
    """Elementwise function: its twin, and the error as of `twins.activations.Activation`."""

    forward: Callable
    ulp: float
    floor: float = 0.0


FUNCTIONS = {"exp": Function(np.exp, 1), "log": Function(np.log, 2)} | {
    name: Function(twin.forward, twin.ulp, twin.floor) for name, twin in ACTIVATIONS.items() if not twin.rows
}
ELEMENTWISE_ACTIVATIONS = [name for name, activation in ACTIVATIONS.items() if not activation.rows]
FUSED_ACTIVATIONS = [name for name in ELEMENTWISE_ACTIVATIONS if not ACTIVATIONS[name].from_input]


class Loss(NamedTuple):
    """Loss or metric: its twin, its target, and the settings of this case.

    Targets are "labels", "probabilities" (rows sum to 1), "bits", "signs" (-1 and 1), "counts" or "values".
    """

    forward: Callable
    target: str
    hyper: dict[str, float] = {}  # noqa: RUF012


LOSSES = {
    "sparse_categorical_crossentropy": Loss(twins.sparse_categorical_crossentropy, "labels"),
    "categorical_crossentropy": Loss(twins.categorical_crossentropy, "probabilities"),
    "binary_crossentropy": Loss(twins.binary_crossentropy, "bits"),
    "kl_divergence": Loss(twins.kl_divergence, "probabilities"),
    "mean_squared_error": Loss(twins.mean_squared_error, "values"),
    "mean_absolute_error": Loss(twins.mean_absolute_error_loss, "values"),
    "huber": Loss(twins.huber, "values", {"delta": 1.0}),
    "quantile": Loss(twins.quantile, "values", {"quantiles": [0.5]}),
    "log_cosh": Loss(twins.log_cosh, "values"),
    "hinge": Loss(twins.hinge, "signs"),
    "squared_hinge": Loss(twins.squared_hinge, "signs"),
    "poisson": Loss(twins.poisson, "counts"),
}
# Unusual settings, named by the loss, a space and anything.
LOSS_CASES = LOSSES | {
    "sparse_categorical_crossentropy smoothed": Loss(
        twins.smoothed_sparse_categorical_crossentropy, "labels", {"label_smoothing": 0.2}
    ),
    "categorical_crossentropy smoothed": Loss(
        twins.smoothed_categorical_crossentropy, "probabilities", {"label_smoothing": 0.1}
    ),
    "binary_crossentropy smoothed": Loss(twins.smoothed_binary_crossentropy, "bits", {"label_smoothing": 0.3}),
    "huber narrow": Loss(twins.huber, "values", {"delta": 0.25}),
    "quantile high": Loss(twins.quantile, "values", {"quantiles": [0.9]}),
    "huber wide": Loss(twins.huber, "values", {"delta": 4.0}),
}
METRICS = {
    "sparse_categorical_accuracy": Loss(twins.sparse_categorical_accuracy, "labels"),
    "categorical_accuracy": Loss(twins.categorical_accuracy, "probabilities"),
    "sparse_top_k_accuracy(2)": Loss(functools.partial(twins.sparse_top_k_accuracy, k=2), "labels"),
    "sparse_top_k_accuracy(1000)": Loss(functools.partial(twins.sparse_top_k_accuracy, k=1000), "labels"),
    "top_k_accuracy(3)": Loss(functools.partial(twins.top_k_accuracy, k=3), "probabilities"),
    "binary_accuracy": Loss(twins.binary_accuracy, "bits"),
    "mean_squared_error": Loss(twins.mean_squared_error_metric, "values"),
    "mean_absolute_error": Loss(twins.mean_absolute_error, "values"),
}


def make_target(kind: str, rng: np.random.Generator, rows: int, columns: int, dtype) -> np.ndarray:
    if kind == "labels":
        return rng.integers(0, columns, rows)
    if kind == "probabilities":
        return rng.dirichlet(np.ones(columns), rows).astype(dtype)
    if kind == "bits":
        return rng.integers(0, 2, (rows, columns)).astype(dtype)
    if kind == "signs":
        return rng.choice([-1, 1], (rows, columns)).astype(dtype)
    if kind == "counts":
        return rng.poisson(2, (rows, columns)).astype(dtype)
    return rng.normal(size=(rows, columns)).astype(dtype)


class Stack(NamedTuple):
    """Layers to be tested: how they are made for samples of a shape, and these shapes, the first of them small.

    `last`: they can be the last of a model.
    """

    make: Callable
    shapes: tuple[tuple[int, ...], ...]
    last: bool = True


FLAT = ((5,), (8,), (33,))
LAST = ((3, 4), (5, 3, 6), (2, 2, 34))  # the channels
PICTURES = ((2, 3, 1), (5, 4, 3), (3, 5, 4))
FIRST = ((4, 3), (6, 5, 3), (34, 2, 2))
MAPS = ((3, 4, 2), (5, 6, 3), (7, 5, 9))
SERIES = ((5, 4), (20, 3), (9, 8))


def bins(features: int) -> list[list[float]]:
    """Edges of one bin to five, so that the encodings of N(0, 1) do not have theirs where it is likely to be."""
    return [sorted(np.random.default_rng(i).normal(size=2 + i % 5).tolist()) for i in range(features)]


def norms(prefix: str, make: Callable, shapes: tuple, axes: dict[str, int], **options) -> dict[str, Stack]:
    """A normalisation with channels on each axis, and without gamma or beta."""
    result = {
        f"{prefix} {name}": Stack(lambda _, axis=axis: [make(axis=axis, **options)], FIRST if axis == 1 else shapes)
        for name, axis in axes.items()
    }
    usual = {"axis": next(iter(axes.values())), **options}
    first = next(iter(result.values())).shapes
    result[f"{prefix} without scale"] = Stack(lambda _: [make(scale=False, **usual)], first)
    if make is not layers.RMSNormalization:
        result[f"{prefix} without center"] = Stack(lambda _: [make(center=False, **usual)], first)
    return result


LAYERS = {
    **{f"dense {name}": Stack(lambda _, f=name: [layers.Dense(5, f)], FLAT) for name in ELEMENTWISE_ACTIVATIONS},
    **{f"activation {name}": Stack(lambda _, f=name: [layers.Activation(f)], LAST) for name in ELEMENTWISE_ACTIVATIONS},
    "dense softmax": Stack(lambda _: [layers.Dense(5, "softmax")], FLAT),
    "activation softmax": Stack(lambda _: [layers.Activation("softmax")], FLAT),
    "dense without bias": Stack(lambda _: [layers.Dense(6, "tanh", use_bias=False)], FLAT),
    "leaky relu": Stack(lambda _: [layers.LeakyReLU(0.3)], (*FLAT, *LAST)),
    "prelu": Stack(lambda _: [layers.PReLU()], (*FLAT, *LAST)),
    "prelu first": Stack(lambda _: [layers.PReLU(axis=1)], FIRST),
    "parametric mish": Stack(lambda _: [layers.ParametricActivation("mish", "lecun_normal")], FLAT),
    "parametric selu": Stack(lambda _: [layers.ParametricActivation("selu", "lecun_normal")], FLAT),
    "maxout": Stack(lambda _: [layers.Maxout(4, 3)], FLAT),
    "maxout without bias": Stack(lambda _: [layers.Maxout(3, use_bias=False)], FLAT),
    "periodic": Stack(lambda _: [layers.PeriodicEmbedding(3, 4, 0.5, "tanh")], FLAT),
    "periodic shared": Stack(lambda _: [layers.PeriodicEmbedding(4, 3, 0.5, "gelu", shared=True)], FLAT),
    "periodic with phases": Stack(lambda _: [layers.PeriodicEmbedding.pbld(4, 9, 0.5)], FLAT),
    "piecewise": Stack(lambda s: [layers.PiecewiseLinearEncoding(bins(*s))], FLAT),
    "piecewise dense": Stack(lambda s: [layers.PiecewiseLinearEncoding(bins(*s), 3, "tanh")], FLAT),
    "conv2d": Stack(lambda _: [layers.Conv2D(3, (2, 3), padding="same", activation="tanh")], PICTURES[:2]),
    "conv2d strided": Stack(
        lambda _: [layers.Conv2D(4, 2, 2, groups=2, activation="softmax", use_bias=False)], PICTURES[2:]
    ),
    "conv2d pointwise, batch norm": Stack(
        lambda _: [layers.Conv2D(5, 1), layers.BatchNormalization(), layers.Activation("relu")], PICTURES[:2]
    ),
    "depthwise": Stack(lambda _: [layers.DepthwiseConv2D(2, activation="silu", depth_multiplier=2)], PICTURES[1:]),
    "conv1d first, batch norm": Stack(
        lambda _: [layers.Conv1D(2, 2, data_format="channels_first"), layers.BatchNormalization(), layers.PReLU()],
        ((3, 4), (2, 9)),
    ),
    "weight norm": Stack(lambda _: [layers.WeightNormalization(layers.Dense(4, "tanh"))], FLAT),
    "weight norm of maxout": Stack(lambda _: [layers.WeightNormalization(layers.Maxout(3, use_bias=False))], FLAT),
    "scaling": Stack(lambda _: [layers.Scaling("diagonal"), layers.Activation("tanh")], FLAT),
    "scaling with a center": Stack(lambda _: [layers.Scaling("centered_diagonal"), layers.Activation("tanh")], FLAT),
    "scaling by a matrix": Stack(lambda _: [layers.Scaling("matrix"), layers.Activation("tanh")], FLAT),
    "rescaling": Stack(lambda _: [layers.Rescaling(0.5, -0.25), layers.Activation("tanh")], LAST),
    "scale": Stack(lambda _: [layers.Scale("lecun_normal"), layers.Activation("tanh")], FLAT),
    "layer norm over two axes": Stack(lambda _: [layers.LayerNormalization(axis=(-2, -1))], LAST),
    "activation softmax of places": Stack(lambda _: [layers.Activation("softmax")], LAST),
    "max pooling": Stack(lambda _: [layers.MaxPooling2D(2)], MAPS),
    "max pooling, overlapping": Stack(
        lambda _: [layers.MaxPooling1D(3, 2, data_format="channels_first"), layers.Activation("tanh")], SERIES
    ),
    "average pooling": Stack(lambda _: [layers.AveragePooling2D(2, 1, data_format="channels_first")], MAPS),
    "global average pooling": Stack(lambda _: [layers.GlobalAveragePooling2D()], MAPS),
    "zero padding": Stack(lambda _: [layers.ZeroPadding2D(((1, 0), (0, 2))), layers.PReLU()], MAPS),
    "cropping": Stack(lambda _: [layers.Cropping1D((1, 2)), layers.PReLU()], SERIES),
    "up-sampling": Stack(lambda _: [layers.UpSampling2D((2, 3)), layers.Activation("tanh")], MAPS),
    "interpolation": Stack(lambda _: [layers.UpSampling2D((2, 3), interpolation="bilinear")], MAPS),
    "dropout": Stack(lambda _: [layers.Dropout(0.4)], LAST, last=False),
    "noise": Stack(lambda _: [layers.GaussianNoise(0.3)], LAST, last=False),
    "flatten": Stack(lambda _: [layers.Flatten(), layers.Activation("tanh")], LAST),
    "reshape": Stack(lambda s: [layers.Reshape(s[::-1]), layers.PReLU()], LAST),
    "residual": Stack(lambda s: [layers.Residual([layers.Dense(7, "relu"), layers.Dense(*s, "tanh")])], FLAT),
    "residual empty path": Stack(lambda _: [layers.Residual([layers.Activation("sigmoid")])], FLAT),
    "residual with softmax": Stack(
        lambda s: [layers.Dense(*s, "softmax"), layers.Residual([layers.Dense(*s, "softmax"), layers.Dense(*s)])], FLAT
    ),
    "residual nested": Stack(
        lambda s: [
            layers.Residual([layers.Dense(6), layers.Residual([layers.Activation("silu")]), layers.Dense(*s)]),
            layers.Activation("tanh"),
        ],
        FLAT,
    ),
    "residual with layer norm": Stack(
        lambda s: [layers.Residual([layers.LayerNormalization(), layers.Dense(6, "gelu"), layers.Dense(*s)])], FLAT
    ),
    "residual with batch norm": Stack(
        lambda s: [
            layers.Residual([layers.Dense(*s), layers.BatchNormalization(), layers.Activation("relu")]),
            layers.Residual([layers.BatchNormalization(), layers.Activation("tanh")]),
        ],
        FLAT,
    ),
    "batch norm, activation": Stack(
        lambda _: [layers.Dense(6), layers.BatchNormalization(), layers.Activation("tanh")], FLAT
    ),
    "batch norm twice": Stack(
        lambda _: [layers.BatchNormalization(), layers.Activation("gelu"), layers.BatchNormalization()], LAST
    ),
    **norms("batch norm", layers.BatchNormalization, (*FLAT, *LAST), {"last": -1, "first": 1}),
    **norms("layer norm", layers.LayerNormalization, (*FLAT, *LAST), {"last": -1}),
    **norms("layer norm of all", layers.LayerNormalization, LAST, {"last": -1, "first": 1}, affine="channel"),
    **norms("layer norm of elements", layers.LayerNormalization, LAST, {"last": -1, "first": 1}, affine="element"),
    **norms(
        "group norm", functools.partial(layers.GroupNormalization, 2), LAST[:1] + LAST[2:], {"last": -1, "first": 1}
    ),
    **norms(
        "group norm of elements", functools.partial(layers.GroupNormalization, 2), (), {"first": 1}, affine="element"
    ),
    **norms("instance norm", layers.InstanceNormalization, LAST, {"last": -1, "first": 1}),
    **norms("instance norm of elements", layers.InstanceNormalization, (), {"first": 1}, affine="element"),
    **norms("rms norm", layers.RMSNormalization, (*FLAT, *LAST), {"last": -1}),
    **norms("rms norm of all", layers.RMSNormalization, LAST, {"last": -1, "first": 1}, affine="channel"),
    **norms("rms norm of elements", layers.RMSNormalization, LAST, {"last": -1}, affine="element"),
}
NOISY = [name for name, stack in LAYERS.items() if not stack.last]


# Every optimizer, so that each of the rules is someone's; made afresh for each test, as a step leaves its state.
OPTIMIZERS = {
    repr(optimizer): optimizer.fresh
    for optimizer in (
        *(rule.optimizer for rule in RULES if rule.optimizer is not None),
        Clip(Adam(0.01), value=0.1),
        Clip(Adam(0.01), norm=0.1),
        Decay(SGD(0.05, momentum=0.9), l1=1e-3, l2=1e-2, decoupled=1e-2),
        Accumulate(Adam(0.01), 3),
        LayerRates(RMSprop(0.01), {"bias": 2.0}),
        Lookahead(Adam(0.01), 3, 0.4),
        Average(SGD(0.05), start=2),
        Cautious(AdamW(0.01)),
        SAM(SGD(0.05, momentum=0.9)),
        SAM(Accumulate(Clip(Cautious(Adam(0.01)), global_norm=0.1), 2), 0.02, adaptive=True),
        Average(Lookahead(Accumulate(Clip(Decay(Lamb(0.01), l2=0.1), global_norm=0.1), 2)), 0.9),
        Accumulate(Clip(SGD(0.05, momentum=0.9, nesterov="look_ahead"), global_norm=0.5), 2),
        Sequence([(Adam(0.01), 1), (Clip(SGD(0.1), value=1.0), None)]),
    )
}
# Those that are given their gradients where the parameters are.
IN_PLACE = {
    name: make for name, make in OPTIMIZERS.items() if not ("look_ahead" in make().rule or name.startswith("SAM"))
}

# Networks that the speed is judged by: batch, sizes of the layers.
NETWORKS = [
    (32, (4, 32, 32, 2)),
    (64, (784, 64, 16, 10)),
    (256, (28, 300, 300, 2)),
    (128, (784, 1024, 1024, 10)),
]

# Matrix products: rows, inner, columns. Empty and single; odd and even; every tail of columns and of rows; sums longer
# than a block in cache; the layers of the networks.
SMALL_SHAPES = [
    *((m, k, n) for m in (0, 1, 2) for k in (0, 1, 2) for n in (0, 1, 2)),
    (1, 70, 0),
    (1, 0, 70),
    (3, 5, 7),
    (8, 8, 8),
    (13, 17, 19),
    (16, 64, 32),
    *((7, 9, n) for n in range(1, 66)),
    *((m, 9, 33) for m in range(1, 27)),
    *((9, k, 18) for k in range(1, 34)),
]
DEEP_SHAPES = [(5, 257, 33), (31, 300, 70), (6, 513, 64), (29, 1031, 129), (513, 7, 65)]
NETWORK_SHAPES = [(batch, k, n) for batch, sizes in NETWORKS for k, n in itertools.pairwise(sizes)]


class Layout(NamedTuple):
    """Samples to normalise: [n, channels, ...] or, with axis -1, [n, ..., channels], and groups of channels."""

    shape: tuple[int, ...]
    groups: int = 1
    axis: int = 1

    @property
    def channels(self) -> int:
        return self.shape[self.axis]

    def __str__(self) -> str:
        return f"{'x'.join(map(str, self.shape))}/{self.groups}{'' if self.axis == 1 else ' last'}"


# Every tail of features and of positions; rows that fit into registers and rows that do not; odd and even batches.
FLAT = [
    *(Layout((2, n)) for n in range(1, 34)),
    *(Layout((3, n)) for n in (47, 63, 64, 65, 127, 128, 129, 255, 256, 257, 1000, 1024)),
    *(Layout((n, 37)) for n in (1, 2, 3, 16, 31, 255, 256, 257)),
    Layout((600, 20)),
]
IMAGES = [
    *(Layout((3, c, s), 1, axis) for axis in (1, -1) for c, s in ((1, 1), (1, 5), (4, 1), (5, 3), (3, 17), (17, 4))),
    *(Layout((2, 3, s)) for s in range(1, 36)),
    *(Layout((2, 3, c), 1, -1) for c in range(1, 36)),
    *(Layout((n, 5, 6, 7), 1, axis) for axis in (1, -1) for n in (1, 2, 257)),
    Layout((2, 67, 5, 60)),
    Layout((2, 5, 60, 67), 1, -1),
    Layout((2, 3, 3000)),
    Layout((2, 3000, 3), 1, -1),
]
GROUPED = [
    *(Layout((3, 12), groups) for groups in (2, 3, 4, 6, 12)),
    *(Layout((2, 640), groups) for groups in (2, 5, 640)),
    *(Layout((3, 12, 5), groups, 1) for groups in (2, 3, 12)),
    *(Layout((3, 5, 12), groups, -1) for groups in (2, 3, 12)),
    *(Layout((2, 130, 3, 7), groups, 1) for groups in (2, 65, 130)),
    *(Layout((2, 3, 7, 130), groups, -1) for groups in (2, 65, 130)),
    *(Layout((2, 6, 700), groups, 1) for groups in (2, 6)),
    Layout((2, 700, 6), 2, -1),
    Layout((2, 3, 280), 4, -1),
]
# Worth several threads, with odd numbers of samples and channels.
SHARED_LAYOUTS = [
    Layout((1003, 1049)),
    Layout((997, 33, 31), 3),
    Layout((997, 31, 33), 3, -1),
    Layout((37, 1000, 29), 1),
]
