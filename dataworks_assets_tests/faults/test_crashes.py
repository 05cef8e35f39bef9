import pytest

from dataworks_assets_tests.faults.partner import EVOLVING, PARTNER_SCENARIOS
from dataworks_assets_tests.faults.points import strike_each
from dataworks_assets_tests.faults.scenarios import CHANGED, RETAGGED, SCENARIOS
from dataworks_assets_tests.faults.strikes import APPLICATION

pytestmark = pytest.mark.usefixtures("clock")
ALONE = frozenset({APPLICATION})
EVERY = SCENARIOS | PARTNER_SCENARIOS


@pytest.mark.faults
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("name", EVERY)
def test_a_run_killed_at_any_call_leaves_what_a_plain_retry_puts_right(name, moment):
    assert strike_each(EVERY[name], "kill", moment) > 60


@pytest.mark.faults
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("name", [name for name, scenario in EVERY.items() if scenario is not RETAGGED])
def test_an_application_killed_at_any_call_leaves_what_a_plain_retry_puts_right(name, moment):
    assert strike_each(EVERY[name], "kill", moment, processes=ALONE) > 40


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_run_killed_at_some_calls_leaves_what_a_plain_retry_puts_right(name):
    assert strike_each(SCENARIOS[name], "kill", "after", every=11, first=5) > 5


@pytest.mark.parametrize("name", PARTNER_SCENARIOS)
def test_a_run_killed_at_some_calls_leaves_days_that_follow_in_their_order(name):
    assert strike_each(PARTNER_SCENARIOS[name], "kill", "after", every=17, first=4) > 5


def test_an_application_killed_at_some_calls_leaves_what_a_plain_retry_puts_right():
    assert strike_each(CHANGED, "kill", "before", every=9, processes=ALONE) > 5


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_retry_by_dagster_outwaits_the_leases_of_the_dead(name):
    assert strike_each(SCENARIOS[name], "kill", "before", every=19, first=9, is_patient=True) > 2


def test_a_retry_by_dagster_outwaits_the_leases_of_the_dead_in_order_of_days():
    assert strike_each(EVOLVING, "kill", "before", every=61, first=17, is_patient=True) > 2
