"""`dataworks quarantine` shows what could not be decoded, and nothing else holds it."""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dataworks_assets.cli import quarantine as command
from dataworks_assets.config.naming import quarantine_table
from spark.errors import ConfigurationError
from spark.publish.catalog import Pointer, TableDefinition

DAY = "2026-11-20"
LONG = b'{"name":"' + b"x" * 2000 + b'"'


@pytest.fixture
def lines(bench):
    """Two refused lines of a day."""
    location = f"memory://dataworks-output/q/{DAY}/a1"
    table = pa.table(
        {
            "file": ["s3://in/day/db.core.toDo-000-256-000001.txt.gz.enc"] * 2,
            "line": pa.array([7, 9], pa.int64()),
            "reason": ["not JSON", "no id"],
            "raw": pa.array([LONG, b"\xff\x00{}"], pa.binary()),
        }
    )
    body = io.BytesIO()
    pq.write_table(table, body)
    bench.lake.store.put(f"{location}/part-0.parquet", body.getvalue())
    bench.lake.store.put(f"{location}/_manifest.json", b"{}")
    main = bench.collection("core/toDo").job.tables[0]
    name = quarantine_table(main)
    catalog = bench.lake.catalog
    catalog.ensure_database(main.database, location_uri="memory://dataworks-output")
    catalog.ensure_table(TableDefinition(main.database, name, (), "export_date"))
    catalog.switch(main.database, name, [Pointer(DAY, location, "a1", "f", 1, "run-1", 2, "c", "2026-11-21T00:00:00")])


def test_file_line_and_reason_are_shown(bench, lines):
    shown = bench("quarantine", "core/toDo", "--partition", DAY)
    assert all(text in shown for text in ("db.core.toDo-000-256-000001", "7", "not JSON", "no id", "2 lines of 2"))


def test_a_long_line_is_cut(bench, lines):
    shown = bench("quarantine", "core/toDo", "--partition", DAY)
    assert "…" in shown
    assert shown.count("x") < 500


def test_bytes_that_are_no_text_are_shown_harmlessly(bench, lines):
    assert "\x00" not in bench("quarantine", "core/toDo", "--partition", DAY)


def test_raw_writes_the_lines_as_they_were(bench, lines):
    from typer.testing import CliRunner

    from dataworks_assets.cli.main import app

    arguments = ["quarantine", "core/toDo", "--partition", DAY, "--raw"]
    assert CliRunner().invoke(app, arguments, obj=bench.workplace).stdout_bytes == LONG + b"\n\xff\x00{}\n"


def test_no_more_lines_are_shown_than_asked_for(bench, lines):
    assert len(bench.json("quarantine", "core/toDo", "--partition", DAY, "--max-rows", "1")) == 1


def test_without_a_day_the_days_are_listed(bench, lines):
    assert bench.json("quarantine", "core/toDo") == {DAY: 2}


def test_a_day_without_any_says_so(bench, lines):
    assert "Nothing of core/toDo on 2026-11-19" in bench("quarantine", "core/toDo", "-D", "2026-11-19")


def test_a_collection_without_any_says_so(bench):
    assert "Nothing of adg_full/core/toDo is quarantined" in bench("quarantine", "core/toDo")


def test_an_unknown_collection_is_refused(bench):
    with pytest.raises(ConfigurationError):
        bench("quarantine", "core/tooDo")


def test_the_table_is_the_one_that_jobs_fill(bench):
    from spark.publish.tables import quarantine_name

    job = bench.collection("core/toDo").job
    assert quarantine_table(job.tables[0]) == quarantine_name(job.tables[0])
    assert command.quarantined_days(bench.workplace, bench.collection("core/toDo")) == {}
