"""Days of a table that follows its source are published in their order, also over several runs."""

from datetime import UTC, datetime

import pytest
from dagster import DagsterInstance

from dataworks_assets.systems.holds import hold
from dataworks_assets.systems.kickstart.acknowledged import acknowledge
from dataworks_assets.systems.kickstart.automation import CatchUp
from dataworks_assets.systems.plan import Decision
from dataworks_assets_tests.systems.adg.whole_path import before_the_job
from dataworks_assets_tests.systems.kickstart.whole_path import ADVERTS, DAY, PartnerEngine, World, configured, days_from
from spark.publish.lease import LeaseKeeper, LeaseKey

FIRST, SECOND, THIRD = days_from(3)
NOW = datetime(2026, 11, 21, 5, tzinfo=UTC)
GOOD = "id,title\n1,Baker\n"
BAD = 'id,title\n1,"Baker\n'


@pytest.fixture
def world():
    """The first of three days is published."""
    made = World([configured(ADVERTS, columns=[{"name": "id", "type": "integer"}])])
    made.csv(GOOD, FIRST)
    made.run(days=[FIRST])
    made.csv("id,title,wage\n3,Cook,none\n", THIRD)
    return made


def give_up(world, day):
    acknowledge(world.store, world.scope, [(ADVERTS, day)], reason="lost", by="op")


def decisions(world, *days, **request):
    return [each.decision for each in world.plan(ADVERTS, days=days, **request).days]


def test_a_later_range_waits_for_an_earlier_day_that_is_not_published(world):
    outcome = world.run(days=[THIRD])
    finding = outcome.finding(ADVERTS, THIRD)
    assert finding.cause == f"the schema follows the days in their order, and {SECOND} is not published"
    assert f"dataworks kickstart run --module vacancy --start {SECOND}" in finding.remedy
    assert f"dataworks kickstart acknowledge {ADVERTS} --day {SECOND}" in finding.remedy
    assert [failure.lies_in_data for failure in outcome.failures] == [True]
    assert "wage" not in world.types(ADVERTS)


def test_once_the_earlier_day_is_published_its_columns_come_first(world):
    world.run(days=[THIRD])
    world.csv("id,title,wage\n2,Clerk,9.5\n", SECOND)
    assert world.run(days=[SECOND]).failures == ()
    assert world.run(days=[THIRD]).failures == ()
    assert world.types(ADVERTS)["wage"] == "double"
    assert world.rows(ADVERTS, THIRD)[0]["error_desc"] == ["Type Conversion for column wage. The source value is: none"]


def test_a_day_that_was_given_up_is_not_waited_for_and_may_still_come(world):
    give_up(world, SECOND)
    assert world.run(days=[THIRD]).failures == ()
    world.csv(GOOD, SECOND)
    assert world.run(days=[SECOND]).failures == ()
    assert world.rows(ADVERTS, SECOND)[0]["id"] == 1


def test_a_refused_day_that_was_given_up_is_left_alone_and_keeps_nothing_back(world):
    world.csv(BAD, SECOND)
    assert [failure.day for failure in world.run(days=[SECOND, THIRD]).failures] == [SECOND.isoformat(), THIRD.isoformat()]
    give_up(world, SECOND)
    assert decisions(world, SECOND, THIRD) == [Decision.GIVEN_UP, Decision.NEW]
    assert decisions(world, SECOND, force=True) == [Decision.NEW]
    assert world.run(days=[SECOND, THIRD]).failures == ()
    world.csv(GOOD, SECOND)
    assert decisions(world, SECOND) == [Decision.NEW]


def test_what_lies_before_the_history_is_not_waited_for(world):
    other = "vacancy/offers"
    world.collections = [*world.collections, configured(other)]
    world.csv(GOOD, DAY, name=other)
    assert world.run(other, days=[DAY]).failures == ()


def test_where_history_is_configured_to_begin_earlier_it_is_said_how_to_change_that():
    world = World([configured(ADVERTS)], first_day=SECOND)
    world.csv(GOOD, THIRD)
    assert "or configure `first_day`" in world.run(days=[THIRD]).finding(ADVERTS, THIRD).remedy
    world.first_day = THIRD
    assert world.run(days=[THIRD]).failures == ()


def test_days_that_are_published_already_are_done_again_whatever_is_missing_before_them():
    world = World([configured(ADVERTS)])
    world.csv(GOOD, THIRD)
    world.run(days=[THIRD])
    world.first_day = FIRST
    world.csv("id,title\n9,Cook\n", THIRD)
    assert decisions(world, THIRD) == [Decision.CHANGED]
    assert world.run(days=[THIRD]).failures == ()


def test_where_columns_are_fixed_a_later_range_waits_for_nothing(world):
    world.collections = [configured(ADVERTS, evolves=False, columns=["id", "title"])]
    world.csv(GOOD, THIRD)
    assert world.run(days=[THIRD]).failures == ()


def test_a_test_folder_holds_any_days(world):
    world.is_test = True
    world.csv(GOOD, THIRD)
    assert world.run(days=[THIRD]).failures == ()


def test_a_later_range_is_tried_again_while_another_run_has_the_earlier_day(world):
    keeper = LeaseKeeper(world.store, world.scope.control_uri, owner="another", ttl_seconds=120)
    keeper.acquire_many([LeaseKey("kickstart", ADVERTS, "partner", SECOND.isoformat())])
    outcome = world.run(days=[THIRD])
    cause = f"another run has {SECOND}, and the schema follows the days in their order"
    assert outcome.finding(ADVERTS, THIRD).cause == cause
    assert [failure.lies_in_data for failure in outcome.failures] == [False]


def test_a_hold_that_is_laid_on_while_a_run_goes_on_keeps_its_days_from_being_published(world, monkeypatch):
    world.csv(GOOD, SECOND)
    before_the_job(monkeypatch, PartnerEngine, lambda: hold(world.store, world.scope, ADVERTS, reason="wages", by="op"))
    outcome = world.run(days=[SECOND, THIRD])
    assert outcome.finding(ADVERTS, SECOND).check == "hold"
    assert [(failure.day, failure.lies_in_data) for failure in outcome.failures] == [
        (SECOND.isoformat(), False),
        (THIRD.isoformat(), False),
    ]
    assert world.rows(ADVERTS, SECOND) is None
    assert "wage" not in world.types(ADVERTS)


def test_the_sensor_does_not_ask_for_a_day_behind_one_that_was_refused(world):
    world.csv(BAD, SECOND)
    world.run(days=[SECOND])
    with DagsterInstance.ephemeral() as instance:
        assert CatchUp(world.planner).tick(instance, now=NOW).run_requests == []
        give_up(world, SECOND)
        (request,) = CatchUp(world.planner).tick(instance, now=NOW).run_requests
    assert request.tags["dagster/asset_partition_range_start"] == THIRD.isoformat()


@pytest.mark.parametrize(
    "ending", [lambda world: world.csv(GOOD, SECOND), lambda world: give_up(world, SECOND)], ids=["delivered again", "given up"]
)
def test_the_sensor_asks_for_a_day_that_waited_once_nothing_is_before_it(world, ending):
    world.csv(BAD, SECOND)
    world.run(days=[SECOND, THIRD])
    with DagsterInstance.ephemeral() as instance:
        assert CatchUp(world.planner).tick(instance, now=NOW).run_requests == []
        ending(world)
        (request,) = CatchUp(world.planner).tick(instance, now=NOW).run_requests
    assert request.tags["dagster/asset_partition_range_end"] == THIRD.isoformat()
