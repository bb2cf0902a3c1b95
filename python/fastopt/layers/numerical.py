"""Embeddings of numerical features: more than one number for each, which a dense layer reads better than the number."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fastopt.core import checks
from fastopt.core.plain import Real
from fastopt.initializers import Initializer, RandomNormal, RandomUniform
from fastopt.layers.base import (
    LAYERS,
    Layer,
    Parameter,
    Shape,
    Spec,
    activated,
    checked_activation,
    checked_name,
    flat_size,
)

__all__ = ["PeriodicEmbedding", "PiecewiseLinearEncoding"]


@LAYERS.add()
class PeriodicEmbedding(Layer):
    """Makes of each feature x_f the numbers activation([cos u_f, sin u_f] W_f + b_f), u_f = 2 pi c_f x_f, all trained.

    This is PLR of Gorishniy et al.; without the activation it is PL. PBLD of Holzmüller et al. is
    ``PeriodicEmbedding.pbld()``: cos(u_f + p_f) W_f + b_f with trained phases p_f, and x_f itself. Features should have
    about the variance 1. Outputs are flat, ``[features * output_dim]``, feature by feature.

    Args:
        output_dim: The numbers that each feature becomes.
        n_frequencies: The length of c_f.
        sigma: The standard deviation of c_f at the start. It matters most of all: try 0.01 to 1. W_f and b_f are
            uniform from -1 / sqrt(n) to 1 / sqrt(n) at the start, n being the rows of W_f.
        activation: As of `Dense`.
        use_phases: Whether it is cos(u_f + p_f) in place of [cos u_f, sin u_f]; at the start p_f is uniform from -pi to
            pi.
        use_input: Whether x_f is the last of the `output_dim` numbers. All x_f then stand behind all the others.
        shared: Whether all features have the same W and b, which Gorishniy et al. call lite.
        name: The name in summaries, messages and files.
        trainable: Whether it learns; see `Layer`.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: One is out of its range; or, when it is built, samples are not flat.

    Source:
        Gorishniy, Rubachev and Babenko, On embeddings for numerical features in tabular deep learning, NeurIPS 2022,
        section 3.3; Holzmüller, Grinsztajn and Steinwart, Better by default: strong pre-tuned MLPs and boosted trees
        on tabular data, NeurIPS 2024.

    Example:
        >>> import fastopt as fo
        >>> model = fo.Sequential([fo.layers.PeriodicEmbedding(8, n_frequencies=16, sigma=0.1), fo.layers.Dense(1)])
        >>> model.build(3)
        >>> {name: view.shape for name, view in model.parameters.items() if name.startswith("periodic")}
        {'periodic_embedding/frequencies': (3, 16), 'periodic_embedding/kernel': (3, 32, 8), \
'periodic_embedding/bias': (3, 8)}
        >>> model.layer_outputs([[1.0, 2.0, 3.0]])["periodic_embedding"].shape
        (1, 24)
    """

    def __init__(
        self,
        output_dim: int = 24,
        n_frequencies: int = 48,
        sigma: float = 0.01,
        activation: str | None = "relu",
        use_phases: bool = False,
        use_input: bool = False,
        shared: bool = False,
        name: str | None = None,
        *,
        trainable: bool = True,
    ) -> None:
        self.use_phases = checks.flag("use_phases", use_phases)
        self.use_input = checks.flag("use_input", use_input)
        self.shared = checks.flag("shared", shared)
        self.output_dim = checks.integer("output_dim", output_dim, 1 + self.use_input, 2**53)
        self.n_frequencies = checks.integer("n_frequencies", n_frequencies, 1, 2**52)
        self.sigma = checks.real("sigma", sigma, 0.0, above=True)
        self.activation = checked_activation(activation)
        self.name = checked_name(name)
        self.trainable = trainable

    @classmethod
    def pbld(cls, output_dim: int = 4, n_frequencies: int = 16, sigma: float = 0.1) -> Self:
        """Return the embedding of RealMLP, with its defaults: phases, no activation, and the input beside.

        Example:
            >>> import fastopt as fo
            >>> model = fo.Sequential([fo.layers.PeriodicEmbedding.pbld(), fo.layers.Dense(1)])
            >>> model.build(5)
            >>> model.parameters["dense/kernel"].shape
            (20, 1)
        """
        return cls(output_dim, n_frequencies, sigma, None, use_phases=True, use_input=True)

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return ``(features * output_dim,)``."""
        return (flat_size(self, input_shape) * self.output_dim,)

    def output_activation(self, output: int) -> str:
        """Return the activation, or ``"linear"`` where the input stands beside."""
        return "linear" if self.use_input else self.activation

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return ``frequencies [features, n]``, ``phases [features, n]`` if there are some, ``kernel`` and ``bias``.

        The kernel is ``[features, inputs, outputs]`` and the bias ``[features, outputs]``; where they are shared,
        ``[inputs, outputs]`` and ``[outputs]``.
        """
        waves = (flat_size(self, input_shape), self.n_frequencies)
        tensors = {"frequencies": Parameter(waves, RandomNormal(0.0, self.sigma))}
        if self.use_phases:
            tensors["phases"] = Parameter(waves, RandomUniform(-math.pi, math.pi))
        inputs = self.n_frequencies * (1 if self.use_phases else 2)
        uniform = RandomUniform(-1 / math.sqrt(inputs), 1 / math.sqrt(inputs))
        features = () if self.shared else input_shape
        tensors["kernel"] = Parameter((*features, inputs, self._units), uniform)
        tensors["bias"] = Parameter((*features, self._units), uniform)
        return tensors

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's descriptions: the waves, the products, and the input beside them."""
        specs: list[Spec] = [
            {"kind": "periodic", "frequencies": self.n_frequencies, "phases": self.use_phases},
            *activated(
                {"kind": "feature_dense", "features": input_shape[0], "units": self._units, "shared": self.shared},
                self.activation,
            ),
        ]
        if not self.use_input:
            return specs
        return [{"kind": "pass"}, *specs, {"kind": "concatenate", "inputs": [-1, -1 - len(specs)]}]

    @property
    def _units(self) -> int:
        return self.output_dim - self.use_input


@LAYERS.add()
class PiecewiseLinearEncoding(Layer):
    """Makes of each feature how far it is through each of its bins: y_t = (x - b_t) / (b_{t + 1} - b_t), from 0 to 1.

    The first bin goes on below its range and the last above it. Bins are not trained;
    `fastopt.preprocessing.quantile_bins` finds them in data. With `output_dim` a dense layer for each feature follows:
    activation(y W_f + b_f). Outputs are flat, feature by feature. A feature with fewer bins than another has zeros
    before its last.

    Args:
        bins: Of each feature the edges b_0 < b_1 < ..., at least two.
        output_dim: The numbers that each feature becomes; None for its bins. W_f and b_f are uniform from -1 / sqrt(n)
            to 1 / sqrt(n) at the start, n being the largest number of bins.
        activation: As of `Dense`, after the dense layers.
        name: The name in summaries, messages and files.
        trainable: Whether it learns; see `Layer`.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: Edges do not rise or are too few, a number is out of its range; or, when it is built, samples are
            not flat or have another number of features.

    Source:
        Gorishniy, Rubachev and Babenko, On embeddings for numerical features in tabular deep learning, NeurIPS 2022,
        section 3.2.

    Example:
        >>> import fastopt as fo
        >>> encoding = fo.layers.PiecewiseLinearEncoding([[0.0, 1.0, 3.0, 4.0], [0.0, 10.0]])
        >>> model = fo.Sequential([encoding, fo.layers.Dense(1)])
        >>> model.build(2)
        >>> model.layer_outputs([[2.0, 5.0]])["piecewise_linear_encoding"]
        array([[1. , 0.5, 0. , 0. , 0. , 0.5]], dtype=float32)
    """

    def __init__(
        self,
        bins: Sequence[Sequence[float]],
        output_dim: int | None = None,
        activation: str | None = "relu",
        name: str | None = None,
        *,
        trainable: bool = True,
    ) -> None:
        self.bins = [_edges(f"bins[{i}]", edges) for i, edges in enumerate(checks.items("bins", bins))]
        if not self.bins:
            raise ValueError("bins is empty; it needs the edges of each feature.")
        self.output_dim = None if output_dim is None else checks.integer("output_dim", output_dim, 1, 2**53)
        self.activation = checked_activation(activation)
        self.name = checked_name(name)
        self.trainable = trainable

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return ``(features * output_dim,)``, or the features times the most bins."""
        features = flat_size(self, input_shape)
        if features != len(self.bins):
            raise ValueError(
                f"PiecewiseLinearEncoding has bins of {len(self.bins)} features; its input has {features}."
            )
        return (features * (self._pieces if self.output_dim is None else self.output_dim),)

    def output_activation(self, output: int) -> str:
        """Return the activation of the dense layers, ``"linear"`` without them."""
        return "linear" if self.output_dim is None else self.activation

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return ``kernel [features, bins, output_dim]`` and ``bias [features, output_dim]``, if there is one."""
        self.output_shape(input_shape)
        if self.output_dim is None:
            return {}
        uniform = RandomUniform(-1 / math.sqrt(self._pieces), 1 / math.sqrt(self._pieces))
        return {
            "kernel": Parameter((*input_shape, self._pieces, self.output_dim), uniform),
            "bias": Parameter((*input_shape, self.output_dim), uniform),
        }

    def state(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return ``start [features, bins]``, the lower edges, and ``scale [features, bins]``, 1 / width."""
        start, scale = np.zeros((2, len(self.bins), self._pieces))
        for i, edges in enumerate(self.bins):
            low, width = np.array(edges[:-1]), np.diff(edges)
            for place, values in ((start, low), (scale, 1 / width)):
                place[i, : len(values) - 1] = values[:-1]
                place[i, -1] = values[-1]
        shape = (*input_shape, self._pieces)
        return {"start": Parameter(shape, _Given(start)), "scale": Parameter(shape, _Given(scale))}

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's descriptions: the encoding, and the products."""
        specs: list[Spec] = [{"kind": "piecewise", "pieces": self._pieces}]
        if self.output_dim is not None:
            dense: Spec = {
                "kind": "feature_dense",
                "features": len(self.bins),
                "units": self.output_dim,
                "shared": False,
            }
            specs += activated(dense, self.activation)
        return specs

    @property
    def _pieces(self) -> int:
        return max(map(len, self.bins)) - 1


def _edges(name: str, given: object) -> list[float]:
    edges = [checks.real(f"{name}[{i}]", edge) for i, edge in enumerate(checks.items(name, given))]
    if len(edges) < 2 or any(a >= b for a, b in pairwise(edges)):
        raise ValueError(f"{name} must be two edges or more in rising order.")
    return edges


class _Given(Initializer):
    """Numbers that are there."""

    def __init__(self, values: NDArray[Any]) -> None:
        self.values = values

    def __call__(self, shape: Shape, seed: int, stream: int, dtype: str = "float32") -> Real:
        checks.finite("The edges of bins", self.values, dtype)
        values: Real = self.values.astype(dtype)
        return values
