"""Iterables of batches, pass after pass."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from itertools import count, cycle, repeat
from types import GeneratorType
from typing import Any

import numpy as np

from fastopt.core import checks
from fastopt.data.stream import Pass, Stream

__all__ = ["END", "ONCE", "Batches", "Source", "are_batches", "inputs_of", "refuse_for_batches", "refuse_steps"]

# What gives batches: an iterable of them, or a function that returns one.
Batches = Iterable[Any] | Callable[[], Iterable[Any]]

END: Any = object()  # no further batch
NEED_ARRAYS = {
    "batch_size": "they are as large as they come",
    "validation_split": "give validation_data",
    "sample_weight": "they may be (x, y, sample_weight)",
    "class_weight='balanced'": "give a dict of factors",
    "drop_remainder": "they are as large as they come",
    "rows": "give those that there are to be",
    "validation_rows": "give validation_data",
}
ONE = (str, int, float)  # types of a single target
ENDLESS = (count, cycle, repeat)
ONCE = "a generator can be gone through once: give a function that returns a new one, or a list"


def are_batches(given: object) -> bool:
    """Return whether it gives batches, where it may also be arrays; a list does if it holds tuples of arrays."""
    if given is None or type(given) in (np.ndarray, tuple):  # the most frequent case
        return False
    if isinstance(given, list) and given:
        return all(isinstance(batch, tuple) and _has_samples(batch) for batch in given)
    return not isinstance(given, Sequence) and _gives_batches(given)


def refuse_steps(name: str, given: object) -> None:
    """Refuse a number of batches where there are arrays."""
    if given is not None:
        raise ValueError(f"{name} counts the batches of an iterable; of arrays batch_size makes them.")


def refuse_for_batches(given: Mapping[str, bool]) -> None:
    """Refuse those of these arguments that are given, where there are batches instead of arrays."""
    for name, is_given in given.items():
        if is_given:
            hint = NEED_ARRAYS.get(name, "a solver looks at all samples")
            raise ValueError(f"{name} needs arrays x and y; without y, x gives batches: {hint}.")


def inputs_of(batch: Any, inputs: int, dimensions: int) -> Any:
    """Return the inputs of a batch to predict: of (x, y) those of x.

    Args:
        batch: Inputs, or (x, y) or (x, y, sample_weight).
        inputs: How many there are.
        dimensions: Those of the array of an input.
    """
    if not isinstance(batch, tuple | list) or not batch:
        return batch
    several = isinstance(batch[0], tuple | list | Mapping)
    return batch[0] if (several if inputs > 1 else np.ndim(batch[0]) >= dimensions) else batch


class Source:
    """An iterable of batches, gone through as often as is needed.

    Args:
        name: What messages call it.
        given: An iterable; an object with a length and batches by number, as Keras's Sequence; or a function that
            returns an iterable, which is called for each pass. Its `on_epoch_begin` and `on_epoch_end` are called.
        steps: How many batches are taken at a time; None for all of a pass.
        option: What messages call `steps`.
        times: How often they are taken.
        order: Of a pass of this number with so many batches, the order in which those of an object with batches by
            number are taken; None for that of the numbers.
        first: What a `fastopt.data.Stream` calls the first pass, on which its order depends.

    Raises:
        TypeError: It is nothing of the kind.
        ValueError: It is empty, or has no end, or an end before it is taken for the last time.

    Attributes:
        size: The samples of each batch but the last, where several may be drawn as one; else None.
        length: The number of batches of a pass; None where it is not known.
        passes: The number of passes begun.
        number: That of the batch drawn last, where batches have numbers; else None.
    """

    def __init__(
        self,
        name: str,
        given: object,
        steps: object = None,
        option: str = "steps",
        times: int = 1,
        order: Callable[[int, int], Iterable[int]] | None = None,
        first: int = 0,
    ) -> None:
        if not _gives_batches(given):
            raise TypeError(
                f"{name} must be an iterable of batches (x, y) where there is no y beside it, not "
                f"{checks.described(given)}."
            )
        if isinstance(given, tuple | list) and given and all(map(_is_array, given)):
            raise ValueError(
                f"{name} is {checks.described(given)} arrays, not of batches (x, y): give x and y by themselves, as by "
                f"*{name}."
            )
        self.name, self._given, self._order, self._pass = name, given, order, first
        self.steps = None if steps is None else checks.integer(option, steps, 1)
        self.passes = 0
        self.number: int | None = None
        self.size = given.batch_size if isinstance(given, Stream) else None
        self._iterator: Iterator[Any] | None = None
        self._numbered = hasattr(given, "__getitem__") and hasattr(given, "__len__")
        self.length: int | None = None
        endless = isinstance(given, ENDLESS)
        if hasattr(given, "__len__"):
            try:
                self.length = len(given)
            except TypeError as error:  # a loader of unknown length has the method too
                endless = "infinite" in str(error)
        if self.steps is None and endless:
            raise ValueError(f"{name} has no end: give {option}.")
        if self.steps is None and times > 1 and isinstance(given, GeneratorType):
            raise ValueError(f"{name} is to be gone through {times} times, but {ONCE}; or {option}, if it has no end.")
        if self.length == 0:
            raise ValueError(f"{name} is empty: it holds no batch.")

    def begin(self) -> None:
        """Begin a new pass."""
        given: Any = self._given
        if isinstance(given, Stream):
            self._iterator = given.batches(self._pass + self.passes)
        elif self._numbered:
            numbers = range(len(given)) if self._order is None else self._order(self.passes, len(given))
            self._iterator = self._by_number(map(int, numbers))
        else:
            again = given if isinstance(given, Iterable) or hasattr(given, "__getitem__") else given()
            try:
                self._iterator = iter(again)
            except TypeError:
                raise TypeError(f"{self.name} returned {checks.described(again)}, not an iterable.") from None
        self.passes += 1

    def _by_number(self, numbers: Iterable[int]) -> Iterator[Any]:
        given: Any = self._given
        for self.number in numbers:
            yield given[self.number]

    def draw(self, limit: int = 1) -> Any:
        """Return the next batch, or `END`: of a pass, or, where `steps` are taken at a time, of all there is.

        Where there is a `size`, as many as are at hand are returned as one, at most `limit`.
        """
        batch = self._next(limit)
        if batch is END and (self._iterator is None or self.steps is not None):
            self.begin()
            batch = self._next(limit)
        self._check(batch)
        return batch

    def _next(self, limit: int) -> Any:
        given: Any = self._iterator
        try:
            return END if given is None else given.take(limit) if isinstance(given, Pass) else next(given)
        except StopIteration:
            return END

    def _check(self, batch: Any) -> None:
        """Raise ValueError where it is a single sample, as a `Dataset` of torch gives."""
        x, *others = batch if isinstance(batch, tuple | list) and batch else (batch,)
        while isinstance(x, tuple | list | Mapping) and x:
            x = next(iter(x.values() if isinstance(x, Mapping) else x))
        targets: Any = others[0] if others else None
        if _is_array(x) and (
            np.ndim(x) < 2 or isinstance(targets, ONE) or (_is_array(targets) and not np.ndim(targets))
        ):
            raise ValueError(
                f"{self.name} gives samples one by one, not batches of them: torch.utils.data.DataLoader({self.name}, "
                "batch_size=32) makes batches of a Dataset; an array [n, features] is n samples."
            )

    def skip(self, epochs: int) -> None:
        """Go on as if so many epochs had been taken, of the first of which one batch has been drawn."""
        drawn = 1
        for _ in range(epochs):
            self.tell("on_epoch_begin")
            self._leave_out((self.steps or drawn) - drawn)
            drawn = 0
            self.tell("on_epoch_end")
        if self.steps is None:
            self.passes = epochs

    def _leave_out(self, batches: int) -> None:
        """Go on as if so many batches had been drawn."""
        while batches > 0:
            if isinstance(self._iterator, Pass):
                batches -= self._iterator.skip(batches - 1)
            self.draw()
            batches -= 1

    def tell(self, name: str) -> None:
        """Call a method that it may have."""
        if callable(method := getattr(self._given, name, None)):
            method()

    def parts(self) -> Iterator[Any]:
        """Return the batches of a new pass, of the first `steps` of it.

        Raises:
            ValueError: There is none.
        """
        self.begin()
        iterator: Any = self._iterator
        number = -1
        for number, batch in enumerate(iterator):
            self._check(batch)
            yield batch
            if number + 1 == self.steps:
                return
        if number < 0:
            raise ValueError(
                f"{self.name} holds no batch any more: {ONCE}."
                if self.passes > 1
                else f"{self.name} is empty: it holds no batch."
            )


def _has_samples(batch: tuple[Any, ...] | list[Any]) -> bool:
    """Return whether the first of a tuple is an array ``[n, ...]``, or a list or a dict of them."""
    first: Any = batch[0] if batch else None
    if isinstance(first, tuple | list | Mapping):
        return _has_samples([*(first.values() if isinstance(first, Mapping) else first)])
    return _is_array(first) and np.ndim(first) > 1


def _is_array(given: object) -> bool:
    return any(hasattr(given, name) for name in ("__array__", "__array_interface__", "nnz"))  # also sparse ones


def _gives_batches(given: object) -> bool:
    if isinstance(given, str | bytes | bytearray | memoryview | range | Mapping | Set) or _is_array(given):
        return False
    return callable(given) or isinstance(given, Iterable) or hasattr(given, "__getitem__")
