"""The scales of fastopt.search in scikit-learn's RandomizedSearchCV and in Optuna.

Run it with `pip install scikit-learn optuna`: python examples/search_elsewhere.py
"""

import warnings

import common

import fastopt as fo
from fastopt.search import Integer, Log, OneMinusLog

X, Y = fo.datasets.load_digits()


def with_scikit_learn():
    """Search for the rate and the units of scikit-learn's own network."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.model_selection import RandomizedSearchCV
    from sklearn.neural_network import MLPClassifier

    space = {
        "learning_rate_init": Log(1e-4, 1.0),
        "hidden_layer_sizes": Integer(8, 32, log=True),
        "beta_1": OneMinusLog(0.9, 0.999),
    }
    search = RandomizedSearchCV(MLPClassifier(max_iter=5, random_state=0), space, n_iter=5, cv=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # five epochs are few
        search.fit(X, Y)
    print("scikit-learn:", search.best_params_, search.best_score_)
    return search


def with_optuna():
    """Let Optuna's sampler look for the rate and the momentum of a network of fastopt."""
    import optuna

    space = {"rate": Log(1e-3, 10.0), "momentum": OneMinusLog(0.5, 0.99), "units": Integer(8, 64, log=True)}

    def objective(trial):
        params = {name: scale.suggest(trial, name) for name, scale in space.items()}
        model = fo.Sequential([fo.layers.Dense(params["units"], "relu"), fo.layers.Dense(10)], seed=0)
        model.compile(fo.optimizers.SGD(params["rate"], params["momentum"]), "sparse_categorical_crossentropy")
        try:
            history = model.fit(X, Y, epochs=3, validation_split=0.2, verbose=0)
        except FloatingPointError:
            raise optuna.TrialPruned from None
        return min(history.history["val_loss"])

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(objective, n_trials=15)
    print("Optuna:", study.best_params, study.best_value)
    return study


if __name__ == "__main__":
    common.parser(__doc__).parse_args()
    with_scikit_learn()
    with_optuna()
