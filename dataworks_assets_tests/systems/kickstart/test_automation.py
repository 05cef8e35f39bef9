from datetime import UTC, date, datetime, timedelta

import pytest
from dagster import DagsterInstance

from dataworks_assets.systems.holds import hold, release
from dataworks_assets.systems.kickstart.acknowledged import acknowledge
from dataworks_assets.systems.kickstart.automation import CatchUp, ExpiryAlarm, catch_up_requests
from dataworks_assets.systems.kickstart.expiry import AtRisk, days_at_risk, last_readable_day
from dataworks_assets_tests.systems.kickstart.whole_path import ADVERTS, CLAIMS, DAY, TODAY, World, configured, days_from

GOOD = "id,title\n1,Baker\n"
NOW = datetime(2026, 11, 21, 5, tzinfo=UTC)


@pytest.fixture
def world():
    return World([configured(ADVERTS)], first_day=DAY - timedelta(days=1))


@pytest.fixture
def instance():
    with DagsterInstance.ephemeral() as made:
        yield made


class Notifier:
    def __init__(self):
        self.sent = []

    def send(self, notice):
        self.sent.append(notice)
        return True


def spans(requests):
    return [
        (
            request.tags["dagster/asset_partition_range_start"],
            request.tags["dagster/asset_partition_range_end"],
            ["/".join(key.path) for key in request.asset_selection],
        )
        for request in requests
    ]


def test_the_schedule_asks_for_each_module_from_its_first_incomplete_day_up_to_yesterday():
    world = World([configured(ADVERTS), configured(CLAIMS)], first_day=DAY - timedelta(days=1))
    world.csv(GOOD, DAY - timedelta(days=1))
    world.run(ADVERTS, days=[DAY - timedelta(days=1)])
    assert spans(catch_up_requests(world.platform, world.scope, today=TODAY)) == [
        ("2026-11-20", "2026-11-20", ["kickstart/vacancy/adverts"]),
        ("2026-11-19", "2026-11-20", ["kickstart/application/claims"]),
    ]


def test_a_held_collection_is_not_asked_for_and_does_not_keep_its_siblings_back(instance):
    other = "vacancy/offers"
    world = World([configured(ADVERTS), configured(other)], first_day=DAY - timedelta(days=60))
    for day in days_from(61):
        world.csv(GOOD, day)
        world.csv(GOOD, day, name=other)
    hold(world.store, world.scope, ADVERTS, reason="wrong wages", by="op")
    world.run(other, days=days_from(61)[:-1])
    wanted = [("2026-11-20", "2026-11-20", [f"kickstart/{other}"])]
    assert spans(catch_up_requests(world.platform, world.scope, today=TODAY)) == wanted
    assert spans(CatchUp(world.planner).tick(instance, now=NOW).run_requests) == wanted
    release(world.store, world.scope, ADVERTS)
    assert spans(catch_up_requests(world.platform, world.scope, today=TODAY))[0][0] == "2026-09-21"


def test_a_module_that_is_held_whole_is_not_asked_for(world, instance):
    world.csv(GOOD)
    hold(world.store, world.scope, ADVERTS, reason="wrong wages", by="op")
    assert catch_up_requests(world.platform, world.scope, today=TODAY) == []
    assert CatchUp(world.planner).tick(instance, now=NOW).run_requests == []


def test_where_all_is_complete_the_schedule_asks_for_nothing(world):
    for day in days_from(2):
        world.csv(GOOD, day)
    world.run(days=days_from(2))
    assert catch_up_requests(world.platform, world.scope, today=TODAY) == []


def test_the_sensor_asks_for_what_was_delivered_and_not_for_what_is_missing(world, instance):
    assert CatchUp(world.planner).tick(instance, now=NOW).run_requests == []
    world.csv(GOOD, DAY - timedelta(days=1))
    requests = CatchUp(world.planner).tick(instance, now=NOW).run_requests
    assert spans(requests) == [("2026-11-19", "2026-11-19", ["kickstart/vacancy/adverts"])]


def test_the_sensor_leaves_alone_what_was_refused_until_the_file_changes(world, instance):
    world.csv('id\n"x\n', DAY - timedelta(days=1))
    world.run(days=[DAY - timedelta(days=1)])
    assert CatchUp(world.planner).tick(instance, now=NOW).run_requests == []
    world.csv(GOOD, DAY - timedelta(days=1))
    assert len(CatchUp(world.planner).tick(instance, now=NOW).run_requests) == 1


@pytest.mark.parametrize("hour", [0, 23])
def test_the_seventh_day_after_upload_is_the_last(hour):
    assert last_readable_day(datetime(2026, 11, 13, hour, 59, tzinfo=UTC), 7) == date(2026, 11, 20)


def at_risk(world, rules=()):
    return days_at_risk(world.planner, world.scope.collections.values(), {}, rules)


def test_a_day_is_at_risk_by_its_objects_age_and_the_buckets_rule(world):
    world.csv(GOOD)
    written = datetime.now(UTC).date()
    world.today = written
    world.first_day = DAY
    assert [risk for risk in at_risk(world) if not risk.is_lost and risk.day == DAY] == []
    assert AtRisk(ADVERTS, DAY, written + timedelta(days=1)) in at_risk(world, [("", 7), ("vacancy/2026-11-20", 1)])
    assert AtRisk(ADVERTS, DAY, written + timedelta(days=7)) not in at_risk(world, [("", 7), ("payment/", 1)])


def test_a_day_that_will_be_lost_is_told_while_it_can_be_saved_and_once_a_day(world):
    world.first_day = world.today = datetime.now(UTC).date()
    world.csv(GOOD, world.today)
    notifier = Notifier()
    first = ExpiryAlarm(world.planner, notifier, lambda: [("", 1)]).tick(None)
    ExpiryAlarm(world.planner, notifier, lambda: [("", 1)]).tick(first.cursor)
    assert [(notice.kind.value, notice.title) for notice in notifier.sent] == [
        ("Warning", f"vacancy/adverts of {world.today} is about to expire")
    ]
    assert "dataworks kickstart run --module vacancy" in notifier.sent[0].elements["what to do"]


def test_a_lost_day_is_told_every_day_until_it_is_acknowledged(world):
    world.first_day = DAY
    notifier = Notifier()
    cursor = None
    for back in range(8, 11):
        world.today = DAY + timedelta(days=back)
        result = ExpiryAlarm(world.planner, notifier, lambda: ()).tick(cursor)
        cursor = result.cursor
        if back == 8:
            assert [(event.partition, event.passed) for event in result.asset_events] == [("2026-11-20", False)]
    lost = [notice for notice in notifier.sent if "2026-11-20" in notice.title]
    assert [notice.kind.value for notice in lost] == ["Error"] * 3
    acknowledge(world.store, world.scope, [(ADVERTS, DAY)], reason="lost", by="ops")
    notifier.sent.clear()
    ExpiryAlarm(world.planner, notifier, lambda: ()).tick(cursor)
    assert [notice for notice in notifier.sent if "2026-11-20" in notice.title] == []
