"""Every loss and activation that PyTorch has too, value and gradient, against it in float64."""

import cases
import numpy as np
import pytest
from test_losses import kernel

from fastopt import kernels

torch = pytest.importorskip("torch")
functional = torch.nn.functional


def rows(loss):
    """Of a loss of single elements: the mean of each row."""
    return lambda y, t, **settings: loss(y, t, reduction="none", **settings).mean(axis=1)


def cross_entropy(y, t, **settings):
    return functional.cross_entropy(y, t, reduction="none", **settings)


def smoothed(y, t, label_smoothing):
    return rows(functional.binary_cross_entropy_with_logits)(y, (1 - label_smoothing) * t + label_smoothing / 2)


# By case; there is no log-cosh there, and its hinge loss is another one.
LOSSES = {
    "sparse_categorical_crossentropy": cross_entropy,
    "sparse_categorical_crossentropy smoothed": cross_entropy,
    "categorical_crossentropy": cross_entropy,
    "categorical_crossentropy smoothed": cross_entropy,
    "binary_crossentropy": rows(functional.binary_cross_entropy_with_logits),
    "binary_crossentropy smoothed": smoothed,
    "kl_divergence": lambda y, t: functional.kl_div(y.log_softmax(1), t, reduction="none").sum(axis=1),
    "mean_squared_error": rows(functional.mse_loss),
    "mean_absolute_error": rows(functional.l1_loss),
    "huber": rows(functional.huber_loss),
    "huber narrow": rows(functional.huber_loss),
    "huber wide": rows(functional.huber_loss),
    "squared_hinge": lambda y, t: (1 - t * y).clamp(min=0).square().mean(axis=1),
    "hinge": lambda y, t: (1 - t * y).clamp(min=0).mean(axis=1),
    "poisson": rows(functional.poisson_nll_loss),
}


@pytest.mark.parametrize("case", LOSSES)
@pytest.mark.parametrize("columns", [1, 10, 70])
def test_loss(case, columns, rng):
    x = rng.normal(0, 2, (33, columns))
    target = cases.make_target(cases.LOSS_CASES[case].target, rng, *x.shape, np.float64)
    there = torch.tensor(x, requires_grad=True)
    want = LOSSES[case](there, torch.tensor(target), **cases.LOSS_CASES[case].hyper)
    want.sum().backward()
    loss, gradient = kernel(case)(x, target)
    np.testing.assert_allclose(loss, want.detach().numpy(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(gradient, there.grad.numpy(), rtol=1e-12, atol=1e-12)


ACTIVATIONS = {
    "relu": functional.relu,
    "leaky_relu": functional.leaky_relu,
    "elu": functional.elu,
    "selu": functional.selu,
    "softplus": lambda x: functional.softplus(x, threshold=100),
    "softsign": functional.softsign,
    "sigmoid": torch.sigmoid,
    "hard_sigmoid": functional.hardsigmoid,
    "tanh": torch.tanh,
    "hard_tanh": functional.hardtanh,
    "gelu": functional.gelu,
    "gelu_tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "silu": functional.silu,
    "mish": functional.mish,
    "softmax": lambda x: functional.softmax(x, 1),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name, rng):
    x, dy = rng.normal(0, 3, (2, 33, 17))
    there = torch.tensor(x, requires_grad=True)
    want = ACTIVATIONS[name](there)
    want.backward(torch.tensor(dy))
    y = getattr(kernels, name)(x)
    at = x if cases.ACTIVATIONS[name].from_input else y
    np.testing.assert_allclose(y, want.detach().numpy(), rtol=1e-12, atol=1e-14)
    rtol = 1e-7 if name == "hard_sigmoid" else 1e-12  # whose slope of 1 / 6 is a float32 there
    np.testing.assert_allclose(kernels.activation_backward(name, at, dy), there.grad.numpy(), rtol=rtol, atol=1e-12)
