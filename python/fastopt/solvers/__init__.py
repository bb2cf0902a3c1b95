r"""Methods that look at the whole function: line searches, conjugate gradients, Newton, quasi-Newton, least squares.

A method is a direction and a search: ``LBFGS(memory=10)``, ``ConjugateGradients("fletcher_reeves", search=Exact())``.
It is a value, as optimizers are. `minimize` and `least_squares` run it on any function, with SciPy's arguments and
results; and `compile` takes one for a model: then `fit` minimizes the cost of all samples,

.. math:: C(w) = \frac1n \sum_i w_i L_i + \text{what layers penalise},

over the weights that learn. A model gives the values and the gradients of C; the Hessian, for `Newton` (up to 2000
weights), and its products with vectors, for `NewtonCG`, are central differences of gradients, in the model's dtype.
`LevenbergMarquardt` needs residuals, which it does not give; of bounds and constraints it has none.

Beside them stand `coordinate_descent`, one variable or block at a time, and `sparse_coding`, which learns atoms of
which samples are sums of few.

Example:
    >>> import numpy as np, fastopt as fo
    >>> x, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    >>> model = fo.Sequential([fo.layers.Dense(4, "tanh"), fo.layers.Dense(1, "sigmoid")], seed=1)
    >>> model.compile(fo.solvers.LBFGS(memory=5, gtol=1e-4), "binary_crossentropy")
    >>> history = model.fit(x, y, epochs=100, verbose=0)
    >>> history.message, model.predict(x).round()[:, 0]
    ('the gradient is within gtol', array([0., 1., 1., 0.], dtype=float32))
"""

from fastopt.methods.directions import *
from fastopt.methods.searches import *
from fastopt.solvers.continuation import *
from fastopt.solvers.coordinate_descent import *
from fastopt.solvers.least_squares import *
from fastopt.solvers.minimize import *
from fastopt.solvers.sparse_coding import *
from fastopt.solvers.traces import *
