"""A short form of each campaign."""

from importlib import import_module

import pytest

from reliability.campaigns import CAMPAIGNS


@pytest.mark.parametrize("name", CAMPAIGNS)
@pytest.mark.filterwarnings("ignore:.*fork")
def test_campaign(name):
    _, faults = import_module(f"reliability.{name}").run(CAMPAIGNS[name].short)
    assert not faults, "\n".join(faults)
