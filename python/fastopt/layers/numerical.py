"""Embeddings of numerical features: more than one number for each, which a dense layer reads better than the number."""

import math
from typing import Self

from fastopt.core import checks
from fastopt.initializers import RandomNormal, RandomUniform
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

__all__ = ["PeriodicEmbedding"]


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
