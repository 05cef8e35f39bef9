from datetime import UTC, datetime, timedelta

import pytest
from dagster import DagsterRunStatus

from dataworks_assets.systems.refusals import Refusal
from dataworks_assets.systems.runs import in_flight, lately_failed, run_days
from dataworks_assets_tests.systems.adg.automation.conftest import key, on, started
from spark.contract import PartitionState

NOW = datetime.now(UTC)
RANGE = {"dagster/asset_partition_range_start": "2026-11-18", "dagster/asset_partition_range_end": "2026-11-19"}


def test_a_run_of_a_partition_is_for_its_day():
    assert run_days({"dagster/partition": "2026-11-20"}) == [on("2026-11-20")]


def test_a_run_of_a_range_is_for_every_day_of_it():
    assert run_days(RANGE) == [on("2026-11-18"), on("2026-11-19")]


@pytest.mark.parametrize("tags", [{}, {"dagster/partition": "vacancy"}])
def test_a_run_of_no_day_is_for_none(tags):
    assert run_days(tags) == []


def test_what_any_run_does_is_in_flight_whoever_started_it(instance, scope):
    started(instance, [key("core/account"), key("core/late")], RANGE)
    days = [on("2026-11-18"), on("2026-11-19")]
    assert in_flight(instance, scope, now=NOW) == {(name, day) for name in ("core/account", "core/late") for day in days}


@pytest.mark.parametrize("status", [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED])
def test_what_has_ended_is_not_in_flight(instance, scope, status):
    started(instance, [key("core/account")], RANGE, status)
    assert in_flight(instance, scope, now=NOW) == frozenset()


def test_a_retry_that_never_came_is_awaited_for_minutes_only(instance, scope):
    run = started(instance, [key("core/account")], {"dagster/partition": "2026-11-20"}, DagsterRunStatus.FAILURE)
    instance.add_run_tags(run.run_id, {"dagster/will_retry": "true"})
    assert in_flight(instance, scope, now=datetime.now(UTC)) == {("core/account", on("2026-11-20"))}
    assert in_flight(instance, scope, now=datetime.now(UTC) + timedelta(minutes=11)) == frozenset()


def test_only_what_failed_since_then_failed_lately(instance, scope):
    started(instance, [key("core/account")], {"dagster/partition": "2026-11-20"}, DagsterRunStatus.FAILURE)
    assert lately_failed(instance, scope, {}, since=NOW - timedelta(hours=1)) == {("core/account", on("2026-11-20"))}
    assert lately_failed(instance, scope, {}, since=datetime.now(UTC) + timedelta(hours=1)) == frozenset()


@pytest.mark.parametrize(
    ("state", "of_this_run", "hours", "rests"),
    [
        (PartitionState.REFUSED, True, 0, False),
        (PartitionState.FAILED, True, 0, True),
        (PartitionState.REFUSED, False, -2, True),
        (PartitionState.REFUSED, False, 2, False),
    ],
    ids=["refused by the run", "failed in it", "refused before it", "refused by its retry"],
)
def test_what_was_refused_in_its_data_did_not_fail_otherwise(instance, scope, state, of_this_run, hours, rests):
    run = started(instance, [key("core/account")], {"dagster/partition": "2026-11-20"}, DagsterRunStatus.FAILURE)
    refusal = Refusal(
        fingerprint="f",
        audit_hash="a",
        run_id=run.run_id if of_this_run else "another",
        refused_utc=(datetime.now(UTC) + timedelta(hours=hours)).isoformat(timespec="seconds"),
        state=state,
        findings=(),
    )
    found = lately_failed(instance, scope, {("core/account", "2026-11-20"): refusal}, since=NOW - timedelta(hours=1))
    assert found == ({("core/account", on("2026-11-20"))} if rests else frozenset())
