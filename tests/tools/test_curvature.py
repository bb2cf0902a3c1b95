"""What the curvature says of a cost: steps along the gradient, eigenvalues, and watching both in training."""

import math
import re
from pathlib import Path

import numpy as np
import pytest

import fastopt as fo
from fastopt.curvature import along_gradient, along_gradient_of, hessian, spectrum, spectrum_of


def bowl(x):
    return x[0] ** 2 / 10 + x[1] ** 2


def bowl_gradient(x):
    return np.array([x[0] / 5, 2 * x[1]])


BOWL_HESSIAN = np.diag([0.2, 2.0])
WAYS = {
    "hess": {"jac": bowl_gradient, "hess": lambda x: BOWL_HESSIAN},
    "hessp": {"jac": bowl_gradient, "hessp": lambda x, p: BOWL_HESSIAN @ p},
    "jac": {"jac": bowl_gradient},
    "values alone": {},
}


@pytest.mark.parametrize("way", WAYS)
def test_bowl(way):
    found = along_gradient_of(bowl, [-7, 2], **WAYS[way])
    exact = 1e-9 if way != "values alone" else 1e-5
    assert found.gradient_square == pytest.approx(17.96, rel=exact)
    assert found.gradient_curvature == pytest.approx(32.392, rel=exact)
    assert found.critical_rate == pytest.approx(1.1089157817, rel=10 * exact)
    assert found.best_rate == pytest.approx(0.5544578908, rel=10 * exact)
    assert found.predicted(0.95) == pytest.approx(-2.44511, rel=1e-5)
    assert found.predicted(1.2) == pytest.approx(1.77024, rel=1e-5)
    assert (found.alarm(0.95), found.alarm(1.2)) == (False, True)
    x = np.array([-7.0, 2.0])
    assert found.predicted(0.95) == pytest.approx(bowl(x - 0.95 * bowl_gradient(x)) - bowl(x), rel=1e-4)
    eigenvalues = spectrum_of(bowl, [-7, 2], **WAYS[way])
    assert eigenvalues.condition == pytest.approx(10, rel=1e-4)
    assert (eigenvalues.kind, eigenvalues.negative) == ("minimum", 0)


def test_a_deep_linear_chain():
    w, rate = np.array([2.0, 1.5, 1.2, 1.8]), 0.01
    gradient = lambda w: np.prod(w) / w  # noqa: E731
    found = along_gradient_of(np.prod, w, gradient)
    np.testing.assert_allclose(found.gradient, [3.24, 4.32, 5.4, 3.6], rtol=1e-12)
    assert -rate * found.gradient_square == pytest.approx(-0.7128, rel=1e-10)
    assert rate**2 / 2 * found.gradient_curvature == pytest.approx(0.0278093088, rel=1e-8)
    assert np.prod(w - rate * gradient(w)) - np.prod(w) == pytest.approx(-0.6854469253, rel=1e-9)
    assert found.predicted(rate) == pytest.approx(-0.6854469253, abs=5e-4)


def test_a_power_of_a_matrix():
    found = along_gradient_of(
        lambda w: np.trace(np.linalg.matrix_power(w.reshape(2, 2), 5)), [1.1, 0.2, 0, 0.7], jac=None
    )
    np.testing.assert_allclose(found.gradient.reshape(2, 2), [[7.3205, 0], [3.06, 1.2005]], atol=1e-8)


@pytest.mark.parametrize(
    ("eigenvalues", "kind", "negative", "condition"),
    [
        ([1, 2, 8], "minimum", 0, 8),
        ([-1, 2, 8], "saddle", 1, 8),
        ([-4, -2, -2], "maximum", 3, 2),
        ([0, 2, 8], "degenerate", 0, math.inf),
        ([-1, 0, 0], "degenerate", 1, math.inf),
        ([-1e-9, 2, 8], "degenerate", 0, 8e9),
    ],
)
def test_kinds_of_points(eigenvalues, kind, negative, condition):
    found = spectrum_of(lambda x: 0.0, np.zeros(3), hess=lambda x: np.diag(eigenvalues))
    assert (found.kind, found.negative) == (kind, negative)
    assert found.condition == pytest.approx(condition)
    assert (found.smallest, found.largest, found.products) == (eigenvalues[0], eigenvalues[-1], 3)


def test_no_alarm_where_the_cost_curves_downwards():
    found = along_gradient_of(lambda x: -(x @ x), [1.0, 2.0], lambda x: -2 * x)
    assert found.best_rate == found.critical_rate == math.inf
    assert not found.alarm(1e9)


def symmetric(values, seed=0):
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(len(values), len(values))))
    return (q * values) @ q.T


@pytest.mark.parametrize("spread", [np.linspace(-3, 7, 400), np.geomspace(1e-3, 1e3, 400), np.r_[-1.0, np.ones(399)]])
def test_lanczos_finds_the_extremes(spread):
    matrix = symmetric(spread)
    found = spectrum_of(lambda x: 0.0, np.zeros(400), hessp=lambda x, p: matrix @ p, products=400, tolerance=1e-8)
    assert found.converged
    assert found.products < 400
    size = np.abs(spread).max()
    assert found.smallest == pytest.approx(spread.min(), abs=1e-7 * size)
    assert found.largest == pytest.approx(spread.max(), abs=1e-7 * size)
    assert found.values is found.condition is found.negative is None
    again = spectrum_of(lambda x: 0.0, np.zeros(400), hessp=lambda x, p: matrix @ p, products=400, tolerance=1e-8)
    assert again == found
    few = spectrum_of(lambda x: 0.0, np.zeros(400), hessp=lambda x, p: matrix @ p, products=2, tolerance=0.0)
    assert few.products == 2


def model_and_data(units=12, dtype="float64"):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(80, 6)), rng.integers(0, 3, 80)
    model = fo.Sequential([fo.layers.Dense(units, "tanh"), fo.layers.Dense(3)], dtype=dtype, seed=2)
    model.compile(fo.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    model.build(6)
    return model, x, y


def test_of_a_model():
    model, x, y = model_and_data()
    cost, gradient = model.cost_and_gradient(x, y)
    matrix = hessian(model, x, y)
    found = along_gradient(model, x, y)
    np.testing.assert_array_equal(found.gradient, gradient)
    assert found.gradient_square == pytest.approx(gradient @ gradient)
    assert found.gradient_curvature == pytest.approx(gradient @ matrix @ gradient)
    w = np.concatenate([view.ravel() for view in model.parameters.values()])
    change = model.cost_and_gradient(x, y, w - 1e-3 * gradient)[0] - cost
    assert found.predicted(1e-3) == pytest.approx(change, rel=1e-5)
    values = np.linalg.eigvalsh(matrix)
    all_of_them = spectrum(model, x, y)
    np.testing.assert_allclose(all_of_them.values, values, atol=1e-12)
    assert all_of_them.negative == np.count_nonzero(values < -1e-6 * values.max())
    moved = along_gradient(model, x, y, w - gradient)
    assert moved.gradient_square != found.gradient_square


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_lanczos_of_a_model(dtype, for_all_threads):
    model, x, y = model_and_data(60, dtype)
    found = spectrum(model, x, y)
    values = np.linalg.eigvalsh(hessian(model, x, y))
    assert found.values is None
    assert found.converged
    assert found.smallest == pytest.approx(values[0], abs=1e-5 * values[-1])
    assert found.largest == pytest.approx(values[-1], rel=1e-5)
    for_all_threads(lambda: np.array([(found := spectrum(model, x, y)).smallest, found.largest]))


def test_frozen_layers_are_no_variables():
    model, x, y = model_and_data()
    matrix = hessian(model, x, y)
    model.layers[0].trainable = False
    found = spectrum(model, x, y)
    np.testing.assert_allclose(found.values, np.linalg.eigvalsh(matrix[84:, 84:]), atol=1e-12)
    model.trainable = False
    with pytest.raises(ValueError, match="Nothing learns"):
        spectrum(model, x, y)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"products": 0}, ValueError, "products must be at least 1"),
        ({"tolerance": 1.0}, ValueError, "tolerance"),
        ({"seed": -1}, ValueError, "seed"),
        ({"fun": 3}, TypeError, "fun"),
        ({"hessp": 3}, TypeError, "hessp"),
        ({"x0": [[1.0]]}, ValueError, "x0"),
        ({"hess": lambda x: [[1.0, 2.0], [0.0, 1.0]]}, ValueError, "not symmetric"),
    ],
)
def test_what_is_refused(change, error, message):
    with pytest.raises(error, match=message):
        spectrum_of(**{"fun": bowl, "x0": [1.0, 2.0]} | change)


NAMES = ["gradient_square", "gradient_curvature", "critical_rate", "alarm", "weight_norm"]


@pytest.mark.parametrize("every", [None, 3])
@pytest.mark.parametrize("eigenvalues", [False, True])
def test_callback(every, eigenvalues):
    model, x, y = model_and_data()
    watch = fo.callbacks.Curvature(x[:40], y[:40], every=every, eigenvalues=eigenvalues)
    history = model.fit(x, y, batch_size=10, epochs=4, callbacks=[watch], validation_data=(x, y), verbose=0).history
    names = NAMES + (["smallest_eigenvalue", "largest_eigenvalue"] if eigenvalues else [])
    assert [*watch.history] == ["step", *names]
    within = [3, 6, 8, 11, 14, 16, 19, 22, 24, 27, 30, 32]
    assert watch.history["step"] == (within if every else [8, 16, 24, 32])
    for name in names:
        assert len(history[name]) == 4
        assert history[name][-1] == watch.history[name][-1]
    found = along_gradient(model, x[:40], y[:40])
    assert history["gradient_square"][-1] == found.gradient_square
    assert history["critical_rate"][-1] == found.critical_rate
    assert history["alarm"][-1] == float(found.alarm(0.1))
    norm = math.sqrt(sum(float((view**2).sum()) for view in model.parameters.values()))
    assert history["weight_norm"][-1] == pytest.approx(norm)
    if eigenvalues:
        assert history["largest_eigenvalue"][-1] == spectrum(model, x[:40], y[:40]).largest


def test_callback_changes_nothing_of_the_training():
    weights = []
    for callbacks in ([], lambda x, y: [fo.callbacks.Curvature(x, y, every=2, eigenvalues=True)]):
        model, x, y = model_and_data()
        given = callbacks(x, y) if callable(callbacks) else callbacks
        model.fit(x, y, batch_size=10, epochs=3, callbacks=given, verbose=0)
        weights.append(model.get_weights())
    assert all((a == b).all() for a, b in zip(*weights, strict=True))


def test_other_callbacks_see_what_it_found(tmp_path):
    model, x, y = model_and_data()
    watch, table = fo.callbacks.Curvature(x, y), fo.callbacks.CSVLogger(tmp_path / "log.csv")
    stop = fo.callbacks.EarlyStopping("weight_norm", mode="max")
    history = model.fit(x, y, epochs=5, callbacks=[watch, table, stop], verbose=0)
    head, first, *_ = (tmp_path / "log.csv").read_text().split()
    assert dict(zip(head.split(","), first.split(","), strict=True))["gradient_square"] == str(
        history.history["gradient_square"][0]
    )
    assert len(history.epoch) == 2


def test_with_a_solver_there_is_no_rate():
    model, x, y = model_and_data()
    model.compile("lbfgs", model.loss)
    watch = fo.callbacks.Curvature(x, y)
    model.fit(x, y, epochs=3, callbacks=[watch], verbose=0)
    assert watch.history["step"] == [1, 2, 3]
    assert np.isnan(watch.history["alarm"]).all()


def test_alarm_of_a_rate_that_is_too_large():
    model, x, y = model_and_data()
    critical = along_gradient(model, x, y).critical_rate
    for rate, alarm in ((critical / 10, 0.0), (critical * 100, 1.0)):
        model, x, y = model_and_data()
        model.compile(fo.optimizers.SGD(rate), model.loss)
        watch = fo.callbacks.Curvature(x, y, every=1)
        model.fit(x[:1], y[:1], epochs=1, callbacks=[watch], verbose=0)
        assert watch.history["alarm"] == [alarm] or alarm


def test_picture():
    pytest.importorskip("matplotlib").use("agg")
    model, x, y = model_and_data()
    watch = fo.callbacks.Curvature(x, y)
    history = model.fit(x, y, batch_size=10, epochs=5, callbacks=[watch], validation_data=(x, y), verbose=0)
    ax = fo.plotting.gradient_norm(history)
    left, right = ax.lines[0], ax.figure.axes[1].lines[0]
    np.testing.assert_array_equal(left.get_xydata(), np.c_[np.arange(1, 6), history.history["gradient_square"]])
    np.testing.assert_array_equal(right.get_xydata(), np.c_[np.arange(1, 6), history.history["val_loss"]])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["g'g", "val_loss"]
    with pytest.raises(ValueError, match="no 'val_accuracy'"):
        fo.plotting.gradient_norm(history, "val_accuracy")
    with pytest.raises(TypeError, match="history"):
        fo.plotting.gradient_norm([1.0])


def test_page_of_documentation(capsys):
    """Its examples run, and print what it says."""
    pytest.importorskip("matplotlib").use("agg")
    page = (Path(__file__).resolve().parents[2] / "docs/curvature.md").read_text()
    code = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(compile("\n".join(code).replace("callbacks=[watch])", "callbacks=[watch], verbose=0)"), "page", "exec"), {})
    assert re.findall(r"(-?\d\.\d{3})", capsys.readouterr().out) == ["0.554", "1.108", "-2.445", "1.770"]
