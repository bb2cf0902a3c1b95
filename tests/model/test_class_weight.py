"""Weights by class in `fit` and `train_on_batch`: they are sample weights."""

import numpy as np
import pytest

import fastopt as fo

N = 90
FACTORS = {0: 0.5, 2: 3.0}


def labels(rng):
    return rng.choice(3, N, p=[0.6, 0.3, 0.1])


# Loss, outputs, and how targets are made of labels.
FORMS = {
    "sparse_categorical_crossentropy": (3, lambda y: y),
    "categorical_crossentropy": (3, lambda y: np.eye(3)[y]),
    "kl_divergence": (3, lambda y: np.eye(3)[y]),
    "binary_crossentropy": (1, lambda y: y == 2),
    "hinge": (1, lambda y: 2 * (y == 2) - 1),
    "squared_hinge": (1, lambda y: (y == 2)[:, None]),
}


def make(loss, outputs):
    model = fo.Sequential([fo.layers.Dense(5, "tanh"), fo.layers.Dense(outputs)])
    model.compile("adam", loss)
    return model


def trained(loss, outputs, x, y, **kwargs):
    model = make(loss, outputs)
    losses = model.fit(x, y, batch_size=16, epochs=3, verbose=0, **kwargs).history["loss"]
    return [losses, *(weight.tolist() for weight in model.get_weights())]


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("class_weight", ["dict", "balanced"])
@pytest.mark.parametrize("loss", FORMS)
def test_as_sample_weights(loss, class_weight, weighted, rng):
    outputs, form = FORMS[loss]
    x, y = rng.normal(size=(N, 4)), labels(rng)
    sample_weight = rng.random(N) if weighted else np.ones(N)
    of_classes = y if outputs == 3 else (y == 2).astype(int)
    if class_weight == "dict":
        class_weight = FACTORS if outputs == 3 else {1: 7, np.int64(0): np.float32(0.25)}
        factors = np.array([class_weight.get(label, 1.0) for label in of_classes])
    else:
        counts = np.bincount(of_classes)
        factors = (N / (len(counts) * counts))[of_classes]
        assert factors.sum() == pytest.approx(N)
    got = trained(
        loss, outputs, x, form(y), class_weight=class_weight, sample_weight=sample_weight if weighted else None
    )
    # Weights are rounded to the dtype of the model before they are multiplied, or after.
    for a, b in zip(got, trained(loss, outputs, x, form(y), sample_weight=factors * sample_weight), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("class_weight", [FACTORS, "balanced"], ids=["dict", "balanced"])
def test_of_one_batch(class_weight, rng):
    """`train_on_batch` does what `fit` does with all samples as one batch."""
    x, y, weight = rng.normal(size=(N, 4)), labels(rng), rng.random(N)
    models = [make("sparse_categorical_crossentropy", 3) for _ in range(2)]
    logs = models[0].train_on_batch(x, y, weight, class_weight)
    history = models[1].fit(
        x, y, batch_size=N, shuffle=False, sample_weight=weight, class_weight=class_weight, verbose=0
    )
    assert history.history["loss"] == [logs["loss"]]
    for a, b in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(a, b)


def test_absent_classes_are_left_alone(rng):
    """They count neither in "balanced" nor in a dict."""
    x, y = rng.normal(size=(N, 4)), 2 * rng.integers(0, 2, N)
    loss = "sparse_categorical_crossentropy"
    by_hand = {label: N / (2 * np.count_nonzero(y == label)) for label in (0, 2)}
    assert trained(loss, 4, x, y, class_weight="balanced") == trained(loss, 4, x, y, class_weight={**by_hand, 3: 9.0})


def test_validation_is_not_weighted(rng):
    x, y = rng.normal(size=(N, 4)), labels(rng)
    model = make("sparse_categorical_crossentropy", 3)
    history = model.fit(x, y, validation_split=0.3, class_weight={0: 0, 1: 5}, verbose=0).history
    first = N - int(N * 0.3)
    assert history["val_loss"] == [model.evaluate(x[first:], y[first:])["loss"]]


@pytest.mark.parametrize(
    ("y", "outputs"),
    [
        ([0, 1, 2, 1], 3),
        (np.eye(3)[[0, 1, 2, 1]], 3),
        ([0.0, 1.0, 1.0, 0.0], 1),
        ([[False], [True], [True], [False]], 1),
    ],
    ids=["labels", "one-hot", "one-output", "bool"],
)
def test_targets_of_a_function(y, outputs):
    """Are classes if they look like it."""
    seen = []

    def loss(y_true, y_pred):
        return np.ones(len(y_pred)), np.zeros_like(y_pred)

    model = make(loss, outputs)
    seen = model.fit(np.ones((4, 2)), y, class_weight={0: 0, 1: 2}, verbose=0).history["loss"]
    assert seen == [1.0]


def fit(loss, outputs, class_weight, y=None, **kwargs):
    def call():
        model = make(loss, outputs)
        model.build(2)
        before = model.get_weights()
        try:
            targets = np.arange(6) % outputs if y is None else y
            model.fit(np.ones((6, 2)), targets, class_weight=class_weight, verbose=0, **kwargs)
        finally:
            assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))

    return call


SPARSE = "sparse_categorical_crossentropy"
BAD = {
    "unknown": (fit(SPARSE, 3, {3: 1.0}), ValueError, "class_weight has the class 3; the classes are 0 to 2"),
    "unknown-binary": (fit("binary_crossentropy", 1, {2: 1.0}), ValueError, "the classes are 0 to 1"),
    "negative-class": (fit(SPARSE, 3, {-1: 1.0}), ValueError, "A key of class_weight must be at least 0, not -1"),
    "name": (fit(SPARSE, 3, {"a": 1.0}), TypeError, "A key of class_weight must be an integer, not 'a'"),
    "negative": (fit(SPARSE, 3, {1: -1.0}), ValueError, r"class_weight\[1\] must be at least 0"),
    "infinite": (fit(SPARSE, 3, {1: np.inf}), ValueError, r"class_weight\[1\] must be finite"),
    "word": (fit(SPARSE, 3, "balance"), TypeError, "must be a dict .* or 'balanced', not 'balance'"),
    "list": (fit(SPARSE, 3, [1, 2, 3]), TypeError, "must be a dict"),
    "all-zero": (fit(SPARSE, 3, {0: 0, 1: 0, 2: 0}), ValueError, "The weights are all 0"),
    "zero-together": (
        fit(SPARSE, 3, {0: 0}, sample_weight=[1, 0, 0, 1, 0, 0]),
        ValueError,
        "The weights are all 0: at least one",
    ),
    "regression": (fit("mse", 1, "balanced"), ValueError, "the targets of mean_squared_error are none"),
    "own": (fit("binary_crossentropy", 3, "balanced", np.eye(6, 3)), ValueError, "one class for each sample"),
    "batch": (
        lambda: make(SPARSE, 3).train_on_batch(np.ones((6, 2)), np.zeros(6, int), class_weight={3: 1.0}),
        ValueError,
        "class_weight has the class 3; the classes are 0 to 2",
    ),
    "split": (
        fit(SPARSE, 3, None, sample_weight=[1, 1, 1, 1, 0, 0], validation_split=0.4),
        ValueError,
        "sample_weight is 0 for every validation sample",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case):
    call, error, message = BAD[case]
    with pytest.raises(error, match=message):
        call()
