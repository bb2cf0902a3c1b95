"""What files may ask for is bounded, and time grows with it alone; so it does for deep models."""

import json
import time

import numpy as np
import pytest

import fastopt as fo

L = fo.layers


def described(layers, input_shape=(1,)):
    described = [{"class": kind, "config": config} for kind, config in layers]
    return {
        "version": 1,
        "name": None,
        "dtype": "float32",
        "seed": 0,
        "epochs_trained": 0,
        "draws": 0,
        "input_shape": list(input_shape),
        "layers": [*described, {"class": "Dense", "config": {"units": 1}}],
        "optimizer": None,
        "state": {},
        "loss": None,
        "metrics": {},
    }


TENSORS = {
    "dense/kernel": {"dtype": "F32", "shape": [1, 1], "data_offsets": [0, 4]},
    "dense/bias": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]},
}
# A description, and the message where it is refused.
LONG = {
    "unnamed layers": (described([("Flatten", {})] * 8000), None),
    "named layers": (described([("Flatten", {"name": f"n{i}"}) for i in range(8000)]), None),
    "names that others get": (
        described([("Flatten", {"name": f"flatten_{i}"} if i % 2 else {}) for i in range(8000)]),
        None,
    ),
    "activations": (described([("Activation", {"activation": "tanh"})] * 8000), None),
    "other tensors": (described([("Dense", {"units": 1})] * 8000), "tensors are not those .* and 15990 others"),
    "too many layers": (described([("Flatten", {})] * 50_000), "at most 10000"),
    "dimensions": (described([("Flatten", {})], [1] * 60_000), "60000 dimensions"),
    "dimensions of a reshape": (described([("Reshape", {"target_shape": [1] * 60_000})]), "60000 dimensions"),
    "long name": (described([("Flatten", {"name": "n" * 1_000_000})]), "at most 1000 characters"),
}


@pytest.mark.parametrize(("description", "message"), LONG.values(), ids=LONG)
def test_small_files_load_in_little_time(description, message, tmp_path):
    """In a second or so; 2,000 unnamed layers once took 27."""
    path = tmp_path / "model"
    header = {"__metadata__": {"fastopt": json.dumps(description)}} | TENSORS
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"\0" * 8)
    began = time.process_time()
    if message is None:
        assert len(fo.load_model(path).layers) == 8001
    else:
        with pytest.raises(ValueError, match=message):
            fo.load_model(path)
    assert time.process_time() - began < 10


HEADERS = {
    "lists": b'{"a":[' + b"[]," * 1_000_000 + b"[]]}",
    "numbers": b'{"a":[' + b"1," * 3_000_000 + b"1]}",
    "bytes": b'{"a":"' + b"n" * 25_000_000 + b'"}',
    "open strings": b'{"a":' + b'"\\' * 3_000_000,
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_headers_are_bounded(header, tmp_path):
    path = tmp_path / "model"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    began = time.process_time()
    with pytest.raises(ValueError, match=r"cannot be loaded"):
        fo.load_model(path)
    assert time.process_time() - began < 5


@pytest.mark.parametrize("named", [False, True])
def test_deep_models(named, tmp_path):
    layers = [L.Dense(3, "tanh", name=f"n{i}" if named else None) for i in range(1500)]
    began = time.process_time()
    model = fo.Sequential([*layers, L.Dense(1)], seed=0)
    rates = {f"n{i}" if named else f"dense_{i + 1}": 1.0 + i for i in range(1500)}
    model.compile(fo.optimizers.LayerRates("adam", rates), "mse")
    model.build(2)
    model.save(tmp_path / "model")
    assert fo.load_model(tmp_path / "model").layer_names == model.layer_names
    assert time.process_time() - began < 10


def chain(x, count):
    for _ in range(count):
        x = L.Dense(2, "tanh")(x)
    return [x]


def heads(x, count):
    return [L.Dense(1)(x) for _ in range(count)]


def shared(x, count):
    layer = L.Dense(1)
    return [layer(x) for _ in range(count)]


@pytest.mark.parametrize("connect", [chain, heads, shared])
def test_large_graphs(connect):
    began = time.process_time()
    x = fo.Input(2)
    model = fo.Model(x, connect(x, 1500))
    assert len(set(model.graph.output_names)) == len(model.graph.sizes_of_outputs)
    assert time.process_time() - began < 10


def test_a_model_that_would_not_be_read_is_not_saved(tmp_path):
    layer = L.Dense(1)
    for _ in range(40):
        layer = L.Residual([layer])
    model = fo.Sequential([L.Dense(1), layer])
    model.build(1)
    with pytest.raises(ValueError, match=r"cannot be saved: .*more than 100 levels"):
        model.save(tmp_path / "model")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("start", "kind"), [(b"\x89HDF\r\n\x1a\n", "HDF5"), (b"PK\x03\x04", "a zip archive"), (b"\x80\x05\x95", "a pickle")]
)
def test_files_of_other_formats(start, kind, tmp_path):
    (tmp_path / "model").write_bytes(start + b"\xff" * 100)
    with pytest.raises(ValueError, match=f"not a safetensors file but {kind}"):
        fo.load_model(tmp_path / "model")


def test_files_of_others(tmp_path):
    from safetensors.numpy import save_file

    for metadata in (None, {"format": "pt"}):
        save_file({"weight": np.ones((2, 2))}, tmp_path / "model", metadata)
        with pytest.raises(ValueError, match=r"not one that fastopt has written: .*load_file"):
            fo.load_model(tmp_path / "model")
