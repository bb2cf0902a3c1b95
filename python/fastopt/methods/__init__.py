"""The methods of `fastopt.solvers`: all that models know of them; what runs them on functions stands further up."""

from fastopt.methods.directions import *
from fastopt.methods.searches import *
