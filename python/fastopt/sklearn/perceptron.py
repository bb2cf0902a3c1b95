"""What the classifier and the regressor share: arguments, training, and what it leaves."""

import math
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.base import _fit_context
from sklearn.callback import with_callbacks
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions

from fastopt.core.warn import warn
from fastopt.kernels import activations
from fastopt.methods import LBFGS, Solver
from fastopt.model.data import Samples, taken
from fastopt.optimizers import SGD, Adam, Optimizer
from fastopt.optimizers.describe import EPSILON
from fastopt.sklearn.base import Data, relative
from fastopt.sklearn.layers import ACTIVATIONS, starting_weights
from fastopt.sklearn.network import Network, read
from fastopt.sklearn.tasks import Tasks
from fastopt.sklearn.training import Epochs, Solve, mean_reciprocal

__all__ = ["Perceptron"]

NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and need to be preprocessed."
)
SKLEARN = sklearn.__path__[0]


class Perceptron(Network):
    """The base of the classifier and the regressor."""

    _parameter_constraints: dict[str, Any] = {  # noqa: RUF012
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions({*ACTIVATIONS, *activations.__all__} - {"activation_backward", "softmax"})],
        "solver": [StrOptions({"lbfgs", "sgd", "adam"}), Optimizer, Solver],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left"), Options(Real, {np.inf})],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "normalization": [StrOptions({"batch", "layer"}), None],
    }

    # Set by the constructors.
    hidden_layer_sizes: Any
    solver: Any
    alpha: float
    batch_size: Any
    learning_rate: str
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    random_state: Any
    tol: float
    verbose: Any
    warm_start: bool
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    validation_fraction: float
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: float
    max_fun: int

    # Training

    @with_callbacks
    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, eval_set: Any = None) -> Self:  # noqa: N803
        """Train, from the start or, with `warm_start`, from where the last training ended.

        Args:
            X: Samples ``[n, features]``: an array, a frame or a sparse matrix.
            y: Targets ``[n]``; of several outputs or labels ``[n, outputs]``.
            sample_weight: Weights ``[n]``, at least 0; None for 1.
            eval_set: ``(X, y)`` or ``(X, y, sample_weight)`` to be judged by after each epoch, in place of the part
                that `early_stopping` holds back. The weights of the best epoch are restored.

        Raises:
            TypeError, ValueError: An argument or the data do not fit; or weights are no longer finite.

        Warns:
            ConvergenceWarning: All iterations were needed.
        """
        return self._fit(X, y, sample_weight, eval_set=eval_set)

    def _check_solver(self) -> bool:
        if not self._stochastic:
            name = self.solver if isinstance(self.solver, str) else type(self.solver).__name__
            raise AttributeError(f"partial_fit is only available for stochastic optimizers. {name} is not stochastic.")
        return True

    @property
    def _stochastic(self) -> bool:
        """Whether batches are taken, not all samples at a time."""
        return self.solver != "lbfgs" and not isinstance(self.solver, Solver)

    def _fit(
        self,
        X: Any,  # noqa: N803
        y: Any,
        sample_weight: Any,
        *,
        incremental: bool = False,
        classes: Any = None,
        eval_set: Any = None,
    ) -> Self:
        given = self.hidden_layer_sizes
        hidden = list(given) if isinstance(given, Iterable) else [given]
        if np.any(np.array(hidden) <= 0):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {hidden}.")
        first = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        data = self._read(X, y, sample_weight, anew=first, classes=classes)
        self._random_state = check_random_state(self.random_state)
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        if first:
            self._begin([data.x.shape[1], *hidden, self.n_outputs_], data.x.dtype.name, eval_set is not None)
        rows, held_rows = self._split(data.y) if self.early_stopping and eval_set is None else (None, None)
        count = len(data.y) if rows is None else len(rows)
        batch_size = self._batch_size(count) if self._stochastic else count
        weight = data.weight if data.weight is None or rows is None else data.weight[rows]
        l2 = self.alpha / 2 * mean_reciprocal(count, batch_size)
        model = self._linked(l2 if weight is None or not weight.any() else l2 / weight.mean())
        if not incremental or model.optimizer is None:
            self._compile(model, self._method())
        data = data._replace(x=read(data.x, model.dtype))
        samples = self._samples(data, rows)
        held = None
        if eval_set is not None:
            part = self._read_part("eval_set", eval_set)
            held = self._samples(part._replace(x=read(part.x, model.dtype)))
        elif held_rows is not None:
            held = self._samples(data, held_rows)
        constant = self._cost.constant(taken(samples, samples.y), weight)
        tasks = None if incremental else Tasks(self, X, y, sample_weight, self.max_iter, self._copies)
        try:
            if self._stochastic:
                self._descend(samples, batch_size, held, constant, tasks)
            else:
                self._solve(samples, constant, tasks)
        except FloatingPointError as error:
            raise ValueError(NOT_FINITE) from error
        if not all(np.isfinite(w).all() for w in (*self.coefs_, *self.intercepts_)):
            raise ValueError(NOT_FINITE)
        if tasks is not None:
            tasks.close()
        return self

    def _begin(self, sizes: list[int], dtype: str, judged: bool) -> None:
        """Draw the first weights, and forget what there was."""
        self.n_iter_, self.t_, self.n_layers_ = 0, 0, len(sizes)
        self.out_activation_ = self._cost.out_activation
        self.coefs_, self.intercepts_ = starting_weights(sizes, self._activation, dtype, self._random_state)
        if hasattr(self, "model_"):
            del self.model_
        if self._stochastic:
            self.loss_curve_: list[float] = []
            self._no_improvement_count = 0
            self.best_loss_: float | None = None if self.early_stopping else math.inf
            self.validation_scores_: list[float] | None = [] if self.early_stopping or judged else None
            self.best_validation_score_: float | None = None if self.validation_scores_ is None else -math.inf

    def _split(self, y: NDArray[Any]) -> tuple[Any, Any]:
        """Return the rows to train with and those to be judged by, of each class its share if there are classes."""
        if not self._stochastic:
            return None, None
        classes: Any = None
        if self._targets.kind == "binary":
            classes = y.astype(bool)
        elif self._targets.kind == "multiclass":
            counts = np.unique(y, return_counts=True)[1]
            held = math.ceil(len(y) * self.validation_fraction)
            if counts.min() > 1 and min(held, len(y) - held) >= len(counts):  # else scikit-learn does without
                classes = y
        rows, held_rows = train_test_split(
            np.arange(len(y)), random_state=self._random_state, test_size=self.validation_fraction, stratify=classes
        )
        if len(held_rows) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
            )
        return rows, held_rows

    def _samples(self, data: Data, rows: NDArray[np.int64] | None = None) -> Samples:
        """Return samples in the form of the core, whose weights have the mean 1 over these rows."""
        dtype = self.coefs_[0].dtype
        y = data.y if data.y.dtype.kind == "i" else data.y.astype(dtype, copy=False)
        weight: Any = relative(data.weight, rows)
        return Samples(data.x, y, None if weight is None else weight.astype(dtype), data.y, rows)

    def _batch_size(self, rows: int) -> int:
        if self.batch_size == "auto":
            return min(200, rows)
        if self.batch_size > rows:
            text = "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped"
            warn(text, through=SKLEARN)
        return int(min(self.batch_size, rows))

    def _method(self) -> Optimizer | Solver:
        """Return what the arguments say to train by."""
        if isinstance(self.solver, Optimizer | Solver):
            return self.solver
        if self.solver == "lbfgs":
            digits = float(np.finfo(self.coefs_[0].dtype).eps)
            return LBFGS(gtol=self.tol, ftol=max(digits, 2.220446049250313e-09))
        rate = float(self.learning_rate_init)
        if self.solver == "sgd":
            momentum = min(float(self.momentum), math.nextafter(1.0, 0.0))
            return SGD(rate, momentum=momentum, nesterov=self.nesterovs_momentum)
        return Adam(rate, float(self.beta_1), float(self.beta_2), max(float(self.epsilon), EPSILON))

    # Epochs and iterations

    def _descend(
        self, samples: Samples, batch_size: int, held: Samples | None, constant: float, tasks: Tasks | None
    ) -> None:
        """Train until nothing improves; without tasks for one epoch."""
        model, cost = self.model_, self._cost
        seed = int(self._random_state.randint(2**31 - 1))
        epochs = Epochs(model, samples, batch_size, self.shuffle, seed)
        if held is not None and self.validation_scores_ is None:
            self.validation_scores_, self.best_validation_score_ = [], -math.inf
        best = None if held is None else model.get_weights()
        falling = self.solver == "sgd" and self.learning_rate == "invscaling"
        single = tasks is None or tasks.heard or held is not None or falling
        self.n_iter_, ended = 0, False
        try:
            while not ended:
                if tasks is not None and tasks.heard:
                    tasks.begin()
                # Of so many epochs only the last can be the end.
                left = min(self.max_iter - self.n_iter_, self.n_iter_no_change + 1 - self._no_improvement_count)
                means: list[dict[str, float]] = []
                try:
                    epochs.train(1 if single else max(1, int(left)), means)
                except FloatingPointError:
                    if held is None:
                        raise
                    means, ended = [{"loss": math.nan, **dict.fromkeys(cost.metrics, math.nan)}], True
                finally:
                    for each in means:
                        self._count(cost.reported(each) + constant, samples.rows)
                if held is not None and self._judge(math.nan if ended else self._score(held)):
                    best = model.get_weights()
                if falling:
                    model.optimizer.learning_rate = self.learning_rate_init / (self.t_ + 1) ** self.power_t
                if self._no_improvement_count > self.n_iter_no_change:
                    if self._slows_down(model.optimizer):
                        self._no_improvement_count = 0
                    else:
                        ended = True
                if tasks is None:
                    break
                if tasks.heard and tasks.end():
                    ended = True
                if self.n_iter_ == self.max_iter and not ended:
                    warn(
                        f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the optimization "
                        "hasn't converged yet.",
                        ConvergenceWarning,
                        SKLEARN,
                    )
                    break
        except KeyboardInterrupt:
            warn("Training interrupted by user.", through=SKLEARN)
        if best is not None:
            model.set_weights(best)

    def _count(self, loss: float, rows: int) -> None:
        """Note an epoch over so many samples."""
        self.n_iter_ += 1
        self.t_ += rows
        self.loss_ = loss
        self.loss_curve_.append(loss)
        if self.verbose:
            print(f"Iteration {self.n_iter_}, loss = {loss:.8f}")
        if self.early_stopping:
            return
        before = math.inf if self.best_loss_ is None else self.best_loss_
        self._no_improvement_count = self._no_improvement_count + 1 if loss > before - self.tol else 0
        self.best_loss_ = min(before, loss)

    def _score(self, held: Samples) -> float:
        outputs = self._outputs(self.model_, held.x, held.chosen)
        if not np.isfinite(outputs).all():
            return math.nan
        weight = None if held.weight is None else taken(held, held.weight)
        return self._targets.score(taken(held, held.y), outputs, weight)

    def _judge(self, score: float) -> bool:
        """Note the score of an epoch, and return whether it is the best so far."""
        scores: Any = self.validation_scores_
        before: Any = self.best_validation_score_
        scores.append(score)
        if self.verbose:
            print(f"Validation score: {score:f}")
        if self.early_stopping:
            self._no_improvement_count = self._no_improvement_count + 1 if score < before + self.tol else 0
        if better := score > before:
            self.best_validation_score_ = score
        return bool(better)

    def _slows_down(self, optimizer: Any) -> bool:
        """Lower the rate where nothing improves any more, or return False for the end."""
        what = "Validation score" if self.early_stopping else "Training loss"
        text = f"{what} did not improve more than tol={self.tol:f} for {self.n_iter_no_change} consecutive epochs."
        adaptive = self.solver == "sgd" and self.learning_rate == "adaptive"
        slows = adaptive and optimizer.learning_rate > 1e-6
        if slows:
            optimizer.learning_rate /= 5.0
            text += f" Setting learning rate to {optimizer.learning_rate:f}"
        else:
            text += " Learning rate too small. Stopping." if adaptive else " Stopping."
        if self.verbose:
            print(text)
        return slows

    def _solve(self, samples: Samples, constant: float, tasks: Tasks | None) -> None:
        """Train until the solver ends."""
        assert tasks is not None
        solve = Solve(self.model_, samples, self.max_iter, self.max_fun)
        message, status, ended = None, 0, False
        while not ended:
            if tasks.heard:
                tasks.begin()
            loss, self.n_iter_, message, status = solve.go_on(1 if tasks.heard else self.max_iter)
            self.loss_ = loss + constant
            ended = (tasks.heard and tasks.end()) or message is not None
        if status:
            name = self.solver if isinstance(self.solver, str) else type(self.solver).__name__
            text = f"{name} failed to converge after {self.n_iter_} iteration(s) (status={status}):\n{message}\n"
            if self.n_iter_ == self.max_iter:
                text += f"\nIncrease the number of iterations to improve the convergence (max_iter={self.max_iter})."
            text += (
                "\nYou might also want to scale the data as shown in:\n"
                "    https://scikit-learn.org/stable/modules/preprocessing.html"
            )
            warn(text, ConvergenceWarning, SKLEARN)
