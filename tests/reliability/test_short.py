"""A short form of each campaign."""

from importlib import import_module

import pytest

from reliability import mutants
from reliability.campaigns import CAMPAIGNS


@pytest.mark.parametrize("name", CAMPAIGNS)
@pytest.mark.filterwarnings("ignore:.*fork")
def test_campaign(name):
    _, faults = import_module(f"reliability.{name}").run(CAMPAIGNS[name].short)
    assert not faults, "\n".join(faults)


def test_there_are_mutants_and_tests_of_each_topic():
    assert {mutant.path.parent.name for mutant in mutants.every()} == set(mutants.TESTS)
    for tests in mutants.TESTS.values():
        assert all((mutants.ROOT / "tests" / path).is_file() for path in tests.split())
