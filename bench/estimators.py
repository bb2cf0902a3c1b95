"""``fit`` of scikit-learn's perceptrons and of those that stand in for them, with equal arguments, over five seeds."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .kind import Kind
from .sparse import Sparse

SEEDS = 5
SOLVERS = {"adam": "Adam", "sgd": "SGD", "lbfgs": "L-BFGS"}

# Of each data set how many epochs or iterations: as many as by default, fewer where they last.
SETS = {
    "blobs 100 x 20": 200,
    "iris": 200,
    "wine": 200,
    "breast cancer": 200,
    "diabetes": 200,
    "friedman 1000 x 10": 50,
    "digits": 30,
    "blobs 5000 x 50": 20,
    "friedman 20000 x 30": 5,
    "blobs 100000 x 20": 3,
}
CSR = "CSR 10000 x 50000"  # that of `Sparse`, for one epoch: scikit-learn's needs seconds
NOISE = 0.02  # of the mean score over the seeds


@dataclass(frozen=True)
class Table:
    x: Any  # an array, or a sparse one
    y: NDArray[Any]
    kind: Literal["MLPClassifier", "MLPRegressor"]


@dataclass(frozen=True)
class Estimators(Kind):
    """One unit is a fit, each with the next seed."""

    table: str
    solver: str
    group = "estimators"
    count = SEEDS

    @property
    def name(self) -> str:
        return f"fit of {self.table} by {SOLVERS[self.solver]}"

    @property
    def arguments(self) -> dict[str, Any]:
        return {"solver": self.solver, "max_iter": SETS.get(self.table, 1)}

    def data(self, dtype: str) -> Table:
        from sklearn import datasets

        name, *size = self.table.replace(" x ", " ").split(" ")
        if self.table == CSR:
            taught = Sparse((50_000, 100, 20), batch=200, samples=10_000, epochs=1).data(dtype)
            return Table(taught.x, taught.y, "MLPClassifier")
        if name == "blobs":
            samples, features = map(int, size)
            x, y = datasets.make_classification(samples, features, n_informative=features // 2, random_state=0)
        elif name == "friedman":
            x, y = datasets.make_friedman1(int(size[0]), int(size[1]), noise=0.1, random_state=0)
        else:
            x, y = getattr(datasets, f"load_{self.table.replace(' ', '_')}")(return_X_y=True)
        x = (x - x.mean(axis=0)) / np.maximum(x.std(axis=0), 1e-3)
        values = y.dtype.kind == "f"
        y = (y - y.mean()) / y.std() if values else y
        return Table(x.astype(dtype), y, "MLPRegressor" if values else "MLPClassifier")

    def check(self, data: Table, result: list[float]) -> float:
        """The mean score, accuracy or R2, over the seeds."""
        return float(np.mean(result))

    def agrees(self, value: float, reference: float, dtype: str) -> bool:
        """Neither worse nor better, but for the noise of the seeds: what trains more is no faster."""
        return abs(value - reference) <= NOISE


ESTIMATORS = [*(Estimators(table, solver) for table in SETS for solver in SOLVERS), Estimators(CSR, "adam")]
