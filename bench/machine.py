"""What the machine is and what it can do; ``python -m bench.machine THREADS DTYPE TURN`` prints its roofs as JSON."""

import json
import os
import platform
import re
import sys
import timeit
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

# Time enough for the system to give each thread a processor of its own; of streams each has its own by then.
FMA_SECONDS, SECONDS = 0.3, 0.05

# Reads and writes of an element; what is written is what was read.
STREAMS = {"read": (1, 0), "copy": (1, 1), "4 read 3 write": (4, 3)}
CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
DEFAULT_CACHES = {2: 1 << 20, 3: 32 << 20}


def processor() -> str:
    """The model name, as far as the system tells."""
    cpuinfo = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.+)", cpuinfo.read_text()) if cpuinfo.exists() else None
    return found[1] if found else platform.processor()


def cpu_count() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cache_bytes() -> dict[int, int]:
    """The size of each cache level that holds data, from the system or else a default."""
    found = dict(DEFAULT_CACHES)
    for cache in CACHES.glob("index*"):
        if (cache / "type").read_text().strip() != "Instruction":
            size = (cache / "size").read_text().strip()
            found[int((cache / "level").read_text())] = int(size.removesuffix("K")) << 10
    return found


def describe() -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "system": platform.platform(),
        "machine": platform.machine(),
        "processor": processor(),
        "processors": cpu_count(),
        "caches": cache_bytes(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
    }


def roofs(threads: int, dtype: str, longest: float) -> dict[str, Any]:
    """FLOP/s, bytes/s of streams in L2, L3 and memory, seconds of an empty team and of an empty call from Python.

    Each is measured for ``longest`` seconds at most.
    """
    from fastopt import _core

    caches = cache_bytes()
    sizes = {"L2": threads * caches[2] // 2, "L3": caches[3] // 2, "memory": 4 * caches[3]}
    calls, seconds = 100_000, min(SECONDS, longest)
    return {
        "isa": _core.runtime.isa(),
        "build": _core.runtime.build_info(),
        "threads": threads,
        "flops": _core.roof.fma_peak(dtype, threads=threads, seconds=min(FMA_SECONDS, longest)),
        "streams": {
            level: {
                name: _core.roof.stream(reads, writes, size // (4 * reads), threads=threads, seconds=seconds)
                for name, (reads, writes) in STREAMS.items()
            }
            for level, size in sizes.items()
        },
        "team": _core.roof.team_cost(threads, seconds),
        "call": min(timeit.repeat(_core.runtime.num_threads, number=calls, repeat=5)) / calls,
    }


if __name__ == "__main__":
    print(json.dumps(roofs(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]))))
