"""A run that failed before it could open its ledger is told of as one that died."""

from datetime import UTC, datetime, timedelta

import pytest
from dagster import DagsterRunStatus

from dataworks_assets.systems.adg.automation.lost_runs import take_up_lost_runs
from dataworks_assets.systems.adg.recording import ledger_book, ledger_repair
from dataworks_assets_tests.ledger.memory_tables import MemoryTables
from dataworks_assets_tests.systems.adg.automation.conftest import key, started


@pytest.fixture
def tables():
    return MemoryTables()


@pytest.fixture
def book(platform, scope, told, tables):
    config = scope.settings.deployment.ledger.model_copy(update={"status_table": "rows"})
    platform.status_tables = tables
    scope.settings.deployment.__dict__["ledger"] = config
    return ledger_book(platform, scope, told)


def take_up(book, scope, instance):
    return take_up_lost_runs(book, scope, instance, since=datetime.now(UTC) - timedelta(minutes=1))


def test_it_is_taken_up_once_its_row_says_failed_and_operators_are_told(book, scope, instance, platform, told, tables):
    run = started(instance, [key("core/statement")], {"dagster/partition": "2026-11-20"}, DagsterRunStatus.FAILURE)
    assert take_up(book, scope, instance) == 1
    ledger_repair(platform, scope, told).tick(instance, now=datetime.now(UTC))
    row = tables.row("rows", "ADG-full_2026-11-20", "ADG-full")
    assert (row["Status"], row["Run_Id"], row["Cluster_Id"]) == ("FAILED", 1, run.run_id)
    assert [notice.title for notice in told.notices] == ["ADG-full 2026-11-20 failed"]
    assert take_up(book, scope, instance) == 0


@pytest.mark.parametrize("status", [DagsterRunStatus.STARTED, DagsterRunStatus.SUCCESS, DagsterRunStatus.CANCELED])
def test_only_what_failed_is_taken_up(book, scope, instance, status):
    started(instance, [key("core/statement")], {"dagster/partition": "2026-11-20"}, status)
    assert take_up(book, scope, instance) == 0


def test_runs_of_others_and_without_days_are_left_alone(book, scope, instance):
    started(instance, [], {"dagster/partition": "2026-11-20"}, DagsterRunStatus.FAILURE)
    started(instance, [key("core/statement")], {}, DagsterRunStatus.FAILURE)
    assert take_up(book, scope, instance) == 0
