"""Layers against PyTorch: values, all gradients and running statistics."""

import math

import cases
import numpy as np
import pytest

import fastopt as fo

torch = pytest.importorskip("torch")
functional = torch.nn.functional

EPSILON = 1e-3
BATCHES = (1, 2, 3, 32, 257)

ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": torch.relu,
    "leaky_relu": functional.leaky_relu,
    "elu": functional.elu,
    "selu": functional.selu,
    "softplus": functional.softplus,
    "softsign": functional.softsign,
    "sigmoid": torch.sigmoid,
    "hard_sigmoid": lambda x: (x + 3).clamp(0, 6) / 6,
    "tanh": torch.tanh,
    "hard_tanh": functional.hardtanh,
    "gelu": functional.gelu,
    "gelu_tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "silu": functional.silu,
    "mish": functional.mish,
    "softmax": lambda x: torch.softmax(x, 1),
}


def first(norm):
    """A function of channels on axis 1, for those on the last."""
    return lambda x, *parameters, **options: norm(x.movedim(-1, 1), *parameters, **options).movedim(1, -1)


def conv(x, w, b=None, **options):
    return functional.conv2d(x, w.movedim((-1, -2), (0, 1)), b, **options)


def batch_norm(x, gamma=None, beta=None):
    return functional.batch_norm(x, None, None, gamma, beta, training=True, eps=EPSILON)


def group_norm(groups):
    def call(x, gamma=None, beta=None):
        gamma = torch.ones(x.shape[1], dtype=x.dtype) if gamma is None else gamma  # it cannot be left out alone
        return functional.group_norm(x, groups or x.shape[1], gamma, beta, EPSILON)

    return call


def of_elements(norm):
    """With gamma and beta of each element."""

    def call(x, gamma=None, beta=None):
        y = norm(x)
        y = y if gamma is None else y * gamma.reshape(x.shape[1:])
        return y if beta is None else y + beta.reshape(x.shape[1:])

    return call


def layer_norm(axes):
    def call(x, gamma=None, beta=None):
        sizes = x.shape[-axes:]
        given = (None if p is None else p.reshape(sizes) for p in (gamma, beta))
        return functional.layer_norm(x, sizes, *given, EPSILON)

    return call


def rms_norm(x, gamma=None):
    y = functional.rms_norm(x, x.shape[-1:], eps=1e-6)
    return y if gamma is None else y * gamma


def rms_norm_of_all(x, gamma=None):
    y = functional.rms_norm(x, x.shape[1:], eps=1e-6)
    return y if gamma is None else y * gamma.reshape(-1, *[1] * (x.ndim - 2))


def maxout(pieces):
    def call(x, w, b=0.0):
        sums = x @ w + b
        return sums.reshape(len(x), -1, pieces).amax(2)

    return call


def periodic(x, c, w, b, phases=None):
    """Embeddings [n, features, values], before the activation."""
    u = 2 * math.pi * x[..., None] * c
    waves = torch.cat([u.cos(), u.sin()], 2) if phases is None else (u + phases).cos()
    return torch.einsum("nfk,fkd->nfd" if w.ndim == 3 else "nfk,kd->nfd", waves, w) + b


def piecewise(x):
    """Encodings [n, features, bins], those of a feature with fewer bins with zeros before its last."""
    bins = cases.bins(x.shape[1])
    most = max(map(len, bins)) - 1
    features = []
    for column, edges in zip(x.T, bins, strict=True):
        edges = torch.tensor(edges, dtype=x.dtype)
        parts = list(((column[:, None] - edges[:-1]) / edges.diff()).T)
        parts = [
            part.clamp(0.0 if t > 0 else None, 1.0 if t < len(parts) - 1 else None) if len(parts) > 1 else part
            for t, part in enumerate(parts)
        ]
        features.append(torch.stack([*parts[:-1], *(most - len(parts)) * [0 * column], parts[-1]], 1))
    return torch.stack(features, 1)


def norms(prefix, norm, last=True):
    """With channels on each axis, and without gamma or beta."""
    result = {f"{prefix} first": norm} | ({f"{prefix} last": first(norm)} if last else {})
    usual = first(norm) if last else norm
    return result | {
        f"{prefix} without scale": lambda x, *beta: usual(x, None, *beta),
        f"{prefix} without center": usual,
    }


def residual_norms(x, w, gamma, beta, gamma_2, beta_2, b=0.0):
    y = x + torch.relu(batch_norm(x @ w + b, gamma, beta))
    return y + torch.tanh(batch_norm(y, gamma_2, beta_2))


TWINS = {
    **{f"dense {name}": lambda x, w, b, f=f: f(x @ w + b) for name, f in ACTIVATIONS.items()},
    **{f"activation {name}": f for name, f in ACTIVATIONS.items()},
    "dense without bias": lambda x, w: torch.tanh(x @ w),
    "leaky relu": lambda x: functional.leaky_relu(x, 0.3),
    "prelu": first(functional.prelu),
    "prelu first": functional.prelu,
    "parametric mish": lambda x, a: x + a * (functional.mish(x) - x),
    "parametric selu": lambda x, a: x + a * (functional.selu(x) - x),
    "maxout": maxout(3),
    "maxout without bias": maxout(2),
    "periodic": lambda x, c, w, b: torch.tanh(periodic(x, c, w, b)).flatten(1),
    "periodic shared": lambda x, c, w, b: functional.gelu(periodic(x, c, w, b)).flatten(1),
    "periodic with phases": lambda x, c, p, w, b: torch.cat([periodic(x, c, w, b, p).flatten(1), x], 1),
    "piecewise": lambda x: piecewise(x).flatten(1),
    "piecewise dense": lambda x, w, b: torch.tanh(torch.einsum("nfk,fkd->nfd", piecewise(x), w) + b).flatten(1),
    "conv2d": lambda x, w, b: torch.tanh(first(conv)(functional.pad(x, (0, 0, 1, 1, 0, 1)), w, b)),
    "conv2d strided": lambda x, w: torch.softmax(first(conv)(x, w, stride=2, groups=2), -1),
    "conv2d pointwise, batch norm": lambda x, w, gamma, beta: torch.relu(first(batch_norm)(x @ w[0, 0], gamma, beta)),
    "depthwise": lambda x, w, b: functional.silu(
        first(functional.conv2d)(x, w.flatten(2).movedim(-1, 0)[:, None], b, groups=x.shape[-1])
    ),
    "conv1d first, batch norm": lambda x, w, b, gamma, beta, alpha: first(functional.prelu)(
        first(batch_norm)(functional.conv1d(x, w.movedim((-1, -2), (0, 1)), b), gamma, beta), alpha
    ),
    "weight norm": lambda x, v, b, g: torch.tanh(x @ (g * v / v.norm(dim=0)) + b),
    "weight norm of maxout": lambda x, v, g: maxout(2)(x, g * v / v.norm(dim=0)),
    "activation softmax of places": lambda x: torch.softmax(x, -1),
    "rescaling": lambda x: torch.tanh(0.5 * x - 0.25),
    "scaling": torch.tanh,  # by 1, as nothing has been fitted
    "scaling with a center": torch.tanh,
    "scaling by a matrix": torch.tanh,
    "scale": lambda x, s: torch.tanh(s * x),
    "max pooling": first(lambda x: functional.max_pool2d(x, 2)),
    "max pooling, overlapping": lambda x: torch.tanh(functional.max_pool1d(x, 3, 2)),
    "average pooling": lambda x: functional.avg_pool2d(x, 2, 1),
    "global average pooling": lambda x: x.mean((1, 2)),
    "zero padding": lambda x, alpha: first(functional.prelu)(functional.pad(x, (0, 0, 0, 2, 1, 0)), alpha),
    "cropping": lambda x, alpha: first(functional.prelu)(x[:, 1:-2], alpha),
    "interpolation": lambda x: torch.nn.functional.interpolate(
        x.movedim(-1, 1), scale_factor=(2, 3), mode="bilinear"
    ).movedim(1, -1),
    "up-sampling": lambda x: torch.tanh(x.repeat_interleave(2, 1).repeat_interleave(3, 2)),
    "flatten": lambda x: torch.tanh(x.flatten(1)),
    "reshape": lambda x, alpha: first(functional.prelu)(x.reshape(len(x), *reversed(x.shape[1:])), alpha),
    "residual": lambda x, w, b, v, c: x + torch.tanh(torch.relu(x @ w + b) @ v + c),
    "residual empty path": lambda x: x + torch.sigmoid(x),
    "residual with softmax": lambda x, w, b, v, c, u, d: (
        (y := torch.softmax(x @ w + b, 1)) + torch.softmax(y @ v + c, 1) @ u + d
    ),
    "residual nested": lambda x, w, b, v, c: torch.tanh(x + ((x @ w + b) + functional.silu(x @ w + b)) @ v + c),
    "residual with layer norm": lambda x, gamma, beta, w, b, v, c: (
        x + functional.gelu(group_norm(1)(x, gamma, beta) @ w + b) @ v + c
    ),
    "residual with batch norm": lambda x, w, b, *norms: residual_norms(x, w, *norms, b),
    "batch norm, activation": lambda x, w, gamma, beta: torch.tanh(batch_norm(x @ w, gamma, beta)),
    "batch norm twice": lambda x, gamma, beta, gamma_2, beta_2: first(batch_norm)(
        functional.gelu(first(batch_norm)(x, gamma, beta)), gamma_2, beta_2
    ),
    **norms("batch norm", batch_norm),
    "layer norm last": layer_norm(1),
    "layer norm without scale": lambda x, beta: layer_norm(1)(x, None, beta),
    "layer norm without center": layer_norm(1),
    "layer norm over two axes": layer_norm(2),
    **norms("layer norm of all", group_norm(1)),
    **norms("layer norm of elements", of_elements(group_norm(1))),
    "layer norm of elements last": of_elements(group_norm(1)),
    "layer norm of elements without scale": lambda x, beta: of_elements(group_norm(1))(x, None, beta),
    "layer norm of elements without center": of_elements(group_norm(1)),
    **norms("group norm", group_norm(2)),
    **norms("group norm of elements", of_elements(group_norm(2)), last=False),
    **norms("instance norm", group_norm(None)),
    **norms("instance norm of elements", of_elements(group_norm(None)), last=False),
    "rms norm last": rms_norm,
    "rms norm without scale": rms_norm,
    "rms norm of all first": rms_norm_of_all,
    "rms norm of all last": first(rms_norm_of_all),
    "rms norm of all without scale": rms_norm_of_all,
    "rms norm of elements last": of_elements(rms_norm_of_all),
    "rms norm of elements without scale": rms_norm_of_all,
}
NAMES = [name for name in cases.LAYERS if name not in cases.NOISY]


def close(got, want, dtype):
    """Relative to the largest: 1e-10 in float64, 1e-4 in float32."""
    want = want.detach().numpy()
    assert got.shape == want.shape
    bound = 1e-10 if dtype is np.float64 else 1e-4
    np.testing.assert_allclose(got, want, rtol=0, atol=bound * max(1.0, abs(want).max(initial=0.0)))


@pytest.mark.parametrize("name", NAMES)
def test_values_and_gradients(name, dtype, rng):
    for shape in cases.LAYERS[name].shapes:
        for batch in BATCHES:
            model = fo.Sequential(cases.LAYERS[name].make(shape), 0, np.dtype(dtype).name)
            model.build(shape)
            for parameter, view in model.parameters.items():
                view[...] = rng.normal(1.0 if parameter.endswith("gamma") else 0.0, 0.5, view.shape)
            x = rng.normal(size=(batch, *shape)).astype(dtype)
            if batch == 1 and len(shape) == 1 and "batch norm" in name:
                continue  # which is refused
            y = model(x)
            dy = rng.normal(size=y.shape).astype(dtype)
            dx = model.backward(dy)

            tensors = [torch.tensor(a.astype(np.float64), requires_grad=True) for a in (x, *model.parameters.values())]
            want = TWINS[name](*tensors)
            want.backward(torch.tensor(dy.astype(np.float64)))
            close(y, want, dtype)
            for got, tensor in zip((dx, *model.gradients.values()), tensors, strict=True):
                close(got, tensor.grad, dtype)


@pytest.mark.parametrize(("axis", "shape"), [(1, (7,)), (1, (3, 4)), (1, (5, 6, 4)), (-1, (6, 4, 5))])
def test_running_statistics(axis, shape, dtype, rng):
    """There the variance of a batch is divided by n - 1 before it is added to the running one."""
    layer = fo.layers.BatchNormalization(axis=axis, momentum=0.9, epsilon=1e-5)
    model = fo.Sequential([layer], dtype=np.dtype(dtype).name)
    channels = shape[0 if axis == 1 else -1]
    mean, variance = torch.zeros(channels, dtype=torch.float64), torch.ones(channels, dtype=torch.float64)
    for batch in (5, 32, 257):
        x = rng.normal(3.0, 2.0, (batch, *shape)).astype(dtype)
        model.backward(model(x))
        n = x.size / channels
        seen = variance.clone()
        wide = torch.tensor(x.astype(np.float64)).movedim(axis, 1)
        functional.batch_norm(wide, mean, seen, training=True, momentum=0.1)
        variance = 0.9 * variance + (seen - 0.9 * variance) * (n - 1) / n
    close(model.state["batch_normalization/moving_mean"], mean, dtype)
    close(model.state["batch_normalization/moving_variance"], variance, dtype)
    close(model.predict(x), functional.batch_norm(wide, mean, variance, training=False).movedim(1, axis), dtype)


@pytest.mark.parametrize("name", cases.NOISY)
def test_backward_of_noise(name, dtype, rng):
    """Behind dropout the gradient has the mask of the values, behind Gaussian noise it is what it was."""
    for shape in cases.LAYERS[name].shapes:
        layers = [*cases.LAYERS[name].make(shape), fo.layers.Activation("linear")]
        model = fo.Sequential(layers, 0, np.dtype(dtype).name)
        ones, dy = np.ones((33, *shape), dtype), rng.normal(size=(33, *shape)).astype(dtype)
        y = model(ones)
        np.testing.assert_array_equal(model.backward(dy), dy * (y if name == "dropout" else 1))
