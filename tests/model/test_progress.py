"""What models show while they work."""

import fcntl
import os
import re
import struct
import sys
import termios

import numpy as np
import pytest

import fastopt as fo
from fastopt.model import progress

X, Y = np.random.default_rng(0).normal(size=(100, 6)), np.arange(100) % 3


def made(loss="mse", metrics=None, hidden=()):
    layers = [fo.layers.Dense(units) for units in hidden]
    model = fo.Sequential([*layers, fo.layers.Dense(1 if loss == "mse" else 3)], seed=0)
    model.compile(fo.optimizers.SGD(0.1), loss, metrics)
    return model


END = "\N{END OF TRANSMISSION}"


class Terminal:
    """A terminal, and what was written to it."""

    def __init__(self, columns):
        self._leader, follower = os.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.file = os.fdopen(follower, "w")

    def lines(self):
        """What stood in each line, one after the other."""
        self.file.write(END)
        self.file.flush()
        data = b""
        while not data.endswith(END.encode()):
            data += os.read(self._leader, 1 << 16)
        text = data.decode().removesuffix(END).strip("\r\n")
        return re.split(r"[\r\n]+", text) if text else []

    def close(self):
        self.file.close()
        os.close(self._leader)


@pytest.fixture
def terminal(monkeypatch):
    opened = []

    def make(columns=80):
        opened.append(Terminal(columns))
        for name in ("stdout", "stderr"):
            monkeypatch.setattr(sys, name, opened[-1].file)
        monkeypatch.setenv("COLUMNS", str(columns))
        return opened[-1]

    yield make
    monkeypatch.undo()
    for one in opened:
        one.close()


@pytest.mark.parametrize(("verbose", "lines"), [(0, 0), (2, 3), ("auto", 3)])
def test_lines_in_a_pipe(verbose, lines, capsys):
    made().fit(X, Y, epochs=3, validation_split=0.5, verbose=verbose)
    out, err = capsys.readouterr()
    assert (out.count("\n"), err) == (lines, "")
    assert not lines or out.startswith("epoch 1/3  0.0")
    assert out.count("val_loss") == lines


def test_bar(capsys):
    made().fit(X, Y, epochs=3, verbose=1)
    out, err = capsys.readouterr()
    assert out == ""
    assert "epoch 3/3 100%" in err
    assert "loss" in err


def test_bar_is_closed_by_an_error(capsys):
    def fail(*_):
        raise OverflowError

    with pytest.raises(OverflowError):
        made().fit(X, Y, epochs=3, callbacks=[fo.callbacks.LambdaCallback(on_epoch_end=fail)], verbose=1)
    assert capsys.readouterr().err.endswith("\n")


def test_bar_in_a_terminal(monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert type(progress.progress("auto")) is progress.Bar


def test_bar_in_a_notebook(monkeypatch):
    kernelapp = pytest.importorskip("ipykernel.kernelapp")  # what starts kernels imports it as well
    assert type(progress.progress("auto")) is progress.Lines
    monkeypatch.setattr(kernelapp.IPKernelApp, "initialized", lambda: True)
    assert type(progress.progress("auto")) is progress.Bar


MANY = ["accuracy", "precision", "recall", "f1", "auc", fo.metrics.TopKAccuracy(2)]

# What stands in the last line, by columns.
SHOWN = {
    200: r"100%\|█{10}\| \S+, loss 0.1234  accuracy 0.9812  val_loss 0.1456  val_accuracy 0.9756  \S+ samples/s",
    110: r"100%\|█{10}\| \S+, loss 0.1234  accuracy 0.9812  val_loss 0.1456  val_accuracy 0.9756",
    90: r"100%\|█{5}\| \S+, loss 0.1234 val 0.1456  accuracy 0.9812 val 0.9756",
    80: r"100%\|█{5}\| \S+, loss 0.123 val 0.146  acc 0.981 val 0.976",
    60: r"100%\|█{5}\| \S+, loss 0.123 val 0.146 .*",
    40: r"100%\|█{5}\| \S+, lo",
}


@pytest.mark.parametrize("columns", SHOWN)
def test_bar_fits(columns, terminal):
    screen = terminal(columns)
    bar = progress.Bar()
    bar.params = {"epochs": 10, "initial_epoch": 0, "samples": 100, "batches": 4}
    bar.on_train_begin()
    for epoch in range(10):
        bar.on_epoch_begin(epoch)
        bar.poll(50)
        bar.poll(100)
        logs = {"loss": 0.12341, "accuracy": 0.98123, "val_loss": 0.14562, "val_accuracy": 0.97561, "seconds": 1.0}
        bar.on_epoch_end(epoch, logs)
    bar.close()
    lines = screen.lines()
    assert max(map(len, lines)) <= columns
    assert re.fullmatch(rf"epoch 10/10 {SHOWN[columns]}", lines[-1])


def test_values_of_quick_epochs_are_fitted_seldom(terminal, monkeypatch):
    """But those of the last one are shown."""
    screen, calls = terminal(), []
    fit = progress.Bar._fitting
    monkeypatch.setattr(progress, "INTERVAL", 100.0)
    monkeypatch.setattr(progress.Bar, "_fitting", lambda self, logs: calls.append(logs) or fit(self, logs))
    history = made().fit(X, Y, epochs=50)
    assert len(calls) == 2
    assert f"loss {history.history['loss'][-1]:.4g}" in screen.lines()[-1]


@pytest.mark.parametrize("metrics", [MANY[:count] for count in (0, 1, 3, 6)], ids=len)
@pytest.mark.parametrize("verbose", [1, 2])
def test_all_metrics_fit(metrics, verbose, terminal):
    screen = terminal()
    made("sparse_categorical_crossentropy", metrics).fit(X, Y, epochs=3, validation_split=0.2, verbose=verbose)
    lines = screen.lines()
    assert max(map(len, lines)) <= 80
    assert (len(lines) == 3) == (verbose == 2)
    assert all("loss" in line for line in lines[-1:])


def test_names_that_would_be_alike_stay_whole():
    logs = {"output_loss": 1.0, "outer_loss": 2.0}
    assert all("output_loss 1" in text for text in progress._texts(logs))
    assert [*progress._texts({"output_loss": 1.0, "seconds": 2.0})][-1] == "out_loss 1"


def test_pass_in_a_terminal(terminal, monkeypatch):
    """It begins to show when it lasts, counts samples, and goes away."""
    screen = terminal()
    now = 100.0
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now)

    def run(given, poll):
        nonlocal now
        poll(1)
        assert screen.lines() == []
        now += 1.1
        poll(2)
        poll(3)
        return given

    assert progress.shown("auto", "predict", 100, 32, run, "the outputs") == "the outputs"
    lines = screen.lines()
    assert any(re.match(r"predict +64%\|", line) for line in lines)
    assert max(map(len, lines)) <= 80
    assert lines[-1].strip() == ""


@pytest.mark.parametrize(("verbose", "bars"), [("auto", 0), (0, 0), (2, 0), (1, 1), (True, 1)])
def test_pass_elsewhere(verbose, bars, capsys, monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    progress.shown(verbose, "evaluate", 100, 32, lambda poll=lambda batches: None: poll(4))
    progress.shown(verbose, "evaluate", 32, 32, lambda: None)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("evaluate 100%") == bars


def test_pass_that_fails(capsys, monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 0.0)

    def fail(poll):
        poll(1)
        raise OverflowError

    with pytest.raises(OverflowError):
        progress.shown(1, "predict", 100, 32, fail)
    err = capsys.readouterr().err
    assert "predict  32%" in err
    assert "100%" not in err


def test_long_passes_show(capsys, monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    given = fo.Input(6)
    hidden = fo.layers.Dense(1500)(fo.layers.Dense(1500)(given))
    functional = fo.Model(given, fo.layers.Dense(1)(hidden))
    functional.compile("sgd", "mse")
    x, y = np.tile(X, (60, 1)), np.tile(Y, 60)
    for model in (made(hidden=(1500, 1500)), functional):
        model.build(6) if isinstance(model, fo.Sequential) else None
        model.predict(x, verbose=1)
        assert "predict 100%" in capsys.readouterr().err
        model.evaluate(x, y, verbose=1)
        assert "evaluate 100%" in capsys.readouterr().err


@pytest.mark.parametrize("verbose", ["loud", 3])
def test_strange_verbose(verbose):
    model = made()
    model.build(6)
    for call in (lambda: model.predict(X, verbose=verbose), lambda: model.evaluate(X, Y, verbose=verbose)):
        with pytest.raises(ValueError, match=f"Unknown verbose {verbose!r}"):
            call()
