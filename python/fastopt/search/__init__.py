"""The search for hyperparameters: scales, and what tries values from them."""

from fastopt.search.halving import halving
from fastopt.search.plain import grid, random
from fastopt.search.scales import SCALES, Choice, Integer, Linear, Log, OneMinusLog, Scale
from fastopt.search.trials import Trial, Trials, load
from fastopt.search.zoom import zoom

__all__ = [
    "SCALES",
    "Choice",
    "Integer",
    "Linear",
    "Log",
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
