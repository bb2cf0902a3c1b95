"""The state of optimizers, apart from what describes them: in models, on bare arrays, in copies."""

import copy
import pickle

import cases
import numpy as np
import pytest

import fastopt as fo
from fastopt import optimizers as opt

OPTIMIZERS = pytest.mark.parametrize("make", cases.OPTIMIZERS.values(), ids=cases.OPTIMIZERS)
BARE = pytest.mark.parametrize("make", cases.IN_PLACE.values(), ids=cases.IN_PLACE)
COPIES = pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))], ids=["copy", "deepcopy", "pickle"]
)
X = np.random.default_rng(1).normal(size=(30, 6))
Y = X @ [1.0, -2.0, 3.0, 0.0, 0.5, 1.5]
pytestmark = pytest.mark.filterwarnings("ignore:.* adapts its")


def compiled(optimizer):
    model = fo.Sequential([fo.layers.Dense(5, "tanh"), fo.layers.Dense(1)], seed=3)
    model.compile(optimizer, "mse")
    return model


def trained(model, epochs=2):
    model.fit(X, Y, batch_size=8, epochs=epochs, verbose=0)
    return model


def state(model):
    arrays = {name: view.tobytes() for name, view in (model.parameters | model.slots).items()}
    return arrays, model.optimizer.state, model.optimizer.get_config()


@OPTIMIZERS
def test_models_share_an_optimizer(make):
    """Each has a state of its own, and changes nothing of what it was given."""
    shared, alone = make(), trained(trained(compiled(make())))
    models = [compiled(shared), compiled(shared)]
    for _ in range(2):
        for model in models:
            trained(model)
    for model in models:
        assert state(model) == state(alone)
        assert model.optimizer == shared == make()
    assert shared.step == 0


def test_what_is_set_in_a_model_stays_there():
    shared = opt.Clip(opt.SGD(0.1), value=1.0)
    one, other = compiled(shared), compiled(shared)
    one.optimizer.learning_rate = 0.5
    assert [m.optimizer.learning_rate for m in (one, other)] == [0.5, 0.1]
    assert shared.learning_rate == 0.1
    one.compile(shared, "mae")
    assert one.optimizer.learning_rate == 0.1


@pytest.mark.parametrize("again", ["what was given", "what the model has"])
def test_the_same_optimizer_keeps_its_slots(again):
    given = opt.Sequence([(opt.Average("adam"), 9), ("sgd", None)])
    model = trained(compiled(given))
    before = state(model)
    model.compile(given if again == "what was given" else model.optimizer, "mse")
    assert state(model) == before
    model.compile(given.fresh(), "mse")
    assert model.optimizer.step == 0


@COPIES
@BARE
def test_copies_go_on_from_their_state(make, copied, rng):
    params = {"dense/kernel": rng.normal(size=(7, 3)), "dense/bias": rng.normal(size=3)}
    grads = [{name: rng.normal(size=w.shape) for name, w in params.items()} for _ in range(6)]
    first = make()
    for g in grads[:3]:
        first.update(params, g)
    second, others = copied(first), {name: w.copy() for name, w in params.items()}
    for g in grads[3:]:
        first.update(params, g)
    assert second.step < first.step
    for g in grads[3:]:
        second.update(others, g)
    for name, w in params.items():
        assert others[name].tobytes() == w.tobytes()
    assert second.state == first.state
    assert {name: slot.tobytes() for name, slot in second.slots.items()} == {
        name: slot.tobytes() for name, slot in first.slots.items()
    }


@COPIES
@BARE
def test_a_copy_of_a_models_optimizer_goes_on_with_bare_arrays(make, copied):
    model = trained(compiled(make()))
    bare, params = copied(model.optimizer), {name: w.copy() for name, w in model.parameters.items()}
    assert bare.state == model.optimizer.state
    if bare.averages:
        bare.swap(params)
        model.optimizer.swap()
    for _ in range(3):
        model.backward(2 * (model(X) - Y[:, None]))
        bare.update(params, model.gradients)
        model.apply_gradients()
    for name, w in model.parameters.items():
        assert params[name].tobytes() == w.tobytes()


def test_a_copy_of_an_optimizer_that_looks_ahead_does_not_step():
    model = trained(compiled(opt.SGD(0.1, 0.9, "look_ahead")))
    bare = copy.copy(model.optimizer)
    assert bare.step == 8
    with pytest.raises(ValueError, match="nesterov=True"):
        bare.update({name: w.copy() for name, w in model.parameters.items()}, model.parameters)


def test_parts_that_occur_twice_have_states_of_their_own(rng):
    adam = opt.Adam(0.1)
    twice = opt.Sequence([(adam, 1), (opt.SGD(0.1), 1), (adam, 1)])
    model = trained(compiled(twice), epochs=3)
    assert model.optimizer.step == 4
    clip, average = opt.Clip(adam, value=1.0), opt.Average(adam)
    for optimizer in (clip, average):
        optimizer.update(np.ones(2), np.ones(2))
    assert (clip.step, average.step, adam.step) == (1, 1, 0)


def test_build_begins_anew():
    adam = opt.Adam()
    for size in (2, 3):
        adam.build(np.ones(size))
        adam.update(np.ones(size), np.ones(size))
        assert (adam.step, adam.slots["m"].shape) == (1, (size,))


def test_decay_belongs_to_the_state():
    decay, w = opt.Decay(opt.SGD(0.1), l2=0.1), {"bias": np.ones(2)}
    decay.update(w, {"bias": np.ones(2)})
    decay.exclude = ()
    with pytest.raises(ValueError, match="which parameters decay"):
        decay.update(w, {"bias": np.ones(2)})


class Counted(fo.schedules.Schedule):
    """A constant that counts how often it is evaluated."""

    calls = 0

    def formula(self, t):
        type(self).calls += 1
        return np.full_like(t, 0.1)


def test_schedules_are_evaluated_for_many_small_calls_at_once():
    sgd, w = opt.SGD(Counted()), np.ones(2)
    for _ in range(100):
        sgd.update(w, w.copy())
    assert Counted.calls <= 4


def test_a_bad_value_of_a_schedule_counts_when_it_is_reached():
    sgd, w = (
        opt.SGD(fo.schedules.Piecewise([5], [0.1, 1.0]), momentum=fo.schedules.Piecewise([5], [0.5, 1.0])),
        np.ones(2),
    )
    for _ in range(5):
        sgd.update(w, np.ones(2))
    with pytest.raises(ValueError, match="momentum at step 5"):
        sgd.update(w, np.ones(2))
    assert sgd.step == 5
