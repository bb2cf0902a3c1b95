import numpy as np

from fastopt.curvature import hessian_vector_product

from ...curvature import Curvature, CurvatureData
from ...kind import Job, repeated
from .training import Trainer


def prepare(row: Curvature, data: CurvatureData) -> Job:
    trainer = Trainer(row, data)
    trainer.start()
    model, v = trainer.model, np.concatenate([part.ravel() for layer in data.direction for part in layer])

    def call() -> object:
        if row.way == "gradient":
            return model.cost_and_gradient(data.x, data.y)[1]
        return hessian_vector_product(model, data.x, data.y, v)

    return Job(repeated(call), lambda: [call()])
