"""Sparse coding: samples as sums of few atoms, and the atoms for it."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastopt import _core
from fastopt.core import bars, checks
from fastopt.core.registry import unknown_name
from fastopt.core.warn import warn
from fastopt.solvers.result import OptimizeResult

__all__ = ["sparse_coding", "sparse_encode"]

Real = NDArray[Any]

# Of the codes within a sweep of sparse_coding, which the next one goes on with; of the atoms, the passes and when no
# more are worth it.
ENCODE_TOLERANCE, ENCODE_SWEEPS = 1e-3, 20
PASSES, PASS_TOLERANCE = 10, 1e-6
ROUNDING = 1e-5  # by which a given atom may be longer than 1

ITERATIONS, CONVERGED, CALLBACK, INTERRUPTED = (
    (1, "max_iter was reached"),
    (0, "the last decrease of the cost is within tol"),
    (99, "callback asked to stop"),
    (130, "interrupted; this is what the sweep before left"),
)


def sparse_encode(
    x: ArrayLike,
    dictionary: ArrayLike,
    penalty: float = 1.0,
    *,
    codes: ArrayLike | None = None,
    tol: float = 1e-5,
    max_iter: int = 1000,
) -> Real:
    r"""Return the codes of samples for given atoms: :math:`\min_C \sum (X - C D)_{ij}^2 + λ \sum |C_{ij}|`.

    Coordinate descent in the core: with the other codes of a sample as they are, the best of atom k is
    c_k = sign(z) max(abs(z) - λ/2, 0) / abs(D_k)², z = D_k · (x - c D + c_k D_k). A sample has converged when its
    duality gap is at most ``tol * |x|²``. Results are the same to the bit for every number of threads.

    In books that write samples as columns, X = W'H, this is X', H' is the codes and W the dictionary. The cost is twice
    that of scikit-learn: ``sparse_encode(x, d, 1.0)`` is its ``sparse_encode(x, d, algorithm="lasso_cd", alpha=0.5)``.

    Args:
        x: The samples X, ``[n, features]``, float32 or computed in float64.
        dictionary: The atoms D, ``[atoms, features]``, of any length.
        penalty: λ, more than 0.
        codes: Where to start, ``[n, atoms]``; None: at 0.
        tol: The gap, as a part of the cost of codes that are all 0.
        max_iter: The most sweeps over the codes of a sample; a warning where they did not suffice.

    Returns:
        The codes C, ``[n, atoms]``, in the dtype of the samples.

    Raises:
        TypeError: An argument has a wrong type.
        ValueError: A shape is wrong, a number is not finite, or an argument out of its range.

    Source:
        Friedman, Hastie and Tibshirani, Regularization paths for generalized linear models via coordinate descent,
        Journal of Statistical Software 33(1), 2010.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> fo.solvers.sparse_encode([[3.0, -1.0], [0.2, 0.4]], np.eye(2), penalty=1.0)
        array([[ 2.5, -0.5],
               [ 0. ,  0. ]])
    """
    samples = _samples(x)
    atoms = _matrix("dictionary", dictionary, samples.dtype, (None, samples.shape[1]))
    penalty = checks.real("penalty", penalty, 0, above=True)
    tol = checks.real("tol", tol, 0)
    max_iter = checks.integer("max_iter", max_iter, 1)
    start = _codes(codes, samples, len(atoms)).copy()
    outside = _core.kernels.sparse_encode(samples, atoms, start, penalty, tol, max_iter)
    if outside:
        warn(
            f"{outside} of {len(samples)} samples are not within tol = {tol:g} after max_iter = {max_iter} sweeps; "
            "more sweeps, a larger tol or a larger penalty help.",
        )
    return start


def sparse_coding(
    x: ArrayLike,
    atoms: int | ArrayLike,
    penalty: float = 1.0,
    *,
    codes: ArrayLike | None = None,
    tol: float = 1e-4,
    max_iter: int = 100,
    seed: int = 0,
    callback: Callable[[OptimizeResult], Any] | None = None,
    verbose: int | str = 0,
) -> OptimizeResult:
    r"""Learn the atoms of which samples are sums of few: :math:`\min_{C, D} \sum (X - C D)_{ij}^2 + λ \sum |C_{ij}|`.

    Each atom D_k is of length 1 at most; else ever smaller codes of ever longer atoms would lower the cost without end.
    A sweep improves the codes as `sparse_encode` does, and then the atoms: D_k is put where the cost is least within
    the ball, with all others as they are, some times around. The cost never rises. An atom that no sample uses becomes
    the sample that costs most. Results are the same to the bit for every number of threads, and starting from the
    atoms and codes of a result goes on as if it had not stopped.

    In books that write samples as columns, X = W'H, this is X', H' is the codes and W the dictionary.

    Args:
        x: The samples X, ``[n, features]``, float32 or computed in float64. Without their mean they need fewer codes.
        atoms: How many atoms, which start as samples drawn at random; or where to start, ``[atoms, features]``.
        penalty: λ, more than 0: the larger, the fewer codes are not 0.
        codes: The codes to start from, ``[n, atoms]``; None: 0.
        tol: It ends where a sweep lowers the cost by no more than this part.
        max_iter: The most sweeps.
        seed: Of the drawn samples.
        callback: Called after each sweep with a result of `codes`, `dictionary`, `fun` and `nit`; StopIteration ends
            the run.
        verbose: 0 for nothing, 1 for a bar, 2 for one line a sweep, ``"auto"`` for a bar in a terminal or a notebook
            and lines elsewhere.

    Returns:
        `codes` ``[n, atoms]``, `dictionary` ``[atoms, features]``, `fun` (their cost), `costs` (that of the start, and
        after each sweep), `nit` (sweeps), `status`, `success` and `message`. Ctrl-C returns what the last whole sweep
        left, with status 130; a second one is not held up.

    Raises:
        TypeError: An argument has a wrong type.
        ValueError: A shape is wrong, a number is not finite, a given atom is longer than 1, or an argument out of its
            range.

    Source:
        Mairal, Bach, Ponce and Sapiro, Online dictionary learning for sparse coding, ICML 2009 (algorithm 2).

    Example:
        >>> import fastopt as fo
        >>> x, _ = fo.datasets.load_digits()
        >>> done = fo.solvers.sparse_coding(x - x.mean(axis=0), 16, max_iter=5)
        >>> done.codes.shape, done.dictionary.shape, bool(done.costs[-1] < done.costs[1] < done.costs[0])
        ((1797, 16), (16, 64), True)
    """
    samples = _samples(x)
    dictionary = _start(atoms, samples, checks.integer("seed", seed, 0, 2**64))
    penalty = checks.real("penalty", penalty, 0, above=True)
    tol = checks.real("tol", tol, 0)
    max_iter = checks.integer("max_iter", max_iter, 0)
    if callback is not None:
        checks.function("callback", callback)
    show = _progress(verbose, max_iter)
    code = _codes(codes, samples, len(dictionary)).copy()

    def cost_of(dictionary: Real, code: Real) -> Real:
        return _core.kernels.sparse_cost(samples, dictionary, code, penalty)

    state = dictionary, code, [_core.kernels.sum(cost_of(dictionary, code))]
    why = None
    try:
        while why is None:
            dictionary, code, costs = state
            if len(costs) > max_iter:
                why = ITERATIONS
                break
            code = code.copy()
            _core.kernels.sparse_encode(samples, dictionary, code, penalty, ENCODE_TOLERANCE, ENCODE_SWEEPS)
            dictionary = _improved(dictionary, samples, code, cost_of)
            cost = _core.kernels.sum(cost_of(dictionary, code))
            if not cost < costs[-1]:
                why = CONVERGED
                break
            state = dictionary, code, [*costs, cost]
            show(cost)
            if costs[-1] - cost <= tol * costs[-1]:
                why = CONVERGED
            if callback is not None:
                try:
                    callback(OptimizeResult(codes=code, dictionary=dictionary, fun=cost, nit=len(costs)))
                except StopIteration:
                    why = CALLBACK
    except KeyboardInterrupt:
        why = INTERRUPTED
    finally:
        show(None)
    dictionary, code, costs = state
    status, message = why
    return OptimizeResult(
        codes=code,
        dictionary=dictionary,
        fun=costs[-1],
        costs=np.array(costs),
        nit=len(costs) - 1,
        status=status,
        success=status == 0,
        message=message,
    )


def _improved(dictionary: Real, samples: Real, code: Real, cost_of: Callable[[Real, Real], Real]) -> Real:
    """Return better atoms for the codes."""
    moments = _core.kernels.dense_backward_kernel(code, code)
    products = _core.kernels.dense_backward_kernel(code, samples)
    dictionary = dictionary.copy()
    for _ in range(PASSES):
        if _core.kernels.update_dictionary(moments, products, dictionary) <= PASS_TOLERANCE**2 * len(dictionary):
            break
    unused = np.flatnonzero(np.diag(moments) == 0)
    if unused.size:
        worst = np.argsort(-cost_of(dictionary, code), kind="stable")[: unused.size]
        dictionary[unused[: worst.size]] = _unit(samples[worst])
    return dictionary


def _unit(rows: Real) -> Real:
    """Return rows of length 1; what is 0 stays."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(length > 0, length, 1)


def _samples(x: Any) -> Real:
    given = checks.matrix("x", x, None)
    dtype = "float32" if given.dtype == np.float32 else "float64"
    return _finite("x", given, dtype)


def _matrix(name: str, value: Any, dtype: Any, shape: tuple[int | None, int]) -> Real:
    """Return `value` as an array of this shape, whose first length may be any."""
    given = checks.array(name, value)
    rows = given.shape[0] if given.ndim == 2 and shape[0] is None else shape[0]
    if given.shape != (rows, shape[1]) or not given.size:
        wanted = f"[{'atoms' if shape[0] is None else shape[0]}, {shape[1]}]"
        raise ValueError(f"{name} has shape {given.shape}; expected {wanted}.")
    return _finite(name, given, str(dtype))


def _finite(name: str, given: Real, dtype: str) -> Real:
    checks.finite(name, given, dtype)
    value = checks.in_form(given, dtype)
    if not _core.kernels.norm(value) < float(np.finfo(dtype).max) ** 0.5:
        raise ValueError(f"{name} holds numbers whose squares are too large for {dtype}; scale it.")
    return value


def _codes(codes: Any, samples: Real, atoms: int) -> Real:
    shape = (len(samples), atoms)
    return np.zeros(shape, samples.dtype) if codes is None else _matrix("codes", codes, samples.dtype, shape)


def _start(atoms: Any, samples: Real, seed: int) -> Real:
    """Return the atoms to start from: the given ones, or samples and, where these are too few, noise."""
    if isinstance(atoms, int | np.integer) and not isinstance(atoms, bool):
        count = checks.integer("atoms", atoms, 1)
        order = _core.kernels.permutation(seed, 0, len(samples))
        drawn = samples[order[np.any(samples[order] != 0, axis=1)][:count]]
        missing = count - len(drawn)
        noise = _core.kernels.normal(seed, 1, missing * samples.shape[1], str(samples.dtype))
        return _unit(np.concatenate([drawn, noise.reshape(missing, samples.shape[1])]))
    given = _matrix("atoms", atoms, samples.dtype, (None, samples.shape[1]))
    length = np.linalg.norm(given, axis=1)
    longest = int(length.argmax())
    if length[longest] > 1 + ROUNDING:
        raise ValueError(f"atoms[{longest}] has length {length[longest]:g}; atoms may be no longer than 1.")
    return given.copy()


def _progress(verbose: Any, sweeps: int) -> Callable[[float | None], None]:
    """Return what is called with the cost after each sweep, and with None at the end."""
    if isinstance(verbose, bool) or verbose not in ("auto", 0, 1, 2):
        raise unknown_name("verbose", verbose, ("auto", "0", "1", "2"))
    kind = (1 if bars.interactive() else 2) if verbose == "auto" else verbose
    if kind == 0:
        return lambda cost: None
    if kind == 1:
        bar = bars.bar(total=sweeps, unit=" sweeps")

        def move(cost: float | None) -> None:
            if cost is None:
                bar.close()
            else:
                bar.set_postfix_str(f"cost {cost:.6g}", refresh=False)
                bar.update(1)

        return move
    done = 0

    def line(cost: float | None) -> None:
        nonlocal done
        done += 1
        if cost is not None:
            print(f"sweep {done:>{len(str(sweeps))}}/{sweeps}  cost {cost:.6g}", flush=True)

    return line
