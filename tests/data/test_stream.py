"""Batches of data larger than memory: every sample once, orders that depend on the pass alone, going on anywhere."""

import threading

import numpy as np
import pytest

import fastopt as fo

ROWS = 1003
rng = np.random.default_rng(0)
TABLE = {"a": np.arange(ROWS) / 7, "b": rng.normal(size=ROWS), "y": np.arange(float(ROWS)), "w": rng.random(ROWS) + 0.5}
X, Y = np.stack([TABLE["a"], TABLE["b"]], axis=1), TABLE["y"]
PIECES = [slice(0, 0), slice(0, 400), slice(400, 401), slice(401, 700), slice(700, ROWS)]


def in_files(folder, ending):
    pyarrow = pytest.importorskip("pyarrow")
    pytest.importorskip("narwhals")
    parquet, csv = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow.csv")
    table = pyarrow.table(TABLE)
    for number, rows in enumerate((table.slice(0, 600), table.slice(600))):
        path = folder / f"{number}.{ending}"
        if ending == "csv":
            csv.write_csv(rows, path)
        else:
            parquet.write_table(rows, path, row_group_size=130)
    return folder


def frame(library):
    if library == "pyarrow":
        return pytest.importorskip(library).table(TABLE)
    return pytest.importorskip(library).DataFrame(TABLE)


SOURCES = {
    "dict": lambda folder: TABLE,
    "arrays": lambda folder: (X, Y, TABLE["w"]),
    "pandas": lambda folder: frame("pandas"),
    "polars": lambda folder: frame("polars"),
    "pyarrow": lambda folder: frame("pyarrow"),
    "pieces": lambda folder: [(X[rows], Y[rows], TABLE["w"][rows]) for rows in PIECES],
    "function": lambda folder: lambda: ({name: part[rows] for name, part in TABLE.items()} for rows in PIECES),
    "csv": lambda folder: in_files(folder, "csv"),
    "parquet": lambda folder: in_files(folder, "parquet"),
    "pattern": lambda folder: str(in_files(folder, "parquet") / "?.parquet"),
}


def made(source, folder, **options):
    source = SOURCES[source](folder)
    names = isinstance(source, tuple | list) or (callable(source) and isinstance(next(source()), tuple))
    return fo.data.stream(source, **({} if names else {"target": "y", "weight": "w"}), **options)


def rows_of(batches):
    return [np.concatenate(parts) for parts in zip(*batches, strict=True)]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("shuffle", [False, True])
def test_a_pass_has_every_sample_once_and_begins_anywhere(source, shuffle, tmp_path):
    stream = made(source, tmp_path, batch_size=64, window=300, shuffle=shuffle, dtype="float64")
    passes = [[*stream.batches(epoch)] for epoch in (0, 1, 0)]
    for (x, y, w), same in zip(map(rows_of, passes), (0, 1, 0), strict=True):
        order = y.astype(int)
        assert sorted(order) == list(range(ROWS))
        np.testing.assert_array_equal(x, X[order])
        np.testing.assert_array_equal(w, TABLE["w"][order])
        assert (order == np.arange(ROWS)).all() != shuffle
        np.testing.assert_array_equal(y, rows_of(passes[same])[1])
    assert [len(y) for _, y, _ in passes[0]] == [64] * 15 + [43]
    assert not shuffle or (rows_of(passes[0])[1] != rows_of(passes[1])[1]).any()
    for start in (1, 4, 5, 15, 16):
        for given, expected in zip(stream.batches(1, start), passes[1][start:], strict=True):
            np.testing.assert_array_equal(given[0], expected[0])
    begun = stream.batches(1)
    next(begun)
    assert (begun.skip(6), begun.skip(100)) == (6, 9)
    assert not [*begun]


def test_lengths_are_told_where_they_are_known():
    assert (len(made("dict", None, batch_size=64)), len(made("dict", None, batch_size=64, drop_remainder=True))) == (
        16,
        15,
    )
    assert [len(y) for _, y, _ in made("dict", None, batch_size=64, drop_remainder=True)] == [64] * 15
    with pytest.raises(TypeError, match="not known before the source has been read"):
        len(made("function", None))


def network(dtype="float32"):
    model = fo.Sequential([fo.layers.Dense(8, "tanh"), fo.layers.Dense(1)], dtype=dtype, seed=1)
    model.compile(fo.optimizers.Adam(0.01), "mse")
    return model


def test_training_takes_the_batches_of_each_pass_in_turn():
    encoder = fo.data.TableEncoder(dtype="float64")
    stream = fo.data.stream(TABLE, "y", columns=["b", "a"], encoder=encoder, batch_size=50, window=200).fit_encoder()
    np.testing.assert_allclose(rows_of(stream.batches())[0].mean(axis=0), 0, atol=1e-12)
    streamed, by_hand = network("float64"), network("float64")
    streamed.fit(stream, epochs=1, verbose=0)
    streamed.fit(stream, epochs=2, verbose=0)
    for epoch in range(3):
        by_hand.fit([*stream.batches(epoch)], epochs=1, shuffle=False, verbose=0)
    for ours, theirs in zip(streamed.get_weights(), by_hand.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(
        streamed.predict(fo.data.stream(TABLE, columns=["b", "a"], encoder=encoder, shuffle=False, batch_size=100)),
        streamed.predict(encoder.transform({"b": TABLE["b"], "a": TABLE["a"]})),
    )


class EveryBatch(fo.callbacks.Callback):
    def on_batch_end(self, batch, logs):
        """Nothing: a model with such a callback trains batch by batch, not by all that are in memory."""


@pytest.mark.parametrize("source", ["dict", "function"])
def test_batches_in_memory_are_trained_in_one_call_as_by_themselves(source):
    def run(callbacks, take=lambda stream: stream):
        model = network("float64")
        model.compile(fo.optimizers.Adam(lambda step: 0.01 * 0.9**step), "mse", ["mae"])
        stream = made(source, None, batch_size=64, window=300, dtype="float64")
        history = model.fit(take(stream), epochs=1, callbacks=callbacks, shuffle=False, verbose=0)
        return [*model.get_weights(), history.history["loss"], history.history["mae"]]

    found = run([])
    for other in (run([EveryBatch()]), run([], lambda stream: [*stream.batches(0)])):
        for ours, theirs in zip(found, other, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_the_batches_of_a_mistake_are_named():
    model = network()
    model.build(2)
    with pytest.raises(ValueError, match=r"batches from 1: y\[57, 0\] = nan"):
        model.fit(fo.data.stream((X, np.where(Y == 67, np.nan, Y)), batch_size=10, shuffle=False), verbose=0)


class KilledError(Exception):
    pass


class KillAfter(fo.callbacks.Callback):
    def __init__(self, epochs):
        self.epochs = epochs

    def on_epoch_end(self, epoch, logs):
        if epoch + 1 == self.epochs:
            raise KilledError


@pytest.mark.parametrize("source", ["dict", "function"])
@pytest.mark.parametrize("killed", [1, 2, 4, 6])
def test_going_on_in_the_middle_of_a_pass_is_the_same_to_the_bit(source, killed, tmp_path):
    def run(callbacks):
        model = network()
        model.fit(
            made(source, None, batch_size=64, window=300), epochs=7, steps_per_epoch=6, callbacks=callbacks, verbose=0
        )
        return model.get_weights()

    whole = run([])
    with pytest.raises(KilledError):
        run([fo.callbacks.BackupAndRestore(tmp_path), KillAfter(killed)])
    for ours, theirs in zip(run([fo.callbacks.BackupAndRestore(tmp_path), KillAfter(99)]), whole, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_what_comes_before_is_not_read(monkeypatch):
    read = []

    class Watched(np.ndarray):
        def __getitem__(self, rows):
            read.append(rows)
            return super().__getitem__(rows).view(np.ndarray)

    stream = fo.data.stream((X.view(Watched), Y), batch_size=10, window=80, workers=1, shuffle=False)
    next(stream.batches(start=50))
    assert min(rows.start for rows in read) == 480


WRONG = {
    "unknown column": (TABLE, {"target": "z"}, ValueError, r"rows of the frame from 0: Unknown column 'z'"),
    "target missing": ({"a": [1.0, 2.0], "y": [1.0, np.nan]}, {"target": "y"}, ValueError, r"'y' is missing in row 1"),
    "words": ({"a": ["u", "v"], "y": [1.0, 2.0]}, {"target": "y"}, TypeError, r"'a' holds words: give an encoder"),
    "array and target": ((X,), {"target": "y"}, ValueError, r"arrays, which have no column 'y'"),
    "lengths": ((X, Y[1:]), {}, ValueError, r"different lengths: x: 1003, y: 1002"),
    "empty": ({"a": []}, {}, ValueError, r"source is empty"),
    "number": (5, {}, TypeError, r"source must be paths"),
    "pieces": ([1, 2], {}, TypeError, r"piece 0 of the source must be a frame"),
    "no encoder": (TABLE, {"encoder": 3}, TypeError, r"encoder must have the method transform"),
    "not fitted": (TABLE, {"encoder": fo.data.TableEncoder()}, RuntimeError, r"call fit_encoder"),
    "file": ("no.parquet", {}, FileNotFoundError, r"no.parquet"),
    "batch_size": (TABLE, {"batch_size": 0}, ValueError, r"batch_size"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named(case):
    source, options, error, message = WRONG[case]
    if case == "file":
        pytest.importorskip("pyarrow")
        pytest.importorskip("narwhals")
    with pytest.raises(error, match=message):
        next(iter(fo.data.stream(source, **options)))


def test_threads_end_where_a_pass_is_left():
    before = set(threading.enumerate())
    for _ in range(5):
        next(iter(made("dict", None, batch_size=8, window=20)))
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
        assert not thread.is_alive()
