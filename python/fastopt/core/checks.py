"""Checks of what the caller gave; each error says what was given, what was expected and what to do."""

import math
import numbers
import operator
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from fastopt import _core
from fastopt.core.plain import column_names, plain

SIZE = 2**63  # sizes, which the core keeps in 64 bits, are less
AXES = 64  # more than arrays have
# Smaller numbers are 0 to float32 where denormals are flushed, as they are in training: 0 / 0 would be the result.
EPSILON = float(np.finfo(np.float32).tiny)
BLOCK = 1 << 20  # elements looked at in one piece
ROUNDING = 10 * float(np.finfo(np.float64).eps)
LEAST_EXPONENT = -1074  # of float64
DATA_FORMATS = ("channels_last", "channels_first")  # of images and series
BOOLS = (bool, np.bool_)
DTYPES = frozenset(map(np.dtype, "?bhilqBHILQfd"))  # that the core reads, in the byte order of this machine
NUMBERS = (numbers.Real, np.number, np.bool_)


def is_number(kind: type) -> bool:
    """Return whether objects of a class are numbers: of Python, but for complex ones, of NumPy, or decimal ones."""
    # The module decimal says that its numbers are such, but not which; it takes a millisecond to import.
    return issubclass(kind, NUMBERS) or (issubclass(kind, numbers.Number) and not issubclass(kind, numbers.Complex))


def integer(name: str, value: object, low: int, high: int | None = None) -> int:
    """Return `value` as an int that is at least `low` and less than `high`."""
    if type(value) is int:
        number = value
    else:
        try:
            number = operator.index("" if isinstance(value, BOOLS) else value)  # type: ignore[arg-type]
        except TypeError:  # arrays have the method too, but only those of one integer an index
            raise TypeError(f"{name} must be an integer, not {value!r}.") from None
    if number < low or (high is not None and number >= high):
        bound = f"at least {low}" if number < low else f"less than {high}"
        raise ValueError(f"{name} must be {bound}, not {number}.")
    return number


def real(name: str, value: object, low: float = -math.inf, high: float = math.inf, *, above: bool = False) -> float:
    """Return `value` as a finite float that is at least `low`, or `above` it, and less than `high`."""
    if isinstance(value, BOOLS) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, not {value!r}.")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, not {value!r}.")
    if number < low or (above and number == low) or number >= high:
        bounds = f"{'more than' if above else 'at least'} {low:g}"
        bounds += f" and less than {high:g}" if math.isfinite(high) else ""
        raise ValueError(f"{name} must be {bounds}, not {value!r}.")
    return number


def flag(name: str, value: object) -> bool:
    """Return `value` as a bool if it is one; words and numbers are not, as ``"False"`` would be true."""
    if not isinstance(value, BOOLS):
        raise TypeError(f"{name} must be True or False, not {value!r}.")
    return bool(value)


def function(name: str, value: object, of: str = "") -> Callable[..., Any]:
    """Return `value` if it can be called; `of` says of what it is a function."""
    if not callable(value):
        raise TypeError(f"{name} must be a function{of}, not {value!r}.")
    return value


def path(name: str, value: object) -> str:
    """Return the name of a file or folder as a string."""
    if not isinstance(value, str | os.PathLike):
        raise TypeError(f"{name} must be a path, a string or a pathlib.Path, not {value!r}.")
    return os.fsdecode(value)


def items(name: str, value: object) -> list[Any]:
    """Return the items of a list, a tuple or another collection in order."""
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise TypeError(f"{name} must be a list, not {value!r}.")
    return list(value)


def is_read(value: object) -> TypeGuard[NDArray[Any]]:
    """Return whether `value` is an array of NumPy's own class of a number type that the core reads."""
    return type(value) is np.ndarray and value.dtype in DTYPES


def array(name: str, value: object) -> NDArray[Any]:
    """Return `value` as an array of a number type that the core reads; an array is not copied.

    Raises:
        TypeError: It holds something else, or means more than its numbers, such as a mask or a unit.
        ValueError: It is not rectangular.
    """
    if is_read(value):
        return value  # the most frequent case
    result = plain(name, value)
    if result.dtype not in DTYPES:
        raise TypeError(
            f"{name} has dtype {result.dtype}; expected float32, float64, an integer type or bool, in the byte order "
            f"of this machine: {_advice(name, result)}."
        )
    return result


BY_KIND = {
    "c": "numpy.real({0}) leaves the imaginary parts away",
    "M": "count from some time on, for example ({0} - {0}.min()) / numpy.timedelta64(1, 'D')",
    "m": "count in a unit, for example {0} / numpy.timedelta64(1, 's')",
}


def _advice(name: str, given: NDArray[Any]) -> str:
    """Return how to make numbers of an array of something else, in words that work."""
    name, dtype = name.rpartition(" ")[2], given.dtype
    if dtype.kind in BY_KIND:
        return BY_KIND[dtype.kind].format(name)
    if dtype.names:
        return f"its fields side by side are numpy.lib.recfunctions.structured_to_unstructured({name})"
    if not dtype.isnative:
        return f"use {name}.astype({name}.dtype.newbyteorder('='))"
    odd = [(place, part) for place, part in np.ndenumerate(given) if not is_number(type(part))]
    words = all(isinstance(part, str | bytes) for _, part in odd)
    wide = "float32" if dtype.kind == "f" and dtype.itemsize < 4 else "float64"
    try:
        given.astype(wide)
    except OverflowError:
        return f"a number of {name} is too large for {wide}"
    except (TypeError, ValueError):
        words = words and len(odd) == given.size
    else:
        if words:
            return f"convert it, for example by numpy.asarray({name}, dtype='{wide}')"
    if not words:
        place, part = odd[0]
        at = f"{name}[{', '.join(map(str, place))}]" if place else "it"
        text = repr(part) if len(repr(part)) <= 40 else f"a {type(part).__name__}"
        return f"{at} is {text}, which is no number; leave such samples out or replace it"
    if given.ndim == 1:
        return f"classes by number are numpy.unique({name}, return_inverse=True)[1]"
    return f"words need numbers, for example pandas.get_dummies(pandas.DataFrame({name}))"


def matrix(name: str, value: object, features: int | None) -> NDArray[Any]:
    """Return `value` as a non-empty array ``[n, features]``; any number of features if `features` is None."""
    return _matrix(name, array(name, value), features)


def _matrix(name: str, given: NDArray[Any], features: int | None) -> NDArray[Any]:
    if given.ndim == 2 and given.size and (features is None or given.shape[1] == features):
        return given
    wanted, short = f"[n, {'features' if features is None else features}]", name.rpartition(" ")[2]
    if given.ndim != 2:
        hint = ""
        if given.ndim == 1:
            one_row = features not in (None, 1) and len(given) == features
            hint = (
                f" For one sample use numpy.reshape({short}, (1, -1))."
                if one_row
                else f" For n samples of one feature use numpy.reshape({short}, (-1, 1))."
            )
        elif given.ndim > 2:
            hint = f" Use numpy.reshape({short}, (len({short}), -1))."
        raise ValueError(f"{name} has shape {given.shape}; expected two dimensions, {wanted}.{hint}")
    if not given.size:
        raise ValueError(f"{name} is empty: its shape is {given.shape}; expected {wanted} with at least one sample.")
    raise ValueError(f"{name} has {given.shape[1]} features (shape {given.shape}); expected {wanted}.")


def samples(name: str, value: object, shape: tuple[int, ...] | None) -> NDArray[Any]:
    """Return `value` as a non-empty array ``[n, ...]`` of samples of this shape; of any shape if it is None."""
    result = array(name, value)
    if (shape is None and result.ndim <= 2) or (shape is not None and len(shape) == 1):
        return _matrix(name, result, None if shape is None else shape[0])
    if 0 in result.shape:
        raise ValueError(f"{name} is empty: its shape is {result.shape}; expected at least one sample.")
    if shape is not None and result.shape[1:] != shape:
        sizes = ", ".join(map(str, shape))
        fits = result.size == len(result) * math.prod(shape)
        hint = f" Use numpy.reshape({name.rpartition(' ')[2]}, (-1, {sizes}))." if fits else ""
        raise ValueError(f"{name} has shape {result.shape}; expected (n, {sizes}).{hint}")
    return result


def in_form(value: NDArray[Any], dtype: str) -> NDArray[Any]:
    """Return the values as the core reads them, of `dtype`, contiguous and aligned; what is so is not copied."""
    flags = value.flags
    if value.dtype == dtype and flags.c_contiguous and flags.aligned:
        return value
    with np.errstate(over="ignore"):
        return np.require(value, dtype, ["C", "A"])


def finite(name: str, value: NDArray[Any], dtype: str, given: object = None) -> None:
    """Refuse NaN, infinity and numbers too large for `dtype`, naming the first; nothing is copied as a whole.

    Args:
        name: What messages call the values.
        value: The values.
        dtype: What they are to fit into.
        given: What they were made of; where it has columns, the message names the one.
    """
    if value.dtype.kind != "f" or not value.size:
        return
    rows = max(1, BLOCK * len(value) // value.size)
    for start in range(0, len(value), rows):
        block = value[start : start + rows]
        flat = _core.kernels.first_nonfinite(in_form(block, dtype))
        if flat >= 0:
            index = np.unravel_index(flat, block.shape)
            found = block[index]
            place = ", ".join(str(int(i)) for i in (index[0] + start, *index[1:]))
            columns = column_names(given)
            column = f" (column {columns[int(index[1])]!r})" if columns is not None and len(index) == 2 else ""
            raise ValueError(f"{name}[{place}]{column} = {found} is {problem(found, dtype)}.")


def problem(value: Any, dtype: str) -> str:
    """Return what is wrong with a number that is not finite in `dtype`, and what to do about it."""
    wrong = f"too large for {dtype}" if np.isfinite(value) else "not finite"
    return f"{wrong}; remove or replace such values first"


def described(value: object) -> str:
    """Return in few words what a value is, for messages on arrays and collections of them."""
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    return repr(value) if isinstance(value, str | int | float | None) else f"a {type(value).__name__}"


def weights(name: str, value: object, samples: int, dtype: str, part: bool = False) -> NDArray[Any]:
    """Return sample weights ``[n]``: finite, not negative, not all zero, unless they are of a part of the samples."""
    result = array(name, value)
    if result.shape != (samples,):
        raise ValueError(f"{name} has shape {result.shape}; expected one weight for each sample, ({samples},).")
    finite(name, result, dtype)
    if result.min() < 0:
        index = int(np.argmax(result < 0))
        raise ValueError(f"{name}[{index}] = {result[index]} is negative; weights must be at least 0.")
    if part and not result.any():
        return in_form(result, dtype)
    if not result.any():
        raise ValueError(f"{name} is 0 for every sample; at least one must be positive.")
    if (largest := float(result.max())) < (least := float(np.finfo(dtype).tiny)):
        raise ValueError(
            f"{name} is at most {largest:g}, and {dtype} holds nothing below {least:.2g} to its precision: divide by "
            "the largest; only ratios matter to a weighted mean."
        )
    return in_form(result, dtype)


def row_numbers(name: str, value: object, rows: int) -> NDArray[np.int64]:
    """Return numbers of some of so many rows, at least one: integers from 0, which may repeat, or a mask."""
    result = array(name, value)
    if result.dtype == bool and result.shape == (rows,):
        result = np.flatnonzero(result)
    if result.size and (result.ndim != 1 or result.dtype.kind not in "iu"):
        raise TypeError(
            f"{name} must be numbers of rows, (n,) integers, or a mask, ({rows},) of bool, not {described(value)}."
        )
    if not result.size:
        raise ValueError(f"{name} is empty: there must be at least one.")
    wrong = (result < 0) | (result >= rows)
    if wrong.any():
        place = int(np.argmax(wrong))
        raise ValueError(f"{name}[{place}] is {result[place]}; the rows are numbered from 0 to {rows - 1}.")
    return np.ascontiguousarray(result, np.int64)


def constant(low: NDArray[Any], high: NDArray[Any]) -> NDArray[np.bool_]:
    """Return whether what lies between these is one number, but for the rounding of float64."""
    with np.errstate(over="ignore"):
        return np.asarray(high - low <= ROUNDING * np.maximum(np.abs(low), np.abs(high)))


def units(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each column a power of two of about its size, so that squares of column / unit are about 1.

    To divide by it rounds nothing. Without it squares of numbers beyond 1e154 are infinite, and of those below 1e-154
    are rounded, or 0.
    """
    size = np.abs(columns).max(axis=0)
    return np.ldexp(1.0, np.where(size > 0, np.frexp(size)[1] - 1, LEAST_EXPONENT))


def times(size: int, fraction: float) -> float:
    """Return size * fraction, of which rounding has not made less or more than a whole number or a half."""
    product = size * fraction
    near = round(2 * product) / 2
    return near if abs(product - near) <= 1e-12 * near else product
