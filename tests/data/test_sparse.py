"""Sparse samples: the results are those of the same numbers in a dense array, to the bit."""

import copy
import tracemalloc

import cases
import numpy as np
import pytest
from arrays import assert_close, blank, guarded

import fastopt as fo
from fastopt import kernels
from fastopt._core import kernels as core
from fastopt.data.sparse import SparseRows

sparse = pytest.importorskip("scipy.sparse")
layers = fo.layers


def matrix(rng, rows, columns, filled=0.2, dtype=np.float32, make=sparse.csr_array):
    dense = (rng.normal(size=(rows, columns)) * (rng.random((rows, columns)) < filled)).astype(dtype)
    return make(dense)


def rows_of(x, dtype):
    return SparseRows(x.indptr.astype(np.int64), x.indices.astype(np.int32), x.data.astype(dtype), x.shape[1])


# Kernels


def test_forward(isa, dtype, rng):
    """With the bits of the dense product, which adds up in the same order."""
    for columns in [*cases.lengths(dtype), 100, 131]:
        rows, depth = columns % 3 + 1, 17
        x = matrix(rng, rows, depth, dtype=dtype)
        kernel, _ = guarded(rng.normal(size=(depth, columns)).astype(dtype), columns % 4)
        bias, _ = guarded(rng.normal(size=columns).astype(dtype), 1)
        out, intact = blank((rows, columns), dtype, 3)
        for add in (None, bias):
            core.sparse_forward(rows_of(x, dtype), kernel, add, out)
            want = x.toarray().astype(float) @ kernel + (0 if add is None else add)
            assert_close(out, want, 2 * depth * np.finfo(dtype).eps * (abs(x.toarray()) @ abs(kernel) + 10))
            assert intact()
            np.testing.assert_array_equal(out, kernels.dense_forward(x.toarray(), kernel, add))


def test_backward(isa, dtype, rng):
    for columns in [*cases.lengths(dtype), 100]:
        rows, depth = 2 * columns % 7 + 1, 23
        x = matrix(rng, rows, depth, dtype=dtype)
        dy, _ = guarded(rng.normal(size=(rows, columns)).astype(dtype), columns % 4)
        want = x.toarray().astype(float).T @ dy
        bound = 2 * rows * np.finfo(dtype).eps * (abs(x.toarray()).T @ abs(dy))
        for part in (slice(0, depth), slice(5, 9), slice(22, 23)):
            out, intact = blank((part.stop - part.start, columns), dtype, 1)
            core.sparse_backward_kernel(rows_of(x, dtype), dy, depth, part.start, out)
            assert_close(out, want[part], bound[part])
            assert intact()


# Models

MODELS = {
    "dense": lambda: [layers.Dense(9, "relu"), layers.Dense(3)],
    "alone": lambda: [layers.Dense(3)],
    "no bias": lambda: [layers.Dense(9, "tanh", use_bias=False, kernel_regularizer="l2"), layers.Dense(3)],
    "softmax": lambda: [layers.Dense(9, "softmax"), layers.Dense(3)],
    "frozen": lambda: [layers.Dense(9, "relu", trainable=False), layers.Dense(3)],
    "dropout": lambda: [layers.Dropout(0.3), layers.Dense(9, "relu"), layers.Dense(3)],
    "batch norm": lambda: [layers.BatchNormalization(), layers.Dense(3)],
    "weight norm": lambda: [layers.WeightNormalization(layers.Dense(9, "relu")), layers.Dense(3)],
    "residual": lambda: [layers.Residual([layers.Dense(40, "relu")]), layers.Dense(3)],
}
OPTIMIZERS = {
    "adam": lambda: fo.optimizers.Adam(0.01),
    "clipped": lambda: fo.optimizers.Clip(fo.optimizers.SGD(0.1, momentum=0.9, nesterov=True), norm=0.5),
    "accumulated": lambda: fo.optimizers.Accumulate(fo.optimizers.Adam(0.01), 3),
    "lbfgs": lambda: fo.solvers.LBFGS(),
    "newton": lambda: fo.solvers.NewtonCG(),
}


def trained(x, y, make, optimizer, dtype="float32", **arguments):
    model = fo.Sequential(make(), seed=3, dtype=dtype)
    model.compile(optimizer(), "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(x, y, epochs=3, verbose=0, **arguments)
    return model


def values(history):
    return {name: each for name, each in history.history.items() if "second" not in name}


def samples(rng, rows=150, columns=40):
    return matrix(rng, rows, columns), rng.integers(0, 3, rows)


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_equals_dense(make, optimizer, rng):
    x, y = samples(rng)
    models = [trained(given, y, make, optimizer, batch_size=64) for given in (x, x.toarray())]
    for a, b in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(a, b)
    results = [
        [*model.evaluate(given, y, verbose=0), model.predict(given), model.predict_classes(given, 32)]
        for model, given in zip(models, (x, x.toarray()), strict=True)
    ]
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", ["dense", "no bias", "softmax", "dropout", "weight norm"])
def test_same_bits_for_every_number_of_threads(name, for_all_threads, rng):
    """Of a gradient in several parts."""
    x, y = matrix(rng, 90, 9000, 0.01), rng.integers(0, 3, 90)

    def weights(given=x):
        return trained(given, y, MODELS[name], fo.optimizers.Adam, batch_size=64).get_weights()

    for_all_threads(weights)
    for a, b in zip(weights(), weights(x.toarray()), strict=True):
        np.testing.assert_array_equal(a, b)


ARGUMENTS = {
    "validation_split": {"validation_split": 0.2},
    "at random": {"validation_split": 0.2, "split_by": "stratified"},
    "rows": {"rows": np.arange(100), "validation_rows": np.arange(100, 150)},
    "class_weight": {"class_weight": "balanced", "sample_weight": np.linspace(0.1, 1, 150)},
    "float64": {"dtype": "float64"},
}


@pytest.mark.parametrize("arguments", ARGUMENTS.values(), ids=ARGUMENTS)
def test_arguments_of_fit(arguments, rng):
    x, y = samples(rng)
    models = [trained(given, y, MODELS["dense"], fo.optimizers.Adam, **arguments) for given in (x, x.toarray())]
    assert values(models[0].history) == values(models[1].history)


def test_batches_steps_and_validation(rng):
    x, y = samples(rng)
    histories, steps = [], []
    for given in (x, x.toarray()):
        model = fo.Sequential(MODELS["dense"](), seed=3)
        model.compile("adam", "sparse_categorical_crossentropy")
        batches = [(given[i : i + 50], y[i : i + 50]) for i in range(0, 150, 50)]
        histories.append(model.fit(batches, epochs=2, validation_data=(given, y), verbose=0))
        steps.append([*model.train_on_batch(given, y), *model.evaluate(batches, verbose=0)])
        np.testing.assert_array_equal(model.predict(batches), model.predict(given))
    assert values(histories[0]) == values(histories[1])
    assert steps[0] == steps[1]


def test_loop_of_ones_own(rng):
    x, _ = samples(rng)
    gradients = []
    for given in (x, x.toarray()):
        model = fo.Sequential(MODELS["dense"](), seed=3)
        gradients.append([model.backward(model(given)), *model.gradients.values()])
    for a, b in zip(*gradients, strict=True):
        np.testing.assert_array_equal(a, b)


def test_several_inputs(rng):
    """A sparse and a dense one, and a sparse one that is read both as such and not."""
    x, y = samples(rng)
    other = rng.normal(size=(150, 4)).astype(np.float32)
    results = []
    for given in (x, x.toarray()):
        words, numbers = fo.Input(40), fo.Input(4)
        shared = layers.Dense(6, "tanh")
        parts = [shared(words), layers.Dense(6)(numbers), layers.Dropout(0.2)(words), shared(words)]
        model = fo.Model([words, numbers], layers.Dense(3)(layers.Concatenate()(parts)), seed=0)
        model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
        model.fit([given, other], y, epochs=2, verbose=0)
        results.append([model.predict([given, other]), *model.get_weights(), *model.evaluate([given, other], y)])
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


def test_fleet(rng):
    x, y = samples(rng)
    found = []
    for given in (x, x.toarray()):
        models = [fo.Sequential(MODELS["dense"](), seed=seed) for seed in range(3)]
        for model in models:
            model.compile("adam", "sparse_categorical_crossentropy")
        fo.fleet.fit(models, given, y, epochs=2, verbose=0)
        folds = fo.fleet.cross_validate(lambda m=models[0]: copy.deepcopy(m), given, y, folds=3, verbose=0)
        found.append([*(model.history.history["loss"] for model in models), folds.scores["loss"]])
    for a, b in zip(*found, strict=True):
        np.testing.assert_array_equal(a, b)


MAKERS = {name: getattr(sparse, name) for name in ("csr_matrix", "csc_array", "coo_array", "lil_array", "bsr_matrix")}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@pytest.mark.parametrize("dtype", [np.float64, np.int32, bool])
def test_kinds(make, dtype, rng):
    x = rng.integers(-1, 2, (50, 40)).astype(dtype)
    model = fo.Sequential(MODELS["dense"](), seed=0)
    model.build(40)
    np.testing.assert_array_equal(model.predict(make(x)), model.predict(x))


def test_order_of_entries(rng):
    """Entries in any order, several in one place, which add up, wide numbers of columns; the matrix stays as it is."""
    data, indices, indptr = np.array([2.0, 1.0, 3.0, 0.5, 4.0]), [4, 1, 4, 0, 2], np.array([0, 3, 3, 5])
    x = sparse.csr_array((data, np.array(indices, np.int64), indptr), shape=(3, 5))
    model = fo.Sequential(MODELS["dense"](), seed=0, dtype="float64")
    model.build(5)
    np.testing.assert_allclose(model.predict(x), model.predict(x.toarray()), rtol=1e-13)
    assert x.indices.tolist() == indices


def changed(x, **attributes):
    x = x.copy()
    for name, (place, value) in attributes.items():
        getattr(x, name)[place] = value
    return x


BAD = {
    "column": (lambda x: changed(x, indices=(5, 40)), r"x.indices\[5\] = 40, in row \d, is no column from 0 to 39"),
    "negative column": (lambda x: changed(x, indices=(0, -1)), r"x.indices\[0\] = -1, in row 0, is no column"),
    "rows": (lambda x: changed(x, indptr=(2, 10**6)), r"x.indptr\[2\] = 1000000, where row 1 ends, is not in"),
    "nan": (lambda x: changed(x, data=(3, np.nan)), r"x\[0, \d+\] = nan is not finite; remove or replace"),
    "too large": (lambda x: changed(x.astype(float), data=(-1, 1e300)), r"x\[149, \d+\] = 1e\+300 is too large for"),
    "width": (lambda x: x[:, :39], r"x is sparse, of shape \(150, 39\); expected \[n, 40\]"),
    "empty": (lambda x: x[:0], r"x is empty: its shape is \(0, 40\)"),
    "vector": (lambda x: sparse.coo_array(np.ones(4)), r"x is sparse, of shape \(4,\); expected \[n, 40\]"),
    "complex": (lambda x: x.astype(complex), "x.data has dtype complex128"),
    "wide": (lambda x: sparse.csr_array((150, 2**33)), "x is sparse, of shape"),
}


@pytest.mark.parametrize(("make", "message"), BAD.values(), ids=BAD)
def test_bad(make, message, rng):
    x, y = samples(rng)
    model = trained(x, y, MODELS["dense"], fo.optimizers.Adam)
    before, wrong = model.get_weights(), make(x)
    for call in (lambda: model.fit(wrong, y, verbose=0), lambda: model.predict(wrong)):
        with pytest.raises((ValueError, TypeError), match=message):
            call()
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_only_for_flat_samples(rng):
    x, y = samples(rng)
    model = fo.Sequential([layers.Flatten(), layers.Dense(3)])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.build((8, 5))
    with pytest.raises(ValueError, match="x is sparse, which only flat samples can be"):
        model.fit(x, y)
    flat = fo.Sequential([layers.Dense(3)])
    flat.build(40)
    with pytest.raises(TypeError, match="x is sparse, and each layer is run by itself"):
        flat.layer_outputs(x)
    with pytest.raises(TypeError, match="x is sparse, and so would be the gradient"):
        fo.plotting.gradients(model, x, y)
    with pytest.raises(TypeError, match=r"y is a sparse csr_array: give y.toarray\(\)"):
        model.fit(x.toarray().reshape(-1, 8, 5), x)


def test_memory_is_that_of_the_entries(rng):
    """Of 300,000 x 100,000 numbers, 120 GB if they were dense."""
    rows, columns = 300_000, 100_000
    x = sparse.csr_array(
        (np.ones(rows, np.float32), rng.integers(0, columns, rows).astype(np.int32), np.arange(rows + 1)),
        shape=(rows, columns),
    )
    model = fo.Sequential([layers.Dense(2)], seed=0)
    model.compile(fo.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    tracemalloc.start()
    model.fit(x, x.indices % 2, batch_size=10_000, verbose=0)
    model.predict(x)
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()
