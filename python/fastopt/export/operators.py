"""What each activation and each kind of node is in ONNX: a function for each, of values ``[n, columns]``."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt.export.nodes import Node, normalized_kernel, running_moments

__all__ = ["ACTIVATIONS", "KINDS", "OPSET", "Graph"]

OPSET = 17
FLOAT, DOUBLE, INT64 = 1, 11, 7  # the numbers of types in ONNX

Value = str | NDArray[Any] | float


class Graph:
    """The operators and the constants of a file under construction.

    Args:
        onnx: The package.
        dtype: That of the model.
    """

    def __init__(self, onnx: Any, dtype: str) -> None:
        self.onnx = onnx
        self.dtype = np.dtype(dtype)
        self.type = FLOAT if dtype == "float32" else DOUBLE
        self.layer = ""  # that operators are added for
        self.operators: list[Any] = []
        self.constants: dict[Any, Any] = {}
        self._members: dict[int, str] = {}

    def __call__(self, operator: str, *inputs: Value, output: str = "", **attributes: Any) -> str:
        """Add an operator, and return the name of its output; numbers among its inputs become constants."""
        name = output or f"{self.layer}:{operator}_{len(self.operators)}"
        names = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        self.operators.append(self.onnx.helper.make_node(operator, names, [name], name, **attributes))
        return name

    def single(self, operator: str, x: str, *others: NDArray[Any], **attributes: Any) -> str:
        """Add an operator that onnxruntime has for float32 alone."""
        if self.type == FLOAT:
            return self(operator, x, *others, **attributes)
        names = [self.constant(other, np.float32) for other in others]
        return self("Cast", self(operator, self("Cast", x, to=FLOAT), *names, **attributes), to=DOUBLE)

    def constant(self, values: NDArray[Any] | float, dtype: Any = None) -> str:
        """Return the name of a constant; integers stay such, and other numbers have the dtype of the model."""
        array = np.asarray(values)
        if array.dtype != np.int64:
            array = array.astype(self.dtype if dtype is None else dtype)
        key = array.dtype, array.shape, array.tobytes()
        if key not in self.constants:
            name = f"{self.layer}:constant_{len(self.constants)}"
            self.constants[key] = self.onnx.numpy_helper.from_array(np.ascontiguousarray(array), name)
        return str(self.constants[key].name)

    def reshape(self, x: str, *sizes: int) -> str:
        """Give the samples another shape, -1 being what is left."""
        return self("Reshape", x, np.array([0, *sizes]))

    def member(self, members: int, x: str) -> str:
        """Return the number of the member of each row."""
        if members not in self._members:
            zero, one, number = np.array(0), np.array(1), np.array(members)
            rows = self("Gather", self("Shape", x), zero)
            self._members[members] = self("Mod", self("Range", zero, rows, one), number)
        return self._members[members]


def _gated(f: Graph, x: str, gate: str) -> str:
    return f("Mul", x, f("Sigmoid", gate))


def _gelu(f: Graph, x: str) -> str:
    return f("Mul", f("Mul", x, 0.5), f("Add", f.single("Erf", f("Mul", x, math.sqrt(0.5))), 1.0))


def _gelu_tanh(f: Graph, x: str) -> str:
    linear = math.sqrt(8 / math.pi)
    factor = f("Add", f("Mul", f("Mul", x, x), 0.044715 * linear), linear)
    return _gated(f, x, f("Mul", x, factor))


ACTIVATIONS: dict[str, Callable[[Graph, str], str]] = {
    "linear": lambda f, x: x,
    "relu": lambda f, x: f("Relu", x),
    "leaky_relu": lambda f, x: f("LeakyRelu", x, alpha=0.01),
    "elu": lambda f, x: f.single("Elu", x),
    "selu": lambda f, x: f.single("Selu", x),
    "softplus": lambda f, x: f.single("Softplus", x),
    "softsign": lambda f, x: f.single("Softsign", x),
    "sigmoid": lambda f, x: f("Sigmoid", x),
    "hard_sigmoid": lambda f, x: f.single("HardSigmoid", x, alpha=1 / 6, beta=0.5),
    "tanh": lambda f, x: f("Tanh", x),
    "hard_tanh": lambda f, x: f("Clip", x, -1.0, 1.0),
    "gelu": _gelu,
    "gelu_tanh": _gelu_tanh,
    "silu": lambda f, x: _gated(f, x, x),
    "mish": lambda f, x: f("Mul", x, f("Tanh", f.single("Softplus", x))),
    "softmax": lambda f, x: f("Softmax", x, axis=-1),
}


def _same(f: Graph, n: Node, x: str) -> str:
    return x


def _of_channels(f: Graph, n: Node, x: str, compute: Callable[[str, Callable[[Any], NDArray[Any]]], str]) -> str:
    """Return what is computed of the channels of x, from a function that gives tensors the shape that goes with it."""
    channels, last = n["channels"], n["channels_last"]
    y = compute(f.reshape(x, *((-1, channels) if last else (channels, -1))), lambda t: t if last else t[:, None])
    return f.reshape(y, -1)


def _affine(f: Graph, x: str, scale: Value | None, offset: Value | None) -> str:
    x = x if scale is None else f("Mul", x, scale)
    return x if offset is None else f("Add", x, offset)


def _dense(f: Graph, n: Node, x: str) -> str:
    kernel = normalized_kernel(n) if n.kind == "weight_normalization" else n.tensors["kernel"]
    return f("Gemm", x, kernel, *([n.tensors["bias"]] if n["use_bias"] else []))


def _activation(f: Graph, n: Node, x: str) -> str:
    return ACTIVATIONS[n["activation"]](f, x)


def _softmax(f: Graph, n: Node, x: str) -> str:
    return f.reshape(ACTIVATIONS["softmax"](f, f.reshape(x, n["places"], -1)), -1)


def _parametric(f: Graph, n: Node, x: str) -> str:
    return f("Add", x, f("Mul", f("Sub", _activation(f, n, x), x), n.tensors["alpha"]))


def _prelu(f: Graph, n: Node, x: str) -> str:
    return _of_channels(f, n, x, lambda v, shaped: f("PRelu", v, shaped(n.tensors["alpha"])))


def _add(f: Graph, n: Node, first: str, *others: str) -> str:
    for other in others:
        first = f("Add", first, other)
    return first


def _batch_normalization(f: Graph, n: Node, x: str) -> str:
    mean, scale = running_moments(n)
    beta = n.tensors.get("beta")

    def compute(v: str, shaped: Callable[[Any], NDArray[Any]]) -> str:
        return _affine(f, f("Sub", v, shaped(mean)), shaped(scale), None if beta is None else shaped(beta))

    return _of_channels(f, n, x, compute)


def _group_normalization(f: Graph, n: Node, x: str) -> str:
    groups, places = n["groups"], n["places"]
    size = n["channels"] // groups
    channels: tuple[int, ...]
    if n["channels_last"]:  # places are samples side by side; otherwise they are one sample's
        sizes, axes, channels = (-1, groups, size), ([2, 3] if places > 1 else [1, 3]), (groups, size)
    else:
        sizes, axes, channels = (groups, size, -1), [2, 3], (groups, size, 1)
    x = f.reshape(x, *sizes)
    if n["centred"]:
        x = f("Sub", x, f("ReduceMean", x, axes=axes))
    variance = f("ReduceMean", f("Mul", x, x), axes=axes)
    y = f("Div", x, f("Sqrt", f("Add", variance, n["epsilon"])))

    def shaped(tensor: NDArray[Any] | None) -> NDArray[Any] | None:
        if tensor is None or not n["per_element"]:
            return None if tensor is None else tensor.reshape(channels)
        return tensor.reshape(sizes)

    return f.reshape(_affine(f, y, shaped(n.tensors.get("gamma")), shaped(n.tensors.get("beta"))), -1)


def _after(n: Node, axis: str, before: str) -> int:
    """Return how many zeros a window needs behind the image along an axis."""
    seen = (n[f"out_{axis}"] - 1) * n[f"stride_{axis}"] + (n[f"kernel_{axis}"] - 1) * n[f"dilation_{axis}"] + 1
    return int(seen - n[axis] - n[before])


def _windows(n: Node) -> dict[str, Any]:
    """Return where the windows of a node lie, as attributes."""
    ends = [max(_after(n, "height", "pad_top"), 0), max(_after(n, "width", "pad_left"), 0)]
    return {
        "kernel_shape": [n["kernel_height"], n["kernel_width"]],
        "strides": [n["stride_height"], n["stride_width"]],
        "pads": [n["pad_top"], n["pad_left"], *ends],
    }


def _image(f: Graph, n: Node, x: str, compute: Callable[[str], str]) -> str:
    """Return what is computed of x as an image with its channels first."""
    height, width, channels = n["height"], n["width"], n["channels"]
    if not n["channels_last"]:
        return f.reshape(compute(f.reshape(x, channels, height, width)), -1)
    y = compute(f("Transpose", f.reshape(x, height, width, channels), perm=[0, 3, 1, 2]))
    return f.reshape(f("Transpose", y, perm=[0, 2, 3, 1]), -1)


def _convolution(f: Graph, n: Node, x: str) -> str:
    size = n["kernel_height"], n["kernel_width"]
    if n.kind == "convolution":
        groups, kernel = n["groups"], n.tensors["kernel"].reshape(*size, -1, n["filters"]).transpose(3, 2, 0, 1)
    else:
        groups = n["channels"]
        kernel = n.tensors["kernel"].transpose(2, 3, 0, 1).reshape(groups * n["multiplier"], 1, *size)
    tensors = [kernel, n.tensors["bias"]] if n["use_bias"] else [kernel]
    dilations = [n["dilation_height"], n["dilation_width"]]
    attributes = _windows(n) | {"group": groups, "dilations": dilations}
    return _image(f, n, x, lambda image: f.single("Conv", image, *tensors, **attributes))


def _max_pool(f: Graph, n: Node, x: str) -> str:
    return _image(f, n, x, lambda image: f("MaxPool", image, **_windows(n)))


def _mean_pool(f: Graph, n: Node, x: str) -> str:
    return _image(f, n, x, lambda image: f.single("AveragePool", image, **_windows(n)))


def _pad(f: Graph, n: Node, x: str) -> str:
    pads = [0, 0, n["pad_top"], n["pad_left"], 0, 0, _after(n, "height", "pad_top"), _after(n, "width", "pad_left")]
    return _image(f, n, x, lambda image: f("Pad", image, np.array(pads)))


def _repeat(f: Graph, n: Node, x: str) -> str:
    rows, depth = (n["out_height"], n["channels"]) if n["channels_last"] else (n["channels"] * n["out_height"], 1)
    repeats = np.array([1, 1, n["kernel_height"], 1, n["kernel_width"], 1])
    return f.reshape(f("Tile", f.reshape(x, rows, 1, n["out_width"], 1, depth), repeats), -1)


def _embedding(f: Graph, n: Node, x: str) -> str:
    counts = [count for name, count in n.spec.items() if name.startswith("ids_")]
    ids = f("Cast", x, to=INT64)
    if counts:
        ids = f("Add", ids, np.cumsum([0, *counts[:-1]], dtype=np.int64))
    return f.reshape(f("Gather", n.tensors["embeddings"], ids), -1)


def _periodic(f: Graph, n: Node, x: str) -> str:
    turns = f("Mul", f.reshape(x, -1, 1), n.tensors["frequencies"])
    if n["phases"]:
        turns = f("Add", turns, n.tensors["phases"] / (2 * math.pi))
    angle = f("Mul", f("Sub", turns, f("Round", turns)), 2 * math.pi)
    waves = [f("Cos", angle)] if n["phases"] else [f("Cos", angle), f("Sin", angle)]
    return f.reshape(waves[0] if n["phases"] else f("Concat", *waves, axis=2), -1)


def _feature_dense(f: Graph, n: Node, x: str) -> str:
    own = () if n["shared"] else (1,)  # a matrix of one row for each feature
    product = f("MatMul", f.reshape(x, n["features"], *own, -1), n.tensors["kernel"])
    return f.reshape(f("Add", f.reshape(product, n["features"], -1), n.tensors["bias"]), -1)


def _piecewise(f: Graph, n: Node, x: str) -> str:
    start, scale = n.tensors["start"], n.tensors["scale"]
    y = f("Mul", f("Sub", f.reshape(x, -1, 1), start), scale)
    low, high = np.zeros(start.shape), np.ones(start.shape)
    first = np.where(scale[:, 0] == 0, start.shape[1] - 1, 0)
    low[np.arange(len(low)), first] = -np.inf
    high[:, -1] = np.inf
    return f.reshape(f("Min", f("Max", y, low), high), -1)


def _max_pieces(f: Graph, n: Node, x: str) -> str:
    return f("ReduceMax", f.reshape(x, -1, n["pieces"]), axes=[2], keepdims=0)


def _member_scale(f: Graph, n: Node, x: str) -> str:
    member = f.member(n["members"], x)
    scale, *bias = (f("Gather", tensor, member) for tensor in n.tensors.values())
    return _affine(f, x, scale, bias[0] if bias else None)


def _member_dense(f: Graph, n: Node, x: str) -> str:
    member = f.member(n["members"], x)
    kernel, *bias = (f("Gather", tensor, member) for tensor in n.tensors.values())
    return _affine(f, f.reshape(f("MatMul", f.reshape(x, 1, -1), kernel), -1), None, bias[0] if bias else None)


KINDS: dict[str, Callable[..., str]] = {
    "activation": _activation,
    "activity": _same,
    "add": _add,
    "batch_normalization": _batch_normalization,
    "center": lambda f, n, x: f("Sub", x, n.tensors["center"]),
    "concatenate": lambda f, n, *xs: f("Concat", *xs, axis=1),
    "convolution": _convolution,
    "dense": _dense,
    "depthwise_convolution": _convolution,
    "diagonal": lambda f, n, x: f("Mul", x, n.tensors["scale"]),
    "dropout": _same,
    "embedding": _embedding,
    "feature_dense": _feature_dense,
    "gaussian_noise": _same,
    "group_normalization": _group_normalization,
    "leaky_relu": lambda f, n, x: f("LeakyRelu", x, alpha=n["negative_slope"]),
    "max_pieces": _max_pieces,
    "max_pool": _max_pool,
    "mean_pool": _mean_pool,
    "member_dense": _member_dense,
    "member_scale": _member_scale,
    "pad": _pad,
    "parametric": _parametric,
    "pass": _same,
    "periodic": _periodic,
    "piecewise": _piecewise,
    "prelu": _prelu,
    "repeat": _repeat,
    "scale": lambda f, n, x: _affine(f, x, n.tensors["kernel"], n.tensors["bias"]),
    "softmax": _softmax,
    "weight_normalization": _dense,
}
