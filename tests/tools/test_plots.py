"""Pictures of classifiers, images, series, several trainings and loss surfaces: they show what they were given."""

import io

import numpy as np
import pytest

import fastopt as fo
from fastopt import plotting
from fastopt.callbacks import History
from fastopt.layers import Dense, MaxPooling2D
from fastopt.schedules import Cosine, Warmup

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("agg")
from matplotlib import pyplot  # noqa: E402


@pytest.fixture(autouse=True)
def drawn():
    """All pictures can be rendered."""
    yield
    for number in pyplot.get_fignums():
        pyplot.figure(number).savefig(io.BytesIO())


def lines(ax):
    return {line.get_label(): line for line in ax.lines}


def texts(ax):
    return [text.get_text() for text in ax.texts]


# Classifiers

TRUE, PREDICTED = [0, 0, 0, 1, 2, 2], [0, 0, 1, 1, 2, 0]
COUNTS = [[2, 1, 0], [0, 1, 0], [1, 0, 1]]


@pytest.mark.parametrize(
    ("normalize", "shown", "first"),
    [
        (None, COUNTS, "2"),
        ("true", [[2 / 3, 1 / 3, 0], [0, 1, 0], [0.5, 0, 0.5]], "66.7"),
        ("pred", [[2 / 3, 0.5, 0], [0, 0.5, 0], [1 / 3, 0, 1]], "66.7"),
        ("all", np.divide(COUNTS, 6), "33.3"),
    ],
)
def test_confusion_matrix(normalize, shown, first):
    ax = plotting.confusion_matrix(TRUE, PREDICTED, normalize)
    np.testing.assert_allclose(ax.images[0].get_array(), shown)
    assert texts(ax)[0] == first
    assert len(texts(ax)) == np.count_nonzero(shown)
    assert ax.get_title().startswith("accuracy 66.7%")
    assert ("per cent" in ax.get_title()) == (normalize is not None)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("prediction", "class")


def test_confusion_of_words_and_of_probabilities():
    names = np.array(["cat", "ant", "dog"])
    ax = plotting.confusion_matrix(names[TRUE], names[PREDICTED])
    assert [label.get_text() for label in ax.get_xticklabels()] == ["ant", "cat", "dog"]
    np.testing.assert_array_equal(ax.images[0].get_array(), np.array(COUNTS)[[1, 0, 2]][:, [1, 0, 2]])
    ordered = plotting.confusion_matrix(names[TRUE], names[PREDICTED], labels=[*names, "elk"])
    np.testing.assert_array_equal(ordered.images[0].get_array(), np.pad(COUNTS, (0, 1)))
    probable = plotting.confusion_matrix(TRUE, np.eye(3)[PREDICTED], labels=names)
    np.testing.assert_array_equal(probable.images[0].get_array(), COUNTS)
    for one, labels in ((["a"] * 5, None), ([0] * 5, ["a"])):
        assert plotting.confusion_matrix(one, one, labels=labels).images[0].get_array() == [[5]]
    long = np.array([f"a name that is much too long to be written {i}" for i in range(3)])
    shown = plotting.confusion_matrix(long[TRUE], long[PREDICTED]).get_xticklabels()
    assert [(label.get_text()[-1], len(label.get_text())) for label in shown] == [("0", 25), ("1", 25), ("2", 25)]


def test_confusion_of_many_classes():
    """Numbers have no room; a bar tells them."""
    ax = plotting.confusion_matrix(np.arange(200), np.arange(200))
    assert not texts(ax)
    assert len(ax.figure.axes) == 2
    assert len(ax.get_xticks()) <= 50


def trained(x, y, outputs=2, loss="sparse_categorical_crossentropy"):
    model = fo.Sequential([Dense(8, "tanh"), Dense(outputs)], seed=0)
    model.compile(fo.optimizers.Adam(0.05), loss)
    model.fit(x, y, epochs=20, verbose=0)
    return model


@pytest.mark.parametrize("features", [2, 5])
@pytest.mark.parametrize("kind", ["numbers", "words", "one-hot", "binary"])
def test_decision_boundary(features, kind, rng):
    x = rng.normal(size=(60, features)) * np.linspace(3, 1, features) + 7
    numbers = (x[:, 0] > 7).astype(int)
    y = {"words": np.array(["low", "high"])[numbers], "one-hot": np.eye(2)[numbers]}.get(kind, numbers)
    loss = {"one-hot": "categorical_crossentropy", "binary": "binary_crossentropy"}.get(kind)
    model = trained(x, y, 1 if kind == "binary" else 2, loss or "sparse_categorical_crossentropy")
    ax = plotting.decision_boundary(model, x, y)
    [area] = ax.images
    left, right, bottom, top = area.get_extent()
    colors = area.get_array()
    names = ["high", "low"] if kind == "words" else ["0", "1"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == names
    assert sum(len(line.get_xdata()) for line in ax.lines) == 60
    # The colour at each sample of two features is that of the predicted class.
    predicted = np.searchsorted(names, model.predict_classes(x).astype(str))
    places = {}
    for i, name in enumerate(names):
        for a, b in lines(ax)[name].get_xydata():
            assert left <= a <= right
            assert bottom <= b <= top
            places[a, b] = i
    if features == 2:
        for sample, guess in zip(x, predicted, strict=True):
            column = round((sample[0] - left) / (right - left) * 299)
            row = round((sample[1] - bottom) / (top - bottom) * 299)
            others = colors[max(0, row - 2) : row + 3, max(0, column - 2) : column + 3].reshape(-1, 3)
            if len(np.unique(others, axis=0)) == 1:
                blue = int(np.argmax([others[0][2] - others[0][0], others[0][0] - others[0][2]]))
                assert blue == guess
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("x[0]", "x[1]")
    else:
        centred = x - x.mean(axis=0)
        shares = np.linalg.svd(centred, compute_uv=False) ** 2 / (centred**2).sum()
        assert ax.get_xlabel() == f"component 1 ({shares[0]:.0%} of the variance)"
        distances = np.linalg.norm(np.array([*places]), axis=1)
        assert (distances <= np.linalg.norm(centred, axis=1).max() + 1e-9).all()


def test_boundary_alone_and_within_limits(rng):
    x = rng.normal(size=(40, 2))
    model = trained(x, (x[:, 0] > 0).astype(int))
    given = pyplot.subplots()[1]
    assert plotting.decision_boundary(model, x, xlim=(-1, 2), ylim=(-3, 4), ax=given) is given
    assert (given.get_xlim(), given.get_ylim()) == ((-1, 2), (-3, 4))
    assert not given.lines


# Images


def test_images():
    x = np.arange(5 * 6).reshape(5, 6)
    ax = plotting.images(x, ["a", "b", "c", "d", "e"], list("abxde"), shape=(2, 3), columns=3)
    assert [image.get_array().shape for image in ax.images] == [(2, 3)] * 5
    np.testing.assert_allclose(ax.images[1].get_array(), x[1].reshape(2, 3) / 29)
    assert texts(ax) == ["a", "b", "x not c", "d", "e"]
    assert [text.get_weight() for text in ax.texts] == ["normal", "normal", "bold", "normal", "normal"]
    extents = np.array([image.get_extent() for image in ax.images])
    assert len(np.unique(extents[:, 0])) == 3
    assert len(np.unique(extents[:, 3])) == 2
    low, high = ax.get_ylim()
    assert (extents[:, :2] >= ax.get_xlim()[0]).all()
    assert (extents[:, :2] <= ax.get_xlim()[1] + 1e-9).all()
    assert (extents[:, 2] <= low + 1e-9).all()
    assert (extents[:, 3] >= high - 1e-9).all()


@pytest.mark.parametrize(
    ("shape", "drawn"), [((4, 9), (3, 3)), ((4, 3, 5), (3, 5)), ((4, 3, 5, 3), (3, 5, 3)), ((1, 3, 5, 1), (3, 5))]
)
def test_shapes_of_images(shape, drawn):
    ax = plotting.images(np.zeros(shape))
    assert [image.get_array().shape for image in ax.images] == [drawn] * shape[0]
    assert not ax.texts


# Filters and feature maps


def tiles(ax, rows, columns, height, width):
    """The tiles of a picture [rows, columns, height, width], between which there are lines."""
    shown = np.ma.filled(ax.images[0].get_array().astype(float), np.nan)
    assert shown.shape == (rows * (height + 1) - 1, columns * (width + 1) - 1)
    shown = np.pad(shown, (0, 1), constant_values=np.nan).reshape(rows, height + 1, columns, width + 1)
    assert np.isnan(shown[:, -1]).all()
    assert np.isnan(shown[..., -1]).all()
    return shown[:, :-1, :, :-1].transpose(0, 2, 1, 3)


def test_filters_of_one_channel(rng):
    kernel = rng.normal(size=(3, 5, 1, 6))
    ax = plotting.filters(kernel)
    shown = tiles(ax, 2, 4, 3, 5).reshape(8, 3, 5)
    np.testing.assert_array_equal(shown[:6], np.moveaxis(kernel[:, :, 0], 2, 0))
    assert np.isnan(shown[6:]).all()
    assert ax.images[0].get_clim() == (-abs(kernel).max(), abs(kernel).max())
    assert len(ax.figure.axes) == 2  # the scale


@pytest.mark.parametrize("shape", [(3, 2, 4, 6), (5, 4, 6)])
def test_filters_of_channels(shape, rng):
    kernel = rng.normal(size=shape).astype("float32")
    ax = plotting.filters(kernel)
    height, width = shape[:-2] if len(shape) == 4 else (1, *shape[:-2])
    np.testing.assert_array_equal(tiles(ax, 4, 6, height, width)[3, 2], kernel[..., 3, 2].reshape(height, width))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("filter", "channel")
    assert [label.get_text() for label in ax.get_xticklabels()] == list("012345")


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_feature_maps(data_format, rng):
    """Of one image in a square, of several in rows; also behind a layer that does not say where its channels are."""
    shape = (5, 7, 3) if data_format == "channels_last" else (3, 5, 7)
    layers = [MaxPooling2D(2, 1, data_format=data_format), fo.layers.LeakyReLU(), fo.layers.Flatten(), Dense(2)]
    model = fo.Sequential(layers)
    model.build(shape)
    x = rng.normal(size=(2, *shape))
    for name, maps in [*model.layer_outputs(x).items()][:2]:
        maps = np.moveaxis(maps, -1, 1) if data_format == "channels_last" else maps
        ax = plotting.feature_maps(model, x, name)
        np.testing.assert_array_equal(tiles(ax, 2, 3, 4, 6), maps)
        assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_title()) == ("channel", "sample", name)
        assert ax.images[0].get_clim() == (maps.min(), maps.max())
        np.testing.assert_array_equal(tiles(plotting.feature_maps(model, x[:1], name), 1, 3, 4, 6), maps[:1])
    assert plotting.feature_maps(model, x).get_title() == "max_pooling2d"


# Series


def test_averages():
    series = np.arange(1.0, 30)
    ax = plotting.averages(series, [0.5, 0.9])
    found = [line.get_ydata() for line in ax.lines if line.get_label() == "_not corrected"]
    for beta, plain in zip((0.5, 0.9), found, strict=True):
        np.testing.assert_array_equal(lines(ax)[f"β = {beta}"].get_ydata(), fo.weighted_average(series, beta))
        np.testing.assert_array_equal(plain, fo.weighted_average(series, beta, correct=False))
    np.testing.assert_array_equal(lines(ax)["values"].get_ydata(), series)
    assert "β = 0.3" in lines(plotting.averages(series, 0.3))


def test_schedules():
    cosine = Cosine(0.1, steps=50)
    ax = plotting.schedules(
        {"cosine": cosine, "warm": Warmup(cosine, 10), "mine": lambda t: 0.2 / (1 + t), "one": 0.05}
    )
    assert ax.get_xlabel() == "step"
    for label, rate in (("cosine", cosine), ("warm", Warmup(cosine, 10)), ("mine", lambda t: 0.2 / (1 + t))):
        t, values = lines(ax)[label].get_data()
        np.testing.assert_allclose(values, [rate(int(time)) for time in t])
    np.testing.assert_array_equal(lines(ax)["one"].get_ydata(), 0.05)
    epochs = plotting.schedules([Cosine(0.1, steps=5, per="epoch")], stop=8)
    assert epochs.get_xlabel() == "epoch"
    assert epochs.get_xlim() == (0, 8)
    assert [*lines(epochs)] == [repr(Cosine(0.1, steps=5, per="epoch"))]


# Several trainings


def made(**values):
    history = History()
    history.history = {name: list(series) for name, series in values.items()}
    history.epoch = list(range(len(values.get("loss", []))))
    return history


def test_compare():
    a = made(loss=[3, 2, 1], seconds=[1, 2, 3], learning_rate=[0.1, 0.2, 0.3], val_loss=[4, 3, 3])
    b = made(loss=[3, 1], seconds=[2, 2], learning_rate=[0.1, 0.1])
    [ax] = plotting.compare({"a": a, "b": b})
    assert ax.get_title() == "loss, validation dashed"
    assert lines(ax)["a"].get_ydata().tolist() == [3, 2, 1]
    assert lines(ax)["_validation"].get_color() == lines(ax)["a"].get_color() != lines(ax)["b"].get_color()
    [ax] = plotting.compare([a, b], x="seconds")
    assert [line.get_xdata().tolist() for line in ax.lines] == [[1, 3, 6], [1, 3, 6], [2, 4]]
    assert ax.get_xlabel() == "seconds of training"
    panels = plotting.compare([a, b], ["loss", "learning_rate"])
    assert [panel.get_title() for panel in panels] == ["loss, validation dashed", "learning_rate"]
    [ax] = plotting.compare([a], x="learning_rate")
    assert ax.get_xscale() == "log"


def test_compare_with_one_that_diverges():
    [ax] = plotting.compare({0.1: made(loss=[3, 0.01]), 10.0: made(loss=[4, 1e30, np.inf]), 100.0: made()})
    assert ax.get_ylim()[1] == 35
    assert ax.get_yscale() == "log"
    assert [*lines(ax)] == ["0.1", "10"]


def test_learning_rates():
    ax = plotting.learning_rates(
        {1.0: made(loss=[3, 0.5]), 0.01: made(loss=[3, 2.9]), 10.0: made(loss=[4, 1e30]), 100.0: made()}
    )
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), [[0.01, 2.9], [1, 0.5], [10, np.nan], [100, np.nan]])
    assert lines(ax)["best: 0.5 at 1"].get_xydata().tolist() == [[1, 0.5]]
    assert lines(ax)["diverged"].get_xdata().tolist() == [10, 100]


# Surfaces


@pytest.fixture
def solutions(rng):
    x = rng.normal(size=(50, 3))
    y = x @ [1.0, -2.0, 0.5]
    found = []
    for seed in range(3):
        model = fo.Sequential([Dense(4, "tanh"), Dense(1)], seed=seed, dtype="float64")
        model.compile("adam", "mse", ["r2"])
        model.fit(x, y, epochs=5, verbose=0)
        found.append(model.get_weights())
    return model, found, x, y


def loss_at(model, weights, x, y):
    other = fo.clone(model)
    other.build(3)
    other.set_weights(weights)
    return other.evaluate(x, y)["loss"]


def test_surface_on_a_line(solutions):
    model, (a, b, _), x, y = solutions
    before = model.get_weights()
    ax = plotting.surface(model, a, b, x=x, y=y, points=5)
    t, values = ax.lines[0].get_data()
    np.testing.assert_array_equal(t, [-0.5, 0, 0.5, 1, 1.5])
    wanted = [loss_at(model, [(1 - s) * v + s * w for v, w in zip(a, b, strict=True)], x, y) for s in t]
    np.testing.assert_allclose(values, wanted, rtol=1e-12)
    assert [line.get_ydata()[0] for line in ax.lines[1:]] == pytest.approx([wanted[1], wanted[3]])
    assert all(np.array_equal(v, w) for v, w in zip(before, model.get_weights(), strict=True))


def test_surface_on_a_plane(solutions, monkeypatch):
    """Places and values are those of the weights; distances are kept."""
    from fastopt.tools.plots import surface

    given = {}
    draw = surface.draw_contours
    monkeypatch.setattr(surface, "draw_contours", lambda ax, x, y, z: given.update(x=x, y=y, z=z) or draw(ax, x, y, z))
    model, weights, x, y = solutions
    ax = plotting.surface(model, *weights, x=x, y=y, points=7)
    places = np.array([line.get_xydata()[0] for line in ax.lines])
    flat = [np.concatenate([view.ravel() for view in one]) for one in weights]
    for i in range(3):
        for j in range(i):
            assert np.linalg.norm(places[i] - places[j]) == pytest.approx(np.linalg.norm(flat[i] - flat[j]))
    assert places[0].tolist() == [0, 0]
    # A point of the grid as a combination of the three.
    across, up = given["x"][2], given["y"][5]
    share = np.linalg.solve(np.array([places[1], places[2]]).T, [across, up])
    point = [u + share[0] * (v - u) + share[1] * (w - u) for u, v, w in zip(*weights, strict=True)]
    assert given["z"][5, 2] == pytest.approx(loss_at(model, point, x, y), rel=1e-9)


def test_surface_of_a_functional_model(rng):
    given = fo.Input(3)
    model = fo.Model(given, [Dense(1, name="p")(given), Dense(1, name="q")(given)])
    model.compile("sgd", ["mse", "mae"], loss_weights=[1.0, 2.0])
    x, y = rng.normal(size=(20, 3)), [np.ones(20), np.zeros(20)]
    a = model.get_weights()
    b = [view + 1 for view in a]
    ax = plotting.surface(model, a, b, x=x, y=y, points=3)
    model.set_weights(b)
    assert ax.lines[2].get_ydata()[0] == pytest.approx(model.evaluate(x, y)["loss"])


# What is refused

LINE = [np.ones((3, 1)), np.ones(1)]


def linear():
    model = fo.Sequential([Dense(1)], seed=0)
    model.compile("sgd", "mse")
    model.build(3)
    return model


def surface(*weights, model=None, **options):
    return plotting.surface(model or linear(), *weights, **({"x": np.ones((4, 3)), "y": np.ones(4)} | options))


def boundary(features=2, y=None, loss="sparse_categorical_crossentropy", classes=None, **options):
    model = fo.Sequential([Dense(2)])
    model.compile("sgd", loss)
    model.build(features)
    model.classes = classes
    return plotting.decision_boundary(model, np.ones((4, features)), y, **options)


REFUSED = {
    "an unknown normalize": (lambda: plotting.confusion_matrix([0], [0], "row"), ValueError, "'row'"),
    "too few labels": (lambda: plotting.confusion_matrix([0, 2], [0, 1], labels=["a"]), ValueError, "1 names for 3"),
    "an unknown word": (lambda: plotting.confusion_matrix(["a"], ["b"], labels=["a"]), ValueError, "no 'b'"),
    "lengths": (lambda: plotting.confusion_matrix([0, 1], [0]), ValueError, r"shape \(2,\)"),
    "no model": (lambda: plotting.decision_boundary("model", [[1, 2]]), TypeError, "must be a fastopt.Sequential"),
    "one feature": (lambda: boundary(1), ValueError, "a plane needs two features"),
    "no classes": (lambda: boundary(loss="mse"), ValueError, "does not classify"),
    "several classes": (
        lambda: boundary(loss="binary_crossentropy"),
        ValueError,
        "does not give each sample one class",
    ),
    "lengths of classes": (lambda: boundary(y=[0, 1]), ValueError, r"y has shape \(2,\)"),
    "words for numbers": (lambda: boundary(y=["a"] * 4), ValueError, r"y\[0\] is 'a'; the classes .* such as 0"),
    "numbers for words": (
        lambda: boundary(y=[0] * 4, classes=["a", "b"]),
        ValueError,
        r"y\[0\] is 0; the classes of the model are such as 'a'",
    ),
    "limits that fall": (lambda: boundary(xlim=(1, 0)), ValueError, "xlim must rise"),
    "not a square": (lambda: plotting.images(np.ones((2, 5))), ValueError, "which are not a square"),
    "another shape": (lambda: plotting.images(np.ones((2, 5)), shape=(2, 3)), ValueError, r"not of the shape \(2, 3\)"),
    "a number as shape": (lambda: plotting.images(np.ones((2, 5)), shape=5), TypeError, "shape must be a list, not 5"),
    "no images": (lambda: plotting.images(np.ones(5)), ValueError, r"expected images \(n, height, width\)"),
    "two colours": (lambda: plotting.images(np.ones((2, 3, 3, 2))), ValueError, "expected images"),
    "too many": (lambda: plotting.images(np.ones((401, 4))), ValueError, "shows up to 400"),
    "other labels": (lambda: plotting.images(np.ones((2, 4)), [1]), ValueError, r"labels has shape \(1,\)"),
    "not finite": (lambda: plotting.images([[1.0, np.nan, 0, 0]]), ValueError, r"x\[0, 0, 1\]"),
    "kernel of a matrix": (
        lambda: plotting.filters(np.ones((3, 4))),
        ValueError,
        r"The kernel has shape \(3, 4\); expected",
    ),
    "many tiles": (lambda: plotting.filters(np.ones((3, 3, 64, 64))), ValueError, "64 x 64 tiles were given"),
    "no filters": (lambda: plotting.filters(linear()), ValueError, "No layer of the model has filters"),
    "no maps": (
        lambda: plotting.feature_maps(linear(), np.ones((4, 3))),
        ValueError,
        "No layer of the model has outputs that are images",
    ),
    "number of a layer": (lambda: plotting.filters(linear(), 0), TypeError, "layer must be the name of a layer, not 0"),
    "no beta": (lambda: plotting.averages([1.0], []), ValueError, "betas is empty"),
    "beta of 1": (lambda: plotting.averages([1.0], 1.0), ValueError, "beta must be"),
    "a table": (lambda: plotting.averages([[1.0]]), ValueError, "expected one value for each time"),
    "no schedule": (lambda: plotting.schedules([]), ValueError, "no schedule"),
    "words": (lambda: plotting.schedules({"a": "cosine"}), TypeError, r"schedules\['a'\] must be a number"),
    "units": (
        lambda: plotting.schedules([Cosine(1, steps=3), Cosine(1, steps=3, per="epoch")]),
        ValueError,
        "steps and some epochs",
    ),
    "no history": (lambda: plotting.compare({}), ValueError, "no history with a finished epoch"),
    "other histories": (lambda: plotting.compare([{"loss": [1]}]), TypeError, r"histories\['0'\] must be what fit"),
    "unknown names": (lambda: plotting.compare([made(loss=[1])], "los"), ValueError, "'los'"),
    "unknown axes": (lambda: plotting.compare([made(loss=[1])], x="hours"), ValueError, "'hours'"),
    "rates in a list": (lambda: plotting.learning_rates([made(loss=[1])]), TypeError, "by learning rate"),
    "rate of 0": (lambda: plotting.learning_rates({0.0: made(loss=[1])}), ValueError, "more than 0"),
    "equal weights": (lambda: surface(LINE, LINE), ValueError, "are equal"),
    "other weights": (lambda: surface(LINE, LINE[:1]), ValueError, "weights_b: "),
    "on a line": (
        lambda: surface(LINE, [2 * view for view in LINE], [3 * view for view in LINE]),
        ValueError,
        "weights_c lies on the line",
    ),
    "one point": (
        lambda: surface(LINE, [2 * view for view in LINE], points=1),
        ValueError,
        "points must be at least 2",
    ),
    "no loss": (lambda: surface(LINE, LINE, model=fo.Sequential([Dense(1)])), RuntimeError, "no weights yet"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused(what):
    call, kind, message = REFUSED[what]
    with pytest.raises(kind, match=message):
        call()
    assert not pyplot.get_fignums()
