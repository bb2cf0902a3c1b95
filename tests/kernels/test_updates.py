"""Update rules, one step at a time against the twin."""

import cases
import numpy as np
import pytest
from arrays import assert_close, guarded, wide

from fastopt import kernels
from fastopt._core import kernels as core

RULES = pytest.mark.parametrize("rule", cases.RULES + cases.RULES_THAT_DECAY, ids=str)
ONE_OF_EACH = cases.ONE_OF_EACH_RULE + cases.RULES_THAT_DECAY[::2]
ONE_OF_EACH_RULE = pytest.mark.parametrize("rule", ONE_OF_EACH, ids=str)


def update(rule: cases.Rule, w, g, slots, step: int) -> np.ndarray | None:
    """Do a step; return the numbers that go on to the next."""
    state = rule.state_array()
    core.update(rule.name, [w], [g], [slots], rule.hyper, step, state, rule.decay)
    return state


def check_step(rule: cases.Rule, before, g, slots_before, w, slots, step: int) -> None:
    """A few roundings of each term: without cancellation the terms have one of two patterns of signs, or of four."""
    eps = np.finfo(w.dtype).eps
    old = {name: wide(value) for name, value in slots_before.items()}
    change, want = rule.change(wide(before), wide(g), old, step)
    absolute = {name: np.abs(value) for name, value in old.items()}
    patterns = [absolute, absolute | {name: -absolute[name] for name in rule.subtracted}][: 1 + bool(rule.subtracted)]
    signs = [
        rule.change(wide(before), sign * np.abs(wide(g)), pattern, step) for pattern in patterns for sign in (1, -1)
    ]
    size = np.max([np.abs(change_) for change_, _ in signs], axis=0)
    assert_close(w, before + change, eps * (np.abs(before + change) + 8 * size))
    for name, value in slots.items():
        assert_close(value, want[name], 8 * eps * np.max([np.abs(slot[name]) for _, slot in signs], axis=0))


@RULES
def test_hundred_steps(isa, dtype, rule, rng):
    n = 3 * cases.LANES[dtype] + 5
    w, slots = rng.normal(size=n).astype(dtype), rule.start(n, dtype)
    for step in range(1, 101):
        g = (rng.normal(size=n) * 10.0 ** rng.integers(-3, 3, n)).astype(dtype)
        before, slots_before = w.copy(), {name: slot.copy() for name, slot in slots.items()}
        update(rule, w, g, slots, step)
        if step <= 7 or step in (10, 20, 50, 100):  # the twin takes longer than all else
            check_step(rule, before, g, slots_before, w, slots, step)


@ONE_OF_EACH_RULE
def test_lengths_and_starts(isa, dtype, rule, rng):
    # A state that the rule can come into: a mean square is not less than the square of the mean.
    states = rule.start(100, np.float64)
    for step in (1, 2):
        _, states = rule.update(np.zeros(100), rng.normal(size=100), states, rule.hyper, step)
    for length in cases.lengths(dtype):
        gradient, weights = (rng.normal(size=length).astype(dtype) for _ in range(2))
        first = None
        for start in cases.STARTS:
            g, _ = guarded(gradient, start)
            w, w_intact = guarded(weights, (start + length) % 4, fill=-7.0)
            slots, intact = {}, [w_intact]
            for i, name in enumerate(rule.start(1, dtype)):
                values = states[name][:length].astype(dtype)
                slots[name], slot_intact = guarded(values, (start + i) % 4, fill=-7.0)
                intact.append(slot_intact)
            before, slots_before = w.copy(), {name: slot.copy() for name, slot in slots.items()}
            update(rule, w, g, slots, 3)
            assert all(untouched() for untouched in intact)
            if first is None:
                check_step(rule, before, g, slots_before, w, slots, 3)
                first = w, slots
            np.testing.assert_array_equal(w, first[0])  # wherever it starts
            for name, slot in slots.items():
                np.testing.assert_array_equal(slot, first[1][name])


@RULES
def test_late_step_and_zero_gradient(isa, dtype, rule):
    """The step number is 64 bits wide; a weight that never had a gradient stays as it is, but for decay."""
    w, slots, before = np.ones(9, dtype), rule.start(9, dtype), rule.start(9, dtype)
    state = update(rule, w, np.zeros(9, dtype), slots, 2**40)
    assert state is None or np.isfinite(state).all()
    check_step(rule, np.ones(9, dtype), np.zeros(9, dtype), before, w, slots, 2**40)
    if not (rule.decay or rule.hyper.get("weight_decay")):
        np.testing.assert_array_equal(w, 1)


@RULES
def test_nan_in_gradient_reaches_the_weight_alone(isa, dtype, rule):
    w, slots = np.ones(9, dtype), rule.start(9, dtype)
    for step in (1, 2):
        update(rule, w, np.where(np.arange(9) == 4, np.nan, 1).astype(dtype), slots, step)
    np.testing.assert_array_equal(np.isnan(w), np.arange(9) == 4)


@ONE_OF_EACH_RULE
def test_threads(isa, dtype, rule, rng, for_all_threads):
    sizes = (110_003, 0, 5, 4096)  # enough work for four threads
    params, grads = ([rng.normal(size=n).astype(dtype) for n in sizes] for _ in range(2))

    def two_steps() -> list[np.ndarray]:
        w = [p.copy() for p in params]
        slots = [rule.start(p.shape, dtype) for p in params]
        for step in (1, 2):
            core.update(rule.name, w, grads, slots, rule.hyper, step, rule.state_array(), rule.decay)
        return w + [slot for entry in slots for slot in entry.values()]

    for_all_threads(two_steps)


@pytest.mark.parametrize("rule", [rule for rule in ONE_OF_EACH if not rule.by_tensor], ids=str)
def test_many_arrays_are_updated_like_one(isa, dtype, rule, rng):
    shapes = [(3, 5), (0,), (7,), (2, 2, 2), (1,)]
    params, grads = ([rng.normal(size=shape).astype(dtype) for shape in shapes] for _ in range(2))
    slots = [rule.start(p.shape, dtype) for p in params]
    w, g = (np.concatenate([a.ravel() for a in arrays]) for arrays in (params, grads))
    slot = rule.start(w.shape, dtype)
    core.update(rule.name, params, grads, slots, rule.hyper, 1, rule.state_array(), rule.decay)
    update(rule, w, g, slot, 1)
    np.testing.assert_array_equal(np.concatenate([p.ravel() for p in params]), w)


def test_rules_are_those_of_the_table():
    rules = core.update_rules()
    assert set(rules) == {rule.name for rule in cases.RULES}
    for rule in cases.RULES:
        assert rules[rule.name]["slots"] == list(rule.slots)
        assert rules[rule.name]["hyper"] == list(rule.hyper)
        assert len(rules[rule.name]["state"]) == len(rule.state)


def test_every_rule_belongs_to_an_optimizer():
    assert {make().rule for make in cases.OPTIMIZERS.values()} == set(core.update_rules())


def test_public_functions(dtype, rng):
    """Same defaults as the table, same bits as the rule by name."""
    g = rng.normal(size=7).astype(dtype)
    calls = {
        "sgd": lambda w, slots: kernels.sgd_update(w, g),
        "momentum": lambda w, slots: kernels.momentum_update(w, g, slots["v"]),
        "nesterov": lambda w, slots: kernels.momentum_update(w, g, slots["v"], nesterov=True),
        "adam": lambda w, slots: kernels.adam_update(w, g, slots["m"], slots["v"], 1),
    }
    first = {rule.name: rule for rule in cases.ONE_OF_EACH_RULE}
    for name, call in calls.items():
        results = []
        for how in (call, lambda w, slots, name=name: update(first[name], w, g, slots, 1)):
            w, slots = np.ones(7, dtype), {slot: np.zeros(7, dtype) for slot in first[name].slots}
            assert how(w, slots) is None
            results.append([w, *slots.values()])
        np.testing.assert_array_equal(results[0], results[1])


def read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


# What is wrong with the second of two arrays; the first must stay as it was. Each: change of the arguments, error.
ZEROS = np.zeros
WRONG = {
    "read-only weight": (lambda a: a["params"].__setitem__(1, read_only(ZEROS(4))), ValueError),
    "read-only slot": (lambda a: a["slots"][1].update(v=read_only(ZEROS(4))), ValueError),
    "strided weight": (lambda a: a["params"].__setitem__(1, ZEROS(8)[::2]), ValueError),
    "strided slot": (lambda a: a["slots"][1].update(m=ZEROS(8)[::2]), ValueError),
    "strided gradient": (lambda a: a["grads"].__setitem__(1, ZEROS(8)[::2]), ValueError),
    "shape of gradient": (lambda a: a["grads"].__setitem__(1, ZEROS(5)), ValueError),
    "shape of slot": (lambda a: a["slots"][1].update(m=ZEROS((2, 2))), ValueError),
    "dtype of weight": (lambda a: a["params"].__setitem__(1, ZEROS(4, np.float32)), TypeError),
    "dtype of gradient": (lambda a: a["grads"].__setitem__(1, ZEROS(4, np.float32)), TypeError),
    "dtype of slot": (lambda a: a["slots"][1].update(v=ZEROS(4, np.int64)), TypeError),
    "byte order of weight": (lambda a: a["params"].__setitem__(1, ZEROS(4, ">f8")), (TypeError, ValueError)),
    "slot missing": (lambda a: a["slots"][1].pop("v"), (KeyError, ValueError)),
    "slot is the weight": (lambda a: a["slots"][1].update(v=a["params"][1]), ValueError),
    "slot is the other slot": (lambda a: a["slots"][1].update(v=a["slots"][1]["m"]), ValueError),
    "gradient is the weight": (lambda a: a["grads"].__setitem__(1, a["params"][1]), ValueError),
    "weight twice": (lambda a: a["params"].__setitem__(1, a["params"][0]), ValueError),
    "lists of unequal length": (lambda a: a["grads"].pop(), ValueError),
    "unknown rule": (lambda a: a.update(rule="adm"), ValueError),
    "hyperparameter missing": (lambda a: a["hyper"].pop("beta_1"), (KeyError, ValueError)),
    "hyperparameter that is no number": (lambda a: a["hyper"].update(beta_1="0.9"), TypeError),
    "unknown hyperparameter": (lambda a: a["hyper"].update(beta1=0.5), (KeyError, ValueError)),
    "step zero": (lambda a: a.update(step=0), ValueError),
    "step below zero": (lambda a: a.update(step=-1), ValueError),
}


@pytest.mark.parametrize(("spoil", "error"), WRONG.values(), ids=WRONG)
def test_refused_before_anything_changes(spoil, error):
    first = [ZEROS(4) for _ in range(3)]
    arguments = {
        "rule": "adam",
        "params": [first[0], ZEROS(4)],
        "grads": [np.ones(4), np.ones(4)],
        "slots": [{"m": first[1], "v": first[2]}, {"m": ZEROS(4), "v": ZEROS(4)}],
        "hyper": dict(cases.ADAM),
        "step": 1,
    }
    spoil(arguments)
    with pytest.raises(error):
        core.update(**arguments)
    assert not np.any(first)
