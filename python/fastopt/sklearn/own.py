"""Any model of one's own as an estimator."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin, is_classifier
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from fastopt.core import checks
from fastopt.losses import Poisson
from fastopt.model.functional import Model
from fastopt.model.sequential import Sequential
from fastopt.sklearn.base import Data, Estimator, relative
from fastopt.sklearn.targets import Values
from fastopt.tools.clone import clone

__all__ = ["NetworkClassifier", "NetworkRegressor"]


class OwnNetwork(Estimator):
    """The base of both."""

    def __init__(
        self,
        build: Any,
        *,
        epochs: int = 10,
        batch_size: Any = "auto",
        fit_arguments: Mapping[str, Any] | None = None,
        random_state: Any = None,
        warm_start: bool = False,
        verbose: Any = 0,
    ) -> None:
        self.build = build
        self.epochs = epochs
        self.batch_size = batch_size
        self.fit_arguments = fit_arguments
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None, eval_set: Any = None) -> Self:  # noqa: N803
        """Train a new model, or, with `warm_start`, the one that there is.

        Args:
            X: Samples ``[n, features]``: an array, a frame or a sparse matrix.
            y: Targets ``[n]``; of several outputs or labels ``[n, outputs]``.
            sample_weight: Weights ``[n]``, at least 0; None for 1.
            eval_set: ``(X, y)`` or ``(X, y, sample_weight)``, evaluated after each epoch: the ``validation_data`` of
                the model's ``fit``, of which callbacks see the values.

        Raises:
            RuntimeError: The model has not been compiled with a loss.
            TypeError, ValueError: An argument or the data do not fit.
        """
        anew = not (self.warm_start and hasattr(self, "model_"))
        data = self._read(X, y, sample_weight, anew=anew)
        if anew:
            self.model_ = self._made(data.x.shape[1])
        model = self.model_
        held = None
        if eval_set is not None:
            held = self._given(self._read_part("eval_set", eval_set))
        x, targets, weight = self._given(data)
        arguments = {"epochs": self.epochs, "batch_size": self.batch_size, "verbose": self.verbose}
        arguments |= dict(self.fit_arguments or {})
        if held is not None:
            arguments["validation_data"] = held
        self.history_ = model.fit(x, targets, sample_weight=weight, **arguments)
        self.n_iter_ = len(self.history_.epoch)
        return self

    def _made(self, features: int) -> Sequential | Model:
        """Return a new model, built."""
        seed = None
        if self.random_state is not None:
            seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        if isinstance(self.build, Sequential | Model):
            model = clone(self.build, seed)
        else:
            build = checks.function("build", self.build, " of two numbers, a fastopt.Sequential or a fastopt.Model")
            made = build(features, self.n_outputs_)
            if not isinstance(made, Sequential | Model):
                raise TypeError(f"build must return a compiled fastopt.Sequential or fastopt.Model, not {made!r}.")
            model = made if seed is None else clone(made, seed)
        if isinstance(model, Sequential):
            model.build(features)
        plan, loss = model._need_weights().plan, model.loss
        for what, names in (("inputs", plan.input_shapes), ("outputs", plan.output_names)):
            if len(names) > 1:
                raise ValueError(f"The model has {len(names)} {what}; that of an estimator has one.")
        if plan.input_shape != (features,):
            raise ValueError(
                f"The model takes inputs of shape {plan.input_shape}; the samples have {features} features."
            )
        if loss is None:
            raise ValueError("build must return a model that has been compiled with a loss.")
        expected = self.n_outputs_
        if is_classifier(self) and loss.target_kind in ("labels", "probabilities"):
            expected = len(self.classes_)
        if plan.outputs != expected and not isinstance(self._targets, Values):
            raise ValueError(
                f"The model has {plan.outputs} outputs; with {loss.name} {len(self.classes_)} classes take {expected}."
            )
        return model

    def _given(self, data: Data) -> tuple[Any, Any, Any]:
        """Return data as the model's loss reads them."""
        y: Any = data.y
        loss = self.model_.loss
        if self._targets.kind in ("binary", "multiclass"):
            numbers = y if y.ndim == 1 else y[:, 0].astype(int)
            if loss.target_kind == "labels":
                y = numbers
            elif loss.target_kind == "probabilities":
                y = np.eye(len(self.classes_))[numbers]
            elif loss.target_kind == "signs":
                y = 2 * numbers[:, np.newaxis] - 1
        return data.x, y, relative(data.weight)


class NetworkClassifier(ClassifierMixin, OwnNetwork):
    """A classifier that is a model of one's own.

    Args:
        build: Returns a compiled model for so many features and outputs, ``build(n_features, n_outputs)``: a
            `fastopt.Sequential`, or a `fastopt.Model` of one input and one output; or such a model itself, of which
            each training takes a copy that has not been trained. There is one output for two classes, which a binary
            loss or a hinge takes, else one for each class or label; a softmax loss may have two outputs for two classes
            as well.
        epochs: How many epochs a training has.
        batch_size: As the model's ``fit`` takes it.
        class_weight: Factors of the weights of samples by class, as `MLPClassifier` takes them.
        fit_arguments: Further arguments of the model's ``fit`` by name, such as ``callbacks``; None for none.
        random_state: Decides the model's seed; None leaves that of `build`.
        warm_start: Whether `fit` goes on with the model that there is.
        verbose: As the model's ``fit`` takes it.

    Attributes:
        model_: The trained model.
        history_: The `History` of the last training.
        n_iter_: How many epochs it had.
        classes_: The labels, in order.
        n_features_in_: The number of features.
        feature_names_in_: Their names, where the samples had some.

    Raises:
        TypeError, ValueError: In `fit`: an argument, or what `build` returns, does not fit.

    Example:
        >>> import fastopt as fo
        >>> from sklearn.datasets import load_iris
        >>> from fastopt.sklearn import NetworkClassifier
        >>> def build(n_features, n_outputs):
        ...     model = fo.Sequential([fo.layers.Dense(16, "tanh"), fo.layers.Dense(n_outputs)], seed=0)
        ...     model.compile(fo.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
        ...     return model
        >>> x, y = load_iris(return_X_y=True)
        >>> NetworkClassifier(build, epochs=100).fit(x, y).score(x, y) > 0.9
        True
    """

    def __init__(
        self,
        build: Any,
        *,
        epochs: int = 10,
        batch_size: Any = "auto",
        class_weight: Any = None,
        fit_arguments: Mapping[str, Any] | None = None,
        random_state: Any = None,
        warm_start: bool = False,
        verbose: Any = 0,
    ) -> None:
        super().__init__(
            build,
            epochs=epochs,
            batch_size=batch_size,
            fit_arguments=fit_arguments,
            random_state=random_state,
            warm_start=warm_start,
            verbose=verbose,
        )
        self.class_weight = class_weight

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """Return the most probable class of each sample ``[n]``, or 0 and 1 ``[n, labels]``.

        Args:
            X: Samples ``[n, features]``.
        """
        check_is_fitted(self)
        numbers: NDArray[Any] = self.model_.predict_classes(self._read_inputs(X))
        if self._targets.kind == "multilabel":
            return numbers
        labels: NDArray[Any] = self.classes_[np.minimum(np.maximum(numbers, 0), len(self.classes_) - 1)]
        return labels

    def predict_proba(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """Return the probabilities of the classes ``[n, classes]``.

        Args:
            X: Samples ``[n, features]``.

        Raises:
            ValueError: The loss of the model makes none.
        """
        check_is_fitted(self)
        found: NDArray[Any] = self.model_.predict_proba(self._read_inputs(X))
        return np.hstack([1 - found, found]) if found.shape[1] == 1 else found


class NetworkRegressor(RegressorMixin, OwnNetwork):
    """A regressor that is a model of one's own, whose outputs are what is predicted; with `losses.Poisson` e^output is.

    Args:
        build: Returns a compiled model for so many features and outputs, ``build(n_features, n_outputs)``: a
            `fastopt.Sequential`, or a `fastopt.Model` of one input and one output; or such a model itself, of which
            each training takes a copy that has not been trained.
        epochs: How many epochs a training has.
        batch_size: As the model's ``fit`` takes it.
        fit_arguments: Further arguments of the model's ``fit`` by name, such as ``callbacks``; None for none.
        random_state: Decides the model's seed; None leaves that of `build`.
        warm_start: Whether `fit` goes on with the model that there is.
        verbose: As the model's ``fit`` takes it.

    Attributes:
        model_: The trained model.
        history_: The `History` of the last training.
        n_iter_: How many epochs it had.
        n_features_in_: The number of features.
        feature_names_in_: Their names, where the samples had some.

    Raises:
        TypeError, ValueError: In `fit`: an argument, or what `build` returns, does not fit.

    Example:
        >>> import fastopt as fo
        >>> from sklearn.datasets import make_regression
        >>> from fastopt.sklearn import NetworkRegressor
        >>> model = fo.Sequential([fo.layers.Dense(1)], seed=0)
        >>> model.compile("lbfgs", "mse")
        >>> x, y = make_regression(100, 5, random_state=0)
        >>> NetworkRegressor(model, epochs=100).fit(x, y).score(x, y) > 0.999
        True
    """

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """Return what is predicted for each sample, ``[n]``, or ``[n, outputs]`` if there are several outputs.

        Args:
            X: Samples ``[n, features]``.
        """
        check_is_fitted(self)
        outputs: NDArray[Any] = self.model_.predict(self._read_inputs(X), verbose=0)
        if isinstance(self.model_.loss, Poisson):
            np.exp(outputs, out=outputs)
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs
