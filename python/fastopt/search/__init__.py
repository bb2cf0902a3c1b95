"""The search for hyperparameters: scales, and what tries values from them."""

from fastopt.search.plain import grid, random
from fastopt.search.scales import SCALES, Choice, Integer, Linear, Log, OneMinusLog, Scale
from fastopt.search.trials import Trial, Trials, load

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
    "load",
    "random",
]
