"""Numbers below the smallest normal one: they cost no time, spoil no result, and the caller's arithmetic keeps them.

Calls of kernels, steps of rules and training of stacks of layers, with values around 1e-39 in float32 or 1e-309 in
float64. After each call the caller's own denormals must still be there.
"""

import random
import time
import warnings

import cases
import numpy as np
from cases.arguments import kernel_arguments

import fastopt as fo
from reliability.children import tried
from reliability.kernels import NAMES, bits

SLOWER = 3.0  # times as long as with normal numbers, the least of some runs each


def tiny(value):
    """Return an array of floating-point numbers as denormals."""
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
        return value
    with np.errstate(under="ignore"):
        return (value * np.finfo(value.dtype).tiny * 0.1).astype(value.dtype)


def kept():
    """Whether this thread's arithmetic has denormals."""
    with np.errstate(under="ignore"):
        return all(np.array([np.finfo(t).tiny], t) * t(0.25) != 0 for t in cases.DTYPES)


def seconds(call):
    """Return the least time of some calls."""
    taken = []
    for _ in range(5):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return min(taken)


def a_kernel(draw):
    name = draw.choice(NAMES)
    good = kernel_arguments(name, 33, 30, 17, draw.choice(cases.DTYPES))

    def call(change):
        return getattr(fo.kernels, name)(**{key: change(value) for key, value in good.items()})

    return name, call


def a_training(draw):
    name = draw.choice(sorted(cases.LAYERS))
    return f"training {name}", training(name, draw.choice(["float32", "float64"]))


def training(name, dtype):
    """Return what trains and predicts with arrays that a function has changed."""
    stack = cases.LAYERS[name]
    shape = stack.shapes[-1]
    x = np.random.default_rng(0).normal(size=(32, *shape)).astype(dtype)
    last = [] if stack.last else [fo.layers.Flatten(), fo.layers.Dense(2)]
    model = fo.Sequential([*stack.make(shape), *last], seed=0, dtype=dtype)
    model.compile(fo.optimizers.SGD(0.0), "mse")
    model.build(shape)
    y = np.zeros_like(model.predict(x))
    start = model.get_weights()

    def call(change):
        model.set_weights([change(w) for w in start])
        model.fit(change(x), y, 8, 2, verbose=0)
        return model.predict(change(x))

    return call


def attempt(number):
    draw = random.Random(number)
    what, call = (a_kernel, a_training)[number % 2](draw)
    results = []
    for threads in (1, 3):
        fo.set_num_threads(threads)
        results.append(bits(call(tiny)))
        if not kept():
            return f"{what}: denormals of the caller are gone"
    return None if results[0] == results[1] else f"{what}: the results of 1 and 3 threads differ"


def slowest():
    """Return the stack of layers that denormals slow down most, and how many times as long it takes then."""
    ratios = {}
    fo.set_num_threads(1)
    for name in cases.LAYERS:
        call = training(name, "float32")
        ratios[name] = seconds(lambda call=call: call(tiny)) / seconds(lambda call=call: call(np.copy))
    worst = max(ratios, key=ratios.__getitem__)
    return worst, ratios[worst]


def run(size, first=0):
    """Do so many calls, and compare the time of training where there is time to."""
    faults = tried(attempt, first, size, lambda: warnings.simplefilter("ignore"))
    if size < 1000:
        return "the results of 1 and 3 threads are equal, the caller's denormals kept", faults
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        worst, ratio = slowest()
    if ratio > SLOWER:
        faults.append(f"{worst} takes {ratio:.1f} times as long with denormals")
    return f"at most {ratio:.2f} times the time, of {worst}", faults
