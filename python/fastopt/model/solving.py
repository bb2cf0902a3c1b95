"""How far a solver has come with the weights of a model."""

import weakref
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt import _core
from fastopt.core.registry import unknown_name
from fastopt.losses.function import WholeBatchError
from fastopt.methods import SOLVERS, Solver
from fastopt.methods.directions import MESSAGES
from fastopt.optimizers import OPTIMIZERS, Optimizer

__all__ = ["Method", "Slots", "Solving", "chosen", "spent_by"]

Method = Optimizer | Solver
Slots = Mapping[str, NDArray[np.float64]]


def chosen(given: object) -> Method:
    """Return the optimizer or the solver of a name, a description or an object, checked for use with models."""
    names = given.get("class") if isinstance(given, Mapping) else given
    if isinstance(given, Solver) or SOLVERS.has(names):
        solver = SOLVERS.resolve(given)
        solver.check_model()
        return solver
    if isinstance(given, str) and not OPTIMIZERS.has(given):
        raise unknown_name("optimizer", given, [*OPTIMIZERS.names, *SOLVERS.names])
    return OPTIMIZERS.resolve(given, "optimizer")


def spent_by(method: Method) -> list[str]:
    """Return the names of what the logs of an epoch hold of the method itself."""
    if isinstance(method, Optimizer):
        return [*method.report()]
    products = ["nhev"] if method.needs in ("hessian", "product") else []
    return ["nfev", "njev", *products, "step", "gradient_norm"]


class Solving:
    """A solver at the weights of a network, with what it remembers.

    Args:
        solver: The solver, as it is now.
        network: The core's network.
        slots: What it remembers; None at the start.

    Raises:
        ValueError: The network has more weights than the solver is made for; or the slots are not such a solver's.

    Attributes:
        ending: Why the last iteration was the last one: a name of the core's, or ``"none"``.
    """

    def __init__(self, solver: Solver, network: _core.Network, slots: Slots | None = None) -> None:
        self.solver = solver.replaced()
        self.network = network
        solver.check_size(network.learning)
        if network.constrained:
            raise ValueError(
                f"{type(solver).__name__} knows no constraints, which a layer has: take a regularizer, or an optimizer."
            )
        kept, given = solver.kept(network.learning), sum(map(np.size, (slots or {}).values()))
        if slots is not None and given < kept:  # before memory is taken for them
            raise ValueError(f"{type(solver).__name__} keeps {kept} numbers; {given} are given.")
        self.core = self.solver.minimizer(dtype=network.dtype)
        self.core.place(network)
        if slots is not None:
            self.core.restore(slots)
        self.ending = "none"
        self._seen: tuple[Any, ...] = ()  # for what the core has the value and the gradient
        self._logs: dict[str, float] = {}
        self._whole = False  # the loss needs all rows at once

    def goes_on(self, solver: Solver) -> bool:
        """Return whether it is this solver, and the weights are those that it left."""
        return self.solver == solver and self.core.stands_at(self.network)

    @property
    def slots(self) -> Slots:
        """What it remembers of the iterations done."""
        return {name: values for name, values in self.core.slots().items() if "/" in name}

    def solve(
        self, epoch: _core.Epoch, iterations: int, batches: int, poll: Callable[[int], object] | None
    ) -> Mapping[str, Any]:
        """Do iterations on each of the next batches; return the sums of the epoch so far."""
        network = self.network
        now = weakref.ref(epoch), network.noise, network.trainable
        anew, self._seen = now != self._seen, ()
        if anew:
            self._logs = {}

        def solve() -> dict[str, Any]:
            return epoch.solve(
                self.core, iterations=iterations, batches=batches, anew=anew, whole=self._whole, poll=poll
            )

        try:
            found = solve()
        except WholeBatchError:  # in the first evaluation
            self._whole = True
            found = solve()
        self._seen = now
        self.ending = found["ending"]
        for name in spent_by(self.solver):
            counts = name in ("nfev", "njev", "nhev")
            self._logs[name] = found[name] + (self._logs.get(name, 0) if counts else 0)
        return found

    def report(self) -> dict[str, float]:
        """Return what was spent since the last report, the length of the last step and the norm of the gradient."""
        logs, self._logs = self._logs, {}
        return logs

    @property
    def message(self) -> str:
        """Why it ended; empty where it has not."""
        return MESSAGES[self.ending][1] if self.ending != "none" else ""
