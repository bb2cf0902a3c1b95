from fastopt.solvers import minimize

from ...kind import Job
from ...solve import Solve, Valley, job


def prepare(row: Solve, data: Valley) -> Job:
    return job(data, lambda: minimize(data, data.start, jac=True, method=row.solver, options=row.options))
