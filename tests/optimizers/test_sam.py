"""Sharpness-aware minimization: against two passes by hand, PyTorch, and what it must leave alone."""

import numpy as np
import pytest

import fastopt as fo
from fastopt import optimizers as opt
from fastopt._core import allocations

DRAWS = np.random.default_rng(0)
X = DRAWS.normal(size=(60, 6))
Y = np.sin(X @ DRAWS.normal(size=(6, 2)))


def model_of(optimizer, loss="mse", dtype="float64", frozen=False, dropout=0.0):
    model = fo.Sequential(
        [
            fo.layers.Dense(7, "tanh", kernel_regularizer=fo.regularizers.L2(0.01), name="a"),
            fo.layers.BatchNormalization(momentum=0.9, name="norm"),
            fo.layers.Dense(5, "tanh", name="b", trainable=not frozen),
            *([fo.layers.Dropout(dropout)] if dropout else []),
            fo.layers.Dense(2, name="c"),
        ],
        seed=1,
        dtype=dtype,
    )
    model.compile(optimizer, loss)
    model.build(6)
    return model


def fitted(model, epochs=3, **arguments):
    model.fit(X, Y, **{"batch_size": 20, "epochs": epochs, "shuffle": False, "verbose": 0} | arguments)
    return model


def values(model):
    return {name: view.copy() for name, view in (model.parameters | model.state | model.slots).items()}


def same(one, other):
    assert one.keys() == other.keys()
    assert all(np.array_equal(value, other[name]) for name, value in one.items())


def ascent(w, g, rho, adaptive):
    """The way up from the parameters w, by name, with the gradient g."""
    size = {name: np.abs(value) if adaptive else np.ones_like(value) for name, value in w.items()}
    norm = np.sqrt(sum(np.sum((size[name] * g[name]) ** 2) for name in w))
    return {name: rho * size[name] ** 2 * g[name] / (norm + 1e-12) for name in w}


def by_hand(inner, rho, adaptive, epochs, frozen=False):
    """The parameters and the state of a model that is trained so, with the steps done on bare arrays."""
    model = model_of("sgd", frozen=frozen)
    learning = {name: w.copy() for name, w in model.parameters.items() if not (frozen and name.startswith("b/"))}

    def gradients(rows, at):
        for name, value in at.items():
            model.parameters[name][...] = value
        model.backward((model(X[rows]) - Y[rows]) / len(X[rows]))
        return {name: model.gradients[name].copy() for name in at}

    for _ in range(epochs):
        for first in range(0, len(X), 20):
            rows = slice(first, first + 20)
            up = ascent(learning, gradients(rows, learning), rho, adaptive)
            kept = {name: view.copy() for name, view in model.state.items()}
            g = gradients(rows, {name: w + up[name] for name, w in learning.items()})
            for name, view in model.state.items():
                view[...] = kept[name]
            inner.update(learning, g)
    for name, value in learning.items():
        model.parameters[name][...] = value
    return model


INNER = {
    "momentum": lambda: opt.SGD(0.05, 0.9),
    "clip, decay": lambda: opt.Decay(opt.Clip(opt.Adam(0.01), global_norm=0.1), l2=0.1, decoupled=0.1),
    "accumulate": lambda: opt.Accumulate(opt.SGD(0.1, 0.5), 2),
    "averages": lambda: opt.Average(opt.Lookahead(opt.Cautious("adamw"), 2), 0.8),
    "lamb": lambda: opt.LayerRates(opt.Lamb(0.01), {"a": 0.5}),
}


@pytest.mark.parametrize("adaptive", [False, True])
@pytest.mark.parametrize("inner", INNER)
def test_equals_two_passes(inner, adaptive):
    make, frozen = INNER[inner], inner == "momentum"
    model = fitted(model_of(opt.SAM(make(), 0.3, adaptive), frozen=frozen))
    twin = by_hand(make(), 0.3, adaptive, 3, frozen)
    bare = fitted(model_of(make(), frozen=frozen))
    for name, want in (twin.parameters | twin.state).items():
        np.testing.assert_allclose((model.parameters | model.state)[name], want, rtol=1e-10, atol=1e-12, err_msg=name)
    moved = np.abs(model.parameters["a/kernel"] - bare.parameters["a/kernel"]).max()
    assert moved > 1e-5


@pytest.mark.parametrize("adaptive", [False, True])
def test_equals_torch(adaptive):
    torch = pytest.importorskip("torch")
    model = model_of(opt.SAM(opt.SGD(0.05, 0.9), 0.1, adaptive))
    layers = [
        torch.nn.Linear(6, 7),
        torch.nn.Tanh(),
        torch.nn.BatchNorm1d(7, eps=1e-3),
        torch.nn.Linear(7, 5),
        torch.nn.Tanh(),
        torch.nn.Linear(5, 2),
    ]
    peer = torch.nn.Sequential(*layers).double()
    parameters = [p for i in (0, 2, 3, 5) for p in (layers[i].weight, layers[i].bias)]
    with torch.no_grad():
        for p, view in zip(parameters, model.parameters.values(), strict=True):
            p.copy_(torch.tensor(view.T))
    base = torch.optim.SGD(parameters, 0.05, 0.9)
    x, y = torch.tensor(X), torch.tensor(Y)

    def backward():
        base.zero_grad()
        cost = torch.nn.functional.mse_loss(peer(x), y) + 0.01 * (layers[0].weight ** 2).sum()
        cost.backward()
        return cost.item()

    costs = []
    for _ in range(50):
        layers[2].momentum = 0.1
        costs.append(backward())
        with torch.no_grad():
            before = [p.clone() for p in parameters]
            sizes = [p.abs() if adaptive else torch.ones_like(p) for p in parameters]
            norm = torch.norm(torch.stack([(s * p.grad).norm() for s, p in zip(sizes, parameters, strict=True)]))
            for s, p in zip(sizes, parameters, strict=True):
                p.add_(s**2 * p.grad * 0.1 / (norm + 1e-12))
        layers[2].momentum = 0.0  # leaves the running statistics as they are
        backward()
        with torch.no_grad():
            for p, value in zip(parameters, before, strict=True):
                p.copy_(value)
        base.step()
    fitted(model, 50, batch_size=60)
    np.testing.assert_allclose(model.history.history["loss"], costs, rtol=1e-10)
    for p, view in zip(parameters, model.parameters.values(), strict=True):
        np.testing.assert_allclose(view.T, p.detach().numpy(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_threads(dropout, dtype, for_all_threads):
    x, y = np.tile(X, (4, 8)).astype(dtype), np.tile(Y, (4, 1))

    def trained():
        model = fo.Sequential(
            [
                fo.layers.Dense(131, "relu"),
                fo.layers.BatchNormalization(),
                fo.layers.Dropout(dropout),
                fo.layers.Dense(2),
            ],
            seed=0,
            dtype=np.dtype(dtype).name,
        )
        model.compile(opt.SAM(opt.AdamW(0.01), 0.1, adaptive=dropout > 0), "mse")
        model.fit(x, y, batch_size=100, epochs=2, verbose=0)
        return [*model.parameters.values(), *model.state.values(), *model.slots.values()]

    for_all_threads(trained)


def test_both_passes_draw_the_same_noise():
    """And functions are losses as well, which are asked twice."""
    seen = []

    def squares(target, prediction):
        seen.append(prediction.copy())
        d = prediction - target
        return (d**2).mean(axis=1), 2 * d / d.shape[1]

    model = fitted(model_of(opt.SAM(opt.SGD(0.01), 1e-14), squares, dropout=0.5))
    known = fitted(model_of(opt.SAM(opt.SGD(0.01), 1e-14), dropout=0.5))
    assert len(seen) == 18
    for first, second in zip(seen[::2], seen[1::2], strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-9, atol=1e-12)
    assert np.abs(seen[0] - seen[6]).max() > 1e-3
    assert (model.draws, model.optimizer.step) == (known.draws, known.optimizer.step) == (9, 9)
    for a, b in zip(model.get_weights(), known.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13)


def test_the_loss_is_that_of_the_first_pass():
    model, bare = model_of(opt.SAM("sgd", 0.5)), model_of("sgd")
    one, other = (each.train_on_batch(X, Y) for each in (model, bare))
    assert one == other
    assert model.parameters["c/bias"] != pytest.approx(bare.parameters["c/bias"])


def test_train_on_batch_is_fit():
    stepped = model_of(opt.SAM("adam"))
    for _ in range(3):
        stepped.train_on_batch(X, Y)
    same(values(stepped), values(fitted(model_of(opt.SAM("adam")), batch_size=60)))


def test_no_distance_is_the_optimizer_alone():
    """Also for some steps of a schedule."""
    same(values(fitted(model_of(opt.SAM("adam", 0.0)))), values(fitted(model_of("adam"))))
    some = fitted(model_of(opt.SAM("adam", lambda step: 0.2 * (step >= 6))), 2)
    same(values(some), values(fitted(model_of("adam"), 2)))
    assert (fitted(some, 1).parameters["c/bias"] != fitted(model_of("adam")).parameters["c/bias"]).all()


def test_what_is_given_one_gradient_is_refused():
    optimizer = opt.Clip(opt.SAM("adam"), value=1.0)
    with pytest.raises(ValueError, match="leave SAM out"):
        optimizer.update(np.ones(2), np.ones(2))
    model = model_of(optimizer)
    model.backward(model(X))
    with pytest.raises(ValueError, match="leave SAM out"):
        model.apply_gradients()
    assert model.optimizer.step == 0


@pytest.mark.parametrize("how", ["stopped", "not finite"])
def test_what_ends_at_the_second_point_leaves_no_trace(how):
    """The parameters, the running statistics and all else are those of the step before."""
    asked = 0

    def squares(target, prediction):
        nonlocal asked
        asked += 1
        if how == "stopped" and asked == 10:
            raise RuntimeError("enough")
        d = prediction - target
        return (d**2).mean(axis=1), 2 * d / d.shape[1]

    sam = opt.SAM(opt.SGD(0.02, 0.9, nesterov="look_ahead"), 0.1)
    model = model_of(sam, squares if how == "stopped" else "mse")
    for rows in (slice(20), slice(20, 40), slice(40, 60), slice(10, 30)):
        model.train_on_batch(X[rows], Y[rows])
    before = values(model)
    if how == "not finite":
        model.optimizer.rho = 1e300
    with pytest.raises(RuntimeError if how == "stopped" else FloatingPointError):
        model.train_on_batch(X, Y)
    after = values(model)
    for name, value in before.items():
        if not name.endswith("/theta"):
            np.testing.assert_array_equal(after[name], value, err_msg=name)
    assert model.optimizer.step == 4


def test_no_allocation_in_a_batch():
    model = fitted(model_of(opt.SAM(opt.Cautious("adamw"), adaptive=True)), 1, batch_size=2)
    counts = []
    for rows in (10, 60):
        before = allocations()
        model.fit(X[:rows], Y[:rows], batch_size=2, shuffle=False, verbose=0)
        counts.append(allocations() - before)
    assert counts[0] == counts[1]
