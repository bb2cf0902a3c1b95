"""Trainings by several processes are equal to the bit for any number of them."""

import pickle

import pytest
from launch import run

# The ranks, and how many of them find each other's memory.
RANKS = ((1, 1), (2, 2), (4, 4), (2, 1), (4, 2))


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    found = {}
    for ranks in RANKS:
        path = tmp_path_factory.mktemp("results") / "results"
        run(ranks[0], "trainings.py", path, ranks[1])
        found[ranks] = pickle.loads(path.read_bytes())
    return found


def test_equal_to_the_bit_for_any_number_of_ranks(results):
    for name, arrays in results[1, 1].items():
        for ranks in RANKS[1:]:
            same = [a.tobytes() == b.tobytes() for a, b in zip(arrays, results[ranks][name], strict=True)]
            assert all(same), (name, ranks, same)
