"""What a model of several outputs is trained by: an optimizer, and a loss and metrics for each output."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from fastopt import _core
from fastopt.core import checks
from fastopt.losses import Loss
from fastopt.metrics import Metric
from fastopt.model.callbacks.base import Logs
from fastopt.model.compiled import SPEED, Compiled, Metrics
from fastopt.model.data import Reading, Several
from fastopt.model.labels import Classes, numbered
from fastopt.model.plan import Plan
from fastopt.model.solving import Method, spent_by

__all__ = ["Heads", "by_output"]

AnyLoss = str | Loss | Callable[..., Any]


class Heads:
    """An optimizer, and a loss and metrics for each output.

    Args:
        optimizer: The optimizer, or a solver.
        loss: A loss for each output, as `fastopt.Model.compile` takes them.
        metrics: Metrics of each output.
        loss_weights: How many times the cost takes each loss.
        graph: The layers between inputs and outputs.

    Raises:
        TypeError, ValueError: As `fastopt.Model.compile`.

    Attributes:
        has_losses: Whether the outputs have losses; else the model is trained only by `backward`.
    """

    def __init__(
        self,
        optimizer: Method,
        loss: AnyLoss | Sequence[AnyLoss] | Mapping[str, AnyLoss],
        metrics: Metrics | Sequence[Metrics] | Mapping[str, Metrics],
        loss_weights: float | Sequence[float] | Mapping[str, float] | None,
        graph: Plan,
    ) -> None:
        names = graph.output_names
        self.optimizer = optimizer
        losses = by_output("loss", loss, names)
        chosen = by_output("metrics", metrics, names, ()) if metrics else [()] * len(names)
        weights = [1.0] * len(names) if loss_weights is None else by_output("loss_weights", loss_weights, names)
        factors = [checks.real(f"loss_weights[{name!r}]", w, 0.0) for name, w in zip(names, weights, strict=True)]
        self._names = names
        # Of each output, with the prefix of its names in logs; a single output has none.
        self._parts = {
            "" if len(names) == 1 else f"{name}_": Compiled(
                optimizer, losses[i], chosen[i], graph.output_activations[i], factors[i], i, name
            )
            for i, name in enumerate(names)
        }
        self.has_losses = None not in self.losses

    @property
    def arguments(self) -> dict[str, Any]:
        """What `compile` takes to make it again, beside the optimizer: dicts by the names of the outputs."""
        if not self.has_losses:
            return {"loss": None}
        parts = dict(zip(self._names, self._parts.values(), strict=True))
        return {
            "loss": {name: part.loss for name, part in parts.items()},
            "metrics": {name: part.metrics for name, part in parts.items()},
            "loss_weights": {name: part.factor for name, part in parts.items()},
        }

    @property
    def metrics(self) -> dict[str, Metric]:
        """The metrics of all outputs by the names that they are reported under."""
        return {f"{prefix}{name}": one for prefix, part in self._parts.items() for name, one in part.metrics.items()}

    @property
    def losses(self) -> list[Any]:
        """The loss of each output; None where there is none."""
        return [part.loss for part in self._parts.values()]

    def goals(self, data: Any) -> list[_core.Goal]:
        """Return what the core judges each output by."""
        return [part.goal(data.of(i)) for i, part in enumerate(self._parts.values())]

    def means(self, totals: Mapping[str, float]) -> Logs:
        """Return the means over samples: the cost, and the loss and metrics of each output."""
        logs: Logs = {"loss": totals["loss"] / (totals["weight"] or float("nan"))}
        for i, (prefix, part) in enumerate(self._parts.items()):
            means = part.means(totals, f"{i}/" if prefix else "")
            logs |= {f"{prefix}{name}": value for name, value in means.items()}
        return logs

    @property
    def follows_loss(self) -> bool:
        """Whether the core's losses still are as the attributes of the losses say."""
        return all(part.follows_loss for part in self._parts.values())

    @property
    def judges(self) -> Any:
        """The losses and the metrics of all outputs."""
        return {prefix: part.judges for prefix, part in self._parts.items()}

    @property
    def reported(self) -> list[str]:
        """The names that the cost and all losses and metrics are reported under."""
        return list(
            dict.fromkeys(["loss", *(f"{prefix}{name}" for prefix, p in self._parts.items() for name in p.reported)])
        )

    @property
    def needs_outputs(self) -> bool:
        """Whether there are metrics that are no means over samples."""
        return any(part.needs_outputs for part in self._parts.values())

    def of_outputs(self, data: Any, outputs: Any) -> Logs:
        """Return these metrics for all samples; NaN if an output is NaN or infinite."""
        several = outputs if isinstance(outputs, list) else [outputs]
        return {
            f"{prefix}{name}": value
            for i, (prefix, part) in enumerate(self._parts.items())
            for name, value in part.of_outputs(data.of(i), several[i]).items()
        }

    def log_names(self, validated: bool) -> list[str]:
        """Return the names of what the logs of an epoch hold."""
        means = [f"{prefix}{n}" for prefix, part in self._parts.items() for n in ("loss", *part.mean_metrics)]
        validation = [f"val_{name}" for name in self.reported if validated]
        return [*dict.fromkeys(["loss", *means]), *validation, *spent_by(self.optimizer), *SPEED]

    def targets(self, y: object, graph: Plan, rows: int, dtype: str, how: Reading) -> tuple[list[Any], list[Any]]:
        """Return the targets of each output as its loss wants them, and as given."""
        prefix = how.prefix
        several, read, arrays = by_output(f"{prefix}y", y, graph.output_names), [], []
        for i, (given, loss) in enumerate(zip(several, self.losses, strict=True)):
            name = f"{prefix}y" if len(self._parts) == 1 else f"{prefix}y[{graph.output_names[i]!r}]"
            outputs = graph.sizes_of_outputs[i]
            labels = numbered(name, given, loss, outputs, how.classes, graph.output_names[i], how.find)
            array = checks.array(name, labels)
            if array.ndim == 0 or len(array) != rows:
                raise ValueError(f"{name} has shape {array.shape}; expected one target for each of {rows} samples.")
            shape = graph.output_shapes[i]
            if len(shape) > 1 and array.shape[1:] == shape:
                array = array.reshape(rows, -1)
            read.append(loss.targets(name, array, outputs, dtype))
            arrays.append(array)
        return read, arrays

    def with_class_weight(
        self, data: Several, class_weight: str | Mapping[Any, float] | None, plan: Plan, dtype: str, how: Reading
    ) -> Several:
        """Return the samples with weights that are multiplied by factors of their classes, by the only output."""
        if class_weight is None:
            return data
        part = self._only("class_weight")
        return data._replace(weight=part.with_class_weight(data.of(0), class_weight, plan, dtype, how).weight)

    def labels(self, data: Several, plan: Plan) -> NDArray[Any]:
        """Return the class of each sample, by the only output."""
        return self._only("split_by='stratified'").labels(data.of(0), plan)

    def _only(self, argument: str) -> Compiled:
        if len(self._parts) > 1:
            raise ValueError(f"{argument} needs classes of one output; the model has {len(self._parts)}.")
        return self._parts[""]

    def check_metrics(self, data: Several, plan: Plan) -> None:
        """Refuse metrics that cannot be computed for the data."""
        for i, part in enumerate(self._parts.values()):
            part.check_metrics(data.of(i), plan)

    def warn(self, data: Several, plan: Plan, trained: bool = False) -> None:
        """Warn of targets, and of those that a model is trained with, of which nothing can be learned."""
        for i, part in enumerate(self._parts.values()):
            part.warn(data.of(i), plan, trained)

    def warn_of_classes(self, data: Several, validation: Several, plan: Plan, known: Classes) -> None:
        """Warn where a class is validated that is not trained."""
        for i, part in enumerate(self._parts.values()):
            part.warn_of_classes(data.of(i), validation.of(i), plan, known)


def by_output(what: str, given: Any, names: Sequence[str], other: Any = None) -> list[Any]:
    """Return one thing for each output: of a list or of a dict by the names of outputs, or, for one output, itself.

    Args:
        what: What messages call it.
        given: All of them.
        names: The outputs.
        other: What those have that a dict leaves out; None if it must name all.

    Raises:
        ValueError: There are more or fewer, or a name is none of an output.
    """
    if len(names) == 1 and not (isinstance(given, Mapping) and given.keys() == {names[0]}):
        return [given]
    if isinstance(given, Mapping):
        if not given.keys() <= {*names} or (other is None and len(given) < len(names)):
            raise ValueError(f"{what} has the keys {[*given]}; the outputs are {', '.join(names)}.")
        return [given.get(name, other) for name in names]
    if not isinstance(given, list | tuple) or len(given) != len(names):
        raise ValueError(
            f"{what} must be a list, or a dict, of one for each output: {', '.join(names)}; "
            f"not {checks.described(given)}."
        )
    return list(given)
