"""The matrix products of the three training passes, with what is fused into them."""

import functools

import cases
import numpy as np
import pytest
import twins
from arrays import assert_close, blank, guarded, wide
from test_activations import softmax_bound

from fastopt import kernels

# (m, k, n), with long rows of b; of the last one the gradient by the kernel has few rows.
FEW_ROWS = [(1, 1, 300), (1, 70, 256), (2, 33, 513), (2, 8, 2500), (3, 20, 300), (5, 2, 300)]
SHAPES = {
    "small": cases.SMALL_SHAPES,
    "deep": cases.DEEP_SHAPES,
    "networks": cases.NETWORK_SHAPES,
    "few rows": FEW_ROWS,
}


def integers(rng, *shape: int) -> np.ndarray:
    """Small enough that every product and partial sum is exact in float32, in any order."""
    return rng.integers(-8, 8, shape, endpoint=True).astype(np.float64)


@functools.cache
def integer_cases(m: int, k: int, n: int) -> list[tuple]:
    """Function, its arrays, its other arguments, the result."""
    rng = np.random.default_rng((m, k, n))
    x, kernel, bias, dy = integers(rng, m, k), integers(rng, k, n), integers(rng, n), integers(rng, m, n)
    product = x @ kernel
    dx, dkernel, dbias = twins.dense_backward(x, kernel, dy)
    return [
        (kernels.matmul, (x, kernel), (), product),
        (kernels.dense_forward, (x, kernel, bias), (), product + bias),
        (kernels.dense_forward, (x, kernel, bias), ("relu",), twins.relu(product + bias)),
        (kernels.dense_backward_input, (dy, kernel), (), dx),
        (kernels.dense_backward_input, (dy, kernel, x), ("relu",), twins.relu_backward(x, dx)),
        (kernels.dense_backward_kernel, (x, dy), (), dkernel),
        (kernels.column_sum, (dy,), (), dbias),
    ]


@pytest.mark.parametrize("shapes", SHAPES.values(), ids=SHAPES)
def test_products_are_exact_on_integers(isa, dtype, shapes):
    for m, k, n in shapes:
        start = (m + k + n) % 4
        for function, inputs, options, want in integer_cases(m, k, n):
            arrays = (guarded(a.astype(dtype), (start + i) % 4)[0] for i, a in enumerate(inputs))
            out, intact = blank(want.shape, dtype, 3 - start)
            assert function(*arrays, *options, out=out) is out
            np.testing.assert_array_equal(out, want, err_msg=f"{function.__name__} {m, k, n}")
            assert intact(), f"{function.__name__} {m, k, n} wrote outside of out"


def test_rounding_error(isa, dtype, rng):
    """Any order of summation stays within K eps |x| |kernel|, and so does the twin."""
    for m, k, n in [*cases.DEEP_SHAPES, (64, 784, 64)]:
        x, kernel, dy = (rng.normal(size=shape).astype(dtype) for shape in [(m, k), (k, n), (m, n)])
        for got, a, b in [
            (kernels.matmul(x, kernel), x, kernel),
            (kernels.dense_backward_input(dy, kernel), dy, kernel.T),
            (kernels.dense_backward_kernel(x, dy), x.T, dy),
        ]:
            a, b = a.astype(np.float64), b.astype(np.float64)
            assert_close(got, a @ b, 2 * a.shape[1] * np.finfo(dtype).eps * (np.abs(a) @ np.abs(b)))
        want, size = dy.sum(axis=0, dtype=np.float64), np.abs(dy).sum(axis=0)
        assert_close(kernels.column_sum(dy), want, 2 * m * np.finfo(dtype).eps * size)


FUSED_SHAPES = [(0, 3, 2), (3, 0, 5), (1, 1, 1), (7, 5, 33), (65, 30, 10), (33, 300, 70), (9, 600, 17)]


@pytest.mark.parametrize("name", cases.FUSED_ACTIVATIONS)
def test_fused_activations(isa, dtype, name, rng):
    """With numbers whose sums are exact, so that only the activation rounds."""
    twin, eps = cases.ACTIVATIONS[name], np.finfo(dtype).eps
    for m, k, n in FUSED_SHAPES:
        x, kernel, bias, dy = (integers(rng, *shape) / 16 for shape in [(m, k), (k, n), (n,), (m, n)])
        want = twins.dense_forward(wide(x), wide(kernel), bias, twin.forward)
        out, intact = blank((m, n), dtype, m % 4)
        kernels.dense_forward(x.astype(dtype), kernel.astype(dtype), bias.astype(dtype), name, out)
        assert_close(out, want, cases.FUNCTIONS[name].ulp * eps * np.abs(want))
        assert intact()
        y, (dx, _, _) = np.asarray(twin.forward(x), dtype), twins.dense_backward(x, kernel, dy)
        out, intact = blank((m, k), dtype, m % 4)
        kernels.dense_backward_input(dy.astype(dtype), kernel.astype(dtype), y, name, out)
        want = twin.backward(wide(y), wide(dx))
        assert_close(out, want, eps * (4 * np.abs(want) + np.abs(dx)))
        assert intact()


@pytest.mark.parametrize(
    "name", [name for name in cases.ELEMENTWISE_ACTIVATIONS if name not in cases.FUSED_ACTIVATIONS]
)
def test_unfused_activations(isa, dtype, name):
    """The value can end a product, the gradient cannot."""
    x, kernel = np.array([[1.0, -2.0]], dtype), np.eye(2, dtype=dtype)
    np.testing.assert_array_equal(kernels.dense_forward(x, kernel, None, name), getattr(kernels, name)(x))
    with pytest.raises(ValueError, match=f"{name} is differentiated from its input"):
        kernels.dense_backward_input(x, kernel, x, name)


def test_fused_softmax(isa, dtype, rng):
    for m, k, n in FUSED_SHAPES[1:]:
        x, kernel, bias = (integers(rng, *shape) / 16 for shape in [(m, k), (k, n), (n,)])
        z = x @ kernel + bias
        out, intact = blank((m, n), dtype, m % 4)
        kernels.dense_forward(x.astype(dtype), kernel.astype(dtype), bias.astype(dtype), "softmax", out)
        want = twins.softmax(wide(z))
        assert_close(out, want, softmax_bound(z.astype(dtype)) * want)
        assert intact()


def test_nan_stays_in_its_row(isa, dtype, rng):
    for m, k, n in [(7, 5, 33), (30, 70, 64)]:
        x, kernel = rng.normal(size=(m, k)).astype(dtype), rng.normal(size=(k, n)).astype(dtype)
        clean = kernels.matmul(x, kernel)
        x[m // 2, k // 2] = np.nan
        got = kernels.matmul(x, kernel)
        assert np.isnan(got[m // 2]).all()
        np.testing.assert_array_equal(np.delete(got, m // 2, 0), np.delete(clean, m // 2, 0))


def test_a_row_is_the_same_in_any_batch(isa, dtype, rng):
    """However many rows a product has, each is summed in the same order."""
    for k, n in [(5, 3), (100, 30), (70, 256), (33, 513), (700, 300)]:
        x, kernel, bias = (rng.normal(size=shape).astype(dtype) for shape in [(40, k), (k, n), n])
        y = kernels.dense_forward(x, kernel, bias, "tanh")
        for rows in range(1, 10):
            np.testing.assert_array_equal(kernels.dense_forward(x[:rows], kernel, bias, "tanh"), y[:rows])


@pytest.mark.parametrize("activation", ["linear", "tanh"])
def test_threads(isa, dtype, activation, rng, for_all_threads):
    for m, k, n in [(0, 3, 2), (1, 784, 64), (3, 5, 7), *cases.DEEP_SHAPES, *cases.NETWORK_SHAPES]:
        x, kernel, bias, dy = (rng.normal(size=shape).astype(dtype) for shape in [(m, k), (k, n), (n,), (m, n)])
        for_all_threads(
            lambda x=x, kernel=kernel, bias=bias, dy=dy: [
                kernels.dense_forward(x, kernel, bias, activation).ravel(),
                kernels.dense_backward_input(dy, kernel, x, activation).ravel(),
                kernels.dense_backward_kernel(x, dy).ravel(),
                kernels.column_sum(dy),
            ]
        )
    x = rng.standard_normal(cases.SHARED_SHAPE, np.float32).astype(dtype)
    for_all_threads(lambda: [kernels.column_sum(x)])


def test_any_strides_of_inputs(dtype, rng):
    a, b = integers(rng, 12, 14).astype(dtype), integers(rng, 7, 10).astype(dtype)
    np.testing.assert_array_equal(kernels.matmul(a[::2, ::-2], b[:, 1:]), a[::2, ::-2] @ b[:, 1:])
    for left, right in [(a.T, a), (a, a.T), (a.T, a.T.copy().T), (a[:1].T, a[:1])]:
        out = np.empty((len(left), right.shape[1]), dtype)
        assert kernels.matmul(left, right, out=out) is out
        np.testing.assert_array_equal(out, left @ right)
