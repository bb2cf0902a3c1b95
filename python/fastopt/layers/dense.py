"""Layers of weighted sums."""

from typing import Self, TypeVar

from fastopt.constraints import CONSTRAINTS, Constraint
from fastopt.core import checks
from fastopt.core.registry import Described, Registry
from fastopt.initializers import INITIALIZERS, Initializer
from fastopt.layers.base import (
    LAYERS,
    Channels,
    Layer,
    Parameter,
    Shape,
    Spec,
    activated,
    checked_activation,
    checked_name,
    flat_size,
)
from fastopt.regularizers import REGULARIZERS, Regularizer

__all__ = ["Dense", "Maxout"]

T = TypeVar("T", bound=Described)


class Sums(Layer):
    """The base of layers of weighted sums x W + b."""

    def _begin(
        self,
        use_bias: bool,
        kernel_initializer: str | Initializer,
        bias_initializer: str | Initializer,
        name: str | None,
        kernel_regularizer: str | Regularizer | None,
        bias_regularizer: str | Regularizer | None,
        activity_regularizer: str | Regularizer | None,
        kernel_constraint: str | Constraint | None,
        trainable: bool,
        kernel: str = "kernel",
    ) -> None:
        self.use_bias = checks.flag("use_bias", use_bias)
        self.kernel_initializer = INITIALIZERS.resolve(kernel_initializer, f"{kernel}_initializer")
        self.bias_initializer = INITIALIZERS.resolve(bias_initializer, "bias_initializer")
        self.name = checked_name(name)
        self.trainable = trainable
        self.kernel_regularizer = _optional(REGULARIZERS, kernel_regularizer, f"{kernel}_regularizer")
        self.bias_regularizer = _optional(REGULARIZERS, bias_regularizer, "bias_regularizer")
        self.activity_regularizer = _optional(REGULARIZERS, activity_regularizer, "activity_regularizer")
        self.kernel_constraint = _optional(CONSTRAINTS, kernel_constraint, f"{kernel}_constraint")

    def _parameters(self, input_shape: Shape, sums: int) -> dict[str, Parameter]:
        tensors = {"kernel": Parameter((flat_size(self, input_shape), sums), self.kernel_initializer)}
        if self.kernel_constraint is not None:
            self.kernel_constraint.check(*input_shape)
        if self.use_bias:
            tensors["bias"] = Parameter((sums,), self.bias_initializer)
        return tensors

    def _spec(self, sums: int) -> Spec:
        return {"kind": "dense", "units": sums, "use_bias": self.use_bias} | self._penalties()

    def _penalties(self) -> Spec:
        spec: Spec = {}
        if self.kernel_regularizer is not None:
            spec |= {"kernel_l1": self.kernel_regularizer.l1, "kernel_l2": self.kernel_regularizer.l2}
        if self.bias_regularizer is not None and self.use_bias:
            spec |= {"bias_l1": self.bias_regularizer.l1, "bias_l2": self.bias_regularizer.l2}
        if self.kernel_constraint is not None:
            spec |= {f"kernel_{name}": value for name, value in self.kernel_constraint.spec().items()}
        return spec

    def _bare(self) -> Self | None:
        if not self.use_bias or self.activation != "linear" or self.activity_regularizer or self.bias_regularizer:
            return None
        return type(self).from_config(self.get_config() | {"use_bias": False})

    def _activity(self) -> list[Spec]:
        penalty = self.activity_regularizer
        return [] if penalty is None else [{"kind": "activity", "l1": penalty.l1, "l2": penalty.l2}]


def _optional(registry: Registry[T], given: object, argument: str) -> T | None:
    return None if given is None else registry.resolve(given, argument)


@LAYERS.add()
class Dense(Sums):
    """A fully connected layer: y = activation(x W + b).

    Args:
        units: The number of outputs, at least 1.
        activation: ``"linear"`` (or None), ``"relu"`` max(0, z), ``"sigmoid"``, ``"tanh"``, ``"softmax"`` or another
            of `fastopt.kernels`, where the formulas stand.
        use_bias: Whether b is there.
        kernel_initializer: Starting values of W ``[inputs, units]``; the name or the object of an initializer.
        bias_initializer: Starting values of b ``[units]``; the name or the object of an initializer.
        name: The name in summaries, messages and files; by default ``"dense"``, ``"dense_1"``, ...
        trainable: Whether it learns; see `Layer`.
        kernel_regularizer: A penalty on W, as one of `fastopt.regularizers` or its name.
        bias_regularizer: A penalty on b.
        activity_regularizer: A penalty on the outputs of each sample, in the mean over the batch.
        kernel_constraint: A set that W is kept in, as one of `fastopt.constraints` or its name.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: `units` is less than 1, or a name is unknown.

    Example:
        >>> import fastopt as fo
        >>> fo.layers.Dense(64, activation="relu", kernel_initializer="he_normal")
        Dense(units=64, activation='relu', kernel_initializer=HeNormal(), bias_initializer=Zeros())
    """

    def __init__(
        self,
        units: int,
        activation: str | None = None,
        use_bias: bool = True,
        kernel_initializer: str | Initializer = "glorot_uniform",
        bias_initializer: str | Initializer = "zeros",
        name: str | None = None,
        *,
        trainable: bool = True,
        kernel_regularizer: str | Regularizer | None = None,
        bias_regularizer: str | Regularizer | None = None,
        activity_regularizer: str | Regularizer | None = None,
        kernel_constraint: str | Constraint | None = None,
    ) -> None:
        self.units = checks.integer("units", units, 1, checks.SIZE)
        self.activation = checked_activation(activation)
        self._begin(
            use_bias,
            kernel_initializer,
            bias_initializer,
            name,
            kernel_regularizer,
            bias_regularizer,
            activity_regularizer,
            kernel_constraint,
            trainable,
        )

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return ``(units,)``."""
        return (self.units,)

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return ``kernel [inputs, units]`` and, unless it has none, ``bias [units]``."""
        return self._parameters(input_shape, self.units)

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's description: the products, and the activation if it needs a layer of its own."""
        return [*activated(self._spec(self.units), self.activation), *self._activity()]

    def without_bias(self, behind: Channels) -> Self | None:
        """Return the layer without its bias, if it has one that nothing but the layer behind it sees."""
        return self._bare()


@LAYERS.add()
class Maxout(Sums):
    """The largest of some weighted sums: y_j = max over k = 1..pieces of (x W + b)_{j, k}.

    Args:
        units: The number of outputs, at least 1.
        pieces: The number of sums for each, at least 1.
        use_bias: Whether b is there.
        kernel_initializer: Starting values of W ``[inputs, units * pieces]``, the pieces of an output side by side.
        bias_initializer: Starting values of b ``[units * pieces]``.
        name: The name in summaries, messages and files.
        trainable: Whether it learns; see `Layer`.
        kernel_regularizer: A penalty on W, as one of `fastopt.regularizers` or its name.
        bias_regularizer: A penalty on b.
        activity_regularizer: A penalty on the outputs of each sample, in the mean over the batch.
        kernel_constraint: A set that W is kept in, as one of `fastopt.constraints` or its name.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: A number is less than 1, or a name is unknown.

    Source:
        Goodfellow, Warde-Farley, Mirza, Courville and Bengio, Maxout networks, ICML 2013.

    Example:
        >>> import fastopt as fo
        >>> model = fo.Sequential([fo.layers.Maxout(4, pieces=3), fo.layers.Dense(1)])
        >>> model.build(8)
        >>> model.parameters["maxout/kernel"].shape
        (8, 12)
    """

    def __init__(
        self,
        units: int,
        pieces: int = 2,
        use_bias: bool = True,
        kernel_initializer: str | Initializer = "glorot_uniform",
        bias_initializer: str | Initializer = "zeros",
        name: str | None = None,
        *,
        trainable: bool = True,
        kernel_regularizer: str | Regularizer | None = None,
        bias_regularizer: str | Regularizer | None = None,
        activity_regularizer: str | Regularizer | None = None,
        kernel_constraint: str | Constraint | None = None,
    ) -> None:
        self.units = checks.integer("units", units, 1, 2**53)
        self.pieces = checks.integer("pieces", pieces, 1, 2**53)
        self._begin(
            use_bias,
            kernel_initializer,
            bias_initializer,
            name,
            kernel_regularizer,
            bias_regularizer,
            activity_regularizer,
            kernel_constraint,
            trainable,
        )

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return ``(units,)``."""
        return (self.units,)

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return ``kernel [inputs, units * pieces]`` and, unless it has none, ``bias [units * pieces]``."""
        return self._parameters(input_shape, self.units * self.pieces)

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's description: the sums, and the largest of them."""
        return [self._spec(self.units * self.pieces), {"kind": "max_pieces", "pieces": self.pieces}, *self._activity()]
