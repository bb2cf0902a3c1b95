"""Estimators whose weights stand in attributes, and the model that computes with them."""

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt import _core
from fastopt.data.sparse import is_sparse, sparse_rows
from fastopt.methods import Solver
from fastopt.model.compiled import Compiled
from fastopt.model.sequential import Sequential
from fastopt.optimizers import Optimizer
from fastopt.sklearn.base import Estimator
from fastopt.sklearn.costs import Cost
from fastopt.sklearn.layers import ACTIVATIONS, perceptron, weights_of

__all__ = ["Network", "read"]


class Network(Estimator):
    """The base of the perceptrons: a model of fastopt, whose weights ``coefs_`` and ``intercepts_`` show and set.

    Attributes:
        model_: The model.
        coefs_: The kernel ``[inputs, units]`` of each layer: views.
        intercepts_: What each layer adds ``[units]``, in front of a normalisation that of the latter: views.
    """

    # Set by the constructors.
    loss: Any
    activation: str
    dropout: float
    normalization: str | None

    _random_state: np.random.RandomState

    @property
    def _cost(self) -> Cost:
        return Cost(self._targets.kind, self._targets.outputs, self.loss)

    @property
    def _activation(self) -> str:
        """The core's name of the activation."""
        return ACTIVATIONS.get(self.activation, self.activation)

    def _network(self, l2: float) -> Sequential:
        """Return a new model for the weights in the attributes, with a penalty, which is noted."""
        self._penalty = l2
        return perceptron(
            [len(self.coefs_[0]), *(kernel.shape[1] for kernel in self.coefs_)],
            self._activation,
            l2,
            self.dropout,
            self.normalization,
            int(self._random_state.randint(2**31 - 1)),
            np.result_type(*self.coefs_, np.float32).name,
        )

    def _link(self, model: Sequential) -> Sequential:
        """Take this model, whose weights the attributes show from now on."""
        self.model_ = model
        self._views = weights_of(model)
        self.coefs_, self.intercepts_ = list(self._views[0]), list(self._views[1])
        return model

    def _linked(self, l2: float | None = None) -> Sequential:
        """Return the model, with the weights that the attributes may have been set to, and with this penalty."""
        if not hasattr(self, "model_"):
            given = self.coefs_, self.intercepts_
            self._link(self._network(l2 or 0.0))
            self.coefs_, self.intercepts_ = given
        for views, shown in zip(self._views, (self.coefs_, self.intercepts_), strict=True):
            for i, view in enumerate(views):
                if shown[i] is not view:
                    view[...] = shown[i]
                    shown[i] = view
        if l2 in (None, self._penalty):
            return self.model_
        before, model = self.model_, self._network(l2 or 0.0)
        model.set_weights(before.get_weights())
        model.draws, model.epochs_trained = before.draws, before.epochs_trained
        if before.optimizer is not None:
            self._compile(model, before.optimizer)
            if isinstance(before.optimizer, Optimizer):
                model.optimizer.take_state(before.optimizer)
        return self._link(model)

    def _compile(self, model: Sequential, method: Optimizer | Solver) -> None:
        """Let the model minimise the cost by this method, which begins anew."""
        cost = self._cost
        model._compile(method, lambda own: Compiled(own, cost.loss, cost.metrics, "linear", cost.factor))

    def _outputs(self, model: Sequential, x: Any, rows: NDArray[np.int64] | None = None) -> NDArray[Any]:
        """Return what the model predicts for all samples, or those of these rows: ``[n, outputs]``."""
        outputs: NDArray[Any] = model._need_weights().network.predict(read(x, model.dtype), rows=rows)
        link = self._cost.link
        if link == "exp":
            np.exp(outputs, out=outputs)
        elif link is not None:
            _core.kernels.activation_forward(link, outputs, out=outputs)
        return outputs

    # Copies

    def _copies(self) -> dict[str, Any]:
        """Return attributes by which a copy of the estimator predicts as it would now."""
        other = copy.copy(self)
        other._link(copy.deepcopy(self._linked()))
        return {name: vars(other)[name] for name in ("model_", "_views", "coefs_", "intercepts_")}

    def __getstate__(self) -> dict[str, Any]:
        if hasattr(self, "model_"):
            self._linked()
        state: dict[str, Any] = super().__getstate__()
        shown = ("_views", "coefs_", "intercepts_") if "model_" in state else ()
        return {name: value for name, value in state.items() if name not in shown}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if hasattr(self, "model_"):
            self._link(self.model_)


def read(x: Any, dtype: str) -> Any:
    """Return checked samples as the core reads them: arrays as they are, the entries of sparse matrices."""
    return sparse_rows("X", x, None, dtype) if is_sparse(x) else x
