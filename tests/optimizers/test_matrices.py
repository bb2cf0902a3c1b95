"""Rules that take matrices as wholes: against their twins, on all kinds of shapes and by any number of threads."""

import functools
import os

import numpy as np
import pytest
from twins import rules as twins

import fastopt as fo
from fastopt import optimizers as opt

SHAPES = ((5, 5), (70, 33), (33, 70), (1, 7), (7, 1), (130, 97), (64, 128))
FORMS = {
    "usual": {},
    "original": {"adjust_lr": "original", "ns_steps": 4},
    "without Nesterov": {"nesterov": False, "momentum": 0.5, "ns_steps": 1},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_muon(shape, form, dtype, isa, rng):
    muon = opt.Muon(0.1, 0.25, matrices="all", **FORMS[form])
    w = rng.normal(size=shape).astype(dtype)
    want, slots = w.astype(np.float64), {"m": np.zeros(shape)}
    for step in (1, 2, 3):
        g = rng.normal(size=shape).astype(dtype)
        muon.update(w, g)
        change, slots = twins.muon_of_a_matrix(want, g.astype(np.float64), slots, muon.hyper, step)
        want += change - 0.1 * 0.25 * want
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(w, want, rtol=0, atol=tolerance * np.abs(want).max())


ADAFACTORS = {
    "usual": {},
    "other": {"relative_step": False, "scale_parameter": False, "clip_threshold": 0.3, "momentum": 0.7},
}


@pytest.mark.parametrize("form", ADAFACTORS)
@pytest.mark.parametrize("shape", [*SHAPES, (3, 70, 5), (2, 1, 3, 4)], ids=str)
def test_adafactor(shape, form, dtype, isa, rng):
    adafactor = opt.Adafactor(0.1, weight_decay=0.25, **ADAFACTORS[form])
    w = rng.normal(size=shape).astype(dtype)
    want, slots = w.astype(np.float64), {}
    for step in (1, 2, 3):
        g = rng.normal(size=shape).astype(dtype)
        adafactor.update(w, g)
        change, slots = twins.adafactor(want, g.astype(np.float64), slots, adafactor.hyper, step)
        want += change - 0.1 * 0.25 * want
    assert adafactor.slots.keys() == slots.keys()
    for value, expected in ((w, want), *((adafactor.slots[name], slot) for name, slot in slots.items())):
        assert value.shape == expected.shape
        tolerance = 1e-5 if dtype == np.float32 else 1e-12
        np.testing.assert_allclose(value, expected, rtol=0, atol=tolerance * np.abs(expected).max())


SOAPS = {"usual": {}, "other": {"beta_1": 0.8, "shampoo_beta": 0.7, "precondition_frequency": 3, "weight_decay": 0.3}}


@pytest.mark.parametrize("form", SOAPS)
@pytest.mark.parametrize("shape", [(9, 9), (12, 7), (7, 12), (40, 33), (1, 3), (3, 1)], ids=str)
def test_soap(shape, form, isa, rng):
    """Where a first gradient has no inverse its eigenvectors of 0 are any, so that the twin takes ours."""
    soap, rows, columns = opt.SOAP(0.1, **SOAPS[form]), *(np.diag(np.linspace(1, 2, n)) for n in shape)
    w = rng.normal(size=shape)
    want, slots = w.copy(), {}
    for step in range(1, 121):
        g = rows @ rng.normal(size=shape) @ columns
        soap.update(w, g)
        change, slots = twins.soap_of_a_matrix(want, g, slots, soap.hyper, step)
        want += change
        if step == 1:
            for side in "lr":
                mean, q = soap.slots[side], soap.slots[f"q{side}"]
                values = np.diag(q @ mean @ q.T)
                np.testing.assert_allclose(q @ q.T, np.eye(len(q)), atol=1e-13)
                np.testing.assert_allclose(q @ mean @ q.T, np.diag(values), atol=1e-13 * values.max())
                assert (np.diff(values) <= 1e-13 * values.max()).all()
                if shape[0] != shape[1]:
                    slots[f"q{side}"] = q.T.copy()
    np.testing.assert_allclose(w, want, rtol=0, atol=1e-9)
    for name in ("l", "r"):
        np.testing.assert_allclose(soap.slots[name], slots[name], rtol=0, atol=1e-12 * np.abs(slots[name]).max())


@pytest.mark.parametrize("longest", [5, 8, 1])
def test_soap_of_long_sides(longest, dtype, rng):
    """They keep their basis; without any it is Adam."""
    soap, w = opt.SOAP(0.1, max_precond_dim=longest, weight_decay=0.0), rng.normal(size=(8, 5)).astype(dtype)
    want, slots = w.astype(float), dict.fromkeys("mv", 0.0)
    for step in range(1, 30):
        g = rng.normal(size=w.shape).astype(dtype)
        soap.update(w, g)
        change, slots = twins.soap(want, g, slots, soap.hyper, step)
        want += change
    sides = {"l": (8, 8), "r": (5, 5)}
    kept = {f"{q}{side}": shape for side, shape in sides.items() if max(shape) <= longest for q in ("", "q")}
    assert {name: slot.shape for name, slot in soap.slots.items()} == {"m": w.shape, "v": w.shape} | kept
    assert np.allclose(w, want, rtol=0, atol=1e-5) == (not kept)


@pytest.mark.parametrize("rank", [0, 1, 3, 70])
def test_bases_of_any_gradient(rank, dtype, rng):
    """Orthonormal to a few roundings, also where many eigenvalues are equal."""
    soap, w = opt.SOAP(0.1, precondition_frequency=1), rng.normal(size=(90, 70)).astype(dtype)
    for _ in range(4):
        soap.update(w, (rng.normal(size=(90, rank)) @ rng.normal(size=(rank, 70))).astype(dtype))
        for name in ("ql", "qr"):
            q = soap.slots[name].astype(float)
            np.testing.assert_allclose(q @ q.T, np.eye(len(q)), atol=100 * np.finfo(dtype).eps)
    assert np.isfinite(w).all()


def many(make, dtype, start, gradients):
    w, muon = [a.astype(dtype) for a in start], make()
    for g in gradients:
        muon.update(w, [a.astype(dtype) for a in g])
    return w


KERAS = {"usual": {}, "other": {"momentum": 0.5, "nesterov": False, "ns_steps": 3, "weight_decay": 0.1}}


@pytest.mark.parametrize("form", KERAS.values(), ids=KERAS)
def test_against_keras(form, rng):
    """Gradients are large, as its mean of them is so by 1 / (1 - mu) and the 1e-7 of the norm would count less there.

    Its norm is float32 at any precision, which leaves eight digits.
    """
    pytest.importorskip("jax").config.update("jax_enable_x64", True)
    os.environ["KERAS_BACKEND"] = "jax"
    keras = pytest.importorskip("keras")
    keras.config.set_floatx("float64")
    shapes = ((7, 5), (6, 6), (4, 9), (3,))
    start = [rng.normal(size=shape) for shape in shapes]
    gradients = [[1e9 * rng.normal(size=shape) for shape in shapes] for _ in range(100)]
    muon = keras.optimizers.Muon(**form, adam_weight_decay=form.get("weight_decay", 0.004))
    muon.build([keras.Variable(w, dtype="float64") for w in start])
    state = (start, [slot.value for slot in muon.variables])
    for g in gradients:
        state = muon.stateless_apply(state[1], g, state[0])
    for a, b in zip(
        many(lambda: opt.Muon(matrices="all", **form), np.float64, start, gradients), state[0], strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-8 * np.abs(b).max())


@pytest.mark.parametrize(("adjust", "rms"), [("original", None), ("match_rms_adamw", 0.2)])
def test_against_optax(adjust, rms, rng):
    """Without Nesterov's momentum, in which it corrects the bias of the mean; else that is a factor."""
    jax, optax = pytest.importorskip("jax"), pytest.importorskip("optax")
    jax.config.update("jax_enable_x64", True)
    start, rates = [rng.normal(size=shape) for shape in ((7, 5), (6, 6), (4, 9))], {"weight_decay": 0.1}
    gradients = [1e9 * rng.normal(size=(500, *w.shape)) for w in start]
    muon = optax.contrib.muon(1e-2, nesterov=False, consistent_rms=rms, **rates)

    def step(state, grads):
        changes, slots = muon.update(grads, state[1], state[0])
        return (optax.apply_updates(state[0], changes), slots), None

    theirs = jax.jit(lambda *now: jax.lax.scan(step, *now)[0])((start, muon.init(start)), gradients)[0]
    make = functools.partial(opt.Muon, 1e-2, nesterov=False, adjust_lr=adjust, matrices="all", **rates)
    for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 1e-5)):
        for a, b in zip(many(make, dtype, start, zip(*gradients, strict=True)), theirs, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * np.abs(b).max())


@pytest.mark.parametrize("form", ["original", "match_rms_adamw"])
def test_against_torch(form, rng):
    """As near as its bfloat16 is; its weights are [outputs, inputs]."""
    torch = pytest.importorskip("torch")
    start, gradients = rng.normal(size=(20, 30)), rng.normal(size=(30, 20, 30))
    theirs = torch.tensor(start.T, requires_grad=True)
    muon = torch.optim.Muon([theirs], adjust_lr_fn=form, weight_decay=0.01)
    for g in gradients:
        theirs.grad = torch.tensor(g.T)
        muon.step()
    make = functools.partial(opt.Muon, weight_decay=0.01, matrices="all", adjust_lr=form)
    (ours,) = many(make, np.float64, [start], [[g] for g in gradients])
    moved = np.linalg.norm(ours - start)
    assert np.linalg.norm(ours - theirs.detach().numpy().T) < 0.02 * moved


def test_steps_are_orthogonal(rng):
    w = np.zeros((40, 90))
    opt.Muon(1.0, 0.0, matrices="all", adjust_lr="original").update(w, rng.normal(size=w.shape))
    singular = np.linalg.svd(w, compute_uv=False) / np.sqrt(90 / 40)
    assert 0.6 < singular.min() <= singular.max() < 1.3


PARAMETERS = {
    "embedding/embeddings": (9, 4),
    "first/kernel": (4, 6),
    "first/bias": (6,),
    "hidden/kernel": (6, 6),
    "hidden_2/kernel": (6, 5),
    "cube": (2, 3, 4),
    "empty": (0, 3),
    "last/kernel": (5, 2),
}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("hidden", ["hidden/kernel", "hidden_2/kernel"]),
        ("all", [name for name, shape in PARAMETERS.items() if len(shape) == 2 and shape[0]]),
        (["hidden", "first", "cube"], ["first/kernel", "hidden/kernel"]),
        ([], []),
    ],
    ids=str,
)
def test_which_matrices(choice, expected, rng):
    """All else goes by AdamW, to the bit."""
    muon, adam = opt.Muon(0.01, matrices=choice), opt.AdamW(0.01, epsilon=1e-7)
    w, v = ({name: np.ones(shape) for name, shape in PARAMETERS.items()} for _ in range(2))
    g = {name: rng.normal(size=shape) for name, shape in PARAMETERS.items()}
    assert muon.matrices_of(list(PARAMETERS), list(PARAMETERS.values())) == expected
    muon.update(w, g)
    adam.update(v, g)
    assert [name for name in w if not np.array_equal(w[name], v[name])] == expected


def test_unknown_matrices():
    with pytest.raises(ValueError, match=r"No parameter is called 'hiden', as matrices says\. Did you mean 'hidden'"):
        opt.Muon(matrices=["hiden"]).update({"hidden": np.ones((2, 2))}, {"hidden": np.ones((2, 2))})
    with pytest.raises(ValueError, match="Did you mean 'hidden'"):
        opt.Muon(matrices="hiddn")


@pytest.mark.parametrize(
    ("rule", "name", "value"),
    [
        (opt.Muon(matrices="all"), "matrices", []),
        (opt.SOAP(), "max_precond_dim", 3),
        (opt.Adafactor(), "momentum", 0.5),
    ],
)
def test_what_is_kept_of_matrices_stays(rule, name, value):
    w = np.ones((4, 4))
    rule.update(w, w.copy())
    setattr(rule, name, value)
    with pytest.raises(ValueError, match="use a new optimizer"):
        rule.update(w, w.copy())


AROUND = {
    "alone": lambda rule: rule,
    "all": lambda rule: opt.Average(
        opt.Lookahead(opt.Accumulate(opt.Decay(opt.Clip(rule, global_norm=0.5), l2=0.1), 2), 3), decay=0.9
    ),
}
RULES = {"muon": lambda: opt.Muon(0.003), "adafactor": lambda: opt.Adafactor(momentum=0.5), "soap": opt.SOAP}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("around", AROUND)
def test_models_by_threads_and_resumed(around, rule, tmp_path, for_all_threads):
    """In `fit`, bits do not depend on threads; a model that was saved goes on as if it had not been."""

    def trained():
        x = np.random.default_rng(0).normal(size=(300, 8)).astype(np.float32)
        y = x[:, 0] * x[:, 1]
        widths = (80, 60, 70)
        model = fo.Sequential([*(fo.layers.Dense(n, "relu") for n in widths), fo.layers.Dense(1)], seed=0)
        model.compile(AROUND[around](RULES[rule]()), "mse")
        model.fit(x, y, epochs=2, verbose=0)
        model.save(tmp_path / "model")
        again = fo.load_model(tmp_path / "model")
        for one in (model, again):
            one.fit(x, y, epochs=1, verbose=0)
        assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), again.get_weights(), strict=True))
        return [*model.get_weights(), *model.slots.values()]

    for_all_threads(trained)


ALL_MATRICES = {
    "muon": lambda: opt.Muon(0.1, matrices="all"),
    "adafactor": lambda: opt.Adafactor(0.1, relative_step=False),
    "soap": lambda: opt.SOAP(0.1, precondition_frequency=2),
}


@pytest.mark.parametrize("rule", ALL_MATRICES)
def test_what_surrounds_it_is_done_to_the_gradient(rule, rng):
    make = ALL_MATRICES[rule]
    around = opt.Accumulate(opt.Decay(opt.Clip(make(), value=0.5), l2=0.1, exclude=()), 2)
    alone, w = make(), rng.normal(size=(70, 33))
    v = w.copy()
    for _ in range(3):
        pair = rng.normal(size=(2, *w.shape))
        for g in pair:
            around.update(w, g)
        alone.update(v, np.clip(pair.mean(axis=0), -0.5, 0.5) + 0.1 * v)
    np.testing.assert_allclose(w, v, rtol=0, atol=1e-12)


@pytest.mark.parametrize("rule", ALL_MATRICES)
def test_a_frozen_matrix_stays(rule, rng):
    rates = opt.LayerRates(ALL_MATRICES[rule](), {"b": 0.0, "c": 0.5})
    w = {name: np.ones((6, 4)) for name in "abc"}
    g = rng.normal(size=(6, 4))
    rates.update(w, dict.fromkeys("abc", g))
    assert (w["b"] == 1).all()
    np.testing.assert_allclose(1 - w["c"], 0.5 * (1 - w["a"]))


@pytest.mark.parametrize("rule", ALL_MATRICES)
def test_gradients_of_zeros_and_beyond_the_range(rule, dtype):
    largest = np.finfo(dtype).max
    for g in (np.zeros((4, 3)), np.full((4, 3), largest), np.outer((0, 1e-9, 1, largest), np.ones(3))):
        w, optimizer = np.ones((4, 3), dtype), ALL_MATRICES[rule]()
        for _ in range(3):
            optimizer.update(w, g.astype(dtype))
            assert all(np.isfinite(array).all() for array in (w, *optimizer.slots.values()))
