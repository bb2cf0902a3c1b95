"""What has weights and is trained and judged by data: what models of one input and of several do with them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt import _core
from fastopt.core import checks
from fastopt.core.registry import word
from fastopt.data.augment import Augment, augmentations
from fastopt.methods import Solver
from fastopt.model.callbacks.base import Callback
from fastopt.model.callbacks.history import History
from fastopt.model.compiled import Compiled
from fastopt.model.data import (
    Reading,
    batch_size_at,
    check_one_validation,
    checked_split,
    split,
    taking,
    triple,
)
from fastopt.model.degenerate import warn_of_rounding
from fastopt.model.feed import Feed, Ready, Stream, Whole, begin
from fastopt.model.fit import checked_callbacks, checked_epochs, cost_and_gradient, evaluate, fit, train_on_batch
from fastopt.model.heads import Heads
from fastopt.model.plan import Plan
from fastopt.model.predicting import Inputs, Predicting
from fastopt.model.progress import progress
from fastopt.model.results import Results, kind_of_results
from fastopt.model.source import Batches, Source, are_batches, refuse_for_batches, refuse_steps

__all__ = ["Targets", "Trained"]

SMALL = 2000  # samples: up to so many are one batch with "whole_if_small"

Targets = ArrayLike | Sequence[ArrayLike] | Mapping[str, ArrayLike]
J = TypeVar("J", bound=Compiled | Heads)


class Trained(Predicting[J]):
    """The base of models: training and evaluation, whatever the number of inputs and outputs."""

    def fit(
        self,
        x: Inputs | Batches,
        y: Targets | None = None,
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
        augment: Augment | Sequence[Augment | None] | None = None,
    ) -> History:
        """Train for some epochs.

        Each step goes along the gradient of sum_i w_i L_i / (samples in the batch); the reported values are
        sum_i w_i L_i / sum_i w_i over the epoch, each batch taken before its step. L_i is the loss of a sample, of
        several outputs the sum of their losses times the `loss_weights`. What layers penalise belongs to both:
        `fastopt.regularizers` says how.

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
                never filled up as a whole; for several inputs a list of such, or a dict by their names. Or, where there
                is no `y`, batches ``(x, y)`` or ``(x, y, sample_weight)``: a list, a generator, a `DataLoader`, any
                other iterable, an object with a length and batches by number as Keras's `Sequence`, or a function that
                returns an iterable and is called for each epoch. They may be of different sizes; each is checked when
                its turn comes, and messages give its number.
            y: Targets, as the loss wants them; also labels of any kind, see `classes`; for several outputs a list of
                such, or a dict by their names.
            batch_size: Samples a step, at least 1; None for all of them; ``"auto"`` is 32, or all of them for a solver,
                ``"whole_if_small"`` all of up to 2,000, else 32. The last batch of an epoch may be smaller. A schedule
                with ``per="epoch"``, or a function, of the number of epochs trained changes it; it is rounded.
            epochs: The number of the epoch to stop before.
            validation_data: ``(x, y)`` or ``(x, y, sample_weight)``, evaluated after each epoch; or batches, as of `x`.
            validation_split: The fraction of samples kept for validation instead of `validation_data`.
            shuffle: Whether each epoch takes the samples in a new random order; of batches those that have numbers, as
                those of a list, and other iterables are in their own.
            sample_weight: Weights ``[n]``, at least 0, of all losses.
            callbacks: Objects to call as training goes; None for none.
            initial_epoch: The number of the first epoch, from 0.
            verbose: 0 or False silent, 1 or True a bar, 2 one line an epoch, ``"auto"`` a bar in a terminal or a
                notebook and lines elsewhere.
            class_weight: Factors of the sample weights by class, at least 0, in training but not in validation: a dict,
                in which a class that is missing has 1, or ``"balanced"``, n / (classes * samples of the class) with the
                classes that occur, which then weigh the same. It is for models of one output.
            iterations: Of a solver on each batch, at least 1; None is 1 on all samples and 5 on batches of some.
            validation_freq: After how many epochs each the model is validated, at least 1; the history has NaN for the
                epochs between.
            split_by: Which samples `validation_split` keeps: ``"last"``, as they come; ``"random"``, decided by the
                seed; ``"stratified"``, random and of each class its share, for models of one output.
            rows: The numbers of the samples to train with, which may repeat, or a mask; None for all. The result is
                that of ``x[rows]`` and ``y[rows]``, which are not made.
            validation_rows: Those of the samples to validate with, instead of `validation_data`.
            steps_per_epoch: How many batches of an iterable an epoch takes, needed where it has no end; None for one
                pass. Where a pass ends within an epoch, the next one begins.
            validation_steps: How many batches of an iterable a validation takes; None for one pass.
            drop_remainder: Whether an epoch leaves out the samples that do not fill a batch, others in each epoch where
                it shuffles. A first batch that is not full is taken.
            augment: How images are changed at random as they are read for a step, a `fastopt.data.Augment`; None for
                not at all. Of several inputs it is a list with an `Augment` or None for each: images of one sample are
                changed by the same random numbers. Validation data stay as they are. For an optimizer, not for a
                solver.

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
        compiled = self._need_losses()
        validation_freq = checks.integer("validation_freq", validation_freq, 1)
        numbers = checked_epochs(initial_epoch, epochs)
        validation_split = checked_split(validation_split)
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

            def read(batch: object, prefix: str) -> Any:
                nonlocal plan
                how = Reading(prefix, known, part=True, features=features)
                part, plan = self._read(*triple(prefix[:-2], batch), plan, how)
                return compiled.with_class_weight(part, class_weight, plan, self.dtype, how)

            feed = Stream(self._source(x, steps_per_epoch, numbers, shuffle, batch_size), read)
            every = data = feed.data
            assert plan is not None
        else:
            refuse_steps("steps_per_epoch", steps_per_epoch)
            how = Reading("", known, find=True, features=features)
            every, plan = self._read(x, y, sample_weight, plan, how)
            data = taking(every, "rows", rows)
            sizes, iterations = self._batches(batch_size, iterations, data.rows)
        validation: list[Any] | Callable[[], Iterable[Any]] | None = self._validation(
            validation_data, validation_steps, numbers, validation_freq
        )
        if validation is None and (validation_data is not None or validation_split or validation_rows is not None):
            if validation_rows is not None:
                validated = taking(every, "validation_rows", validation_rows, "validation")
            elif validation_data is not None:
                given = triple("validation_data", validation_data)
                validated, _ = self._read(*given, plan, Reading("validation ", known, features=features))
            else:
                classes = compiled.labels(data, plan) if split_by == "stratified" else None
                data, validated = split(data, validation_split, None if split_by == "last" else self.seed, classes)
            compiled.check_metrics(validated, plan)
            compiled.warn_of_classes(data, validated, plan, known)
            validation = [validated]
        if y is not None:
            data = compiled.with_class_weight(data, class_weight, plan, self.dtype, how)
            plan.check_batches(data.rows, batch_size_at(sizes, self.epochs_trained))
            feed = Whole(data, sizes, shuffle, checks.flag("drop_remainder", drop_remainder))
        changes = augmentations(augment, plan.input_shapes, self.dtype)
        centered = self._build(plan).network.centers_inputs
        for i, array in enumerate(data.x if isinstance(data.x, list) else [data.x]):
            if not centered[i]:
                warn_of_rounding("x" if len(centered) == 1 else f"x[{i}]", array, self.dtype)
        compiled.warn(data, plan, trained=True)
        self._classes, self._features = known, features
        return fit(self, feed, validation, numbers, listeners, shown, iterations, validation_freq, changes)

    def train_on_batch(
        self,
        x: Inputs,
        y: Targets,
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
        compiled = self._need_losses()
        data, plan = self._read(x, y, sample_weight)
        if class_weight is not None:
            data = compiled.with_class_weight(data, class_weight, plan, self.dtype, Reading("", self._classes))
        rows = data.rows
        plan.check_batches(rows, rows)
        built = self._build(plan)
        built.freeze()
        return Results(train_on_batch(compiled, built, self._trainer(compiled.optimizer, built), data))

    def evaluate(
        self,
        x: Inputs | Batches,
        y: Targets | None = None,
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
            The loss and the metrics, ``Results``: a tuple, as in
            ``loss, accuracy = model.evaluate(x, y)``, whose items have names.

        Raises:
            RuntimeError: The model has not been compiled with a loss, or not been built.
            TypeError: Data or an argument has the wrong type.
            ValueError: Data or an argument does not fit, or is NaN or infinite.
        """
        returned = kind_of_results(return_dict)
        compiled, built = self._need_losses(), self._need_weights()
        batch_size = checks.integer("batch_size", batch_size, 1, checks.SIZE)
        parts: Iterable[Any]
        if y is None:
            refuse_for_batches({"sample_weight": sample_weight is not None, "rows": rows is not None})
            parts = self._parts(Source("x", x, steps))
        else:
            refuse_steps("steps", steps)
            every, plan = self._read(x, y, sample_weight)
            data = taking(every, "rows", rows, "chosen")
            compiled.check_metrics(data, plan)
            compiled.warn(data, plan)
            parts = [data]
        built.freeze()
        return returned(evaluate(compiled, built, parts, batch_size, verbose))

    def cost_and_gradient(
        self, x: Inputs, y: Targets, w: ArrayLike | None = None, sample_weight: ArrayLike | None = None
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
        compiled, built = self._need_losses(), self._need_weights()
        data, _ = self._read(x, y, sample_weight)
        built.freeze()
        return cost_and_gradient(compiled, built, data, self._flat_weights(w))

    # All samples at a time

    def test_on_batch(self, x: Any, y: Any, sample_weight: ArrayLike | None = None) -> Results:
        """Return what `evaluate` does, all samples at a time.

        Args:
            x: Inputs, as `fit` takes them.
            y: Targets, as the loss wants them.
            sample_weight: Weights ``[n]``, at least 0.

        Raises:
            RuntimeError, TypeError, ValueError: As `evaluate`.
        """
        results: Results = self.evaluate(x, y, checks.SIZE - 1, sample_weight)
        return results

    # Pieces

    if TYPE_CHECKING:

        def _read(
            self, x: Any, y: Any, sample_weight: ArrayLike | None, plan: Plan | None = None, how: Reading | None = None
        ) -> tuple[Any, Plan]:
            """Return checked data and their plan: the given one, or that of the model, or that of their shape."""

    def _need_losses(self) -> J:
        compiled = self._compiled
        if compiled is None or not compiled.has_losses:
            raise RuntimeError("The model has no loss: call compile(optimizer, loss) first.")
        return compiled

    def _ready(self) -> Ready:
        """Return what a step takes."""
        compiled, built = self._need_losses(), self._need_weights()
        built.freeze()
        return Ready(compiled, built, self._trainer(compiled.optimizer, built))

    def _full_batch(self, x: Any, y: Any, sample_weight: ArrayLike | None) -> _core.Epoch:
        """Return all samples as the core holds them, checked."""
        compiled, built = self._need_losses(), self._need_weights()
        data, _ = self._read(x, y, sample_weight)
        built.freeze()
        return begin(compiled, built, data, data.rows)

    def _batches(
        self, batch_size: int | str | Callable[[int], float] | None, iterations: int | None, rows: int
    ) -> tuple[int | Callable[[int], float], int | None]:
        """Return the batch size and the iterations on each batch that `fit` is to take."""
        solves = isinstance(self.optimizer, Solver)
        if iterations is not None:
            if not solves:
                raise ValueError("iterations are those of a solver on each batch; an optimizer does one step on it.")
            iterations = checks.integer("iterations", iterations, 1, 2**31)
        if isinstance(batch_size, str):
            small = word("batch_size", batch_size, ("auto", "whole_if_small")) != "auto" and rows <= SMALL
            batch_size = None if solves or small else 32
        return (rows if batch_size is None else batch_size), iterations

    def _source(self, x: object, steps: int | None, epochs: range, shuffle: bool, batch_size: object) -> Source:
        """Return the batches that `fit` is to take where there is no y."""
        first = self.epochs_trained
        refuse_for_batches(
            {
                "batch_size": not isinstance(batch_size, str) or batch_size != "auto",
                type(self.optimizer).__name__: isinstance(self.optimizer, Solver),
            }
        )

        def order(number: int, batches: int) -> NDArray[np.int64]:
            return _core.kernels.permutation(self.seed, first + number, batches)

        return Source("x", x, steps, "steps_per_epoch", len(epochs), order if shuffle else None, first)

    def _validation(
        self, given: object, steps: int | None, epochs: range, every: int
    ) -> Callable[[], Iterable[Any]] | None:
        """Return what gives the batches of a validation; None where there is none, or by arrays."""
        if not are_batches(given):
            refuse_steps("validation_steps", steps)
            return None
        times = sum((epoch + 1) % every == 0 for epoch in epochs)
        source = Source("validation_data", given, steps, "validation_steps", times)
        return lambda: self._parts(source, "validation ")

    def _parts(self, source: Source, prefix: str = "") -> Iterator[Any]:
        """Return the batches of a source, checked."""
        for number, batch in enumerate(source.parts()):
            yield self._part(batch, f"{prefix}batch {number}: ")

    def _part(self, batch: object, prefix: str) -> Any:
        """Return a batch (x, y) that is to be judged, checked."""
        data, plan = self._read(*triple(prefix[:-2], batch), how=Reading(prefix, self._classes, part=True))
        self._need_losses().check_metrics(data, plan)
        return data
