"""Models of several inputs and outputs, whose layers may be connected in any way that goes forward."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt.core import checks
from fastopt.kernels import Real
from fastopt.layers.base import Symbol, is_symbolic, size_of
from fastopt.model.built import Built
from fastopt.model.compiled import Metrics
from fastopt.model.data import (
    Reading,
    Several,
    checked_inputs,
    in_shape,
)
from fastopt.model.graph import plan_of
from fastopt.model.heads import AnyLoss, Heads
from fastopt.model.plan import Plan
from fastopt.model.progress import shown
from fastopt.model.solving import Method
from fastopt.model.source import Batches, are_batches
from fastopt.model.trained import Inputs, Trained

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
            metrics: Those of the output; or a list of such for each output, or a dict.
            loss_weights: How many times the cost takes each loss, at least 0; 1 if None.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: A name is unknown, or there is not one of each for each output.
        """
        if loss is None and metrics:
            raise ValueError("Metrics need a loss.")
        losses: Any = dict.fromkeys(self.graph.output_names) if loss is None else loss
        self._compile(optimizer, lambda own: Heads(own, losses, metrics, loss_weights, self.graph))

    def predict(
        self, x: Inputs | Batches, batch_size: int = 256, verbose: int | bool | str = "auto", steps: int | None = None
    ) -> Any:
        """Return the outputs ``[n, ...]``: an array, or a list of them.

        Args:
            x: Inputs ``[n, features]``; or an iterable of batches, x or ``(x, y)``, as `fit` takes them.
            batch_size: Samples computed at a time, at least 1; it changes memory and speed only.
            verbose: 0 or 2 for nothing, 1 for a bar if it lasts longer than a second, ``"auto"`` the same in a terminal
                or a notebook, where the bar is removed at the end.
            steps: How many batches of an iterable; None for all of a pass.

        Raises:
            TypeError: `x` does not hold numbers.
            ValueError: The shape does not fit, or a value is NaN or infinite.
        """
        if steps is not None or are_batches(x):
            return self._predict_batches(x, steps, batch_size, verbose)
        batch_size = checks.integer("batch_size", batch_size, 1, checks.SIZE)
        network, inputs = self._need_weights().network, self._inputs("x", x)
        return self._shaped(shown(verbose, "predict", len(inputs[0]), batch_size, network.predict, inputs, batch_size))

    def predict_classes(self, x: Inputs, batch_size: int = 256) -> Any:
        """Return the class of each sample, as `Sequential.predict_classes` does.

        Args:
            x: Inputs ``[n, features]``.
            batch_size: Samples computed at a time, at least 1.

        Returns:
            Labels ``[n]``; of several outputs a dict, by their names, of those that classify.

        Raises:
            RuntimeError: The model has not been compiled with a loss.
            TypeError: `x` does not hold numbers.
            ValueError: As `predict`; or no output classifies; or one is NaN or infinite.
        """
        outputs = self.predict(x, batch_size)
        alone = len(self.graph.output_names) == 1
        labels = self._need_losses().classes([outputs] if alone else outputs, self._classes)
        if not labels:
            raise ValueError("The model does not classify: predict gives the outputs.")
        return next(iter(labels.values())) if alone else labels

    def __call__(self, x: Inputs) -> Any:
        """Return the outputs and keep what `backward` needs.

        Args:
            x: Inputs ``[n, features]``.

        Raises:
            TypeError: `x` does not hold numbers.
            ValueError: The shape does not fit, or a value is NaN or infinite.
        """
        if is_symbolic(x):
            return self.as_layer()(x)  # type: ignore[arg-type]
        inputs, built = self._inputs("x", x), self._need_weights()
        self.graph.check_batches(len(inputs[0]), len(inputs[0]))
        built.freeze()
        return self._shaped(built.network.forward(inputs))

    def backward(self, dy: Inputs) -> Any:
        """Fill the gradients of the last call of the model, and return those of its inputs.

        Args:
            dy: The gradient of one's own loss with respect to each output, of its shape.

        Raises:
            RuntimeError: The model has not been called since it was trained or the last `backward`.
            TypeError: `dy` does not hold numbers.
            ValueError: A shape is not that of the output, or a value is NaN or infinite.
        """
        gradients = []
        for name, given, shape in zip(
            self.graph.output_names,
            _several("dy", dy, self.graph.output_names),
            self.graph.output_shapes,
            strict=True,
        ):
            array = checks.array(f"dy of {name!r}", given)
            if array.ndim and array.shape[1:] == shape:
                array = array.reshape(len(array), -1)
            array = checks.matrix(f"dy of {name!r}", array, size_of(shape))
            checks.finite(f"dy of {name!r}", array, self.dtype)
            gradients.append(checks.in_form(array, self.dtype))
        found = self._need_weights().network.backward(gradients)
        arrays = found if isinstance(found, list) else [found]
        shaped = [in_shape(array, shape) for array, shape in zip(arrays, self.graph.input_shapes, strict=True)]
        return shaped if len(shaped) > 1 else shaped[0]

    # What `fastopt` adds from the floor above, `fastopt.tools`

    if TYPE_CHECKING:

        def summary(self) -> None:
            """See `fastopt.tools.summary`."""

        def export(self, path: str | os.PathLike[str], probabilities: bool = False) -> None:
            """See `fastopt.export.files`."""

        def save(self, path: str | os.PathLike[str]) -> None:
            """See `fastopt.tools.saving`."""

    # Pieces

    def _inputs(self, name: str, x: Any, how: Reading | None = None) -> list[NDArray[Any]]:
        """Return the samples of each input, each in a row."""
        shapes, several = self.graph.input_shapes, _several(name, x, self.graph.input_names, self._encoder is not None)
        arrays: list[NDArray[Any]] = []
        for i, (given, shape) in enumerate(zip(several, shapes, strict=True)):
            one = name if len(shapes) == 1 else f"{name}[{i}]"
            arrays.append(checked_inputs(one, self._numbers(one, given, str(i), how), shape, self.dtype)[0])
            if len(arrays[-1]) != len(arrays[0]):
                raise ValueError(f"{name}[{i}] has {len(arrays[-1])} samples, {name}[0] has {len(arrays[0])}.")
        self.graph.check_ids(name, arrays)
        return arrays

    def _read(
        self, x: Any, y: Any, sample_weight: ArrayLike | None, plan: Plan | None = None, how: Reading | None = None
    ) -> tuple[Several, Plan]:
        how = how or Reading("", self._classes)
        inputs = self._inputs(f"{how.prefix}x", x, how)
        rows = len(inputs[0])
        targets, given = self._need_losses().targets(y, self.graph, rows, self.dtype, how)
        weight: Real | None = None
        if sample_weight is not None:
            weight = checks.weights(f"{how.prefix}sample_weight", sample_weight, rows, self.dtype, how.part)
        return Several(inputs, targets, weight, given), self.graph

    def _shaped(self, outputs: Real | list[Real]) -> Any:
        arrays = outputs if isinstance(outputs, list) else [outputs]
        shaped = [in_shape(array, shape) for array, shape in zip(arrays, self.graph.output_shapes, strict=True)]
        return shaped if len(shaped) > 1 else shaped[0]


def _listed(name: str, symbols: Symbol | Sequence[Symbol]) -> list[Symbol]:
    listed = [symbols] if isinstance(symbols, Symbol) else checks.items(name, symbols)
    if not listed:
        raise ValueError(f"{name} is empty; a model has at least one input and one output.")
    return listed


def _several(name: str, given: Any, names: Sequence[str], columns: bool = False) -> list[Any]:
    """Return an array for each of these names: the items of a dict or a list, or, where there is one, itself.

    Args:
        name: What messages call them.
        given: The arrays.
        names: Those that a dict has them by.
        columns: Whether a dict is one array, by the names of its columns.
    """
    if isinstance(given, Mapping) and not columns and (len(names) > 1 or given.keys() == {*names}):
        if given.keys() != {*names}:
            raise ValueError(f"{name} has the keys {[*given]}; expected {', '.join(names)}.")
        return [given[one] for one in names]
    if len(names) == 1:
        return list(given) if isinstance(given, list | tuple) and len(given) == 1 and np.ndim(given[0]) > 1 else [given]
    if not isinstance(given, list | tuple) or len(given) != len(names):
        raise ValueError(
            f"{name} must be a list of {len(names)} arrays, or a dict by {', '.join(names)}, not "
            f"{checks.described(given)}."
        )
    return list(given)
