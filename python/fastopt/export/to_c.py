"""Models as a file of C99 without dependencies."""

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt.export.functions import EXPRESSIONS, FUNCTIONS, WINDOW
from fastopt.export.nodes import Node, nodes_of, normalized_kernel, running_moments
from fastopt.layers.base import Shape, size_of
from fastopt.model.built import Built
from fastopt.model.plan import Plan

__all__ = ["KINDS", "c_file"]

SAME = ("activity", "dropout", "gaussian_noise", "pass")  # kinds whose values are those of their input
WINDOWED = ("convolve", "pool", "repeat")
Array = NDArray[Any]


class Source:
    """The functions, the constants and the calls of a file under construction.

    Args:
        dtype: That of the model.
    """

    def __init__(self, dtype: str) -> None:
        self.real = "float" if dtype == "float32" else "double"
        self.end = "f" if dtype == "float32" else ""
        self.functions: dict[str, str] = {}
        self.constants: list[str] = []
        self.calls: list[str] = []

    def call(self, function: str, *arguments: object) -> None:
        """Add a call."""
        text = ", ".join(map(str, arguments))
        self.functions[function] = FUNCTIONS[function] if function in FUNCTIONS else _elementwise(function)
        self.calls.append(f"{function}({text});")

    def activate(self, name: str, size: int, y: str = "Y") -> None:
        """Apply an activation to values in their place."""
        if name != "linear":
            self.call(*(("softmax", y, 1, size) if name == "softmax" else (f"apply_{name}", y, size)))

    def constant(self, values: Array | None) -> str:
        """Return the name of an array, 0 for none."""
        if values is None:
            return "0"
        return self._array(self.real, [self.number(v) for v in np.ravel(values).tolist()])

    def integers(self, values: list[int]) -> str:
        """Return the name of an array of integers."""
        return self._array("int", [str(v) for v in values])

    def window(self, n: Node) -> str:
        """Return the address of where the windows of a node lie."""
        names = [f"{what}_{axis}" for what in ("kernel", "stride", "dilation") for axis in ("height", "width")]
        names = ["height", "width", "channels", "channels_last", *names, "pad_top", "pad_left"]
        numbers = ", ".join(str(int(n[name])) for name in (*names, "out_height", "out_width"))
        self.constants.append(f"static const Window c{len(self.constants)} = {{{numbers}}};")
        return f"&c{len(self.constants) - 1}"

    def number(self, value: float) -> str:
        """Return a number of the dtype of the model, to the bit."""
        text = f"{value:.9g}" if self.end else f"{value:.17g}"
        return text + ("" if "." in text or "e" in text else ".0") + self.end

    def text(self, template: str) -> str:
        """Return C for the dtype of the model."""
        return re.sub(r"(?<=[\w.])R\b", self.end, re.sub(r"\breal\b", self.real, template))

    def _array(self, kind: str, values: list[str]) -> str:
        name, rows = f"c{len(self.constants)}", (values[i : i + 8] for i in range(0, len(values), 8))
        lines = ",\n".join("  " + ", ".join(row) for row in rows)
        self.constants.append(f"static const {kind} {name}[{len(values)}] = {{\n{lines}}};")
        return name


def _elementwise(name: str) -> str:
    expression = EXPRESSIONS[name.removeprefix("apply_")]
    return f"""
static void {name}(real *y, int n) {{
  for (int i = 0; i < n; ++i) {{
    const real v = y[i];
    y[i] = {expression};
  }}
}}
"""


# What a node does to its inputs, values by name and size, to make Y, whose size it returns.
X = tuple[str, int]


def _activation(c: Source, n: Node, x: X) -> int:
    c.call("copy", x[0], "Y", x[1])
    c.activate(n["activation"], x[1])
    return x[1]


def _softmax(c: Source, n: Node, x: X) -> int:
    c.call("copy", x[0], "Y", x[1])
    c.call("softmax", "Y", n["places"], x[1] // n["places"])
    return x[1]


def _dense(c: Source, n: Node, x: X) -> int:
    kernel = normalized_kernel(n) if n.kind == "weight_normalization" else n.tensors["kernel"]
    bias = n.tensors["bias"] if n["use_bias"] else None
    c.call("dense", x[0], c.constant(kernel), c.constant(bias), "Y", x[1], n["units"])
    return int(n["units"])


def _affine(c: Source, x: X, *tensors: Array | None, space: int = 1, channels: int = 0) -> int:
    names = [c.constant(tensor) for tensor in tensors]
    c.call("affine", x[0], *names, "Y", x[1], space, channels or x[1])
    return x[1]


def _channels(n: Node, x: X) -> tuple[int, int]:
    """Return how many values of a channel are side by side, and the channels."""
    return 1 if n["channels_last"] else x[1] // n["channels"], n["channels"]


def _batch_normalization(c: Source, n: Node, x: X) -> int:
    mean, scale = running_moments(n)
    space, channels = _channels(n, x)
    return _affine(c, x, mean, scale, n.tensors.get("beta"), space=space, channels=channels)


def _group_normalization(c: Source, n: Node, x: X) -> int:
    groups, space = n["groups"] * n["places"], x[1] // (n["channels"] * n["places"])
    size = n["channels"] // n["groups"]
    blocks, size = (space, size) if n["channels_last"] else (1, size * space)
    c.call("normalize", x[0], "Y", groups, blocks, size, int(n["centred"]), c.number(n["epsilon"]))
    if n.tensors:
        space, channels = (1, x[1]) if n["per_element"] else _channels(n, (x[0], x[1] // n["places"]))
        _affine(c, ("Y", x[1]), None, n.tensors.get("gamma"), n.tensors.get("beta"), space=space, channels=channels)
    return x[1]


def _prelu(c: Source, n: Node, x: X) -> int:
    if n.kind == "leaky_relu":
        alpha, space, channels = np.array([n["negative_slope"]]), 1, 1
    else:
        alpha, (space, channels) = n.tensors["alpha"], _channels(n, x)
    c.call("prelu", x[0], c.constant(alpha), "Y", x[1], space, channels)
    return x[1]


def _parametric(c: Source, n: Node, x: X) -> int:
    size = _activation(c, n, x)
    c.call("blend", x[0], c.constant(n.tensors["alpha"]), "Y", size)
    return size


def _max_pieces(c: Source, n: Node, x: X) -> int:
    units = x[1] // n["pieces"]
    c.call("max_pieces", x[0], "Y", units, n["pieces"])
    return int(units)


def _add(c: Source, n: Node, first: X, *others: X) -> int:
    for i, other in enumerate(others):
        c.call("add", "Y" if i else first[0], other[0], "Y", first[1])
    return first[1]


def _concatenate(c: Source, n: Node, *xs: X) -> int:
    size = 0
    for x in xs:
        c.call("copy", x[0], f"Y + {size}", x[1])
        size += x[1]
    return size


def _convolution(c: Source, n: Node, x: X) -> int:
    depthwise = n.kind == "depthwise_convolution"
    groups = n["channels"] if depthwise else n["groups"]
    filters = groups * n["multiplier"] if depthwise else n["filters"]
    tensors = c.constant(n.tensors["kernel"]), c.constant(n.tensors["bias"] if n["use_bias"] else None)
    c.call("convolve", x[0], *tensors, "Y", c.window(n), groups, filters)
    return int(n["out_height"] * n["out_width"] * filters)


def _pool(c: Source, n: Node, x: X) -> int:
    what = {"max_pool": "'>'", "mean_pool": "'/'", "pad": "'+'"}[n.kind]
    c.call("pool", x[0], "Y", c.window(n), what)
    return int(n["out_height"] * n["out_width"] * n["channels"])


def _repeat(c: Source, n: Node, x: X) -> int:
    c.call("repeat", x[0], "Y", c.window(n))
    return int(n["height"] * n["width"] * n["channels"])


def _embedding(c: Source, n: Node, x: X) -> int:
    counts = [count for name, count in n.spec.items() if name.startswith("ids_")]
    first = np.cumsum([0, *counts[:-1]]).tolist() if counts else [0] * x[1]
    table = n.tensors["embeddings"]
    c.call("look_up", x[0], c.constant(table), c.integers(first), "Y", x[1], table.shape[1])
    return int(x[1] * table.shape[1])


def _periodic(c: Source, n: Node, x: X) -> int:
    phases = n.tensors["phases"] / (2 * math.pi) if n["phases"] else None
    c.call("periodic", x[0], c.constant(n.tensors["frequencies"]), c.constant(phases), "Y", x[1], n["frequencies"])
    return int(x[1] * n["frequencies"] * (1 if n["phases"] else 2))


def _feature_dense(c: Source, n: Node, x: X) -> int:
    inputs, units = x[1] // n["features"], n["units"]
    kernel, bias = c.constant(n.tensors["kernel"]), c.constant(n.tensors["bias"])
    for f in range(n["features"]):
        own = 0 if n["shared"] else f
        tensors = f"{kernel} + {own * inputs * units}", f"{bias} + {own * units}"
        c.call("dense", f"{x[0]} + {f * inputs}", *tensors, f"Y + {f * units}", inputs, units)
    return int(n["features"] * units)


def _piecewise(c: Source, n: Node, x: X) -> int:
    tensors = c.constant(n.tensors["start"]), c.constant(n.tensors["scale"])
    c.call("piecewise", x[0], *tensors, "Y", x[1], n["pieces"])
    return int(x[1] * n["pieces"])


KINDS: dict[str, Callable[..., int]] = {
    "activation": _activation,
    "add": _add,
    "batch_normalization": _batch_normalization,
    "center": lambda c, n, x: _affine(c, x, n.tensors["center"], None, None),
    "concatenate": _concatenate,
    "convolution": _convolution,
    "dense": _dense,
    "depthwise_convolution": _convolution,
    "diagonal": lambda c, n, x: _affine(c, x, None, n.tensors["scale"], None),
    "embedding": _embedding,
    "feature_dense": _feature_dense,
    "group_normalization": _group_normalization,
    "leaky_relu": _prelu,
    "max_pieces": _max_pieces,
    "max_pool": _pool,
    "mean_pool": _pool,
    "pad": _pool,
    "parametric": _parametric,
    "periodic": _periodic,
    "piecewise": _piecewise,
    "prelu": _prelu,
    "repeat": _repeat,
    "scale": lambda c, n, x: _affine(c, x, None, n.tensors["kernel"], n.tensors["bias"]),
    "softmax": _softmax,
    "weight_normalization": _dense,
}


class Buffers:
    """Arrays that take turns at holding values."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self._until: list[float] = []

    def take(self, size: int, now: int, until: float) -> str:
        """Return the name of an array that is free now, for a value that is needed until some node."""
        free = [i for i, end in enumerate(self._until) if end < now]
        best = min(free, key=lambda i: abs(self.sizes[i] - size), default=len(self.sizes))
        if best == len(self.sizes):
            self.sizes.append(0)
            self._until.append(0)
        self.sizes[best] = max(self.sizes[best], size)
        self._until[best] = until
        return f"b{best}"


def c_file(built: Built, links: list[str], name: str, version: str) -> bytes:
    """Return a model as a file of C holds it.

    Args:
        built: The layers and their weights.
        links: Of each output, the name of the activation that it goes through behind its layer.
        name: What the names of the file begin with.
        version: That of fastopt.

    Raises:
        ValueError: Layers have no form in C.
    """
    plan, nodes = built.plan, nodes_of(built)
    missing = dict.fromkeys(node.layer for node in nodes if node.kind not in KINDS and node.kind not in SAME)
    if missing:
        raise ValueError(f"{', '.join(missing)} {'has' if len(missing) == 1 else 'have'} no form in C.")
    prefix = re.sub(r"\W", "_", name, flags=re.ASCII)
    prefix = f"model_{prefix}" if prefix[:1].isdigit() else prefix
    c, buffers = Source(built.network.dtype), Buffers()
    xs, ys = _numbered("x", len(plan.sizes)), _numbered("y", len(plan.ends))
    values: list[X] = [*zip(xs, plan.sizes, strict=True)]
    roots = list(range(len(values)))  # the values that are the same as others
    for i, node in enumerate(nodes):
        roots.append(roots[node.inputs[0]] if node.kind in SAME else len(plan.sizes) + i)
    until = {roots[value]: float(i) for i, node in enumerate(nodes) for value in node.inputs}
    until |= {roots[end]: math.inf for end in plan.ends}
    for i, node in enumerate(nodes):
        if node.kind in SAME:
            values.append(values[node.inputs[0]])
            continue
        begin = len(c.calls)
        size = KINDS[node.kind](c, node, *(values[source] for source in node.inputs))
        if node.kind not in ("activation", "parametric"):  # whose function is their own matter
            c.activate(node.spec.get("activation", "linear"), size)
        y = buffers.take(size, i, until[len(values)])
        c.calls[begin:] = [f"/* {_plain(node.layer)} */", *(re.sub(r"\bY\b", y, call) for call in c.calls[begin:])]
        values.append((y, size))
    for y, end, link in zip(ys, plan.ends, links, strict=True):
        c.call("copy", values[end][0], y, values[end][1])
        c.activate(link, values[end][1], y)
    return _text(c, buffers.sizes, prefix, plan, version).encode()


def _text(c: Source, sizes: list[int], name: str, plan: Plan, version: str) -> str:
    xs, ys = _numbered("x", len(plan.input_names)), _numbered("y", len(plan.output_names))
    given = zip(xs + ys, plan.input_names + plan.output_names, plan.input_shapes + plan.output_shapes, strict=True)
    described = "\n".join(f" *   {value}  {_plain(title)}: {_shape(shape)}" for value, title, shape in given)
    arguments = [f"const {c.real} *{x}" for x in xs] + [f"{c.real} *{y}" for y in ys]
    declaration = f"void {name}_predict({', '.join(arguments)})"
    functions = "".join(c.text(text) for text in c.functions.values())
    window = WINDOW if set(c.functions) & {*WINDOWED} else ""
    constants, calls = "\n".join(c.constants), "\n".join(f"  {call}" for call in c.calls)
    memory = "".join(f"  {name}_STORAGE {c.real} b{i}[{size}];\n" for i, size in enumerate(sizes))
    bytes_ = sum(sizes) * (4 if c.end else 8)
    return f"""/* {name}: written by fastopt {version}. C99; link with -lm.
 *
 * {declaration};
 *
 * takes one sample and writes what the model predicts for it:
{described}
 * The last axis runs fastest; ids of categories are whole numbers. It needs {bytes_} bytes of the stack for values in
 * between; with -D{name}_STORAGE=static they are static, and then it must not run twice at the same time.
 */
#include <math.h>

#ifndef {name}_STORAGE
#define {name}_STORAGE
#endif
{window}{functions}
{constants}

{declaration};

{declaration} {{
{memory}
{calls}
}}
"""


def _shape(shape: Shape) -> str:
    return f"{size_of(shape)} values" + (f" of shape ({', '.join(map(str, shape))})" if len(shape) > 1 else "")


def _numbered(letter: str, count: int) -> list[str]:
    """Return the names of arguments."""
    return [letter] if count == 1 else [f"{letter}{i}" for i in range(count)]


def _plain(name: str) -> str:
    """Return a name as a comment may hold it."""
    return re.sub(r"[^\w .-]", "_", name)
