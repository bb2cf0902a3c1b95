import fastopt
from fastopt import layers, regularizers, solvers

from ...kind import Job, repeated
from ...logistic import CLASSES, Images, Logistic


def prepare(row: Logistic, data: Images) -> Job:
    kind = solvers.NewtonCG if row.solver == "newton-cg" else solvers.LBFGS
    solver = kind(search="wolfe", gtol=row.tolerance, ftol=0.0)
    penalty = regularizers.L2(row.penalty / 2)
    dense = layers.Dense(CLASSES, "softmax", kernel_initializer="zeros", kernel_regularizer=penalty)
    model = fastopt.Sequential([dense], dtype=str(data.x.dtype))

    def solve() -> None:
        model.build(data.x.shape[1])
        model.set_weights([0 * array for array in model.get_weights()])
        model.compile(solver.replaced(), "sparse_categorical_crossentropy")
        model.fit(data.x, data.y, epochs=10_000, verbose=0)

    return Job(repeated(solve), lambda: tuple(model.get_weights()))
