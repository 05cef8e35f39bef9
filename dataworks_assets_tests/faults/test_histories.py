import pytest

from dataworks_assets_tests.faults.histories import SCENARIOS, live

pytestmark = pytest.mark.usefixtures("clock")


@pytest.mark.faults
@pytest.mark.parametrize("kind", SCENARIOS)
def test_whatever_happens_tables_show_what_the_model_says(kind):
    for seed in range(1000, 1300):
        live(kind, seed, steps=15)


@pytest.mark.parametrize("kind", SCENARIOS)
def test_some_of_what_happens_leaves_what_the_model_says(kind):
    for seed in range(8):
        live(kind, seed, steps=12)
