"""Arguments of good calls of everything public, which the tests of bad ones begin with."""

import inspect
import math

import numpy as np

import fastopt as fo
from fastopt import (
    calibrate,
    callbacks,
    constraints,
    curvature,
    datasets,
    fleet,
    initializers,
    kernels,
    layers,
    losses,
    metrics,
    optimizers,
    plotting,
    preprocessing,
    regularizers,
    schedules,
    search,
    solvers,
)

MODULES = (
    calibrate,
    callbacks,
    constraints,
    curvature,
    datasets,
    fleet,
    fo,
    fo.config,
    initializers,
    kernels,
    layers,
    losses,
    metrics,
    optimizers,
    plotting,
    preprocessing,
    regularizers,
    schedules,
    search,
    solvers,
)


X, Y = np.linspace(-1, 1, 24).reshape(8, 3), np.arange(8) % 2
W = np.ones((3, 2))


def model():
    made = fo.Sequential([layers.Dense(4, "tanh"), layers.Dense(2, "softmax")])
    made.compile("sgd", "sparse_categorical_crossentropy", ["accuracy"])
    made.build(3)
    return made


def functional():
    x = fo.Input(3)
    made = fo.Model(x, layers.Dense(2, "softmax")(x))
    made.compile("sgd", "sparse_categorical_crossentropy")
    return made


def deep():
    made = fo.Sequential([layers.Dense(2), layers.Dense(2, "softmax")])
    made.compile("sgd", "sparse_categorical_crossentropy")
    return made


def called():
    made = model()
    made(X)
    return made


SEARCH = {
    "function": lambda rate: deep(),
    "space": {"rate": search.Log(0.1, 1.0)},
    "x": X,
    "y": Y,
    "validation_split": 0.25,
    "verbose": 0,
}

# Arguments of a good call.
GOOD = {
    "config.set_num_threads": {"count": fo.get_num_threads()},
    "fleet.Ensemble": {"models": [model()]},
    "fleet.cross_validate": {"build": model, "x": X, "y": Y, "folds": 2, "verbose": 0},
    "fleet.fit": {"models": [model()], "x": X, "y": Y, "verbose": 0},
    "fleet.iterate": {"models": [model()], "x": X, "y": Y, "verbose": 0},
    "fleet.predict": {"models": [model()], "x": X},
    "layers.Input": {"shape": 3},
    "callbacks.BackupAndRestore": {"backup_dir": "folder"},
    "callbacks.CSVLogger": {"filename": "log.csv"},
    "callbacks.LearningRateScheduler": {"schedule": lambda epoch: 0.1},
    "callbacks.ModelCheckpoint": {"filepath": "model.safetensors"},
    "callbacks.Curvature": {"x": X, "y": Y},
    "callbacks.WarmupUntil": {"low": 0.1, "learning_rate": 0.2, "threshold": 0.5},
    "curvature.along_gradient": {"model": model(), "x": X, "y": Y},
    "curvature.along_gradient_of": {"fun": lambda x: x @ x, "x0": [1.0, 2.0]},
    "curvature.gauss_newton_product": {"model": model(), "x": X, "y": Y, "v": np.ones(26)},
    "curvature.hessian": {"model": model(), "x": X, "y": Y},
    "curvature.hessian_vector_product": {"model": model(), "x": X, "y": Y, "v": np.ones(26)},
    "curvature.spectrum": {"model": model(), "x": X, "y": Y},
    "curvature.spectrum_of": {"fun": lambda x: x @ x, "x0": [1.0, 2.0]},
    "fastopt.Ensemble": {"models": [model()]},
    "fastopt.Input": {"shape": 3},
    "fastopt.Model": {"inputs": (x := fo.Input(3)), "outputs": layers.Dense(2)(x)},
    "fastopt.Sequential": {"layers": [layers.Dense(2)]},
    "fastopt.clone": {"model": model()},
    "calibrate.expected_calibration_error": {"y_true": Y, "y_pred": np.linspace(0.1, 0.9, 8)},
    "calibrate.temperature": {"y_pred": np.linspace(0.1, 0.9, 8), "y_true": Y},
    "calibrate.with_temperature": {"model": model(), "temperature": 2.0},
    "callbacks.WeightNoise": {"sigma": 0.1},
    "fastopt.continuation": {"model": model(), "x": X, "y": Y},
    "fastopt.copy_weights": {"source": model(), "target": model()},
    "fastopt.pretrain": {"model": deep(), "x": X, "y": Y},
    "solvers.trace": {"solver": "bfgs", "f": lambda x: x @ x, "grad": lambda x: 2 * x, "x0": [1.0, 2.0], "steps": 2},
    "solvers.continuation": {"fun": lambda x: float(x @ x), "x0": [1.0, 2.0]},
    "fastopt.diagnose": {"model": model(), "train": (X, Y), "dev": (X, Y)},
    "fastopt.diagnose_errors": {"train_error": 0.1, "dev_error": 0.2},
    "fastopt.weighted_average": {"series": [1.0, 2.0], "beta": 0.5},
    "fastopt.set_num_threads": {"count": fo.get_num_threads()},
    "constraints.Monotone": {"signs": [1, -1]},
    "initializers.output_prior": {"y": [0, 1, 1]},
    "metrics.confusion_matrix": {"y_true": Y, "y_pred": Y},
    "layers.Activation": {"activation": "relu"},
    "layers.Conv1D": {"filters": 2, "kernel_size": 1},
    "layers.Conv2D": {"filters": 2, "kernel_size": 1},
    "layers.Cropping1D": {"cropping": 1},
    "layers.Cropping2D": {"cropping": ((0, 1), (1, 0))},
    "layers.Dense": {"units": 2},
    "layers.DepthwiseConv2D": {"kernel_size": 1},
    "layers.Dropout": {"rate": 0.5},
    "layers.Embedding": {"input_dim": 5, "output_dim": 2},
    "layers.GaussianNoise": {"stddev": 0.5},
    "layers.GroupNormalization": {"groups": 2},
    "layers.Maxout": {"units": 2},
    "layers.MemberDense": {"units": 2, "members": 2},
    "layers.MemberScale": {"members": 2},
    "layers.ParametricActivation": {"activation": "selu"},
    "layers.PiecewiseLinearEncoding": {"bins": [[0.0, 1.0], [0.0, 1.0, 2.0]]},
    "layers.monotone": {"layers": [layers.Dense(2)], "signs": [1, 0]},
    "layers.Rescaling": {"scale": 0.5},
    "layers.Reshape": {"target_shape": (3, 1)},
    "layers.Residual": {"layers": [layers.Dense(3)]},
    "layers.Scaling": {"scaler": preprocessing.Standardizer().fit(X)},
    "layers.WeightNormalization": {"layer": layers.Dense(2)},
    "losses.FunctionLoss": {"function": print},
    "metrics.FunctionMetric": {"function": print},
    "optimizers.Accumulate": {"optimizer": "adam", "steps": 2},
    "optimizers.Average": {"optimizer": "adam"},
    "optimizers.Cautious": {"optimizer": "adam"},
    "optimizers.Clip": {"optimizer": "adam", "value": 1.0},
    "optimizers.Decay": {"optimizer": "adam"},
    "optimizers.LayerRates": {"optimizer": "adam", "rates": {"dense": 0.5}},
    "optimizers.Lookahead": {"optimizer": "adam"},
    "optimizers.SAM": {"optimizer": "adam"},
    "optimizers.Sequence": {"phases": [("adam", 1), ("sgd", None)]},
    "optimizers.trace": {"rule": "sgd", "f": lambda x: x @ x, "grad": lambda x: 2 * x, "x0": [1.0], "steps": 2},
    "preprocessing.check_same_distribution": {"dev": (X, Y), "test": (X, Y)},
    "preprocessing.quantile_bins": {"x": X},
    "preprocessing.one_hot": {"labels": [0, 1]},
    "preprocessing.train_dev_test_split": {"x": X, "y": Y, "fractions": (0.5, 0.25, 0.25)},
    "schedules.Constant": {"value": 0.1},
    "schedules.ConstantWarmup": {"low": 0.1, "schedule": 0.2, "steps": 3},
    "schedules.Cosine": {"initial": 0.1, "steps": 3},
    "schedules.CosineLog": {"initial": 0.1, "steps": 3},
    "schedules.CosineRestarts": {"initial": 0.1, "steps": 3},
    "schedules.Exponential": {"initial": 0.1, "k": 0.5},
    "schedules.FlatCosine": {"initial": 0.1, "steps": 3},
    "schedules.InverseSqrt": {"initial": 0.1},
    "schedules.InverseTime": {"initial": 0.1, "k": 0.5},
    "schedules.LinearDecay": {"initial": 0.1, "steps": 3},
    "schedules.OneCycle": {"peak": 0.1, "steps": 30},
    "schedules.Piecewise": {"boundaries": [3], "values": [0.1, 0.2]},
    "schedules.Polynomial": {"initial": 0.1, "steps": 3},
    "schedules.PowerDecay": {"initial": 0.1},
    "schedules.SineDecay": {"initial": 0.1},
    "schedules.Staircase": {"initial": 0.1, "factor": 0.5, "every": 3},
    "schedules.Warmup": {"schedule": 0.1, "steps": 3},
    "search.Choice": {"values": ["relu", "tanh"]},
    "search.Integer": {"low": 1, "high": 4},
    "search.Linear": {"low": 0.0, "high": 1.0},
    "search.Log": {"low": 0.1, "high": 1.0},
    "search.Logbook": {"model": model()},
    "search.OneMinusLog": {"low": 0.9, "high": 0.99},
    "search.grid": SEARCH | {"levels": 2},
    "search.halving": SEARCH | {"trials": 2, "epochs": 2, "factor": 2},
    "search.zoom": SEARCH | {"trials": 2, "rounds": 2},
    "search.random": SEARCH | {"trials": 2},
    "solvers.coordinate_descent": {"fun": lambda x: x @ x, "x0": [1.0, 2.0], "options": {"maxiter": 3}},
    "solvers.least_squares": {"fun": lambda x: x - 1.0, "x0": [1.0, 2.0]},
    "solvers.minimize": {"fun": lambda x: x @ x, "x0": [1.0, 2.0], "method": "BFGS"},
    "solvers.sparse_coding": {"x": X, "atoms": 2, "max_iter": 3},
    "solvers.sparse_encode": {"x": X, "dictionary": np.eye(3), "max_iter": 300},
}

# Methods, with arguments of a good call after the object.
METHODS = {
    "Sequential.build": (lambda: fo.Sequential([layers.Dense(2)]).build, {"input_shape": 3}),
    "Sequential.compile": (lambda: model().compile, {}),
    "Sequential.fit": (lambda: model().fit, {"x": X, "y": Y, "verbose": 0}),
    "Sequential.train_on_batch": (lambda: model().train_on_batch, {"x": X, "y": Y}),
    "Sequential.evaluate": (lambda: model().evaluate, {"x": X, "y": Y}),
    "Sequential.predict": (lambda: model().predict, {"x": X}),
    "Sequential.predict_classes": (lambda: model().predict_classes, {"x": X}),
    "Sequential.predict_proba": (lambda: model().predict_proba, {"x": X}),
    "Sequential.cost_and_gradient": (lambda: model().cost_and_gradient, {"x": X, "y": Y}),
    "Sequential.__call__": (lambda: model().__call__, {"x": X}),
    "Sequential.backward": (lambda: called().backward, {"dy": np.ones((8, 2))}),
    "Sequential.set_weights": (lambda: model().set_weights, {"weights": model().get_weights()}),
    "Sequential.schedule": (lambda: model().schedule, {}),
    "Sequential.layer_outputs": (lambda: model().layer_outputs, {"x": X}),
    "Sequential.recompute_statistics": (lambda: model().recompute_statistics, {"x": X}),
    "Ensemble.predict": (lambda: fo.Ensemble([model()]).predict, {"x": X}),
    "Ensemble.predict_proba": (lambda: fo.Ensemble([model()]).predict_proba, {"x": X}),
    "Ensemble.predict_with_spread": (lambda: fo.Ensemble([model()]).predict_with_spread, {"x": X}),
    "Model.compile": (lambda: functional().compile, {"loss": "sparse_categorical_crossentropy"}),
    "Model.fit": (lambda: functional().fit, {"x": X, "y": Y, "verbose": 0}),
    "Model.train_on_batch": (lambda: functional().train_on_batch, {"x": X, "y": Y}),
    "Model.evaluate": (lambda: functional().evaluate, {"x": X, "y": Y}),
    "Model.predict": (lambda: functional().predict, {"x": X}),
    "Model.build": (lambda: functional().build, {}),
    "Model.predict_proba": (lambda: functional().predict_proba, {"x": X}),
    "Model.layer_outputs": (lambda: functional().layer_outputs, {"x": X}),
    "Model.recompute_statistics": (lambda: functional().recompute_statistics, {"x": X}),
    "Model.cost_and_gradient": (lambda: functional().cost_and_gradient, {"x": X, "y": Y}),
    "Adam.update": (lambda: optimizers.Adam().update, {"params": W.copy(), "grads": W}),
    "Adam.build": (lambda: optimizers.Adam().build, {"params": W.copy()}),
    "Standardizer.fit": (lambda: preprocessing.Standardizer().fit, {"x": X}),
    "Standardizer.transform": (lambda: preprocessing.Standardizer().fit(X).transform, {"x": X}),
    "TableEncoder": (lambda: fo.data.TableEncoder, {}),
    "TableEncoder.fit": (lambda: fo.data.TableEncoder().fit, {"x": X}),
    "TableEncoder.partial_fit": (lambda: fo.data.TableEncoder().partial_fit, {"x": X}),
    "TableEncoder.transform": (lambda: fo.data.TableEncoder().fit(X).transform, {"x": X}),
    "Accuracy.__call__": (lambda: metrics.Accuracy().__call__, {"y_true": Y, "y_pred": Y}),
    "HeNormal.__call__": (lambda: initializers.HeNormal().__call__, {"shape": (2, 3), "seed": 0, "stream": 0}),
    "Log.value": (lambda: search.Log(0.1, 1.0).value, {"position": 0.5}),
    "Log.position": (lambda: search.Log(0.1, 1.0).position, {"value": 0.5}),
    "Log.levels": (lambda: search.Log(0.1, 1.0).levels, {"count": 5}),
    "Logbook.fit": (lambda: search.Logbook(model()).fit, {"x": X, "y": Y, "verbose": 0}),
    "Logbook.back": (lambda: search.Logbook(model()).back, {"number": 0}),
    "Log.rvs": (lambda: search.Log(0.1, 1.0).rvs, {"size": 3}),
    "Constant.__call__": (lambda: schedules.Constant(0.1).__call__, {"t": 3}),
    "Dense.__call__": (lambda: layers.Dense(2).__call__, {"inputs": fo.Input(3)}),
}

# Not walked: what takes files or draws, abstract bases, and what only tells.
SKIPPED = {
    "initializers.sum_rows",
    "layers.Channels",
    "layers.Parameter",
    "losses.loss_of",
    "metrics.metric_of",
    "losses.function_name",
    "losses.sums_to_one",
    "metrics.check_target_kind",
    "callbacks.Callback",
    "config.config",
    "config.show_config",
    "fastopt.load_model",
    "fleet.CrossValidation",
    "fleet.Member",
    "search.Entry",
    "search.Trial",
    "search.Trials",
    "search.load",
    "fastopt.check_gradients",
    "fastopt.check_gradients_of",
    "datasets.load_idx",
    "datasets.load_mnist",
    "solvers.OptimizeResult",
}


def is_base(thing):
    return inspect.isclass(thing) and (inspect.isabstract(thing) or thing.__name__ in BASES)


BASES = {
    "Initializer",
    "Layer",
    "Loss",
    "MeanMetric",
    "Metric",
    "Optimizer",
    "Regularizer",
    "Rule",
    "Scale",
    "Schedule",
    "Search",
    "Solver",
    "Symbol",
    "Trace",
}
BASES |= {"Transform", "Scaler"}


def publics():
    """The classes and functions of all modules but those that draw, and kernels, which the core checks."""
    for module in MODULES:
        for name, thing in vars(module).items():
            home = getattr(thing, "__module__", "")
            exported = name in getattr(module, "__all__", [name])
            if name.startswith("_") or not home.startswith("fastopt") or not exported:
                continue
            if home.startswith("fastopt.core") and home != "fastopt.core.config":
                continue
            key = f"{module.__name__.removeprefix('fastopt.')}.{name}"
            if (
                module not in (kernels, plotting)
                and callable(thing)
                and not name.isupper()
                and key not in SKIPPED
                and not is_base(thing)
            ):
                yield key, thing


def calls():
    """Name, what makes the function, and arguments of everything else."""
    made = [(key, lambda thing=thing: thing, GOOD.get(key, {})) for key, thing in publics()]
    return made + [(key, make, good) for key, (make, good) in METHODS.items()]


def kernel_arguments(name, rows=4, pairs=3, outputs=3, dtype=np.float64):
    """Arguments of a good call of a kernel: arrays of `rows` times twice as many columns as there are `pairs`."""
    columns = 2 * pairs

    def ones(*shape):
        return np.ones(shape, dtype)

    def line(*shape):
        return np.linspace(-1, 1, math.prod(shape), dtype=dtype).reshape(shape)

    x, half, share = line(rows, columns), line(rows, outputs), np.full((rows, columns), 1 / columns, dtype)
    arguments = {
        "activation": "relu",
        "alpha": ones(columns),
        "at": x,
        "axis": -1,
        "count": 4,
        "dy": x.copy(),
        "frequencies": ones(columns, 3),
        "g": share,
        "groups": 2,
        "kernel": ones(columns, outputs),
        "logits": x,
        "m": np.zeros_like(x),
        "mask": share,
        "mean": ones(columns),
        "name": "relu",
        "piece": np.zeros((rows, pairs), np.int64),
        "pieces": 2,
        "prediction": x,
        "rate": 0.5,
        "seed": 0,
        "stddev": 0.5,
        "step": 1,
        "stream": 0,
        "target": share,
        "v": np.zeros_like(x),
        "variance": ones(columns),
        "w": ones(rows, columns),
        "x": x,
    } | {
        "dense_backward_input": {"dy": half},
        "dense_backward_kernel": {"dy": half},
        "group_norm_backward": {"moments": kernels.group_norm_forward(x, 2)[1]},
        "layer_norm_backward": {"moments": kernels.layer_norm_forward(x)[1]},
        "matmul": {"a": x, "b": ones(columns, outputs)},
        "maxout_backward": {"dy": line(rows, pairs)},
        "metric": {"name": "mean_squared_error"},
        "periodic_backward": {"dy": ones(rows, columns, 6), "derivative": ones(rows, columns, 6)},
        "rms_norm_backward": {"moments": kernels.rms_norm_forward(x)[1]},
    }.get(name, {})
    wanted = inspect.signature(getattr(kernels, name)).parameters.values()
    return {p.name: arguments[p.name] for p in wanted if p.default is p.empty or p.name == "axis"}


def kernel_calls():
    """Name, function and arguments of all kernels."""
    for name, thing in vars(kernels).items():
        if callable(thing) and not name.startswith("_") and name != "Real":
            yield f"kernels.{name}", thing, kernel_arguments(name)
