"""What a library costs before it computes: the time of its import beyond NumPy's, and its bytes on disk."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

CODE = "import time, numpy; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"
OURS = "fastopt"

# What to install for each peer that is a library and not another way to use one.
DISTRIBUTIONS = {
    OURS: [OURS],
    "jax": ["jax"],
    "keras": ["keras", "jax"],
    "torch": ["torch"],
    "sklearn": ["scikit-learn"],
    "scipy": ["scipy"],
}


def import_seconds(module: str, repeats: int) -> float:
    """The median over fresh processes that have imported NumPy already; the first is a warm-up."""
    command, environment = [sys.executable, "-c", CODE.format(module)], {**os.environ, "KERAS_BACKEND": "jax"}
    taken = [
        float(subprocess.run(command, capture_output=True, check=True, text=True, env=environment).stdout)
        for _ in range(repeats + 1)
    ]
    return float(np.median(taken[1:]))


def with_dependencies(names: list[str]) -> dict[str, metadata.Distribution]:
    """The distributions and, as far as they are installed, those that they require, but for NumPy."""
    found: dict[str, metadata.Distribution] = {}
    waiting = list(names)
    while waiting:
        key = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if key in found or key == "numpy":
            continue
        try:
            found[key] = metadata.distribution(key)
        except metadata.PackageNotFoundError:
            continue
        requirements = [text for text in found[key].requires or [] if "extra ==" not in text]
        waiting += [re.match(r"[\w.-]+", text)[0] for text in requirements]
    return found


def installed_bytes(names: list[str]) -> int | None:
    """None for what runs from its sources."""
    paths = [Path(file.locate()) for found in with_dependencies(names).values() for file in found.files or []]
    return sum(path.stat().st_size for path in paths if path.is_file()) or None


def cost(module: str, repeats: int) -> dict[str, Any]:
    return {
        "import_seconds": import_seconds(module, repeats),
        "installed_bytes": installed_bytes(DISTRIBUTIONS[module]),
    }


def package(wheel: Path | None, peers: Iterable[str], repeats: int = 5) -> dict[str, Any]:
    """Of fastopt, and of these ``peers`` in the same terms."""
    return {
        **cost(OURS, repeats),
        "wheel_bytes": wheel.stat().st_size if wheel else None,
        "peers": {peer: cost(peer, repeats) for peer in peers if peer in DISTRIBUTIONS and peer != OURS},
    }
