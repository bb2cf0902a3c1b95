"""Objects described by their constructor's arguments, and the closed tables of classes they are built from."""

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, Self, TypeVar

import numpy as np

T = TypeVar("T", bound="Described")
C = TypeVar("C", bound="Described")


@functools.cache
def snake_case(name: str) -> str:
    """Return ``"glorot_uniform"`` for ``"GlorotUniform"``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", "_", name).lower()


def word(name: str, given: object, known: Iterable[str]) -> str:
    """Return the value of an argument that is one of some words."""
    known = list(known)
    if not isinstance(given, str):
        raise TypeError(f"{name} must be one of {', '.join(map(repr, known))}, not {given!r}.")
    if given not in known:
        raise unknown_name(name, given, known)
    return given


def unknown_name(kind: str, given: object, known: Iterable[str], argument: str = "") -> ValueError:
    """Return the error for a name that is not in the table, with the closest one that is."""
    import difflib

    names = sorted({*known})
    close = difflib.get_close_matches(str(given).lower(), names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    place = f" for {argument}" if argument not in ("", kind) else ""
    return ValueError(f"Unknown {kind} {given!r}.{hint} Known{place}: {', '.join(names)}.")


def made_of(given: object) -> str:
    """Return what to do with a class that was given for an object of it; nothing of anything else."""
    return f" Make an object of it: {given.__name__}(...)." if isinstance(given, type) else ""


def arguments_of(cls: type) -> Mapping[str, Any]:
    """Return the arguments of a class's constructor with their defaults; it is inspected once, as that takes long."""
    if cls not in _ARGUMENTS:
        _ARGUMENTS[cls] = {name: parameter.default for name, parameter in inspect.signature(cls).parameters.items()}
    return _ARGUMENTS[cls]


_ARGUMENTS: dict[type, dict[str, Any]] = {}


class Described:
    """A value: its constructor's arguments describe it completely; each is kept in an attribute of the same name.

    Objects of one class are equal if their arguments are. As some may be set, the class alone decides the hash.
    """

    def __eq__(self, other: object) -> bool:
        if self is other or type(self) is not type(other):
            return self is other
        return all(equal(getattr(self, name), getattr(other, name)) for name in arguments_of(type(self)))

    def __hash__(self) -> int:
        return hash(type(self))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as values that JSON can hold.

        Raises:
            ValueError: One is a plain function.
        """
        return {name: _plain(getattr(self, name)) for name in arguments_of(type(self))}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Build the object that `get_config` describes."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._changed.items())})"

    @property
    def _changed(self) -> dict[str, Any]:
        """The arguments that are not what they are by default."""
        values = ((name, getattr(self, name), default) for name, default in arguments_of(type(self)).items())
        return {name: value for name, value, default in values if value != default}


def equal(one: Any, other: Any) -> bool:
    """Return whether two values are the same, or arrays that hold the same."""
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    return bool(one == other)


def _plain(value: Any) -> Any:
    if isinstance(value, Described):
        return describe(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if callable(value):
        raise ValueError(
            f"{value!r} is a plain function, which cannot be described; use an object of fastopt, "
            "for a hyperparameter one of fastopt.schedules."
        )
    return value


def describe(value: Described) -> dict[str, Any]:
    """Return the class name and the arguments of an object, as values that JSON can hold."""
    return {"class": type(value).__name__, "config": value.get_config()}


class Registry(Generic[T]):
    """A closed table of the classes of one kind, found by class name, snake-case name or alias."""

    def __init__(self, kind: str, base: type[T]) -> None:
        self.kind = kind
        self.base = base
        self.classes: dict[str, type[T]] = {}
        self.names: list[str] = []

    def add(self, *aliases: str) -> Callable[[type[C]], type[C]]:
        """Return the decorator that enrols a class."""

        def enrol(cls: type[C]) -> type[C]:
            entry: Any = cls
            for name in (snake_case(cls.__name__), *aliases):
                self.names.append(name)
                self.classes[_key(name)] = entry
            return cls

        return enrol

    def __repr__(self) -> str:
        return f"<{self.kind}: {', '.join(sorted(self.names))}>"

    def has(self, name: object) -> bool:
        """Return whether it is a name of the table."""
        return isinstance(name, str) and _key(name) in self.classes

    def resolve(self, given: object, argument: str = "") -> T:
        """Return the object for a name, an object of this kind, or what `describe` returned.

        Args:
            given: The value of an argument.
            argument: What messages call it; by default the kind.

        Raises:
            TypeError: It is none of these.
            ValueError: The name is unknown, or that of a class whose objects need arguments.
        """
        if isinstance(given, self.base):
            return given
        if isinstance(given, str):
            cls = self._find(given, argument)
            needed = [name for name, default in arguments_of(cls).items() if default is inspect.Parameter.empty]
            if needed:
                raise ValueError(
                    f"{argument or self.kind} {given!r} needs {', '.join(needed)}: give an object, "
                    f"{cls.__name__}({', '.join(f'{name}=...' for name in needed)})."
                )
            return cls()
        if isinstance(given, Mapping) and given.keys() == {"class", "config"} and isinstance(given["config"], Mapping):
            return self._find(given["class"], argument).from_config(given["config"])
        place = f" for {argument}" if argument not in ("", self.kind) else ""
        raise TypeError(
            f"Expected the name of a known {self.kind} or an object of one{place}, not {given!r}.{made_of(given)}"
        )

    def _find(self, name: object, argument: str) -> type[T]:
        try:
            return self.classes[_key(str(name))]
        except KeyError:
            raise unknown_name(self.kind, name, self.names, argument) from None


def _key(name: str) -> str:
    return name.replace("_", "").lower()
