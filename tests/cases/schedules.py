"""Schedules with values."""

import math

from fastopt import schedules

FAR = 10**9
ROOT = math.sqrt(0.5)


def sine(a, times):
    for _ in range(times):
        a = math.sin(a)
    return a


# A schedule, values of it, and which way it goes: down, up, both, or not at all.
SCHEDULES = [
    (schedules.Constant(0.3), {0: 0.3, 1: 0.3, FAR: 0.3}, "flat"),
    (schedules.InverseTime(0.1, k=0.5), {0: 0.1, 1: 0.1 / 1.5, 2: 0.05, FAR: 0.2e-9}, "down"),
    (schedules.InverseTime(0.1, k=0), {0: 0.1, FAR: 0.1}, "flat"),
    (schedules.Exponential(0.1, k=0.01), {0: 0.1, 100: 0.1 / math.e, 200: 0.1 / math.e**2, FAR: 0}, "down"),
    (schedules.Exponential(0.1, decay=0.95, per="epoch"), {0: 0.1, 1: 0.095, 2: 0.09025, FAR: 0}, "down"),
    (schedules.Exponential(32, decay=1.5, per="epoch"), {0: 32, 1: 48, 2: 72}, "up"),
    (schedules.InverseSqrt(0.1, k=3), {0: 0.3, 3: 0.15, 8: 0.1, 99: 0.03, 10**10 - 1: 3e-6}, "down"),
    (
        schedules.Staircase(0.8, 0.5, every=5, per="epoch"),
        {0: 0.8, 4: 0.8, 5: 0.4, 9: 0.4, 10: 0.2, 5 * 7 - 1: 0.0125, 5 * 7: 0.00625, FAR: 0},
        "down",
    ),
    (schedules.Staircase(1, 0.1, every=20, per="epoch"), {0: 1, 19: 1, 20: 0.1, 39: 0.1, 40: 0.01, 60: 1e-3}, "down"),
    (schedules.Staircase(16, 2, every=3, per="epoch"), {0: 16, 2: 16, 3: 32, 30: 2**14}, "up"),
    (schedules.Piecewise([3, 10], [1, 0.5, 0.1]), {0: 1, 2: 1, 3: 0.5, 9: 0.5, 10: 0.1, FAR: 0.1}, "down"),
    (schedules.Piecewise([1], [0.1, 0.9]), {0: 0.1, 1: 0.9, FAR: 0.9}, "up"),
    (schedules.Piecewise([], [0.1]), {0: 0.1, FAR: 0.1}, "flat"),
    (schedules.LinearDecay(0.5, 100), {0: 0.5, 1: 0.49505, 50: 0.2525, 99: 0.00995, 100: 0.005, FAR: 0.005}, "down"),
    (schedules.LinearDecay(0.5, 8, final=0.9), {0: 0.5, 2: 0.6, 8: 0.9, 9: 0.9, FAR: 0.9}, "up"),
    (schedules.Polynomial(0.4, 10, power=2), {0: 0.4, 5: 0.1, 9: 0.004, 10: 0, FAR: 0}, "down"),
    (schedules.Polynomial(0.4, 4, power=0.5, final=0.2), {0: 0.4, 2: 0.2 + 0.2 * ROOT, 3: 0.3, 4: 0.2}, "down"),
    (schedules.Cosine(0.2, 4), {0: 0.2, 1: 0.1 + 0.1 * ROOT, 2: 0.1, 3: 0.1 - 0.1 * ROOT, 4: 0, FAR: 0}, "down"),
    (schedules.Cosine(0.2, 4, final=0.1), {0: 0.2, 2: 0.15, 4: 0.1, FAR: 0.1}, "down"),
    (schedules.FlatCosine(0.2, 8), {0: 0.2, 4: 0.2, 5: 0.1 + 0.1 * ROOT, 6: 0.1, 8: 0, FAR: 0}, "down"),
    (schedules.FlatCosine(0.2, 10, final=0.3, flat=0.2), {0: 0.2, 2: 0.2, 6: 0.25, 10: 0.3, FAR: 0.3}, "up"),
    (schedules.CosineLog(0.2, 6, cycles=2), {0: 0, 2: 0, 6: 0, FAR: 0}, "both"),
    (schedules.CosineLog(0.2, 62, cycles=5), {0: 0, 2: 0, 6: 0, 14: 0, 30: 0, 62: 0}, "both"),
    (
        schedules.CosineRestarts(0.2, 4),
        {0: 0.2, 2: 0.1, 3: 0.1 - 0.1 * ROOT, 4: 0.2, 6: 0.1, 8: 0.2, 4 * FAR: 0.2, 4 * FAR + 2: 0.1},
        "both",
    ),
    (
        schedules.CosineRestarts(0.2, 4, growth=3, final=0.1),
        {0: 0.2, 2: 0.15, 4: 0.2, 10: 0.15, 16: 0.2, 34: 0.15, 52: 0.2, 2 * (3**25 - 1): 0.2, 2 * 3**25 - 3: 0.1},
        "both",
    ),
    (
        schedules.OneCycle(1, 100),
        {0: 0.1, 45: 1, 90: 0.1, 95: 0.0505, 100: 0.001, 101: 0.001, FAR: 0.001, 9: 0.28, 81: 0.28},
        "both",
    ),
    (schedules.OneCycle(0.8, 10, initial=0.9, final=0.95, tail=0), {0: 0.9, 5: 0.8, 9: 0.88, 10: 0.95}, "both"),
    (schedules.SineDecay(0.5), {0: 0.5, 1: math.sin(0.5), 7: sine(0.5, 7), 999: sine(0.5, 999)}, "down"),
    (schedules.SineDecay(0), {0: 0, 10: 0}, "flat"),
    (schedules.PowerDecay(0.1, 1.5), {0: 0.1, 1: 0.1**1.5, 2: 0.1**2.25, 10**4: 0, FAR: 0}, "down"),
    (schedules.PowerDecay(0.1), {0: 0.1, 1000: 0.1 ** (1.0001**1000)}, "down"),
    (schedules.ConstantWarmup(0.1, 400, low=0.01), {0: 0.01, 399: 0.01, 400: 0.1, FAR: 0.1}, "up"),
    (
        schedules.ConstantWarmup(schedules.Piecewise([3], [0.2, 0.1], per="epoch"), 2, low=0),
        {0: 0, 1: 0, 2: 0.2, 4: 0.2, 5: 0.1},
        "both",
    ),
    (schedules.Warmup(0.4, 4), {0: 0, 1: 0.1, 3: 0.3, 4: 0.4, FAR: 0.4}, "up"),
    (
        schedules.Warmup(schedules.Cosine(0.4, 10), 4, low=0.2),
        {0: 0.2, 1: 0.25, 4: 0.4, 9: 0.2, 14: 0, FAR: 0},
        "both",
    ),
    (schedules.Warmup(schedules.SineDecay(0.4), 2), {0: 0, 1: 0.2, 2: 0.4, 3: math.sin(0.4)}, "both"),
    (schedules.Warmup(schedules.PowerDecay(0.4, 2), 2), {0: 0, 1: 0.2, 2: 0.4, 3: 0.16}, "both"),
]
