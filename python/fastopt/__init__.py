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
import sys
from functools import partial
from types import MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from fastopt import (
    _core,
    constraints,
    data,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
    schedules,
)
from fastopt.core.config import check_environment, get_num_threads, set_num_threads, show_config
from fastopt.core.habits import absent
from fastopt.layers.base import Input
from fastopt.model.callbacks.history import History
from fastopt.model.functional import Model
from fastopt.model.sequential import Sequential
from fastopt.model.weighted import Weighted

if TYPE_CHECKING:  # what is imported when it is asked for, by `__getattr__`
    from fastopt import (
        calibrate,
        callbacks,
        config,
        curvature,
        datasets,
        fleet,
        kernels,
        plotting,
        preprocessing,
        search,
        solvers,
    )
    from fastopt import sklearn as sklearn
    from fastopt import tabular as tabular
    from fastopt.fleet import Ensemble
    from fastopt.tools.clone import clone
    from fastopt.tools.continuation import continuation
    from fastopt.tools.diagnose import diagnose, diagnose_errors, weighted_average
    from fastopt.tools.gradient_check import check_gradients, check_gradients_of
    from fastopt.tools.pretrain import pretrain
    from fastopt.tools.saving import load_model
    from fastopt.tools.transfer import copy_weights

check_environment()


class _Method:
    """A method that stands on the floor above its class, which need not know it; imported when it is called."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    def __get__(self, instance: object, owner: type) -> Any:
        function = getattr(importlib.import_module(f"fastopt.{self.module}"), self.name)
        return function if instance is None else MethodType(function, instance)


for _class, _method, _module, _name in (
    (Weighted, "__repr__", "tools.display", "model_text"),
    (Weighted, "_repr_html_", "tools.display", "model_html"),
    (Weighted, "export", "export.files", "export"),
    (Weighted, "fold", "tools.fold", "fold"),
    (Weighted, "layer_outputs", "tools.inspect", "layer_outputs"),
    (Weighted, "recompute_statistics", "tools.inspect", "recompute_statistics"),
    (Weighted, "save", "tools.saving", "save"),
    (Weighted, "summary", "tools.summary", "summary"),
    (History, "_repr_html_", "tools.display", "history_html"),
    (History, "plot", "tools.plots.curves", "history"),
):
    setattr(_class, _method, _Method(_module, _name))


def _absent(module: str, name: str) -> None:
    raise absent(module, name)


class _Package(ModuleType):
    """The package, whose modules show by `dir` and `help` what they export, not what they import."""

    def __setattr__(self, name: str, value: object) -> None:
        if isinstance(value, ModuleType) and name in (*__all__, *EXTRAS):
            own = vars(value)
            names = own.get("__all__") or [n for n in own if n[0] != "_" and not isinstance(own[n], ModuleType)]
            own.update(
                __all__=sorted(names), __dir__=lambda: own["__all__"], __getattr__=partial(_absent, value.__name__)
            )
        super().__setattr__(name, value)


EXTRAS = ("distributed", "sklearn", "tabular")  # modules that need more than NumPy
LATER = {  # functions and a class that are imported when they are asked for, and the modules that have them
    "Ensemble": "fleet",
    "check_gradients": "tools.gradient_check",
    "check_gradients_of": "tools.gradient_check",
    "clone": "tools.clone",
    "continuation": "tools.continuation",
    "copy_weights": "tools.transfer",
    "diagnose": "tools.diagnose",
    "diagnose_errors": "tools.diagnose",
    "load_model": "tools.saving",
    "pretrain": "tools.pretrain",
    "weighted_average": "tools.diagnose",
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """Import what is asked for: a part of the package that models do without."""
        if name in LATER:
            value = getattr(importlib.import_module(f"fastopt.{LATER[name]}"), name)
        elif name in __all__ or name in EXTRAS:
            value = importlib.import_module(f"fastopt.{name}")
        else:
            modules = {n: value for n, value in globals().items() if n in __all__ and isinstance(value, ModuleType)}
            raise absent("fastopt", name, [f"fastopt.{n}" for n, module in modules.items() if name in module.__all__])
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted([*__all__, *EXTRAS])


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

sys.modules[__name__].__class__ = _Package
for _name in __all__:
    if isinstance(_value := globals().get(_name), ModuleType):
        setattr(sys.modules[__name__], _name, _value)
