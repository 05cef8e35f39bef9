from datetime import UTC, datetime, time, timedelta

import pytest

from dataworks_assets.systems.adg.automation.inbox import KeptMessage
from dataworks_assets.systems.adg.automation.messages import parse_message
from dataworks_assets.systems.adg.automation.overdue import OverdueAlarm
from dataworks_assets_tests.systems.adg.automation.conftest import NOON, completion, in_memory_platform, put_export

NINE = time(9)


@pytest.fixture
def tick(scope, store, catalog, told):
    alarm = OverdueAlarm(in_memory_platform(scope, store, catalog), scope, told)
    return lambda cursor="2026-11-19", now=NOON: alarm.tick(NINE, cursor, now=now)


def _titles(told):
    return [notice.title for notice in told.notices]


def _come(inbox, day):
    inbox.keep(KeptMessage(message=parse_message(completion(day)), kept_utc=NOON))


def test_an_export_that_has_not_come_by_its_time_is_an_alarm(tick, told):
    result = tick()
    assert _titles(told) == ["The full export of 2026-11-20 is overdue"]
    assert result.skip_reason.skip_message == "overdue: 2026-11-20"


def test_the_exports_asset_shows_it(tick):
    (event,) = tick().asset_events
    assert (event.asset_key.to_user_string(), event.partition) == ("export/full", "2026-11-20")
    assert event.metadata["overdue"].value is True


def test_a_day_alarms_once(tick, told):
    tick(tick().cursor)
    assert len(told.notices) == 1


def test_an_export_that_came_is_no_alarm(tick, told, inbox):
    _come(inbox, "2026-11-20")
    assert tick().cursor == "2026-11-20"
    assert told.notices == []


def test_before_its_time_an_export_is_not_due(tick, told):
    tick(now=datetime(2026, 11, 20, 8, 59, tzinfo=UTC))
    assert told.notices == []


def test_the_first_tick_judges_the_last_day_that_is_due_alone(tick, told):
    tick(None)
    assert len(told.notices) == 1


def test_after_days_without_the_alarm_every_day_is_judged(tick, told, inbox):
    _come(inbox, "2026-11-19")
    tick("2026-11-17")
    assert _titles(told) == ["The full export of 2026-11-18 is overdue", "The full export of 2026-11-20 is overdue"]


def test_a_notice_that_could_not_be_sent_is_sent_at_the_next_tick(tick, told):
    told.fails = True
    failed = tick()
    told.fails = False
    tick(failed.cursor)
    assert (failed.cursor, failed.asset_events, len(told.notices)) == ("2026-11-19", [], 1)


def test_without_messages_an_export_that_lies_there_settled_has_come(quiet_scope, store, catalog, told):
    today = datetime.now(UTC).date()
    put_export(store, today.isoformat())
    alarm = OverdueAlarm(in_memory_platform(quiet_scope, store, catalog), quiet_scope, told)
    yesterday = (today - timedelta(days=1)).isoformat()
    assert alarm.tick(time(0), yesterday, now=datetime.now(UTC) + timedelta(minutes=31)).cursor >= today.isoformat()
    assert "full export of " + today.isoformat() not in " ".join(_titles(told))


def test_without_messages_an_export_that_is_still_written_has_not_come(quiet_scope, store, catalog, told):
    today = datetime.now(UTC).date()
    put_export(store, today.isoformat())
    alarm = OverdueAlarm(in_memory_platform(quiet_scope, store, catalog), quiet_scope, told)
    alarm.tick(time(0), (today - timedelta(days=1)).isoformat(), now=datetime.now(UTC))
    assert _titles(told) == [f"The full export of {today} is overdue"]
