"""What a model knows of the columns of its inputs: their names, and the encoder that makes numbers of them."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from fastopt.core import checks
from fastopt.core.plain import column_names
from fastopt.data.encoder import TableEncoder
from fastopt.data.frames import check_names
from fastopt.layers import Shape
from fastopt.model.data import Checked

__all__ = ["Features", "checked_encoder", "checked_features", "numbers_of"]

# Of each input that frames came for, by its number as text, the names of their columns.
Features = dict[str, list[str]]


def numbers_of(
    name: str, x: Any, encoder: TableEncoder | None, known: Features, key: str = "0", learn: bool = False
) -> Any:
    """Return an input as numbers, the columns of which are those that are known.

    Args:
        name: What messages call it.
        x: The input.
        encoder: What makes numbers of it; None leaves it as it is.
        known: The names of columns.
        key: Of which input it is.
        learn: Whether its names are added to those that are known, if there are none yet.

    Raises:
        TypeError, ValueError: As `TableEncoder.transform`; or the columns of a frame have other names or another order.
    """
    if encoder is None and type(x) is np.ndarray:
        return x
    given = x.given if isinstance(x, Checked) else x
    if encoder is not None:
        return encoder.encoded(name, given)
    names = column_names(given)
    if names is not None and all(isinstance(one, str) for one in names):
        if key in known:
            check_names(name, names, known[key])
        elif learn:
            known[key] = names
    return x


def checked_encoder(value: object, shapes: Sequence[Shape] | None, inputs: int) -> TableEncoder:
    """Return a copy of a fitted encoder for a model of one input of this shape; None is one that is not known yet."""
    if not isinstance(value, TableEncoder):
        raise TypeError(f"encoder must be a fitted fastopt.data.TableEncoder, not {value!r}.")
    if not value.fitted:
        raise ValueError("encoder has learned nothing yet: call encoder.fit(x) first.")
    if inputs > 1:
        raise ValueError(f"An encoder is for a model of one input; this one has {inputs}: encode each by itself.")
    encoder = TableEncoder.from_state(value.state())
    outputs = len(encoder.feature_names_out)
    if shapes is not None and math.prod(shapes[0]) != outputs:
        raise ValueError(f"encoder has {outputs} outputs; the model is built for samples of shape {shapes[0]}.")
    return encoder


def checked_features(value: Any, inputs: int) -> Features:
    """Return the names of columns by the numbers of inputs, as a file has them."""
    features = {}
    for key, names in value.items():
        if key not in map(str, range(inputs)) or not all(isinstance(one, str) for one in checks.items("names", names)):
            raise ValueError(f"its names of columns are not those of an input: {key!r}.")
        features[key] = list(names)
    return features
