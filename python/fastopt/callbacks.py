"""Functions of one's own that `Sequential.fit` calls as it goes."""

from fastopt.model.callbacks.backup import *
from fastopt.model.callbacks.base import *
from fastopt.model.callbacks.functions import *
from fastopt.model.callbacks.history import *
from fastopt.model.callbacks.monitor import *
from fastopt.model.callbacks.noise import *
from fastopt.model.callbacks.records import *
from fastopt.tools.live import LivePlot as LivePlot
from fastopt.tools.watch import Curvature as Curvature
