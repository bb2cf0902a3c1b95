"""Train neural networks on the CPU, fast.

Example:
    >>> import fastopt as fo
    >>> x, y = fo.datasets.load_digits()
    >>> model = fo.Sequential([fo.layers.Dense(64, activation="relu"), fo.layers.Dense(10)], seed=0)
    >>> model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    >>> history = model.fit(x, y, epochs=20, validation_split=0.2, verbose=0)
    >>> model.evaluate(x, y)["accuracy"] > 0.9
    True
"""

import importlib
from types import ModuleType

from fastopt import (
    _core,
    calibrate,
    callbacks,
    config,
    constraints,
    curvature,
    data,
    datasets,
    fleet,
    initializers,
    kernels,
    layers,
    losses,
    metrics,
    optimizers,
    plotting,
    preprocessing,
    regularizers,
    schedules,
    search,
    solvers,
)
from fastopt.core.config import check_environment, get_num_threads, set_num_threads, show_config
from fastopt.export.files import export as export_model
from fastopt.fleet import Ensemble
from fastopt.layers.base import Input
from fastopt.model.callbacks.history import History
from fastopt.model.functional import Model
from fastopt.model.sequential import Sequential
from fastopt.tools import display
from fastopt.tools.clone import clone
from fastopt.tools.continuation import continuation
from fastopt.tools.diagnose import diagnose, diagnose_errors, weighted_average
from fastopt.tools.fold import fold
from fastopt.tools.gradient_check import check_gradients, check_gradients_of
from fastopt.tools.inspect import layer_outputs, recompute_statistics
from fastopt.tools.plots import curves
from fastopt.tools.pretrain import pretrain
from fastopt.tools.saving import load_model, save
from fastopt.tools.summary import summary
from fastopt.tools.transfer import copy_weights

check_environment()


def _attach() -> None:
    """Give models the methods that stand on the floor above them, which models need not know."""
    for method in (export_model, fold, layer_outputs, recompute_statistics, save, summary):
        setattr(Sequential, method.__name__, method)
    for method in (export_model, save, summary):
        setattr(Model, method.__name__, method)
    for kind in (Sequential, Model):
        kind.__repr__ = display.model_text  # type: ignore[method-assign, assignment]
        kind._repr_html_ = display.model_html  # type: ignore[union-attr]
    History.plot = curves.history  # type: ignore[method-assign, assignment]
    History._repr_html_ = display.history_html  # type: ignore[attr-defined]


_attach()


def _tidied(module: ModuleType) -> ModuleType:
    """Let `dir` and `help` show what a module exports, not what it imports."""
    own = vars(module)
    names = own.get("__all__") or [name for name in own if name[0] != "_" and not isinstance(own[name], ModuleType)]
    own.update(__all__=sorted(names), __dir__=lambda: own["__all__"])
    return module


def __dir__() -> list[str]:
    return sorted([*__all__, *EXTRAS])


def __getattr__(name: str) -> ModuleType:
    """Return a module that needs more than NumPy, imported when it is asked for."""
    if name in EXTRAS:
        return _tidied(importlib.import_module(f"fastopt.{name}"))
    raise AttributeError(f"module 'fastopt' has no attribute {name!r}")


EXTRAS = ("sklearn", "tabular")

__version__: str = _core.runtime.build_info()["version"]

__all__ = [
    "Ensemble",
    "Input",
    "Model",
    "Sequential",
    "__version__",
    "calibrate",
    "callbacks",
    "check_gradients",
    "check_gradients_of",
    "clone",
    "config",
    "constraints",
    "continuation",
    "copy_weights",
    "curvature",
    "data",
    "datasets",
    "diagnose",
    "diagnose_errors",
    "fleet",
    "get_num_threads",
    "initializers",
    "kernels",
    "layers",
    "load_model",
    "losses",
    "metrics",
    "optimizers",
    "plotting",
    "preprocessing",
    "pretrain",
    "regularizers",
    "schedules",
    "search",
    "set_num_threads",
    "show_config",
    "solvers",
    "weighted_average",
]

for _name in __all__:
    if isinstance(globals()[_name], ModuleType):
        _tidied(globals()[_name])
