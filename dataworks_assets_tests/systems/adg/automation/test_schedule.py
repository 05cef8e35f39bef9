from datetime import UTC, datetime, timedelta

import pytest
from dagster import SkipReason

from dataworks_assets.systems.adg.automation.inbox import KeptMessage
from dataworks_assets.systems.adg.automation.messages import parse_message
from dataworks_assets.systems.adg.automation.schedule import NewestExport
from dataworks_assets_tests.systems.adg.automation.conftest import (
    ALL,
    NOON,
    completion,
    days,
    in_memory_platform,
    key,
    names,
    on,
    put_export,
    started,
)

LATER = datetime.now(UTC) + timedelta(hours=2)


@pytest.fixture
def tick(quiet_scope, store, catalog, instance):
    watch = NewestExport(in_memory_platform(quiet_scope, store, catalog), quiet_scope)
    return lambda day="2026-11-20", now=LATER: watch.tick(on(day), instance, now=now)


def test_the_days_own_export_is_asked_for(tick, store):
    for day in ("2026-11-19", "2026-11-20"):
        put_export(store, day)
    (asked,) = tick()
    assert (days(asked), names(asked)) == (("2026-11-20", "2026-11-20"), ALL)
    assert asked.tags["dataworks/trigger"] == "schedule"


def test_the_day_before_is_asked_for_where_the_days_own_has_not_come(tick, store):
    put_export(store, "2026-11-19")
    (asked,) = tick()
    assert days(asked) == ("2026-11-19", "2026-11-19")


def test_an_export_that_is_still_written_is_not_asked_for(tick, store):
    put_export(store, "2026-11-20")
    assert isinstance(tick(now=datetime.now(UTC)), SkipReason)


def test_nothing_is_asked_for_where_no_export_came(tick):
    assert "neither the export of 2026-11-20" in tick().skip_message


def test_what_is_under_way_is_not_asked_for(tick, store, instance):
    put_export(store, "2026-11-20")
    started(instance, [key(name) for name in ALL], {"dagster/partition": "2026-11-20"})
    assert "being done already" in tick().skip_message


def test_the_export_is_reported_to_dagster(tick, store, instance):
    from dagster import AssetKey

    put_export(store, "2026-11-20")
    tick()
    assert instance.get_materialized_partitions(AssetKey(["export", "full"])) == {"2026-11-20"}


def test_with_messages_the_message_says_that_an_export_is_complete(scope, store, catalog, instance, inbox):
    put_export(store, "2026-11-20")
    inbox.keep(KeptMessage(message=parse_message(completion("2026-11-19")), kept_utc=NOON))
    watch = NewestExport(in_memory_platform(scope, store, catalog), scope)
    (asked,) = watch.tick(on("2026-11-20"), instance, now=LATER)
    assert days(asked) == ("2026-11-19", "2026-11-19")
