import pytest

from dataworks_assets_tests.systems.adg.bad_input.judging import CLAIMANT
from dataworks_assets_tests.systems.adg.whole_path import DAY, World, documents


@pytest.fixture
def world():
    """A deployment in memory with a day's export in which one collection is well and nothing else is there yet."""
    world = World()
    world.write(CLAIMANT, DAY, documents(2, first=100))
    return world
