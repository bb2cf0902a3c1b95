"""How the rows of each group are spoken of in the report."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Group:
    """``operation``: what is timed; ``check``: what the number that checks a result is; ``peak``: of which roof."""

    title: str
    operation: str
    check: str
    peak: str


GROUPS = {
    "training": Group("Training", "step", "loss", "of FMA peak"),
    "images": Group("Training on images", "step", "loss", "of FMA peak"),
    "models": Group("Training of many small networks", "step", "mean loss", "of FMA peak"),
    "predict": Group("Predictions", "call", "error", "of FMA peak"),
    "call": Group("Small calls", "call", "loss or error", "arithmetic, + us beyond it"),
    "scaling": Group("Training, one thing varied at a time", "step", "loss", "of FMA peak"),
    "sparse": Group("Training on a sparse matrix", "step", "loss", "-"),
    "estimators": Group("Fits of estimators, with all around them", "fit", "score", "-"),
    "full_batch": Group("Training on all samples at a time", "iteration", "loss", "of FMA peak"),
    "logistic": Group("Logistic regression to a norm of the gradient", "solution", "largest partial derivative", "-"),
    "solve": Group("Iterations of solvers, less the function", "iteration", "function / that at the start", "-"),
    "curvature": Group("Gradients and products with Hessians", "call", "length of the result", "of FMA peak"),
    "coding": Group("Sparse codes for given atoms", "solution", "cost above the least", "-"),
    "product": Group("Matrix products", "call", "error", "of FMA peak"),
    "conv": Group("Convolutions", "call", "error", "of FMA peak"),
    "kernel": Group("Kernels, forward and backward", "call", "error", "of roof"),
    "update": Group("Updates of given arrays", "step", "descent", "of a stream"),
}
