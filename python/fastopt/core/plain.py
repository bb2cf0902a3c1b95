"""A value as an array from which nothing is dropped in silence: masks, units, sparsity, a record of gradients."""

from collections.abc import Iterator, Mapping, Set
from itertools import chain
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Real", "column_names", "plain"]

Real: TypeAlias = NDArray[np.float32] | NDArray[np.float64]  # what the core computes with

# What hides nothing; lists and tuples are looked into, so deep.
ORDINARY = {float, int, bool, str, np.ndarray, np.float64, np.float32, np.int64, np.int32, np.bool_}
DEEPEST = 8


def plain(name: str, value: Any) -> NDArray[Any]:
    """Return `value` as an array of NumPy's own class; one that is so is not copied.

    Frames of numeric columns, nullable ones too, become arrays of numbers, with NaN for what is missing.

    Raises:
        TypeError: It is no array, or means more than its numbers.
        ValueError: It is not rectangular.
    """
    if type(value) is np.ndarray:
        return value
    level: list[Any] = [value]
    for _ in range(DEEPEST):
        kinds = set(map(type, level))
        if kinds <= ORDINARY:
            break
        for part in level if kinds - ORDINARY - {list, tuple} else ():
            code = name.rpartition(" ")[2] + ("" if part is value else "[...]")
            if problem := _problem(code, part):
                raise TypeError(f"{name} {'is' if part is value else 'holds'} {problem}.")
        level = [*chain.from_iterable(part for part in level if type(part) in (list, tuple))]
    if _is_pandas(value) and hasattr(value, "columns"):
        return _of_frame(name, value)
    if _is_pandas(value) and hasattr(value, "isna") and _is_nullable(value.dtype):
        return _filled(value, [value.dtype])
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} is not a rectangular array: {error}") from None
    except Exception as error:
        raise TypeError(f"{name} ({type(value).__name__}) cannot be read as an array: {error}") from None


def _problem(name: str, value: Any) -> str:
    """Return what would be lost, and what to do about it; nothing if nothing would."""
    kind = type(value)
    if kind in ORDINARY or kind in (list, tuple):
        return ""
    if isinstance(value, np.ma.MaskedArray):
        hidden = int(np.ma.getmaskarray(value).sum())
        advice = f"leave such samples out, or give {name}.filled(number)"
        return f"a masked array, {hidden} of whose entries are hidden: {advice}" if hidden else ""
    if isinstance(value, Mapping):
        keys = ", ".join(map(repr, value))
        return f"a dict of {keys}: one array is expected, such as numpy.column_stack([*{name}.values()])"
    if isinstance(value, Iterator):
        return (
            f"a {kind.__name__}: one array is expected, such as numpy.array([*{name}]); batches (x, y) are given "
            "without a y beside them"
        )
    if isinstance(value, Set):
        return f"a {kind.__name__}, which has no order: give sorted({name})"
    if hasattr(kind, "nnz") and hasattr(kind, "todense"):
        return f"a sparse {kind.__name__}: give {name}.{'toarray' if hasattr(kind, 'toarray') else 'todense'}()"
    if kind.__module__.partition(".")[0] == "torch" and (steps := _of_tensor(value)):
        return f"a tensor that NumPy cannot read as it is: give {name}.{'.'.join(steps)}"
    unit = _unit(value)
    number = "value" if hasattr(value, "value") else "magnitude"
    return f"a {kind.__name__} in {unit}, a unit that would be lost: give {name}.{number}" if unit else ""


def _of_tensor(tensor: Any) -> list[str]:
    """Return the calls that make a tensor of PyTorch one that NumPy reads."""
    steps = {
        "detach()": tensor.requires_grad,
        "to_dense()": str(tensor.layout) != "torch.strided",
        "cpu()": tensor.device.type != "cpu",
        "float()": str(tensor.dtype) == "torch.bfloat16",
    }
    return [step for step, needed in steps.items() if needed]


def _unit(value: Any) -> str:
    if _is_pandas(value):
        return ""
    for name in ("unit", "units"):
        if isinstance(value, np.ndarray) or hasattr(type(value), name):
            unit = str(getattr(value, name, None) or "")
            if unit not in ("", "dimensionless"):
                return unit
    return ""


# Frames


def column_names(value: Any) -> list[Any] | None:
    """Return the names of the columns of a frame, of pandas, polars, Arrow and others; None of anything else."""
    if isinstance(value, np.ndarray | list | tuple | Mapping):
        return None
    if hasattr(value, "collect_schema"):  # polars, of which a lazy frame warns of anything else
        return list(value.collect_schema().names())
    for attribute in ("column_names", "columns"):
        names = getattr(value, attribute, None)
        if names is not None and not callable(names) and not isinstance(names, str):
            return list(names)
    return None


def _is_pandas(value: object) -> bool:
    return type(value).__module__.partition(".")[0] == "pandas"


def _is_nullable(dtype: Any) -> bool:
    return not isinstance(dtype, np.dtype) and dtype.kind in "fiub"


def _of_frame(name: str, frame: Any) -> NDArray[Any]:
    columns = [*zip(frame.columns, frame.dtypes, strict=True)]
    others = {column: dtype for column, dtype in columns if dtype.kind not in "fiub"}
    if others:
        found = ", ".join(f"{column!r} ({dtype})" for column, dtype in others.items())
        times = any(dtype.kind in "mM" for dtype in others.values())
        advice = f"pandas.get_dummies({name}) makes columns of numbers of words and categories"
        advice += ", and fastopt.data.TableEncoder also of dates and of what is missing"
        raise TypeError(
            f"{name} has columns that do not hold numbers: {found}; "
            + (f"{advice}; times have to be counted from some day on." if times else f"{advice}.")
        )
    result: NDArray[Any] = np.asarray(frame)
    return result if result.dtype.kind in "fiub" else _filled(frame, frame.dtypes)


def _filled(data: Any, dtypes: Any) -> NDArray[Any]:
    """Return numbers of one dtype, that holds all, with NaN for what is missing."""
    missing = bool(data.isna().to_numpy().any())
    kinds = [np.dtype(getattr(dtype, "numpy_dtype", "float64")) if _is_nullable(dtype) else dtype for dtype in dtypes]
    kind = np.result_type(*kinds, np.float32) if missing else np.result_type(*kinds)
    result: NDArray[Any] = data.to_numpy(dtype=kind, na_value=np.nan) if missing else data.to_numpy(dtype=kind)
    return result
