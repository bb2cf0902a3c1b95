"""Penalties on the size of weights and of values, which keep a model simple.

They are part of what is minimised and of the loss that is reported. With the losses L_i and weights w_i of the n
samples of a batch, the penalties P of the regularised weights and the penalties A_i of the regularised outputs of
sample i, a step goes along the gradient of

    (sum_i w_i L_i + sum_i A_i) / n + P,

which, times n / sum_i w_i, is what `fit` and `evaluate` report. `Sequential.backward` adds the gradients of P and of
sum_i A_i / n to those of one's own loss. Unlike `fastopt.optimizers.Decay`, which acts on all weights, they belong to
single tensors; the two add up.
"""

from fastopt.core import checks
from fastopt.core.registry import Described, Registry

__all__ = ["L1", "L1L2", "L2", "REGULARIZERS", "Regularizer"]


class Regularizer(Described):
    """The base of all regularizers: l1 |w|_1 + l2 |w|^2, with the gradient l1 sign(w) + 2 l2 w.

    As in Keras, and unlike in books that halve it, the square has no factor 1/2.

    Attributes:
        l1: The weight of the sum of magnitudes.
        l2: The weight of the sum of squares.
    """

    l1: float = 0.0
    l2: float = 0.0


REGULARIZERS = Registry("regularizer", Regularizer)


@REGULARIZERS.add()
class L1(Regularizer):
    """The sum of magnitudes: l1 |w|_1, which makes weights exactly 0 where they matter little.

    Args:
        l1: The weight of the sum, at least 0.

    Raises:
        TypeError: `l1` is not a number.
        ValueError: It is negative.

    Source:
        Tibshirani, Regression shrinkage and selection via the lasso, JRSS B 58(1), 1996.

    Example:
        >>> import fastopt as fo
        >>> model = fo.Sequential([fo.layers.Dense(1, activity_regularizer=fo.regularizers.L1(0.25))])
        >>> model.compile("sgd", "mse")
        >>> model.build(1)
        >>> model.set_weights([[[3.0]], [0.0]])
        >>> model.evaluate([[1.0], [-2.0]], [3.0, -6.0])  # 0.25 (3 + 6) / 2
        Results(loss=1.125)
    """

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = checks.real("l1", l1, 0.0)


@REGULARIZERS.add()
class L2(Regularizer):
    """The sum of squares: l2 |w|^2, with the gradient 2 l2 w.

    Args:
        l2: The weight of the sum, at least 0.

    Raises:
        TypeError: `l2` is not a number.
        ValueError: It is negative.

    Source:
        Hoerl and Kennard, Ridge regression: biased estimation for nonorthogonal problems, Technometrics 12(1), 1970.

    Example:
        >>> import fastopt as fo
        >>> model = fo.Sequential([fo.layers.Dense(1, kernel_initializer="ones", kernel_regularizer="l2")])
        >>> model.compile("sgd", "mse")
        >>> model.train_on_batch([[1.0, 2.0]], [3.0])  # 0 + 0.01 (1 + 1)
        Results(loss=0.02)
    """

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = checks.real("l2", l2, 0.0)


@REGULARIZERS.add()
class L1L2(Regularizer):
    """Both sums: l1 |w|_1 + l2 |w|^2.

    Args:
        l1: The weight of the sum of magnitudes, at least 0.
        l2: The weight of the sum of squares, at least 0.

    Raises:
        TypeError: One is not a number.
        ValueError: One is negative.

    Source:
        Zou and Hastie, Regularization and variable selection via the elastic net, JRSS B 67(2), 2005.

    Example:
        >>> import fastopt as fo
        >>> fo.regularizers.L1L2(1e-5, 1e-4)
        L1L2(l1=1e-05, l2=0.0001)
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = checks.real("l1", l1, 0.0)
        self.l2 = checks.real("l2", l2, 0.0)
