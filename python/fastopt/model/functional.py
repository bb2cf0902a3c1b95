"""Models of several inputs and outputs, whose layers may be connected in any way that goes forward."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt import _core
from fastopt.core import checks
from fastopt.data.augment import Augment, augmentations
from fastopt.kernels import Real
from fastopt.layers.base import Symbol, is_symbolic, size_of
from fastopt.model.built import Built
from fastopt.model.callbacks.base import Callback
from fastopt.model.callbacks.history import History
from fastopt.model.compiled import Metrics
from fastopt.model.data import (
    Reading,
    Several,
    batch_size_at,
    check_one_validation,
    checked_inputs,
    in_shape,
    taking,
    triple,
)
from fastopt.model.feed import Feed, Ready, Stream, Whole, begin
from fastopt.model.fit import checked_callbacks, checked_epochs, cost_and_gradient, evaluate, fit, train
from fastopt.model.graph import plan_of
from fastopt.model.heads import AnyLoss, Heads
from fastopt.model.plan import Plan
from fastopt.model.progress import progress, shown
from fastopt.model.results import Results, kind_of_results
from fastopt.model.solving import Method
from fastopt.model.source import Batches, Source, are_batches, refuse_for_batches, refuse_steps
from fastopt.model.weighted import Weighted

__all__ = ["Model"]

Arrays = ArrayLike | Sequence[ArrayLike]


class Model(Weighted[Heads]):
    """A network between inputs and outputs, as Keras's functional form describes it.

    Layers are called with `fastopt.Input` or with what other layers returned; one that is called more than once has the
    same weights each time. So can models be called: their layers become part of the outer model, under names such as
    ``"encoder/dense/kernel"``, and start from copies of the weights that the model has, if it has some then;
    ``encoder.trainable = False`` freezes them.

    Where there is one input, data are an array; where there are several, a list of arrays. So it is for outputs and
    targets, which may also be a dict by the names of the outputs: those of their layers.

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

    def fit(
        self,
        x: Arrays | Batches,
        y: Arrays | Mapping[str, ArrayLike] | None = None,
        batch_size: int | str | Callable[[int], float] | None = "auto",
        epochs: int = 1,
        validation_data: Sequence[Any] | Batches | None = None,
        shuffle: bool = True,
        sample_weight: ArrayLike | None = None,
        callbacks: Iterable[Callback] | None = None,
        initial_epoch: int = 0,
        verbose: int | bool | str = "auto",
        iterations: int | None = None,
        validation_freq: int = 1,
        rows: ArrayLike | None = None,
        validation_rows: ArrayLike | None = None,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        drop_remainder: bool = False,
        augment: Augment | Sequence[Augment | None] | None = None,
    ) -> History:
        """Train for some epochs, along the gradient of the sum of all losses times their weights.

        Args:
            x: Inputs ``[n, features]``; or, without `y`, batches, as `Sequential.fit` takes them.
            y: Targets, as the losses want them; also labels of any kind, see `classes`.
            batch_size: Samples a step, None or a word, or a schedule or function, as `Sequential.fit` takes them.
            epochs: The number of the epoch to stop before.
            validation_data: ``(x, y)`` or ``(x, y, sample_weight)``, evaluated after each epoch; or batches, as of `x`.
            shuffle: Whether each epoch takes the samples in a new random order.
            sample_weight: Weights ``[n]``, at least 0, of all losses.
            callbacks: Objects to call as training goes; None for none.
            initial_epoch: The number of the first epoch, from 0.
            verbose: 0 silent, 1 a bar, 2 one line an epoch, ``"auto"`` as `Sequential.fit`.
            iterations: Of a solver on each batch, as `Sequential.fit` says.
            validation_freq: After how many epochs each the model is validated, at least 1.
            rows: The samples to train with, as `Sequential.fit` takes them; None for all.
            validation_rows: Those to validate with, instead of `validation_data`.
            steps_per_epoch: How many batches of an iterable an epoch takes, needed where it has no end; None for one
                pass. Where a pass ends within an epoch, the next one begins.
            validation_steps: How many batches of an iterable a validation takes; None for one pass.
            drop_remainder: Whether an epoch leaves out the samples that do not fill a batch, as `Sequential.fit` says.
            augment: As `Sequential.fit`; for several inputs a list with an `Augment` or None for each. Images of one
                sample are changed by the same random numbers.

        Returns:
            The history, also found in ``model.history``.

        Raises:
            RuntimeError, TypeError, ValueError, FloatingPointError, KeyboardInterrupt: As `Sequential.fit`.
        """
        compiled = self._need_losses()
        validation_freq = checks.integer("validation_freq", validation_freq, 1)
        numbers = checked_epochs(initial_epoch, epochs)
        listeners, shuffle = checked_callbacks(callbacks), checks.flag("shuffle", shuffle)
        shown = progress(verbose)
        known, features = self._classes.copy(), self._features.copy()
        check_one_validation(validation_data, None, validation_rows)
        feed: Feed
        if y is None:
            refuse_for_batches(
                {
                    "sample_weight": sample_weight is not None,
                    "drop_remainder": drop_remainder,
                    "rows": rows is not None,
                    "validation_rows": validation_rows is not None,
                }
            )

            def read(batch: object, prefix: str) -> Several:
                return self._data(*triple(prefix[:-2], batch), Reading(prefix, known, part=True, features=features))

            feed = Stream(self._source(x, steps_per_epoch, numbers, shuffle, batch_size), read)
            every = data = feed.data
        else:
            refuse_steps("steps_per_epoch", steps_per_epoch)
            every = self._data(x, y, sample_weight, Reading("", known, find=True, features=features))
            data = taking(every, "rows", rows)
            sizes, iterations = self._batches(batch_size, iterations, data.rows)
            self.graph.check_batches(data.rows, batch_size_at(sizes, self.epochs_trained))
            feed = Whole(data, sizes, shuffle, checks.flag("drop_remainder", drop_remainder))
        validation: list[Any] | Callable[[], Iterable[Any]] | None = self._validation(
            validation_data, validation_steps, numbers, validation_freq
        )
        if validation is None and (validation_data is not None or validation_rows is not None):
            if validation_data is not None:
                held = self._data(
                    *triple("validation_data", validation_data), Reading("validation ", known, features=features)
                )
            else:
                held = taking(every, "validation_rows", validation_rows, "validation")
            compiled.check_metrics(held, self.graph)
            validation = [held]
        changes = augmentations(augment, self.graph.input_shapes, self.dtype)
        compiled.warn(data, self.graph, self._need_weights().network)
        self._classes, self._features = known, features
        return fit(self, feed, validation, numbers, listeners, shown, iterations, validation_freq, changes)

    def train_on_batch(
        self, x: Arrays, y: Arrays | Mapping[str, ArrayLike], sample_weight: ArrayLike | None = None
    ) -> Results:
        """Do one step on all of the data as one batch; return the losses and means over samples before it.

        Args:
            x: Inputs ``[n, features]``.
            y: Targets, as the losses want them.
            sample_weight: Weights ``[n]``, at least 0.

        Raises:
            RuntimeError, TypeError, ValueError, FloatingPointError: As `fit`.
        """
        self._need_losses()
        data = self._data(x, y, sample_weight)
        self.graph.check_batches(data.rows, data.rows)
        ready = self._ready()
        return Results(train(ready, begin(ready.compiled, ready.built, data, data.rows), 1))

    def evaluate(
        self,
        x: Arrays | Batches,
        y: Arrays | Mapping[str, ArrayLike] | None = None,
        batch_size: int = 256,
        sample_weight: ArrayLike | None = None,
        verbose: int | bool | str = "auto",
        return_dict: bool | None = None,
        rows: ArrayLike | None = None,
        steps: int | None = None,
    ) -> Any:
        """Return the cost, which is the sum of the losses times their weights, and the losses and metrics of outputs.

        Args:
            x: Inputs ``[n, features]``; or, without `y`, batches, as `fit` takes them.
            y: Targets, as the losses want them.
            batch_size: Samples computed at a time, at least 1; it changes memory and speed only.
            sample_weight: Weights ``[n]``, at least 0.
            verbose: 0 or 2 for nothing, 1 for a bar if it lasts longer than a second, ``"auto"`` the same in a terminal
                or a notebook, where the bar is removed at the end.
            return_dict: True for a dict instead, False for a list.
            rows: The samples that are looked at, as `fit` takes them; None for all.
            steps: How many batches of an iterable; None for all of a pass.

        Returns:
            The loss and the metrics, `fastopt.model.results.Results`: a tuple, as in
            ``loss, accuracy = model.evaluate(x, y)``, whose items have names.

        Raises:
            RuntimeError, TypeError, ValueError: As `fit`.
        """
        returned = kind_of_results(return_dict)
        compiled, built = self._need_losses(), self._need_weights()
        batch_size = checks.integer("batch_size", batch_size, 1, checks.SIZE)
        parts: Iterable[Several]
        if y is None:
            refuse_for_batches({"sample_weight": sample_weight is not None, "rows": rows is not None})
            parts = self._parts(Source("x", x, steps))
        else:
            refuse_steps("steps", steps)
            data = taking(self._data(x, y, sample_weight), "rows", rows, "chosen")
            compiled.check_metrics(data, self.graph)
            compiled.warn(data, self.graph)
            parts = [data]
        built.freeze()
        return returned(evaluate(compiled, built, parts, batch_size, verbose))

    def cost_and_gradient(
        self,
        x: Arrays,
        y: Arrays | Mapping[str, ArrayLike],
        w: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[float, NDArray[np.float64]]:
        """Return the cost of all samples together and its gradient, at any weights; see `Sequential`.

        Args:
            x: Inputs ``[n, features]``.
            y: Targets, as the losses want them.
            w: The weights ``[count_params()]``; None for those of the model.
            sample_weight: Weights ``[n]``, at least 0.

        Raises:
            RuntimeError, TypeError, ValueError: As `fit`.
        """
        compiled, built = self._need_losses(), self._need_weights()
        data = self._data(x, y, sample_weight)
        built.freeze()
        return cost_and_gradient(compiled, built, data, self._flat_weights(w))

    def _full_batch(
        self, x: Arrays, y: Arrays | Mapping[str, ArrayLike], sample_weight: ArrayLike | None
    ) -> _core.Epoch:
        """Return all samples as the core holds them, checked."""
        compiled, built = self._need_losses(), self._need_weights()
        data = self._data(x, y, sample_weight)
        built.freeze()
        return begin(compiled, built, data, data.rows)

    def predict(
        self, x: Arrays | Batches, batch_size: int = 256, verbose: int | bool | str = "auto", steps: int | None = None
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

    def predict_classes(self, x: Arrays, batch_size: int = 256) -> Any:
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

    def __call__(self, x: Arrays) -> Any:
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

    def backward(self, dy: Arrays) -> Any:
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
            _several("dy", dy, len(self.graph.output_names)),
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

        def save(self, path: str | os.PathLike[str]) -> None:
            """See `fastopt.tools.saving`."""

    # Pieces

    def _need_losses(self) -> Heads:
        if self._compiled is None or not self._compiled.has_losses:
            raise RuntimeError("The model has no loss: call compile(optimizer, loss) first.")
        return self._compiled

    def _ready(self) -> Ready:
        """Return what a step takes."""
        compiled, built = self._need_losses(), self._need_weights()
        built.freeze()
        return Ready(compiled, built, self._trainer(compiled.optimizer, built))

    def _inputs(self, name: str, x: Any, how: Reading | None = None) -> list[NDArray[Any]]:
        """Return the samples of each input, each in a row."""
        shapes = self.graph.input_shapes
        arrays = []
        for i, (given, shape) in enumerate(zip(_several(name, x, len(shapes)), shapes, strict=True)):
            one = name if len(shapes) == 1 else f"{name}[{i}]"
            arrays.append(checked_inputs(one, self._numbers(one, given, str(i), how), shape, self.dtype)[0])
            if len(arrays[-1]) != len(arrays[0]):
                raise ValueError(f"{name}[{i}] has {len(arrays[-1])} samples, {name}[0] has {len(arrays[0])}.")
        self.graph.check_ids(name, arrays)
        return arrays

    def _data(
        self,
        x: Any,
        y: Arrays | Mapping[str, ArrayLike],
        sample_weight: ArrayLike | None,
        how: Reading | None = None,
    ) -> Several:
        how = how or Reading("", self._classes)
        inputs = self._inputs(f"{how.prefix}x", x, how)
        rows = len(inputs[0])
        targets, given = self._need_losses().targets(y, self.graph, rows, self.dtype, how)
        if sample_weight is None:
            return Several(inputs, targets, None, given)
        weight = checks.weights(f"{how.prefix}sample_weight", sample_weight, rows, self.dtype, how.part)
        return Several(inputs, targets, weight, given)

    def _part(self, batch: object, prefix: str) -> Several:
        data = self._data(*triple(prefix[:-2], batch), Reading(prefix, self._classes, part=True))
        self._need_losses().check_metrics(data, self.graph)
        return data

    def _shaped(self, outputs: Real | list[Real]) -> Any:
        arrays = outputs if isinstance(outputs, list) else [outputs]
        shaped = [in_shape(array, shape) for array, shape in zip(arrays, self.graph.output_shapes, strict=True)]
        return shaped if len(shaped) > 1 else shaped[0]


def _listed(name: str, symbols: Symbol | Sequence[Symbol]) -> list[Symbol]:
    listed = [symbols] if isinstance(symbols, Symbol) else checks.items(name, symbols)
    if not listed:
        raise ValueError(f"{name} is empty; a model has at least one input and one output.")
    return listed


def _several(name: str, given: Arrays, count: int) -> list[Any]:
    """Return as many arrays: the items of a list, or, where there is one, itself."""
    if count == 1:
        return list(given) if isinstance(given, list | tuple) and len(given) == 1 and np.ndim(given[0]) > 1 else [given]
    if not isinstance(given, list | tuple) or len(given) != count:
        raise ValueError(f"{name} must be a list of {count} arrays, not {checks.described(given)}.")
    return list(given)
