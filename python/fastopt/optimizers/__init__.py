"""First-order update rules and what may surround them, for models and for bare arrays.

Names (``"adam"``) stand for the objects with their defaults. What surrounds a rule is an optimizer made of another one:
``Average(Clip(Adam(1e-3), global_norm=1.0), decay=0.999)``. It is done in the same pass over the parameters, and always
in this order, whatever contains what: gradients are taken a little up from the parameters (`SAM`), accumulated
(`Accumulate`), limited (`Clip`: by norm, then by value) and given the terms of L1 and L2 (`Decay`); the parameters
shrink (`Decay`) and go the step of the rule, at rates of their own (`LayerRates`) and where it goes down (`Cautious`);
then `Lookahead` goes back, and `Average` takes its mean.

`trace` follows any of them over a function; `fastopt.plotting` draws where they went.
"""

from fastopt.optimizers.averages import *
from fastopt.optimizers.base import *
from fastopt.optimizers.describe import RULES as RULES
from fastopt.optimizers.matrices import *
from fastopt.optimizers.moments import *
from fastopt.optimizers.rules import *
from fastopt.optimizers.sequence import *
from fastopt.optimizers.traces import *
from fastopt.optimizers.transforms import *
