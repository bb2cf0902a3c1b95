"""Update rules that take matrices as wholes, not element by element."""

from collections.abc import Sequence
from typing import Any

from fastopt.core import checks
from fastopt.core.registry import unknown_name
from fastopt.optimizers.base import OPTIMIZERS, Rule
from fastopt.optimizers.describe import (
    EPSILON,
    Argument,
    Flag,
    Hyperparameter,
    Integer,
    Names,
    Numbers,
    OptionalHyperparameter,
    When,
)
from fastopt.optimizers.patterns import check_used, checked_patterns, patterns_of

__all__ = ["SOAP", "Adafactor", "Muon"]

MATRICES = ("hidden", "all")
ADJUSTMENTS = ("match_rms_adamw", "original")


class Matrices(Argument["str | Names", "str | tuple[str, ...]"]):
    """Which matrices a rule takes as wholes."""

    annotation = str | Names

    def check(self, given: str | Names) -> str | tuple[str, ...]:
        """Return the word, or the names."""
        if isinstance(given, str):
            if given not in MATRICES:
                raise unknown_name("choice of matrices", given, MATRICES)
            return given
        names = checks.items(self.name, given)
        checked_patterns(names)
        return tuple(names)

    def text(self) -> str:
        """Return what it may be."""
        return (
            'Which matrices it takes: ``"hidden"``, all but embeddings and the first and the last of the others, '
            '``"all"``, or a list of names of layers, of parameters, or of both (``"dense/kernel"``).'
        )

    @staticmethod
    def chosen(choice: str | tuple[str, ...], names: Names, shapes: Sequence[tuple[int, ...]]) -> list[str]:
        """Return the names of the matrices."""
        found = [name for name, shape in zip(names, shapes, strict=True) if len(shape) == 2 and 0 not in shape]
        if choice == "hidden":
            return [name for name in found if "embedding" not in name][1:-1]
        if isinstance(choice, str):
            return found
        check_used("matrices", choice, names)
        return [name for name in found if not set(choice).isdisjoint(patterns_of(name))]


class Adjustment(Argument[str, str]):
    """How the rate depends on the shape."""

    annotation = str

    def check(self, given: str) -> str:
        """Return the name."""
        if not isinstance(given, str):
            raise TypeError(f"{self.name} must be a name, not {given!r}.")
        if given not in ADJUSTMENTS:
            raise unknown_name(self.name, given, ADJUSTMENTS)
        return given

    def series(self, value: Any, when: When) -> float:
        """Return the number of it that the core reads."""
        return float(value == "match_rms_adamw")

    def text(self) -> str:
        """Return what it may be."""
        return 'f: ``"match_rms_adamw"``, 0.2 sqrt(max(n, m)), or ``"original"``, sqrt(max(1, m / n)).'


class Side(Integer):
    """The length of a side of a matrix that is kept."""

    def check(self, given: int) -> int:
        """Return the number."""
        return checks.integer(self.name, given, self.low, 2**15 + 1)


@OPTIMIZERS.add()
class Adafactor(Rule):
    """Steps divided by the root of a mean square that keeps one number for each row and each column of a matrix.

    With p = t^c at step t = 1, 2, ..., c = beta_2_decay, s = g^2 + eps1, and RMS the root mean square over an array:
    for a matrix r_i <- (1 - p) r_i + p mean_j(s_ij), c_j <- (1 - p) c_j + p mean_i(s_ij), v_ij = r_i c_j / mean(r), and
    for all else v <- (1 - p) v + p s. Then u = g / sqrt(v), u <- u / max(1, RMS(u) / d), and
    w <- w - rho a u - lr decay w with rho = min(lr, 1 / sqrt(t)), a = max(eps2, RMS(w)). Without relative_step rho is
    lr, and without scale_parameter a is 1. With momentum, m <- mu m + (1 - mu) rho a u takes the place of rho a u: it
    costs another array.

    A matrix [n, m] has slots of n + m numbers, where `Adam` has 2 n m. An array of more dimensions is as many matrices
    as there are indices before its last two.

    Source:
        Shazeer and Stern, Adafactor: adaptive learning rates with sublinear memory cost, ICML 2018, arXiv:1804.04235,
        whose rate is 0.01. As PyTorch's, where squares are not as small as its eps, which is a lower bound of v, and as
        Keras's, which takes the smaller rate without relative_step too, and a after the decay. As optax's without
        relative_step, whose weight_decay_rate is lr decay, and which takes the two largest dimensions for rows and
        columns, but none of less than 128.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, adafactor = np.ones((300, 200)), fo.optimizers.Adafactor()
        >>> adafactor.update(w, w.copy())
        >>> {name: slot.shape for name, slot in adafactor.slots.items()}
        {'r': (300,), 'c': (200,)}
        >>> bool(np.allclose(w, 0.99))
        True
    """

    learning_rate: Hyperparameter = Hyperparameter(0.01, symbol="lr")
    beta_2_decay: Hyperparameter = Hyperparameter(-0.8, -1.0, 0.0, "c")
    epsilon_1: Hyperparameter = Hyperparameter(1e-30, EPSILON, symbol="eps1")
    epsilon_2: Hyperparameter = Hyperparameter(1e-3, symbol="eps2")
    clip_threshold: Hyperparameter = Hyperparameter(1.0, above=True, symbol="d")
    relative_step: Flag = Flag(True, "Whether the rate falls from step 1 / lr^2 on")
    weight_decay: Hyperparameter = Hyperparameter(0.0, symbol="decay")
    scale_parameter: Flag = Flag(True, "Whether steps are relative to the size of the parameters")
    momentum: Hyperparameter = Hyperparameter(0.0, 0.0, 1.0, "mu", "whether it is 0 stays for all steps")

    @property
    def rule(self) -> str:
        """``"adafactor"``, or with momentum ``"adafactor_momentum"``."""
        return "adafactor" if self.momentum == 0 else "adafactor_momentum"

    def matrices_of(self, names: Names, shapes: Sequence[tuple[int, ...]]) -> list[str]:
        """Return the names of the arrays of two dimensions or more."""
        return [name for name, shape in zip(names, shapes, strict=True) if len(shape) > 1 and 0 not in shape]

    def own_transforms(self) -> list[str]:
        """Return ``"decay"``."""
        return ["decay"]

    def own_numbers(self, when: When) -> Numbers:
        """Return the hyperparameters, and the decay."""
        return super().own_numbers(when) | {"decay": self.series("weight_decay", when)}


@OPTIMIZERS.add()
class Muon(Rule):
    """Momentum whose steps are made orthogonal, for the matrices of hidden layers; AdamW for all else.

    For a matrix [n, m], n inputs and m outputs: v <- mu v + (1 - mu) g, u = v or, with Nesterov's momentum,
    mu v + (1 - mu) g, and w <- w - lr (f O(u) + decay w). O(u) has the singular vectors of u, and singular values near
    1: X <- u / (|u| + 1e-7), then `ns_steps` times X <- a X + b (X X^T) X + c (X X^T)^2 X, a = 3.4445, b = -4.775,
    c = 2.0315. f makes the steps of all shapes comparable: with 0.2 sqrt(max(n, m)) their root mean square is that of
    AdamW's, whose rates and decay then serve; sqrt(max(1, m / n)) is Jordan's, for larger rates, such as 0.02.

    All else goes by `AdamW` with the rate adam_lr_ratio lr and the same decay: biases and other vectors, embeddings,
    and, as Jordan advises, the first and the last matrix, whose inputs and outputs are no hidden units; `matrices` says
    which.

    A step costs ns_steps s^2 (s + 3 l) operations for each matrix of the sides s <= l, as the products that are
    symmetric are computed by half.

    Source:
        Jordan et al., Muon: an optimizer for hidden layers in neural networks, 2024; f: Liu et al., Muon is scalable
        for LLM training, arXiv:2502.16982, 2025. As PyTorch's, which computes X in bfloat16, but for f, whose default
        is that of Keras, and which PyTorch applies to [m, n].

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, muon = np.zeros((2, 2)), fo.optimizers.Muon(1.0, matrices="all", adjust_lr="original")
        >>> muon.update(w, np.array([[3.0, 0.0], [0.0, 5.0]]))
        >>> bool((abs(w + np.eye(2)) < 0.35).all())
        True
    """

    rule = "muon"
    learning_rate: Hyperparameter = Hyperparameter(1e-3, symbol="lr")
    weight_decay: Hyperparameter = Hyperparameter(0.004, symbol="decay")
    momentum: Hyperparameter = Hyperparameter(0.95, 0.0, 1.0, "mu")
    nesterov: Flag = Flag(True, "Whether the step looks ahead along the velocity")
    ns_steps: Integer = Integer(5, 1, "The number of steps towards an orthogonal matrix, at least 1")
    adjust_lr: Adjustment = Adjustment("match_rms_adamw")
    matrices: Matrices = Matrices("hidden")
    adam_lr_ratio: Hyperparameter = Hyperparameter(1.0, symbol="The factor of the rate of all else")
    adam_beta_1: Hyperparameter = Hyperparameter(0.9, 0.0, 1.0, "b1 of all else")
    adam_beta_2: Hyperparameter = Hyperparameter(0.999, 0.0, 1.0, "b2 of all else")
    epsilon: Hyperparameter = Hyperparameter(1e-7, EPSILON, symbol="eps of all else")

    def matrices_of(self, names: Names, shapes: Sequence[tuple[int, ...]]) -> list[str]:
        """Return the names of the matrices that it takes as wholes."""
        return Matrices.chosen(self.matrices, names, shapes)

    def own_transforms(self) -> list[str]:
        """Return ``"decay"``."""
        return ["decay"]

    def own_numbers(self, when: When) -> Numbers:
        """Return the hyperparameters, and the decay."""
        return super().own_numbers(when) | {"decay": self.series("weight_decay", when)}


@OPTIMIZERS.add()
class SOAP(Rule):
    """Adam for each matrix in the basis of the eigenvectors of Shampoo's preconditioners.

    For a matrix, at step t = 2, 3, ... with k = t - 1: p = QL g QR^T, m <- b1 m + (1 - b1) p,
    v <- b2 v + (1 - b2) p^2, u = QL^T (m / (sqrt(v) + eps)) QR, s = lr sqrt(1 - b2^k) / (1 - b1^k) u, w <- w - s,
    w <- w - lr decay w. Then L <- b L + (1 - b) g g^T, R <- b R + (1 - b) g^T g. The rows of QL and QR are the
    eigenvectors of L and R, computed at the first step, which moves nothing. After every precondition_frequency steps
    QL becomes the orthonormal rows of QL L (a power iteration and a QR decomposition), in the order of the eigenvalues,
    and QR likewise; m goes with them.

    All else goes by the same without QL and QR: vectors, arrays of more dimensions, and sides of matrices longer than
    max_precond_dim, which keep their own basis.

    A matrix [n, m] has slots of 2 (n m + n^2 + m^2) numbers. A step costs 6 n m (n + m) operations more than Adam's,
    and, at one of precondition_frequency, 5 (n^3 + m^3) and more; the first takes some times as long.

    Source:
        Vyas, Morwani, Zhao, Shapira, Brandfonbrener, Janson and Kakade, SOAP: improving and stabilizing Shampoo using
        Adam, ICLR 2025, arXiv:2409.11321. Formulas and defaults as in the authors' program; `precondition_1d`,
        `merge_dims` and `normalize_grads`, which are off there, are left out.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, soap = np.ones((3, 2)), fo.optimizers.SOAP(0.1)
        >>> for _ in range(100):
        ...     soap.update(w, 2 * w)
        >>> bool(abs(w).max() < 0.2)
        True
    """

    rule = "soap"
    learning_rate: Hyperparameter = Hyperparameter(3e-3, symbol="lr")
    beta_1: Hyperparameter = Hyperparameter(0.95, 0.0, 1.0, "b1")
    beta_2: Hyperparameter = Hyperparameter(0.95, 0.0, 1.0, "b2")
    epsilon: Hyperparameter = Hyperparameter(1e-8, EPSILON, symbol="eps")
    weight_decay: Hyperparameter = Hyperparameter(0.01, symbol="decay")
    shampoo_beta: OptionalHyperparameter = OptionalHyperparameter(0.0, 1.0, "b", "None is beta_2")
    precondition_frequency: Integer = Integer(10, 1, "The number of steps from one basis to the next, at least 1")
    max_precond_dim: Side = Side(10_000, 1, "The longest side that has a basis, at least 1 and at most 32,768")

    @property
    def longest_side(self) -> int:
        """`max_precond_dim`."""
        return self.max_precond_dim

    def matrices_of(self, names: Names, shapes: Sequence[tuple[int, ...]]) -> list[str]:
        """Return the names of all matrices."""
        return Matrices.chosen("all", names, shapes)

    def own_transforms(self) -> list[str]:
        """Return ``"decay"``."""
        return ["decay"]

    def own_numbers(self, when: When) -> Numbers:
        """Return the hyperparameters, and the decay."""
        names = ["learning_rate", "beta_1", "beta_2", "epsilon", "precondition_frequency"]
        numbers = {name: self.series(name, when) for name in names}
        beta = numbers["beta_2"] if self.shampoo_beta is None else self.series("shampoo_beta", when)
        return numbers | {"shampoo_beta": beta, "decay": self.series("weight_decay", when)}
