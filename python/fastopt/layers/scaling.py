"""Layers that scale features: what a scaler does to data, one number for all, a trained one for each."""

from typing import Any, Protocol, TypeGuard

import numpy as np

from fastopt.core import checks
from fastopt.core.plain import Real
from fastopt.core.registry import unknown_name
from fastopt.data.preprocessing import Scaler, Vector
from fastopt.initializers import INITIALIZERS, Constant, Initializer, Ones, Zeros
from fastopt.layers.base import LAYERS, Layer, Parameter, Shape, Spec, checked_name, flat_size, size_of

__all__ = ["Rescaling", "Scale", "Scaling"]

# The scalers of scikit-learn, and of its form, that are affine maps of each feature, and those of all of them together:
# their classes, and the attribute that is subtracted first.
OTHERS = {"StandardScaler": "mean_", "RobustScaler": "center_", "MaxAbsScaler": "", "MinMaxScaler": "data_min_"}
MATRICES = {"PCA": "mean_", "IncrementalPCA": "mean_", "TruncatedSVD": ""}
FORMS = ("diagonal", "matrix", "centered_diagonal", "centered_matrix")
LARGE = 1000.0  # offsets after scaling, beyond which float32 rounds what is scaled to a size of 1 to 4 digits or less
CENTER: Spec = {"kind": "center"}


class AffineScaler(Protocol):
    """What is fitted in scikit-learn, or in its form, and is an affine map."""

    n_features_in_: int

    def transform(self, x: Any) -> Any:
        """Return the scaled samples."""


@LAYERS.add()
class Scaling(Layer):
    """Scales features as a fitted scaler does: y = (x - c) A + b with A, b and c that are not trained but saved.

    So the model takes data as they come, and who loads it needs no scaler. Where the layer is the first, or has only
    `Flatten` and `Reshape` before it, c is subtracted in float64 while samples are read, so that a model of float32
    loses nothing of features with a large offset, such as time stamps.

    Args:
        scaler: A fitted scaler of `fastopt.preprocessing`, or a `StandardScaler`, `MinMaxScaler`, `MaxAbsScaler`,
            `RobustScaler`, `PCA`, `IncrementalPCA` or `TruncatedSVD` of scikit-learn, whose map is taken as it is now,
            with its offset, rounded to float32, as c; or the form of A, which a file or `Sequential.set_weights` fills
            and which until then changes nothing: ``"centered_diagonal"`` (A is ``[features]``),
            ``"centered_matrix"`` (``[features, outputs]``), or ``"diagonal"`` or ``"matrix"``, without c.
        name: The name in summaries, messages and files.
        outputs: The number of columns of A, where only its form is given and that is a matrix; None for one that is
            square.

    Raises:
        RuntimeError: The scaler has not been fitted.
        TypeError: An argument has the wrong type.
        ValueError: The form is unknown; the scaler is no affine map, as one that clips; `outputs` is less than 1, or
            given where A is no matrix; or, when it is built, the scaler was fitted to another number of features, or A
            or b is too large for the dtype.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> x = np.array([[0.0, 100.0], [2.0, 300.0]])
        >>> model = fo.Sequential([fo.preprocessing.Standardizer().fit(x), fo.layers.Dense(1)])
        >>> model.build(2)
        >>> model.state["scaling/center"], model.state["scaling/kernel"]
        (array([  1., 200.], dtype=float32), array([1.  , 0.01], dtype=float32))
    """

    def __init__(
        self, scaler: Scaler[Any] | AffineScaler | str, name: str | None = None, outputs: int | None = None
    ) -> None:
        self._map: dict[str, Real] = {}
        self.outputs = None if outputs is None else checks.integer("outputs", outputs, 1, checks.SIZE)
        if outputs is not None and not (isinstance(scaler, str) and scaler.endswith("matrix")):
            raise ValueError("outputs goes with a form that is a matrix.")
        if is_scaler(scaler):
            offset, a, b = _affine(scaler)
            c = _rounded(offset)
            self._map = {"center": c, "kernel": a, "bias": b + (c * a if a.ndim == 1 else c @ a)}
            self.scaler = FORMS[1 + a.ndim]
            self.outputs = a.shape[1] if a.ndim == 2 and a.shape[0] != a.shape[1] else None
        elif not isinstance(scaler, str):
            raise TypeError(
                "scaler must be a fitted scaler of fastopt.preprocessing, or one of scikit-learn's that is an affine "
                f"map, {', '.join(OTHERS | MATRICES)}; not {scaler!r}."
            )
        elif scaler not in FORMS:
            raise unknown_name("form", scaler, FORMS, "scaler")
        else:
            self.scaler = scaler
        self.name = checked_name(name)

    def __eq__(self, other: object) -> bool:
        given = getattr(other, "_map", {})
        same = self._map.keys() == given.keys() and all(np.array_equal(self._map[name], given[name]) for name in given)
        return super().__eq__(other) and same

    __hash__ = Layer.__hash__

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the input, or ``(outputs,)``."""
        features = flat_size(self, input_shape)
        if self._map and len(self._map["kernel"]) != features:
            raise ValueError(f"{self!r} was fitted to {len(self._map['kernel'])} features; its input has {features}.")
        return input_shape if self.outputs is None else (self.outputs,)

    def state(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return ``center [features]``, which is c, if there is one, ``kernel``, A, and ``bias [outputs]``, b."""
        (outputs,), (features,) = self.output_shape(input_shape), input_shape
        row, diagonal, matrix = (features,), self.scaler.endswith("diagonal"), (features, outputs)
        tensors = {
            "center": Parameter(row, Zeros()),
            "kernel": Parameter(row, Ones()) if diagonal else Parameter(matrix, _Given(np.eye(*matrix))),
            "bias": Parameter((outputs,), Zeros()),
        }
        if not self.scaler.startswith("centered"):
            del tensors["center"]
        return tensors | {name: Parameter(values.shape, _Given(values)) for name, values in self._map.items()}

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's description."""
        (outputs,) = self.output_shape(input_shape)
        matrix: Spec = {"kind": "dense", "units": outputs, "use_bias": True, "trained": False}
        centers = [CENTER] if self.scaler.startswith("centered") else []
        return [*centers, {"kind": "scale"} if self.scaler.endswith("diagonal") else matrix]


@LAYERS.add()
class Rescaling(Layer):
    """Scales all values alike: y = scale x + offset; ``Rescaling(1 / 255)`` makes 0..1 of pixels.

    Where the offset is large, it is computed as y = scale (x - c) + offset + scale c, as `Scaling` does.

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

    @property
    def _center(self) -> float:
        """What is about 0 once it is scaled; 0 where that makes no difference."""
        if abs(self.offset) < LARGE or self.scale == 0:
            return 0.0
        return float(_rounded(np.array(-self.offset / self.scale)))

    def state(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return ``center``, if there is one, and for each value its scale, ``kernel``, and offset, ``bias``."""
        center, size = self._center, (size_of(input_shape),)
        values = {"center": center} if center else {}
        values |= {"kernel": self.scale, "bias": self.offset + center * self.scale}
        return {name: Parameter(size, Constant(value)) for name, value in values.items()}

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's description."""
        return [*([CENTER] if self._center else []), {"kind": "scale"}]


@LAYERS.add()
class Scale(Layer):
    """Multiplies each feature by a trained number: y = s x.

    Args:
        initializer: Starting values of s ``[features]``; the name or the object of an initializer.
        name: The name in summaries, messages and files.
        trainable: Whether it learns; see `Layer`.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: The name of the initializer is unknown; or, when it is built, samples are not flat.

    Source:
        Holzmüller, Grinsztajn and Steinwart, Better by default: strong pre-tuned MLPs and boosted trees on tabular
        data, NeurIPS 2024, arXiv:2407.04491, as the first layer; Touvron et al., Going deeper with image transformers,
        ICCV 2021, arXiv:2103.17239, at the end of a residual path.

    Example:
        >>> import fastopt as fo
        >>> model = fo.Sequential([fo.layers.Scale(fo.initializers.Constant(2.0))])
        >>> model([[1.0, 2.0]])
        array([[2., 4.]], dtype=float32)
    """

    def __init__(
        self, initializer: str | Initializer = "ones", name: str | None = None, trainable: bool = True
    ) -> None:
        self.initializer = INITIALIZERS.resolve(initializer, "initializer")
        self.name = checked_name(name)
        self.trainable = trainable

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the input."""
        return input_shape

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        """Return ``scale [features]``, which is s."""
        return {"scale": Parameter((flat_size(self, input_shape),), self.initializer)}

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's description."""
        return [{"kind": "diagonal"}]


def is_scaler(given: object) -> TypeGuard[Scaler[Any] | AffineScaler]:
    """Return whether it is a scaler that `Scaling` takes."""
    return isinstance(given, Scaler) or _kind(given) is not None


def _kind(given: object) -> str | None:
    return next((cls.__name__ for cls in type(given).__mro__ if cls.__name__ in OTHERS | MATRICES), None)


def _affine(scaler: Any) -> tuple[Vector, Real, Real]:
    """Return what is subtracted first, and A and b of y = x A + b."""
    if isinstance(scaler, Scaler):
        return scaler.offset, *scaler.affine("float64")
    kind = str(_kind(scaler))
    if not hasattr(scaler, "n_features_in_"):
        raise RuntimeError(f"This {kind} has no statistics yet: call fit(x) first.")
    if getattr(scaler, "clip", False):
        raise ValueError(f"A {kind} with clip=True is no affine map: fit one without.")
    if kind in MATRICES:
        return _of_components(scaler, MATRICES[kind])
    ones = np.ones(scaler.n_features_in_)
    offset, scale = getattr(scaler, OTHERS[kind], None), scaler.scale_
    centers = getattr(scaler, "with_mean", True)  # without which a StandardScaler has a mean all the same
    offset = 0.0 * ones if offset is None or not centers else np.array(offset, np.float64)
    if kind == "MinMaxScaler":
        return offset, np.array(scale, np.float64), np.array(scaler.min_, np.float64)
    a = ones if scale is None else 1.0 / np.asarray(scale, np.float64)
    return offset, a, -offset * a


def _of_components(scaler: Any, center: str) -> tuple[Vector, Real, Real]:
    """Return the same of components, which are the columns of A, and of the name of what is subtracted first."""
    a = np.array(scaler.components_.T, np.float64)
    offset = np.array(getattr(scaler, center, np.zeros(len(a))), np.float64)
    if getattr(scaler, "whiten", False):
        a /= np.maximum(np.sqrt(scaler.explained_variance_), np.finfo(scaler.explained_variance_.dtype).eps)
    return offset, a, -offset @ a


def _rounded(center: Vector) -> Vector:
    """Return these numbers as float32 has them, so that models of either dtype subtract the same."""
    with np.errstate(over="ignore"):
        rounded = center.astype(np.float32).astype(np.float64)
    return np.where(np.isfinite(rounded), rounded, center)


class _Given(Initializer):
    """Numbers that are there."""

    def __init__(self, values: Real) -> None:
        self.values = values

    def __call__(self, shape: Shape, seed: int, stream: int, dtype: str = "float32") -> Real:
        checks.finite("The map of a scaler", self.values, dtype)
        return self.values.astype(dtype)
