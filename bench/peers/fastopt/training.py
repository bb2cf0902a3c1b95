from itertools import islice

import fastopt
from fastopt import layers

from ...kind import Job
from ...training import NORM_EPSILON, NORM_MOMENTUM, Training, TrainingData, Weights, job
from .update import OPTIMIZERS


def network(row: Training, dtype: str) -> fastopt.Sequential:
    found: list[layers.Layer] = []
    for units in row.sizes[1:-1]:
        if row.batch_norm:
            found += [
                layers.Dense(units),
                layers.BatchNormalization(momentum=NORM_MOMENTUM, epsilon=NORM_EPSILON),
                layers.Activation(row.activation),
            ]
        else:
            found.append(layers.Dense(units, row.activation))
        if row.dropout:
            found.append(layers.Dropout(row.dropout))
    model = fastopt.Sequential([*found, layers.Dense(row.sizes[-1])], seed=1, dtype=dtype)
    model.build(row.sizes[0])
    return model


def set_weights(model: fastopt.Sequential, weights: Weights) -> None:
    """All parameters, layer by layer, and then what normalisation keeps: means, variances and the number of steps."""
    parameters = [array for kernel, bias, *norm in weights for array in (kernel, *norm[:1], bias)]
    state = [array for _, _, *norm in weights if norm for array in (*norm[1:], [0])]
    model.set_weights([*parameters, *state])


def weights_of(model: fastopt.Sequential, like: Weights) -> Weights:
    """The inverse, as far as peers have it."""
    parameters, state = iter(model.parameters.values()), iter(model.state.values())
    found: Weights = []
    for _, _, *norm in like:
        kernel, *gamma, bias = islice(parameters, 3 if norm else 2)
        mean_variance = list(islice(state, 3))[:2] if norm else []
        found.append((kernel, bias, *gamma, *mean_variance))
    return found


class Trainer:
    def __init__(self, row: Training, data: TrainingData) -> None:
        self.row, self.data = row, data
        self.model = network(row, str(data.x.dtype))

    def start(self) -> None:
        """The network's memory is kept, as other libraries keep what was freed, and the optimizer's made beforehand."""
        loss = "mean_squared_error" if self.row.regression else "sparse_categorical_crossentropy"
        self.model.compile(OPTIMIZERS["adam"](), loss)
        self.model.optimizer.learning_rate = self.row.learning_rate
        set_weights(self.model, self.data.weights)
        _ = self.model.slots

    def fit(self, epochs: int) -> None:
        row = self.row
        self.model.fit(self.data.x, self.data.y, batch_size=row.batch, epochs=epochs, shuffle=row.shuffled, verbose=0)

    def weights(self) -> Weights:
        return weights_of(self.model, self.data.weights)


def prepare(row: Training, data: TrainingData) -> Job:
    return job(Trainer(row, data))
