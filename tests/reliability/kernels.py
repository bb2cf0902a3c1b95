"""Kernels, rules and layers at their boundaries, best with a build that checks each access to memory.

Calls of all kernels with arrays of random sizes, around those of vectors and blocks, which end where their memory ends
and begin at any element; steps of all rules; training of all stacks of layers. Each with 1 thread and with 3, for equal
results. Every fourth call is one with wrong arguments, of `fuzz_arguments.py`.
"""

import random
import warnings

import cases
import fuzz_arguments
import numpy as np
from cases.arguments import kernel_arguments, kernel_calls

import fastopt as fo
from fastopt._core import kernels as core
from reliability.children import tried

NAMES = [key.removeprefix("kernels.") for key, _, _ in kernel_calls()]
SIZES = [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 127, 130, 257, 300]


def at_the_end(array, offset):
    """Return a copy that ends where a block of memory ends, and begins some elements after its start."""
    if not isinstance(array, np.ndarray):
        return array
    copy = np.empty(array.size + offset, array.dtype)[offset:].reshape(array.shape)
    copy[...] = array
    return copy


def bits(result):
    """Return the bytes of all arrays in a result."""
    if isinstance(result, tuple | list):
        return [bits(each) for each in result]
    return np.asarray(result).tobytes() if result is not None else None


def with_each_count(call):
    """Return what differs between the results of 1 thread and of 3."""
    results = []
    for threads in (1, 3):
        fo.set_num_threads(threads)
        results.append(call())
    return None if results[0] == results[1] else "the results of 1 and 3 threads differ"


def a_kernel(draw):
    name = draw.choice(NAMES)
    rows, pairs, outputs = (draw.choice(SIZES) for _ in range(3))
    if name.startswith("periodic"):
        pairs = min(pairs, 33)
    dtype = draw.choice(cases.DTYPES)
    good = kernel_arguments(name, rows, pairs, outputs, dtype)
    offset = draw.randrange(4)

    def call():
        return bits(getattr(fo.kernels, name)(**{key: at_the_end(value, offset) for key, value in good.items()}))

    return f"{name}, {rows} rows, {2 * pairs} columns, {outputs} outputs, {dtype.__name__}", call


def a_rule(draw):
    row = draw.choice(cases.RULES)
    dtype, size = draw.choice(cases.DTYPES), (draw.choice(SIZES), draw.choice(SIZES))
    offset = draw.randrange(4)

    def call():
        x = np.linspace(0.01, 1, size[0] * size[1], dtype=dtype).reshape(size)
        w, g, *slots = (at_the_end(x, offset) for _ in range(2 + len(row.slots)))
        core.update(row.name, [w], [g], [dict(zip(row.slots, slots, strict=True))], row.hyper, 1, row.state_array())
        return bits([w, *slots])

    return f"{row.name}, {size}, {dtype.__name__}", call


def a_stack(draw):
    name = draw.choice(sorted(cases.LAYERS))
    stack = cases.LAYERS[name]
    shape, rows = draw.choice(stack.shapes), draw.choice([2, 3, 9, 17, 33])
    dtype = draw.choice(["float32", "float64"])

    def call():
        last = [] if stack.last else [fo.layers.Flatten(), fo.layers.Dense(2)]
        model = fo.Sequential([*stack.make(shape), *last], seed=0, dtype=dtype)
        model.compile("adam", "mse")
        x = at_the_end(np.random.default_rng(0).normal(size=(rows, *shape)), 1)
        model.build(shape)
        y = np.zeros_like(model.predict(x))
        model.fit(x, y, rows, 1, verbose=0)
        return bits(model.predict(x)), bits(model.get_weights())

    return f"{name}, {shape}, {rows} samples, {dtype}", call


KINDS = [a_kernel, a_rule, a_stack]


def attempt(number):
    if number % 4 == 3:
        return fuzz_arguments.call(number, "kernels.")
    draw = random.Random(number)
    what, call = KINDS[number % 4](draw)
    try:
        fault = with_each_count(call)
    except Exception as error:
        fault = f"{type(error).__name__}: {error}"
    return f"{what}: {fault}" if fault else None


def run(size, first=0):
    """Do so many calls."""
    faults = tried(attempt, first, size, lambda: warnings.simplefilter("ignore"))
    return f"{len(NAMES)} kernels, {len(cases.RULES)} rules, {len(cases.LAYERS)} stacks of layers", faults
