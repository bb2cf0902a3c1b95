"""``fastopt train`` and ``fastopt predict``: from a file with a table to a model to predictions."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastopt as fo
from fastopt import cli
from fastopt.data import tables

pyarrow = pytest.importorskip("pyarrow")
pytest.importorskip("narwhals")
csv, parquet = pytest.importorskip("pyarrow.csv"), pytest.importorskip("pyarrow.parquet")

ROWS = 600


def table(rows=ROWS, seed=0):
    """Numbers, categories, dates and gaps, of which the targets can be told."""
    rng = np.random.default_rng(seed)
    age, city = rng.integers(18, 80, rows), np.array(["Rome", "Oslo", "Lima"])[rng.integers(0, 3, rows)]
    value = 3.0 * age + 100.0 * (city == "Oslo") + rng.normal(0, 5, rows)
    gaps = rng.random((2, rows)) < 0.05
    return pyarrow.table(
        {
            "id": np.arange(rows) + 1,
            "name": [f"n{i}" for i in range(rows)],
            "age": pyarrow.array(age, mask=gaps[0]),
            "city": pyarrow.array(city, mask=gaps[1]),
            "since": np.datetime64("2020-01-01") + rng.integers(0, 1000, rows),
            "nothing": pyarrow.nulls(rows),
            "value": value,
            "large": np.where(value > 200, "yes", "no"),
        }
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("tables")
    csv.write_csv(table(), path / "data.csv")
    csv.write_csv(table(seed=1), path / "new.csv")
    parquet.write_table(table(), path / "data.parquet")
    return path


@pytest.fixture(autouse=True)
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)


def run(capsys, *arguments):
    code = cli.main([*arguments])
    out, error = capsys.readouterr()
    assert max(map(len, out.splitlines()), default=0) <= 80
    return code, out, error


def scores(out):
    return {
        line.split("  ")[0]: line.split() for line in out.splitlines() if re.match(r"(train|valid|test|base)", line)
    }


@pytest.mark.parametrize("data", ["data.csv", "data.parquet"])
def test_classification(capsys, data):
    code, out, error = run(capsys, "train", data, "--target", "large", "--drop", "value", "--epochs", "12")
    assert (code, error) == (0, "")
    assert re.search(r"^target +large: classification, 2 classes: no, yes$", out, re.MULTILINE)
    assert re.search(r"^columns +age, city \(3\), since$", out, re.MULTILINE)
    left = " ".join(out.split("left out")[1].split("network")[0].split())
    assert left == ("id (numbers the rows), name (a word of its own in most rows), nothing (empty), value (as asked)")
    assert re.search(r"^training +384 rows; 12 epochs, 1 batches each$", out, re.MULTILINE)
    assert re.search(r"^held out +96 rows for validation, 120 to test with$", out, re.MULTILINE)
    found = scores(out)
    assert float(found["test"][2].rstrip("%")) > 85 > 70 > float(found["baseline"][2].rstrip("%"))
    assert re.search(r"^saved +model.safetensors: weights, encoder and names, [\d,]+ bytes", out, re.MULTILINE)

    code, out, error = run(capsys, "predict", "model.safetensors", "new.csv")
    assert (code, error) == (0, "")
    assert re.search(r"^not used +id, name, nothing, value, large$", out, re.MULTILINE)
    predictions, new = csv.read_csv("predictions.csv"), table(seed=1)
    assert predictions.column_names == ["prediction", "probability_no", "probability_yes"]
    right = np.array(predictions["prediction"].to_pylist()) == np.array(new["large"].to_pylist())
    assert right.mean() > 0.85
    # In Python it is a model as others are.
    model = fo.load_model("model.safetensors")
    columns = new.select(["age", "city", "since"])
    assert model.predict_classes(columns).tolist() == predictions["prediction"].to_pylist()


def test_regression_in_pieces(capsys, monkeypatch):
    whole = run(capsys, "train", "data.csv", "--target", "value", "--drop", "large", "--epochs", "60")[1]
    assert re.search(r"^target +value: regression, numbers$", whole, re.MULTILINE)
    assert float(scores(whole)["test"][2]) > 0.8
    assert abs(float(scores(whole)["baseline"][2])) < 0.05
    monkeypatch.setattr(tables, "WHOLE", 1)
    monkeypatch.setattr(tables, "PIECE", 1 << 13)
    monkeypatch.setattr("fastopt.cli.rows.SHARE", 1 << 60)
    out = run(capsys, "train", "data.csv", "--target", "value", "--drop", "large", "--epochs", "30", "--out", "p.st")[1]
    assert float(scores(out)["test"][2]) > 0.8
    code, _, _ = run(capsys, "predict", "p.st", "new.csv", "--out", "p.parquet")
    assert code == 0
    predictions = parquet.read_table("p.parquet")["prediction"].to_numpy()
    assert np.corrcoef(predictions, table(seed=1)["value"].to_numpy())[0, 1] > 0.9
    bad = Path("new.csv").read_text() + "601,a,old,Rome,2020-01-01,,1,no\n"
    Path("bad.csv").write_text(bad)
    code, _, error = run(capsys, "predict", "p.st", "bad.csv", "--out", "none.csv")
    assert code == 1
    assert re.search(r"bad.csv cannot be read after [\d]+ rows: .*'old'", error)
    assert not os.path.exists("none.csv")


def test_what_the_target_is(capsys):
    columns = {"x": np.arange(40.0)[::-1] ** 2}
    cases = {
        "0, 1": (np.arange(40) % 2, [], "classification, 2 classes: 0, 1"),
        "few": (
            np.where(np.arange(40) == 9, np.nan, np.arange(40) % 7),
            [],
            "classification, 7 classes: 0, 1, 2, 3, 4, 5, 6",
        ),
        "few, asked": (np.arange(40) % 7, ["--task", "regression"], "regression, whole numbers"),
        "many": (np.arange(40) ** 2, [], "regression, numbers"),
        "many, asked": (np.arange(40) % 12, ["--task", "classification"], "classification, 12 classes: 0, 1, 2"),
        "bool": (np.arange(40) % 3 == 0, [], "classification, 2 classes: False, True"),
    }
    for y, options, expected in cases.values():
        parquet.write_table(pyarrow.table(columns | {"y": y}), "t.parquet")
        code, out, error = run(
            capsys, "train", "t.parquet", "--target", "y", "--epochs", "1", "--out", "t.st", *options
        )
        assert (code, error) == (0, "")
        assert expected in out
        assert run(capsys, "predict", "t.st", "t.parquet", "--out", "t.csv")[0] == 0


def test_wrong_tables(capsys, monkeypatch):
    files = {
        "empty.csv": "",
        "header.csv": "a,b\n",
        "ragged.csv": "a,b\n1,2\n3\n",
        "one.csv": "a,b\n1,2\n3,2\n",
        "few.csv": "a,b\n1,no\n3,yes\n",
        "dates.csv": "a,b\n1,2020-01-01\n3,2020-01-02\n",
        "infinite.csv": "a;b\n" + "".join(f"{'inf' if i == 7 else i * i};{i % 2}\n" for i in range(30)),
    }
    for name, text in files.items():
        Path(name).write_text(text)
    cases = [
        (["train", "none.csv", "--target", "b"], "there is no file none.csv"),
        (["train", "empty.csv", "--target", "b"], "empty.csv is empty"),
        (["train", "header.csv", "--target", "b"], "header.csv has names of columns, but no rows"),
        (["train", "ragged.csv", "--target", "b"], "ragged.csv cannot be read: .*Expected 2 columns, got 1"),
        (["train", "one.csv", "--target", "b"], "one.csv: the target 'b' has one value alone"),
        (["train", "few.csv", "--target", "b"], "few.csv has 2 rows with a target, which are too few"),
        (["train", "dates.csv", "--target", "b"], "the target 'b' holds date32"),
        (["train", "infinite.csv", "--target", "b"], "infinite.csv: column 'a' is inf in row 7:"),
        (["train", "data.csv", "--target", "larg"], "data.csv: Unknown column 'larg'. Did you mean 'large'?"),
        (["train", "data.csv", "--target", "large", "--drop", "nam"], "Unknown column 'nam'. Did you mean 'name'?"),
        (["train", "data.csv", "--target", "large", "--task", "regression"], "'large' holds words"),
        (["train", "data.csv", "--target", "large", "--out", "none/m.st"], "there is no folder none for none/m.st"),
        (["predict", "none.safetensors", "new.csv"], "none.safetensors"),
        (["predict", "plain.st", "new.csv"], "plain.st has no encoder for tables"),
    ]
    fo_model = fo.Sequential([fo.layers.Dense(1)])
    fo_model.build(1)
    fo_model.save("plain.st")
    for arguments, message in cases:
        code, _, error = run(capsys, *arguments)
        assert code == 1
        assert re.search(f"^fastopt: error: .*{message}", error), error
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    code, _, error = run(capsys, "train", "data.csv", "--target", "large")
    assert code == 1
    assert error.endswith("pip install 'fastopt[tables]'\n")


def test_wrong_new_tables(capsys):
    run(capsys, "train", "data.csv", "--target", "large", "--epochs", "1", "--out", "n.st")
    new = table(seed=1)
    words = new.set_column(2, "age", pyarrow.array(["old"] * ROWS))
    cases = {
        "w.csv": (words, "w.csv: column 'age' holds words, such as 'old' in row 0; .*it held numbers"),
        "m.csv": (new.rename_columns(["id", "name", "ages", *new.column_names[3:]]), "Did you mean 'ages'"),
    }
    for name, (made, message) in cases.items():
        csv.write_csv(made, name)
        code, _, error = run(capsys, "predict", "n.st", name, "--out", "none.csv")
        assert code == 1
        assert re.search(f"^fastopt: error: .*{message}", error), error
        assert not os.path.exists("none.csv")
    # The order does not matter, nor that words look like numbers; a new category is none of those that are known.
    mixed = new.select(new.column_names[::-1]).drop_columns("city").append_column("city", pyarrow.array([7] * ROWS))
    csv.write_csv(mixed, "o.csv")
    assert run(capsys, "predict", "n.st", "o.csv", "--out", "o.out.csv")[0] == 0


def test_interrupted():
    command = [sys.executable, "-m", "fastopt", "train", "data.csv", "--target", "large", "--out", "i.st"]
    with subprocess.Popen(
        [*command, "--epochs", "100000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout:
            if line.startswith("training"):
                break
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert error == "\nfastopt: interrupted\n"
    assert not os.path.exists("i.st")
