"""The minimum of a function of one variable."""

import math
import sys
from collections.abc import Callable

GOLDEN = (math.sqrt(5) - 1) / 2
RELATIVE = 1.5e-8  # no minimum is known better than to the root of the rounding
ROUNDING = 4 * sys.float_info.epsilon

Point = tuple[float, float]  # a place and the function there


def minimize_along(
    f: Callable[[float], float], x: float, value: float, step: float, low: float, high: float
) -> tuple[float, float]:
    """Return a minimum of f between bounds and its value, which is no more than that of the start.

    A minimum is bracketed, and Brent's method (Algorithms for minimization without derivatives, 1973) narrows the
    bracket to a tenth of the step. If f falls to the lowest point of the parabola through the last three points by what
    the parabola says, that ends the search; else it goes on with a tenth of that. Where f falls for ever, the result is
    not finite.

    Args:
        f: The function; NaN counts as infinitely high.
        x: The start.
        value: f(x).
        step: How far the minimum may be, more than 0.
        low: The lower bound, or -inf.
        high: The upper bound, or inf.
    """
    first, middle, last = _bracketed(f, (x, value), step, low, high)
    if first[0] == last[0] or not (math.isfinite(last[0]) and math.isfinite(middle[1])):
        return middle
    return _narrowed(f, first, middle, last, step / 10)


def _bracketed(
    f: Callable[[float], float], start: Point, step: float, low: float, high: float
) -> tuple[Point, Point, Point]:
    """Return three points in order of which the middle one is lowest; at a bound the last two are one.

    All are one where there is nowhere to go.
    """

    def near(t: float) -> Point:
        place = min(max(t, low), high)
        return (place, f(place)) if place not in (a[0], b[0]) else b

    a = b = start
    b = near(start[0] + step)
    if b == a:
        b = near(start[0] - step)
    if not b[1] < a[1]:
        a, b = b, a
    while a[0] != b[0]:
        c = near(b[0] + (b[0] - a[0]) / GOLDEN)
        if not c[1] < b[1]:
            return a, b, c
        a, b = b, c
        if not (math.isfinite(c[0]) and math.isfinite(c[1])):
            return a, b, b
    return a, b, b


def _lowest(x: Point, w: Point, v: Point) -> Point | None:
    """Return the lowest point of the parabola through three; None where it has none."""
    if len({x[0], w[0], v[0]}) < 3:
        return None
    first, second = (w[1] - x[1]) / (w[0] - x[0]), (v[1] - x[1]) / (v[0] - x[0])
    bend = (first - second) / (w[0] - v[0])
    slope = first - bend * (w[0] - x[0])
    if not 0 < bend < math.inf:
        return None
    return x[0] - slope / (2 * bend), x[1] - slope**2 / (4 * bend)


def _narrowed(f: Callable[[float], float], first: Point, x: Point, last: Point, tolerance: float) -> Point:
    low, high = sorted((first[0], last[0]))
    w, v = sorted((first, last), key=lambda point: point[1])
    before = step = scale = high - low
    while True:
        middle, guess = (low + high) / 2, _lowest(x, w, v)
        if abs(x[0] - middle) <= 2 * tolerance - (high - low) / 2:
            if guess is not None and low <= guess[0] <= high:
                u = guess[0], f(guess[0])
                believed = abs(u[1] - guess[1]) <= 0.01 * (x[1] - guess[1]) + ROUNDING * abs(x[1])
                x = min(x, u, key=lambda point: point[1])
                if believed:
                    return x
            elif x[0] in (low, high):
                return x  # at a bound
            least = RELATIVE * (abs(x[0]) + scale)
            if tolerance <= least:
                return x
            tolerance = max(tolerance / 10, least)
            continue
        if guess is not None and low < guess[0] < high and abs(guess[0] - x[0]) < abs(before) / 2:
            before, step = step, guess[0] - x[0]
            if not low + 2 * tolerance <= guess[0] <= high - 2 * tolerance:
                step = math.copysign(tolerance, middle - x[0])
        else:
            before = (low if x[0] >= middle else high) - x[0]
            step = (1 - GOLDEN) * before
        place = x[0] + (step if abs(step) >= tolerance else math.copysign(tolerance, step))
        u = place, f(place)
        if u[1] < x[1]:
            low, high = (x[0], high) if place >= x[0] else (low, x[0])
            v, w, x = w, x, u
        else:
            low, high = (low, place) if place >= x[0] else (place, high)
            if u[1] <= w[1] or w[0] == x[0]:
                v, w = w, u
            elif u[1] <= v[1] or v[0] in (x[0], w[0]):
                v = u
