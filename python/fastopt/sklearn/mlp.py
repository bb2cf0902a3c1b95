"""The perceptrons of scikit-learn, trained by fastopt: its arguments, attributes and meanings, and some more."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin, _fit_context
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call
from sklearn.utils.validation import check_is_fitted

from fastopt.losses import Loss
from fastopt.sklearn.costs import LOSS_NAMES
from fastopt.sklearn.perceptron import Perceptron

__all__ = ["MLPClassifier", "MLPRegressor"]


class MLPClassifier(ClassifierMixin, Perceptron):
    """A multi-layer perceptron that tells classes, or several labels of each sample.

    It minimises sum_i w_i L_i / sum_i w_i + alpha / 2 sum W^2 / n over batches of n samples, L being the cross-entropy:
    of a softmax, or, for two classes and for several labels, of a sigmoid each. Arguments and attributes that
    `sklearn.neural_network.MLPClassifier` has mean the same; `class_weight`, `dropout`, `normalization`, other
    solvers and `eval_set` of `fit` come on top. It computes in float32 where the samples are that, else in float64.

    Args:
        hidden_layer_sizes: The units of each hidden layer.
        activation: Of the hidden layers: ``"identity"``, ``"logistic"``, ``"tanh"``, ``"relu"``, or another activation
            of `fastopt.kernels`.
        solver: ``"adam"``, ``"sgd"``, ``"lbfgs"``, or any object of `fastopt.optimizers` or `fastopt.solvers`, whose
            own arguments go before those below.
        alpha: The factor of half the sum of the squares of the kernels, divided by the samples of a batch, in the cost.
        batch_size: Samples of a step; ``"auto"`` is 200, or all if there are fewer.
        learning_rate: For ``"sgd"``: ``"constant"``; ``"invscaling"``, r / (t + 1)^power_t after t samples;
            ``"adaptive"``, a fifth of it each time that nothing improves any more, to the end at 1e-6.
        learning_rate_init: The learning rate r of ``"adam"`` and ``"sgd"``.
        power_t: The exponent of ``"invscaling"``.
        max_iter: The most epochs, or iterations of a solver.
        shuffle: Whether each epoch takes the samples in another order.
        random_state: Decides the first weights, the orders, the noise and the part that is held back.
        tol: By how much the loss or the score must improve to count; of ``"lbfgs"`` the largest partial derivative at
            the end.
        verbose: Whether each epoch is printed.
        warm_start: Whether `fit` goes on with the weights that there are.
        momentum: Of ``"sgd"``.
        nesterovs_momentum: Whether it is Nesterov's.
        early_stopping: Whether a part of the data, or `eval_set`, is used to see when nothing improves any more; the
            weights of the best epoch are restored.
        validation_fraction: That part; of each class its share.
        beta_1: Of ``"adam"``.
        beta_2: Of ``"adam"``.
        epsilon: Of ``"adam"``.
        n_iter_no_change: After how many epochs more without an improvement training ends.
        max_fun: The most evaluations of the cost by ``"lbfgs"``.
        dropout: The part of the hidden units that is left out in training, from 0 to below 1.
        normalization: ``"batch"`` or ``"layer"``: what is in front of each hidden activation; None for nothing.
        class_weight: Factors of the weights of samples by class: a dict, in which a class that is missing has 1, or
            ``"balanced"``, n / (classes * samples of the class).

    Attributes:
        classes_: The labels, in order.
        n_features_in_: The number of features.
        feature_names_in_: Their names, where the samples had some.
        model_: The `fastopt.Sequential`, whose outputs are those of its last layer, before `out_activation_`.
        coefs_: The kernels ``[inputs, units]`` of the layers: views, which may be written or replaced.
        intercepts_: What is added to their sums ``[units]``: views; in front of a normalisation those of the latter.
        n_layers_: The number of layers, that of the inputs among them.
        n_outputs_: The number of outputs.
        out_activation_: The name of what the outputs go through.
        n_iter_: The epochs or iterations of the last training.
        t_: The samples trained with, all epochs together.
        loss_: The last loss.
        loss_curve_: The loss of each epoch.
        best_loss_: The least of them; None with `early_stopping`.
        validation_scores_: The score after each epoch; None where nothing is held back or given.
        best_validation_score_: The largest of them.

    Raises:
        ValueError: In `fit`: an argument is out of its range.

    Source:
        Hinton, Connectionist learning procedures, Artificial Intelligence 40, 1989; Pedregosa et al., Scikit-learn:
        machine learning in Python, JMLR 12, 2011.

    Example:
        >>> from sklearn.datasets import load_digits
        >>> from fastopt.sklearn import MLPClassifier
        >>> x, y = load_digits(return_X_y=True)
        >>> mlp = MLPClassifier(early_stopping=True, random_state=0).fit(x[:1437] / 16, y[:1437])
        >>> mlp.score(x[1437:] / 16, y[1437:]) > 0.85, len(mlp.loss_curve_) == mlp.n_iter_
        (True, True)
    """

    _parameter_constraints: dict[str, Any] = {  # noqa: RUF012
        **Perceptron._parameter_constraints,
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    loss = "log_loss"

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        solver: Any = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: float = 0.0,
        normalization: str | None = None,
        class_weight: Any = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.dropout = dropout
        self.normalization = normalization
        self.class_weight = class_weight

    @available_if(lambda estimator: estimator._check_solver())
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: Any,  # noqa: N803
        y: Any,
        sample_weight: Any = None,
        classes: Any = None,
    ) -> Self:
        """Train for one epoch.

        Args:
            X: Samples ``[n, features]``.
            y: Labels ``[n]`` or ``[n, labels]``.
            sample_weight: Weights ``[n]``, at least 0; None for 1.
            classes: All labels, needed at the first call; later ones may leave them out.

        Raises:
            AttributeError: The solver takes all samples at a time.
            TypeError, ValueError: The data do not fit.
        """
        _check_partial_fit_first_call(self, classes)
        return self._fit(X, y, sample_weight, incremental=True, classes=classes)

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """Return the most probable class of each sample ``[n]``, or 0 and 1 ``[n, labels]``.

        Args:
            X: Samples ``[n, features]``.
        """
        check_is_fitted(self)
        predicted: NDArray[Any] = self._targets.decoded(self._outputs(self._linked(), self._read_inputs(X)))
        return predicted

    def predict_proba(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """Return the probabilities of the classes ``[n, classes]``.

        Args:
            X: Samples ``[n, features]``.
        """
        check_is_fitted(self)
        probabilities: NDArray[Any] = self._outputs(self._linked(), self._read_inputs(X))
        if self.n_outputs_ == 1:
            return np.hstack([1 - probabilities, probabilities])
        return probabilities

    def predict_log_proba(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """Return the logarithms of the probabilities of the classes ``[n, classes]``.

        Args:
            X: Samples ``[n, features]``.
        """
        probabilities = self.predict_proba(X)
        np.log(probabilities, out=probabilities)
        return probabilities


class MLPRegressor(RegressorMixin, Perceptron):
    """A multi-layer perceptron that predicts one number, or several.

    It minimises sum_i w_i L_i / sum_i w_i + alpha / 2 sum W^2 / n over batches of n samples, L being half the squared
    error or another loss. Arguments and attributes that `sklearn.neural_network.MLPRegressor` has mean the same; other
    losses, `dropout`, `normalization`, other solvers and `eval_set` of `fit` come on top. It computes in float32 where
    the samples are that, else in float64.

    Args:
        loss: ``"squared_error"``, summed over outputs and halved; ``"poisson"``, of counts, where the exponential
            function of the outputs is predicted; ``"huber"``, ``"absolute_error"`` or another loss of numbers, by
            name or as an object of `fastopt.losses`.
        hidden_layer_sizes: The units of each hidden layer.
        activation: Of the hidden layers: ``"identity"``, ``"logistic"``, ``"tanh"``, ``"relu"``, or another activation
            of `fastopt.kernels`.
        solver: ``"adam"``, ``"sgd"``, ``"lbfgs"``, or any object of `fastopt.optimizers` or `fastopt.solvers`, whose
            own arguments go before those below.
        alpha: The factor of half the sum of the squares of the kernels, divided by the samples of a batch, in the cost.
        batch_size: Samples of a step; ``"auto"`` is 200, or all if there are fewer.
        learning_rate: For ``"sgd"``: ``"constant"``; ``"invscaling"``, r / (t + 1)^power_t after t samples;
            ``"adaptive"``, a fifth of it each time that nothing improves any more, to the end at 1e-6.
        learning_rate_init: The learning rate r of ``"adam"`` and ``"sgd"``.
        power_t: The exponent of ``"invscaling"``.
        max_iter: The most epochs, or iterations of a solver.
        shuffle: Whether each epoch takes the samples in another order.
        random_state: Decides the first weights, the orders, the noise and the part that is held back.
        tol: By how much the loss or the score must improve to count; of ``"lbfgs"`` the largest partial derivative at
            the end.
        verbose: Whether each epoch is printed.
        warm_start: Whether `fit` goes on with the weights that there are.
        momentum: Of ``"sgd"``.
        nesterovs_momentum: Whether it is Nesterov's.
        early_stopping: Whether a part of the data, or `eval_set`, is used to see when nothing improves any more; the
            weights of the best epoch are restored.
        validation_fraction: That part; of each class its share.
        beta_1: Of ``"adam"``.
        beta_2: Of ``"adam"``.
        epsilon: Of ``"adam"``.
        n_iter_no_change: After how many epochs more without an improvement training ends.
        max_fun: The most evaluations of the cost by ``"lbfgs"``.
        dropout: The part of the hidden units that is left out in training, from 0 to below 1.
        normalization: ``"batch"`` or ``"layer"``: what is in front of each hidden activation; None for nothing.

    Attributes:
        n_features_in_: The number of features.
        feature_names_in_: Their names, where the samples had some.
        model_: The `fastopt.Sequential`, whose outputs are those of its last layer, before `out_activation_`.
        coefs_: The kernels ``[inputs, units]`` of the layers: views, which may be written or replaced.
        intercepts_: What is added to their sums ``[units]``: views; in front of a normalisation those of the latter.
        n_layers_: The number of layers, that of the inputs among them.
        n_outputs_: The number of outputs.
        out_activation_: The name of what the outputs go through.
        n_iter_: The epochs or iterations of the last training.
        t_: The samples trained with, all epochs together.
        loss_: The last loss.
        loss_curve_: The loss of each epoch.
        best_loss_: The least of them; None with `early_stopping`.
        validation_scores_: The score after each epoch; None where nothing is held back or given.
        best_validation_score_: The largest of them.

    Raises:
        ValueError: In `fit`: an argument is out of its range.

    Source:
        Hinton, Connectionist learning procedures, Artificial Intelligence 40, 1989; Pedregosa et al., Scikit-learn:
        machine learning in Python, JMLR 12, 2011.

    Example:
        >>> from sklearn.datasets import make_regression
        >>> from fastopt.sklearn import MLPRegressor
        >>> x, y = make_regression(200, 5, random_state=0)
        >>> MLPRegressor(solver="lbfgs", max_iter=500, random_state=0).fit(x, y / 100).score(x, y / 100) > 0.99
        True
    """

    _parameter_constraints: dict[str, Any] = {  # noqa: RUF012
        **Perceptron._parameter_constraints,
        "loss": [StrOptions(LOSS_NAMES), Loss],
    }

    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        solver: Any = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: float = 0.0,
        normalization: str | None = None,
    ) -> None:
        self.loss = loss
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.dropout = dropout
        self.normalization = normalization

    @available_if(lambda estimator: estimator._check_solver())
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:  # noqa: N803
        """Train for one epoch.

        Args:
            X: Samples ``[n, features]``.
            y: Targets ``[n]`` or ``[n, outputs]``.
            sample_weight: Weights ``[n]``, at least 0; None for 1.

        Raises:
            AttributeError: The solver takes all samples at a time.
            TypeError, ValueError: The data do not fit.
        """
        return self._fit(X, y, sample_weight, incremental=True)

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """Return what is predicted for each sample, ``[n]``, or ``[n, outputs]`` if there are several outputs.

        Args:
            X: Samples ``[n, features]``.
        """
        check_is_fitted(self)
        predicted: NDArray[Any] = self._targets.decoded(self._outputs(self._linked(), self._read_inputs(X)))
        return predicted
