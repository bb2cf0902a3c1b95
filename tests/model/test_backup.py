"""A training that is interrupted, in whatever way, and goes on from its backup ends as if it had not been."""

import os
import random
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

import fastopt as fo
from fastopt.callbacks import BackupAndRestore, EarlyStopping, LambdaCallback, LearningRateScheduler, ReduceLROnPlateau
from fastopt.optimizers import SGD, Adam, Average, Decay, Lookahead, Sequence
from fastopt.schedules import Cosine

X = np.random.default_rng(0).normal(size=(96, 6)).astype(np.float32)
Y = np.sin(X @ np.arange(6)) + X[:, 0] ** 2

OPTIMIZERS = {
    "sgd": lambda: SGD(0.05, momentum=0.9),
    "schedule": lambda: Adam(Cosine(0.01, 30)),
    "function": lambda: Adam(lambda step: 0.01 / (1 + step)),
    "wrapped": lambda: Average(Lookahead(Decay(Adam(0.01), 0.1)), 0.9),
    "sequence": lambda: Sequence([(Adam(0.01), 3), (SGD(0.01), None)]),
    "solver": lambda: fo.solvers.LBFGS(),
}


def made(optimizer="sgd", seed=0):
    layers = [fo.layers.Dense(8, "relu"), fo.layers.BatchNormalization(), fo.layers.Dropout(0.2), fo.layers.Dense(1)]
    model = fo.Sequential(layers, seed=seed)
    model.compile(OPTIMIZERS[optimizer](), "mse", ["mae"])
    return model


def others():
    return [
        EarlyStopping("val_loss", patience=3, restore_best_weights=True),
        ReduceLROnPlateau("val_loss", factor=0.5, patience=1),
    ]


def trained(folder, callbacks=(), optimizer="sgd", **options):
    model = made(optimizer)
    every = options.pop("every", 1)
    given = [BackupAndRestore(folder, every, **options), *callbacks] if folder else [*callbacks]
    size = None if optimizer == "solver" else 8
    model.fit(X, Y, batch_size=size, epochs=7, validation_split=0.25, callbacks=given, verbose=0)
    return model


def same(a, b):
    assert {n: v for n, v in a.history.history.items() if "second" not in n} == {
        n: v for n, v in b.history.history.items() if "second" not in n
    }
    assert a.history.epoch == b.history.epoch
    assert all(np.array_equal(v, w) for v, w in zip(a.get_weights(), b.get_weights(), strict=True))
    assert all(np.array_equal(v, b.slots[name]) for name, v in a.slots.items())
    if isinstance(a.optimizer, fo.optimizers.Optimizer):
        assert a.optimizer.state == b.optimizer.state


class StopError(Exception):
    pass


def stopping(epoch, kind=StopError):
    def stop(now, logs):
        if now == epoch:
            raise kind

    return LambdaCallback(on_epoch_end=stop)


@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_goes_on_to_the_bit(tmp_path, optimizer, every):
    again = tmp_path / "again"
    for kind, epoch in ((StopError, 1), (KeyboardInterrupt, 4)):
        with pytest.raises(kind):
            trained(again, [stopping(epoch, kind)], optimizer, every=every)
    same(trained(None, [stopping(99)], optimizer), trained(again, [stopping(99)], optimizer, every=every))
    assert os.listdir(again) == []


@pytest.mark.parametrize("epoch", range(1, 6))
def test_other_callbacks_go_on(tmp_path, epoch):
    with pytest.raises(StopError):
        trained(tmp_path, [*others(), stopping(epoch)])
    callbacks = others()
    after = trained(tmp_path, [*callbacks, stopping(99)])
    alone = others()
    same(trained(None, [*alone, stopping(99)]), after)
    assert [c.get_state() for c in callbacks[1:]] == [c.get_state() for c in alone[1:]]
    assert callbacks[0].best_epoch == alone[0].best_epoch


def test_function_of_the_rate_is_called_once_an_epoch(tmp_path):
    halve = LearningRateScheduler(lambda epoch, rate: rate / 2)
    with pytest.raises(StopError):
        trained(tmp_path, [halve, stopping(3)])
    assert trained(tmp_path, [halve, stopping(99)]).optimizer.learning_rate == 0.05 / 2**7


def test_finished_training_stays_finished(tmp_path):
    first = trained(tmp_path, delete_checkpoint=False)
    again = trained(tmp_path, delete_checkpoint=False)
    same(first, again)
    longer = made()
    longer.fit(X, Y, 8, 9, validation_split=0.25, callbacks=[BackupAndRestore(tmp_path)], verbose=0)
    assert longer.history.epoch == [*range(9)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("seed", "written with the seed 0; this model has 1"),
        ("layers", "the arrays batch_normalization/beta, "),
        ("optimizer", "backup of another training: the arrays"),
        ("callbacks", "the number of callbacks differs"),
        ("classes", "the labels of classes differ"),
        ("file", "is not a backup of fastopt's"),
    ],
)
def test_backup_of_another_training(tmp_path, change, message):
    with pytest.raises(StopError):
        trained(tmp_path, [stopping(2)])
    model = made("wrapped" if change == "optimizer" else "sgd", seed=int(change == "seed"))
    if change == "layers":
        model = fo.Sequential([fo.layers.Dense(3), fo.layers.Dense(1)], seed=0)
        model.compile(SGD(0.05, momentum=0.9), "mse")
    if change == "classes":
        model.classes = ["a", "b"]
    if change == "file":
        (tmp_path / "backup.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    callbacks = [BackupAndRestore(tmp_path), *([] if change == "callbacks" else [stopping(99)])]
    model.build(6)
    before = model.get_weights()
    with pytest.raises(ValueError, match=message):
        model.fit(X, Y, callbacks=callbacks, verbose=0)
    assert all(np.array_equal(v, w) for v, w in zip(before, model.get_weights(), strict=True))


PROGRAM = textwrap.dedent(
    """
    import sys
    sys.path[:0] = {paths!r}
    from model.test_backup import others, stopping, trained
    trained(sys.argv[1], [*others(), stopping(99)], delete_checkpoint=False).save(sys.argv[2])
    """
)


def test_killed_at_any_moment(tmp_path):
    """As often as FASTOPT_KILLS says, twice else."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(paths=sys.path))
    command = [sys.executable, str(program)]
    began = time.monotonic()
    subprocess.run([*command, str(tmp_path / "whole"), str(tmp_path / "whole.safetensors")], check=True)
    seconds = time.monotonic() - began
    moments = random.Random(0)
    killed = 0
    for i in range(int(os.environ.get("FASTOPT_KILLS", "2"))):
        folder, result = tmp_path / f"{i}", tmp_path / f"{i}.safetensors"
        for attempt in range(2):
            began = time.monotonic()
            with subprocess.Popen([*command, str(folder), str(result)]) as process:
                try:
                    process.wait(seconds * moments.uniform(0.3, 1.0))
                    if attempt == 0:  # the one that was measured was slow
                        seconds = min(seconds, time.monotonic() - began)
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
                    killed += 1
        subprocess.run([*command, str(folder), str(result)], check=True)
        assert result.read_bytes() == (tmp_path / "whole.safetensors").read_bytes()
    print(f"{killed} of {2 * (i + 1)} processes killed")
    assert killed > 0
