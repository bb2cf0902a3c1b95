"""Sums of squares of Moré, Garbow and Hillstrom, ACM Transactions on Mathematical Software 7 (1981).

Residuals take many points at once, the columns of an array [n, points], and return [m, points]. They take complex
numbers, so that derivatives are exact: the imaginary part of a step along it.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Problem(NamedTuple):
    """A start, the residuals there and elsewhere, and the least sum of squares that is known, or local ones."""

    start: np.ndarray
    residuals: Callable[[np.ndarray], np.ndarray]
    minima: tuple[float, ...]


def values(problem: Problem, x: np.ndarray) -> np.ndarray:
    """The residuals at one point."""
    return problem.residuals(x[:, None])[:, 0]


def jacobian(problem: Problem, x: np.ndarray) -> np.ndarray:
    return problem.residuals(x[:, None] + 1e-30j * np.eye(x.size)).imag / 1e-30


def gradient(problem: Problem, x: np.ndarray) -> np.ndarray:
    """Of the sum of squares, of one evaluation: the real parts are the residuals."""
    r = problem.residuals(x[:, None] + 1e-30j * np.eye(x.size))
    return 2 * (r.real * r.imag).sum(0) / 1e-30


def hessian(problem: Problem, x: np.ndarray) -> np.ndarray:
    """Of the sum of squares: central differences of exact gradients."""
    n, step = x.size, 1e-6 * np.maximum(1, np.abs(x))
    around = np.concatenate([np.diag(step), -np.diag(step)]) + x
    r = problem.residuals((around[..., None] + 1e-30j * np.eye(n)).transpose(1, 0, 2).reshape(n, -1))
    r = r.reshape(-1, 2 * n, n)
    gradients = 2 * (r.real * r.imag).sum(0) / 1e-30
    rows = (gradients[:n] - gradients[n:]) / (2 * step[:, None])
    return (rows + rows.T) / 2


def column(values) -> np.ndarray:
    return np.array(values, float)[:, None]


def rosenbrock(x):
    return np.array([10 * (x[1] - x[0] ** 2), 1 - x[0]])


def freudenstein_roth(x):
    return np.array([-13 + x[0] + ((5 - x[1]) * x[1] - 2) * x[1], -29 + x[0] + ((x[1] + 1) * x[1] - 14) * x[1]])


def powell_badly_scaled(x):
    return np.array([1e4 * x[0] * x[1] - 1, np.exp(-x[0]) + np.exp(-x[1]) - 1.0001])


def brown_badly_scaled(x):
    return np.array([x[0] - 1e6, x[1] - 2e-6, x[0] * x[1] - 2])


def beale(x):
    return np.array([y - x[0] * (1 - x[1] ** i) for i, y in enumerate([1.5, 2.25, 2.625], 1)])


def jennrich_sampson(x):
    i = column(range(1, 11))
    return 2 + 2 * i - (np.exp(i * x[0]) + np.exp(i * x[1]))


def helical_valley(x):
    theta = np.arctan(x[1] / x[0]) / (2 * np.pi) + np.where(x[0].real < 0, 0.5, 0)
    return np.array([10 * (x[2] - 10 * theta), 10 * (np.sqrt(x[0] ** 2 + x[1] ** 2) - 1), x[2]])


BARD = column([0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39])


def bard(x):
    u = column(range(1, 16))
    v = 16 - u
    return BARD - (x[0] + u / (v * x[1] + np.minimum(u, v) * x[2]))


GAUSSIAN = column([9e-4, 44e-4, 175e-4, 540e-4, 1295e-4, 2420e-4, 3521e-4, 3989e-4])


def gaussian(x):
    t = (8 - column(range(1, 16))) / 2
    return x[0] * np.exp(-x[1] * (t - x[2]) ** 2 / 2) - np.concatenate([GAUSSIAN, GAUSSIAN[-2::-1]])


MEYER = column([34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427, 3820, 3307, 2872])


def meyer(x):
    t = 45 + 5 * column(range(1, 17))
    return x[0] * np.exp(x[1] / (t + x[2])) - MEYER


def gulf(x):
    t = column(range(1, 100)) / 100
    y = 25 + (-50 * np.log(t)) ** (2 / 3)
    return np.exp(-(((y - x[1]) ** 2) ** (x[2] / 2)) / x[0]) - t


def box(x):
    t = column(range(1, 11)) / 10
    return np.exp(-t * x[0]) - np.exp(-t * x[1]) - x[2] * (np.exp(-t) - np.exp(-10 * t))


def powell_singular(x):
    return np.array([x[0] + 10 * x[1], 5**0.5 * (x[2] - x[3]), (x[1] - 2 * x[2]) ** 2, 10**0.5 * (x[0] - x[3]) ** 2])


def wood(x):
    return np.array(
        [
            10 * (x[1] - x[0] ** 2),
            1 - x[0],
            90**0.5 * (x[3] - x[2] ** 2),
            1 - x[2],
            10**0.5 * (x[1] + x[3] - 2),
            (x[1] - x[3]) / 10**0.5,
        ]
    )


KOWALIK_Y = column([0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246])
KOWALIK_U = column([4, 2, 1, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625])


def kowalik_osborne(x):
    u = KOWALIK_U
    return KOWALIK_Y - x[0] * (u**2 + u * x[1]) / (u**2 + u * x[2] + x[3])


def brown_dennis(x):
    t = column(range(1, 21)) / 5
    return (x[0] + t * x[1] - np.exp(t)) ** 2 + (x[2] + x[3] * np.sin(t) - np.cos(t)) ** 2


# fmt: off
OSBORNE_1 = column(
    [
        0.844, 0.908, 0.932, 0.936, 0.925, 0.908, 0.881, 0.850, 0.818, 0.784, 0.751, 0.718, 0.685, 0.658,
        0.628, 0.603, 0.580, 0.558, 0.538, 0.522, 0.506, 0.490, 0.478, 0.467, 0.457, 0.448, 0.438, 0.431,
        0.424, 0.420, 0.414, 0.411, 0.406,
    ]
)
# fmt: on


def osborne_1(x):
    t = 10 * column(range(33))
    return OSBORNE_1 - (x[0] + x[1] * np.exp(-t * x[3]) + x[2] * np.exp(-t * x[4]))


def biggs(x):
    t = column(range(1, 14)) / 10
    y = np.exp(-t) - 5 * np.exp(-10 * t) + 3 * np.exp(-4 * t)
    return x[2] * np.exp(-t * x[0]) - x[3] * np.exp(-t * x[1]) + x[5] * np.exp(-t * x[4]) - y


# fmt: off
OSBORNE_2 = column(
    [
        1.366, 1.191, 1.112, 1.013, 0.991, 0.885, 0.831, 0.847, 0.786, 0.725, 0.746, 0.679, 0.608, 0.655,
        0.616, 0.606, 0.602, 0.626, 0.651, 0.724, 0.649, 0.649, 0.694, 0.644, 0.624, 0.661, 0.612, 0.558,
        0.533, 0.495, 0.500, 0.423, 0.395, 0.375, 0.372, 0.391, 0.396, 0.405, 0.428, 0.429, 0.523, 0.562,
        0.607, 0.653, 0.672, 0.708, 0.633, 0.668, 0.645, 0.632, 0.591, 0.559, 0.597, 0.625, 0.739, 0.710,
        0.729, 0.720, 0.636, 0.581, 0.428, 0.292, 0.162, 0.098, 0.054,
    ]
)
# fmt: on


def osborne_2(x):
    t = column(range(65)) / 10
    peaks = sum(x[k] * np.exp(-((t - x[k + 7]) ** 2) * x[k + 4]) for k in (1, 2, 3))
    return OSBORNE_2 - (x[0] * np.exp(-t * x[4]) + peaks)


def watson(x):
    t, j = column(range(1, 30)) / 29, np.arange(len(x))
    powers = t**j
    return np.concatenate([(j[1:] * powers[:, :-1]) @ x[1:] - (powers @ x) ** 2 - 1, [x[0], x[1] - x[0] ** 2 - 1]])


def extended_rosenbrock(x):
    return np.concatenate([10 * (x[1::2] - x[::2] ** 2), 1 - x[::2]])


def extended_powell(x):
    return np.concatenate([powell_singular(x[i : i + 4]) for i in range(0, len(x), 4)])


def penalty_1(x):
    return np.concatenate([1e-5**0.5 * (x - 1), [(x**2).sum(0) - 0.25]])


def penalty_2(x):
    n, i = len(x), column(range(2, len(x) + 1))
    y = np.exp(i / 10) + np.exp((i - 1) / 10)
    a = 1e-5**0.5
    return np.concatenate(
        [
            [x[0] - 0.2],
            a * (np.exp(x[1:] / 10) + np.exp(x[:-1] / 10) - y),
            a * (np.exp(x[1:] / 10) - np.exp(-1 / 10)),
            [((n - np.arange(n)) @ x**2) - 1],
        ]
    )


def variably_dimensioned(x):
    total = np.arange(1, len(x) + 1) @ (x - 1)
    return np.concatenate([x - 1, [total, total**2]])


def trigonometric(x):
    i = column(range(1, len(x) + 1))
    return len(x) - np.cos(x).sum(0) + i * (1 - np.cos(x)) - np.sin(x)


def brown_almost_linear(x):
    return np.concatenate([x[:-1] + x.sum(0) - (len(x) + 1), [np.prod(x, axis=0) - 1]])


def boundary_value(x):
    h, t = 1 / (len(x) + 1), grid(len(x))[:, None]
    padded = np.pad(x, [(1, 1), (0, 0)])
    return 2 * x - padded[:-2] - padded[2:] + h**2 * (x + t + 1) ** 3 / 2


def integral_equation(x):
    h, t = 1 / (len(x) + 1), grid(len(x))[:, None]
    kernel = np.minimum(t, t.T) * (1 - np.maximum(t, t.T))
    return x + h / 2 * (kernel @ (x + t + 1) ** 3)


def broyden_tridiagonal(x):
    padded = np.pad(x, [(1, 1), (0, 0)])
    return (3 - 2 * x) * x - padded[:-2] - 2 * padded[2:] + 1


def broyden_banded(x):
    i = np.arange(len(x))
    away = i[:, None] - i
    beside = ((away >= -1) & (away <= 5) & (away != 0)).astype(float)
    return x * (2 + 5 * x**2) + 1 - beside @ (x * (1 + x))


def linear_full_rank(x, m=20):
    total = 2 / m * x.sum(0) + 1
    return np.concatenate([x - total, np.tile(-total, (m - len(x), 1))])


def linear_rank_1(x, m=20):
    return column(range(1, m + 1)) * (np.arange(1, len(x) + 1) @ x) - 1


def linear_rank_1_with_zeros(x, m=20):
    total = np.arange(2, len(x)) @ x[1:-1]
    return column([0, *range(1, m - 1), 0]) * total - 1


def chebyquad(x):
    rows, before, last = [], np.ones_like(x), 2 * x - 1
    for i in range(1, len(x) + 1):
        rows.append(last.mean(0) + (1 / (i * i - 1) if i % 2 == 0 else 0))
        before, last = last, 2 * (2 * x - 1) * last - before
    return np.array(rows)


def grid(n):
    return np.arange(1, n + 1) / (n + 1)


PROBLEMS = {
    "rosenbrock": Problem(np.array([-1.2, 1]), rosenbrock, (0,)),
    "freudenstein_roth": Problem(np.array([0.5, -2]), freudenstein_roth, (0, 48.9842)),
    "powell_badly_scaled": Problem(np.array([0.0, 1]), powell_badly_scaled, (0,)),
    "brown_badly_scaled": Problem(np.array([1.0, 1]), brown_badly_scaled, (0,)),
    "beale": Problem(np.array([1.0, 1]), beale, (0,)),
    "jennrich_sampson": Problem(np.array([0.3, 0.4]), jennrich_sampson, (124.362,)),
    "helical_valley": Problem(np.array([-1.0, 0, 0]), helical_valley, (0,)),
    "bard": Problem(np.array([1.0, 1, 1]), bard, (8.21487e-3, 17.4286)),
    "gaussian": Problem(np.array([0.4, 1, 0]), gaussian, (1.12793e-8,)),
    "meyer": Problem(np.array([0.02, 4000, 250]), meyer, (87.9458,)),
    "gulf": Problem(np.array([5, 2.5, 0.15]), gulf, (0,)),
    "box": Problem(np.array([0.0, 10, 20]), box, (0,)),
    "powell_singular": Problem(np.array([3.0, -1, 0, 1]), powell_singular, (0,)),
    "wood": Problem(np.array([-3.0, -1, -3, -1]), wood, (0,)),
    "kowalik_osborne": Problem(np.array([0.25, 0.39, 0.415, 0.39]), kowalik_osborne, (3.07505e-4, 1.02734e-3)),
    "brown_dennis": Problem(np.array([25.0, 5, -5, -1]), brown_dennis, (85822.2,)),
    "osborne_1": Problem(np.array([0.5, 1.5, -1, 0.01, 0.02]), osborne_1, (5.46489e-5,)),
    "biggs": Problem(np.array([1.0, 2, 1, 1, 1, 1]), biggs, (0, 5.65565e-3)),
    "osborne_2": Problem(np.array([1.3, 0.65, 0.65, 0.7, 0.6, 3, 5, 7, 2, 4.5, 5.5]), osborne_2, (4.01377e-2,)),
    "watson_6": Problem(np.zeros(6), watson, (2.28767e-3,)),
    "watson_9": Problem(np.zeros(9), watson, (1.39976e-6,)),
    "extended_rosenbrock": Problem(np.tile([-1.2, 1], 5), extended_rosenbrock, (0,)),
    "extended_powell": Problem(np.tile([3.0, -1, 0, 1], 3), extended_powell, (0,)),
    "penalty_1": Problem(np.arange(1.0, 11), penalty_1, (7.08765e-5,)),
    "penalty_2": Problem(np.full(10, 0.5), penalty_2, (2.93660e-4,)),
    "variably_dimensioned": Problem(1 - np.arange(1, 11) / 10, variably_dimensioned, (0,)),
    "trigonometric": Problem(np.full(10, 0.1), trigonometric, (0, 2.79506e-5)),
    "brown_almost_linear": Problem(np.full(10, 0.5), brown_almost_linear, (0, 1)),
    "boundary_value": Problem(grid(10) * (grid(10) - 1), boundary_value, (0,)),
    "integral_equation": Problem(grid(10) * (grid(10) - 1), integral_equation, (0,)),
    "broyden_tridiagonal": Problem(np.full(10, -1.0), broyden_tridiagonal, (0,)),
    "broyden_banded": Problem(np.full(10, -1.0), broyden_banded, (0,)),
    "linear_full_rank": Problem(np.ones(10), linear_full_rank, (10,)),
    "linear_rank_1": Problem(np.ones(10), linear_rank_1, (20 * 19 / (2 * 41),)),
    "linear_rank_1_with_zeros": Problem(np.ones(10), linear_rank_1_with_zeros, (454 / 74,)),
    "chebyquad_8": Problem(grid(8), chebyquad, (3.51687e-3,)),
    "chebyquad_9": Problem(grid(9), chebyquad, (0,)),
    "chebyquad_10": Problem(grid(10), chebyquad, (6.50395e-3, 4.77271e-3)),
}
