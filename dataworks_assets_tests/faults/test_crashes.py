import pytest

from dataworks_assets_tests.faults.points import strike_each
from dataworks_assets_tests.faults.scenarios import SCENARIOS

pytestmark = pytest.mark.usefixtures("clock")


@pytest.mark.faults
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_run_killed_at_any_call_leaves_what_a_plain_retry_puts_right(name, moment):
    assert strike_each(SCENARIOS[name], "kill", moment) > 60


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_run_killed_at_some_calls_leaves_what_a_plain_retry_puts_right(name):
    assert strike_each(SCENARIOS[name], "kill", "after", every=11, first=5) > 5
