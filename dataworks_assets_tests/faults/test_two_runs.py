import pytest

from dataworks_assets_tests.faults.chains import CHAINS, sleep_in_a_chain
from dataworks_assets_tests.faults.visits import MENDED, SLEEPS, SWEPT, VISITS, collect_at_each, meet_at_each, sleep_at_each

pytestmark = pytest.mark.usefixtures("clock")


@pytest.mark.faults
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("name", SLEEPS)
def test_a_run_that_sleeps_through_its_lease_at_any_call_harms_nothing(name, moment):
    assert sleep_at_each(SLEEPS[name], moment) > 60


@pytest.mark.faults
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("name", VISITS)
def test_two_runs_that_meet_at_any_call_do_each_day_once(name, moment):
    assert meet_at_each(VISITS[name], moment) > 60


@pytest.mark.faults
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("name", SWEPT)
def test_garbage_collected_at_any_call_takes_nothing_that_is_read(name, moment):
    assert collect_at_each(SWEPT[name], moment) > 60


@pytest.mark.parametrize("name", VISITS)
def test_garbage_collected_at_some_calls_takes_nothing_that_is_read(name):
    assert collect_at_each(VISITS[name], "after", every=13) > 4


@pytest.mark.parametrize("name", [*VISITS, MENDED.scenario.name])
def test_a_run_that_sleeps_through_its_lease_at_some_calls_harms_nothing(name):
    assert sleep_at_each(SLEEPS[name], "before", every=13) > 4


@pytest.mark.parametrize("name", VISITS)
def test_two_runs_that_meet_at_some_calls_do_each_day_once(name):
    assert meet_at_each(VISITS[name], "before", every=17) > 3


@pytest.mark.faults
@pytest.mark.parametrize("name", CHAINS)
def test_runs_that_sleep_through_each_other_leave_the_newest_inputs(name):
    for seed in range(1000, 1200):
        sleep_in_a_chain(CHAINS[name], seed)


@pytest.mark.parametrize("name", CHAINS)
def test_some_runs_that_sleep_through_each_other_leave_the_newest_inputs(name):
    for seed in range(6):
        sleep_in_a_chain(CHAINS[name], seed)
