"""What users of other libraries look for here, and where it is."""

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

__all__ = ["ARGUMENTS", "ATTRIBUTES_OF_LAYERS", "ATTRIBUTES_OF_MODELS", "absent", "explain", "explained", "missing"]

ARGUMENTS = {
    "batch_input_shape": "the shape is that of the data, or of build(input_shape)",
    "clipnorm": "use Clip(optimizer, norm=...)",
    "clipvalue": "use Clip(optimizer, value=...)",
    "decay": "give learning_rate a schedule, such as schedules.InverseTime; weights decay by Decay(optimizer, ...)",
    "ema_momentum": "use Average(optimizer, decay=...)",
    "from_logits": "the loss sees it from the last activation, which is 'linear', 'softmax' or 'sigmoid'",
    "global_clipnorm": "use Clip(optimizer, global_norm=...)",
    "gradient_accumulation_steps": "use Accumulate(optimizer, steps)",
    "input_dim": "the shape is that of the data, or of build(input_shape)",
    "input_shape": "the shape is that of the data, or of build(input_shape)",
    "lr": "it is called learning_rate",
    "reduction": "the loss is the weighted mean over samples",
    "save_weights_only": "files hold all there is; load_model(path).get_weights() returns the weights of one",
    "use_ema": "use Average(optimizer, decay=...)",
    "verbose": "fit(verbose=2) prints a line for each epoch",
    "weight_decay": "use AdamW, or Decay(optimizer, decoupled=...)",
}
_WEIGHTS = "a layer says what is computed; its weights belong to the model: model.parameters['name/kernel'] and so on"
ATTRIBUTES_OF_LAYERS = dict.fromkeys(
    (
        "bias",
        "get_weights",
        "kernel",
        "set_weights",
        "trainable_variables",
        "trainable_weights",
        "variables",
        "weights",
    ),
    _WEIGHTS,
)
ATTRIBUTES_OF_MODELS = {
    "add": "call the layer with an output of another, and make a Model to what it returns; only Sequential is added to",
    "forward": "a model is called itself: model(x)",
    "get_config": "save(path) writes all there is",
    "load_state_dict": "use fastopt.load_model(path), or set_weights",
    "load_weights": "use fastopt.load_model(path), or set_weights",
    "metrics_names": "what evaluate returns has them, as keys()",
    "non_trainable_variables": "they are model.state, by name",
    "non_trainable_weights": "they are model.state, by name",
    "pop": "make another model of model.layers[:-1]",
    "save_weights": "save(path) writes all there is",
    "score": "use evaluate(x, y), or an estimator of fastopt.sklearn",
    "state_dict": "save(path) writes all there is; arrays by name are model.parameters and model.state",
    "to_json": "save(path) writes all there is",
    "trainable_variables": "they are model.parameters, by name",
    "trainable_weights": "they are model.parameters, by name",
    "variables": "they are model.parameters and model.state, by name",
    "weights": "they are model.parameters and model.state, by name; get_weights() copies them",
}
_CORE = "the core has the layers; CONTRIBUTING.md of the source tree shows how to add one"
_NO_SEQUENCES = "there are no recurrent layers and no attention"
NAMES_IN_MODULES = {
    "Attention": _NO_SEQUENCES,
    "CosineDecay": "use Cosine",
    "CosineDecayRestarts": "use CosineRestarts",
    "ExponentialDecay": "use Exponential",
    "GRU": _NO_SEQUENCES,
    "InverseTimeDecay": "use InverseTime",
    "LSTM": _NO_SEQUENCES,
    "Lambda": _CORE,
    "MultiHeadAttention": _NO_SEQUENCES,
    "PiecewiseConstantDecay": "use Piecewise",
    "PolynomialDecay": "use Polynomial",
    "ReLU": "use Activation('relu'), or Dense(units, 'relu')",
    "SimpleRNN": _NO_SEQUENCES,
    "Softmax": "use Activation('softmax'); losses bring it along for a last layer without an activation",
    "activations": "activations are names, such as 'relu'; as functions of arrays they are in fastopt.kernels",
    "clone_model": "use fastopt.clone(model)",
    "l1": "use L1",
    "l1_l2": "use L1L2",
    "l2": "use L2",
    "models": "Sequential, Model and load_model are names of fastopt itself",
    "saving": "use model.save(path) and fastopt.load_model(path)",
    "utils": "a model has its seed, and labels need not be one-hot",
}


def explained(init: Callable[..., None]) -> Callable[..., None]:
    """Return a constructor whose error, for an argument that it does not have, says what there is instead."""
    code = init.__code__
    known = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    takes_all = bool(code.co_flags & 0x08)

    @functools.wraps(init)
    def checked(self: Any, *args: Any, **given: Any) -> None:
        for name in given:
            if name in ARGUMENTS and name not in known and not takes_all:
                raise TypeError(f"{type(self).__name__} has no argument {name!r}: {ARGUMENTS[name]}.")
        init(self, *args, **given)

    return checked


def explain(cls: type) -> None:
    """Give a class whose constructor is its own one that is `explained`."""
    if "__init__" in vars(cls):
        setattr(cls, "__init__", explained(vars(cls)["__init__"]))  # noqa: B010  # type checkers refuse to assign it


def absent(module: str, name: str, places: Iterable[str] = ()) -> AttributeError:
    """Return the error for a name that a module does not have, but one of these places may."""
    hint = NAMES_IN_MODULES.get(name) or " or ".join(f"it is {place}.{name}" for place in places)
    return AttributeError(f"module {module!r} has no attribute {name!r}{hint and f': {hint}'}")


def missing(value: object, name: str, known: Mapping[str, str]) -> AttributeError:
    """Return the error for an attribute that is not there."""
    hint = f": {known[name]}" if name in known else ""
    return AttributeError(f"{type(value).__name__!r} object has no attribute {name!r}{hint}.")
