import pytest

from dataworks_assets_tests.spark.publish.world import Lake


@pytest.fixture
def lake():
    """A lake in memory, with nothing in it."""
    return Lake()
