"""``fastopt demo``: a classifier of handwritten digits is trained, and shows what it does."""

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import fastopt as fo
from fastopt._numpy_demo import NumpyNetwork
from fastopt.data.datasets import Pair

__all__ = ["demo"]

WIDTH = 78
GAP = "   "
SEED = 0
HIDDEN = (128, 64)


class Data(NamedTuple):
    """What the demonstration trains on: a sentence about it, rows to train on, rows to test with, and a batch size."""

    about: str
    train: Pair
    test: Pair
    batch_size: int


class Result(NamedTuple):
    """What a training came to: the mean loss of each epoch, the share of test rows it gets right, its seconds."""

    losses: list[float]
    accuracy: float
    seconds: float


def demo(name: str, path: str | None, epochs: int, compare: bool) -> None:
    """Train a network on the digits, or on MNIST, and print how it went.

    Args:
        name: ``"digits"`` or ``"mnist"``.
        path: The folder with MNIST's files; None for where they are looked for.
        epochs: How many.
        compare: Whether the same network is trained in plain NumPy too.
    """
    data = _digits() if name == "digits" else _mnist(path)
    features = data.train[0].shape[1]
    layers = [*(fo.layers.Dense(units, activation="relu") for units in HIDDEN), fo.layers.Dense(10)]
    model = fo.Sequential(layers, seed=SEED)
    model.build(features)
    weights = model.get_weights()
    sizes = "-".join(map(str, (features, *HIDDEN, 10)))
    print(f"data      {data.about}")
    print(f"network   {sizes}, ReLU, {model.count_params():,} parameters")
    print(f"training  Adam, batches of {data.batch_size}, {epochs} epochs\n", flush=True)

    results = {"fastopt": _train(model, data, epochs)}
    if compare:
        results["NumPy"] = _train_numpy(weights, data, epochs)
    print(f"\n{_table(results, len(data.train[0]) * epochs)}")
    if compare:
        ratio = results["NumPy"].seconds / results["fastopt"].seconds
        print(f"\nBoth took the same batches from the same weights; fastopt was {ratio:.1f} times as fast.")
    _show(*data.test, model.predict(data.test[0]).argmax(axis=1))


def _digits() -> Data:
    x, y = fo.datasets.load_digits()
    train, test = np.split(np.random.default_rng(SEED).permutation(len(x)), [len(x) * 4 // 5])
    about = f"{len(train):,} digits of 8x8 pixels to train on, {len(test):,} to test with"
    return Data(about, (x[train], y[train]), (x[test], y[test]), 32)


def _mnist(path: str | None) -> Data:
    try:
        train, test = fo.datasets.load_mnist(path)
    except FileNotFoundError as error:
        try:
            [(x, y)] = fo.datasets.load_mnist(path, parts=["test"])
        except FileNotFoundError:
            raise error from None
        first = len(x) * 4 // 5
        train, test = (x[:first], y[:first]), (x[first:], y[first:])
    about = f"MNIST, {len(train[0]):,} digits of 28x28 pixels to train on, {len(test[0]):,} to test with"
    return Data(about, train, test, 64)


def _train(model: fo.Sequential, data: Data, epochs: int) -> Result:
    model.compile(optimizer=fo.optimizers.Adam(), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(*data.train, batch_size=data.batch_size, epochs=epochs).history
    accuracy = model.evaluate(*data.test)["accuracy"]
    return Result(history["loss"], accuracy, sum(history["seconds"]))


def _train_numpy(weights: Sequence[NDArray[Any]], data: Data, epochs: int) -> Result:
    """Train the same network from the same weights on the same batches: epoch e is shuffled by stream e of the seed."""
    from tqdm import tqdm

    (x, y), (x_test, y_test) = data.train, data.test
    network = NumpyNetwork(weights)
    losses, seconds = [], 0.0
    for epoch in tqdm(range(epochs), desc="NumPy", unit="epoch", ncols=WIDTH, disable=None):
        began = time.perf_counter()
        order = fo.kernels.permutation(SEED, epoch, len(x))
        losses.append(network.train_epoch(x, y, np.split(order, range(data.batch_size, len(x), data.batch_size))))
        seconds += time.perf_counter() - began
    return Result(losses, float(np.mean(network.predict(x_test) == y_test)), seconds)


def _table(results: Mapping[str, Result], samples: int) -> str:
    """Return one column for each result."""
    rows = [("", list(results))] if len(results) > 1 else []
    values = list(results.values())
    rows += [
        ("loss in the first epoch", [f"{result.losses[0]:.4f}" for result in values]),
        ("loss in the last epoch", [f"{result.losses[-1]:.4f}" for result in values]),
        ("test accuracy", [f"{result.accuracy:.2%}" for result in values]),
        ("seconds of training", [f"{result.seconds:.3f}" for result in values]),
        ("samples a second", [f"{samples / result.seconds:,.0f}" for result in values]),
    ]
    return "\n".join(f"{label:<24}" + "".join(f"{cell:>14}" for cell in cells) for label, cells in rows)


def _show(x: NDArray[np.float32], y: NDArray[np.int64], read: NDArray[Any]) -> None:
    """Draw a row of test digits that are read rightly, and a row of those that are not."""
    right, wrong = np.flatnonzero(read == y), np.flatnonzero(read != y)
    one_of_each = right[np.sort(np.unique(y[right], return_index=True)[1])]
    columns = (WIDTH + len(GAP)) // (len(picture(x[0])[0]) + len(GAP))
    for rows, about in (
        (one_of_each, f"{len(right):,} of {len(y):,} test digits are read rightly, such as"),
        (wrong, f"{len(wrong):,} {'is' if len(wrong) == 1 else 'are'} misread"),
    ):
        if len(rows):
            print(f"\n{about}\n")
            captions = [f"{y[i]}" if read[i] == y[i] else f"{y[i]}, read as {read[i]}" for i in rows[:columns]]
            _print_row([[caption, *picture(x[i])] for caption, i in zip(captions, rows, strict=False)])


def _print_row(blocks: Sequence[Sequence[str]]) -> None:
    """Print blocks of lines side by side."""
    widths = [max(map(len, block)) for block in blocks]
    for lines in zip(*blocks, strict=True):
        print(GAP.join(f"{line:<{width}}" for line, width in zip(lines, widths, strict=True)).rstrip())


def picture(pixels: NDArray[np.float32]) -> list[str]:
    """Return lines that show a square image of values 0..1; a large one is cropped and halved."""
    side = round(len(pixels) ** 0.5)
    image = pixels.reshape(side, side)
    if side > 16:
        image = image[2:-2, 2:-2]
        image = image.reshape(len(image) // 2, 2, len(image) // 2, 2).mean(axis=(1, 3))
    shades = " ░▒▓█"
    try:
        shades.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        shades = " .:*#"
    levels = (image * len(shades)).astype(int).clip(0, len(shades) - 1)
    return ["".join(shades[level] * 2 for level in row) for row in levels]
