"""A small part of `fuzz_arguments.py`, the same each time."""

import fuzz_arguments
import pytest


@pytest.mark.parametrize("first", range(0, 2000, 250))
def test_calls(first):
    faults = [fault for number in range(first, first + 250) if (fault := fuzz_arguments.call(number))]
    assert not faults, "\n".join(faults)
