import numpy as np

from ...call import INSIDE, Call
from ...kind import Job, stopwatch
from ...predict import Predict, PredictData
from ...training import TrainingData
from ..fastopt.training import Trainer, network, set_weights


def prepare(row: Call | Predict, data: TrainingData | PredictData) -> Job:
    """The same many times in one call of the core."""
    x = np.tile(data.x, (INSIDE, 1))
    if isinstance(row, Predict):
        model = network(row.training, str(x.dtype))
        set_weights(model, data.weights)
        run = stopwatch(lambda _: model.predict(x, batch_size=row.samples))
    else:
        y = np.concatenate([data.y] * INSIDE)
        trainer = Trainer(row, data)
        trainer.start()
        run = stopwatch(lambda _: trainer.model.fit(x, y, batch_size=row.batch, epochs=1, shuffle=False, verbose=0))
    return Job(lambda count: count * run(1) / INSIDE, lambda: None)
