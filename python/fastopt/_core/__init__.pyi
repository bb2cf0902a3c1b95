"""The compiled core. Everything public is re-exported, with its documentation, by the modules of ``fastopt``.

Arrays that are written in place (``out=``, parameters, slots) must be aligned, native-endian, writable, C-contiguous
and of the stated dtype, and must not overlap what is read; otherwise ValueError or TypeError is raised and nothing has
changed.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray

from . import kernels as kernels
from . import roof as roof
from . import runtime as runtime
from . import solvers as solvers

Real: TypeAlias = NDArray[np.float32] | NDArray[np.float64]

# Whether an array can be read as it is: [n >= 1, columns] of finite numbers; labels [n] from 0 to classes - 1.
def is_matrix(array: object, dtype: str, columns: int) -> TypeGuard[NDArray[Any]]: ...
def is_labels(array: object, classes: int) -> TypeGuard[NDArray[np.int64]]: ...

# Whether the entries of each row of a sparse matrix are in the order of their columns; raises where one is in none.
def in_order(name: str, starts: NDArray[np.int64], columns: NDArray[Any], width: int) -> bool: ...

# Raises where one of x [n, columns] is no id of its column, from 0 to less than its count.
def check_ids(name: str, x: Any, counts: Sequence[int]) -> None: ...

class Network:
    draws: int
    noise: float
    trainable: list[bool]  # of each layer
    # `input_size` and `outputs` are lists where there are several inputs, or others than the last node is an output;
    # nodes are the inputs, then the layers. Arrays of several inputs, outputs or targets are lists as well.
    def __init__(
        self,
        dtype: str,
        input_size: int | Sequence[int],
        layers: Sequence[Mapping[str, object]],
        seed: int = 0,
        outputs: Sequence[int] = (),
    ) -> None: ...
    @property
    def dtype(self) -> str: ...
    @property
    def centers_inputs(self) -> list[bool]: ...  # of each, whether a layer's center is subtracted before rounding
    @property
    def input_size(self) -> int: ...
    @property
    def output_size(self) -> int: ...
    # The number of parameters that learn, and whether some are kept in sets.
    @property
    def learning(self) -> int: ...
    @property
    def constrained(self) -> bool: ...
    @property
    def parameters(self) -> list[dict[str, Real]]: ...
    @property
    def gradients(self) -> list[dict[str, Real]]: ...
    @property
    def state(self) -> list[dict[str, Real]]: ...
    def schedule(self, training: bool = True) -> list[str]: ...
    def forward(self, x: Any) -> Any: ...
    def backward(self, dy: Any) -> Any: ...
    # Of all samples, or of those of these numbers.
    def predict(
        self,
        x: Any,
        batch_size: int = 256,
        poll: Callable[[int], object] | None = None,
        rows: NDArray[np.int64] | None = None,
    ) -> Any: ...
    # The same for a matrix in the form that the core reads, of at most so many rows, or those of the forward pass; of
    # anything else None.
    def forward_matrix(self, x: Any) -> Real | None: ...
    def backward_matrix(self, dy: Any) -> Real | None: ...
    def predict_matrix(self, x: Any, batch_size: int) -> Real | None: ...

# Of the samples, a slice or integers, and the outputs [n, outputs]: returns the losses [n], the gradient of
# sum(weight * loss) / n [n, outputs] and each metric [n], all in the network's dtype.
LossFunction: TypeAlias = Callable[[Any, Real, int], tuple[NDArray[Any], NDArray[Any], list[NDArray[Any]]]]

# The loss and the metrics of one output, by name; if there is a function, both names are only what to call them.
class Goal:
    def __init__(
        self,
        loss: str,
        metrics: Sequence[str] = (),
        hyper: Mapping[str, float] = {},
        factor: float = 1.0,
        function: LossFunction | None = None,
    ) -> None: ...

class Augmentation:
    def __init__(
        self,
        dtype: str,
        shape: Sequence[int],
        flip: float,
        crop: int,
        rotation: float,
        alpha: float,
        sigma: float,
        noise: float,
    ) -> None: ...
    def __call__(self, x: NDArray[Any], seed: int, epoch: int) -> Real: ...

# Fills the outputs [rows, width] of the columns of a table, each with the attributes of `fastopt.data.columns.Part`; of
# categories only the ones. Returns whether all numbers, or what stands in their places, and outputs are finite.
def encode(parts: Sequence[Any], out: Real) -> bool: ...
def rotate(x: Real, degrees: float) -> Real: ...
def distort(x: Real, dy: Real, dx: Real) -> Real: ...

# Samples with a goal for each output of the network, and the sums over those that have been passed through.
class Epoch:
    def __init__(
        self,
        network: Network,
        goals: Sequence[Goal],
        x: Any,
        y: Any,
        sample_weight: Real | None = None,
        order: NDArray[np.int64] | None = None,
        batch_size: int = 32,
        after: Epoch | None = None,  # whose sums it goes on from
    ) -> None: ...
    # Begins another pass through the samples: all in their own order, or those of these numbers, in this order.
    def start(self, batch_size: int = 32, order: NDArray[np.int64] | None = None) -> None: ...
    # How the samples of each input are changed in training, from now on; the first has a number.
    def augment(self, how: Sequence[Augmentation | None], seed: int, epoch: int, first: int) -> None: ...
    def share(self, shards: NDArray[np.int64], *, first: int, count: int, joins: bool, exchange: object) -> None: ...
    # Steps of the next batches, all that are left where their number is None; returns the sums so far.
    def train(
        self,
        optimizer: Optimizer,
        hyper: dict[str, float | NDArray[np.float64]],
        batches: int | None = None,
        poll: Callable[[int], object] | None = None,
        ends_epoch: bool = False,
    ) -> dict[str, float]: ...
    # Steps of whole epochs from one of this number on, and their evaluations, nothing being looked at between them. Of
    # each that is finished the list gets "sums", "seconds", "validation", the sums or None, and "whole", false where
    # Ctrl-C ended its evaluation. The samples are those of `start`, shuffled in epoch i as the random stream + i says.
    def train_epochs(
        self,
        optimizer: Optimizer,
        hyper: dict[str, float | NDArray[np.float64]],
        finished: list[Any],
        *,
        number: int,
        count: int,
        shuffle: bool,
        seed: int,
        stream: int,
        validation: Epoch | None = None,
        every: int = 1,
    ) -> None: ...
    # Iterations of a solver on each of the next batches, from the parameters that it stands at; `anew` where the cost
    # there is not known. Returns the sums so far, after the last iteration on each batch, why that was the last
    # ("ending"), the evaluations "nfev", "njev" and "nhev" of this call, the last "step" and "gradient_norm".
    def solve(
        self,
        minimizer: solvers.Minimizer,
        *,
        iterations: int,
        batches: int,
        anew: bool,
        whole: bool = False,
        poll: Callable[[int], object] | None = None,
    ) -> dict[str, Any]: ...
    def evaluate(self, poll: Callable[[int], object] | None = None) -> dict[str, float]: ...
    # Whether there are products with the Hessian: layers that compute have the phases, and losses are the core's.
    @property
    def has_curvature(self) -> bool: ...
    # The Hessian of the cost of all samples, or its Gauss-Newton part, times a vector.
    def multiply_curvature(
        self,
        v: NDArray[np.float64],
        parameters: NDArray[np.float64] | None = None,
        gauss_newton: bool = False,
        poll: Callable[[int], object] | None = None,
    ) -> NDArray[np.float64]: ...
    # The cost of all samples and its gradient: vectors hold the trained tensors one after the other. Samples go through
    # in chunks or, where `whole`, as one batch.
    def cost_and_gradient(
        self,
        parameters: NDArray[np.float64] | None = None,
        whole: bool = False,
        poll: Callable[[int], object] | None = None,
    ) -> tuple[float, NDArray[np.float64]]: ...

class ArrayOptimizer:
    step: int
    held: int
    held_rows: tuple[int, int]
    state: dict[str, float]
    def __init__(
        self,
        rule: str,
        params: Sequence[Real],
        names: Sequence[str],
        extras: Sequence[str] = (),
        settings: Sequence[tuple[float, float]] = (),
        matrices: Sequence[tuple[int, int, int]] = (),
    ) -> None: ...
    @property
    def rule(self) -> str: ...
    @property
    def slots(self) -> list[dict[str, Real]]: ...
    def put_average(self, params: list[Real], there: bool) -> None: ...
    def update(self, params: list[Real], grads: list[Real], hyper: dict[str, float]) -> None: ...

class Optimizer:
    step: int
    held: int
    held_rows: tuple[int, int]
    state: dict[str, float]
    def __init__(
        self,
        rule: str,
        network: Network,
        extras: Sequence[str] = (),
        settings: Sequence[tuple[float, float]] = (),
        matrices: Sequence[tuple[int, int, int]] = (),
    ) -> None: ...
    @property
    def rule(self) -> str: ...
    @property
    def slots(self) -> list[dict[str, dict[str, Real]]]: ...
    def put_average(self, there: bool) -> None: ...
    def apply(self, hyper: dict[str, float]) -> None: ...

# One step on all samples as one batch; returns its sums, as `Epoch.train`.
def train_on_batch(
    optimizer: Optimizer, goals: Sequence[Goal], x: Any, y: Any, sample_weight: Real | None, hyper: dict[str, float]
) -> dict[str, float]: ...
def allocations() -> int: ...
