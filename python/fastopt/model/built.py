"""A plan with weights: the core's network, and its tensors by name."""

import math
import operator
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt import _core
from fastopt.core import checks
from fastopt.core.plain import Real
from fastopt.core.trees import Views
from fastopt.core.warn import warn
from fastopt.layers.base import Layer, size_of
from fastopt.model.plan import Plan

__all__ = ["Built", "assign"]

# The random streams of a seed: epoch e is shuffled by stream e, tensor i starts from stream INITIAL_VALUES + i.
INITIAL_VALUES = 1 << 48
INITIAL_STATE = 1 << 49


class Built:
    """A plan and the network that the core has made of it.

    Args:
        plan: The layers in their places.
        dtype: That of weights and of all computing.
        seed: Decides the starting values and the noise of training.
        initialize: Whether tensors get their starting values; else they are 0.
    """

    def __init__(self, plan: Plan, dtype: str, seed: int, initialize: bool = True) -> None:
        self.plan = plan
        self.dtype = dtype
        self.seed = seed
        self.specs = plan.specs
        for stage in plan.stages:
            if stage.layer.activation == "softmax" and size_of(stage.output_shape) == 1:
                text = f"{stage.name} is a softmax of one number, which is always 1: use 'sigmoid', or more units."
                warn(text)
        try:
            self.network = _core.Network(dtype, plan.sizes, self.specs, seed, plan.ends)
        except MemoryError:
            name, largest = max(plan.parameters.items(), key=lambda item: math.prod(item[1].shape))
            count = sum(math.prod(tensor.shape) for tensor in plan.parameters.values())
            raise MemoryError(
                f"The model has {count:,} weights ({name!r} alone has the shape {largest.shape}), which need "
                f"{2 * count * np.dtype(dtype).itemsize:,} bytes with their gradients: there is not so much memory."
            ) from None
        # Samples and outputs are vectors, and no ids are to be looked at: most calls are for a matrix of numbers.
        self.of_vectors = plan.ids == [None] and [*map(len, (*plan.input_shapes, *plan.output_shapes))] == [1, 1]
        self._learning = [True] * len(plan.learning)
        self._changes = -1  # `Layer.changes` when `freeze` looked last
        if initialize:
            kinds = (plan.parameters, self.parameters, INITIAL_VALUES), (plan.state, self.state, INITIAL_STATE)
            for tensors, views, stream in kinds:
                for i, (tensor, view) in enumerate(zip(tensors.values(), views.values(), strict=True)):
                    view[...] = tensor.initializer(tensor.shape, seed, stream + i, dtype)

    def reads(self, x: Any) -> bool:
        """Return whether x is a matrix of finite numbers that the core reads as it is, where samples are vectors."""
        return _core.is_matrix(x, self.dtype, self.plan.input_shape[0])

    def freeze(self) -> None:
        """Tell the core which layers learn, as they may have been set."""
        changes = Layer.changes
        if changes == self._changes:
            return
        if (learning := self.plan.learning) != self._learning:
            self.network.trainable = self.plan.trainable
            self._learning = learning
        self._changes = changes

    @property
    def parameters(self) -> dict[str, Real]:
        """The weights by name: views."""
        return _named([*self.plan.parameters], self.network.parameters)

    @property
    def gradients(self) -> dict[str, Real]:
        """The gradients by the names of the weights: views."""
        return _named([*self.plan.parameters], self.network.gradients)

    @property
    def state(self) -> dict[str, Real]:
        """What layers keep beside the weights, by name: views."""
        return _named([*self.plan.state], self.network.state)

    @property
    def tensors(self) -> dict[str, Real]:
        """The weights, and then the `state`, by name: views."""
        return self.parameters | self.state

    def check(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Raise ValueError where a value is NaN or infinite, or less than a value of the state may be."""
        lows = {name: tensor.low for name, tensor in self.plan.state.items()}
        for name, array in tensors.items():
            checks.finite(name, array, self.network.dtype)
            if array.size and array.min() < lows.get(name, -math.inf):
                raise ValueError(f"{name} has the value {array.min()}; its values are at least {lows[name]:g}.")

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Set all weights and the state, or, if one does not fit, none.

        Raises:
            TypeError, ValueError: As `Sequential.set_weights`.
        """
        views, weights = self.tensors, checks.items("weights", weights)
        if len(weights) != len(views):
            raise ValueError(f"weights holds {len(weights)} arrays; expected {len(views)}: {', '.join(views)}.")
        arrays = [checks.array(name, value) for name, value in zip(views, weights, strict=True)]
        for (name, view), array in zip(views.items(), arrays, strict=True):
            if array.shape != view.shape:
                raise ValueError(f"{name} has shape {view.shape}; the array given for it has shape {array.shape}.")
        self.check(dict(zip(views, arrays, strict=True)))
        assign([*views.values()], arrays)


def assign(views: list[Real], arrays: list[Any]) -> None:
    """Write as many arrays to the views: in one call of C, which no Ctrl-C can interrupt."""
    write: Any = operator.setitem
    deque(map(write, views, repeat(...), arrays), maxlen=0)


def _named(names: Sequence[str], layers: Sequence[Mapping[str, Real]]) -> Views:
    """Return the tensors of the core's layers, which are in the order of the names."""
    return Views(zip(names, (view for layer in layers for view in layer.values()), strict=True))
