"""Pictures, drawn with matplotlib where it is installed: ``pip install 'fastopt[plot]'``."""

from fastopt.search.pictures import *
from fastopt.tools.plots.classes import *
from fastopt.tools.plots.curves import *
from fastopt.tools.plots.filters import *
from fastopt.tools.plots.histograms import *
from fastopt.tools.plots.images import *
from fastopt.tools.plots.series import *
from fastopt.tools.plots.surface import *
from fastopt.tools.plots.trajectories import *
from fastopt.tools.watch import gradient_norm as gradient_norm
