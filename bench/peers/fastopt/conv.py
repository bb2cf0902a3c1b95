from collections.abc import Sequence
from typing import Any

import fastopt
from fastopt import layers

from ...conv import Conv, ConvData
from ...kernel import job
from ...kind import Job


def prepare(row: Conv, data: ConvData) -> Job:
    layer = layers.Conv2D(row.filters, row.kernel, padding="same")
    model = fastopt.Sequential([layer], dtype=str(data.x.dtype))
    model.build(data.x.shape[1:])
    model.set_weights([data.kernel, data.bias])

    def call() -> Sequence[Any]:
        y = model(data.x)
        return [y] if row.which == "forward" else [y, model.backward(data.dy), *model.gradients.values()]

    return job(call)
