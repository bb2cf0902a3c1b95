"""The file of a search: killed at any moment, the search goes on with no trial lost or done twice."""

import json
import math
import os
import random
import signal
import subprocess
import sys
import textwrap
import time

import pytest

import fastopt as fo
from fastopt.search import Choice, Linear

SPACE = {"x": Linear(-1.0, 3.0), "way": Choice([(1, 2), None, abs])}


def bowl(x, way):
    return (x - 1) ** 2 + (way is None)


def searched(path, trials=6, function=bowl, space=SPACE, **options):
    return fo.search.random(function, space, trials=trials, file=path, verbose=0, **options)


def rows(trials):
    """All but how long it took."""
    return [{**trial.row(), "seconds": 0} for trial in trials]


def test_goes_on(tmp_path):
    path, called = tmp_path / "a.jsonl", []

    def noted(x, way):
        called.append(x)
        return bowl(x, way)

    first = searched(path, 4, noted)
    again = searched(path, 9, noted)
    assert rows(again) == rows(searched(None, 9))
    assert len(called) == 9
    assert [trial.params for trial in again] == [trial.params for trial in searched(None, 9)]
    assert first[2] in first
    assert rows(first) == rows(again)[:4] == rows(fo.search.load(path))[:4]
    assert list(fo.search.load(path).space) == list(SPACE)
    assert fo.search.load(path).best.score == again.best.score
    searched(path, 2, noted)
    assert len(called) == 9


def test_torn_anywhere(tmp_path):
    """Whatever a killed process has left of the file, the search goes on from it."""
    whole = tmp_path / "whole.jsonl"
    want = rows(searched(whole, 4))
    data = whole.read_bytes()
    for size in range(0, len(data), 7):
        path = tmp_path / "torn.jsonl"
        path.write_bytes(data[:size])
        assert rows(searched(path, 4)) == want
        assert len(path.read_bytes().splitlines()) == len(data.splitlines())


def test_failures_are_written(tmp_path):
    path = tmp_path / "a.jsonl"

    def function(x, way):
        if way is None:
            raise RuntimeError("no way")
        return math.inf if x > 1 else x

    with pytest.warns(UserWarning, match="of 12 trials failed"):
        trials = searched(path, 12, function)
    states = {trial.state for trial in trials}
    assert states == {"finished", "failed", "diverged"}
    assert {trial.error for trial in trials if trial.state == "failed"} == {"RuntimeError: no way"}
    assert trials.best.params["x"] == min(t.params["x"] for t in trials if t.state == "finished")
    assert rows(fo.search.load(path)) == rows(trials)
    assert rows(searched(path, 12, function)) == rows(trials)
    order = [trial.number for trial in trials.ranked()]
    assert [trial.number for trial in fo.search.load(path).ranked()] == order
    assert math.isnan(fo.search.load(path)[order[-1]].score)
    with pytest.warns(UserWarning, match="failed"):
        assert len(searched(path, 20, function).ranked()) == 20


@pytest.mark.parametrize(
    "options", [{"seed": 1}, {"metric": "a"}, {"mode": "max"}, {"space": SPACE | {"x": Linear(-1.0, 2.0)}}], ids=str
)
def test_file_of_another_search(tmp_path, options):
    path = tmp_path / "a.jsonl"
    searched(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="the file of another search"):
        searched(path, **options)
    assert path.read_bytes() == before


@pytest.mark.parametrize("text", ["notes", '{"a": 1}', '{"fastopt sea', '{"fastopt search": 1, "space"'])
def test_other_files_stay_as_they_are(tmp_path, text):
    path = tmp_path / "a.jsonl"
    path.write_text(text)
    if text.startswith('{"f'):  # torn
        assert len(searched(path)) == 6
        return
    with pytest.raises(ValueError, match="not the file of a search"):
        searched(path)
    assert path.read_text() == text
    with pytest.raises(ValueError, match="not the file of a search"):
        fo.search.load(path)


def test_a_line_that_is_wrong(tmp_path):
    path = tmp_path / "a.jsonl"
    searched(path)
    path.write_bytes(path.read_bytes() + b"{oh}\n")
    with pytest.raises(ValueError, match="line 9, is no line of a search"):
        searched(path)


def test_one_process_at_a_time(tmp_path):
    path = tmp_path / "a.jsonl"

    def nested(x, way):
        with pytest.raises(BlockingIOError, match="Another search is writing"):
            searched(path)
        return x

    assert len(searched(path, 1, nested)) == 1


def test_tables(tmp_path):
    trials = searched(None)
    trials.to_jsonl(tmp_path / "a.jsonl")
    assert rows(fo.search.load(tmp_path / "a.jsonl")) == rows(trials)
    trials.to_csv(tmp_path / "a.csv")
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert lines[0] == "trial,state,score,rung,epochs,seconds,param_x,param_way,metric_score,error"
    assert len(lines) == 7
    assert str(trials).splitlines()[0].split() == ["trial", "score", "x", "way", "state"]
    frame = pytest.importorskip("pandas") and trials.to_frame()
    assert frame["score"].idxmin() == trials.best.number


PROGRAM = textwrap.dedent(
    """
    import sys
    import fastopt as fo

    x, y = fo.datasets.load_digits()
    built = []

    def build(rate, units):
        model = fo.Sequential([fo.layers.Dense(units, "relu"), fo.layers.Dense(10)], seed=0)
        model.compile(fo.optimizers.Adam(rate), "sparse_categorical_crossentropy", ["accuracy"])
        return model

    space = {"rate": fo.search.Log(1e-4, 1.0), "units": fo.search.Integer(8, 64, log=True)}
    options = {"validation_split": 0.2, "verbose": 0, "file": sys.argv[1]}
    SEARCH
    """
)
KINDS = {
    "random": "fo.search.random(build, space, x, y, trials=40, epochs=3, **options)",
    "zoom": "fo.search.zoom(build, space, x, y, trials=40, rounds=5, epochs=3, **options)",
    "halving": "fo.search.halving(build, space, x, y, trials=30, epochs=20, **options)",
}


@pytest.mark.parametrize("kind", KINDS)
def test_killed_at_any_moment(tmp_path, kind):
    """As often as FASTOPT_KILLS says, four times else."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.replace("SEARCH", KINDS[kind]))
    whole, path = tmp_path / "whole.jsonl", tmp_path / "killed.jsonl"

    def lines(path):
        return [json.loads(line) for line in path.read_bytes().splitlines()]

    subprocess.run([sys.executable, program, whole], check=True)
    moments, killed = random.Random(0), 0
    for _ in range(int(os.environ.get("FASTOPT_KILLS", "4"))):
        with subprocess.Popen([sys.executable, program, path]) as process:
            while not path.exists() and process.poll() is None:
                time.sleep(0.002)
            try:
                process.wait(moments.uniform(0.0, 0.05))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                killed += 1
        if path.exists() and path.stat().st_size and process.returncode == 0:
            path.unlink()  # it was too quick: again
    assert killed
    subprocess.run([sys.executable, program, path], check=True)
    assert rows(fo.search.load(path)) == rows(fo.search.load(whole))
    done = [(row["trial"], row["rung"]) for row in lines(path) if "trial" in row]
    assert sorted(done) == sorted({*done}) == sorted((r["trial"], r["rung"]) for r in lines(whole) if "trial" in r)
