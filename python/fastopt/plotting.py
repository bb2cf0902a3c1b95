"""Pictures, drawn with matplotlib where it is installed: ``pip install 'fastopt[plot]'``."""

from fastopt.tools.curves import *
from fastopt.tools.plotting import *
from fastopt.tools.watch import gradient_norm as gradient_norm
