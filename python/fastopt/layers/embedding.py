"""Vectors that are looked up by the number of a thing, and learned."""

from collections.abc import Sequence

from fastopt.constraints import CONSTRAINTS, Constraint
from fastopt.core import checks
from fastopt.initializers import INITIALIZERS, Initializer
from fastopt.layers.base import LAYERS, Layer, Parameter, Shape, Spec, checked_name, flat_size
from fastopt.regularizers import REGULARIZERS, Regularizer

__all__ = ["Embedding"]


@LAYERS.add()
class Embedding(Layer):
    r"""Looks up a learned vector for each id: y = (E_{x_1}, ..., E_{x_k}), E_i being row i of a table.

    Ids are the integers from 0 to less than `input_dim`, in an input of their own of any number type, ``[n, k]``; the
    outputs are ``[n, k, output_dim]``, which `Flatten` puts one behind the other. Categories of a table's columns, of
    which each has its own, take one layer: ``Embedding([5, 12, 3], 8)`` for three columns.

    The step of the optimizer goes over the whole table by default, with a gradient that is 0 for the rows that the
    batch does not name: exactly what the rule says, as in Keras and in PyTorch's ``Embedding``, and with any optimizer
    or solver. With Adam all rows that were named once move on, and a step costs as much as the table is large. Where
    `lazy`, the rows that the batch names are moved alone, and neither the others nor their moments, as by PyTorch's
    ``SparseAdam``: another method, whose step costs as much as the batch is large. Penalties and the decay of weights
    then act on the rows that are named.

    Args:
        input_dim: The number of ids that all columns share, at least 1; or a list of those of each column, which then
            have rows of their own. Of float32 models each is at most 2^24.
        output_dim: The length of a vector, at least 1.
        embeddings_initializer: Starting values of E ``[sum of input_dim, output_dim]``.
        embeddings_regularizer: A penalty on E, as one of `fastopt.regularizers` or its name.
        embeddings_constraint: A set that E is kept in, as one of `fastopt.constraints` or its name.
        lazy: Whether a step of `fit` or `train_on_batch` moves only the rows that its batch names. For rules that treat
            each element by itself, with nothing around them but `Clip` by value, `Decay` and `LayerRates`.
        name: The name in summaries, messages and files.
        trainable: Whether it learns; see `Layer`.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: A number is less than 1, or a name is unknown; when it is built: its input is not flat, has another
            number of columns, or is the output of a layer.

    Source:
        Bengio, Ducharme, Vincent and Jauvin, A neural probabilistic language model, JMLR 3, 2003; for categories of
        tables Guo and Berkhahn, Entity embeddings of categorical variables, arXiv:1604.06737, 2016.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> numbers, ids = fo.Input(2), fo.Input(3)
        >>> vectors = fo.layers.Flatten()(fo.layers.Embedding([5, 12, 3], 4)(ids))
        >>> model = fo.Model([numbers, ids], fo.layers.Dense(1)(fo.layers.Concatenate()([numbers, vectors])), seed=0)
        >>> model.parameters["embedding/embeddings"].shape
        (20, 4)
        >>> model.predict([np.zeros((2, 2)), np.array([[4, 11, 2], [0, 1, 2]])]).shape
        (2, 1)
    """

    def __init__(
        self,
        input_dim: int | Sequence[int],
        output_dim: int,
        embeddings_initializer: str | Initializer = "uniform",
        embeddings_regularizer: str | Regularizer | None = None,
        embeddings_constraint: str | Constraint | None = None,
        *,
        lazy: bool = False,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        self.input_dim: int | list[int]
        if isinstance(input_dim, list | tuple):
            self.input_dim = [checks.integer(f"input_dim[{i}]", n, 1, 2**53) for i, n in enumerate(input_dim)]
        else:
            self.input_dim = checks.integer("input_dim", input_dim, 1, 2**53)
        self.output_dim = checks.integer("output_dim", output_dim, 1, 2**53)
        self.embeddings_initializer = INITIALIZERS.resolve(embeddings_initializer, "embeddings_initializer")
        self.embeddings_regularizer = (
            None
            if embeddings_regularizer is None
            else REGULARIZERS.resolve(embeddings_regularizer, "embeddings_regularizer")
        )
        self.embeddings_constraint = (
            None
            if embeddings_constraint is None
            else CONSTRAINTS.resolve(embeddings_constraint, "embeddings_constraint")
        )
        self.lazy = checks.flag("lazy", lazy)
        self.name = checked_name(name)
        self.trainable = trainable

    def _counts(self, input_shape: Shape) -> list[int]:
        """Return how many ids each column has."""
        columns = flat_size(self, input_shape)
        if not isinstance(self.input_dim, list):
            return [self.input_dim] * columns
        if columns != len(self.input_dim):
            raise ValueError(f"{self!r} has ids of {len(self.input_dim)} columns; its input has {columns}.")
        return self.input_dim

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return ``(columns, output_dim)``."""
        return len(self._counts(input_shape)), self.output_dim

    def ids(self, shapes: Sequence[Shape]) -> list[list[int] | None]:
        """Return how many ids each column has."""
        return [self._counts(shapes[0])]

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return ``embeddings [sum of input_dim, output_dim]``."""
        rows = sum(self.input_dim) if isinstance(self.input_dim, list) else self.input_dim
        return {"embeddings": Parameter((rows, self.output_dim), self.embeddings_initializer)}

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's description."""
        spec: Spec = {"kind": "embedding", "units": self.output_dim, "lazy": self.lazy}
        if isinstance(self.input_dim, list):
            spec |= {f"ids_{i}": count for i, count in enumerate(self.input_dim)}
        else:
            spec["ids"] = self.input_dim
        if self.embeddings_regularizer is not None:
            spec |= {"embeddings_l1": self.embeddings_regularizer.l1, "embeddings_l2": self.embeddings_regularizer.l2}
        if self.embeddings_constraint is not None:
            spec |= {f"embeddings_{name}": value for name, value in self.embeddings_constraint.spec().items()}
        return [spec]
