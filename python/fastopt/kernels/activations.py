"""The activations, and functions of each element.

An activation of the core is a row of the table below: what it is called, what it computes, its gradient, who found it,
and an example.
"""

from typing import Protocol

from numpy.typing import ArrayLike

from fastopt._core import kernels as core
from fastopt.core.plain import Real
from fastopt.kernels.arrays import read

__all__ = [
    "activation_backward",
    "elu",
    "exp",
    "gelu",
    "gelu_tanh",
    "hard_sigmoid",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log",
    "mish",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "tanh",
]


class Activation(Protocol):
    """y = f(x)."""

    def __call__(self, x: ArrayLike, out: Real | None = None) -> Real: ...


_DOCUMENTATION = """{text}

{gradient}

Args:
    x: {shape}.
    out: {out}; may be x itself.

Returns:
    {result}.

Raises:
    TypeError: the dtype is not float32 or float64.
    ValueError: {refused}``out`` cannot be written.

{source}{example}
"""

_ANY_SHAPE = {"shape": "any shape", "out": "shape of x", "result": "Shape of x", "refused": ""}
_ROWS = {
    "shape": "[rows, columns]",
    "out": "[rows, columns]",
    "result": "[rows, columns]; each row sums to 1",
    "refused": "x is not two-dimensional, or ",
}


def _activation(
    name: str, text: str, gradient: str, example: str, source: str = "", shapes: dict[str, str] = _ANY_SHAPE
) -> Activation:
    """Return the activation of the core, documented; its gradient dx is written in y or x, whichever it is given."""

    def activation(x: ArrayLike, out: Real | None = None) -> Real:
        return core.activation_forward(name, read(x), out)

    activation.__name__ = activation.__qualname__ = name
    activation.__doc__ = _DOCUMENTATION.format(
        text=text,
        gradient=f"Its gradient, by `activation_backward`, is {gradient}.",
        source=f"Source: {source}\n\n" if source else "",
        example=example,
        **shapes,
    )
    return activation


linear = _activation(
    "linear",
    "Identity, ``f(x) = x``: a copy of x.",
    "``dx = dy``",
    ">>> linear([-1.0, 2.0])\narray([-1.,  2.])",
)
relu = _activation(
    "relu",
    "Rectified linear unit, ``f(x) = max(x, 0)``; NaN stays NaN.",
    "``dx = dy`` where ``y > 0``, else 0",
    ">>> relu([-1.0, 2.0])\narray([0., 2.])",
    'V. Nair, G. Hinton, "Rectified linear units improve restricted Boltzmann machines", ICML 2010.',
)
leaky_relu = _activation(
    "leaky_relu",
    "Rectified linear unit with a slope below 0, ``f(x) = x`` for ``x > 0``, else ``x / 100``.",
    "``dx = dy`` where ``y > 0``, else ``dy / 100``",
    ">>> leaky_relu([-1.0, 2.0])\narray([-0.01,  2.  ])",
    'A. Maas, A. Hannun, A. Ng, "Rectifier nonlinearities improve neural network acoustic models", ICML 2013.',
)
elu = _activation(
    "elu",
    "Exponential linear unit, ``f(x) = x`` for ``x > 0``, else ``exp(x) - 1``, within 2 units in the last place.",
    "``dx = dy`` where ``y > 0``, else ``dy (y + 1)``",
    ">>> elu([-1.0, 2.0]).round(4)\narray([-0.6321,  2.    ])",
    'D. Clevert, T. Unterthiner, S. Hochreiter, "Fast and accurate deep network learning by exponential linear\n'
    'units", ICLR 2016.',
)
selu = _activation(
    "selu",
    "Scaled exponential linear unit, ``f(x) = s x`` for ``x > 0``, else ``s a (exp(x) - 1)``.\n\n"
    "``s = 1.0507...`` and ``a = 1.6732...`` keep mean 0 and variance 1 from layer to layer; within 3 units in the "
    "last\nplace.",
    "``dx = s dy`` where ``y > 0``, else ``dy (y + s a)``",
    ">>> selu([-1.0, 2.0]).round(4)\narray([-1.1113,  2.1014])",
    'G. Klambauer, T. Unterthiner, A. Mayr, S. Hochreiter, "Self-normalizing neural networks", NIPS 2017.',
)
softplus = _activation(
    "softplus",
    "Smooth rectifier, ``f(x) = log(1 + exp(x))``, without overflow, within 3 units in the last place.",
    "``dx = dy (1 - exp(-y))``",
    ">>> softplus([0.0, 100.0]).round(4)\narray([  0.6931, 100.    ])",
    'C. Dugas et al., "Incorporating second-order functional knowledge for better option pricing", NIPS 2000.',
)
softsign = _activation(
    "softsign",
    "Softsign, ``f(x) = x / (1 + |x|)``, within 2 units in the last place.",
    "``dx = dy (1 - |y|)^2``",
    ">>> softsign([-1.0, 3.0])\narray([-0.5 ,  0.75])",
)
sigmoid = _activation(
    "sigmoid",
    "Logistic function, ``f(x) = 1 / (1 + exp(-x))``, within 4 units in the last place.",
    "``dx = dy y (1 - y)``",
    ">>> sigmoid([0.0, 2.0]).round(4)\narray([0.5   , 0.8808])",
)
tanh = _activation(
    "tanh",
    "Hyperbolic tangent of each element, within 4 units in the last place.",
    "``dx = dy (1 - y^2)``",
    ">>> tanh([0.0, 1.0]).round(4)\narray([0.    , 0.7616])",
)
hard_sigmoid = _activation(
    "hard_sigmoid",
    "Sigmoid in three straight pieces, ``f(x) = min(max(x + 3, 0), 6) / 6``, as in Keras 3 and PyTorch.",
    "``dx = dy / 6`` where ``0 < y < 1``, else 0",
    ">>> hard_sigmoid([-4.0, 0.0, 4.0])\narray([0. , 0.5, 1. ])",
)
hard_tanh = _activation(
    "hard_tanh",
    "Hyperbolic tangent in three straight pieces, ``f(x) = min(max(x, -1), 1)``.",
    "``dx = dy`` where ``|y| < 1``, else 0",
    ">>> hard_tanh([-4.0, 0.5, 4.0])\narray([-1. ,  0.5,  1. ])",
)
gelu = _activation(
    "gelu",
    "Gaussian error linear unit, ``f(x) = x Phi(x)``, Phi being the normal distribution function.\n\n"
    "``Phi(x) = (1 + erf(x / sqrt(2))) / 2``, but small results keep their digits too: within 10 units in the last "
    "place.",
    "``dx = dy (Phi(x) + x phi(x))`` with ``phi = Phi'``",
    ">>> gelu([-1.0, 2.0]).round(4)\narray([-0.1587,  1.9545])",
    'D. Hendrycks, K. Gimpel, "Gaussian error linear units (GELUs)", arXiv:1606.08415, 2016.',
)
gelu_tanh = _activation(
    "gelu_tanh",
    "Approximate GELU, ``f(x) = x (1 + tanh(u)) / 2`` with ``u = sqrt(2 / pi) (x + 0.044715 x^3)``.",
    "``dx = dy (1 + t + x (1 - t^2) u') / 2`` with ``t = tanh(u)`` and\n``u' = sqrt(2 / pi) (1 + 0.134145 x^2)``",
    ">>> gelu_tanh([-1.0, 2.0]).round(4)\narray([-0.1588,  1.9546])",
    'D. Hendrycks, K. Gimpel, "Gaussian error linear units (GELUs)", arXiv:1606.08415, 2016.',
)
silu = _activation(
    "silu",
    "Sigmoid linear unit or swish, ``f(x) = x / (1 + exp(-x))``, within 4 units in the last place.",
    "``dx = dy s (1 + x (1 - s))`` with ``s = sigmoid(x)``",
    ">>> silu([-1.0, 2.0]).round(4)\narray([-0.2689,  1.7616])",
    'D. Hendrycks, K. Gimpel, "Gaussian error linear units (GELUs)", arXiv:1606.08415, 2016.',
)
mish = _activation(
    "mish",
    "Mish, ``f(x) = x tanh(log(1 + exp(x)))``, without overflow, within 8 units in the last place.",
    "``dx = dy (t + x (1 - t^2) sigmoid(x))`` with\n``t = tanh(log(1 + exp(x)))``",
    ">>> mish([-1.0, 2.0]).round(4)\narray([-0.3034,  1.944 ])",
    'D. Misra, "Mish: a self regularized non-monotonic activation function", BMVC 2020, arXiv:1908.08681.',
)
softmax = _activation(
    "softmax",
    "Softmax of each row, ``f(x)_j = exp(x_j) / sum_k exp(x_k)``, without overflow.",
    "``dx_j = y_j (dy_j - sum_k dy_k y_k)`` in each row",
    ">>> softmax([[1e4, 1e4], [0.0, -1e4]])\narray([[0.5, 0.5],\n       [1. , 0. ]])",
    'J. Bridle, "Probabilistic interpretation of feedforward classification network outputs", Neurocomputing,\n1990.',
    _ROWS,
)


def activation_backward(name: str, at: ArrayLike, dy: ArrayLike, out: Real | None = None) -> Real:
    """Gradient with respect to the input of an activation, from the gradient dy with respect to its output.

    Most are computed from the output y, which a network keeps anyway, as ``dx = dy (1 - y^2)`` is for tanh; where the
    output does not tell the input, from the input x. The formula stands in the documentation of each activation.

    Args:
        name: the activation; each is a function of this module.
        at: the output y of the activation or, where its gradient is written in x, its input; any shape,
            [rows, columns] for softmax.
        dy: shape of at.
        out: shape of at; may be dy itself.

    Returns:
        Shape of at.

    Raises:
        TypeError: the dtypes differ, or are not float32 or float64.
        ValueError: the shapes differ, the name is unknown, or ``out`` cannot be written.

    >>> activation_backward("tanh", [0.0, 0.5], [1.0, 1.0])
    array([1.  , 0.75])
    """
    return core.activation_backward(name, read(at), read(dy), out)


def exp(x: ArrayLike, out: Real | None = None) -> Real:
    """Exponential of each element, within 1 unit in the last place; denormal results are kept.

    Args:
        x: any shape.
        out: shape of x; may be x itself.

    Returns:
        Shape of x.

    Raises:
        TypeError: the dtype is not float32 or float64.
        ValueError: ``out`` cannot be written.

    >>> exp([0.0, 1.0]).round(4)
    array([1.    , 2.7183])
    """
    return core.exp(read(x), out)


def log(x: ArrayLike, out: Real | None = None) -> Real:
    """Natural logarithm of each element, within 2 units in the last place; -inf at 0, NaN below.

    Args:
        x: any shape.
        out: shape of x; may be x itself.

    Returns:
        Shape of x.

    Raises:
        TypeError: the dtype is not float32 or float64.
        ValueError: ``out`` cannot be written.

    >>> log([1.0, 10.0]).round(4)
    array([0.    , 2.3026])
    """
    return core.log(read(x), out)
