"""Training and evaluation by a loss that is a Python function: what the core does with its own losses, batch by batch.

Totals have the form of the core's: sums over samples, which are added to from call to call.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt import _core
from fastopt.core import checks
from fastopt.kernels import Real
from fastopt.losses import FunctionLoss
from fastopt.metrics import MeanMetric
from fastopt.optimizers import Optimizer

Totals = dict[str, float]

ADVICE = "A lower learning rate or scaled inputs may help"


def train(
    network: _core.Network,
    optimizer: Optimizer,
    trainer: _core.Optimizer,
    loss: FunctionLoss,
    metrics: Mapping[str, MeanMetric],
    x: NDArray[Any],
    y: NDArray[Any],
    weight: Real | None,
    order: NDArray[np.int64] | None,
    batch_size: int,
    batches: range,
    poll: Callable[[int], object] | None,
    totals: Totals | None,
) -> Totals:
    """Do a step for each of these batches, and return the totals of the losses and metrics before the steps.

    Raises:
        TypeError, ValueError: The function returned something else than losses and a gradient.
        FloatingPointError: A loss or its gradient became NaN or infinite, and the parameters are those of the step
            before; or the last step left NaN or infinite parameters.
    """
    totals = dict.fromkeys(("weight", "loss", *metrics), 0.0) | (totals or {})
    for batch in batches:
        rows: Any = slice(batch * batch_size, (batch + 1) * batch_size)
        if order is not None:
            rows = order[rows]
        targets, share = y[rows], None if weight is None else weight[rows]
        outputs = network.forward(x[rows])
        gradient = _add(totals, loss, targets, outputs, share)
        if network.penalises:
            totals["loss"] += network.penalty()
        gradient = checks.in_form(gradient, network.dtype)
        for what, finite in (("loss", math.isfinite(totals["loss"])), ("gradient", np.isfinite(gradient).all())):
            if not finite:
                raise FloatingPointError(
                    f"the {what} of {loss.name!r} is not finite in batch {batch}, step {optimizer.step + 1}; the "
                    f"parameters are those of the step before. {ADVICE}"
                )
        total = float(len(outputs) if share is None else share.sum(dtype=np.float64))
        for name, metric in metrics.items():
            totals[name] += total and total * metric(targets, outputs, share)
        network.backward(gradient)
        trainer.apply(optimizer.hyper)
        if poll is not None:
            poll(batch + 1 - batches.start)
    if any(_core.kernels.first_nonfinite(view) >= 0 for layer in network.parameters for view in layer.values()):
        raise FloatingPointError(f"step {optimizer.step} or one before it made parameters NaN or infinite. {ADVICE}")
    return totals


def evaluate(
    network: _core.Network,
    loss: FunctionLoss,
    x: NDArray[Any],
    y: NDArray[Any],
    outputs: Real,
    weight: Real | None,
    batch_size: int,
) -> Totals:
    """Return the totals of the loss for these outputs, of which the function is given a batch at a time."""
    totals = {"weight": 0.0, "loss": 0.0}
    if network.penalises and np.isfinite(outputs).all():
        # Outputs do not differ from themselves: what is left is what layers penalise.
        totals["loss"] = network.evaluate(x, outputs, "mean_squared_error", batch_size=batch_size)["loss"]
    for first in range(0, len(outputs), batch_size):
        rows = slice(first, first + batch_size)
        _add(totals, loss, y[rows], outputs[rows], None if weight is None else weight[rows])
    return totals


def _add(totals: Totals, loss: FunctionLoss, y: NDArray[Any], outputs: Real, weight: Real | None) -> NDArray[Any]:
    """Add the losses of a batch to the totals, and return the gradient of sum_i w_i L_i / n, or of its only loss."""
    losses, gradient = loss.values(y, outputs)
    n = len(outputs)
    if losses.ndim == 0:
        if weight is not None:
            raise ValueError(
                f"The loss {loss.name!r} returned a number for the whole batch, which cannot be weighted; with sample "
                "or class weights it must return one for each sample."
            )
        totals["weight"] += n
        totals["loss"] += n * float(losses)
        return gradient
    share = np.ones(n) if weight is None else weight.astype(np.float64)
    totals["weight"] += float(share.sum())
    totals["loss"] += float(share @ losses)
    return np.asarray(gradient * (share / n)[:, np.newaxis])
