"""Hyperparameters that change as training goes, and the counters of schedules."""

import math

import numpy as np
import pytest

import fastopt as fo
from fastopt import optimizers, schedules
from fastopt.optimizers import Adam, Adamax, AdamW, Lamb, Nadam, RAdam, Sequence

BETAS = {
    "rising": (lambda t: 0.5 + 0.4 * t / 60, lambda t: 0.9 + 0.09 * t / 60),
    "falling": (lambda t: 0.95 - 0.1 * min(t, 10) / 10, lambda t: 0.999 - 0.1 * min(t, 10) / 10),
    "at once": (lambda t: 0.9 if t < 3 else 0.5, lambda t: 0.999 if t < 3 else 0.99),
}


def nadam(w, gradients, b1, b2, lr=0.05, psi=0.004, epsilon=1e-8):
    """With mu_1 mu_2 ... mu_t of the momenta as they were."""
    m, v, product = np.zeros_like(w), np.zeros_like(w), 1.0
    for t, g in enumerate(gradients, 1):
        beta, decay = b1(t - 1), b2(t - 1)
        now, ahead = (beta * (1 - 0.5 * 0.96 ** (i * psi)) for i in (t, t + 1))
        product *= now
        m, v = beta * m + (1 - beta) * g, decay * v + (1 - decay) * g**2
        mean = ahead * m / (1 - product * ahead) + (1 - now) * g / (1 - product)
        w = w - lr * mean / (np.sqrt(v / (1 - decay**t)) + epsilon)
    return w


@pytest.mark.parametrize("change", BETAS)
def test_nadam_keeps_the_product_of_its_momenta(change, rng):
    b1, b2 = BETAS[change]
    gradients = rng.normal(size=(20, 5))
    w, rule = np.ones(5), Nadam(0.05, b1, b2, epsilon=1e-8)
    for g in gradients:
        rule.update(w, g)
    np.testing.assert_allclose(w, nadam(np.ones(5), gradients, b1, b2), rtol=1e-12)


def test_nadam_goes_on_from_a_state_without_its_product(rng):
    """That of fastopt 0.1: as if the momenta had always been what they are."""
    gradients = rng.normal(size=(20, 5))
    w, v, rule, other = np.ones(5), np.ones(5), Nadam(0.05), Nadam(0.05)
    for t, g in enumerate(gradients):
        rule.update(w, g)
        other.update(v, g)
        if t == 9:
            assert other.state["momentum_product"] == pytest.approx(
                math.prod(0.9 * (1 - 0.5 * 0.96 ** (i * 0.004)) for i in range(1, 11))
            )
            other.state = other.state | {"momentum_product": 0.0}
    np.testing.assert_allclose(v, w, rtol=1e-14)


@pytest.mark.parametrize("change", BETAS)
@pytest.mark.parametrize(
    ("make", "name", "options"),
    [
        (Adam, "Adam", {}),
        (lambda *a: Adam(*a, amsgrad=True), "Adam", {"amsgrad": True}),
        (lambda *a: AdamW(a[0], 0.01, *a[1:]), "AdamW", {"weight_decay": 0.01}),
        (Adamax, "Adamax", {"eps": 1e-7}),
        (Nadam, "NAdam", {"eps": 1e-7}),
        (RAdam, "RAdam", {}),
    ],
)
def test_changing_betas_against_torch(change, make, name, options, rng):
    torch = pytest.importorskip("torch")
    b1, b2 = BETAS[change]
    torch.set_default_dtype(torch.float64)
    try:
        w, theirs = np.ones(5), torch.ones(5, dtype=torch.float64, requires_grad=True)
        ours = make(0.05, b1, b2)
        rule = getattr(torch.optim, name)([theirs], lr=0.05, foreach=False, **options)
        for t in range(20):
            g = rng.normal(size=5)
            rule.param_groups[0]["betas"] = (b1(t), b2(t))
            theirs.grad = torch.tensor(g)
            rule.step()
            ours.update(w, g)
        np.testing.assert_allclose(w, theirs.detach().numpy(), rtol=1e-10)
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("make", [Adam, Adamax, RAdam, Lamb])
def test_corrections_with_changing_betas_are_those_of_the_formula(make, rng):
    """b^t with the b of the step: a rule whose betas change is at each step the one whose betas are constant."""
    w, v, states = np.ones(5), np.ones(5), {}
    changing = make(0.05, beta_1=lambda t: 0.9 - 0.01 * t, beta_2=lambda t: 0.99 - 0.01 * t)
    for t in range(10):
        g = rng.normal(size=5)
        changing.update(w, g)
        constant = make(0.05, beta_1=0.9 - 0.01 * t, beta_2=0.99 - 0.01 * t)
        constant.build(v)
        constant.step = t
        for name, slot in constant.slots.items():
            slot[...] = states.get(name, 0)
        constant.update(v, g)
        states = {name: slot.copy() for name, slot in constant.slots.items()}
        np.testing.assert_array_equal(w, v)


@pytest.mark.parametrize(("per", "every"), [("epoch", 1), ("step", 2)])
def test_schedules_of_a_later_phase_begin_at_0(per, every):
    rates = []
    model = fo.Sequential([fo.layers.Dense(1)], seed=1)
    phase = optimizers.SGD(schedules.Staircase(0.1, 0.5, every, per=per))
    model.compile(Sequence([(optimizers.SGD(0.3), 2), (phase, 2), ("adam", None)]), "mse")
    look = fo.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch: rates.append(model.optimizer.hyper["learning_rate"])
    )
    model.fit(np.eye(4), np.ones(4), batch_size=2, epochs=5, callbacks=[look], verbose=0)
    assert rates == [0.3, 0.3, 0.1, 0.05, 0.001]
    assert model.epochs_trained == 5
