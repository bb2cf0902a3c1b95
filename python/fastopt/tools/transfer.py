"""Models that start from the weights of others."""

from collections.abc import Sequence
from typing import Any

from fastopt.core import checks
from fastopt.core.plain import Real
from fastopt.core.registry import word
from fastopt.model.weighted import Weighted, checked_model

__all__ = ["copy_weights"]

Arrays = dict[str, dict[str, Real]]


def copy_weights(
    source: Weighted[Any],
    target: Weighted[Any],
    layers: Sequence[str] | None = None,
    by: str = "name",
    partial: bool = False,
    freeze: bool = False,
) -> list[str]:
    """Give the layers of a model the weights of those of another: of all that the two have in common.

    The target may be deeper, or, with `partial`, wider: of a larger array the first rows and columns are set, and the
    rest keeps its starting values. Running statistics belong to the weights. The optimizer keeps its slots.

    Args:
        source: The model that has the weights.
        target: The model that is to have them; built.
        layers: The names of the layers of `target` that are to get weights; None for all that the two have in common.
        by: ``"name"`` for layers of the same name, ``"position"`` for the first layer with weights and the first, the
            second and the second, and so on.
        partial: Whether arrays of other sizes are copied as far as they go.
        freeze: Whether the layers that get weights stop to learn: ``trainable`` becomes False.

    Returns:
        The names of the layers of `target` that have got weights.

    Raises:
        RuntimeError: One of them has not been built.
        TypeError: One of them is no model, or an argument has the wrong type.
        ValueError: They have no layer in common, or not one that is named, or the arrays of a layer are not alike;
            nothing has changed.

    Example:
        >>> import fastopt as fo
        >>> small = fo.Sequential([fo.layers.Dense(8, name="first"), fo.layers.Dense(3, name="last")], seed=0)
        >>> layers = [fo.layers.Dense(8, name=name) for name in ("first", "new")] + [fo.layers.Dense(3, name="last")]
        >>> deep = fo.Sequential(layers, seed=1)
        >>> small.build(4)
        >>> deep.build(4)
        >>> fo.copy_weights(small, deep, freeze=True)
        ['first', 'last']
        >>> deep.get_layer("first").trainable, deep.get_layer("new").trainable
        (False, True)
    """
    theirs = arrays_by_layer(checked_model("source", source))
    ours = arrays_by_layer(checked_model("target", target))
    if word("by", by, ("name", "position")) == "name":
        pairs = [(name, name) for name in ours if name in theirs]
    else:
        pairs = list(zip(theirs, ours, strict=False))
    if not pairs:
        raise ValueError(
            f"The models have no layer in common: source has {', '.join(theirs) or 'none with weights'}, target has "
            f"{', '.join(ours) or 'none with weights'}; by='position' goes by their order."
        )
    if layers is not None:
        known = {name: other for other, name in pairs}
        pairs = [(known[word("layers", name, known)], name) for name in checks.items("layers", layers)]
    partial, freeze = checks.flag("partial", partial), checks.flag("freeze", freeze)
    new: dict[str, Real] = {}
    for other, name in pairs:
        merged = _merged(name, theirs[other], ours[name], partial)
        new |= {f"{name}/{key}": array for key, array in merged.items()}
    target.set_weights([new.get(name, view) for name, view in target._need_weights().tensors.items()])
    if freeze:
        for _, name in pairs:
            target.get_layer(name).trainable = False
    return [name for _, name in pairs]


def arrays_by_layer(model: Weighted[Any]) -> Arrays:
    """Return the weights and running statistics of each layer that has some, by their names within the layer."""
    layers: Arrays = {}
    for name, view in model._need_weights().tensors.items():
        layer = max((known for known in model.layer_names if name.startswith(f"{known}/")), key=len)
        layers.setdefault(layer, {})[name.removeprefix(f"{layer}/")] = view
    return {name: layers[name] for name in model.layer_names if name in layers}


def _merged(name: str, theirs: dict[str, Real], ours: dict[str, Real], partial: bool) -> dict[str, Real]:
    """Return our arrays with theirs in them."""
    shapes = [{key: array.shape for key, array in arrays.items()} for arrays in (theirs, ours)]
    alike = shapes[0].keys() == shapes[1].keys() and all(
        len(shapes[0][key]) == len(shapes[1][key]) and (partial or shapes[0][key] == shapes[1][key]) for key in ours
    )
    if not alike:
        hint = "" if partial else "; partial=True copies what there is room for"
        raise ValueError(f"The layer {name!r} has {_text(shapes[1])}; that of source has {_text(shapes[0])}{hint}.")
    result: dict[str, Real] = {}
    for key, array in ours.items():
        common = tuple(slice(min(sizes)) for sizes in zip(array.shape, theirs[key].shape, strict=True))
        result[key] = array.copy()
        result[key][common] = theirs[key][common]
    return result


def _text(shapes: dict[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in shapes.items())
