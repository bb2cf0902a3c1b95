"""Labels of classes: words, or any values, that stand for numbers of classes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastopt import _core
from fastopt.core import checks
from fastopt.core.plain import Real, plain
from fastopt.losses import Loss

__all__ = [
    "Classes",
    "checked_classes",
    "class_number",
    "described",
    "fixed",
    "numbered",
    "predicted",
    "probabilities",
    "restored",
]

# The labels of the classes in their order, by the name of the output; that of a `Sequential` is "".
Classes = dict[str, NDArray[Any]]

WORDS = "OUST"  # kinds of dtypes
SHOWN = 5  # labels in a message
OUT = "leave such samples out"
LARGEST = 1 << 27  # bytes of the labels of a file
# What labels are in JSON, by the dtypes that they have in files.
IN_FILES: dict[str, Any] = {"O": str | int | float, "U": str, "S": str, "bool": bool}
IN_FILES |= {np.dtype(code).name: int for code in np.typecodes["AllInteger"]}
IN_FILES |= {np.dtype(code).name: float for code in "efd"}


def checked_classes(name: str, value: object) -> NDArray[Any]:
    """Return the labels of classes, each of which there is once, in the given order."""
    given = _read(name, value)
    if given.ndim != 1 or not len(given):
        raise ValueError(f"{name} has shape {given.shape}; expected one label for each class, (classes,).")
    distinct = _distinct(name, given)
    if len(distinct) < len(given):
        raise ValueError(f"{name} has {len(given)} labels, of which {len(distinct)} are different.")
    return _array(distinct, given.dtype)


def numbered(
    name: str, y: Any, loss: Loss, outputs: int, classes: Classes, output: str = "", find: bool = False
) -> Any:
    """Return the number of the class of each label; targets that are no labels as they are.

    Args:
        name: What messages call the targets.
        y: The targets.
        loss: The loss, which says whether they may be labels.
        outputs: The number of outputs of the network.
        classes: The known classes of each output.
        output: The name of the output.
        find: Whether classes that are not known yet are those of these labels, and added to `classes`.
    """
    known = classes.get(output)
    if known is None and isinstance(y, np.ndarray) and y.dtype.kind not in WORDS:
        return y
    count = loss.label_count(outputs)
    if not count:
        return y
    labels = _read(name, y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        return y  # the loss says what is wrong
    if known is None:
        if labels.dtype.kind not in WORDS:
            return y
        distinct = _distinct(name, labels)
        if all(checks.is_number(type(label)) for label in distinct):
            return y
        if not find:
            raise ValueError(f"{name} holds labels, such as {distinct[0]!r}: set model.classes to all of them first.")
        known = _array(_in_order(name, distinct), labels.dtype)
    if len(known) != count:
        raise ValueError(
            f"{'model.classes' if output in classes else name} holds {len(known)} classes, {_shown(known)}; "
            f"{loss.name} with {outputs} outputs has {count}: give the last layer an output for each class, or set "
            "model.classes to the labels of all outputs."
        )
    places = {label: number for number, label in enumerate(known.tolist())}
    try:
        numbers = np.fromiter(map(places.__getitem__, labels.tolist()), np.int64, len(labels))
    except (KeyError, TypeError):  # an unknown label, or one that is no label
        distinct = _distinct(name, labels)
        row, label = next((i, one) for i, one in enumerate(labels.tolist()) if one not in places)
        others = sum(one not in places for one in distinct) - 1
        raise ValueError(
            f"{name}[{row}] = {label!r}{f' (and {others} other labels)' if others else ''} is none of the {len(known)} "
            f"classes of the model, {_shown(known)}; {'model.classes = None lets fit find them anew' if find else OUT}."
        ) from None
    if find:
        classes[output] = known
    return numbers


def class_number(key: object, known: NDArray[Any] | None, count: int) -> int:
    """Return the number of a class, by its label where classes have some."""
    if known is None:
        number = checks.integer("A key of class_weight", key, 0)
        if number >= count:
            raise ValueError(f"class_weight has the class {number}; the classes are 0 to {count - 1}.")
        return number
    labels: list[object] = known.tolist()
    if key not in labels:
        raise ValueError(f"class_weight has the class {key!r}; the classes are {_shown(known)}.")
    return labels.index(key)


def predicted(outputs: Real, loss: Loss | None, activation: str, known: NDArray[Any] | None) -> NDArray[Any] | None:
    """Return the class of each sample by outputs ``[n, ...]``: its label or its number; None if they are no classes."""
    link, signs = (None, False) if loss is None else (loss.link, loss.target_kind == "signs")
    if "softmax" in (activation, link):
        numbers: NDArray[Any] = outputs.argmax(axis=-1)
    elif signs or "sigmoid" in (activation, link):
        numbers = (outputs > (0.5 if activation == "sigmoid" and not signs else 0.0)).astype(np.int64)
        numbers = numbers[..., 0] if numbers.shape[-1] == 1 else numbers
    else:
        return None
    checks.finite("the prediction", outputs, outputs.dtype.name)
    if known is not None:
        if numbers.max() >= len(known):
            raise ValueError(f"model.classes has {len(known)} classes, {_shown(known)}; the outputs have more.")
        return np.asarray(known[numbers])
    return 2 * numbers - 1 if signs else numbers


def fixed(labels: NDArray[Any]) -> NDArray[Any]:
    """Return labels as an array that cannot be written."""
    view = labels.view()
    view.flags.writeable = False
    return view


def probabilities(outputs: Real, loss: Loss | None, activation: str) -> Real | None:
    """Return the probabilities that outputs of a softmax or a sigmoid are, or that a loss makes of logits, in place.

    None if there are none.
    """
    if activation in ("softmax", "sigmoid"):
        return outputs
    link = None if loss is None else loss.link
    if link is None or activation != "linear":
        return None
    return _core.kernels.activation_forward(link, outputs, out=outputs)


def described(known: NDArray[Any]) -> dict[str, Any]:
    """Return labels as JSON has them."""
    kind, labels = known.dtype.kind, known.tolist()
    if kind == "S":
        labels = [label.decode("latin-1") for label in labels]
    odd = [label for label in labels if not isinstance(label, str | int | float)]
    if odd:
        raise ValueError(f"The model cannot be saved: the class {odd[0]!r} is neither a word nor a number.")
    return {"dtype": kind if kind in "OUS" else known.dtype.name, "labels": labels}


def restored(description: Any) -> NDArray[Any]:
    """Return the labels that `described` was given; memory is taken for no more than a few."""
    name, labels = description.get("dtype"), description.get("labels")
    if not isinstance(name, str) or not isinstance(labels, list):
        raise ValueError("its classes have no dtype or no labels.")
    if name not in IN_FILES or not all(isinstance(label, IN_FILES[name]) for label in labels):
        raise ValueError(f"its classes are not all of a dtype {name!r}.")
    if name in "US" and 4 * len(labels) * max(map(len, labels), default=0) > LARGEST:
        raise ValueError("the labels of its classes are too long.")
    try:
        if name == "S":
            labels = [label.encode("latin-1") for label in labels]
        return checked_classes("classes", _array(labels, np.dtype(name)))
    except (OverflowError, UnicodeError) as error:
        raise ValueError(f"its classes are not all of the dtype {name!r}: {error}") from None


def _read(name: str, value: Any) -> NDArray[Any]:
    """Return an array of what is given; that of a list of words and numbers has both as they are."""
    array = plain(name, value)
    if array.dtype.kind in "US" and isinstance(value, list | tuple) and len({*map(type, value)}) > 1:
        return _array([*value], np.dtype(object))
    return array


def _distinct(name: str, labels: NDArray[Any]) -> list[Any]:
    """Return the different labels, in the order in which they occur first."""
    listed = labels.tolist()
    try:
        distinct = [label.item() if isinstance(label, np.generic) else label for label in dict.fromkeys(listed)]
    except TypeError:
        row = next(i for i, label in enumerate(listed) if getattr(type(label), "__hash__", None) is None)
        raise TypeError(f"{name}[{row}] is {checks.described(listed[row])}, which is no label.") from None
    missing = next((label for label in distinct if _is_missing(label)), distinct)
    if missing is not distinct:
        row = next(i for i, label in enumerate(listed) if _is_missing(label))
        raise ValueError(f"{name}[{row}] = {missing} is a missing label; {OUT}.")
    return distinct


def _is_missing(label: Any) -> bool:
    try:
        return label is None or bool(label != label)
    except TypeError:  # as pandas.NA
        return True


def _in_order(name: str, labels: list[Any]) -> list[Any]:
    try:
        return sorted(labels)
    except TypeError as error:
        kinds = ", ".join(sorted({type(label).__name__ for label in labels}))
        raise TypeError(f"{name} holds labels that have no order, of the types {kinds}: {error}.") from None


def _array(labels: list[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    kind: Any = str if dtype.kind in "UT" else bytes if dtype.kind == "S" else dtype
    if dtype.kind != "O":
        return np.array(labels, kind)
    result: NDArray[Any] = np.empty(len(labels), object)
    result[:] = labels
    return result


def _shown(labels: NDArray[Any]) -> str:
    shown = ", ".join(map(repr, labels[:SHOWN].tolist()))
    return f"{shown}, ..." if len(labels) > SHOWN else shown
