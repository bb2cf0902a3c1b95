"""Scales: values and positions, draws, and what scikit-learn and Optuna make of them."""

import itertools

import numpy as np
import pytest

import fastopt as fo
from fastopt.search import Choice, Integer, Linear, Log, OneMinusLog
from fastopt.search.points import drawn

SCALES = [
    Linear(-2.0, 3.0),
    Log(1e-4, 1.0),
    OneMinusLog(0.9, 0.999),
    OneMinusLog(0.0, 0.5),
    Integer(-1, 5),
    Integer(16, 1024, log=True),
    Choice(["relu", 1, True, None, (1, 2)]),
]


@pytest.mark.parametrize("scale", SCALES, ids=repr)
def test_values_and_positions(scale):
    places = np.linspace(0, 1, 201)
    values = [scale.value(place) for place in places]
    found = np.array([scale.position(value) for value in values])
    if isinstance(scale, Choice | Integer):
        assert [scale.value(place) for place in found] == values  # a value has a share
        assert {type(value) for value in values} == {type(value) for value in scale.levels(1000)}
    else:
        np.testing.assert_allclose(found, places, atol=1e-12)
        assert all(type(value) is float for value in values)
        assert (values[0], values[-1]) == (scale.low, scale.high)
    assert (np.diff(found) >= 0).all()


@pytest.mark.parametrize(
    ("scale", "levels"),
    [
        (Linear(0, 1), [0, 0.25, 0.5, 0.75, 1]),
        (Log(1e-4, 1.0), [1e-4, 1e-3, 1e-2, 1e-1, 1]),
        (OneMinusLog(0.9, 0.999), [0.9, 0.9683772234, 0.99, 0.9968377223, 0.999]),
        (Integer(1, 9), [1, 3, 5, 7, 9]),
        (Integer(1, 3), [1, 2, 3]),
        (Integer(1, 10000, log=True), [1, 6, 71, 841, 10000]),
        (Choice([0.1, 0.2]), [0.1, 0.2]),
    ],
    ids=repr,
)
def test_levels(scale, levels):
    np.testing.assert_allclose(scale.levels(5), levels, rtol=1e-9)


def test_each_decade_has_its_share():
    draws = Log(1e-4, 1.0).rvs(100_000, random_state=0)
    shares = np.histogram(draws, 10.0 ** np.arange(-4, 1))[0] / 100_000
    np.testing.assert_allclose(shares, 0.25, atol=0.005)
    points = [10 ** (4 * drawn({"rate": None}, 0, trial)["rate"] - 4) for trial in range(20_000)]
    np.testing.assert_allclose(np.histogram(points, 10.0 ** np.arange(-4, 1))[0] / 20_000, 0.25, atol=0.01)


@pytest.mark.parametrize("scale", [Integer(3, 7), Choice([3, 4, 5, 6, 7])], ids=repr)
def test_each_value_has_its_share(scale):
    counts = np.bincount(scale.rvs(50_000, random_state=0).astype(int), minlength=8)
    np.testing.assert_allclose(counts[3:] / 50_000, 0.2, atol=0.01)


@pytest.mark.parametrize("scale", SCALES, ids=repr)
def test_rvs(scale):
    def draw(state, size=None):
        return scale.rvs(size, random_state=state)

    generator, old = np.random.default_rng(0), np.random.RandomState(0)
    assert draw(generator) == draw(0)
    assert type(draw(old)) in {type(value) for value in scale.levels(1000)}
    assert draw(0, 5).tolist() == draw(np.random.default_rng(0), (5,)).tolist()
    assert draw(old, (2, 3)).shape == (2, 3)
    np.random.seed(3)
    first = scale.rvs(4).tolist()
    np.random.seed(3)
    assert scale.rvs(4).tolist() == first == draw(np.random.RandomState(3), 4).tolist()


def test_draws_depend_on_the_seed_the_trial_and_the_name_alone():
    space = {"a": Linear(0, 1), "b": Linear(0, 1)}
    points = [drawn(space, seed, trial) for seed, trial in itertools.product((0, 1, 2**64 - 1), range(5))]
    assert len({value for point in points for value in point.values()}) == 30
    assert drawn({"b": space["b"]}, 1, 3)["b"] == drawn(space, 1, 3)["b"]
    assert drawn({"a": None}, 0, 0) == {"a": 0.8021294516985796}  # so that files of earlier versions go on


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Linear(1, 1), "low must be less than high"),
        (lambda: Log(0, 1), "low must be more than 0"),
        (lambda: OneMinusLog(0.9, 1.0), "high must be"),
        (lambda: Integer(0, 5, log=True), "low must be at least 1"),
        (lambda: Choice([]), "at least one value"),
        (lambda: Log(0.1, 1).position(2), "value must be from 0.1 to 1"),
        (lambda: Choice(["a"]).position("b"), "one of 'a'"),
        (lambda: Linear(0, 1).value(1.5), "position must be from 0 to 1"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("scale", SCALES, ids=repr)
def test_optuna(scale):
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    values = []

    def objective(trial):
        values.append(scale.suggest(trial, "a"))
        return 0.0

    study.optimize(objective, n_trials=20)
    positions = np.array([scale.position(value) for value in values])
    assert positions.max() > 0.7
    assert positions.min() < 0.3
    given = study.trials[0].distributions
    assert given == {("1 - a" if isinstance(scale, OneMinusLog) else "a"): scale.optuna_distribution()}


def test_scikit_learn_searches():
    search = pytest.importorskip("sklearn.model_selection")
    from sklearn.linear_model import Ridge

    x = np.random.default_rng(0).normal(size=(40, 3))
    space = {"alpha": Log(1e-3, 1e3), "fit_intercept": Choice([True, False]), "max_iter": Integer(10, 20)}
    found = [
        search.RandomizedSearchCV(Ridge(), space, n_iter=8, random_state=seed).fit(x, x @ [1, 2, 3]).cv_results_
        for seed in (0, 0, 1)
    ]
    first, same, other = (result["params"] for result in found)
    assert first == same != other
    assert all(type(params["max_iter"]) is int for params in first)
    assert len({params["alpha"] for params in first}) == 8


def test_the_best_is_the_argmin():
    """Eight rates, each equal to the bit to a single run."""
    x, y = fo.datasets.load_digits()

    def build(rate):
        model = fo.Sequential([fo.layers.Dense(16, "relu"), fo.layers.Dense(10)], seed=0)
        model.compile(fo.optimizers.Adam(rate), "sparse_categorical_crossentropy")
        return model

    fit = {"epochs": 3, "validation_split": 0.2, "verbose": 0}
    trials = fo.search.grid(build, {"rate": Log(1e-4, 1.0)}, x, y, levels=8, **fit)
    losses = [min(build(t.params["rate"]).fit(x, y, **fit).history["val_loss"]) for t in trials]
    assert [trial.score for trial in trials] == losses
    assert trials.best.number == np.argmin(losses)
    alone = build(**trials.best.params)
    alone.fit(x, y, **fit)
    assert all(np.array_equal(a, b) for a, b in zip(alone.get_weights(), trials.model.get_weights(), strict=True))
