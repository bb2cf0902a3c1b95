"""The model: a stack of layers, how it is trained, and what it predicts."""

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt import _core
from fastopt.core import checks
from fastopt.data.preprocessing import Scaler
from fastopt.kernels import Real
from fastopt.layers import Layer, Scaling, Shape
from fastopt.layers.base import Input, is_symbolic
from fastopt.layers.residual import layer_names
from fastopt.layers.scaling import AffineScaler, is_scaler
from fastopt.losses import Loss
from fastopt.model.compiled import Compiled, Metrics
from fastopt.model.data import (
    Reading,
    Samples,
    checked_inputs,
    checked_samples,
    in_shape,
)
from fastopt.model.graph import Chain
from fastopt.model.labels import predicted, probabilities
from fastopt.model.plan import Plan
from fastopt.model.progress import shown
from fastopt.model.solving import Method
from fastopt.model.source import Batches, are_batches
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

    @property
    def input_shape(self) -> Shape | None:
        """The shape of one sample, or None before the model is built."""
        return None if self._built is None else self._built.plan.input_shape

    @property
    def last_activation(self) -> str:
        """The name of the function that the outputs have gone through."""
        return self.network.output_activations[0]

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
        sizes = [input_shape] if not isinstance(input_shape, Sequence) else list(input_shape)
        if len(sizes) > 1 and sizes[0] is None:
            del sizes[0]
        if not sizes:
            raise ValueError("input_shape must be the shape of one sample, such as 784 or (28, 28), not ().")
        shape = tuple(checks.integer("input_shape", size, 1, checks.SIZE) for size in sizes)
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

    @property
    def loss(self) -> Loss | None:
        """The loss of `compile`."""
        return None if self._compiled is None else self._compiled.loss

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
        self._compile(optimizer, lambda own: Compiled(own, loss, metrics, self.last_activation))

    # Predicting

    def predict(
        self,
        x: ArrayLike | Batches,
        batch_size: int = 256,
        verbose: int | bool | str = "auto",
        steps: int | None = None,
    ) -> Real:
        """Return the outputs of the last layer, ``[n, outputs]``.

        They are what the last activation makes: probabilities after ``"softmax"`` or ``"sigmoid"``, logits after
        ``"linear"`` if the loss is a cross-entropy.

        Args:
            x: Inputs ``[n, features]``; or an iterable of batches, x or ``(x, y)``, as `fit` takes them, whose outputs
                are returned as one array.
            batch_size: Samples computed at a time, at least 1; it changes memory and speed only.
            verbose: 0 or 2 for nothing, 1 for a bar if it lasts longer than a second, ``"auto"`` the same in a terminal
                or a notebook, where the bar is removed at the end.
            steps: How many batches of an iterable; None for all of a pass.

        Raises:
            RuntimeError: The model has not been built.
            TypeError: `x` does not hold numbers.
            ValueError: The shape does not fit, or a value is NaN or infinite.
        """
        if steps is not None or (type(x) is not np.ndarray and are_batches(x)):
            found: Real = self._predict_batches(x, steps, batch_size, verbose)
            return found
        built = self._need_weights()
        inputs, _ = checked_inputs("x", self._numbers("x", x), built.plan.input_shape, self.dtype)
        built.plan.check_ids("x", [inputs])
        batch_size = checks.integer("batch_size", batch_size, 1, checks.SIZE)
        outputs = shown(verbose, "predict", len(inputs), batch_size, built.network.predict, inputs, batch_size)
        return in_shape(outputs, built.plan.output_shape)

    def predict_proba(self, x: ArrayLike, batch_size: int = 256) -> Real:
        """Return probabilities, ``[n, outputs]``.

        They are the outputs of a last softmax or sigmoid, or what the loss makes of logits.

        Args:
            x: Inputs ``[n, features]``.
            batch_size: Samples computed at a time, at least 1.

        Raises:
            RuntimeError: The model has not been built.
            TypeError: `x` does not hold numbers.
            ValueError: As `predict`; or the model does not classify.
        """
        return probabilities(self.predict(x, batch_size), self.loss, self.last_activation)

    def predict_classes(self, x: ArrayLike, batch_size: int = 256) -> NDArray[Any]:
        """Return the class of each sample: its label in `classes`, or else its number.

        That of the largest output, where a softmax or its loss says that each output is one class. Where a sigmoid or a
        binary loss does, one output tells the second class from the first, by a probability of more than 1/2; several
        are judged each by itself. For hinge losses classes without labels are 1 and -1.

        Args:
            x: Inputs ``[n, features]``.
            batch_size: Samples computed at a time, at least 1.

        Returns:
            Labels ``[n]``; ``[n, outputs]`` for several outputs of a binary loss.

        Raises:
            RuntimeError: The model has not been built.
            TypeError: `x` does not hold numbers.
            ValueError: As `predict`; or the model does not classify; or an output is NaN or infinite.
        """
        labels = predicted(self.predict(x, batch_size), self.loss, self.last_activation, self._classes.get(""))
        if labels is None:
            raise ValueError(
                f"The model does not classify: its last activation is {self.last_activation!r} and its loss "
                f"{None if self.loss is None else self.loss.name!r}; predict gives the outputs."
            )
        return labels

    # A loop of one's own

    def __call__(self, x: ArrayLike) -> Real:
        """Return the outputs ``[n, outputs]`` and keep what `backward` needs; builds the model at the first call.

        Args:
            x: Inputs ``[n, features]``.

        Raises:
            TypeError: `x` does not hold numbers.
            ValueError: The shape does not fit, or a value is NaN or infinite.

        Example:
            >>> import numpy as np, fastopt as fo
            >>> model = fo.Sequential([fo.layers.Dense(1)], seed=0)
            >>> model.compile(fo.optimizers.SGD(0.1))
            >>> x, y = np.array([[1.0], [2.0], [3.0]]), np.array([[3.0], [5.0], [7.0]])
            >>> for _ in range(500):
            ...     error = model(x) - y
            ...     dx = model.backward(2 * error / len(x))
            ...     model.apply_gradients()
            >>> model.predict([[10.0]]).round(3)
            array([[21.]], dtype=float32)
        """
        if is_symbolic(x):
            return self.as_layer()(x)  # type: ignore[arg-type, no-any-return]
        inputs, shape = checked_inputs("x", self._numbers("x", x), self.input_shape, self.dtype)
        plan = self.plan(shape)
        plan.check_ids("x", [inputs])
        plan.check_batches(len(inputs), len(inputs))
        built = self._build(plan)
        built.freeze()
        return in_shape(built.network.forward(inputs), plan.output_shape)

    def backward(self, dy: ArrayLike) -> Real:
        """Fill the gradients of the last call of the model, and return that of its input.

        Each call of the model has one: with it the running statistics of batch normalisation take their step.

        Args:
            dy: The gradient of one's own loss with respect to the outputs, ``[n, outputs]``.

        Returns:
            The gradient with respect to the inputs, ``[n, features]``.

        Raises:
            RuntimeError: The model has not been called since it was built, trained or the last `backward`; or the
                instruction set was changed after the call.
            TypeError: `dy` does not hold numbers.
            ValueError: The shape is not that of the outputs, or a value is NaN or infinite.
        """
        built = self._need_weights()
        plan, network = built.plan, built.network
        gradient: Any = dy
        if not _core.is_matrix(dy, self.dtype, plan.outputs):
            gradient = checks.array("dy", dy)
            if len(plan.output_shape) > 1 and gradient.shape[1:] == plan.output_shape:
                gradient = gradient.reshape(len(gradient), -1)
            gradient = checks.matrix("dy", gradient, plan.outputs)
            checks.finite("dy", gradient, self.dtype)
            gradient = checks.in_form(gradient, self.dtype)
        return in_shape(network.backward(gradient), plan.input_shape)

    # What `fastopt` adds from the floor above, `fastopt.tools`

    if TYPE_CHECKING:

        def summary(self) -> None:
            """See `fastopt.tools.summary`."""

        def export(self, path: str | os.PathLike[str], probabilities: bool = False) -> None:
            """See `fastopt.export.files`."""

        def save(self, path: str | os.PathLike[str]) -> None:
            """See `fastopt.tools.saving`."""

        def fold(self) -> "Sequential":
            """See `fastopt.tools.fold`."""

        def layer_outputs(self, x: ArrayLike, batch_size: int = 256) -> dict[str, Real]:
            """See `fastopt.tools.inspect`."""

        def recompute_statistics(self, x: ArrayLike, batch_size: int = 256) -> None:
            """See `fastopt.tools.inspect`."""

    # Pieces

    def _read(
        self, x: Any, y: Any, sample_weight: ArrayLike | None, plan: Plan | None = None, how: Reading | None = None
    ) -> tuple[Samples, Plan]:
        """Return checked samples and the plan for them: the given one, or that of the model, or that of their shape."""
        loss, how = self._need_losses().loss, how or Reading("", self._classes)
        assert loss is not None
        if plan is None and self._built is not None:
            plan = self._built.plan
        name = f"{how.prefix}x"
        inputs, shape = checked_inputs(
            name, self._numbers(name, x, how=how), None if plan is None else plan.input_shape, self.dtype
        )
        plan = plan or self.plan(shape)
        plan.check_ids(f"{how.prefix}x", [inputs])
        return checked_samples(inputs, y, sample_weight, loss, plan, self.dtype, how), plan


def _as_layer(given: Any) -> Any:
    if isinstance(given, Weighted):
        return given.as_layer()
    return Scaling(given) if is_scaler(given) else given
