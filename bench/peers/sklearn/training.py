import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor

from ...kind import Job
from ...training import BETA_1, BETA_2, EPSILON, Training, TrainingData, Weights, job


def as_stored(weights: Weights) -> Weights:
    """Two logits are one logistic output of their difference."""
    kernel, bias = weights[-1]
    return [*weights[:-1], (kernel[:, 1:] - kernel[:, :1], bias[1:] - bias[:1])]


def as_given(weights: Weights) -> Weights:
    """The inverse: the first logit is zero."""
    kernel, bias = weights[-1]
    return [*weights[:-1], (np.hstack([0 * kernel, kernel]), np.append(0 * bias, bias))]


class Trainer:
    def __init__(self, row: Training, data: TrainingData) -> None:
        """Its arrays are made by a first fit; a warm start then keeps what is in them."""
        self.x, self.y = data.x, data.y.ravel()
        self.logistic = not row.regression and row.sizes[-1] == 2
        self.given = as_stored(data.weights) if self.logistic else data.weights
        self.model = (MLPRegressor if row.regression else MLPClassifier)(
            hidden_layer_sizes=row.sizes[1:-1],
            activation=row.activation,
            batch_size=row.batch,
            alpha=0.0,
            learning_rate_init=row.learning_rate,
            beta_1=BETA_1,
            beta_2=BETA_2,
            epsilon=EPSILON,
            shuffle=row.shuffled,
            tol=0.0,
            n_iter_no_change=10**9,
            warm_start=True,
            max_iter=1,
            random_state=1,
        ).fit(self.x, self.y)

    def start(self) -> None:
        for own_kernel, own_bias, (kernel, bias) in zip(
            self.model.coefs_, self.model.intercepts_, self.given, strict=True
        ):
            own_kernel[...], own_bias[...] = kernel, bias

    def fit(self, epochs: int) -> None:
        self.model.set_params(max_iter=epochs).fit(self.x, self.y)

    def weights(self) -> Weights:
        found = list(zip(self.model.coefs_, self.model.intercepts_, strict=True))
        return as_given(found) if self.logistic else found


def prepare(row: Training, data: TrainingData) -> Job | None:
    """It has neither dropout nor batch normalisation."""
    return None if row.dropout or row.batch_norm else job(Trainer(row, data))
