"""Methods that look at the whole function: line searches, conjugate gradients, Newton, quasi-Newton, least squares.

A method is a direction and a search: ``LBFGS(memory=10)``, ``ConjugateGradients("fletcher_reeves", search=Exact())``.
It is a value, as optimizers are. `minimize` and `least_squares` run it on any function, with SciPy's arguments and
results.
"""

from fastopt.solvers.least_squares import *
from fastopt.solvers.methods import *
from fastopt.solvers.minimize import *
from fastopt.solvers.searches import *
