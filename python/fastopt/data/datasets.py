"""Data to try things on: real digits in the package, MNIST from files, and synthetic classes on the spot.

Every loader returns ``x`` as float32 ``[n, features]`` and ``y`` as int64 labels ``[n]``.
"""

import gzip
import math
import os
import zlib
from collections.abc import Iterator, Sequence
from io import BufferedReader
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fastopt.core import checks
from fastopt.core.files import opened, replaced

__all__ = ["load_digits", "load_idx", "load_mnist", "make_blobs", "make_spirals"]

Pair: TypeAlias = tuple[NDArray[np.float32], NDArray[np.int64]]
Part: TypeAlias = Literal["train", "test"]


class _File(NamedTuple):
    """A file of the MNIST distribution: its name without ``.gz``, and size and SHA-256 of the gzipped file."""

    name: str
    size: int
    sha256: str


_MNIST: dict[str, tuple[_File, _File]] = {
    "train": (
        _File("train-images-idx3-ubyte", 9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        _File("train-labels-idx1-ubyte", 28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
    ),
    "test": (
        _File("t10k-images-idx3-ubyte", 1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        _File("t10k-labels-idx1-ubyte", 4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    ),
}
_MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)
_IDX_DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_DEFLATE_LIMIT = 1032  # deflate cannot shrink data by more than this factor
_CHUNK = 1 << 20


def load_digits() -> Pair:
    """Return 1,797 handwritten digits of 8x8 pixels; they come with the package.

    This is the test set of "Optical Recognition of Handwritten Digits" by E. Alpaydin and C. Kaynak (1998),
    UCI Machine Learning Repository, https://doi.org/10.24432/C50P49, licence CC BY 4.0.

    Returns:
        ``x`` float32 ``[1797, 64]`` scaled from 0..16 to 0..1, and ``y`` int64 ``[1797]`` with labels 0..9.

    Example:
        >>> x, y = load_digits()
        >>> x.shape, x.max(), y[:5]
        ((1797, 64), np.float32(1.0), array([0, 1, 2, 3, 4]))
    """
    with np.load(Path(__file__).with_name("digits.npz")) as arrays:
        pixels, labels = arrays["pixels"], arrays["labels"]  # [64, 1797] of the samples class by class: a smaller file
    x: NDArray[np.float32] = np.empty(pixels.T.shape, np.float32)
    x[np.argsort(labels, kind="stable")] = pixels.T
    x /= 16
    return x, labels.astype(np.int64)


def load_mnist(
    path: str | os.PathLike[str] | None = None, parts: Sequence[Part] = ("train", "test")
) -> tuple[Pair, ...]:
    """Return MNIST, or any data set in its file format such as Fashion-MNIST, from IDX files, gzipped or not.

    Without a path the files are looked for in the folder ``FASTOPT_DATA_DIR``, then in the user's cache folder
    (``$XDG_CACHE_HOME/fastopt``, else ``~/.cache/fastopt``); what is in neither is downloaded (11 MB) to the
    cache folder and its SHA-256 is checked. Files may stand in these folders or in ``mnist`` below them.

    Args:
        path: Folder with ``train-images-idx3-ubyte.gz`` and so on. Nothing is downloaded if it is given.
        parts: Which parts to load, in this order; a folder with only the ``t10k`` files serves ``["test"]``.

    Returns:
        One pair ``(x, y)`` for each part: ``x`` float32 ``[n, 784]`` scaled to 0..1, ``y`` int64 ``[n]``.

    Raises:
        FileNotFoundError: A file is missing in ``path``.
        ConnectionError: A file could not be downloaded.
        ValueError: A file is damaged, or it is not what its name says.

    Example:
        ``(x_train, y_train), (x_test, y_test) = load_mnist()``, or of a folder with one part only
        ``[(x, y)] = load_mnist("data", parts=["test"])``.
    """
    for part in checks.items("parts", parts):
        if not isinstance(part, str) or part not in _MNIST:
            raise ValueError(f"parts: expected 'train' and 'test', got {part!r}")
    return tuple(_load_pair(*(_locate(file, path) for file in _MNIST[part])) for part in parts)


def _load_pair(images_path: Path, labels_path: Path) -> Pair:
    images, labels = load_idx(images_path), load_idx(labels_path)
    if images.dtype != np.uint8 or images.ndim != 3:
        raise ValueError(f"{images_path}: expected images (uint8, 3 dimensions), got {_describe(images)}")
    if labels.dtype != np.uint8 or labels.ndim != 1:
        raise ValueError(f"{labels_path}: expected labels (uint8, 1 dimension), got {_describe(labels)}")
    if len(images) != len(labels):
        raise ValueError(f"{len(images)} images in {images_path}, but {len(labels)} labels in {labels_path}")
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255), labels.astype(np.int64)


def _describe(array: NDArray[Any]) -> str:
    return f"{array.dtype} with shape {array.shape}"


def load_idx(path: str | os.PathLike[str]) -> NDArray[Any]:
    """Return the array in an IDX file, the format of MNIST; gzipped files are recognised by their content.

    Layout: two zero bytes, a type code, the number of dimensions, each dimension as a big-endian uint32, the values.

    Args:
        path: The file.

    Returns:
        A writable array in native byte order.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not an IDX file, or its size is not what its header says; the size of the file is
            compared before any memory is taken.

    Example:
        ``labels = load_idx("t10k-labels-idx1-ubyte.gz")``
    """
    path = Path(path)
    with BufferedReader(opened(path)) as raw:
        stored = os.fstat(raw.fileno()).st_size
        zipped = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        try:
            if zipped:
                with gzip.open(raw) as file:
                    return _read_idx(file, path, at_most=stored * _DEFLATE_LIMIT)
            return _read_idx(raw, path, at_most=stored)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{path}: damaged gzip file ({error}); fetch it again") from error


def _read_idx(file: IO[bytes] | gzip.GzipFile, path: Path, at_most: int) -> NDArray[Any]:
    head = file.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _IDX_DTYPES or head[3] == 0:
        raise ValueError(f"{path}: not an IDX file (it starts with {head.hex(' ') or 'nothing'})")
    dtype, ndim = np.dtype(_IDX_DTYPES[head[2]]), head[3]
    sizes = file.read(4 * ndim)
    if len(sizes) < 4 * ndim:
        raise ValueError(f"{path}: truncated within its header; fetch it again")
    shape = tuple(int.from_bytes(sizes[i : i + 4]) for i in range(0, 4 * ndim, 4))
    expected = math.prod(shape) * dtype.itemsize
    if ndim > 32 or expected > at_most:
        raise ValueError(f"{path}: damaged; it asks for shape {shape} of {dtype.name}, more than it can hold")
    data = bytearray()
    while len(data) <= expected and (chunk := file.read(min(_CHUNK, expected + 1 - len(data)))):
        data += chunk
    if len(data) != expected:
        fault = "truncated" if len(data) < expected else "longer than its header says"
        raise ValueError(f"{path}: {fault}; expected {expected} bytes for shape {shape} of {dtype.name}")
    values = np.frombuffer(data, dtype).reshape(shape)
    return values.astype(dtype.newbyteorder("="), copy=False)


def _locate(file: _File, path: str | os.PathLike[str] | None) -> Path:
    """Return where a file of MNIST is, downloading it if no path was given and it is nowhere."""
    if path is not None:
        folders = [Path(path)]
    else:
        bases = [Path(os.environ["FASTOPT_DATA_DIR"])] if os.environ.get("FASTOPT_DATA_DIR") else []
        folders = [folder for base in (*bases, _cache_folder()) for folder in (base / "mnist", base)]
    for folder in folders:
        for name in (f"{file.name}.gz", file.name):
            if (folder / name).is_file():
                return folder / name
    if path is not None:
        raise FileNotFoundError(f"{path}: no {file.name}.gz or {file.name} here; without a path it is downloaded")
    return _download(file, _cache_folder() / "mnist")


def _cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fastopt"


def _download(file: _File, folder: Path) -> Path:
    """Fetch a file of MNIST from the first mirror that answers; it appears under its name only when it is whole."""
    from http.client import HTTPException

    target = folder / f"{file.name}.gz"
    folder.mkdir(parents=True, exist_ok=True)
    faults = []
    for mirror in _MIRRORS:
        url = mirror + target.name
        try:
            with replaced(target) as part:
                _fetch(url, file, part)
        except (OSError, HTTPException, ValueError) as error:
            faults.append(f"  {url}: {getattr(error, 'reason', error)}")
        else:
            return target
    raise ConnectionError(
        f"{target.name} is not in FASTOPT_DATA_DIR nor in {folder}, and could not be downloaded:\n"
        + "\n".join(faults)
        + f"\nPut the file into {folder}, or say where it is."
    )


def _fetch(url: str, file: _File, out: IO[bytes]) -> None:
    import hashlib
    from urllib.request import urlopen

    from tqdm.auto import tqdm

    digest, size = hashlib.sha256(), 0
    with (
        urlopen(url, timeout=30) as response,
        tqdm(total=file.size, unit="B", unit_scale=True, desc=f"{file.name}.gz", leave=False) as bar,
    ):
        for chunk in _chunks(response):
            size += len(chunk)
            if size > file.size:
                break
            out.write(chunk)
            digest.update(chunk)
            bar.update(len(chunk))
    if size != file.size or digest.hexdigest() != file.sha256:
        raise ValueError("size or SHA-256 of what arrived is wrong; it was thrown away")


def _chunks(response: IO[bytes]) -> Iterator[bytes]:
    while chunk := response.read(_CHUNK):
        yield chunk


def make_spirals(n: int = 1000, classes: int = 2, noise: float = 0.02, seed: int = 0) -> Pair:
    """Return points on interleaved spiral arms, one arm for each class: easy for a small network, hard for a line.

    A point of class ``c`` at ``t`` in [0, 1) has radius ``0.1 + 0.9 t`` and angle ``2 pi (1.25 t + c / classes)``,
    plus normal noise. Classes alternate, so any slice is balanced.

    Args:
        n: Number of points.
        classes: Number of arms, at least 1.
        noise: Standard deviation of the noise in both directions; the largest radius is 1.
        seed: Seed of the generator.

    Returns:
        ``x`` float32 ``[n, 2]`` and ``y`` int64 ``[n]``.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of range.

    Example:
        >>> x, y = make_spirals(6, classes=3)
        >>> x.shape, y
        ((6, 2), array([0, 1, 2, 0, 1, 2]))
    """
    n, classes = checks.integer("n", n, 0, checks.SIZE), checks.integer("classes", classes, 1, checks.SIZE)
    noise, seed = checks.real("noise", noise, 0.0), checks.integer("seed", seed, 0)
    rng = np.random.default_rng(seed)
    y = np.arange(n, dtype=np.int64) % classes
    t = rng.random(n)
    angle = 2 * np.pi * (1.25 * t + y / classes)
    x = (0.1 + 0.9 * t)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return (x + rng.normal(0, noise, x.shape)).astype(np.float32), y


def make_blobs(n: int = 1000, classes: int = 3, features: int = 2, std: float = 1.0, seed: int = 0) -> Pair:
    """Return one round cloud of points for each class, with centres drawn uniformly from ``[-10, 10]^features``.

    Classes alternate, so any slice is balanced.

    Args:
        n: Number of points.
        classes: Number of clouds, at least 1.
        features: Dimension of the space, at least 1.
        std: Standard deviation of a cloud in every direction.
        seed: Seed of the generator.

    Returns:
        ``x`` float32 ``[n, features]`` and ``y`` int64 ``[n]``.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of range.

    Example:
        >>> x, y = make_blobs(4, classes=2, features=3)
        >>> x.shape, y
        ((4, 3), array([0, 1, 0, 1]))
    """
    n, classes = checks.integer("n", n, 0, checks.SIZE), checks.integer("classes", classes, 1, checks.SIZE)
    features = checks.integer("features", features, 1, checks.SIZE)
    std, seed = checks.real("std", std, 0.0), checks.integer("seed", seed, 0)
    rng = np.random.default_rng(seed)
    y = np.arange(n, dtype=np.int64) % classes
    centres = rng.uniform(-10, 10, (classes, features))
    return (centres[y] + rng.normal(0, std, (n, features))).astype(np.float32), y
