"""Saved models: exact to the bit, and safe to load whatever the file holds."""

import json
import os
import subprocess
import sys

import cases
import numpy as np
import pytest

import fastopt as fo

ADAM = "Adam(learning_rate=0.01, beta_1=0.8, epsilon=1e-06)"


def make(optimizer=ADAM, dtype="float32", seed=2**64 - 1):
    layers = [
        fo.layers.Dense(7, "tanh", kernel_initializer=fo.initializers.RandomNormal(0.0, 0.3), name="first"),
        fo.layers.Dense(5, use_bias=False),
        fo.layers.Dense(3, "softmax", bias_initializer=fo.initializers.Constant(0.1)),
    ]
    model = fo.Sequential(layers, seed=seed, dtype=dtype, name="small")
    model.compile(cases.OPTIMIZERS[optimizer](), "sparse_categorical_crossentropy", {"right": "accuracy"})
    return model


@pytest.fixture
def data(rng):
    return rng.normal(size=(50, 4)), rng.integers(0, 3, 50)


@pytest.fixture
def saved(data, tmp_path):
    model = make()
    model.fit(*data, epochs=2, verbose=0)
    model.save(tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def state(model):
    return {name: view.tobytes() for name, view in (model.parameters | model.slots).items()}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", cases.OPTIMIZERS)
@pytest.mark.filterwarnings("ignore:.* adapts its")
def test_resume_is_exact(optimizer, dtype, data, tmp_path):
    straight = make(optimizer, dtype)
    whole = straight.fit(*data, batch_size=16, epochs=5, verbose=0).history["loss"]
    first = make(optimizer, dtype)
    losses = first.fit(*data, batch_size=16, epochs=2, verbose=0).history["loss"]
    first.save(tmp_path / "model.safetensors")
    second = fo.load_model(tmp_path / "model.safetensors")
    losses += second.fit(*data, batch_size=16, epochs=5, initial_epoch=2, verbose=0).history["loss"]
    assert losses == whole
    assert state(second) == state(straight)
    assert second.optimizer.state == straight.optimizer.state
    assert second.epochs_trained == 5


def test_starting_values_are_drawn_once(saved, data, monkeypatch):
    """Not for a model whose weights come from elsewhere."""
    model = fo.load_model(saved)

    def fail(*_):
        raise AssertionError("drawn")

    for initializer in (fo.initializers.RandomNormal, fo.initializers.GlorotUniform, fo.initializers.Constant):
        monkeypatch.setattr(initializer, "__call__", fail)
    with pytest.raises(AssertionError, match="drawn"):
        make().build(4)
    assert state(fo.load_model(saved)) == state(model)
    assert fo.check_gradients(model, *data).ok
    assert model.fold().count_params() == model.count_params()


def test_everything_comes_back(saved, data):
    model = fo.load_model(saved)
    assert (model.seed, model.name, model.dtype, model.layer_names) == (
        2**64 - 1,
        "small",
        "float32",
        ["first", "dense", "dense_1"],
    )
    assert [layer.get_config() for layer in model.layers] == [layer.get_config() for layer in make().layers]
    assert model.optimizer.get_config() == make().optimizer.get_config()
    assert model.evaluate(*data).keys() == {"loss", "right"}


def test_files_that_say_nothing_of_noise(saved):
    """Those of version 0.1: layers that add noise do so."""
    parts = Parts(saved.read_bytes())
    del parts.model["noise"]
    saved.write_bytes(parts.bytes())
    assert fo.load_model(saved).noise
    parts.model["noise"] = 0.25
    saved.write_bytes(parts.bytes())
    assert fo.load_model(saved).noise == 0.25


def test_without_compile(tmp_path):
    model = fo.Sequential([fo.layers.Dense(2)], seed=3)
    model.build(3)
    model.save(tmp_path / "model")
    loaded = fo.load_model(tmp_path / "model")
    assert loaded.optimizer is None
    assert state(loaded) == state(model)


def test_optimizer_without_loss(tmp_path):
    model = fo.Sequential([fo.layers.Dense(2)])
    model.compile("sgd")
    model.build(3)
    model.save(tmp_path / "model")
    assert fo.load_model(tmp_path / "model").loss is None


def test_safetensors_reads_it(saved):
    from safetensors.numpy import load_file

    tensors = load_file(saved)
    assert tensors["first/kernel"].shape == tensors["first/kernel/m"].shape == (4, 7)


def test_replaces_the_file_whole(saved):
    before = saved.stat().st_ino
    fo.load_model(saved).save(saved)
    assert saved.stat().st_ino != before
    assert os.listdir(saved.parent) == [saved.name]


def test_failed_save_leaves_the_old_file(saved, monkeypatch):
    model, before = fo.load_model(saved), saved.read_bytes()

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        model.save(saved)
    assert saved.read_bytes() == before
    assert os.listdir(saved.parent) == [saved.name]


def test_missing_folder(saved, tmp_path):
    with pytest.raises(FileNotFoundError):
        fo.load_model(saved).save(tmp_path / "none" / "model")
    with pytest.raises(FileNotFoundError):
        fo.load_model(tmp_path / "none")


def test_foreign_class_is_not_saved(tmp_path):
    class Own(fo.initializers.Initializer):
        def __call__(self, shape, seed, stream, dtype="float32"):
            return np.ones(shape, dtype)

    model = fo.Sequential([fo.layers.Dense(2, kernel_initializer=Own())])
    model.build(3)
    with pytest.raises(ValueError, match="cannot be saved: Unknown initializer 'Own'"):
        model.save(tmp_path / "model")
    assert not os.listdir(tmp_path)


# Tampered files: each row changes the parsed file; then loading must name the fault.


class Parts:
    """A safetensors file in pieces."""

    def __init__(self, content):
        length = int.from_bytes(content[:8], "little")
        self.header = json.loads(content[8 : 8 + length])
        self.model = json.loads(self.header["__metadata__"]["fastopt"])
        self.data = content[8 + length :]

    def bytes(self):
        self.header["__metadata__"]["fastopt"] = json.dumps(self.model)
        return frame(json.dumps(self.header).encode(), self.data)


def frame(header, data=b""):
    return len(header).to_bytes(8, "little") + header + data


def change(*path, to):
    """Return the change of one entry of the model's description or, with "header" first, of the file's header."""

    def apply(parts):
        place = parts.header if path[0] == "header" else parts.model
        *inner, last = path[1:] if path[0] == "header" else path
        for key in inner:
            place = place[key]
        place[last] = to

    return apply


def remove(name):
    return lambda parts: parts.header.pop(name)


def big(parts):
    parts.model["layers"][0]["config"]["units"] = 2**58


def big_everywhere(parts):
    parts.model["layers"][0]["config"]["units"] = 2**58
    size = 0
    for name, entry in parts.header.items():
        if name == "__metadata__":
            continue
        entry["shape"] = [2**58 if n == 7 else n for n in entry["shape"]]
        length = 4 * int(np.prod(entry["shape"], dtype=object))
        entry["data_offsets"] = [size, size + length]
        size += length


def overlap(parts):
    entry = parts.header["first/kernel"]["data_offsets"]
    parts.header["first/kernel/m"]["data_offsets"] = list(entry)


def shift(parts):
    for name, entry in parts.header.items():
        if name != "__metadata__":
            entry["data_offsets"] = [n + 4 for n in entry["data_offsets"]]
    parts.data += b"\0" * 4


def nan_weight(parts):
    start = parts.header["first/kernel"]["data_offsets"][0]
    parts.data = parts.data[:start] + np.float32(np.nan).tobytes() + parts.data[start + 4 :]


TAMPERED = {
    "version": (change("version", to=2), "format version 2"),
    "version-type": (change("version", to="1"), "'version' of type int"),
    "version-bool": (change("version", to=True), "'version' of type int"),
    "layer-class": (change("layers", 0, "class", to="os.system"), "Unknown layer 'os.system'"),
    "layer-class-type": (change("layers", 0, "class", to=["Dense"]), "Unknown layer"),
    "layer-string": (change("layers", 0, to="Dense"), "expected the description of an object"),
    "layer-keys": (change("layers", 0, to={"class": "Dense"}), "known layer"),
    "layer-argument": (change("layers", 0, "config", "command", to="rm"), "command"),
    "no-layers": (change("layers", to=[]), "layers is empty"),
    "layers-type": (change("layers", to={}), "'layers' of type list"),
    "units-type": (change("layers", 0, "config", "units", to="7"), "units must be an integer"),
    "units-zero": (change("layers", 0, "config", "units", to=0), "units must be at least 1"),
    "units-other": (change("layers", 0, "config", "units", to=8), "architecture needs"),
    "units-2^58": (big, "architecture needs"),
    "all-sizes-2^58": (big_everywhere, "truncated"),
    "activation": (change("layers", 0, "config", "activation", to="__import__"), "Unknown activation"),
    "layer-name": (change("layers", 0, "config", "name", to="dense"), "tensors are not those"),
    "layer-name-type": (change("layers", 0, "config", "name", to=7), "name must be a string"),
    "initializer": (change("layers", 0, "config", "kernel_initializer", to=["zeros"]), "known initializer"),
    "initializer-nested": (
        change("layers", 0, "config", "kernel_initializer", "class", to="Path"),
        "Unknown initializer 'Path'",
    ),
    "input-shape": (change("input_shape", to=[0]), "input_shape must be at least 1"),
    "input-shape-2^60": (change("input_shape", to=[2**60]), "architecture needs"),
    "input-shape-two": (change("input_shape", to=[2, 2]), "needs flat samples"),
    "input-shape-none": (change("input_shape", to=[]), "needs flat samples"),
    "dtype": (change("dtype", to="float64"), "architecture needs F64"),
    "dtype-unknown": (change("dtype", to="object"), "Unknown dtype"),
    "seed": (change("seed", to=-1), "seed must be at least 0"),
    "seed-float": (change("seed", to=1.5), "'seed' of type int"),
    "seed-null": (change("seed", to=None), "'seed' of type int"),
    "step": (change("state", "step", to=-1), "step must be at least 0"),
    "step-large": (change("state", "step", to=2**63), "step must be"),
    "step-2^53": (change("state", "step", to=2**53), "step must be less than"),
    "held-negative": (change("state", "held", to=-1), "held must be at least 0"),
    "held-2^53": (change("state", "held", to=2**53), "held must be less than"),
    "held-type": (change("state", "held", to=0.5), "held must be an integer"),
    "draws": (change("draws", to=-1), "draws must be at least 0"),
    "draws-2^38": (change("draws", to=2**38), "draws must be less than"),
    "noise": (change("noise", to=1), "'noise' of type bool"),
    "epochs-2^48": (change("epochs_trained", to=2**48), "epochs_trained must be less than"),
    "epochs": (change("epochs_trained", to=-1), "epochs_trained must be at least 0"),
    "optimizer": (change("optimizer", "class", to="Path"), "Unknown optimizer"),
    "optimizer-slots": (change("optimizer", to={"class": "SGD", "config": {}}), "tensors are not those"),
    "optimizer-rate": (change("optimizer", "config", "learning_rate", to=-1.0), "learning_rate must be at least 0"),
    "loss": (change("loss", "class", to="Path"), "Unknown loss"),
    "metric": (change("metrics", "right", "class", to="Path"), "Unknown metric"),
    "metrics-type": (change("metrics", to=[]), "'metrics' of type dict"),
    "no-metadata": (remove("__metadata__"), "cannot be loaded"),
    "tensor-missing": (remove("first/kernel"), "tensors are not those of its architecture: first/kernel"),
    "tensor-extra": (change("header", "more", to={}), "tensors are not those of its architecture: more"),
    "tensor-type": (change("header", "first/bias", to=[]), "'first/bias' of type dict"),
    "tensor-dtype": (change("header", "first/bias", "dtype", to="F16"), r"first/bias is F16 \[7\]"),
    "tensor-shape": (change("header", "first/bias", "shape", to=[1, 7]), r"first/bias is F32 \[1, 7\]"),
    "offsets-type": (change("header", "first/bias", "data_offsets", to=[0.0, 28.0]), "data offsets"),
    "offsets-one": (change("header", "first/bias", "data_offsets", to=[0]), "data offsets"),
    "offsets-size": (change("header", "first/bias", "data_offsets", to=[0, 24]), "data offsets"),
    "offsets-outside": (change("header", "first/bias", "data_offsets", to=[2**40, 2**40 + 28]), "begins at byte"),
    "offsets-negative": (change("header", "first/bias", "data_offsets", to=[-28, 0]), "begins at byte"),
    "offsets-overlap": (overlap, "begins at byte"),
    "offsets-hole": (shift, "begins at byte 4"),
    "nan": (nan_weight, r"first/kernel\[0, 0\] = nan"),
}


def refused(path, message):
    """Assert that loading fails with this message and takes hardly more memory than the file as bytes and as text."""
    import tracemalloc

    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=message) as caught:
            fo.load_model(path)
        assert tracemalloc.get_traced_memory()[1] < 2 * path.stat().st_size + (1 << 17)
    finally:
        tracemalloc.stop()
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(("tamper", "message"), TAMPERED.values(), ids=TAMPERED)
def test_tampered(tamper, message, saved):
    parts = Parts(saved.read_bytes())
    tamper(parts)
    if "__metadata__" in parts.header:
        saved.write_bytes(parts.bytes())
    else:
        saved.write_bytes(frame(json.dumps(parts.header).encode(), parts.data))
    refused(saved, message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a safetensors file"),
        (b"\x08\0\0", "not a safetensors file"),
        (b"PK\x03\x04" + b"\0" * 100, "not a safetensors file"),
        ((2**60).to_bytes(8, "little") + b"{}", "not a safetensors file"),
        ((2**64 - 1).to_bytes(8, "little") + b"{}", "not a safetensors file"),
        (frame(b"\xff\xfe"), "not text"),
        (frame(b"hello"), "cannot be loaded"),
        (frame(b"[1]"), "not a JSON object"),
        (frame(b"[" * 100_000), "more than 100 levels deep"),
        (frame(b'{"a":' * 100_000), "more than 100 levels deep"),
        (frame(b'["[[", "\\"[", ' * 100), "Expecting value"),  # 100 levels, whatever the strings hold
        (frame(b"9" * 10_000), "cannot be loaded"),
        (frame(b'{"__metadata__": {"format": "pt"}}'), "'fastopt'"),
        (frame(b'{"__metadata__": {"fastopt": "[]"}}'), "not a JSON object"),
        (frame(b'{"__metadata__": {"fastopt": "{}"}}'), "'version'"),
    ],
)
def test_not_a_model(content, message, tmp_path):
    path = tmp_path / "model"
    path.write_bytes(content)
    refused(path, message)


def test_truncated_anywhere(saved):
    content = saved.read_bytes()
    for length in [*range(0, len(content), 97), len(content) - 1]:
        saved.write_bytes(content[:length])
        refused(saved, "cannot be loaded")
    saved.write_bytes(content + b"\0")
    refused(saved, "truncated or has been changed")


def test_resume_in_another_process(saved, data, tmp_path):
    np.savez(tmp_path / "data.npz", x=data[0], y=data[1])
    code = (
        "import sys, numpy as np, fastopt as fo\n"
        "data = np.load(sys.argv[2]); model = fo.load_model(sys.argv[1])\n"
        "model.fit(data['x'], data['y'], epochs=3, initial_epoch=2, verbose=0); model.save(sys.argv[1])\n"
    )
    straight = make()
    straight.fit(*data, epochs=3, verbose=0)
    subprocess.run([sys.executable, "-c", code, saved, tmp_path / "data.npz"], check=True)
    assert state(fo.load_model(saved)) == state(straight)


def test_changed_rule_is_not_saved(data, tmp_path):
    """Its slots are not those that `load_model` would look for."""
    model = make()
    model.compile(fo.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    model.fit(*data, verbose=0)
    model.optimizer.momentum = 0.9
    with pytest.raises(ValueError, match=r"began with the rule sgd;.*momentum"):
        model.save(tmp_path / "model.safetensors")
    assert not list(tmp_path.iterdir())
