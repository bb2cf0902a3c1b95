"""Models trained side by side: each is equal to the bit to being trained alone, whatever becomes of the others."""

import threading
import time
import warnings

import numpy as np
import pytest
from interrupts import interrupt

import fastopt as fo
from fastopt.fleet.turns import Turns

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 8)).astype(np.float32)
Y = RNG.integers(0, 3, 300)
TRAIN, HELD = np.arange(0, 300, 2), np.arange(1, 300, 4)
BOOTSTRAP = RNG.integers(0, 300, 300)


def dense(*layers, optimizer="adam", loss="sparse_categorical_crossentropy", metrics=("accuracy",), seed=0, **of_model):
    model = fo.Sequential([*layers, fo.layers.Dense(3)], seed=seed, **of_model)
    model.compile(optimizer, loss, metrics=list(metrics))
    return model


def plain(**changes):
    return dense(fo.layers.Dense(16, "relu"), **changes)


def noisy():
    return dense(fo.layers.Dense(16, "relu"), fo.layers.BatchNormalization(), fo.layers.Dropout(0.3), seed=1)


def two_heads():
    x = fo.Input(8)
    hidden = fo.layers.Dense(8, "tanh")(x)
    outputs = fo.layers.Dense(3, name="kind")(hidden), fo.layers.Dense(1, name="size")(hidden)
    model = fo.Model(x, list(outputs), seed=2)
    model.compile("sgd", ["sparse_categorical_crossentropy", "mse"])
    return model


def one_hot_error(target, output):
    difference = output - target
    return (difference**2).sum(1) / 2, difference


SCHEDULED = fo.optimizers.SGD(fo.schedules.Cosine(0.1, 20))
STOP = fo.callbacks.EarlyStopping("val_loss", patience=2, restore_best_weights=True)
ONE_HOT = np.eye(3, dtype=np.float32)[Y]

# A model, and arguments of its `fit`.
KINDS = {
    "plain": (plain, {"epochs": 3}),
    "rows": (plain, {"rows": TRAIN, "validation_rows": HELD, "epochs": 3}),
    "mask": (plain, {"rows": Y > 0, "epochs": 2}),
    "in order": (plain, {"rows": TRAIN[::-1], "shuffle": False, "epochs": 2}),
    "bootstrap": (plain, {"rows": BOOTSTRAP, "epochs": 3, "batch_size": 100}),
    "noise": (noisy, {"rows": TRAIN, "validation_rows": HELD, "epochs": 4}),
    "float64": (lambda: plain(dtype="float64"), {"epochs": 2, "validation_split": 0.2, "split_by": "stratified"}),
    "split of rows": (plain, {"rows": TRAIN, "validation_split": 0.3, "split_by": "random"}),
    "last rows": (plain, {"rows": TRAIN, "validation_split": 0.3}),
    "solver": (lambda: noisy_solver(), {"rows": TRAIN, "epochs": 6}),
    "solver in batches": (lambda: plain(optimizer=fo.solvers.LBFGS()), {"rows": BOOTSTRAP, "batch_size": 90}),
    "schedule": (lambda: plain(optimizer=SCHEDULED), {"rows": TRAIN, "epochs": 3}),
    "stopped early": (plain, {"rows": TRAIN, "validation_rows": HELD, "epochs": 200, "callbacks": [STOP]}),
    "weights": (plain, {"rows": TRAIN, "sample_weight": np.linspace(0, 2, 300), "validation_rows": HELD}),
    "classes": (plain, {"rows": BOOTSTRAP, "class_weight": "balanced"}),
    "metric of outputs": (lambda: plain(metrics=["auc", "f1"]), {"rows": TRAIN, "validation_rows": HELD}),
    "loss of one's own": (lambda: plain(loss=one_hot_error, metrics=[]), {"y": ONE_HOT, "rows": BOOTSTRAP}),
    "two outputs": (two_heads, {"y": [Y, X[:, :1]], "rows": TRAIN, "validation_rows": HELD}),
}
DATA = ("y", "sample_weight")


def noisy_solver():
    return dense(fo.layers.Dense(8, "tanh"), fo.layers.Dropout(0.2), optimizer=fo.solvers.LBFGS(), seed=3)


def bits(model):
    arrays = {**model.parameters, **model.state, **model.slots}
    unseen = ("seconds", "samples_per_second")
    logs = {name: values for name, values in model.history.history.items() if name not in unseen}
    return {name: array.tobytes() for name, array in arrays.items()}, repr(logs), model.draws, model.epochs_trained


def alone(kind):
    make, arguments = KINDS[kind]
    model = make()
    model.fit(**{"x": X, "y": Y, "verbose": 0} | arguments)
    return bits(model)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "rows" in KINDS[kind][1]])
def test_rows_are_as_copies_of_them(kind):
    make, arguments = KINDS[kind]
    given = {"x": X, "y": Y} | arguments
    rows, held = given.pop("rows"), given.pop("validation_rows", None)

    def part(name, of):
        return [array[of] for array in given[name]] if isinstance(given[name], list) else given[name][of]

    if held is not None:
        given["validation_data"] = tuple(part(name, held) for name in ("x", *DATA) if name in given)
    copies = {name: part(name, rows) for name in ("x", *DATA) if name in given}
    model = make()
    model.fit(**given | copies, verbose=0)
    assert bits(model) == alone(kind)


def test_of_every_kind_as_alone():
    models = [make() for make, _ in KINDS.values()]
    members = fo.fleet.fit(models, X, Y, each=[arguments for _, arguments in KINDS.values()], workers=3, verbose=0)
    assert [bits(member.model) for member in members] == [alone(kind) for kind in KINDS]
    endings = {kind: member.ending for kind, member in zip(KINDS, members, strict=True)}
    assert endings == dict.fromkeys(KINDS, "finished") | {"stopped early": "stopped"}


def test_more_workers_and_threads_than_cores_change_nothing():
    seen = []
    for workers, threads in ((1, 1), (2, 2), (7, 1), (3, 3)):
        models = [plain(seed=seed) for seed in range(5)]
        members = fo.fleet.fit(
            models, X, Y, epochs=3, workers=workers, threads_per_member=threads, batch_size=256, verbose=0
        )
        seen.append([bits(member.model) for member in members])
    assert all(one == seen[0] for one in seen)


def test_eight_rates():
    rates = [10.0**-i for i in range(8)]
    models = [plain(optimizer=fo.optimizers.Adam(rate)) for rate in rates]
    members = fo.fleet.fit(models, X, Y, epochs=4, validation_split=0.2, verbose=0)
    single = []
    for rate in rates:
        model = plain(optimizer=fo.optimizers.Adam(rate))
        single.append(model.fit(X, Y, epochs=4, validation_split=0.2, verbose=0).history["val_loss"])
    assert [member.history.history["val_loss"] for member in members] == single


class Fails(fo.callbacks.Callback):
    def __init__(self, error, epoch=1):
        self.error, self.epoch = error, epoch

    def on_epoch_end(self, epoch, logs):
        if epoch == self.epoch:
            raise self.error


def test_what_becomes_of_one_does_not_change_the_others():
    each = [{} for _ in range(8)]
    each[1] = {"callbacks": [Fails(ZeroDivisionError("of one's own"))]}
    each[3] = {"callbacks": [STOP], "validation_rows": HELD, "epochs": 300}
    each[4] = {"y": Y + 5}
    each[5] = {"callbacks": [Fails(MemoryError())]}
    each[6] = {"x": X[:, :7]}
    models = [plain(seed=seed) for seed in range(8)]
    models[2] = plain(seed=2, optimizer=fo.optimizers.SGD(1e30))
    models[6].build(8)
    with pytest.warns(UserWarning, match=r"5 of 8 models failed, the first of them models\[1\] by ZeroDivisionError"):
        members = fo.fleet.fit(models, X, Y, each=each, epochs=4, workers=3, verbose=0)
    assert [type(member.error).__name__ for member in members] == [
        "NoneType",
        "ZeroDivisionError",
        "FloatingPointError",
        "NoneType",
        "ValueError",
        "MemoryError",
        "ValueError",
        "NoneType",
    ]
    endings = [member.ending for member in members]
    assert endings == ["finished", "failed", "failed", "stopped", "failed", "failed", "failed", "finished"]
    assert [len(member.history.epoch) for member in members[:2]] == [4, 2]  # History comes before the callbacks
    for i in (0, 7):
        model = plain(seed=i)
        model.fit(X, Y, epochs=4, verbose=0)
        assert bits(model) == bits(members[i].model)
    assert "ZeroDivisionError" in repr(members[1])


def test_memory_that_there_is_not_for_one():
    models = [plain(), dense(fo.layers.Dense(2**40)), plain(seed=1)]
    with pytest.warns(UserWarning, match="models failed"):
        members = fo.fleet.fit(models, X, Y, verbose=0)
    assert [member.ending for member in members] == ["finished", "failed", "finished"]
    assert isinstance(members[1].error, MemoryError)


def test_callbacks_for_all_are_copied():
    stop = fo.callbacks.EarlyStopping("loss", patience=0)
    rates = [0.0, 1e-3]
    models = [plain(optimizer=fo.optimizers.SGD(rate)) for rate in rates]
    members = fo.fleet.fit(models, X, Y, callbacks=[stop], epochs=5, shuffle=False, verbose=0)
    assert [len(member.history.epoch) for member in members] == [2, 5]
    assert not hasattr(stop, "model")
    assert members[0].callbacks[0].best_epoch == 0
    own = fo.callbacks.EarlyStopping("loss", patience=0)
    members = fo.fleet.fit([plain()], X, Y, each=[{"callbacks": [own]}], verbose=0)
    assert own.model is members[0].model


def test_what_a_backup_spares_counts_as_done(tmp_path):
    def fit(fails):
        fails.on = epoch_of_failure.pop()
        backup = fo.callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)
        each = [{"callbacks": [backup, fails]}]
        model = plain()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return fo.fleet.fit([model], X, Y, each=each, epochs=4, verbose=0)[0]

    epoch_of_failure = [9, 9, 2]
    fails = FailsAt()
    assert [fit(fails).ending for _ in range(3)] == ["failed", "finished", "finished"]


class FailsAt(fo.callbacks.Callback):
    on = 0

    def on_epoch_end(self, epoch, logs):
        if epoch == self.on:
            raise OSError


def test_as_they_end_and_the_rest_is_stopped():
    models = [plain(seed=seed) for seed in range(6)]
    each = [{"epochs": 10**6}, {"epochs": 2}, *({"epochs": 10**6} for _ in range(4))]
    found = fo.fleet.iterate(models, X, Y, each=each, workers=6, verbose=0)
    assert not models[0].built  # nothing begins before the first is asked for
    member = next(found)
    assert (member.index, member.ending) == (1, "finished")
    found.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("fleet-")]
    epochs = [model.epochs_trained for model in models]
    time.sleep(0.02)
    assert [model.epochs_trained for model in models] == epochs


@pytest.mark.parametrize("moment", [0.0, 0.05, 0.3])
def test_interrupt(moment):
    models = [plain(seed=seed) for seed in range(20)]
    x, y = np.tile(X, (100, 1)), np.tile(Y, 100)
    assert interrupt(lambda: fo.fleet.fit(models, x, y, epochs=10**6, workers=2, verbose=0), moment) < 0.2
    for model in models:
        if model.built and model.optimizer.step:
            steps = model.optimizer.step
            assert steps == model.draws
            again = plain(seed=model.seed)
            batches = -(-len(x) // 32)
            again.fit(x, y, epochs=steps // batches, verbose=0)
            if steps % batches:
                again.fit(x, y, callbacks=[StopAfter(steps % batches)], verbose=0)
            assert all((a == b).all() for a, b in zip(again.get_weights(), model.get_weights(), strict=True))
            break


class StopAfter(fo.callbacks.Callback):
    def __init__(self, batches):
        self.batches = batches

    def on_batch_end(self, batch, logs):
        if batch == self.batches - 1:
            self.model.stop_training = True


def test_interrupt_of_predictions_and_validation():
    models = [plain(seed=seed) for seed in range(4)]
    x, y = np.tile(X, (4000, 1)), np.tile(Y, 4000)
    for model in models:
        model.build(8)
    held = (x, y)
    many = models * 20
    assert interrupt(lambda: fo.fleet.predict(many, x, workers=2), 0.1) < 0.2
    assert interrupt(lambda: fo.fleet.fit(models, X, Y, validation_data=held, epochs=999, verbose=0), 0.2) < 0.2


def test_warnings_come_once_and_name_the_line():
    models = [plain(seed=seed) for seed in range(3)]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        members = fo.fleet.fit(models, X, np.zeros(300, int), verbose=0)
    assert [warning.filename for warning in caught] == [__file__]
    assert "targets are alike" in str(caught[0].message)
    assert all(len(member.warnings) == 1 for member in members)


def test_lines_and_bar(capsys):
    models = [plain(seed=seed) for seed in range(2)]
    fo.fleet.fit(models, X, Y, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert sorted(line.split(":")[0] for line in lines) == ["model 0", "model 1"]
    assert "2/2" in lines[1]
    assert "best loss" in lines[1]
    fo.fleet.fit(models, X, Y, validation_split=0.2, verbose=1)
    shown = capsys.readouterr().err
    assert "models 2/2" in shown
    assert "best val_loss" in shown


@pytest.mark.parametrize(
    ("message", "models", "arguments"),
    [
        ("x is missing", [plain()], {"y": Y}),
        ("y is missing", [plain(), plain()], {"x": iter([(X, Y)])}),
        (r"models\[0\] must be", [3], {"x": X, "y": Y}),
        ("'epoch' is no argument", [plain()], {"x": X, "y": Y, "epoch": 3}),
        ("'verbose' is no argument", [plain()], {"x": X, "y": Y, "each": [{"verbose": 1}]}),
        ("each has 1 sets", [plain(), plain()], {"x": X, "y": Y, "each": [{}]}),
        (r"each\[0\] must be a dict", [plain()], {"x": X, "y": Y, "each": [[]]}),
        ("are the same", [plain()] * 2, {"x": X, "y": Y}),
        ("workers", [plain()], {"x": X, "y": Y, "workers": 0}),
        ("threads_per_member", [plain()], {"x": X, "y": Y, "threads_per_member": 0}),
        ("not finite", [plain()], {"x": np.full_like(X, np.nan), "y": Y}),
        ("would write", [plain(), plain()], {"x": X, "y": Y, "callbacks": [fo.callbacks.CSVLogger("log.csv")]}),
        ("verbose", [plain()], {"x": X, "y": Y, "verbose": 7}),
        ("y is missing: models share arrays", [plain(), plain()], {"x": [(X, Y)]}),
        ("callbacks must be a list", [plain()], {"x": X, "y": Y, "callbacks": STOP}),
        ("callbacks must be a list", [plain()], {"x": X, "y": Y, "each": [{"callbacks": STOP}]}),
        (r"callbacks\[0\] is 3", [plain()], {"x": X, "y": Y, "each": [{"callbacks": [3]}]}),
        (
            "validation_data is for several models",
            [plain(), plain()],
            {"x": X, "y": Y, "validation_data": iter([(X, Y)]), "validation_steps": 1},
        ),
    ],
)
def test_errors_before_training(message, models, arguments):
    with pytest.raises((TypeError, ValueError), match=message):
        fo.fleet.fit(models, **{"verbose": 0} | arguments)


def test_batches_that_are_drawn():
    def batches():
        return [(X[i : i + 50], Y[i : i + 50]) for i in range(0, 300, 50)]

    models = [plain(seed=seed) for seed in range(3)]
    members = fo.fleet.fit(models, each=[{"x": batches()} for _ in models], epochs=3, verbose=0)
    assert [member.ending for member in members] == ["finished"] * 3
    for member in members:
        model = plain(seed=member.index)
        model.fit(batches(), epochs=3, verbose=0)
        assert bits(model) == bits(member.model)


def test_no_models():
    assert fo.fleet.fit([], X, Y, verbose=0) == []


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "rows is empty"),
        ([300], r"rows\[0\] is 300"),
        ([-1], r"rows\[0\] is -1"),
        ([0.5], "numbers of rows"),
        ([[0]], "numbers of rows"),
        ([True], "numbers of rows"),
    ],
)
def test_wrong_rows(rows, message):
    with pytest.raises((TypeError, ValueError), match=message):
        plain().fit(X, Y, rows=rows, verbose=0)


def test_one_kind_of_validation():
    with pytest.raises(ValueError, match="Give validation_split or validation_rows, not both"):
        plain().fit(X, Y, validation_rows=HELD, validation_split=0.1, verbose=0)
    with pytest.raises(ValueError, match="0 for every validation sample"):
        plain().fit(X, Y, sample_weight=np.arange(300) < 9, validation_rows=[50, 60], verbose=0)


# The turns alone: members that count time instead of training.


class Clock:
    """Goes on when all members that run have ended an epoch."""

    def __init__(self):
        self.time, self._arrived, self._changed = 0, 0, threading.Condition()

    def epoch(self, turns):
        with self._changed:
            self._arrived += 1
            now = self.time
            while self.time == now:
                with turns._lock:
                    running = turns._running
                if self._arrived >= running:
                    self._arrived, self.time = 0, now + 1
                    self._changed.notify_all()
                else:
                    self._changed.wait(0.001)


def makespan(work, workers):
    """How long members of so many epochs each take together, in epochs."""
    clock, ended = Clock(), threading.Semaphore(0)

    def run(member):
        for left in reversed(range(work[member])):
            clock.epoch(turns)
            turns.after_epoch(member, left, short=False)
        ended.release()

    turns = Turns(work, workers, 1, run)
    turns.start()
    for _ in work:
        assert ended.acquire(timeout=20)
    turns.stop()
    return clock.time


@pytest.mark.parametrize(("work", "workers"), [([20] * 3, 2), ([30, 10, 10, 10], 2), ([20] * 5, 3), ([5] * 16, 4)])
def test_uneven_members_are_balanced(work, workers):
    best = max(max(work), sum(work) / workers)
    assert best <= makespan(work, workers) <= best + 2
