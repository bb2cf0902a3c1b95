"""The picture that is drawn while a model trains."""

import sys
import types

import numpy as np
import pytest

import fastopt as fo
from fastopt.callbacks import LivePlot
from fastopt.core import bars
from fastopt.tools import live

pytest.importorskip("matplotlib").use("agg")

X, Y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2
PNG = b"\x89PNG"


def fit(callback, epochs=4, **options):
    model = fo.Sequential([fo.layers.Dense(2)], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy", ["accuracy"])
    return model.fit(X, Y, epochs=epochs, validation_split=0.5, callbacks=[callback], verbose=0, **options)


@pytest.fixture
def notebook(monkeypatch):
    """A display that keeps what it is given."""
    shown = []

    def display(image, display_id):
        assert display_id is True
        shown.append(("new", image))
        return types.SimpleNamespace(update=lambda image: shown.append(("same", image)))

    module = types.ModuleType("IPython.display")
    module.display, module.Image = display, lambda data: data
    package = types.ModuleType("IPython")
    package.version_info = (9, 0)  # matplotlib asks
    monkeypatch.setitem(sys.modules, "IPython", package)
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    monkeypatch.setattr(bars, "in_notebook", lambda: True)
    monkeypatch.setattr(live, "APART", 0.0)
    return shown


@pytest.mark.parametrize(("every", "pictures"), [(1, 4), (2, 2), (3, 2), (9, 1)])
def test_in_a_notebook(every, pictures, notebook):
    """One output that is drawn anew after so many epochs and at the end; no figure stays open."""
    from matplotlib import pyplot

    fit(LivePlot(every))
    assert [kind for kind, _ in notebook] == ["new"] + ["same"] * (pictures - 1)
    assert all(image.startswith(PNG) for _, image in notebook)
    assert len({image for _, image in notebook}) == pictures
    assert not pyplot.get_fignums()


def test_seldom(notebook, monkeypatch):
    """However many epochs there are in a second."""
    monkeypatch.setattr(live, "APART", 100.0)
    fit(LivePlot(), epochs=50)
    assert [kind for kind, _ in notebook] == ["new", "same"]


def test_each_training_anew(notebook):
    callback = LivePlot()
    for _ in range(2):
        fit(callback, epochs=1)
    assert [kind for kind, _ in notebook] == ["new", "new"]


def test_in_a_file(tmp_path):
    path = tmp_path / "curves.png"
    fit(LivePlot(names=["accuracy"], filename=path))
    assert path.read_bytes().startswith(PNG)
    assert [*tmp_path.iterdir()] == [path]


def test_after_an_interrupt(tmp_path):
    path = tmp_path / "curves.png"

    class Stop(fo.callbacks.Callback):
        def on_epoch_begin(self, epoch):
            if epoch == 2:
                raise KeyboardInterrupt

    model = fo.Sequential([fo.layers.Dense(1)], seed=0)
    model.compile("sgd", "mse")
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, epochs=5, callbacks=[LivePlot(2, filename=path), Stop()], verbose=0)
    assert path.read_bytes().startswith(PNG)


def test_refused(monkeypatch):
    with pytest.raises(RuntimeError, match=r"this is no notebook: give a file .*LivePlot\(filename='curves.png'\)"):
        fit(LivePlot())
    with pytest.raises(ValueError, match="'acuracy'"):
        fit(LivePlot(names=["acuracy"], filename="a.png"))
    with pytest.raises(ValueError, match="every must be at least 1"):
        LivePlot(0)
    with pytest.raises(TypeError, match="filename must be a path"):
        LivePlot(filename=3)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match="plot needs matplotlib"):
        fit(LivePlot(filename="a.png"))


def test_in_a_kernel(tmp_path):
    """In a notebook that is run: one output with the last picture, beside that of the progress."""
    pytest.importorskip("ipykernel")
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    code = f"""
import sys; sys.path[:0] = {sys.path}
import numpy as np, fastopt as fo
model = fo.Sequential([fo.layers.Dense(1)], seed=0)
model.compile("sgd", "mse")
history = model.fit(np.ones((8, 2)), np.ones(8), epochs=3, callbacks=[fo.callbacks.LivePlot()])
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    pictures = [out for out in notebook.cells[0].outputs if "image/png" in out.get("data", {})]
    assert len(pictures) == 1
