"""Data sets: the files are read exactly, and whatever is wrong with them is said without harm."""

import gzip
import hashlib
import http.client
import io
import tracemalloc

import numpy as np
import pytest
from cases.mnist import idx_bytes, write_mnist

from fastopt.data import datasets


@pytest.fixture(autouse=True)
def no_data_and_no_network(monkeypatch, tmp_path):
    """No test reads the user's cache or reaches out."""

    def urlopen(url, timeout):
        raise OSError("no network in tests")

    monkeypatch.delenv("FASTOPT_DATA_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("urllib.request.urlopen", urlopen)


def test_digits():
    x, y = datasets.load_digits()
    assert x.shape == (1797, 64)
    assert x.dtype == np.float32
    assert x.flags.c_contiguous
    assert y.dtype == np.int64
    assert np.array_equal(np.unique(x * 16), np.arange(17))
    assert np.bincount(y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert int((x * 16).sum()) == 561718


@pytest.mark.parametrize("pack", [gzip.compress, bytes], ids=["gzip", "plain"])
def test_mnist_from_a_folder(tmp_path, pack):
    train = write_mnist(tmp_path, "train", 9, pack, seed=1)
    test = write_mnist(tmp_path, "t10k", 7, pack, seed=2)
    for (x, y), (images, labels) in zip(datasets.load_mnist(tmp_path), (train, test), strict=True):
        assert x.dtype == np.float32
        assert y.dtype == np.int64
        np.testing.assert_array_equal(x, images.reshape(-1, 784).astype(np.float32) / np.float32(255))
        np.testing.assert_array_equal(y, labels)


def test_mnist_with_only_one_part(tmp_path):
    images, _ = write_mnist(tmp_path)
    [(x, y)] = datasets.load_mnist(tmp_path, parts=["test"])
    assert len(x) == len(y) == len(images)
    with pytest.raises(FileNotFoundError, match=r"no train-images-idx3-ubyte\.gz"):
        datasets.load_mnist(tmp_path)


def test_mnist_knows_its_parts(tmp_path):
    with pytest.raises(ValueError, match="'train' and 'test', got 'validation'"):
        datasets.load_mnist(tmp_path, parts=["validation"])


@pytest.mark.parametrize("below", ["", "mnist"])
def test_mnist_from_the_data_folder(tmp_path, monkeypatch, below):
    write_mnist(tmp_path / "data" / below)
    monkeypatch.setenv("FASTOPT_DATA_DIR", str(tmp_path / "data"))
    [(x, _)] = datasets.load_mnist(parts=["test"])
    assert len(x) == 7


def test_mnist_from_the_cache_folder(tmp_path, monkeypatch):
    write_mnist(tmp_path / "cache" / "fastopt" / "mnist")
    monkeypatch.setenv("FASTOPT_DATA_DIR", str(tmp_path / "nothing here"))
    [(x, _)] = datasets.load_mnist(parts=["test"])
    assert len(x) == 7


IDX = {
    "uint8": (0x08, np.uint8),
    "int8": (0x09, np.int8),
    "int16": (0x0B, np.int16),
    "int32": (0x0C, np.int32),
    "float32": (0x0D, np.float32),
    "float64": (0x0E, np.float64),
}


@pytest.mark.parametrize("name", IDX)
@pytest.mark.parametrize("pack", [gzip.compress, bytes], ids=["gzip", "plain"])
@pytest.mark.parametrize("shape", [(5,), (2, 3), (2, 3, 4), (0, 28, 28)], ids=str)
def test_idx_round_trip(tmp_path, name, pack, shape):
    code, dtype = IDX[name]
    array = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    path = tmp_path / "array"
    path.write_bytes(pack(idx_bytes(array, code)))
    read = datasets.load_idx(path)
    np.testing.assert_array_equal(read, array, strict=True)
    assert read.dtype.isnative
    assert read.flags.writeable


GOOD = idx_bytes(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))
HUGE = b"\0\0\x0e\x03" + b"\xff" * 12
BAD_FILES = {
    "empty": (b"", "not an IDX file"),
    "three bytes": (GOOD[:3], "not an IDX file"),
    "text": (b"<html>404</html>", "not an IDX file"),
    "unknown type": (b"\0\0\x0a\x01\0\0\0\0", "not an IDX file"),
    "no dimensions": (b"\0\0\x08\0", "not an IDX file"),
    "header cut": (GOOD[:9], "truncated within its header"),
    "data cut": (GOOD[:-1], "truncated; expected 24 bytes"),
    "data too long": (GOOD + b"\0", "longer than its header says"),
    "asks for 2^99 bytes": (HUGE + bytes(100), "more than it can hold"),
    "asks for 255 dimensions": (b"\0\0\x08\xff" + b"\0\0\0\1" * 255 + b"\0", "more than it can hold"),
    "gzip, data cut": (gzip.compress(GOOD[:-1]), "truncated"),
    "gzip, data too long": (gzip.compress(GOOD + b"\0"), "longer than its header says"),
    "gzip, stream cut": (gzip.compress(GOOD)[:-9], "damaged gzip file"),
    "gzip, checksum wrong": (gzip.compress(GOOD)[:-8] + bytes(8), "damaged gzip file"),
    "gzip, header only": (gzip.compress(b"")[:5], "damaged gzip file"),
    "gzip, stream damaged": (gzip.compress(GOOD)[:10] + b"\xff" * 20, "damaged gzip file"),
    "gzip, asks for 2^99 bytes": (gzip.compress(HUGE + bytes(100)), "more than it can hold"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_idx_files(tmp_path, name):
    content, message = BAD_FILES[name]
    path = tmp_path / "bad-file"
    path.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=rf"bad-file.*{message}"):
            datasets.load_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_idx_bomb_stops_at_what_the_header_says(tmp_path):
    path = tmp_path / "bomb"
    path.write_bytes(gzip.compress(GOOD + bytes(64 << 20)))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="longer than its header says"):
            datasets.load_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_idx_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        datasets.load_idx(tmp_path / "nothing")


def test_mnist_files_that_do_not_fit(tmp_path):
    write_mnist(tmp_path, n=7)
    labels = tmp_path / "t10k-labels-idx1-ubyte.gz"
    images = tmp_path / "t10k-images-idx3-ubyte.gz"
    whole = labels.read_bytes()
    labels.write_bytes(gzip.compress(idx_bytes(np.zeros(6, np.uint8))))
    with pytest.raises(ValueError, match=r"7 images in .*, but 6 labels in"):
        datasets.load_mnist(tmp_path, parts=["test"])
    labels.write_bytes(images.read_bytes())
    with pytest.raises(ValueError, match=r"expected labels \(uint8, 1 dimension\), got uint8 with shape \(7, 28, 28\)"):
        datasets.load_mnist(tmp_path, parts=["test"])
    labels.write_bytes(whole)
    images.write_bytes(whole)
    with pytest.raises(ValueError, match="expected images"):
        datasets.load_mnist(tmp_path, parts=["test"])


class Web:
    """Stands in for ``urlopen``: serves bytes by file name and counts the requests."""

    def __init__(self, files):
        self.files = files
        self.requests = []

    def __call__(self, url, timeout):
        self.requests.append(url)
        content = self.files[url.rpartition("/")[2]]
        if isinstance(content, list):
            content = content.pop(0)
        if isinstance(content, BaseException):
            raise content
        return io.BytesIO(content)


@pytest.fixture
def web(tmp_path, monkeypatch):
    """A web that serves a small MNIST whose checksums are the expected ones."""
    served = tmp_path / "served"
    write_mnist(served, "train", 9)
    write_mnist(served, "t10k", 7)
    table = {
        part: tuple(
            file._replace(size=len(content), sha256=hashlib.sha256(content).hexdigest())
            for file in files
            for content in [(served / f"{file.name}.gz").read_bytes()]
        )
        for part, files in datasets._MNIST.items()
    }
    web = Web({path.name: path.read_bytes() for path in served.iterdir()})
    monkeypatch.setattr(datasets, "_MNIST", table)
    monkeypatch.setattr("urllib.request.urlopen", web)
    return web


def cached(tmp_path):
    return sorted(path.name for path in (tmp_path / "cache" / "fastopt" / "mnist").iterdir())


def test_download_once(tmp_path, web):
    (x_train, _), (x_test, _) = datasets.load_mnist()
    assert (len(x_train), len(x_test)) == (9, 7)
    assert len(web.requests) == 4
    assert cached(tmp_path) == sorted(web.files)
    datasets.load_mnist()
    assert len(web.requests) == 4


def test_download_goes_to_the_next_mirror(tmp_path, web):
    name = "t10k-labels-idx1-ubyte.gz"
    web.files[name] = [OSError("first mirror is down"), web.files[name]]
    datasets.load_mnist(parts=["test"])
    assert len(web.requests) == 3
    assert len(cached(tmp_path)) == 2


DAMAGE = {
    "other bytes": lambda content: bytes(len(content)),
    "too short": lambda content: content[:-1],
    "too long": lambda content: content + b"\0",
    "endless": lambda content: content + bytes(1 << 22),
    "no answer": lambda content: OSError("no answer"),
    "nonsense instead of HTTP": lambda content: http.client.BadStatusLine("nonsense"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_download_that_fails_leaves_nothing(tmp_path, web, name):
    file = "t10k-images-idx3-ubyte.gz"
    web.files[file] = DAMAGE[name](web.files[file])
    with pytest.raises(ConnectionError, match=r"could not be downloaded:(.|\n)*Put the file into"):
        datasets.load_mnist(parts=["test"])
    assert cached(tmp_path) == []


def test_interrupted_download_leaves_nothing(tmp_path, web):
    web.files["t10k-images-idx3-ubyte.gz"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        datasets.load_mnist(parts=["test"])
    assert cached(tmp_path) == []


MAKERS = {
    "spirals": (datasets.make_spirals, {"classes": 3}, 2),
    "blobs": (datasets.make_blobs, {"classes": 3, "features": 5}, 5),
}


@pytest.mark.parametrize("name", MAKERS)
def test_synthetic(name):
    make, arguments, features = MAKERS[name]
    x, y = make(100, seed=1, **arguments)
    assert x.shape == (100, features)
    assert x.dtype == np.float32
    assert y.dtype == np.int64
    assert np.bincount(y).tolist() == [34, 33, 33]
    again, other = make(100, seed=1, **arguments)[0], make(100, seed=2, **arguments)[0]
    assert np.array_equal(x, again)
    assert not np.array_equal(x, other)
    assert make(0)[0].shape[0] == 0


def test_spirals_without_noise_lie_on_their_arms():
    x, y = datasets.make_spirals(200, classes=2, noise=0)
    radius = np.hypot(*x.T)
    angle = 2 * np.pi * (1.25 * (radius - 0.1) / 0.9 + y / 2)
    np.testing.assert_allclose(x, radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1), atol=1e-5)


def test_blobs_have_their_spread():
    x, y = datasets.make_blobs(30000, classes=2, features=2, std=0.5)
    for label in (0, 1):
        np.testing.assert_allclose(x[y == label].std(axis=0), 0.5, rtol=0.05)


@pytest.mark.parametrize(
    ("make", "arguments"),
    [
        (datasets.make_spirals, {"n": -1}),
        (datasets.make_spirals, {"classes": 0}),
        (datasets.make_spirals, {"noise": -0.1}),
        (datasets.make_spirals, {"noise": float("nan")}),
        (datasets.make_spirals, {"noise": 10**400}),
        (datasets.make_blobs, {"n": -1}),
        (datasets.make_blobs, {"classes": 0}),
        (datasets.make_blobs, {"features": 0}),
        (datasets.make_blobs, {"std": float("inf")}),
    ],
)
def test_synthetic_arguments(make, arguments):
    with pytest.raises(ValueError, match=f"{next(iter(arguments))} must be"):
        make(**arguments)
