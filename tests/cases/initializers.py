"""Initializers with what is known of their values."""

import math
from collections.abc import Callable
from typing import NamedTuple

from fastopt.initializers import (
    Constant,
    FanInUniform,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Initializer,
    LecunNormal,
    LecunUniform,
    Ones,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    Sparse,
    VarianceScaling,
    Zeros,
)


class Row(NamedTuple):
    """An initializer, its mean and, from inputs and outputs, its variance; the shape of its distribution; a digest."""

    initializer: Initializer
    mean: float
    variance: Callable[[int, int], float]
    kind: str
    digest: str


INITIALIZERS = [
    Row(Zeros(), 0, lambda i, o: 0, "constant", "0969661ea1f13260"),
    Row(Ones(), 1, lambda i, o: 0, "constant", "8dd259de5e712b4c"),
    Row(Constant(0.1), 0.1, lambda i, o: 0, "constant", "8faf8bdda754b3b2"),
    Row(RandomNormal(1.0, 0.01), 1.0, lambda i, o: 1e-4, "normal", "fe2015174c423f4e"),
    Row(RandomUniform(-0.1, 0.3), 0.1, lambda i, o: 0.4**2 / 12, "uniform", "5bec983658410a8b"),
    Row(VarianceScaling(3.0, "fan_out", "uniform"), 0, lambda i, o: 3 / o, "uniform", "c0e2a064fc2dbc14"),
    Row(VarianceScaling(0.5, "fan_avg"), 0, lambda i, o: 1 / (i + o), "normal", "d18cc0c35522edb4"),
    Row(GlorotNormal(), 0, lambda i, o: 2 / (i + o), "normal", "fe0b594636c61c38"),
    Row(GlorotUniform(4.0), 0, lambda i, o: 16 * 2 / (i + o), "uniform", "dac1f6d3cdc5c8c0"),
    Row(HeNormal(), 0, lambda i, o: 2 / i, "normal", "95013ec44b96b022"),
    Row(HeNormal(2.0, 0.1), 0, lambda i, o: 4 * 2 / 1.01 / i, "normal", "7711a7747cd9e6fd"),
    Row(HeUniform(), 0, lambda i, o: 2 / i, "uniform", "315e38d9b68e786d"),
    Row(HeUniform(negative_slope=0.2), 0, lambda i, o: 2 / 1.04 / i, "uniform", "f2fa7c3b9f91b23c"),
    Row(LecunNormal(5 / 3), 0, lambda i, o: 25 / 9 / i, "normal", "567aa50b409b8ea3"),
    Row(LecunUniform(), 0, lambda i, o: 1 / i, "uniform", "fdbeb48a4756b112"),
    Row(FanInUniform(), 0, lambda i, o: 1 / (3 * i), "uniform", "60db018b680198d1"),
    Row(Orthogonal(), 0, lambda i, o: 1 / max(i, o), "orthogonal", "4ce5b6934f375331"),
    Row(Orthogonal(math.sqrt(2)), 0, lambda i, o: 2 / max(i, o), "orthogonal", "ee7f0876fe841aca"),
    Row(Sparse(), 0, lambda i, o: 15 / i, "sparse", "9beede4995055b69"),
    Row(Sparse(3, 0.5), 0, lambda i, o: 0.25 * 3 / i, "sparse", "d950dd137e68a94c"),
]
