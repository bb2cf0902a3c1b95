"""Noise that regularises: it is there in training only."""

from fastopt.core import checks
from fastopt.layers.base import LAYERS, Layer, Shape, Spec, checked_name

__all__ = ["Dropout", "GaussianNoise"]


@LAYERS.add()
class Dropout(Layer):
    """Sets values to 0 at random and scales the others, so that their mean stays: y = m x / (1 - rate).

    In training m is 1 with probability 1 - rate, else 0, drawn anew for each value of each batch; in `predict` and
    `evaluate` y = x. ``model.noise = False`` leaves it out of training too, so that the loss of one batch falls
    monotonically, and ``model.noise = 0.5`` halves the rate: a callback that sets it each epoch is a schedule. What is
    drawn depends on the seed and the number of batches, not on the number of threads.

    Args:
        rate: The probability of 0, at least 0 and less than 1.
        keep_prob: 1 - rate, which may be given instead.
        name: The name in summaries, messages and files.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: A probability is out of its range, or both or none are given.

    Source:
        Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, Dropout: a simple way to prevent neural networks
        from overfitting, JMLR 15, 2014; inverted, as everywhere today.

    Example:
        >>> import fastopt as fo
        >>> fo.layers.Dropout(keep_prob=0.75)
        Dropout(rate=0.25)
    """

    def __init__(self, rate: float | None = None, keep_prob: float | None = None, name: str | None = None) -> None:
        if (rate is None) == (keep_prob is None):
            raise ValueError("Give Dropout either a rate or a keep_prob.")
        if rate is not None:
            self.rate = checks.real("rate", rate, 0.0, 1.0)
        else:
            self.rate = 1.0 - checks.real("keep_prob", keep_prob, 0.0, 1.0 + 1e-15, above=True)
        self.keep_prob = None
        self.name = checked_name(name)

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the input."""
        return input_shape

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's description."""
        return [{"kind": "dropout", "rate": self.rate}]


@LAYERS.add()
class GaussianNoise(Layer):
    """Adds noise in training: y = x + n with n from N(0, stddev^2); in `predict` and `evaluate` y = x.

    Args:
        stddev: The standard deviation, at least 0.
        name: The name in summaries, messages and files.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: `stddev` is negative.

    Source:
        Bishop, Training with noise is equivalent to Tikhonov regularization, Neural Computation 7(1), 1995.

    Example:
        >>> import fastopt as fo
        >>> fo.layers.GaussianNoise(0.1)
        GaussianNoise(stddev=0.1)
    """

    def __init__(self, stddev: float, name: str | None = None) -> None:
        self.stddev = checks.real("stddev", stddev, 0.0)
        self.name = checked_name(name)

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the input."""
        return input_shape

    def specs(self, input_shape: Shape) -> list[Spec]:
        """Return the core's description."""
        return [{"kind": "gaussian_noise", "stddev": self.stddev}]
