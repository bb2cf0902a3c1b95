"""The search for hyperparameters: scales, and what tries values from them."""

from fastopt.search.halving import halving
from fastopt.search.logbook import Entry, Logbook
from fastopt.search.plain import grid, random
from fastopt.search.scales import SCALES, Choice, Integer, Linear, Log, OneMinusLog, Scale
from fastopt.search.trials import Trial, Trials, load
from fastopt.search.zoom import zoom

__all__ = [
    "SCALES",
    "Choice",
    "Entry",
    "Integer",
    "Linear",
    "Log",
    "Logbook",
    "OneMinusLog",
    "Scale",
    "Trial",
    "Trials",
    "grid",
    "halving",
    "load",
    "random",
    "zoom",
]
