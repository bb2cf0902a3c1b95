"""Models of several inputs and outputs, whose layers may be connected in any way that goes forward."""

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import ArrayLike, NDArray

from fastopt.core import checks
from fastopt.core.plain import Real
from fastopt.layers.base import Symbol
from fastopt.model.built import Built
from fastopt.model.compiled import Metrics
from fastopt.model.data import (
    Reading,
    Several,
    arrays_of,
    checked_inputs,
    shape_of_sample,
)
from fastopt.model.graph import plan_of
from fastopt.model.heads import AnyLoss, Heads
from fastopt.model.plan import Plan
from fastopt.model.solving import Method
from fastopt.model.trained import Trained

__all__ = ["Model"]


class Model(Trained[Heads]):
    """A network between inputs and outputs, as Keras's functional form describes it.

    Layers are called with `fastopt.Input` or with what other layers returned; one that is called more than once has the
    same weights each time. So can models be called: their layers become part of the outer model, under names such as
    ``"encoder/dense/kernel"``, and start from copies of the weights that the model has, if it has some then;
    ``encoder.trainable = False`` freezes them.

    Where there is one input, data are an array; where there are several, a list of arrays, or a dict by the names of
    the inputs. So it is for outputs and targets, whose names are those of the layers that the outputs are of.

    Args:
        inputs: A `fastopt.Input`, or a list of them.
        outputs: What a layer returned, or a list.
        seed: Decides the starting values and the order of samples, 0 <= seed < 2**64; None draws one from the operating
            system.
        dtype: ``"float32"`` or ``"float64"``, of weights and of all computing.
        name: A name.

    Attributes:
        history: The `History` of the last `fit`, also of one that was interrupted.
        epochs_trained: The number of epochs trained so far.
        stop_training: Set by callbacks to end `fit`.

    Raises:
        TypeError: An input is not a `fastopt.Input`, or an output not one of a layer.
        ValueError: An output needs an input that is not among `inputs`, no output needs an input, or a layer is called
            with inputs of different shapes.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> a, b = fo.Input(7), fo.Input(3)
        >>> h = fo.layers.Concatenate()([fo.layers.Dense(16, "relu")(a), b])
        >>> outputs = [fo.layers.Dense(1, name="value")(h), fo.layers.Dense(4, name="policy")(h)]
        >>> model = fo.Model([a, b], outputs)
        >>> losses = {"value": "mse", "policy": "sparse_categorical_crossentropy"}
        >>> model.compile("adam", losses, metrics={"value": [], "policy": ["accuracy"]}, loss_weights=[0.5, 1.0])
        >>> x, y = [np.ones((20, 7)), np.ones((20, 3))], [np.zeros(20), np.arange(20) % 4]
        >>> history = model.fit(x, y, epochs=50, verbose=0)
        >>> list(model.evaluate(x, y).keys())
        ['loss', 'value_loss', 'policy_loss', 'policy_accuracy']
        >>> [output.shape for output in model.predict(x)]
        [(20, 1), (20, 4)]
    """

    def __init__(
        self,
        inputs: Symbol | Sequence[Symbol],
        outputs: Symbol | Sequence[Symbol],
        seed: int | None = 0,
        dtype: str = "float32",
        name: str | None = None,
    ) -> None:
        super().__init__(plan_of(_listed("inputs", inputs), _listed("outputs", outputs)), seed, dtype, name)

    @property
    def graph(self) -> Plan:
        """The layers in their places."""
        return self.network  # type: ignore[return-value]

    def _need_weights(self) -> Built:
        """Return the weights, which a model of known shapes gets when they are needed first."""
        return self._build(self.graph)

    def build(self, input_shape: int | Sequence[Any] | None = None, initialize: bool = True) -> None:
        """Give the layers their weights, which they get else when they are needed first.

        Args:
            input_shape: The shape of a sample, or of several inputs a list of such, which must be those of the inputs
                of the model; None for not to say it.
            initialize: Whether weights and `state` get their starting values; else they are 0, to be set afterwards.

        Raises:
            TypeError: It is not made of integers.
            ValueError: The shapes are not those of the inputs.
        """
        initialize = checks.flag("initialize", initialize)
        if input_shape is not None:
            several = [input_shape]
            if len(self.graph.input_shapes) > 1:
                several = checks.items("input_shape", input_shape)
            self.graph.plan([shape_of_sample("input_shape", shape) for shape in several])
        self._build(self.graph, initialize)

    def compile(
        self,
        optimizer: str | Method = "adam",
        loss: AnyLoss | Sequence[AnyLoss] | Mapping[str, AnyLoss] | None = None,
        metrics: Metrics | Sequence[Metrics] | Mapping[str, Metrics] = (),
        loss_weights: float | Sequence[float] | Mapping[str, float] | None = None,
    ) -> None:
        """Choose how the model is trained.

        Args:
            optimizer: The name or the object of an optimizer, or of a solver of `fastopt.solvers`.
            loss: The loss of the output; or a list of them, or a dict by the names of the outputs; None for a model
                that is trained only by `backward`.
            metrics: Those of the output; or a list of such for each output, or a dict, which may leave outputs out.
            loss_weights: How many times the cost takes each loss, at least 0; 1 if None.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: A name is unknown, or there is not one of each for each output.
        """
        if loss is None and metrics:
            raise ValueError("Metrics need a loss.")
        losses: Any = dict.fromkeys(self.graph.output_names) if loss is None else loss
        self._compile(optimizer, lambda own: Heads(own, losses, metrics, loss_weights, self.graph))

    # Pieces

    def _inputs(self, name: str, x: Any, plan: Plan | None = None, how: Reading | None = None) -> tuple[Any, Plan]:
        graph = self.graph
        arrays: list[NDArray[Any]] = []
        named = arrays_of(name, x, graph.input_names, graph.input_shapes, self._encoder is not None)
        for i, ((one, given), shape) in enumerate(zip(named, graph.input_shapes, strict=True)):
            arrays.append(checked_inputs(one, self._numbers(one, given, str(i), how), shape, self.dtype)[0])
            if len(arrays[-1]) != len(arrays[0]):
                raise ValueError(f"{name}[{i}] has {len(arrays[-1])} samples, {name}[0] has {len(arrays[0])}.")
        graph.check_ids(name, arrays)
        return arrays, graph

    def _read(
        self, x: Any, y: Any, sample_weight: ArrayLike | None, plan: Plan | None = None, how: Reading | None = None
    ) -> tuple[Several, Plan]:
        how = how or Reading("", self._classes)
        inputs, plan = self._inputs(f"{how.prefix}x", x, plan, how)
        rows = len(inputs[0])
        targets, given = self._need_losses().targets(y, plan, rows, self.dtype, how)
        weight: Real | None = None
        if sample_weight is not None:
            weight = checks.weights(f"{how.prefix}sample_weight", sample_weight, rows, self.dtype, how.part)
        return Several(inputs, targets, weight, given), plan


def _listed(name: str, symbols: Symbol | Sequence[Symbol]) -> list[Symbol]:
    listed = [symbols] if isinstance(symbols, Symbol) else checks.items(name, symbols)
    if not listed:
        raise ValueError(f"{name} is empty; a model has at least one input and one output.")
    return listed
