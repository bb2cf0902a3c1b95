"""RealMLP: a network for tables with defaults that were tuned over many of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastopt.core import checks
from fastopt.core.registry import word
from fastopt.data.encoder import TableEncoder
from fastopt.losses import Loss, MeanSquaredError, SparseCategoricalCrossentropy
from fastopt.model.callbacks.base import Callback
from fastopt.model.sequential import Sequential
from fastopt.tabular import full
from fastopt.tabular.estimator import Inputs, Rows, TabularClassifier, TabularEstimator, TabularRegressor, given
from fastopt.tools.realmlp import BATCH_SIZE, EPOCHS, LABEL_SMOOTHING, SIZES, realmlp

__all__ = ["RealMLPClassifier", "RealMLPRegressor"]

VARIANTS = ("td-s", "td")


class RealMLP(TabularEstimator):
    """What both have in common."""

    variant: str
    hidden_layer_sizes: Sequence[int]
    learning_rate: float | None

    def _loss(self) -> Loss:
        return MeanSquaredError()

    def _fit_encoders(self, table: Any) -> None:
        """Learn to make numbers of a table, and then to bring all of them to one size, those of categories too."""
        names = {} if self.categorical_features is None else {"categorical": self.categorical_features}
        self._full = word("variant", self.variant, VARIANTS) == "td"
        most = full.MAX_ONE_HOT if self._full else None
        self._numbers = TableEncoder(
            None, "sign_or_one_hot", missing="median", indicators=True, max_one_hot=most, dtype="float64", **names
        )
        features = self._numbers.fit_transform(table)
        codes = self._numbers.cardinalities
        numbers = len(self._numbers.feature_names_in) - len(self._numbers.vocabularies)
        self._columns = full.Columns(numbers, features.shape[1] - numbers - len(codes), codes)
        scaled = features[:, : features.shape[1] - len(codes)]
        self._scaler = TableEncoder("robust").fit(scaled) if scaled.shape[1] else None

    def _encoded(self, table: Any) -> Inputs:
        features, (numbers, others, _) = self._numbers.transform(table), self._columns
        plain, codes = np.split(features, [numbers + others], axis=1)
        if self._scaler is not None:
            plain = self._scaler.transform(plain)
        parts = [*np.split(plain, [numbers], axis=1), codes.astype(np.int32)] if self._full else [plain]
        return [np.ascontiguousarray(part) for part in parts if part.shape[1]]

    def _model(self, x: Inputs, rows: Rows, outputs: int, steps: int, seed: int) -> Any:
        sizes = [
            checks.integer(f"hidden_layer_sizes[{i}]", size, 1)
            for i, size in enumerate(checks.items("hidden_layer_sizes", self.hidden_layer_sizes))
        ]
        activation, metrics = self._task.activation, ["accuracy"] if self._task.watched[0] == "val_accuracy" else []
        rate = self._task.learning_rates[self.variant]
        if self.learning_rate is not None:
            rate = checks.real("learning_rate", self.learning_rate, 0.0)
        if not self._full:
            layers, optimizer = realmlp(x[0].shape[1], outputs, steps, sizes, activation, rate)
            small = Sequential(layers, seed=seed)
            small.compile(optimizer, self._loss(), metrics)
            return small
        some = np.random.default_rng(seed).permutation(rows)[: full.ROWS]
        given_some = given([array[some] for array in x])
        model = full.network(self._columns, given_some, outputs, sizes, activation, seed)
        model.compile(full.optimizer(model, steps, rate), self._loss(), metrics)
        return model

    def _callbacks(self, epochs: int) -> list[Callback]:
        return [full.FadingNoise(epochs)] if self._full else []


class RealMLPClassifier(TabularClassifier, RealMLP):
    """A classifier of the rows of tables: RealMLP, good without tuning.

    Features are brought to about one size: of a number x, z = (x - median) / (third quartile - first quartile) and then
    z / sqrt(1 + (z / 3)^2); categories are one-hot, two of them -1 and 1, and go the same way. The network is
    h_0 = c x with a trained number c for each feature, h_i = selu(h_(i-1) W_i + b_i), and softmax(h_3 W_4 + b_4). Adam
    trains it with b1 = 0.9 and b2 = 0.95, a learning rate that goes up and down four times (`CosineLog`), factors of it
    of 6 for c, 0.1 for b and 1 / sqrt(inputs) for W, which begins as N(0, 1 / inputs), and smoothed labels. The epoch
    with the fewest errors on the part of the rows that is held out is kept, the last of several. That is the authors'
    simplified RealMLP-TD-S.

    The full RealMLP-TD makes of each number four by `PeriodicEmbedding.pbld`, and has trained vectors of length 8 for
    categories of columns of more than 8 (`Embedding`). In place of selu(z) it has z + a (selu(z) - z) with trained a
    (`ParametricActivation`), of which dropout takes 0.15. W begins such that the sums have the variance 1 over the
    rows, and b between minus the sums of some rows. The factor of the rate is 0.1 for a and the numbers of PBLD, and
    weights decay by 0.02 times the rate, c by 36 times as much; dropout and decay fade in the second half
    (`FlatCosine`).

    Args:
        hidden_layer_sizes: The widths of the hidden layers.
        epochs: How many times it goes through the rows.
        batch_size: Rows a step; an epoch leaves out those that do not fill one, others each time.
        learning_rate: The largest learning rate; None for 0.04.
        label_smoothing: s: the target of the class is 1 - s + s / classes, that of each other s / classes.
        validation_fraction: The part of the rows that is held out to tell the best epoch, of each class its share; 0
            keeps the last epoch.
        n_ensembles: How many networks to train, each with another part held out, side by side; their probabilities are
            averaged.
        categorical_features: Names of columns of numbers that are categories; x0, x1 and so on are those of an array.
        class_weight: Factors of the weights by class: a dict, ``"balanced"``, or None.
        random_state: Decides what is random: an integer, a `numpy.random.RandomState`, or None.
        verbose: What is shown, as `Sequential.fit` takes it.
        variant: ``"td-s"``, or ``"td"``, the full one.
        calibrate: Whether the logits of each network are divided by the temperature that is best for the rows held out
            (`fastopt.calibrate.temperature`); 1 where none is, as all of them are right.

    Attributes:
        classes_: The labels of the classes.
        n_features_in_: The number of columns.
        feature_names_in_: Their names, where they have some.
        models_: The networks, `fastopt.Sequential`, or `fastopt.Model` of ``"td"``.
        best_epochs_: The epoch that each was kept of, from 0.
        temperatures_: What the logits of each are divided by.

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
        learning_rate: float | None = None,
        label_smoothing: float = LABEL_SMOOTHING,
        validation_fraction: float = 0.2,
        n_ensembles: int = 1,
        categorical_features: Sequence[str] | None = None,
        class_weight: Any = None,
        random_state: Any = None,
        verbose: Any = 0,
        variant: str = "td-s",
        calibrate: bool = False,
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
        self.variant = variant
        self.calibrate = calibrate

    def _loss(self) -> Loss:
        return SparseCategoricalCrossentropy(self.label_smoothing)


class RealMLPRegressor(TabularRegressor, RealMLP):
    """A regressor on the rows of tables: RealMLP, good without tuning.

    As `RealMLPClassifier`, but for the activation, mish, the learning rate, and the loss, the mean squared error of
    standardized targets. The epoch with the smallest is kept; predictions stay within the range of the targets.

    Args:
        hidden_layer_sizes: The widths of the hidden layers.
        epochs: How many times it goes through the rows.
        batch_size: Rows a step; an epoch leaves out those that do not fill one, others each time.
        learning_rate: The largest learning rate; None for 0.07, or 0.2 of ``"td"``.
        validation_fraction: The part of the rows that is held out to tell the best epoch; 0 keeps the last epoch.
        n_ensembles: How many networks to train, each with another part held out, side by side; their predictions are
            averaged.
        categorical_features: Names of columns of numbers that are categories; x0, x1 and so on are those of an array.
        random_state: Decides what is random: an integer, a `numpy.random.RandomState`, or None.
        verbose: What is shown, as `Sequential.fit` takes it.
        variant: ``"td-s"``, or ``"td"``, the full one.

    Attributes:
        n_features_in_: The number of columns.
        feature_names_in_: Their names, where they have some.
        models_: The networks, `fastopt.Sequential`, or `fastopt.Model` of ``"td"``.
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
        >>> RealMLPRegressor(epochs=40, random_state=0).fit(x, y).score(x, y) > 0.4
        True
    """

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] = SIZES,
        epochs: int = EPOCHS,
        batch_size: int = BATCH_SIZE,
        learning_rate: float | None = None,
        validation_fraction: float = 0.2,
        n_ensembles: int = 1,
        categorical_features: Sequence[str] | None = None,
        random_state: Any = None,
        verbose: Any = 0,
        variant: str = "td-s",
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
        self.variant = variant
