"""What a scaler does to data, as a layer."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt.core import checks
from fastopt.core.registry import unknown_name
from fastopt.core.warn import warn
from fastopt.data.preprocessing import Scaler
from fastopt.initializers import Constant, Initializer, Ones, Zeros
from fastopt.kernels import Real
from fastopt.layers.base import LAYERS, Layer, Parameter, Shape, Spec, checked_name, flat_size, size_of

__all__ = ["Rescaling", "Scaling"]

COARSE = 1e-3  # of a step of what was scaled to a size of about 1
FORMS = ("diagonal", "matrix")


@LAYERS.add()
class Scaling(Layer):
    """Scales features as a fitted scaler does: y = x A + b with A and b that are not trained but saved with the model.

    So the model takes data as they come, and who loads it needs no scaler.

    Args:
        scaler: A fitted scaler of `fastopt.preprocessing`, whose map is taken as it is now; or the form of A, which a
            file or `Sequential.set_weights` fills and which until then changes nothing: ``"diagonal"`` (A is
            ``[features]``) or ``"matrix"`` (``[features, features]``).
        name: The name in summaries, messages and files.

    Raises:
        RuntimeError: The scaler has not been fitted.
        TypeError: An argument has the wrong type.
        ValueError: The form is unknown; or, when it is built, the scaler was fitted to another number of features, or A
            or b is too large for the dtype.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> x = np.array([[0.0, 100.0], [2.0, 300.0]])
        >>> model = fo.Sequential([fo.preprocessing.Standardizer().fit(x), fo.layers.Dense(1)])
        >>> model.build(2)
        >>> model.state["scaling/kernel"], model.state["scaling/bias"]
        (array([1.  , 0.01], dtype=float32), array([-1., -2.], dtype=float32))
    """

    def __init__(self, scaler: Scaler[Any] | str, name: str | None = None) -> None:
        self._map: tuple[Real, Real] | None = None
        if isinstance(scaler, Scaler):
            self._map = scaler.affine("float64")
            self.scaler = FORMS[self._map[0].ndim - 1]
        elif not isinstance(scaler, str):
            raise TypeError(f"scaler must be a fitted scaler of fastopt.preprocessing, not {scaler!r}.")
        elif scaler not in FORMS:
            raise unknown_name("form", scaler, FORMS, "scaler")
        else:
            self.scaler = scaler
        self.name = checked_name(name)

    def __eq__(self, other: object) -> bool:
        own: tuple[Any, ...] = self._map or ()
        given: tuple[Any, ...] = getattr(other, "_map", None) or ()
        same = len(own) == len(given) and all(map(np.array_equal, own, given))
        return super().__eq__(other) and same

    __hash__ = Layer.__hash__

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the input."""
        features = flat_size(self, input_shape)
        if self._map is not None and len(self._map[1]) != features:
            raise ValueError(f"{self!r} was fitted to {len(self._map[1])} features; its input has {features}.")
        return input_shape

    def state(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return ``kernel``, which is A, and ``bias [features]``, which is b."""
        (features,) = self.output_shape(input_shape)
        shape = (features,) if self.scaler == "diagonal" else (features, features)
        a, b = self._map or (None if self.scaler == "diagonal" else np.eye(features), None)
        return {
            "kernel": Parameter(shape, Ones() if a is None else _Given(a)),
            "bias": Parameter((features,), Zeros() if b is None else _Given(b, offset=True)),
        }

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's description."""
        if self.scaler == "diagonal":
            return [{"kind": "scale"}]
        return [{"kind": "dense", "units": flat_size(self, input_shape), "use_bias": True, "trained": False}]


@LAYERS.add()
class Rescaling(Layer):
    """Scales all values alike: y = scale x + offset; ``Rescaling(1 / 255)`` makes 0..1 of pixels.

    Args:
        scale: Any finite number.
        offset: Any finite number.
        name: The name in summaries, messages and files.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: A number is not finite.

    Example:
        >>> import fastopt as fo
        >>> fo.Sequential([fo.layers.Rescaling(2.0, offset=-1.0)])([[0.0, 0.5, 1.0]])
        array([[-1.,  0.,  1.]], dtype=float32)
    """

    def __init__(self, scale: float, offset: float = 0.0, name: str | None = None) -> None:
        self.scale = checks.real("scale", scale)
        self.offset = checks.real("offset", offset)
        self.name = checked_name(name)

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the input."""
        return input_shape

    def state(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return ``kernel``, which is the scale of each value, and ``bias``, its offset."""
        size = (size_of(input_shape),)
        return {"kernel": Parameter(size, Constant(self.scale)), "bias": Parameter(size, Constant(self.offset))}

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's description."""
        return [{"kind": "scale"}]


class _Given(Initializer):
    """Numbers that are there."""

    def __init__(self, values: NDArray[Any], offset: bool = False) -> None:
        self.values = values
        self.offset = offset

    def __call__(self, shape: Shape, seed: int, stream: int, dtype: str = "float32") -> Real:
        checks.finite("The map of a scaler", self.values, dtype)
        worst = float(np.abs(self.values).max())
        if self.offset and worst * np.finfo(dtype).eps > COARSE:
            text = (
                f"A feature with a mean of {worst:.3g} times its scale, scaled inside a model of {dtype}, comes out in "
                f"steps of {np.spacing(np.dtype(dtype).type(worst)):.2g}: scale before the model, by transform, or "
                "give the model dtype='float64'."
            )
            warn(text)
        return self.values.astype(dtype)
