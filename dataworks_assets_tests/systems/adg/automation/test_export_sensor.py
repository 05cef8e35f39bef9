"""Point by point what a message starts, and what it does not."""

from datetime import UTC, datetime, timedelta

import pytest
from dagster import DagsterRunStatus

from dataworks_assets.systems.adg.automation.export_sensor import ExportSensor
from dataworks_assets.systems.adg.automation.inbox import KeptMessage
from dataworks_assets.systems.adg.automation.messages import parse_message
from dataworks_assets.systems.runs import export_tag
from dataworks_assets_tests.systems.adg.automation.conftest import (
    ALL,
    BOTH,
    completion,
    days,
    in_memory_platform,
    key,
    move,
    names,
    put_export,
    start,
    started,
)

NOW = datetime.now(UTC)
"""Runs take their times from the clock, so these tests' days are counted from it."""
TODAY = NOW.date()
FIRST = TODAY - timedelta(days=12)
Status = DagsterRunStatus


def _day(back):
    return (TODAY - timedelta(days=back)).isoformat()


@pytest.fixture
def scope(scoped, tmp_path):
    made = scoped()
    collections = tuple(
        each.model_copy(update={"first_day": TODAY - timedelta(days=2)}) if each.name == "core/late" else each
        for each in made.settings.collections
    )
    exports = made.settings.deployment.exports.model_copy(update={"first_day": FIRST})
    made.settings.__dict__.update(
        collections=collections, deployment=made.settings.deployment.model_copy(update={"exports": exports})
    )
    return made


@pytest.fixture
def watch(scope, store, catalog, told):
    return ExportSensor(in_memory_platform(scope, store, catalog), scope, told)


@pytest.fixture
def keep(inbox):
    def kept(day, *, correlation_id="c-1", message_id="m-1", at=NOW - timedelta(minutes=5)):
        said = parse_message(completion(day, correlation_id=correlation_id))
        inbox.keep(KeptMessage(message=said, kept_utc=at, message_id=message_id))

    return kept


@pytest.fixture
def tick(watch, instance):
    return lambda now=None: watch.tick(instance, now=now or datetime.now(UTC))


def _config(asked):
    return asked.run_config["ops"]["adg_full"]["config"]


def test_an_empty_inbox_starts_nothing(tick):
    assert tick().skip_reason.skip_message == "no message"


def test_a_message_starts_the_run_of_its_date_with_its_correlation_id_and_prefix(tick, keep):
    keep(_day(0), correlation_id="c-7")
    (asked,) = tick().run_requests
    assert days(asked) == (_day(0), _day(0))
    assert _config(asked) == {"correlation_id": "c-7", "s3_prefix": f"ucdata/{_day(0)}/full"}
    assert names(asked) == ALL


def test_a_collection_whose_partitions_do_not_hold_the_day_is_left_out(tick, keep):
    keep(_day(3))
    (asked,) = tick().run_requests
    assert names(asked) == BOTH


def test_a_single_day_of_like_partitions_is_named_by_its_key(tick, keep):
    keep(_day(3))
    assert tick().run_requests[0].partition_key == _day(3)


def test_many_waiting_days_become_one_run_with_a_range(tick, keep):
    for back in (4, 6, 5):
        keep(_day(back), correlation_id=f"c-{back}")
    (asked,) = tick().run_requests
    assert days(asked) == (_day(6), _day(4))
    assert _config(asked) == {"correlation_ids": {_day(6): "c-6", _day(5): "c-5", _day(4): "c-4"}}


def test_runs_are_in_the_order_of_the_export_dates(tick, keep):
    for back in (0, 9, 5):
        keep(_day(back))
    assert [days(asked)[0] for asked in tick().run_requests] == [_day(9), _day(5), _day(0)]


def test_a_range_ends_where_the_collections_change(tick, keep):
    for back in (1, 2, 3, 4):
        keep(_day(back))
    assert [(days(asked), names(asked)) for asked in tick().run_requests] == [
        ((_day(4), _day(3)), BOTH),
        ((_day(2), _day(1)), ALL),
    ]


def test_a_range_is_no_longer_than_a_run_may_be(tick, keep):
    for back in range(4, 11):
        keep(_day(back))
    assert [days(asked) for asked in tick().run_requests] == [(_day(10), _day(6)), (_day(5), _day(4))]


def test_the_export_is_reported_with_its_files_bytes_and_correlation_id(tick, keep, store):
    put_export(store, _day(0), body=b"12345")
    keep(_day(0), correlation_id="c-7")
    (event,) = tick().asset_events
    told = {name: entry.value for name, entry in event.metadata.items()}
    assert (event.asset_key.to_user_string(), event.partition) == ("export/full", _day(0))
    assert (told["files"], told["bytes"], told["correlation_id"]) == (1, 5, "c-7")
    assert "newest_change" in told


@pytest.mark.parametrize("status", [Status.QUEUED, Status.NOT_STARTED, Status.STARTED])
def test_a_message_starts_nothing_while_its_run_is_under_way(tick, keep, instance, status):
    keep(_day(0))
    start(instance, tick().run_requests[0], status)
    keep(_day(0), message_id="m-2", at=datetime.now(UTC))
    assert tick().run_requests == []


def test_a_message_of_a_range_starts_nothing_while_the_run_of_the_range_is_under_way(tick, keep, instance):
    for back in (5, 4):
        keep(_day(back))
    start(instance, tick().run_requests[0])
    keep(_day(4), message_id="m-2", at=datetime.now(UTC))
    assert tick().run_requests == []


def test_a_message_is_done_once_its_run_succeeded(tick, keep, instance, inbox, scope):
    keep(_day(0))
    start(instance, tick().run_requests[0], Status.SUCCESS)
    assert tick().run_requests == []
    assert inbox.waiting(scope.snapshot_type, now=NOW) == ()


def test_a_repeated_message_starts_nothing_after_its_run_succeeded(tick, keep, instance, inbox, scope):
    keep(_day(0))
    start(instance, tick().run_requests[0], Status.SUCCESS)
    tick()
    keep(_day(0), message_id="m-2", at=datetime.now(UTC) + timedelta(seconds=5))
    assert tick().run_requests == []
    assert inbox.waiting(scope.snapshot_type, now=NOW) == ()


@pytest.mark.parametrize("status", [Status.FAILURE, Status.CANCELED])
def test_a_message_does_not_start_again_by_itself_after_its_run_failed(tick, keep, instance, inbox, scope, status):
    keep(_day(0))
    start(instance, tick().run_requests[0], status)
    assert tick().run_requests == []
    assert inbox.waiting(scope.snapshot_type, now=NOW) == ()


@pytest.mark.parametrize("status", [Status.FAILURE, Status.CANCELED])
def test_a_repeated_message_starts_another_run_after_a_failure(tick, keep, instance, status):
    keep(_day(0))
    start(instance, tick().run_requests[0], status)
    tick()
    keep(_day(0), message_id="m-2", at=datetime.now(UTC) + timedelta(seconds=5))
    assert len(tick().run_requests) == 1


def test_a_message_waits_while_dagster_is_about_to_retry_its_run(tick, keep, instance, inbox, scope):
    keep(_day(0))
    run = start(instance, tick().run_requests[0], Status.FAILURE)
    instance.add_run_tags(run.run_id, {"dagster/will_retry": "true"})
    assert tick().run_requests == []
    assert len(inbox.waiting(scope.snapshot_type, now=NOW)) == 1


def test_a_message_follows_the_retry_of_its_run(tick, keep, instance, inbox, scope):
    keep(_day(0))
    first = start(instance, tick().run_requests[0], Status.FAILURE)
    retry = started(instance, first.asset_selection, dict(first.tags))
    instance.add_run_tags(first.run_id, {"dagster/will_retry": "true", "dagster/auto_retry_run_id": retry.run_id})
    assert tick().run_requests == []
    assert len(inbox.waiting(scope.snapshot_type, now=NOW)) == 1
    move(instance, retry, Status.SUCCESS)
    tick()
    assert inbox.waiting(scope.snapshot_type, now=NOW) == ()


def test_dying_before_the_run_was_made_starts_it_at_the_next_tick(tick, keep):
    keep(_day(0))
    assert len(tick().run_requests) == len(tick().run_requests) == 1


def test_a_day_that_another_run_is_doing_waits_and_blocks_no_other(tick, keep, instance):
    started(instance, [key("core/account")], {"dagster/partition": _day(3)})
    keep(_day(3))
    keep(_day(5))
    assert [days(asked) for asked in tick().run_requests] == [(_day(5), _day(5))]


def test_a_run_of_something_else_blocks_no_message(tick, keep, instance):
    started(instance, [key("core/account").with_prefix("other")], {"dagster/partition": _day(3)})
    keep(_day(3))
    assert len(tick().run_requests) == 1


def test_a_second_export_of_a_day_waits_for_the_first_and_then_starts(tick, keep, instance):
    keep(_day(0), correlation_id="first")
    run = start(instance, tick().run_requests[0])
    keep(_day(0), correlation_id="second", message_id="m-2", at=datetime.now(UTC))
    assert tick().run_requests == []
    move(instance, run, Status.SUCCESS)
    (asked,) = tick().run_requests
    assert _config(asked)["correlation_id"] == "second"


def test_of_two_waiting_messages_of_a_day_the_last_counts_and_both_are_done(tick, keep, instance, inbox, scope):
    keep(_day(0), correlation_id="first")
    keep(_day(0), correlation_id="second", message_id="m-2", at=NOW)
    (asked,) = tick().run_requests
    start(instance, asked, Status.SUCCESS)
    tick()
    assert _config(asked)["correlation_id"] == "second"
    assert inbox.waiting(scope.snapshot_type, now=NOW) == ()


def test_a_message_of_a_day_that_has_not_begun_waits_for_it(tick, keep):
    keep(_day(-1))
    assert tick().run_requests == []
    assert len(tick(datetime.now(UTC) + timedelta(days=1)).run_requests) == 1


def test_the_run_says_which_message_started_it(tick, keep, scope):
    keep(_day(0))
    (asked,) = tick().run_requests
    assert asked.tags["dataworks/trigger"] == "message"
    assert asked.tags[export_tag(scope.snapshot_type, TODAY)] == parse_message(completion(_day(0))).digest
