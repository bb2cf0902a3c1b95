"""What an evaluation or a step returns."""

from collections.abc import Callable, ItemsView, KeysView, Mapping, ValuesView
from typing import Any

from fastopt.core import checks

__all__ = ["Results", "kind_of_results"]


class Results(tuple[float, ...]):
    """The loss and the metrics: a tuple whose items have names.

    It unpacks, as in ``loss, accuracy = model.evaluate(x, y)``, and its items are found by place or by name. ``keys``,
    ``values``, ``items`` and ``get``, ``"loss" in results``, ``dict(results)``, ``f(**results)``, ``results | others``
    and comparison with a dict are those of a dict of the values by name.

    Args:
        values: The values by name.

    Raises:
        KeyError: There is no such name.
        IndexError: There is no such place.

    Example:
        >>> import fastopt as fo
        >>> model = fo.Sequential([fo.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile("sgd", "mse", metrics=["mae"])
        >>> model.build(1)
        >>> results = model.evaluate([[1.0], [2.0]], [1.0, 3.0])
        >>> results
        Results(loss=5.0, mae=2.0)
        >>> loss, mae = results
        >>> loss == results["loss"] == results[0]
        True
        >>> dict(results)
        {'loss': 5.0, 'mae': 2.0}
    """

    _named: dict[str, float]

    def __new__(cls, values: Mapping[str, float]) -> "Results":
        """Make it of a dict."""
        self = tuple.__new__(cls, values.values())
        self._named = dict(values)
        return self

    def __getnewargs__(self) -> tuple[dict[str, float]]:
        return (self._named,)

    @property
    def _fields(self) -> tuple[str, ...]:
        return tuple(self._named)  # by which pandas.DataFrame([results]) names its columns

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, str):
            return super().__getitem__(key)
        if key not in self._named:
            raise KeyError(f"{key!r}; there are {', '.join(self._named)}")
        return self._named[key]

    def __contains__(self, key: object) -> bool:
        return key in self._named if isinstance(key, str) else super().__contains__(key)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Results):
            return self._named == other._named
        return self._named == other if isinstance(other, Mapping) else super().__eq__(other)

    __hash__ = tuple.__hash__

    def __or__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return self._named | dict(other)

    def __repr__(self) -> str:
        return f"Results({', '.join(f'{name}={value!r}' for name, value in self._named.items())})"

    def keys(self) -> KeysView[str]:
        """Return the names."""
        return self._named.keys()

    def values(self) -> ValuesView[float]:
        """Return the values."""
        return self._named.values()

    def items(self) -> ItemsView[str, float]:
        """Return the names with their values."""
        return self._named.items()

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of this name, or the default where there is none."""
        return self._named.get(name, default)


def kind_of_results(return_dict: bool | None) -> Callable[[dict[str, float]], Any]:
    """Return what makes of the values by name what `evaluate` is to return."""
    if return_dict is None:
        return Results
    return dict if checks.flag("return_dict", return_dict) else lambda logs: [*logs.values()]
