"""Many models at once: trained side by side on all cores, each equal to the bit to being trained alone."""

from fastopt.fleet.ensemble import Ensemble, predict
from fastopt.fleet.folds import CrossValidation, cross_validate
from fastopt.fleet.member import Member
from fastopt.fleet.run import fit, iterate

__all__ = ["CrossValidation", "Ensemble", "Member", "cross_validate", "fit", "iterate", "predict"]
