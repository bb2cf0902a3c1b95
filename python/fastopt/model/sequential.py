"""The model: a stack of layers, how it is trained, and what it predicts."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt import _core
from fastopt.core import checks
from fastopt.core.registry import word
from fastopt.data.augment import Augment, augmentations
from fastopt.data.preprocessing import Scaler
from fastopt.kernels import Real
from fastopt.layers import Layer, Scaling, Shape
from fastopt.layers.base import Input, is_symbolic
from fastopt.layers.residual import layer_names
from fastopt.layers.scaling import AffineScaler, is_scaler
from fastopt.losses import Loss
from fastopt.model.callbacks.base import Callback
from fastopt.model.callbacks.history import History
from fastopt.model.compiled import Compiled, Metrics
from fastopt.model.data import (
    Reading,
    Samples,
    batch_size_at,
    check_one_validation,
    checked_inputs,
    checked_samples,
    in_shape,
    taken,
    taking,
    triple,
    with_class_weight,
)
from fastopt.model.degenerate import warn_of_classes, warn_of_rounding, warn_of_targets
from fastopt.model.feed import Feed, Ready, Stream, Whole, begin
from fastopt.model.fit import checked_callbacks, checked_epochs, cost_and_gradient, evaluate, fit, train
from fastopt.model.graph import Chain
from fastopt.model.labels import predicted
from fastopt.model.plan import Plan
from fastopt.model.progress import progress, shown
from fastopt.model.results import Results, kind_of_results
from fastopt.model.solving import Method
from fastopt.model.source import Batches, Source, are_batches, refuse_for_batches, refuse_steps
from fastopt.model.weighted import Weighted

__all__ = ["Sequential"]


class Sequential(Weighted[Compiled]):
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

    # Training

    def fit(
        self,
        x: ArrayLike | Batches,
        y: ArrayLike | None = None,
        batch_size: int | str | Callable[[int], float] | None = "auto",
        epochs: int = 1,
        validation_data: Sequence[Any] | Batches | None = None,
        validation_split: float = 0.0,
        shuffle: bool = True,
        sample_weight: ArrayLike | None = None,
        callbacks: Iterable[Callback] | None = None,
        initial_epoch: int = 0,
        verbose: int | bool | str = "auto",
        class_weight: str | Mapping[Any, float] | None = None,
        iterations: int | None = None,
        validation_freq: int = 1,
        split_by: str = "last",
        rows: ArrayLike | None = None,
        validation_rows: ArrayLike | None = None,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        drop_remainder: bool = False,
        augment: Augment | None = None,
    ) -> History:
        """Train for some epochs.

        Each step goes along the gradient of sum_i w_i L_i / (samples in the batch); the reported values are
        sum_i w_i L_i / sum_i w_i over the epoch, each batch taken before its step. What layers penalise belongs to
        both: `fastopt.regularizers` says how.

        A solver of `fastopt.solvers` takes all samples, and an epoch is an iteration; training ends early where it has
        converged, or finds no better point: ``history.message`` says so. The reported values are those after the
        iteration. The batch of batch normalisation is all samples, and the masks of dropout stay the same during an
        iteration. A further `fit` goes on from what the solver remembers, if the weights are those that it left. With a
        `batch_size` an epoch goes through batches, with some iterations on each: L-BFGS and BFGS keep what they have
        learned of the curvature from batch to batch, a trust region its radius; conjugate gradients and the guess of
        the length of the next step begin anew.

        Args:
            x: Inputs ``[n, features]``: float32, float64, integers or bool, in any memory order, also memory-mapped;
                never copied as a whole; also a frame, see `encoder` and `feature_names`; or a sparse matrix of SciPy,
                never filled up as a whole; or, where there is no `y`, batches ``(x, y)`` or ``(x, y, sample_weight)``:
                a list, a generator, a `DataLoader`, any other iterable, an object with a length and batches by number
                as Keras's `Sequence`, or a function that returns an iterable and is called for each epoch. They may be
                of different sizes; each is checked when its turn comes, and messages give its number.
            y: Targets, as the loss wants them; also labels of any kind, see `classes`.
            batch_size: Samples a step, at least 1; None for all of them; ``"auto"`` is 32, or all of them for a solver,
                ``"whole_if_small"`` all of up to 2,000, else 32. The last batch of an epoch may be smaller. A schedule
                with ``per="epoch"``, or a function, of the number of epochs trained changes it; it is rounded.
            epochs: The number of the epoch to stop before.
            validation_data: ``(x, y)`` or ``(x, y, sample_weight)``, evaluated after each epoch; or batches, as of `x`.
            validation_split: The fraction of samples kept for validation instead of `validation_data`.
            shuffle: Whether each epoch takes the samples in a new random order; of batches those that have numbers, as
                those of a list, and other iterables are in their own.
            sample_weight: Weights ``[n]``, at least 0.
            callbacks: Objects to call as training goes; None for none.
            initial_epoch: The number of the first epoch, from 0.
            verbose: 0 or False silent, 1 or True a bar, 2 one line an epoch, ``"auto"`` a bar in a terminal or a
                notebook and lines elsewhere.
            class_weight: Factors of the sample weights by class, at least 0, in training but not in validation: a dict,
                in which a class that is missing has 1, or ``"balanced"``, n / (classes * samples of the class) with the
                classes that occur, which then weigh the same.
            iterations: Of a solver on each batch, at least 1; None is 1 on all samples and 5 on batches of some.
            validation_freq: After how many epochs each the model is validated, at least 1; the history has NaN for the
                epochs between.
            split_by: Which samples `validation_split` keeps: ``"last"``, as they come; ``"random"``, decided by the
                seed; ``"stratified"``, random and of each class its share.
            rows: The numbers of the samples to train with, which may repeat, or a mask; None for all. The result is
                that of ``x[rows]`` and ``y[rows]``, which are not made.
            validation_rows: Those of the samples to validate with, instead of `validation_data`.
            steps_per_epoch: How many batches of an iterable an epoch takes, needed where it has no end; None for one
                pass. Where a pass ends within an epoch, the next one begins.
            validation_steps: How many batches of an iterable a validation takes; None for one pass.
            drop_remainder: Whether an epoch leaves out the samples that do not fill a batch, others in each epoch where
                it shuffles. A first batch that is not full is taken.
            augment: How images are changed at random as they are read for a step, a `fastopt.data.Augment`; None for
                not at all. Validation data stay as they are. For an optimizer, not for a solver.

        Returns:
            The history, also found in ``model.history``.

        Raises:
            RuntimeError: The model has not been compiled with a loss.
            TypeError: Data or an argument has the wrong type; nothing has changed.
            ValueError: Data or an argument does not fit, or is NaN or infinite; nothing has changed.
            FloatingPointError: The loss became NaN or infinite, and the weights are those before that step; or the
                last step before the end of an epoch or a callback left NaN or infinite weights or running statistics,
                or, at the end of an epoch, slots of the optimizer.
            KeyboardInterrupt: Ctrl-C; the model is as after the last whole step.
        """
        compiled, loss = self._need_loss()
        validation_freq = checks.integer("validation_freq", validation_freq, 1)
        numbers = checked_epochs(initial_epoch, epochs)
        validation_split = checks.real("validation_split", validation_split)
        if not 0.0 <= validation_split < 1.0:
            raise ValueError(f"validation_split must be at least 0 and less than 1, not {validation_split:g}.")
        listeners, shuffle = checked_callbacks(callbacks), checks.flag("shuffle", shuffle)
        shown = progress(verbose)
        split_by = word("split_by", split_by, ("last", "random", "stratified"))
        known, features = self._classes.copy(), self._features.copy()
        check_one_validation(validation_data, validation_split or None, validation_rows)
        plan = None if self._built is None else self._built.plan
        feed: Feed
        if y is None:
            refuse_for_batches(
                {
                    "validation_split": validation_split > 0,
                    "sample_weight": sample_weight is not None,
                    "class_weight='balanced'": isinstance(class_weight, str),
                    "drop_remainder": drop_remainder,
                    "rows": rows is not None,
                    "validation_rows": validation_rows is not None,
                }
            )

            def read(batch: object, prefix: str) -> Samples:
                nonlocal plan
                how = Reading(prefix, known, part=True, features=features)
                data, plan = self._samples(loss, *triple(prefix[:-2], batch), plan, how)
                return with_class_weight(data, class_weight, loss, plan.outputs, self.dtype, how)

            feed = Stream(self._source(x, steps_per_epoch, numbers, shuffle, batch_size), read)
            every = data = feed.data
            assert plan is not None
        else:
            refuse_steps("steps_per_epoch", steps_per_epoch)
            how = Reading("", known, find=True, features=features)
            every, plan = self._samples(loss, x, y, sample_weight, plan, how)
            data = taking(every, "rows", rows)
            sizes, iterations = self._batches(batch_size, iterations, data.rows)
        validation: list[Any] | Callable[[], Iterable[Any]] | None = self._validation(
            validation_data, validation_steps, numbers, validation_freq
        )
        if validation is None and (validation_data is not None or validation_split or validation_rows is not None):
            if validation_rows is not None:
                held = taking(every, "validation_rows", validation_rows, "validation")
            elif validation_data is not None:
                given = triple("validation_data", validation_data)
                held, _ = self._samples(loss, *given, plan, Reading("validation ", known, features=features))
            else:
                classes = taken(data, loss.classes(data.y, plan.outputs)[0]) if split_by == "stratified" else None
                data, held = data.split(validation_split, None if split_by == "last" else self.seed, classes)
            compiled.check_metrics(held, loss, plan.outputs)
            warn_of_classes(data, held, loss, plan.outputs, known.get(""))
            validation = [held]
        if y is not None:
            data = with_class_weight(data, class_weight, loss, plan.outputs, self.dtype, how)
            plan.check_batches(data.rows, batch_size_at(sizes, self.epochs_trained))
            feed = Whole(data, sizes, shuffle, checks.flag("drop_remainder", drop_remainder))
        changes = augmentations(augment, [plan.input_shape], self.dtype)
        if not self._build(plan).network.centers_inputs[0]:
            warn_of_rounding("x", data.x, self.dtype)
        warn_of_rounding("y", data.given, data.y.dtype)
        warn_of_targets(data, loss, plan.outputs)
        self._classes, self._features = known, features
        return fit(self, feed, validation, numbers, listeners, shown, iterations, validation_freq, changes)

    def train_on_batch(
        self,
        x: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        class_weight: str | Mapping[Any, float] | None = None,
    ) -> Results:
        """Do one step on all of the data as one batch.

        Args:
            x: Inputs ``[n, features]``.
            y: Targets, as the loss wants them.
            sample_weight: Weights ``[n]``, at least 0.
            class_weight: Factors of the sample weights by class, as `fit` takes them; ``"balanced"`` counts the samples
                of the batch.

        Returns:
            The loss and the metrics that are means over samples, before the step, as `evaluate` returns them.

        Raises:
            RuntimeError, TypeError, ValueError, FloatingPointError: As `fit`.
        """
        compiled, loss = self._need_loss()
        data, plan = self._samples(loss, x, y, sample_weight)
        if class_weight is not None:
            how = Reading("", self._classes)
            data = with_class_weight(data, class_weight, loss, plan.outputs, self.dtype, how)
        plan.check_batches(len(data.x), len(data.x))
        epoch = begin(compiled, self._build(plan), data, len(data.x))
        return Results(train(self._ready(), epoch, 1))

    def evaluate(
        self,
        x: ArrayLike | Batches,
        y: ArrayLike | None = None,
        batch_size: int = 256,
        sample_weight: ArrayLike | None = None,
        verbose: int | bool | str = "auto",
        return_dict: bool | None = None,
        rows: ArrayLike | None = None,
        steps: int | None = None,
    ) -> Any:
        """Return the loss and the metrics: sum_i w_i L_i / sum_i w_i, and what is computed from all predictions.

        The latter are NaN if a prediction is NaN or infinite.

        Args:
            x: Inputs ``[n, features]``; or, without `y`, batches, as `fit` takes them.
            y: Targets, as the loss wants them.
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
            RuntimeError: The model has not been compiled with a loss, or not been built.
            TypeError: Data or an argument has the wrong type.
            ValueError: Data or an argument does not fit, or is NaN or infinite.
        """
        returned = kind_of_results(return_dict)
        compiled, loss = self._need_loss()
        built = self._need_weights()
        batch_size = checks.integer("batch_size", batch_size, 1, checks.SIZE)
        parts: Iterable[Samples]
        if y is None:
            refuse_for_batches({"sample_weight": sample_weight is not None, "rows": rows is not None})
            parts = self._parts(Source("x", x, steps))
        else:
            refuse_steps("steps", steps)
            every, plan = self._samples(loss, x, y, sample_weight)
            data = taking(every, "rows", rows, "chosen")
            compiled.check_metrics(data, loss, plan.outputs)
            warn_of_rounding("y", data.given, data.y.dtype)
            parts = [data]
        built.freeze()
        return returned(evaluate(compiled, built, parts, batch_size, verbose))

    def cost_and_gradient(
        self, x: ArrayLike, y: ArrayLike, w: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> tuple[float, NDArray[np.float64]]:
        """Return the cost of all samples together and its gradient, at any weights.

        C(w) = sum_i w_i L_i / n and what layers penalise, with noise off and the running statistics of batch
        normalisation: what `evaluate` computes, if the weights of the samples are 1. Samples go through in chunks, so
        that memory does not grow with their number, whose sums are in double precision; but all at once where a
        function as loss returns a number for them all. It is what methods that look at all data need, such as those of
        `scipy.optimize`.

        Args:
            x: Inputs ``[n, features]``.
            y: Targets, as the loss wants them.
            w: The weights ``[count_params()]``, those of `parameters` one after the other; None for those of the model,
                which stay as they are.
            sample_weight: Weights ``[n]``, at least 0.

        Returns:
            The cost, and its gradient ``[count_params()]``, which is 0 for layers that are frozen.

        Raises:
            RuntimeError: The model has not been compiled with a loss, or not been built.
            TypeError: Data or an argument has the wrong type.
            ValueError: Data or an argument does not fit, or is NaN or infinite.

        Example:
            >>> import numpy as np, fastopt as fo
            >>> model = fo.Sequential([fo.layers.Dense(1, kernel_initializer="zeros", use_bias=False)])
            >>> model.compile(loss="mse")
            >>> model.build(2)
            >>> model.cost_and_gradient([[1.0, 0.0], [0.0, 2.0]], [1.0, 3.0])
            (5.0, array([-1., -6.]))
        """
        compiled, loss = self._need_loss()
        built = self._need_weights()
        data, _ = self._samples(loss, x, y, sample_weight)
        built.freeze()
        return cost_and_gradient(compiled, built, data, self._flat_weights(w))

    def _full_batch(self, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None) -> _core.Epoch:
        """Return all samples as the core holds them, checked."""
        compiled, loss = self._need_loss()
        built = self._need_weights()
        data, _ = self._samples(loss, x, y, sample_weight)
        built.freeze()
        return begin(compiled, built, data, data.rows)

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

        def save(self, path: str | os.PathLike[str]) -> None:
            """See `fastopt.tools.saving`."""

        def fold(self) -> "Sequential":
            """See `fastopt.tools.fold`."""

        def layer_outputs(self, x: ArrayLike, batch_size: int = 256) -> dict[str, Real]:
            """See `fastopt.tools.inspect`."""

        def recompute_statistics(self, x: ArrayLike, batch_size: int = 256) -> None:
            """See `fastopt.tools.inspect`."""

    # Pieces

    def _need_loss(self) -> tuple[Compiled, Loss]:
        if self._compiled is None or self._compiled.loss is None:
            raise RuntimeError("The model has no loss: call compile(optimizer, loss) first.")
        return self._compiled, self._compiled.loss

    def _ready(self) -> Ready:
        """Return what a step takes."""
        compiled, _ = self._need_loss()
        built = self._need_weights()
        built.freeze()
        return Ready(compiled, built, self._trainer(compiled.optimizer, built))

    def _samples(
        self,
        loss: Loss,
        x: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        plan: Plan | None = None,
        how: Reading | None = None,
    ) -> tuple[Samples, Plan]:
        """Return checked samples and the plan for them: the given one, or that of the model, or that of their shape."""
        how = how or Reading("", self._classes)
        if plan is None and self._built is not None:
            plan = self._built.plan
        name = f"{how.prefix}x"
        inputs, shape = checked_inputs(
            name, self._numbers(name, x, how=how), None if plan is None else plan.input_shape, self.dtype
        )
        plan = plan or self.plan(shape)
        plan.check_ids(f"{how.prefix}x", [inputs])
        return checked_samples(inputs, y, sample_weight, loss, plan, self.dtype, how), plan

    def _part(self, batch: object, prefix: str) -> Samples:
        compiled, loss = self._need_loss()
        how = Reading(prefix, self._classes, part=True)
        data, plan = self._samples(loss, *triple(prefix[:-2], batch), how=how)
        compiled.check_metrics(data, loss, plan.outputs)
        return data


def _as_layer(given: Any) -> Any:
    if isinstance(given, Weighted):
        return given.as_layer()
    return Scaling(given) if is_scaler(given) else given
