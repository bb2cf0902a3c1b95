"""What surrounds update rules, and bare arrays of all kinds: against a twin that does one thing after the other."""

import array
import collections
import functools

import cases
import numpy as np
import pytest
import twins

import fastopt as fo
from fastopt import optimizers as opt

SHAPES = {"dense/kernel": (70, 33), "dense/bias": (33,), "norm/gamma": (5,)}  # more than one chunk; tails


def gradients(rng, steps, dtype=np.float64):
    return [{name: rng.normal(size=shape).astype(dtype) for name, shape in SHAPES.items()} for _ in range(steps)]


def norm(*arrays):
    return np.sqrt(sum(np.sum(a**2) for a in arrays))


class Twin:
    """The steps of a rule with everything around it, array by array."""

    def __init__(self, rule, every=1, clip=None, l1=0.0, l2=0.0, decoupled=0.0, exclude=(), rates=None, cautious=False):
        self.rule, self.every, self.clip = rule, every, clip or {}
        self.l1, self.l2, self.decoupled, self.exclude, self.rates = l1, l2, decoupled, exclude, rates or {}
        self.cautious, self.held, self.step = cautious, [], 0

    def __call__(self, w, g):
        self.held.append(g)
        if len(self.held) < self.every:
            return
        g = {name: sum(each[name] for each in self.held) / self.every for name in w}
        self.held = []
        if self.step == 0:
            self.slots = {name: self.rule.start(value.shape, np.float64) for name, value in w.items()}
        self.step += 1
        limit = self.clip.get("norm", np.inf)
        g = {name: value * min(1, limit / norm(value)) for name, value in g.items()}
        limit = self.clip.get("global_norm", np.inf)
        g = {name: value * min(1, limit / norm(*g.values())) for name, value in g.items()}
        limit = self.clip.get("value", np.inf)
        for name, value in w.items():
            decays = not any(part in self.exclude for part in (*name.split("/"), name))
            rate = self.rates.get(name, self.rates.get(name.split("/")[0], 1.0)) * self.rule.hyper["learning_rate"]
            gradient = np.clip(g[name], -limit, limit)
            if decays:
                gradient = gradient + self.l2 * value + self.l1 * np.sign(value)
            hyper = self.rule.hyper | {"learning_rate": rate}
            if "weight_decay" in hyper and not decays:
                hyper["weight_decay"] = 0.0
            if self.rule.decays:
                hyper["weight_decay"] = decays * self.decoupled
            change, self.slots[name] = self.rule.update(value, gradient, self.slots[name], hyper, self.step)
            if self.cautious:
                kept = -change * gradient > 0
                change = change * kept / max(kept.mean(), 1e-3)
            value += change - (0 if self.rule.decays else decays * rate * self.decoupled * value)


RULE = next(rule for rule in cases.RULES if rule.name == "adam")
LAMB = next(rule for rule in cases.RULES if rule.name == "lamb")


def adam():
    hyper = {name: value for name, value in RULE.hyper.items() if name not in ("learning_rate", "epsilon_in_root")}
    return opt.Adam(RULE.hyper["learning_rate"], **hyper)


def lamb():
    return opt.Lamb(0.001, 0.01, epsilon=1e-7)


LIMITS = {"value": 0.5, "norm": 3.0, "global_norm": 2.0}
SURROUNDED = {
    "value": (lambda: opt.Clip(adam(), value=0.5), Twin(RULE, clip={"value": 0.5})),
    "norm": (lambda: opt.Clip(adam(), norm=2.0), Twin(RULE, clip={"norm": 2.0})),
    "global norm": (lambda: opt.Clip(adam(), global_norm=2.0), Twin(RULE, clip={"global_norm": 2.0})),
    "norm not reached": (lambda: opt.Clip(adam(), global_norm=1e9), Twin(RULE)),
    "l1": (lambda: opt.Decay(adam(), l1=0.3, exclude=()), Twin(RULE, l1=0.3)),
    "l2": (lambda: opt.Decay(adam(), l2=0.3), Twin(RULE, l2=0.3, exclude=("bias", "gamma"))),
    "decoupled": (lambda: opt.Decay(adam(), 0.0, 0.0, 0.3, ["norm"]), Twin(RULE, decoupled=0.3, exclude=["norm"])),
    "accumulate": (lambda: opt.Accumulate(adam(), 3), Twin(RULE, every=3)),
    "accumulate one": (lambda: opt.Accumulate(adam(), 1), Twin(RULE)),
    "rates": (
        lambda: opt.LayerRates(adam(), {"dense": 0.5, "dense/bias": 3.0}),
        Twin(RULE, rates={"dense": 0.5, "dense/bias": 3.0}),
    ),
    "all": (
        lambda: opt.LayerRates(
            opt.Accumulate(opt.Decay(opt.Clip(adam(), 0.5, 3.0, 2.0), 0.1, 0.2, 0.3), 2), {"dense/kernel": 0.5}
        ),
        Twin(RULE, 2, LIMITS, 0.1, 0.2, 0.3, ("bias", "gamma"), {"dense/kernel": 0.5}),
    ),
    "all, cautious": (
        lambda: opt.LayerRates(
            opt.Accumulate(opt.Decay(opt.Clip(opt.Cautious(adam()), 0.5, 3.0, 2.0), 0.1, 0.2, 0.3), 2),
            {"dense/kernel": 0.5},
        ),
        Twin(RULE, 2, LIMITS, 0.1, 0.2, 0.3, ("bias", "gamma"), {"dense/kernel": 0.5}, cautious=True),
    ),
    "all, by tensor": (
        lambda: opt.Decay(opt.Clip(opt.Accumulate(lamb(), 2), global_norm=2.0), l2=0.2, exclude=()),
        Twin(LAMB, 2, {"global_norm": 2.0}, l2=0.2),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SURROUNDED)
def test_surrounded_rules(name, isa, rng):
    make, twin = SURROUNDED[name]
    optimizer, w = make(), gradients(rng, 1)[0]
    want = {key: value.copy() for key, value in w.items()}
    twin.__init__(*vars_of(twin))
    for g in gradients(rng, 12):
        optimizer.update(w, g)
        twin(want, g)
    for key, value in w.items():
        np.testing.assert_allclose(value, want[key], rtol=1e-12, atol=1e-14)


BARE = {
    name: make
    for name, make in cases.IN_PLACE.items()
    if not hasattr(make(), "optimizer")
    and "average" not in make().transforms
    and not isinstance(make(), opt.Muon | opt.Prodigy | opt.Sequence | opt.SOAP | opt.SWATS)
}


@pytest.mark.parametrize("make", BARE.values(), ids=BARE)
def test_all_around_each_rule(make, rng):
    rule = next(rule for rule in cases.RULES if rule.name == make().rule)
    twin = Twin(
        rule._replace(hyper=make().hyper, initial=make().initial_slots),
        *(2, LIMITS, 0.1, 0.2, 0.3 + make().hyper.get("decay", 0.0), ("bias", "gamma"), {"dense/kernel": 0.5}),
    )
    optimizer = opt.Accumulate(opt.Decay(opt.Clip(make(), 0.5, 3.0, 2.0), 0.1, 0.2, 0.3), 2)
    optimizer = opt.LayerRates(optimizer, {"dense/kernel": 0.5})
    averages = optimizer.averages
    if averages:
        update = functools.partial(rule.update.func, form=rule.update.keywords["form"])  # of these rates from the start
        twin.rule = twin.rule._replace(update=update)
    else:
        optimizer = opt.Average(opt.Lookahead(optimizer, 3, 0.4), 0.8)
    w = gradients(rng, 1)[0]
    want = {name: value.copy() for name, value in w.items()}
    slow, average = ({name: value.copy() for name, value in w.items()} for _ in range(2))
    for i, g in enumerate(gradients(rng, 14)):
        optimizer.update(w, g)
        twin(want, g)
        for name, value in want.items() if i % 2 and not averages else ():
            if twin.step % 3 == 0:
                slow[name] += 0.4 * (value - slow[name])
                value[...] = slow[name]
            average[name] = value.copy() if twin.step == 1 else 0.8 * average[name] + 0.2 * value
    assert optimizer.step == twin.step == 7
    slots = {f"{name}/{slot}": value for name, of in twin.slots.items() for slot, value in of.items()}
    kept = {} if averages else {f"{name}/slow": value for name, value in slow.items()}
    kept |= {} if averages else {f"{name}/average": value for name, value in average.items()}
    gradient_sums = {f"{name}/gradient_sum": np.zeros_like(value) for name, value in w.items()}
    expected = want | slots | kept | gradient_sums
    found = w | optimizer.slots
    assert found.keys() == expected.keys()
    for name, value in found.items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-11, atol=1e-13, err_msg=name)


def test_adamw_is_adam_that_decays(rng):
    """To the bit; what AdamW and Decay ask for adds up, and does not touch what is excluded."""
    pairs = [
        (opt.AdamW(0.01, 0.1), opt.Decay(opt.Adam(0.01), decoupled=0.1, exclude=())),
        (opt.Decay(opt.AdamW(0.01, 0.25), decoupled=0.5), opt.Decay(opt.Adam(0.01), decoupled=0.75)),
    ]
    for first, second in pairs:
        w = gradients(rng, 1)[0]
        v = {name: value.copy() for name, value in w.items()}
        for g in gradients(rng, 5):
            first.update(w, g)
            second.update(v, g)
        for name, value in w.items():
            np.testing.assert_array_equal(value, v[name])


def test_asgd_is_descent_with_its_average_and_decay(rng):
    rate, decay, power, start = 0.1, 0.3, 0.6, 2
    sgd = opt.SGD(lambda done: rate / (1 + decay * rate * done) ** power)
    pairs = [
        (opt.ASGD(rate, decay, power, start), opt.Decay(sgd, decoupled=decay, exclude=())),
        (opt.Lookahead(opt.ASGD(rate, 0.0, t0=start), 2), opt.Lookahead(opt.SGD(rate), 2)),
    ]
    for asgd, other in pairs:
        other = opt.Average(other, start=start + 1)
        w = gradients(rng, 1)[0]
        v = {name: value.copy() for name, value in w.items()}
        for g in gradients(rng, 6):
            asgd.update(w, g)
            other.update(v, g)
        for got, want in ((w, v), (asgd.slots, other.slots)):
            assert got.keys() == want.keys()
            for name, value in got.items():
                np.testing.assert_allclose(value, want[name], rtol=1e-12)  # NumPy's powers of arrays are not libm's


def vars_of(twin):
    names = ("rule", "every", "clip", "l1", "l2", "decoupled", "exclude", "rates", "cautious")
    return [getattr(twin, name) for name in names]


@pytest.mark.parametrize("decay", [None, 0.8])
@pytest.mark.parametrize("start", [0, 4])
def test_average_of_the_steps(decay, start, rng):
    optimizer, w = opt.Average(opt.SGD(0.1, 0.9), decay, start), rng.normal(size=50)
    path = []
    for _ in range(9):
        optimizer.update(w, rng.normal(size=50))
        path.append(w.copy())
    want = path[start]
    if decay is None:
        want = np.mean(path[start:], axis=0)
    for point in path[start + 1 :] if decay is not None else ():
        want = decay * want + (1 - decay) * point
    np.testing.assert_allclose(optimizer.slots["average"], want, rtol=1e-12)
    optimizer.swap(w)
    np.testing.assert_allclose(w, want, rtol=1e-12)
    np.testing.assert_array_equal(optimizer.slots["average"], path[-1])
    with pytest.raises(RuntimeError, match="swap"):
        optimizer.update(w, w.copy())
    optimizer.swap(w)
    np.testing.assert_array_equal(w, path[-1])


def test_average_before_its_start_is_the_parameters(rng):
    optimizer, w = opt.Average(opt.SGD(0.1), start=3), np.ones(4)
    for _ in range(2):
        optimizer.update(w, rng.normal(size=4))
    np.testing.assert_array_equal(optimizer.slots["average"], w)


def test_lookahead(rng):
    optimizer, w = opt.Lookahead(opt.SGD(0.1), 3, 0.4), rng.normal(size=50)
    slow, fast = w.copy(), w.copy()
    for t in range(1, 11):
        g = rng.normal(size=50)
        optimizer.update(w, g)
        fast -= 0.1 * g
        if t % 3 == 0:
            slow += 0.4 * (fast - slow)
            fast = slow.copy()
        np.testing.assert_allclose(w, fast, rtol=1e-12)


def test_swats_switches_as_in_the_paper(rng):
    """Algorithm 1 of Keskar and Socher (2017), on two arrays."""
    rate, b1, b2, epsilon, tolerance = 0.01, 0.9, 0.99, 1e-8, 1e-3
    optimizer = opt.SWATS(rate, b1, b2, epsilon, tolerance)
    w = [rng.normal(size=40), rng.normal(size=(3, 5))]
    flat = np.concatenate([p.ravel() for p in w])
    scale = np.linspace(0.5, 2.0, flat.size)
    m, v, mean, sgd = np.zeros_like(flat), np.zeros_like(flat), 0.0, None
    for k in range(1, 400):
        g = scale * flat + 0.1 * rng.normal(size=flat.size)
        optimizer.update(w, [g[:40], g[40:].reshape(3, 5)])
        if sgd is not None:
            m = b1 * m + g
            flat = flat - (1 - b1) * sgd * m
        else:
            m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
            p = -rate * (m / (1 - b1**k)) / (np.sqrt(v / (1 - b2**k)) + epsilon)
            flat = flat + p
            gamma = p @ p / -(p @ g)
            mean = b2 * mean + (1 - b2) * gamma
            if k > 1 and mean > 0 and abs(mean / (1 - b2**k) - gamma) < tolerance:
                sgd, m, switch = mean / (1 - b2**k), np.zeros_like(m), k
        np.testing.assert_allclose(np.concatenate([q.ravel() for q in w]), flat, rtol=1e-9, atol=1e-12)
    assert sgd is not None
    assert optimizer.switch == switch
    assert optimizer.sgd_learning_rate == pytest.approx(sgd, rel=1e-9)


@pytest.mark.parametrize("make", cases.IN_PLACE.values(), ids=cases.IN_PLACE)
def test_threads(make, dtype, for_all_threads, rng):
    shapes = {"dense/kernel": (1001, 123), "dense/bias": (123,)}
    params, grads = ({name: rng.normal(size=shape).astype(dtype) for name, shape in shapes.items()} for _ in range(2))

    def four_steps():
        optimizer, w = make(), {name: value.copy() for name, value in params.items()}
        for _ in range(4):
            optimizer.update(w, grads)
        return [*w.values(), *optimizer.slots.values()]

    for_all_threads(four_steps)


X = np.random.default_rng(1).normal(size=(90, 6))
Y = X @ [1.0, -2.0, 3.0, 0.0, 0.5, 1.5]


def trained(optimizer, dtype="float64", epochs=3, **arguments):
    model = fo.Sequential([fo.layers.Dense(9, "tanh"), fo.layers.Dense(1)], seed=3, dtype=dtype)
    model.compile(optimizer, "mse")
    model.fit(X, Y, epochs=epochs, verbose=0, **{"batch_size": 10, **arguments})
    return model


def test_looking_ahead_is_the_rewritten_update():
    """With Nesterov's momentum as it is rewritten the weights are theta + mu v of the other form."""
    ahead = trained(opt.SGD(0.02, 0.9, nesterov="look_ahead"))
    rewritten = trained(opt.SGD(0.02, 0.9, nesterov=True))
    for name, w in ahead.parameters.items():
        np.testing.assert_allclose(
            w + 0.9 * ahead.slots[f"{name}/v"], rewritten.parameters[name], rtol=1e-9, atol=1e-12
        )


@pytest.mark.parametrize("cautious", [False, True])
def test_all_around_looking_ahead(cautious):
    """The gradient is that of the point ahead, penalties too; what decays, goes back and is averaged is theta."""
    rate, mu, l2, decoupled, limit = 0.02, 0.9, 0.1, 0.5, 0.3
    sgd = opt.Clip(opt.SGD(rate, mu, nesterov="look_ahead"), global_norm=limit)
    sgd = opt.Cautious(sgd) if cautious else sgd
    model = trained(
        opt.Average(opt.Lookahead(opt.Decay(sgd, l2=l2, decoupled=decoupled, exclude=()), 2, 0.4)),
        shuffle=False,
        epochs=1,
    )
    twin = trained("sgd", epochs=0)
    theta = {name: w.copy() for name, w in twin.parameters.items()}
    v, total = ({name: np.zeros_like(w) for name, w in theta.items()} for _ in range(2))
    slow = {name: w.copy() for name, w in theta.items()}
    for step in range(1, 10):
        for name, w in twin.parameters.items():
            w[...] = theta[name] + mu * v[name]
        rows = slice(10 * step - 10, 10 * step)
        twin.backward(2 * (twin(X[rows]) - Y[rows, None]) / 10)
        scale = min(1, limit / norm(*twin.gradients.values()))
        for name, g in twin.gradients.items():
            g = scale * g + l2 * twin.parameters[name]
            v[name] = mu * v[name] - rate * g
            kept = v[name] * g < 0
            change = v[name] * kept / max(kept.mean(), 1e-3) if cautious else v[name]
            theta[name] = theta[name] - rate * decoupled * theta[name] + change
            if step % 2 == 0:
                slow[name] += 0.4 * (theta[name] - slow[name])
                theta[name] = slow[name].copy()
            total[name] += theta[name]
    for name, w in model.parameters.items():
        np.testing.assert_allclose(w, theta[name], rtol=1e-11, atol=1e-14)
        np.testing.assert_allclose(model.slots[f"{name}/average"], total[name] / 9, rtol=1e-11, atol=1e-14)


def test_looking_ahead_needs_the_loop():
    sgd = opt.SGD(0.1, 0.9, nesterov="look_ahead")
    with pytest.raises(ValueError, match="nesterov=True"):
        sgd.update(np.ones(2), np.ones(2))
    model = trained(opt.SGD(0.1, 0.9, nesterov="look_ahead"))
    model.backward(model(X))
    with pytest.raises(ValueError, match="nesterov=True"):
        model.apply_gradients()


def test_interrupted_looking_ahead_is_taken_back():
    model = trained(opt.SGD(0.02, 0.9, nesterov="look_ahead"))
    before = model.get_weights()
    model.optimizer.learning_rate = 1e200
    with pytest.raises(FloatingPointError):
        model.fit(X, Y, epochs=5, batch_size=90, verbose=0)
    assert all(np.isfinite(w).all() for w in model.get_weights())
    assert model.optimizer.step == 28
    assert not any(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_accumulated_batches_are_one_large_batch():
    whole = trained(opt.SGD(0.05), batch_size=30, shuffle=False)
    parts = trained(opt.Accumulate(opt.SGD(0.05), 3), batch_size=10, shuffle=False)
    assert parts.optimizer.step == whole.optimizer.step == 9
    for a, b in zip(whole.get_weights(), parts.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14)


def test_held_gradients_wait_for_the_next_epoch():
    model = trained(opt.Accumulate(opt.SGD(0.05), 4), epochs=1)
    assert model.optimizer.state == {"step": 2, "held": 1, "held_rows": 10, "first_rows": 10}
    model.fit(X[:30], Y[:30], batch_size=10, verbose=0)
    assert model.optimizer.state == {"step": 3, "held": 0, "held_rows": 0, "first_rows": 0}


def test_sequence_is_one_after_the_other():
    both = trained(opt.Sequence([("adam", 2), (opt.SGD(0.01, 0.9), None)]), epochs=5)
    hand = trained("adam", epochs=2)
    hand.compile(opt.SGD(0.01, 0.9), "mse")
    hand.fit(X, Y, epochs=3, batch_size=10, verbose=0)
    for a, b in zip(both.get_weights(), hand.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_history_records_the_switch():
    model = trained(opt.Clip(opt.SWATS(0.01, tolerance=1e-4), global_norm=10.0), epochs=60)
    switch = model.history.history["switch"]
    report = model.optimizer.report()
    assert switch[0] == 0 < switch[-1] == report["switch"]
    assert model.history.history["sgd_learning_rate"][-1] == report["sgd_learning_rate"] > 0


def test_history_of_a_sequence_has_a_value_for_each_epoch():
    model = trained(opt.Sequence([("adam", 2), (opt.SWATS(0.01, tolerance=0.5), 2), ("sgd", 1)]), epochs=5)
    switch = model.history.history["switch"]
    assert switch[:2] == [0, 0]
    assert switch[2] == switch[3] == switch[4] > 0


def test_swapped_average_is_evaluated_and_saved(tmp_path):
    model = trained(opt.Clip(opt.Average("adam"), norm=1.0))
    last, loss = model.get_weights(), model.evaluate(X, Y)["loss"]
    model.optimizer.swap()
    averaged = model.evaluate(X, Y)["loss"]
    assert averaged != loss
    model.save(tmp_path / "model")
    loaded = fo.load_model(tmp_path / "model")
    assert loaded.evaluate(X, Y)["loss"] == averaged
    loaded.optimizer.swap()
    for a, b in zip(loaded.get_weights(), last, strict=True):
        np.testing.assert_array_equal(a, b)
    loaded.fit(X, Y, verbose=0)


def test_frozen_layer():
    model = trained(opt.LayerRates(opt.Decay("adam", decoupled=0.1), {"dense": 0.0}), epochs=0)
    before = {name: w.copy() for name, w in model.parameters.items()}
    model.fit(X, Y, verbose=0)
    for name, w in model.parameters.items():
        assert np.array_equal(w, before[name]) == name.startswith("dense/")


def test_the_learning_rate_is_found_through_transforms():
    adam_ = opt.Adam(0.1)
    outer = opt.Average(opt.Clip(adam_, value=1.0), decay=0.9)
    outer.learning_rate, outer.optimizer.value = 0.5, 2.0
    assert (adam_.learning_rate, outer.hyper["learning_rate"], outer.hyper["clip_value"]) == (0.5, 0.5, 2.0)


def test_what_does_not_exist_cannot_be_set():
    clip = opt.Clip(opt.Adam(), value=1.0)
    with pytest.raises(AttributeError, match=r"Clip has no attribute 'beta_1'; .* is set as optimizer.beta_1"):
        clip.beta_1 = 0.7
    with pytest.raises(AttributeError, match="Adam has no attribute 'lr'"):
        clip.optimizer.lr = 0.1


CHANGES = {
    "rate": lambda clip: setattr(clip, "learning_rate", 0.5),
    "rate of the inner one": lambda clip: setattr(clip.optimizer, "learning_rate", 0.5),
    "rate becomes a function": lambda clip: setattr(clip.optimizer, "learning_rate", lambda step: 0.5),
    "limit": lambda clip: setattr(clip, "value", 5.0),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_set_counts_from_the_next_step(change):
    optimizer, w = opt.Clip(opt.SGD(1.0), value=10.0), np.zeros(1)
    for _ in range(2):
        optimizer.update(w, np.full(1, -10.0))
    change(optimizer)
    optimizer.update(w, np.full(1, -10.0))
    assert w == 25.0


def test_functions_are_asked_at_each_step():
    rates = iter([1.0, 2.0, 3.0])
    optimizer, w = opt.SGD(lambda step: next(rates)), np.zeros(1)
    for _ in range(3):
        optimizer.update(w, np.full(1, -1.0))
    assert w == 6.0


def test_schedules_around_a_rule():
    optimizer, w = opt.Clip(opt.SGD(1.0), value=fo.schedules.Piecewise([2], [1.0, 2.0])), np.zeros(1)
    moves = []
    for _ in range(4):
        before = w.copy()
        optimizer.update(w, np.full(1, -10.0))
        moves.append(float((w - before)[0]))
    assert moves == [1.0, 1.0, 2.0, 2.0]


# --- Bare arrays ------------------------------------------------------------------------------------------------------


def test_nested_collections(rng):
    params = {"a": [rng.normal(size=3), (rng.normal(size=(2, 2)),)], "b": rng.normal(size=1)}
    grads = {"b": rng.normal(size=1), "a": (rng.normal(size=3), [rng.normal(size=(2, 2))])}
    w = [params["a"][0], params["a"][1][0], params["b"]]
    g = [grads["a"][0], grads["a"][1][0], grads["b"]]
    want = [each - 0.5 * gradient for each, gradient in zip(w, g, strict=True)]
    sgd = opt.SGD(0.5, momentum=0.9)
    sgd.update(params, grads)
    for each, expected in zip(w, want, strict=True):
        np.testing.assert_array_equal(each, expected)
    assert list(sgd.slots) == ["a/0/v", "a/1/0/v", "b/v"]


def test_arrays_belong_to_their_names():
    """In whatever order a later call has them; other names are refused."""
    optimizer, w = opt.Average(opt.SGD(0.5, momentum=0.5)), {"a": np.zeros(2), "b": [np.zeros(2)]}
    push, rest = np.ones(2), np.zeros(2)
    optimizer.update(w, {"a": push, "b": [rest]})
    turned = collections.OrderedDict((name, w[name]) for name in ("b", "a"))
    optimizer.update(turned, {"a": rest.copy(), "b": [rest.copy()]})
    assert (w["a"].tolist(), w["b"][0].tolist()) == ([-0.75, -0.75], [0.0, 0.0])
    optimizer.swap(dict(turned))
    assert (w["a"].tolist(), w["b"][0].tolist()) == ([-0.625, -0.625], [0.0, 0.0])
    optimizer.swap(turned)
    slots = {name: slot.copy() for name, slot in optimizer.slots.items()}
    for other in ({"a": w["a"], "c": w["b"]}, [w["a"], w["b"]], {"a": w["a"], "b": w["b"][0]}, {"a": w["a"]}):
        with pytest.raises((ValueError, TypeError), match=r"params.* must be "):
            optimizer.update(other, other)
    for name, slot in optimizer.slots.items():
        np.testing.assert_array_equal(slot, slots[name])
    assert (w["a"].tolist(), optimizer.step) == ([-0.75, -0.75], 2)


SAME_NAME = {"a/b": np.ones(1), "a": {"b": np.ones(1)}}
BAD_TREES = {
    "key missing": ({"a": np.ones(2)}, {}, ValueError, "grads must be built like params: a dict of 'a', not an empty"),
    "other key": ({"a": [np.ones(2)]}, {"a": {"b": np.ones(2)}}, ValueError, r"\['a'\].*list of 1, not a dict of 'b'"),
    "longer": ([[np.ones(2)]], [[np.ones(2), np.ones(2)]], ValueError, r"grads\[0\].*a list of 1, not a list of 2"),
    "deeper": ([[np.ones(2)], [np.ones(2)]], [np.ones(2), np.ones(2)], ValueError, r"grads\[0\].*a list of 1, not nd"),
    "leaf": ({"a": np.ones(2)}, {"a": None}, TypeError, r"grads\['a'\] must be an array.*not NoneType"),
    "list for a leaf": ([np.ones(2)], [[1.0, 2.0]], TypeError, r"grads\[0\] must be an array.*not list"),
    "none": ([], [], ValueError, "no array"),
    "integers": ({"w": np.ones(2, int)}, {"w": np.ones(2)}, TypeError, r"params\['w'\].*float32 or float64, got int64"),
    "read-only": ({"w": memoryview(bytes(16)).cast("d")}, {"w": np.ones(2)}, ValueError, r"params\['w'\] is read-only"),
    "same name": (SAME_NAME, SAME_NAME, ValueError, "same name"),
}  # fmt: skip


@pytest.mark.parametrize(("params", "grads", "error", "message"), BAD_TREES.values(), ids=BAD_TREES)
def test_bad_collections(params, grads, error, message):
    sgd = opt.SGD(0.5)
    with pytest.raises(error, match=message):
        sgd.update(params, grads)
    w = np.ones(2)  # the failed call has left no state
    sgd.update(w, w.copy())
    assert w.tolist() == [0.5, 0.5]


def test_slots_may_not_be_the_gradient():
    sgd, w = opt.SGD(0.5, momentum=0.9), np.ones(2)
    sgd.update(w, np.ones(2))
    with pytest.raises(ValueError, match=r"(grads|slot v) shares memory with (grads|slot v)"):
        sgd.update(w, sgd.slots["v"])


def test_buffers(rng):
    w, g = array.array("d", [1.0, 2.0]), array.array("d", [2.0, 2.0])
    opt.SGD(0.5).update(w, g)
    assert list(w) == [0.0, 1.0]


class Tensor:
    """One of DLPack before version 1.0, which does not tell whether it may be written."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, stream=None):
        return self.array.__dlpack__()

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


class Same(Tensor):
    def __array__(self, dtype=None, copy=None):
        return self.array


class Restrided(Same):
    """As tensors of one row are, whose rows would be as far apart as columns."""

    def __dlpack__(self, stream=None):
        return np.lib.stride_tricks.as_strided(self.array, strides=(8, 8)).__dlpack__()


class Copied(Tensor):
    def __array__(self, dtype=None, copy=None):
        return self.array.copy()


def test_tensors_of_older_protocols():
    w = np.ones(2)
    opt.SGD(0.5).update(Same(w), Tensor(np.ones(2)))
    assert w.tolist() == [0.5, 0.5]
    row = np.ones((1, 2))
    opt.SGD(0.5).update(Restrided(row), np.ones((1, 2)))
    assert row.tolist() == [[0.5, 0.5]]
    for opaque in (Tensor(w), Copied(w)):
        with pytest.raises(ValueError, match="params is read-only"):
            opt.SGD(0.5).update(opaque, np.ones(2))
    assert w.tolist() == [0.5, 0.5]


def test_tensors_of_torch():
    torch = pytest.importorskip("torch")
    layer = torch.nn.Linear(3, 2)
    params = dict(layer.named_parameters())
    before = {name: p.detach().clone() for name, p in params.items()}
    grads = {name: torch.ones_like(p) for name, p in params.items()}
    opt.SGD(0.5).update(params, grads)
    for name, p in params.items():
        np.testing.assert_array_equal(p.detach().numpy(), before[name].numpy() - np.float32(0.5))
    with pytest.raises(TypeError, match=r"meta|device"):
        opt.SGD(0.5).update(torch.ones(2, device="meta"), torch.ones(2))


def test_arrays_of_jax_are_read_only():
    jnp = pytest.importorskip("jax.numpy")
    with pytest.raises(ValueError, match="read-only"):
        opt.SGD(0.5).update(jnp.ones(2), jnp.ones(2))


def test_state_goes_from_one_to_another(rng):
    params, grads = [rng.normal(size=5) for _ in range(2)], [rng.normal(size=5) for _ in range(2)]
    first = opt.Average(opt.Accumulate("adam", 2))
    for _ in range(3):
        first.update(params, grads)
    second = opt.Average.from_config(first.get_config())
    copies = [p.copy() for p in params]
    second.build(copies)
    second.state = first.state
    for name, view in second.slots.items():
        view[...] = first.slots[name]
    for _ in range(3):
        first.update(params, grads)
        second.update(copies, grads)
    for a, b in zip(params, copies, strict=True):
        np.testing.assert_array_equal(a, b)


BAD_STATES = [{"step": 1}, {"step": -1, "held": 0}, {"step": 1, "held": 0.5}, {"step": 1, "held": 0, "more": 1}]


@pytest.mark.parametrize("state", BAD_STATES, ids=str)
def test_bad_state(state):
    sgd = opt.SGD(0.5)
    sgd.build(np.ones(2))
    with pytest.raises((ValueError, TypeError)):
        sgd.state = state
    assert sgd.state == {"step": 0, "held": 0}


BAD_WRAPPERS = {
    "no limit": (lambda: opt.Clip("adam"), ValueError, "needs a value"),
    "limit of 0": (lambda: opt.Clip("adam", norm=0.0), ValueError, "norm must be more than 0"),
    "twice": (lambda: opt.Clip(opt.Decay(opt.Clip("adam", norm=1.0)), value=1.0), ValueError, "has a Clip already"),
    "around a sequence": (lambda: opt.Average(opt.Sequence([("adam", 1)])), TypeError, "let each of a Sequence"),
    "sequence in a sequence": (lambda: opt.Sequence([(opt.Sequence([("sgd", 1)]), 1)]), TypeError, "a Sequence itself"),
    "nothing to swap": (lambda: built(opt.Adam()).swap(np.ones(2)), ValueError, "keeps no average"),
    "average of an average": (lambda: opt.Average("asgd"), ValueError, "no sense around ASGD.*average already"),
    "unknown": (lambda: opt.Average("adm"), ValueError, "Did you mean 'adam'"),
    "steps": (lambda: opt.Accumulate("adam", 0), ValueError, "steps must be at least 1"),
    "exclude": (lambda: opt.Decay("adam", exclude="bias"), TypeError, r"such as \['bias'\]"),
    "no such parameter": (lambda: trained(opt.LayerRates("sgd", {"dense_7": 0.1})), ValueError, "called 'dense_7'"),
    "rate": (lambda: opt.LayerRates("sgd", {"dense": -1.0}), ValueError, r"rates\['dense'\] must be at least 0"),
    "phases": (lambda: opt.Sequence([]), TypeError, "list of pairs"),
    "phase": (lambda: opt.Sequence(["adam"]), TypeError, r"phases\[0\] must be a pair"),
    "endless phase": (lambda: opt.Sequence([("adam", None), ("sgd", 2)]), TypeError, r"phases\[0\] must be an integer"),
    "no average": (lambda: built(opt.Average("adam")).swap(np.ones(2)), RuntimeError, "before the first step"),
    "nesterov": (lambda: opt.SGD(0.1, nesterov="ahead"), ValueError, "Did you mean 'look_ahead'"),
    "dampened": (lambda: opt.SGD(0.1, 0.9, "look_ahead", 0.5), ValueError, "no dampening"),
}  # fmt: skip


def built(optimizer):
    optimizer.build(np.ones(2))
    return optimizer


@pytest.mark.parametrize(("action", "error", "message"), BAD_WRAPPERS.values(), ids=BAD_WRAPPERS)
def test_bad_wrappers(action, error, message):
    with pytest.raises(error, match=message):
        action()


def test_reference_adam_is_used_by_lamb():
    """The twin of LAMB without lengths is Adam's step."""
    w, g = np.ones(4), np.ones(4)
    slots = LAMB.start(4, np.float64)
    change, _ = twins.lamb(w, g, slots, LAMB.hyper | {"weight_decay": 0.0}, 1)
    np.testing.assert_allclose(norm(change), LAMB.hyper["learning_rate"] * norm(w))
