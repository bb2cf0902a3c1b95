"""What is read: names and help of the modules, what objects print, and the examples of the pages."""

import inspect
import pickle
import pydoc
import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import fastopt as fo
from fastopt.core.registry import Registry

ROOT = Path(__file__).resolve().parents[2]
MODULES = [name for name in fo.__all__ if isinstance(getattr(fo, name), ModuleType)]
CALLBACKS = [
    fo.callbacks.EarlyStopping(patience=3),
    fo.callbacks.ReduceLROnPlateau("loss", factor=0.5),
    fo.callbacks.CSVLogger("log.csv"),
    fo.callbacks.TerminateOnNaN(),
]


@pytest.mark.parametrize("name", MODULES)
def test_names_of_a_module(name):
    module = getattr(fo, name)
    assert dir(module) == module.__all__ == sorted(set(module.__all__))
    for found in map(vars(module).get, dir(module)):
        assert not inspect.ismodule(found)
        if inspect.isclass(found) or inspect.isroutine(found):
            assert found.__module__.startswith("fastopt") or found in (tuple[int, ...], dict[str, object])


def test_help_shows_what_a_module_has():
    text = pydoc.plain(pydoc.render_doc(fo.regularizers))
    assert "class L1(" in text
    assert "class Described" not in text


@pytest.mark.parametrize(
    "registry", [value for name in MODULES for value in vars(getattr(fo, name)).values() if isinstance(value, Registry)]
)
def test_registries_print_themselves(registry):
    assert all(name in repr(registry) for name in registry.names)


@pytest.mark.parametrize("callback", CALLBACKS, ids=repr)
def test_callbacks_print_themselves(callback):
    assert repr(eval(repr(callback), vars(fo.callbacks))) == repr(callback)


class Own(fo.callbacks.Callback):
    def __init__(self, images, *args, **kwargs):
        self.images = images


def test_callbacks_of_ones_own_print_themselves():
    assert re.fullmatch(r"Own\(images=array.{1,40}\)", repr(Own(np.zeros((9, 9)))))
    assert repr(object.__new__(Own)) == "Own()"


def test_models_and_records_print_themselves():
    model = fo.Sequential([fo.layers.Dense(3, "relu"), fo.layers.Dense(1)], seed=0, name="<small>")
    assert repr(model) == "<Sequential '<small>': Dense, Dense; not built; not compiled>"
    assert "&lt;small&gt;" in model._repr_html_()
    model.compile(fo.optimizers.SGD(0.5), "mse")
    history = model.fit(np.eye(4), np.arange(4), epochs=7, validation_split=0.5, verbose=0)
    assert repr(model) == "<Sequential '<small>': Dense, Dense; 19 weights; SGD(learning_rate=0.5); 7 epochs trained>"
    assert repr(pickle.loads(pickle.dumps(model))) == repr(model)
    assert "(n, 3)" in model._repr_html_()
    assert re.fullmatch(r"<History: 7 epochs; at the end loss .*, val_loss .*>", repr(history))
    assert history._repr_html_().count("<tr>") == 6
    assert history._repr_html_().count("<polyline") == 2
    history.history["loss"][3:] = [np.nan] * 4
    assert "nan" in history._repr_html_()
    empty = fo.History()
    assert (repr(empty), "<svg" in empty._repr_html_()) == ("<History: 0 epochs>", False)
    inputs = fo.Input(2)
    graph = fo.Model(inputs, fo.layers.Add()([fo.layers.Dense(2)(inputs), inputs]))
    assert repr(graph) == "<Model: Dense, Add; not built; not compiled>"
    assert repr(fo.Ensemble([model, graph])) == f"<Ensemble of 2: {model!r}, ...>"
    assert repr(fo.Sequential([fo.layers.Dense(1)] * 1 + [fo.layers.Dense(1) for _ in range(9)])).count("Dense") == 0


# Pages whose examples are run, and compared with what they say, elsewhere; or that show parts which cannot run alone.
ELSEWHERE = {
    "augmentation",
    "curvature",
    "data",
    "distributed",
    "export",
    "fleet",
    "images",
    "search",
    "sklearn",
    "solvers",
    "tables",
}
PAGES = sorted(path.stem for path in (ROOT / "docs").glob("*.md") if path.stem not in ELSEWHERE)


def said(code):
    """What the examples of a page say that they print: behind a print, or in comments of their own below it."""
    found, below = [], False
    for line in code.splitlines():
        inline = re.search(r"\bprint\(.*\)  # (.*)$", line)
        below = not inline and (re.match(r" *print\(", line) is not None or (below and line.startswith("# ")))
        if inline or (below and line.startswith("# ")):
            found.append(inline[1] if inline else line[2:])
    return found


def write_adults(path):
    pytest.importorskip("pandas")
    pytest.importorskip("sklearn.callback", exc_type=ImportError)
    rows = [f"{20 + i % 50},{('private', 'state', '')[i % 3]},{'>50K' if i % 50 > 30 else '<=50K'}" for i in range(120)]
    path.write_text("\n".join(["age,work,income", *rows]))


@pytest.mark.parametrize("name", PAGES)
def test_examples_of_a_page(name, monkeypatch, tmp_path, capsys):
    page = (ROOT / "docs" / f"{name}.md").read_text()
    code = "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    if code:
        pytest.importorskip("matplotlib").use("agg")
        monkeypatch.chdir(tmp_path)
        if name == "tabular":
            write_adults(tmp_path / "adult.csv")
            code = code.replace("n_ensembles=4", "n_ensembles=4, epochs=5")
        exec(compile(code, f"{name}.md", "exec"), {})
        expected = [re.escape(line).replace(r"\.\.\.", ".*") for line in said(code)]
        printed = capsys.readouterr().out.splitlines()
        assert len(printed) == len(expected)
        assert [line for line, pattern in zip(printed, expected, strict=True) if not re.fullmatch(pattern, line)] == []
