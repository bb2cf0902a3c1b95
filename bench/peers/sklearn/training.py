import numpy as np
from sklearn.neural_network import MLPClassifier

from ...kind import Job
from ...training import BETA_1, BETA_2, EPSILON, Training, TrainingData, Weights, job


def as_stored(weights: Weights) -> Weights:
    """Two logits are one logistic output of their difference."""
    kernel, bias = weights[-1]
    last = (kernel, bias) if len(bias) != 2 else (kernel[:, 1:] - kernel[:, :1], bias[1:] - bias[:1])
    return [*weights[:-1], last]


def as_given(weights: Weights) -> Weights:
    """The inverse: the first logit is zero."""
    kernel, bias = weights[-1]
    last = (kernel, bias) if len(bias) != 1 else (np.hstack([0 * kernel, kernel]), np.append(0 * bias, bias))
    return [*weights[:-1], last]


class Trainer:
    def __init__(self, row: Training, data: TrainingData) -> None:
        """Its arrays are made by a first fit; a warm start then keeps what is in them."""
        self.data, self.given = data, as_stored(data.weights)
        self.model = MLPClassifier(
            row.sizes[1:-1],
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
        ).fit(data.x, data.y)

    def start(self) -> None:
        for own_kernel, own_bias, (kernel, bias) in zip(
            self.model.coefs_, self.model.intercepts_, self.given, strict=True
        ):
            own_kernel[...], own_bias[...] = kernel, bias

    def fit(self, epochs: int) -> None:
        self.model.set_params(max_iter=epochs).fit(self.data.x, self.data.y)

    def weights(self) -> Weights:
        return as_given(list(zip(self.model.coefs_, self.model.intercepts_, strict=True)))


def prepare(row: Training, data: TrainingData) -> Job | None:
    """It has neither dropout nor batch normalisation."""
    return None if row.dropout or row.batch_norm else job(Trainer(row, data))
