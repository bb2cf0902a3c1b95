from typing import Any

from sklearn import neural_network

from ...estimators import SEEDS, Estimators, Table
from ...kind import Job, stopwatch


def prepare(row: Estimators, data: Table, package: Any = neural_network) -> Job:
    kind = getattr(package, data.kind)
    fitted: dict[int, Any] = {}

    def fit(count: int) -> None:
        for i in range(count):
            seed = i % SEEDS
            fitted[seed] = kind(**row.arguments, random_state=seed).fit(data.x, data.y)

    return Job(stopwatch(fit), lambda: [one.score(data.x, data.y) for one in fitted.values()])
