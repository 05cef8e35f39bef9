"""What Dagster makes of a partition's events: in step with what it is made from, until the configuration changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from dagster import AssetKey, AssetMaterialization, DagsterInstance
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from dataworks_assets.config.environment import Environment
from dataworks_assets.config.loader import load_settings
from dataworks_assets.definitions import build_definitions
from dataworks_assets.systems.platform import Platform
from dataworks_assets.systems.reporting import ReportContext, published_event, unchanged_event
from spark.contract import PartitionResult, PartitionState, TableResult
from spark.publish.catalog import Pointer

DAY = "2026-11-18"
STATEMENT = AssetKey(["adg_full", "core", "statement"])
EXPORT = AssetKey(["export", "full"])
CONTEXT = ReportContext("run", upstream=EXPORT)


@pytest.fixture(scope="module")
def graph():
    settings = load_settings("local", environment=Environment(home=Path("/nowhere")))
    return build_definitions(settings=settings, platform=Platform(settings)).get_repository_def().asset_graph


@pytest.fixture
def status(graph):
    """Reports events, then says what the UI says of the day."""

    def reported(*events):
        with DagsterInstance.ephemeral() as instance:
            for event in events:
                instance.report_runless_asset_event(event)
            resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
            return resolver.get_status(STATEMENT, DAY)

    return reported


def published(config_hash):
    table = TableResult(database="db", name="core_statement_history", location="s3://bucket/place", rows=3, files=())
    return PartitionResult(
        collection="core/statement",
        export_date=DAY,
        attempt="attempt",
        state=PartitionState.PUBLISHED,
        fingerprint="fingerprint",
        config_hash=config_hash,
        tables=(table,),
    )


def test_a_published_day_is_in_step(status, graph):
    assert status(published_event(STATEMENT, published(graph.get(STATEMENT).code_version), CONTEXT)) is StaleStatus.FRESH


def test_an_unchanged_day_is_in_step(status, graph):
    pointer = Pointer(
        partition=DAY,
        location="s3://bucket/place",
        attempt="attempt",
        fingerprint="fingerprint",
        epoch=1,
        run_id="run",
        rows=3,
        config_hash=graph.get(STATEMENT).code_version,
        published_utc="2026-11-19T01:00:00+00:00",
    )
    assert status(unchanged_event(STATEMENT, pointer, reason="same", upstream=EXPORT)) is StaleStatus.FRESH


def test_an_export_that_is_reported_again_does_not_change_that(status, graph):
    event = published_event(STATEMENT, published(graph.get(STATEMENT).code_version), CONTEXT)
    assert status(event, AssetMaterialization(EXPORT, partition=DAY)) is StaleStatus.FRESH


def test_a_day_of_another_configuration_is_not_in_step(status):
    assert status(published_event(STATEMENT, published("another"), CONTEXT)) is StaleStatus.STALE
