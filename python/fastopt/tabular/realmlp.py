"""RealMLP: a network for tables with defaults that were tuned over many of them."""

from collections.abc import Sequence
from typing import Any

from fastopt.core import checks
from fastopt.losses import Loss, MeanSquaredError, SparseCategoricalCrossentropy
from fastopt.model.sequential import Sequential
from fastopt.tabular.estimator import TabularClassifier, TabularEstimator, TabularRegressor
from fastopt.tools.realmlp import BATCH_SIZE, CLASSES, EPOCHS, LABEL_SMOOTHING, NUMBERS, SIZES, realmlp

__all__ = ["RealMLPClassifier", "RealMLPRegressor"]


class RealMLP(TabularEstimator):
    """What both have in common."""

    hidden_layer_sizes: Sequence[int]
    learning_rate: float

    def _network(
        self, features: int, outputs: int, steps: int, seed: int, activation: str, loss: Loss, metrics: Sequence[str]
    ) -> Sequential:
        sizes = checks.items("hidden_layer_sizes", self.hidden_layer_sizes)
        rate = checks.real("learning_rate", self.learning_rate, 0.0)
        layers, optimizer = realmlp(features, outputs, steps, sizes, activation, rate)
        model = Sequential(layers, seed=seed)
        model.compile(optimizer, loss, metrics)
        return model


class RealMLPClassifier(TabularClassifier, RealMLP):
    """A classifier of the rows of tables: RealMLP-TD-S, good without tuning.

    Features are brought to about one size: of a number x, z = (x - median) / (third quartile - first quartile) and then
    z / sqrt(1 + (z / 3)^2); categories are one-hot, two of them -1 and 1, and go the same way. The network is
    h_0 = c x with a trained number c for each feature, h_i = selu(h_(i-1) W_i + b_i), and softmax(h_3 W_4 + b_4). Adam
    trains it with b1 = 0.9 and b2 = 0.95, a learning rate that goes up and down four times (`CosineLog`), factors of it
    of 6 for c, 0.1 for b and 1 / sqrt(inputs) for W, which begins as N(0, 1 / inputs), and smoothed labels. The epoch
    with the fewest errors on the part of the rows that is held out is kept, the last of several.

    Args:
        hidden_layer_sizes: The widths of the hidden layers.
        epochs: How many times it goes through the rows.
        batch_size: Rows a step; an epoch leaves out those that do not fill one, others each time.
        learning_rate: The largest learning rate.
        label_smoothing: s: the target of the class is 1 - s + s / classes, that of each other s / classes.
        validation_fraction: The part of the rows that is held out to tell the best epoch, of each class its share; 0
            keeps the last epoch.
        n_ensembles: How many networks to train, each with another part held out, side by side; their probabilities are
            averaged.
        categorical_features: Names of columns of numbers that are categories; x0, x1 and so on are those of an array.
        class_weight: Factors of the weights by class: a dict, ``"balanced"``, or None.
        random_state: Decides what is random: an integer, a `numpy.random.RandomState`, or None.
        verbose: What is shown, as `Sequential.fit` takes it.

    Attributes:
        classes_: The labels of the classes.
        n_features_in_: The number of columns.
        feature_names_in_: Their names, where they have some.
        models_: The networks, `fastopt.Sequential`.
        best_epochs_: The epoch that each was kept of, from 0.

    Raises:
        TypeError, ValueError: In `fit`: an argument does not fit.

    Source:
        Holzmüller, Grinsztajn and Steinwart, Better by default: strong pre-tuned MLPs and boosted trees on tabular
        data, NeurIPS 2024, arXiv:2407.04491.

    Example:
        >>> from sklearn.datasets import load_wine
        >>> from fastopt.tabular import RealMLPClassifier
        >>> x, y = load_wine(return_X_y=True)
        >>> RealMLPClassifier(epochs=20, random_state=0).fit(x, y).score(x, y) > 0.9
        True
    """

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] = SIZES,
        epochs: int = EPOCHS,
        batch_size: int = BATCH_SIZE,
        learning_rate: float = CLASSES.learning_rate,
        label_smoothing: float = LABEL_SMOOTHING,
        validation_fraction: float = 0.2,
        n_ensembles: int = 1,
        categorical_features: Sequence[str] | None = None,
        class_weight: Any = None,
        random_state: Any = None,
        verbose: Any = 0,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.label_smoothing = label_smoothing
        self.validation_fraction = validation_fraction
        self.n_ensembles = n_ensembles
        self.categorical_features = categorical_features
        self.class_weight = class_weight
        self.random_state = random_state
        self.verbose = verbose

    def _model(self, features: int, outputs: int, steps: int, seed: int) -> Sequential:
        loss = SparseCategoricalCrossentropy(self.label_smoothing)
        return self._network(features, outputs, steps, seed, CLASSES.activation, loss, ["accuracy"])


class RealMLPRegressor(TabularRegressor, RealMLP):
    """A regressor on the rows of tables: RealMLP-TD-S, good without tuning.

    As `RealMLPClassifier`, but for the activation, mish, the learning rate, and the loss, the mean squared error of
    standardized targets. The epoch with the smallest is kept; predictions stay within the range of the targets.

    Args:
        hidden_layer_sizes: The widths of the hidden layers.
        epochs: How many times it goes through the rows.
        batch_size: Rows a step; an epoch leaves out those that do not fill one, others each time.
        learning_rate: The largest learning rate.
        validation_fraction: The part of the rows that is held out to tell the best epoch; 0 keeps the last epoch.
        n_ensembles: How many networks to train, each with another part held out, side by side; their predictions are
            averaged.
        categorical_features: Names of columns of numbers that are categories; x0, x1 and so on are those of an array.
        random_state: Decides what is random: an integer, a `numpy.random.RandomState`, or None.
        verbose: What is shown, as `Sequential.fit` takes it.

    Attributes:
        n_features_in_: The number of columns.
        feature_names_in_: Their names, where they have some.
        models_: The networks, `fastopt.Sequential`.
        best_epochs_: The epoch that each was kept of, from 0.

    Raises:
        TypeError, ValueError: In `fit`: an argument does not fit.

    Source:
        Holzmüller, Grinsztajn and Steinwart, Better by default: strong pre-tuned MLPs and boosted trees on tabular
        data, NeurIPS 2024, arXiv:2407.04491.

    Example:
        >>> from sklearn.datasets import load_diabetes
        >>> from fastopt.tabular import RealMLPRegressor
        >>> x, y = load_diabetes(return_X_y=True)
        >>> RealMLPRegressor(epochs=20, random_state=0).fit(x, y).score(x, y) > 0.4
        True
    """

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] = SIZES,
        epochs: int = EPOCHS,
        batch_size: int = BATCH_SIZE,
        learning_rate: float = NUMBERS.learning_rate,
        validation_fraction: float = 0.2,
        n_ensembles: int = 1,
        categorical_features: Sequence[str] | None = None,
        random_state: Any = None,
        verbose: Any = 0,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.validation_fraction = validation_fraction
        self.n_ensembles = n_ensembles
        self.categorical_features = categorical_features
        self.random_state = random_state
        self.verbose = verbose

    def _model(self, features: int, outputs: int, steps: int, seed: int) -> Sequential:
        return self._network(features, outputs, steps, seed, NUMBERS.activation, MeanSquaredError(), [])
