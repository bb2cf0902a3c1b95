import signal
import sys
from collections.abc import Callable, Iterable, Iterator

import cases
import numpy as np
import pytest
from hypothesis import settings

from fastopt._core import runtime

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

# Shells let what they start in the background ignore Ctrl-C, and so its children; tests send it to both.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(params=cases.ISAS)
def isa(request: pytest.FixtureRequest) -> Iterator[str]:
    """Runs the test with each instruction set of this machine."""
    before = runtime.isa()
    runtime.set_isa(request.param)
    yield request.param
    runtime.set_isa(before)


@pytest.fixture
def for_all_threads() -> Iterator[Callable]:
    """Function that calls its argument with each number of threads and asserts that the results have equal bits."""
    before = runtime.num_threads()

    def check(call: Callable[[], Iterable]) -> None:
        seen = []
        for count in cases.THREADS:
            runtime.set_num_threads(count)
            seen.append([np.asarray(result).tobytes() for result in call()])
        assert all(results == seen[0] for results in seen[1:])

    yield check
    runtime.set_num_threads(before)


@pytest.fixture(params=cases.DTYPES, ids=lambda dtype: dtype.__name__)
def dtype(request: pytest.FixtureRequest):
    return request.param


@pytest.fixture(autouse=True)
def no_open_figures() -> Iterator[None]:
    """Figures of one test are not seen by the next."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)
