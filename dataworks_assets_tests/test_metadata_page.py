"""The page of the metadata names exactly what the code emits: every key, tag, finding and column of evidence."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from dagster import AssetKey, MetadataValue

from dataworks_assets.config.environment import Environment
from dataworks_assets.config.kickstart import PartnerModule
from dataworks_assets.config.loader import load_settings
from dataworks_assets.config.naming import SnapshotType
from dataworks_assets.definitions import build_definitions
from dataworks_assets.systems.adg.automation.exports import ExportDay, complete_event, overdue_event
from dataworks_assets.systems.adg.automation.overdue import OverdueAlarm
from dataworks_assets.systems.adg.scope import AdgScope
from dataworks_assets.systems.kickstart.deliveries import seen
from dataworks_assets.systems.platform import Platform
from dataworks_assets.systems.reporting import ReportContext, check_event, published_event, schema_event, unchanged_event
from dataworks_assets_tests.systems.kickstart.whole_path import DAY as DELIVERED
from dataworks_assets_tests.systems.kickstart.whole_path import World
from spark.contract import Column, Finding, PartitionResult, PartitionState, SchemaChange, TableResult
from spark.publish.catalog import Pointer

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "reference" / "metadata.md").read_text(encoding="utf-8")
KEY = AssetKey(["adg_full", "core", "statement"])
UPSTREAM = AssetKey(["export", "full"])
DAY = "2026-11-20"
RESULT = PartitionResult(
    collection="core/statement",
    export_date=DAY,
    attempt="attempt",
    state=PartitionState.PUBLISHED,
    fingerprint="fingerprint",
    config_hash="hash",
    tables=(TableResult(database="db", name="table", location="s3://bucket/place"),),
    findings=tuple(Finding(check="read", passed=True) for _ in range(51)),
    preview=({"id": "a"},),
    schema=(Column(name="id", type="string"),),
    schema_changes=(SchemaChange(change="added", column="id", after="string"),),
)
POINTER = Pointer(DAY, "s3://bucket/place", "attempt", "fingerprint", 1, "run", 3, "hash", "2026-11-21T01:00:00+00:00")
CONTEXT = ReportContext("run", log=MetadataValue.path("s3://logs/run"), upstream=UPSTREAM)


def named(heading: str, column: str) -> set[str]:
    """Names in the first column of the one table of a section whose head is so."""
    section = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", PAGE, flags=re.DOTALL | re.MULTILINE)
    assert section, heading
    table = re.search(rf"^\| {re.escape(column)} \|.*\n\|[-|]+\|\n((?:\|.*\n?)+)", section[1], flags=re.MULTILINE)
    assert table, f"{heading}: {column}"
    return {re.sub(r"<\w+>", "*", name) for name in re.findall(r"^\| `([^`]+)`", table[1], flags=re.MULTILINE)}


@pytest.fixture(scope="module")
def settings():
    return load_settings("local", environment=Environment(home=Path("/nowhere")))


@pytest.fixture(scope="module")
def scope(settings):
    return AdgScope(settings, SnapshotType.FULL)


def test_an_assets_metadata(settings):
    graph = build_definitions(settings=settings, platform=Platform(settings)).get_repository_def().asset_graph
    emitted = {frozenset(graph.get(key).metadata) for key in graph.materializable_asset_keys}
    pages = ("A collection's asset", "A partner collection's asset")
    assert emitted == {frozenset(named(heading, "metadata")) for heading in pages}
    assert set(graph.get(UPSTREAM).metadata) == {"location"}


def test_a_published_days_metadata():
    assert set(published_event(KEY, RESULT, CONTEXT).metadata) == named("A day that was published", "metadata")


def test_an_unchanged_days_metadata():
    emitted = unchanged_event(KEY, POINTER, reason="same").metadata
    assert set(emitted) == named("A day that was published before", "metadata")


def test_both_have_the_tags():
    told = {name.replace("*", "full") for name in named("Tags of both", "tag")}
    assert set(published_event(KEY, RESULT, CONTEXT).tags) == told
    assert set(unchanged_event(KEY, POINTER, reason="same", upstream=UPSTREAM).tags) == told


def test_the_checks_metadata_and_the_columns_of_its_evidence():
    metadata = check_event(KEY, RESULT, CONTEXT).metadata
    assert set(metadata) == named("The check `published`", "metadata")
    assert {column.name for column in metadata["evidence"].schema.columns} == named("The check `published`", "column")


def test_every_finding():
    modules = [path for folder in ("spark", "dataworks_assets/systems") for path in (ROOT / folder).rglob("*.py")]
    emitted = {check for path in modules for check in _findings(ast.parse(path.read_text(encoding="utf-8")))}
    assert emitted == named("The check `published`", "check")


def _findings(tree: ast.AST) -> Iterator[str]:
    """Names of findings, wherever one is made: as `check`, or as the first argument of what makes one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = getattr(node.func, "id", getattr(node.func, "attr", ""))
            first = node.args[:1] if function in {"failed", "_failed", "_passed"} else []
            given = [keyword.value for keyword in node.keywords if keyword.arg == "check"]
            yield from (
                each.value for each in (*first, *given) if isinstance(each, ast.Constant) and isinstance(each.value, str)
            )


def test_a_changed_schemas_metadata():
    emitted = schema_event(KEY, RESULT).metadata
    assert set(emitted) == named("A source whose columns changed", "metadata")


def test_the_exports_metadata(scope, settings):
    day = date(2026, 11, 20)
    export = ExportDay(day, "s3://bucket/place", 2, 1, 10, 1, newest_change_utc=datetime(2026, 11, 20, tzinfo=UTC))
    complete = complete_event(scope, export, correlation_id="c").metadata
    assert set(complete) == named("The export's asset", "metadata of a complete day")
    details = OverdueAlarm(Platform(settings), scope, notifier=None)._details(day, time(3))
    assert set(overdue_event(scope, day, details).metadata) == named("The export's asset", "metadata of an overdue day")


def test_a_modules_observations():
    world = World()
    world.csv("id\n1\n", DELIVERED)
    listing = world.planner.list_day(PartnerModule.VACANCY, DELIVERED)
    heading = "A module's files at the partner's"
    assert set(seen(world.scope, PartnerModule.VACANCY, DELIVERED, listing)) == named(heading, "metadata")


@pytest.mark.parametrize(
    ("heading", "module"),
    [("A failed run", "systems/ending.py"), ("The garbage collection", "systems/housekeeping.py")],
)
def test_metadata_that_is_made_where_it_is_logged(heading, module):
    source = (ROOT / "dataworks_assets" / module).read_text(encoding="utf-8")
    assert set(re.findall(r'"(\w+)": MetadataValue\.(?:int|bool)\(', source)) == named(heading, "metadata")


def test_every_tag_of_a_run_that_is_our_own():
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "dataworks_assets").rglob("*.py")]
    emitted = {tag for source in sources for tag in re.findall(r'f?"(dataworks/(?!\*)[a-z_.{}()]+)', source)}
    told = {name for name in named("Tags of runs", "tag") if name.startswith("dataworks/")}
    assert {re.sub(r"\{[^}]*\}", "*", tag) for tag in emitted} == told
