"""Embeddings: the products of one-hot samples, whose steps are dense or lazy."""

import copy
import pickle

import cases
import numpy as np
import pytest

import fastopt as fo
from fastopt import layers

COUNTS = [5, 12, 3]


def ids_of(rng, n=60):
    return np.stack([rng.integers(0, count, n) for count in COUNTS], axis=1)


def one_hot(ids):
    return np.concatenate([np.eye(count)[column] for count, column in zip(COUNTS, ids.T, strict=True)], axis=1)


def looked_up(width=4, **arguments):
    return [layers.Embedding(COUNTS, width, **arguments), layers.Flatten(), layers.Dense(3)]


def multiplied(model, width=4):
    """The same function of one-hot samples: a Dense layer for the table, whose blocks lie on the diagonal."""
    inputs = [fo.Input(count) for count in COUNTS]
    vectors = [layers.Dense(width, use_bias=False)(each) for each in inputs]
    twin = fo.Model(inputs, layers.Dense(3)(layers.Concatenate()(vectors)), dtype="float64")
    table, *rest = model.get_weights()
    twin.set_weights([*np.split(table, np.cumsum(COUNTS)[:-1]), *rest])
    return twin


def compiled(make, optimizer, dtype="float64", seed=1):
    model = fo.Sequential(make(), seed=seed, dtype=dtype)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    return model


# Those that do not look at tensors as wholes, which are others for parts of the table.
WHOLE = "norm=", "Adafactor", "Cautious", "Lamb", "Muon", "SAM", "SOAP"
OPTIMIZERS = {name: make for name, make in cases.OPTIMIZERS.items() if not any(word in name for word in WHOLE)}


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_equals_products_of_one_hot_samples(make, rng):
    """Whatever the rule: rows without a gradient get their steps too."""
    ids, y = ids_of(rng), rng.integers(0, 3, 60)
    model = compiled(looked_up, make())
    model.build(3)
    twin = multiplied(model)
    twin.compile(make(), "sparse_categorical_crossentropy")
    parts = [np.eye(count)[column] for count, column in zip(COUNTS, ids.T, strict=True)]
    for _ in range(3):
        for rows in (slice(0, 25), slice(25, 60)):
            model.train_on_batch(ids[rows], y[rows])
            twin.train_on_batch([part[rows] for part in parts], y[rows])
    table, *rest = model.get_weights()
    first, second, third, *others = twin.get_weights()
    for a, b in zip([table, *rest], [np.concatenate([first, second, third]), *others], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_lazy_adam(dtype, rng):
    """Rows that a batch names get the step of Adam, the others and their moments none."""
    model = compiled(lambda: looked_up(5, lazy=True), fo.optimizers.Adam(0.1), np.dtype(dtype).name)
    model.build(3)
    ids, y = ids_of(rng, 6), rng.integers(0, 3, 6)
    for step in (1, 2, 3):
        before = {name: array.copy() for name, array in (model.parameters | model.slots).items()}
        some = ids[step : step + 2]
        twin = copy.deepcopy(model)
        logits = twin(some)
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        twin.backward((p / p.sum(axis=1, keepdims=True) - np.eye(3)[y[step : step + 2]]) / 2)
        g = twin.gradients["embedding/embeddings"].astype(float)
        model.train_on_batch(some, y[step : step + 2])
        after = model.parameters | model.slots
        named = np.zeros(sum(COUNTS), bool)
        named[some + np.cumsum([0, *COUNTS[:-1]])] = True
        m, v = (before[f"embedding/embeddings/{name}"].astype(float) for name in "mv")
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        w = before["embedding/embeddings"] - 0.1 * (m / (1 - 0.9**step)) / (
            np.sqrt(v / (1 - 0.999**step)) + model.optimizer.epsilon
        )
        for name, want in {"embedding/embeddings": w, "embedding/embeddings/m": m, "embedding/embeddings/v": v}.items():
            np.testing.assert_allclose(after[name][named], want[named], rtol=2e-3 if dtype == np.float32 else 1e-9)
            np.testing.assert_array_equal(after[name][~named], before[name][~named])
            assert not np.array_equal(after[name][named], before[name][named])


@pytest.mark.parametrize("lazy", [False, True])
def test_same_bits_for_every_number_of_threads(lazy, rng, for_all_threads):
    ids, y = rng.integers(0, 5000, (300, 7)), rng.integers(0, 3, 300)

    def train():
        model = compiled(lambda: [layers.Embedding(5000, 9, lazy=lazy), layers.Flatten(), layers.Dense(3)], "adam")
        model.fit(ids, y, batch_size=100, epochs=2, verbose=0)
        return [*model.get_weights(), model.predict(ids)]

    for_all_threads(train)


def test_kinds_of_ids(rng):
    ids = ids_of(rng)
    model = compiled(looked_up, "adam")
    model.build(3)
    want = model.predict(ids)
    np.testing.assert_array_equal(want, multiplied(model).predict([*np.split(one_hot(ids), np.cumsum(COUNTS)[:-1], 1)]))
    for kind in (np.int8, np.uint16, np.int32, np.uint64, np.float32, np.float64):
        np.testing.assert_array_equal(model.predict(ids.astype(kind)), want)
    np.testing.assert_array_equal(model.predict(np.asfortranarray(ids)), want)
    table = model.parameters["embedding/embeddings"]
    np.testing.assert_array_equal(model.layer_outputs(ids)["embedding"], table[ids + np.array([0, 5, 17])])


def test_one_table_for_all_columns(rng):
    ids = rng.integers(0, 9, (20, 4))
    model = compiled(lambda: [layers.Embedding(9, 2)], "adam")
    model.build(4)
    np.testing.assert_array_equal(model.predict(ids), model.parameters["embedding/embeddings"][ids])


def test_learns_with_numbers_beside(rng):
    """y = x_1 + a number for each of 40 things, of which 2 of 3 columns name one."""
    numbers, ids = fo.Input(2), fo.Input(3)
    vectors = layers.Flatten()(layers.Embedding([40, 40, 7], 2)(ids))
    hidden = layers.Dense(16, "tanh")(layers.Concatenate()([numbers, vectors]))
    model = fo.Model([numbers, ids], layers.Dense(1)(hidden), seed=0)
    model.compile(fo.optimizers.Adam(0.02), "mse")
    of_things = rng.normal(size=40)
    x, i = rng.normal(size=(800, 2)), np.stack([rng.integers(0, n, 800) for n in (40, 40, 7)], axis=1)
    y = 0.3 * x[:, 0] + of_things[i[:, 0]] - of_things[i[:, 1]]
    history = model.fit([x, i], y, epochs=60, batch_size=50, verbose=0)
    assert history.history["loss"][-1] < 0.02 * y.var()


def test_called_twice_and_nested(rng):
    ids, y = ids_of(rng), rng.integers(0, 3, 60)
    a, b = fo.Input(3), fo.Input(3)
    embed = fo.Sequential([layers.Embedding(COUNTS, 4), layers.Flatten()])
    model = fo.Model([a, b], layers.Dense(3)(layers.Add()([embed(a), embed(b)])), seed=0, dtype="float64")
    model.compile("adam", "sparse_categorical_crossentropy")
    assert fo.check_gradients(model, [ids, ids[::-1]], y).ok
    model.fit([ids, ids[::-1]], y, verbose=0)
    wrong = ids.copy()
    wrong[2, 1] = 12
    with pytest.raises(ValueError, match=r"x\[1\]\[2, 1\] = 12 is no id from 0 to 11"):
        model.predict([ids, wrong])


def test_gradients_curvature_and_solvers(rng):
    ids, y = ids_of(rng), rng.integers(0, 3, 60)
    model = compiled(lambda: [layers.Embedding(COUNTS, 4, embeddings_regularizer="l2"), *looked_up()[1:]], "adam")
    assert fo.check_gradients(model, ids, y).ok
    model.build(3)
    v = rng.normal(size=model.count_params())
    w = np.concatenate([array.ravel() for array in model.parameters.values()])
    gradients = [model.cost_and_gradient(ids, y, w + h * v)[1] for h in (1e-5, -1e-5)]
    np.testing.assert_allclose(
        fo.curvature.hessian_vector_product(model, ids, y, v), (gradients[0] - gradients[1]) / 2e-5, atol=1e-7
    )
    for solver in ("lbfgs", "newton_cg"):
        model = compiled(looked_up, solver)
        assert model.fit(ids, ids[:, 2], epochs=30, verbose=0).history["loss"][-1] < 0.1


def test_copies_files_fleets_and_summary(rng, tmp_path, capsys):
    ids, y = ids_of(rng), rng.integers(0, 3, 60)
    model = compiled(lambda: looked_up(lazy=True), "adam")
    model.fit(ids, y, verbose=0)
    model.save(tmp_path / "model.safetensors")
    others = [copy.deepcopy(model), pickle.loads(pickle.dumps(model)), fo.load_model(tmp_path / "model.safetensors")]
    alone = copy.deepcopy(model)
    fo.fleet.fit(others, ids, y, epochs=2, initial_epoch=1, verbose=0)
    alone.fit(ids, y, epochs=2, initial_epoch=1, verbose=0)
    for other in others:
        for a, b in zip(alone.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    model.summary()
    assert "Embedding" in capsys.readouterr().out


def test_frozen(rng):
    ids, y = ids_of(rng), rng.integers(0, 3, 60)
    model = compiled(lambda: looked_up(trainable=False, lazy=True), fo.optimizers.Lookahead("adam"))
    model.build(3)
    before = model.get_weights()[0]
    model.fit(ids, y, verbose=0)
    np.testing.assert_array_equal(before, model.get_weights()[0])


IDS, TOPICS = np.zeros((4, 3), int), [0, 1, 2, 0]
BAD_IDS = {
    "too large": (np.array([[0, 0, 0], [0, 12, 0]]), r"x\[1, 1\] = 12 is no id from 0 to 11"),
    "negative": (np.array([[0, 0, -1]]), r"x\[0, 2\] = -1 is no id from 0 to 2"),
    "a fraction": (np.array([[0.5, 0, 0]]), r"x\[0, 0\] = 0.5 is no id from 0 to 4"),
    "nan": (np.array([[np.nan, 0, 0]]), r"x\[0, 0\] = nan is not finite"),
    "columns": (np.zeros((4, 2)), r"x has 2 features"),
}


@pytest.mark.parametrize(("wrong", "message"), BAD_IDS.values(), ids=BAD_IDS)
def test_bad_ids(wrong, message):
    model = compiled(looked_up, "adam")
    model.build(3)
    before, y = model.get_weights(), np.zeros(len(wrong), int)
    for call in (lambda: model.fit(wrong, y, verbose=0), lambda: model.predict(wrong), lambda: model(wrong)):
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(ValueError, match=f"validation {message}"):
        model.fit(IDS, TOPICS, validation_data=(wrong, y), verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


BAD = {
    "no ids": (lambda: layers.Embedding(0, 3), ValueError, "input_dim must be at least 1"),
    "a fraction": (lambda: layers.Embedding([2, 2.5], 3), TypeError, r"input_dim\[1\] must be an integer"),
    "no columns": (lambda: compiled(lambda: [layers.Embedding([2, 2], 3)], "sgd").build(3), ValueError, "of 2 columns"),
    "not first": (
        lambda: compiled(lambda: [layers.Dense(2), layers.Embedding(2, 3)], "sgd").build(2),
        ValueError,
        "embedding takes ids, which only an input of a model holds, not the output of dense",
    ),
    "images": (lambda: compiled(lambda: [layers.Embedding(2, 3)], "sgd").build((2, 2)), ValueError, "flat samples"),
    "float32": (
        lambda: compiled(lambda: [layers.Embedding(2**24 + 1, 1)], "sgd", "float32").build(1),
        ValueError,
        "float32 holds ids up to",
    ),
    "lazy Lookahead": (
        lambda: compiled(lambda: looked_up(lazy=True), fo.optimizers.Lookahead("adam")).fit(IDS, TOPICS, verbose=0),
        ValueError,
        "moves the rows alone that a batch names",
    ),
    "lazy norm": (
        lambda: compiled(lambda: looked_up(lazy=True), fo.optimizers.Clip("adam", norm=1.0)).train_on_batch(
            IDS, TOPICS
        ),
        ValueError,
        "moves the rows alone that a batch names",
    ),
}


@pytest.mark.parametrize(("make", "error", "message"), BAD.values(), ids=BAD)
def test_bad(make, error, message):
    with pytest.raises(error, match=message):
        make()


# Peers


@pytest.mark.parametrize("lazy", [False, True])
def test_against_torch(lazy, rng):
    """With an epsilon that does not count: `SparseAdam` adds it elsewhere."""
    torch = pytest.importorskip("torch")
    ids, y = ids_of(rng, 90), rng.normal(size=(90, 2))
    model = fo.Sequential([layers.Embedding(12, 4, lazy=lazy), layers.Flatten(), layers.Dense(2)], 0, "float64")
    model.compile(fo.optimizers.Adam(0.01, epsilon=1e-20), "mse")
    model.build(3)
    table, kernel, bias = (torch.tensor(array) for array in model.get_weights())
    embedding = torch.nn.Embedding.from_pretrained(table, freeze=False, sparse=lazy)
    linear = torch.nn.Linear(12, 2, dtype=torch.float64)
    with torch.no_grad():
        linear.weight.copy_(kernel.T)
        linear.bias.copy_(bias)
    kind = torch.optim.SparseAdam if lazy else torch.optim.Adam
    steps = [kind(embedding.parameters(), 0.01, eps=1e-20), torch.optim.Adam(linear.parameters(), 0.01, eps=1e-20)]
    for _ in range(4):
        for rows in (slice(0, 4), slice(4, 9), slice(9, 12)):
            model.train_on_batch(ids[rows], y[rows])
            for step in steps:
                step.zero_grad()
            outputs = linear(embedding(torch.tensor(ids[rows])).flatten(1))
            ((outputs - torch.tensor(y[rows])) ** 2).mean().backward()
            for step in steps:
                step.step()
    np.testing.assert_allclose(model.get_weights()[0], embedding.weight.detach().numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(model.get_weights()[1].T, linear.weight.detach().numpy(), rtol=1e-9, atol=1e-12)
