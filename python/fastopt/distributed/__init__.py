"""Training one model by several processes, on one machine or many, that speak MPI."""

from fastopt.distributed.evaluation import evaluate
from fastopt.distributed.training import fit

__all__ = ["evaluate", "fit"]
