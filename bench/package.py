"""What the package costs before it computes: the time of its import beyond NumPy's, and the bytes of its wheel."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

CODE = "import time, numpy; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"


def import_seconds(module: str, repeats: int) -> float:
    """The median over fresh processes that have imported NumPy already; the first is a warm-up."""
    command = [sys.executable, "-c", CODE.format(module)]
    taken = [
        float(subprocess.run(command, capture_output=True, check=True, text=True).stdout) for _ in range(repeats + 1)
    ]
    return float(np.median(taken[1:]))


def package(wheel: Path | None, repeats: int = 5) -> dict[str, Any]:
    return {
        "import_seconds": import_seconds("fastopt", repeats),
        "wheel_bytes": wheel.stat().st_size if wheel else None,
    }
