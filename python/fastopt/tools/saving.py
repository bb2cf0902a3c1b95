"""Models in files: one safetensors file holds the weights, the optimizer's slots and, as JSON, everything else.

Loading trusts nothing in the file. It runs no code from it and imports nothing by name; objects are built only from
fastopt's own classes, and memory is taken only after every size has been compared with what the file really holds.
"""

import json
import math
import os
import re
from collections.abc import Mapping
from io import BufferedIOBase, BufferedReader, BytesIO
from typing import Any

import numpy as np

from fastopt.core import checks
from fastopt.core.files import opened, replaced
from fastopt.core.registry import Described, Registry, describe, word
from fastopt.core.warn import warn
from fastopt.data.encoder import TableEncoder
from fastopt.layers import LAYERS
from fastopt.losses import LOSSES
from fastopt.methods import SOLVERS, Solver
from fastopt.metrics import METRICS, Metric
from fastopt.model.columns import checked_features
from fastopt.model.functional import Model
from fastopt.model.labels import described, restored
from fastopt.model.nested import NETWORKS
from fastopt.model.plan import Plan
from fastopt.model.sequential import Sequential
from fastopt.model.solving import chosen
from fastopt.optimizers import OPTIMIZERS, Optimizer

__all__ = ["load_model", "save"]

KEY = "fastopt"
VERSION = 1
# What a header may be at most: bytes, values and levels of nesting.
MAX_HEADER = 25_000_000
MAX_VALUES = 2_000_000
MAX_DEPTH = 100
# Text up to a bracket that is not in a string, or to the end; possessive, so that none is gone through twice.
BRACKET = re.compile(r'(?:[^][{}"]++|"(?:[^"\\]++|\\.)*+"?)*+([][{}]|\Z)', re.DOTALL)
LEVELS = {"[": 1, "{": 1, "]": -1, "}": -1, "": 0}
SHOWN = 10  # names in a message
CODES = {"float32": "F32", "float64": "F64"}
# Endings of files that others make models of.
FOREIGN = re.compile(r"\.(h5|hdf5|keras|pb|tflite|pt|pth|ckpt|onnx|pkl|pickle|joblib|npy|npz)\Z", re.IGNORECASE)
# What such files start with.
STARTS = {b"\x89HDF": "HDF5, as of Keras", b"PK\x03\x04": "a zip archive, as of Keras and PyTorch", b"\x80": "a pickle"}


def save(model: Sequential | Model, path: str | os.PathLike[str]) -> None:
    """Write the model to one safetensors file: weights, optimizer, random state and architecture.

    The file is written beside `path` under another name, brought to the disk and renamed, so that `path` is always
    a whole file. A model that `load_model` reads from it trains on as this one would have, to the bit.

    Args:
        model: A built model.
        path: The file; one that exists is replaced, and keeps its permissions, group and, where the system permits, its
            owner. Of a symbolic link it is the file that it leads to.

    Raises:
        RuntimeError: The model has not been built.
        ValueError: It holds an object of a class that is not fastopt's own, or an optimizer whose attributes now
            ask for another rule than it has trained by; or a value is NaN or infinite; or layers, seed or dtype were
            set to others after the model was built. The file stays as it was.
        OSError: The file cannot be written, or is a folder, a pipe, a socket or a device.

    Warns:
        UserWarning: The ending of `path` is that of another format.
    """
    from safetensors.numpy import save as packed

    if FOREIGN.search(os.fsdecode(path)):
        warn(
            f"{os.fsdecode(path)} is written as a safetensors file, whatever its name says, and only load_model "
            "reads it; the ending .safetensors would say so.",
        )
    _check_unchanged(model)
    # The slots before the state: reading them tells the optimizer the epoch, by which `Sequence` may change its rule.
    tensors = {**model.parameters, **model.state, **model.slots}
    description = _description(model)
    try:  # what `load_model` does
        model._need_weights().check(tensors)
        tensors |= {f"/{name}": values for name, values in (model._solver_slots() or {}).items()}
        text = json.dumps(description, allow_nan=False)
        _parse(text)
        data = packed(tensors, {KEY: text})
        _read_header(BytesIO(data), len(data))
    except ValueError as error:
        raise ValueError(f"The model cannot be saved: {error}") from error
    with replaced(path) as file:
        file.write(data)


def _check_unchanged(model: Sequential | Model) -> None:
    """Refuse a model that is no longer described by what it was built by."""
    built = model._need_weights()
    try:
        before = built.plan
        plan = Plan(before.input_shapes, model.layers, before.calls, before.results)
        now = plan.specs, [*plan.parameters, *plan.state], model.seed, model.dtype
        same = now == (built.specs, [*built.tensors], built.seed, built.network.dtype)
    except (TypeError, ValueError):
        same = False
    if not same:
        raise ValueError(
            "The model cannot be saved: its layers, its seed or its dtype were set to others after it was built, which "
            "only a new model follows."
        )
    if model._compiled is not None and not model._compiled.follows_loss:
        raise ValueError(
            "The model cannot be saved: attributes of its loss were set to others after training began, which only "
            "another compile lets it follow."
        )


def _description(model: Sequential | Model) -> dict[str, Any]:
    optimizer = model.optimizer
    if isinstance(optimizer, Optimizer):
        optimizer.check_rule()
    registry: Registry[Any] = SOLVERS if isinstance(optimizer, Solver) else OPTIMIZERS
    return {
        "version": VERSION,
        "name": model.name,
        "dtype": model.dtype,
        "seed": model.seed,
        "epochs_trained": model.epochs_trained,
        "draws": model.draws,
        "noise": model.noise,
        "classes": {name: described(labels) for name, labels in model._classes.items()},
        "features": model._features,
        "encoder": None if model.encoder is None else model.encoder.state(),
        **_architecture(model),
        "optimizer": None if optimizer is None else _own(registry, optimizer),
        "state": _finite_numbers(optimizer.state) if isinstance(optimizer, Optimizer) else {},
        **_judges(model),
    }


def _finite_numbers(state: dict[str, float]) -> dict[str, float]:
    for name, value in state.items():
        checks.real(f"state[{name!r}] of the optimizer", float(value))
    return state


def _architecture(model: Sequential | Model) -> dict[str, Any]:
    """Return the layers of a `Sequential`, each of which feeds the next; or how those of a `Model` are connected."""
    if isinstance(model, Sequential):
        return {"input_shape": model.input_shape, "layers": [_own(LAYERS, layer) for layer in model.layers]}
    return {"network": _own(NETWORKS, model.graph)}


def _judges(model: Sequential | Model) -> dict[str, Any]:
    """Return the loss and the metrics, those of a `Model` by the names of its outputs."""

    def described(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: described(item) for name, item in value.items()}
        return _own(METRICS if isinstance(value, Metric) else LOSSES, value) if isinstance(value, Described) else value

    judges: dict[str, Any] = described({"loss": None, "metrics": {}} | model.judged_by)
    return judges


def _own(registry: Registry[Any], value: Described) -> dict[str, Any]:
    try:
        description = describe(value)
        registry.resolve(_parse(json.dumps(description, allow_nan=False)))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{value!r} cannot be saved: {error}") from None
    return description


def load_model(path: str | os.PathLike[str]) -> Any:
    """Return the `Sequential` or `Model` whose `save` wrote the file, with weights, optimizer and random state.

    Args:
        path: The file.

    Raises:
        OSError: The file cannot be read, or is a folder, a pipe, a socket or a device.
        ValueError: It is not such a file, was written by a newer version, is truncated, or asks for something that is
            not in it; memory for weights is taken only after that is known.

    Example:
        >>> import os, tempfile
        >>> import numpy as np, fastopt as fo
        >>> model = fo.Sequential([fo.layers.Dense(1)], seed=0)
        >>> model.build(2)
        >>> path = os.path.join(tempfile.mkdtemp(), "model.safetensors")
        >>> model.save(path)
        >>> bool((fo.load_model(path).predict([[1.0, 2.0]]) == model.predict([[1.0, 2.0]])).all())
        True
    """
    with BufferedReader(opened(path), 1 << 13) as file:  # open() of Python 3.14 takes 128 KiB for any file
        try:
            return _load(file)
        except (ValueError, TypeError, RecursionError) as error:
            raise ValueError(f"{os.fspath(path)} cannot be loaded as a model: {error}") from error


def _load(file: BufferedIOBase) -> Any:
    entries, data = _read_header(file, os.fstat(file.fileno()).st_size)
    metadata = entries.get("__metadata__")
    if not isinstance(metadata, dict) or KEY not in metadata:
        raise ValueError(
            f"it is a safetensors file, but not one that fastopt has written: its metadata have no {KEY!r}, which says "
            "what the layers are. safetensors.numpy.load_file reads its tensors, which set_weights of a model of such "
            "layers takes."
        )
    description = _parse(_field(metadata, KEY, str))
    version = _field(description, "version", int)
    if version != VERSION:
        raise ValueError(f"it has format version {version}; this version of fastopt reads {VERSION}.")

    name = None if description.get("name") is None else _field(description, "name", str)
    settings = _field(description, "seed", int), _field(description, "dtype", str), name
    model: Any
    if "network" in description:
        plan = NETWORKS.resolve(_described(description["network"]))
        if not isinstance(plan, Plan):
            raise ValueError("its network is not one of a fastopt.Model.")
        model = Model.of_network(plan, *settings)
        judges = _judges_by_output
    else:
        model = Sequential(
            [LAYERS.resolve(_described(layer)) for layer in _field(description, "layers", list)], *settings
        )
        sizes = _field(description, "input_shape", list)
        plan = model.network.plan([tuple(checks.integer("input_shape", size, 1, checks.SIZE) for size in sizes)])
        judges = _judge
    if description.get("optimizer") is not None:
        model.compile(chosen(_described(description["optimizer"])), **judges(description))

    model.epochs_trained = _field(description, "epochs_trained", int)
    if isinstance(model.optimizer, Optimizer):
        model.optimizer.epoch = model.epochs_trained
    places = _places(entries, data, model, plan)
    model._build(plan, initialize=False)
    if isinstance(model.optimizer, Optimizer):
        unsaid = {"momentum_product": 0.0} if model.optimizer.rule == "nadam" else {}  # in files of 0.1
        model.optimizer.state = unsaid | _field(description, "state", dict)
    model.draws = _field(description, "draws", int)
    noise = {"noise": True} | description  # files of 0.1 have none
    model.noise = _field(noise, "noise", float if isinstance(noise["noise"], float) else bool)
    for name, labels in _field({"classes": {}} | description, "classes", dict).items():
        model._classes[word("output", name, model._heads)] = restored(_described(labels))
    model._features = checked_features(_field({"features": {}} | description, "features", dict), len(plan.input_shapes))
    if description.get("encoder") is not None:
        model.encoder = TableEncoder.from_state(description["encoder"])
    tensors: dict[str, Any] = model.parameters | model.state | model.slots
    remembered = {name: np.empty(entries[name]["shape"]) for name in places.keys() - tensors.keys()}
    for key, view in (tensors | remembered).items():
        file.seek(places[key])
        if file.readinto(view.data.cast("B")) != view.nbytes:
            raise ValueError("it ends before its data do.")
    model._need_weights().check(tensors)
    if remembered:
        if any(np.isnan(values).any() for values in remembered.values()):
            raise ValueError("what its solver remembers is not a number.")
        model._restore_solver({name[1:]: values for name, values in remembered.items()})
    return model


def _judge(description: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `compile` takes beside the optimizer."""
    loss = description.get("loss")
    return {
        "loss": None if loss is None else LOSSES.resolve(_described(loss)),
        "metrics": {
            name: METRICS.resolve(_described(metric)) for name, metric in _field(description, "metrics", dict).items()
        },
    }


def _judges_by_output(description: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `compile` takes beside the optimizer: dicts by the names of the outputs."""
    if description.get("loss") is None:
        return {}
    losses, metrics = _field(description, "loss", dict), _field(description, "metrics", dict)
    heads = {name: _judge({"loss": loss, "metrics": metrics.get(name)}) for name, loss in losses.items()}
    return {
        "loss": {name: head["loss"] for name, head in heads.items()},
        "metrics": {name: head["metrics"] for name, head in heads.items()},
        "loss_weights": _field(description, "loss_weights", dict),
    }


def _read_header(file: BufferedIOBase, size: int) -> tuple[dict[str, Any], tuple[int, int]]:
    """Return the header's entries and where the data begin and end in a file of this size."""
    head = file.read(8)
    length = int.from_bytes(head, "little")
    if size < 8 or length > size - 8:
        kind = next((f" but {kind}" for start, kind in STARTS.items() if head.startswith(start)), "")
        raise ValueError(f"it is not a safetensors file{kind}, or truncated: its header does not fit into it.")
    if length > MAX_HEADER:
        raise ValueError(f"its header has {length} bytes; at most {MAX_HEADER} are read.")
    try:
        text = file.read(length).decode()
    except UnicodeDecodeError:
        raise ValueError("it is not a safetensors file: its header is not text.") from None
    return _parse(text), (8 + length, size)


def _places(entries: Mapping[str, Any], data: tuple[int, int], model: Sequential | Model, plan: Plan) -> dict[str, int]:
    """Return where each tensor begins, after comparing all of them with what the model needs and the file holds."""
    needed = {name: tensor.shape for name, tensor in plan.parameters.items()}
    if isinstance(model.optimizer, Optimizer):
        needed |= model.optimizer.slot_shapes(needed)
    needed |= {name: tensor.shape for name, tensor in plan.state.items()}
    given = entries.keys() - {"__metadata__"}
    solvers = _solver_shapes(entries) if isinstance(model.optimizer, Solver) else {}
    dtypes = dict.fromkeys(needed, model.dtype) | dict.fromkeys(solvers, "float64")
    needed |= solvers
    if given != needed.keys():
        names = sorted(given ^ needed.keys())
        others = f" and {len(names) - SHOWN} others" if len(names) > SHOWN else ""
        raise ValueError(f"its tensors are not those of its architecture: {', '.join(names[:SHOWN])}{others}.")
    ranges: dict[str, tuple[int, int]] = {}
    for name, shape in needed.items():
        entry = _field(entries, name, dict)
        code = CODES[dtypes[name]]
        if entry.get("dtype") != code or entry.get("shape") != list(shape):
            found = f"{entry.get('dtype')} {entry.get('shape')}"
            raise ValueError(f"{name} is {found}; its architecture needs {code} {list(shape)}.")
        offsets = _field(entry, "data_offsets", list)
        size = math.prod(shape) * np.dtype(dtypes[name]).itemsize
        if not all(type(n) is int for n in offsets) or len(offsets) != 2 or offsets[1] - offsets[0] != size:
            raise ValueError(f"{name} has the data offsets {offsets}; its shape needs {size} bytes.")
        ranges[name] = (offsets[0], offsets[1])
    end = 0
    for name, (start, stop) in sorted(ranges.items(), key=lambda item: item[1]):
        if start != end:
            raise ValueError(f"{name} begins at byte {start} of the data; expected {end}.")
        end = stop
    if data[0] + end != data[1]:
        raise ValueError(f"it is truncated or has been changed: it holds {data[1] - data[0]} bytes of data, not {end}.")
    return {name: data[0] + start for name, (start, _) in ranges.items()}


def _solver_shapes(entries: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of what a solver remembers, as the file has them: it is asked when there are weights."""
    shapes = {name: _field(_field(entries, name, dict), "shape", list) for name in entries if name.startswith("/")}
    return {name: tuple(checks.integer(name, size, 0, checks.SIZE) for size in shape) for name, shape in shapes.items()}


def _parse(text: str) -> dict[str, Any]:
    # Lists of nothing take eight times their text in memory, and some versions of Python go ten thousand levels deep
    # before they give up.
    if sum(map(text.count, ",[{")) > MAX_VALUES:
        raise ValueError(f"its header holds more than {MAX_VALUES} values.")
    depth = 0
    for bracket in BRACKET.finditer(text):
        depth += LEVELS[bracket[1]]
        if depth > MAX_DEPTH:
            raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep.")
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("its header is not a JSON object.")
    return value


def _field(entries: Mapping[str, Any], name: str, kind: type) -> Any:
    value = entries.get(name)
    if type(value) is not kind:
        raise ValueError(f"its header has no {name!r} of type {kind.__name__}.")
    return value


def _described(value: object) -> object:
    if not isinstance(value, Mapping):
        raise ValueError(f"expected the description of an object, not {value!r}.")
    return value
