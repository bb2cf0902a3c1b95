from sklearn.linear_model import LogisticRegression

from ...kind import Job, repeated
from ...logistic import Images, Logistic


def prepare(row: Logistic, data: Images) -> Job:
    """Its penalty is not divided by the number of samples, but its loss multiplied."""
    strength = 1 / (row.penalty * len(data.y))
    model = LogisticRegression(C=strength, solver=row.solver, tol=row.tolerance, max_iter=10_000)
    return Job(repeated(lambda: model.fit(data.x, data.y)), lambda: (model.coef_.T, model.intercept_))
