"""Not a library but the machine: the time of a row's arithmetic at the FMA peak, of an update's reads and writes alone.

It is measured in every turn; the best of a row counts.
"""

from fastopt import _core

SECONDS = 0.02  # of a measurement


def setup(threads: int) -> str:
    _core.runtime.set_num_threads(threads)
    return ""
