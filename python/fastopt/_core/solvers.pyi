from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import NDArray

class Problem:
    def __init__(
        self,
        *,
        size: int,
        value: Callable[..., float],
        differentiate: Callable[..., Any],
        gradient: Callable[..., Any],
        hessian: Callable[..., Any] | None,
        multiply_hessian: Callable[..., Any] | None,
        residuals: Callable[..., Any] | None,
        bounds: tuple[Sequence[float], Sequence[float]] | None,
    ) -> None: ...

class Minimizer:
    def __init__(
        self,
        direction: tuple[str, Sequence[float]],
        search: tuple[str, Sequence[float]],
        *,
        gradient: float,
        euclidean: bool,
        value: float,
        floor: float,
        step: float,
    ) -> None: ...
    def start(self, problem: Problem, x: NDArray[Any]) -> str: ...
    def iterate(self, problem: Problem) -> str: ...
    def slots(self) -> dict[str, NDArray[Any]]: ...
    @property
    def x(self) -> NDArray[Any]: ...
    @property
    def gradient(self) -> NDArray[Any]: ...
    @property
    def value(self) -> float: ...

def formulas_of_beta() -> list[str]: ...
