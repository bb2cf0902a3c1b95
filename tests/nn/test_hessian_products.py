"""Products with the Hessian of the cost and with its Gauss-Newton part, against differences and other libraries."""

import cases
import numpy as np
import pytest

import fastopt as fo
from fastopt.curvature import gauss_newton_product, hessian, hessian_vector_product
from fastopt.losses import LOSSES
from fastopt.tools.curvature import PlaceOfModel


def flat(views):
    return np.concatenate([view.ravel() for view in views.values()]).astype(np.float64)


def differences(model, x, y, v, w, weight=None, h=1e-5):
    """H v from gradients, of the fourth order."""
    gradient = lambda t: model.cost_and_gradient(x, y, w + t * v, weight)[1]  # noqa: E731
    return (8 * (gradient(h) - gradient(-h)) - gradient(2 * h) + gradient(-2 * h)) / (12 * h)


def check(model, x, y, weight=None, tolerance=1e-9):
    """Against differences, symmetric, and the same where values are kept, at weights that are none of the model's."""
    rng = np.random.default_rng(7)
    step, u, v = rng.normal(size=(3, model.count_params()))
    w = flat(model.parameters) + 0.05 * step
    before = model.get_weights()
    product = hessian_vector_product(model, x, y, v, w, weight)
    expected = differences(model, x, y, v, w, weight)
    assert np.linalg.norm(product - expected) <= tolerance * np.linalg.norm(expected)
    other = hessian_vector_product(model, x, y, u, w, weight)
    assert u @ product == pytest.approx(v @ other, rel=1e-6)
    same_point = PlaceOfModel(model, x, y, w, weight)
    for along, alone in 2 * [(v, product), (u, other)]:
        np.testing.assert_array_equal(same_point.product(along), alone)
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))


def built(layers, shape, loss="mse", dtype="float64"):
    model = fo.Sequential(layers, dtype=dtype, seed=5)
    model.compile("sgd", loss)
    model.build(shape)
    return model


@pytest.mark.parametrize("name", cases.LAYERS)
def test_every_layer(name):
    stack = cases.LAYERS[name]
    shape = stack.shapes[0]
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(9, *shape)), rng.normal(size=(9, 2))
    before = [fo.layers.Flatten(), fo.layers.Dense(int(np.prod(shape)), "tanh"), fo.layers.Reshape(shape)]
    after = [fo.layers.Flatten(), fo.layers.Dense(4, "tanh"), fo.layers.Dense(2)]
    model = built([*before, *stack.make(shape), *after], shape)
    differs = not model._full_batch(x, y, None).has_curvature
    assert differs == ("norm" in name)
    check(model, x, y, tolerance=1e-6 if differs else 1e-9)


def losses():
    """Each loss after each last activation that it goes with."""
    for name, case in cases.LOSS_CASES.items():
        loss = type(LOSSES.resolve(name.split()[0]))(**case.hyper)
        for last in ("linear", "tanh", "sigmoid", "softmax"):
            if not loss.link or last in (loss.link, "linear"):
                yield pytest.param(case, loss, last, id=f"{name}-{last}")


@pytest.mark.parametrize(("case", "loss", "last"), [*losses()])
def test_every_loss(case, loss, last):
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(60, 6)), cases.make_target(case.target, rng, 60, 3, np.float64)
    check(built([fo.layers.Dense(5, "tanh"), fo.layers.Dense(3, last)], 6, loss), x, y, rng.random(60))


def test_many_outputs_and_one():
    rng = np.random.default_rng(4)
    for columns in (1, 40):
        x, bits = rng.normal(size=(70, 6)), rng.integers(0, 2, (70, columns)).astype(float)
        check(built([fo.layers.Dense(5, "silu"), fo.layers.Dense(columns)], 6, "binary_crossentropy"), x, bits)
    labels = rng.integers(0, 40, 70)
    check(built([fo.layers.Dense(5, "silu"), fo.layers.Dense(40)], 6, "sparse_categorical_crossentropy"), x, labels)


@pytest.mark.parametrize("last", ["linear", "softmax"])
def test_penalties(last):
    l2, both = fo.regularizers.L2, fo.regularizers.L1L2
    layers = [
        fo.layers.Dense(5, "tanh", kernel_regularizer=both(0.01, 0.02), activity_regularizer=both(0.01, 0.1)),
        fo.layers.Dense(4, "gelu", activity_regularizer=l2(0.3)),
        fo.layers.Dense(3, last, bias_regularizer=l2(0.5), activity_regularizer=l2(0.2)),
    ]
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(60, 6)), rng.integers(0, 3, 60)
    check(built(layers, 6, "sparse_categorical_crossentropy"), x, y, rng.random(60))


def graph(split=True):
    """Two inputs and outputs, values that are used more than once, and layers that share weights."""
    a, b = fo.Input(4), fo.Input(3)
    shared = fo.layers.Dense(4, "tanh")
    h = fo.layers.Concatenate()([shared(a), b, a])
    h = fo.layers.Dense(4, "silu")(h)
    h = fo.layers.Add()([h, shared(h), a])
    classes = fo.layers.Dense(3, "softmax")(h)
    other = fo.layers.Concatenate()([classes, h]) if split else h
    model = fo.Model([a, b], [classes, fo.layers.Dense(2, "sigmoid")(other)], dtype="float64", seed=3)
    model.compile("sgd", ["sparse_categorical_crossentropy", "huber"], loss_weights=[0.5, 2.0])
    rng = np.random.default_rng(2)
    x = [rng.normal(size=(50, 4)), rng.normal(size=(50, 3))]
    model.fit(x, y := [rng.integers(0, 3, 50), rng.normal(size=(50, 2))], epochs=1, verbose=0)
    return model, x, y


@pytest.mark.parametrize("split", [False, True])
def test_graphs(split):
    model, x, y = graph(split)
    assert model._full_batch(x, y, None).has_curvature
    check(model, x, y, np.random.default_rng(1).random(50))


def test_frozen_layers():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(60, 6)), rng.normal(size=(60, 2))
    for frozen in ([0], [1], [2], [0, 1]):
        model = built([fo.layers.Dense(5, "tanh"), fo.layers.Dense(4, "elu"), fo.layers.Dense(2)], 6)
        whole = hessian(model, x, y)
        learns = np.ones(model.count_params(), bool)
        for i in frozen:
            model.layers[i].trainable = False
            ends = np.cumsum([0, 35, 24, 10])
            learns[ends[i] : ends[i + 1]] = False
        product = hessian_vector_product(model, x, y, v := rng.normal(size=len(learns)))
        assert (product[~learns] == 0).all()
        np.testing.assert_allclose(product, np.where(learns, whole @ (v * learns), 0), rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(hessian(model, x, y), whole * np.outer(learns, learns), rtol=1e-10, atol=1e-13)


def test_gauss_newton_is_what_it_says():
    """With the Jacobian of the logits by differences, and an L2 penalty."""
    rng = np.random.default_rng(4)
    x, y, weight = rng.normal(size=(20, 4)), rng.integers(0, 3, 20), rng.random(20)
    layers = [fo.layers.Dense(3, "gelu", kernel_regularizer=fo.regularizers.L2(0.1)), fo.layers.Dense(3)]
    model = built(layers, 4, "sparse_categorical_crossentropy")
    w, v = flat(model.parameters), rng.normal(size=model.count_params())

    def logits(at):
        twin = fo.clone(model)
        twin.build(4)
        sizes = np.cumsum([view.size for view in twin.parameters.values()])[:-1]
        for view, part in zip(twin.parameters.values(), np.split(at, sizes), strict=True):
            view[...] = part.reshape(view.shape)
        return twin.predict(x)

    jacobian = np.stack([(logits(w + 1e-6 * e) - logits(w - 1e-6 * e)) / 2e-6 for e in np.eye(len(w))], axis=-1)
    p = np.exp(logits(w))
    p /= p.sum(1, keepdims=True)
    s = jacobian @ v
    inner = weight[:, None] * p * (s - (p * s).sum(1, keepdims=True)) / len(x)
    expected = np.einsum("njp,nj->p", jacobian, inner)
    expected[:12] += 0.2 * v[:12]
    np.testing.assert_allclose(gauss_newton_product(model, x, y, v, sample_weight=weight), expected, rtol=1e-6)


def test_gauss_newton_of_a_linear_network_is_the_hessian_and_never_negative():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(30, 6)), rng.normal(size=(30, 2))
    linear = built([fo.layers.Dense(2)], 6, "log_cosh")
    v = rng.normal(size=linear.count_params())
    np.testing.assert_allclose(
        gauss_newton_product(linear, x, y, v), hessian_vector_product(linear, x, y, v), rtol=1e-12
    )
    model, x, y = graph()
    for v in rng.normal(size=(20, model.count_params())):
        assert v @ gauss_newton_product(model, x, y, v) >= 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_same_bits_for_every_number_of_threads(dtype, for_all_threads):
    rng = np.random.default_rng(4)
    layers = [fo.layers.Dense(65, "relu"), fo.layers.Residual([fo.layers.Dense(65, "gelu")]), fo.layers.PReLU()]
    model = built([*layers, fo.layers.Dense(3)], 6, "sparse_categorical_crossentropy", dtype)
    x, y = rng.normal(size=(9_001, 6)), rng.integers(0, 3, 9_001)
    v = rng.normal(size=model.count_params())
    for_all_threads(lambda: (hessian_vector_product(model, x, y, v), gauss_newton_product(model, x, y, v)))


def test_values_that_are_kept_are_those_of_the_point():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(9_001, 6)), rng.normal(size=(9_001, 3))
    model = built([fo.layers.Dense(16, "tanh"), fo.layers.Dense(3)], 6)
    v, *points = rng.normal(size=(3, model.count_params()))
    moving = PlaceOfModel(model, x, y, points[0], None)
    for i in [0, 0, 0, 1, 1, 0, 1, 1]:
        moving.at = points[i]
        np.testing.assert_array_equal(moving.product(v), hessian_vector_product(model, x, y, v, points[i]))


def test_chunks_and_float32():
    """The mean over parts is that over all; float32 loses nothing in the sum over samples."""
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(9_001, 6)).astype(np.float32), rng.integers(0, 3, 9_001)
    layers = [fo.layers.Dense(16, "tanh"), fo.layers.Dense(3)]
    model = built(layers, 6, "sparse_categorical_crossentropy", "float32")
    twin = built(layers, 6, "sparse_categorical_crossentropy")
    w, v = flat(model.parameters), rng.normal(size=model.count_params())
    whole = hessian_vector_product(twin, x, y, v, w)
    parts = [slice(0, 1), slice(1, 300), slice(300, 9_001)]
    products = [hessian_vector_product(twin, x[p], y[p], v, w) * len(y[p]) for p in parts]
    np.testing.assert_allclose(sum(products) / 9_001, whole, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(hessian_vector_product(model, x, y, v), whole, rtol=1e-3, atol=2e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", cases.ACTIVATIONS)
def test_saturated_activations(name, dtype):
    x = np.array([[-1e4], [-100.0], [-30.0], [0.0], [30.0], [100.0], [1e4]])
    model = built([fo.layers.Dense(2, name), fo.layers.Dense(1)], 1, dtype=dtype)
    assert np.isfinite(hessian_vector_product(model, x, np.zeros(7), np.ones(model.count_params()))).all()


def test_differences_in_float64_where_there_is_no_exact_product():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(60, 6)), rng.normal(size=(60, 2))
    layers = [fo.layers.Dense(5, "tanh"), fo.layers.BatchNormalization(), fo.layers.Dense(2)]
    model, twin = built(layers, 6, dtype="float32"), built(layers, 6)
    for each in (model, twin):
        each.fit(x, y, epochs=1, verbose=0)
    twin.set_weights(model.get_weights())
    v = rng.normal(size=model.count_params())
    expected = differences(twin, x, y, v, flat(model.parameters))
    np.testing.assert_allclose(hessian_vector_product(model, x, y, v), expected, rtol=1e-5, atol=1e-7)
    with pytest.raises(ValueError, match="without normalisation"):
        gauss_newton_product(model, x, y, v)


def test_losses_of_ones_own():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(60, 6)), rng.normal(size=(60, 2))
    layers = [fo.layers.Dense(5, "tanh"), fo.layers.Dense(2)]
    exact = built(layers, 6)
    model = built(layers, 6, lambda t, p: (((p - t) ** 2).mean(1), (p - t)))
    v = rng.normal(size=model.count_params())
    expected = hessian_vector_product(exact, x, y, v)
    assert np.linalg.norm(hessian_vector_product(model, x, y, v) - expected) < 1e-7 * np.linalg.norm(expected)


@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu", "softplus", "silu", "elu"])
def test_against_torch(activation):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 6)), rng.integers(0, 3, 40)
    layers = [fo.layers.Dense(8, activation), fo.layers.Dense(7, activation), fo.layers.Dense(3)]
    model = built(layers, 6, "sparse_categorical_crossentropy")
    v = rng.normal(size=model.count_params())
    f = getattr(torch.nn.functional, activation, None) or getattr(torch, activation)
    parameters = tuple(torch.tensor(view.copy()) for view in model.parameters.values())
    sizes = [p.numel() for p in parameters]
    along = tuple(a.reshape(p.shape) for a, p in zip(torch.split(torch.tensor(v), sizes), parameters, strict=True))

    def cost(w1, b1, w2, b2, w3, b3):
        h = f(f(torch.tensor(x) @ w1 + b1) @ w2 + b2)
        return torch.nn.functional.cross_entropy(h @ w3 + b3, torch.tensor(y))

    expected = torch.autograd.functional.hvp(cost, parameters, along)[1]
    expected = np.concatenate([part.numpy().ravel() for part in expected])
    product = hessian_vector_product(model, x, y, v)
    assert np.linalg.norm(product - expected) <= 1e-10 * np.linalg.norm(expected)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"v": np.zeros(3)}, ValueError, r"v has shape \(3,\); expected one number for each weight, \(14,\)"),
        ({"v": np.full(14, np.nan)}, ValueError, "v"),
        ({"w": np.zeros(3)}, ValueError, "expected one number for each weight"),
        ({"model": None}, TypeError, "model must be a fastopt.Sequential or Model"),
        ({"x": np.zeros((5, 4))}, ValueError, "x"),
        ({"sample_weight": np.ones(4)}, ValueError, "sample_weight"),
    ],
)
def test_what_is_refused(change, error, message):
    model = built([fo.layers.Dense(2)], 6)
    given = {"model": model, "x": np.zeros((5, 6)), "y": np.zeros((5, 2)), "v": np.zeros(14)} | change
    for product in (hessian_vector_product, gauss_newton_product):
        with pytest.raises(error, match=message):
            product(**given)


def test_it_needs_a_loss_and_weights():
    model = fo.Sequential([fo.layers.Dense(2)])
    with pytest.raises(RuntimeError, match="loss"):
        hessian_vector_product(model, [[1.0]], [[1.0, 2.0]], np.zeros(4))
    model.compile("sgd", "mse")
    with pytest.raises(RuntimeError, match="no weights yet"):
        hessian_vector_product(model, [[1.0]], [[1.0, 2.0]], np.zeros(4))


def test_a_large_hessian_is_refused():
    model = built([fo.layers.Dense(300)], 6)
    with pytest.raises(ValueError, match="at most 2,000 rows"):
        hessian(model, np.zeros((5, 6)), np.zeros((5, 300)))


def test_training_is_not_disturbed():
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(60, 6)), rng.normal(size=(60, 2))
    layers = [fo.layers.Dense(5, "tanh"), fo.layers.Dropout(0.5), fo.layers.Dense(2)]
    one, other = built(layers, 6), built(layers, 6)
    for _ in range(3):
        one.fit(x, y, epochs=1, verbose=0)
        other.fit(x, y, epochs=1, verbose=0)
        hessian_vector_product(other, x, y, np.ones(other.count_params()))
    assert all((a == b).all() for a, b in zip(one.get_weights(), other.get_weights(), strict=True))
