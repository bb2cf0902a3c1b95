from collections.abc import Sequence
from typing import Any

import fastopt
from fastopt import layers

from ...conv import Conv, ConvData
from ...kernel import job
from ...kind import Job


def prepare(row: Conv, data: ConvData) -> Job:
    """Alone as inference, which keeps nothing for gradients."""
    layer = layers.Conv2D(row.filters, row.kernel, padding="same")
    model = fastopt.Sequential([layer], dtype=str(data.x.dtype))
    model.build(data.x.shape[1:])
    model.set_weights([data.kernel, data.bias])

    def call() -> Sequence[Any]:
        if row.which == "forward":
            return [model.predict(data.x, batch_size=row.batch)]
        return [model(data.x), model.backward(data.dy), *model.gradients.values()]

    return job(call)
