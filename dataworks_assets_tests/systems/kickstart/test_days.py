from datetime import date, timedelta

import pytest

from dataworks_assets.config.kickstart import PartnerModule
from dataworks_assets.systems.kickstart.acknowledged import acknowledge
from dataworks_assets.systems.kickstart.days import (
    chosen_days,
    done_days,
    first_open_day,
    history_start,
    read_day,
    refuse_test_folder,
)
from dataworks_assets_tests.systems.kickstart.whole_path import ADVERTS, DAY, TODAY, World, configured, days_from
from spark.errors import ConfigurationError

OPEN = DAY - timedelta(days=3)
GOOD = "id,title\n1,Baker\n"


def chosen(start=None, end=None):
    days = chosen_days(start, end, first_open=OPEN, today=TODAY)
    return (days[0], days[-1], len(days)) if days else ()


def test_without_dates_it_goes_from_the_first_incomplete_day_up_to_yesterday():
    assert chosen() == (OPEN, DAY, 4)


def test_a_start_alone_runs_up_to_yesterday():
    assert chosen(start=DAY) == (DAY, DAY, 1)


def test_an_end_alone_begins_with_the_first_incomplete_day():
    assert chosen(end=OPEN) == (OPEN, OPEN, 1)


def test_an_end_before_the_first_incomplete_day_is_done_already():
    assert chosen(end=OPEN - timedelta(days=1)) == ()


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (DAY, OPEN, r"END_DT .* is before START_DT"),
        (TODAY + timedelta(days=1), None, "START_DT is in the future"),
        (None, TODAY + timedelta(days=1), "END_DT is in the future"),
    ],
)
def test_dates_that_make_no_range_are_refused(start, end, said):
    with pytest.raises(ConfigurationError, match=said):
        chosen(start, end)


def test_what_is_no_day_is_refused():
    with pytest.raises(ConfigurationError, match="START_DT is no day: '20/11/2026'"):
        read_day("START_DT", "20/11/2026")


def first_open(world):
    collections = world.scope.of_module(PartnerModule.VACANCY)
    done = done_days(world.platform, world.scope, collections, today=world.today)
    return first_open_day(world.scope, collections, done, today=world.today)


@pytest.fixture
def world():
    return World([configured(ADVERTS)], first_day=DAY - timedelta(days=2))


def test_it_goes_on_from_the_day_after_the_last_completed_one(world):
    days = days_from(3)
    for day in days[:2]:
        world.csv(GOOD, day)
    world.run(days=days[:2])
    assert first_open(world) == DAY


def test_after_an_incomplete_day_it_starts_at_that_day(world):
    first, second, third = days_from(3)
    world.collections = [configured(ADVERTS, evolves=False, columns=["id", "title"])]
    for day in (first, third):
        world.csv(GOOD, day)
        assert world.run(days=[day]).failures == ()
    assert first_open(world) == second


def test_a_day_that_was_given_up_is_done(world):
    first, second, third = days_from(3)
    acknowledge(world.store, world.scope, [(ADVERTS, second)], reason="lost", by="ops")
    for day in (first, third):
        world.csv(GOOD, day)
        world.run(days=[day])
    assert first_open(world) == TODAY


def test_where_no_first_day_is_configured_history_begins_with_what_was_done_first(world):
    world.kickstart_fields = {"first_day": None}
    assert history_start(world.scope, {}, today=TODAY) == world.first_day
    assert history_start(world.scope, {}, today=date(2027, 1, 20)) == date(2027, 1, 13)
    assert history_start(world.scope, {ADVERTS: {DAY}}, today=date(2027, 1, 20)) == DAY


def test_a_day_that_the_retention_dropped_is_not_wanted_back(world):
    world.collections = [configured(ADVERTS, retention={"days": 1})]
    assert first_open(world) == DAY


@pytest.mark.parametrize("environment", ["integration", "preprod", "production"])
def test_the_test_folder_is_refused_in_higher_environments(environment):
    with pytest.raises(ConfigurationError, match=f"E2E_TEST_FLG is refused in {environment}"):
        refuse_test_folder(World(environment=environment).scope)


def test_the_test_folder_is_read_in_place_of_the_source_elsewhere():
    world = World([configured(ADVERTS)], environment="qa")
    world.csv("id,title\n1,Real\n")
    world.is_test = True
    assert world.run().finding(ADVERTS).object.startswith("memory://partner/e2e-test/vacancy/2026-11-20/")
    world.csv("id,title\n2,Test\n")
    refuse_test_folder(world.scope)
    assert world.run().failures == ()
    assert world.rows(ADVERTS)[0]["title"] == "Test"
