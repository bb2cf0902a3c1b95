"""Losses and their gradients, and metrics."""

import functools

import cases
import numpy as np
import pytest
import twins
from arrays import assert_close, blank, guarded, wide

from fastopt import _core, kernels
from fastopt.losses import LOSSES

KERNELS = {
    "sparse_categorical_crossentropy": kernels.softmax_cross_entropy,
    "categorical_crossentropy": kernels.softmax_cross_entropy,
    "binary_crossentropy": kernels.sigmoid_cross_entropy,
}


def kernel(case: str):
    """The function of the loss of a case, with the settings of the case."""
    name = case.split()[0]
    return functools.partial(KERNELS.get(name) or getattr(kernels, name), **cases.LOSS_CASES[case].hyper)


SCALE = 0.125


def shapes(dtype) -> list[tuple[int, int]]:
    return [(0, 3), *((rows, n) for n in [*cases.lengths(dtype)[1:], 65, 1000] for rows in (1, 2, 5))]


def bounds(case: str, x: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of the losses and their gradients: eps for each term of a sum, times the size of what is added."""
    unit = np.finfo(x.dtype).eps * (16 + x.shape[1])
    x, name, twin = wide(x), case.split()[0], cases.LOSS_CASES[case]
    if name == "binary_crossentropy":
        return unit * (1 + np.abs(x).mean(axis=1)), unit * (twins.sigmoid(x) + 1) / x.shape[1]
    if name == "poisson":
        rate, product = np.exp(x), np.abs(target * x)
        return unit * (rate + product).mean(axis=1), unit * (rate + target) / x.shape[1]
    if name in ("hinge", "squared_hinge"):
        size = (1 + np.abs(x)) ** (1 if name == "hinge" else 2)
        return unit * size.mean(axis=1), unit * 2 * (1 + np.abs(x)) / x.shape[1]
    if "entropy" not in name and name != "kl_divergence":
        loss, gradient = twin.forward(x, target, **twin.hyper)
        return unit * loss, unit * np.abs(gradient)
    if twin.target == "labels":
        target = twins.one_hot(target, x.shape[1])
    target = twins.smooth(wide(target), twin.hyper.get("label_smoothing", 0), wide(1) / x.shape[1])
    p, gap = twins.softmax(x), x.max(axis=1, keepdims=True) - x
    entropy = -np.log(np.where(target > 0, target, 1))
    return (
        unit * (1 + (target * (gap + entropy)).sum(axis=1)),
        unit * (p * (1 + gap) * target.sum(axis=1, keepdims=True) + target),
    )


@pytest.mark.parametrize("case", cases.LOSS_CASES)
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_loss(isa, dtype, case, weighted, rng):
    """Rows are reported without their weights; a weight of zero makes the gradient of its row zero."""
    twin = cases.LOSS_CASES[case]
    for rows, n in shapes(dtype):
        x, _ = guarded(rng.normal(0, 5, (rows, n)).astype(dtype), n % 4)
        target = cases.make_target(twin.target, rng, rows, n, dtype)
        if twin.target != "labels":
            target, _ = guarded(target, rows % 4)
        weight, _ = guarded(np.array([0.0, 2.5, 1.0, 0.3, 0.0], dtype)[:rows], 1) if weighted else (None, None)
        scale = SCALE if weighted else 1.0
        out, intact = blank((rows, n), dtype, 3 - n % 4)
        loss, gradient = kernel(case)(x, target, weight, scale, out)
        assert gradient is out
        assert intact()
        if rows:
            want_loss, want_gradient = twin.forward(wide(x), target, **twin.hyper)
            loss_bound, gradient_bound = bounds(case, x, target)
            factor = scale * (1 if weight is None else wide(weight)[:, None])
            assert_close(loss, want_loss, loss_bound)
            assert_close(gradient, factor * want_gradient, factor * gradient_bound)
        else:
            assert loss.shape == (0,)


def test_kinds_of_targets():
    """What the core says of targets, and Python reads, is what the tests give it."""
    table = _core.kernels.losses()
    assert {name: kind for name, (_, kind) in table.items()} == {
        name: loss.target for name, loss in cases.LOSSES.items()
    }
    metrics = {name.split("(")[0]: metric.target for name, metric in cases.METRICS.items()}
    assert _core.kernels.metrics() == metrics


def test_settings_are_those_of_the_core(rng):
    """What a loss is without arguments is what the core computes without them."""
    x = rng.normal(size=(7, 5))
    for name, case in cases.LOSSES.items():
        target = cases.make_target(case.target, rng, 7, 5, np.float64)
        given = _core.kernels.loss(name, x, target, hyper=LOSSES.resolve(name).hyper)
        for got, want in zip(given, _core.kernels.loss(name, x, target), strict=True):
            np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("name", cases.LOSSES)
def test_defaults(isa, dtype, name, rng):
    x, target = rng.normal(size=(7, 5)).astype(dtype), cases.make_target(cases.LOSSES[name].target, rng, 7, 5, dtype)
    for got, want in zip(
        kernel(name).func(x, target), kernel(name)(x, target, np.ones(7, dtype), 1.0, np.empty_like(x)), strict=True
    ):
        np.testing.assert_array_equal(got, want)


def test_target_rows_need_not_sum_to_one(isa, dtype, rng):
    x, target = rng.normal(size=(7, 21)).astype(dtype), rng.uniform(0, 1, (7, 21)).astype(dtype)
    loss, gradient = kernels.softmax_cross_entropy(x, target)
    want_loss, want_gradient = twins.categorical_crossentropy(wide(x), wide(target))
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(loss, want_loss.astype(dtype), rtol=40 * eps)
    np.testing.assert_allclose(gradient, want_gradient.astype(dtype), rtol=0, atol=40 * eps)


INF = np.inf
ROWS = {
    "large": ([1e4, 0.0, -1e4], 0, 0.0),
    "large, wrong": ([1e4, 0.0, -1e4], 2, 2e4),
    "equal": ([1e4] * 8, 5, np.log(8)),
    "single class": ([-3.0], 0, 0.0),
    "masked": ([0.0, -INF, 0.0], 2, np.log(2)),
    "impossible": ([0.0, -INF, 0.0], 1, INF),
    "nan": ([0.0, np.nan, 0.0], 2, np.nan),
}


@pytest.mark.parametrize(("row", "label", "want"), ROWS.values(), ids=ROWS)
def test_extreme_logits(isa, dtype, row, label, want):
    """Each between ordinary rows, which it must not touch."""
    x = np.array([np.zeros(len(row)), row, np.zeros(len(row))], dtype)
    loss, gradient = kernels.softmax_cross_entropy(x, [0, label, 0])
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(loss[1], want, rtol=4 * eps)
    np.testing.assert_allclose(loss[[0, 2]], np.log(len(row)), rtol=4 * eps, atol=4 * eps)
    if np.isfinite(want):
        want_gradient = twins.softmax(wide(x)) - twins.one_hot(np.array([0, label, 0]), len(row))
        np.testing.assert_allclose(gradient, want_gradient.astype(dtype), atol=8 * eps)
        one_hot = twins.one_hot(np.array([0, label, 0]), len(row), dtype)
        dense_loss, dense_gradient = kernels.softmax_cross_entropy(x, one_hot)
        np.testing.assert_allclose(dense_loss, loss, rtol=8 * eps, atol=8 * eps)
        np.testing.assert_allclose(dense_gradient, gradient, atol=8 * eps)


def test_extreme_binary_logits(isa, dtype):
    x = np.array([[1e4], [1e4], [-1e4], [-1e4], [0.0], [INF], [-INF]], dtype)
    target = np.array([[1], [0], [1], [0], [0.5], [1], [0]], dtype)
    loss, gradient = kernels.sigmoid_cross_entropy(x, target)
    np.testing.assert_allclose(loss[:5], [0, 1e4, 1e4, 0, np.log(2)], rtol=4 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(gradient[:, 0], [0, 1, -1, 0, 0, 0, 0])


@pytest.mark.parametrize(
    ("name", "isa"),
    cases.by_isa(cases.LOSSES, "sparse_categorical_crossentropy", "huber", "binary_crossentropy"),
    indirect=["isa"],
)
def test_threads(isa, dtype, name, rng, for_all_threads):
    x = rng.standard_normal(cases.SHARED_SHAPE, np.float32).astype(dtype)
    weight = np.linspace(0, 1, len(x), dtype=dtype)
    target = cases.make_target(cases.LOSSES[name].target, rng, *x.shape, dtype)
    for_all_threads(lambda: kernel(name)(x, target, weight, SCALE))


def test_divergence_of_certainties(isa, dtype):
    """Targets of exactly 0 and 1: the entropy is 0, and the divergence the cross-entropy."""
    x = np.array([[1e4, 0, -1e4], [1e4, 0, -1e4], [0, -INF, 0]], dtype)
    target = np.array([[1, 0, 0], [0, 0, 1], [0.5, 0, 0.5]], dtype)
    loss, gradient = kernels.kl_divergence(x, target)
    np.testing.assert_allclose(loss, [0, 2e4, 0], rtol=4 * np.finfo(dtype).eps, atol=4 * np.finfo(dtype).eps)
    np.testing.assert_allclose(gradient, twins.softmax(wide(x)).astype(dtype) - target, atol=1e-6)


def test_smoothing_counts_impossible_classes(isa, dtype):
    x = np.array([[0, -INF, 0]], dtype)
    assert kernels.softmax_cross_entropy(x, [0], label_smoothing=0.1)[0] == INF
    assert kernels.softmax_cross_entropy(x, [0])[0] == pytest.approx(np.log(2))


def test_extreme_regression(isa, dtype):
    y, t = np.array([[1e4, -1e4, 0, 1e-3]], dtype), np.zeros((1, 4), dtype)
    loss, gradient = kernels.log_cosh(y, t)
    np.testing.assert_allclose(gradient[0], np.array([1, -1, 0, 1e-3 * (1 - 1e-6 / 3)]) / 4, rtol=1e-6)
    small = float(twins.log_cosh(wide(y[:, 3:]), t[:, 3:])[0][0])
    np.testing.assert_allclose(loss, (2 * (1e4 - np.log(2)) + small) / 4, rtol=4 * np.finfo(dtype).eps)
    near = kernels.log_cosh(y[:, 3:], t[:, 3:])[0]  # relative accuracy near 0
    np.testing.assert_allclose(near, small, rtol=8 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(kernels.mean_absolute_error(y, t)[1] * 4, [[1, -1, 0, 1]])
    np.testing.assert_allclose(kernels.huber(y, t, delta=2.0)[1] * 4, [[2, -2, 0, 1e-3]], rtol=1e-6)


def test_poisson_without_counts(isa, dtype):
    """A rate of 0 is right where nothing is counted."""
    loss, gradient = kernels.poisson(np.array([[-INF, -1e4]], dtype), np.zeros((1, 2), dtype))
    assert loss == 0
    np.testing.assert_array_equal(gradient, [[0, 0]])


@pytest.mark.parametrize(
    ("function", "settings"),
    [
        *((kernels.softmax_cross_entropy, {"label_smoothing": s}) for s in (-0.1, 1.1, np.nan)),
        (kernels.sigmoid_cross_entropy, {"label_smoothing": 2}),
        *((kernels.huber, {"delta": delta}) for delta in (0, -1, np.nan)),
    ],
)
def test_settings_out_of_range(function, settings):
    [(name, value)] = settings.items()
    with pytest.raises(ValueError, match=f"{name} must be .*, got {value}"):
        function(np.zeros((2, 3)), np.zeros((2, 3)), **settings)


def test_unknown_setting():
    x = np.zeros((2, 3))
    with pytest.raises(ValueError, match="loss 'hinge' has no hyperparameter 'delta'"):
        _core.kernels.loss("hinge", x, x, hyper={"delta": 1.0})


@pytest.mark.parametrize("labels", [[0, 3], [-1, 0], [0, 2**62]])
def test_labels_out_of_range(isa, dtype, labels):
    x = np.zeros((2, 3), dtype)
    first_bad = str(next(label for label in labels if not 0 <= label < 3))
    with pytest.raises(ValueError, match=first_bad):
        kernels.softmax_cross_entropy(x, labels)
    with pytest.raises(ValueError, match=first_bad):
        kernels.metric("sparse_categorical_accuracy", x, labels)


@pytest.mark.parametrize("integer", [np.uint8, np.int16, np.int32, np.uint64])
def test_labels_of_any_integer_type(integer):
    x = np.array([[1.0, 2.0, 3.0]])
    np.testing.assert_array_equal(
        kernels.softmax_cross_entropy(x, np.array([2], integer))[0], kernels.softmax_cross_entropy(x, [2])[0]
    )


@pytest.mark.parametrize("name", cases.METRICS)
def test_metric(isa, dtype, name, rng):
    twin = cases.METRICS[name]
    for rows, n in shapes(dtype):
        # Few values, so that there are ties: the first of equal maxima counts.
        x, _ = guarded(rng.integers(-3, 4, (rows, n)).astype(dtype), n % 4)
        target = cases.make_target(twin.target, rng, rows, n, dtype)
        if twin.target != "labels":
            target, _ = guarded(np.round(target, 1), rows % 4)
        got = kernels.metric(name, x, target)
        assert got.dtype == dtype
        assert got.shape == (rows,)
        if rows:
            want = wide(twin.forward(wide(x), wide(target) if twin.target != "labels" else target))
            assert_close(got, want, np.finfo(dtype).eps * (4 + n) * want)


@pytest.mark.parametrize("name", [name for name in cases.METRICS if "accuracy" in name])
def test_nan_is_never_right(isa, dtype, name):
    """Wherever it stands: NumPy's argmax would take it for the largest."""
    for place in range(3):
        x, one_hot = np.array([[0.0, -1.0, -2.0]] * 3, dtype), np.eye(3, dtype=dtype)
        x[:, place] = np.nan
        twin = cases.METRICS[name]
        got = kernels.metric(name, x, np.arange(3) if twin.target == "labels" else one_hot)
        want = twin.forward(x, np.arange(3) if twin.target == "labels" else one_hot)
        np.testing.assert_array_equal(got, want.astype(dtype))
        if name != "binary_accuracy":
            np.testing.assert_array_equal(got, 0)


@pytest.mark.parametrize("columns", [7, 70])
def test_infinite_predictions(isa, dtype, columns):
    """An infinity is equal to another, of which the first count."""
    x = np.full((3, columns), -INF, dtype)
    x[1], x[2, 3] = INF, 0
    for label in range(columns):
        for k in (1, 2, columns):
            got = kernels.metric(f"sparse_top_k_accuracy({k})", x, np.full(3, label))
            np.testing.assert_array_equal(got, twins.sparse_top_k_accuracy(x, np.full(3, label), k))


@pytest.mark.parametrize("name", cases.METRICS)
def test_metric_threads(isa, dtype, name, rng, for_all_threads):
    x = rng.standard_normal(cases.SHARED_SHAPE, np.float32).astype(dtype)
    target = cases.make_target(cases.METRICS[name].target, rng, *x.shape, dtype)
    for_all_threads(lambda: [kernels.metric(name, x, target)])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        *((f"top_k_accuracy{k}", r"needs a number, as in 'top_k_accuracy\(5\)'") for k in ("", "(0)", "(-1)", "(2")),
        *((f"top_k_accuracy({k})", "needs a number") for k in ("", "k", "2.5", "2)", 2**63)),
        ("mean_squared_error(2)", "mean_squared_error takes no number"),
        ("top_3_accuracy", "unknown metric 'top_3_accuracy'; known are .*top_k_accuracy"),
    ],
)
def test_number_of_a_metric(name, message):
    with pytest.raises(ValueError, match=message):
        kernels.metric(name, np.zeros((2, 3)), np.zeros((2, 3)))
