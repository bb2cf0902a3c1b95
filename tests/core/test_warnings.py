"""Warnings name the line that called the library; those of `model/test_degenerate.py` do too."""

import warnings
from pathlib import Path

import numpy as np
import pytest

import fastopt as fo
from fastopt.core.config import check_environment
from fastopt.data.splits import check_same_distribution
from fastopt.optimizers import SGD
from fastopt.preprocessing import Standardizer, train_dev_test_split
from fastopt.solvers import sparse_encode

X, Y = np.linspace(0, 1, 1000)[:, None], np.zeros(1000)


def model(optimizer="sgd"):
    made = fo.Sequential([Standardizer().fit(X), fo.layers.Dense(1)])
    made.compile(optimizer, "mse")
    made.build(1)
    return made


def functional():
    return fo.Model(a := fo.Input(3), fo.layers.Dense(2)(a))


WARNED = {
    "batches of delta-bar-delta": lambda _: model("delta_bar_delta").fit(X, Y, verbose=0),
    "an end": lambda _: model(SGD(1e30)).fit(X, Y, epochs=9, callbacks=[fo.callbacks.TerminateOnNaN()], verbose=0),
    "foreign ending": lambda folder: model().save(folder / "model.h5"),
    "drifting split": lambda _: train_dev_test_split(X, X[:, 0], shuffle=False),
    "foreign ending, functional": lambda folder: functional().save(folder / "model.onnx"),
    "codes that need more sweeps": lambda _: sparse_encode([[1.0, 2.0]], [[1.0, 0.5], [0.5, 1.0]], 0.1, max_iter=1),
    "different sets": lambda _: check_same_distribution((X[:500], Y[:500]), (X[500:], Y[500:])),
    "softmax of one number, in a nested model": lambda _: fo.Sequential(
        [fo.Sequential([fo.layers.Dense(1, "softmax")])]
    ).build(1),
}


@pytest.mark.parametrize("case", WARNED)
def test_the_line_is_the_callers(case, tmp_path):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        WARNED[case](tmp_path)
    assert [(one.filename, one.category) for one in caught] == [(__file__, UserWarning)]


def test_the_environment(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "banana")
    with pytest.warns(UserWarning, match="it does not count") as caught:
        check_environment()
    assert caught[0].filename == __file__


def test_there_is_one_place_that_warns():
    package = Path(fo.__file__).parent
    places = [path.name for path in package.rglob("*.py") if "warnings.warn" in path.read_text()]
    assert places == ["warn.py"]
