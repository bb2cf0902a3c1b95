"""What is kept for validation, how often it is looked at, and how large a batch is."""

import numpy as np
import pytest

import fastopt as fo
from fastopt.callbacks import CSVLogger, EarlyStopping, LambdaCallback, ModelCheckpoint, ReduceLROnPlateau
from fastopt.model.data import split as parts
from fastopt.model.data import taken

X = np.arange(200.0)[:, None] / 200
LABELS = np.repeat([0, 1, 2, 3], [20, 40, 60, 80])
MSE, CLASSES = "mse", "sparse_categorical_crossentropy"


def make(loss=CLASSES, seed=0):
    model = fo.Sequential([fo.layers.Dense(1 if loss == MSE else 4)], seed=seed)
    model.compile("sgd", loss)
    return model


def split(model, **arguments):
    """Which samples are kept, by their inputs."""
    seen = {}
    data = model._read(X, LABELS, None)[0]
    by = arguments.pop("split_by", "last")
    classes = LABELS if by == "stratified" else None
    train, held = parts(data, 0.25, None if by == "last" else model.seed, classes)
    for name, part in (("train", train), ("validation", held)):
        seen[name] = np.rint(taken(part, part.x)[:, 0] * 200).astype(int)
        np.testing.assert_array_equal(LABELS[seen[name]], taken(part, part.y))
    return seen


@pytest.mark.parametrize("by", ["last", "random", "stratified"])
def test_all_samples_are_in_one_of_both(by):
    seen = split(make(), split_by=by)
    assert len(seen["validation"]) == 50
    np.testing.assert_array_equal(np.sort(np.concatenate([*seen.values()])), np.arange(200))
    again = split(make(seed=1), split_by=by)
    assert np.array_equal(seen["validation"], again["validation"]) == (by == "last")


def test_stratified():
    counts = np.bincount(LABELS[split(make(), split_by="stratified")["validation"]], minlength=4)
    np.testing.assert_allclose(counts, [5, 10, 15, 20], atol=1)


@pytest.mark.parametrize("by", ["random", "stratified"])
def test_what_fit_trains_and_validates(by):
    """That of the split given by hand, to the bit."""
    model, by_hand = make(), make()
    seen = split(model, split_by=by)
    weight = np.linspace(1, 2, 200)
    history = model.fit(X, LABELS, validation_split=0.25, split_by=by, sample_weight=weight, epochs=3, verbose=0)
    train, held = seen["train"], seen["validation"]
    by_hand.fit(
        X[train], LABELS[train], validation_data=(X[held], LABELS[held], weight[held]), sample_weight=weight[train],
        epochs=3, verbose=0,
    )  # fmt: skip
    for name in ("loss", "val_loss"):
        assert history.history[name] == by_hand.history.history[name]


@pytest.mark.parametrize("by", ["last", "random", "stratified"])
def test_class_that_is_not_trained(by):
    arguments = {"validation_split": 0.25, "split_by": by, "verbose": 0}
    labels = np.repeat([0, 1, 2, 3], 50)
    if by == "last":
        with pytest.warns(UserWarning, match=r"Of the 4 classes, 1 in the validation data \(3\) are not") as warned:
            make().fit(X, labels, **arguments)
        assert warned[0].filename == __file__
    else:
        make().fit(X, labels, **arguments)


def test_stratified_needs_classes():
    with pytest.raises(ValueError, match="one class for each sample; the targets of mean_squared_error are none"):
        make(MSE).fit(X, X[:, 0], validation_split=0.5, split_by="stratified", verbose=0)
    with pytest.raises(ValueError, match="split_by 'first'"):
        make().fit(X, LABELS, validation_split=0.5, split_by="first", verbose=0)


@pytest.mark.parametrize("functional", [False, True])
def test_validation_now_and_then(tmp_path, functional):
    inputs = fo.Input(1)
    model = fo.Model(inputs, fo.layers.Dense(1)(inputs)) if functional else fo.Sequential([fo.layers.Dense(1)])
    model.compile("sgd", MSE)
    seen = []
    watch = LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append("val_loss" in logs))
    stop = EarlyStopping("val_loss", patience=99, restore_best_weights=True)
    others = [ReduceLROnPlateau("val_loss"), CSVLogger(tmp_path / "log.csv")]
    names = tmp_path / "{epoch}-{val_loss:.3f}"
    checkpoints = [ModelCheckpoint(names), ModelCheckpoint(tmp_path / "best", save_best_only=True)]
    y, given = X[:, 0] * 3, (X, X[:, 0] * 3)
    callbacks = [watch, stop, *others, *checkpoints]
    history = model.fit(X, y, epochs=7, validation_data=given, validation_freq=3, callbacks=callbacks, verbose=0)
    assert seen == [False, False, True, False, False, True, False]
    assert np.isfinite(history.history["val_loss"]).tolist() == seen
    assert stop.best_epoch == 5
    assert model.evaluate(X, y)["loss"] == history.history["val_loss"][5]
    assert (tmp_path / "1-nan").exists()


@pytest.mark.parametrize(
    ("optimizer", "batch_size", "rows", "steps"),
    [
        ("sgd", "auto", 200, 7),
        ("sgd", None, 200, 1),
        ("sgd", None, 2001, 1),
        ("sgd", "whole_if_small", 2000, 1),
        ("sgd", "whole_if_small", 2001, 63),
        ("sgd", 100, 200, 2),
        ("lbfgs", "auto", 200, 1),
        ("lbfgs", None, 200, 1),
        ("lbfgs", "whole_if_small", 2001, 1),
        ("lbfgs", 100, 200, 2),
    ],
)
def test_batch_sizes(optimizer, batch_size, rows, steps):
    model = make(MSE)
    model.compile(optimizer, MSE)
    x = np.linspace(0, 1, rows)[:, None]
    seen = []
    watch = LambdaCallback(on_batch_end=lambda batch, logs: seen.append(batch))
    model.fit(x, x[:, 0] ** 2, batch_size, callbacks=[watch], verbose=0)
    assert len(seen) == steps


def test_word_that_is_no_batch_size():
    with pytest.raises(ValueError, match="batch_size 'all'"):
        make().fit(X, LABELS, "all", verbose=0)
