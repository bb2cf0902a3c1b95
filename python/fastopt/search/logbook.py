"""One model that is looked after: what was changed between calls of `fit`, and a way back."""

import copy
import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastopt.core import checks
from fastopt.core.files import opened, replaced
from fastopt.core.registry import arguments_of
from fastopt.layers import Layer
from fastopt.methods import Solver
from fastopt.model.callbacks.history import History
from fastopt.model.weighted import Weighted, checked_model
from fastopt.optimizers import Optimizer
from fastopt.search.journal import plain
from fastopt.tools.saving import load_model, save

__all__ = ["Entry", "Logbook"]

FILE = "log.jsonl"
SHOWN = 9  # items of a list that stand in the log themselves


@dataclass
class Entry:
    """A training of a `Logbook`, or the start, which is entry 0.

    Attributes:
        number: Its place in the log.
        parent: The entry that it went on from; None for the start.
        note: What the caller has noted.
        changed: What was another way in the parent: a pair of values for each name, None where there was none.
        settings: All settings: of the optimizer, the losses, the layers and the arguments of ``fit``.
        history: The record of the training.
        error: What ended it, as a text, or empty.
    """

    number: int
    parent: int | None = None
    note: str = ""
    changed: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    history: History = field(default_factory=History)
    error: str = ""


class Logbook:
    """What was changed between calls of `fit` of one model, with a way back to each.

    Train by its `fit` instead of the model's, and change whatever you like in between: hyperparameters of the
    optimizer, the loss by `compile`, which layers are trained. `back` brings the model to what it was after any entry,
    to the bit: weights, running statistics, the optimizer with its slots and counters, and the order of the samples to
    come. So a change that does not pay is undone, and the next `fit` branches off there.

    Args:
        model: The model, compiled.
        folder: Where entries are kept, in ``log.jsonl`` and a file of the model for each; the model must be built, and
            hold only what files can. A folder that has a log brings the model to its last entry. None keeps copies in
            memory.

    Attributes:
        model: The model.
        entries: The entries; the first is the model as it was given.

    Raises:
        RuntimeError: There is a folder, and the model has not been built.
        TypeError: An argument has the wrong type.
        ValueError: The model cannot be saved.
        OSError: A file cannot be read or written.

    Example:
        >>> import fastopt as fo
        >>> x, y = fo.datasets.load_digits()
        >>> model = fo.Sequential([fo.layers.Dense(32, "relu"), fo.layers.Dense(10)], seed=0)
        >>> model.compile(fo.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
        >>> log = fo.search.Logbook(model)
        >>> history = log.fit(x, y, note="start", epochs=3, validation_split=0.2, verbose=0)
        >>> model.optimizer.learning_rate = 1.0
        >>> history = log.fit(x, y, note="larger rate", epochs=3, validation_split=0.2, verbose=0)
        >>> log.entries[2].changed
        {'optimizer.learning_rate': (0.1, 1.0)}
        >>> log.back(1)
        >>> model.optimizer.learning_rate, model.epochs_trained
        (0.1, 3)
    """

    def __init__(self, model: Any, folder: str | os.PathLike[str] | None = None) -> None:
        self.model: Weighted[Any] = checked_model("model", model)
        self.entries: list[Entry] = []
        self._folder = None if folder is None else checks.path("folder", folder)
        self._copies: dict[int, Any] = {}
        self._at = 0
        if self._folder is not None and os.path.exists(os.path.join(self._folder, FILE)):
            self._read()
            self.back(len(self.entries) - 1)
        else:
            self._add(Entry(0, settings=self._settings({})))

    def fit(self, x: Any = None, y: Any = None, *, note: str = "", **arguments: Any) -> History:
        """Train the model, and make an entry of it, also where it is interrupted.

        Args:
            x: Inputs, as the model's ``fit`` takes them.
            y: Targets.
            note: What was changed and why, in the caller's words.
            arguments: Those of the model's ``fit``.

        Returns:
            What the model's ``fit`` returns.

        Raises:
            TypeError: `note` is not a string.
            Exception: As the model's ``fit``.
        """
        if not isinstance(note, str):
            raise TypeError(f"note must be a string, not {note!r}.")
        before, parent, error = self.model.history, self.entries[self._at], ""
        settings = self._settings({"x": x, "y": y} | arguments)
        try:
            history: History = self.model.fit(x, y, **arguments)  # type: ignore[attr-defined]
        except BaseException as raised:
            error = f"{type(raised).__name__}: {raised}"
            raise
        finally:
            if self.model.history is not before:
                names = [*dict.fromkeys([*parent.settings, *settings])]
                both = {name: (parent.settings.get(name), settings.get(name)) for name in names}
                changed = {name: pair for name, pair in both.items() if pair[0] != pair[1]}
                number = len(self.entries)
                done = copy.deepcopy(self.model.history)
                self._add(Entry(number, parent.number, note, changed, settings, done, error))
        return history

    def back(self, number: int) -> None:
        """Bring the model to what it was after an entry, to the bit; the next `fit` goes on from there.

        ``model.optimizer`` and the arrays of ``model.parameters`` are other objects afterwards.

        Args:
            number: The entry; 0 is the start.

        Raises:
            TypeError, ValueError: There is no such entry.
            OSError: Its file cannot be read.
        """
        entry = self.entries[checks.integer("number", number, 0, len(self.entries))]
        kept = load_model(self._path(entry)) if self._folder is not None else copy.deepcopy(self._copies[entry.number])
        model = self.model
        for layer, other in zip(model.layers, kept.layers, strict=True):
            if layer.trainable != other.trainable:
                layer.trainable = other.trainable
        own = {"network": model.network, "_nested": model._nested, "history": copy.deepcopy(entry.history)}
        model.__setstate__(kept.__getstate__() | own)
        self._at = entry.number

    def __repr__(self) -> str:
        """A line for each entry."""
        lines = [["entry", "from", "epochs", "last values", "changed", "note"]]
        for entry in self.entries:
            values = {name: series[-1] for name, series in entry.history.history.items() if "loss" in name and series}
            changed = [
                f"{name}: {_short(new)}" if old is None else f"{name}: {_short(old)} -> {_short(new)}"
                for name, (old, new) in entry.changed.items()
            ]
            lines.append(
                [
                    f"{entry.number}{'*' if entry.number == self._at else ''}",
                    "" if entry.parent is None else str(entry.parent),
                    str(len(entry.history.epoch)),
                    ", ".join(f"{name} {value:.4g}" for name, value in values.items()),
                    ", ".join(changed),
                    entry.note or entry.error,
                ]
            )
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        texts = ("  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines)
        return "\n".join(texts)

    # Entries

    def _add(self, entry: Entry) -> None:
        if self._folder is None:
            self._copies[entry.number] = copy.deepcopy(self.model)
        else:
            os.makedirs(self._folder, exist_ok=True)
            save(self.model, self._path(entry))  # type: ignore[arg-type]
        self.entries.append(entry)
        self._at = entry.number
        if self._folder is not None:
            with replaced(os.path.join(self._folder, FILE)) as file:
                file.write("".join(json.dumps(_row(entry)) + "\n" for entry in self.entries).encode())

    def _path(self, entry: Entry) -> str:
        return os.path.join(self._folder or "", f"{entry.number}.safetensors")

    def _read(self) -> None:
        path = os.path.join(self._folder or "", FILE)
        with opened(path) as file:
            lines = file.read().splitlines()
        try:
            for line in lines:
                row = json.loads(line)
                history = History()
                history.set_state(row.pop("history"))
                row["changed"] = {name: tuple(pair) for name, pair in row["changed"].items()}
                self.entries.append(Entry(**row, history=history))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path} is not a log of fastopt's, or has been changed: {error}") from error

    def _settings(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        model = self.model
        settings = _described("optimizer", model.optimizer) if model.optimizer is not None else {}
        for name, value in (getattr(model, "judged_by", None) or {}).items():
            settings[name] = plain(value)
        for name, layer in zip(model.layer_names, model.layers, strict=True):
            settings |= _described(name, layer)
        given = {name: _told(value) for name, value in arguments.items() if value is not None and name != "verbose"}
        return settings | {f"fit {name}": value for name, value in given.items()}


def _row(entry: Entry) -> dict[str, Any]:
    return vars(entry) | {"history": entry.history.get_state()}


def _described(name: str, value: Any) -> dict[str, Any]:
    """Return the class of an optimizer or a layer and its arguments, with those of optimizers within it."""
    if not isinstance(value, Optimizer | Solver | Layer):
        return {name: plain(value)}
    result = {name: type(value).__name__}
    for part in arguments_of(type(value)):
        result |= _described(f"{name}.{part}", getattr(value, part))
    return result


def _told(value: Any) -> Any:
    """Return an argument of `fit` as JSON has it; arrays and long lists by their shape and a sum of their bytes."""
    if isinstance(value, Mapping):
        return {str(key): _told(part) for key, part in value.items()}
    several = isinstance(value, list | tuple)
    flat = several and len(value) > SHOWN and all(isinstance(part, str | int | float | np.generic) for part in value)
    if flat or hasattr(value, "__array__"):
        array = np.asarray(value)
        if array.ndim:
            data = repr(array.tolist()).encode() if array.dtype == object else np.ascontiguousarray(array).tobytes()
            return f"{array.dtype} {list(array.shape)} {zlib.crc32(data):08x}"
    return [_told(part) for part in value] if several else plain(value)


def _short(value: Any) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
