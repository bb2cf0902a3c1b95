"""What a model is trained by: an optimizer, a loss and metrics that go together."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt import _core
from fastopt.core import checks
from fastopt.core.plain import Real
from fastopt.losses import Loss, loss_of
from fastopt.metrics import MeanMetric, Metric, metric_of
from fastopt.model.callbacks.base import Logs
from fastopt.model.data import Reading, Samples, taken, with_class_weight
from fastopt.model.degenerate import warn_of_classes, warn_of_rounding, warn_of_targets
from fastopt.model.labels import Classes
from fastopt.model.plan import Plan
from fastopt.model.solving import Method, spent_by

__all__ = ["SPEED", "Compiled", "Metrics"]

# What `compile` takes for metrics: names, objects or functions, or these by the names to report them under.
Metrics = Iterable[str | Metric | Callable[..., Any]] | Mapping[str, str | Metric | Callable[..., Any]] | None

# What the logs of an epoch hold beside the loss and the metrics.
SPEED = ("seconds", "samples_per_second")


class Compiled:
    """An optimizer, a loss and metrics.

    Args:
        optimizer: The optimizer, or a solver.
        loss: The name, the object or the function of a loss; None for a model that is trained only by `backward`.
        metrics: Metrics, as `Sequential.compile` takes them.
        last_activation: The name of the function that the outputs of the model have gone through.
        factor: How many times the cost takes the loss.
        output: Which output of the model it is for.
        name: The name of that output, under which its classes are known.

    Raises:
        TypeError, ValueError: As `Sequential.compile`.

    Attributes:
        has_losses: Whether there is a loss; else the model is trained only by `backward`.
    """

    def __init__(
        self,
        optimizer: Method,
        loss: str | Loss | Callable[..., Any] | None,
        metrics: Metrics,
        last_activation: str,
        factor: float = 1.0,
        output: int = 0,
        name: str = "",
    ) -> None:
        if isinstance(metrics, str | Metric) or callable(metrics):
            raise TypeError(f"metrics must be a list, such as [{metrics!r}], not {metrics!r}.")
        self.optimizer = optimizer
        self._factor = factor
        self._output, self._name = output, name
        self.last_activation = last_activation
        self.loss = None if loss is None else loss_of(loss)
        self.metrics: dict[str, Metric] = {}
        named = (
            metrics.items()
            if isinstance(metrics, Mapping)
            else [(_name_of(metric), metric) for metric in checks.items("metrics", () if metrics is None else metrics)]
        )
        for name, metric in named:
            if _checked_name(name) in self.metrics:
                raise ValueError(f"Two metrics would be reported as {name!r}; give a dict with other names.")
            self.metrics[name] = metric_of(metric)
        self.has_losses = self.loss is not None
        self._totals: dict[str, str] = {}  # the key of each mean over samples in the core's totals
        if self.loss is not None:
            self.loss.check_activation(last_activation)
            for metric in self.metrics.values():
                metric.check(self.loss)
            self._totals["loss"] = "loss"
            for name, metric in self.mean_metrics.items():
                self._totals[name] = f"metric {name}" if self.loss.opaque else metric.function(self.loss)
        elif self.metrics:
            raise ValueError("Metrics need a loss.")
        self._functions = list(dict.fromkeys(name for name in self._totals.values() if name != "loss"))
        self._goal: _core.Goal | None = None  # made when first needed, from the settings of the loss then
        self._hyper: dict[str, float] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_goal": None, "_hyper": None}

    @property
    def arguments(self) -> dict[str, Any]:
        """What `compile` takes to make it again, beside the optimizer."""
        return {"loss": self.loss, "metrics": self.metrics}

    @property
    def losses(self) -> list[Loss | None]:
        """The loss, of one output."""
        return [self.loss]

    @property
    def factor(self) -> float:
        """How many times the cost takes the loss."""
        return self._factor

    @property
    def mean_metrics(self) -> dict[str, MeanMetric]:
        """The metrics that are means over samples, by the names that they are reported under."""
        return {name: metric for name, metric in self.metrics.items() if isinstance(metric, MeanMetric)}

    def goal(self, data: Samples) -> _core.Goal:
        """Return what the core judges these samples by."""
        loss: Any = self.loss
        if loss.opaque:
            return _core.Goal(loss.name, self._functions, factor=self._factor, function=partial(self._judge, data))
        if self._goal is None:
            self._hyper = loss.hyper
            self._goal = _core.Goal(loss.name, self._functions, self._hyper, self._factor)
        return self._goal

    @property
    def follows_loss(self) -> bool:
        """Whether the core's loss still is as the attributes of `loss` say."""
        return self._hyper is None or (self.loss is not None and self.loss.hyper == self._hyper)

    def _judge(self, data: Samples, rows: Any, outputs: Real, number: int) -> tuple[Any, Any, list[Any]]:
        """Return the losses, their gradient and the metrics of some samples, as `_core.Goal` says."""
        loss: Any = self.loss  # one that the core does not compute
        y, weight = data.y[rows], None if data.weight is None else data.weight[rows]
        metrics = (metric.by_sample(y, outputs) for metric in self.mean_metrics.values())
        values = [*loss.judge(y, outputs, weight, number), *metrics]
        losses, gradient, *means = (checks.in_form(array, outputs.dtype.name) for array in values)
        return losses, gradient, means

    def goals(self, data: Any) -> list[_core.Goal]:
        """Return what the core judges each output by."""
        return [self.goal(data)]

    def means(self, totals: Mapping[str, float], prefix: str = "") -> Logs:
        """Return the means over samples: the loss and metrics of which the totals hold the sums, under this prefix."""
        weight = totals["weight"] or float("nan")
        keys = {name: f"{prefix}{key}" for name, key in self._totals.items()} if prefix else self._totals
        return {name: totals[key] / weight for name, key in keys.items() if key in totals}

    @property
    def judges(self) -> Any:
        """The loss and the metrics."""
        return self.loss, self.metrics

    @property
    def reported(self) -> list[str]:
        """The names that the loss and all metrics are reported under."""
        return ["loss", *self.metrics]

    @property
    def needs_outputs(self) -> bool:
        """Whether there are metrics that are no means over samples."""
        return len(self.mean_metrics) < len(self.metrics)

    def of_outputs(self, data: Any, outputs: Any) -> Logs:
        """Return these metrics for all samples; NaN if an output is NaN or infinite."""
        link = None if self.loss is None else self.loss.link
        if link is not None and self.last_activation == "linear":
            # In float64: in float32 the sigmoids of different large logits are all 1.
            outputs = _core.kernels.activation_forward(link, outputs.astype(np.float64))
        exclusive = None if link is None else link != "sigmoid"
        known = bool(np.isfinite(outputs).all())
        y = taken(data, data.y)
        if y.dtype == np.float32 and self.loss is not None:  # as given, not as rounded for the core
            y = self.loss.targets("y", taken(data, data.given), y.shape[1], "float64")
        weight = None if data.weight is None else taken(data, data.weight)
        return {
            name: metric(y, outputs, weight, exclusive=exclusive) if known else float("nan")
            for name, metric in self.metrics.items()
            if not isinstance(metric, MeanMetric)
        }

    def log_names(self, validated: bool) -> list[str]:
        """Return the names of what the logs of an epoch hold."""
        validation = [f"val_{name}" for name in self.reported if validated]
        return ["loss", *self.mean_metrics, *validation, *spent_by(self.optimizer), *SPEED]

    def _loss_and_size(self, plan: Plan) -> tuple[Any, int]:
        return self.loss, plan.sizes_of_outputs[self._output]

    def check_metrics(self, data: Samples, plan: Plan) -> None:
        """Refuse metrics that cannot be computed for the data."""
        for metric in self.metrics.values():
            metric.check_data(*self._loss_and_size(plan), data.weight is not None)

    def with_class_weight(
        self, data: Samples, class_weight: str | Mapping[Any, float] | None, plan: Plan, dtype: str, how: Reading
    ) -> Samples:
        """Return the samples with weights that are multiplied by factors of their classes."""
        if class_weight is None:
            return data
        known = how.classes.get(self._name)
        return with_class_weight(data, class_weight, *self._loss_and_size(plan), dtype, known, how.part)

    def labels(self, data: Samples, plan: Plan) -> NDArray[Any]:
        """Return the class of each sample."""
        loss, outputs = self._loss_and_size(plan)
        return taken(data, loss.classes(data.y, outputs)[0])

    def warn(self, data: Samples, plan: Plan, trained: bool = False) -> None:
        """Warn of targets, and of those that a model is trained with, of which nothing can be learned."""
        name = "y" if len(plan.results) == 1 else f"y[{plan.output_names[self._output]!r}]"
        warn_of_rounding(name, data.given, data.y.dtype)
        if trained:
            warn_of_targets(data, *self._loss_and_size(plan))

    def warn_of_classes(self, data: Samples, validation: Samples, plan: Plan, known: Classes) -> None:
        """Warn where a class is validated that is not trained."""
        warn_of_classes(data, validation, *self._loss_and_size(plan), known.get(self._name))


def _name_of(metric: object) -> str:
    return metric if isinstance(metric, str) else metric_of(metric).name


def _checked_name(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"A metric is reported under a name, such as 'accuracy', not {name!r}.")
    if name in ("loss", *SPEED) or name.startswith("val_"):
        raise ValueError(f"A metric cannot be reported as {name!r}: the logs have something else under that name.")
    return name
