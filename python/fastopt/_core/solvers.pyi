from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from fastopt._core import Network

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
    # At the parameters of a network, for `Epoch.solve`; whether they are its point.
    def place(self, network: Network) -> None: ...
    def stands_at(self, network: Network) -> bool: ...
    # Some of its slots, of the same sizes.
    def restore(self, slots: Mapping[str, NDArray[Any]]) -> None: ...
    def iterate(self, problem: Problem) -> str: ...
    def slots(self) -> dict[str, NDArray[Any]]: ...
    @property
    def x(self) -> NDArray[Any]: ...
    @property
    def gradient(self) -> NDArray[Any]: ...
    @property
    def value(self) -> float: ...

# Of a symmetric matrix: its smallest and its largest eigenvalue, the number of products, and whether both are found.
def lanczos(
    multiply: Callable[[NDArray[Any]], NDArray[Any]], start: NDArray[Any], products: int, tolerance: float
) -> tuple[float, float, int, bool]: ...
def formulas_of_beta() -> list[str]: ...
