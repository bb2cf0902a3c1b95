"""Data to try things on: real digits in the package, MNIST from files, and synthetic classes on the spot."""

from fastopt.data.datasets import *
