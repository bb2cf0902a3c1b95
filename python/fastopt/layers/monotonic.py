"""Networks whose outputs rise or fall with some of their inputs."""

from collections.abc import Sequence

from fastopt.constraints import Monotone, NonNeg
from fastopt.core import checks
from fastopt.layers.activation import Activation
from fastopt.layers.base import LAYERS, Layer
from fastopt.layers.dense import Dense
from fastopt.layers.noise import Dropout, GaussianNoise
from fastopt.layers.shape import Flatten, Reshape

__all__ = ["monotone"]

# The activations that never fall.
RISING = (
    "elu",
    "hard_sigmoid",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "relu",
    "selu",
    "sigmoid",
    "softplus",
    "softsign",
    "tanh",
)
KEEP_ORDER = (Activation, Dropout, Flatten, GaussianNoise, Reshape)


def monotone(layers: Sequence[Layer], signs: Sequence[int]) -> list[Layer]:
    """Return layers like these, with constraints that make every output rise or fall with some inputs.

    The first `Dense` is kept in ``Monotone(signs)`` and all others in `NonNeg`, from the first step of training on:
    sums of rising functions, with weights that are not negative, rise. With ReLU alone outputs are convex functions of
    the monotone inputs; with tanh or sigmoid they may be any. A decreasing activation, a softmax or a layer that may
    turn the order around is refused.

    Args:
        layers: `Dense` layers, with `Activation`, `Dropout`, `GaussianNoise`, `Flatten` and `Reshape` between them.
        signs: Of each input of the first `Dense` 1 where outputs never fall with it, -1 where they never rise, and 0
            where they are free.

    Raises:
        TypeError: `layers` are no layers, or `signs` no integers.
        ValueError: A layer or an activation may turn the order around, a layer has a constraint or is frozen; or the
            signs are wrong.

    Source:
        Archer and Wang, Application of the back propagation neural network algorithm with monotonicity constraints for
        two-group classification problems, Decision Sciences 24(1), 1993.

    Example:
        >>> import fastopt as fo
        >>> layers = [fo.layers.Dense(8, "tanh"), fo.layers.Dense(1)]
        >>> [layer.kernel_constraint for layer in fo.layers.monotone(layers, [1, 0, -1])]
        [Monotone(signs=[1, 0, -1]), NonNeg()]
    """
    first = Monotone(signs)
    result: list[Layer] = []
    dense = 0
    for i, given in enumerate(checks.items("layers", layers)):
        layer = LAYERS.resolve(given, f"layers[{i}]")
        if not isinstance(layer, (Dense, *KEEP_ORDER)):
            raise ValueError(f"layers[{i}], {layer!r}, may turn the order around; take Dense and {_names()}.")
        if layer.activation not in RISING:
            raise ValueError(f"layers[{i}] has the activation {layer.activation!r}, which is not one of {RISING}.")
        if not isinstance(layer, Dense):
            result.append(type(layer).from_config(layer.get_config()))
            continue
        if layer.kernel_constraint is not None or not layer.trainable:
            raise ValueError(f"layers[{i}] {'is frozen' if not layer.trainable else 'has a constraint already'}.")
        config = layer.get_config() | {"kernel_constraint": NonNeg() if dense else first}
        result.append(type(layer).from_config(config))
        dense += 1
    if not dense:
        raise ValueError("layers must have a Dense layer.")
    return result


def _names() -> str:
    return ", ".join(kind.__name__ for kind in KEEP_ORDER)
