"""`fit`, `evaluate` and `predict` on iterables of batches do what they do on arrays, to the bit."""

import itertools
import math
import re
from pathlib import Path

import numpy as np
import pytest

import fastopt as fo
from fastopt.callbacks import BackupAndRestore, Callback, EarlyStopping, LambdaCallback
from fastopt.optimizers import SGD, Accumulate, Adam, Average, Clip, Lookahead, Sequence
from fastopt.schedules import Cosine

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 6)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
W = np.where(np.arange(90) < 16, 0, RNG.uniform(0.5, 2, 90))  # of whole batches 0
SPARSE = "sparse_categorical_crossentropy"


def parts(*arrays, size=16):
    return [tuple(array[i : i + size] for array in arrays) for i in range(0, 90, size)]


class Numbered:
    """As Keras's Sequence."""

    def __init__(self, batches):
        self.batches, self.calls = batches, []

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, i):
        assert type(i) is int
        assert 0 <= i < len(self)  # without an IndexError at the end
        return self.batches[i]

    def on_epoch_begin(self):
        self.calls.append("begin")

    def on_epoch_end(self):
        self.calls.append("end")


class Loader:
    """As a DataLoader, of known or unknown length."""

    def __init__(self, batches, known=True):
        self.batches, self.known = batches, known

    def __len__(self):
        if not self.known:
            raise TypeError("object of type 'Data' has no len()")
        return len(self.batches)

    def __iter__(self):
        return iter(self.batches)


class Again:
    """An iterator that begins anew with each `iter`, of which it is itself the result."""

    def __init__(self, batches):
        self.batches = batches

    def __iter__(self):
        self.left = [*self.batches]
        return self

    def __next__(self):
        if not self.left:
            raise StopIteration
        return self.left.pop(0)


class Tensor:
    """Something that NumPy reads."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array


SOURCES = {
    "list": lambda b: b,
    "lists in a tuple": lambda b: tuple(map(list, b)),
    "numbered": Numbered,
    "loader": Loader,
    "loader of unknown length": lambda b: Loader(b, known=False),
    "function": lambda b: lambda: (batch for batch in b),
    "iterator that begins anew": Again,
    "tensors": lambda b: [(*map(Tensor, batch),) for batch in b],
    "endless": lambda b: itertools.cycle(b),
}

OPTIMIZERS = {
    "sgd": lambda: SGD(0.05, momentum=0.9),
    "schedule": lambda: Adam(Cosine(0.01, 30)),
    "function": lambda: Adam(lambda step: 0.01 / (1 + step)),
    "averages": lambda: Average(Lookahead(Clip(Adam(0.01), norm=1.0), steps=4), 0.9),
    "accumulation": lambda: Accumulate(Adam(0.01), 4),
    "sequence": lambda: Sequence([(Adam(0.01), 2), (SGD(0.01), None)]),
}


def make(optimizer="sgd", metrics=("accuracy",), loss=SPARSE):
    layers = [fo.layers.Dense(8, "relu"), fo.layers.BatchNormalization(), fo.layers.Dropout(0.2), fo.layers.Dense(3)]
    model = fo.Sequential(layers, seed=0)
    model.compile(OPTIMIZERS[optimizer](), loss, metrics)
    return model


def same(a, b):
    """Weights, slots and what was recorded of the two are equal to the bit."""
    values = [
        {name: np.array(v) for name, v in m.history.history.items() if name not in ("seconds", "samples_per_second")}
        for m in (a, b)
    ]
    assert values[0].keys() == values[1].keys()
    assert all(np.array_equal(v, values[1][name], equal_nan=True) for name, v in values[0].items())
    assert a.history.epoch == b.history.epoch
    assert all(np.array_equal(v, w) for v, w in zip(a.get_weights(), b.get_weights(), strict=True))
    assert all(np.array_equal(v, b.slots[name]) for name, v in a.slots.items())
    assert a.optimizer.state == b.optimizer.state
    assert (a.draws, a.epochs_trained) == (b.draws, b.epochs_trained)


def steps_of(kind):
    return {"steps_per_epoch": 6} if kind == "endless" else {}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("kind", SOURCES)
def test_trains_as_the_arrays(kind, optimizer):
    one, other = make(optimizer), make(optimizer)
    one.fit(X, Y, 16, epochs=5, shuffle=False, validation_data=(X, Y), verbose=0)
    validation = (X, Y) if kind == "lists in a tuple" else SOURCES[kind](parts(X, Y, size=256))
    steps = steps_of(kind) | ({"validation_steps": 1} if kind == "endless" else {})
    other.fit(SOURCES[kind](parts(X, Y)), epochs=5, shuffle=False, validation_data=validation, verbose=0, **steps)
    same(one, other)


@pytest.mark.parametrize("given", [{}, {"class_weight": {0: 2.0, 2: 0.0}}, {"batches": 1}], ids=str)
def test_weights(given):
    """Also where all those of a batch are 0, and where some batches have none."""
    some = given.pop("batches", None)
    weight = np.where(np.arange(90) < 16, 1.0, W) if some else W
    batches = parts(X, Y, weight)
    if some:
        batches[0] = batches[0][:2]
    one, other = make(), make()
    one.fit(X, Y, 16, epochs=3, shuffle=False, sample_weight=weight, validation_data=(X, Y, W), verbose=0, **given)
    held = parts(X, Y, W, size=256)
    other.fit(batches, epochs=3, shuffle=False, validation_data=held, verbose=0, **given)
    same(one, other)


def test_a_list_is_shuffled():
    """By batches, each epoch otherwise; a fit of two epochs is two of one, and all threads are as one."""
    one, two, ordered, by_hand = make(), make(), make(), make()
    batches = parts(X, Y)
    one.fit(batches, epochs=2, verbose=0)
    two.fit(Numbered(batches), verbose=0)
    two.fit(Numbered(batches), epochs=2, initial_epoch=1, verbose=0)
    ordered.fit(batches, epochs=2, shuffle=False, verbose=0)
    for epoch in range(2):
        for i in fo._core.kernels.permutation(0, epoch, 6):
            by_hand.train_on_batch(*batches[i])
        by_hand.epochs_trained += 1
    for other in (two, by_hand):
        assert all(np.array_equal(v, w) for v, w in zip(one.get_weights(), other.get_weights(), strict=True))
    assert not np.array_equal(one.get_weights()[0], ordered.get_weights()[0])


def test_batches_of_any_size():
    """The history has the means over samples."""
    one, other = make(), make()
    sizes = [1, 40, 3, 30, 16]
    ends = np.cumsum(sizes)
    batches = [(X[e - n : e], Y[e - n : e]) for e, n in zip(ends, sizes, strict=True)][1:]
    history = one.fit(iter(batches), verbose=0).history
    results = [other.train_on_batch(*batch) for batch in batches]
    assert all(np.array_equal(v, w) for v, w in zip(one.get_weights(), other.get_weights(), strict=True))
    for name in ("loss", "accuracy"):
        assert history[name] == [pytest.approx(np.average([r[name] for r in results], weights=sizes[1:]), rel=1e-12)]


@pytest.mark.parametrize("kind", ["generator", *SOURCES])
def test_steps_per_epoch(kind):
    """An epoch may be less than a pass, or more: what can be gone through again is."""
    batches, taken = parts(X, Y), itertools.cycle(range(6))
    given = (b for b in batches * 3) if kind == "generator" else SOURCES[kind](batches)
    one, other = make(), make()
    one.fit(given, epochs=4, steps_per_epoch=4, shuffle=False, verbose=0)
    for _ in range(4):
        for _ in range(4):
            other.train_on_batch(*batches[next(taken)])
        other.epochs_trained += 1
    assert one.epochs_trained == 4
    assert all(np.array_equal(v, w) for v, w in zip(one.get_weights(), other.get_weights(), strict=True))


@pytest.mark.parametrize(("held", "message"), [(15, "after 5 of this epoch"), (10, "for another epoch")])
def test_a_generator_that_ends_too_early(held, message):
    model = make()
    batches = (b for b in (parts(X, Y) * 3)[:held])
    with pytest.warns(UserWarning, match=f"x has no batch {message}, and training ends: a generator") as warned:
        history = model.fit(
            batches, epochs=3, steps_per_epoch=10 if held == 15 else 5, validation_data=(X, Y), verbose=0
        )
    assert warned[0].filename == __file__
    assert history.epoch == [0, 1]
    assert len(history.history["val_loss"]) == model.epochs_trained == 2
    assert model.draws == held


def test_an_iterator_has_one_pass():
    model = make()
    with pytest.warns(UserWarning, match="x has no batch for another epoch, and training ends"):
        model.fit(iter(parts(X, Y)), epochs=3, verbose=0)
    assert model.history.epoch == [0]
    model = make()
    model.fit((b for b in parts(X, Y)), verbose=0)
    assert model.draws == 6


def test_an_object_is_told_of_epochs():
    numbered = Numbered(parts(X, Y))
    make().fit(numbered, epochs=2, verbose=0)
    assert numbered.calls == ["begin", "end"] * 2


def test_metrics_of_all_outputs():
    """Those that are no means over samples, with weights."""
    labels = (Y > 0).astype(int)
    layers = [fo.layers.Dense(4, "tanh"), fo.layers.Dense(1)]
    models = [fo.Sequential(layers, seed=0) for _ in range(2)]
    for model in models:
        model.compile("adam", "binary_crossentropy", ["auc", "f1"])
    weight = RNG.uniform(0.5, 2, 90)
    models[0].fit(X, labels, 16, shuffle=False, validation_data=(X, labels, weight), verbose=0)
    models[1].fit(parts(X, labels), shuffle=False, validation_data=parts(X, labels, weight, size=20), verbose=0)
    for name in ("val_auc", "val_f1"):
        assert models[0].history.history[name] == pytest.approx(models[1].history.history[name], rel=1e-12)
    for given, weights in ((parts(X, labels, size=20), None), (parts(X, labels, weight, size=20), weight)):
        assert dict(models[1].evaluate(given)) == pytest.approx(
            dict(models[0].evaluate(X, labels, sample_weight=weights)), rel=1e-6
        )


@pytest.mark.parametrize("kind", SOURCES)
def test_evaluate_and_predict(kind):
    model = make()
    model.fit(X, Y, verbose=0)
    steps = {"steps": 6} if kind == "endless" else {}
    given = lambda size=16: SOURCES[kind](parts(X, Y, size=size))  # noqa: E731
    assert model.evaluate(given()) == model.evaluate(X, Y, 16) if not steps else model.evaluate(given(), **steps)
    assert model.evaluate(given(), steps=2) == model.evaluate(X[:32], Y[:32], 16)
    if kind == "lists in a tuple":  # which is an array to `predict`
        return
    np.testing.assert_array_equal(model.predict(given(), **steps), model.predict(X))
    np.testing.assert_array_equal(model.predict(given(), steps=2), model.predict(X[:32]))
    if not steps:
        np.testing.assert_array_equal(model.predict_classes(given()), model.predict_classes(X))
    alone = SOURCES[kind]([(x,) for (x, _) in parts(X, Y)])
    np.testing.assert_array_equal(model.predict(alone, **steps), model.predict(X))


@pytest.mark.parametrize("end", [False, True])
def test_memory_may_be_used_again(end):
    """By the next batch; and by whatever, when there is none."""
    labels = (Y > 0).astype(np.int64)

    def again():
        x, y, w = np.empty((16, 6), np.float32), np.empty(16, np.int64), np.empty(16, np.float32)
        for batch in parts(X, labels, W + 1):
            for to, of in zip((x, y, w), batch, strict=True):
                to[: len(of)] = of
            yield tuple(array[: len(batch[0])] for array in (x, y, w))
        if end:
            x.fill(np.nan)
            y.fill(-1)

    models = [fo.Sequential([fo.layers.Dense(4, "tanh"), fo.layers.Dense(2)], seed=0) for _ in range(2)]
    for model, given in zip(models, (parts(X, labels, W + 1), again), strict=True):
        model.compile("adam", SPARSE, ["auc", "f1"])
        model.fit(given, epochs=2, shuffle=False, validation_data=given, verbose=0)
    same(*models)
    given = (batch[0] for batch in again())
    np.testing.assert_array_equal(models[0].predict(given), models[0].predict(X))


def test_predict_on_inputs_alone():
    model = make()
    model.build(6)
    for given in (iter([X[:7], X[7:]]), Loader([X[:7], X[7:]]), lambda: [X[:7].tolist(), X[7:]]):
        np.testing.assert_array_equal(model.predict(given), model.predict(X))


def graph():
    a, b = fo.Input(2), fo.Input(4)
    h = fo.layers.Concatenate()([fo.layers.Dense(5, "relu")(a), b])
    model = fo.Model([a, b], [fo.layers.Dense(3, name="kind")(h), fo.layers.Dense(1, name="size")(h)], seed=0)
    model.compile("adam", {"kind": SPARSE, "size": "mse"}, {"kind": ["accuracy", "precision"], "size": ["r2"]})
    return model


def test_several_inputs_and_outputs():
    """Lists of arrays, and dicts of targets, with metrics of all outputs."""
    x, y = [X[:, :2], X[:, 2:]], {"kind": Y, "size": X[:, 5]}
    batches = [
        ([X[i : i + 16, :2], X[i : i + 16, 2:]], {n: a[i : i + 16] for n, a in y.items()}) for i in range(0, 90, 16)
    ]
    one, other = graph(), graph()
    one.fit(x, y, 16, epochs=3, shuffle=False, validation_data=(x, y), verbose=0)
    whole = [(x, [*y.values()])]
    other.fit(lambda: iter(batches), epochs=3, validation_data=whole, verbose=0)
    same(one, other)
    assert other.evaluate(whole) == one.evaluate(x, y)
    assert dict(other.evaluate(batches)) == pytest.approx(dict(one.evaluate(x, y)), rel=1e-6)
    for given in (batches, (b[0] for b in batches), iter(batches)):
        for found, expected in zip(other.predict(given), one.predict(x), strict=True):
            np.testing.assert_array_equal(found, expected)


def test_functions_as_losses():
    """They see the targets of their batch."""

    def squares(y, p):
        return ((p - y) ** 2).sum(axis=1), 2 * (p - y)

    one, other = make(loss=squares, metrics=()), make(loss=squares, metrics=())
    y = X[:, :3]
    one.fit(X, y, 16, epochs=2, shuffle=False, verbose=0)
    other.fit(parts(X, y), epochs=2, shuffle=False, verbose=0)
    same(one, other)


def test_labels():
    words = np.array(["ape", "bee", "cat"])
    model, other = make(), make()
    with pytest.raises(ValueError, match=r"batch 5: y holds labels, such as .*: set model.classes"):
        model.fit(parts(X, words[Y]), verbose=0)
    model.classes = words
    model.fit(parts(X, words[Y]), validation_data=parts(X, words[Y]), verbose=0)
    other.fit(parts(X, Y), validation_data=parts(X, Y), verbose=0)
    same(model, other)
    with pytest.raises(ValueError, match=r"batch 2: y\[0\] = 'emu' is none of the 3 classes"):
        model.evaluate([*parts(X, words[Y])[:2], (X[:1], ["emu"])])


class Watch(Callback):
    def __init__(self, stop=None):
        self.seen, self.stop = [], stop

    def on_epoch_begin(self, epoch):
        self.seen.append((self.params["batches"], self.params["samples"]))

    def on_batch_begin(self, batch):
        self.seen.append(batch)

    def on_batch_end(self, batch, logs):
        assert {"loss", "accuracy"} == logs.keys()
        self.seen.append(-batch)
        if batch == self.stop:
            self.model.stop_training = True


@pytest.mark.parametrize(
    ("kind", "first", "second"),
    [("list", (6, 96), (6, 90)), ("loader of unknown length", (None, None), (None, 90))],
)
def test_callbacks(kind, first, second):
    watch, other = Watch(), Watch()
    one, two = make(), make()
    one.fit(SOURCES[kind](parts(X, Y)), epochs=2, shuffle=False, callbacks=[watch], verbose=0)
    numbers = [sign * i for i in range(6) for sign in (1, -1)]
    assert watch.seen == [first, *numbers, second, *numbers]
    two.fit(X, Y, 16, epochs=2, shuffle=False, callbacks=[other], verbose=0)
    same(one, two)
    watch = Watch(stop=2)
    model = make()
    model.fit(SOURCES[kind](parts(X, Y)), epochs=2, callbacks=[watch], verbose=0)
    assert (model.draws, model.history.epoch) == (3, [0])


def test_early_stopping():
    def train(*given, **options):
        model = make()
        stop = EarlyStopping("val_loss", patience=1, restore_best_weights=True)
        model.fit(*given, epochs=60, shuffle=False, callbacks=[stop], verbose=0, **options)
        return model

    one = train(X[:32], Y[:32], 16, validation_data=(X[32:], Y[32:]))
    other = train(parts(X[:32], Y[:32])[:2], validation_data=[(X[32:], Y[32:])])
    assert len(one.history.epoch) < 60
    same(one, other)


def test_slots_are_looked_at_when_an_epoch_ends():
    def spoil(batch, logs):
        if batch == 5:
            model.slots["dense/kernel/m"][0] = np.nan

    model, last = make("schedule"), LambdaCallback(on_batch_end=spoil)
    with pytest.raises(FloatingPointError, match="slot 'm'"):
        model.fit(Loader(parts(X, Y), known=False), epochs=2, callbacks=[last], verbose=0)


def test_interrupted():
    """The model is as after the last whole step, and callbacks are told."""

    def batches():
        yield from parts(X, Y)[:4]
        raise KeyboardInterrupt

    ended, one, other = [], make(), make()
    with pytest.raises(KeyboardInterrupt):
        one.fit(batches(), callbacks=[LambdaCallback(on_train_end=lambda: ended.append(1))], verbose=0)
    for batch in parts(X, Y)[:4]:
        other.train_on_batch(*batch)
    assert ended == [1]
    assert (one.draws, one.epochs_trained, one.history.epoch) == (4, 0, [])
    assert all(np.array_equal(v, w) for v, w in zip(one.get_weights(), other.get_weights(), strict=True))


class StopError(Exception):
    pass


class Shuffled(Numbered):
    """One that has its own order, of which it makes another after each epoch."""

    def __init__(self, batches):
        super().__init__(batches)
        self.rng = np.random.default_rng(3)

    def on_epoch_end(self):
        self.rng.shuffle(self.batches)


BACKED = {
    "list": (lambda: parts(X, Y), {}),
    "list in its order": (lambda: parts(X, Y), {"shuffle": False}),
    "with its own order": (lambda: Shuffled(parts(X, Y)), {}),
    "loader": (lambda: Loader(parts(X, Y)), {}),
    "function": (lambda: lambda: iter(parts(X, Y)), {}),
    "list of more than an epoch": (lambda: parts(X, Y), {"steps_per_epoch": 4}),
    "endless": (lambda: itertools.cycle(parts(X, Y)), {"steps_per_epoch": 5}),
    "generator": (lambda: (batch for batch in parts(X, Y) * 5), {"steps_per_epoch": 5}),
}


@pytest.mark.parametrize("epoch", range(4))
@pytest.mark.parametrize("kind", BACKED)
def test_goes_on_from_a_backup(kind, epoch, tmp_path):
    """Stopped inside an epoch, it goes on at its begin: what was taken of a generator is drawn again and left out."""
    given, options = BACKED[kind]

    def stop(batch, logs):
        if (model.epochs_trained, batch) == (epoch, 2):
            raise StopError

    model, whole = make("averages"), make("averages")
    backup = BackupAndRestore(tmp_path)
    with pytest.raises(StopError):
        model.fit(given(), epochs=5, callbacks=[backup, LambdaCallback(on_batch_end=stop)], verbose=0, **options)
    again = make("averages")
    again.fit(given(), epochs=5, callbacks=[BackupAndRestore(tmp_path), LambdaCallback()], verbose=0, **options)
    whole.fit(given(), epochs=5, verbose=0, **options)
    same(whole, again)


def test_bar(capsys):
    """Of unknown length it counts, and knows the length after an epoch."""
    make().fit(Loader(parts(X, Y), known=False), epochs=3, verbose=1)
    lines = capsys.readouterr().err
    assert "epoch 1/3   0%" in lines
    assert "epoch 3/3 100%" in lines
    make().fit(iter(parts(X, Y)), verbose=2)
    assert capsys.readouterr().out.startswith("epoch 1/1  ")


def changed(i, *batch):
    batches = parts(X, Y)
    batches[i] = batch
    return iter(batches)


NAN = np.where(np.arange(6) == 1, np.nan, X[:16])
WRONG = {
    "features": (changed(2, X[:16, :5], Y[:16]), ValueError, r"batch 2: x has 5 features"),
    "nan": (changed(2, NAN, Y[:16]), ValueError, r"batch 2: x\[0, 1\] = nan is not finite"),
    "words": (changed(2, X[:16].astype(str), Y[:16]), TypeError, "batch 2: x has dtype <U"),
    "label": (changed(2, X[:16], Y[:16] + 2), ValueError, r"batch 2: y\[\d+\] = [34] is not a label from 0 to 2"),
    "count": (changed(2, X[:16], Y[:15]), ValueError, "batch 2: x has 16 samples"),
    "weight": (changed(2, X[:16], Y[:16], -W[16:32]), ValueError, r"batch 2: sample_weight\[0\] = -"),
    "alone": (changed(2, X[:16]), ValueError, r"batch 2 must be \(x, y\) or \(x, y, sample_weight\)"),
    "four": (changed(2, X, Y, Y, Y), ValueError, "batch 2 must be .* It is a tuple of 4"),
    "one sample": (changed(2, X[:1], Y[:1]), ValueError, "batch"),
    "loss": (changed(2, np.full((16, 6), 3e38), Y[:16]), FloatingPointError, "in batch 2, step 3"),
}


@pytest.mark.parametrize(("batches", "error", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_batch_is_named(batches, error, message):
    """What was trained before it stays."""
    model, other = make(), make()
    with pytest.raises(error, match=message):
        model.fit(batches, epochs=2, verbose=0)
    for batch in parts(X, Y)[:2]:
        other.train_on_batch(*batch)
    assert model.draws == 2
    weights = zip(model.parameters.values(), other.parameters.values(), strict=True)
    assert all(np.array_equal(v, w) for v, w in weights)


def test_a_wrong_batch_of_a_validation_is_named():
    held = [*parts(X, Y)[:3], (X, Y[:3])]
    with pytest.raises(ValueError, match="validation batch 3: x has 90 samples"):
        make().fit(parts(X, Y), validation_data=held, verbose=0)
    model = make()
    model.build(6)
    with pytest.raises(ValueError, match="batch 3: x has 90 samples"):
        model.evaluate(held)
    with pytest.raises(ValueError, match=r"batch 1: x has 5 features"):
        model.predict([(X,), (X[:, :5],)])
    for epoch in range(5):  # in any order
        model.epochs_trained = epoch
        with pytest.raises(ValueError, match=r"^batch 3: x has 90 samples"):
            model.fit(held, verbose=0)


def fit(x, **arguments):
    return lambda model: model.fit(x, verbose=0, **arguments)


def generator():
    yield from parts(X, Y)


B = parts(X, Y)
MISTAKES = {
    "array": (fit(X), TypeError, "x must be an iterable of batches"),
    "number": (fit(3), TypeError, "x must be an iterable of batches .* not 3"),
    "word": (fit("abc"), TypeError, "x must be an iterable of batches .* not 'abc'"),
    "dict": (fit({"x": X}), TypeError, "not a dict"),
    "empty": (fit([]), ValueError, "x is empty: it holds no batch"),
    "empty iterator": (fit(iter([])), ValueError, "x is empty: it holds no batch"),
    "endless": (fit(itertools.repeat(B[0])), ValueError, "x has no end: give steps_per_epoch"),
    "generator for epochs": (
        fit(generator(), epochs=3),
        ValueError,
        r"gone through 3 times, but a generator .* steps_",
    ),
    "function of nothing": (fit(lambda: None), TypeError, "x returned None, not an iterable"),
    "first": (fit([B[0][0], *B], shuffle=False), ValueError, "batch .* must be .* an array of shape"),
    "batch_size": (fit(B, batch_size=32), ValueError, "batch_size needs arrays .* as large as they come"),
    "split": (fit(B, validation_split=0.1), ValueError, "validation_split needs arrays .* give validation_data"),
    "weights": (fit(B, sample_weight=W), ValueError, r"sample_weight needs arrays .*\(x, y, sample_weight\)"),
    "balanced": (fit(B, class_weight="balanced"), ValueError, "class_weight='balanced' needs arrays .* a dict"),
    "steps": (fit(B, steps_per_epoch=0), ValueError, "steps_per_epoch must be at least 1"),
    "steps of arrays": (
        fit(X, y=Y, steps_per_epoch=2),
        ValueError,
        "steps_per_epoch counts the batches of an iterable",
    ),
    "validation_steps": (fit(B, validation_data=(X, Y), validation_steps=2), ValueError, "validation_steps counts"),
    "validation once": (
        fit(B, epochs=2, validation_data=generator()),
        ValueError,
        "validation_data is to be gone through 2 times",
    ),
    "validation without end": (fit(B, validation_data=itertools.cycle(B)), ValueError, "no end: give validation_steps"),
    "both": (fit((b for b in B), y=Y), TypeError, "without a y beside them"),
    "evaluate": (lambda model: model.evaluate(B, sample_weight=W), ValueError, "sample_weight needs arrays"),
    "evaluate without end": (lambda model: model.evaluate(itertools.cycle(B)), ValueError, "no end: give steps"),
    "predict": (lambda model: model.predict(X, steps=3), ValueError, "steps counts"),
}


@pytest.mark.parametrize(("call", "error", "message"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes(call, error, message):
    model = make()
    model.build(6)
    before = model.get_weights()
    with pytest.raises(error, match=message):
        call(model)
    assert all(np.array_equal(v, w) for v, w in zip(before, model.get_weights(), strict=True))


def test_a_solver_needs_arrays():
    model = make()
    model.compile("lbfgs", SPARSE)
    with pytest.raises(ValueError, match=r"LBFGS needs arrays .* looks at all samples"):
        model.fit(B, verbose=0)


def test_a_validation_that_has_ended():
    model = make()
    with pytest.raises(ValueError, match="validation_data holds no batch any more: a generator"):
        model.fit(B, epochs=2, validation_data=iter(B), verbose=0)


def test_validation_goes_on_or_begins_anew():
    """An endless iterator goes on; what can be gone through again begins anew, so that epochs are comparable."""
    model, frozen = make(), SGD(0.0)
    model.compile(frozen, SPARSE)
    history = model.fit(B, epochs=3, validation_data=B, validation_steps=2, verbose=0).history
    assert not any(math.isnan(value) for value in history["val_loss"])
    drawn = iter(B * 2)
    model.fit(B, epochs=3, validation_data=drawn, validation_steps=2, verbose=0)
    assert len([*drawn]) == 6


def test_of_torch():
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))
    loader = torch.utils.data.DataLoader(data, batch_size=16)
    one, other = make(), make()
    one.fit(X, Y, 16, epochs=3, shuffle=False, validation_data=(X, Y), verbose=0)
    other.fit(loader, epochs=3, validation_data=torch.utils.data.DataLoader(data, batch_size=256), verbose=0)
    same(one, other)
    assert other.evaluate(loader) == one.evaluate(X, Y, 16)
    np.testing.assert_array_equal(other.predict(loader), one.predict(X))


def test_of_keras(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras")

    class Data(keras.utils.PyDataset):
        def __len__(self):
            return 6

        def __getitem__(self, i):
            return parts(X, Y)[i]

    one, other = make(), make()
    one.fit(X, Y, 16, epochs=3, shuffle=False, verbose=0)
    other.fit(Data(), epochs=3, shuffle=False, verbose=0)
    same(one, other)
    np.testing.assert_array_equal(other.predict(Data()), one.predict(X))


def test_page_of_documentation(capsys):
    """Its examples run, and print what it says."""
    page = (Path(__file__).resolve().parents[2] / "docs/data.md").read_text()
    code = "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    exec(compile(code, "page", "exec"), {})
    said = re.findall(r"^print.*  # (.*)$", code, re.MULTILINE)
    printed = capsys.readouterr().out.splitlines()
    assert len(said) == len(printed)
    for one, other in zip(said, printed, strict=True):
        assert re.fullmatch(re.escape(one).replace(r"\.\.\.", ".*"), other)
