"""What Dagster shows of each published partition: its metadata, its check with the evidence, what came to pass in the log."""

from __future__ import annotations

from pathlib import Path

import pytest
from dagster import FloatMetadataValue, IntMetadataValue, MarkdownMetadataValue, TableMetadataValue

from dataworks_assets_tests.dagster_runs.world import DAYS, FULL, INCREMENTAL, pair

DAY = DAYS[0]
WHOLE_NUMBERS = (
    *("rows", "dagster/partition_row_count", "files", "input_files", "input_bytes", "decoded_bytes", "output_bytes"),
    "quarantined_rows",
)


@pytest.fixture(scope="module")
def events(published):
    """(snapshot type, materialization) of everything published."""
    return [
        *((FULL, event) for event in published.full.materializations),
        *((INCREMENTAL, event) for event in published.incremental.materializations),
    ]


def _main_pointer(world, snapshot_type, event):
    name, day = pair(event)
    main = world.collection(name, snapshot_type).job.tables[0]
    return world.platform.catalog.pointers(main.database, main.name, [day])[day]


def test_numbers_are_numbers_that_dagster_can_plot(events):
    for _, event in events:
        assert all(isinstance(event.metadata[name], IntMetadataValue) for name in WHOLE_NUMBERS)
        assert isinstance(event.metadata["seconds"], FloatMetadataValue)
        assert isinstance(event.metadata["megabytes_per_second"], FloatMetadataValue)


def test_rows_files_and_bytes_are_those_of_the_export(published):
    for snapshot_type, run in ((FULL, published.full), (INCREMENTAL, published.incremental)):
        for topic in published.truth(snapshot_type, DAY).topics:
            if topic.configured:
                event = run.event(topic.topic.removeprefix("db.").replace(".", "/", 1), DAY)
                shown = [event.metadata[name].value for name in ("rows", "input_files", "decoded_bytes")]
                assert shown == [topic.rows, topic.files, topic.decoded_bytes]
                assert event.metadata["input_bytes"].value >= topic.input_bytes
                assert event.metadata["quarantined_rows"].value == 0


def test_a_configured_collection_without_files_is_an_empty_partition(published):
    event = published.full.event("core/emptyThings", DAY)
    assert (event.metadata["rows"].value, event.metadata["input_files"].value) == (0, 0)


def test_the_fingerprint_is_the_data_version_and_the_configuration_the_code_version(published, events):
    for snapshot_type, event in events:
        config_hash = published.world.collection(pair(event)[0], snapshot_type).config_hash
        assert event.tags["dagster/data_version"] == event.metadata["fingerprint"].value
        assert event.tags["dagster/code_version"] == config_hash


def test_the_location_is_what_the_catalog_points_at(published):
    for event in published.full.materializations:
        pointer = _main_pointer(published.world, FULL, event)
        assert (event.metadata["location"].value, event.metadata["attempt"].value) == (pointer.location, pointer.attempt)


def test_the_log_is_there_where_event_and_check_say(published):
    for run in (published.full, published.incremental):
        for event in (*run.materializations, *run.checks):
            assert "published, " in Path(event.metadata["log"].value).read_text()


def test_only_collections_without_personal_data_are_previewed(published, events):
    shown = {pair(event)[0] for _, event in events if "preview" in event.metadata}
    assert shown == {"quartz/claimantEvent", *(f"transport/{name}" for name in ("flights", "airports", "planes"))} | {
        "transport/weather",
        "transport/airlines",
    }
    assert all(
        published.world.collection(pair(event)[0], snapshot_type).config.tags["pii"] == "false"
        for snapshot_type, event in events
        if "preview" in event.metadata
    )


def test_a_preview_is_a_small_table(published):
    preview = published.full.event("transport/airlines", DAY).metadata["preview"]
    assert isinstance(preview, MarkdownMetadataValue)
    header, *rows = [line for line in preview.value.splitlines() if "---" not in line]
    assert header.startswith("| id | record_timestamp | created | removed | record | carrier | name")
    assert 0 < len(rows) <= 5


def test_every_check_tells_its_evidence_as_a_table(published):
    for check in (*published.full.checks, *published.incremental.checks):
        evidence = check.metadata["evidence"]
        assert isinstance(evidence, TableMetadataValue)
        assert all(record.data["passed"] for record in evidence.records)
        assert check.partition


def test_the_evidence_names_what_was_compared(published):
    evidence = published.full.check("core/statement", DAYS[1]).metadata["evidence"]
    looked_at = {record.data["check"] for record in evidence.records}
    assert looked_at >= {"manifest", "ids", "slices", "quarantine", "rows"}


def test_the_log_says_how_long_each_collection_took(published):
    lines = [entry.message for entry in published.full.entries()]
    for name in published.world.names(FULL):
        assert sum(line.startswith(f"time taken for {name}: ") for line in lines) == len(DAYS)
    assert sum(line.startswith("time taken for all: ") for line in lines) == 1


def test_the_log_names_what_is_exported_and_not_configured(published):
    lines = [entry.message for entry in published.full.entries()]
    assert "topic db.unlisted.thing is exported but not configured: left alone" in lines
    assert sum("is no data file of an export: left alone" in line for line in lines) == len(DAYS)


def test_one_key_is_asked_for_once_in_a_run(published):
    (said,) = [entry.message for entry in published.full.entries() if entry.message.startswith("time taken for all")]
    assert said.endswith("1 key service calls)")
