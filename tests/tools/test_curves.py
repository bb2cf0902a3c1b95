"""Learning curves show what the history holds."""

import numpy as np
import pytest

import fastopt as fo
from fastopt.callbacks import History

pyplot = pytest.importorskip("matplotlib.pyplot")


def made(**values):
    history = History()
    history.history = {name: list(series) for name, series in values.items()}
    history.epoch = list(range(3, 3 + len(values["loss"])))
    history.growing = {"accuracy": True, "mae": False}
    return history


def lines(ax):
    return {line.get_label(): (line.get_xdata().tolist(), line.get_ydata().tolist()) for line in ax.lines}


def test_what_is_drawn():
    history = made(
        loss=[3, 2, 1], accuracy=[0.1, 0.3, 0.2], val_loss=[3, 1, 2], val_accuracy=[0.2, 0.1, 0.4], seconds=[1] * 3
    )
    loss, accuracy = history.plot()
    assert [loss.get_title(), accuracy.get_title()] == ["loss", "accuracy"]
    epochs = [3, 4, 5]
    assert lines(loss) == {
        "training": (epochs, [3, 2, 1]),
        "validation": (epochs, [3, 1, 2]),
        "best: 1, epoch 4": ([4], [1]),
    }
    assert lines(accuracy)["best: 0.4, epoch 5"] == ([5], [0.4])


def test_without_validation():
    [ax] = made(loss=[3, np.nan, 1, 2]).plot()
    assert lines(ax)["best: 1, epoch 5"] == ([5], [1])


@pytest.mark.parametrize(("loss", "scale"), [([1, 0.02], "linear"), ([1, 0.01], "log"), ([1, 0.001, 0], "linear")])
def test_scale(loss, scale):
    [ax] = made(loss=loss).plot("loss")
    assert ax.get_yscale() == scale


def test_on_axes_that_are_given():
    given = pyplot.subplots(1, 2)[1]
    assert made(loss=[1, 2], mae=[1, 2], learning_rate=[1, 2]).plot(["mae", "learning_rate"], given) == list(given)
    assert list(lines(given[1])) == ["_child0"]  # no rate is the best


@pytest.mark.parametrize(
    ("history", "arguments", "error", "message"),
    [
        ({"loss": [1]}, None, TypeError, "history must be what fit returns"),
        (History(), (), ValueError, "there is no finished epoch"),
        (made(loss=[1]), ("los",), ValueError, "'loss'"),
        (made(loss=[1], mae=[2]), (None, "one"), ValueError, "ax holds 1 axes for 2 values: loss, mae"),
    ],
)
def test_errors(history, arguments, error, message):
    if arguments and arguments[-1] == "one":
        arguments = (None, pyplot.subplots()[1])
    with pytest.raises(error, match=message):
        fo.plotting.history(history, *(arguments or ()))


def test_many_long_names_fit():
    runs = {
        f"momentum, a rate of {i} and a schedule that falls by a cosine to {i}": made(loss=[3, 1]) for i in range(30)
    }
    [ax] = fo.plotting.compare(runs)
    figure = ax.figure
    figure.canvas.draw()
    legend, whole = ax.get_legend().get_window_extent(), figure.bbox
    assert whole.x0 <= legend.x0 < legend.x1 <= whole.x1
    assert whole.y0 <= legend.y0 < legend.y1 <= whole.y1
    assert len({text.get_text() for text in ax.get_legend().get_texts()}) == 30
