"""Layer, group, instance, root mean square and batch normalisation."""

import cases
import numpy as np
import pytest
import twins
from arrays import assert_close, blank, guarded, wide
from cases import Layout
from hypothesis import given, settings
from hypothesis import strategies as st

from fastopt import kernels

EPSILON = 1e-3
GROUP_LAYOUTS = [*cases.FLAT, *cases.IMAGES, *cases.GROUPED]
BATCH_LAYOUTS = [*cases.FLAT, *cases.IMAGES]


def draw(rng, layout: Layout, dtype) -> tuple[np.ndarray, ...]:
    """x, dy, gamma and beta, at odd addresses."""
    shapes = [layout.shape, layout.shape, (layout.channels,), (layout.channels,)]
    return tuple(
        guarded(rng.normal(0.5, 1.0, shape).astype(dtype), (len(shape) + layout.channels) % 4)[0] for shape in shapes
    )


def unit(dtype, terms: float) -> float:
    """Relative error of a sum of that many terms whose errors have random signs, several times that seen."""
    return float(np.finfo(dtype).eps * (4 + np.sqrt(terms) / 2))


def check_gradients(got, want, x, dy, gamma, rstd, layout: Layout, terms: float) -> None:
    """dx, dgamma and dbeta to the error of the sums they hold; `rstd` is the largest one."""
    dtype, n = x.dtype, x.size / layout.channels
    size = np.abs(want[0]) + rstd * np.abs(gamma).max() * (np.abs(dy) + np.abs(dy).mean() * (1 + np.abs(x) * rstd))
    assert_close(got[0], want[0], unit(dtype, terms) * size)
    for sum_, exact in zip(got[1:], want[1:], strict=True):
        assert_close(sum_, exact, unit(dtype, n) * n * (1 + rstd * np.abs(x).max()))


@pytest.mark.parametrize("centred", [True, False], ids=["centred", "rms"])
def test_groups(isa, dtype, centred, rng):
    for layout in GROUP_LAYOUTS:
        if layout.groups > 1 and not centred:
            continue
        x, dy, gamma, beta = draw(rng, layout, dtype)
        axis, groups, terms = layout.axis, layout.groups, np.prod(layout.shape[1:]) / layout.groups
        y, intact = blank(layout.shape, dtype, 1)
        dx, dx_intact = blank(layout.shape, dtype, 3)
        if not centred:
            _, moments = kernels.rms_norm_forward(x, gamma, EPSILON, axis, y)
            got = kernels.rms_norm_backward(dy, x, moments, gamma, axis, dx)
            beta, moments = np.zeros_like(beta), moments[..., None]
        elif groups == 1:
            _, moments = kernels.layer_norm_forward(x, gamma, beta, EPSILON, axis, y)
            got = kernels.layer_norm_backward(dy, x, moments, gamma, axis, dx)
            moments = moments[..., None]
        else:
            _, moments = kernels.group_norm_forward(x, groups, gamma, beta, EPSILON, axis, y)
            got = kernels.group_norm_backward(dy, x, moments, groups, gamma, axis, dx)
        assert intact()
        assert dx_intact()
        assert got[0] is dx
        mean, rstd = twins.group_moments(wide(x), groups, EPSILON, axis, centred)
        error = unit(dtype, terms)
        assert_close(moments[:, 0], mean, error * (1 + np.abs(x).max()))
        assert_close(moments[:, 1], rstd, error * 2 * rstd)
        want = twins.group_norm_forward(wide(x), groups, wide(gamma), wide(beta), EPSILON, axis, centred)
        top = float(rstd.max())
        assert_close(y, want, error * (np.abs(want) + np.abs(beta).max() + np.abs(gamma).max() * (1 + top)))
        want = twins.group_norm_backward(wide(dy), wide(x), groups, wide(gamma), EPSILON, axis, centred)
        check_gradients(got, want[: len(got)], x, dy, gamma, top, layout, terms)


@pytest.mark.parametrize("fixed", [False, True], ids=["batch", "fixed"])
def test_batch(isa, dtype, fixed, rng):
    for layout in BATCH_LAYOUTS:
        x, dy, gamma, beta = draw(rng, layout, dtype)
        axis, terms = layout.axis, x.size / layout.channels
        y, intact = blank(layout.shape, dtype, 1)
        dx, dx_intact = blank(layout.shape, dtype, 3)
        if fixed:
            mean, variance = beta, np.abs(gamma)
            kernels.batch_norm_inference(x, mean, variance, gamma, beta, EPSILON, axis, y)
        else:
            _, mean, variance = kernels.batch_norm_forward(x, gamma, beta, EPSILON, axis, y)
            want_mean, want_variance = twins.batch_moments(wide(x), axis)
            assert_close(mean, want_mean, unit(dtype, terms) * (1 + np.abs(x).max()))
            assert_close(variance, want_variance, unit(dtype, terms) * 4 * (want_variance + EPSILON))
        got = kernels.batch_norm_backward(dy, x, mean, variance, gamma, EPSILON, axis, fixed, dx)
        assert intact()
        assert dx_intact()
        exact = wide(mean), wide(variance)
        top = float(1 / np.sqrt(variance.min() + EPSILON))
        want = twins.batch_norm(wide(x), *exact, wide(gamma), wide(beta), EPSILON, axis)
        size = np.abs(want) + 1 + np.abs(gamma).max() * top * (np.abs(x).max() + np.abs(mean).max())
        assert_close(y, want, 8 * np.finfo(dtype).eps * size)
        want = twins.batch_norm_backward(wide(dy), wide(x), *exact, wide(gamma), EPSILON, axis, fixed)
        check_gradients(got, want, x, dy, gamma, top, layout, terms)


def all_results(x, dy, gamma, beta, groups, axis):
    y, moments = kernels.group_norm_forward(x, groups, gamma, beta, EPSILON, axis)
    yield from (y, moments, *kernels.group_norm_backward(dy, x, moments, groups, gamma, axis))
    y, mean, variance = kernels.batch_norm_forward(x, gamma, beta, EPSILON, axis)
    yield from (y, mean, variance, *kernels.batch_norm_backward(dy, x, mean, variance, gamma, EPSILON, axis))
    yield kernels.batch_norm_inference(x, mean, variance, gamma, beta, EPSILON, axis)


@pytest.mark.parametrize("layout", cases.SHARED_LAYOUTS, ids=str)
def test_threads(isa, dtype, layout, rng, for_all_threads):
    arguments = draw(rng, layout, dtype)
    for_all_threads(lambda: all_results(*arguments, layout.groups, layout.axis))


@pytest.mark.parametrize("axis", [1, -1])
def test_parameters_of_each_element(isa, dtype, axis, rng):
    """One group over all elements is that over as many channels."""
    x, dy = rng.normal(size=(2, 7, 5, 3, 4)).astype(dtype)
    gamma, beta = rng.normal(size=(2, *x.shape[1:])).astype(dtype)
    y, moments = kernels.layer_norm_forward(x, gamma, beta, EPSILON, axis)
    flat = [a.reshape(-1, 60) for a in (x, dy)]
    want, _ = kernels.layer_norm_forward(flat[0], gamma.ravel(), beta.ravel(), EPSILON)
    np.testing.assert_array_equal(y.reshape(-1, 60), want)
    got = kernels.layer_norm_backward(dy, x, moments, gamma, axis)
    assert [g.shape for g in got] == [x.shape, gamma.shape, gamma.shape]
    for g, w in zip(got, kernels.layer_norm_backward(*flat[::-1], moments, gamma.ravel()), strict=True):
        np.testing.assert_array_equal(g.ravel(), w.ravel())


@pytest.mark.parametrize("layout", [Layout((9, 33)), Layout((5, 6, 11), 3), Layout((5, 11, 6), 3, -1)], ids=str)
def test_without_parameters_and_in_place(isa, dtype, layout, rng):
    x, dy, gamma, _ = draw(rng, layout, dtype)
    groups, axis = layout.groups, layout.axis
    ones, zeros = np.ones_like(gamma), np.zeros_like(gamma)
    want = list(all_results(x, dy, ones, zeros, groups, axis))
    for got, expected in zip(all_results(x, dy, None, None, groups, axis), want, strict=True):
        np.testing.assert_array_equal(got, expected)
    for y, call in (
        (want[0], lambda a: kernels.group_norm_forward(a, groups, None, None, EPSILON, axis, out=a)),
        (want[5], lambda a: kernels.batch_norm_forward(a, None, None, EPSILON, axis, out=a)),
        (want[11], lambda a: kernels.batch_norm_inference(a, *want[6:8], None, None, EPSILON, axis, out=a)),
    ):
        a = x.copy()
        call(a)
        np.testing.assert_array_equal(a, y)
    for dx, call in (
        (want[2], lambda a: kernels.group_norm_backward(a, x, want[1], groups, None, axis, out=a)),
        (want[8], lambda a: kernels.batch_norm_backward(a, x, *want[6:8], None, EPSILON, axis, out=a)),
    ):
        a = dy.copy()
        call(a)
        np.testing.assert_array_equal(a, dx)


@pytest.mark.parametrize("layout", [*cases.FLAT[3::16], *cases.IMAGES[3::10], *cases.GROUPED[::5]], ids=str)
def test_far_from_zero(isa, dtype, layout, rng):
    """Equal elements become 0; others lose to rounding what the data have lost, but no more."""
    x = np.full(layout.shape, 12345.678, dtype)
    for y in all_results(x, x, None, None, layout.groups, layout.axis):
        assert np.isfinite(y).all()
    y, moments = kernels.group_norm_forward(x, layout.groups, axis=layout.axis)
    np.testing.assert_array_equal(y, 0)
    np.testing.assert_array_equal(moments[:, 0], x[0, 0].flat[0])
    _, mean, variance = kernels.batch_norm_forward(x, axis=layout.axis)
    np.testing.assert_array_equal(mean, x[0, 0].flat[0])
    np.testing.assert_array_equal(variance, 0)
    if dtype == np.float32:
        x = (1000 + rng.normal(size=layout.shape)).astype(dtype)
        bound = 1000 * np.finfo(dtype).eps
        mean, rstd = twins.group_moments(wide(x), layout.groups, EPSILON, layout.axis)
        _, moments = kernels.group_norm_forward(x, layout.groups, None, None, EPSILON, layout.axis)
        assert_close(moments[:, 0], mean, bound)
        assert_close(moments[:, 1], rstd, bound * (1 + rstd) ** 2)
        mean, variance = twins.batch_moments(wide(x), layout.axis)
        _, *got = kernels.batch_norm_forward(x, None, None, EPSILON, layout.axis)
        assert_close(got[0], mean, bound)
        assert_close(got[1], variance, bound * (1 + variance))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize(
    "layout", [Layout((3, 5)), Layout((3, 300)), Layout((3, 6, 4), 2), Layout((3, 4, 6), 2, -1)], ids=str
)
def test_nonfinite_elements_show_where_they_are(isa, dtype, layout, bad):
    """In their group of their sample, or their channel, and nowhere else."""
    x = np.arange(np.prod(layout.shape), dtype=dtype).reshape(layout.shape) % 7
    np.moveaxis(x, layout.axis, 1)[1, 0] = bad
    y, _ = kernels.group_norm_forward(x, layout.groups, axis=layout.axis)
    group = np.moveaxis(y, layout.axis, 1).reshape(len(y), layout.groups, -1)
    assert np.isnan(group[1, 0]).any()
    group[1, 0] = 0
    assert np.isfinite(group).all()
    y, mean, variance = kernels.batch_norm_forward(x, axis=layout.axis)
    channels = np.moveaxis(y, layout.axis, 1)
    assert np.isnan(channels[:, 0]).any()
    assert np.isfinite(channels[:, 1:]).all()
    assert np.isnan(variance[0])
    assert np.isfinite(mean[1:]).all()


# --- Gradients against two-sided differences --------------------------------------------------------------------------

STEP = 1e-5


def numeric(value, array):
    result = np.empty(array.shape)
    for index in np.ndindex(array.shape):
        before = array[index]
        array[index] = before + STEP
        above = value()
        array[index] = before - STEP
        below = value()
        array[index] = before
        result[index] = (above - below) / (2 * STEP)
    return result


SMALL = [Layout((1, 5)), Layout((4, 1)), Layout((7, 6), 2), Layout((3, 4, 5), 2), Layout((3, 5, 4), 4, -1)]


def forwards(x, gamma, beta, groups, axis, moments):
    """Kinds of normalisation: y as a function of nothing, and its gradients from dy."""

    def group_backward(dy):
        _, m = kernels.group_norm_forward(x, groups, gamma, beta, EPSILON, axis)
        return kernels.group_norm_backward(dy, x, m, groups, gamma, axis)

    def rms_backward(dy):
        _, m = kernels.rms_norm_forward(x, gamma, EPSILON, axis)
        return kernels.rms_norm_backward(dy, x, m, gamma, axis)

    def batch_backward(dy):
        _, *m = kernels.batch_norm_forward(x, gamma, beta, EPSILON, axis)
        return kernels.batch_norm_backward(dy, x, *m, gamma, EPSILON, axis)

    return {
        "group": (lambda: kernels.group_norm_forward(x, groups, gamma, beta, EPSILON, axis)[0], group_backward),
        "rms": (lambda: kernels.rms_norm_forward(x, gamma, EPSILON, axis)[0], rms_backward),
        "batch": (lambda: kernels.batch_norm_forward(x, gamma, beta, EPSILON, axis)[0], batch_backward),
        "fixed": (
            lambda: kernels.batch_norm_inference(x, *moments, gamma, beta, EPSILON, axis),
            lambda dy: kernels.batch_norm_backward(dy, x, *moments, gamma, EPSILON, axis, fixed=True),
        ),
    }


@pytest.mark.parametrize("kind", ["group", "rms", "batch", "fixed"])
@pytest.mark.parametrize("layout", SMALL, ids=str)
def test_gradients(isa, kind, layout, rng):
    x, dy, gamma, beta = draw(rng, layout, np.float64)
    moments = rng.normal(size=layout.channels), rng.uniform(0.5, 2.0, layout.channels)
    forward, backward = forwards(x, gamma, beta, layout.groups, layout.axis, moments)[kind]
    for got, array in zip(backward(dy), (x, gamma, beta), strict=False):
        want = numeric(lambda: float((forward() * dy).sum()), array)
        assert np.linalg.norm(got - want) <= 1e-6 * max(1e-3, np.linalg.norm(got) + np.linalg.norm(want))


# --- Properties -------------------------------------------------------------------------------------------------------

SIZES = st.tuples(st.integers(2, 9), st.integers(1, 20), st.integers(1, 20))


@settings(max_examples=50)
@given(SIZES, st.floats(0.1, 1000), st.floats(-1000, 1000), st.sampled_from([1, -1]), st.integers(0, 2**32 - 1))
def test_scale_and_shift_of_the_data_do_not_matter(shape, scale, shift, axis, seed):
    x = np.random.default_rng(seed).normal(size=shape)
    tolerance = 1e-9 * (1 + abs(shift) / scale)
    for normalize in (
        lambda a: kernels.batch_norm_forward(a, epsilon=0.0, axis=axis)[0],
        lambda a: kernels.layer_norm_forward(a, epsilon=0.0, axis=axis)[0],
    ):
        y = normalize(x)
        if np.isfinite(y).all():  # one element alone has no variance
            np.testing.assert_allclose(normalize(scale * x + shift), y, atol=tolerance)


@settings(max_examples=50)
@given(SIZES, st.sampled_from([1, -1]), st.sampled_from(cases.DTYPES), st.integers(0, 2**32 - 1))
def test_special_groups(shape, axis, dtype, seed):
    """One group is layer normalisation; one for each channel is that of each channel alone."""
    rng = np.random.default_rng(seed)
    x, dy = rng.normal(size=(2, *shape)).astype(dtype)
    channels = shape[axis]
    gamma, beta = rng.normal(size=(2, channels)).astype(dtype)
    one = kernels.group_norm_forward(x, 1, gamma, beta, EPSILON, axis)
    layer = kernels.layer_norm_forward(x, gamma, beta, EPSILON, axis)
    np.testing.assert_array_equal(one[0], layer[0])
    for a, b in zip(
        kernels.group_norm_backward(dy, x, one[1], 1, gamma, axis),
        kernels.layer_norm_backward(dy, x, layer[1], gamma, axis),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)
    instance, moments = kernels.group_norm_forward(x, channels, gamma, beta, EPSILON, axis)
    dx, *_ = kernels.group_norm_backward(dy, x, moments, channels, gamma, axis)
    first = [np.moveaxis(a, axis, 1) for a in (x, dy, instance, dx)]
    for c in range(channels):
        alone, _, y, gradient = (a[:, c] for a in first)
        want, m = kernels.layer_norm_forward(alone, epsilon=EPSILON)
        tolerance = {"rtol": 1e-3, "atol": 1e-4} if dtype == np.float32 else {"rtol": 1e-10, "atol": 1e-12}
        np.testing.assert_allclose(y, gamma[c] * want + beta[c], **tolerance)
        want = kernels.layer_norm_backward(gamma[c] * first[1][:, c], alone, m)[0]
        np.testing.assert_allclose(gradient, want, **tolerance)


# --- Against PyTorch --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", [Layout((5, 64)), Layout((257, 33)), Layout((4, 6, 5, 7), 3)], ids=str)
def test_pytorch(isa, dtype, layout, rng):
    torch = pytest.importorskip("torch")
    x, dy, gamma, beta = draw(rng, layout, dtype)
    bound = {"rtol": 1e-4, "atol": 1e-4} if dtype == np.float32 else {"rtol": 1e-10, "atol": 1e-10}

    def compare(function, got):
        leaves = [torch.tensor(a, requires_grad=True) for a in (x, gamma, beta)]
        y = function(*leaves)
        gradients = torch.autograd.grad(y, leaves, torch.tensor(dy))
        for mine, theirs in zip(got, (y, *gradients), strict=True):
            np.testing.assert_allclose(mine, theirs.detach().numpy(), **bound)

    f = torch.nn.functional
    y, moments = kernels.group_norm_forward(x, layout.groups, gamma, beta, EPSILON)
    gradients = kernels.group_norm_backward(dy, x, moments, layout.groups, gamma)
    compare(lambda a, g, b: f.group_norm(a, layout.groups, g, b, EPSILON), (y, *gradients))
    y, mean, variance = kernels.batch_norm_forward(x, gamma, beta, EPSILON)
    gradients = kernels.batch_norm_backward(dy, x, mean, variance, gamma, EPSILON)
    compare(lambda a, g, b: f.batch_norm(a, None, None, g, b, True, 0.1, EPSILON), (y, *gradients))
    if x.ndim == 2:
        y, moments = kernels.layer_norm_forward(x, gamma, beta, EPSILON)
        gradients = kernels.layer_norm_backward(dy, x, moments, gamma)
        compare(lambda a, g, b: f.layer_norm(a, a.shape[1:], g, b, EPSILON), (y, *gradients))


# --- What is refused --------------------------------------------------------------------------------------------------

X = np.ones((3, 4))
BAD = {
    "axis": (lambda: kernels.layer_norm_forward(X, axis=2), "axis.*2"),
    "epsilon": (lambda: kernels.layer_norm_forward(X, epsilon=-1.0), "epsilon.*-1"),
    "epsilon of a batch": (lambda: kernels.batch_norm_forward(X, epsilon=np.nan), "epsilon.*nan"),
    "groups": (lambda: kernels.group_norm_forward(X, 3), "groups.*4.*3"),
    "no groups": (lambda: kernels.group_norm_forward(X, 0), "groups.*0"),
    "one dimension": (lambda: kernels.layer_norm_forward(X[0]), r"\(4,\)"),
    "no features": (lambda: kernels.layer_norm_forward(X[:, :0]), r"\(3, 0\)"),
    "no samples": (lambda: kernels.batch_norm_forward(X[:0]), r"\(0, 4\)"),
    "gamma": (lambda: kernels.batch_norm_forward(X, X[:, 0]), r"gamma.*\(4,\).*\(3,\)"),
    "gamma of elements in groups": (
        lambda: kernels.group_norm_forward(X.reshape(1, 4, 3), 2, X.reshape(4, 3)),
        r"gamma.*\(4,\).*\(4, 3\)",
    ),
    "moments": (lambda: kernels.layer_norm_backward(X, X, X), r"moments.*\(3, 2, 1\).*\(3, 4, 1\)"),
    "dy": (lambda: kernels.batch_norm_backward(X[:2], X, X[0], X[0]), r"dy.*\(3, 4\).*\(2, 4\)"),
}


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=BAD)
def test_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_no_samples():
    """Row by row there is nothing to do; the sums are 0."""
    x = np.empty((0, 4))
    y, moments = kernels.layer_norm_forward(x)
    assert y.shape == (0, 4)
    dx, dgamma, dbeta = kernels.layer_norm_backward(x, x, moments)
    assert dx.shape == (0, 4)
    np.testing.assert_array_equal([dgamma, dbeta], 0)
    _, dgamma, dbeta = kernels.batch_norm_backward(x, x, np.zeros(4), np.ones(4))
    np.testing.assert_array_equal([dgamma, dbeta], 0)
