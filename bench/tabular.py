"""Estimators for tables against their references: errors on rows held out, and seconds of `fit`.

    python -m bench.tabular [--seeds 5] [--threads 1] [--only digits] [--estimators RealMLP-TD]

The references are pytabkit and tabm (`pip install pytabkit tabm islp`). For each seed all are trained on the same rows,
one after the other, each first every other time. An error is 1 - accuracy, or the root of the mean squared error as a
part of the standard deviation.
"""

import argparse
import logging
import time
import warnings
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
import sklearn.datasets
from sklearn.model_selection import train_test_split

Maker = Callable[[bool, int, int], Any]  # of whether it is a classifier, the seed, the threads


def islp(name: str, target: str, *others: str) -> Callable[[], tuple[Any, Any]]:
    def load() -> tuple[Any, Any]:
        frame = pd.read_csv(str(files("ISLP") / "data" / f"{name}.csv")).drop(columns=list(others))
        words = [column for column in frame if frame[column].dtype.kind not in "if"]
        frame = frame.astype(dict.fromkeys(words, "category"))
        y = frame.pop(target)
        return frame, np.asarray(y)

    return load


def of_sklearn(name: str) -> Callable[[], tuple[Any, Any]]:
    def load() -> tuple[Any, Any]:
        x, y = getattr(sklearn.datasets, f"load_{name}")(return_X_y=True)
        return pd.DataFrame(x, columns=[f"x{i}" for i in range(x.shape[1])]), y

    return load


DATA = {
    "breast cancer": of_sklearn("breast_cancer"),
    "digits": of_sklearn("digits"),
    "OJ": islp("OJ", "Purchase"),
    "diabetes": of_sklearn("diabetes"),
    "Wage": islp("Wage", "wage", "logwage"),
}


def fastopt(name: str, **arguments: Any) -> Maker:
    def make(classifies: bool, seed: int, threads: int) -> Any:
        from fastopt import set_num_threads, tabular

        set_num_threads(threads)
        return getattr(tabular, f"{name}{'Classifier' if classifies else 'Regressor'}")(random_state=seed, **arguments)

    return make


def pytabkit(name: str, **arguments: Any) -> Maker:
    def make(classifies: bool, seed: int, threads: int) -> Any:
        import pytabkit

        kind = getattr(pytabkit, f"{name}_{'Classifier' if classifies else 'Regressor'}")
        return kind(device="cpu", n_threads=threads, random_state=seed, verbosity=0, **arguments)

    return make


ESTIMATORS = {
    "RealMLP-TD": (fastopt("RealMLP", variant="td"), pytabkit("RealMLP_TD")),
    "RealMLP-TD-S": (fastopt("RealMLP"), pytabkit("RealMLP_TD_S")),
    "TabM": (fastopt("TabM", weight_decay=0.0), pytabkit("TabM_D")),
    "TabM with embeddings": (
        fastopt("TabM", hidden_layer_sizes=(512, 512), weight_decay=0.0, embedding_bins=48),
        pytabkit("TabM_D", num_emb_type="pwl"),
    ),
}


def error(y: Any, predicted: Any) -> float:
    if y.dtype.kind == "f":
        return float(np.sqrt(np.mean((y - predicted) ** 2)) / y.std())
    return float((np.asarray(predicted) != y).mean())


def compare(names: list[str], estimators: list[str], seeds: int, threads: int) -> None:
    print("| estimator | data | rows x columns | error | reference | difference | seconds | reference | ratio |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    for estimator in estimators:
        for name in names:
            x, y = DATA[name]()
            classifies = y.dtype.kind != "f"
            errors, seconds = np.empty((2, seeds, 2))
            for seed in range(seeds):
                x_train, x_test, y_train, y_test = train_test_split(
                    x, y, random_state=seed, stratify=y if classifies else None
                )
                for i in (0, 1) if seed % 2 else (1, 0):
                    made = ESTIMATORS[estimator][i](classifies, seed, threads)
                    begin = time.perf_counter()
                    made.fit(x_train, y_train)
                    seconds[seed, i] = time.perf_counter() - begin
                    errors[seed, i] = error(y_test, made.predict(x_test))
            deviation = errors.std(axis=0, ddof=1) / np.sqrt(seeds) if seeds > 1 else np.zeros(2)
            difference = errors[:, 0] - errors[:, 1]
            spread = difference.std(ddof=1) / np.sqrt(seeds) if seeds > 1 else 0.0
            took = np.median(seconds, axis=0)
            shown = [f"{errors[:, i].mean():.4f} ± {deviation[i]:.4f}" for i in range(2)]
            print(
                f"| {estimator} | {name} | {len(x)} x {x.shape[1]} | {shown[0]} | {shown[1]} | "
                f"{difference.mean():+.4f} ± {spread:.4f} | {took[0]:.2f} | {took[1]:.2f} | {took[1] / took[0]:.1f} |",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=list(DATA), choices=list(DATA))
    parser.add_argument("--estimators", nargs="*", default=list(ESTIMATORS), choices=list(ESTIMATORS))
    given = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    compare(given.only, given.estimators, given.seeds, given.threads)


if __name__ == "__main__":
    main()
