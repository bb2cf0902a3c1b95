"""The campaigns, each a module here with ``run(size)``, which returns its figures in words and the faults it found."""

from typing import NamedTuple


class Campaign(NamedTuple):
    """What a size counts, the size that the documentation gives figures of, and that of the suite of tests."""

    unit: str
    full: int
    short: int


CAMPAIGNS = {
    "machine": Campaign("calls of a random sequence", 11_000, 150),
    "files": Campaign("changed model files", 1_000_000, 1000),
    "kernels": Campaign("calls of kernels with arrays of random sizes", 100_000, 400),
    "kills": Campaign("processes killed while they save", 500, 10),
    "disk": Campaign("places at which a file cannot grow further", 500, 40),
    "forks": Campaign("forked processes that train", 1000, 10),
    "soak": Campaign("models made, trained, saved and dropped", 10_000, 60),
    "denormals": Campaign("calls with denormal numbers", 2000, 100),
}
