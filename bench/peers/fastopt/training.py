import fastopt

from ...kind import Job, stopwatch
from ...training import Training, TrainingData, Weights
from .update import OPTIMIZERS


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


def prepare(row: Training, data: TrainingData) -> Job:
    model = build(row, data)

    def run(epochs: int) -> float:
        nonlocal model
        model = build(row, data)
        return stopwatch(lambda count: model.fit(data.x, data.y, batch_size=row.batch, epochs=count, verbose=0))(epochs)

    def result() -> Weights:
        weights = model.get_weights()
        return list(zip(weights[::2], weights[1::2], strict=True))

    return Job(run, result)
