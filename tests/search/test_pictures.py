"""Pictures of searches show the trials where their scales have them."""

import io
import math

import numpy as np
import pytest

import fastopt as fo
from fastopt.search import Integer, Linear, Log, OneMinusLog

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("agg")
from matplotlib import pyplot  # noqa: E402

SPACE = {
    "rate": Log(1e-4, 1.0),
    "beta": OneMinusLog(0.9, 0.999),
    "units": Integer(8, 64, log=True),
    "layers": Integer(1, 3),
    "dropout": Linear(0.0, 0.5),
    "kind": ["a", None, (1, 2)],
}


@pytest.fixture(autouse=True)
def drawn():
    """All pictures can be rendered."""
    yield
    for number in pyplot.get_fignums():
        pyplot.figure(number).savefig(io.BytesIO())


def found(function=lambda rate, **_: abs(math.log10(rate) + 2), space=SPACE, **options):
    return fo.search.random(function, space, trials=12, verbose=0, **options)


def ticks(ax):
    return {text.get_text(): place for place, text in zip(ax.get_xticks(), ax.get_xticklabels(), strict=True)}


def test_panels():
    trials = found()
    panels = fo.plotting.trials(trials)
    assert [panel.get_xlabel() for panel in panels] == [*SPACE]
    shown = {name: ticks(panel) for name, panel in zip(SPACE, panels, strict=True)}
    assert shown["rate"] == pytest.approx({"0.0001": 0, "0.001": 0.25, "0.01": 0.5, "0.1": 0.75, "1": 1})
    assert shown["beta"] == pytest.approx({"0.9": 0, "0.99": 0.5, "0.999": 1})
    assert shown["layers"] == pytest.approx({"1": 1 / 6, "2": 0.5, "3": 5 / 6})
    assert shown["kind"] == pytest.approx({"a": 1 / 6, "None": 0.5, "(1, 2)": 5 / 6})
    for panel, (name, scale) in zip(panels, trials.space.items(), strict=True):
        points = np.concatenate([part.get_offsets() for part in panel.collections])
        want = [(scale.position(trial.params[name]), trial.score) for trial in trials]
        np.testing.assert_allclose(sorted(points.tolist()), sorted(want))
        star = panel.lines[-1]
        assert star.get_ydata() == [trials.best.score]
    assert panels[0].get_legend_handles_labels()[1] == [f"best: {trials.best.score:.4g}"]


def test_trials_without_a_score_and_such_that_were_dropped():
    with pytest.warns(UserWarning, match="failed"):
        trials = found(lambda rate, **_: math.nan if rate > 0.1 else rate)
    [panel] = fo.plotting.trials(trials, "rate")
    crosses = panel.lines[0]
    want = [SPACE["rate"].position(t.params["rate"]) for t in trials if t.state == "diverged"]
    assert crosses.get_xdata().tolist() == want
    assert {*crosses.get_ydata()} == {0.97}
    assert panel.get_yscale() == "log"
    for trial in list(trials)[:5]:
        trial.state = "dropped"
    given = pyplot.subplots(1, 2)[1]
    panels = fo.plotting.trials(trials, ["rate", "beta"], given)
    assert panels == list(given)
    assert len(panels[0].collections[0].get_offsets()) == sum(t.state == "dropped" for t in trials)


@pytest.mark.parametrize("larger", [False, True])
def test_parallel_coordinates(larger):
    trials = found(lambda rate, **_: rate, mode="max" if larger else "min")
    ax = fo.plotting.parallel_coordinates(trials)
    assert [text.get_text() for text in ax.get_xticklabels()] == [*SPACE, "score"]
    ways = [line for line in ax.lines if len(line.get_xdata()) == len(SPACE) + 1]
    best = ways[-1].get_ydata()
    want = [scale.position(trials.best.params[name]) for name, scale in trials.space.items()]
    np.testing.assert_allclose(best, [*want, 1.0 if larger else 0.0], atol=1e-12)
    assert len(ways) == 12
    assert ways[-1].get_linewidth() > ways[0].get_linewidth()


def test_all_scores_are_the_same(tmp_path):
    trials = found(lambda **_: 1.0)
    trials.to_jsonl(tmp_path / "a.jsonl")
    for made in (trials, fo.search.load(tmp_path / "a.jsonl")):
        fo.plotting.trials(made)
        assert fo.plotting.parallel_coordinates(made, pyplot.subplots()[1])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: fo.plotting.trials([1]), TypeError, "trials must be what a search returns"),
        (lambda: fo.plotting.parallel_coordinates([1]), TypeError, "trials must be what a search returns"),
        (lambda: fo.plotting.trials(found(), "rat"), ValueError, "Did you mean 'rate'"),
        (lambda: fo.plotting.trials(found(), ["rate"], [None] * 2), ValueError, "ax holds 2 axes for 1 hyperp"),
        (lambda: fo.plotting.trials(fo.search.Trials(SPACE)), ValueError, "No trial of 0 has a score"),
    ],
)
def test_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
