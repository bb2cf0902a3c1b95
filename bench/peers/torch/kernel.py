"""Direct calls of the operators that autograd would call, without its book-keeping."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ...kernel import EPSILON, RATE, Kernel, KernelData, job
from ...kind import Job
from ..numpy.activations import SELU_ALPHA, SELU_SCALE

aten = torch.ops.aten
ALL = [True, True, True]

# y from x, and dx from dy, x and y.
ACTIVATIONS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor, Tensor, Tensor], Tensor]]] = {
    "linear": (torch.clone, lambda dy, x, y: dy.clone()),
    "relu": (torch.relu, lambda dy, x, y: aten.threshold_backward.default(dy, y, 0)),
    "leaky_relu": (aten.leaky_relu.default, lambda dy, x, y: aten.leaky_relu_backward.default(dy, x, 0.01, False)),
    "elu": (aten.elu.default, lambda dy, x, y: aten.elu_backward.default(dy, 1, 1, 1, True, y)),
    "selu": (
        lambda x: aten.elu.default(x, SELU_ALPHA, SELU_SCALE),
        lambda dy, x, y: aten.elu_backward.default(dy, SELU_ALPHA, SELU_SCALE, 1, True, y),
    ),
    "softplus": (aten.softplus.default, lambda dy, x, y: aten.softplus_backward.default(dy, x, 1, 20)),
    "softsign": (lambda x: x / (1 + x.abs()), lambda dy, x, y: dy * (1 - y.abs()).square()),
    "sigmoid": (torch.sigmoid, lambda dy, x, y: aten.sigmoid_backward.default(dy, y)),
    "hard_sigmoid": (aten.hardsigmoid.default, lambda dy, x, y: aten.hardsigmoid_backward.default(dy, x)),
    "tanh": (torch.tanh, lambda dy, x, y: aten.tanh_backward.default(dy, y)),
    "hard_tanh": (aten.hardtanh.default, lambda dy, x, y: aten.hardtanh_backward.default(dy, x, -1, 1)),
    "gelu": (aten.gelu.default, lambda dy, x, y: aten.gelu_backward.default(dy, x)),
    "gelu_tanh": (
        lambda x: aten.gelu.default(x, approximate="tanh"),
        lambda dy, x, y: aten.gelu_backward.default(dy, x, approximate="tanh"),
    ),
    "silu": (aten.silu.default, lambda dy, x, y: aten.silu_backward.default(dy, x)),
    "softmax": (
        lambda x: aten._softmax.default(x, -1, False),
        lambda dy, x, y: aten._softmax_backward_data.default(dy, y, -1, y.dtype),
    ),
}


@dataclass(frozen=True)
class Sweeps:
    """``forward(row, *inputs)``: y and what the gradient needs; ``backward(row, dy, *inputs, *those)``: the rest."""

    forward: Callable[..., Sequence[Tensor]]
    backward: Callable[..., Sequence[Tensor]]


def dense_forward(row: Kernel, x: Tensor, kernel: Tensor, bias: Tensor, z: Tensor) -> Sequence[Tensor]:
    before = torch.addmm(bias, x, kernel)
    return [before if row.activation == "linear" else ACTIVATIONS[row.activation][0](before)]


def dense_backward(
    row: Kernel, dy: Tensor, x: Tensor, kernel: Tensor, bias: Tensor, z: Tensor, y: Tensor
) -> Sequence[Tensor]:
    dx = dy.mm(kernel.t())
    return dx if row.activation == "linear" else ACTIVATIONS[row.activation][1](dx, z, x), x.t().mm(dy), dy.sum(0)


def rms_norm_backward(
    row: Kernel, dy: Tensor, x: Tensor, gamma: Tensor, beta: Tensor, y: Tensor, rstd: Tensor
) -> Sequence[Tensor]:
    """There is no such operator for processors: autograd calls these."""
    xhat, d = x * rstd, dy * gamma
    return rstd * (d - xhat * (d * xhat).mean(1, keepdim=True)), (dy * xhat).sum(0)


def grouped(row: Kernel, x: Tensor) -> tuple[int, int, int, int]:
    return x.size(0), x.size(1), x.size(2), row.groups


def prelu_backward(row: Kernel, dy: Tensor, x: Tensor, alpha: Tensor, y: Tensor) -> Sequence[Tensor]:
    dx, dalpha = aten._prelu_kernel_backward.default(dy, x, alpha)
    return dx, dalpha.sum(0)


def channels_second(images: Tensor) -> Tensor:
    """Channels stay the last in memory."""
    return images.permute(0, 3, 1, 2)


def channels_last(*images: Tensor) -> Sequence[Tensor]:
    return [image.permute(0, 2, 3, 1) for image in images]


def max_pooling(row: Kernel, x: Tensor) -> Sequence[Tensor]:
    return channels_last(*aten.max_pool2d_with_indices.default(channels_second(x), [2, 2]))


def max_pooling_backward(row: Kernel, dy: Tensor, x: Tensor, y: Tensor, places: Tensor) -> Sequence[Tensor]:
    images = [channels_second(image) for image in (dy, x, places)]
    window = [2, 2], [2, 2], [0, 0], [1, 1], False
    return channels_last(aten.max_pool2d_with_indices_backward.default(*images[:2], *window, images[2]))


def average_pooling(row: Kernel, x: Tensor) -> Sequence[Tensor]:
    return channels_last(aten.avg_pool2d.default(channels_second(x), [2, 2]))


def average_pooling_backward(row: Kernel, dy: Tensor, x: Tensor, y: Tensor) -> Sequence[Tensor]:
    window = [2, 2], [2, 2], [0, 0], False, True, None
    return channels_last(aten.avg_pool2d_backward.default(channels_second(dy), channels_second(x), *window))


SWEEPS = {
    "max pooling": Sweeps(max_pooling, max_pooling_backward),
    "average pooling": Sweeps(average_pooling, average_pooling_backward),
    "PReLU": Sweeps(lambda row, x, alpha: [aten._prelu_kernel.default(x, alpha)], prelu_backward),
    "activation": Sweeps(
        lambda row, x: [ACTIVATIONS[row.activation][0](x)],
        lambda row, dy, x, y: [ACTIVATIONS[row.activation][1](dy, x, y)],
    ),
    "dense": Sweeps(dense_forward, dense_backward),
    "layer norm": Sweeps(
        lambda row, x, gamma, beta: aten.native_layer_norm.default(x, gamma.shape, gamma, beta, EPSILON),
        lambda row, dy, x, gamma, beta, y, mean, rstd: aten.native_layer_norm_backward.default(
            dy, x, gamma.shape, mean, rstd, gamma, beta, ALL
        ),
    ),
    "RMS norm": Sweeps(
        lambda row, x, gamma, beta: aten._fused_rms_norm.default(x, gamma.shape, gamma, EPSILON), rms_norm_backward
    ),
    "batch norm": Sweeps(
        lambda row, x, gamma, beta: aten.native_batch_norm.default(x, gamma, beta, None, None, True, 0.0, EPSILON),
        lambda row, dy, x, gamma, beta, y, mean, rstd: aten.native_batch_norm_backward.default(
            dy, x, gamma, None, None, mean, rstd, True, EPSILON, ALL
        ),
    ),
    **dict.fromkeys(
        ("group norm", "instance norm"),
        Sweeps(
            lambda row, x, gamma, beta: aten.native_group_norm.default(x, gamma, beta, *grouped(row, x), EPSILON),
            lambda row, dy, x, gamma, beta, y, mean, rstd: aten.native_group_norm_backward.default(
                dy, x, mean, rstd, gamma, *grouped(row, x), ALL
            ),
        ),
    ),
    "dropout": Sweeps(
        lambda row, x: aten.native_dropout.default(x, RATE, True),
        lambda row, dy, x, y, mask: [aten.native_dropout_backward.default(dy, mask, 1 / (1 - RATE))],
    ),
}


def losses(row: Kernel, logits: Tensor, labels: Tensor) -> Sequence[Tensor]:
    logarithms = aten._log_softmax.default(logits, 1, False)
    return *aten.nll_loss_forward.default(logarithms, labels, None, 0, -100), logarithms


def losses_backward(
    row: Kernel, dy: Tensor, logits: Tensor, labels: Tensor, loss: Tensor, total: Tensor, logarithms: Tensor
) -> Sequence[Tensor]:
    slope = aten.nll_loss_backward.default(dy, logarithms, labels, None, 0, -100, total)
    return [aten._log_softmax_backward_data.default(slope, logarithms, 1, dy.dtype)]


SWEEPS["softmax cross-entropy"] = Sweeps(losses, losses_backward)


def prepare(row: Kernel, data: KernelData, compiled: Callable[..., Any] = lambda sweep: sweep) -> Job:
    sweeps = SWEEPS[row.operation]
    forward, backward = (compiled(partial(sweep, row)) for sweep in (sweeps.forward, sweeps.backward))
    inputs, dy = [torch.from_numpy(x) for x in data.inputs], torch.from_numpy(data.dy)

    @torch.no_grad()
    def call() -> Sequence[Tensor]:
        kept = forward(*inputs)
        return kept[0], *backward(dy, *inputs, *kept)

    return job(call)
