"""fastopt: trainings and updates by the interface that its users see, products by the core beneath it."""

from collections.abc import Callable

import fastopt

from ..kind import Job, stopwatch
from ..product import Operands, Product
from ..training import BETA_1, BETA_2, EPSILON, LEARNING_RATE, Training, TrainingData, Weights
from ..update import Arrays, Update, UpdateData, job

OPTIMIZERS: dict[str, Callable[[], fastopt.optimizers.Optimizer]] = {
    "adam": lambda: fastopt.optimizers.Adam(LEARNING_RATE, BETA_1, BETA_2, EPSILON),
}


def setup(threads: int) -> str:
    fastopt.set_num_threads(threads)
    return fastopt.__version__


def build(row: Training, data: TrainingData) -> fastopt.Sequential:
    hidden = [fastopt.layers.Dense(units, activation="relu") for units in row.sizes[1:-1]]
    model = fastopt.Sequential([*hidden, fastopt.layers.Dense(row.sizes[-1])], seed=1, dtype=str(data.x.dtype))
    model.compile(
        optimizer=OPTIMIZERS["adam"](),
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


def update(row: Update, data: UpdateData) -> Job:
    optimizer = OPTIMIZERS[row.optimizer]()
    params = [w.copy() for w in data.params]
    grads: Arrays = []

    def take(given: Arrays) -> None:
        nonlocal grads
        grads = given

    def steps(count: int) -> None:
        for _ in range(count):
            optimizer.update(params, grads)

    return job(data, take, steps, lambda: params)
