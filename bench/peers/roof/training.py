from typing import Any

from fastopt import _core

from ...conv import Conv
from ...kind import Job
from ...models import Models
from ...predict import Predict
from ...product import Product
from ...training import Training
from . import SECONDS


def prepare(row: Training | Models | Predict | Product | Conv, data: Any) -> Job:
    team = _core.runtime.num_threads()
    dtype = str(data.out.dtype if row.group == "product" else data.x.dtype)

    def run(count: int) -> float:
        return count * row.flops / _core.roof.fma_peak(dtype, threads=team, seconds=SECONDS)

    return Job(run, lambda: None)
