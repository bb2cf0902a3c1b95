"""What the documentation of kernels has in common: their arguments, by name, and what a wrong dtype raises."""

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["documented"]

Function = TypeVar("Function", bound=Callable[..., Any])

SAMPLES = "[n, features], [n, channels, ...] or, with axis -1, [n, ..., channels]."
ARGUMENTS = {
    "x": SAMPLES,
    "gamma": "scale, [channels], or None for 1.",
    "beta": "shift, [channels], or None for 0.",
    "epsilon": "added to the variance, at least 0; 1e-5.",
    "axis": "where the channels are: 1 or -1.",
    "out": "shape of x; may be x itself.",
    "weight": "[batch], or None for ones; weights the gradient, not the losses.",
    "scale": "factor of the gradient, often 1 / batch.",
    "seed": "0 <= seed < 2**64.",
    "stream": "0 <= stream < 2**64.",
    "count": "how many numbers.",
    "dtype": '"float32" or "float64".',
}
# Of the gradients of another kernel; what is not here is as given to that.
OF_GRADIENTS = {"dy": "gradient with respect to y, shape of x.", "out": "for dx, shape of x; may be dy itself."}
DTYPES = "    TypeError: the dtypes differ, or are not float32 or float64.\n"


def documented(of: str = "", **own: str) -> Callable[[Function], Function]:
    """Return a decorator that completes a docstring by the arguments, and, of kernels with `out`, by the TypeError.

    Args:
        of: The kernel whose gradients the function computes, if it does.
        own: The texts of arguments that are not the common ones.
    """

    def complete(function: Function) -> Function:
        code = function.__code__  # whose names are found in a fraction of the time that a signature takes
        names = list(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
        common = ARGUMENTS
        if of:
            common = dict.fromkeys(names, "as given to it.") | {names[1]: f"as given to `{of}`."} | OF_GRADIENTS
        lines = "".join(f"    {name}: {own.get(name) or common[name]}\n" for name in names)
        doc = inspect.cleandoc(function.__doc__ or "").replace("\nReturns:\n", f"\nArgs:\n{lines}\nReturns:\n", 1)
        function.__doc__ = doc.replace("\nRaises:\n", "\nRaises:\n" + DTYPES, 1) if "out" in names else doc
        return function

    return complete
