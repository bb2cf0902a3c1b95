"""fastopt: trainings by the interface that its users see, products by the core beneath it."""

import fastopt

from ..kind import Job, stopwatch
from ..product import Operands, Product
from ..training import BETA_1, BETA_2, EPSILON, LEARNING_RATE, Training, TrainingData, Weights


def setup(threads: int) -> str:
    fastopt.set_num_threads(threads)
    return fastopt.__version__


def build(row: Training, data: TrainingData) -> fastopt.Sequential:
    hidden = [fastopt.layers.Dense(units, activation="relu") for units in row.sizes[1:-1]]
    model = fastopt.Sequential([*hidden, fastopt.layers.Dense(row.sizes[-1])], seed=1, dtype=str(data.x.dtype))
    model.compile(
        optimizer=fastopt.optimizers.Adam(LEARNING_RATE, beta_1=BETA_1, beta_2=BETA_2, epsilon=EPSILON),
        loss="sparse_categorical_crossentropy",
    )
    model.build(row.sizes[0])
    model.set_weights([array for pair in data.weights for array in pair])
    return model


def training(row: Training, data: TrainingData) -> Job:
    model = build(row, data)

    def run(epochs: int) -> float:
        nonlocal model
        model = build(row, data)
        return stopwatch(lambda count: model.fit(data.x, data.y, batch_size=row.batch, epochs=count, verbose=0))(epochs)

    def result() -> Weights:
        weights = model.get_weights()
        return list(zip(weights[::2], weights[1::2], strict=True))

    return Job(run, result)


def product(row: Product, data: Operands) -> Job:
    kernels, left, right, out = fastopt._core.kernels, data.left, data.right, data.out
    call = {
        "forward": kernels.dense_forward,
        "backward_input": kernels.dense_backward_input,
        "backward_kernel": kernels.dense_backward_kernel,
    }[row.which]

    def repeat(count: int) -> None:
        for _ in range(count):
            call(left, right, out=out)

    return Job(stopwatch(repeat), lambda: out)
