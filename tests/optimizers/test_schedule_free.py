"""Schedule-Free rules: where the parameters are x and where y, against the three sequences of the paper."""

import copy

import numpy as np
import pytest

import fastopt as fo
from fastopt import optimizers as opt
from fastopt.optimizers import AdamWScheduleFree, RAdamScheduleFree, SGDScheduleFree

X = np.random.default_rng(1).normal(size=(30, 6))
Y = X @ [1.0, -2.0, 3.0, 0.0, 0.5, 1.5]
RULES = {
    "sgd": lambda: SGDScheduleFree(0.1, 0.8, 0.03, 4, 0.5),
    "adamw": lambda: AdamWScheduleFree(0.02, 0.8, 0.9, 1e-6, 0.03, 4, 0.5, 1.0),
    "radam": lambda: RAdamScheduleFree(0.02, 0.8, 0.9, 1e-6, 0.03),
}
ALL = pytest.mark.parametrize("make", RULES.values(), ids=RULES)


def made(optimizer, dtype="float64"):
    model = fo.Sequential([fo.layers.Dense(4, "tanh", name="hidden"), fo.layers.Dense(1, name="last")], 3, dtype)
    model.compile(optimizer, "mse")
    model.build(6)
    return model


def fit(model, epochs=2, **arguments):
    model.fit(X, Y, batch_size=10, epochs=epochs, shuffle=False, verbose=0, **arguments)
    return model


def bits(model):
    arrays = model.parameters | model.slots
    return {name: view.tobytes() for name, view in arrays.items()} | model.optimizer.state


class Sequences:
    """x, z and the point y between them of all parameters, with steps u from the gradients at y."""

    def __init__(self, optimizer):
        self.rule, self.model = optimizer, made("sgd")
        self.x = {name: view.copy() for name, view in self.model.parameters.items()}
        self.z, self.v = copy.deepcopy(self.x), {name: np.zeros_like(w) for name, w in self.x.items()}
        self.t, self.total, self.largest = 0, 0.0, 0.0

    def step(self, rows, beta):
        rule, t = self.rule, self.t + 1
        self.t = t
        for name, view in self.model.parameters.items():
            view[...] = (1 - beta) * self.z[name] + beta * self.x[name]
        self.model.backward(2 * (self.model(X[rows]) - Y[rows, None]) / 10)
        rate = rule.learning_rate
        rectified = True
        if isinstance(rule, RAdamScheduleFree):
            limit = 2 / (1 - rule.beta_2) - 1
            q = limit - 2 * t * rule.beta_2**t / (1 - rule.beta_2**t)
            rectified = q > 4
            rate *= np.sqrt((q - 4) * (q - 2) * limit / ((limit - 4) * (limit - 2) * q)) if rectified else 0
        else:
            rate *= min(1, t / rule.warmup_steps)
        self.largest = max(self.largest, rate)
        weight = t**rule.r * self.largest**rule.weight_lr_power
        self.total += weight
        part = weight / self.total if self.total else 0
        for name, y in self.model.parameters.items():
            u = g = self.model.gradients[name]
            if not isinstance(rule, SGDScheduleFree) and rectified:
                self.v[name] = rule.beta_2 * self.v[name] + (1 - rule.beta_2) * g**2
                u = g / (np.sqrt(self.v[name] / (1 - rule.beta_2**t)) + rule.epsilon)
            elif not rectified:
                self.v[name] = rule.beta_2 * self.v[name] + (1 - rule.beta_2) * g**2
            self.z[name] = self.z[name] - rate * (u + rule.weight_decay * y)
            self.x[name] = (1 - part) * self.x[name] + part * self.z[name]


def test_models_are_at_the_average():
    """After `fit`, and wherever a callback looks; the momentum may change on the way."""
    for make in RULES.values():
        sequences = Sequences(make())
        name = "momentum" if hasattr(sequences.rule, "momentum") else "beta_1"

        class Look(fo.callbacks.Callback):
            def on_batch_end(self, batch, logs, sequences=sequences, name=name):
                beta = 0.8 if sequences.t <= 4 else 0.6  # y of step 5 was made by step 4
                sequences.step(slice(10 * batch, 10 * batch + 10), beta)
                for key, view in self.model.parameters.items():
                    np.testing.assert_allclose(view, sequences.x[key], rtol=1e-10, atol=1e-13)
                if sequences.t == 4:
                    setattr(self.model.optimizer, name, 0.6)

        model = fit(made(make()), 3, callbacks=[Look()])
        assert sequences.t == model.optimizer.step == 9


@ALL
def test_looking_changes_nothing(make):
    """Where batches are trained one by one, judged and saved between, all is the same to the bit."""

    class Look(fo.callbacks.Callback):
        def on_batch_end(self, batch, logs):
            self.model.evaluate(X, Y)

    expected = bits(fit(made(make(), "float32")))
    looked = fit(made(make(), "float32"), callbacks=[Look()])
    by_batch = made(make(), "float32")
    for _ in range(2):
        for first in (0, 10, 20):
            by_batch.train_on_batch(X[first : first + 10], Y[first : first + 10])
    assert bits(looked) == bits(by_batch) == expected
    assert expected["at_average"] == 1
    moved = fit(made(make(), "float32"))
    for _ in range(2):
        moved.optimizer.swap()
    assert bits(moved) == expected


def test_bare_arrays_are_at_the_gradient_until_they_are_swapped():
    w, rule = np.array([1.0, -2.0]), SGDScheduleFree(0.25, 0.5)
    rule.build(w)
    with pytest.raises(RuntimeError, match="before the first step"):
        rule.swap(w)
    rule.update(w, w.copy())
    rule.update(w, w.copy())
    y, z = w.copy(), rule.slots["z"].copy()
    rule.swap(w)
    np.testing.assert_allclose(w, (y - 0.5 * z) / 0.5, rtol=1e-15)
    for owner in (rule, copy.deepcopy(rule)):
        with pytest.raises(RuntimeError, match="swap"):
            owner.update(w, w)
    rule.swap(w)
    assert (w == y).all()
    rule.update(w, w.copy())
    assert rule.step == 3


def test_a_loop_of_ones_own_swaps():
    model, twin = (fit(made(AdamWScheduleFree(0.02)), 1) for _ in range(2))
    model.backward(2 * (model(X) - Y[:, None]) / 30)
    with pytest.raises(RuntimeError, match=r"swap\(\) again before training"):
        model.apply_gradients()
    model.optimizer.swap()
    model.backward(2 * (model(X) - Y[:, None]) / 30)
    model.apply_gradients()
    model.optimizer.swap()
    twin.train_on_batch(X, Y)
    for name, view in model.parameters.items():
        np.testing.assert_allclose(view, twin.parameters[name], rtol=1e-12)


def test_weights_that_are_set_are_where_it_goes_on():
    model = fit(made(SGDScheduleFree(0.1)))
    weights = [2 * w for w in made("sgd").get_weights()]
    model.set_weights(weights)
    model.optimizer.swap()
    for got, want in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-15)


def test_what_was_frozen_begins_where_it_is():
    model = made(SGDScheduleFree(0.1))
    before = model.parameters["hidden/kernel"].copy()
    model.layers[0].trainable = False
    fit(model)
    assert (model.parameters["hidden/kernel"] == before).all()
    assert (model.slots["hidden/kernel/z"] == before).all()
    model.layers[0].trainable = True
    fit(model, 30)
    assert model.evaluate(X, Y)["loss"] < 0.5


def test_passes_that_move_nothing_make_statistics_those_at_the_average():
    model = fo.Sequential([fo.layers.Dense(4), fo.layers.BatchNormalization(momentum=0.5), fo.layers.Dense(1)], 0)
    model.compile(AdamWScheduleFree(0.3), "mse")
    fit(model)
    before = {name: view.copy() for name, view in model.parameters.items()}
    for _ in range(40):
        model.backward(0 * model(X))
    assert all((view == before[name]).all() for name, view in model.parameters.items())
    hidden = X @ before["dense/kernel"]
    np.testing.assert_allclose(
        model.state["batch_normalization/moving_mean"], hidden.mean(axis=0), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("around", [opt.Average, opt.Lookahead])
def test_averages_and_looking_ahead_are_refused(around):
    with pytest.raises(ValueError, match=f"{around.__name__} makes no sense around SGDScheduleFree"):
        around(opt.Clip(SGDScheduleFree(), value=1.0))
