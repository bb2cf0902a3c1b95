"""The files that models are exported to, by their endings."""

import os
from pathlib import PurePath
from typing import Any

from fastopt import _core
from fastopt.core import checks
from fastopt.core.files import replaced
from fastopt.export.to_c import c_file
from fastopt.export.to_onnx import onnx_file
from fastopt.model.functional import Model
from fastopt.model.labels import described
from fastopt.model.plan import Plan
from fastopt.model.sequential import Sequential

__all__ = ["export"]

ENDINGS = (".onnx", ".c")


def export(model: Sequential | Model, path: str | os.PathLike[str], probabilities: bool = False) -> None:
    """Write what `predict` computes to a file for other programs: ONNX, or C.

    The file is written beside `path` and renamed, as `save` does, so that `path` is always a whole file. It cannot be
    trained and `load_model` does not read it: keep the model by `save`.

    ``.onnx``: opset 17 and IR version 8, for any number of samples; inputs and outputs have the names of the model's,
    and an input of ids is int64. Of a float64 model convolutions, means of windows and the activations elu, selu,
    gelu, softplus, mish, softsign and hard_sigmoid are computed in float32, as onnxruntime has no others. Metadata are
    the classes and the names of columns as JSON, where the model knows them. It needs ``pip install "fastopt[onnx]"``.

    ``.c``: one file of C99 that needs nothing but math.h, with the weights in it and a function for one sample,
    ``void NAME_predict(const float *x, float *y)``, NAME being that of the file; several inputs and outputs are further
    arguments. It allocates no memory. `MemberScale` and `MemberDense` have no form in C.

    Args:
        model: A built model.
        path: The file, whose ending says what it is; one that exists is replaced.
        probabilities: Whether the file returns what the loss makes of logits, as `predict_proba` does, and not what
            `predict` returns.

    Raises:
        ImportError: The package onnx is not installed.
        RuntimeError: The model has not been built.
        TypeError: An argument has the wrong type.
        ValueError: The ending is unknown, a layer has no such form, there are no probabilities, or a weight is NaN or
            infinite. The file stays as it was.
        OSError: The file cannot be written, or is a folder, a pipe, a socket or a device.

    Example:
        >>> import pathlib, tempfile, fastopt as fo
        >>> model = fo.Sequential([fo.layers.Dense(1)], seed=0)
        >>> model.build(2)
        >>> path = pathlib.Path(tempfile.mkdtemp(), "model.c")
        >>> model.export(path)
        >>> "void model_predict(const float *x, float *y) {" in path.read_text()
        True
    """
    given = PurePath(os.fsdecode(path))
    ending = given.suffix.lower()
    if ending not in ENDINGS:
        raise ValueError(f"{os.fsdecode(path)} must end in {' or '.join(ENDINGS)}, which says what to write.")
    built = model._need_weights()
    built.check(built.tensors)
    plan = built.plan
    links = _links(model, plan) if checks.flag("probabilities", probabilities) else ["linear"] * len(plan.results)
    version: str = _core.runtime.build_info()["version"]
    data = (
        c_file(built, links, given.stem, version)
        if ending == ".c"
        else onnx_file(built, links, _known(model, plan), version)
    )
    with replaced(path) as file:
        file.write(data)


def _known(model: Sequential | Model, plan: Plan) -> dict[str, Any]:
    """Return what the model knows of its outputs and inputs."""
    classes = {name or plan.output_names[0]: described(known)["labels"] for name, known in model._classes.items()}
    features = {plan.input_names[int(number)]: names for number, names in model._features.items()}
    return {name: value for name, value in (("classes", classes), ("features", features)) if value}


def _links(model: Sequential | Model, plan: Plan) -> list[str]:
    """Return of each output the activation that makes probabilities of it, or linear where it has no such."""
    loss = model.judged_by.get("loss")
    losses = [loss[name] if isinstance(loss, dict) else loss for name in plan.output_names]
    links = ["linear" if one is None else str(one.link or "linear") for one in losses]
    if not {"softmax", "sigmoid"} & {*links, *plan.output_activations}:
        raise ValueError("There are no probabilities: no output has a softmax or a sigmoid, or a loss for one.")
    done = zip(links, plan.output_activations, strict=True)
    return [link if activation == "linear" else "linear" for link, activation in done]
