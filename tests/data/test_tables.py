"""Tables: frames of several libraries become the same numbers; what is learned by pieces; what is refused."""

import copy
import datetime as dt
import json
import math
import pickle
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from fastopt import _core
from fastopt.data import TableEncoder
from fastopt.data.columns import Number
from fastopt.data.quantiles import CAPACITY, Quantiles

NAN = float("nan")
DATA = {
    "age": [20, 30, 70, 40],
    "height": [1.5, None, 1.8, NAN],
    "member": [True, None, False, True],
    "born": [dt.date(1970, 1, 3), None, dt.date(1970, 1, 5), dt.date(1970, 1, 5)],
    "seen": [dt.datetime(1970, 1, 1, 12), dt.datetime(1970, 1, 2), None, dt.datetime(1970, 1, 2)],
    "took": [dt.timedelta(1), dt.timedelta(hours=12), None, dt.timedelta(2)],
    "city": ["Rome", "Oslo", None, "Rome"],
}
OUTPUTS = {
    "age": [20, 30, 70, 40],
    "height": [1.5, 1.65, 1.8, 1.65],
    "member": [1, 2 / 3, 0, 1],
    "born": [2, 10 / 3, 4, 4],
    "seen": [0.5, 1, 2.5 / 3, 1],
    "took": [1, 0.5, 3.5 / 3, 2],
    "height_missing": [0, 1, 0, 1],
    "member_missing": [0, 1, 0, 0],
    "born_missing": [0, 1, 0, 0],
    "seen_missing": [0, 0, 1, 0],
    "took_missing": [0, 0, 1, 0],
    "city_Oslo": [0, 1, 0, 0],
    "city_Rome": [1, 0, 0, 1],
    "city_missing": [0, 0, 1, 0],
}


def of_pandas():
    return pytest.importorskip("pandas").DataFrame(DATA)


def of_nullable_pandas():
    types = {"age": "Int64", "height": "Float64", "member": "boolean", "city": "category"}
    frame = of_pandas().astype(types | {"born": "datetime64[s]", "seen": "datetime64[ns]"})
    frame["seen"] = frame["seen"].dt.tz_localize("UTC")
    return frame


def of_polars():
    polars = pytest.importorskip("polars")
    return polars.DataFrame(DATA)


def of_polars_enum():
    polars = pytest.importorskip("polars")
    return polars.DataFrame(DATA).with_columns(
        polars.col("city").cast(polars.Enum(["Rome", "Oslo", "Lima"])), polars.col("age").cast(polars.Decimal(10, 2))
    )


def of_arrow():
    table = pytest.importorskip("pyarrow").table(DATA)
    return table.set_column(6, "city", table["city"].dictionary_encode())


FRAMES = {
    "dict": lambda: DATA,
    "pandas": of_pandas,
    "nullable pandas": of_nullable_pandas,
    "polars": of_polars,
    "enum of polars": of_polars_enum,
    "arrow": of_arrow,
}


@pytest.mark.parametrize("make", FRAMES.values(), ids=FRAMES)
def test_every_frame_gives_the_same(make):
    if make is not FRAMES["dict"]:
        pytest.importorskip("narwhals")
        pytest.importorskip("pyarrow")
    frame = make()
    encoder = TableEncoder(numbers=None, indicators=True, dtype="float64").fit(frame)
    assert encoder.feature_names_in == [*DATA]
    assert encoder.feature_names_out == [*OUTPUTS]
    assert encoder.vocabularies == {"city": ["Oslo", "Rome"]}
    np.testing.assert_allclose(encoder.transform(frame), np.transpose([*OUTPUTS.values()]), atol=1e-12)
    # What learned from one frame encodes any other.
    assert np.array_equal(encoder.transform(DATA), encoder.transform(frame))


X = np.random.default_rng(0).lognormal(3.0, 1.0, (3000, 20))
X[:, 3] = np.round(X[:, 3] / 10)
X[:, 4] = 7.0
X[:, 5] = X[:, 5] > 100
GAPS = np.where(np.random.default_rng(1).random(X.shape) < 0.1, NAN, X)


def robust(x):
    low, first, median, third, high = np.nanquantile(x, [0, 0.25, 0.5, 0.75, 1], axis=0)
    spread = np.where(third > first, third - first, (high - low) / 2)
    z = np.where(spread > 0, (x - median) / np.where(spread > 0, spread, 1), 0 * x)
    return z / np.sqrt(1 + (z / 3) ** 2)


def standard(x):
    scale = np.nanstd(x, axis=0)
    return (x - np.nanmean(x, axis=0)) / np.where(scale > 1e-12, scale, 1)


MODES = {"standard": standard, "robust": robust, None: lambda x: x}
FILLS = {"mean": np.nanmean, "median": np.nanmedian}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("missing", FILLS)
@pytest.mark.parametrize("numbers", MODES)
def test_numbers(numbers, missing, dtype):
    filled = np.where(np.isnan(GAPS), FILLS[missing](GAPS, axis=0), GAPS)
    encoder = TableEncoder(numbers, missing=missing, dtype=dtype).fit(GAPS)
    found = encoder.transform(GAPS)
    there = ~np.isnan(GAPS)
    right = MODES[numbers](GAPS)
    close = {"rtol": 0, "atol": np.abs(right[there]).max() * np.finfo(dtype).eps * 64}
    np.testing.assert_allclose(found[there], right[there], **close)
    np.testing.assert_allclose(found, encoder.transform(filled), **close)
    assert found.dtype == dtype


def by_numpy(column, numbers, x, dtype):
    if numbers == "quantile":
        return np.interp(x, column.knots, column.heights).astype(dtype)
    y = ((x - column.offset) * column.factor).astype(dtype)
    z = y * dtype(1 / 3)
    return y / np.sqrt(z * z + 1) if numbers == "robust" else y


@pytest.mark.parametrize("numbers", ["standard", "robust", "quantile"])
def test_bits_are_those_of_numpy(numbers, dtype, isa, for_all_threads):
    encoder = TableEncoder(numbers, dtype=dtype.__name__).fit(GAPS)
    filled = np.where(np.isnan(GAPS), np.transpose([[column.fill] for column in encoder._columns]), GAPS)
    right = np.transpose([by_numpy(*of, dtype) for of in zip(encoder._columns, [numbers] * 20, filled.T, strict=True)])

    def transformed():
        np.testing.assert_array_equal(found := encoder.transform(GAPS), right)
        return [found]

    for_all_threads(transformed)


KNOTS = {
    "one": [3.0],
    "two": [0.0, 1.0],
    "range that overflows": [-1.7e308, -1.0, 0.0, 1.7e308],
    "range that underflows": [0.0, 5e-324, 1e-323],
    "close ones": [-1e9, *np.linspace(0, 1e-3, 300), 1e9],
    "most in a cell": [*(1.0 + np.arange(1000) * 2.0**-52), 3.0],
}


@pytest.mark.parametrize("knots", KNOTS.values(), ids=KNOTS)
def test_places_between_knots(knots, rng):
    heights = np.sort(rng.normal(size=len(knots)))
    between = rng.choice(knots, 300) * 0.5 + rng.choice(knots, 300) * 0.5
    x = np.concatenate([knots, between, [0.0, -0.0, 1.7e308, -1.7e308], *np.nextafter(knots, [[-np.inf], [np.inf]])])
    x = x[np.isfinite(x)]
    out = np.zeros((len(x), 1))
    assert _core.encode([Number("a", knots=knots, heights=heights).part(x, 0, -1, 0.0)], out)
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(out[:, 0], np.interp(x, knots, heights))


@pytest.mark.parametrize("kind", ["?", "b", "H", "q", "Q", "e", "f", ">f8", ">i2"])
def test_types_of_numbers(kind, rng):
    x = rng.integers(0, 100, 700).astype(kind)
    encoder = TableEncoder("robust", categorical=["b"]).fit({"a": x, "b": x})
    right = encoder.transform({"a": x.astype(float), "b": x.astype(float)})
    for same in (x, np.stack([x, x], axis=1)[:, 1], x[::-1].copy()[::-1]):
        np.testing.assert_array_equal(encoder.transform({"a": same, "b": same}), right)


@pytest.mark.parametrize("kind", ["object", "string[python]", "string[pyarrow]", "category", "large_string[pyarrow]"])
def test_words_of_pandas(kind):
    pandas, _ = pytest.importorskip("pandas"), pytest.importorskip("narwhals")
    words = ["b", None, "a", "b", float("nan"), "c"]
    made = pandas.Series([None if word != word else word for word in words], dtype=kind)
    encoder = TableEncoder().fit({"w": words})
    np.testing.assert_array_equal(encoder.transform(pandas.DataFrame({"w": made})), encoder.transform({"w": words}))
    assert TableEncoder().fit(pandas.DataFrame({"w": made})).vocabularies == {"w": ["a", "b", "c"]}


def test_numbers_that_are_far_away():
    clipped = TableEncoder("robust").fit([[1.0], [2.0]]).transform([[1e300], [-1e300]])
    assert clipped[:, 0] == pytest.approx([3.0, -3.0], rel=1e-6)
    with pytest.raises(ValueError, match=r"column 'x0' is 1e\+39 in row 1, which is too large for float32"):
        TableEncoder(None).fit([[1.0], [2.0]]).transform([[1.0], [1e39]])


def test_quantile_is_normal():
    x = X[:, :1]
    encoder = TableEncoder("quantile", dtype="float64").fit(x)
    z = np.sort(encoder.transform(x)[:, 0])
    shares = (np.arange(len(x)) + 0.5) / len(x)
    normal = np.array([0.5 * (1 + math.erf(value / math.sqrt(2))) for value in z])
    np.testing.assert_allclose(normal, shares, atol=1e-3)
    assert encoder.transform([[-1e9], [1e9]])[:, 0] == pytest.approx([-3.29, 3.29], abs=0.01)
    # Of values that are there often, the middle of their shares.
    ties = TableEncoder("quantile").fit([[0.0]] * 50 + [[1.0]] * 50)
    assert ties.transform([[0.0], [0.5], [1.0]])[:, 0] == pytest.approx([-0.67, 0.0, 0.67], abs=0.02)


@pytest.mark.parametrize("numbers", ["standard", "robust", "quantile"])
def test_pieces(numbers):
    words = np.array(["a", "b", "c", None], object)[np.random.default_rng(2).integers(0, 4, len(X))]
    table = {"x": GAPS[:, 0], "empty at first": np.where(np.arange(len(X)) < 500, NAN, X[:, 1]), "word": words}
    whole, pieces = TableEncoder(numbers), TableEncoder(numbers)
    whole.fit(table)
    for rows in np.split(np.arange(len(X)), [1, 20, 500, 2000]):
        pieces.partial_fit({name: column[rows] for name, column in table.items()})
    assert pieces.count == whole.count == len(X)
    assert pieces.feature_names_out == whole.feature_names_out
    np.testing.assert_allclose(pieces.transform(table), whole.transform(table), atol=1e-5)


def test_pieces_without_names_keep_those_that_there_were():
    encoder = TableEncoder(categorical=["b"]).partial_fit({"a": [1.0, 2.0], "b": [1, 2]}).partial_fit([[3.0, 4.0]])
    assert encoder.feature_names_out == ["a", "b_1", "b_2", "b_4"]
    with pytest.raises(ValueError, match="x has no column 'a'"):
        encoder.partial_fit({"c": [1.0], "b": [1]})


def test_quantiles_of_many_numbers(rng):
    numbers = rng.normal(size=5 * CAPACITY) ** 3
    quantiles = Quantiles()
    for piece in np.array_split(numbers, 37):
        quantiles.add(piece)
        quantiles.compress()
    assert sum(len(part) for parts in quantiles._levels for part in parts) <= 3 * CAPACITY
    shares = np.linspace(0, 1, 501)
    ranks = np.searchsorted(np.sort(numbers), quantiles.at(shares))
    wrong = np.abs(ranks - shares * (len(numbers) - 1)).max()
    assert wrong <= quantiles.error + 1 <= 5 * (1 + math.log2(5)) + 1
    exact = Quantiles()
    exact.add(numbers[:1000])
    np.testing.assert_allclose(exact.at(shares), np.quantile(numbers[:1000], shares), rtol=1e-12)


COLORS = {"c": ["red", None, "blue", "red", "red", "blue", "green"]}
FULL = {"c": ["red", "blue", "red"]}
ASKED = {"c": ["blue", "pink", None]}


@pytest.mark.parametrize(
    ("options", "fitted", "outputs", "names", "cardinalities"),
    [
        (
            {},
            COLORS,
            [[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1]],
            ["c_blue", "c_green", "c_red", "c_missing"],
            [],
        ),
        ({}, FULL, [[1, 0], [0, 0], [0, 0]], ["c_blue", "c_red"], []),
        ({"categories": "codes"}, COLORS, [[1], [0], [4]], ["c"], [5]),
        ({"categories": "codes"}, FULL, [[1], [0], [0]], ["c"], [3]),
        ({"categories": "sign_or_one_hot"}, FULL, [[-1], [0], [0]], ["c_red"], []),
        ({"max_one_hot": 2}, COLORS, [[1], [0], [4]], ["c"], [5]),
        ({"max_one_hot": 3}, FULL, [[1, 0], [0, 0], [0, 0]], ["c_blue", "c_red"], []),
        ({"max_categories": 2, "categories": "codes"}, COLORS, [[1], [0], [3]], ["c"], [4]),
        ({"max_categories": 1}, COLORS, [[0, 0], [0, 0], [0, 1]], ["c_red", "c_missing"], []),
    ],
)
def test_categories(options, fitted, outputs, names, cardinalities):
    encoder = TableEncoder(**options).fit(fitted)
    assert encoder.transform(ASKED).tolist() == outputs
    assert encoder.feature_names_out == names
    assert encoder.cardinalities == cardinalities


def test_numbers_as_categories():
    encoder = TableEncoder(categories="codes", categorical=["x1"]).fit([[0.5, 30], [1.5, 10], [1.0, NAN]])
    assert encoder.feature_names_out == ["x0", "x1"]
    assert encoder.vocabularies == {"x1": [10, 30]}
    assert encoder.transform(np.array([[1, 30], [1, 20], [1, 10]])).tolist() == [[0, 2], [0, 0], [0, 1]]
    assert encoder.transform({"x0": [1.0], "x1": [None]}).tolist() == [[0, 3]]


ENCODERS = [
    TableEncoder(),
    TableEncoder("robust", "sign_or_one_hot", ["age"], "median", indicators=True, max_one_hot=9, max_categories=50),
    TableEncoder("quantile", "codes", missing=None, dtype="float64"),
]


@pytest.mark.parametrize("encoder", ENCODERS, ids=repr)
def test_copies(encoder):
    full = {name: column[:1] * 2 + column[3:] for name, column in DATA.items() if name != "height"}
    encoder.fit(full)
    right = encoder.transform(full)
    state = json.loads(json.dumps(encoder.state(), allow_nan=False))
    for other in (TableEncoder.from_state(state), pickle.loads(pickle.dumps(encoder)), copy.deepcopy(encoder)):
        assert np.array_equal(other.transform(full), right)
        assert other.feature_names_out == encoder.feature_names_out
        assert (other.count, other.cardinalities, repr(other)) == (3, encoder.cardinalities, repr(encoder))
    fresh = TableEncoder.from_config(json.loads(json.dumps(encoder.get_config())))
    assert repr(fresh) == repr(eval(repr(encoder))) == repr(encoder)
    assert not fresh.fitted
    with pytest.raises(RuntimeError, match="from a file"):
        TableEncoder.from_state(state).partial_fit(full)


def changed(**columns):
    return DATA | columns


REFUSED = {
    "order": (lambda: dict(reversed(DATA.items())), "column 0 is 'city', and was 'age'"),
    "missing": (lambda: {n: c for n, c in DATA.items() if n != "age"}, "x has no column 'age'"),
    "renamed": (
        lambda: {"ages" if n == "age" else n: c for n, c in DATA.items()},
        "no column 'age', .*'ages' is there instead",
    ),
    "more": (lambda: changed(more=[1, 2, 3, 4]), "x has the column 'more', which there was not"),
    "text": (lambda: changed(age=["1", "b", "c", "d"]), "column 'age' holds words, such as '1' in row 0; .*numbers"),
    "a word": (lambda: changed(age=[1, 2, "n/a", 4]), "column 'age' has 'n/a' in row 2, which is no number"),
    "dates": (lambda: changed(age=DATA["born"]), "column 'age' holds dates; when it was fitted it held numbers"),
    "numbers": (lambda: changed(city=[1, 2, 3, 4]), "column 'city' holds numbers; when it was fitted it held words"),
    "infinite": (lambda: changed(age=[1, math.inf, 3, 4]), "column 'age' is inf in row 1"),
    "late": (
        lambda: (
            {n: np.repeat(c, 5000) for n, c in changed(age=[1.0, 2.0, 3.0, 4.0]).items()}
            | {"age": np.where(np.arange(20000) == 15001, -math.inf, 1.0)}
        ),
        "column 'age' is -inf in row 15001",
    ),
    "lists": (lambda: changed(age=np.array([1, [2], 3, 4], object)), r"column 'age' has \[2\] in row 1, which is no"),
    "times": (lambda: changed(age=np.array([dt.time(1)] * 4)), "time.* in row 0, which is no number, word or date"),
    "complex": (lambda: changed(age=[1j, 2, 3, 4]), "column 'age' has the dtype complex128"),
    "lengths": (lambda: changed(age=[1, 2]), "columns of different lengths, 'age': 2"),
    "empty": (lambda: {name: [] for name in DATA}, "x is empty: it has 7 columns and no rows"),
    "width": (lambda: np.ones((2, 3)), "x has 3 columns; it was fitted with 7: age, height"),
    "vector": (lambda: np.ones(3), r"x has shape \(3,\); expected a frame"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    make, message = REFUSED[case]
    encoder = TableEncoder().fit(DATA)
    with pytest.raises((TypeError, ValueError), match=message):
        encoder.transform(make())
    before = encoder.state()
    with pytest.raises((TypeError, ValueError)):
        encoder.partial_fit(make())
    assert encoder.state() == before


def test_refused_when_fitted():
    with pytest.raises(RuntimeError, match=r"call fit\(x\) first"):
        TableEncoder().transform(DATA)
    with pytest.raises(ValueError, match="'gone' holds nothing but missing values: leave it out"):
        TableEncoder().fit(changed(gone=[None] * 4))
    with pytest.raises(ValueError, match="categorical has 'town', which is no column of x: age"):
        TableEncoder(categorical=["town"]).fit(DATA)
    with pytest.raises(TypeError, match="'born' is to be a category, and holds dates"):
        TableEncoder(categorical=["born"]).fit(DATA)
    with pytest.raises(ValueError, match="'height' is missing in row 1: missing='mean' replaces it"):
        TableEncoder(missing=None).fit_transform(DATA)
    with pytest.raises(ValueError, match="column 'x0' has too large a spread"):
        TableEncoder().fit([[-1e308], [1e308]])


def test_frames_that_are_not_read(monkeypatch):
    polars, narwhals = pytest.importorskip("polars"), pytest.importorskip("narwhals")
    with pytest.raises(TypeError, match=re.escape("give x.collect()")):
        TableEncoder().fit(polars.LazyFrame(DATA))
    monkeypatch.setitem(sys.modules, narwhals.stable.v2.__name__, None)
    with pytest.raises(ImportError, match=re.escape("pip install 'fastopt[tables]'")):
        TableEncoder().fit(polars.DataFrame(DATA))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"columns": []}, "must have different names"),
        ({"count": 0}, "count"),
        ({"config": None}, "config must be a dict"),
        ({"more": 1}, "not the state"),
        ({"columns": [{"class": "Number", "config": {"name": 3}}]}, "name must be a string"),
        ({"columns": [{"class": "Number", "config": {"name": "a", "knots": [1, 1], "heights": [0, 1]}}]}, "increase"),
        ({"columns": [{"class": "os.system", "config": {}}]}, "Unknown column"),
    ],
)
def test_wrong_states(change, message):
    state = TableEncoder().fit(DATA).state()
    with pytest.raises((TypeError, ValueError), match=message):
        TableEncoder.from_state(state | change)


def test_page(capsys):
    page = Path(__file__).resolve().parents[2] / "docs/tables.md"
    code = "\n".join(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
    exec(compile(code, "tables.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    assert f"# {printed[0]}" in page.read_text()
    assert printed[1] == "(1, 1)"
