"""Classifies two tables by RealMLP, whose defaults need no tuning, beside gradient boosting and a plain network.

Run it with `pip install 'fastopt[sklearn,tables]'`: python examples/realmlp.py. The tables come with scikit-learn; the
figures are means over the same folds of cross-validation. It takes a minute or two.
"""

import argparse
import time

from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastopt.sklearn import MLPClassifier
from fastopt.tabular import RealMLPClassifier

TABLES = {"breast cancer": load_breast_cancer, "digits": load_digits}


def main(arguments=None):
    """Print the accuracies, and return them by table and method."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=256, help="of RealMLP")
    parser.add_argument("--tables", nargs="*", choices=TABLES, default=[*TABLES])
    parser.add_argument("--methods", nargs="*", help="by default all")
    options = parser.parse_args(arguments)
    methods = {
        "RealMLP": RealMLPClassifier(epochs=options.epochs, random_state=0),
        "MLPClassifier": make_pipeline(StandardScaler(), MLPClassifier(early_stopping=True, random_state=0)),
        "gradient boosting": HistGradientBoostingClassifier(random_state=0),
    }
    result = {}
    for table in options.tables:
        x, y = TABLES[table](return_X_y=True)
        print(f"{table}: {x.shape[0]} rows, {x.shape[1]} columns")
        for name in options.methods or methods:
            began = time.perf_counter()
            folds = StratifiedKFold(options.folds, shuffle=True, random_state=0)
            scores = cross_validate(methods[name], x, y, cv=folds, scoring=("accuracy", "neg_log_loss"))
            accuracy, loss = scores["test_accuracy"].mean(), -scores["test_neg_log_loss"].mean()
            seconds = time.perf_counter() - began
            print(f"  {name:18} accuracy {accuracy:.4f}, log loss {loss:.4f}, {seconds:.1f} s", flush=True)
            result[table, name] = float(accuracy)
    return result


if __name__ == "__main__":
    main()
