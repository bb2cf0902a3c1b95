"""First-order update rules and what may surround them, for models and for bare arrays.

Names (``"adam"``) stand for the objects with their defaults. What surrounds a rule is an optimizer made of another one:
``Average(Clip(Adam(1e-3), global_norm=1.0), decay=0.999)``. It is done in the same pass over the parameters, and always
in this order, whatever contains what: gradients are accumulated (`Accumulate`), limited (`Clip`: by norm, then by
value) and given the terms of L1 and L2 (`Decay`); the parameters shrink (`Decay`) and go the step of the rule, at rates
of their own (`LayerRates`); then `Lookahead` goes back, and `Average` takes its mean.

`trace` follows any of them over a function; `fastopt.plotting` draws where they went.
"""

from fastopt.optimizers.base import OPTIMIZERS, RULES, Optimizer
from fastopt.optimizers.rules import (
    SGD,
    SWATS,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    DeltaBarDelta,
    Lamb,
    Lion,
    Nadam,
    RAdam,
    RMSprop,
)
from fastopt.optimizers.traces import Trace, trace
from fastopt.optimizers.wrappers import Accumulate, Average, Clip, Decay, LayerRates, Lookahead, Sequence

__all__ = [
    "OPTIMIZERS",
    "RULES",
    "SGD",
    "SWATS",
    "Accumulate",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Average",
    "Clip",
    "Decay",
    "DeltaBarDelta",
    "Lamb",
    "LayerRates",
    "Lion",
    "Lookahead",
    "Nadam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Sequence",
    "Trace",
    "trace",
]
