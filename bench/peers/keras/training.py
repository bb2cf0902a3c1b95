import jax
import keras
import numpy as np
from keras import layers

from ...kind import Job
from ...training import (
    BETA_1,
    BETA_2,
    EPSILON,
    NORM_EPSILON,
    NORM_MOMENTUM,
    Training,
    TrainingData,
    Weights,
    job,
)


def use(dtype: str) -> None:
    jax.config.update("jax_enable_x64", dtype == "float64")
    keras.config.set_floatx(dtype)


def network(row: Training, dtype: str) -> keras.Sequential:
    use(dtype)
    found = [layers.Input((row.sizes[0],))]
    for units in row.sizes[1:-1]:
        if row.batch_norm:
            found += [
                layers.Dense(units, use_bias=False),
                layers.BatchNormalization(momentum=NORM_MOMENTUM, epsilon=NORM_EPSILON),
                layers.Activation(row.activation),
            ]
        else:
            found.append(layers.Dense(units, row.activation))
        if row.dropout:
            found.append(layers.Dropout(row.dropout))
    return keras.Sequential([*found, layers.Dense(row.sizes[-1])])


def set_weights(model: keras.Sequential, weights: Weights) -> None:
    """Layer by layer: kernel and bias, or kernel, gamma, beta, mean and variance; noise has a state of its own."""
    given = iter([array for kernel, bias, *norm in weights for array in (kernel, *norm[:1], bias, *norm[1:])])
    for layer in model.layers:
        if not isinstance(layer, layers.Dropout):
            layer.set_weights([next(given) for _ in layer.weights])


def weights_of(model: keras.Sequential) -> Weights:
    found: Weights = []
    for layer in model.layers:
        if isinstance(layer, layers.Dense):
            found.append(tuple(layer.get_weights()))
        elif isinstance(layer, layers.BatchNormalization):
            gamma, beta, mean, variance = layer.get_weights()
            found[-1] = (*found[-1], beta, gamma, mean, variance)
    return found


class Trainer:
    def __init__(self, row: Training, data: TrainingData) -> None:
        self.row, self.data = row, data
        self.model = self.network()
        self.optimizer = keras.optimizers.Adam(row.learning_rate, BETA_1, BETA_2, EPSILON)
        cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.model.compile(
            self.optimizer,
            "mean_squared_error" if row.regression else cross_entropy,
            jit_compile=True,
            steps_per_execution=row.operations,
        )
        self.optimizer.build(self.model.trainable_variables)
        self.unused = [np.array(variable) for variable in self.optimizer.variables]

    def network(self) -> keras.Sequential:
        return network(self.row, str(self.data.x.dtype))

    def start(self) -> None:
        set_weights(self.model, self.data.weights)
        for variable, value in zip(self.optimizer.variables, self.unused, strict=True):
            variable.assign(value)

    def fit(self, epochs: int) -> None:
        row = self.row
        self.model.fit(self.data.x, self.data.y, batch_size=row.batch, epochs=epochs, shuffle=row.shuffled, verbose=0)

    def weights(self) -> Weights:
        return weights_of(self.model)


def prepare(row: Training, data: TrainingData) -> Job:
    return job(Trainer(row, data))
