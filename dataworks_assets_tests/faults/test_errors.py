import pytest

from dataworks_assets_tests.faults.partner import PARTNER_SCENARIOS
from dataworks_assets_tests.faults.points import strike_each
from dataworks_assets_tests.faults.scenarios import SCENARIOS, SPECIAL

pytestmark = pytest.mark.usefixtures("clock")
EVERY = SCENARIOS | PARTNER_SCENARIOS


@pytest.mark.faults
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("name", EVERY)
def test_a_time_out_of_any_call_whether_it_was_done_or_not_is_put_right(name, moment):
    assert strike_each(EVERY[name], "time-out", moment) > 50


@pytest.mark.faults
@pytest.mark.parametrize("name", EVERY)
def test_a_refusal_of_any_call_costs_no_more_than_a_plain_retry(name):
    assert strike_each(EVERY[name], "refusal", "before") > 50


@pytest.mark.parametrize("fault", ["time-out", "refusal"])
def test_an_error_of_some_calls_costs_no_more_than_a_plain_retry(fault):
    assert strike_each(SPECIAL, fault, "before", every=7) > 5


def test_a_call_that_was_done_although_it_timed_out_is_put_right():
    assert strike_each(SPECIAL, "time-out", "after", every=7, first=3) > 5
