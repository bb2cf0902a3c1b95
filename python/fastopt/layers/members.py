"""Layers of ensembles in one network: the members take turns at the rows of a batch."""

import math

from fastopt.core import checks
from fastopt.initializers import INITIALIZERS, Initializer, RandomUniform
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

__all__ = ["MemberDense", "MemberScale"]


@LAYERS.add()
class MemberScale(Layer):
    """Multiplies the features of each member of an ensemble by its own numbers: y = f(s_m x + b_m).

    Row i of a batch belongs to the member m = i mod `members`: give each sample so many times in a row, and predict in
    batches of a multiple of `members` rows. A `Dense` without bias between two of these is the layer of an efficient
    ensemble, whose members share the kernel and have factors of its rows and columns: y = f(s_m ((r_m x) W) + b_m).

    Args:
        members: The number of members, at least 1.
        activation: f, as of `Dense`.
        use_bias: Whether b is there.
        initializer: Starting values of s ``[members, features]``; the name or the object of an initializer.
        bias_initializer: Starting values of b ``[members, features]``.
        name: The name in summaries, messages and files.
        trainable: Whether it learns; see `Layer`.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: A number is less than 1, or a name is unknown; or, when it is built, samples are not flat.

    Source:
        Wen, Tran and Ba, BatchEnsemble: an alternative approach to efficient ensemble and lifelong learning, ICLR 2020,
        arXiv:2002.06715; Gorishniy, Kotelnikov and Babenko, TabM: advancing tabular deep learning with
        parameter-efficient ensembling, ICLR 2025, arXiv:2410.24210.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> model = fo.Sequential([fo.layers.MemberScale(2)])
        >>> model.build(3)
        >>> model.set_weights([[[1.0, 1.0, 1.0], [2.0, 3.0, 4.0]]])
        >>> model.predict(np.ones((4, 3)))
        array([[1., 1., 1.],
               [2., 3., 4.],
               [1., 1., 1.],
               [2., 3., 4.]], dtype=float32)
    """

    def __init__(
        self,
        members: int,
        activation: str | None = None,
        use_bias: bool = False,
        initializer: str | Initializer = "ones",
        bias_initializer: str | Initializer = "zeros",
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.members = checks.integer("members", members, 1, checks.SIZE)
        self.activation = checked_activation(activation)
        self.use_bias = checks.flag("use_bias", use_bias)
        self.initializer = INITIALIZERS.resolve(initializer, "initializer")
        self.bias_initializer = INITIALIZERS.resolve(bias_initializer, "bias_initializer")
        self.name = checked_name(name)
        self.trainable = trainable

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the input."""
        return input_shape

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return ``scale [members, features]`` and, if there is one, ``bias [members, features]``."""
        shape = (self.members, flat_size(self, input_shape))
        biases = {"bias": Parameter(shape, self.bias_initializer)} if self.use_bias else {}
        return {"scale": Parameter(shape, self.initializer)} | biases

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's description."""
        return activated({"kind": "member_scale", "members": self.members, "use_bias": self.use_bias}, self.activation)


@LAYERS.add()
class MemberDense(Layer):
    """A fully connected layer of each member of an ensemble: y = f(x W_m + b_m), for few outputs.

    Row i of a batch belongs to the member m = i mod `members`, as `MemberScale` says. At the start W and b are uniform
    from -1 / sqrt(inputs) to 1 / sqrt(inputs).

    Args:
        units: The number of outputs, at least 1.
        members: The number of members, at least 1.
        activation: f, as of `Dense`.
        use_bias: Whether b is there.
        name: The name in summaries, messages and files.
        trainable: Whether it learns; see `Layer`.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: A number is less than 1, or a name is unknown; or, when it is built, samples are not flat.

    Source:
        Gorishniy, Kotelnikov and Babenko, TabM: advancing tabular deep learning with parameter-efficient ensembling,
        ICLR 2025, arXiv:2410.24210: the last layer.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> model = fo.Sequential([fo.layers.MemberDense(1, members=2, use_bias=False)])
        >>> model.build(2)
        >>> model.set_weights([[[[1.0], [1.0]], [[0.0], [2.0]]]])
        >>> model.predict([[1.0, 2.0], [3.0, 4.0]])
        array([[3.],
               [8.]], dtype=float32)
    """

    def __init__(
        self,
        units: int,
        members: int,
        activation: str | None = None,
        use_bias: bool = True,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.units = checks.integer("units", units, 1, checks.SIZE)
        self.members = checks.integer("members", members, 1, checks.SIZE)
        self.activation = checked_activation(activation)
        self.use_bias = checks.flag("use_bias", use_bias)
        self.name = checked_name(name)
        self.trainable = trainable

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return ``(units,)``."""
        return (self.units,)

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return ``kernel [members, inputs, units]`` and, unless it has none, ``bias [members, units]``."""
        inputs = flat_size(self, input_shape)
        uniform = RandomUniform(-1 / math.sqrt(inputs), 1 / math.sqrt(inputs))
        biases = {"bias": Parameter((self.members, self.units), uniform)} if self.use_bias else {}
        return {"kernel": Parameter((self.members, inputs, self.units), uniform)} | biases

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's description."""
        spec: Spec = {"kind": "member_dense", "units": self.units, "members": self.members, "use_bias": self.use_bias}
        return activated(spec, self.activation)
