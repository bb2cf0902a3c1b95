"""The model: a stack of layers, how it is trained, and what it predicts."""

from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import ArrayLike

from fastopt.core import checks
from fastopt.data.preprocessing import Scaler
from fastopt.layers import Layer, Scaling, Shape
from fastopt.layers.base import Input
from fastopt.layers.residual import layer_names
from fastopt.layers.scaling import AffineScaler, is_scaler
from fastopt.losses import Loss
from fastopt.model.compiled import Compiled, Metrics
from fastopt.model.data import (
    Reading,
    Samples,
    checked_inputs,
    checked_samples,
    shape_of_sample,
)
from fastopt.model.graph import Chain
from fastopt.model.plan import Plan
from fastopt.model.solving import Method
from fastopt.model.trained import Trained
from fastopt.model.weighted import Weighted

__all__ = ["Sequential"]


class Sequential(Trained[Compiled]):
    """A network of layers, each feeding the next.

    Layers get their weights when the model first sees data, or by `build`. All results depend only on the data, the
    arguments and the seed: not on the number of threads.

    Args:
        layers: The layers, first to last; a fitted scaler, as `layers.Scaling` takes it, stands for such a layer. A
            `fastopt.Input` before them builds the model at once. None leaves all layers to `add`. A model of one
            input and one output can be a layer, as `fastopt.Model` says.
        seed: Decides the starting values and the order of samples, 0 <= seed < 2**64; None draws one from the operating
            system.
        dtype: ``"float32"`` or ``"float64"``, of weights and of all computing.
        name: The name in the summary.

    Attributes:
        history: The `History` of the last `fit`, also of one that was interrupted.
        epochs_trained: The number of epochs trained so far; with the seed it decides the order of the next, and it is
            the time of schedules that count epochs. A loop of one's own may set it.
        stop_training: Set by callbacks, and by a solver that has ended, to end `fit`.

    Raises:
        TypeError: Something in `layers` is not a layer, or an argument has the wrong type.
        ValueError: There is no layer, a layer or a name occurs twice, or an argument is out of range.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
        >>> y = np.array([0, 1, 1, 0])
        >>> model = fo.Sequential([fo.layers.Dense(16, "tanh"), fo.layers.Dense(1, "sigmoid")], seed=0)
        >>> model.compile(optimizer=fo.optimizers.Adam(0.05), loss="binary_crossentropy", metrics=["accuracy"])
        >>> history = model.fit(x, y, batch_size=4, epochs=200, verbose=0)
        >>> model.predict(x).round()[:, 0]
        array([0., 1., 1., 0.], dtype=float32)
    """

    def __init__(
        self,
        layers: Sequence[Layer | Scaler[Any] | AffineScaler | Input | Weighted[Any]] | None = None,
        seed: int | None = 0,
        dtype: str = "float32",
        name: str | None = None,
    ) -> None:
        given = [] if layers is None else checks.items("layers", layers)
        start = given.pop(0) if given and isinstance(given[0], Input) else None
        if layers is not None and not given:
            layer_names([])  # which says what is missing
        super().__init__(Chain([_as_layer(layer) for layer in given]), seed, dtype, name)
        if start is not None:
            self.build(start.shape)

    # Layers

    def add(self, layer: Layer | Scaler[Any] | AffineScaler | Weighted[Any]) -> None:
        """Put a layer behind the last one.

        Args:
            layer: The layer, or a fitted scaler.

        Raises:
            RuntimeError: The model has been compiled, built or called.
            TypeError, ValueError: As the constructor.

        Example:
            >>> import fastopt as fo
            >>> model = fo.Sequential([fo.layers.Dense(16, "relu")])
            >>> model.add(fo.layers.Dense(1))
            >>> model.layer_names
            ['dense', 'dense_1']
        """
        if self._compiled is not None or self._built is not None or self._nested is not None:
            raise RuntimeError(
                "Layers are added before the model is compiled, built or called; "
                "Sequential([*model.layers, layer]) is a new one with one more."
            )
        self.network = Chain([*self.layers, _as_layer(layer)])

    # Building

    def build(self, input_shape: int | Sequence[int | None], initialize: bool = True) -> None:
        """Give the layers their weights.

        Args:
            input_shape: The shape of a sample: ``784``, ``(784,)``, ``(28, 28)`` or, with the batch, ``(None, 784)``.
            initialize: Whether weights and `state` get their starting values; else they are 0, to be set afterwards,
                which saves the time to draw them.

        Raises:
            TypeError: It is not made of integers.
            ValueError: A size is not positive, a layer cannot take its input, or the model is already built for
                another shape.
        """
        initialize = checks.flag("initialize", initialize)
        shape = shape_of_sample("input_shape", input_shape)
        if self._built is None:
            self._build(self.plan(shape), initialize)
        elif shape != self.input_shape:
            raise ValueError(f"The model is already built for samples of shape {self.input_shape}, not {shape}.")

    def plan(self, input_shape: Shape) -> Plan:
        """Return what the layers become for samples of this shape; nothing is allocated.

        That of a model that is built is the one that it was built by.

        Raises:
            ValueError: A layer cannot take its input.
        """
        if self._built is not None and input_shape == self._built.plan.input_shape:
            return self._built.plan
        return self.network.plan([input_shape])

    # How it is trained

    def compile(
        self,
        optimizer: str | Method = "adam",
        loss: str | Loss | Callable[..., Any] | None = None,
        metrics: Metrics = None,
    ) -> None:
        """Choose how the model is trained.

        Args:
            optimizer: The name or the object of an optimizer, or of a solver of `fastopt.solvers`, of which the model
                takes a copy as ``model.optimizer``. Either of the two again keeps the slots; any other starts afresh.
            loss: The name or the object of a loss, or a function of one's own, see `fastopt.losses.FunctionLoss`; None
                for a model that is trained only by `backward`.
            metrics: Names or objects of metrics, or functions such as those of scikit-learn, see
                `fastopt.metrics.FunctionMetric`; reported under their names, or a dict with other names to report them
                under. Those that are not means over samples are reported by `evaluate` and for validation data only.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: A name is unknown, occurs twice or means something else in the logs; or the loss does not go
                with the last activation, or a metric with the loss; or a solver needs what a model does not give.
        """
        self._compile(optimizer, lambda own: Compiled(own, loss, metrics, self.network.output_activations[0]))

    # Pieces

    def _inputs(self, name: str, x: Any, plan: Plan | None = None, how: Reading | None = None) -> tuple[Any, Plan]:
        built = self._of_vectors(x)
        if built is not None and (plan is None or plan is built.plan) and built.reads(x):
            return [x], built.plan
        if plan is None and self._built is not None:
            plan = self._built.plan
        shape = None if plan is None else plan.input_shape
        inputs, shape = checked_inputs(name, self._numbers(name, x, how=how), shape, self.dtype)
        plan = plan or self.plan(shape)
        plan.check_ids(name, [inputs])
        return [inputs], plan

    def _read(
        self, x: Any, y: Any, sample_weight: ArrayLike | None, plan: Plan | None = None, how: Reading | None = None
    ) -> tuple[Samples, Plan]:
        loss = self._need_losses().loss
        assert loss is not None
        if (
            plan is None
            and how is None
            and sample_weight is None
            and (built := self._of_vectors(x)) is not None
            and not self._classes
            and checks.is_read(y)
            and y.shape[:1] == x.shape[:1]
            and built.reads(x)
        ):  # what the checks below leave as it is; with them a step on a few rows takes a tenth longer
            return Samples(x, loss.targets("y", y, built.plan.outputs, built.dtype), None, y), built.plan
        how = how or Reading("", self._classes)
        (inputs,), plan = self._inputs(f"{how.prefix}x", x, plan, how)
        return checked_samples(inputs, y, sample_weight, loss, plan, self.dtype, how), plan


def _as_layer(given: Any) -> Any:
    if isinstance(given, Weighted):
        return given.as_layer()
    return Scaling(given) if is_scaler(given) else given
