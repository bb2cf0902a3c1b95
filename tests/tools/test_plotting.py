"""Pictures: what is drawn is what was given, and it can be seen."""

import io
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

import fastopt as fo
from fastopt import plotting
from fastopt.layers import BatchNormalization, Dense, Dropout
from fastopt.optimizers import SGD, Adam, RMSprop, Trace, trace
from fastopt.plotting import trajectories

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def bowl(x):
    return x[0] ** 2 / 10 + x[1] ** 2


def grad(x):
    return [x[0] / 5, 2 * x[1]]


def rosenbrock(x):
    return (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2


def traces(steps=20, start=(-7.0, 2.0)):
    rules = SGD(0.95), SGD(0.1, momentum=0.9), RMSprop(0.5), Adam(0.5)
    return [trace(rule, bowl, grad, start, steps) for rule in rules]


def way(points, name="way"):
    """A trace of these points."""
    points = np.array(points, float)
    return Trace(points, np.zeros(len(points)), name)


@pytest.fixture
def pyplot():
    pytest.importorskip("matplotlib").use("agg")
    from matplotlib import pyplot

    return pyplot


@pytest.fixture
def draw(pyplot):
    """`trajectories`, and the whole picture rendered."""

    def call(*args, **kwargs):
        ax = trajectories(*args, **kwargs)
        ax.figure.savefig(io.BytesIO())
        return ax

    return call


def lines(ax):
    """The lines with a label, by it."""
    return {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}


@pytest.mark.parametrize("steps", [0, 1, 20, 3000])
def test_lines_are_the_traces(draw, steps):
    given = traces(steps)
    ax = draw(bowl, given, minimum=[0, 0])
    names = ["SGD(0.95)", "SGD(0.1, momentum=0.9)", "RMSprop(0.5)", "Adam(0.5)"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [*names, "start", "minimum"]
    assert [*lines(ax)] == [*names, "start", "minimum"]
    for drawn in given:
        line = lines(ax)[drawn.name]
        np.testing.assert_array_equal(line.get_xydata(), drawn.points)
        assert 1 <= len(range(0, steps + 1, line.get_markevery())) <= 30
    ends = [line.get_xydata().tolist() for line in ax.lines if line.get_label().startswith("_")]
    assert ends == [[drawn.points[-1].tolist()] for drawn in given]
    assert lines(ax)["start"].get_xydata().tolist() == [[-7, 2]]
    assert lines(ax)["minimum"].get_xydata().tolist() == [[0, 0]]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x[0]", "x[1]")


def test_looks_differ(draw):
    """Also for who sees no colours, and with more traces than colours."""
    points = np.random.default_rng(0).normal(size=(20, 5, 2))
    ax = draw(bowl, [way(p, str(i)) for i, p in enumerate(points)])
    shown = [lines(ax)[str(i)] for i in range(20)]
    assert len({(line.get_color(), line.get_linestyle()) for line in shown}) == 20
    assert len({(line.get_marker(), line.get_linestyle()) for line in shown}) == 20
    assert len({line.get_color() for line in shown[:7]}) == 7
    starts = lines(ax)["start"].get_xydata()
    np.testing.assert_array_equal(starts[np.lexsort(starts.T)], points[np.lexsort(points[:, 0].T), 0])


def test_all_is_seen(draw):
    """With a margin, also of a trace that stays where it is; and the one trace needs no list."""
    ax = draw(bowl, traces())
    for limits, values in zip(
        (ax.get_xlim(), ax.get_ylim()), np.concatenate([t.points for t in traces()]).T, strict=True
    ):
        assert limits[0] < values.min() - 0.1 * np.ptp(values)
        assert limits[1] > values.max() + 0.1 * np.ptp(values)
    ax = draw(bowl, way([[3, 4]]))
    assert (ax.get_xlim(), ax.get_ylim()) == ((2.5, 3.5), (3.5, 4.5))


def test_given_limits_and_axes(draw, pyplot):
    _, (left, right) = pyplot.subplots(1, 2)
    assert draw(bowl, traces(), xlim=(-1, 2), ylim=(np.float32(-3), 4), ax=right) is right
    assert (right.get_xlim(), right.get_ylim()) == ((-1, 2), (-3, 4))
    assert not left.lines
    assert len(pyplot.get_fignums()) == 1


AREAS = {
    "bowl": bowl,
    "rosenbrock": rosenbrock,
    "saddle": lambda x: x[0] ** 2 - x[1] ** 2,
    "tiny": lambda x: 1e-200 * bowl(x) - 1e-200,
    "huge": lambda x: 1e190 * bowl(x),
    "exponential": lambda x: np.exp(20 * bowl(x)),
    "partly undefined": lambda x: np.log(x[0] + 1),
}


@pytest.mark.parametrize("name", AREAS)
def test_contours_suit_every_function(name, draw, rng):
    """Below the i-th of n lines lies (i / (n + 1))^1.5 of the area, whatever the scale."""
    function, start = AREAS[name], way([[0.5, 0.5]])
    ax = draw(function, start, xlim=(-2, 2), ylim=(-1, 3))
    filled, line = ax.collections
    levels = line.levels
    np.testing.assert_array_equal(levels, filled.levels)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = function(rng.uniform([-2, -1], [2, 3], (20_000, 2)).T)
    values = values[np.isfinite(values)]
    below = [np.mean(values < level) for level in levels]
    np.testing.assert_allclose(below, (np.arange(1, 15) / 15) ** 1.5, atol=0.02)
    assert all(any(len(path) for path in paths) for paths in line.allsegs)


def test_lines_of_a_ravine_span_powers_of_ten(draw):
    ax = draw(rosenbrock, way([[0, 0]]), xlim=(-2, 2), ylim=(-1, 3))
    logarithms = np.log10(ax.collections[1].levels)
    assert np.ptp(logarithms) > 2.5
    assert np.diff(logarithms).max() < 5 * np.diff(logarithms).min()


@pytest.mark.parametrize("function", [lambda x: 3.0, lambda x: np.nan, lambda x: float(x[0] > 0)])
def test_flat_functions_have_no_lines(function, draw):
    ax = draw(function, way([[-1, 0], [1, 1]]))
    assert not ax.collections
    assert "way" in lines(ax)


def test_divergence_can_be_drawn(draw):
    gone = trace(SGD(1.5), bowl, grad, [1, 1], 10_000)
    assert np.abs(gone.points).max() > 1e100
    np.testing.assert_array_equal(lines(draw(bowl, gone))[gone.name].get_xydata(), gone.points)


@pytest.mark.parametrize(
    ("change", "exception", "message"),
    [
        ({"traces": []}, ValueError, "There is no trace to draw"),
        (
            {"traces": [way([[0, 0]]), np.zeros((3, 2))]},
            TypeError,
            r"traces\[1\] must be what .*trace returns, not nda",
        ),
        ({"traces": way([[0, 0, 0]], "Adam(0.1)")}, ValueError, r"traces\[0\], Adam\(0.1\), has .* \(1, 3\)"),
        ({"minimum": [0]}, ValueError, r"minimum has shape \(1,\)"),
        ({"xlim": 3}, ValueError, r"xlim must be two numbers, \(least, greatest\), not 3"),
        ({"ylim": (1, 2, 3)}, ValueError, "ylim must be two numbers"),
        ({"xlim": (2, 1)}, ValueError, "xlim must rise: 2 is not less than 1"),
        ({"ylim": (0, np.inf)}, ValueError, r"ylim\[1\] must be finite"),
        ({"ylim": ("a", 1)}, TypeError, r"ylim\[0\] must be a number"),
        ({"f": lambda x: x}, ValueError, r"f\(x\) has shape \(2,\); expected one number"),
    ],
)
def test_refused(change, exception, message):
    """Before matplotlib is asked for."""
    with pytest.raises(exception, match=message):
        trajectories(**{"f": bowl, "traces": way([[0, 0]]), **change})


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"plot needs matplotlib: pip install 'fastopt\[plot\]'"):
        trajectories(bowl, way([[0, 0]]))


@pytest.mark.parametrize(
    ("example", "names"),
    [
        ("trajectories", {"bowl", "ravine", "saddle", "cliff"}),
        ("solvers", {"solvers_bowl", "solvers_ravine", "solvers_convergence"}),
        ("initialization", {"initialization_sigmoid", "initialization_tanh", "initialization_relu"}),
        ("classes", {"plotting_confusion", "plotting_components"}),
    ],
)
def test_example(example, names, pyplot, tmp_path, monkeypatch, capsys):
    """It draws a few small pictures."""
    path = EXAMPLES / f"{example}.py"
    monkeypatch.setattr(sys, "argv", [str(path), str(tmp_path / "new" / "folder")])
    monkeypatch.syspath_prepend(str(EXAMPLES))
    runpy.run_path(str(path), run_name="__main__")
    pictures = {path.stem: path.read_bytes() for path in (tmp_path / "new" / "folder").glob("*.png")}
    assert pictures.keys() == names
    assert all(picture.startswith(b"\x89PNG") and len(picture) < 100_000 for picture in pictures.values())
    assert len(set(pictures.values())) == len(names)
    assert capsys.readouterr().out.count(".png") == len(names)


@pytest.fixture
def model():
    layers = [Dense(40, "relu"), Dropout(0.5), BatchNormalization(), Dense(30, "sigmoid"), Dense(3)]
    model = fo.Sequential(layers, seed=0, dtype="float64")
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def histograms(ax):
    """The counts of each histogram, up to its height, and its edges, by the layer's name."""
    names = {label.get_position()[1]: label.get_text() for label in ax.get_yticklabels()}
    found = {}
    for patch in ax.patches:
        values, edges, baseline = patch.get_data()
        found[names[float(np.ravel(baseline)[0])]] = values - baseline, edges
    return found


def notes(ax):
    return [text.get_text() for text in ax.texts]


def test_activations_are_those_of_the_layers(pyplot, model, rng):
    x = rng.normal(size=(200, 20))
    model.build(20)
    ax = plotting.activations(model, x)
    ax.figure.savefig(io.BytesIO())
    outputs = model.layer_outputs(x)
    drawn = histograms(ax)
    assert [*drawn] == [*outputs] == model.layer_names
    assert [*ax.get_yticks()] == [4, 3, 2, 1, 0]
    for (name, values), note in zip(outputs.items(), notes(ax), strict=True):
        heights, edges = drawn[name]
        assert abs(edges).min() < 1e-12  # no bar is on both sides of 0
        counts, _ = np.histogram(values[values != 0], edges)
        np.testing.assert_allclose(heights, 0.85 * counts / counts.max(), atol=1e-12)
        assert note.startswith(f"mean {values.mean():.2g}, std {values.std():.2g}")
        share = (values == 0).mean()
        assert note.endswith(f", {share:.0%} zero") == (share > 0)
        low, high = ax.get_xlim()
        assert ((values >= low) & (values <= high)).mean() >= 0.99
    assert ax.get_xlabel() == "output"
    a, dense = fo.Input(20), Dense(20)
    twice = fo.Model(a, model(dense(dense(a))))
    assert [*histograms(plotting.activations(twice, x))] == ["dense[0]", "dense[1]", "sequential"]


def test_gradients_are_those_of_training(pyplot, model, rng):
    """By layer, kernel and bias together; the model is not touched."""
    x, y = rng.normal(size=(200, 20)), rng.integers(0, 3, 200)
    model.build(20)
    model.train_on_batch(x, y)
    before = [view.copy() for view in model.get_weights()]
    ax = plotting.gradients(model, x, y)
    ax.figure.savefig(io.BytesIO())
    assert all((a == b).all() for a, b in zip(model.get_weights(), before, strict=True))
    assert model.draws == 1
    model.compile(SGD(0.0), model.loss)
    model.train_on_batch(x, y)
    drawn = histograms(ax)
    assert [*drawn] == ["dense", "batch_normalization", "dense_1", "dense_2"]
    for (name, (heights, edges)), note in zip(drawn.items(), notes(ax), strict=True):
        values = np.concatenate([g.ravel() for key, g in model.gradients.items() if key.split("/")[0] == name])
        counts, _ = np.histogram(abs(values), edges)
        np.testing.assert_allclose(heights, 0.85 * counts / counts.max(), atol=1e-12)
        assert note.startswith(f"rms {np.sqrt((values**2).mean()):.2g}")
        assert (abs(values) >= edges[0]).mean() >= 0.8
    assert ax.get_xscale() == "log"


def test_histograms_within_limits_and_on_given_axes(pyplot, model, rng):
    x, y = rng.normal(size=(50, 20)), rng.integers(0, 3, 50)
    _, (left, right) = pyplot.subplots(1, 2)
    model.build(20)
    assert plotting.activations(model, x, (-1, 2), left) is left
    assert plotting.gradients(model, x, y, (1e-6, 1), right) is right
    assert left.get_xlim() == (-1, 2)
    np.testing.assert_allclose(right.get_xlim(), (1e-6, 1))
    assert len(pyplot.get_fignums()) == 1


def test_histograms_of_constant_values(pyplot):
    """Of zeros too: nothing is drawn, and the note says why."""
    model = fo.Sequential([Dense(4, kernel_initializer="zeros"), Dense(2, kernel_initializer="zeros")])
    model.compile("sgd", "mean_squared_error")
    model.build(3)
    for ax in (
        plotting.activations(model, np.ones((5, 3))),
        plotting.gradients(model, np.ones((5, 3)), np.zeros((5, 2))),
    ):
        ax.figure.savefig(io.BytesIO())
        assert all(note.endswith("100% zero") for note in notes(ax))
        assert not any(heights.any() for heights, _ in histograms(ax).values())


def test_bad_input_of_histograms(pyplot, model):
    x, y = np.ones((5, 20)), np.zeros(5, int)
    with pytest.raises(RuntimeError, match="no weights yet"):
        plotting.activations(model, x)
    model.build(20)
    for call, kind, message in (
        (lambda: plotting.activations("model", x), TypeError, r"model must be a fastopt\.Sequential"),
        (lambda: plotting.gradients("model", x, y), TypeError, r"model must be a fastopt\.Sequential"),
        (lambda: plotting.activations(model, x[:, :3]), ValueError, "20"),
        (lambda: plotting.activations(model, x, (1, 1)), ValueError, "limits must rise"),
        (lambda: plotting.gradients(model, x, y, (0, 1)), ValueError, "limits must be more than 0"),
        (lambda: plotting.gradients(model, x, y, "ab"), (TypeError, ValueError), "limits"),
        (lambda: plotting.gradients(fo.Sequential([Dense(2)]), x, y), RuntimeError, "no loss"),
    ):
        with pytest.raises(kind, match=message):
            call()
    assert not pyplot.get_fignums()
