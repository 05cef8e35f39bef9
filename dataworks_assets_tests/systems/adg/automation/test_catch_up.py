"""What the catch-up sensor asks for; the plans are given, what is on S3 is in memory."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from dagster import DagsterRunStatus

from dataworks_assets.config.collections import RetentionConfig
from dataworks_assets.systems.adg.automation.catch_up import CatchUp
from dataworks_assets.systems.adg.automation.inbox import KeptMessage
from dataworks_assets.systems.adg.automation.messages import parse_message
from dataworks_assets.systems.plan import Decision, Plan, PlannedDay
from dataworks_assets.systems.refusals import record_refusal
from dataworks_assets_tests.systems.adg.automation.conftest import (
    BOTH,
    completion,
    days,
    in_memory_platform,
    key,
    names,
    on,
    put_export,
    start,
    started,
)
from spark.contract import PartitionResult, PartitionState

LATER = datetime.now(UTC) + timedelta(hours=2)
"""The exports of these tests are written now; two hours on they have settled."""
WINDOW_DAYS = 7
TODAY = LATER.date()


def _day(back):
    return (TODAY - timedelta(days=back)).isoformat()


@dataclass
class Planned:
    """Plans whose decisions are given by collection and day; what is not given is new."""

    scope: object
    decisions: dict = field(default_factory=dict)
    fingerprint: str = "f-1"
    requests: list = field(default_factory=list)

    def plan(self, request):
        self.requests.append(request)
        planned = [
            PlannedDay(scoped, day, self.decisions.get((name, day.isoformat()), Decision.NEW), "", self.fingerprint)
            for day in request.days
            for name, scoped in self.scope.collections.items()
            if name in BOTH
        ]
        return Plan(request, tuple(planned))


@pytest.fixture
def platform(quiet_scope, store, catalog):
    return in_memory_platform(quiet_scope, store, catalog)


@pytest.fixture
def plans(quiet_scope):
    return Planned(quiet_scope)


@pytest.fixture
def tick(platform, quiet_scope, plans, instance):
    exports = quiet_scope.settings.deployment.exports.model_copy(update={"first_day": TODAY - timedelta(days=30)})
    changed = quiet_scope.settings.deployment.model_copy(update={"exports": exports})
    quiet_scope.settings.__dict__.update(deployment=changed)
    watch = CatchUp(platform, quiet_scope, plans, WINDOW_DAYS)
    return lambda cursor=None, now=LATER: watch.tick(cursor, instance, now=now)


def _refuse(store, scope, day, *, state=PartitionState.REFUSED, fingerprint="f-1", run_id="r"):
    result = PartitionResult(
        collection="core/account", export_date=day, attempt="a", state=state, fingerprint=fingerprint, config_hash="c"
    )
    record_refusal(store, scope, result, run_id=run_id, at_utc="2026-11-20T12:00:00+00:00")


def test_a_complete_export_that_is_not_published_is_asked_for(tick, store):
    put_export(store, _day(1))
    (asked,) = tick().run_requests
    assert (days(asked), names(asked)) == ((_day(1), _day(1)), BOTH)
    assert asked.tags["dataworks/trigger"] == "catch_up"


def test_an_export_that_has_not_settled_is_left_alone(tick, store):
    put_export(store, _day(1))
    assert tick(now=datetime.now(UTC) + timedelta(minutes=29)).run_requests == []


def test_an_export_before_the_window_is_left_alone(tick, store, plans):
    put_export(store, _day(WINDOW_DAYS))
    assert tick().run_requests == []
    assert plans.requests == []


def test_a_day_that_retention_would_drop_again_is_left_alone(tick, store, quiet_scope):
    dropped = "core/account"
    scoped = quiet_scope.collections[dropped]
    config = scoped.config.model_copy(update={"retention": RetentionConfig(days=2)})
    quiet_scope.collections[dropped] = replace(scoped, config=config)
    for back in (2, 3):
        put_export(store, _day(back))
    asked = {days(run): names(run) for run in tick().run_requests}
    assert asked == {(_day(3), _day(3)): BOTH - {dropped}, (_day(2), _day(2)): BOTH}


@pytest.mark.parametrize(
    ("decision", "asked"),
    [
        (Decision.NEW, True),
        (Decision.CHANGED, True),
        (Decision.INCOMPLETE, True),
        (Decision.UNCHANGED, False),
        (Decision.RECONFIGURED, False),
        (Decision.HELD, False),
        (Decision.NOT_EXPORTED, False),
    ],
)
def test_the_plan_decides_what_is_asked_for(tick, store, plans, decision, asked):
    put_export(store, _day(1))
    plans.decisions = {("core/account", _day(1)): decision, ("core/statement", _day(1)): Decision.UNCHANGED}
    assert [names(each) for each in tick().run_requests] == ([{"core/account"}] if asked else [])


def test_no_more_days_are_asked_for_than_may_be_under_way_oldest_first(tick, store):
    for back in range(5):
        put_export(store, _day(back))
    assert [days(asked) for asked in tick().run_requests] == [(_day(4), _day(2))]


def test_days_that_are_under_way_count(tick, store, instance):
    for back in range(5):
        put_export(store, _day(back))
    tags = {"dagster/asset_partition_range_start": _day(4), "dagster/asset_partition_range_end": _day(3)}
    started(instance, [key("core/account"), key("core/statement")], tags, DagsterRunStatus.QUEUED)
    assert [days(asked) for asked in tick().run_requests] == [(_day(2), _day(2))]


def test_nothing_is_under_way_twice(tick, store, instance):
    put_export(store, _day(1))
    started(instance, [key("core/account")], {"dagster/partition": _day(1)})
    assert [names(asked) for asked in tick().run_requests] == [{"core/statement"}]


def test_a_day_that_failed_on_its_data_is_not_asked_for_again(tick, store, quiet_scope):
    put_export(store, _day(1))
    _refuse(store, quiet_scope, _day(1))
    assert [names(asked) for asked in tick().run_requests] == [{"core/statement"}]


def test_a_day_that_failed_on_its_data_is_asked_for_when_its_inputs_change(tick, store, quiet_scope, plans):
    put_export(store, _day(1))
    _refuse(store, quiet_scope, _day(1))
    plans.fingerprint = "f-2"
    assert [names(asked) for asked in tick().run_requests] == [BOTH]


def test_a_day_that_failed_on_its_data_is_asked_for_when_the_configuration_changes(tick, store, quiet_scope, plans):
    put_export(store, _day(1))
    _refuse(store, quiet_scope, _day(1))
    collections = quiet_scope.collections
    collections["core/account"] = replace(collections["core/account"], audit_hash="another")
    assert [names(asked) for asked in tick().run_requests] == [BOTH]


def test_a_day_that_failed_otherwise_rests_for_an_hour_and_is_asked_for_again(tick, store, instance):
    put_export(store, _day(1))
    start(instance, tick().run_requests[0], DagsterRunStatus.FAILURE)
    assert tick(now=datetime.now(UTC) + timedelta(minutes=50)).run_requests == []
    assert len(tick().run_requests) == 1


def test_what_a_run_just_refused_in_its_data_is_asked_for_as_soon_as_the_configuration_changes(
    tick, store, instance, quiet_scope
):
    put_export(store, _day(1))
    run = started(instance, [key(name) for name in BOTH], {"dagster/partition": _day(1)}, DagsterRunStatus.FAILURE)
    _refuse(store, quiet_scope, _day(1), run_id=run.run_id)
    soon = datetime.now(UTC) + timedelta(minutes=40)
    assert tick(now=soon).run_requests == []
    collections = quiet_scope.collections
    collections["core/account"] = replace(collections["core/account"], audit_hash="another")
    assert [names(asked) for asked in tick(now=soon).run_requests] == [{"core/account"}]


def test_nothing_is_planned_again_while_nothing_changes(tick, store, plans):
    put_export(store, _day(1))
    plans.decisions = {(name, _day(1)): Decision.UNCHANGED for name in BOTH}
    cursor = tick().cursor
    assert "nothing has changed" in tick(cursor, LATER + timedelta(minutes=5)).skip_reason.skip_message
    assert len(plans.requests) == 1


@pytest.mark.parametrize("change", ["export", "refusal", "hold", "run"])
def test_any_change_is_planned(tick, store, plans, quiet_scope, instance, change):
    from dataworks_assets.systems.holds import hold

    put_export(store, _day(1))
    plans.decisions = {(name, _day(1)): Decision.UNCHANGED for name in BOTH}
    cursor = tick().cursor
    if change == "export":
        put_export(store, _day(1), topic="db.core.account")
    elif change == "refusal":
        _refuse(store, quiet_scope, _day(1))
    elif change == "hold":
        hold(store, quiet_scope, "core/account", reason="why", by="me")
    else:
        started(instance, [key("core/account")], {"dagster/partition": _day(1)})
    tick(cursor, LATER + timedelta(minutes=5))
    assert len(plans.requests) == 2


def test_the_catalog_is_looked_at_again_within_the_hour(tick, store, plans):
    put_export(store, _day(1))
    plans.decisions = {(name, _day(1)): Decision.UNCHANGED for name in BOTH}
    tick(tick().cursor, LATER + timedelta(minutes=61))
    assert len(plans.requests) == 2


def test_a_complete_export_is_reported_once(tick, store):
    put_export(store, _day(1), body=b"123")
    first = tick()
    assert [(event.partition, event.metadata["bytes"].value) for event in first.asset_events] == [(_day(1), 3)]
    assert tick(first.cursor).asset_events == []


def test_a_cursor_of_another_release_begins_anew(tick, store):
    put_export(store, _day(1))
    assert len(tick('{"of": "another"}').run_requests) == 1


def test_with_messages_only_a_day_whose_message_was_handled_is_complete(scope, store, catalog, instance, inbox):
    for day in ("2026-11-18", "2026-11-19", "2026-11-20"):
        put_export(store, day)
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    for day, correlation_id in (("2026-11-18", "c-18"), ("2026-11-19", "c-19")):
        inbox.keep(KeptMessage(message=parse_message(completion(day, correlation_id=correlation_id)), kept_utc=now))
    inbox.finish([inbox.waiting(scope.snapshot_type, now=now)[0]], run_id="r", outcome="failure", now=now)
    plans = Planned(scope)
    watch = CatchUp(in_memory_platform(scope, store, catalog), scope, plans, WINDOW_DAYS)
    (asked,) = watch.tick(None, instance, now=now).run_requests
    assert plans.requests[0].days == (on("2026-11-18"),)
    assert asked.run_config["ops"]["adg_full"]["config"] == {"correlation_id": "c-18"}
