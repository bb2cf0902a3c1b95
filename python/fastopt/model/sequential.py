"""The model: a stack of layers, how it is trained, and what it predicts."""

import os
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt import _core
from fastopt.core import checks
from fastopt.core.registry import unknown_name
from fastopt.data.preprocessing import Scaler
from fastopt.kernels import Real
from fastopt.layers import BatchNormalization, Layer, Parameter, Scaling, Shape
from fastopt.layers.base import size_of
from fastopt.layers.residual import layer_names
from fastopt.layers.shape import Flatten, Reshape
from fastopt.losses import FunctionLoss, Loss, loss_of
from fastopt.metrics import MeanMetric, Metric, metric_of
from fastopt.model import function_training
from fastopt.model.callbacks import Callback, History, Logs
from fastopt.model.progress import Progress, progress
from fastopt.optimizers import OPTIMIZERS, Optimizer
from fastopt.schedules import Schedule

__all__ = ["Sequential"]

DTYPES = ("float32", "float64")

# What the logs of an epoch hold beside the loss and the metrics.
SPEED = ("seconds", "samples_per_second")

# The random streams of a seed: epoch e is shuffled by stream e, tensor i starts from stream INITIAL_VALUES + i.
INITIAL_VALUES = 1 << 48
INITIAL_STATE = 1 << 49


class Samples(NamedTuple):
    """Checked data: inputs ``[n, features]``, targets as the loss wants them, weights ``[n]``, a sample's shape."""

    x: NDArray[Any]
    y: NDArray[Any]
    weight: Real | None
    shape: Shape

    def split(self, fraction: float) -> tuple["Samples", "Samples"]:
        """Return the first samples and the last ``fraction`` of them, as views."""
        first = len(self.x) - int(len(self.x) * fraction)
        if not 0 < first < len(self.x):
            raise ValueError(f"validation_split={fraction:g} of {len(self.x)} samples leaves one part empty.")
        parts = self._rows(slice(first)), self._rows(slice(first, None))
        for kind, part in zip(("training", "validation"), parts, strict=True):
            if part.weight is not None and not part.weight.any():
                raise ValueError(f"sample_weight is 0 for every {kind} sample; at least one must be positive.")
        return parts

    def _rows(self, rows: slice) -> "Samples":
        return Samples(self.x[rows], self.y[rows], None if self.weight is None else self.weight[rows], self.shape)


class Stage(NamedTuple):
    """A layer in its place: its name, the shapes of its inputs and outputs, its tensors, and a note on it."""

    name: str
    layer: Layer
    input_shape: Shape
    output_shape: Shape
    parameters: dict[str, Parameter]
    state: dict[str, Parameter]
    note: str


class Sequential:
    """A network of layers, each feeding the next.

    Layers get their weights when the model first sees data, or by `build`. All results depend only on the data, the
    arguments and the seed: not on the number of threads.

    Args:
        layers: The layers, first to last; a fitted scaler of `fastopt.preprocessing` stands for `layers.Scaling` of it.
        seed: Decides the starting values and the order of samples, 0 <= seed < 2**64; None draws one from the operating
            system.
        dtype: ``"float32"`` or ``"float64"``, of weights and of all computing.
        name: The name in the summary.

    Attributes:
        optimizer: The optimizer of `compile`; its hyperparameters may be set at any time.
        history: The `History` of the last `fit`, also of one that was interrupted.
        epochs_trained: The number of epochs trained so far; with the seed it decides the order of the next, and it is
            the time of schedules that count epochs. A loop of one's own may set it.
        stop_training: Set by callbacks to end `fit`.

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
        layers: Sequence[Layer | Scaler[Any]],
        seed: int | None = 0,
        dtype: str = "float32",
        name: str | None = None,
    ) -> None:
        self.layers = [Scaling(layer) if isinstance(layer, Scaler) else layer for layer in layers]
        self.layer_names = layer_names(self.layers)
        self.seed = int.from_bytes(os.urandom(8), "little") if seed is None else checks.integer("seed", seed, 0, 2**64)
        try:
            self.dtype = np.dtype(dtype).name
        except (TypeError, SyntaxError):
            self.dtype = str(dtype)
        if self.dtype not in DTYPES:
            raise unknown_name("dtype", dtype, DTYPES)
        if not isinstance(name, str | None):
            raise TypeError(f"name must be a string, not {name!r}.")
        self.name = name
        self.optimizer: Optimizer | None = None
        self.loss: Loss | None = None
        self.metrics: dict[str, Metric] = {}
        self.history = History()
        self.epochs_trained = 0
        self.stop_training = False
        self._network: _core.Network | None = None
        self._input_shape: Shape | None = None
        self._output_shape: Shape = ()
        self._stages: tuple[Stage, ...] = ()
        self._keys: dict[str, str] = {}
        self._functions: list[str] = []
        self._noise = True

    # Building

    @property
    def built(self) -> bool:
        """Whether the layers have their weights."""
        return self._network is not None

    @property
    def input_shape(self) -> Shape | None:
        """The shape of one sample, or None before the model is built."""
        return self._input_shape

    @property
    def noise(self) -> bool:
        """Whether layers that add noise in training do so; it may be set at any time."""
        return self._noise

    @noise.setter
    def noise(self, value: bool) -> None:
        self._noise = bool(value)
        if self._network is not None:
            self._network.noise = self._noise

    @property
    def draws(self) -> int:
        """The number of batches trained, which with the seed decides the noise of the next."""
        return self._built().draws

    @draws.setter
    def draws(self, value: int) -> None:
        self._built().draws = checks.integer("draws", value, 0, 2**38)

    @property
    def last_activation(self) -> str:
        """The name of the function that the outputs have gone through."""
        computing = [layer for layer in self.layers if not isinstance(layer, Flatten | Reshape)]
        return computing[-1].activation if computing else "linear"

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
        sizes = [input_shape] if not isinstance(input_shape, Sequence) else list(input_shape)
        if len(sizes) > 1 and sizes[0] is None:
            del sizes[0]
        if not sizes:
            raise ValueError("input_shape must be the shape of one sample, such as 784 or (28, 28), not ().")
        shape = tuple(checks.integer("input_shape", size, 1, checks.SIZE) for size in sizes)
        if self._network is not None:
            if shape != self._input_shape:
                raise ValueError(f"The model is already built for samples of shape {self._input_shape}, not {shape}.")
            return
        plan = self.plan(shape)
        specs = [spec for stage in plan for spec in stage.layer.specs(stage.input_shape)]
        network = _core.Network(self.dtype, size_of(shape), specs, self.seed)
        network.noise = self._noise
        kinds = ("parameters", network.parameters, INITIAL_VALUES), ("state", network.state, INITIAL_STATE)
        for kind, views, stream in kinds if initialize else ():
            tensors = [tensor for stage in plan for tensor in getattr(stage, kind).values()]
            for i, (tensor, view) in enumerate(zip(tensors, _flat(views), strict=True)):
                view[...] = tensor.initializer(tensor.shape, self.seed, stream + i, self.dtype)
        self._network, self._input_shape = network, shape
        self._output_shape, self._stages = plan[-1].output_shape, plan
        try:
            if self.optimizer is not None:
                self._bind(self.optimizer)
        except ValueError:
            self._network = self._input_shape = None
            raise

    def plan(self, input_shape: Shape) -> tuple[Stage, ...]:
        """Return what the layers become for samples of this shape; nothing is allocated.

        That of a model that is built is the one that it was built by.

        Raises:
            ValueError: A layer cannot take its input.
        """
        if input_shape == self._input_shape:
            return self._stages
        stages = []
        for name, layer, behind in zip(self.layer_names, self.layers, [*self.layers[1:], None], strict=True):
            used, note = layer, ""
            if isinstance(behind, BatchNormalization) and behind.center and (bare := layer.without_bias()) is not None:
                used, note = bare, "without bias: the beta behind it stands for it"
            output_shape = used.output_shape(input_shape)
            parameters, state = used.parameters(input_shape), used.state(input_shape)
            stages.append(Stage(name, used, input_shape, output_shape, parameters, state, note))
            input_shape = output_shape
        return tuple(stages)

    def compile(
        self,
        optimizer: str | Optimizer = "adam",
        loss: str | Loss | Callable[..., Any] | None = None,
        metrics: Iterable[str | Metric | Callable[..., Any]] | Mapping[str, str | Metric | Callable[..., Any]] = (),
    ) -> None:
        """Choose how the model is trained.

        Args:
            optimizer: The name or the object of an optimizer. The same object again keeps its slots; a new one starts
                afresh.
            loss: The name or the object of a loss, or a function of one's own, see `fastopt.losses.FunctionLoss`; None
                for a model that is trained only by `backward`.
            metrics: Names or objects of metrics, or functions such as those of scikit-learn, see
                `fastopt.metrics.FunctionMetric`; reported under their names, or a dict with other names to report them
                under. Those that are not means over samples are reported by `evaluate` and for validation data only.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: A name is unknown, occurs twice or means something else in the logs; the loss does not go with
                the last activation, or a metric with the loss; or the optimizer already trains another model.
        """
        if isinstance(metrics, str) or callable(metrics):
            raise TypeError(f"metrics must be a list, such as [{metrics!r}], not {metrics!r}.")
        chosen_optimizer = OPTIMIZERS.resolve(optimizer)
        chosen_loss = None if loss is None else loss_of(loss)
        named = metrics.items() if isinstance(metrics, Mapping) else [(_report_name(m), m) for m in metrics]
        chosen_metrics: dict[str, Metric] = {}
        for name, metric in named:
            if _checked_report_name(name) in chosen_metrics:
                raise ValueError(f"Two metrics would be reported as {name!r}; give a dict with other names.")
            chosen_metrics[name] = metric_of(metric)
        if chosen_loss is not None:
            chosen_loss.check_activation(self.last_activation)
            for metric in chosen_metrics.values():
                metric.check(chosen_loss)
        elif chosen_metrics:
            raise ValueError("Metrics need a loss.")
        if self._network is not None:
            self._bind(chosen_optimizer)
        self.optimizer, self.loss, self.metrics = chosen_optimizer, chosen_loss, chosen_metrics
        self._keys = {} if chosen_loss is None else _keys(self._mean_metrics(), chosen_loss)
        self._functions = list(dict.fromkeys(name for name in self._keys.values() if name != "loss"))

    # Training

    def fit(
        self,
        x: ArrayLike,
        y: ArrayLike,
        batch_size: int | Callable[[int], float] = 32,
        epochs: int = 1,
        validation_data: Sequence[Any] | None = None,
        validation_split: float = 0.0,
        shuffle: bool = True,
        sample_weight: ArrayLike | None = None,
        callbacks: Sequence[Callback] = (),
        initial_epoch: int = 0,
        verbose: int | str = "auto",
        class_weight: str | Mapping[int, float] | None = None,
    ) -> History:
        """Train for some epochs.

        Each step goes along the gradient of sum_i w_i L_i / (samples in the batch); the reported values are
        sum_i w_i L_i / sum_i w_i over the epoch, each batch taken before its step. What layers penalise belongs to
        both: `fastopt.regularizers` says how.

        Args:
            x: Inputs ``[n, features]``: float32, float64, integers or bool, in any memory order, also memory-mapped;
                never copied as a whole.
            y: Targets, as the loss wants them.
            batch_size: Samples a step, at least 1; the last batch of an epoch may be smaller. A schedule with
                ``per="epoch"``, or a function, of the number of epochs trained changes it; it is rounded.
            epochs: The number of the epoch to stop before.
            validation_data: ``(x, y)`` or ``(x, y, sample_weight)``, evaluated after each epoch.
            validation_split: The fraction of samples, the last ones, kept for validation instead of `validation_data`.
            shuffle: Whether each epoch takes the samples in a new random order.
            sample_weight: Weights ``[n]``, at least 0.
            callbacks: Objects to call as training goes.
            initial_epoch: The number of the first epoch, from 0.
            verbose: 0 silent, 1 a bar, 2 one line an epoch, ``"auto"`` a bar in a terminal or a notebook and lines
                elsewhere.
            class_weight: Factors of the sample weights by class, at least 0, in training but not in validation: a dict,
                in which a class that is missing has 1, or ``"balanced"``, n / (classes * samples of the class) with the
                classes that occur, which then weigh the same.

        Returns:
            The history, also found in ``model.history``.

        Raises:
            RuntimeError: The model has not been compiled with a loss.
            TypeError: Data or an argument has the wrong type; nothing has changed.
            ValueError: Data or an argument does not fit, or is NaN or infinite; nothing has changed.
            FloatingPointError: The loss became NaN or infinite, and the weights are those before that step; or the
                last step before the end of an epoch or a callback left NaN or infinite weights.
            KeyboardInterrupt: Ctrl-C; the model is as after the last whole step.
        """
        self._compiled()
        first_size = _batch_size(batch_size, self.epochs_trained)
        initial_epoch = checks.integer("initial_epoch", initial_epoch, 0)
        epochs = checks.integer("epochs", epochs, 0)
        if epochs < initial_epoch:
            raise ValueError(f"epochs={epochs} is the epoch to stop before: at least initial_epoch={initial_epoch}.")
        validation_split = checks.real("validation_split", validation_split)
        if not 0.0 <= validation_split < 1.0:
            raise ValueError(f"validation_split must be at least 0 and less than 1, not {validation_split:g}.")
        if isinstance(callbacks, Callback) or not all(isinstance(c, Callback) for c in callbacks):
            raise TypeError(f"callbacks must be a list of objects of fastopt.callbacks.Callback, not {callbacks!r}.")
        shown = progress(verbose)
        data = self._samples(x, y, sample_weight)
        validation = None
        if validation_data is not None:
            if validation_split:
                raise ValueError("Give validation_data or validation_split, not both.")
            if not isinstance(validation_data, list | tuple) or len(validation_data) not in (2, 3):
                raise ValueError("validation_data must be (x, y) or (x, y, sample_weight).")
            x, y, sample_weight = (*validation_data, None)[:3]
            validation = self._samples(x, y, sample_weight, data.shape, "validation ")
        elif validation_split:
            data, validation = data.split(validation_split)
        if class_weight is not None:
            data = self._with_class_weight(data, class_weight)
        self._check_step()
        if validation is not None:
            self._check_metrics(validation)
        self._check_batches(len(data.x), first_size, data.shape)
        self.build(data.shape)

        self.stop_training = False
        params = {
            "epochs": epochs,
            "initial_epoch": initial_epoch,
            "batches": -(-len(data.x) // first_size),
            "samples": len(data.x),
            "logs": self._log_names(validated=validation is not None),
        }
        history = History()
        listeners = [history, *callbacks, shown]
        for listener in listeners:
            listener.model, listener.params = self, params
        try:
            for listener in listeners:
                listener.on_train_begin()
            self.history = history
            warned = False
            for epoch in range(initial_epoch, epochs):
                size = _batch_size(batch_size, self.epochs_trained)
                optimizer, _ = self._compiled()
                self._bind(optimizer)
                if (message := optimizer.batch_warning(size, len(data.x))) and not warned:
                    warnings.warn(message, UserWarning, stacklevel=2)
                    warned = True
                params["batches"] = -(-len(data.x) // size)
                for listener in listeners:
                    listener.on_epoch_begin(epoch)
                if self.stop_training:
                    break
                began = time.perf_counter()
                logs = self._train_epoch(data, size, shuffle, callbacks, shown)
                seconds = time.perf_counter() - began
                if validation is not None:
                    logs |= {f"val_{name}": value for name, value in self._evaluate(validation, 256).items()}
                logs |= dict(zip(SPEED, (seconds, len(data.x) / seconds), strict=True))
                for listener in listeners:
                    listener.on_epoch_end(epoch, logs)
                if self.stop_training:
                    break
            for listener in listeners:
                listener.on_train_end()
        finally:
            shown.close()
        return history

    def _train_epoch(
        self, data: Samples, batch_size: int, shuffle: bool, callbacks: Iterable[Callback], shown: Progress
    ) -> Logs:
        optimizer, _ = self._compiled()
        n = len(data.x)
        self._check_batches(n, batch_size, data.shape)
        order = _core.kernels.permutation(self.seed, self.epochs_trained, n) if shuffle else None
        listeners = [c for c in callbacks if c.wants_batches]
        batches = -(-n // batch_size)
        done = 0
        totals: dict[str, float] = {}

        def poll(batches: int) -> None:
            shown.poll(done + batches)

        while done < batches and not self.stop_training:
            stop = min([batches, *(done + c.every - done % c.every for c in listeners)])
            totals = self._train(data, batch_size, range(done, stop), order, poll, totals or None)
            done = stop
            for listener in listeners:
                if done % listener.every == 0:
                    listener.on_batch_end(done - 1, self._means(totals))
        self.epochs_trained += 1
        return self._means(totals) | optimizer.report()

    def _train(
        self,
        data: Samples,
        batch_size: int,
        batches: range,
        order: NDArray[np.int64] | None = None,
        poll: Callable[[int], object] | None = None,
        totals: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Do these steps of an epoch, and return its totals so far."""
        optimizer, loss = self._compiled()
        trainer = self._bind(optimizer)
        if isinstance(loss, FunctionLoss):
            return function_training.train(
                self._built(),
                optimizer,
                trainer,
                loss,
                {self._keys[name]: metric for name, metric in self._mean_metrics().items()},
                *data[:3],
                order,
                batch_size,
                batches,
                poll,
                totals,
            )
        return trainer.train(
            data.x,
            data.y,
            loss.name,
            optimizer.hyper_of(len(batches)),
            self._functions,
            data.weight,
            order,
            batch_size,
            batches.start,
            len(batches),
            poll,
            totals,
            loss.hyper,
        )

    def train_on_batch(
        self,
        x: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        class_weight: str | Mapping[int, float] | None = None,
    ) -> Logs:
        """Do one step on all of the data as one batch.

        Args:
            x: Inputs ``[n, features]``.
            y: Targets, as the loss wants them.
            sample_weight: Weights ``[n]``, at least 0.
            class_weight: Factors of the sample weights by class, as `fit` takes them; ``"balanced"`` counts the samples
                of the batch.

        Returns:
            The loss and the metrics that are means over samples, before the step.

        Raises:
            RuntimeError, TypeError, ValueError, FloatingPointError: As `fit`.
        """
        data = self._samples(x, y, sample_weight)
        if class_weight is not None:
            data = self._with_class_weight(data, class_weight)
        self._check_step()
        self._check_batches(len(data.x), len(data.x), data.shape)
        if not self.built:
            self.build(data.shape)
        return self._means(self._train(data, len(data.x), range(1)))

    def evaluate(
        self, x: ArrayLike, y: ArrayLike, batch_size: int = 256, sample_weight: ArrayLike | None = None
    ) -> Logs:
        """Return the loss and the metrics: sum_i w_i L_i / sum_i w_i, and what is computed from all predictions.

        The latter are NaN if a prediction is NaN or infinite.

        Args:
            x: Inputs ``[n, features]``.
            y: Targets, as the loss wants them.
            batch_size: Samples computed at a time, at least 1; it changes memory and speed only.
            sample_weight: Weights ``[n]``, at least 0.

        Raises:
            RuntimeError: The model has not been compiled with a loss, or not been built.
            TypeError: Data or an argument has the wrong type.
            ValueError: Data or an argument does not fit, or is NaN or infinite.
        """
        self._compiled()
        self._built()
        batch_size = checks.integer("batch_size", batch_size, 1, checks.SIZE)
        data = self._samples(x, y, sample_weight)
        self._check_metrics(data)
        return self._evaluate(data, batch_size)

    # Predicting

    def predict(self, x: ArrayLike, batch_size: int = 256) -> Real:
        """Return the outputs of the last layer, ``[n, outputs]``.

        They are what the last activation makes: probabilities after ``"softmax"`` or ``"sigmoid"``, logits after
        ``"linear"`` if the loss is a cross-entropy.

        Args:
            x: Inputs ``[n, features]``.
            batch_size: Samples computed at a time, at least 1; it changes memory and speed only.

        Raises:
            RuntimeError: The model has not been built.
            TypeError: `x` does not hold numbers.
            ValueError: The shape does not fit, or a value is NaN or infinite.
        """
        network = self._built()
        inputs = self._inputs("x", x)
        outputs = network.predict(inputs, checks.integer("batch_size", batch_size, 1, checks.SIZE))
        return _in_shape(outputs, self._output_shape)

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
        link = None if self.loss is None else self.loss.link
        activation = self.last_activation
        if activation in ("softmax", "sigmoid"):
            return self.predict(x, batch_size)
        if link is None or activation != "linear":
            raise ValueError(
                f"There are no probabilities: the last activation is {activation!r} and the loss is "
                f"{None if self.loss is None else self.loss.name!r}; predict gives the outputs."
            )
        logits = self.predict(x, batch_size)
        return _core.kernels.activation_forward(link, logits, out=logits)

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
        shape = self._shape_of("x", x)
        inputs = self._inputs("x", x)
        self._check_batches(len(inputs), len(inputs), shape)
        if not self.built:
            self.build(shape)
        return _in_shape(self._built().forward(inputs), self._output_shape)

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
        network = self._built()
        if _core.is_matrix(dy, self.dtype, network.output_size):
            return _in_shape(network.backward(dy), self._input_shape or ())
        gradient = checks.array("dy", dy)
        shape = self._output_shape
        if len(shape) > 1 and gradient.shape[1:] == shape:
            gradient = gradient.reshape(len(gradient), -1)
        gradient = checks.matrix("dy", gradient, network.output_size)
        checks.finite("dy", gradient, self.dtype)
        return _in_shape(network.backward(checks.in_form(gradient, self.dtype)), self._input_shape or ())

    def apply_gradients(self) -> None:
        """Do one step of the optimizer along the gradients that `backward` has left.

        Raises:
            RuntimeError: The model has not been compiled or not been built.
        """
        if self.optimizer is None:
            raise RuntimeError("The model has no optimizer: call compile(optimizer) first.")
        trainer = self._bind(self.optimizer)
        self.optimizer.check_gradient_in_place()
        trainer.apply(self.optimizer.hyper)

    @property
    def parameters(self) -> dict[str, Real]:
        """The weights by name (``"dense/kernel"``): views that may be written."""
        return self._by_name("parameters", self._built().parameters)

    @property
    def gradients(self) -> dict[str, Real]:
        """The gradients that `backward` has left, by the names of `parameters`: views."""
        return self._by_name("parameters", self._built().gradients)

    @property
    def state(self) -> dict[str, Real]:
        """What layers keep beside the weights, by name (``"batch_normalization/moving_mean"``): views to be written."""
        return self._by_name("state", self._built().state)

    @property
    def slots(self) -> dict[str, Real]:
        """The optimizer's arrays by name (``"dense/kernel/m"``): views that may be written."""
        if self.optimizer is None:
            return {}
        self._bind(self.optimizer)
        return self.optimizer.slots

    # Weights

    def get_weights(self) -> list[Real]:
        """Return copies of all weights, layer by layer, kernel before bias, and then of the `state`.

        Raises:
            RuntimeError: The model has not been built.
        """
        return [view.copy() for view in (self.parameters | self.state).values()]

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Set all weights, or, if one does not fit, none.

        Args:
            weights: Arrays in the order and of the shapes of `get_weights`.

        Raises:
            RuntimeError: The model has not been built.
            TypeError: One does not hold numbers.
            ValueError: Their number or the shape of one does not fit, or a value is NaN or infinite.
        """
        views = self.parameters | self.state
        if len(weights) != len(views):
            raise ValueError(f"weights holds {len(weights)} arrays; expected {len(views)}: {', '.join(views)}.")
        arrays = [checks.array(name, value) for name, value in zip(views, weights, strict=True)]
        for (name, view), array in zip(views.items(), arrays, strict=True):
            if array.shape != view.shape:
                raise ValueError(f"{name} has shape {view.shape}; the array given for it has shape {array.shape}.")
            checks.finite(name, array, self.dtype)
        for view, array in zip(views.values(), arrays, strict=True):
            view[...] = array

    def count_params(self) -> int:
        """Return the number of weights.

        Raises:
            RuntimeError: The model has not been built.
        """
        return sum(view.size for view in self.parameters.values())

    # What `fastopt` adds from the floor above, `fastopt.tools`

    if TYPE_CHECKING:

        def summary(self) -> None:
            """See `fastopt.tools.summary`."""

        def save(self, path: str | os.PathLike[str]) -> None:
            """See `fastopt.tools.saving`."""

        def fold(self) -> "Sequential":
            """See `fastopt.tools.fold`."""

        def layer_outputs(self, x: ArrayLike, batch_size: int = 256) -> dict[str, Real]:
            """See `fastopt.tools.inspect`."""

        def recompute_statistics(self, x: ArrayLike, batch_size: int = 256) -> None:
            """See `fastopt.tools.inspect`."""

    # Checks

    def _compiled(self) -> tuple[Optimizer, Loss]:
        if self.optimizer is None or self.loss is None:
            raise RuntimeError("The model has no loss: call compile(optimizer, loss) first.")
        return self.optimizer, self.loss

    def _built(self) -> _core.Network:
        if self._network is None:
            raise RuntimeError("The model has no weights yet: call build(input_shape) or fit(x, y) first.")
        return self._network

    def _shape_of(self, name: str, x: ArrayLike) -> Shape:
        """Return the shape of a sample: that of the model, or that of the data."""
        return self._input_shape or checks.samples(name, x, None).shape[1:]

    def _inputs(self, name: str, x: ArrayLike, shape: Shape | None = None) -> NDArray[Any]:
        """Return the samples, each in a row."""
        shape = self._input_shape or shape
        if shape is not None and len(shape) == 1 and _core.is_matrix(x, self.dtype, shape[0]):
            return x  # the usual case; the checks below take ten times as long
        result = checks.samples(name, x, shape)
        checks.finite(name, result, self.dtype)
        return result if result.ndim == 2 else result.reshape(len(result), -1)

    def _whole(self, x: ArrayLike, batch_size: int) -> tuple[Real, int]:
        """Return the samples in the model's dtype and their own shape, and the checked size of a batch."""
        self._built()
        inputs = self._inputs("x", x).astype(self.dtype, copy=False)
        batch_size = checks.integer("batch_size", batch_size, 1, checks.SIZE)
        return inputs.reshape(len(inputs), *(self._input_shape or ())), batch_size

    def _samples(
        self,
        x: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        shape: Shape | None = None,
        prefix: str = "",
    ) -> Samples:
        _, loss = self._compiled()
        shape = shape or self._shape_of(f"{prefix}x", x)
        inputs = self._inputs(f"{prefix}x", x, shape)
        targets = checks.array(f"{prefix}y", y)
        if targets.ndim == 0 or len(targets) != len(inputs):
            raise ValueError(
                f"{prefix}x has {len(inputs)} samples (shape {(len(inputs), *shape)}), {prefix}y has shape "
                f"{targets.shape}; expected one target for each sample."
            )
        output_shape = self.plan(shape)[-1].output_shape
        if len(output_shape) > 1 and targets.shape[1:] == output_shape:
            targets = targets.reshape(len(targets), -1)
        return Samples(
            inputs,
            loss.targets(f"{prefix}y", targets, size_of(output_shape), self.dtype),
            None
            if sample_weight is None
            else checks.weights(f"{prefix}sample_weight", sample_weight, len(inputs), self.dtype),
            shape,
        )

    def _with_class_weight(self, data: Samples, class_weight: str | Mapping[int, float]) -> Samples:
        _, loss = self._compiled()
        labels, classes = loss.classes(data.y, size_of(self.plan(data.shape)[-1].output_shape))
        factors = np.ones(classes)
        if isinstance(class_weight, Mapping):
            for label, factor in class_weight.items():
                if checks.integer("A key of class_weight", label, 0) >= classes:
                    raise ValueError(f"class_weight has the class {label}; the classes are 0 to {classes - 1}.")
                factors[label] = checks.real(f"class_weight[{label}]", factor, 0)
        elif str(class_weight) == "balanced":
            counts = np.bincount(labels, minlength=classes)
            factors = len(labels) / (np.count_nonzero(counts) * np.maximum(counts, 1))
        else:
            raise TypeError(f"class_weight must be a dict of classes and factors, or 'balanced', not {class_weight!r}.")
        weight = factors[labels] if data.weight is None else factors[labels] * data.weight
        if not weight.any():
            raise ValueError("The weights are all 0: at least one sample must have a positive class weight and weight.")
        return data._replace(weight=checks.weights("class_weight times sample_weight", weight, len(weight), self.dtype))

    def _check_step(self) -> None:
        """Refuse an optimizer that cannot be trained with the loss."""
        optimizer, loss = self._compiled()
        if isinstance(loss, FunctionLoss):
            optimizer.check_gradient_in_place()

    def _check_metrics(self, data: Samples) -> None:
        """Refuse metrics that cannot be computed for the data."""
        _, loss = self._compiled()
        outputs = size_of(self.plan(data.shape)[-1].output_shape)
        for metric in self.metrics.values():
            metric.check_data(loss, outputs, data.weight is not None)

    def _check_batches(self, samples: int, batch_size: int, shape: Shape) -> None:
        """Raise ValueError where a layer cannot be trained with the smallest batch."""
        smallest = samples % batch_size or min(batch_size, samples)
        for stage in self.plan(shape):
            stage.layer.check_batch(stage.name, smallest, stage.input_shape)

    # Pieces

    def _bind(self, optimizer: Optimizer) -> _core.Optimizer:
        if optimizer.epoch != self.epochs_trained:
            optimizer.epoch = self.epochs_trained
        return optimizer.bind(self._built(), lambda: self._names("parameters"))

    def _mean_metrics(self) -> dict[str, MeanMetric]:
        return {name: metric for name, metric in self.metrics.items() if isinstance(metric, MeanMetric)}

    def _means(self, totals: Mapping[str, float]) -> Logs:
        weight = totals["weight"] or float("nan")
        return {name: totals[key] / weight for name, key in self._keys.items() if key in totals}

    def _evaluate(self, data: Samples, batch_size: int) -> Logs:
        _, loss = self._compiled()
        network, outputs = self._built(), None
        if isinstance(loss, FunctionLoss):
            outputs = network.predict(data.x, batch_size)
            logs = self._means(
                function_training.evaluate(network, loss, data.x, data.y, outputs, data.weight, batch_size)
            )
        else:
            logs = self._means(
                network.evaluate(
                    data.x, data.y, loss.name, self._functions, data.weight, batch_size, loss_hyper=loss.hyper
                )
            )
        others = {name: metric for name, metric in self.metrics.items() if name not in logs}
        if others:
            outputs = network.predict(data.x, batch_size) if outputs is None else outputs
            if loss.link is not None and self.last_activation == "linear":
                # In float64, where a sigmoid keeps apart what would be 1 in float32.
                outputs = _core.kernels.activation_forward(loss.link, outputs.astype(np.float64))
            exclusive = None if loss.link is None else loss.link != "sigmoid"
            known = bool(np.isfinite(outputs).all())
            for name, metric in others.items():
                logs[name] = metric(data.y, outputs, data.weight, exclusive=exclusive) if known else float("nan")
        return {name: logs[name] for name in ("loss", *self.metrics)}

    def _log_names(self, validated: bool) -> list[str]:
        optimizer, _ = self._compiled()
        validation = [f"val_{name}" for name in ("loss", *self.metrics) if validated]
        return ["loss", *self._mean_metrics(), *optimizer.report(), *validation, *SPEED]

    def _names(self, kind: str) -> list[str]:
        return [f"{stage.name}/{name}" for stage in self.plan(self._input_shape or ()) for name in getattr(stage, kind)]

    def _by_name(self, kind: str, layers: Sequence[Mapping[str, Real]]) -> dict[str, Real]:
        return dict(zip(self._names(kind), _flat(layers), strict=True))


def _keys(metrics: Mapping[str, MeanMetric], loss: Loss) -> dict[str, str]:
    """Return the names of the means over samples, the loss among them, and what totals hold them under."""
    own = isinstance(loss, FunctionLoss)
    return {"loss": "loss"} | {n: f"metric {n}" if own else m.function(loss) for n, m in metrics.items()}


def _in_shape(rows: Real, shape: Shape) -> Real:
    """Return the samples, each a row, in their own shape."""
    return rows if len(shape) == 1 else rows.reshape(len(rows), *shape)


def _flat(layers: Sequence[Mapping[str, Real]]) -> list[Real]:
    return [view for layer in layers for view in layer.values()]


def _batch_size(given: object, epoch: int) -> int:
    if callable(given):
        if isinstance(given, Schedule) and given.per != "epoch":
            raise ValueError(f"batch_size changes between epochs only: give {given!r} per='epoch'.")
        given = round(checks.real("batch_size", given(epoch)))
    return checks.integer("batch_size", given, 1, checks.SIZE)


def _report_name(metric: object) -> str:
    return metric if isinstance(metric, str) else metric_of(metric).name


def _checked_report_name(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"A metric is reported under a name, such as 'accuracy', not {name!r}.")
    if name in ("loss", *SPEED) or name.startswith("val_"):
        raise ValueError(f"A metric cannot be reported as {name!r}: the logs have something else under that name.")
    return name
