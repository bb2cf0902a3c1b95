"""What a user passes as an array: nothing that NumPy hides is dropped, and what is advised works."""

import ast
import decimal
import re
from pathlib import Path

import numpy as np
import numpy.lib.recfunctions  # named by a message
import pytest

import fastopt as fo
from fastopt import kernels
from fastopt.core import checks

X, Y, LABELS = np.ones((3, 2)) + np.eye(3, 2), np.array([1.0, 2.0, 4.0]), np.array([0, 1, 1])
ROWS = np.array([2, 0])
IMAGES, AUGMENT = np.ones((3, 2, 2)) + np.eye(2), fo.data.Augment((1, 2), flip=0.5)


class Meters(np.ndarray):
    unit = "m"

    @property
    def value(self):
        return np.asarray(self)


class Far:
    """Something with a unit that is no array, as those of pint."""

    def __init__(self, values):
        self.magnitude = np.asarray(values)

    @property
    def units(self):
        return "m"

    def __array__(self, dtype=None, copy=None):
        return self.magnitude


class SparseRows:
    nnz = 1

    def __init__(self, values):
        self.values = np.asarray(values)

    def toarray(self):
        return self.values

    todense = toarray


def hidden(values):
    """Return the values as what means more than their numbers."""
    values = np.asarray(values)
    first = np.zeros(values.shape, bool)
    first.flat[0] = True
    return {
        "masked": np.ma.masked_array(values, first),
        "masked part": [*values.tolist(), np.ma.masked],
        "unit": values.view(Meters),
        "unit of no array": Far(values),
        "sparse": SparseRows(values),
        "complex": values + 1j,
        "date": values.astype("M8[D]"),
        "duration": values.astype("m8[s]"),
        "objects": values.astype(object),
        "words": values.astype(str),
        "fields": np.array([(1, 2.0)], [("a", int), ("b", float)]),
        "generator": (part for part in values.tolist()),
        "dict": {"a": values},
        "set": {1.0, 2.0},
    }


def model(loss="mse", units=1, **kwargs):
    made = fo.Sequential([fo.layers.Dense(units, **kwargs)], seed=0)
    made.compile(fo.optimizers.SGD(0.1), loss)
    made.build(2)
    return made


def functional():
    a = fo.Input(2)
    made = fo.Model(a, fo.layers.Dense(1)(a))
    made.compile("sgd", "mse")
    return made


def backward(made, dy):
    made(X)
    made.backward(dy)


def axes():
    return pytest.importorskip("matplotlib.figure").Figure().subplots()


def scaler():
    return fo.preprocessing.Standardizer().fit(X)


# Each place where arrays come in: a good value, and what is done with another in its place.
ENTRIES = {
    **{
        f"{kind.__name__}.{name}": entry
        for kind in (model, functional)
        for name, entry in {
            "fit x": (X, lambda v, k=kind: k().fit(v, Y, verbose=0)),
            "fit y": (Y, lambda v, k=kind: k().fit(X, v, verbose=0)),
            "fit sample_weight": (Y, lambda v, k=kind: k().fit(X, Y, sample_weight=v, verbose=0)),
            "fit validation_data": (Y, lambda v, k=kind: k().fit(X, Y, validation_data=(X, v), verbose=0)),
            "fit rows": (ROWS, lambda v, k=kind: k().fit(X, Y, rows=v, verbose=0)),
            "fit validation_rows": (ROWS, lambda v, k=kind: k().fit(X, Y, validation_rows=v, verbose=0)),
            "evaluate rows": (ROWS, lambda v, k=kind: k().evaluate(X, Y, rows=v)),
            "train_on_batch x": (X, lambda v, k=kind: k().train_on_batch(v, Y)),
            "train_on_batch y": (Y, lambda v, k=kind: k().train_on_batch(X, v)),
            "train_on_batch sample_weight": (Y, lambda v, k=kind: k().train_on_batch(X, Y, sample_weight=v)),
            "evaluate x": (X, lambda v, k=kind: k().evaluate(v, Y)),
            "evaluate y": (Y, lambda v, k=kind: k().evaluate(X, v)),
            "evaluate sample_weight": (Y, lambda v, k=kind: k().evaluate(X, Y, sample_weight=v)),
            "cost_and_gradient x": (X, lambda v, k=kind: k().cost_and_gradient(v, Y)),
            "cost_and_gradient y": (Y, lambda v, k=kind: k().cost_and_gradient(X, v)),
            "cost_and_gradient w": (Y, lambda v, k=kind: k().cost_and_gradient(X, Y, v)),
            "cost_and_gradient sample_weight": (Y, lambda v, k=kind: k().cost_and_gradient(X, Y, sample_weight=v)),
            "predict x": (X, lambda v, k=kind: k().predict(v)),
            "call x": (X, lambda v, k=kind: k()(v)),
            "backward dy": (Y[:, np.newaxis], lambda v, k=kind: backward(k(), v)),
            "set_weights weights": (np.ones((2, 1)), lambda v, k=kind: k().set_weights([v, [1.0]])),
        }.items()
    },
    "fit labels": (LABELS, lambda v: model("sparse_categorical_crossentropy", 2).fit(X, v, verbose=0)),
    "predict_on_batch x": (X, lambda v: model().predict_on_batch(v)),
    "test_on_batch x": (X, lambda v: model().test_on_batch(v, Y)),
    "test_on_batch y": (Y, lambda v: model().test_on_batch(X, v)),
    "test_on_batch sample_weight": (Y, lambda v: model().test_on_batch(X, Y, v)),
    "predict_classes x": (X, lambda v: model("binary_crossentropy").predict_classes(v)),
    "predict_proba x": (X, lambda v: model("binary_crossentropy").predict_proba(v)),
    "layer_outputs x": (X, lambda v: model().layer_outputs(v)),
    "recompute_statistics x": (X, lambda v: model().recompute_statistics(v)),
    "function loss": (Y, lambda v: model(lambda t, p: (v, np.ones_like(p))).train_on_batch(X, Y)),
    "function loss gradient": (Y[:, None], lambda v: model(lambda t, p: ((t - p)[:, 0], v)).train_on_batch(X, Y)),
    "check_gradients x": (X, lambda v: fo.check_gradients(model(), v, Y)),
    "check_gradients y": (Y, lambda v: fo.check_gradients(model(), X, v)),
    "check_gradients sample_weight": (Y, lambda v: fo.check_gradients(model(), X, Y, v)),
    "check_gradients_of x0": (Y, lambda v: fo.check_gradients_of(np.sum, np.ones_like, v)),
    "check_gradients_of gradient": (Y, lambda v: fo.check_gradients_of(np.sum, v, Y)),
    "trace x0": (Y, lambda v: fo.optimizers.trace("sgd", np.sum, np.ones_like, v, 1)),
    "trace grad": (Y, lambda v: fo.optimizers.trace("sgd", np.sum, lambda x: v, Y, 1)),
    "fit_transform x": (X, lambda v: fo.preprocessing.Standardizer().fit_transform(v)),
    "partial_fit x": (X, lambda v: fo.preprocessing.MinMaxScaler().partial_fit(v)),
    "transform x": (X, lambda v: scaler().transform(v)),
    "inverse_transform x": (X, lambda v: scaler().inverse_transform(v)),
    "whitener x": (X, lambda v: fo.preprocessing.Whitener().fit(v)),
    "one_hot labels": (LABELS, fo.preprocessing.one_hot),
    "quantile_bins x": (X, fo.preprocessing.quantile_bins),
    "train_dev_test_split x": (np.ones((30, 2)), lambda v: fo.preprocessing.train_dev_test_split(v, np.ones(30))),
    "train_dev_test_split y": (np.ones(30), lambda v: fo.preprocessing.train_dev_test_split(np.ones((30, 2)), v)),
    "check_same_distribution dev": (X, lambda v: fo.preprocessing.check_same_distribution((v, Y), (X, Y))),
    "output_prior y": (LABELS, fo.initializers.output_prior),
    "hessian_vector_product x": (X, lambda v: fo.curvature.hessian_vector_product(model(), v, Y, Y)),
    "hessian_vector_product y": (Y, lambda v: fo.curvature.hessian_vector_product(model(), X, v, Y)),
    "hessian_vector_product v": (Y, lambda v: fo.curvature.hessian_vector_product(model(), X, Y, v)),
    "hessian_vector_product w": (Y, lambda v: fo.curvature.hessian_vector_product(model(), X, Y, Y, w=v)),
    "spectrum_of x0": (Y, lambda v: fo.curvature.spectrum_of(lambda x: x @ x, v)),
    "weighted_average series": (Y, lambda v: fo.weighted_average(v, 0.9)),
    "decision_boundary x": (X, lambda v: fo.plotting.decision_boundary(model("binary_crossentropy"), v, ax=axes())),
    "images x": (X, lambda v: fo.plotting.images(v, shape=(1, 2), ax=axes())),
    "averages series": (Y, lambda v: fo.plotting.averages(v, ax=axes())),
    "augment x": (X, lambda v: AUGMENT(v)),
    "added x": (X, lambda v: AUGMENT.added(v, Y)),
    "added y": (Y, lambda v: AUGMENT.added(X, v)),
    "added sample_weight": (Y, lambda v: AUGMENT.added(X, Y, v)),
    "rotate images": (IMAGES, lambda v: fo.data.rotate(v, 10.0)),
    "distort images": (IMAGES, lambda v: fo.data.distort(v, IMAGES[0], IMAGES[0])),
    "distort dy": (IMAGES[0], lambda v: fo.data.distort(IMAGES, v, IMAGES[0])),
    "distort dx": (IMAGES[0], lambda v: fo.data.distort(IMAGES, IMAGES[0], v)),
    "Constant value": (Y, fo.initializers.Constant),
    "metric y_true": (Y, lambda v: fo.metrics.R2()(v, Y)),
    "metric y_pred": (Y, lambda v: fo.metrics.MeanSquaredError()(Y, v)),
    "metric sample_weight": (Y, lambda v: fo.metrics.R2()(Y, Y, v)),
    "confusion_matrix y_true": (LABELS, lambda v: fo.metrics.confusion_matrix(v, LABELS)),
    "confusion_matrix sample_weight": (Y, lambda v: fo.metrics.confusion_matrix(LABELS, LABELS, v)),
    "update params": (Y, lambda v: fo.optimizers.SGD(0.1).update([v], [Y])),
    "update grads": (Y, lambda v: fo.optimizers.SGD(0.1).update([Y.copy()], [v])),
    "build params": (Y, lambda v: fo.optimizers.Adam().build({"w": v})),
    "kernel x": (Y, kernels.norm),
    "kernel out": (np.ones((2, 3)), lambda v: kernels.matmul(np.ones((2, 2)), np.ones((2, 3)), out=v)),
    "kernel target": (Y[:, None], lambda v: kernels.huber(np.ones((3, 1)), v)),
    "kernel update": (Y, lambda v: kernels.sgd_update(Y.copy(), v, 0.1)),
    "kernel update in place": (Y, lambda v: kernels.sgd_update(v, Y, 0.1)),
}


@pytest.mark.parametrize("entry", ENTRIES)
def test_nothing_that_is_hidden_is_dropped(entry):
    good, use = ENTRIES[entry]
    use(good.copy())
    for kind, value in hidden(good).items():
        # Some take collections of arrays.
        if kind in ("dict", "generator", "masked part") and any(word in entry for word in ("update", "build", "_of ")):
            continue
        if (kind == "words" and entry in ("fit labels", "train_dev_test_split y", "added y")) or (
            kind == "generator" and "predict" in entry
        ):
            continue  # labels, and batches
        before = np.array(value.data) if kind == "masked" else None
        with pytest.raises((TypeError, ValueError)) as caught:
            use(value)
        assert caught.type is TypeError or kind in ("fields", "masked part"), (kind, caught.value)
        if kind == "masked":
            assert np.array_equal(value.data, before), kind


def test_every_entry_is_in_the_table():
    """Each argument of a public function that is said to be an array is used above, or goes the same way."""
    package = Path(fo.__file__).parent
    places = {"data", "model", "tools", "optimizers/base", "optimizers/traces", "metrics/classes", "initializers"}
    found = set()
    for path in package.rglob("*.py"):
        where = path.relative_to(package).with_suffix("").as_posix()
        if not any(where == place or where.startswith(f"{place}/") for place in places):
            continue
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                for argument in [*node.args.args, *node.args.kwonlyargs]:
                    text = ast.unparse(argument.annotation) if argument.annotation else ""
                    if re.search("ArrayLike|Arrays|Tree", text):
                        found.add(f"{node.name} {argument.arg}")
    used = {" ".join(entry.split(".")[-1].split(" ")[:2]) for entry in ENTRIES}
    by_another_way = {
        "fit_transform x", "float64_twin x", "checked_inputs x", "checked_samples y", "checked_samples sample_weight",
        "activations x", "feature_maps x", "gradients x", "gradients y", "trajectories minimum", "swap params",
        "confusion_matrix y_pred", "taking rows", "pretrain x", "pretrain y", "continuation x", "continuation y",
        "surface sample_weight", "decision_boundary y", "field given", "checked_targets y",
    }  # fmt: skip
    # All functions of the curvature read the cost as the first of them does, and a start as the last.
    of_curvature = {
        entry for entry in found if f"def {entry.split()[0]}(" in (package / "tools/curvature.py").read_text()
    }
    assert found - used - of_curvature <= by_another_way


def test_what_hides_nothing_is_taken():
    masked = np.ma.masked_array(X, np.zeros(X.shape, bool))
    for given in (masked, X.view(np.matrix), np.asfortranarray(X), X.tolist(), [*map(tuple, X)], [*X]):
        array = checks.array("x", given)
        assert type(array) is np.ndarray
        assert np.array_equal(array, X)


NAMES, UNSTRUCTURED = "numpy.unique(x, return_inverse=True)[1]", "numpy.lib.recfunctions.structured_to_unstructured(x)"
FIELDS = [("a", int), ("b", float)]

# What is given, and the advice of the message, by which it is taken.
ADVICE = {
    "masked": (lambda: np.ma.masked_array([1.0, 2.0], [False, True]), "x.filled(number)"),
    "sparse": (lambda: SparseRows(np.eye(2)), "x.toarray()"),
    "dict": (lambda: {"a": [1, 2], "b": [3, 4]}, "numpy.column_stack([*x.values()])"),
    "generator": (lambda: (i for i in range(3)), "numpy.array([*x])"),
    "set": (lambda: {3, 1}, "sorted(x)"),
    "unit": (lambda: np.ones(2).view(Meters), "x.value"),
    "unit of no array": (lambda: Far([1.0]), "x.magnitude"),
    "complex": (lambda: np.ones(2) + 1j, "numpy.real(x)"),
    "dates": (lambda: np.array(["2026-01-01", "2026-01-03"], "M8[D]"), "(x - x.min()) / numpy.timedelta64(1, 'D')"),
    "durations": (lambda: np.array([1, 2], "m8[s]"), "x / numpy.timedelta64(1, 's')"),
    "labels": (lambda: np.array(["a", "b", "b"]), NAMES),
    "labels as objects": (lambda: np.array(["a", "b"], object), NAMES),
    "numbers as words": (lambda: np.array(["1", "2.5"]), "numpy.asarray(x, dtype='float64')"),
    "numbers as objects": (lambda: np.array([1, decimal.Decimal(2)], object), "numpy.asarray(x, dtype='float64')"),
    "half": (lambda: np.ones(2, np.float16), "numpy.asarray(x, dtype='float32')"),
    "long": (lambda: np.ones(2, np.longdouble), "numpy.asarray(x, dtype='float64')"),
    "byte order": (lambda: np.ones(2, ">f8"), "x.astype(x.dtype.newbyteorder('='))"),
    "fields": (lambda: np.array([(1, 2.0)], FIELDS), UNSTRUCTURED),
}


@pytest.mark.parametrize("case", ADVICE)
def test_advice_works(case):
    make, advice = ADVICE[case]
    with pytest.raises(TypeError, match=re.escape(advice)):
        checks.array("x", make())
    checks.array("x", eval(advice, {"numpy": np, "x": make(), "number": 0.0}))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.array([1.0, None], object), r"x\[1\] is None, which is no number"),
        (np.array([1.0, "n/a"], object), r"x\[1\] is 'n/a', which is no number"),
        (None, "x has dtype object.*it is None"),
        (np.array([["a", "b"]]), "pandas.get_dummies"),
    ],
)
def test_what_is_no_number_is_named(value, message):
    with pytest.raises(TypeError, match=message):
        checks.array("x", value)


def test_sparse_matrices():
    sparse = pytest.importorskip("scipy.sparse")
    for make in (sparse.csr_matrix, sparse.csc_array, sparse.coo_matrix):
        with pytest.raises(TypeError, match=r"y is a sparse .*: give y\.toarray\(\)"):
            model().fit(X, make(Y[:, None]), verbose=0)


def test_tensors():
    torch = pytest.importorskip("torch")
    tensors = {
        "x.detach()": torch.ones(3, 2, requires_grad=True),
        "x.float()": torch.ones(3, 2, dtype=torch.bfloat16),
        "x.detach().float()": torch.ones(3, 2, dtype=torch.bfloat16, requires_grad=True),
        "x.to_dense()": torch.ones(3, 2).to_sparse(),
    }
    for advice, x in tensors.items():
        with pytest.raises(TypeError, match=re.escape(f"give {advice}.")):
            checks.array("x", x)
        assert checks.array("x", eval(advice, {"x": x})).shape == (3, 2)
    assert checks.array("x", torch.ones(3, 2)).dtype == np.float32


def test_frames():
    pandas = pytest.importorskip("pandas")
    words = pandas.DataFrame({"age": [1.0, 2.0, 4.0], "city": ["x", "y", "x"]})
    with pytest.raises(TypeError, match=r"x has columns that do not hold numbers: 'city' \(.*pandas.get_dummies\(x\)"):
        model().fit(words, Y, verbose=0)
    times = words.assign(city=pandas.to_datetime(["2026", "2025", "2026"]))
    with pytest.raises(TypeError, match=r"'city' .*times have to be counted"):
        checks.array("x", times)
    # Mixed and nullable columns are numbers.
    nullable = {"n": pandas.array([1, 2, 3], "Int64"), "b": pandas.array([True, False, True], "boolean")}
    frames = [
        (pandas.get_dummies(words), [[1, 1, 0], [2, 0, 1], [4, 1, 0]], np.float64),
        (pandas.DataFrame({"b": [True, False], "f": np.float32([1.5, 2])}), [[1, 1.5], [0, 2]], np.float32),
        (pandas.DataFrame(nullable), [[1, 1], [2, 0], [3, 1]], np.int64),
        (pandas.Series([1, 2], dtype="Int64"), [1, 2], np.int64),
        (pandas.Series([True, False], dtype="boolean"), [1, 0], bool),
        (pandas.Series([1, None], dtype="Int64"), [1, np.nan], np.float64),
    ]
    for frame, right, dtype in frames:
        array = checks.array("x", frame)
        assert array.dtype == dtype
        np.testing.assert_array_equal(array, right)
    # What is missing is named by its column.
    missing = pandas.DataFrame({"age": [1.0, 2.0, 3.0], "n": pandas.array([1, None, 3], "Int64")})
    for use in (lambda x: model().fit(x, Y, verbose=0), fo.preprocessing.Standardizer().fit):
        with pytest.raises(ValueError, match=r"x\[1, 1\] \(column 'n'\) = nan is not finite"):
            use(missing)
    with pytest.raises(TypeError, match=r"numpy\.unique\(y"):
        model().fit(X, pandas.Series(["a", "b", "b"]), verbose=0)


@pytest.mark.parametrize(("name", "make"), [("astropy.units", "Quantity"), ("pint", "Quantity")])
def test_units(name, make):
    module = pytest.importorskip(name)
    value = getattr(module, make)(np.ones((3, 2)), "m")
    with pytest.raises(TypeError, match=r"x is a Quantity in m.*, a unit that would be lost"):
        model().fit(value, Y, verbose=0)
