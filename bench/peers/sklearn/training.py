import numpy as np
from sklearn.neural_network import MLPClassifier

from ...kind import Job, stopwatch
from ...training import BETA_1, BETA_2, EPSILON, LEARNING_RATE, Training, TrainingData, Weights


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


def prepare(row: Training, data: TrainingData) -> Job:
    model = MLPClassifier(
        row.sizes[1:-1],
        batch_size=row.batch,
        alpha=0.0,
        learning_rate_init=LEARNING_RATE,
        beta_1=BETA_1,
        beta_2=BETA_2,
        epsilon=EPSILON,
        tol=0.0,
        n_iter_no_change=10**9,
        warm_start=True,
        max_iter=1,
        random_state=1,
    ).fit(data.x, data.y)

    def fit(epochs: int) -> None:
        model.set_params(max_iter=epochs).fit(data.x, data.y)

    def run(epochs: int) -> float:
        for own_kernel, own_bias, (kernel, bias) in zip(
            model.coefs_, model.intercepts_, as_stored(data.weights), strict=True
        ):
            own_kernel[...], own_bias[...] = kernel, bias
        return stopwatch(fit)(epochs)

    return Job(run, lambda: as_given(list(zip(model.coefs_, model.intercepts_, strict=True))))
