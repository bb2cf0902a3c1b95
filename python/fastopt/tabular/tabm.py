"""TabM: an ensemble in one network for tables, whose members share nearly all weights."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt.core import checks
from fastopt.data.bins import quantile_bins
from fastopt.data.encoder import TableEncoder
from fastopt.initializers import RandomNormal
from fastopt.layers import Add, Concatenate, Dense, Dropout, Input, MemberDense, MemberScale, PiecewiseLinearEncoding
from fastopt.losses import Loss, MeanSquaredError, SparseCategoricalCrossentropy
from fastopt.model.callbacks.base import Logs
from fastopt.model.functional import Model
from fastopt.model.sequential import Sequential
from fastopt.optimizers import Adam, Decay
from fastopt.tabular.estimator import (
    Floats,
    Inputs,
    Rows,
    TabularClassifier,
    TabularEstimator,
    TabularRegressor,
    given,
    held_out_of,
    probabilities_of,
)
from fastopt.tools.best import Best

__all__ = ["TabMClassifier", "TabMRegressor"]

ROWS = 64  # of each member, predicted at a time


class Patience(Best):
    """Stops where the ensemble has not become better for some epochs, and puts the best weights back.

    Args:
        error: Returns what is to fall.
        patience: For how many epochs.
    """

    def __init__(self, error: Any, patience: int) -> None:
        super().__init__("error", 1.0)
        self._error, self._patience = error, patience

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Compare, remember, and stop."""
        error = self._error(self.model)
        if self.epoch < 0 or error < self._lowest:
            super().on_epoch_end(epoch, {"error": error})
        elif epoch - self.epoch >= self._patience:
            self.model.stop_training = True


class TabM(TabularEstimator):
    """What both have in common."""

    n_ensembles = 1

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] = (512, 512, 512),
        members: int = 32,
        mini: bool = False,
        dropout: float = 0.1,
        epochs: int = 1000,
        patience: int = 16,
        batch_size: int = 256,
        learning_rate: float = 2e-3,
        weight_decay: float = 3e-4,
        validation_fraction: float = 0.2,
        categorical_features: Sequence[str] | None = None,
        random_state: Any = None,
        verbose: Any = 0,
        embedding_bins: int | None = None,
        embedding_dim: int = 16,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.members = members
        self.mini = mini
        self.dropout = dropout
        self.epochs = epochs
        self.patience = patience
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.validation_fraction = validation_fraction
        self.categorical_features = categorical_features
        self.random_state = random_state
        self.verbose = verbose
        self.embedding_bins = embedding_bins
        self.embedding_dim = embedding_dim

    def _loss(self) -> Loss:
        return MeanSquaredError()

    def _error(self, outputs: Floats, target: NDArray[Any], weight: Any = None) -> float:
        """Return how wrong the mean of the members ``[members, rows, outputs]`` is, weighted."""
        squares = (outputs.mean(axis=0) - target.reshape(len(target), -1)) ** 2
        return float(np.average(squares.mean(axis=1), weights=weight))

    def _fit_encoders(self, table: Any) -> None:
        named = () if self.categorical_features is None else self.categorical_features
        self._numbers = TableEncoder("quantile", "one_hot", named, "median", indicators=True).fit(table)
        numbers = len(self._numbers.feature_names_in) - len(self._numbers.vocabularies)
        self._embedded = 0 if self.embedding_bins is None else numbers

    def _encoded(self, table: Any) -> Inputs:
        features = self._numbers.transform(table)
        parts = np.split(features, [self._embedded], axis=1) if self._embedded else [features]
        return [np.ascontiguousarray(part) for part in parts if part.shape[1]]

    def _model(self, x: Inputs, rows: Rows, outputs: int, steps: int, seed: int) -> Sequential | Model:
        members = checks.integer("members", self.members, 1)
        mini = checks.flag("mini", self.mini)
        apart = RandomNormal(stddev=1.0)
        layers: list[Any] = [MemberScale(members, initializer=apart)]
        for i, size in enumerate(checks.items("hidden_layer_sizes", self.hidden_layer_sizes)):
            units = checks.integer(f"hidden_layer_sizes[{i}]", size, 1)
            if mini:
                layers.append(Dense(units, "relu", kernel_initializer="fan_in_uniform"))
            else:
                layers += [MemberScale(members)] if i else []
                layers.append(Dense(units, use_bias=False, kernel_initializer="fan_in_uniform"))
                layers.append(MemberScale(members, "relu", use_bias=True))
            layers.append(Dropout(self.dropout))
        layers.append(MemberDense(outputs, members))
        model = self._with_embeddings(x, rows, layers, seed) if self._embedded else Sequential(layers, seed=seed)
        model.compile(Decay(Adam(self.learning_rate), decoupled=self.weight_decay), self._loss())
        return model

    def _with_embeddings(self, x: Inputs, rows: Rows, layers: list[Any], seed: int) -> Model:
        """Return a network with embeddings of its first input: a linear map of each number, and one of its bins."""
        size = checks.integer("embedding_dim", self.embedding_dim, 1)
        bins = quantile_bins(x[0][rows], checks.integer("embedding_bins", self.embedding_bins, 1))
        inputs = [Input(array.shape[1]) for array in x]
        linear = PiecewiseLinearEncoding([[0.0, 1.0]] * len(bins), size, None, name="linear")  # one bin: x itself
        pieces = PiecewiseLinearEncoding(bins, size, None, name="pieces")
        h = Add()([linear(inputs[0]), pieces(inputs[0])])
        h = Concatenate()([h, *inputs[1:]]) if inputs[1:] else h
        for layer in layers:
            h = layer(h)
        model = Model(inputs, h, seed=seed)
        model.parameters["pieces/kernel"][...] = model.parameters["pieces/bias"][...] = 0.0
        scale = model.parameters["member_scale/scale"][:, : len(bins) * size]
        scale[...] = np.repeat(scale[:, ::size], size, axis=1)  # each number is scaled as a whole
        return model

    def _train(
        self, x: Inputs, shared: dict[str, Any], each: list[dict[str, Any]], seeds: list[int], outputs: int
    ) -> None:
        epochs = checks.integer("epochs", self.epochs, 1)
        batch_size = checks.integer("batch_size", self.batch_size, 1)
        patience = checks.integer("patience", self.patience, 1)
        (member,), (seed,) = each, seeds
        rows, others = member["rows"], [shared[name] for name in ("y", "sample_weight") if name in shared]
        order = np.random.default_rng(seed)

        def batches() -> Iterator[tuple[Any, ...]]:
            """Give the batches of an epoch, in which each member has each row once."""
            for part in np.array_split(order.permutation(rows), -(-len(rows) // batch_size)):
                repeated = np.repeat(part, self.members)
                yield given([array[repeated] for array in x]), *(array[repeated] for array in others)

        judged = held_out_of(x, shared, member)
        stop = []
        if judged is not None:
            inputs, target, weight = judged
            stop = [Patience(lambda model: self._error(self._of(model, inputs), target, weight), patience)]
        model = self._model(x, rows, outputs, 0, seed)
        model.fit(batches, epochs=epochs, callbacks=stop, verbose=self.verbose)
        self.models_ = [model]
        self.best_epochs_ = [stop[0].epoch if stop else epochs - 1]

    def _of(self, model: Any, x: Inputs) -> Floats:
        """Return the outputs of all members ``[members, rows, outputs]``."""
        found = []
        for start in range(0, len(x[0]), ROWS):
            rows = np.repeat(np.arange(start, min(start + ROWS, len(x[0]))), self.members)
            found.append(model.predict(given([array[rows] for array in x]), ROWS * self.members, 0))
        outputs = np.concatenate(found).reshape(len(x[0]), self.members, -1).swapaxes(0, 1)
        return np.asarray(outputs, dtype=np.float64)

    def _outputs(self, x: Inputs) -> Floats:
        return self._of(self.models_[0], x)


class TabMClassifier(TabularClassifier, TabM):
    """A classifier of the rows of tables by an ensemble in one network: TabM.

    Numbers go through the map of their quantiles to a normal distribution, categories are one-hot. A layer of the k
    members is h <- relu(s_m ((r_m h) W) + b_m) with a shared W and trained r, s and b of each member m, and dropout;
    the last layer, softmax(h W_m + b_m), is each member's own. Each learns from every row by its own loss, in one
    batch. Their probabilities are averaged. Training stops when their mean has not made fewer errors on the rows held
    out for `patience` epochs.

    Args:
        hidden_layer_sizes: The widths of the hidden layers.
        members: k.
        mini: Whether members have only r of the first layer and the last layer for themselves: TabM-mini.
        dropout: The part of the values of a hidden layer that dropout sets to 0.
        epochs: The most times that it goes through the rows.
        patience: How many epochs it waits for a better one.
        batch_size: Rows a step, each of them k times.
        learning_rate: Adam's.
        weight_decay: The part of the weights, times the learning rate, that is subtracted with each step.
        validation_fraction: The part of the rows that is held out to tell the best epoch, of each class its share; 0
            trains for all epochs.
        categorical_features: Names of columns of numbers that are categories; x0, x1 and so on are those of an array.
        class_weight: Factors of the weights by class: a dict, ``"balanced"``, or None.
        random_state: Decides what is random: an integer, a `numpy.random.RandomState`, or None.
        verbose: What is shown, as `Sequential.fit` takes it.
        embedding_bins: Into how many bins at most of about as many rows each the values of a number are cut, for a
            piecewise linear embedding z = x w + b + W e(x) of each with trained w, b and W, e being
            `PiecewiseLinearEncoding`; W starts at 0. None: no embeddings. The paper has up to 48 bins, and two
            hidden layers then.
        embedding_dim: The length of z.
        calibrate: Whether the probabilities of the ensemble are those at the temperature that is best for the rows held
            out (`fastopt.calibrate.temperature`); 1 where none is, as all of them are right.

    Attributes:
        classes_: The labels of the classes.
        n_features_in_: The number of columns.
        feature_names_in_: Their names, where they have some.
        models_: The network, in a list.
        best_epochs_: The epoch that it was kept of, in a list, from 0.
        temperatures_: The temperature of the probabilities, in a list.

    Raises:
        TypeError, ValueError: In `fit`: an argument does not fit.

    Source:
        Gorishniy, Kotelnikov and Babenko, TabM: advancing tabular deep learning with parameter-efficient ensembling,
        ICLR 2025, arXiv:2410.24210.

    Example:
        >>> from sklearn.datasets import load_wine
        >>> from fastopt.tabular import TabMClassifier
        >>> x, y = load_wine(return_X_y=True)
        >>> model = TabMClassifier((64, 64), members=8, epochs=20, random_state=0).fit(x, y)
        >>> model.score(x, y) > 0.9
        True
    """

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] = (512, 512, 512),
        members: int = 32,
        mini: bool = False,
        dropout: float = 0.1,
        epochs: int = 1000,
        patience: int = 16,
        batch_size: int = 256,
        learning_rate: float = 2e-3,
        weight_decay: float = 3e-4,
        validation_fraction: float = 0.2,
        categorical_features: Sequence[str] | None = None,
        class_weight: Any = None,
        random_state: Any = None,
        verbose: Any = 0,
        embedding_bins: int | None = None,
        embedding_dim: int = 16,
        calibrate: bool = False,
    ) -> None:
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes,
            members=members,
            mini=mini,
            dropout=dropout,
            epochs=epochs,
            patience=patience,
            batch_size=batch_size,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            validation_fraction=validation_fraction,
            categorical_features=categorical_features,
            random_state=random_state,
            verbose=verbose,
            embedding_bins=embedding_bins,
            embedding_dim=embedding_dim,
        )
        self.class_weight = class_weight
        self.calibrate = calibrate

    def _loss(self) -> Loss:
        return SparseCategoricalCrossentropy()

    def _error(self, outputs: Floats, target: NDArray[Any], weight: Any = None) -> float:
        best = probabilities_of(outputs).mean(axis=0).argmax(axis=1)
        return float(np.average(best != target, weights=weight))

    def _probabilities(self, x: Inputs) -> Floats:
        mean: Floats = super()._probabilities(x).mean(axis=0, keepdims=True)
        return mean


class TabMRegressor(TabularRegressor, TabM):
    """A regressor on the rows of tables by an ensemble in one network: TabM.

    As `TabMClassifier`, with the mean squared error of standardized targets; predictions stay within the range of the
    targets.

    Args:
        hidden_layer_sizes: The widths of the hidden layers.
        members: The number of members.
        mini: Whether members have only factors of the features and the last layer for themselves: TabM-mini.
        dropout: The part of the values of a hidden layer that dropout sets to 0.
        epochs: The most times that it goes through the rows.
        patience: How many epochs it waits for a better one.
        batch_size: Rows a step, each of them as often as there are members.
        learning_rate: Adam's.
        weight_decay: The part of the weights, times the learning rate, that is subtracted with each step.
        validation_fraction: The part of the rows that is held out to tell the best epoch; 0 trains for all epochs.
        categorical_features: Names of columns of numbers that are categories; x0, x1 and so on are those of an array.
        random_state: Decides what is random: an integer, a `numpy.random.RandomState`, or None.
        verbose: What is shown, as `Sequential.fit` takes it.
        embedding_bins: Into how many bins at most of about as many rows each the values of a number are cut, for a
            piecewise linear embedding z = x w + b + W e(x) of each with trained w, b and W, e being
            `PiecewiseLinearEncoding`; W starts at 0. None: no embeddings. The paper has up to 48 bins, and two
            hidden layers then.
        embedding_dim: The length of z.

    Attributes:
        n_features_in_: The number of columns.
        feature_names_in_: Their names, where they have some.
        models_: The network, in a list.
        best_epochs_: The epoch that it was kept of, in a list, from 0.

    Raises:
        TypeError, ValueError: In `fit`: an argument does not fit.

    Source:
        Gorishniy, Kotelnikov and Babenko, TabM: advancing tabular deep learning with parameter-efficient ensembling,
        ICLR 2025, arXiv:2410.24210.

    Example:
        >>> from sklearn.datasets import load_diabetes
        >>> from fastopt.tabular import TabMRegressor
        >>> x, y = load_diabetes(return_X_y=True)
        >>> model = TabMRegressor((64, 64), members=8, epochs=30, random_state=0).fit(x, y)
        >>> model.score(x, y) > 0.3
        True
    """
